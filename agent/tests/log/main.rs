//! GoodLink's log as it lives: growing, rotated in several ways, with half lines, through restarts of the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod gone;
mod parts;
mod times;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use sendgate_agent::probe::goodlink_log::{Follower, LogSource, LogSyntax, SyntaxText, read_file};

const NO_ACCESS: &str = "-2147024891";
/// When it is, and when the log is written, as far as nothing else is said.
const NOW: &str = "2026-11-24T08:01:00Z";

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
        let follower = Follower::new(source, directory.join("mark.json"));
        Self { directory, follower }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("good.log")
    }

    fn append(&self, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.file()).unwrap();
        file.write_all(text.as_ref()).unwrap();
        self.written_at(NOW);
    }

    /// As if the live file had been written last at that time.
    fn written_at(&self, at: &str) {
        let at = u64::try_from(at.parse::<Timestamp>().unwrap().as_second()).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        OpenOptions::new().append(true).open(self.file()).unwrap().set_modified(at).unwrap();
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.file(), text).unwrap();
        self.written_at(NOW);
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
        self.follower = Follower::new(source, self.directory.join("mark.json"));
    }

    fn poll_since(&mut self, started: Option<Timestamp>) -> Vec<String> {
        let paused = self.follower.poll(started, NOW.parse().unwrap()).unwrap();
        paused.iter().map(|pause| format!("{} {} {}", pause.user, pause.hresult.value(), pause.count)).collect()
    }

    fn poll(&mut self) -> Vec<String> {
        self.poll_since(at(0))
    }

    fn error(&mut self) -> String {
        self.error_at(None, NOW)
    }

    fn error_at(&mut self, started: Option<Timestamp>, now: &str) -> String {
        self.follower.poll(started, now.parse().unwrap()).unwrap_err().to_string()
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

/// Read as UTF-8, two users of such a log could look the same, and be nobody on the roster.
#[test]
fn a_user_who_is_not_in_the_encoding_of_the_log_is_an_error_and_with_its_name_he_is_read() {
    let mut log = Log::new();
    let latin = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>();
    let (muller, moller) = (pause(1, "M\u{fc}ller", NO_ACCESS), pause(2, "M\u{f6}ller", NO_ACCESS));
    let resumed = "2026-11-24 08:00:09 Resuming user M\u{fc}ller.\n";
    let said = |user: &str, line: u32, log: &Log| {
        format!(
            "{}, line {line}: its user \"{user}\" is not in UTF-8; set encoding to the one that GoodLink logs in, such as \
             \"windows-1252\"",
            log.file().display()
        )
    };
    log.append(latin(&(muller.clone() + &moller)));
    assert_eq!(log.error(), said("M\u{fffd}ller", 1, &log));
    log.write([pause(1, "a", NO_ACCESS).into_bytes(), latin(resumed)].concat());
    assert_eq!(log.error(), said("M\u{fffd}ller", 2, &log));
    log.write(muller.clone() + &moller);
    assert_eq!(log.poll(), ["M\u{f6}ller -2147024891 1", "M\u{fc}ller -2147024891 1"], "as UTF-8");

    let text = SyntaxText {
        encoding: Some("Windows-1252".into()),
        time_zone: Some("UTC".into()),
        unpause_pattern: Some(r"Resuming user (?<user>.+)\.$".into()),
        ..SyntaxText::default()
    };
    let source = LogSource::new(log.file(), None, LogSyntax::new(text).unwrap()).unwrap();
    log.follower = Follower::new(source, log.directory.join("mark.json"));
    log.write(latin(&(muller + &moller)));
    assert_eq!(log.poll(), ["M\u{f6}ller -2147024891 1", "M\u{fc}ller -2147024891 1"]);
    log.append(latin(resumed));
    assert_eq!(log.poll(), ["M\u{f6}ller -2147024891 1"]);
}

#[test]
fn a_line_that_cannot_be_used_is_an_error_only_as_long_as_it_counts() {
    let mut log = Log::new();
    log.append(pause(1, "a", "-99999999999") + &pause(9, "b", NO_ACCESS));
    let bad = format!(
        "{}, line 1: its HRESULT \"-99999999999\" is not a 32-bit number; correct time_pattern, time_format or \
         pause_pattern",
        log.file().display()
    );
    assert_eq!(log.error(), bad);
    assert_eq!(log.error_at(at(1), NOW), bad);
    assert_eq!(log.poll_since(at(5)), ["b -2147024891 1"], "a restart of the service ends it");
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
    log.write("<html>\n</html>\n");
    assert_eq!(
        log.error(),
        format!(
            "{file} is not a GoodLink log: none of its 2 lines starts with a time as \"%Y-%m-%d %H:%M:%S%.f\" reads it; \
             name GoodLink's log, or set time_pattern and time_format for it"
        )
    );
    log.write(format!("\n24/11/2026{}", &pause(1, "a", NO_ACCESS)[10..]));
    assert_eq!(
        log.error(),
        format!(
            "{file}, line 2: it pauses or un-pauses a user, but its time does not read as \"%Y-%m-%d %H:%M:%S%.f\"; \
             correct time_pattern, time_format or pause_pattern"
        )
    );
    log.write(pause(1, "a", NO_ACCESS));
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
