//! GoodLink's log as it lives: growing, rotated in several ways, with half lines, through restarts of the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use sendgate_agent::probe::goodlink_log::{Follower, LogSource, LogSyntax, SyntaxText, read_file};

const NO_ACCESS: &str = "-2147024891";

struct Log {
    directory: PathBuf,
    follower: Follower,
}

fn syntax() -> LogSyntax {
    LogSyntax::new(SyntaxText {
        time_zone: Some("UTC".into()),
        unpause_pattern: Some(r"Resuming user (?<user>.+)\.$".into()),
        ..SyntaxText::default()
    })
    .unwrap()
}

fn pause(second: u32, user: &str, hresult: &str) -> String {
    format!(
        "2026-11-24 08:00:{second:02} Failed to submit mail message for user {user}. (HRESULT:{hresult}) Pausing user \
         {user}. (Security error - Cannot access the users mailbox.)\r\n"
    )
}

fn at(second: u32) -> Option<Timestamp> {
    Some(format!("2026-11-24T08:00:{second:02}Z").parse().unwrap())
}

impl Log {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("sendgate-log-{:016x}", rand::random::<u64>()));
        fs::create_dir(&directory).unwrap();
        let source = LogSource::new(directory.join("good.log"), None, syntax()).unwrap();
        fs::write(&source.file, "").unwrap();
        Self { directory, follower: Follower::new(source) }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("good.log")
    }

    fn append(&self, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.file()).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn rotate(&self) {
        for number in (1..5).rev() {
            let part = self.directory.join(format!("good.log.{number}"));
            if part.exists() {
                fs::rename(part, self.directory.join(format!("good.log.{}", number + 1))).unwrap();
            }
        }
        fs::rename(self.file(), self.directory.join("good.log.1")).unwrap();
        fs::write(self.file(), "").unwrap();
    }

    fn again(&mut self) {
        let source = LogSource::new(self.file(), None, syntax()).unwrap();
        self.follower = Follower::new(source);
    }

    fn poll_since(&mut self, started: Option<Timestamp>) -> Vec<String> {
        let paused = self.follower.poll(started).unwrap();
        paused.iter().map(|pause| format!("{} {} {}", pause.user, pause.hresult.value(), pause.count)).collect()
    }

    fn poll(&mut self) -> Vec<String> {
        self.poll_since(None)
    }

    fn error(&mut self) -> String {
        self.follower.poll(None).unwrap_err().to_string()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn an_empty_log_right_after_the_start_is_a_log() {
    assert_eq!(Log::new().poll(), Vec::<String>::new());
}

#[test]
fn half_lines_wait_for_their_end() {
    let mut log = Log::new();
    let line = pause(1, "john.doe", NO_ACCESS);
    let (first, rest) = line.split_at(60);
    log.append("2026-11-24 08:00:00 Service started\r\n");
    log.append(first);
    assert_eq!(log.poll(), Vec::<String>::new());
    log.append(rest);
    assert_eq!(log.poll(), ["john.doe -2147024891 1"]);
    assert_eq!(log.poll(), ["john.doe -2147024891 1"], "nothing is counted twice");
}

#[test]
fn other_results_are_counted_apart_and_an_unpause_ends_all() {
    let mut log = Log::new();
    log.append(pause(1, "ann", NO_ACCESS) + &pause(2, "ann", "-2147467259") + &pause(3, "bob", NO_ACCESS));
    assert_eq!(log.poll(), ["ann -2147467259 1", "ann -2147024891 1", "bob -2147024891 1"]);
    log.append("2026-11-24 08:00:09 Resuming user ann.\n");
    assert_eq!(log.poll(), ["bob -2147024891 1"]);
}

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
    fs::write(log.file(), pause(2, "b", NO_ACCESS)).unwrap();
    assert_eq!(log.poll(), ["a -2147024891 1", "b -2147024891 1"]);
}

#[test]
fn a_log_that_is_written_anew_is_read_anew() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll().len(), 1);
    fs::write(log.file(), pause(2, "b", NO_ACCESS) + &pause(3, "c", NO_ACCESS)).unwrap();
    assert_eq!(log.poll(), ["b -2147024891 1", "c -2147024891 1"], "the same file, longer, with another beginning");
}

#[test]
fn a_restart_of_the_service_ends_all_pauses() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS) + &pause(5, "b", NO_ACCESS) + &pause(7, "b", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 1", "b -2147024891 2"]);
    assert_eq!(log.poll_since(at(6)), ["b -2147024891 1"], "of b's lines one counts");
    assert_eq!(log.poll_since(None), ["b -2147024891 1"], "the last known start counts on while it is unknown");
    assert_eq!(log.poll_since(at(8)), Vec::<String>::new());
}

#[test]
fn what_is_not_text_and_what_is_too_long_does_not_stop_it() {
    let mut log = Log::new();
    log.append(b"2026-11-24 08:00:00 \xff\xfe\n");
    log.append([b'x'; 100_000]);
    log.append(format!("\n{}", pause(1, "a", NO_ACCESS)));
    assert_eq!(log.poll(), ["a -2147024891 1"]);
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_nobody() {
    let mut log = Log::new();
    let file = log.file().display().to_string();
    fs::remove_file(log.file()).unwrap();
    assert_eq!(log.error(), format!("cannot read the GoodLink log {file}: No such file or directory (os error 2)"));
    fs::create_dir(log.file()).unwrap();
    assert_eq!(log.error(), format!("cannot read the GoodLink log {file}: it is not a regular file"));
    fs::remove_dir(log.file()).unwrap();
    fs::write(log.file(), "<html>\n</html>\n").unwrap();
    assert_eq!(
        log.error(),
        format!(
            "{file} is not a GoodLink log: none of its 2 lines starts with a time as \"%Y-%m-%d %H:%M:%S%.f\" reads it; \
             name GoodLink's log, or set time_pattern and time_format for it"
        )
    );
    fs::write(log.file(), format!("\n24/11/2026{}", &pause(1, "a", NO_ACCESS)[10..])).unwrap();
    assert_eq!(
        log.error(),
        format!(
            "{file}, line 2: it pauses or un-pauses a user, but its time does not read as \"%Y-%m-%d %H:%M:%S%.f\"; \
             correct time_pattern, time_format or pause_pattern"
        )
    );
    fs::write(log.file(), pause(1, "a", NO_ACCESS)).unwrap();
    assert_eq!(log.poll().len(), 1, "and it is read again as soon as it can be");
    fs::write(log.directory.join("good.log.1.gz"), "").unwrap();
    let packed = log.directory.join("good.log.1.gz").display().to_string();
    assert_eq!(
        log.error(),
        format!(
            "{packed} may hold pauses since the service's start, but it is packed; rotate without packing, or leave it \
             out with rotated_pattern"
        )
    );
}

#[test]
fn one_file_is_read_for_a_person() {
    let log = Log::new();
    let empty = read_file(&syntax(), &log.file()).unwrap_err().to_string();
    assert!(empty.contains("is not a GoodLink log: none of its 0 lines starts with a time"), "{empty}");
    log.append(pause(1, "a", NO_ACCESS).trim_end());
    let paused = read_file(&syntax(), &log.file()).unwrap();
    assert_eq!(paused.iter().count(), 1, "also a last line without its end");
}
