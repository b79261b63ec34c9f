//! The answer for a pair of user and service account, and the picture of a domain made of such answers.

use super::cause::{Cause, Warning};
use super::placement::{NoPlacement, PlannedGrant};
use super::reading::Home;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryServerName, Dn};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

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

    /// As a sentence says it of one user, or of several.
    #[must_use]
    pub fn predicate(self, several: bool) -> String {
        match self {
            Self::CannotTell => "cannot be judged".to_owned(),
            _ => format!("{} {self}", if several { "are" } else { "is" }),
        }
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

/// What one directory server shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerVerdict {
    /// Of this server alone.
    pub kind: VerdictKind,
    /// Why.
    pub cause: Cause,
    /// Why the right is not there, where that is shown of somebody who cannot be judged for another reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Cause>,
    /// The entry that decided; absent when none applied or none could be read.
    pub deciding: Option<DecidingEntry>,
    /// Something about the entry that deserves a look.
    pub warning: Option<Warning>,
}

impl ServerVerdict {
    /// Why the right is not there, if the server shows that it is not, whatever else is known or unknown of him.
    #[must_use]
    pub fn lacking(&self) -> Option<&Cause> {
        match self.kind {
            VerdictKind::Missing | VerdictKind::Denied => Some(&self.cause),
            _ => self.lacks.as_ref(),
        }
    }
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
    /// The SID of the token that it names.
    pub trustee: Sid,
    /// The container whose own entry this is, where one above the user can be told.
    pub from: Option<Dn>,
}

/// The verdict for a pair, with the evidence of every server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Verdict {
    /// What is true.
    pub kind: VerdictKind,
    /// Why.
    pub cause: Cause,
    /// What each server shows.
    pub servers: BTreeMap<DirectoryServerName, Arc<ServerVerdict>>,
}

impl Verdict {
    /// Why the right is not there, if that is shown by any server, whatever others leave unsaid.
    #[must_use]
    pub fn lacking(&self) -> Option<&Cause> {
        match self.kind {
            VerdictKind::Covered | VerdictKind::Perishable => None,
            VerdictKind::Missing | VerdictKind::Denied | VerdictKind::Replicating => Some(&self.cause),
            VerdictKind::Unreadable | VerdictKind::Unresolved | VerdictKind::CannotTell => {
                self.servers.values().find_map(|server| server.lacking())
            }
        }
    }

    /// What deserves a look though the right is there.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        let all: BTreeSet<&Warning> = self.servers.values().filter_map(|server| server.warning.as_ref()).collect();
        all.into_iter()
    }
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
    /// One verdict for each service account that serves this domain. Users with equal descriptors share theirs.
    pub verdicts: Arc<BTreeMap<AccountName, Arc<Verdict>>>,
    /// For each account that a grant could help: the grant, or why there is none. Shared like the verdicts.
    pub placements: Arc<BTreeMap<AccountName, Placement>>,
}

/// The grant that would cover a user, or why none of ours can.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// This one.
    Grant(Arc<PlannedGrant>),
    /// None.
    None(NoPlacement),
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
