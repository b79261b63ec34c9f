//! What people ask for, as the journal keeps it.

use super::{Generation, Held, Sequence, Sha256, Subject, Whose};
use crate::names::{DirectoryName, GoodLinkName, HostName, RolloutName};
use crate::spec::RolloutSpec;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Asked for by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "request")]
pub enum Request {
    /// A new rollout; or another form of one that was not started yet.
    RolloutApply(RolloutSpec),
    /// Let it begin.
    RolloutStart {
        /// Which.
        rollout: RolloutName,
        /// Why; none: nobody said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Let it go on after a trip: who is paused now counts as its baseline.
    RolloutResume {
        /// Which.
        rollout: RolloutName,
        /// GoodLink servers of which it was known then whom they had paused.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        seen: BTreeSet<GoodLinkName>,
        /// Why.
        reason: String,
    },
    /// Try a host again: what happened on it before is forgiven.
    HostRetry {
        /// Of which rollout.
        rollout: RolloutName,
        /// Which.
        host: HostName,
        /// Why.
        reason: String,
    },
    /// Leave a host out.
    HostSkip {
        /// Of which rollout.
        rollout: RolloutName,
        /// Which.
        host: HostName,
        /// Why.
        reason: String,
    },
    /// No new effect there until it is released.
    Hold {
        /// What.
        held: Held,
        /// Why.
        reason: String,
    },
    /// The end of a hold.
    Release {
        /// What.
        held: Held,
        /// Whose hold; none, in journals of earlier releases: those of all people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<Whose>,
        /// Why.
        reason: String,
    },
    /// Restart GoodLink once, whatever its users have waited.
    RestartForce {
        /// Which.
        goodlink: GoodLinkName,
        /// Why.
        reason: String,
    },
    /// The restart that somebody forced is not wanted any more.
    RestartCancel {
        /// Of which.
        goodlink: GoodLinkName,
        /// Why.
        reason: String,
    },
    /// Remove its hotfix again, the last wave first.
    RolloutRemove {
        /// Which.
        rollout: RolloutName,
        /// Why.
        reason: String,
    },
    /// No new effect of it any more.
    RolloutAbort {
        /// Which.
        rollout: RolloutName,
        /// Why.
        reason: String,
    },
    /// Lead agents that obeyed another coordinator, or a newer copy of this journal, from here on.
    Takeover {
        /// What they obey from here on: of another epoch, with a counter above all that any of them has reported.
        generation: Generation,
        /// Epochs that they obeyed before.
        supersedes: BTreeSet<u64>,
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
    /// No longer except him.
    Unwaive {
        /// Whom.
        user: DirectoryName,
        /// Why.
        reason: String,
    },
    /// Say yes to something that needs it.
    Approve {
        /// What.
        subject: Subject,
        /// The user's name now, where the subject is a user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        called: Option<DirectoryName>,
        /// The digest of the form that was read, where the subject is a rollout; none in journals of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Sha256>,
        /// Why.
        reason: String,
    },
    /// Take every yes to it back. What was written stays until it is undone.
    Revoke {
        /// What.
        subject: Subject,
        /// Why.
        reason: String,
    },
    /// Take an entry of ours away, and do not plan it again.
    GrantUndo {
        /// The intent that wrote it.
        grant: Sequence,
        /// Why.
        reason: String,
    },
    /// Plan an undone entry again.
    GrantRedo {
        /// The intent that wrote it.
        grant: Sequence,
        /// Why.
        reason: String,
    },
}
