//! Every error, word for word.

use super::{once, recurring};
use sendgate_core::window::{Window, WrittenWindow};

const RULE: &str = "FREQ=WEEKLY;BYDAY=SA";
const START: &str = "2026-01-03T22:00";

fn error(written: &WrittenWindow) -> String {
    written.read().unwrap_err().to_string()
}

fn rule(rule: &str) -> String {
    error(&recurring(rule, START, "6h", "UTC")).replace("window \"night\" cannot be used: rule: ", "")
}

fn with(change: impl Fn(&mut WrittenWindow)) -> String {
    let mut written = recurring(RULE, START, "6h", "UTC");
    change(&mut written);
    error(&written).replace("window \"night\" cannot be used: ", "")
}

#[test]
fn a_rule_that_is_none_says_so() {
    let cases = [
        ("BYDAY=SA", "the rule has no FREQ; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"),
        ("FREQ=HOURLY", "FREQ=HOURLY cannot be a window's; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"),
        (
            "FREQ=DAILY;BYHOUR=3",
            "BYHOUR cannot be in a window's rule; the time of day is that of \"start\"; write a window for each time",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=3",
            "\"BYWEEKNO=3\" is not a part of a rule; a rule is made of FREQ, INTERVAL, UNTIL, COUNT, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, as in \"FREQ=WEEKLY;BYDAY=SA\"",
        ),
        (
            "FREQ=DAILY;",
            "\"\" is not a part of a rule; a rule is made of FREQ, INTERVAL, UNTIL, COUNT, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, as in \"FREQ=WEEKLY;BYDAY=SA\"",
        ),
        (
            "0 22 * * 6",
            "\"0 22 * * 6\" is not a part of a rule; a rule is made of FREQ, INTERVAL, UNTIL, COUNT, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, as in \"FREQ=WEEKLY;BYDAY=SA\"",
        ),
        ("FREQ=DAILY;COUNT=", "COUNT has no value; write COUNT=..., or leave it out"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is there twice; keep one; several values are joined by commas"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261231T230000Z", "the rule has both UNTIL and COUNT; keep one of them"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0 is out of range; write a whole number from 1 to 1000"),
        ("FREQ=DAILY;COUNT=+3", "COUNT=+3 is out of range; write a whole number from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL=1001 is out of range; write a whole number from 1 to 1000"),
        (
            "FREQ=DAILY;UNTIL=20261231",
            "UNTIL=20261231 is not a moment; write the moment in UTC, such as UNTIL=20261231T230000Z: no opening begins after it",
        ),
        (
            "FREQ=DAILY;UNTIL=20261331T230000Z",
            "UNTIL=20261331T230000Z is not a moment; write the moment in UTC, such as UNTIL=20261231T230000Z: no opening begins after it",
        ),
        (
            "FREQ=DAILY;UNTIL=20260101T000000Z",
            "FREQ=DAILY;UNTIL=20260101T000000Z ends before the first opening at 2026-01-03T22:00; write a later end",
        ),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH cannot be \"13\"; write numbers from 1 to 12, joined by commas"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH cannot be \"-1\"; write numbers from 1 to 12, joined by commas"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,0",
            "BYMONTHDAY cannot be \"0\"; write numbers from 1 to 31, or -1 to -31 from the end, joined by commas",
        ),
        ("FREQ=MONTHLY;BYDAY=XX", "BYDAY cannot be \"XX\"; the days are MO, TU, WE, TH, FR, SA, SU"),
        ("FREQ=WEEKLY;WKST=1MO", "WKST cannot be \"1MO\"; the days are MO, TU, WE, TH, FR, SA, SU"),
        (
            "FREQ=WEEKLY;BYDAY=1SA",
            "BYDAY=1SA has no meaning with FREQ=WEEKLY; write the day alone, or FREQ=MONTHLY for a certain one of the month",
        ),
        (
            "FREQ=MONTHLY;BYDAY=6SA",
            "BYDAY cannot be \"6SA\" with FREQ=MONTHLY; write 1 to 5 before the day, or -1 to -5 from the end",
        ),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY has no meaning with FREQ=WEEKLY; write FREQ=MONTHLY, or leave it out"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS has nothing to choose from; add BYDAY or BYMONTHDAY, or leave it out"),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30 has no day in the 40 years from 2026-01-03T22:00; write a rule that comes true",
        ),
        (
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31 has no day in the 40 years from 2026-01-03T22:00; write a rule that comes true",
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(rule(written), expected, "{written}");
    }
}

