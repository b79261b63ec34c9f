//! The days of a rule, counted from its first one. A search begins at the period it is asked about, however long ago the
//! first day was, and never leaves [`FIRST_DAY`] to [`LAST_DAY`].

use super::rule::{Frequency, Rule, WeekDay};
use jiff::ToSpan;
use jiff::civil::{Date, date};

/// The earliest day that a window may be on.
pub(super) const FIRST_DAY: Date = date(1970, 1, 1);
/// The last day that a rule is followed to: where every search ends.
pub(super) const LAST_DAY: Date = date(2299, 12, 31);

/// A rule with what its first day adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pattern {
    frequency: Frequency,
    interval: i32,
    /// Bit n for month n; no bit for all.
    months: u16,
    /// Bit n + 31 for day n of the month; no bit for all.
    month_days: u64,
    /// Bit n for day n of the week, 0 for Monday.
    week_days: u8,
    /// Certain ones of the month, or of the year.
    nth: Vec<(WeekDay, i8)>,
    nth_of_month: bool,
    positions: Vec<i16>,
    week_start: WeekDay,
    first: Date,
    /// No day of it is later.
    last: Date,
}

impl Pattern {
    /// The days of `rule` from `first` on, which need not be one of them. What the rule leaves open is as on the first
    /// day (RFC 5545, 3.3.10). Its end is not looked at.
    pub(super) fn new(rule: &Rule, first: Date) -> Self {
        let months = rule.months.iter().fold(0, |bits, month| bits | 1 << month);
        let mut pattern = Self {
            frequency: rule.frequency,
            interval: i32::from(rule.interval),
            months,
            month_days: rule.month_days.iter().fold(0, |bits, day| bits | 1 << (day + 31)),
            week_days: rule.days.iter().filter(|(_, nth)| *nth == 0).fold(0, |bits, (day, _)| bits | 1 << day.0),
            nth: rule.days.iter().filter(|(_, nth)| *nth != 0).copied().collect(),
            nth_of_month: rule.frequency == Frequency::Monthly || months != 0,
            positions: rule.positions.clone(),
            week_start: rule.week_start,
            first,
            last: LAST_DAY,
        };
        if rule.days.is_empty() && rule.month_days.is_empty() {
            match rule.frequency {
                Frequency::Daily => {}
                Frequency::Weekly => pattern.week_days = 1 << week_day(first),
                Frequency::Monthly => pattern.month_days = 1 << (first.day() + 31),
                Frequency::Yearly => {
                    pattern.month_days = 1 << (first.day() + 31);
                    if months == 0 {
                        pattern.months = 1 << first.month();
                    }
                }
            }
        }
        pattern
    }

    /// The same, but for the days after `last`.
    pub(super) fn ending(mut self, last: Date) -> Self {
        self.last = last;
        self
    }

    pub(super) fn first(&self) -> Date {
        self.first
    }

