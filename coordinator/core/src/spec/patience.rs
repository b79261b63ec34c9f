//! Whether a rollout can wait for its own windows.

use super::problem::{Problems, SpecError};
use super::{RolloutSpec, Windows};
use crate::time::Readable;
use crate::window::upcoming;
use jiff::Timestamp;
use std::time::Duration;

/// How many openings are looked at: a year of monthly ones, and what is over soon.
const LOOKED_AT: usize = 14;

/// Checks that the rollout's patience outlasts each time, from `now` on, in which no window is open.
///
/// # Errors
/// [`SpecError`] with the longest of them.
pub fn outlasts_windows(spec: &RolloutSpec, now: Timestamp) -> Result<(), SpecError> {
    let Windows::In(windows) = &spec.windows else { return Ok(()) };
    let mut longest: Option<(Duration, Timestamp, Timestamp)> = None;
    let mut closed = now;
    for (opens, closes) in upcoming(windows, now, LOOKED_AT) {
        let long = Duration::try_from(opens.duration_since(closed)).unwrap_or_default();
        longest = longest.max(Some((long, closed, opens)));
        closed = closes;
    }
    let mut problems = Problems::default();
    if let Some((long, from, to)) = longest.filter(|(long, ..)| *long >= spec.patience) {
        let patience = Readable(spec.patience);
        let wrong = format!("it is {patience}, and no window is open for {} from {from:.0} to {to:.0}", Readable(long));
        problems.add(
            "patience",
            wrong,
            "make it longer: a rollout that nothing has moved for that long stops by itself",
        );
    }
    if problems.0.is_empty() { Ok(()) } else { Err(SpecError { problems: problems.0 }) }
}
