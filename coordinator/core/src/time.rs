//! Two clocks. Waits are counted on the steady one, which the coordinator journals; windows, expiries and what people
//! read use the wall clock. Core never asks either: it gets a [`Now`] and compares it with deadlines.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A moment on the coordinator's steady clock: time since its journal was made, as far as a clock attested it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Steady(Milliseconds);

/// Milliseconds, the resolution in which moments are journaled.
type Milliseconds = u64;

impl Steady {
    /// The moment the journal was made.
    pub const START: Steady = Steady(0);

    /// The moment `elapsed` after the journal was made.
    #[must_use]
    pub fn after_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Steady) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Steady {
    type Output = Steady;
    fn add(self, wait: Duration) -> Steady {
        Steady(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// This moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Now {
    /// For windows, expiries and display.
    pub wall: Timestamp,
    /// For waits.
    pub steady: Steady,
}

/// Time since the machine started, sleep included (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootTime(Milliseconds);

impl BootTime {
    /// The moment `elapsed` after the machine started.
    #[must_use]
    pub fn after_boot(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: BootTime) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Which start of which machine a boot time counts from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(String);

impl BootId {
    /// The id as the kernel gives it; an empty text is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let id = text.trim();
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }
}

/// A journaled reading of the clocks, from which the next start of a coordinator continues its steady time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClockMark {
    /// The boot that the boot time counts from; none where it could not be told, and then no gap is counted.
    pub boot_id: Option<BootId>,
    /// The boot clock.
    #[serde(rename = "boot_time_ms")]
    pub boot_time: BootTime,
    /// The steady time at that moment.
    pub steady: Steady,
}

/// A duration for people: `1h 10m`, `12m 30s`, `4.2s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Readable(pub Duration);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{:.1}s", self.0.as_secs_f64()),
            60..3600 => write!(f, "{}m {}s", seconds / 60, seconds % 60),
            _ => write!(f, "{}h {}m", seconds / 3600, seconds / 60 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_is_no_time_ago() {
        let early = Steady::START + Duration::from_secs(5);
        let late = early + Duration::from_secs(70);
        assert_eq!(late.since(early), Duration::from_secs(70));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let texts = [4.2, 750.0, 4200.0].map(|s| Readable(Duration::from_secs_f64(s)).to_string());
        assert_eq!(texts, ["4.2s", "12m 30s", "1h 10m"]);
    }
}