#[test]
fn fields_that_are_wrong_say_so() {
    let text = |text: &str| Some(text.to_owned());
    let local = "write date and time as clocks in \"zone\" show them, such as \"2026-01-03T22:00\"";
    let cases = [
        (with(|w| w.name = "sat night".into()).replace("sat night", "night"), "window \"night\" cannot be used: name: \"night\" is not a window's name; write 1 to 64 letters, digits, '.', '_' or '-', such as \"sat-night\"".to_owned()),
        (with(|w| w.zone = None), "zone: it is missing; write it, such as zone = \"Europe/Berlin\"".to_owned()),
        (with(|w| w.cutoff = None), "cutoff: it is missing; write it, such as cutoff = \"30m\"".to_owned()),
        (with(|w| w.start = None), "start: it is missing; write it, such as start = \"2026-01-03T22:00\"".to_owned()),
        (with(|w| w.length = None), "length: it is missing; write it, such as length = \"6h\"".to_owned()),
        (with(|w| w.rule = None), "rule: it is missing; write it, such as rule = \"FREQ=WEEKLY;BYDAY=SA\"".to_owned()),
        (with(|w| w.zone = text("Berlin")), "zone: \"Berlin\" is not a time zone; write \"Europe/Berlin\", or another name that IANA or Windows has".to_owned()),
        (with(|w| w.zone = text("Europe/Berlim")), "zone: \"Europe/Berlim\" is not a time zone; write \"Europe/Berlin\", or another name that IANA or Windows has".to_owned()),
        (with(|w| w.zone = text("W Europe Standard Time")), "zone: \"W Europe Standard Time\" is not a time zone; write \"W. Europe Standard Time\" or \"E. Europe Standard Time\", or another name that IANA or Windows has".to_owned()),
        (with(|w| w.zone = text("Factory")), String::new()),
        (with(|w| w.zone = text("xyzzyxyzzyxyzzy")), "zone: \"xyzzyxyzzyxyzzy\" is not a time zone; write an IANA name such as \"Europe/Berlin\" or a Windows name such as \"W. Europe Standard Time\"".to_owned()),
        (with(|w| w.start = text("2026-01-03")), format!("start: \"2026-01-03\" is not a local time; {local}")),
        (with(|w| w.start = text("2026-01-03T22:00Z")), format!("start: \"2026-01-03T22:00Z\" is not a local time; {local}")),
        (with(|w| w.start = text("2026-01-03T22:00+01:00")), format!("start: \"2026-01-03T22:00+01:00\" is not a local time; {local}")),
        (with(|w| w.start = text("2026-02-29T22:00")), format!("start: \"2026-02-29T22:00\" is not a local time; {local}")),
        (with(|w| w.start = text("2026-01-03T22:00:60")), format!("start: \"2026-01-03T22:00:60\" is not a local time; {local}")),
        (with(|w| w.start = text("0026-01-03T22:00")), "start: \"0026-01-03T22:00\" is too far away; write a date from 1970-01-01 to 2199-12-31".to_owned()),
        (with(|w| w.start = text("2026-01-04T22:00")), "start: 2026-01-04T22:00 is not a day of FREQ=WEEKLY;BYDAY=SA; the first one after it is 2026-01-10T22:00".to_owned()),
        (with(|w| w.length = text("6")), "length: \"6\" is not a duration in whole seconds; write it with units, such as \"6h\" or \"1h30m\"".to_owned()),
        (with(|w| w.length = text("-6h")), "length: \"-6h\" is not a duration in whole seconds; write it with units, such as \"6h\" or \"1h30m\"".to_owned()),
        (with(|w| w.length = text("1500ms")), "length: \"1500ms\" is not a duration in whole seconds; write it with units, such as \"6h\" or \"1h30m\"".to_owned()),
        (with(|w| w.length = text("0s")), "length: \"0s\" is not a duration above zero; write it with units, such as \"6h\" or \"1h30m\"".to_owned()),
        (with(|w| w.length = text("745h")), "length: \"745h\" is longer than 31 days; write a shorter duration".to_owned()),
        (with(|w| w.cutoff = text("soon")), "cutoff: \"soon\" is not a duration in whole seconds; write it with units, such as \"30m\" or \"0s\"".to_owned()),
        (with(|w| w.cutoff = text("6h")), "cutoff: 6h before the end leaves nothing of a window of 6h; write a shorter one".to_owned()),
        (with(|w| w.from = text(START)), "from: \"rule\" and \"from\" are of two kinds of window; write \"rule\", \"start\" and \"length\", or \"from\" and \"to\"".to_owned()),
    ];
    for (found, expected) in cases {
        if !expected.is_empty() {
            assert_eq!(found, expected);
        }
    }
    assert!(with(|w| w.zone = text("Factory")).starts_with("zone: \"Factory\" is not a time zone;"));
}

