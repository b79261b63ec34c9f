//! When a permit is good, and which generation of a coordinator is obeyed (invariants 1 and 9).

use std::time::Duration;

use sendgate_proto::v1;

use crate::clock::Steady;
use crate::journal::Generation;

/// No permit is good for longer than this after its request, whatever it says.
pub const LONGEST_PERMIT: Duration = Duration::from_secs(30);

/// The end of a permit on the agent's own steady clock; `None` when it has passed already.
pub fn good_until(requested: Steady, valid: Duration, now: Steady) -> Option<Steady> {
    let valid = valid.min(LONGEST_PERMIT);
    // The clock never runs backwards: a request later than now is not understood, so nothing is permitted by it.
    (now >= requested && now.since(requested) < valid).then(|| requested.plus(valid))
}

/// Why a coordinator is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// There is none.
    #[error("the coordinator presents no generation; use a coordinator of this version")]
    Missing,
    /// An older start of the coordinator, or an older copy of its journal.
    #[error(
        "the coordinator presents generation {offered}, lower than {remembered}, which this agent has accepted: it runs \
         on an old copy of its journal, or is an old process; stop it, or, when the journal was restored from a backup, \
         declare a takeover on the coordinator"
    )]
    Lower {
        /// Of the coordinator.
        offered: Generation,
        /// Of the agent.
        remembered: Generation,
    },
    /// Another journal.
    #[error(
        "the coordinator presents generation {offered}, but this agent has accepted {remembered}, of another journal; \
         when this coordinator is to take over, declare a takeover on it that supersedes epoch {:016x}",
        remembered.epoch
    )]
    OtherJournal {
        /// Of the coordinator.
        offered: Generation,
        /// Of the agent.
        remembered: Generation,
    },
}

/// The generation of a message.
///
/// # Errors
/// When there is none, or its counter is not one that a coordinator starts with.
pub fn generation(wire: Option<&v1::Generation>) -> Result<Generation, GenerationError> {
    match wire {
        Some(wire) if wire.counter > 0 => Ok(Generation { epoch: wire.epoch, counter: wire.counter }),
        _ => Err(GenerationError::Missing),
    }
}

/// Whether a generation is obeyed by an agent that remembers another.
///
/// # Errors
/// Says what an operator can do.
pub fn accept(
    remembered: Option<Generation>,
    offered: Generation,
    supersedes: &[u64],
) -> Result<Generation, GenerationError> {
    match remembered {
        Some(remembered) if remembered.epoch == offered.epoch && offered.counter < remembered.counter => {
            Err(GenerationError::Lower { offered, remembered })
        }
        Some(remembered) if remembered.epoch != offered.epoch && !supersedes.contains(&remembered.epoch) => {
            Err(GenerationError::OtherJournal { offered, remembered })
        }
        _ => Ok(offered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn g(epoch: u64, counter: u64) -> Generation {
        Generation { epoch, counter }
    }

    #[test]
    fn a_permit_is_counted_from_its_request() {
        let requested = Steady::now();
        let at = |seconds| requested.plus(Duration::from_secs(seconds));
        let valid = |seconds, now| good_until(requested, Duration::from_secs(seconds), at(now));
        assert_eq!(valid(10, 9), Some(at(10)));
        assert_eq!(valid(10, 10), None, "the end is not inside");
        assert_eq!(valid(0, 0), None);
        assert_eq!(valid(3600, 29), Some(at(30)), "30 s at most");
        assert_eq!(valid(3600, 30), None);
        assert_eq!(good_until(at(5), LONGEST_PERMIT, at(4)), None);
    }

    #[test]
    fn only_the_highest_generation_is_obeyed() {
        assert_eq!(accept(None, g(1, 1), &[]), Ok(g(1, 1)));
        assert_eq!(accept(Some(g(1, 4)), g(1, 4), &[]), Ok(g(1, 4)));
        assert_eq!(accept(Some(g(1, 4)), g(1, 5), &[]), Ok(g(1, 5)));
        let lower = accept(Some(g(1, 4)), g(1, 3), &[1]).unwrap_err().to_string();
        assert!(lower.contains("generation 0000000000000001:3, lower than 0000000000000001:4"), "{lower}");
        let other = accept(Some(g(1, 4)), g(2, 9), &[3]).unwrap_err().to_string();
        assert!(other.ends_with("declare a takeover on it that supersedes epoch 0000000000000001"), "{other}");
        assert_eq!(accept(Some(g(1, 4)), g(2, 1), &[3, 1]), Ok(g(2, 1)));
        assert_eq!(generation(Some(&v1::Generation { epoch: 1, counter: 0 })), Err(GenerationError::Missing));
        assert_eq!(generation(None), Err(GenerationError::Missing));
    }
}
