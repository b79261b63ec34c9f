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

/// Seeds that every run uses; one more is drawn anew.
const SEEDS: [u64; 2] = [17540, 907_434];
/// Cases of each seed.
const CASES: usize = 5000;
/// Where Sendgate decides otherwise on purpose, as `access_cases.py` names it.
const DELIBERATE: [&str; 4] = ["unmapped generic bits", "callback entries", "unknown types", "absent DACL"];

#[derive(Debug, Deserialize)]
struct Question {
    differs: BTreeSet<String>,
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

fn questions(seed: u64, translated: bool) -> String {
    let program = Lab::programs().join("access_cases.py");
    let mut command = Command::new(program);
    command.args([seed.to_string(), CASES.to_string()]).args(translated.then_some("--translated"));
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

fn seeds() -> Vec<u64> {
    let drawn = u64::from(rand::random::<u32>());
    println!("seeds {SEEDS:?} and {drawn}, {CASES} cases each");
    SEEDS.into_iter().chain([drawn]).collect()
}

#[test]
fn both_decide_alike_what_both_understand() {
    let (mut compared, mut granted) = (0, 0);
    for seed in seeds() {
        // Questions put so that Samba's routine means by them what Sendgate means: every single answer counts.
        let asked = questions(seed, true);
        let (ours, sambas) = (ours(&asked), sambas(&asked));
        assert_eq!((ours.len(), sambas.len()), (CASES, CASES), "seed {seed}");
        for (number, (line, (ours, sambas))) in asked.lines().zip(ours.iter().zip(&sambas)).enumerate() {
            assert_eq!(sambas.error, None, "seed {seed}, case {number}: Samba cannot read {line}");
            assert_eq!(ours.error, None, "seed {seed}, case {number}: we cannot read {line}");
            // A DACL that was not shown cannot be judged by a surveyor; the routine calls it open or closed.
            let question: Question = serde_json::from_str(line).expect("it was read before");
            if question.differs.contains("absent DACL") {
                continue;
            }
            assert_eq!(ours.granted, sambas.granted, "seed {seed}, case {number}: {line}");
            compared += 1;
            granted += usize::from(ours.granted == Some(true));
        }
    }
    println!("cases compared {compared}, granted {granted}");
    assert!(compared >= 10_000, "only {compared} cases were compared");
    assert!(
        granted > compared / 20 && granted < compared * 19 / 20,
        "{granted} of {compared} granted: a lopsided sample"
    );
}

#[test]
fn where_they_differ_it_is_on_purpose() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds() {
        let asked = questions(seed, false);
        let (ours, sambas) = (ours(&asked), sambas(&asked));
        for (number, (line, (ours, sambas))) in asked.lines().zip(ours.iter().zip(&sambas)).enumerate() {
            let question: Question = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            if question.differs.is_empty() {
                assert_eq!(ours.granted, sambas.granted, "seed {seed}, case {number}: {line}");
                continue;
            }
            assert!(question.differs.iter().all(|reason| DELIBERATE.contains(&reason.as_str())), "{line}");
            if ours.granted != sambas.granted {
                let reason = question.differs.iter().cloned().collect::<Vec<_>>().join(" + ");
                *seen.entry(reason).or_default() += 1;
            }
        }
    }
    println!("cases that differ on purpose: {seen:?}");
    // A difference that never shows would mean that nothing here tests it.
    for reason in ["unmapped generic bits", "callback entries"] {
        assert!(seen.keys().any(|reasons| reasons.contains(reason)), "no difference by {reason}: {seen:?}");
    }
}
