//! The life of an effect: filed, permitted where an agent performs it, ended. Nothing follows an end.

use super::effect::{Effect, Outcome};
use crate::mutation::{self, Mutation};
use crate::time::Steady;

/// An effect that was announced in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Intent {
    /// What.
    pub effect: Effect,
    /// How far it is.
    pub state: IntentState,
    /// When it was filed.
    pub filed: Steady,
}

/// How far an effect is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntentState {
    /// Announced. A grant may have happened; an act of an agent has not, it has no permit yet.
    Filed,
    /// The agent may have begun.
    Permitted {
        /// When the permit was given.
        at: Steady,
    },
    /// Over.
    Ended {
        /// How.
        outcome: Outcome,
        /// When it was learned.
        at: Steady,
    },
}

impl IntentState {
    /// Whether the outcome is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Ended { .. })
    }

    /// Whether the world may have been changed.
    #[must_use]
    pub fn began(&self) -> bool {
        match self {
            Self::Filed => false,
            Self::Permitted { .. } => true,
            Self::Ended { outcome, .. } => !matches!(outcome, Outcome::NotStarted { .. } | Outcome::Withdrawn { .. }),
        }
    }

    /// After a permit; none if one was given before or it is over (at most one permit per intent).
    #[must_use]
    pub fn permitted(&self, at: Steady) -> Option<Self> {
        (matches!(self, Self::Filed) || mutation::is(Mutation::SecondPermit)).then_some(Self::Permitted { at })
    }

    /// After an outcome. An unknown outcome may be replaced once it is established; no other ever changes.
    #[must_use]
    pub fn ended(&self, outcome: &Outcome, at: Steady) -> Option<Self> {
        let open = self.is_open() || matches!(self, Self::Ended { outcome: Outcome::Unknown { .. }, .. });
        open.then(|| Self::Ended { outcome: outcome.clone(), at })
    }
}
