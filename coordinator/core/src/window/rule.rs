//! Recurrence rules as RFC 5545 writes them (3.3.10), as far as days go: the time of day is the window's start.

mod read;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// The unit of a rule's `INTERVAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Frequency {
    /// `DAILY`
    Daily,
    /// `WEEKLY`
    Weekly,
    /// `MONTHLY`
    Monthly,
    /// `YEARLY`
    Yearly,
}

/// When a rule stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleEnd {
    /// It goes on.
    Never,
    /// No opening begins after this moment.
    Until(Timestamp),
    /// After so many openings, the first included.
    Count(u16),
}

/// A day of the week, 0 for Monday to 6 for Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WeekDay(pub(super) i8);

/// The words of the week days, Monday first.
const WEEK_DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// The words of the frequencies.
const FREQUENCIES: [(&str, Frequency); 4] = [
    ("DAILY", Frequency::Daily),
    ("WEEKLY", Frequency::Weekly),
    ("MONTHLY", Frequency::Monthly),
    ("YEARLY", Frequency::Yearly),
];

/// A recurrence rule (RFC 5545, 3.3.10), of these parts: `FREQ` (daily to yearly), `INTERVAL`, `UNTIL` or `COUNT`,
/// `BYMONTH`, `BYMONTHDAY`, `BYDAY`, `BYSETPOS`, `WKST`. Its text is canonical: two rules are equal where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u16,
    pub(super) end: RuleEnd,
    /// The lists are in order, each value once.
    pub(super) months: Vec<i8>,
    pub(super) month_days: Vec<i8>,
    /// A day of the week, and which of the month or year it is; 0 for each of them.
    pub(super) days: Vec<(WeekDay, i8)>,
    pub(super) positions: Vec<i16>,
    pub(super) week_start: WeekDay,
}

impl Rule {
    /// When it stops.
    #[must_use]
    pub fn end(&self) -> RuleEnd {
        self.end
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, part: &str, values: &[T]) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        if index == 0 {
            write!(f, ";{part}={value}")?;
        } else {
            write!(f, ",{value}")?;
        }
    }
    Ok(())
}

impl fmt::Display for WeekDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = usize::try_from(self.0).unwrap_or_default();
        f.write_str(WEEK_DAYS.get(index).copied().unwrap_or_default())
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FREQUENCIES.iter().find(|(_, frequency)| frequency == self).map_or("", |(word, _)| word))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FREQ={}", self.frequency)?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        match self.end {
            RuleEnd::Never => {}
            RuleEnd::Until(moment) => {
                write!(f, ";UNTIL={}", TimeZone::UTC.to_datetime(moment).strftime("%Y%m%dT%H%M%SZ"))?;
            }
            RuleEnd::Count(count) => write!(f, ";COUNT={count}")?,
        }
        list(f, "BYMONTH", &self.months)?;
        list(f, "BYMONTHDAY", &self.month_days)?;
        let days: Vec<String> = self
            .days
            .iter()
            .map(|(day, nth)| if *nth == 0 { day.to_string() } else { format!("{nth}{day}") })
            .collect();
        list(f, "BYDAY", &days)?;
        list(f, "BYSETPOS", &self.positions)?;
        if self.week_start != WeekDay(0) {
            write!(f, ";WKST={}", self.week_start)?;
        }
        Ok(())
    }
}
