//! Processes that die at the worst moments: every effect happens once, and the rollout ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/support.rs"]
mod support;
#[path = "e2e/takeover.rs"]
mod takeover;

use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, PairEvent, Sequence};
use sendgate_tests::lab::Lab;
use sendgate_tests::system::{Layout, System};
use std::collections::BTreeMap;
use support::{Must, Scene, USERS, at_once, every_effect_once, finished, installs, rollout};

/// The journal's entries as the coordinator logs them, each right after it is durable.
fn journaled(system: &System, kind: &str, detail: &str) -> usize {
    let words = system.coordinator.words();
    let kind = format!("entry=\"{kind}\"");
    words.lines().filter(|line| line.contains(&kind) && line.contains(detail)).count()
}

/// How many of its entries the directory shows, by place.
fn entries(system: &System) -> BTreeMap<String, usize> {
    let lab = Layout::text(&system.lab.description.dir.join("lab.json"));
    let program = Lab::programs().join("final_state");
    system.run(&program, &["entries", &lab, "a"]).must().good().must().read().must()
}

#[test]
fn a_coordinator_killed_after_a_grants_intent_in_a_settle_and_in_an_install_does_everything_once() {
    let mut scene = Scene::new(|_| {});
    scene.start_hosts().must();
    scene.start_agents().must();

    // Just after the intent of a grant is journaled: it may have been written or not.
    scene.coordinator.start().must();
    at_once("the intent of a grant", || (journaled(&scene, "intent", "Grant(") > 0).then_some(()));
    scene.coordinator.kill().must();
    assert_eq!(journaled(&scene, "outcome", ""), 0, "it was killed too late to test anything");
    scene.start_coordinator().must();
    rollout(&scene, "spring", &["EXA1", "EXA2"]);

    // In a settle: the rights have landed, and the waits are running.
    at_once("the landing of every right", || (landed(&scene) == USERS).then_some(()));
    scene.coordinator.kill().must();
    assert_eq!(installs(&scene, "exa1"), (0, 0), "nothing is installed while the users settle");
    scene.start_coordinator().must();

    // In an install: the installer goes on without anybody who listens.
    at_once("the start of the installer on exa1", || (installs(&scene, "exa1").0 == 1).then_some(()));
    scene.coordinator.kill().must();
    assert_eq!(installs(&scene, "exa1"), (1, 0), "it was killed too late to test anything");
    scene.start_coordinator().must();
    finished(&scene, "spring");

    let journal = every_effect_once(&scene);
    assert_eq!(installs(&scene, "exa1"), (1, 1));
    assert_eq!(installs(&scene, "exa2"), (1, 1));
    let starts = journal.iter().filter(|(_, stamped)| matches!(stamped.entry, Entry::Started { .. })).count();
    assert_eq!(starts, 4, "one start and three restarts");

    // One entry for each grant that succeeded, and none twice.
    let mut granted: BTreeMap<String, usize> = BTreeMap::new();
    for (sequence, stamped) in &journal {
        let Entry::Intent { effect: Effect::Grant(grant) } = &stamped.entry else { continue };
        let good = journal.iter().any(|(_, stamped)| {
            matches!(&stamped.entry, Entry::Outcome { intent, outcome: Outcome::Succeeded { .. } } if intent == sequence)
        });
        *granted.entry(grant.place.to_string().to_lowercase()).or_default() += usize::from(good);
    }
    assert_eq!(entries(&scene), granted);

    // The waits survived: nothing was installed before the last user had settled, on journaled steady time.
    let settled = scene.plan.waits.settled;
    let last = journal.iter().rev().find_map(|(_, stamped)| match &stamped.entry {
        Entry::Milestone(Milestone::Pairs { event: PairEvent::Landed, .. }) => Some(stamped.at.steady),
        _ => None,
    });
    let first = journal.iter().find_map(|(_, stamped)| match &stamped.entry {
        Entry::Intent { effect: Effect::Install { .. } } => Some(stamped.at.steady),
        _ => None,
    });
    let (last, first) = (last.expect("rights have landed"), first.expect("the hotfix was installed"));
    assert!(first >= last + settled, "installed at {first:?}, landed at {last:?}");
}

/// Users whose right has landed, each counted once; a second landing of anybody is a mistake here.
fn landed(system: &System) -> usize {
    let mut users = std::collections::BTreeSet::new();
    for (_, stamped) in system.journal(Sequence::FIRST).must() {
        if let Entry::Milestone(Milestone::Pairs { event: PairEvent::Landed, users: landed, .. }) = stamped.entry {
            for user in landed {
                assert!(users.insert(user.clone()), "{user:?} has landed twice");
            }
        }
    }
    users.len()
}

#[test]
fn an_agent_killed_in_an_install_never_installs_twice() {
    let mut scene = Scene::granted(|_| {});
    rollout(&scene, "spring", &["EXA1", "EXA2"]);

    // The installer outlives its agent, and the next agent finds it again while it runs.
    at_once("the start of the installer on exa1", || (installs(&scene, "exa1").0 == 1).then_some(()));
    scene.agent("exa1").must().kill().must();
    assert_eq!(installs(&scene, "exa1"), (1, 0), "it was killed too late to test anything");
    scene.agent("exa1").must().start().must();

    // And where the installer has ended before the next agent starts.
    at_once("the start of the installer on exa2", || (installs(&scene, "exa2").0 == 1).then_some(()));
    scene.agent("exa2").must().kill().must();
    at_once("the end of the installer on exa2", || (installs(&scene, "exa2").1 == 1).then_some(()));
    scene.agent("exa2").must().start().must();

    finished(&scene, "spring");
    assert_eq!(installs(&scene, "exa1"), (1, 1));
    assert_eq!(installs(&scene, "exa2"), (1, 1));
    every_effect_once(&scene);
}
