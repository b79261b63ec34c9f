//! Where clocks change. Every expected moment is in UTC, reckoned by hand from the zone's published changes.

use super::{CLOSED_FOR_GOOD, closed_until, moment, once, open, upcoming, window};
use sendgate_core::window::Zone;

#[test]
fn an_opening_includes_its_first_moment_and_not_its_end() {
    let window = window("FREQ=WEEKLY;BYDAY=SA", "2026-01-03T22:00", "6h", "W. Europe Standard Time");
    assert_eq!(window.zone().name(), "Europe/Berlin");
    let opening = open("2026-01-03T21:00:00Z", "2026-01-04T03:00:00Z", "2026-01-04T02:30:00Z");
    assert_eq!(window.at(moment("2026-01-03T20:59:59.999999999Z")), closed_until("2026-01-03T21:00:00Z"));
    assert_eq!(window.at(moment("2026-01-03T21:00:00Z")), opening);
    assert_eq!(window.at(moment("2026-01-04T02:45:00Z")), opening, "past the cutoff it is still open");
    assert_eq!(window.at(moment("2026-01-04T02:59:59.999999999Z")), opening);
    assert_eq!(window.at(moment("2026-01-04T03:00:00Z")), closed_until("2026-01-10T21:00:00Z"));
    assert_eq!(window.at(moment("1999-01-01T00:00:00Z")), CLOSED_FOR_GOOD, "its start is more than ten years off");
    assert_eq!(window.at(moment("2020-01-01T00:00:00Z")), closed_until("2026-01-03T21:00:00Z"));
}

#[test]
fn a_length_is_real_time_across_both_changes() {
    // Berlin: 29 March 2026 at 02:00 on to 03:00; 25 October at 03:00 back to 02:00.
    let berlin = window("FREQ=WEEKLY;BYDAY=SA", "2026-01-03T22:00", "6h", "Europe/Berlin");
    assert_eq!(
        upcoming(&berlin, "2026-03-22T12:00:00Z", 2),
        ["2026-03-28T21:00:00Z/2026-03-29T03:00:00Z", "2026-04-04T20:00:00Z/2026-04-05T02:00:00Z"],
        "the first one ends at 05:00 of the clock"
    );
    assert_eq!(
        upcoming(&berlin, "2026-10-24T00:00:00Z", 2),
        ["2026-10-24T20:00:00Z/2026-10-25T02:00:00Z", "2026-10-31T21:00:00Z/2026-11-01T03:00:00Z"],
        "the first one ends at 03:00 of the clock"
    );
    // New York: 8 March 2026 at 02:00 on, 1 November at 02:00 back.
    let new_york = window("FREQ=WEEKLY;BYDAY=SA", "2026-01-03T22:00", "6h", "Eastern Standard Time");
    assert_eq!(upcoming(&new_york, "2026-03-07T12:00:00Z", 1), ["2026-03-08T03:00:00Z/2026-03-08T09:00:00Z"]);
    assert_eq!(upcoming(&new_york, "2026-10-31T12:00:00Z", 1), ["2026-11-01T02:00:00Z/2026-11-01T08:00:00Z"]);
}

#[test]
fn a_start_that_the_clocks_skip_comes_later_by_the_gap() {
    let berlin = window("FREQ=DAILY", "2026-03-27T02:30", "1h", "Europe/Berlin");
    assert_eq!(
        upcoming(&berlin, "2026-03-28T00:00:00Z", 3),
        [
            "2026-03-28T01:30:00Z/2026-03-28T02:30:00Z",
            "2026-03-29T01:30:00Z/2026-03-29T02:30:00Z", // 03:30 summer time.
            "2026-03-30T00:30:00Z/2026-03-30T01:30:00Z",
        ]
    );
    let new_york = window("FREQ=DAILY", "2026-03-01T02:30", "1h", "America/New_York");
    assert_eq!(
        upcoming(&new_york, "2026-03-08T00:00:00Z", 2),
        ["2026-03-08T07:30:00Z/2026-03-08T08:30:00Z", "2026-03-09T06:30:00Z/2026-03-09T07:30:00Z"]
    );
    // Lord Howe: 4 October 2026 at 02:00 (+10:30) on to 02:30 (+11).
    let lord_howe = window("FREQ=DAILY", "2026-10-01T02:15", "1h", "Australia/Lord_Howe");
    assert_eq!(
        upcoming(&lord_howe, "2026-10-02T15:30:00Z", 3),
        [
            "2026-10-02T15:45:00Z/2026-10-02T16:45:00Z",
            "2026-10-03T15:45:00Z/2026-10-03T16:45:00Z", // 02:45 summer time.
            "2026-10-04T15:15:00Z/2026-10-04T16:15:00Z",
        ]
    );
}

#[test]
fn a_start_that_comes_twice_is_the_first_of_the_two_and_opens_once() {
    let berlin = window("FREQ=DAILY", "2026-10-01T02:30", "40m", "Europe/Berlin");
    assert_eq!(
        upcoming(&berlin, "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z/2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z/2026-10-26T02:10:00Z"]
    );
    assert_eq!(berlin.at(moment("2026-10-25T01:30:00Z")), closed_until("2026-10-26T01:30:00Z"), "the second 02:30");
    let new_york = window("FREQ=DAILY", "2026-10-01T01:30", "40m", "America/New_York");
    assert_eq!(upcoming(&new_york, "2026-11-01T00:00:00Z", 1), ["2026-11-01T05:30:00Z/2026-11-01T06:10:00Z"]);
    assert_eq!(new_york.at(moment("2026-11-01T06:30:00Z")), closed_until("2026-11-02T06:30:00Z"));
    // Lord Howe: 5 April 2026 at 02:00 (+11) back to 01:30 (+10:30).
    let lord_howe = window("FREQ=DAILY", "2026-04-01T01:45", "40m", "Australia/Lord_Howe");
    assert_eq!(
        upcoming(&lord_howe, "2026-04-04T12:00:00Z", 2),
        ["2026-04-04T14:45:00Z/2026-04-04T15:25:00Z", "2026-04-05T15:15:00Z/2026-04-05T15:55:00Z"]
    );
}

