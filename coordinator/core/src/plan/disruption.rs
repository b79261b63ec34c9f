//! Which hosts are disrupted now (invariant 3): a change is under way, its outcome is unknown, the host is silent, or
//! what it is for does not run.

use super::Blocked;
use crate::estate::{HostState, ServiceState};
use crate::gate::World;
use crate::ledger::{Effect, IntentState, Outcome, RolloutState, Sequence};
use crate::mutation::{self, Mutation};
use crate::names::HostName;
use crate::time::Readable;
use std::collections::{BTreeMap, BTreeSet};

/// Disrupted hosts with the reason; the intent `except` does not count.
#[must_use]
pub fn disrupted(world: World<'_>, except: Option<Sequence>) -> BTreeMap<HostName, String> {
    let hosts = world.policy.hosts.keys();
    hosts.filter_map(|host| Some((host.clone(), busy(world, host, except).or_else(|| unready(world, host))?))).collect()
}

/// What is or may still be going on at a host.
fn busy(world: World<'_>, host: &HostName, except: Option<Sequence>) -> Option<String> {
    let here =
        world.ledger.intents.iter().filter(|(id, intent)| intent.effect.host() == Some(host) && Some(**id) != except);
    here.into_iter().find_map(|(id, intent)| match &intent.state {
        IntentState::Filed | IntentState::Permitted { .. } => {
            Some(format!("{} (intent {id}) is under way", intent.effect))
        }
        IntentState::Ended { outcome: Outcome::Unknown { .. }, .. } if !established(world, *id) => {
            Some(format!("how intent {id} ended is unknown"))
        }
        IntentState::Ended { .. } => None,
    })
}

/// What speaks against disrupting this host now: something is going on there, or enough others are disrupted (invariant 3).
#[must_use]
pub fn no_room(world: World<'_>, host: &HostName, except: Option<Sequence>) -> BTreeSet<Blocked> {
    let mut blocked = BTreeSet::new();
    if let Some(why) = busy(world, host, except) {
        blocked.insert(Blocked::Host { host: host.clone(), why });
    }
    let mut hosts = disrupted(world, except);
    hosts.remove(host);
    let limit = world.policy.disruption.get();
    if hosts.len() >= usize::try_from(limit).unwrap_or(usize::MAX) && !mutation::is(Mutation::NoLimit) {
        blocked.insert(Blocked::Disruption { limit, hosts });
    }
    blocked
}

/// Why nothing must be done to this host: it is silent, or what it is for does not run.
#[must_use]
pub fn unready(world: World<'_>, host: &HostName) -> Option<String> {
    let Some(state) = world.estate.hosts.get(host) else {
        return Some("it has not reported since the coordinator started".to_owned());
    };
    let silent = world.now.steady.since(state.reported);
    if silent > world.policy.freshness.silent_after {
        return Some(format!("it has been silent for {}", Readable(silent)));
    }
    if world.policy.exchange_of(host).is_some() && state.exchange.is_none() {
        return Some("it reports no Exchange role".to_owned());
    }
    if world.policy.goodlink_of(host).is_some() && state.goodlink.is_none() {
        return Some("it reports no GoodLink role".to_owned());
    }
    not_serving(state)
}

fn not_serving(host: &HostState) -> Option<String> {
    if let Some(exchange) = &host.exchange {
        match &exchange.service {
            Err(why) => return Some(format!("the store service could not be asked: {why}")),
            Ok(service) if service.state != ServiceState::Running => {
                return Some(format!("the store service is {}", service.state));
            }
            Ok(_) => {}
        }
        match &exchange.mounted {
            Err(why) => return Some(format!("whether the store is mounted could not be asked: {why}")),
            Ok(false) => return Some("the store is not mounted".to_owned()),
            Ok(true) => {}
        }
    }
    if let Some(goodlink) = &host.goodlink {
        match &goodlink.service {
            Err(why) => return Some(format!("the GoodLink service could not be asked: {why}")),
            Ok(service) if service.state != ServiceState::Running => {
                return Some(format!("the GoodLink service is {}", service.state));
            }
            Ok(_) => {}
        }
    }
    None
}

/// Whether a later intent for the same host ended well, or the host shows what the effect was to bring about.
fn established(world: World<'_>, id: Sequence) -> bool {
    let Some(intent) = world.ledger.intents.get(&id) else { return false };
    let IntentState::Ended { at, .. } = intent.state else { return false };
    let later = world.ledger.intents.range(id.next()..).any(|(_, other)| {
        other.effect.host() == intent.effect.host()
            && matches!(other.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. })
    });
    let host = intent.effect.host().and_then(|host| world.estate.hosts.get(host)).filter(|host| host.reported > at);
    later
        || match (&intent.effect, host) {
            (Effect::Install { rollout, .. }, Some(host)) => {
                let rollout = world.ledger.rollouts.get(rollout);
                let version = host.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok());
                // A person who aborted the rollout, or wants the host tried again, has looked; its own answer is then enough.
                let looked = rollout.is_some_and(|rollout| {
                    matches!(rollout.state, RolloutState::Aborted { .. })
                        || intent
                            .effect
                            .host()
                            .and_then(|host| rollout.retried.get(host))
                            .is_some_and(|asked| *asked > id)
                });
                version.is_some_and(|version| {
                    looked || rollout.is_some_and(|rollout| super::rollout::has(world, rollout, *version))
                })
            }
            // The service runs again (or unready() says that it does not): whether it was restarted matters no more.
            (Effect::RestartGoodlink { .. }, Some(host)) => host.goodlink.is_some(),
            _ => false,
        }
}
