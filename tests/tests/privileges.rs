//! The laboratory's own claims: that the coordinator's accounts have what surveys and grants need and nothing more, and
//! that its users for every cause of a verdict are as meant. Programs of the laboratory find out, by means of their own;
//! nothing of Sendgate's is asked. Needs a running laboratory, made with `--population causes`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

use sendgate_tests::lab::{CLIENT, Lab};
use std::process::Command;

fn lab() -> Lab {
    Lab::from_env().unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a program that prints a line for each claim and fails where one does not hold.
fn claims(command: &mut Command, at_least: usize) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (said, complaint) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("{said}");
    assert!(done.status.success(), "{command:?} ended with {}:\n{said}{complaint}", done.status);
    let good = said.lines().filter(|line| line.starts_with("ok   ")).count();
    assert!(good >= at_least, "only {good} claims:\n{said}");
}

#[test]
fn the_coordinators_accounts_have_what_they_need_and_no_more() {
    let program = Lab::programs().join("privileges");
    claims(Command::new(program).arg(&lab().description.dir), 18);
}

#[test]
fn the_users_for_every_cause_are_as_meant() {
    let lab = lab();
    let cases = lab.causes().unwrap_or_else(|error| panic!("{error}")).cases.len();
    let program = Lab::programs().join("causes");
    let mut command = lab.command(CLIENT, [program.as_os_str()]);
    claims(command.arg("check").arg(lab.description.dir.join("lab.json")), cases);
}
