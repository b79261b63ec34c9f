//! What people ask for, checked against the world before it is written down.

mod grants;
mod interventions;

pub use grants::{WantedSubject, approve, grant_redo, grant_undo, revoke};
pub use interventions::{WantedHeld, hold, release, restart_force, resume, retry, skip, under_way};

use crate::enforcement::StoreVersion;
use crate::gate::World;
use crate::ledger::{Request, RolloutEvent, RolloutSpec, Sha256};
use crate::names::{DirectoryName, ExchangeServerName, PackageName, RolloutName};
use jiff::Timestamp;
use std::num::NonZeroU32;

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
}

/// A new rollout, as it arrived.
#[derive(Debug, Clone)]
pub struct WantedRollout {
    /// Its name.
    pub name: String,
    /// The package's name.
    pub package: String,
    /// SHA-256 of the package.
    pub sha256: Vec<u8>,
    /// The version it leaves behind.
    pub target: String,
    /// Exchange servers in order.
    pub servers: Vec<String>,
    /// Hosts at once.
    pub at_once: u32,
}

fn invalid(what: &'static str, given: &str, why: impl ToString) -> Refused {
    Refused::Invalid { what, given: given.to_owned(), why: why.to_string() }
}

/// Checks a new rollout.
///
/// # Errors
/// [`Refused`], naming the part that is wrong; also when a live rollout has one of the servers already.
pub fn rollout_create(world: World<'_>, wanted: &WantedRollout) -> Result<Request, Refused> {
    let name: RolloutName = wanted.name.parse().map_err(|error| invalid("rollout", &wanted.name, error))?;
    let package: PackageName = wanted.package.parse().map_err(|error| invalid("package", &wanted.package, error))?;
    let target: StoreVersion =
        wanted.target.parse().map_err(|error| invalid("target version", &wanted.target, error))?;
    let digest = <[u8; 32]>::try_from(wanted.sha256.as_slice())
        .map_err(|_| invalid("sha256", &format!("{} bytes", wanted.sha256.len()), "a SHA-256 digest has 32 bytes"))?;
    let at_once = NonZeroU32::new(wanted.at_once)
        .ok_or_else(|| invalid("at once", "0", "at least one host must be allowed at once"))?;
    let mut servers: Vec<ExchangeServerName> = Vec::new();
    for given in &wanted.servers {
        let server: ExchangeServerName = given.parse().map_err(|error| invalid("server", given, error))?;
        if !world.policy.exchange.contains_key(&server) {
            let known: Vec<_> = world.policy.exchange.keys().map(ToString::to_string).collect();
            let known = format!("configured Exchange servers are {}", known.join(", "));
            return Err(Refused::Unknown { what: "Exchange server", given: given.clone(), known });
        }
        if servers.contains(&server) {
            return Err(invalid("server", given, "it is named twice"));
        }
        servers.push(server);
    }
    if servers.is_empty() {
        return Err(invalid("servers", "", "a rollout needs at least one Exchange server"));
    }
    if let Some(known) = world.ledger.rollouts.get(&name) {
        return Err(Refused::Conflict(format!("rollout {name} exists and is {}: choose another name", known.state)));
    }
    for (other, rollout) in world.ledger.rollouts.iter().filter(|(_, rollout)| rollout.state.is_live()) {
        if let Some(server) = rollout.spec.servers.iter().find(|server| servers.contains(server)) {
            return Err(Refused::Conflict(format!(
                "Exchange server {server} belongs to rollout {other}, which is {}: abort that one first, or leave the server out",
                rollout.state
            )));
        }
    }
    Ok(Request::RolloutCreate(RolloutSpec { name, package, sha256: Sha256(digest), target, servers, at_once }))
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

fn follows(world: World<'_>, name: &RolloutName, event: &RolloutEvent, verb: &str) -> Result<(), Refused> {
    match world.ledger.rollouts.get(name) {
        Some(rollout) if rollout.state.step(event, world.now.steady).is_some() => Ok(()),
        Some(rollout) => Err(Refused::Conflict(format!("rollout {name} is {} and cannot be {verb}", rollout.state))),
        None => Err(Refused::Conflict(format!("there is no rollout {name}"))),
    }
}

/// Checks a start.
///
/// # Errors
/// [`Refused`] if there is no such rollout or it was started before.
pub fn rollout_start(world: World<'_>, given: &str) -> Result<Request, Refused> {
    let rollout = known_rollout(world, given)?;
    follows(world, &rollout, &RolloutEvent::Started, "started")?;
    Ok(Request::RolloutStart { rollout })
}

/// Checks an abort.
///
/// # Errors
/// [`Refused`] if there is no such rollout, it has ended, or no reason is given.
pub fn rollout_abort(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    let rollout = known_rollout(world, given)?;
    let reason = needed_reason(reason)?;
    follows(world, &rollout, &RolloutEvent::Aborted { reason: reason.clone() }, "aborted")?;
    Ok(Request::RolloutAbort { rollout, reason })
}

/// Checks a waiver: its user must be on a roster, by roster name or directory name.
///
/// # Errors
/// [`Refused`] if nobody or several are meant, no reason is given, or it would be void at once.
pub fn waive(world: World<'_>, given: &str, reason: &str, expires: Timestamp) -> Result<Request, Refused> {
    let user = roster_user(world, given)?;
    if expires <= world.now.wall {
        return Err(invalid("expiry", &expires.to_string(), format!("it is {} now", world.now.wall)));
    }
    Ok(Request::Waive { user, reason: needed_reason(reason)?, expires })
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
