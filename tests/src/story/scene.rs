//! The estate before anything is done about it.

use super::{Teller, gates};
use crate::system::{GrantMode, System, SystemError, wait};
use sendgate_core::view::{CoverageView, GateView, GrantsView, HostsView, StatusView};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the first reports, pauses and surveys may take on a busy machine.
const FIRST: Duration = Duration::from_secs(60);

pub(super) fn introduce(teller: &Teller, system: &System) {
    let waits = &system.plan.waits;
    let seconds = |wait: Duration| format!("{} s", wait.as_secs_f64());
    teller.chapter("The laboratory's clock runs 300 times as fast: a minute of the field takes 0.2 s");
    teller.say(&format!(
        "second look after 65 min: {}; GoodLink restart after 70 min: {}; settled after 90 min: {}; failed after 130 min: {}",
        seconds(waits.second_look),
        seconds(waits.restart),
        seconds(waits.settled),
        seconds(waits.failed)
    ));
}

/// Starts the hosts, and waits for the breach to show: users paused on the server that was hotfixed already.
pub(super) fn hosts(teller: &Teller, system: &mut System) -> Result<(), SystemError> {
    teller.chapter("Hosts");
    system.start_hosts()?;
    for domain in &system.plan.domains {
        for store in &domain.stores {
            let (a, b, c, d) = store.version;
            teller.say(&format!("{}: Exchange server {}, store.exe {a}.{b}.{c}.{d}", store.host, store.server));
        }
        let goodlink = &domain.goodlink;
        teller.say(&format!("{}: GoodLink server {}, {} users", goodlink.host, goodlink.name, goodlink.roster.len()));
    }
    let breached = breached(system);
    wait::until("the pauses on the server that was hotfixed already", FIRST, || {
        let paused = paused(system, "glb")?;
        let missing = breached.difference(&paused).count();
        if missing == 0 { Ok(()) } else { Err(format!("{missing} of {} users still send", breached.len())) }
    })?;
    teller.say(&format!(
        "EXB2 was hotfixed by somebody else: GoodLink has paused all {} users whose mailbox is there",
        breached.len()
    ));
    Ok(())
}

/// Users whose mailbox is on a server that enforces from the beginning.
fn breached(system: &System) -> BTreeSet<String> {
    let users = system.plan.domains.iter().flat_map(|domain| {
        let enforcing = |server: &String| {
            domain.stores.iter().any(|store| store.server == *server && store.version == crate::system::HOTFIX)
        };
        domain.goodlink.roster.iter().filter(move |user| enforcing(&user.server)).map(|user| user.name.clone())
    });
    users.collect()
}

/// Whom GoodLink itself says it has paused.
pub(super) fn paused(system: &System, host: &str) -> Result<BTreeSet<String>, String> {
    #[derive(serde::Deserialize)]
    struct Paused {
        paused: BTreeSet<String>,
    }
    let file = system.layout.host(host).join("paused.json");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str::<Paused>(&text).map(|read| read.paused).map_err(|error| error.to_string())
}

/// The coordinator looks and advises: nothing is written anywhere.
pub(super) fn advice(teller: &Teller, system: &mut System) -> Result<(), SystemError> {
    teller.chapter("The coordinator looks; grants.mode is \"advise\", so nothing is written");
    system.set_grants(GrantMode::Advise)?;
    system.start_agents()?;
    system.start_coordinator()?;
    let names = domains(system)?;
    surveyed(system)?;
    for name in &names {
        let coverage: CoverageView = system.view(&["coverage", name])?;
        teller.say(&format!("coverage of {name} before: {}", coverage.triage));
        for (group, users) in &coverage.groups {
            teller.say(&format!("  {users:>4} {group}"));
        }
        teller.say(&gates::lines(&system.view::<GateView>(&["gate", "check", name])?));
    }
    let status: StatusView = system.view(&["status"])?;
    for breach in &status.breaches {
        teller.say(&format!(
            "breach: {} enforces Send As and serves {} users who are not covered: to be remedied, not gated",
            breach.server, breach.users
        ));
    }
    let grants: GrantsView = system.view(&["grants"])?;
    for line in &grants.proposed {
        let command = line.advice.dsacls.as_ref().unwrap_or(&line.advice.powershell);
        teller.say(&format!("proposed: {}\n  a directory team would run: {}", line.grant, command));
    }
    Ok(())
}

/// Waits until every domain has been surveyed and every host has reported.
pub(super) fn surveyed(system: &System) -> Result<(), SystemError> {
    let names = domains(system)?;
    wait::until("the first survey of every domain", FIRST, || {
        for name in &names {
            let coverage: CoverageView = system.view(&["coverage", name]).map_err(|error| error.to_string())?;
            let gate: GateView = system.view(&["gate", "check", name]).map_err(|error| error.to_string())?;
            if coverage.users.is_empty() || gate.reasons.iter().any(|line| line.reason.is_unknown()) {
                return Err(format!("{name}: {}", gates::lines(&gate)));
            }
        }
        let hosts: HostsView = system.view(&["hosts"]).map_err(|error| error.to_string())?;
        let silent: Vec<_> = hosts.hosts.iter().filter(|host| host.store.is_none() && host.paused.is_none()).collect();
        if silent.is_empty() { Ok(()) } else { Err(format!("{} hosts have not reported", silent.len())) }
    })
}

/// The names of the planned domains.
pub(super) fn domains(system: &System) -> Result<Vec<String>, SystemError> {
    let names = system.plan.domains.iter().map(|domain| Ok(system.lab.domain(&domain.letter)?.name.clone()));
    names.collect()
}
