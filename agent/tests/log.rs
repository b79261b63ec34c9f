//! GoodLink's log as it lives: growing, rotated in several ways, with half lines, through restarts of the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

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
        self.poll_since(None)
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

/// A log that the running service does not write says nothing of whom it pauses: that is not nobody.
#[test]
fn a_log_without_anything_since_the_start_of_the_service_is_not_the_one_that_it_writes() {
    let started = "2026-11-24T12:00:00Z";
    let silent = |written: &str| {
        format!(
            "is from after the start of GoodLink's service at {started}, and the file was written last at {written}: whom \
             GoodLink pauses is not seen; name the log that this GoodLink writes"
        )
    };
    let at = |text: &str| Some(text.parse().unwrap());
    for lines in [String::new(), pause(1, "john.doe", NO_ACCESS)] {
        let mut log = Log::new();
        log.append(lines);
        // The service may just have begun.
        assert!(log.follower.poll(at(started), "2026-11-24T12:20:00Z".parse().unwrap()).is_ok());
        for _ in 0..2 {
            let error = log.error_at(at(started), "2026-11-24T12:20:01Z");
            assert!(error.ends_with(&silent(NOW)), "{error}");
        }
        // Anything that was written since will do: a line, the file's own time, a part that was rotated away.
        log.append("2026-11-24 12:30:00 Service started\r\n");
        let now = "2026-11-24T12:30:00Z".parse().unwrap();
        assert!(log.follower.poll(at(started), now).is_ok(), "a file that is open may show an old time");
        log.written_at("2026-11-24T12:30:00Z");
        assert!(log.follower.poll(at(started), "2026-11-24T18:00:00Z".parse().unwrap()).is_ok());
        // Another start of the service, and it is asked again.
        let error = log.error_at(at("2026-11-24T15:00:00Z"), "2026-11-24T18:00:00Z");
        assert!(error.contains("is from after the start of GoodLink's service at 2026-11-24T15:00:00Z"), "{error}");
        log.rotate();
        log.written_at("2026-11-24T12:30:00Z");
        let error = log.error_at(at("2026-11-24T15:00:00Z"), "2026-11-24T18:00:00Z");
        assert!(error.contains("is from after the start"), "{error}");
        log.again();
        assert!(log.follower.poll(at(started), "2026-11-24T18:00:00Z".parse().unwrap()).is_ok());
    }
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

/// What was logged since the last look, and is in no part, cannot be known.
#[test]
fn a_log_whose_lines_are_gone_is_an_error_until_the_next_start_of_the_service() {
    let gone = |log: &Log| {
        format!(
            "the GoodLink log {} does not begin any more as it did, and no older part does: it was cleared, or put away under a \
             name that rotated_pattern does not fit, and whom GoodLink has paused since its service's start is not known; set \
             rotated_pattern to fit that name and start this agent anew; where the lines are gone for good, only the next \
             start of GoodLink's service ends this",
            log.file().display()
        )
    };
    let away = |log: &Log| fs::rename(log.file(), log.directory.join("good_20261124.log")).unwrap();
    let ways: [&dyn Fn(&Log); 5] = [
        &|log| log.write(""),
        // As long as before, or longer, with another beginning; then with another end.
        &|log| log.write(pause(2, "b", NO_ACCESS) + &pause(3, "c", NO_ACCESS) + &pause(4, "d", NO_ACCESS)),
        &|log| log.write(pause(1, "a", NO_ACCESS) + &pause(2, "a", NO_ACCESS) + &pause(4, "d", NO_ACCESS)),
        &|log| {
            away(log);
            log.write("");
        },
        &|log| {
            fs::remove_file(log.file()).unwrap();
            log.write(pause(4, "d", NO_ACCESS));
        },
    ];
    for lost in ways {
        let mut log = Log::new();
        log.append(pause(1, "a", NO_ACCESS) + &pause(2, "a", NO_ACCESS) + &pause(3, "b", NO_ACCESS));
        assert_eq!(log.poll_since(at(0)).len(), 2);
        lost(&log);
        for _ in 0..2 {
            assert_eq!(log.error_at(at(0), NOW), gone(&log));
        }
        log.again();
        assert_eq!(log.error_at(None, NOW), gone(&log), "an agent that is started anew is no start of the service");
        log.again();
        assert_eq!(log.error_at(at(0), NOW), gone(&log));
        assert_eq!(log.error_at(None, NOW), gone(&log), "while the service is stopped");
        log.write(pause(20, "e", NO_ACCESS));
        assert_eq!(log.poll_since(at(10)), ["e -2147024891 1"], "a start ends all pauses");
    }

    // It is no error any more once the part has its name.
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)).len(), 1);
    away(&log);
    let missing = log.error_at(at(0), NOW);
    assert!(missing.ends_with("No such file or directory (os error 2)"), "{missing}");
    log.write(pause(2, "b", NO_ACCESS));
    assert_eq!(log.error_at(at(0), NOW), gone(&log), "what was read is not forgotten over an error");
    log.again();
    fs::rename(log.directory.join("good_20261124.log"), log.directory.join("good.log.1")).unwrap();
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 1", "b -2147024891 1"], "by an agent that was started anew, too");
}

