//! What is configured: two domains with two directory servers each, an Exchange cluster of two nodes and a single server,
//! two GoodLink servers of which one serves both domains, and an agent for each host.

use super::chance::Chance;
use sendgate_agent::config::AgentConfig;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, ProtectionPolicy, Switch,
    Waits,
};
use sendgate_core::spec::Windows;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The package's bytes, and their SHA-256.
const PACKAGE: &[u8] = b"hotfix";
pub(super) const PACKAGE_SHA256: [u8; 32] = [
    0xed, 0xa6, 0x60, 0xb8, 0x6a, 0x32, 0x36, 0x82, 0xa6, 0x64, 0xb4, 0x6a, 0x9d, 0x7d, 0x38, 0xaa, 0xb3, 0x17, 0x86,
    0xf8, 0x49, 0x9d, 0x86, 0x75, 0x3b, 0x33, 0x9d, 0x18, 0x90, 0xcf, 0x51, 0x1c,
];
/// The version that the package leaves behind.
pub(super) const TARGET: &str = "6.5.7653.33";

pub(super) const DOMAINS: [&str; 2] = ["a.example.test", "b.example.test"];
pub(super) const SERVERS: [(&str, &str); 4] =
    [("a1", DOMAINS[0]), ("a2", DOMAINS[0]), ("b1", DOMAINS[1]), ("b2", DOMAINS[1])];
/// Exchange servers with their hosts.
pub(super) const EXCHANGE: [(&str, &[&str]); 2] = [("exa", &["exa1", "exa2"]), ("exb", &["exb1"])];
/// GoodLink servers, which are called as their hosts, with the domain of their account.
pub(super) const GOODLINK: [(&str, &str); 2] = [("gla", DOMAINS[0]), ("glb", DOMAINS[1])];
pub(super) const HOSTS: [&str; 5] = ["exa1", "exa2", "exb1", "gla", "glb"];

const MINUTE: Duration = Duration::from_secs(60);

/// Evidence older than this is none.
pub(super) const WATCH_AGE: Duration = Duration::from_secs(6 * 60);
/// A host that says nothing for longer is silent.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);

/// A name that is one.
pub(super) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("the simulation's names are names")
}

/// What is wanted; the field's waits, and chance decides what an operator may choose.
pub(super) fn policy(chance: &mut Chance) -> Policy {
    let grants = if chance.percent(75) { GrantMode::Apply } else { GrantMode::Advise };
    let domain = |at: usize, netbios: &str| {
        let servers: Vec<&str> =
            SERVERS.iter().filter(|(_, domain)| *domain == DOMAINS[at]).map(|(name, _)| *name).collect();
        let policy = DomainPolicy {
            netbios: netbios.into(),
            servers: servers.iter().map(|server| name(server)).collect(),
            grant_server: name(servers[0]),
            grants,
            reach: Reach::Domain,
            protection: ProtectionPolicy::default(),
        };
        (name(DOMAINS[at]), policy)
    };
    let goodlink = |host: &str, domain: &str, domains: &[&str], exchange: &[&str]| {
        let policy = GoodLinkPolicy {
            host: name(host),
            service_account: name(&format!("goodadmin@{domain}")),
            domains: domains.iter().map(|domain| name(domain)).collect(),
            exchange: exchange.iter().map(|server| name(server)).collect(),
            stands_in: BTreeSet::new(),
        };
        (name(host), policy)
    };
    Policy {
        domains: [domain(0, "adom"), domain(1, "bdom")].into(),
        exchange: EXCHANGE
            .iter()
            .map(|(server, hosts)| {
                let domain = if *server == "exa" { DOMAINS[0] } else { DOMAINS[1] };
                let hosts = hosts.iter().map(|host| name(host)).collect();
                (name(server), ExchangePolicy { hosts, domain: Some(name(domain)), tags: BTreeSet::new() })
            })
            .collect(),
        goodlink: [
            goodlink("gla", DOMAINS[0], &[DOMAINS[0]], &["exa", "exb"]),
            goodlink("glb", DOMAINS[1], &DOMAINS, &["exb"]),
        ]
        .into(),
        hosts: HOSTS.iter().map(|host| (name(host), name(host))).collect(),
        enforcement: EnforcementTable::built_in(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: 15 * MINUTE,
            evidence_age: 30 * MINUTE,
            watch_age: WATCH_AGE,
            heartbeat: 9 * MINUTE,
            silent_after: SILENT_AFTER,
        },
        scope: if chance.percent(50) { GateScope::Domain } else { GateScope::Mailboxes },
        disruption: NonZeroU32::MIN.saturating_add(u32::try_from(chance.below(2)).unwrap_or(0)).into(),
        restart_windows: Windows::AnyTime,
        goodlink_restart: if chance.percent(70) { Switch::On } else { Switch::Off },
        act_deadline: 75 * MINUTE,
        soak: 15 * MINUTE,
        laboratory: false,
    }
}

