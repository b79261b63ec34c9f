//! A system of its own for each test, on the one laboratory that `tests/run` has brought up.

#![allow(dead_code, unused_imports, reason = "each test program uses its part")]

#[path = "rollouts.rs"]
mod rollouts;

pub(crate) use rollouts::{
    accepted, digest, finished, held_up, host_log, installs, one_by_one, refused, removals, rollout, shown, start,
    state, test_sends, why,
};

use sendgate_core::ledger::{Entry, Outcome, Sequence, Stamped};
use sendgate_core::view::{GateState, GateView};
use sendgate_tests::lab::{Lab, LabError, User};
use sendgate_tests::system::{Plan, Process, System, wait};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The domain of every test.
pub(crate) const A: &str = "a.example.test";
/// What is waited for comes within seconds; this is for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Roster users of a test: two of them behind blocked inheritance.
pub(crate) const USERS: usize = 20;

const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
const CLASSES: [&str; 2] = ["bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"];

pub(crate) trait Must<T> {
    /// The value, or a panic with the error as a person reads it.
    fn must(self) -> T;
}

impl<T, E: std::fmt::Display> Must<T> for Result<T, E> {
    #[track_caller]
    fn must(self) -> T {
        self.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A system and its folder.
pub(crate) struct Scene {
    /// Ends before its folder goes.
    pub(crate) system: Option<System>,
    dir: PathBuf,
    /// Users who were denied, with the entry.
    denied: RefCell<Vec<(User, String)>>,
}

impl Scene {
    /// Domain a without any grant of an earlier test; `change` alters what is to be there.
    pub(crate) fn new(change: impl FnOnce(&mut Plan)) -> Self {
        let lab = Lab::from_env().must();
        reset(&lab);
        let dir = lab.description.dir.with_file_name(format!("e2e-{:08x}", rand::random::<u32>()));
        let mut plan = Plan::domain_a(&lab, USERS).must();
        change(&mut plan);
        Self { system: Some(System::make(lab, dir.clone(), plan).must()), dir, denied: RefCell::default() }
    }

    /// One in which everything runs, everybody is covered, and nobody has anything to wait for.
    pub(crate) fn granted(change: impl FnOnce(&mut Plan)) -> Self {
        let mut scene = Self::new(change);
        grant_all(&scene.lab);
        scene.start().must();
        open(&scene, A);
        scene
    }

    /// Denies GoodAdmin to send as this user; the user, and the entry. It is gone after the test at the latest.
    pub(crate) fn deny(&self, name: &str) -> (User, String) {
        let entry = format!("(OD;;CR;{SEND_AS};;{})", self.lab.domain("a").must().goodadmin.sid);
        let user = user(self, name);
        self.lab.add_entry("a", &user.dn, &entry).must();
        self.denied.borrow_mut().push((user.clone(), entry.clone()));
        (user, entry)
    }

    /// Takes such an entry away.
    pub(crate) fn undeny(&self, name: &str) {
        let mut denied = self.denied.borrow_mut();
        let at = denied.iter().position(|(user, _)| user.name == name).expect("he was denied");
        let (user, entry) = denied.swap_remove(at);
        self.lab.remove_entry("a", &user.dn, &entry).must();
    }
}

impl std::ops::Deref for Scene {
    type Target = System;
    fn deref(&self) -> &System {
        self.system.as_ref().expect("it goes in drop only")
    }
}

impl std::ops::DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut System {
        self.system.as_mut().expect("it goes in drop only")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(system) = &self.system
        {
            let words = system.coordinator.words();
            let lines: Vec<_> = words.lines().collect();
            let last =
                lines[lines.len().saturating_sub(30)..].iter().map(|line| line.chars().take(400).collect::<String>());
            eprintln!("the coordinator's last words:\n{}", last.collect::<Vec<_>>().join("\n"));
        }
        let lab = self.system.as_ref().map(|system| system.lab.clone());
        // First, for a coordinator that runs would grant again what is taken back.
        self.system = None;
        // What cannot be taken back is said, and no more: a test that failed is ending already.
        for error in lab.iter().flat_map(|lab| clean(lab, &self.denied.borrow())) {
            eprintln!("the laboratory is not as it was: {error}");
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn places(lab: &Lab, letter: &str) -> Vec<(String, String)> {
    let domain = lab.domain(letter).must();
    let dns = std::iter::once(&domain.dn).chain(&domain.blocked_units);
    let entry = |class: &str| format!("(OA;CIIO;CR;{SEND_AS};{class};{})", domain.goodadmin.sid);
    dns.flat_map(|dn| CLASSES.map(|class| (dn.clone(), entry(class)))).collect()
}

/// Takes all of these entries back, and every grant.
fn clean(lab: &Lab, denied: &[(User, String)]) -> Vec<LabError> {
    let denies = denied.iter().map(|(user, entry)| lab.remove_entry("a", &user.dn, entry));
    denies.chain([lab.clear_entries("a")]).filter_map(Result::err).collect()
}

/// Takes every grant back.
pub(crate) fn reset(lab: &Lab) {
    lab.clear_entries("a").must();
}

/// Grants everything before anybody looks: then nobody has anything to wait for.
pub(crate) fn grant_all(lab: &Lab) {
    places(lab, "a").iter().for_each(|(dn, entry)| lab.add_entry("a", dn, entry).must());
}

pub(crate) fn user(system: &System, name: &str) -> User {
    let users = &system.lab.domain("a").must().users;
    users.iter().find(|user| user.name == name).unwrap_or_else(|| panic!("no {name} in the laboratory")).clone()
}

pub(crate) fn roster(system: &System) -> Vec<User> {
    system.plan.domains[0].goodlink.roster.clone()
}

pub(crate) fn gate(system: &System, subject: &str) -> GateView {
    system.view(&["gate", "check", subject]).must()
}

fn texts(gate: &GateView) -> String {
    gate.reasons.iter().map(|line| line.text.clone()).collect::<Vec<_>>().join("; ")
}

pub(crate) fn open(system: &System, subject: &str) {
    wait::until(&format!("gate of {subject} open"), PATIENCE, || {
        let gate = gate(system, subject);
        if gate.state == GateState::Open { Ok(()) } else { Err(texts(&gate)) }
    })
    .must();
}

/// Waits until the gate is closed by a reason that holds all these words; that reason.
pub(crate) fn closed_by(system: &System, subject: &str, words: &[&str]) -> String {
    wait::until(&format!("gate of {subject} closed by {words:?}"), PATIENCE, || {
        let gate = gate(system, subject);
        let found = gate.reasons.iter().find(|line| words.iter().all(|word| line.text.contains(word)));
        match found {
            Some(line) if gate.state != GateState::Open => Ok(line.text.clone()),
            _ => Err(format!("{:?}: {}", gate.state, texts(&gate))),
        }
    })
    .must()
}

/// Looks as fast as it can: the moments that these tests want are short.
pub(crate) fn at_once<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < PATIENCE, "{what} was not seen within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the words stand in a process's log.
pub(crate) fn logged(process: &Process, words: &[&str]) -> String {
    wait::until(&format!("{words:?} in the log"), PATIENCE, || {
        let text = process.words();
        let found = text.lines().find(|line| words.iter().all(|word| line.contains(word)));
        found.map(str::to_owned).ok_or_else(|| text.lines().last().unwrap_or("nothing").to_owned())
    })
    .must()
}

/// The journal is whole, and every intent has exactly one outcome.
pub(crate) fn every_effect_once(system: &System) -> Vec<(Sequence, Stamped)> {
    let verified = system.cli(&["journal", "verify"]).must().good().must();
    assert!(verified.stdout.starts_with("good: "), "{}", verified.stdout);
    let journal = system.journal(Sequence::FIRST).must();
    let mut outcomes: BTreeMap<Sequence, Vec<&Outcome>> = BTreeMap::new();
    for (sequence, stamped) in &journal {
        match &stamped.entry {
            Entry::Intent { .. } => drop(outcomes.insert(*sequence, Vec::new())),
            Entry::Outcome { intent, outcome } => outcomes.entry(*intent).or_default().push(outcome),
            _ => {}
        }
    }
    for (intent, outcomes) in &outcomes {
        assert_eq!(outcomes.len(), 1, "intent {intent} has the outcomes {outcomes:?}");
    }
    journal
}
