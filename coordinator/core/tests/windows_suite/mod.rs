mod clocks;
mod joins;
mod laws;
mod naive;
mod refused;
mod rules;
mod written;

use jiff::Timestamp;
use sendgate_core::window::{Opening, Window, WrittenWindow};

/// A recurring window with half an hour's cutoff.
pub(crate) fn recurring(rule: &str, start: &str, length: &str, zone: &str) -> WrittenWindow {
    WrittenWindow {
        name: "night".to_owned(),
        rule: Some(rule.to_owned()),
        start: Some(start.to_owned()),
        length: Some(length.to_owned()),
        from: None,
        to: None,
        zone: Some(zone.to_owned()),
        cutoff: Some("30m".to_owned()),
    }
}

/// A one-off window with half an hour's cutoff.
pub(crate) fn once(from: &str, to: &str, zone: &str) -> WrittenWindow {
    WrittenWindow {
        name: "move".to_owned(),
        rule: None,
        start: None,
        length: None,
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
        zone: Some(zone.to_owned()),
        cutoff: Some("30m".to_owned()),
    }
}

pub(crate) fn window(rule: &str, start: &str, length: &str, zone: &str) -> Window {
    recurring(rule, start, length, zone).read().unwrap()
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn open(since: &str, until: &str, last: &str) -> Opening {
    Opening::Open { since: moment(since), until: moment(until), last: moment(last) }
}

pub(crate) fn closed_until(next: &str) -> Opening {
    Opening::Closed { next: Some(moment(next)) }
}

pub(crate) const CLOSED_FOR_GOOD: Opening = Opening::Closed { next: None };

/// The openings after a moment, as `begin/end` in UTC.
pub(crate) fn upcoming(window: &Window, after: &str, most: usize) -> Vec<String> {
    window.upcoming(moment(after), most).iter().map(|(begin, end)| format!("{begin}/{end}")).collect()
}
