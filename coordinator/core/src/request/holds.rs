//! Hold and release. Each person's hold is his own, and ends by itself.

use super::interventions::{host, one_of};
use super::{Refused, known_rollout, needed_reason};
use crate::gate::World;
use crate::ledger::{Held, Hold, Request, Whose};
use crate::names::OperatorName;
use crate::plan::hold;

/// What is to be held or released, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedHeld {
    /// Everything.
    Estate,
    /// A domain.
    Domain(String),
    /// A host.
    Host(String),
    /// A rollout.
    Rollout(String),
}

/// How Sendgate is called where the hold that it has by itself is to be ended.
pub(crate) const SENDGATE: &str = "sendgate";

fn held(world: World<'_>, wanted: &WantedHeld) -> Result<Held, Refused> {
    match wanted {
        WantedHeld::Estate => Ok(Held::Estate),
        WantedHeld::Domain(given) => {
            one_of("domain", given, world.policy.domains.keys(), "configured domains are").map(Held::Domain)
        }
        WantedHeld::Host(given) => host(world, given).map(Held::Host),
        WantedHeld::Rollout(given) => known_rollout(world, given).map(Held::Rollout),
    }
}

/// What is held by this name now, whether or not it is still configured.
fn held_by_name(world: World<'_>, wanted: &WantedHeld) -> Option<Held> {
    let named = match wanted {
        WantedHeld::Estate => Held::Estate,
        WantedHeld::Domain(given) => Held::Domain(given.parse().ok()?),
        WantedHeld::Host(given) => Held::Host(given.parse().ok()?),
        WantedHeld::Rollout(given) => Held::Rollout(given.parse().ok()?),
    };
    world.ledger.holds.is_held(&named).then_some(named)
}

/// What is held, else why it is not.
fn is_held(world: World<'_>, wanted: &WantedHeld) -> Result<Held, Refused> {
    if let Some(held) = held_by_name(world, wanted) {
        return Ok(held);
    }
    let held = held(world, wanted)?;
    let holds: Vec<_> = world.ledger.holds.in_force().keys().map(ToString::to_string).collect();
    let holds = if holds.is_empty() { "nothing is".to_owned() } else { format!("held: {}", holds.join(", ")) };
    Err(Refused::Conflict(format!("{held} is not held; {holds}")))
}

/// Checks a hold. It may be said again, with another reason.
///
/// # Errors
/// [`Refused`] if there is no such thing, or no reason is given.
pub fn hold(world: World<'_>, wanted: &WantedHeld, reason: &str) -> Result<Request, Refused> {
    Ok(Request::Hold { held: held(world, wanted)?, reason: needed_reason(reason)? })
}

/// Checks the end of the asker's own hold; where no person holds it, that of Sendgate itself ends.
///
/// # Errors
/// [`Refused`] if there is no such thing, it is not held, only others hold it, or no reason is given.
pub fn release(world: World<'_>, by: &OperatorName, wanted: &WantedHeld, reason: &str) -> Result<Request, Refused> {
    let held = is_held(world, wanted)?;
    let of = Some(his_own(world, by, &held)?);
    Ok(Request::Release { held, of, reason: needed_reason(reason)? })
}

/// Checks the end of the hold of whoever is named; of nobody else's.
///
/// # Errors
/// [`Refused`] if there is no such thing, it is not held, or not by him, or no reason is given.
pub fn release_of(world: World<'_>, of: &str, wanted: &WantedHeld, reason: &str) -> Result<Request, Refused> {
    let held = is_held(world, wanted)?;
    let whose = named(world, of, &held)
        .ok_or_else(|| Refused::Conflict(format!("{of} does not hold {held}: {}", stands(world, &held, None))))?;
    Ok(Request::Release { held, of: Some(whose), reason: needed_reason(reason)? })
}

/// The hold that a person ends who names none: his own; Sendgate's only where no person has stopped it as well.
pub(super) fn his_own(world: World<'_>, by: &OperatorName, held: &Held) -> Result<Whose, Refused> {
    let holds = &world.ledger.holds;
    if holds.of(held, by).is_some() {
        return Ok(Whose::Person(by.clone()));
    }
    if holds.all_on(held).all(|hold| hold.by.is_none()) {
        return Ok(Whose::Sendgate);
    }
    Err(Refused::Conflict(format!(
        "{by} does not hold {held}, and nobody ends another's hold unawares: {}",
        stands(world, held, None)
    )))
}

fn named(world: World<'_>, of: &str, held: &Held) -> Option<Whose> {
    let holds = &world.ledger.holds;
    let person = of.parse().ok().filter(|by| holds.of(held, by).is_some());
    let own = || of.trim().eq_ignore_ascii_case(SENDGATE) && holds.all_on(held).any(|hold| hold.by.is_none());
    person.map(Whose::Person).or_else(|| own().then_some(Whose::Sendgate))
}

/// Who holds it, since when and why, and how each of these is ended; without the one person who knows.
fn stands(world: World<'_>, held: &Held, but: Option<&OperatorName>) -> String {
    let others = world.ledger.holds.all_on(held).filter(|hold| but.is_none() || hold.by.as_ref() != but);
    others.map(|hold| held_by(world, held, hold)).collect::<Vec<_>>().join("; and ")
}

/// A hold in force, and how it is ended by whomever.
pub(crate) fn held_by(world: World<'_>, held: &Held, hold: &Hold) -> String {
    let what = match held {
        Held::Estate => "estate".to_owned(),
        other => other.to_string(),
    };
    let alone = world.ledger.holds.all_on(held).all(|hold| hold.by.is_none());
    let (by, of) = match &hold.by {
        Some(by) => (by.to_string(), format!(" --of {by}")),
        None if alone => ("Sendgate itself".to_owned(), String::new()),
        None => ("Sendgate itself".to_owned(), format!(" --of {SENDGATE}")),
    };
    let since = hold.at.wall.strftime("%Y-%m-%d %H:%MZ");
    let end = format!("end that with `sendgate release {what}{of} --reason WHY`");
    let end = hold::not_configured(world, held).map_or_else(|| format!(": {end}"), |why| format!("; {why}, and {end}"));
    format!("{held} is held by {by} since {since}: {}{end}", hold.reason)
}

/// Whoever else holds what a person has just held; none: he alone.
#[must_use]
pub fn also_held(world: World<'_>, by: &OperatorName, wanted: &WantedHeld) -> Option<String> {
    let others = stands(world, &held_by_name(world, wanted)?, Some(by));
    (!others.is_empty()).then(|| format!("it is not held by {by} alone: {others}"))
}

/// Whoever still holds what a hold on has just ended; none: nobody.
#[must_use]
pub fn still_held(world: World<'_>, wanted: &WantedHeld) -> Option<String> {
    let held = held_by_name(world, wanted)?;
    Some(format!("it is still held: {}", stands(world, &held, None)))
}
