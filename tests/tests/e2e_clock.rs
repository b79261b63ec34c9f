//! The coordinator's wall clock steps, under libfaketime: the machine's own clock is never set. Waits do not notice, and
//! what ends by the wall clock ends by it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/support.rs"]
mod support;

use sendgate_core::ledger::{Effect, Entry, Milestone, PairEvent, Sequence, Stamped};
use sendgate_tests::system::{System, wait};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;
use support::{A, Must, PATIENCE, Scene, closed_by, every_effect_once, finished, grant_all, installs, open, rollout};

/// A step that nobody could take for anything else: no test takes that long.
const DAY: i64 = 24 * 3600;

/// The coordinator's wall clock; it begins as the machine's.
struct Clock(PathBuf);

impl Clock {
    fn start(scene: &mut Scene) -> Self {
        let clock = Self(scene.layout.dir.join("clock"));
        clock.ahead("+0");
        let library = glob("/usr/lib", "faketime/libfaketimeMT.so.1");
        let variables: [(&str, OsString); 5] = [
            ("LD_PRELOAD", library.into()),
            ("FAKETIME_TIMESTAMP_FILE", clock.0.clone().into()),
            // The file is read each time that somebody asks what time it is.
            ("FAKETIME_NO_CACHE", "1".into()),
            // A step changes the wall clock and no other one.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ];
        scene.start_coordinator_with(&variables).must();
        clock
    }

    /// Steps, to this far ahead of the machine's clock.
    fn ahead(&self, offset: &str) {
        let part = self.0.with_extension("part");
        std::fs::write(&part, offset).must();
        std::fs::rename(&part, &self.0).must();
    }
}

/// The one file of this name in a folder of `place`, whatever the folder is called on this kind of machine.
fn glob(place: &str, name: &str) -> PathBuf {
    let folders = std::fs::read_dir(place).must().map(|folder| folder.must().path());
    let found = folders.map(|folder| folder.join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{place}/*/{name} is not there: install the package faketime"))
}

fn landed(journal: &[(Sequence, Stamped)]) -> bool {
    let event = |stamped: &Stamped| {
        matches!(&stamped.entry, Entry::Milestone(Milestone::Pairs { event: PairEvent::Landed, .. }))
    };
    journal.iter().any(|(_, stamped)| event(stamped))
}

fn journal(system: &System) -> Vec<(Sequence, Stamped)> {
    system.journal(Sequence::FIRST).must()
}

#[test]
fn a_clock_that_steps_a_day_forward_and_back_skips_no_wait_and_loses_nothing() {
    let mut scene = Scene::new(|_| {});
    scene.start_hosts().must();
    scene.start_agents().must();
    let clock = Clock::start(&mut scene);
    rollout(&scene, "spring", &["EXA1"]);
    // The last moment at which nothing had landed, by this program's own clock, which does not step.
    let mut before = Instant::now();
    wait::until("the landing of a right", PATIENCE, || {
        let look = Instant::now();
        if landed(&journal(&scene)) {
            return Ok(());
        }
        before = look;
        Err("none has".to_owned())
    })
    .must();

    clock.ahead("+1d");
    let reason = closed_by(&scene, A, &["users await the second look"]);
    assert!(reason.contains("from now"), "{reason}");
    assert_eq!(installs(&scene, "exa1"), (0, 0), "nothing is installed because the wall clock says so");
    // A person's act in the day that is not: the entry carries the time that the coordinator believed.
    scene.cli(&["hold", "host", "exa2", "--reason", "what day is it"]).must().good().must();
    clock.ahead("+0");
    scene.cli(&["release", "host", "exa2", "--reason", "this one"]).must().good().must();

    finished(&scene, "spring");
    assert!(before.elapsed() >= scene.plan.waits.settled, "the rollout did not wait until the users had settled");
    assert_eq!(installs(&scene, "exa1"), (1, 1));

    let journal = every_effect_once(&scene);
    let steps: Vec<i64> =
        journal.windows(2).map(|pair| pair[1].1.at.wall.as_second() - pair[0].1.at.wall.as_second()).collect();
    assert!(steps.iter().any(|step| *step > DAY / 2), "the clock did not step forward: {steps:?}");
    assert!(steps.iter().any(|step| *step < -DAY / 2), "the clock did not step back: {steps:?}");
    assert!(journal.windows(2).all(|pair| pair[0].1.at.steady <= pair[1].1.at.steady), "steady time went back");
    let of = |wanted: fn(&Entry) -> bool| journal.iter().filter(move |(_, stamped)| wanted(&stamped.entry));
    let last =
        of(|entry| matches!(entry, Entry::Milestone(Milestone::Pairs { event: PairEvent::Landed, .. }))).next_back();
    let first = of(|entry| matches!(entry, Entry::Intent { effect: Effect::Install { .. } })).next();
    let (last, first) = (last.expect("rights have landed").1.at, first.expect("the hotfix was installed").1.at);
    assert!(first.steady >= last.steady + scene.plan.waits.settled, "{first:?} after {last:?}");
}

#[test]
fn a_waiver_is_over_when_the_wall_clock_says_so() {
    let mut scene = Scene::new(|_| {});
    grant_all(&scene.lab);
    scene.deny("user007");
    scene.start_hosts().must();
    scene.start_agents().must();
    let clock = Clock::start(&mut scene);
    closed_by(&scene, A, &["user007@a.example.test is denied"]);
    scene.cli(&["waive", "user007", "--reason", "on leave", "--expires", "1h"]).must().good().must();
    open(&scene, A);
    clock.ahead("+1d");
    closed_by(&scene, A, &["user007@a.example.test is denied"]);
    clock.ahead("+0");
    open(&scene, A);
    scene.undeny("user007");
}
