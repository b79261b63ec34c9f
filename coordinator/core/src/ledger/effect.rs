//! What is done to the world, and how it ends.

use super::entry::{Sequence, Sha256};
use crate::coverage::placement::{GrantEntry, PlannedGrant};
use crate::enforcement::StoreVersion;
use crate::names::{AccountName, Dn, DomainName, ExchangeServerName, GoodLinkName, HostName, PackageName, RolloutName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something done to the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "effect")]
pub enum Effect {
    /// Adding one Send As entry.
    Grant(PlannedGrant),
    /// Taking an entry of ours away again.
    Withdraw(Withdrawal),
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
        /// The version of store.exe that is there.
        before: StoreVersion,
    },
    /// Removing the hotfix from a host again.
    Remove {
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
    /// Having GoodLink send a message through a changed server, which proves the right end to end.
    TestSend {
        /// For which rollout.
        rollout: RolloutName,
        /// After which wave, from 0.
        wave: u32,
        /// Which GoodLink server sends.
        goodlink: GoodLinkName,
        /// Where.
        host: HostName,
        /// Through which Exchange server.
        server: ExchangeServerName,
    },
    /// Restarting GoodLink, so that its pauses are cleared.
    RestartGoodlink {
        /// Which.
        goodlink: GoodLinkName,
        /// Where.
        host: HostName,
        /// How many paused users have waited long enough.
        users: usize,
        /// A person wants it whatever they have waited.
        #[serde(default)]
        forced: bool,
    },
}

impl Effect {
    /// The host whose agent does it, and that it disrupts or occupies; what is written to the directory disrupts none.
    #[must_use]
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Self::Grant(_) | Self::Withdraw(_) => None,
            Self::Install { host, .. }
            | Self::Remove { host, .. }
            | Self::TestSend { host, .. }
            | Self::RestartGoodlink { host, .. } => Some(host),
        }
    }

    /// The rollout that it is for.
    #[must_use]
    pub fn rollout(&self) -> Option<&RolloutName> {
        match self {
            Self::Install { rollout, .. } | Self::Remove { rollout, .. } | Self::TestSend { rollout, .. } => {
                Some(rollout)
            }
            Self::Grant(_) | Self::Withdraw(_) | Self::RestartGoodlink { .. } => None,
        }
    }

    /// The entry that it adds or takes away, where it writes to the directory.
    #[must_use]
    pub fn entry(&self) -> Option<GrantEntry> {
        match self {
            Self::Grant(grant) => Some(grant.entry()),
            Self::Withdraw(withdrawal) => Some(withdrawal.entry.clone()),
            Self::Install { .. } | Self::Remove { .. } | Self::TestSend { .. } | Self::RestartGoodlink { .. } => None,
        }
    }

    /// The domain whose directory it writes to, and the object.
    #[must_use]
    pub fn place(&self) -> Option<(&DomainName, &Dn)> {
        match self {
            Self::Grant(PlannedGrant { domain, place, .. })
            | Self::Withdraw(Withdrawal { entry: GrantEntry { domain, place, .. }, .. }) => Some((domain, place)),
            Self::Install { .. } | Self::Remove { .. } | Self::TestSend { .. } | Self::RestartGoodlink { .. } => None,
        }
    }
}

/// An entry of ours that is taken away again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The intent that wrote it.
    pub grant: Sequence,
    /// The service account, for people.
    pub account: AccountName,
    /// What is taken away, and where.
    pub entry: GrantEntry,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(grant) => write!(f, "grant Send As to {} on {}", grant.account, grant.place),
            Self::Withdraw(Withdrawal { grant, account, entry }) => {
                write!(f, "take Send As of {account} off {} again (grant {grant})", entry.place)
            }
            Self::Install { host, package, rollout, .. } => {
                write!(f, "install {package} on {host} (rollout {rollout})")
            }
            Self::Remove { host, package, rollout, .. } => {
                write!(f, "remove {package} from {host} (rollout {rollout})")
            }
            Self::TestSend { goodlink, server, rollout, .. } => {
                write!(f, "test sending of {goodlink} through {server} (rollout {rollout})")
            }
            Self::RestartGoodlink { goodlink, host, forced: true, .. } => {
                write!(f, "restart GoodLink {goodlink} on {host} because a person wants it")
            }
            Self::RestartGoodlink { goodlink, host, users, forced: false } => {
                write!(f, "restart GoodLink {goodlink} on {host} for {users} paused users")
            }
        }
    }
}

/// How the outcome of a grant begins whose write had no answer, and whose entry was not there afterwards.
const NOT_THERE: &str = "not there after an interruption";

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

impl Outcome {
    /// A grant's write had no answer, and its entry was not there afterwards, as a server shows the place. A write that
    /// was sent may still be carried out later than anybody waits for it.
    #[must_use]
    pub fn not_there(shown: impl fmt::Display) -> Self {
        Self::NotStarted { detail: format!("{NOT_THERE}; {shown}") }
    }

    pub(super) fn detail_mut(&mut self) -> &mut String {
        match self {
            Self::Succeeded { detail }
            | Self::Failed { detail }
            | Self::NotStarted { detail }
            | Self::Withdrawn { detail }
            | Self::Unknown { detail } => detail,
        }
    }

    /// Whether it is one of those.
    #[must_use]
    pub fn is_not_there(&self) -> bool {
        matches!(self, Self::NotStarted { detail } if detail.starts_with(NOT_THERE))
    }
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
