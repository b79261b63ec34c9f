//! Which entries to add now. Grants are planned from a survey; whatever was written after that survey began is judged
//! by the next one first.

use super::{Blocked, Plan, Step};
use crate::coverage::placement::{GrantEntry, PlannedGrant};
use crate::gate::World;
use crate::ledger::{Effect, Intent, IntentState, Outcome};
use crate::names::DomainName;
use crate::policy::GrantMode;
use std::collections::BTreeSet;
use std::time::Duration;

/// Attempts at one entry before a person must look at it.
pub const ATTEMPTS: usize = 3;

/// After so many attempts the next one waits this long: the cause may have been mended.
pub const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

pub(super) fn plan(world: World<'_>, plan: &mut Plan) {
    for (domain, policy) in &world.policy.domains {
        let Some(picture) = world.estate.domains.get(domain) else { continue };
        if world.now.steady.since(picture.started) > world.policy.freshness.evidence_age {
            continue;
        }
        let blocked = plan.grants.entry(domain.clone()).or_default();
        for ((user, _), why) in &picture.not_grantable {
            blocked.insert(Blocked::NoHelp { why: format!("{user}: {why}") });
        }
        let mut places = BTreeSet::new();
        for grant in &picture.grants {
            if let Some(why) = not_now(world, domain, grant, picture.started) {
                blocked.insert(why);
            } else if policy.grants == GrantMode::Advise {
                let setting =
                    format!("grants.mode is advise: {} is left to the directory team", Effect::Grant(grant.clone()));
                blocked.insert(Blocked::Policy { setting });
            } else if places.insert(grant.place.clone()) {
                plan.steps.push(Step::Act(Effect::Grant(grant.clone())));
            }
        }
        if blocked.is_empty() {
            plan.grants.remove(domain);
        }
    }
}

fn of_domain<'a>(world: World<'a>, domain: &'a DomainName) -> impl Iterator<Item = (&'a PlannedGrant, &'a Intent)> {
    world.ledger.intents.values().filter_map(move |intent| match &intent.effect {
        Effect::Grant(grant) if grant.domain == *domain => Some((grant, intent)),
        _ => None,
    })
}

fn not_now(world: World<'_>, domain: &DomainName, grant: &PlannedGrant, seen: crate::time::Steady) -> Option<Blocked> {
    let entry: GrantEntry = grant.entry();
    let mut failures = Vec::new();
    for (other, intent) in of_domain(world, domain) {
        match &intent.state {
            // One write at a time on a place: the entries expected there would not be those any more.
            IntentState::Filed | IntentState::Permitted { .. } if other.place == grant.place => {
                return Some(Blocked::NoHelp { why: format!("{} is under way", intent.effect) });
            }
            IntentState::Ended { at, .. } if other.place == grant.place && *at >= seen => {
                return Some(Blocked::NoHelp {
                    why: format!("the next survey will show what came of: {}", intent.effect),
                });
            }
            IntentState::Ended { outcome: Outcome::Failed { detail } | Outcome::Unknown { detail }, at }
                if other.entry() == entry =>
            {
                failures.push((detail, *at));
            }
            _ => {}
        }
    }
    let (last, at) = failures.last()?;
    let resting = failures.len() >= ATTEMPTS && world.now.steady < *at + RETRY_AFTER;
    resting.then(|| Blocked::Tried {
        what: format!("{} failed {} times: {last}", Effect::Grant(grant.clone()), failures.len()),
    })
}