#[test]
fn the_end_of_a_one_off_window_is_a_local_time() {
    let spring = once("2026-03-28T22:00", "2026-03-29T04:00", "Europe/Berlin").read().unwrap();
    let autumn = once("2026-10-24T22:00", "2026-10-25T04:00", "Europe/Berlin").read().unwrap();
    assert_eq!(upcoming(&spring, "2026-01-01T00:00:00Z", 9), ["2026-03-28T21:00:00Z/2026-03-29T02:00:00Z"], "5 hours");
    assert_eq!(upcoming(&autumn, "2026-01-01T00:00:00Z", 9), ["2026-10-24T20:00:00Z/2026-10-25T03:00:00Z"], "7 hours");
    // An end in the overlap is the first of the two, the sooner; one in the gap is read by the offset before it.
    let twice = once("2026-10-24T22:00", "2026-10-25T02:30", "Europe/Berlin").read().unwrap();
    assert_eq!(upcoming(&twice, "2026-01-01T00:00:00Z", 9), ["2026-10-24T20:00:00Z/2026-10-25T00:30:00Z"]);
    let skipped = once("2026-03-28T22:00", "2026-03-29T02:30", "Europe/Berlin").read().unwrap();
    assert_eq!(upcoming(&skipped, "2026-01-01T00:00:00Z", 9), ["2026-03-28T21:00:00Z/2026-03-29T01:30:00Z"]);
    assert_eq!(spring.at(moment("2026-03-29T02:00:00Z")), CLOSED_FOR_GOOD);
    assert_eq!(
        spring.at(moment("2026-03-29T01:45:00Z")),
        open("2026-03-28T21:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T01:30:00Z")
    );
}

#[test]
fn a_zone_without_changes_has_the_same_hours_all_year() {
    let india = window("FREQ=MONTHLY;BYDAY=1SU", "2026-02-01T01:00", "3h", "India Standard Time");
    assert_eq!(india.zone().name(), "Asia/Calcutta");
    assert_eq!(
        upcoming(&india, "2026-02-28T00:00:00Z", 8),
        [
            "2026-02-28T19:30:00Z/2026-02-28T22:30:00Z",
            "2026-04-04T19:30:00Z/2026-04-04T22:30:00Z",
            "2026-05-02T19:30:00Z/2026-05-02T22:30:00Z",
            "2026-06-06T19:30:00Z/2026-06-06T22:30:00Z",
            "2026-07-04T19:30:00Z/2026-07-04T22:30:00Z",
            "2026-08-01T19:30:00Z/2026-08-01T22:30:00Z",
            "2026-09-05T19:30:00Z/2026-09-05T22:30:00Z",
            "2026-10-03T19:30:00Z/2026-10-03T22:30:00Z",
        ]
    );
}

#[test]
fn a_date_that_the_zone_skipped_has_no_opening_and_does_not_count() {
    // Apia had no 30 December 2011: from -10 to +14.
    let expected = [
        "2011-12-30T08:00:00Z/2011-12-30T09:00:00Z", // 29 December 22:00 -10
        "2011-12-31T08:00:00Z/2011-12-31T09:00:00Z", // 31 December 22:00 +14
        "2012-01-01T08:00:00Z/2012-01-01T09:00:00Z",
    ];
    let daily = window("FREQ=DAILY", "2011-12-29T22:00", "1h", "Pacific/Apia");
    assert_eq!(upcoming(&daily, "2011-12-01T00:00:00Z", 3), expected);
    let counted = window("FREQ=DAILY;COUNT=3", "2011-12-29T22:00", "1h", "Samoa Standard Time");
    assert_eq!(upcoming(&counted, "2011-12-01T00:00:00Z", 9), expected);
    let fridays = window("FREQ=WEEKLY;BYDAY=FR", "2011-12-23T22:00", "1h", "Pacific/Apia");
    assert_eq!(
        upcoming(&fridays, "2011-12-01T00:00:00Z", 2),
        ["2011-12-24T08:00:00Z/2011-12-24T09:00:00Z", "2012-01-06T08:00:00Z/2012-01-06T09:00:00Z"]
    );
    // Across it, a day shorter than the calendar has it.
    let across = once("2011-12-29T22:00", "2011-12-31T04:00", "Pacific/Apia").read().unwrap();
    assert_eq!(upcoming(&across, "2011-12-01T00:00:00Z", 2), ["2011-12-30T08:00:00Z/2011-12-30T14:00:00Z"]);
}

#[test]
fn zones_are_found_without_letter_case_and_by_both_kinds_of_name() {
    for (written, name) in [
        ("europe/berlin", "Europe/Berlin"),
        (" w. europe standard time ", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("utc", "Etc/UTC"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
    ] {
        assert_eq!(written.parse::<Zone>().unwrap().name(), name, "{written}");
    }
    assert!("Asia/Tokyo".parse::<Zone>().unwrap() > "America/New_York".parse().unwrap());
}
