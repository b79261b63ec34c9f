//! The life of a rollout: created, running, and one of three ends.

use super::entry::{Sequence, Sha256};
use crate::enforcement::StoreVersion;
use crate::names::{ExchangeServerName, HostName, OperatorName, PackageName, RolloutName};
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;

/// What a rollout is to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RolloutSpec {
    /// Its name.
    pub name: RolloutName,
    /// The hotfix, as the agents' configurations name it.
    pub package: PackageName,
    /// SHA-256 of the package, as the agents check it.
    pub sha256: Sha256,
    /// The file version of store.exe that it leaves behind.
    pub target: StoreVersion,
    /// Exchange servers, in the order in which they are changed.
    pub servers: Vec<ExchangeServerName>,
    /// Hosts at once, at most; the policy's limit over the estate holds as well.
    pub at_once: NonZeroU32,
}

/// A rollout and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rollout {
    /// What it is to do.
    pub spec: RolloutSpec,
    /// How far it is.
    pub state: RolloutState,
    /// When it was created.
    pub created: Steady,
    /// Hosts that have the hotfix and were watched long enough.
    pub done: BTreeSet<HostName>,
    /// Hosts that a person has left out.
    pub skipped: BTreeMap<HostName, Skip>,
    /// Hosts that a person wants tried again: what happened before that request is forgiven.
    pub retried: BTreeMap<HostName, Sequence>,
}

/// A host that a person has left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skip {
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
}

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RolloutState {
    /// Waits for a person to start it.
    Created,
    /// Effects may begin.
    Running {
        /// Since it was started, or a person let it go on.
        since: Steady,
    },
    /// Stopped by itself: no new effects, a person is needed.
    Tripped {
        /// What tripped it, with the numbers.
        reason: String,
    },
    /// Every server has the hotfix.
    Finished,
    /// Stopped by a person.
    Aborted {
        /// Why.
        reason: String,
    },
}

/// What happens to a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum RolloutEvent {
    /// A person lets it begin.
    Started,
    /// A person lets it go on after a trip.
    Resumed {
        /// Why.
        reason: String,
    },
    /// A threshold was passed.
    Tripped {
        /// What, with the numbers.
        reason: String,
    },
    /// Every server has the hotfix.
    Finished,
    /// A person stops it.
    Aborted {
        /// Why.
        reason: String,
    },
}

impl Rollout {
    /// A new one.
    #[must_use]
    pub fn created(spec: RolloutSpec, at: Steady) -> Self {
        Self {
            spec,
            state: RolloutState::Created,
            created: at,
            done: BTreeSet::new(),
            skipped: BTreeMap::new(),
            retried: BTreeMap::new(),
        }
    }
}

impl RolloutState {
    /// The next state; none if the event cannot follow. Abort works from every state that is not an end (invariant 7).
    #[must_use]
    pub fn step(&self, event: &RolloutEvent, at: Steady) -> Option<Self> {
        match (self, event) {
            (Self::Created, RolloutEvent::Started) | (Self::Tripped { .. }, RolloutEvent::Resumed { .. }) => {
                Some(Self::Running { since: at })
            }
            (Self::Running { .. }, RolloutEvent::Tripped { reason }) => Some(Self::Tripped { reason: reason.clone() }),
            (Self::Running { .. }, RolloutEvent::Finished) => Some(Self::Finished),
            (Self::Created | Self::Running { .. } | Self::Tripped { .. }, RolloutEvent::Aborted { reason }) => {
                Some(Self::Aborted { reason: reason.clone() })
            }
            _ => None,
        }
    }

    /// Whether it still claims its servers: a second rollout for one of them is refused.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Finished | Self::Aborted { .. })
    }
}

impl fmt::Display for RolloutState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Running { .. } => f.write_str("running"),
            Self::Tripped { reason } => write!(f, "stopped by itself: {reason}"),
            Self::Finished => f.write_str("finished"),
            Self::Aborted { reason } => write!(f, "aborted: {reason}"),
        }
    }
}
