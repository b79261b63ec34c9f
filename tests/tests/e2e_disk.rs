//! The coordinator's disk is full: nothing is decided on what could not be written down, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/support.rs"]
mod support;

use sendgate_core::ledger::{Entry, Sequence};
use sendgate_core::view::RolloutView;
use sendgate_tests::system::{Process, wait};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use support::{A, Must, PATIENCE, Scene, every_effect_once, finished, grant_all, installs, open, rollout};

/// Room for a journal that has just been made, and not much more.
const SIZE: &str = "size=3m";

/// Requests of the size below that fit on no disk of that size.
const MANY: usize = 1000;

/// A small disk of its own.
struct Disk(PathBuf);

impl Disk {
    fn new(place: PathBuf) -> Self {
        std::fs::create_dir_all(&place).must();
        run("mount", &["-t", "tmpfs", "-o", SIZE, "sendgate-test", &place.to_string_lossy()]);
        Self(place)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).must();
        let full = loop {
            if let Err(error) = file.write_all(&[1; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).must();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: where a test failed, a process may still have it open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().must();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Waits for the end of a process; the last line of its own, for its store may say more.
fn last_words(process: &mut Process) -> String {
    wait::until("the end of the process", PATIENCE, || match process.ended() {
        Ok(Some(status)) if !status.success() => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .must();
    let words = process.words();
    words.lines().rev().find(|line| line.starts_with("sendgate-coordinator: ")).unwrap_or_default().to_owned()
}

fn told(process: &mut Process, words: &[&str]) {
    let line = last_words(process);
    assert!(words.iter().all(|words| line.contains(words)), "{line}");
}

#[test]
fn a_full_disk_ends_the_coordinator_with_a_clear_error_and_with_room_it_goes_on() {
    let mut scene = Scene::new(|_| {});
    grant_all(&scene.lab);
    let disk = Disk::new(scene.layout.coordinator().join("state"));
    scene.start().must();
    open(&scene, A);
    disk.fill();
    // What fits into the space that the file has already is still written down; what does not is not acknowledged.
    let reason = "to fill the disk ".repeat(100);
    let mut acknowledged = 0;
    let refused = loop {
        let act = if acknowledged % 2 == 0 { "hold" } else { "release" };
        let output = scene.cli(&[act, "host", "exa2", "--reason", &reason]).must();
        if output.code != Some(0) {
            break output;
        }
        acknowledged += 1;
        assert!(acknowledged < MANY, "the disk is full, and everything is acknowledged");
    };
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    // The record that finds no room need not be the request's own: then nobody is there any more to refuse it.
    let told_so = ["the coordinator is stopping", "cannot be reached"];
    assert!(told_so.iter().any(|words| refused.stderr.contains(words)), "{}", refused.stderr);
    let mend = "mend the disk, then restart the coordinator";
    told(&mut scene.coordinator, &["appending record", "No space left on device", mend]);
    // Without a journal there is no coordinator, and so there are no open gates and no permits.
    let check = scene.cli(&["gate", "check", A]).must();
    assert_eq!(check.code, Some(1), "{}{}", check.stdout, check.stderr);
    assert!(check.stderr.contains("cannot be reached"), "{}", check.stderr);
    // Nor does one start.
    scene.coordinator.start().must();
    told(&mut scene.coordinator, &["cannot be used: No space left on device", "on a disk with room"]);

    disk.free();
    scene.start_coordinator().must();
    let requests = scene.journal(Sequence::FIRST).must();
    let requests = requests.iter().filter(|(_, stamped)| matches!(stamped.entry, Entry::Request { .. })).count();
    assert!(requests == acknowledged || requests == acknowledged + 1, "{acknowledged} acknowledged, {requests} there");
    if requests % 2 == 1 {
        scene.cli(&["release", "host", "exa2", "--reason", "there is room"]).must().good().must();
    }
    open(&scene, A);
    rollout(&scene, "spring", &["EXA1"]);
    finished(&scene, "spring");
    assert_eq!(installs(&scene, "exa1"), (1, 1));
    every_effect_once(&scene);
    scene.coordinator.stop().must();
}

#[test]
fn an_agent_on_a_full_disk_refuses_the_act_and_with_room_it_is_done_once() {
    let mut scene = Scene::new(|_| {});
    grant_all(&scene.lab);
    let disk = Disk::new(scene.layout.agent("exa1").join("state"));
    scene.start().must();
    open(&scene, A);
    disk.fill();
    rollout(&scene, "spring", &["EXA1"]);
    let state = wait::until("the stop of the rollout", PATIENCE, || {
        let view: RolloutView = scene.view(&["rollout", "show", "spring"]).map_err(|error| error.to_string())?;
        if view.state.starts_with("stopped") { Ok(view.state) } else { Err(view.state) }
    })
    .must();
    assert!(state.contains("the agent refused 3 times"), "{state}");
    assert!(state.contains("cannot be started: No space left on device"), "{state}");
    assert_eq!(installs(&scene, "exa1"), (0, 0));

    disk.free();
    let reason = ["--reason", "there is room"];
    scene.cli(&[["rollout", "retry", "spring", "exa1"].as_slice(), &reason].concat()).must().good().must();
    scene.cli(&[["rollout", "resume", "spring"].as_slice(), &reason].concat()).must().good().must();
    finished(&scene, "spring");
    assert_eq!(installs(&scene, "exa1"), (1, 1));
    every_effect_once(&scene);
    scene.agent("exa1").must().stop().must();
}
