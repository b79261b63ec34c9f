//! What a line of the journal says. The JSON of [`Stamped`] is the payload of a record; a record stays under 100 KB, so
//! lists are cut into parts of at most [`USERS_PER_ENTRY`].

use super::{PairEvent, RolloutEvent, RolloutSpec};
use crate::coverage::placement::PlannedGrant;
use crate::enforcement::StoreVersion;
use crate::guid::Guid;
use crate::names::{
    AccountName, DirectoryName, DomainName, ExchangeServerName, GoodLinkName, HostName, OperatorName, PackageName,
    RolloutName, RosterName,
};
use crate::time::{ClockMark, Now};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Users named by one entry at most: 300 names of up to 320 characters (RFC 5321 4.5.3.1) stay under the 100 KB of a record.
pub const USERS_PER_ENTRY: usize = 300;

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
    /// Random, made with the journal.
    pub epoch: u64,
    /// Counts starts, from 1.
    pub counter: u64,
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
    },
    /// How it ended.
    Outcome {
        /// Which.
        intent: Sequence,
        /// How.
        outcome: Outcome,
    },
}

/// Learned from observations and needed for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "milestone")]
pub enum Milestone {
    /// Pairs changed.
    Pairs {
        /// The users' domain.
        domain: DomainName,
        /// The service account.
        account: AccountName,
        /// What happened to all of them.
        event: PairEvent,
        /// The users' objects, with the names by which rosters knew them then.
        users: BTreeMap<Guid, DirectoryName>,
        /// Where the right vanished: the likely cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    /// A store version was seen for the first time, or changed.
    Version(VersionStep),
    /// A roster was seen for the first time, or changed.
    Roster {
        /// Whose.
        goodlink: GoodLinkName,
        /// SHA-256.
        digest: Sha256,
        /// How many users it has.
        users: usize,
    },
    /// Users that were paused before the rollout changed anything.
    Baseline {
        /// The rollout.
        rollout: RolloutName,
        /// On which GoodLink server.
        goodlink: GoodLinkName,
        /// The users; may come in several parts.
        paused: BTreeSet<RosterName>,
    },
    /// A host of a rollout has the hotfix and was watched long enough. What becomes of it later is drift, and no
    /// concern of the rollout any more.
    HostDone {
        /// Which rollout.
        rollout: RolloutName,
        /// Which host.
        host: HostName,
    },
    /// A rollout ended or was stopped by itself.
    Rollout {
        /// Which.
        rollout: RolloutName,
        /// How.
        event: RolloutEvent,
    },
}

/// A store version that changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionStep {
    /// Where.
    pub host: HostName,
    /// What was known; none at first sight.
    pub before: Option<StoreVersion>,
    /// What is there.
    pub after: StoreVersion,
    /// Whether an install of ours explains it.
    pub ours: bool,
}

/// Asked for by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "request")]
pub enum Request {
    /// A new rollout.
    RolloutCreate(RolloutSpec),
    /// Let it begin.
    RolloutStart {
        /// Which.
        rollout: RolloutName,
    },
    /// No new effect of it any more.
    RolloutAbort {
        /// Which.
        rollout: RolloutName,
        /// Why.
        reason: String,
    },
    /// Except one user.
    Waive {
        /// Whom.
        user: DirectoryName,
        /// Why.
        reason: String,
        /// Until when.
        expires: Timestamp,
    },
}

/// Something done to the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "effect")]
pub enum Effect {
    /// Adding one Send As entry.
    Grant(PlannedGrant),
    /// Installing the hotfix on a host.
    Install {
        /// For which rollout.
        rollout: RolloutName,
        /// Of which Exchange server.
        server: ExchangeServerName,
        /// Where.
        host: HostName,
        /// What.
        package: PackageName,
        /// As the agent will check it.
        sha256: Sha256,
    },
    /// Restarting GoodLink, so that its pauses are cleared.
    RestartGoodlink {
        /// Which.
        goodlink: GoodLinkName,
        /// Where.
        host: HostName,
        /// How many paused users have waited long enough.
        users: usize,
    },
}

impl Effect {
    /// The host that it disrupts; grants disrupt none.
    #[must_use]
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Self::Grant(_) => None,
            Self::Install { host, .. } | Self::RestartGoodlink { host, .. } => Some(host),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(grant) => write!(f, "grant Send As to {} on {}", grant.account, grant.place),
            Self::Install { host, package, rollout, .. } => {
                write!(f, "install {package} on {host} (rollout {rollout})")
            }
            Self::RestartGoodlink { goodlink, host, users } => {
                write!(f, "restart GoodLink {goodlink} on {host} for {users} paused users")
            }
        }
    }
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Done.
    Succeeded {
        /// What was seen.
        detail: String,
    },
    /// Begun, and it ended badly.
    Failed {
        /// What was seen.
        detail: String,
    },
    /// The agent never began, and never will.
    NotStarted {
        /// Why.
        detail: String,
    },
    /// Taken back by the coordinator before it had a permit.
    Withdrawn {
        /// Why.
        detail: String,
    },
    /// Begun, and how it ended cannot be found out.
    Unknown {
        /// What was tried.
        detail: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, detail) = match self {
            Self::Succeeded { detail } => ("succeeded", detail),
            Self::Failed { detail } => ("failed", detail),
            Self::NotStarted { detail } => ("not started", detail),
            Self::Withdrawn { detail } => ("withdrawn", detail),
            Self::Unknown { detail } => ("unknown", detail),
        };
        if detail.is_empty() { f.write_str(word) } else { write!(f, "{word}: {detail}") }
    }
}

impl Entry {
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
