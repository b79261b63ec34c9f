//! The hotfix is taken off again: in reverse waves, once on each host, whoever dies meanwhile.

use crate::support::{
    A, Must, PATIENCE, Scene, accepted, at_once, closed_by, every_effect_once, finished, host_log, installs, open,
    refused, removals, rollout, shown, state,
};
use sendgate_core::ledger::{Effect, Entry, Sequence, Stamped};
use sendgate_core::view::{HostsView, StatusView};
use sendgate_tests::system::{System, UNPATCHED, wait};
use std::collections::BTreeSet;
use std::time::Duration;

const REMOVE: [&str; 5] = ["rollout", "remove", "spring", "--reason", "users are paused"];

/// Hosts in the order in which the hotfix was to be taken off them.
fn taken_off(journal: &[(Sequence, Stamped)]) -> Vec<String> {
    let removal = journal.iter().filter_map(|(_, stamped)| match &stamped.entry {
        Entry::Intent { effect: Effect::Remove { host, .. } } => Some(host.to_string()),
        _ => None,
    });
    removal.collect()
}

/// Whom GoodLink itself says it has paused.
fn paused(system: &System) -> BTreeSet<String> {
    #[derive(serde::Deserialize)]
    struct Paused {
        paused: BTreeSet<String>,
    }
    let text = std::fs::read_to_string(system.layout.host("gla").join("paused.json")).must();
    serde_json::from_str::<Paused>(&text).must().paused
}

/// Both hosts are as they were: by what they report, and by their own files.
fn as_before(system: &System) {
    let (major, minor, build, revision) = UNPATCHED;
    let version = Some(Ok(format!("{major}.{minor}.{build}.{revision}")));
    let hosts: HostsView = system.view(&["hosts"]).must();
    for line in hosts.hosts.iter().filter(|line| line.exchange.is_some()) {
        assert_eq!(line.store, version, "{}", line.host);
    }
    for host in ["exa1", "exa2"] {
        assert_eq!((installs(system, host), removals(system, host)), ((1, 1), (1, 1)), "{host}");
        let folder = system.layout.host(host);
        assert_eq!(std::fs::read_to_string(folder.join("patches")).must(), "", "{host}");
        assert!(folder.join("store.sock").exists(), "the store of {host} is not mounted");
    }
}

#[test]
fn a_removal_goes_back_wave_by_wave_through_a_closed_gate_and_mail_flows_again() {
    // The store forgets, and GoodLink tries again, before anybody loses patience.
    let scene = Scene::granted(|plan| {
        plan.memory = Duration::from_secs(1);
        plan.pause = Duration::from_secs(4);
    });
    rollout(&scene, "spring", &["EXA1", "EXA2"]);
    finished(&scene, "spring");

    scene.deny("user007");
    closed_by(&scene, A, &["user007@a.example.test is denied"]);
    wait::until("his pause", PATIENCE, || match paused(&scene) {
        users if users.contains("user007") => Ok(()),
        users => Err(format!("{users:?}")),
    })
    .must();

    accepted(&scene, &REMOVE, "the hotfix of rollout spring is removed again, the last wave first");
    state(&scene, "spring", "removed again");
    assert_eq!(shown(&scene, "spring").removal.as_deref(), Some("users are paused"));
    let journal = every_effect_once(&scene);
    assert_eq!(taken_off(&journal), ["exa2", "exa1"], "the last wave first");
    as_before(&scene);
    // By the hosts' own clocks: the first was over before the second began.
    let (first, second) = (host_log(&scene, "exa2", "removals.log"), host_log(&scene, "exa1", "removals.log"));
    assert!(first[1].0 <= second[0].0, "{first:?} {second:?}");

    // The deny is there still, and nobody asks for it.
    wait::until("nobody paused", PATIENCE, || {
        let status: StatusView = scene.view(&["status"]).map_err(|error| error.to_string())?;
        let reported = status.paused.iter().all(|goodlink| goodlink.users.as_ref().is_ok_and(|users| users.is_empty()));
        match paused(&scene) {
            users if users.is_empty() && reported && !status.paused.is_empty() => Ok(()),
            users => Err(format!("{users:?}; {:?}", status.paused)),
        }
    })
    .must();
    let status: StatusView = scene.view(&["status"]).must();
    assert!(status.drift.is_empty() && status.breaches.is_empty(), "{:?} {:?}", status.drift, status.breaches);
    assert_eq!(status.certificates, [], "every agent has shown its own, and none ends soon");
    refused(&scene, &REMOVE, "rollout spring is removed again and cannot be removed");
}

#[test]
fn an_agent_killed_in_a_removal_never_removes_twice() {
    let mut scene = Scene::granted(|_| {});
    rollout(&scene, "spring", &["EXA1", "EXA2"]);
    finished(&scene, "spring");
    accepted(&scene, &REMOVE, "the hotfix of rollout spring is removed again, the last wave first");

    // The uninstaller outlives its agent, and the next agent finds it again while it runs.
    at_once("the start of the uninstaller on exa2", || (removals(&scene, "exa2").0 == 1).then_some(()));
    scene.agent("exa2").must().kill().must();
    assert_eq!(removals(&scene, "exa2"), (1, 0), "it was killed too late to test anything");
    assert_eq!(removals(&scene, "exa1"), (0, 0), "the last wave first");
    scene.agent("exa2").must().start().must();

    // And where it has ended before the next agent starts.
    at_once("the start of the uninstaller on exa1", || (removals(&scene, "exa1").0 == 1).then_some(()));
    assert_eq!(removals(&scene, "exa2"), (1, 1), "the last wave is over before the first begins");
    scene.agent("exa1").must().kill().must();
    at_once("the end of the uninstaller on exa1", || (removals(&scene, "exa1").1 == 1).then_some(()));
    scene.agent("exa1").must().start().must();

    state(&scene, "spring", "removed again");
    as_before(&scene);
    assert_eq!(taken_off(&every_effect_once(&scene)), ["exa2", "exa1"]);
    open(&scene, A);
}
