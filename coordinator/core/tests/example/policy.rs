//! What the example's estate is configured as.

use super::{minutes, name};
use sendgate_core::coverage::placement::Reach;
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, ProtectionPolicy, Switch,
    Waits,
};
use sendgate_core::spec::Windows;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

pub(crate) fn policy() -> Policy {
    Policy {
        domains: [(
            name("a.example.test"),
            DomainPolicy {
                netbios: "adom".into(),
                servers: [name("a1"), name("a2")].into(),
                grant_server: name("a1"),
                grants: GrantMode::Apply,
                reach: Reach::Domain,
                protection: ProtectionPolicy::default(),
            },
        )]
        .into(),
        exchange: ["exa1", "exa2"]
            .map(|server| {
                (name(server), ExchangePolicy { hosts: vec![name(server)], domain: None, tags: BTreeSet::new() })
            })
            .into(),
        goodlink: [(
            name("gla"),
            GoodLinkPolicy {
                host: name("gla"),
                service_account: name("goodadmin@a.example.test"),
                domains: [name("a.example.test")].into(),
                exchange: [name("exa1"), name("exa2")].into(),
                stands_in: BTreeSet::new(),
            },
        )]
        .into(),
        hosts: ["exa1", "exa2", "gla"].map(|host| (name(host), name(host))).into(),
        enforcement: EnforcementTable::default(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: minutes(15),
            evidence_age: minutes(30),
            watch_age: minutes(30),
            heartbeat: Duration::from_secs(30),
            silent_after: minutes(2),
        },
        scope: GateScope::Domain,
        disruption: NonZeroU32::MIN.into(),
        goodlink_restart: Switch::On,
        restart_windows: Windows::AnyTime,
        act_deadline: minutes(60),
        soak: minutes(15),
        laboratory: false,
    }
}
