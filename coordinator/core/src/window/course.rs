//! The openings of a recurring window: days of a pattern, a time of day, a length.

use super::open::after;
use super::pattern::{LAST_DAY, Pattern};
use super::rule::{Rule, RuleEnd};
use super::zone::Zone;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use std::iter::successors;

/// What a recurring window comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Course {
    pattern: Pattern,
    time: Time,
    /// None begins after this moment.
    until: Timestamp,
    pub(super) length: SignedDuration,
}

impl Course {
    pub(super) fn new(rule: &Rule, start: DateTime, length: SignedDuration, zone: &Zone) -> Self {
        let pattern = Pattern::new(rule, start.date());
        let until = match rule.end {
            RuleEnd::Until(until) => until,
            RuleEnd::Never | RuleEnd::Count(_) => Timestamp::MAX,
        };
        let mut course = Self { pattern, time: start.time(), until, length };
        if let RuleEnd::Count(count) = rule.end {
            // Counted once, here: afterwards a last day is as good. A day that the zone skipped does not count.
            let days = course.days(zone, start.date(), LAST_DAY);
            let last = days.take(usize::from(count)).last().map(|(day, _)| day);
            course.pattern = course.pattern.clone().ending(last.unwrap_or(LAST_DAY));
        }
        course
    }

    /// Days, and the moments they open at, while the rule goes on.
    fn days(&self, zone: &Zone, from: Date, to: Date) -> impl Iterator<Item = (Date, Timestamp)> {
        self.pattern
            .days(from, to)
            .filter_map(|day| zone.moment(day.to_datetime(self.time)).map(|moment| (day, moment)))
            .take_while(|(_, moment)| *moment <= self.until)
    }

    /// Openings that begin from `from` to `to`, both included.
    pub(super) fn openings(
        &self,
        zone: &Zone,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        // A gap may move an opening to the next date, an overlap may show a date twice.
        let day_before =
            |moment| successors(Some(zone.local(moment).date()), |day| day.yesterday().ok()).take(2).last();
        let day_after = |moment| successors(Some(zone.local(moment).date()), |day| day.tomorrow().ok()).take(2).last();
        let (first, last) = (day_before(from).unwrap_or(LAST_DAY), day_after(to).unwrap_or(LAST_DAY));
        self.days(zone, first, last)
            .map(|(_, moment)| moment)
            .skip_while(move |moment| *moment < from)
            .take_while(move |moment| *moment <= to)
            .map(|moment| (moment, after(moment, self.length)))
    }

    /// The first opening's moment; none where the end comes before it.
    pub(super) fn first(&self, zone: &Zone) -> Option<Timestamp> {
        self.days(zone, self.pattern.first(), LAST_DAY).next().map(|(_, moment)| moment)
    }
}
