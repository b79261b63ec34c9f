//! Times, zones and clocks.

use super::{Log, NO_ACCESS, NOW, at, pause};
use sendgate_agent::probe::goodlink_log::{Follower, LogSource, LogSyntax, SyntaxText};

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
fn a_restart_of_the_service_ends_all_pauses() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS) + &pause(5, "b", NO_ACCESS) + &pause(7, "b", NO_ACCESS));
    assert_eq!(log.poll_since(at(0)), ["a -2147024891 1", "b -2147024891 2"]);
    assert_eq!(log.poll_since(at(6)), ["b -2147024891 1"], "of b's lines one counts");
    assert_eq!(log.poll_since(None), ["b -2147024891 1"], "the last known start counts on while it is unknown");
    assert_eq!(log.poll_since(at(8)), Vec::<String>::new());
}

/// Such as after a reboot of both hosts: all that was ever logged would be pauses of today, and stop a rollout, or stand in
/// its baseline and excuse everybody.
#[test]
fn while_no_start_of_the_service_has_been_told_it_is_not_known_which_pauses_hold() {
    let mut log = Log::new();
    log.append(pause(1, "ann", NO_ACCESS));
    let unknown = format!(
        "since when GoodLink's service runs has not been told since this agent was started, so which of the pauses in {} still \
         hold is not known either; see that the service runs, and that its status program prints \"state: running\" and \
         \"started: \" with the time",
        log.file().display()
    );
    for _ in 0..2 {
        assert_eq!(log.error_at(None, NOW), unknown);
    }
    assert_eq!(log.poll_since(at(2)), Vec::<String>::new(), "ann's pause was ended by that start");
    log.append(pause(3, "bob", NO_ACCESS));
    assert_eq!(log.poll_since(None), ["bob -2147024891 1"], "the last known start counts on");
    log.again();
    assert_eq!(log.error_at(None, NOW), unknown, "an agent that is started anew has been told none");
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
