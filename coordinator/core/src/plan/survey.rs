//! When a domain is to be looked at again.

use super::{Plan, Step};
use crate::gate::World;
use crate::ledger::{Effect, IntentState, PairState};
use crate::names::{DirectoryName, DomainName};
use crate::time::Steady;
use std::collections::BTreeSet;

/// The names to ask a domain for: every user of every GoodLink server that serves it.
#[must_use]
pub fn names(world: World<'_>, domain: &DomainName) -> BTreeSet<DirectoryName> {
    let rosters = world.policy.goodlink_in(domain).filter_map(|(name, _)| world.estate.rosters.get(name));
    rosters.flat_map(|roster| roster.users.values().cloned()).collect()
}

/// When the next survey of the domain is due; none while there is nobody to ask for.
#[must_use]
pub fn due(world: World<'_>, domain: &DomainName) -> Option<Steady> {
    let names = names(world, domain);
    if names.is_empty() {
        return None;
    }
    let Some(picture) = world.estate.domains.get(domain) else { return Some(Steady::START) };
    let seen = picture.started;
    if names.iter().any(|name| !picture.users.contains_key(name)) {
        return Some(seen);
    }
    let regular = seen + world.policy.freshness.survey_interval;
    let granted = world.ledger.intents.values().filter_map(|intent| match (&intent.effect, &intent.state) {
        (Effect::Grant(grant), IntentState::Ended { at, .. }) if grant.domain == *domain && *at >= seen => Some(*at),
        _ => None,
    });
    let looks = world.ledger.pairs.iter().filter_map(|(pair, state)| match state {
        PairState::Landed { at } if pair.account.domain == *domain => Some(*at + world.policy.waits.second_look),
        _ => None,
    });
    granted.chain(looks.filter(|look| *look > seen)).chain([regular]).min()
}

pub(super) fn plan(world: World<'_>, plan: &mut Plan) {
    for domain in world.policy.domains.keys() {
        if due(world, domain).is_some_and(|at| at <= world.now.steady) {
            plan.steps.push(Step::Survey(domain.clone()));
        }
    }
}
