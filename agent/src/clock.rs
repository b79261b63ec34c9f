//! The steady clock: runs on while the machine sleeps, and no clock setting moves it. Permits are timed on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the steady clock of one boot (Linux `CLOCK_BOOTTIME`): the time since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Steady(Duration);

impl Steady {
    /// Now.
    pub fn now() -> Self {
        let read = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(read.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(read.tv_nsec).unwrap_or(0);
        Self(Duration::new(seconds, nanoseconds))
    }

    /// The point at which the machine has been up for this long.
    #[must_use]
    pub fn after_boot(up: Duration) -> Self {
        Self(up)
    }

    /// The time that has passed from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `after` later.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(after))
    }
}

/// Which boot of the machine this is: points of [`Steady`] and process ids mean nothing across two of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootId(String);

impl BootId {
    /// The present boot.
    ///
    /// # Errors
    /// When the kernel does not tell (`/proc/sys/kernel/random/boot_id` is not readable or is empty).
    pub fn present() -> std::io::Result<Self> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let text = text.trim();
        if text.is_empty() {
            return Err(std::io::Error::other("/proc/sys/kernel/random/boot_id is empty"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_forward_only() {
        let first = Steady::now();
        let second = Steady::now();
        assert!(second >= first);
        assert_eq!(first.since(first.plus(Duration::from_secs(1))), Duration::ZERO);
        assert_eq!(first.plus(Duration::from_secs(3)).since(first), Duration::from_secs(3));
    }

    #[test]
    fn a_boot_is_itself() {
        assert_eq!(BootId::present().unwrap(), BootId::present().unwrap());
    }
}
