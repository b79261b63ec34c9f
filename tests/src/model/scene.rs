//! The estate that is explored: two domains with two directory servers each, two Exchange hosts, two GoodLink hosts,
//! three users. GoodLink GLA serves both domains, so that users of both are on one host; its service account lacks the
//! right in both.

use crate::rollout_file::RolloutFile;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::estate::{Roster, RosterDigest};
use sendgate_core::names::{
    AccountName, AgentName, DirectoryName, DirectoryServerName, DomainName, ExchangeServerName, GoodLinkName, HostName,
    OperatorName, RosterName,
};
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, ProtectionPolicy, Switch,
    Waits,
};
use sendgate_core::spec::Windows;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// Hosts, by number: two with Exchange, then two with GoodLink.
pub const HOSTS: [&str; 4] = ["exa1", "exb1", "gla", "glb"];
/// How many of them have Exchange.
pub const EXCHANGE: usize = 2;
/// Domains, by number.
pub const DOMAINS: [&str; 2] = ["a.example.test", "b.example.test"];
/// Directory servers of each domain; grants are written to the first.
pub const SERVERS: [[&str; 2]; 2] = [["a1", "a2"], ["b1", "b2"]];
/// The version before and after the hotfix.
pub const BEFORE: &str = "6.5.7638.1";
/// See [`BEFORE`].
pub const AFTER: &str = "6.5.7653.33";
/// The rollout.
pub const ROLLOUT: &str = "dst";
/// E_ACCESSDENIED, as GoodLink logs a Send As pause.
pub const NO_ACCESS: i64 = -2_147_024_891;

/// A user: his name, his domain, his mailbox's server, the GoodLink host that serves him.
pub struct User {
    /// Before the `@`.
    pub name: &'static str,
    /// By number.
    pub domain: usize,
    /// Exchange host by number.
    pub home: usize,
    /// Host of his GoodLink server, by number.
    pub goodlink: usize,
}

/// Users, by number. AdminSDHolder may come to protect the first one.
pub const USERS: [User; 3] = [
    User { name: "anna", domain: 0, home: 0, goodlink: 2 },
    User { name: "bert", domain: 1, home: 0, goodlink: 2 },
    User { name: "carl", domain: 1, home: 1, goodlink: 3 },
];

/// Limits of the policy, in the model's time.
pub const MINUTE: u64 = 60_000;
/// Evidence from a full reading counts this long, in milliseconds.
pub const EVIDENCE_AGE: u64 = 40 * MINUTE;
/// A directory server that is not heard of for longer gives no evidence, in milliseconds.
pub const WATCH_AGE: u64 = 20 * MINUTE;
/// A host that has not reported for longer is silent, in milliseconds.
pub const SILENT_AFTER: u64 = 20 * MINUTE;
/// A permit is good this long from its request, in milliseconds.
pub const PERMIT: u64 = 30_000;

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the names of the scene are well-formed")
}

/// Who asks for whatever people ask for.
pub fn olga() -> OperatorName {
    name("olga")
}

/// Everything of the scene that does not change, read once.
pub struct Scene {
    /// What is wanted.
    pub policy: Policy,
    /// By number.
    pub domains: [DomainName; 2],
    /// By domain and number.
    pub servers: [[DirectoryServerName; 2]; 2],
    /// By number.
    pub hosts: [HostName; 4],
    /// By number.
    pub agents: [AgentName; 4],
    /// By number.
    pub exchange: [ExchangeServerName; 2],
    /// Of hosts 2 and 3.
    pub goodlink: [GoodLinkName; 2],
    /// Of the GoodLink servers.
    pub accounts: [AccountName; 2],
    /// Users as rosters name them.
    pub roster_names: [RosterName; 3],
    /// Users as the directory does.
    pub users: [DirectoryName; 3],
}

