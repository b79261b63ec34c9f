//! What people ask for, checked against the world before it is written down.

mod grants;
mod holds;
mod interventions;
mod rollouts;

pub(crate) use holds::{SENDGATE, held_by};

pub use grants::{DigestOf, FormRead, WantedSubject, approve, grant_redo, grant_undo, revoke};
pub use holds::{WantedHeld, also_held, hold, release, release_of, still_held};
pub use interventions::{
    followers, on_their_way, restart_cancel, restart_force, resume, retry, skip, takeover, under_way,
};
pub use rollouts::{
    left_out, rollout_abort, rollout_apply, rollout_fits, rollout_read, rollout_remove, rollout_start, void_approvals,
};

use crate::gate::World;
use crate::ledger::Request;
use crate::names::{DirectoryName, RolloutName};
use crate::spec::SpecError;
use jiff::Timestamp;

/// Why a request is not accepted. Nothing was written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A word of it means nothing.
    #[error("{what} {given:?}: {why}")]
    Invalid {
        /// Which part.
        what: &'static str,
        /// As given.
        given: String,
        /// Why, and what would do.
        why: String,
    },
    /// It names something that is not there.
    #[error("{what} {given:?} is not known: {known}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// As given.
        given: String,
        /// What there is.
        known: String,
    },
    /// It does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// The file of a rollout is wrong.
    #[error(transparent)]
    File(#[from] SpecError),
    /// It is so already.
    #[error("{0}")]
    Unchanged(String),
    /// The journal has no room for it.
    #[error(
        "the request takes {bytes} bytes in the journal, and a record has room for {limit}: make it smaller, as with a \
         rollout of fewer servers or windows"
    )]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest, in bytes.
        limit: usize,
    },
}

fn invalid(what: &'static str, given: &str, why: impl ToString) -> Refused {
    Refused::Invalid { what, given: given.to_owned(), why: why.to_string() }
}

fn known_rollout(world: World<'_>, given: &str) -> Result<RolloutName, Refused> {
    let name = given.parse().map_err(|error| invalid("rollout", given, error))?;
    if world.ledger.rollouts.contains_key(&name) {
        return Ok(name);
    }
    let known: Vec<_> = world.ledger.rollouts.keys().map(ToString::to_string).collect();
    let known =
        if known.is_empty() { "there is no rollout yet".into() } else { format!("rollouts are {}", known.join(", ")) };
    Err(Refused::Unknown { what: "rollout", given: given.to_owned(), known })
}

/// Checks a waiver: its user must be on a roster, by roster name or directory name.
///
/// # Errors
/// [`Refused`] if nobody or several are meant, no reason is given, or it would be void at once.
pub fn waive(world: World<'_>, given: &str, reason: &str, expires: Timestamp) -> Result<Request, Refused> {
    let user = roster_user(world, given)?;
    if expires <= world.now.wall {
        return Err(invalid(
            "expiry",
            &expires.to_string(),
            format!("it is {} now: write a moment that is still to come, or a time such as 72h", world.now.wall),
        ));
    }
    Ok(Request::Waive { user, reason: needed_reason(reason)?, expires })
}

/// Checks that a waiver is no longer wanted.
///
/// # Errors
/// [`Refused`] if nobody has waived this user, several are meant, or no reason is given.
pub fn unwaive(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    // He may be on no roster any more.
    let by_name = given.parse().ok().filter(|user| world.ledger.waivers.contains_key(user));
    let user = by_name.map_or_else(|| roster_user(world, given), Ok)?;
    if !world.ledger.waivers.contains_key(&user) {
        return Err(Refused::Conflict(format!("nobody has waived {user}")));
    }
    Ok(Request::Unwaive { user, reason: needed_reason(reason)? })
}

/// A user of a roster, by roster name or directory name.
fn roster_user(world: World<'_>, given: &str) -> Result<DirectoryName, Refused> {
    let wanted = given.trim().to_lowercase();
    let users = world.estate.rosters.values().flat_map(|roster| &roster.users);
    let mut matching: Vec<&DirectoryName> = users
        .filter(|(user, directory_name)| user.as_str() == wanted || directory_name.as_str() == wanted)
        .map(|(_, directory_name)| directory_name)
        .collect();
    matching.sort();
    matching.dedup();
    match matching.as_slice() {
        [user] => Ok((*user).clone()),
        [] => {
            let known = "no roster that has arrived names this user".to_owned();
            Err(Refused::Unknown { what: "user", given: given.to_owned(), known })
        }
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Refused::Conflict(format!("{given:?} means several users, name one of {}", names.join(", "))))
        }
    }
}

/// Reasons longer than this, in bytes, belong into a ticket.
const REASON_LIMIT: usize = 2000;

fn needed_reason(reason: &str) -> Result<String, Refused> {
    let reason = reason.trim();
    match reason.len() {
        0 => Err(invalid("reason", reason, "say why: it is kept in the journal")),
        1..=REASON_LIMIT => Ok(reason.to_owned()),
        _ => Err(invalid(
            "reason",
            &format!("{}…", reason.chars().take(20).collect::<String>()),
            format!("at most {REASON_LIMIT} bytes are kept"),
        )),
    }
}
