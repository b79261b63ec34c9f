//! What the hosts report and the directory shows, when all is well.

use crate::scene::name;
use sendgate_core::coverage::Touched;
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, Home, MailboxOwner, ServerReading, UserClass,
    UserReading,
};
use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_proto::v1::{self as wire, service, store_mounted, store_version};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) fn running(account: &str) -> wire::Service {
    wire::Service {
        name: "service".into(),
        state: service::State::Running.into(),
        logon_account: account.into(),
        started_at_ms: Some(1),
        error: None,
    }
}

pub(crate) fn exchange() -> wire::HostReport {
    let version = wire::Version { major: 6, minor: 5, build: 7638, revision: 1 };
    let report = wire::ExchangeReport {
        store_version: Some(wire::StoreVersion { result: Some(store_version::Result::Version(version)) }),
        patches: Some(wire::Patches::default()),
        store_service: Some(running("LocalSystem")),
        store_mounted: Some(wire::StoreMounted { result: Some(store_mounted::Result::Mounted(true)) }),
    };
    wire::HostReport { host: "exa1".into(), exchange: Some(report), goodlink: None }
}

pub(crate) fn goodlink() -> wire::HostReport {
    let report = wire::GoodLinkReport {
        service: Some(running("ADOM\\GoodAdmin")),
        roster: Some(wire::RosterReference { sha256: vec![1; 32], users: 1, error: None }),
        paused: Some(wire::Paused::default()),
    };
    wire::HostReport { host: "gla".into(), exchange: None, goodlink: Some(report) }
}

pub(crate) fn reading(started: sendgate_core::time::Steady, anna: &str) -> DomainReading {
    let shown = |sddl| DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl(sddl, None).unwrap()));
    let user = FoundUser {
        dn: "CN=anna,DC=a".into(),
        guid: Guid::SEND_AS,
        sid: name("S-1-5-21-1-2-3-2001"),
        class: UserClass::User,
        descriptor: shown(anna),
        home: Home::Server(name("exa1")),
        protected_by: None,
        admin_count: false,
        owner: MailboxOwner::Itself,
    };
    let account = AccountReading {
        dn: "CN=GoodAdmin,DC=a".into(),
        sid: name("S-1-5-21-1-2-3-1105"),
        everywhere: [name("S-1-5-21-1-2-3-1105")].into(),
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    };
    let server = ServerReading {
        seen: started,
        accounts: [(name("goodadmin@a.example.test"), Ok(account))].into(),
        accounts_awaited: [].into(),
        users: [(name("anna@a.example.test"), UserReading::Found(Arc::new(user)))].into(),
        containers: [("DC=a".into(), shown("D:AI"))].into(),
        head: "DC=a".into(),
        admin_sd_holder: shown("D:P"),
        in_part: Touched::nobody(),
    };
    DomainReading {
        domain: name("a.example.test"),
        started,
        asked: [name("anna@a.example.test")].into(),
        servers: [(name("a1"), Ok(server))].into(),
    }
}
