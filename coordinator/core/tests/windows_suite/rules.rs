//! Days of rules: RFC 5545's own examples and the hard ones. The expected days were compared with python-dateutil.

use super::{CLOSED_FOR_GOOD, closed_until, moment, upcoming, window};

/// The days that a rule's openings begin on.
fn days(rule: &str, start: &str, most: usize) -> String {
    let window = window(rule, &format!("{start}T09:00"), "1h", "UTC");
    let begins: Vec<String> = upcoming(&window, "1970-01-01T00:00:00Z", 0);
    assert!(begins.is_empty(), "none asked for, none given");
    let listed = window.upcoming(moment(&format!("{start}T00:00:00Z")), most);
    let days: Vec<String> = listed.iter().map(|(begin, _)| begin.to_string()[..10].to_owned()).collect();
    days.join(" ")
}

#[test]
fn days_are_those_of_the_specification() {
    let cases = [
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", 9, "1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12"),
        ("FREQ=DAILY;BYMONTH=1;INTERVAL=12", "1998-01-01", 5, "1998-01-01 1998-01-13 1998-01-25 1999-01-08 1999-01-20"),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            "1997-09-02",
            6,
            "1997-09-02 1997-09-16 1997-09-30 1997-10-14 1997-10-28 1997-11-11",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05",
            9,
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05",
            9,
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31",
        ),
        ("FREQ=WEEKLY;BYDAY=SA", "2026-01-03", 4, "2026-01-03 2026-01-10 2026-01-17 2026-01-24"),
        (
            "FREQ=WEEKLY;BYMONTH=2;BYDAY=TH",
            "1997-02-06",
            6,
            "1997-02-06 1997-02-13 1997-02-20 1997-02-27 1998-02-05 1998-02-12",
        ),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", 4, "1997-09-05 1997-10-03 1997-11-07 1997-12-05"),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU",
            "1997-09-07",
            6,
            "1997-09-07 1997-09-28 1997-11-02 1997-11-30 1998-01-04 1998-01-25",
        ),
        ("FREQ=MONTHLY;BYDAY=-2MO", "1997-09-22", 4, "1997-09-22 1997-10-20 1997-11-17 1997-12-22"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", 4, "1997-09-28 1997-10-29 1997-11-28 1997-12-29"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,-1",
            "1997-09-30",
            6,
            "1997-09-30 1997-10-01 1997-10-31 1997-11-01 1997-11-30 1997-12-01",
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1998-02-13",
            5,
            "1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13",
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "1997-09-13",
            4,
            "1997-09-13 1997-10-11 1997-11-08 1997-12-13",
        ),
        ("FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", 3, "1997-09-04 1997-10-07 1997-11-06"),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1997-09-29",
            5,
            "1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29",
        ),
        ("FREQ=MONTHLY", "2026-01-31", 5, "2026-01-31 2026-03-31 2026-05-31 2026-07-31 2026-08-31"),
        (
            "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11",
            "1997-09-10",
            5,
            "1997-09-10 1997-09-11 1999-03-10 1999-03-11 2000-09-10",
        ),
        ("FREQ=YEARLY;BYMONTH=6,7", "1997-06-10", 5, "1997-06-10 1997-07-10 1998-06-10 1998-07-10 1999-06-10"),
        ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19", 3, "1997-05-19 1998-05-18 1999-05-17"),
        ("FREQ=YEARLY;BYDAY=-1SU", "2026-12-27", 3, "2026-12-27 2027-12-26 2028-12-31"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13", 5, "1997-03-13 1997-03-20 1997-03-27 1998-03-05 1998-03-12"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=2TU", "2026-11-10", 3, "2026-11-10 2027-11-09 2028-11-14"),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "1996-11-05",
            3,
            "1996-11-05 2000-11-07 2004-11-02",
        ),
        ("FREQ=YEARLY", "2096-02-29", 3, "2096-02-29 2104-02-29 2108-02-29"),
        ("FREQ=YEARLY;BYMONTHDAY=29;BYMONTH=2;BYDAY=SU", "2032-02-29", 2, "2032-02-29"),
        ("FREQ=YEARLY;BYDAY=TU;BYSETPOS=-1", "2026-12-29", 3, "2026-12-29 2027-12-28 2028-12-26"),
    ];
    for (rule, start, most, expected) in cases {
        assert_eq!(days(rule, start, most), expected, "{rule} from {start}");
    }
}

#[test]
fn a_rule_ends_with_its_count() {
    let counted = window("FREQ=WEEKLY;COUNT=2", "2026-01-03T22:00", "6h", "UTC");
    assert_eq!(counted.at(moment("2026-01-04T04:00:00Z")), closed_until("2026-01-10T22:00:00Z"));
    assert_eq!(counted.at(moment("2026-01-11T04:00:00Z")), CLOSED_FOR_GOOD);
}

#[test]
fn a_rule_ends_with_its_until_and_includes_it() {
    let until = |end: &str| {
        let window = window(&format!("FREQ=DAILY;UNTIL={end}"), "2026-01-01T22:00", "6h", "Europe/Berlin");
        window.upcoming(moment("2026-01-01T00:00:00Z"), 99).len()
    };
    assert_eq!([until("20260103T205959Z"), until("20260103T210000Z"), until("20260103T210001Z")], [2, 3, 3]);
}

#[test]
fn a_leap_day_is_found_across_a_century_without_one() {
    let leap = window("FREQ=YEARLY", "2096-02-29T09:00", "1h", "UTC");
    assert_eq!(leap.at(moment("2096-03-01T00:00:00Z")), closed_until("2104-02-29T09:00:00Z"));
}

#[test]
fn nothing_is_sought_further_than_ten_years_ahead_nor_after_2299() {
    let rare = window("FREQ=YEARLY;INTERVAL=20", "2026-01-01T09:00", "1h", "UTC");
    assert_eq!(rare.at(moment("2027-01-01T00:00:00Z")), CLOSED_FOR_GOOD);
    assert_eq!(rare.at(moment("2040-01-01T00:00:00Z")), closed_until("2046-01-01T09:00:00Z"));
    let daily = window("FREQ=DAILY", "2026-01-01T09:00", "1h", "UTC");
    assert_eq!(daily.at(moment("2299-12-31T10:00:00Z")), CLOSED_FOR_GOOD);
    assert_eq!(daily.at(moment("2299-12-31T08:00:00Z")), closed_until("2299-12-31T09:00:00Z"));
}
