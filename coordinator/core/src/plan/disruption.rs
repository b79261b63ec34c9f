//! Which hosts are disrupted now (invariant 3): a change is under way, its outcome is unknown, the host is silent, or
//! what it is for does not run.

use crate::estate::{HostState, ServiceState};
use crate::gate::World;
use crate::ledger::{Effect, IntentState, Outcome, Sequence};
use crate::names::HostName;
use crate::time::Readable;
use std::collections::BTreeMap;

/// Disrupted hosts with the reason; the intent `except` does not count.
#[must_use]
pub fn disrupted(world: World<'_>, except: Option<Sequence>) -> BTreeMap<HostName, String> {
    let mut hosts = BTreeMap::new();
    for host in world.policy.hosts.keys() {
        if let Some(why) = unready(world, host) {
            hosts.insert(host.clone(), why);
        }
    }
    for (id, intent) in world.ledger.intents.iter().filter(|(id, _)| Some(**id) != except) {
        let Some(host) = intent.effect.host() else { continue };
        match &intent.state {
            IntentState::Filed | IntentState::Permitted { .. } => {
                hosts.insert(host.clone(), format!("{} (intent {id}) is under way", intent.effect));
            }
            IntentState::Ended { outcome: Outcome::Unknown { .. }, .. } if !established(world, *id) => {
                hosts.insert(host.clone(), format!("how intent {id} ended is unknown"));
            }
            IntentState::Ended { .. } => {}
        }
    }
    hosts
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
                let target = world.ledger.rollouts.get(rollout).map(|rollout| rollout.spec.target);
                let version = host.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok());
                target.is_some() && version == target.as_ref()
            }
            // The service runs again (or unready() says that it does not): whether it was restarted matters no more.
            (Effect::RestartGoodlink { .. }, Some(host)) => host.goodlink.is_some(),
            _ => false,
        }
}