/// Such as that of the run before, which GoodLink puts away when it starts.
#[test]
fn a_log_that_goes_away_with_nothing_that_counts_is_none_that_is_missed() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll_since(at(10)), Vec::<String>::new());
    log.write(pause(11, "b", NO_ACCESS));
    assert_eq!(log.poll_since(at(10)), ["b -2147024891 1"]);
}

#[test]
fn an_older_part_that_is_deleted_leaves_its_pauses() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS) + &pause(2, "b", NO_ACCESS) + &pause(2, "e", NO_ACCESS));
    log.rotate();
    log.append(pause(3, "a", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 2", "b -2147024891 1", "e -2147024891 1"]);
    fs::remove_file(log.directory.join("good.log.1")).unwrap();
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 2", "b -2147024891 1", "e -2147024891 1"]);
    let first = log.follower.poll(at(0), NOW.parse().unwrap()).unwrap().iter().next().unwrap().first;
    assert_eq!(first, at(1).unwrap(), "since when, too");
    // Also when it was rotated since, and everything is read anew.
    log.append(pause(4, "c", NO_ACCESS));
    log.rotate();
    log.append(pause(5, "d", NO_ACCESS));
    let all = ["a -2147024891 2", "b -2147024891 1", "c -2147024891 1", "d -2147024891 1", "e -2147024891 1"];
    assert_eq!(log.poll_since(at(0)), all);
    log.again();
    assert_eq!(log.poll_since(at(0)), all, "by an agent that was started anew, too");
    // Before the next look it was rotated as well.
    log.append("2026-11-24 08:00:06 Resuming user b.\n");
    log.rotate();
    assert_eq!(log.poll_since(at(0)).len(), 4, "a line ends it");
    log.rotate();
    log.again();
    assert_eq!(log.poll_since(at(0)).len(), 4, "and it does not come back");
    log.append(pause(8, "c", NO_ACCESS));
    assert_eq!(log.poll_since(at(7)), ["c -2147024891 1"], "and so does a start of the service");
}

/// `copy` over the last part, and the log cleared: the file is the one that it was, and what it held is gone.
#[test]
fn an_older_part_that_is_overwritten_leaves_its_pauses() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    let part = log.directory.join("good.log.1");
    fs::copy(log.file(), &part).unwrap();
    log.write(pause(2, "b", NO_ACCESS) + &pause(3, "c", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)).len(), 3);
    fs::copy(log.file(), &part).unwrap();
    log.write("");
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 1", "b -2147024891 1", "c -2147024891 1"]);
}

/// Without it, an agent that is started anew would show too few.
#[test]
fn that_lines_are_gone_has_to_be_written_down() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)).len(), 1);
    fs::create_dir(log.directory.join("mark.json")).unwrap();
    log.write("");
    let said = |log: &Log, why: &str| {
        format!(
            "{} keeps what lines of the GoodLink log that are gone have said, and it cannot be used: {why}; mend the disk or \
             the permissions of that directory, or, once GoodLink's service has been started anew, remove that file",
            log.directory.join("mark.json").display()
        )
    };
    assert_eq!(log.error_at(at(0), NOW), said(&log, "Is a directory (os error 21)"));
    fs::remove_dir(log.directory.join("mark.json")).unwrap();
    fs::write(log.directory.join("mark.json"), "{").unwrap();
    log.again();
    assert_eq!(log.error_at(at(0), NOW), said(&log, "EOF while parsing an object at line 1 column 1"));
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
fn times_of_another_zone_are_an_error_until_a_line_is_right() {
    let mut log = Log::new();
    let file = log.file().display().to_string();
    log.append(pause(1, "a", NO_ACCESS));
    // The line is an hour older than the file: a restart at half past eight would leave nobody paused.
    log.written_at("2026-11-24T09:00:01Z");
    let far = format!(
        "the last line of {file} reads as of 2026-11-24T08:00:01Z, but the file was written at 2026-11-24T09:00:01Z: its \
         times are of another zone, so that pauses after the service's start would not count; set time_zone to the zone \
         that GoodLink logs in, and keep the file's own time where it is copied"
    );
    let started = Some("2026-11-24T08:30:00Z".parse().unwrap());
    assert_eq!(log.error_at(started, "2026-11-24T09:00:02Z"), far);
    log.rotate();
    assert_eq!(log.error_at(started, "2026-11-24T09:00:02Z"), far, "an empty file shows no zone");
    log.append(pause(2, "b", NO_ACCESS));
    log.written_at("2026-11-24T08:20:02Z");
    assert_eq!(log.poll_since(at(0)).len(), 2, "what is written late is not of another zone");
}

