//! When a permit is good, and which generation of a coordinator is obeyed (invariants 1 and 9).

use std::cmp::Ordering;
use std::time::Duration;

use sendgate_proto::v1;

use crate::clock::Steady;
use crate::journal::{Generation, Takeover, bounded};

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
         declare a takeover on it with `sendgate coordinator takeover`"
    )]
    Lower {
        /// Of the coordinator.
        offered: Generation,
        /// Of the agent.
        remembered: Generation,
    },
    /// Another start with the same number.
    #[error(
        "the coordinator presents generation {offered}, and so did another one, which this agent has accepted: they run \
         on copies of one journal; stop the other one, or, when the journal was restored from a backup, declare a \
         takeover on this one with `sendgate coordinator takeover`"
    )]
    Copy {
        /// Of both.
        offered: Generation,
    },
    /// Another journal.
    #[error(
        "the coordinator presents generation {offered}, but this agent has accepted {remembered}, of another journal, and \
         no takeover on this coordinator supersedes epoch {:016x}; when it is to take over, declare that on it with \
         `sendgate coordinator takeover`",
        remembered.epoch
    )]
    OtherJournal {
        /// Of the coordinator.
        offered: Generation,
        /// Of the agent.
        remembered: Generation,
    },
    /// A takeover that nobody answers for.
    #[error("the coordinator's takeover names no operator or no reason; use a coordinator of this version")]
    Nameless,
}

/// The generation of a message.
///
/// # Errors
/// When there is none, or its counter is not one that a coordinator starts with.
pub fn generation(wire: Option<&v1::Generation>) -> Result<Generation, GenerationError> {
    match wire {
        Some(wire) if wire.counter > 0 => Ok(Generation { epoch: wire.epoch, counter: wire.counter, mark: wire.mark }),
        _ => Err(GenerationError::Missing),
    }
}

/// Whether a generation is obeyed by an agent that remembers another; if it is by a takeover, that one, to be written down.
///
/// # Errors
/// Says what an operator can do.
pub fn accept(
    remembered: Option<Generation>,
    offered: Generation,
    takeover: Option<&v1::Takeover>,
) -> Result<Option<Takeover>, GenerationError> {
    let Some(from) = remembered else { return Ok(None) };
    if from.epoch == offered.epoch {
        return match offered.counter.cmp(&from.counter) {
            Ordering::Less => Err(GenerationError::Lower { offered, remembered: from }),
            Ordering::Equal if offered.mark != from.mark => Err(GenerationError::Copy { offered }),
            Ordering::Equal | Ordering::Greater => Ok(None),
        };
    }
    let takeover = takeover
        .filter(|takeover| takeover.epochs.contains(&from.epoch))
        .ok_or(GenerationError::OtherJournal { offered, remembered: from })?;
    let (operator, reason) = (takeover.operator.trim(), takeover.reason.trim());
    if operator.is_empty() || reason.is_empty() {
        return Err(GenerationError::Nameless);
    }
    Ok(Some(Takeover { from, to: offered, operator: bounded(operator), reason: bounded(reason) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn g(epoch: u64, counter: u64) -> Generation {
        Generation { epoch, counter, mark: 1 }
    }

    fn takeover(epochs: &[u64], operator: &str, reason: &str) -> v1::Takeover {
        v1::Takeover { epochs: epochs.to_vec(), operator: operator.into(), reason: reason.into() }
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

    fn refused(remembered: Generation, offered: Generation, takeover: Option<&v1::Takeover>) -> String {
        accept(Some(remembered), offered, takeover).unwrap_err().to_string()
    }

    #[test]
    fn only_the_highest_generation_is_obeyed() {
        assert_eq!(accept(None, g(1, 1), None), Ok(None));
        assert_eq!(accept(Some(g(1, 4)), g(1, 4), None), Ok(None), "after a reconnect");
        assert_eq!(accept(Some(g(1, 4)), g(1, 5), None), Ok(None));
        let lower = refused(g(1, 4), g(1, 3), Some(&takeover(&[1], "olive", "because")));
        assert!(lower.contains("generation 0000000000000001:3, lower than 0000000000000001:4"), "{lower}");
        assert!(lower.ends_with("declare a takeover on it with `sendgate coordinator takeover`"), "{lower}");
        let copy = refused(g(1, 4), Generation { mark: 2, ..g(1, 4) }, None);
        assert!(
            copy.starts_with("the coordinator presents generation 0000000000000001:4, and so did another"),
            "{copy}"
        );
        assert_eq!(generation(Some(&v1::Generation { epoch: 1, counter: 0, mark: 1 })), Err(GenerationError::Missing));
        assert_eq!(generation(None), Err(GenerationError::Missing));
    }

    #[test]
    fn another_journal_is_obeyed_by_a_takeover_only_that_names_who_and_why() {
        let other = "the coordinator presents generation 0000000000000002:9, but this agent has accepted \
                     0000000000000001:4, of another journal, and no takeover on this coordinator supersedes epoch \
                     0000000000000001; when it is to take over, declare that on it with `sendgate coordinator takeover`";
        assert_eq!(refused(g(1, 4), g(2, 9), None), other);
        assert_eq!(refused(g(1, 4), g(2, 9), Some(&takeover(&[3], "olive", "because"))), other);
        for nameless in [takeover(&[1], " ", "because"), takeover(&[1], "olive", "")] {
            assert_eq!(
                refused(g(1, 4), g(2, 9), Some(&nameless)),
                "the coordinator's takeover names no operator or no reason; use a coordinator of this version"
            );
        }
        let followed = accept(Some(g(1, 4)), g(2, 1), Some(&takeover(&[3, 1], "olive", "disk lost"))).unwrap();
        let (operator, reason) = ("olive".to_owned(), "disk lost".to_owned());
        assert_eq!(followed, Some(Takeover { from: g(1, 4), to: g(2, 1), operator, reason }));
        // Who was replaced is refused from then on.
        assert!(accept(Some(g(2, 1)), g(1, 40), None).is_err());
    }
}
