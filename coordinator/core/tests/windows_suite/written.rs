//! Written forms: what is journaled, and the line for people.

use super::{once, recurring};
use sendgate_core::window::{Schedule, Window, WrittenWindow};
use std::time::Duration;

#[test]
fn a_window_reads_as_one_line() {
    let mut saturday = recurring("freq=weekly;wkst=mo;byday=sa", "2026-01-03 22:00", "360m", "W. Europe Standard Time");
    saturday.name = "Sat-Night".to_owned();
    assert_eq!(
        saturday.read().unwrap().to_string(),
        "sat-night: FREQ=WEEKLY;BYDAY=SA from 22:00 for 6h (Europe/Berlin), cutoff 30m before the end"
    );
    let mut mailstore = once("2026-12-05T22:00", "2026-12-06T04:00:30", "utc");
    mailstore.cutoff = Some("0s".to_owned());
    assert_eq!(
        mailstore.read().unwrap().to_string(),
        "move: 2026-12-05 22:00 to 2026-12-06 04:00:30 (Etc/UTC), no cutoff"
    );
}

#[test]
fn a_window_is_journaled_in_one_form_whatever_it_was_written_in() {
    let saturday =
        recurring("BYDAY=SU,SA,SA;FREQ=WEEKLY;INTERVAL=1", "2026-01-03T22:00:00", "6 hours", "w. europe standard time");
    let window = saturday.read().unwrap();
    let text = serde_json::to_string(&window).unwrap();
    assert_eq!(
        text,
        r#"{"name":"night","rule":"FREQ=WEEKLY;BYDAY=SA,SU","start":"2026-01-03T22:00","length":"6h","zone":"Europe/Berlin","cutoff":"30m"}"#
    );
    assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window);
    let once = once("2026-12-05T22:00", "2026-12-06T04:00", "Europe/Berlin").read().unwrap();
    let text = serde_json::to_string(&once).unwrap();
    assert_eq!(
        text,
        r#"{"name":"move","from":"2026-12-05T22:00","to":"2026-12-06T04:00","zone":"Europe/Berlin","cutoff":"30m"}"#
    );
    assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), once);
}

#[test]
fn every_part_of_a_rule_has_its_place_in_the_text() {
    let text =
        "FREQ=MONTHLY;INTERVAL=3;UNTIL=20301231T230000Z;BYMONTH=1,4;BYMONTHDAY=-1,2;BYDAY=MO,-1SU;BYSETPOS=-1;WKST=SU";
    let rule: sendgate_core::window::Rule = text.parse().unwrap();
    assert_eq!(rule.to_string(), text);
}

#[test]
fn a_window_shows_what_it_was_made_of() {
    let window = recurring("FREQ=DAILY", "2026-01-03T22:00", "1h30m", "Europe/Berlin").read().unwrap();
    assert_eq!((window.name().as_str(), window.cutoff()), ("night", Duration::from_secs(1800)));
    let Schedule::Recurring { length, .. } = window.schedule() else { panic!("it recurs") };
    assert_eq!(*length, Duration::from_secs(5400));
}

#[test]
fn an_unknown_field_is_refused() {
    let error = serde_json::from_str::<WrittenWindow>(r#"{"name":"a","tz":"UTC"}"#).unwrap_err().to_string();
    assert!(error.starts_with("unknown field `tz`, expected one of `name`, `rule`"), "{error}");
}

/// The laws of clocks change after a window was filed: a record that was good once is read, and opens nothing.
#[test]
fn a_window_that_comes_to_nothing_by_now_is_read_from_a_journal_and_never_opens() {
    for (from, to, cutoff) in [
        // Egypt's clocks went from 00:00 to 01:00 that night, as nobody knew two months before.
        ("2023-04-28T00:00", "2023-04-28T01:00", "0s"),
        ("2023-04-27T23:30", "2023-04-28T01:00", "30m"),
        // Samoa had no such day.
        ("2011-12-30T10:00", "2011-12-30T12:00", "0s"),
    ] {
        let zone = if from.starts_with("2011") { "Pacific/Apia" } else { "Africa/Cairo" };
        let mut written = once(from, to, zone);
        written.cutoff = Some(cutoff.to_owned());
        written.read().unwrap_err();
        let text = serde_json::to_string(&written).unwrap();
        let window: Window = serde_json::from_str(&text).unwrap();
        for moment in ["2011-12-30T22:30:00Z", "2023-04-27T21:45:00Z", "2023-04-27T22:15:00Z"] {
            let opening = window.at(moment.parse().unwrap());
            assert_eq!(opening, sendgate_core::window::Opening::Closed { next: None }, "{text} at {moment}");
        }
        assert_eq!(serde_json::to_string(&window).unwrap(), text, "it is written as it was");
    }
    let torn = r#"{"name":"move","from":"tomorrow","to":"2026-12-06T04:00","zone":"UTC","cutoff":"0s"}"#;
    assert!(serde_json::from_str::<Window>(torn).is_err(), "what nobody could have filed is refused");
}