    /// Its days from `from` to `to`, both included, in order. Bounded: it looks at each period between them once.
    pub(super) fn days(&self, from: Date, to: Date) -> Days<'_> {
        let from = from.max(self.first);
        Days { pattern: self, period: self.period_of(from), found: Vec::new(), next: 0, from, to: to.min(self.last) }
    }

    fn matches(&self, day: Date) -> bool {
        let in_month = day.days_in_month();
        let month_day = self.month_days == 0
            || self.month_days & (1 << (day.day() + 31)) != 0
            || self.month_days & (1 << (day.day() - in_month - 1 + 31)) != 0;
        let week_days = (self.week_days == 0 && self.nth.is_empty()) || self.week_days & (1 << week_day(day)) != 0;
        self.has_month(day.month()) && month_day && (week_days || self.is_nth(day))
    }

    fn has_month(&self, month: i8) -> bool {
        self.months == 0 || self.months & (1 << month) != 0
    }

    fn is_nth(&self, day: Date) -> bool {
        let (number, of) = if self.nth_of_month {
            (i16::from(day.day()), i16::from(day.days_in_month()))
        } else {
            (day.day_of_year(), day.days_in_year())
        };
        let (ahead, behind) = ((number - 1) / 7 + 1, -((of - number) / 7 + 1));
        let matches = |nth: i8| i16::from(nth) == ahead || i16::from(nth) == behind;
        self.nth.iter().any(|(on, nth)| on.0 == week_day(day) && matches(*nth))
    }

    /// Which period a day is in or, between two, the one before it; the first day's is 0.
    fn period_of(&self, day: Date) -> i32 {
        let units = match self.frequency {
            Frequency::Daily => days_between(self.first, day),
            Frequency::Weekly => days_between(self.week_of_first(), day) / 7,
            Frequency::Monthly => month_number(day) - month_number(self.first),
            Frequency::Yearly => i32::from(day.year()) - i32::from(self.first.year()),
        };
        units / self.interval
    }

    fn week_of_first(&self) -> Date {
        let into_week = (week_day(self.first) - self.week_start.0).rem_euclid(7);
        self.first.saturating_sub(into_week.days())
    }

    /// The first day of a period.
    fn begin(&self, period: i32) -> Date {
        let units = period.saturating_mul(self.interval);
        match self.frequency {
            Frequency::Daily => day_after(self.first, units),
            Frequency::Weekly => day_after(self.week_of_first(), units.saturating_mul(7)),
            Frequency::Monthly => {
                let number = month_number(self.first).saturating_add(units);
                first_of(number.div_euclid(12), number.rem_euclid(12) + 1)
            }
            Frequency::Yearly => first_of(i32::from(self.first.year()).saturating_add(units), 1),
        }
    }

    /// The days of the period that begins on `begin`, in order.
    fn fill(&self, begin: Date, found: &mut Vec<Date>) {
        found.clear();
        match self.frequency {
            Frequency::Daily => found.extend(Some(begin).filter(|day| self.matches(*day))),
            Frequency::Weekly => {
                let week = std::iter::successors(Some(begin), |day| day.tomorrow().ok()).take(7);
                found.extend(week.filter(|day| self.matches(*day)));
            }
            Frequency::Monthly => self.fill_month(begin, found),
            Frequency::Yearly => (1..=12)
                .filter_map(|month| Date::new(begin.year(), month, 1).ok())
                .for_each(|month| self.fill_month(month, found)),
        }
        if !self.positions.is_empty() {
            self.choose(found);
        }
    }

    fn fill_month(&self, begin: Date, found: &mut Vec<Date>) {
        if self.has_month(begin.month()) {
            let month = (1..=begin.days_in_month()).filter_map(|day| Date::new(begin.year(), begin.month(), day).ok());
            found.extend(month.filter(|day| self.matches(*day)));
        }
    }

    /// Keeps the positions asked for by `BYSETPOS`.
    fn choose(&self, found: &mut Vec<Date>) {
        let count = i16::try_from(found.len()).unwrap_or(i16::MAX);
        let mut ahead = 0;
        found.retain(|_| {
            ahead += 1;
            self.positions.contains(&ahead) || self.positions.contains(&(ahead - count - 1))
        });
    }
}

/// Days of a [`Pattern`], in order.
pub(super) struct Days<'pattern> {
    pattern: &'pattern Pattern,
    period: i32,
    found: Vec<Date>,
    next: usize,
    from: Date,
    to: Date,
}

impl Iterator for Days<'_> {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        loop {
            while let Some(day) = self.found.get(self.next).copied() {
                self.next += 1;
                if day > self.to {
                    return None;
                }
                if day >= self.from {
                    return Some(day);
                }
            }
            let begin = self.pattern.begin(self.period);
            if begin > self.to {
                return None;
            }
            self.pattern.fill(begin, &mut self.found);
            self.next = 0;
            self.period += 1;
        }
    }
}

fn week_day(day: Date) -> i8 {
    day.weekday().to_monday_zero_offset()
}

fn month_number(day: Date) -> i32 {
    i32::from(day.year()) * 12 + i32::from(day.month()) - 1
}

fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(from.duration_until(to).as_hours() / 24).unwrap_or(i32::MAX)
}

/// Nothing beyond the calendar's last day, which is far after [`LAST_DAY`].
fn day_after(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::SignedDuration::from_hours(i64::from(days) * 24))
}

fn first_of(year: i32, month: i32) -> Date {
    let year = i16::try_from(year).ok();
    let month = i8::try_from(month).ok();
    year.zip(month).and_then(|(year, month)| Date::new(year, month, 1).ok()).unwrap_or(Date::MAX)
}
