//! The answer for a pair of user and service account, and the picture of a domain made of such answers.

use super::placement::{NoPlacement, PlannedGrant};
use super::reading::{GroupPath, Home};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName};
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is true of a pair (user, account). Everything but `Covered` closes a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// Every server that counts shows the right on the user's own descriptor, and nothing known will take it away.
    Covered,
    /// The right is there, but the propagator of AdminSDHolder will take it away.
    Perishable,
    /// No entry grants the right.
    Missing,
    /// An entry denies the right.
    Denied,
    /// Some servers show the right, others do not yet.
    Replicating,
    /// A server that counts did not answer, or did not show the descriptor.
    Unreadable,
    /// The user was not found, or more than one was.
    Unresolved,
    /// The evidence is there, but does not decide.
    CannotTell,
}

impl VerdictKind {
    /// Whether this says that something is not known, rather than that something is wrong.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unreadable | Self::Unresolved | Self::CannotTell)
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Covered => "covered",
            Self::Perishable => "perishable",
            Self::Missing => "missing",
            Self::Denied => "denied",
            Self::Replicating => "replicating",
            Self::Unreadable => "unreadable",
            Self::Unresolved => "unresolved",
            Self::CannotTell => "cannot tell",
        })
    }
}

/// Why, in terms that an administrator can check.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// An entry of the user's descriptor grants the right.
    Granted,
    /// No entry reaches the user.
    NoEntry,
    /// No entry reaches the user, and inheritance is blocked at `at`.
    InheritanceBlocked {
        /// The object whose DACL is protected: the user or a container above him.
        at: Dn,
    },
    /// The user is a member of a protected group; the propagator overwrites his descriptor.
    Protected {
        /// From the user's group up to the protected one.
        path: GroupPath,
    },
    /// `adminCount` is still 1 and inheritance blocked, though the user is in no protected group.
    StaleAdminCount,
    /// An entry denies the right.
    DeniedByEntry,
    /// The DACL is present and null: everybody is allowed. Nobody meant that.
    NullDacl,
    /// The descriptor was not shown by a server.
    NotShown,
    /// What a server returned is not a descriptor, or a search failed.
    NotUnderstood {
        /// What was wrong.
        why: String,
    },
    /// A server that counts gave no evidence.
    ServerFailed {
        /// Why.
        why: String,
    },
    /// No server of any domain that the roster's GoodLink server serves has the user.
    NotFound,
    /// Several objects match.
    Ambiguous {
        /// Them.
        dns: BTreeSet<Dn>,
    },
    /// The service account's token could not be read.
    TokenUnknown {
        /// Why.
        why: String,
    },
    /// The service account belongs to another domain; what its token holds here cannot be read.
    ForeignAccount,
    /// The mailbox belongs to an account of another forest (`msExchMasterAccountSid`).
    Linked,
    /// The servers do not agree; `holds` show the right and `lacks` do not.
    ServersDiffer {
        /// Servers that show the right.
        holds: BTreeSet<DirectoryServerName>,
        /// Servers that do not.
        lacks: BTreeSet<DirectoryServerName>,
    },
}

/// What one directory server shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerVerdict {
    /// Of this server alone.
    pub kind: VerdictKind,
    /// Why.
    pub cause: Cause,
    /// The entry that decided; absent when none applied or none could be read.
    pub deciding: Option<DecidingEntry>,
}

/// The entry that decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DecidingEntry {
    /// Its place in the stored order, from 0.
    pub index: usize,
    /// In SDDL (MS-DTYP 2.5.1).
    pub sddl: String,
    /// Whether it was inherited.
    pub inherited: bool,
}

/// The verdict for a pair, with the evidence of every server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Verdict {
    /// What is true.
    pub kind: VerdictKind,
    /// Why.
    pub cause: Cause,
    /// What each server shows.
    pub servers: BTreeMap<DirectoryServerName, ServerVerdict>,
}

/// A user of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserPicture {
    /// Where he is, on the first server that has him.
    pub dn: Dn,
    /// The same object on every server.
    pub guid: Guid,
    /// Where his mailbox is, as all servers agree.
    pub home: Home,
    /// One verdict for each service account that serves this domain.
    pub verdicts: BTreeMap<AccountName, Verdict>,
}

/// Whether a name was found in this domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Here.
    Here(Box<UserPicture>),
    /// Every server that counts searched completely and has nobody of that name.
    Absent,
    /// Several objects match the name.
    Ambiguous(BTreeSet<Dn>),
    /// A server failed or the search did, and no server has the user: he may be here.
    Unknown(String),
}

/// A domain as the last survey saw it, judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainPicture {
    /// The domain.
    pub domain: DomainName,
    /// When the survey began: the age of all evidence counts from here.
    pub started: Steady,
    /// Servers that count and gave no evidence, with the reason.
    pub failed: BTreeMap<DirectoryServerName, String>,
    /// Servers that gave evidence.
    pub read: BTreeSet<DirectoryServerName>,
    /// Each name that was asked for.
    pub users: BTreeMap<DirectoryName, Presence>,
    /// The fewest grants that would cover the missing ones.
    pub grants: BTreeSet<PlannedGrant>,
    /// Missing pairs that no grant of ours can cover, with the reason.
    pub not_grantable: BTreeMap<(DirectoryName, AccountName), NoPlacement>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("an entry grants it"),
            Self::NoEntry => f.write_str("no entry reaches the user"),
            Self::InheritanceBlocked { at } => write!(f, "no entry reaches the user: inheritance is blocked at {at}"),
            Self::Protected { path } => {
                write!(f, "protected by {path}: AdminSDHolder overwrites his descriptor every hour")
            }
            Self::StaleAdminCount => {
                f.write_str("inheritance is blocked by a stale adminCount: the user is in no protected group any more")
            }
            Self::DeniedByEntry => f.write_str("an entry denies it"),
            Self::NullDacl => f.write_str("the DACL is null: everybody is allowed everything; repair the descriptor"),
            Self::NotShown => f.write_str("the descriptor was not shown: the reading account lacks Read Permissions"),
            Self::NotUnderstood { why } | Self::ServerFailed { why } => f.write_str(why),
            Self::NotFound => f.write_str("not found in any domain that his GoodLink server serves"),
            Self::Ambiguous { dns } => write!(f, "several objects match: {}", list(dns)),
            Self::TokenUnknown { why } => write!(f, "the service account's token could not be read: {why}"),
            Self::ForeignAccount => {
                f.write_str("the service account belongs to another domain; its token here cannot be read")
            }
            Self::Linked => {
                f.write_str("linked mailbox: its owner is an account of another forest (msExchMasterAccountSid)")
            }
            Self::ServersDiffer { holds, lacks } => write!(f, "seen on {}, not on {}", list(holds), list(lacks)),
        }
    }
}

impl fmt::Display for GroupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(Dn::as_str).collect::<Vec<_>>().join(" in "))
    }
}

fn list<T: fmt::Display>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
