//! Windows: when work may be under way. Pure: the wall clock is given, and the time zones are compiled in.
//!
//! A window is written in local time of a zone, either once (`from`, `to`) or recurring (a rule of RFC 5545, a first
//! start, a length). What its openings are where clocks change:
//! - a local time that comes twice (clocks go back) is the first of the two (RFC 5545, 3.3.5);
//! - a local time that the clocks skip is read by the offset before the gap: 02:30 becomes 03:30 where an hour is
//!   skipped, half an hour later where half an hour is (3.3.5, which 3.3.10 names for starts of a recurrence);
//! - a whole date that the zone skipped (Apia, 30 December 2011) is no valid date: nothing opens on it, and `COUNT` does
//!   not count it (3.3.10); no more than on 30 February;
//! - a length is real time: six hours are six hours, and end an hour of the clock earlier or later across a change. The
//!   end of a one-off window is a local time instead, so that its real length is what lies between the two.
//!
//! Every search is bounded: by ten years ahead, by the year 2299, by 100 openings that join.

mod course;
mod open;
mod pattern;
mod problem;
mod rule;
mod together;
mod written;
mod zone;

pub use open::{Opening, upcoming, windows_at};
pub use problem::{WindowError, WindowProblem, Wrong};
pub use rule::{Frequency, Rule, RuleEnd};
pub use together::Together;
pub use written::WrittenWindow;
pub use zone::Zone;

use course::Course;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The name of a window: letters, digits, `.`, `_` and `-`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowName(Arc<str>);

impl WindowName {
    /// As it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WindowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a window is open, as it is written: local times of its zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schedule {
    /// Once.
    Once {
        /// When it opens.
        from: DateTime,
        /// When it closes.
        to: DateTime,
    },
    /// Again and again.
    Recurring {
        /// On which days.
        rule: Rule,
        /// The first opening: a day of the rule, and the time of day of all of them.
        start: DateTime,
        /// How long each is, in real time.
        length: Duration,
    },
}

/// When work may be under way. Made by [`WrittenWindow::read`], so that it opens at least once; two are equal where their
/// values are, and it is journaled in the form in which it is written. Read from a journal it may have become one that never
/// opens, for governments change their clocks: a record that was good once must stay one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "WrittenWindow", into = "WrittenWindow")]
pub struct Window {
    name: WindowName,
    schedule: Schedule,
    zone: Zone,
    cutoff: Duration,
    /// What the above come to.
    times: Times,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Times {
    Once {
        opens: Timestamp,
        closes: Timestamp,
    },
    Recurring(Course),
    /// No more: it was read from a journal, and by what is known of its zone today it comes to nothing.
    Never,
}

impl Window {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &WindowName {
        &self.name
    }

    /// When it is open.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The zone of its local times.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// How long before its end everything must be done.
    #[must_use]
    pub fn cutoff(&self) -> Duration {
        self.cutoff
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.schedule {
            Schedule::Once { from, to } => {
                let read = |local: &DateTime| written::local_text(*local).replace('T', " ");
                write!(f, "{} to {}", read(from), read(to))?;
            }
            Schedule::Recurring { rule, start, length } => {
                let start = written::local_text(*start);
                let time = start.split_once('T').map_or("", |(_, time)| time);
                write!(f, "{rule} from {time} for {}", written::duration_text(*length))?;
            }
        }
        write!(f, " ({}), ", self.zone)?;
        if self.cutoff.is_zero() {
            f.write_str("no cutoff")
        } else {
            write!(f, "cutoff {} before the end", written::duration_text(self.cutoff))
        }
    }
}