/// What is the same for every seed, and made once.
#[derive(Debug)]
pub struct Premises {
    package: PathBuf,
    agents: BTreeMap<&'static str, Arc<AgentConfig>>,
}

impl Premises {
    /// Writes the package as a file, which every agent hashes, and reads the agents' configurations.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(folder: &Path) -> std::io::Result<Arc<Self>> {
        let package = folder.join(format!("sendgate-sim-package-{}", std::process::id()));
        std::fs::write(&package, PACKAGE)?;
        let agents = HOSTS.iter().map(|host| (*host, Arc::new(agent(host, &package)))).collect();
        Ok(Arc::new(Self { package, agents }))
    }

    /// The configuration of a host's agent.
    pub(super) fn agent(&self, host: &str) -> Arc<AgentConfig> {
        Arc::clone(&self.agents[host])
    }
}

impl Drop for Premises {
    fn drop(&mut self) {
        // The next run writes it anew.
        let _ = std::fs::remove_file(&self.package);
    }
}

/// An agent's configuration, as the agent itself reads it. Its programs are never run: the simulation runs acts.
fn agent(host: &str, package: &Path) -> AgentConfig {
    let roles = if GOODLINK.iter().any(|(goodlink, _)| *goodlink == host) {
        "[hosts.goodlink]\nservice = \"GL\"\nroster = \"/sim/roster.csv\"\n\
         programs = { status = \"look\", stop = \"look\", start = \"look\", test_send = { exa = \"send\", exb = \"send\" } }\n\
         [hosts.goodlink.log]\nfile = \"/sim/good.log\"\n"
    } else {
        "[hosts.exchange]\nstore_exe = \"/sim/store.exe\"\nservice = \"IS\"\n\
         programs = { status = \"look\", mounted = \"look\", patches = \"look\", install = \"install\", \
         remove = \"remove\" }\n"
    };
    let text = format!(
        "agent = \"{host}\"\nstate = \"/sim/{host}\"\nreport_interval = \"120s\"\n\
         [coordinator]\naddress = \"coordinator:1\"\ntls_name = \"coordinator\"\nca = \"/sim/ca\"\n\
         certificate = \"/sim/certificate\"\nkey = \"/sim/key\"\n\
         [programs.look]\nprogram = \"/sim/look\"\n\
         [programs.send]\nprogram = \"/sim/send\"\n\
         [programs.install]\nprogram = \"/sim/install\"\narguments = [\"{{package_file}}\"]\n\
         [programs.remove]\nprogram = \"/sim/remove\"\narguments = [\"{{package}}\"]\n\
         [[packages]]\nname = \"kb926666\"\nfile = \"{}\"\n[[hosts]]\nname = \"{host}\"\n{roles}",
        package.display()
    );
    AgentConfig::parse(Path::new("/sim/agent.toml"), &text).expect("the simulation's configuration is one")
}
