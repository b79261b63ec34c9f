//! How the log is put away in parts: whatever a rotation does, nothing is lost.

use super::{Log, NO_ACCESS, pause};
use std::fs;
use std::fs::OpenOptions;
use std::io::Write;

#[test]
fn rotations_lose_nothing_however_many_there_were() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll().len(), 1);
    log.append(pause(2, "b", NO_ACCESS));
    log.rotate();
    log.append(pause(3, "c", NO_ACCESS));
    assert_eq!(log.poll().len(), 3, "the end of the old file, then the new one");
    log.append(pause(4, "d", NO_ACCESS));
    log.rotate();
    log.append(pause(5, "e", NO_ACCESS));
    log.rotate();
    log.append(pause(6, "a", NO_ACCESS));
    let all = ["a -2147024891 2", "b -2147024891 1", "c -2147024891 1", "d -2147024891 1", "e -2147024891 1"];
    assert_eq!(log.poll(), all, "a whole file came and went between two looks");
    log.again();
    assert_eq!(log.poll(), all, "a new start of the agent reads the same");
}

#[test]
fn a_late_line_in_the_old_file_is_seen() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    log.rotate();
    assert_eq!(log.poll().len(), 1);
    let mut old = OpenOptions::new().append(true).open(log.directory.join("good.log.1")).unwrap();
    old.write_all(pause(2, "b", NO_ACCESS).as_bytes()).unwrap();
    assert_eq!(log.poll().len(), 2);
}

#[test]
fn a_copied_and_truncated_log_goes_on() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll().len(), 1);
    fs::copy(log.file(), log.directory.join("good.log.1")).unwrap();
    // As long as before, so that only its beginning tells.
    log.write(pause(2, "b", NO_ACCESS));
    assert_eq!(log.poll(), ["a -2147024891 1", "b -2147024891 1"]);
}

#[test]
fn a_copy_that_is_made_before_the_log_is_truncated_is_found() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll(), ["a -2147024891 1"]);
    fs::copy(log.file(), log.directory.join("good.log.1")).unwrap();
    assert_eq!(log.poll(), ["a -2147024891 2"], "for a moment there are two of it");
    log.write("");
    assert_eq!(log.poll(), ["a -2147024891 1"]);
}