#[test]
fn a_one_off_window_that_is_none_says_so() {
    let told =
        |from: &str, to: &str, zone: &str| error(&once(from, to, zone)).replace("window \"move\" cannot be used: ", "");
    assert_eq!(
        told("2026-12-06T04:00", "2026-12-05T22:00", "UTC"),
        "to: 2026-12-05T22:00 is not after 2026-12-06T04:00 in Etc/UTC; write when the window closes"
    );
    assert_eq!(
        told("2026-03-29T02:30", "2026-03-29T03:15", "Europe/Berlin"),
        "to: 2026-03-29T03:15 is not after 2026-03-29T02:30 in Europe/Berlin; write when the window closes",
        "02:30 was skipped, and is 03:30"
    );
    assert_eq!(
        told("2026-01-01T00:00", "2027-01-03T00:00", "UTC"),
        "to: 2027-01-03T00:00 is more than a year after 2026-01-01T00:00; write several windows"
    );
    assert_eq!(
        told("2011-12-30T22:00", "2011-12-31T22:00", "Pacific/Apia"),
        "from: 2011-12-30T22:00 does not exist in Pacific/Apia: the zone skipped that date; write another date"
    );
    let mut half = once(START, START, "UTC");
    half.to = None;
    assert_eq!(
        error(&half),
        "window \"move\" cannot be used: to: it is missing; write it, such as to = \"2026-12-06T04:00\""
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_a_journal_says_it_too() {
    let text = r#"{"name":"a b","rule":"FREQ=NEVER","start":"now"}"#;
    assert_eq!(
        serde_json::from_str::<Window>(text).unwrap_err().to_string(),
        "window \"a b\" cannot be used:\n  \
         name: \"a b\" is not a window's name; write 1 to 64 letters, digits, '.', '_' or '-', such as \"sat-night\"\n  \
         zone: it is missing; write it, such as zone = \"Europe/Berlin\"\n  \
         rule: FREQ=NEVER cannot be a window's; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY\n  \
         start: \"now\" is not a local time; write date and time as clocks in \"zone\" show them, such as \"2026-01-03T22:00\"\n  \
         length: it is missing; write it, such as length = \"6h\"\n  \
         cutoff: it is missing; write it, such as cutoff = \"30m\""
    );
}
