//! The plain way to the same answers: every day since the first one, every opening, everything joined.

use jiff::civil::{Date, Weekday, date};
use jiff::{SignedDuration, Timestamp};
use sendgate_core::window::{Opening, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// A rule in pieces.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    pub(crate) frequency: &'static str,
    pub(crate) interval: i64,
    pub(crate) months: BTreeSet<i8>,
    pub(crate) month_days: BTreeSet<i8>,
    pub(crate) days: BTreeSet<(i8, i64)>,
    pub(crate) positions: BTreeSet<i64>,
    pub(crate) week_start: i8,
    pub(crate) count: Option<usize>,
}

const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Pieces {
    pub(crate) fn text(&self) -> String {
        let list = |name: &str, values: Vec<String>| {
            if values.is_empty() { String::new() } else { format!(";{name}={}", values.join(",")) }
        };
        let texts = |values: &BTreeSet<i8>| values.iter().map(ToString::to_string).collect();
        let day = |(day, nth): &(i8, i64)| {
            let name = NAMES[usize::try_from(*day).unwrap()];
            if *nth == 0 { name.to_owned() } else { format!("{nth}{name}") }
        };
        let end = self.count.map_or(String::new(), |count| format!(";COUNT={count}"));
        let days = list("BYDAY", self.days.iter().map(day).collect());
        let positions = list("BYSETPOS", self.positions.iter().map(ToString::to_string).collect());
        format!(
            "FREQ={};INTERVAL={};WKST={}{end}{}{}{days}{positions}",
            self.frequency,
            self.interval,
            NAMES[usize::try_from(self.week_start).unwrap()],
            list("BYMONTH", texts(&self.months)),
            list("BYMONTHDAY", texts(&self.month_days)),
        )
    }

    /// Days from `start` to `end`, without looking at the count.
    pub(crate) fn days(&self, start: Date, end: Date) -> Vec<Date> {
        // From well before the first period's begin, so that its positions count from there.
        let all = date(start.year() - 1, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| *day <= end);
        let mut periods: BTreeMap<i64, Vec<Date>> = BTreeMap::new();
        for day in all {
            let period = self.period(day) - self.period(start);
            if period >= 0 && period % self.interval == 0 && self.has(day, start) {
                periods.entry(period).or_default().push(day);
            }
        }
        let chosen = periods.into_values().flat_map(|days| {
            let count = i64::try_from(days.len()).unwrap();
            let positions = self.positions.clone();
            let keep = move |index: i64| {
                positions.is_empty() || positions.contains(&(index + 1)) || positions.contains(&(index - count))
            };
            days.into_iter().zip(0..).filter(move |(_, index)| keep(*index)).map(|(day, _)| day)
        });
        chosen.filter(|day| *day >= start).collect()
    }

    fn period(&self, day: Date) -> i64 {
        let number = date(1900, 1, 1).duration_until(day).as_hours() / 24; // A Monday.
        match self.frequency {
            "DAILY" => number,
            "WEEKLY" => (number - i64::from(self.week_start)).div_euclid(7),
            "MONTHLY" => i64::from(day.year()) * 12 + i64::from(day.month()),
            _ => i64::from(day.year()),
        }
    }

    fn has(&self, day: Date, start: Date) -> bool {
        let free = self.days.is_empty() && self.month_days.is_empty();
        let month = if self.months.is_empty() {
            !(free && self.frequency == "YEARLY") || day.month() == start.month()
        } else {
            self.months.contains(&day.month())
        };
        let from_end = day.day() - day.days_in_month() - 1;
        let month_day = match self.frequency {
            "MONTHLY" | "YEARLY" if free => day.day() == start.day(),
            _ if self.month_days.is_empty() => true,
            _ => self.month_days.contains(&day.day()) || self.month_days.contains(&from_end),
        };
        let week_day = if self.days.is_empty() {
            !(free && self.frequency == "WEEKLY") || day.weekday() == start.weekday()
        } else {
            self.days.iter().any(|(on, nth)| index(day.weekday()) == *on && (*nth == 0 || self.is_nth(day, *nth)))
        };
        month && month_day && week_day
    }

    /// Counted out, one by one.
    fn is_nth(&self, day: Date, nth: i64) -> bool {
        let whole_year = self.frequency == "YEARLY" && self.months.is_empty();
        let (first, last) = if whole_year {
            (day.first_of_year(), day.last_of_year())
        } else {
            (day.first_of_month(), day.last_of_month())
        };
        let alike: Vec<Date> = first
            .series(jiff::Span::new().days(1))
            .take_while(|other| *other <= last)
            .filter(|other| other.weekday() == day.weekday())
            .collect();
        let place = i64::try_from(alike.iter().position(|other| *other == day).unwrap()).unwrap();
        let count = i64::try_from(alike.len()).unwrap();
        nth == place + 1 || nth == place - count
    }
}

fn index(day: Weekday) -> i8 {
    day.to_monday_zero_offset()
}

/// Openings joined: each with its moment of `last`.
pub(crate) fn joined(
    mut openings: Vec<(Timestamp, Timestamp, SignedDuration)>,
) -> Vec<(Timestamp, Timestamp, Timestamp)> {
    openings.sort();
    let mut found: Vec<(Timestamp, Timestamp, SignedDuration)> = Vec::new();
    for (begin, end, cutoff) in openings {
        match found.last_mut() {
            Some(last) if begin <= last.1 && end > last.1 => (last.1, last.2) = (end, cutoff),
            Some(last) if begin <= last.1 && end == last.1 => last.2 = last.2.max(cutoff),
            Some(last) if begin <= last.1 => {}
            _ => found.push((begin, end, cutoff)),
        }
    }
    found.into_iter().map(|(begin, end, cutoff)| (begin, end, end - cutoff)).collect()
}

pub(crate) fn at(joined: &[(Timestamp, Timestamp, Timestamp)], wall: Timestamp) -> Opening {
    let here = joined.iter().find(|(begin, end, _)| *begin <= wall && wall < *end);
    here.map_or_else(
        || Opening::Closed { next: joined.iter().map(|(begin, ..)| *begin).find(|begin| *begin > wall) },
        |(since, until, last)| Opening::Open { since: *since, until: *until, last: *last },
    )
}

pub(crate) fn begins(days: &[Date], hour: i8, minute: i8, zone: &Zone) -> Vec<Timestamp> {
    days.iter().filter_map(|day| zone.moment(day.at(hour, minute, 0, 0))).collect()
}
