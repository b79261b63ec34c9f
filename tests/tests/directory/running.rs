//! A running loop over one domain of the laboratory, with a roster that the test gives it.

use crate::support::server;
use sendgate_coordinator::clock::{Clock, Machine};
use sendgate_coordinator::driver::{AgentMessage, Driver, Handle, Message, Parts};
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_coordinator::threads::Pool;
use sendgate_core::coverage::VerdictKind;
use sendgate_core::coverage::placement::{PlannedGrant, Reach};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::estate::{Roster, RosterDigest};
use sendgate_core::ledger::{Effect, Entry, Ledger, Milestone, Outcome, Sequence, Stamped};
use sendgate_core::names::{AccountName, DirectoryName, DomainName};
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, ProtectionPolicy, Switch,
    Waits,
};
use sendgate_core::spec::Windows;
use sendgate_tests::lab::{Account, Domain, User};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A whole turn of replication, survey and write takes seconds; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a condition.
const EVERY: Duration = Duration::from_millis(100);

/// Waits until it holds.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(EVERY).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {PATIENCE:?}: {what}");
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A loop, until it is dropped.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    domain: DomainName,
    account: AccountName,
    journal: Arc<MemoryJournal>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Speaks to every server of the domain as `speaker`; grants go to the first.
    pub(crate) async fn start(domain: &Domain, speaker: &Account, users: &[&User], grants: GrantMode) -> Self {
        let account: AccountName = name(&format!("{}@{}", domain.goodadmin.name, domain.name));
        let mut servers: Vec<_> = (0..domain.servers.len()).map(|at| server(domain, at, speaker)).collect();
        for server in &mut servers {
            // Short, so that a server that is cut off is noticed while the test waits.
            server.timeouts.operation = Duration::from_secs(5);
        }
        let policy = policy(domain, &account, grants);
        let journal = Arc::new(MemoryJournal::new());
        let parts = Parts {
            policy: Arc::new(policy),
            directory: Arc::new(BTreeMap::from([(name(&domain.name), servers)])),
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            threads: Arc::new(Pool),
            clock: Clock::resume(None, Box::new(Machine)),
            ledger: Ledger::default(),
            fresh_mark: 7,
        };
        let (driver, handle) = Driver::start(parts).await.unwrap();
        let task = tokio::spawn(async move { driver.run().await.unwrap() });
        let users = users.iter().map(|user| (name(&user.name), name(&user.mail))).collect();
        let roster = Roster { digest: RosterDigest([1; 32]), users };
        let message = Message::Agent(name("gl"), AgentMessage::Roster(name("gl"), roster));
        handle.send(message).await.unwrap();
        Self { handle, domain: name(&domain.name), account, journal, task }
    }

    /// What the user is, as the estate has it; nothing while he has not been seen.
    pub(crate) async fn kind(&self, user: &User) -> Option<VerdictKind> {
        let (domain, account, user) = (self.domain.clone(), self.account.clone(), name::<DirectoryName>(&user.mail));
        let kind = self.handle.look(move |world, _| match world.estate.domains.get(&domain)?.users.get(&user)? {
            Presence::Here(here) => here.verdicts.get(&account).map(|verdict| verdict.kind),
            _ => None,
        });
        kind.await.unwrap()
    }

    /// Why nothing is granted.
    pub(crate) async fn blocked(&self) -> Vec<String> {
        let blocked = |plan: &sendgate_core::plan::Plan| {
            plan.grants.values().flatten().map(ToString::to_string).collect::<Vec<_>>()
        };
        self.handle.look(move |_, plan| blocked(plan)).await.unwrap()
    }

    /// The grants that the picture proposes.
    pub(crate) async fn proposed(&self) -> Vec<PlannedGrant> {
        let all = |world: sendgate_core::gate::World<'_>| {
            world.estate.domains.values().flat_map(|picture| picture.grants.clone()).collect()
        };
        self.handle.look(move |world, _| all(world)).await.unwrap()
    }

    fn stamped(&self) -> Vec<Stamped> {
        let records = self.journal.read(Sequence::FIRST, 10_000).unwrap();
        records.iter().map(|record| serde_json::from_slice(&record.payload).unwrap()).collect()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.stamped().into_iter().map(|stamped| stamped.entry).collect()
    }

    pub(crate) fn milestones(&self) -> Vec<Milestone> {
        let entries = self.entries().into_iter();
        entries
            .filter_map(|entry| if let Entry::Milestone(milestone) = entry { Some(milestone) } else { None })
            .collect()
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Milestone) -> bool) -> bool {
        self.milestones().iter().any(wanted)
    }

    /// What was done, in order.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let entries = self.entries().into_iter();
        entries.filter_map(|entry| if let Entry::Intent { effect } = entry { Some(effect) } else { None }).collect()
    }

    /// How it ended, in order.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let entries = self.entries().into_iter();
        entries
            .filter_map(|entry| if let Entry::Outcome { outcome, .. } = entry { Some(outcome) } else { None })
            .collect()
    }

    /// How many effects have ended.
    pub(crate) async fn ended(&self) -> usize {
        self.outcomes().len()
    }

    /// The number of the last grant.
    pub(crate) fn last_grant(&self) -> Sequence {
        let entries = (1_u64..).zip(self.entries());
        let grants = entries.filter(|(_, entry)| matches!(entry, Entry::Intent { effect: Effect::Grant(_) }));
        Sequence(grants.last().unwrap().0)
    }
}

fn policy(domain: &Domain, account: &AccountName, grants: GrantMode) -> Policy {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let exchange = domain.exchange_servers.iter().map(|server| {
        (
            name(server),
            ExchangePolicy { hosts: vec![name(server)], domain: Some(name(&domain.name)), tags: BTreeSet::new() },
        )
    });
    let exchange: BTreeMap<_, _> = exchange.collect();
    let goodlink = GoodLinkPolicy {
        host: name("gl"),
        service_account: account.clone(),
        domains: [name(&domain.name)].into(),
        exchange: exchange.keys().cloned().collect(),
        stands_in: BTreeSet::new(),
    };
    Policy {
        domains: [(
            name(&domain.name),
            DomainPolicy {
                netbios: domain.netbios.to_lowercase(),
                servers: domain.servers.iter().map(|server| name(&server.name)).collect(),
                grant_server: name(&domain.servers[0].name),
                grants,
                reach: Reach::Ous,
                protection: ProtectionPolicy::default(),
            },
        )]
        .into(),
        hosts: exchange
            .keys()
            .map(|server| (name(server.as_str()), name(server.as_str())))
            .chain([(name("gl"), name("gl"))])
            .collect(),
        exchange,
        goodlink: [(name("gl"), goodlink)].into(),
        enforcement: EnforcementTable::built_in(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: minutes(15),
            evidence_age: minutes(30),
            watch_age: minutes(30),
            heartbeat: minutes(1),
            silent_after: minutes(5),
        },
        scope: GateScope::Domain,
        disruption: NonZeroU32::MIN.into(),
        restart_windows: Windows::AnyTime,
        goodlink_restart: Switch::Off,
        act_deadline: minutes(60),
        soak: minutes(15),
        laboratory: true,
    }
}
