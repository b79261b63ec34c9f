//! The life of a rollout: created, running, stopped by itself, and its ends. While its hotfix is being removed it runs as
//! well, in the other direction.

use super::entry::Sequence;
use crate::enforcement::StoreVersion;
use crate::names::{GoodLinkName, HostName, OperatorName};
use crate::spec::RolloutSpec;
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A rollout and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rollout {
    /// What it is to do.
    pub spec: RolloutSpec,
    /// Who wrote it: his own yes to it does not count.
    pub author: OperatorName,
    /// Who has written any form of it: what he wrote may still be in the one that is there.
    pub authors: BTreeSet<OperatorName>,
    /// How far it is.
    pub state: RolloutState,
    /// When something of it last moved: from there its patience counts.
    pub moved: Steady,
    /// Waves that are over.
    pub waves_done: u32,
    /// Since when each host shows the hotfix and serves.
    pub verified: BTreeMap<HostName, Steady>,
    /// Hosts that what is lost of the journal had changed, which it has seen, and which a person wanted tried again since.
    pub found: BTreeSet<HostName>,
    /// What each host had before the first install of this rollout.
    pub before: BTreeMap<HostName, StoreVersion>,
    /// Hosts that had failed when their wave was over, as far as nobody has forgiven it: they stay counted over the rollout.
    pub failed: BTreeMap<HostName, Class>,
    /// Hosts that a person has left out.
    pub skipped: BTreeMap<HostName, Skip>,
    /// Hosts that a person wants tried again, or has looked at before he had the hotfix removed: what happened before that
    /// request is forgiven.
    pub retried: BTreeMap<HostName, Sequence>,
    /// The request by which a person last let it go on after a trip: test sends from before it do not count.
    pub resumed: Option<Sequence>,
    /// GoodLink servers of which it was known then whom they had paused: he could see that.
    pub resumed_with: BTreeSet<GoodLinkName>,
    /// The request by which a person last aborted it, and when; it may have been aborted by itself since.
    pub aborted: Option<(Sequence, Steady)>,
    /// The hotfix is to be removed again.
    pub removal: Option<Removal>,
}

/// The removal of a rollout's hotfix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Removal {
    /// The record that began it: installs after it are not of this rollout's way forward.
    pub since: Sequence,
    /// When: acts of an earlier removal that end later are of this one.
    pub began: Steady,
    /// From the hosts of this wave alone; none: of every wave, the last one first.
    pub wave: Option<u32>,
    /// Why.
    pub reason: String,
    /// Hosts that show that it is gone.
    pub removed: BTreeSet<HostName>,
}

/// A host that a person has left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skip {
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
}

/// What is counted apart when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The install.
    Install,
    /// The store does not serve.
    Store,
    /// Nobody answers.
    Unreachable,
    /// The removal.
    Removal,
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
    /// The hotfix was removed again.
    Removed,
    /// Stopped for good, by a person or because nobody went on.
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
    /// Every host is where it was to be brought.
    Finished,
    /// The hotfix is to be removed again.
    Removing {
        /// Why.
        reason: String,
        /// From the hosts of this wave alone; none: of every wave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wave: Option<u32>,
    },
    /// It is stopped for good.
    Aborted {
        /// Why.
        reason: String,
    },
}

impl Rollout {
    /// Whether a host that was found with the hotfix then (none: it was not) has what it has of this rollout: it has been seen
    /// with it since.
    #[must_use]
    pub fn has_found(&self, host: &HostName, then: Option<Steady>) -> bool {
        let seen = then.zip(self.verified.get(host)).is_some_and(|(then, verified)| *verified >= then);
        seen || self.found.contains(host)
    }

    /// A new one.
    #[must_use]
    pub fn created(spec: RolloutSpec, author: OperatorName, at: Steady) -> Self {
        Self {
            spec,
            authors: [author.clone()].into(),
            author,
            state: RolloutState::Created,
            moved: at,
            waves_done: 0,
            verified: BTreeMap::new(),
            found: BTreeSet::new(),
            before: BTreeMap::new(),
            failed: BTreeMap::new(),
            skipped: BTreeMap::new(),
            retried: BTreeMap::new(),
            resumed: None,
            resumed_with: BTreeSet::new(),
            aborted: None,
            removal: None,
        }
    }

    /// After an event; an error, and nothing changed, if it cannot follow.
    pub(super) fn step(&mut self, event: &RolloutEvent, sequence: Sequence, at: Steady) -> Result<(), String> {
        let next = self.state.step(event, self.removal.as_ref(), at);
        self.state = next.ok_or_else(|| format!("{} is {}", self.spec.name, self.state))?;
        if let RolloutEvent::Removing { reason, wave } = event {
            let (reason, removed) = (reason.clone(), BTreeSet::new());
            self.removal = Some(Removal { since: sequence, began: at, wave: *wave, reason, removed });
            // Whoever wants all of it away wants it away there as well; what begins by itself overrules nobody.
            if wave.is_none() {
                self.skipped.clear();
            }
        }
        if matches!(event, RolloutEvent::Resumed { .. }) {
            self.resumed = Some(sequence);
        }
        self.moved = at;
        Ok(())
    }
}

impl RolloutState {
    /// The next state; none if the event cannot follow. Abort works from every state that is not an end (invariant 7), and
    /// the hotfix can be removed from every state in which it may have been installed.
    #[must_use]
    pub fn step(&self, event: &RolloutEvent, removal: Option<&Removal>, at: Steady) -> Option<Self> {
        match (self, event) {
            (Self::Created, RolloutEvent::Started) | (Self::Tripped { .. }, RolloutEvent::Resumed { .. }) => {
                Some(Self::Running { since: at })
            }
            (Self::Running { .. }, RolloutEvent::Tripped { reason }) => Some(Self::Tripped { reason: reason.clone() }),
            (Self::Running { .. }, RolloutEvent::Finished) if removal.is_some() => Some(Self::Removed),
            (Self::Running { .. }, RolloutEvent::Finished) => Some(Self::Finished),
            (Self::Created | Self::Running { .. } | Self::Tripped { .. }, RolloutEvent::Aborted { reason }) => {
                Some(Self::Aborted { reason: reason.clone() })
            }
            (Self::Created, RolloutEvent::Removing { .. }) => None,
            // One that has ended, whichever way, may be taken up again; one of a single wave be followed by that of all.
            (Self::Aborted { .. } | Self::Removed, RolloutEvent::Removing { wave: None, .. }) => {
                Some(Self::Running { since: at })
            }
            (_, RolloutEvent::Removing { wave, .. })
                if removal.is_none_or(|removal| removal.wave.is_some() && wave.is_none()) =>
            {
                Some(Self::Running { since: at })
            }
            _ => None,
        }
    }

    /// Whether it still claims its servers: a second rollout for one of them is refused.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Finished | Self::Removed | Self::Aborted { .. })
    }
}

impl fmt::Display for RolloutState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Running { .. } => f.write_str("running"),
            Self::Tripped { reason } => write!(f, "stopped by itself: {reason}"),
            Self::Finished => f.write_str("finished"),
            Self::Removed => f.write_str("removed again"),
            Self::Aborted { reason } => write!(f, "aborted: {reason}"),
        }
    }
}
