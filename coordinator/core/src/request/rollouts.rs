//! Rollouts: applied from a file, started, aborted, their hotfix removed again.

use super::{Refused, known_rollout, needed_reason};
use crate::gate::World;
use crate::ledger::{Request, Rollout, RolloutEvent, RolloutState, Subject};
use crate::names::RolloutName;
use crate::plan;
use crate::spec::{self, RolloutSpec, SpecError};

/// Checks a rollout's file.
///
/// # Errors
/// [`Refused::File`] with all that is wrong with it; [`Refused::Unchanged`] if the rollout is there in this very form;
/// [`Refused::Conflict`] if it was started in another one, or a live rollout has one of the servers already.
pub fn rollout_apply(world: World<'_>, text: &str) -> Result<Request, Refused> {
    let spec = rollout_read(world, text)?;
    rollout_fits(world, &spec)?;
    Ok(Request::RolloutApply(spec))
}

/// Checks that what was read can be applied beside what is there.
///
/// # Errors
/// [`Refused::Unchanged`] and [`Refused::Conflict`] as [`rollout_apply`].
pub fn rollout_fits(world: World<'_>, spec: &RolloutSpec) -> Result<(), Refused> {
    if let Some(known) = world.ledger.rollouts.get(&spec.name) {
        let name = &spec.name;
        if known.spec == *spec {
            return Err(Refused::Unchanged(format!("rollout {name} is there in this form, and is {}", known.state)));
        }
        if known.state != RolloutState::Created {
            return Err(Refused::Conflict(format!(
                "rollout {name} exists, is {}, and differs from the file in {}: a rollout that was started is not changed; \
                 choose another name",
                known.state,
                differences(&known.spec, spec).join(", ")
            )));
        }
    }
    free(world, spec)
}

/// Who has approved the rollout in the form that another one is about to take the place of; none: nobody.
#[must_use]
pub fn void_approvals(world: World<'_>, name: &RolloutName) -> Option<String> {
    let approval = world.ledger.approvals.get(&Subject::Rollout { rollout: name.clone() })?;
    let who: Vec<_> = approval.given.keys().map(ToString::to_string).collect();
    (!who.is_empty())
        .then(|| format!("approvals were given to the form before, and count no more: by {}", who.join(", ")))
}

/// Whom people have left out of the rollout in its form before and the next one has too: that goes for it as well. None:
/// nobody.
#[must_use]
pub fn left_out(world: World<'_>, next: &RolloutSpec) -> Option<String> {
    let skipped = world.ledger.rollouts.get(&next.name)?.skipped.iter();
    let has = |host| world.policy.exchange_of(host).is_some_and(|server| next.has(server));
    let who: Vec<_> = skipped
        .filter(|(host, _)| has(host))
        .map(|(host, skip)| format!("{host} ({}: {})", skip.by, skip.reason))
        .collect();
    (!who.is_empty()).then(|| format!("left out as before: {}", who.join(", ")))
}

/// Reads a rollout's file, and checks that it can come true from now on.
///
/// # Errors
/// [`SpecError`] with all that is wrong with it.
pub fn rollout_read(world: World<'_>, text: &str) -> Result<RolloutSpec, SpecError> {
    let spec = spec::read(text, world.policy)?;
    spec::outlasts_waits(&spec, world.policy, world.now.wall)?;
    Ok(spec)
}

/// No other live rollout may have one of the servers.
fn free(world: World<'_>, spec: &RolloutSpec) -> Result<(), Refused> {
    let others = world.ledger.rollouts.iter().filter(|(name, other)| **name != spec.name && other.state.is_live());
    for (other, rollout) in others {
        if let Some(server) = spec.servers().find(|server| rollout.spec.has(server)) {
            return Err(Refused::Conflict(format!(
                "Exchange server {server} belongs to rollout {other}, which is {}: abort that one first, or leave the server out",
                rollout.state
            )));
        }
    }
    Ok(())
}

