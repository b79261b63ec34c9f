//! When windows are open.

use super::{Times, Window};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// How far ahead the next opening is sought: a leap day's is 8 years off at most.
const HORIZON: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
/// How many openings are joined to each side of a moment. Windows that never close end there, which is the safe side:
/// what does not fit before an end that comes too early is not begun.
const MOST_JOINED: usize = 100;
/// How many openings are listed at most.
const MOST_LISTED: usize = 1000;
/// The resolution of moments.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// Whether windows are open at a moment. An opening includes its first moment and not its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opening {
    /// They are.
    Open {
        /// Since when.
        since: Timestamp,
        /// When they close. What comes afterwards is asked with this moment.
        until: Timestamp,
        /// When whatever was begun must be done: `until` less the cutoff of the window that closes then. It may be past.
        last: Timestamp,
    },
    /// They are not.
    Closed {
        /// When they open next; none: not within ten years.
        next: Option<Timestamp>,
    },
}

impl Window {
    /// Whether it is open at `wall`. Its openings that touch or overlap are one.
    #[must_use]
    pub fn at(&self, wall: Timestamp) -> Opening {
        windows_at(std::slice::from_ref(self), wall)
    }

    /// The openings that end after `wall`, at most `most` of them (and 1000), in order; for display.
    #[must_use]
    pub fn upcoming(&self, wall: Timestamp, most: usize) -> Vec<(Timestamp, Timestamp)> {
        upcoming(std::slice::from_ref(self), wall, most)
    }

    /// Openings that begin from `from` to `to`, both included.
    fn openings(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let once = match &self.times {
            Times::Once { opens, closes } => Some((*opens, *closes)),
            Times::Recurring(_) | Times::Never => None,
        };
        let recurring = match &self.times {
            Times::Once { .. } | Times::Never => None,
            Times::Recurring(course) => Some(course.openings(&self.zone, from, to)),
        };
        once.into_iter().filter(move |(opens, _)| (from..=to).contains(opens)).chain(recurring.into_iter().flatten())
    }

    /// How long any of its openings is.
    fn length(&self) -> SignedDuration {
        match &self.times {
            Times::Once { opens, closes } => closes.duration_since(*opens),
            Times::Recurring(course) => course.length,
            Times::Never => SignedDuration::ZERO,
        }
    }

    /// The latest end of an opening that covers the moment.
    fn end_over(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = after(before(moment, self.length()), INSTANT);
        self.openings(from, moment).last().map(|(_, end)| end)
    }

    /// The earliest beginning before the moment of an opening that reaches it.
    fn begin_touching(&self, moment: Timestamp) -> Option<Timestamp> {
        self.openings(before(moment, self.length()), before(moment, INSTANT)).next().map(|(begin, _)| begin)
    }

    fn ends_at(&self, moment: Timestamp) -> bool {
        let begin = before(moment, self.length());
        self.openings(begin, begin).next().is_some()
    }

    fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.openings(after(moment, INSTANT), after(moment, HORIZON)).next().map(|(begin, _)| begin)
    }
}

/// Whether any of the windows is open at `wall`. Openings that touch or overlap are one, whichever window they are of: it
/// ends where the last of them does, and its cutoff is that of the window that ends then (the longest of several). No
/// windows at all are never open: what that means is for the caller to say.
#[must_use]
pub fn windows_at(windows: &[Window], wall: Timestamp) -> Opening {
    answer(windows, wall).opening
}

/// Whether they are open, and how long that is the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) opening: Opening,
    /// It is the same for every moment from the one that was asked for and before this one.
    pub(super) before: Timestamp,
}

pub(super) fn answer(windows: &[Window], wall: Timestamp) -> Answer {
    let ends = |moment| windows.iter().filter_map(|window| window.end_over(moment)).max();
    let Some((until, joined)) = furthest(wall, ends) else {
        let next = windows.iter().filter_map(|window| window.next_after(wall)).min();
        return Answer { opening: Opening::Closed { next }, before: next.unwrap_or(wall) };
    };
    let touching = |moment| windows.iter().filter_map(|window| window.begin_touching(moment)).min();
    let (since, before) = furthest(wall, touching).unwrap_or((wall, 0));
    let ending = windows.iter().filter(|window| window.ends_at(until));
    let last = ending.map(|window| Reverse(window.last_before(until))).max().map_or(until, |Reverse(last)| last);
    // Where not all that join were followed, the ends that were found move along with the moment.
    let whole = joined + before < MOST_JOINED;
    Answer { opening: Opening::Open { since, until, last }, before: if whole { until } else { wall } }
}

/// The openings of all the windows together that end after `wall`, at most `most` of them (and 1000), in order; for
/// display.
#[must_use]
pub fn upcoming(windows: &[Window], wall: Timestamp, most: usize) -> Vec<(Timestamp, Timestamp)> {
    let mut found: Vec<(Timestamp, Timestamp)> = Vec::new();
    let mut moment = wall;
    while found.len() < most.min(MOST_LISTED) {
        moment = match windows_at(windows, moment) {
            Opening::Open { since, until, .. } => {
                let since = found.last().map_or(since, |(_, end)| since.max(*end));
                found.push((since, until));
                until
            }
            Opening::Closed { next: Some(next) } => next,
            Opening::Closed { next: None } => break,
        };
    }
    found
}

/// The last of the moments that each step leads to, and how many there are; none where there is no first step.
fn furthest(from: Timestamp, step: impl Fn(Timestamp) -> Option<Timestamp>) -> Option<(Timestamp, usize)> {
    let steps = std::iter::successors(step(from), |moment| step(*moment)).take(MOST_JOINED);
    steps.zip(1..).last()
}

impl Window {
    fn last_before(&self, end: Timestamp) -> Timestamp {
        SignedDuration::try_from(self.cutoff).map_or(end, |cutoff| before(end, cutoff))
    }
}

/// Beyond the calendar there is nothing: moments stop at its ends.
pub(super) fn after(moment: Timestamp, duration: SignedDuration) -> Timestamp {
    moment.checked_add(duration).unwrap_or(if duration.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

fn before(moment: Timestamp, duration: SignedDuration) -> Timestamp {
    after(moment, -duration)
}
