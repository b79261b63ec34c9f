//! Openings that touch, overlap or never end.

use super::{CLOSED_FOR_GOOD, closed_until, moment, once, open, recurring, upcoming, window};
use jiff::SignedDuration;
use sendgate_core::window::{Opening, Together, Window, upcoming as together, windows_at};

const UTC: &str = "UTC";

fn with_cutoff(from: &str, to: &str, cutoff: &str) -> Window {
    let mut written = once(from, to, UTC);
    written.cutoff = Some(cutoff.to_owned());
    written.read().unwrap()
}

#[test]
fn a_weekend_of_two_whole_days_is_one_opening() {
    let weekend = window("FREQ=WEEKLY;BYDAY=SA,SU", "2026-01-03T00:00", "24h", UTC);
    let opening = open("2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z", "2026-01-11T23:30:00Z");
    for inside in ["2026-01-10T00:00:00Z", "2026-01-10T23:59:59Z", "2026-01-11T00:00:00Z", "2026-01-11T23:00:00Z"] {
        assert_eq!(weekend.at(moment(inside)), opening, "{inside}");
    }
    assert_eq!(
        upcoming(&weekend, "2026-01-11T12:00:00Z", 2),
        ["2026-01-10T00:00:00Z/2026-01-12T00:00:00Z", "2026-01-17T00:00:00Z/2026-01-19T00:00:00Z"]
    );
}

#[test]
fn openings_longer_than_their_interval_are_one() {
    let both = window("FREQ=DAILY;COUNT=3", "2026-01-03T00:00", "30h", UTC);
    assert_eq!(
        both.at(moment("2026-01-04T03:00:00Z")),
        open("2026-01-03T00:00:00Z", "2026-01-06T06:00:00Z", "2026-01-06T05:30:00Z")
    );
}

#[test]
fn a_window_that_never_closes_ends_after_a_hundred_openings() {
    let always = window("FREQ=DAILY", "2026-01-01T00:00", "24h", UTC);
    let wall = moment("2027-01-01T12:00:00Z");
    let Opening::Open { since, until, .. } = always.at(wall) else { panic!("it is open") };
    assert_eq!([since, until], [moment("2026-09-24T00:00:00Z"), moment("2027-04-11T00:00:00Z")]);
    assert!(matches!(always.at(until), Opening::Open { until: later, .. } if later > until), "it goes on");
    let listed = always.upcoming(wall, 3);
    assert_eq!(listed.len(), 3);
    assert!(listed.windows(2).all(|pair| pair[0].1 == pair[1].0), "listed in pieces: {listed:?}");
}

#[test]
fn several_windows_are_one_where_they_touch_and_the_last_end_counts() {
    let saturday = recurring("FREQ=WEEKLY;BYDAY=SA", "2026-01-03T22:00", "6h", UTC).read().unwrap();
    let touching = with_cutoff("2026-01-11T04:00", "2026-01-11T06:00", "1h");
    let windows = [saturday.clone(), touching];
    let opening = open("2026-01-10T22:00:00Z", "2026-01-11T06:00:00Z", "2026-01-11T05:00:00Z");
    assert_eq!(windows_at(&windows, moment("2026-01-10T23:00:00Z")), opening);
    assert_eq!(windows_at(&windows, moment("2026-01-11T05:30:00Z")), opening);
    assert_eq!(windows_at(&windows, moment("2026-01-11T06:00:00Z")), closed_until("2026-01-17T22:00:00Z"));
    let apart = [saturday, with_cutoff("2026-01-11T04:00:01", "2026-01-11T06:00", "1h")];
    assert_eq!(
        windows_at(&apart, moment("2026-01-10T23:00:00Z")),
        open("2026-01-10T22:00:00Z", "2026-01-11T04:00:00Z", "2026-01-11T03:30:00Z")
    );
    assert_eq!(windows_at(&apart, moment("2026-01-11T04:00:00Z")), closed_until("2026-01-11T04:00:01Z"));
    assert_eq!(together(&apart, moment("2026-01-10T00:00:00Z"), 2).len(), 2);
}

#[test]
fn of_windows_that_end_together_the_longest_cutoff_holds_at_every_moment() {
    let windows = [
        with_cutoff("2026-01-10T22:00", "2026-01-11T04:00", "30m"),
        with_cutoff("2026-01-11T01:00", "2026-01-11T04:00", "2h"),
    ];
    let opening = open("2026-01-10T22:00:00Z", "2026-01-11T04:00:00Z", "2026-01-11T02:00:00Z");
    for wall in ["2026-01-10T22:00:00Z", "2026-01-11T00:59:59Z", "2026-01-11T01:00:00Z", "2026-01-11T03:59:59Z"] {
        assert_eq!(windows_at(&windows, moment(wall)), opening, "{wall}");
    }
}

#[test]
fn no_windows_are_never_open() {
    assert_eq!(windows_at(&[], moment("2026-01-10T22:00:00Z")), CLOSED_FOR_GOOD);
}

#[test]
fn an_answer_that_is_kept_is_the_one_that_would_be_found_anew() {
    let sets = [
        vec![recurring("FREQ=WEEKLY;BYDAY=SA", "2026-01-03T22:00", "6h", UTC).read().unwrap()],
        vec![
            recurring("FREQ=DAILY", "2026-01-03T22:00", "90m", "Europe/Berlin").read().unwrap(),
            with_cutoff("2026-03-28T23:30", "2026-03-29T02:00", "1h"),
        ],
        vec![once("2026-03-28T23:30", "2026-03-29T02:00", UTC).read().unwrap()],
        // It never closes, so its ends move along.
        vec![recurring("FREQ=DAILY", "2026-01-01T00:00", "24h", UTC).read().unwrap()],
    ];
    for windows in sets {
        let kept = Together::from(windows.clone());
        let from = moment("2026-03-27T21:00:00Z");
        let ahead = (0..500).map(|step| from + SignedDuration::from_mins(7 * step));
        // Clocks are set back as well.
        let back = (0..40).map(|step| from + SignedDuration::from_mins(3000 - 61 * step));
        for wall in ahead.chain(back) {
            assert_eq!(kept.at(wall), windows_at(&windows, wall), "at {wall}, {windows:?}");
        }
    }
}
