//! The evaluator of rights against what a directory really does: random arrangements of units, inheritance, groups and
//! orders are written into the laboratory, and each account really tries to reset the password of its target. Resetting
//! a password is an extended right as Send As is; only the GUID differs. Needs a running laboratory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::{Outcome, Token, decide};
use sendgate_core::sid::Sid;
use sendgate_tests::lab::{CLIENT, Lab};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::Stdio;

/// User-Force-Change-Password (MS-ADTS 5.1.3.2.1).
const RESET_PASSWORD: &str = "00299570-246d-11d0-a768-00aa006e0529";
/// Set to run one seed again.
const SEED: &str = "SENDGATE_ARRANGEMENTS_SEED";
const CASES: usize = 200;

#[derive(Debug, Deserialize)]
struct Case {
    dn: String,
    account: String,
    /// The case is about the account's own password.
    itself: bool,
    sd: String,
    #[serde(rename = "self")]
    own: String,
    token: BTreeSet<String>,
    granted: bool,
}

fn sid(text: &str) -> Sid {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn arranged(lab: &Lab, seed: u64) -> Vec<Case> {
    let program = Lab::programs().join("arrangements.py");
    let description = lab.description.dir.join("lab.json");
    let numbers = [seed.to_string(), CASES.to_string()].map(OsString::from);
    let mut command = lab.command(CLIENT, [program.into_os_string(), description.into_os_string()]);
    let done = command.args(numbers).stderr(Stdio::inherit()).output().unwrap();
    assert!(done.status.success(), "seed {seed}: {command:?} ended with {}", done.status);
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[test]
fn an_account_can_do_what_we_say_that_it_can() {
    let lab = Lab::from_env().unwrap_or_else(|error| panic!("{error}"));
    let seed = match std::env::var(SEED) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{SEED}={text}: {error}")),
        Err(_) => u64::from(rand::random::<u32>()),
    };
    println!("seed {seed} (set {SEED} to run it again)");
    let right: Guid = RESET_PASSWORD.parse().unwrap();
    let cases = arranged(&lab, seed);
    assert_eq!(cases.len(), CASES, "seed {seed}");
    let (mut outcomes, mut granted, mut inherited, mut wrong) = (BTreeMap::<Outcome, usize>::new(), 0, 0, Vec::new());
    for (number, case) in cases.iter().enumerate() {
        let bytes = STANDARD.decode(&case.sd).unwrap();
        let descriptor = SecurityDescriptor::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case.dn));
        let certain = case.token.iter().map(|text| sid(text)).collect();
        let token = Token { certain, uncertain: BTreeSet::new() };
        let ours = decide(&descriptor, &token, &right, &sid(&case.own));
        *outcomes.entry(ours.outcome).or_default() += 1;
        granted += usize::from(case.granted);
        inherited += usize::from(ours.deciding.as_ref().is_some_and(|deciding| deciding.inherited));
        if ours.granted() != case.granted {
            wrong.push(format!(
                "seed {seed}, case {number}: {} on {} (its own: {}): the directory {} it, we say {ours:?}; {}",
                case.account,
                case.dn,
                case.itself,
                if case.granted { "lets" } else { "does not let" },
                descriptor.to_sddl(),
            ));
        }
    }
    // Each is as long as its descriptor.
    let first = wrong.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {CASES} come out otherwise, such as:\n{first}", wrong.len());
    println!("arrangements: {CASES} compared, {granted} granted, seed {seed}");
    println!("cases by outcome {outcomes:?}, decided by an inherited entry {inherited}");
    // A sample in which nothing is denied, or nothing inherited, would show nothing.
    assert!((CASES / 10..=CASES * 9 / 10).contains(&granted), "{granted} granted: a lopsided sample");
    assert!(outcomes.get(&Outcome::Denied).is_some_and(|count| *count >= CASES / 20), "{outcomes:?}");
    assert!(inherited >= CASES / 20, "only {inherited} decided by inherited entries");
}
