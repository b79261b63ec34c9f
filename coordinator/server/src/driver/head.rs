//! How far the journal has gone: agents are told, and remember it. A copy of the journal that lacks a record of which some
//! agent was told is found out by that agent, whatever the record says.

use super::Driver;
use sendgate_core::ledger::{Entry, Sequence};
use sendgate_core::time::Steady;
use sendgate_proto::v1::{self as wire, to_agent::Kind};
use std::time::Duration;

/// Told once in this time at most: each agent writes it to its disk.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// The last record that says more than what time it is.
#[derive(Debug, Default)]
pub(super) struct Head {
    reached: Option<Sequence>,
    told: Option<(Sequence, Steady)>,
}

impl Head {
    /// A record is durable.
    pub(super) fn grows(&mut self, sequence: Sequence, entry: &Entry) {
        // Nothing is lost with a mark of the clock but some waiting.
        if !matches!(entry, Entry::Clock(_)) {
            self.reached = Some(sequence);
        }
    }

    /// How far it has gone; none before the start of this coordinator is written down.
    pub(super) fn reached(&self) -> Option<Sequence> {
        self.reached
    }

    /// What is to be told now, and how long until there is something to be told.
    fn due(&mut self, now: Steady) -> (Option<Sequence>, Duration) {
        let Some(reached) = self.reached else { return (None, Duration::MAX) };
        let left = match self.told {
            Some((told, _)) if told == reached => return (None, Duration::MAX),
            Some((_, at)) => TELL_EVERY.saturating_sub(now.since(at)),
            None => Duration::ZERO,
        };
        if !left.is_zero() {
            return (None, left);
        }
        self.told = Some((reached, now));
        (Some(reached), Duration::MAX)
    }
}

impl Driver {
    /// Tells every agent how far the journal has gone, where it has; says within which time that is to be done again.
    pub(super) fn tell_head(&mut self) -> Duration {
        let (head, left) = self.head.due(self.clock.now().steady);
        if let Some(head) = head {
            let hearing = self.sessions.iter().filter(|(_, session)| session.hears_heads);
            let agents: Vec<_> = hearing.map(|(agent, _)| agent.clone()).collect();
            for agent in agents {
                self.tell(&agent, Kind::Head(wire::Head { sequence: head.get() }));
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendgate_core::time::{BootTime, ClockMark};

    fn at(millis: u64) -> Steady {
        Steady::after_start(Duration::from_millis(millis))
    }

    #[test]
    fn what_many_records_come_to_is_told_at_once_and_then_every_other_second() {
        let (mut head, never) = (Head::default(), (None, Duration::MAX));
        assert_eq!(head.due(at(0)), never);
        let record = Entry::Permitted { intent: Sequence(1), holder: None };
        head.grows(Sequence(4), &record);
        head.grows(Sequence(5), &record);
        assert_eq!(head.due(at(10)), (Some(Sequence(5)), Duration::MAX));
        assert_eq!(head.due(at(20)), never, "told once");
        head.grows(Sequence(6), &record);
        assert_eq!(head.due(at(510)), (None, Duration::from_millis(1500)));
        head.grows(Sequence(7), &record);
        assert_eq!(head.due(at(2010)), (Some(Sequence(7)), Duration::MAX));
        let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(Duration::ZERO), steady: at(3000) };
        head.grows(Sequence(8), &Entry::Clock(clock));
        assert_eq!(head.due(at(9000)), never, "what time it is");
        assert_eq!(head.reached(), Some(Sequence(7)));
    }
}
