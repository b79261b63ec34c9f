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
