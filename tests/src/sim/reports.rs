//! What agents see of simulated hosts, and report.

use super::Sim;
use super::ailing::{Ail, drops};
use super::estate::EXCHANGE;
use super::hosts::Host;
use super::world::World;
use sendgate_agent::machine::Later;
use sendgate_agent::probe::Probe;
use sendgate_agent::probe::roster::Roster;
use sendgate_proto::v1::{self as wire, paused_user, service, store_mounted, store_version};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How many users there were and are, and whether the roster is halved or empty.
type Basis = ((usize, usize), bool, bool);

/// Looks at a simulated host.
pub(super) struct SimProbe {
    pub(super) sim: Arc<Sim>,
    pub(super) host: &'static str,
    /// The roster as it was last read, and what it depends on.
    pub(super) roster: Option<(Basis, Arc<Roster>)>,
}

impl Probe for SimProbe {
    fn probe(&mut self) -> Later<'_, (wire::HostReport, Option<Arc<Roster>>)> {
        Box::pin(async move {
            let takes = self.sim.chance(|chance| chance.between(Duration::from_millis(10), Duration::from_millis(900)));
            tokio::time::sleep(takes).await;
            let (now, host) = (self.sim.now(), self.sim.world(|world| world.hosts[self.host].clone()));
            if EXCHANGE.iter().any(|(_, hosts)| hosts.contains(&self.host)) {
                return (
                    wire::HostReport { host: self.host.into(), exchange: Some(exchange(now, &host)), goodlink: None },
                    None,
                );
            }
            let roster = (!host.has(now, Ail::RosterUnread)).then(|| self.read(now, &host));
            let reference = match &roster {
                Some(roster) => wire::RosterReference {
                    sha256: roster.sha256().to_vec(),
                    users: u32::try_from(roster.users().len()).unwrap_or(u32::MAX),
                    error: None,
                },
                None => wire::RosterReference { error: Some("its export is locked".into()), ..Default::default() },
            };
            let netbios = if self.host == "gla" { "ADOM" } else { "BDOM" };
            let account = if host.has(now, Ail::OtherAccount) { "otheradmin" } else { "goodadmin" };
            let report = wire::GoodLinkReport {
                service: Some(service(now, &host, &format!("{netbios}\\{account}"))),
                roster: Some(reference),
                paused: Some(paused(now, &host)),
            };
            (wire::HostReport { host: self.host.into(), exchange: None, goodlink: Some(report) }, roster)
        })
    }
}

impl SimProbe {
    fn read(&mut self, now: Duration, host: &Host) -> Arc<Roster> {
        let (halved, empty) = (host.has(now, Ail::RosterHalved), host.has(now, Ail::RosterEmpty));
        let there = |world: &mut World| world.users.values().filter(|user| user.left.is_none()).count();
        let hired = self.sim.world(|world| (world.users.len(), there(world)));
        let basis = (hired, halved, empty);
        if let Some((known, roster)) = &self.roster
            && *known == basis
        {
            return Arc::clone(roster);
        }
        let listed: BTreeSet<String> = self.sim.world(|world| {
            let users = world.users.iter().filter(|(_, user)| user.goodlink == self.host);
            let users = users.filter(|(_, user)| user.left.is_none() && !(empty || halved && drops(user.number)));
            users.map(|(called, _)| called.clone()).collect()
        });
        let lines = listed.iter().map(|called| format!("{},{called},\n", called.split('@').next().unwrap_or_default()));
        let text = format!("name,directory_name,server\n{}", lines.collect::<String>());
        let read = Roster::parse(Path::new("/sim/roster.csv"), text.as_bytes());
        let roster = Arc::new(read.expect("the simulation's rosters are ones"));
        self.sim.world(|world| world.rosters.insert(roster.sha256().to_vec(), listed));
        self.roster = Some((basis, Arc::clone(&roster)));
        roster
    }
}

fn milliseconds(at: Duration) -> i64 {
    super::EPOCH_MS + i64::try_from(at.as_millis()).unwrap_or(0)
}

fn service(now: Duration, host: &Host, account: &str) -> wire::Service {
    if host.has(now, Ail::ServiceUnasked) {
        return wire::Service { error: Some("the service manager does not answer".into()), ..Default::default() };
    }
    let down = host.down || host.passive || host.has(now, Ail::Stopped);
    let state = if down { service::State::Stopped } else { service::State::Running };
    wire::Service {
        name: "service".into(),
        state: state.into(),
        logon_account: account.into(),
        started_at_ms: (!down).then(|| milliseconds(host.started)),
        error: None,
    }
}

fn exchange(now: Duration, host: &Host) -> wire::ExchangeReport {
    let version = match host.version {
        Some(_) if host.has(now, Ail::VersionUnread) => store_version::Result::Error("store.exe is in use".into()),
        None => store_version::Result::Error("there is no store".into()),
        Some(version) => store_version::Result::Version(wire::Version {
            major: version.major.into(),
            minor: version.minor.into(),
            build: version.build.into(),
            revision: version.revision.into(),
        }),
    };
    let mounted = if host.has(now, Ail::MountUnasked) {
        store_mounted::Result::Error("the program did not end".into())
    } else {
        store_mounted::Result::Mounted(host.serves(now))
    };
    wire::ExchangeReport {
        store_version: Some(wire::StoreVersion { result: Some(version) }),
        patches: Some(wire::Patches::default()),
        store_service: Some(service(now, host, "LocalSystem")),
        store_mounted: Some(wire::StoreMounted { result: Some(mounted) }),
    }
}

fn paused(now: Duration, host: &Host) -> wire::Paused {
    if host.has(now, Ail::PausesUnread) {
        return wire::Paused { users: Vec::new(), error: Some("the log is locked".into()) };
    }
    let users = host.paused.iter().map(|(called, (first, last, count))| wire::PausedUser {
        name: called.split('@').next().unwrap_or_default().into(),
        hresult: -2_147_024_891,
        cause: paused_user::Cause::SendAs.into(),
        first_ms: milliseconds(*first),
        last_ms: milliseconds(*last),
        count: *count,
    });
    wire::Paused { users: users.collect(), error: None }
}
