//! The coordinator's journal is restored from a backup: closed, says why, and goes on after a takeover.

use crate::support::{
    A, Must, PATIENCE, Scene, accepted, at_once, every_effect_once, finished, installs, open, rollout,
};
use sendgate_core::ledger::{Entry, Sequence};
use sendgate_core::view::{HostsView, StatusView};
use sendgate_tests::system::{HOTFIX_TEXT, Layout, System, wait};
use std::path::Path;

/// Copies a folder whole in place of another.
fn copy(system: &System, from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).must();
    }
    system.run(Path::new("/bin/cp"), &["-a", &Layout::text(from), &Layout::text(to)]).must().good().must();
}

/// Waits until every agent is known to be led by somebody else, with these words.
fn strangers(system: &System, words: &str) {
    let agents = system.plan.agents().len();
    wait::until(&format!("all agents are strangers: {words}"), PATIENCE, || {
        let status: StatusView = system.view(&["status"]).map_err(|error| error.to_string())?;
        let strange = status.strangers.values().filter(|why| why.contains(words)).count();
        if strange == agents { Ok(()) } else { Err(format!("{:?}", status.strangers)) }
    })
    .must();
}

#[test]
fn a_restored_journal_leads_nobody_until_a_takeover() {
    let mut scene = Scene::granted(|_| {});
    scene.coordinator.stop().must();
    let (state, backup) = (scene.layout.coordinator().join("state"), scene.layout.dir.join("backup"));
    copy(&scene, &state, &backup);

    // What comes now is in no backup, and in the middle of it the disk is lost.
    scene.start_coordinator().must();
    open(&scene, A);
    rollout(&scene, "spring", &["EXA1"]);
    at_once("the start of the installer on exa1", || (installs(&scene, "exa1").0 == 1).then_some(()));
    scene.coordinator.kill().must();
    copy(&scene, &backup, &state);

    // Its first start has the very number of the lost one, and later starts count on: none of them is taken for it.
    for _ in 0..2 {
        scene.start_coordinator().must();
        strangers(&scene, "the journal is an old copy of the one that was used last");
        scene.coordinator.stop().must();
    }
    scene.start_coordinator().must();
    strangers(&scene, "the journal is an old copy");
    let check = scene.cli(&["gate", "check", "EXA1"]).must();
    assert!(matches!(check.code, Some(3 | 4)), "{}{}", check.stdout, check.stderr);
    for view in ["status", "hosts"] {
        let shown = scene.cli(&[view]).must().good().must().stdout;
        let words: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("sendgate coordinator takeover --reason"), "{view} says what to do: {shown}");
    }

    let done = scene.cli(&["coordinator", "takeover", "--reason", "the disk was lost"]).must().good().must();
    assert!(done.stdout.contains("not led by this coordinator so far: exa1, exa2, gla"), "{}", done.stdout);
    open(&scene, A);
    // Its version changed without this journal: were that seen after the rollout's start, it would hold the rollout.
    wait::until("exa1 reports the version that the lost part installed", PATIENCE, || {
        let hosts: HostsView = scene.view(&["hosts"]).map_err(|error| error.to_string())?;
        let store = hosts.hosts.iter().find(|line| line.host.as_str() == "exa1").and_then(|line| line.store.clone());
        if store == Some(Ok(HOTFIX_TEXT.to_owned())) { Ok(()) } else { Err(format!("{store:?}")) }
    })
    .must();
    rollout(&scene, "summer", &["EXA1", "EXA2"]);
    finished(&scene, "summer");
    assert_eq!(installs(&scene, "exa1"), (1, 1), "what the lost part installed is seen, and not done again");
    assert_eq!(installs(&scene, "exa2"), (1, 1));
    every_effect_once(&scene);

    // Who was replaced leads nobody any more.
    scene.coordinator.stop().must();
    copy(&scene, &backup, &state);
    scene.start_coordinator().must();
    strangers(&scene, "of another journal than this coordinator's");
}

/// A hold is no act on any agent, and no coordinator has started since: the copy has all that agents know but how far the
/// journal had gone.
#[test]
fn a_copy_that_lacks_only_a_hold_leads_nobody_who_was_told_of_it() {
    let mut scene = Scene::granted(|_| {});
    let exa1 = scene.agents.get_mut("exa1").ok_or("no agent exa1").must();
    exa1.stop().must();
    exa1.start_with(&[("RUST_LOG", "info,sendgate_agent=debug".into())]).must();
    open(&scene, A);
    let (state, backup) = (scene.layout.coordinator().join("state"), scene.layout.dir.join("backup"));
    scene.coordinator.still(|| copy(&scene, &state, &backup)).must();
    accepted(&scene, &["hold", "estate", "--reason", "freeze"], "the estate is held");
    wait::until("exa1 was told of the hold", PATIENCE, || {
        let journal = scene.journal(Sequence::FIRST).map_err(|error| error.to_string())?;
        let last = journal.iter().rev().find(|(_, stamped)| !matches!(stamped.entry, Entry::Clock(_)));
        let (last, _) = last.ok_or("the journal is empty")?;
        let told = format!("the coordinator's journal has gone so far head={last}");
        if scene.agents["exa1"].words().contains(&told) { Ok(()) } else { Err(told) }
    })
    .must();
    scene.coordinator.kill().must();
    copy(&scene, &backup, &state);

    scene.start_coordinator().must();
    let stranger = wait::until("exa1 is a stranger", PATIENCE, || {
        let status: StatusView = scene.view(&["status"]).map_err(|error| error.to_string())?;
        let stranger = status.strangers.get(&"exa1".parse().must()).cloned();
        stranger.ok_or_else(|| format!("{:?}", status.strangers))
    })
    .must();
    assert!(
        stranger.starts_with("it was told of record ") && stranger.contains("an old copy of the one"),
        "{stranger}"
    );
    let done = scene.cli(&["coordinator", "takeover", "--reason", "the disk was lost"]).must().good().must();
    assert!(done.stdout.contains("exa1"), "{}", done.stdout);
    open(&scene, A);
}
