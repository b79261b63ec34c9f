//! What a person has said yes to, and which of our own entries a person wants away.

use super::entry::Sequence;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DomainName, OperatorName, RolloutName};
use crate::time::{Now, Steady};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is never done without a person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Subject {
    /// An entry on AdminSDHolder: it lets the account send as every protected user, administrators among them.
    AdminSdHolder {
        /// Of which domain.
        domain: DomainName,
        /// For whom.
        account: AccountName,
    },
    /// An explicit entry on a user whom an inherited entry denies: somebody's decision is overridden for him.
    Override {
        /// His object.
        user: Guid,
        /// For whom.
        account: AccountName,
    },
    /// A rollout, in the form in which it was then: another form takes every yes to it away.
    Rollout {
        /// Which.
        rollout: RolloutName,
    },
}

/// Who has said yes to a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approval {
    /// The user's name when it was said, where the subject is a user.
    pub called: Option<DirectoryName>,
    /// Each person who has said yes.
    pub given: BTreeMap<OperatorName, Yes>,
}

/// A person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Yes {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Now,
}

/// A person's wish that an entry of ours be taken away, and stay away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Undo {
    /// The intent that wrote the entry.
    pub grant: Sequence,
    /// For whom the entry is.
    pub account: AccountName,
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
    /// The request.
    pub request: Sequence,
    /// Since when the entry is gone; none while it is still to be taken away.
    pub done: Option<Steady>,
}

/// A grant of ours that was written, and was not there any more when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lost {
    /// When it was noticed.
    pub at: Steady,
    /// Why, as far as that can be told.
    pub cause: String,
}

impl Approval {
    /// Whether enough people have said yes to an entry in the directory: one is enough.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.given.is_empty()
    }

    /// Who has said yes, other than this one.
    #[must_use]
    pub fn others(&self, author: &OperatorName) -> BTreeSet<&OperatorName> {
        self.given.keys().filter(|by| *by != author).collect()
    }
}

impl Undo {
    /// Whether the entry is gone.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.is_some()
    }
}

impl Subject {
    /// The service account that it is about.
    #[must_use]
    pub fn account(&self) -> Option<&AccountName> {
        match self {
            Self::AdminSdHolder { account, .. } | Self::Override { account, .. } => Some(account),
            Self::Rollout { .. } => None,
        }
    }

    /// For people, with the user called by a name.
    #[must_use]
    pub fn text(&self, called: Option<&DirectoryName>) -> String {
        match (self, called) {
            (Self::Override { account, .. }, Some(user)) => {
                format!("overriding the inherited deny for {user} and {account} with an entry on the user")
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdminSdHolder { domain, account } => {
                write!(f, "an entry for {account} on AdminSDHolder of {domain}")
            }
            Self::Override { user, account } => {
                write!(f, "overriding the inherited deny for object {user} and {account} with an entry on the user")
            }
            Self::Rollout { rollout } => write!(f, "rollout {rollout}"),
        }
    }
}