#[test]
fn a_line_of_the_future_is_an_error() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    // A file that is open may have been written before it shows so.
    log.written_at("2026-11-24T07:00:01Z");
    let expected = format!(
        "the last line of {} reads as of 2026-11-24T08:00:01Z, but it is 2026-11-24T07:30:01Z: set time_zone to the zone \
         that GoodLink logs in, or correct the clock of this host or of GoodLink's",
        log.file().display()
    );
    assert_eq!(log.error_at(None, "2026-11-24T07:30:01Z"), expected);
    log.append("more of the same message\n");
    assert_eq!(log.error(), expected, "until there is another line with a time");
    log.append(pause(2, "a", NO_ACCESS));
    assert_eq!(log.poll(), ["a -2147024891 2"]);
}

/// In both passes of the hour the log is of its zone; a log of another zone is none in that hour either.
#[test]
fn a_log_is_of_its_zone_also_in_the_hour_that_is_repeated() {
    let berlin =
        LogSyntax::new(SyntaxText { time_zone: Some("Europe/Berlin".into()), ..SyntaxText::default() }).unwrap();
    let line = pause(0, "a", NO_ACCESS).replace("2026-11-24 08:00:00", "2026-10-25 02:10:00");
    let poll = |written: &str, now: &str| {
        let mut log = Log::new();
        log.follower =
            Follower::new(LogSource::new(log.file(), None, berlin.clone()).unwrap(), log.directory.join("mark.json"));
        log.append(&line);
        log.written_at(written);
        let paused = log.follower.poll(Some("2026-10-25T00:05:00Z".parse().unwrap()), now.parse().unwrap());
        paused.map(|paused| paused.iter().count()).map_err(|error| error.to_string())
    };
    for first_or_second in ["2026-10-25T00:10:01Z", "2026-10-25T01:10:01Z"] {
        assert_eq!(poll(first_or_second, first_or_second), Ok(1), "{first_or_second}");
    }
    let far = poll("2026-10-25T02:10:01Z", "2026-10-25T02:10:01Z").unwrap_err();
    assert!(
        far.contains("reads as of 2026-10-25T01:10:00Z, but the file was written at 2026-10-25T02:10:01Z"),
        "{far}"
    );
    let ahead = poll("2026-10-24T23:10:01Z", "2026-10-24T23:10:01Z").unwrap_err();
    assert!(ahead.contains("reads as of 2026-10-25T01:10:00Z, but it is 2026-10-24T23:10:01Z"), "{ahead}");
    let between = poll("2026-10-25T00:40:00Z", "2026-10-25T00:40:00Z").unwrap_err();
    assert!(between.contains("reads as of 2026-10-25T01:10:00Z, but it is 2026-10-25T00:40:00Z"), "{between}");
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
fn a_clock_that_is_set_back_after_the_start_hides_no_pause() {
    let mut log = Log::new();
    log.append("2026-11-24 08:00:50 Service started\n");
    log.append(pause(20, "a", NO_ACCESS));
    assert_eq!(log.poll_since(at(50)), ["a -2147024891 1"]);
    // Rotated away by a clock that is before the start.
    log.written_at("2026-11-24T08:00:20Z");
    log.rotate();
    log.append(pause(30, "b", NO_ACCESS));
    assert_eq!(log.poll_since(at(50)), ["a -2147024891 1", "b -2147024891 1"]);
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
