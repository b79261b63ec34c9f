//! A system of its own for each test, on the one laboratory that `tests/run` has brought up.

#![allow(dead_code, reason = "each test program uses its part")]

use sendgate_core::ledger::{Entry, Outcome, Sequence, Stamped};
use sendgate_core::view::{GateState, GateView, RolloutView};
use sendgate_tests::lab::{Lab, LabError, User};
use sendgate_tests::rollout_file::RolloutFile;
use sendgate_tests::system::{HOTFIX_NAME, HOTFIX_TEXT, Layout, Plan, Process, System, wait};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
}

impl Scene {
    /// Domain a without any grant of an earlier test; `change` alters what is to be there.
    pub(crate) fn new(change: impl FnOnce(&mut Plan)) -> Self {
        let lab = Lab::from_env().must();
        reset(&lab);
        let dir = lab.description.dir.with_file_name(format!("e2e-{:08x}", rand::random::<u32>()));
        let mut plan = Plan::domain_a(&lab, USERS).must();
        change(&mut plan);
        Self { system: Some(System::make(lab, dir.clone(), plan).must()), dir }
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
        self.system = None;
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn places(lab: &Lab, letter: &str) -> Vec<(String, String)> {
    let domain = lab.domain(letter).must();
    let dns = std::iter::once(&domain.dn).chain(&domain.blocked_units);
    let entry = |class: &str| format!("(OA;CIIO;CR;{SEND_AS};{class};{})", domain.goodadmin.sid);
    dns.flat_map(|dn| CLASSES.map(|class| (dn.clone(), entry(class)))).collect()
}

/// Takes every grant back.
pub(crate) fn reset(lab: &Lab) {
    for (dn, entry) in places(lab, "a") {
        match lab.remove_entry("a", &dn, &entry) {
            Err(LabError::Failed { complaint, .. }) if complaint.contains("has no entry") => {}
            other => other.must(),
        }
    }
}

/// Grants everything before anybody looks: then nobody has anything to wait for.
pub(crate) fn grant_all(lab: &Lab) {
    places(lab, "a").iter().for_each(|(dn, entry)| lab.add_entry("a", dn, entry).must());
}

/// The deny of Send As for GoodAdmin, as it stands on one user.
pub(crate) fn deny(lab: &Lab) -> String {
    format!("(OD;;CR;{SEND_AS};;{})", lab.domain("a").must().goodadmin.sid)
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

/// Creates and starts a rollout over these servers.
pub(crate) fn rollout(system: &System, name: &str, servers: &[&str]) {
    let file = RolloutFile::one_by_one(name, (HOTFIX_NAME, &digest(system), HOTFIX_TEXT), servers);
    let applied = system.apply(&file).must().good().must().stdout;
    assert!(applied.contains(&format!("note: it begins with `sendgate rollout start {name}`")), "{applied}");
    system.cli(&["rollout", "start", name]).must().good().must();
}

pub(crate) fn digest(system: &System) -> String {
    let package = Layout::text(&system.layout.package(HOTFIX_NAME));
    let output = system.run(Path::new("/usr/bin/sha256sum"), &[&package]).must().good().must();
    output.stdout.split_whitespace().next().expect("sha256sum prints a digest").to_owned()
}

/// Waits for the end of a rollout, which must not stop by itself.
pub(crate) fn finished(system: &System, name: &str) {
    wait::until("the end of the rollout", PATIENCE, || {
        let view: RolloutView = system.view(&["rollout", "show", name]).map_err(|error| error.to_string())?;
        assert!(!view.state.starts_with("stopped"), "{}", view.state);
        let hosts: Vec<_> = view.hosts.iter().map(|host| format!("{} {}", host.progress.host, host.phase)).collect();
        if view.state == "finished" { Ok(()) } else { Err(format!("{}: {}", view.state, hosts.join(", "))) }
    })
    .must();
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

/// How many installations a host has begun, and how many of them ended well.
pub(crate) fn installs(system: &System, host: &str) -> (usize, usize) {
    let text = std::fs::read_to_string(system.layout.host(host).join("installs.log")).unwrap_or_default();
    let begun = text.lines().filter(|line| line.contains(" start ")).count();
    (begun, text.lines().filter(|line| line.contains(" end ") && line.ends_with("exit 0")).count())
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
