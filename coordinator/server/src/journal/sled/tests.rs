//! The contract on disk, and what only a journal on disk can meet.

mod refused;

use super::*;
use crate::journal::contract::{self, Bench};
use crate::scratch::Scratch;
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct OnDisk {
    journal: SledJournal,
    _directory: Scratch,
}

impl Bench for OnDisk {
    type Form = SledJournal;
    fn new() -> Self {
        let directory = Scratch::new();
        Self { journal: open(directory.path()), _directory: directory }
    }
    fn journal(&self) -> &SledJournal {
        &self.journal
    }
    fn tamper(&self, change: impl FnOnce(&mut Vec<Record>)) {
        let journal = &self.journal;
        let mut records: Vec<Record> = journal.scan(Sequence::FIRST).map(Result::unwrap).collect();
        change(&mut records);
        journal.records.clear().unwrap();
        for record in records {
            journal.records.insert(record.sequence.get().to_be_bytes(), encode(&record)).unwrap();
        }
    }
}

contract::suite!(OnDisk);

/// Makes a journal with two records in `directory` and closes it.
fn two(directory: &Path) -> Head {
    let journal = open(directory);
    journal.append(journal.next(), b"one").unwrap();
    journal.append(journal.next(), b"two").unwrap();
    journal.head().unwrap()
}

/// Where no more files can be opened appending goes on: the file is open already. Here it has no name to be opened by.
#[test]
fn appending_opens_no_file() {
    let directory = Scratch::new();
    let head = two(directory.path());
    let journal = open(directory.path());
    let (name, moved) = (directory.path().join("db"), directory.path().join("moved"));
    std::fs::rename(&name, &moved).unwrap();
    journal.append(head.sequence.next(), b"three").unwrap();
    std::fs::rename(&moved, &name).unwrap();
    drop(journal);
    let verified = open(directory.path()).verify().unwrap();
    assert_eq!(verified.records, 3);
}

/// Opens once the lock is free: a process that another test is starting holds a copy of it until its program runs.
fn soon<T>(mut open: impl FnMut() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match open() {
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => std::thread::yield_now(),
            other => return other,
        }
    }
}

fn open(directory: &Path) -> SledJournal {
    soon(|| SledJournal::open(directory)).unwrap()
}

/// The meta or records tree behind the journal's back.
fn raw(directory: &Path, tree: &str) -> sled::Tree {
    let db = soon(|| open_db(directory)).unwrap();
    db.open_tree(tree).unwrap()
}

fn shown(error: &OpenError, directory: &Path) -> String {
    error.to_string().replace(&directory.display().to_string(), "DIRECTORY")
}

fn refusal(directory: &Path) -> String {
    shown(&soon(|| SledJournal::open(directory)).unwrap_err(), directory)
}

fn refusal_at_once(directory: &Path) -> String {
    shown(&SledJournal::open(directory).unwrap_err(), directory)
}

#[test]
fn what_was_acknowledged_is_there_after_opening_again() {
    let directory = Scratch::new();
    let head = two(directory.path());
    let journal = open(directory.path());
    assert_eq!(journal.head(), Some(head));
    assert_eq!(journal.verify().unwrap().records, 2);
    let third = journal.append(head.sequence.next(), b"three").unwrap();
    assert_eq!(third.previous, head.digest);
}

#[test]
fn an_append_is_readable_by_another_process_before_it_is_acknowledged() {
    // What is in the files at this moment is what a crash would leave.
    let (directory, copy) = (Scratch::new(), Scratch::new());
    let journal = open(directory.path());
    let record = journal.append(Sequence::FIRST, b"kept").unwrap();
    for file in ["db", "conf"] {
        std::fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
    }
    assert_eq!(open(copy.path()).read(Sequence::FIRST, 9).unwrap(), [record]);
    drop(journal);
}

const LOCKED: &str = "the journal in DIRECTORY is locked by another process: another coordinator runs on it; \
                      stop that one, or give this one a state_directory of its own";

#[test]
fn a_second_opening_is_refused() {
    let directory = Scratch::new();
    let journal = open(directory.path());
    assert_eq!(refusal_at_once(directory.path()), LOCKED);
    drop(journal);
    open(directory.path());
}

