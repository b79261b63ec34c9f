//! Lines that are gone: nobody is un-paused because of that.

use super::{Log, NO_ACCESS, NOW, at, pause, syntax};
use sendgate_agent::probe::goodlink_log::{Follower, LogSource};
use std::fs;

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

/// The lines were read, and went away, before the status program told the start after which they were logged.
#[test]
fn what_goes_away_before_the_start_of_the_service_is_known_is_not_forgotten_once_it_is() {
    for known in [None, at(2)] {
        // An older part, deleted.
        let mut log = Log::new();
        log.append(pause(1, "a", NO_ACCESS) + &pause(5, "b", NO_ACCESS));
        log.rotate();
        log.append(pause(6, "c", NO_ACCESS));
        let _ = log.follower.poll(known, NOW.parse().unwrap());
        fs::remove_file(log.directory.join("good.log.1")).unwrap();
        let _ = log.follower.poll(None, NOW.parse().unwrap());
        for _ in 0..2 {
            assert_eq!(log.poll_since(at(4)), ["b -2147024891 1", "c -2147024891 1"], "a's was before that start");
            log.again();
        }
        assert_eq!(log.poll_since(at(6)), ["c -2147024891 1"], "and so was b's, by a later one");

        // The live file itself.
        for (started, lost) in [(4, true), (7, false)] {
            let mut log = Log::new();
            log.append(pause(1, "a", NO_ACCESS) + &pause(5, "b", NO_ACCESS));
            let _ = log.follower.poll(known, NOW.parse().unwrap());
            log.write(pause(8, "c", NO_ACCESS));
            let gone = log.error_at(None, NOW);
            assert!(gone.contains(" does not begin any more as it did"), "{gone}");
            if lost {
                assert_eq!(log.error_at(at(started), NOW), gone, "what was logged after b is not known");
                log.again();
                assert_eq!(log.error_at(at(started), NOW), gone);
            } else {
                assert_eq!(log.poll_since(at(started)), ["c -2147024891 1"], "nothing of that start was in it");
            }
        }
    }
}

#[test]
fn who_was_paused_by_lines_that_are_gone_was_so_since_the_start_at_the_earliest() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS) + &pause(5, "a", NO_ACCESS));
    log.rotate();
    let _ = log.error();
    fs::remove_file(log.directory.join("good.log.1")).unwrap();
    let _ = log.error();
    let paused: Vec<_> = log.follower.poll(at(4), NOW.parse().unwrap()).unwrap().iter().cloned().collect();
    assert_eq!(
        paused.iter().map(|pause| (pause.first, pause.last)).collect::<Vec<_>>(),
        [(at(4).unwrap(), at(5).unwrap())]
    );
}

/// The path was wrong and has been corrected: the mark in the host's file is of the other log.
#[test]
fn what_was_found_of_one_log_is_not_said_of_another() {
    let mut log = Log::new();
    log.append(pause(1, "a", NO_ACCESS));
    assert_eq!(log.poll().len(), 1);
    log.write("");
    let gone = log.error();
    assert!(gone.contains(" does not begin any more as it did"), "{gone}");
    let right = log.directory.join("right.log");
    fs::write(&right, pause(2, "b", NO_ACCESS)).unwrap();
    let written = fs::metadata(log.file()).unwrap().modified().unwrap();
    fs::OpenOptions::new().append(true).open(&right).unwrap().set_modified(written).unwrap();
    let source = LogSource::new(right, None, syntax()).unwrap();
    log.follower = Follower::new(source, log.directory.join("mark.json"));
    assert_eq!(log.poll(), ["b -2147024891 1"]);
    log.again();
    assert_eq!(log.error(), gone, "nor is it forgotten");
}

/// It says neither of which log it is nor when its lines were logged: it holds until the next start, as it did.
#[test]
fn a_mark_of_an_earlier_release_ends_with_the_next_start() {
    // The agent's first look finds the service running, or stopped.
    for running in [at(0), None] {
        let mut log = Log::new();
        log.append(pause(1, "a", NO_ACCESS));
        assert_eq!(log.poll().len(), 1);
        log.write("");
        let gone = log.error();
        let path = log.directory.join("mark.json");
        let mut mark: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let fields = mark.as_object_mut().unwrap();
        assert!(fields.remove("log").is_some() && fields.remove("latest").is_some());
        fs::write(&path, mark.to_string()).unwrap();
        for _ in 0..2 {
            log.again();
            assert_eq!(log.error_at(running, NOW), gone);
        }
        for second in [10, 20] {
            assert_eq!(log.poll_since(at(second)), Vec::<String>::new());
            log.again();
        }
    }
}
