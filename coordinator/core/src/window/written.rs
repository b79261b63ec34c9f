//! Windows as people write them, in a rollout's file and in the configuration, and as they are journaled.

mod values;

pub(super) use values::{duration_text, local_text};

use super::course::Course;
use super::pattern::{LAST_DAY, Pattern};
use super::problem::{WindowError, WindowProblem, Wrong};
use super::rule::Rule;
use super::zone::Zone;
use super::{Schedule, Times, Window};
use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use values::{Zero, duration, local, window_name};

/// The longest opening of a recurring window: it is looked back this far for what is open now.
const LONGEST_RECURRING: Duration = Duration::from_secs(31 * 24 * 3600);
/// The longest opening of a one-off window, as for every duration of a configuration.
const LONGEST_ONCE: Duration = Duration::from_secs(366 * 24 * 3600);

/// A window as it is written; [`WrittenWindow::read`] makes it one. Either `rule`, `start` and `length`, or `from` and
/// `to`; the others always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenWindow {
    /// Letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// RFC 5545: `FREQ=WEEKLY;BYDAY=SA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The first opening of the rule, in local time: `2026-01-03T22:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// How long each opening is: `6h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
    /// When a one-off window opens, in local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it closes, in local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The zone of the local times, by its IANA or its Windows name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How long before its end everything must be done: `30m`, or `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<String>,
}

/// What was found so far.
#[derive(Default)]
struct Problems(Vec<WindowProblem>);

impl Problems {
    fn add(&mut self, field: &'static str, what: Wrong) {
        self.0.push(WindowProblem { field, what });
    }

    fn take<T>(&mut self, field: &'static str, value: Result<T, Wrong>) -> Option<T> {
        value.map_err(|what| self.add(field, what)).ok()
    }

    /// A field that must be there.
    fn need<T>(
        &mut self,
        field: &'static str,
        text: Option<&String>,
        example: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let missing = || Wrong::new("it is missing", format!("write it, such as {field} = {example:?}"));
        let value = text.ok_or_else(missing).and_then(|text| read(text));
        self.take(field, value)
    }
}

impl WrittenWindow {
    /// The window.
    ///
    /// # Errors
    /// All that is wrong with it, each with its field and what to do.
    pub fn read(&self) -> Result<Window, WindowError> {
        self.made(|_| None)
    }

    /// The window; `instead` may say what it comes to where nothing of it opens.
    fn made(&self, instead: impl FnOnce(&Wrong) -> Option<Times>) -> Result<Window, WindowError> {
        let mut problems = Problems::default();
        let name = problems.take("name", window_name(&self.name));
        let zone = problems.need("zone", self.zone.as_ref(), "Europe/Berlin", str::parse::<Zone>);
        let schedule = self.schedule(&mut problems);
        let zero = "30m\" or \"0s";
        let cutoff = problems
            .need("cutoff", self.cutoff.as_ref(), "30m", |text| duration(text, LONGEST_ONCE, Zero::Allowed, zero));
        let times = zone.as_ref().zip(schedule.as_ref()).and_then(|(zone, schedule)| {
            let times = times(schedule, zone).and_then(|times| {
                let left = cutoff.map_or(Ok(()), |cutoff| fits(&times, cutoff));
                left.map(|()| times).map_err(|what| ("cutoff", what))
            });
            times.or_else(|(field, what)| instead(&what).ok_or_else(|| problems.add(field, what))).ok()
        });
        match (name, schedule, zone, cutoff, times) {
            (Some(name), Some(schedule), Some(zone), Some(cutoff), Some(times)) if problems.0.is_empty() => {
                Ok(Window { name, schedule, zone, cutoff, times })
            }
            _ => Err(WindowError { name: self.name.clone(), problems: problems.0 }),
        }
    }

