//! What a line of the journal says. The JSON of [`Stamped`] is the payload of a record; a record stays under 100 KB, so
//! lists are cut into `parts`.

mod milestone;
mod room;

pub use milestone::{BreachEvent, Milestone, VersionStep};
pub use room::cut;
pub(crate) use room::parts;

use super::{Effect, Holder, Outcome, Request, RolloutEvent};
use crate::guid::Guid;
use crate::names::{AccountName, OperatorName};
use crate::time::{ClockMark, Now};
use room::{TEXT, TEXT_BESIDE_USERS};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The number of a record in the journal, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Of the first record.
    pub const FIRST: Sequence = Sequence(1);

    /// A number as it was written; zero is none.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Of the record after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Which journal, and which start of a coordinator on it (invariant 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// Random, made with the journal, and made anew by each takeover.
    pub epoch: u64,
    /// Counts starts, from 1.
    pub counter: u64,
    /// Random, made at the start: coordinators on two copies of one journal may count alike, and differ in this.
    #[serde(default)]
    pub mark: u64,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.epoch, self.counter)
    }
}

/// A SHA-256 digest, in hexadecimal where it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Hexadecimal digits by which people tell digests apart.
    pub const SHORT: usize = 12;

    /// The first of its digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(Self::SHORT).collect()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> String {
        digest.to_string()
    }
}

/// Not a SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 digest: 64 hexadecimal digits are expected")]
pub struct BadDigest(String);

impl FromStr for Sha256 {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bad = || BadDigest(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad());
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadDigest;
    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

/// A user and the service account that sends as him. The user is his object, whatever rosters call him: a wait does not
/// end with a renaming.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The user's `objectGUID`.
    pub user: Guid,
    /// The service account.
    pub account: AccountName,
}

/// An entry with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// When it was written.
    pub at: Now,
    /// What it says.
    pub entry: Entry,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
pub enum Entry {
    /// A coordinator started on this journal.
    Started {
        /// Its generation.
        generation: Generation,
        /// Its clock.
        clock: ClockMark,
        /// Its version.
        version: String,
        /// Whether it may shorten waits.
        laboratory: bool,
    },
    /// The clock, now and then, so that little waiting is lost with a reboot.
    Clock(ClockMark),
    /// Learned from observations.
    Milestone(Milestone),
    /// Asked for by a person.
    Request {
        /// Who.
        by: OperatorName,
        /// What.
        request: Request,
    },
    /// About to be done; its number names it from here on.
    Intent {
        /// What.
        effect: Effect,
    },
    /// The agent has a permit: from here on the act may happen.
    Permitted {
        /// Which.
        intent: Sequence,
        /// To the agent with which journal. Journals of the last release do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<Holder>,
    },
    /// How it ended.
    Outcome {
        /// Which.
        intent: Sequence,
        /// How.
        outcome: Outcome,
    },
}

impl Entry {
    /// The same with no text longer than a record has room for: what agents, directory servers and other people's entries
    /// in them say is as long as they like.
    #[must_use]
    pub fn fitting(mut self) -> Self {
        match &mut self {
            Self::Outcome { outcome, .. } => {
                let detail = outcome.detail_mut();
                *detail = cut(detail, TEXT);
            }
            Self::Milestone(Milestone::Pairs { cause: Some(cause), .. }) => *cause = cut(cause, TEXT_BESIDE_USERS),
            Self::Milestone(
                Milestone::GrantLost { cause: text, .. }
                | Milestone::Rollout {
                    event:
                        RolloutEvent::Tripped { reason: text }
                        | RolloutEvent::Removing { reason: text, .. }
                        | RolloutEvent::Aborted { reason: text },
                    ..
                },
            ) => *text = cut(text, TEXT),
            _ => {}
        }
        self
    }

    /// What kind of entry it is, for listings.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Clock(_) => "clock",
            Self::Milestone(_) => "milestone",
            Self::Request { .. } => "request",
            Self::Intent { .. } => "intent",
            Self::Permitted { .. } => "permitted",
            Self::Outcome { .. } => "outcome",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::room::USERS_PER_ENTRY;
    use super::*;
    use crate::ledger::PairEvent;
    use std::collections::BTreeMap;

    /// Whatever agents and directory servers say, an entry has room.
    #[test]
    fn no_text_of_others_makes_an_entry_too_long() {
        let text = "\u{2}".repeat(200_000);
        let intent = Sequence(1);
        let users: BTreeMap<_, _> = (0..USERS_PER_ENTRY as u128)
            .map(|at| (Guid::from_bytes(at.to_le_bytes()), "\\".repeat(100).parse().unwrap()))
            .collect();
        let rollout = |event| Entry::Milestone(Milestone::Rollout { rollout: "r".parse().unwrap(), event });
        let entries = [
            Entry::Outcome { intent, outcome: Outcome::Failed { detail: text.clone() } },
            Entry::Outcome { intent, outcome: Outcome::Succeeded { detail: text.clone() } },
            Entry::Outcome { intent, outcome: Outcome::Withdrawn { detail: text.clone() } },
            rollout(RolloutEvent::Tripped { reason: text.clone() }),
            rollout(RolloutEvent::Removing { reason: text.clone(), wave: None }),
            rollout(RolloutEvent::Aborted { reason: text.clone() }),
            Entry::Milestone(Milestone::GrantLost { intent, place: "DC=a".into(), cause: text.clone() }),
            Entry::Milestone(Milestone::Pairs {
                domain: "a.example.test".parse().unwrap(),
                account: "goodadmin@a.example.test".parse().unwrap(),
                event: PairEvent::Vanished,
                users,
                cause: Some(text),
            }),
        ];
        for entry in entries {
            let title = entry.title();
            let bytes = serde_json::to_vec(&entry.fitting()).unwrap().len();
            assert!(bytes < 99_000, "{title}: {bytes}");
        }
    }
}
