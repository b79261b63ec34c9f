//! The evaluator of rights against Samba's own access check (`sec_access_check_ds`), on random descriptors. Needs Samba's
//! Python libraries and the command, but no running laboratory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

use sendgate_tests::lab::Lab;
use sendgate_tests::system::Binaries;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Seeds that every run uses, with how many cases of each; one more is drawn anew.
const FIXED: [(u64, usize); 2] = [(17_540, 5000), (907_434, 5000)];
/// Cases of the seed that is drawn. A few of them cannot be compared, and 10,000 must be left.
const DRAWN: usize = 11_000;
/// Cases of the drawn seed that must have been compared.
const LEAST_COMPARED: usize = 10_000;
/// Where Sendgate decides otherwise on purpose, as `access_cases.py` names it.
const DELIBERATE: [&str; 5] =
    ["unmapped generic bits", "callback entries", "unknown types", "absent DACL", "uncertain memberships"];

#[derive(Debug, Deserialize)]
struct Question {
    differs: BTreeSet<String>,
    token: Vec<String>,
    uncertain: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    granted: Option<bool>,
    error: Option<String>,
}

fn output(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it was asked for");
    let input = input.to_owned();
    // Written beside the reading: the pipes hold less than the questions.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let done = child.wait_with_output().expect("it can be waited for");
    writer.join().expect("no panic").expect("all questions are read");
    assert!(done.status.success(), "{command:?} ended with {}", done.status);
    String::from_utf8(done.stdout).expect("JSON is UTF-8")
}

fn questions(seed: u64, cases: usize, translated: bool) -> String {
    let program = Lab::programs().join("access_cases.py");
    let mut command = Command::new(program);
    command.args([seed.to_string(), cases.to_string()]).args(translated.then_some("--translated"));
    output(&mut command, "")
}

/// What the real command says, from a file as an operator has it.
fn ours(questions: &str) -> Vec<Answer> {
    let file = std::env::temp_dir().join(format!("sendgate-oracle-{:016x}.jsonl", rand::random::<u64>()));
    std::fs::write(&file, questions).expect("the temporary directory is writable");
    let cli = Binaries::beside_this().unwrap_or_else(|error| panic!("{error}")).cli;
    let text = output(Command::new(cli).args(["rights", "--batch"]).arg(&file), "");
    std::fs::remove_file(&file).expect("it was made here");
    answers(&text)
}

fn sambas(questions: &str) -> Vec<Answer> {
    answers(&output(&mut Command::new(Path::new(&Lab::programs()).join("access_oracle.py")), questions))
}

fn answers(text: &str) -> Vec<Answer> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn seeds() -> Vec<(u64, usize)> {
    let drawn = u64::from(rand::random::<u32>());
    println!("seed {drawn} drawn, {DRAWN} cases; fixed seeds and their cases {FIXED:?}");
    FIXED.into_iter().chain([(drawn, DRAWN)]).collect()
}

#[test]
fn both_decide_alike_what_both_understand() {
    let (mut compared, mut granted, mut last) = (0, 0, 0);
    // How many questions had SIDs that are perhaps held, and how many SIDs the largest token had.
    let (mut uncertain, mut largest) = (0, 0);
    for (seed, cases) in seeds() {
        // Samba is asked about descriptors that mean to its routine what ours mean to us: every single answer counts.
        let asked = questions(seed, cases, true);
        let (ours, sambas) = (ours(&asked), sambas(&asked));
        assert_eq!((ours.len(), sambas.len()), (cases, cases), "seed {seed}");
        let before = compared;
        for (number, (line, (ours, sambas))) in asked.lines().zip(ours.iter().zip(&sambas)).enumerate() {
            assert_eq!(sambas.error, None, "seed {seed}, case {number}: Samba cannot read {line}");
            assert_eq!(ours.error, None, "seed {seed}, case {number}: we cannot read {line}");
            // A DACL that was not shown cannot be judged by a surveyor; the routine calls it open or closed.
            let question: Question = serde_json::from_str(line).expect("it was read before");
            if question.differs.contains("absent DACL") {
                assert_eq!(ours.granted, Some(false), "seed {seed}, case {number}: {line}");
                continue;
            }
            assert_eq!(ours.granted, sambas.granted, "seed {seed}, case {number}: {line}");
            compared += 1;
            granted += usize::from(ours.granted == Some(true));
            uncertain += usize::from(!question.uncertain.is_empty());
            largest = largest.max(question.token.len());
        }
        last = compared - before;
    }
    println!("cases compared {compared} ({last} of the drawn seed), granted {granted}");
    println!("cases with uncertain memberships {uncertain}, SIDs in the largest token {largest}");
    assert!(last >= LEAST_COMPARED, "only {last} cases of the drawn seed were compared");
    assert!(
        granted > compared / 20 && granted < compared * 19 / 20,
        "{granted} of {compared} granted: a lopsided sample"
    );
    assert!(uncertain > compared / 10 && largest > 20, "{uncertain} uncertain, {largest} SIDs: tokens are too plain");
}

#[test]
fn where_they_differ_it_is_on_purpose_and_never_to_allow() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (seed, cases) in seeds() {
        let asked = questions(seed, cases, false);
        let (ours, sambas) = (ours(&asked), sambas(&asked));
        assert_eq!((ours.len(), sambas.len()), (cases, cases), "seed {seed}");
        for (number, (line, (ours, sambas))) in asked.lines().zip(ours.iter().zip(&sambas)).enumerate() {
            let question: Question = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(question.differs.iter().all(|reason| DELIBERATE.contains(&reason.as_str())), "{line}");
            if ours.granted == sambas.granted {
                continue;
            }
            assert!(!question.differs.is_empty(), "seed {seed}, case {number}: {line}");
            // What is not certain may deny and never allow. Samba's reader takes the bytes of an entry of an unknown type
            // for a mask and a SID, so that there it is Samba who cannot be compared with.
            let misread = question.differs.contains("unknown types");
            assert!(misread || ours.granted == Some(false), "seed {seed}, case {number}: {line}");
            let reason = question.differs.iter().cloned().collect::<Vec<_>>().join(" + ");
            *seen.entry(reason).or_default() += 1;
        }
    }
    println!("cases that differ on purpose: {seen:?}");
    // A difference that never shows by itself would mean that nothing here tests it.
    for reason in ["unmapped generic bits", "callback entries", "uncertain memberships"] {
        assert!(seen.contains_key(reason), "no difference by {reason} alone: {seen:?}");
    }
}
