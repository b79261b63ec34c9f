//! The coordinator's clock: the wall for people, and a steady time that the journal carries from one start to the next.
//!
//! Steady time is counted on the kernel's boot clock, which no one sets. While the coordinator is down it goes on only
//! if the same boot attests it; after another boot it continues where the journal left it, so that a wait may become
//! longer and never shorter.

use jiff::Timestamp;
use sendgate_core::ledger::Ledger;
use sendgate_core::time::{BootId, BootTime, ClockMark, Now, Steady};
use std::fmt;
use std::time::Duration;

/// What a clock is read from.
pub trait ClockSource: Send + Sync + fmt::Debug {
    /// The wall clock, which may step.
    fn wall(&self) -> Timestamp;
    /// Time since the machine started, sleep included.
    fn boot_time(&self) -> BootTime;
    /// Which start of the machine this is; none where it cannot be told.
    fn boot_id(&self) -> Option<BootId>;
}

/// This machine: `CLOCK_REALTIME`, `CLOCK_BOOTTIME` and the kernel's boot id.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl ClockSource for Machine {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot_time(&self) -> BootTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
        BootTime::after_boot(Duration::new(seconds, nanoseconds))
    }

    fn boot_id(&self) -> Option<BootId> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        BootId::new(&text)
    }
}

/// Both clocks.
#[derive(Debug)]
pub struct Clock {
    source: Box<dyn ClockSource>,
    boot_id: Option<BootId>,
    /// Where the boot clock stood when steady time was `steady`.
    anchor: BootTime,
    steady: Steady,
}

impl Clock {
    /// Continues from the last mark in the journal, or starts a new steady time where there is none.
    #[must_use]
    pub fn resume(last: Option<&ClockMark>, source: Box<dyn ClockSource>) -> Self {
        let (boot_id, anchor) = (source.boot_id(), source.boot_time());
        let steady = match last {
            None => Steady::START,
            // A boot that cannot be named attests nothing, even if it could not be named then either.
            Some(mark) if mark.boot_id.is_some() && mark.boot_id == boot_id => {
                mark.steady + anchor.since(mark.boot_time)
            }
            Some(mark) => mark.steady,
        };
        Self { source, boot_id, anchor, steady }
    }

    /// The mark that [`Clock::resume`] is to continue from: after another boot steady time goes on where the last entry
    /// was written, not where the last mark was.
    #[must_use]
    pub fn last_mark(ledger: &Ledger, source: &dyn ClockSource) -> Option<ClockMark> {
        ledger.clock.clone().map(|mark| ClockMark {
            steady: if mark.boot_id.is_some() && mark.boot_id == source.boot_id() {
                mark.steady
            } else {
                ledger.last.map_or(mark.steady, |at| at.steady.max(mark.steady))
            },
            ..mark
        })
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { wall: self.source.wall(), steady: self.steady_at(self.source.boot_time()) }
    }

    /// This moment for the journal: what [`Clock::resume`] continues from.
    #[must_use]
    pub fn mark(&self) -> ClockMark {
        let boot_time = self.source.boot_time();
        ClockMark { boot_id: self.boot_id.clone(), boot_time, steady: self.steady_at(boot_time) }
    }

    fn steady_at(&self, boot_time: BootTime) -> Steady {
        self.steady + boot_time.since(self.anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Clone)]
    struct Bench(Arc<Mutex<(Timestamp, Duration, Option<&'static str>)>>);

    impl Bench {
        fn new(boot: Option<&'static str>, up: Duration) -> Self {
            Self(Arc::new(Mutex::new((Timestamp::UNIX_EPOCH, up, boot))))
        }
        fn pass(&self, time: Duration) {
            let mut bench = self.0.lock().unwrap();
            bench.1 += time;
            bench.0 += time;
        }
        fn set_wall(&self, wall: Timestamp) {
            self.0.lock().unwrap().0 = wall;
        }
    }

    impl ClockSource for Bench {
        fn wall(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }
        fn boot_time(&self) -> BootTime {
            BootTime::after_boot(self.0.lock().unwrap().1)
        }
        fn boot_id(&self) -> Option<BootId> {
            self.0.lock().unwrap().2.and_then(BootId::new)
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    /// A coordinator that ran for ten minutes and left its last mark.
    fn ten_minutes(source: &Bench) -> ClockMark {
        let clock = Clock::resume(None, Box::new(source.clone()));
        source.pass(10 * MINUTE);
        clock.mark()
    }

    #[test]
    fn a_new_journal_starts_at_the_start_whatever_the_uptime() {
        let clock = Clock::resume(None, Box::new(Bench::new(Some("one"), 500 * MINUTE)));
        assert_eq!(clock.now().steady, Steady::START);
    }

    #[test]
    fn time_while_the_coordinator_was_down_counts_within_the_same_boot() {
        let source = Bench::new(Some("one"), 7 * MINUTE);
        let mark = ten_minutes(&source);
        source.pass(30 * MINUTE);
        let clock = Clock::resume(Some(&mark), Box::new(source.clone()));
        assert_eq!(clock.now().steady, Steady::after_start(40 * MINUTE));
        source.pass(MINUTE);
        assert_eq!(clock.now().steady, Steady::after_start(41 * MINUTE));
    }

    #[test]
    fn time_across_another_boot_does_not_count() {
        let mark = ten_minutes(&Bench::new(Some("one"), 7 * MINUTE));
        let clock = Clock::resume(Some(&mark), Box::new(Bench::new(Some("two"), 90 * MINUTE)));
        assert_eq!(clock.now().steady, Steady::after_start(10 * MINUTE));
    }

    #[test]
    fn a_boot_without_a_name_attests_nothing() {
        let source = Bench::new(None, 7 * MINUTE);
        let mark = ten_minutes(&source);
        source.pass(30 * MINUTE);
        let clock = Clock::resume(Some(&mark), Box::new(source.clone()));
        assert_eq!(clock.now().steady, Steady::after_start(10 * MINUTE));
        source.pass(MINUTE);
        assert_eq!(clock.now().steady, Steady::after_start(11 * MINUTE), "it still runs");
    }

    #[test]
    fn a_boot_clock_behind_its_mark_takes_nothing_back() {
        let mark = ten_minutes(&Bench::new(Some("one"), 7 * MINUTE));
        let clock = Clock::resume(Some(&mark), Box::new(Bench::new(Some("one"), MINUTE)));
        assert_eq!(clock.now().steady, Steady::after_start(10 * MINUTE));
    }

    #[test]
    fn the_wall_may_step_back_and_steady_time_does_not() {
        let source = Bench::new(Some("one"), 7 * MINUTE);
        source.pass(600 * MINUTE);
        let clock = Clock::resume(None, Box::new(source.clone()));
        source.pass(5 * MINUTE);
        let before = clock.now();
        source.set_wall(Timestamp::UNIX_EPOCH);
        let after = clock.now();
        assert!(after.wall < before.wall);
        assert_eq!(after.steady, before.steady);
    }

    #[test]
    fn this_machine_names_its_boot_and_runs_forward() {
        let clock = Clock::resume(None, Box::new(Machine));
        let (first, second) = (clock.mark(), clock.mark());
        assert!(first.boot_id.is_some());
        assert_eq!(first.boot_id, second.boot_id);
        assert!(first.boot_time > BootTime::after_boot(Duration::ZERO));
        assert!(second.steady >= first.steady);
    }
}
