//! What observations taught for good.

use super::{Sequence, Sha256};
use crate::enforcement::{Means, StoreVersion};
use crate::guid::Guid;
use crate::ledger::{Class, PairEvent, RolloutEvent};
use crate::names::{
    AccountName, DirectoryName, Dn, DomainName, ExchangeServerName, GoodLinkName, HostName, RolloutName, RosterName,
};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
        /// Where the right vanished, or counts as new though it was seen: the likely cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    /// A service account was seen for the first time, or is another object than before: what names its former SID is
    /// worth nothing any more.
    Account {
        /// Which.
        account: AccountName,
        /// Its SID from here on.
        sid: Sid,
        /// Where another domain than its own was first judged for it; none: what its own domain shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<DomainName>,
    },
    /// An entry that we wrote is not on its place any more.
    GrantLost {
        /// The intent that wrote it.
        intent: Sequence,
        /// The place.
        place: Dn,
        /// Why, as far as that can be told.
        cause: String,
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
        /// After a takeover, and a start, it is not known who of them was on the roster that was there before: waits begin anew.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        anew: bool,
    },
    /// After a takeover nobody has looked at some users of a GoodLink server, though all count as seen: they are waived, or came onto
    /// its roster later. Since when they have the right nobody has seen.
    Unwatched {
        /// Which.
        goodlink: GoodLinkName,
        /// The users; may come in several parts.
        users: BTreeSet<DirectoryName>,
    },
    /// The configuration declares other service accounts than before.
    Declared {
        /// Which are new, or gone.
        accounts: BTreeSet<AccountName>,
        /// It declares them no more.
        gone: bool,
    },
    /// After a takeover a host's store version was read, with nothing of the lost part going on there: what changes it from
    /// here on is not of that part.
    HostRead {
        /// Which.
        host: HostName,
    },
    /// After a takeover it is known how all users of a GoodLink server stand: waits begin anew for them.
    SeenAnew {
        /// Which.
        goodlink: GoodLinkName,
    },
    /// Users that were paused before a wave of the rollout changed anything.
    Baseline {
        /// The rollout.
        rollout: RolloutName,
        /// Which wave, from 0.
        wave: u32,
        /// On which GoodLink server.
        goodlink: GoodLinkName,
        /// The users; may come in several parts.
        paused: BTreeSet<RosterName>,
        /// What was written down before is void: nothing of the wave has begun since.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        anew: bool,
    },
    /// A host of a rollout shows the hotfix and serves; or, while it is being removed, shows that it is gone.
    HostVerified {
        /// Which rollout.
        rollout: RolloutName,
        /// Which host.
        host: HostName,
    },
    /// Hosts of a wave that is about to be over have failed, within what is allowed: over the rollout they stay counted.
    HostsFailed {
        /// Which rollout.
        rollout: RolloutName,
        /// Which hosts, and what is counted of each from here on; may come in several parts.
        failed: BTreeMap<HostName, Class>,
        /// Of which an earlier record said so, and it is so no more: the wave was not over after it.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        recovered: BTreeSet<HostName>,
    },
    /// A wave was watched long enough. What becomes of its hosts later is drift, and no concern of the rollout any more.
    WaveDone {
        /// Which rollout.
        rollout: RolloutName,
        /// Which wave, from 0.
        wave: u32,
    },
    /// A restart of GoodLink that a person wanted could not begin in time: whatever a reboot does to the clock, it does not any
    /// more.
    RestartVoid {
        /// Of which.
        goodlink: GoodLinkName,
    },
    /// A store enforces, or may, and serves roster users without the right; or does so no more.
    Breach {
        /// Which Exchange server.
        server: ExchangeServerName,
        /// What happened.
        event: BreachEvent,
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
    /// What it meant by the table of that day; none at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// Live rollouts of its Exchange server, where nothing of ours explains it: they are held, for what they were planned
    /// on is not so any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holds: BTreeSet<RolloutName>,
    /// Whether it holds them also where a person does, so that his release leaves them held. Older journals hold only what
    /// nobody held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

/// What happened to a breach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum BreachEvent {
    /// It was noticed.
    Began {
        /// Roster users shown without the right.
        users: usize,
        /// Whether the store enforces for certain.
        certain: bool,
    },
    /// Everybody is seen to be covered or is excepted, or the store is seen to enforce no more.
    Ended,
    /// The server is not in the configuration any more: how its users stand is not asked for.
    Left,
}
