//! Why a verdict is as it is, in terms that an administrator can check.

use super::reading::GroupPath;
use crate::names::{DirectoryServerName, Dn};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The cause of a verdict.
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
    /// An entry above the user grants the right to another class of objects than his.
    NotForClass {
        /// The user's class.
        class: String,
        /// Where the entry is.
        at: Dn,
        /// The entry, as SDDL.
        entry: String,
    },
    /// The only entry that would allow names a group that the service account is perhaps not in where the store asks.
    UncertainGroup {
        /// The group.
        group: Sid,
        /// The entry, as SDDL.
        entry: String,
    },
    /// The only entry that would allow has a condition, which cannot be decided here.
    Conditional {
        /// The entry, as SDDL.
        entry: String,
    },
    /// The only entry that would allow names the service account as it was before it was made again.
    FormerAccount {
        /// The SID that the account had.
        sid: Sid,
        /// The entry, as SDDL.
        entry: String,
    },
    /// The user is a member of a protected group; the propagator overwrites his descriptor with that of AdminSDHolder.
    Protected {
        /// From the user's group up to the protected one.
        path: GroupPath,
        /// Whether AdminSDHolder carries the right.
        holder: Holder,
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
    /// The mailbox belongs to an account of another forest (`msExchMasterAccountSid`).
    Linked {
        /// That account.
        owner: Sid,
    },
    /// The account is disabled and no other one owns the mailbox.
    Disabled,
    /// The object has no mailbox.
    NoMailbox,
    /// The servers do not agree; `holds` show the right and `lacks` do not.
    ServersDiffer {
        /// Servers that show the right.
        holds: BTreeSet<DirectoryServerName>,
        /// Servers that do not.
        lacks: BTreeSet<DirectoryServerName>,
    },
}

/// What AdminSDHolder says of the right: what a protected user will have after the next propagation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// It carries the right.
    Grants,
    /// It does not.
    Lacks,
    /// Its descriptor was not shown: taken for one that does not.
    NotShown,
}

/// Something about a covered user that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "warning")]
pub enum Warning {
    /// The service account has the right as a member of a powerful group, and loses it with the membership.
    PowerfulGroup {
        /// The group.
        group: Sid,
        /// Its usual name.
        name: String,
    },
    /// Everybody who has logged on has the right, not only the service account.
    Everybody {
        /// The well-known SID that the entry names.
        sid: Sid,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("an entry grants it"),
            Self::NoEntry => f.write_str("no entry reaches the user"),
            Self::InheritanceBlocked { at } => write!(f, "no entry reaches the user: inheritance is blocked at {at}"),
            Self::NotForClass { class, at, entry } => {
                write!(f, "the entry {entry} on {at} does not reach objects of class {class}")
            }
            Self::UncertainGroup { group, entry } => write!(
                f,
                "only through {group}, of which it is not certain that the service account is in it where the store asks: {entry}"
            ),
            Self::Conditional { entry } => write!(f, "only under a condition that cannot be decided here: {entry}"),
            Self::FormerAccount { sid, entry } => write!(
                f,
                "the service account was made again: {entry} names its former SID {sid}, which is worth nothing now"
            ),
            Self::Protected { path, holder } => {
                write!(f, "protected by {path}: AdminSDHolder overwrites his descriptor at each pass")?;
                match holder {
                    Holder::Grants => f.write_str(", and carries the right"),
                    Holder::Lacks => Ok(()),
                    Holder::NotShown => f.write_str(", and whether it carries the right was not shown"),
                }
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
            Self::Linked { owner } => write!(
                f,
                "linked mailbox: its owner is the account {owner} of another forest (msExchMasterAccountSid)"
            ),
            Self::Disabled => f.write_str(
                "the account is disabled and msExchMasterAccountSid names no other owner: the store refuses such a mailbox anyway",
            ),
            Self::NoMailbox => f.write_str("the object has no mailbox: neither homeMDB nor msExchHomeServerName is set"),
            Self::ServersDiffer { holds, lacks } => write!(f, "seen on {}, not on {}", list(holds), list(lacks)),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerfulGroup { group, name } => write!(
                f,
                "covered only as a member of {name} ({group}): lost with the membership, and far more than Send As"
            ),
            Self::Everybody { sid } => write!(f, "everybody has the right through {sid}, not only the service account"),
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