impl Scene {
    /// The scene; `at_once` is the rollout's own limit, and the estate's is one.
    #[must_use]
    pub fn new() -> Self {
        let domains = DOMAINS.map(name::<DomainName>);
        let servers = SERVERS.map(|servers| servers.map(name::<DirectoryServerName>));
        let accounts = [name("goodadmin@a.example.test"), name("goodadmin@b.example.test")];
        let users = [0, 1, 2].map(|user| name(&format!("{}@{}", USERS[user].name, DOMAINS[USERS[user].domain])));
        let scene = (domains, servers, accounts, users);
        let policy = policy(&scene.0, &scene.1, &scene.2);
        Self {
            policy,
            domains: scene.0,
            servers: scene.1,
            hosts: HOSTS.map(name),
            agents: HOSTS.map(name),
            exchange: [name(HOSTS[0]), name(HOSTS[1])],
            goodlink: [name(HOSTS[2]), name(HOSTS[3])],
            accounts: scene.2,
            roster_names: [0, 1, 2].map(|user| name(USERS[user].name)),
            users: scene.3,
        }
    }

    /// The roster of a GoodLink host.
    #[must_use]
    pub fn roster(&self, host: usize) -> Roster {
        let here = (0..USERS.len()).filter(|user| USERS[*user].goodlink == host);
        let users = here.map(|user| (self.roster_names[user].clone(), self.users[user].clone())).collect();
        Roster { digest: digest(host), users }
    }

    /// The rollout over both Exchange servers: two at once for its own part, though the estate allows one.
    #[must_use]
    pub fn file(&self) -> String {
        let servers = vec![HOSTS[0].to_owned(), HOSTS[1].to_owned()];
        let mut file = RolloutFile::one_by_one(ROLLOUT, ("kb926666", &"07".repeat(32), AFTER), &[]);
        (file.waves, file.at_once) = (vec![("all".to_owned(), servers)], 2);
        file.text()
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

/// Of the roster of a GoodLink host.
#[must_use]
pub fn digest(host: usize) -> RosterDigest {
    RosterDigest([u8::try_from(host).unwrap_or(u8::MAX); 32])
}

fn policy(domains: &[DomainName; 2], servers: &[[DirectoryServerName; 2]; 2], accounts: &[AccountName; 2]) -> Policy {
    let time = Duration::from_millis;
    let domain = |number: usize, netbios: &str| DomainPolicy {
        netbios: netbios.to_owned(),
        servers: servers[number].iter().cloned().collect(),
        grant_server: servers[number][0].clone(),
        grants: GrantMode::Apply,
        reach: Reach::Ous,
        protection: ProtectionPolicy::default(),
    };
    let exchange = |host: usize| ExchangePolicy {
        hosts: vec![name(HOSTS[host])],
        domain: Some(domains[host].clone()),
        tags: BTreeSet::new(),
    };
    let goodlink = |host: usize, account: usize, domains: &[DomainName], exchange: &[usize]| GoodLinkPolicy {
        host: name(HOSTS[host]),
        service_account: accounts[account].clone(),
        domains: domains.iter().cloned().collect(),
        exchange: exchange.iter().map(|host| name(HOSTS[*host])).collect(),
        stands_in: BTreeSet::new(),
    };
    Policy {
        domains: [(domains[0].clone(), domain(0, "adom")), (domains[1].clone(), domain(1, "bdom"))].into(),
        exchange: [0, 1].map(|host| (name(HOSTS[host]), exchange(host))).into(),
        goodlink: [
            (name(HOSTS[2]), goodlink(2, 0, domains, &[0, 1])),
            (name(HOSTS[3]), goodlink(3, 1, &domains[1..], &[1])),
        ]
        .into(),
        hosts: HOSTS.map(|host| (name(host), name(host))).into(),
        enforcement: EnforcementTable::built_in(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: time(15 * MINUTE),
            evidence_age: time(EVIDENCE_AGE),
            watch_age: time(WATCH_AGE),
            heartbeat: time(10 * MINUTE),
            silent_after: time(SILENT_AFTER),
        },
        scope: GateScope::Domain,
        disruption: NonZeroU32::MIN.into(),
        restart_windows: Windows::AnyTime,
        goodlink_restart: Switch::On,
        act_deadline: time(60 * MINUTE),
        soak: time(15 * MINUTE),
        laboratory: false,
    }
}
