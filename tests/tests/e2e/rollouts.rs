//! Rollouts as an operator drives and sees them, and what the hosts' own programs wrote down.

use super::{Must, PATIENCE};
use jiff::Timestamp;
use sendgate_core::view::{RolloutView, WhyView};
use sendgate_tests::rollout_file::RolloutFile;
use sendgate_tests::system::{HOTFIX_NAME, HOTFIX_TEXT, Layout, Output, System, wait};
use std::path::Path;

/// Each of these servers as a wave of its own.
pub(crate) fn one_by_one(system: &System, name: &str, servers: &[&str]) -> RolloutFile {
    RolloutFile::one_by_one(name, (HOTFIX_NAME, &digest(system), HOTFIX_TEXT), servers)
}

pub(crate) fn digest(system: &System) -> String {
    let package = Layout::text(&system.layout.package(HOTFIX_NAME));
    let output = system.run(Path::new("/usr/bin/sha256sum"), &[&package]).must().good().must();
    output.stdout.split_whitespace().next().expect("sha256sum prints a digest").to_owned()
}

/// Applies and starts it.
pub(crate) fn start(system: &System, file: &RolloutFile) {
    system.apply(file).must().good().must();
    system.cli(&["rollout", "start", &file.name]).must().good().must();
}

/// Creates and starts a rollout over these servers.
pub(crate) fn rollout(system: &System, name: &str, servers: &[&str]) {
    let applied = system.apply(&one_by_one(system, name, servers)).must().good().must().stdout;
    assert!(applied.contains(&format!("note: it begins with `sendgate rollout start {name}`")), "{applied}");
    system.cli(&["rollout", "start", name]).must().good().must();
}

/// An act that is accepted, with these words in the answer.
#[track_caller]
pub(crate) fn accepted(system: &System, words: &[&str], answer: &str) -> Output {
    let output = system.cli(words).must().good().must();
    assert!(output.stdout.starts_with("accepted: ") && output.stdout.contains(answer), "{words:?}: {}", output.stdout);
    output
}

/// An act that is not, with these words in the complaint.
#[track_caller]
pub(crate) fn refused(system: &System, words: &[&str], complaint: &str) {
    let output = system.cli(words).must();
    assert_eq!(output.code, Some(1), "{words:?}: {}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains(complaint), "{words:?}: {}", output.stderr);
}

pub(crate) fn why(system: &System, rollout: &str, host: &str) -> WhyView {
    system.view(&["rollout", "why", rollout, host]).must()
}

/// Waits until a host of the rollout is held up by a reason that begins like this; all its reasons.
pub(crate) fn held_up(system: &System, rollout: &str, host: &str, reason: &str) -> Vec<String> {
    wait::until(&format!("{host} held up by {reason:?}"), PATIENCE, || {
        let reasons = why(system, rollout, host).host.reasons;
        if reasons.iter().any(|known| known.starts_with(reason)) { Ok(reasons) } else { Err(reasons.join("; ")) }
    })
    .must()
}

pub(crate) fn shown(system: &System, rollout: &str) -> RolloutView {
    system.view(&["rollout", "show", rollout]).must()
}

/// Waits until the rollout's state begins like this; the whole of it.
pub(crate) fn state(system: &System, rollout: &str, begins: &str) -> String {
    reaches(system, rollout, begins, |_| {})
}

/// Waits for the end of a rollout, which must not stop by itself.
pub(crate) fn finished(system: &System, rollout: &str) {
    reaches(system, rollout, "finished", |state| assert!(!state.starts_with("stopped"), "{state}"));
}

fn reaches(system: &System, rollout: &str, begins: &str, look: impl Fn(&str)) -> String {
    wait::until(&format!("rollout {rollout} {begins}"), PATIENCE, || {
        let view: RolloutView = system.view(&["rollout", "show", rollout]).map_err(|error| error.to_string())?;
        look(&view.state);
        let hosts: Vec<_> = view.hosts.iter().map(|host| format!("{} {}", host.progress.host, host.phase)).collect();
        if view.state.starts_with(begins) {
            Ok(view.state)
        } else {
            Err(format!("{}: {}", view.state, hosts.join(", ")))
        }
    })
    .must()
}

/// A host's own log of what its programs did: the time of each line, and the line.
pub(crate) fn host_log(system: &System, host: &str, log: &str) -> Vec<(Timestamp, String)> {
    let text = std::fs::read_to_string(system.layout.host(host).join(log)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(at, line)| (at.parse().must(), line.to_owned())).collect()
}

/// How many runs a host's own log says were begun, of those that name this, and how many of them ended well.
fn counted(system: &System, host: &str, log: &str, what: &str) -> (usize, usize) {
    let lines = host_log(system, host, log);
    let of = |word: &str| lines.iter().filter(move |(_, line)| line.starts_with(&format!("{word} {what}"))).count();
    let good = lines.iter().filter(|(_, line)| line.starts_with(&format!("end {what}")) && line.ends_with("exit 0"));
    (of("start"), good.count())
}

/// How many installations a host has begun, and how many of them ended well.
pub(crate) fn installs(system: &System, host: &str) -> (usize, usize) {
    counted(system, host, "installs.log", HOTFIX_NAME)
}

/// How many removals a host has begun, and how many of them ended well.
pub(crate) fn removals(system: &System, host: &str) -> (usize, usize) {
    counted(system, host, "removals.log", HOTFIX_NAME)
}

/// How often a GoodLink host has begun to send through an Exchange server as a test, and how often that went well.
pub(crate) fn test_sends(system: &System, host: &str, server: &str) -> (usize, usize) {
    counted(system, host, "tests.log", server)
}
