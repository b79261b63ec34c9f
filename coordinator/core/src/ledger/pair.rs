//! The life of a pair (user, account) that was ever seen without the right.

use crate::time::Steady;
use serde::{Deserialize, Serialize};

/// Where a pair is. Pairs that were never seen without the right have no state: there is nothing to settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairState {
    /// The right is not there.
    Lacking {
        /// Since it was noticed.
        since: Steady,
    },
    /// The right is seen on every server that counts.
    Landed {
        /// Since when; all waits count from here.
        at: Steady,
    },
    /// Seen again after more than one AdminSDHolder cycle.
    Proved {
        /// When it landed.
        landed: Steady,
        /// When it was seen again.
        at: Steady,
    },
}

/// What happens to a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairEvent {
    /// Seen without the right for the first time.
    Lacking,
    /// Seen with it on every server that counts.
    Landed,
    /// Seen again, long enough after.
    Proved,
    /// Seen without it, after it had landed.
    Vanished,
}

impl PairState {
    /// The next state; none if the event cannot follow.
    #[must_use]
    pub fn step(state: Option<Self>, event: PairEvent, at: Steady) -> Option<Self> {
        match (state, event) {
            (None, PairEvent::Lacking) => Some(Self::Lacking { since: at }),
            (Some(Self::Lacking { .. }), PairEvent::Landed) => Some(Self::Landed { at }),
            (Some(Self::Landed { at: landed }), PairEvent::Proved) => Some(Self::Proved { landed, at }),
            (Some(Self::Landed { .. } | Self::Proved { .. }), PairEvent::Vanished) => Some(Self::Lacking { since: at }),
            _ => None,
        }
    }

    /// When the right landed, if it has.
    #[must_use]
    pub fn landed(self) -> Option<Steady> {
        match self {
            Self::Lacking { .. } => None,
            Self::Landed { at } => Some(at),
            Self::Proved { landed, .. } => Some(landed),
        }
    }
}