    fn schedule(&self, problems: &mut Problems) -> Option<Schedule> {
        let recurring = [("rule", &self.rule), ("start", &self.start), ("length", &self.length)];
        let once = [("from", &self.from), ("to", &self.to)];
        let there = |fields: &[(&'static str, &Option<String>)]| {
            fields.iter().find(|(_, text)| text.is_some()).map(|(field, _)| *field)
        };
        match (there(&recurring), there(&once)) {
            (Some(one), Some(other)) => {
                let wrong = format!("{one:?} and {other:?} are of two kinds of window");
                let remedy = "write \"rule\", \"start\" and \"length\", or \"from\" and \"to\"";
                problems.add(other, Wrong::new(wrong, remedy));
                None
            }
            (_, Some(_)) => {
                let from = problems.need("from", self.from.as_ref(), "2026-12-05T22:00", local);
                let to = problems.need("to", self.to.as_ref(), "2026-12-06T04:00", local);
                from.zip(to).map(|(from, to)| Schedule::Once { from, to })
            }
            (_, None) => {
                let rule = problems.need("rule", self.rule.as_ref(), "FREQ=WEEKLY;BYDAY=SA", str::parse::<Rule>);
                let start = problems.need("start", self.start.as_ref(), "2026-01-03T22:00", local);
                let length = problems.need("length", self.length.as_ref(), "6h", |text| {
                    duration(text, LONGEST_RECURRING, Zero::Refused, "6h\" or \"1h30m")
                });
                let (rule, start) = rule.zip(start)?;
                Some(Schedule::Recurring { rule, start, length: length? })
            }
        }
    }
}

/// What a schedule comes to in its zone, or the field that is wrong.
fn times(schedule: &Schedule, zone: &Zone) -> Result<Times, (&'static str, Wrong)> {
    match schedule {
        Schedule::Once { from, to } => {
            let moment = |field, local: DateTime| zone.moment(local).ok_or_else(|| (field, skipped(local, zone)));
            let (opens, closes) = (moment("from", *from)?, moment("to", *to)?);
            let limit = closes.duration_since(opens);
            if limit <= SignedDuration::ZERO {
                let wrong = format!("{} is not after {} in {zone}", local_text(*to), local_text(*from));
                return Err(("to", Wrong::new(wrong, "write when the window closes")));
            }
            if Duration::try_from(limit).is_ok_and(|length| length > LONGEST_ONCE) {
                let wrong = format!("{} is more than a year after {}", local_text(*to), local_text(*from));
                return Err(("to", Wrong::new(wrong, "write several windows")));
            }
            Ok(Times::Once { opens, closes })
        }
        Schedule::Recurring { rule, start, length } => {
            on_a_day_of_the_rule(rule, *start)?;
            // Bounded by `LONGEST_RECURRING`, so that it always fits.
            let length = SignedDuration::try_from(*length).unwrap_or(SignedDuration::ZERO);
            let course = Course::new(rule, *start, length, zone);
            if course.first(zone).is_none() {
                let wrong = format!("{rule} ends before the first opening at {}", local_text(*start));
                return Err(("rule", Wrong::new(wrong, "write a later end")));
            }
            Ok(Times::Recurring(course))
        }
    }
}

/// RFC 5545 (3.8.5.3) leaves undefined what a rule means whose first start is not one of its own: it is refused.
fn on_a_day_of_the_rule(rule: &Rule, start: DateTime) -> Result<(), (&'static str, Wrong)> {
    let day = start.date();
    let pattern = Pattern::new(rule, day);
    let horizon = day.saturating_add(YEARS_SOUGHT.years());
    match pattern.days(day, horizon.min(LAST_DAY)).next() {
        Some(found) if found == day => Ok(()),
        Some(found) => {
            let wrong = format!("{} is not a day of {rule}", local_text(start));
            let remedy = format!("the first one after it is {}", local_text(found.to_datetime(start.time())));
            Err(("start", Wrong::new(wrong, remedy)))
        }
        None => {
            let wrong = format!("{rule} has no day in the {YEARS_SOUGHT} years from {}", local_text(start));
            Err(("rule", Wrong::new(wrong, "write a rule that comes true")))
        }
    }
}

/// How many years a rule's first day is sought for.
const YEARS_SOUGHT: i32 = 40;

fn skipped(local: DateTime, zone: &Zone) -> Wrong {
    Wrong::new(
        format!("{} does not exist in {zone}: the zone skipped that date", local_text(local)),
        "write another date",
    )
}

/// A cutoff that leaves something.
fn fits(times: &Times, cutoff: Duration) -> Result<(), Wrong> {
    let length = match times {
        Times::Once { opens, closes } => closes.duration_since(*opens),
        Times::Recurring(course) => course.length,
        Times::Never => SignedDuration::ZERO,
    };
    let length = Duration::try_from(length).unwrap_or_default();
    if cutoff < length {
        return Ok(());
    }
    let wrong =
        format!("{} before the end leaves nothing of a window of {}", duration_text(cutoff), duration_text(length));
    Err(Wrong::new(wrong, "write a shorter one"))
}

impl TryFrom<WrittenWindow> for Window {
    type Error = WindowError;
    fn try_from(written: WrittenWindow) -> Result<Self, WindowError> {
        written.made(|_| Some(Times::Never))
    }
}

impl From<Window> for WrittenWindow {
    fn from(window: Window) -> WrittenWindow {
        let mut written = WrittenWindow {
            name: window.name.to_string(),
            rule: None,
            start: None,
            length: None,
            from: None,
            to: None,
            zone: Some(window.zone.to_string()),
            cutoff: Some(duration_text(window.cutoff)),
        };
        match window.schedule {
            Schedule::Once { from, to } => {
                written.from = Some(local_text(from));
                written.to = Some(local_text(to));
            }
            Schedule::Recurring { rule, start, length } => {
                written.rule = Some(rule.to_string());
                written.start = Some(local_text(start));
                written.length = Some(duration_text(length));
            }
        }
        written
    }
}