/// The parts in which two forms of a rollout differ.
fn differences(one: &RolloutSpec, other: &RolloutSpec) -> Vec<&'static str> {
    let parts = [
        ("the package", one.package == other.package),
        ("the waves", one.waves == other.waves),
        ("the thresholds", (one.thresholds, one.wave_thresholds) == (other.thresholds, other.wave_thresholds)),
        ("the windows", one.windows == other.windows),
        ("the approvals", one.approvals == other.approvals),
        ("the test sends", one.test_send == other.test_send),
        ("what follows a trip", one.on_trip == other.on_trip),
        ("the expected times", one.expected == other.expected),
        ("the patience", one.patience == other.patience),
    ];
    parts.iter().filter(|(_, same)| !same).map(|(part, _)| *part).collect()
}

fn follows(world: World<'_>, name: &RolloutName, event: &RolloutEvent, verb: &str) -> Result<(), Refused> {
    match world.ledger.rollouts.get(name) {
        Some(rollout) if rollout.state.step(event, rollout.removal.as_ref(), world.now.steady).is_some() => Ok(()),
        Some(rollout) => Err(Refused::Conflict(format!("rollout {name} is {} and cannot be {verb}", rollout.state))),
        None => Err(Refused::Conflict(format!("there is no rollout {name}"))),
    }
}

/// Checks a start. Its reason may be left out: an empty one is none.
///
/// # Errors
/// [`Refused`] if there is no such rollout, it was started before, or the reason is too long.
pub fn rollout_start(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    let rollout = known_rollout(world, given)?;
    let reason = if reason.trim().is_empty() { None } else { Some(needed_reason(reason)?) };
    follows(world, &rollout, &RolloutEvent::Started, "started")?;
    Ok(Request::RolloutStart { rollout, reason })
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

/// Whether every host that the rollout may have changed shows a version without its hotfix.
fn nothing_left(world: World<'_>, rollout: &Rollout) -> bool {
    // What a silent host said last need not be so any more.
    let without = |host| {
        if plan::disruption::unheard(world, host).is_some() {
            return false;
        }
        let exchange = world.estate.hosts.get(host).and_then(|state| state.exchange.as_ref());
        let version = exchange.and_then(|exchange| exchange.store.as_ref().ok());
        version.is_some_and(|version| !plan::rollout::has(world, rollout, *version))
    };
    plan::rollout::begun(world, rollout).all(without)
}

/// What a removal of the whole that is under way has still to do; none: there is none.
fn under_removal(world: World<'_>, name: &RolloutName) -> Option<Refused> {
    let rollout = world.ledger.rollouts.get(name).filter(|rollout| rollout.state.is_live())?;
    let removal = rollout.removal.as_ref().filter(|removal| removal.wave.is_none())?;
    let begun = plan::rollout::begun(world, rollout);
    let left = begun.filter(|host| !removal.removed.contains(*host) && !rollout.skipped.contains_key(*host));
    let left: Vec<_> = left.map(ToString::to_string).collect();
    let left = if left.is_empty() { "nothing".into() } else { left.join(", ") };
    Some(Refused::Conflict(format!("rollout {name} is being removed already and is {}; left: {left}", rollout.state)))
}

/// Checks that the hotfix is to be removed again.
///
/// # Errors
/// [`Refused`] if there is no such rollout, nothing of it has begun, it is being removed already, nothing of it is left,
/// another live rollout has one of the servers by now, or no reason is given.
pub fn rollout_remove(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    let rollout = known_rollout(world, given)?;
    let reason = needed_reason(reason)?;
    let event = RolloutEvent::Removing { reason: reason.clone(), wave: None };
    follows(world, &rollout, &event, "removed").map_err(|refused| under_removal(world, &rollout).unwrap_or(refused))?;
    let known: Option<&Rollout> = world.ledger.rollouts.get(&rollout);
    if let Some(known) = known {
        if plan::rollout::begun(world, known).next().is_none() {
            return Err(Refused::Conflict(format!(
                "rollout {rollout} has installed nothing: there is nothing to remove"
            )));
        }
        if known.state == RolloutState::Removed && nothing_left(world, known) {
            let what = "is removed again and cannot be removed: each of its hosts shows a version without the hotfix";
            return Err(Refused::Conflict(format!("rollout {rollout} {what}")));
        }
        free(world, &known.spec)?;
    }
    Ok(Request::RolloutRemove { rollout, reason })
}