#[test]
fn a_lock_of_another_process_is_named() {
    let directory = Scratch::new();
    two(directory.path());
    // flock(1) holds the lock that sled takes, says so, and gives it up when its standard input ends.
    let mut holder = Command::new("flock")
        .arg(directory.path().join("db"))
        .args(["sh", "-c", "echo held; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut held = [0; 5];
    holder.stdout.take().unwrap().read_exact(&mut held).unwrap();
    assert_eq!(refusal_at_once(directory.path()), LOCKED);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    open(directory.path());
}

#[test]
fn another_schema_is_refused_and_named() {
    let directory = Scratch::new();
    two(directory.path());
    raw(directory.path(), "meta").insert(SCHEMA_KEY, "sendgate-journal-2").unwrap();
    assert_eq!(
        refusal(directory.path()),
        "the journal in DIRECTORY has the schema \"sendgate-journal-2\", and this version of Sendgate \
         knows \"sendgate-journal-1\" only: run the version that wrote it"
    );
}

#[test]
fn records_without_a_schema_are_not_taken_for_a_new_journal() {
    let directory = Scratch::new();
    two(directory.path());
    raw(directory.path(), "meta").remove(SCHEMA_KEY).unwrap();
    assert!(refusal(directory.path()).contains("has the schema \"\" (none), and"));
}

#[test]
fn damaged_files_are_an_error_that_names_the_directory_and_what_to_do() {
    let directory = Scratch::new();
    two(directory.path());
    // What a power cut was seen to leave behind.
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("snap.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(directory.path().join("snap.0000000000000000"), b"").unwrap();
    let text = refusal(directory.path());
    assert!(text.starts_with("the journal in DIRECTORY is damaged: "), "{text}");
    assert!(text.ends_with("remove that file from the copy and try with it; else restore the backup"), "{text}");
}

/// sled was ended, or had no more room, while it wrote one.
#[test]
fn a_snapshot_that_was_not_finished_does_not_keep_the_journal_from_opening() {
    let directory = Scratch::new();
    two(directory.path());
    let unfinished = directory.path().join("snap.FFFFFFFFFFFFFFFF.generating");
    std::fs::write(&unfinished, b"").unwrap();
    assert_eq!(open(directory.path()).verify().unwrap().records, 2);
    assert!(!unfinished.exists());

    // Of another process that has the journal, it may be one that is just being written.
    let journal = open(directory.path());
    std::fs::write(&unfinished, b"").unwrap();
    assert_eq!(refusal_at_once(directory.path()), LOCKED);
    assert!(unfinished.exists());
    drop(journal);
}

#[test]
fn a_head_that_is_no_head_is_an_error() {
    let directory = Scratch::new();
    two(directory.path());
    raw(directory.path(), "meta").insert(HEAD_KEY, b"short").unwrap();
    assert!(refusal(directory.path()).starts_with("the journal in DIRECTORY is damaged: its head is not a head"));
}

#[test]
fn a_record_cut_off_at_the_end_is_found_by_the_head() {
    let directory = Scratch::new();
    two(directory.path());
    raw(directory.path(), "records").remove(2u64.to_be_bytes()).unwrap();
    let journal = open(directory.path());
    let expected = "the journal is damaged: record 2 is missing; restore the state directory from its backup";
    assert_eq!(journal.verify().unwrap_err().to_string(), expected);
    assert_eq!(journal.read(Sequence::FIRST, 10).unwrap_err().to_string(), expected);
}

#[test]
fn a_record_shorter_than_its_digests_is_named() {
    let directory = Scratch::new();
    two(directory.path());
    raw(directory.path(), "records").insert(1u64.to_be_bytes(), b"cut").unwrap();
    let journal = open(directory.path());
    let expected = "the journal is damaged: record 1 is too short to be a record; \
                    restore the state directory from its backup";
    assert_eq!(journal.verify().unwrap_err().to_string(), expected);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = Scratch::new();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let text = SledJournal::open(&file).unwrap_err().to_string();
    assert!(text.starts_with(&format!("the journal directory {} cannot be used: ", file.display())), "{text}");
    assert!(text.ends_with("; create it, owned by the coordinator's user, on a disk with room"), "{text}");
}

#[test]
fn after_a_failed_write_nothing_is_appended() {
    let directory = Scratch::new();
    let journal = open(directory.path());
    journal.append(Sequence::FIRST, b"one").unwrap();
    // A head that another hand has changed: the transaction aborts.
    journal.meta.insert(HEAD_KEY, b"changed").unwrap();
    let failed = journal.append(journal.next(), b"two").unwrap_err();
    assert_eq!(
        failed.to_string(),
        "appending record 2 to the journal failed, and whether it is there is not known: the head on disk is not \
         the one in memory; no more is written: mend the disk, then restart the coordinator"
    );
    journal.meta.insert(HEAD_KEY, encode_head(&journal.head().unwrap())).unwrap();
    let refused = journal.append(journal.next(), b"two").unwrap_err();
    assert!(matches!(refused, AppendError::Broken { .. }));
    assert_eq!(
        refused.to_string(),
        "nothing is appended to the journal after a failed write (the head on disk is not the one in memory): \
         mend the disk, then restart the coordinator"
    );
}

/// A copy of a journal's directory, whose data file is this.
fn with_data(directory: &Path, data: &[u8]) -> Scratch {
    let copy = Scratch::new();
    let done =
        Command::new("cp").arg("-a").arg(format!("{}/.", directory.display())).arg(copy.path()).status().unwrap();
    assert!(done.success());
    std::fs::write(copy.path().join("db"), data).unwrap();
    copy
}

/// A power cut may leave any part of what an append was writing: its beginning, its end, or a file that ends within it.
#[test]
fn an_append_that_is_torn_is_there_whole_or_not_at_all() {
    let directory = Scratch::new();
    two(directory.path());
    let journal = open(directory.path());
    let data = || std::fs::read(directory.path().join("db")).unwrap();
    let before = data();
    // With nothing acknowledged of what comes.
    let base = with_data(directory.path(), &before);
    journal.append(journal.next(), b"three").unwrap();
    let after = data();
    let changed = |at: &usize| before.get(*at) != after.get(*at);
    let first = (0..after.len()).find(changed).expect("an append changes the file");
    let end = 1 + (0..after.len()).rev().find(changed).expect("an append changes the file");
    let mut found = BTreeSet::new();
    for cut in (first..end).step_by(7).chain([first + 1, end - 1, end]) {
        let begun = [&after[..cut], &before[cut..]].concat();
        let ended = [&before[..cut], &after[cut..]].concat();
        for torn in [begun, ended, after[..cut].to_vec()] {
            let copy = with_data(base.path(), &torn);
            let journal = open(copy.path());
            let records = journal.verify().unwrap().records;
            assert!((2..=3).contains(&records), "{records} records, torn at {cut}");
            found.insert(records);
            journal.append(journal.next(), b"and on").unwrap();
            drop(journal);
            assert_eq!(open(copy.path()).verify().unwrap().records, records + 1, "torn at {cut}");
        }
    }
    assert_eq!(found, BTreeSet::from([2, 3]), "both were seen");
}

fn lacks(text: &str) -> String {
    format!(
        "the journal in DIRECTORY lacks what was acknowledged: {text}; its files are damaged or an old copy was put in \
         their place: restore the backup of the whole state directory"
    )
}

/// sled takes what does not fit its checksums for the torn end of its log, and takes it back.
#[test]
fn an_acknowledged_record_that_is_damaged_or_cut_off_is_not_taken_back_in_silence() {
    let directory = Scratch::new();
    two(directory.path());
    let data = std::fs::read(directory.path().join("db")).unwrap();
    let at =
        |payload: &[u8]| data.windows(3).position(|window| window == payload).expect("payloads are there as given");
    for (payload, text) in
        [(b"two", "record 2 was, and it ends with record 1"), (b"one", "record 2 was, and it is empty")]
    {
        let mut changed = data.clone();
        changed[at(payload)] ^= 1;
        let copy = with_data(directory.path(), &changed);
        assert_eq!(refusal(copy.path()), lacks(text));
        let copy = with_data(directory.path(), &data[..at(payload)]);
        assert_eq!(refusal(copy.path()), lacks(text));
    }
}

#[test]
fn another_journal_in_the_place_of_this_one_is_seen() {
    let (ours, other) = (Scratch::new(), Scratch::new());
    two(ours.path());
    let journal = open(other.path());
    for payload in [&b"another"[..], b"two", b"three"] {
        journal.append(journal.next(), payload).unwrap();
    }
    drop(journal);
    std::fs::copy(ours.path().join("acknowledged"), other.path().join("acknowledged")).unwrap();
    assert_eq!(refusal(other.path()), lacks("record 2 is another one; the last is 3"));
}

#[test]
fn a_record_that_was_durable_and_not_acknowledged_stays() {
    let directory = Scratch::new();
    let journal = open(directory.path());
    let keep = directory.path().join("acknowledged");
    journal.append(journal.next(), b"one").unwrap();
    let before = std::fs::read(&keep).unwrap();
    journal.append(journal.next(), b"two").unwrap();
    drop(journal);
    std::fs::write(&keep, &before).unwrap();
    let journal = open(directory.path());
    assert_eq!(journal.verify().unwrap().records, 2);
    drop(journal);
    assert_ne!(std::fs::read(&keep).unwrap(), before, "from here on it is acknowledged");
}

/// A journal of a version that did not write down what it acknowledged.
#[test]
fn a_journal_without_the_file_gets_one() {
    let directory = Scratch::new();
    two(directory.path());
    std::fs::remove_file(directory.path().join("acknowledged")).unwrap();
    assert_eq!(open(directory.path()).verify().unwrap().records, 2);
    let data = std::fs::read(directory.path().join("db")).unwrap();
    let copy = with_data(directory.path(), &data[..20]);
    assert!(
        refusal(copy.path()).contains("lacks what was acknowledged") || refusal(copy.path()).contains("is damaged")
    );
}
