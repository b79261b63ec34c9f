//! The life of an effect: filed, permitted where an agent performs it, ended. Nothing follows an end.

use super::Sequence;
use super::effect::{Effect, Outcome};
use crate::mutation::{self, Mutation};
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;

/// An effect that was announced in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Intent {
    /// What.
    pub effect: Effect,
    /// How far it is.
    pub state: IntentState,
    /// When it was filed.
    pub filed: Steady,
    /// Who got its permit, if one was given.
    pub holder: Option<Holder>,
}

/// Which journal an agent keeps: a random number made with it. An agent that was given an empty one has another, and so has
/// another agent that was given the host. None is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentJournal(pub NonZeroU64);

impl fmt::Display for AgentJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Who got a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "WrittenHolder")]
pub struct Holder {
    /// Which journal the agent keeps.
    pub journal: AgentJournal,
    /// How far that agent had written down by then that the coordinator's journal had gone. So one that comes with the same
    /// journal and has not heard of that keeps a copy from before. None: agents that do not say.
    #[serde(default, rename = "welcomed", skip_serializing_if = "Option::is_none")]
    pub heard: Option<Sequence>,
}

/// As journals have it: at first there was the number alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenHolder {
    Alone(AgentJournal),
    Heard {
        journal: AgentJournal,
        #[serde(default)]
        welcomed: Option<Sequence>,
    },
}

impl From<WrittenHolder> for Holder {
    fn from(written: WrittenHolder) -> Self {
        match written {
            WrittenHolder::Alone(journal) => Self { journal, heard: None },
            WrittenHolder::Heard { journal, welcomed: heard } => Self { journal, heard },
        }
    }
}

impl Holder {
    /// Whether an agent with this journal and this memory keeps a copy of it from before it had the permit.
    #[must_use]
    pub fn is_after(&self, journal: AgentJournal, heard: Option<Sequence>) -> bool {
        self.journal == journal && self.heard > heard
    }
}

impl Intent {
    /// What an agent's word of its end is worth. That it has not begun can only be known by the journal of whoever got the
    /// permit: said by any other it is no end that is known, for the one that had the permit may have begun.
    #[must_use]
    pub fn heard(&self, outcome: Outcome, teller: Option<AgentJournal>) -> Outcome {
        match outcome {
            Outcome::NotStarted { detail } if self.state.began() && !self.is_held_by(teller) => {
                let why = "its permit was given to an agent with another journal, which may have begun it";
                let said = if detail.is_empty() { String::new() } else { format!("; this one says: {detail}") };
                Outcome::Unknown { detail: format!("{why}{said}") }
            }
            outcome => outcome,
        }
    }

    /// Whether this is the journal of whoever got the permit. One that is not named is nobody's.
    #[must_use]
    pub fn is_held_by(&self, journal: Option<AgentJournal>) -> bool {
        self.holder.is_some_and(|holder| Some(holder.journal) == journal)
    }
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

    /// Whether it has ended, and nobody knows how.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Ended { outcome: Outcome::Unknown { .. }, .. })
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
