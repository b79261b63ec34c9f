//! The final table, and the final state read by means that are not Sendgate's.

use super::{Teller, rollout};
use crate::lab::Lab;
use crate::system::{Layout, System, SystemError};
use sendgate_core::view::{DomainsView, GateState, HostsView, StatusView};
use std::path::PathBuf;

fn reader() -> PathBuf {
    Lab::programs().join("final_state")
}

/// What the directory's entries are before anything is done: the independent reader's own file.
pub(super) fn remember(system: &System) -> Result<PathBuf, SystemError> {
    let before = system.layout.dir.join("entries-before.json");
    let lab = Layout::text(&system.lab.description.dir.join("lab.json"));
    system.run(&reader(), &["remember", &lab, &Layout::text(&before)])?.good()?;
    Ok(before)
}

/// Hosts, domains and waivers as the operator sees them at the end.
pub(super) fn table(teller: &Teller, system: &System) -> Result<(), SystemError> {
    teller.chapter("At the end");
    let hosts: HostsView = system.view(&["hosts"])?;
    teller.raw(&format!("{:<6} {:<9} {:<13} {:<56} paused", "host", "server", "store.exe", "enforces Send As"));
    for host in &hosts.hosts {
        let server = host.exchange.as_deref().or(host.goodlink.as_deref()).unwrap_or("-");
        let store =
            host.store.as_ref().map_or("-", |store| store.as_ref().map_or_else(|why| why.as_str(), String::as_str));
        let paused = host.paused.as_ref().map_or_else(
            || "-".to_owned(),
            |paused| match paused {
                Ok((send_as, other)) => format!("{send_as} by Send As, {other} otherwise"),
                Err(why) => why.clone(),
            },
        );
        let (name, enforces) = (host.host.to_string(), host.enforces.as_deref().unwrap_or("-"));
        teller.raw(&format!("{name:<6} {server:<9} {store:<13} {enforces:<56} {paused}"));
    }
    let domains: DomainsView = system.view(&["domains"])?;
    for domain in &domains.domains {
        let gate = if domain.gate == GateState::Open { "open" } else { "closed" };
        let users: Vec<_> = domain.users.iter().map(|(word, count)| format!("{count} {word}")).collect();
        teller.raw(&format!("domain {}: gate {gate}, {}", domain.domain, users.join(", ")));
    }
    let status: StatusView = system.view(&["status"])?;
    for line in &status.waivers {
        let user = line.waiver.user.to_string();
        let paused = status.paused.iter().find_map(|goodlink| {
            let users = goodlink.users.as_ref().ok()?;
            let (name, state) = users.iter().find(|(name, _)| user.starts_with(&format!("{name}@")))?;
            Some(format!("{name} is paused on {}: {state}", goodlink.goodlink))
        });
        let paused = paused.unwrap_or_else(|| "not paused".to_owned());
        teller.raw(&format!("waived {user} ({}): {paused}", line.waiver.reason));
    }
    Ok(())
}

/// Reads the final state independently; true: it is right.
pub(super) fn check(teller: &Teller, system: &System, before: &std::path::Path) -> Result<bool, SystemError> {
    teller.chapter("The final state, read from the hosts' files and the directory by other means");
    let lab = Layout::text(&system.lab.description.dir.join("lab.json"));
    let run = Layout::text(&system.layout.dir);
    let waived: Vec<&str> = rollout::WAIVED.iter().map(|(user, _)| *user).collect();
    let mut arguments = vec!["check", &lab, &run];
    let before = Layout::text(before);
    arguments.push(&before);
    arguments.extend(waived);
    let output = system.run(&reader(), &arguments)?;
    teller.raw(output.stdout.trim_end());
    if !output.stderr.is_empty() {
        teller.raw(output.stderr.trim_end());
    }
    let verified = system.cli(&["journal", "verify"])?;
    teller.raw(&format!(
        "{} journal verify: {}",
        if verified.code == Some(0) { "ok   " } else { "WRONG" },
        verified.stdout.trim()
    ));
    let right = output.code == Some(0) && verified.code == Some(0);
    let seconds = teller.elapsed().as_secs_f64();
    teller.raw(&format!(
        "\n{} after {seconds:.0} s",
        if right { "The final state is right" } else { "The final state is WRONG" }
    ));
    Ok(right)
}

/// What a person can do with a system that runs on.
pub(super) fn how_to_go_on(teller: &Teller, system: &System) {
    let run = system.layout.dir.display();
    let lab = system.lab.description.dir.display();
    let program = Lab::programs().join("lab");
    let program = program.display();
    teller.raw(&format!(
        "\nEverything runs on. The operator's command, ready to use:\n  {run}/sendgate status\n  {run}/sendgate explain denied1\n\
         \x20 {run}/sendgate gate check a.example.test\n\
         Ending and starting Sendgate's own processes: {run}/process coordinator|exa1|... kill|stop|start\n\
         Directory servers: {program} stop {lab} a2; {program} start {lab} a2\n\
         A program on the laboratory's network: {program} exec {lab} client ldapmodify ...\n\
         To end it: deploy/demo --stop"
    ));
}
