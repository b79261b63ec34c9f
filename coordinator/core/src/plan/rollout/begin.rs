//! What speaks against beginning on a host now (invariants 1 and 3).

use super::{About, HostProgress, fit, has, phase};
use crate::gate::{self, Reason};
use crate::ledger::{IntentState, Outcome, RolloutState, Skip, Subject};
use crate::names::{ExchangeServerName, HostName};
use crate::plan::{Blocked, disruption, hold};
use crate::window::Opening;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a host that a person left out waits for: nothing.
pub(in crate::plan) fn left_out(skip: &Skip) -> Blocked {
    Blocked::Skipped { by: skip.by.clone(), reason: skip.reason.clone() }
}

/// What is the same for all hosts, or for those of one server: found out once, and only if anybody asks.
#[derive(Default)]
pub(super) struct Shared<'a> {
    gates: BTreeMap<&'a ExchangeServerName, BTreeSet<Reason>>,
    disrupted: OnceCell<BTreeMap<HostName, String>>,
    opening: OnceCell<Option<Opening>>,
}

/// Everything that speaks against it; empty: it may begin.
pub(super) fn speaks_against<'a>(
    about: &About<'a>,
    hosts: &[HostProgress],
    shared: &mut Shared<'a>,
) -> BTreeSet<Blocked> {
    let (world, rollout, host) = (about.world, about.rollout, about.host);
    let removing = rollout.removal.is_some();
    let mut blocked = BTreeSet::new();
    // What is removed enforces less: no cell is asked for it.
    if !removing {
        let reasons = shared.gates.entry(about.server).or_insert_with(|| gate::of_server(world, about.server));
        blocked.extend(reasons.iter().cloned().map(|reason| Blocked::Gate { reason }));
        blocked.extend(unapproved(about));
    }
    if !matches!(rollout.state, RolloutState::Running { .. }) {
        blocked.insert(Blocked::NotRunning { state: rollout.state.to_string() });
    }
    blocked.extend(hold::blocking(world, || phase::over(world, rollout, about)));
    blocked.extend(rollout.skipped.get(host).map(left_out));
    let not_ready = |why: String| Blocked::Host { host: host.clone(), why };
    // A store that does not serve is no reason to leave the hotfix on it.
    let unready = if removing { disruption::unheard(world, host) } else { disruption::unready(world, host) };
    blocked.extend(unready.map(not_ready));
    blocked.extend(wrong_version(about).map(not_ready));
    if !world.policy.hosts.get(host).is_some_and(|agent| world.estate.sessions.contains(agent)) {
        blocked.insert(not_ready("its agent is not connected".to_owned()));
    }
    let down = shared.disrupted.get_or_init(|| disruption::disrupted(world, about.except));
    let room = if removing { disruption::no_room_to_remove } else { disruption::no_room_beside };
    blocked.extend(room(world, host, about.except, down));
    let opening = shared.opening.get_or_init(|| fit::opening(world, rollout));
    blocked.extend(opening.and_then(|opening| fit::closed(about, hosts, opening)));
    blocked.extend(refused_just_now(about));
    blocked
}

fn unapproved(about: &About<'_>) -> Option<Blocked> {
    let spec = &about.rollout.spec;
    let subject = Subject::Rollout { rollout: spec.name.clone() };
    let approval = about.world.ledger.approvals.get(&subject);
    let given = approval.map(|approval| approval.others(&about.rollout.author)).unwrap_or_default();
    let enough = given.len() >= usize::try_from(spec.approvals).unwrap_or(usize::MAX);
    (!enough).then(|| Blocked::Approval {
        needed: spec.approvals,
        given: given.into_iter().cloned().collect(),
        author: about.rollout.author.clone(),
    })
}

/// Why this version of the store must not be changed by this rollout.
fn wrong_version(about: &About<'_>) -> Option<String> {
    let target = about.rollout.spec.package.target;
    let exchange = about.report().and_then(|host| host.exchange.as_ref());
    let removing = about.rollout.removal.is_some();
    match exchange.map(|exchange| &exchange.store) {
        Some(Ok(version)) if removing => {
            (!has(about.world, about.rollout, *version)).then(|| format!("store.exe is {version}: the hotfix is gone"))
        }
        Some(Ok(version)) if has(about.world, about.rollout, *version) => {
            Some(format!("store.exe is {version}: it has the hotfix already"))
        }
        Some(Ok(version)) if (version.major, version.minor) != (target.major, target.minor) => {
            Some(format!("store.exe is {version}: {target} is for another branch"))
        }
        Some(Ok(version)) if *version > target => Some(format!("store.exe is {version}, newer than {target}")),
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(format!("the version of store.exe could not be read: {why}")),
        None => Some("it reports no Exchange role".to_owned()),
    }
}

/// An agent that refused is asked again after its next heartbeat, so that what held it up can pass.
fn refused_just_now(about: &About<'_>) -> Option<Blocked> {
    let world = about.world;
    let (_, last) = about.counted().pop()?;
    let IntentState::Ended { outcome: Outcome::NotStarted { detail }, at } = &last.state else { return None };
    let remaining = (*at + world.policy.freshness.heartbeat).since(world.now.steady);
    let what = format!("the agent refused ({detail}) and is asked again");
    (!remaining.is_zero()).then_some(Blocked::Wait { what, remaining })
}
