//! Hosts that have failed without having been verified: the hotfix may be there all the same, and then their users have it.

use super::cluster::{self, Store};
use super::phase::{Phase, is_led_by_nobody, lost, since_end};
use super::{About, has, installed};
use crate::estate::HostState;
use crate::ledger::{Class, IntentState, Outcome};
use crate::plan::Blocked;
use crate::time::Steady;
use std::time::Duration;

/// What a host shows that has failed without having been verified: the hotfix may be there all the same.
pub(super) enum AfterFailure {
    /// It has not reported since its install failed: the wave is not over meanwhile.
    NotHeard(Blocked),
    /// The hotfix is there, since then at the latest: its users are to be watched.
    There(Steady),
    /// It has no hotfix, is given up, or failed in another way.
    Nothing,
}

/// What a host shows that has failed without having been verified.
pub(super) fn after(about: &About<'_>) -> AfterFailure {
    let world = about.world;
    let last = about.counted().pop().map(|(_, intent)| &intent.state);
    let Some(IntentState::Ended { outcome, at }) = last else { return AfterFailure::Nothing };
    let failed = match outcome {
        Outcome::Failed { .. } => true,
        // It had its time to show a store that serves; what it shows instead counts.
        Outcome::Succeeded { .. } | Outcome::Unknown { .. } => false,
        Outcome::Withdrawn { .. } | Outcome::NotStarted { .. } => return AfterFailure::Nothing,
    };
    // That a version cannot be read says nothing of it.
    let says = |host: &&HostState| host.reported > *at && (!failed || installed(host).is_some());
    let Some(report) = about.report().filter(says) else {
        // What it had shown before the coordinator was started anew, or before its version could not be read, is known.
        let known = &world.ledger;
        let noted = known.versions_noted.get(about.host).filter(|noted| **noted > *at);
        if let Some(noted) = noted.filter(|_| failed)
            && known.versions.get(about.host).is_some_and(|version| has(world, about.rollout, *version))
        {
            return AfterFailure::There(*noted);
        }
        let unheard = known.started.filter(|_| about.report().is_none());
        let at = &unheard.map_or(*at, |started| started.max(*at));
        // While its agent is refused it cannot show that, and it has all its time once the agent is led.
        let running = if is_led_by_nobody(world, about.host) { Duration::ZERO } else { since_end(about, *at) };
        let remaining = world.policy.act_deadline.saturating_sub(running);
        let what = "its install failed, and whether it left the hotfix behind the host has not shown since".to_owned();
        return match failed && !remaining.is_zero() {
            false => AfterFailure::Nothing,
            true => AfterFailure::NotHeard(Blocked::Wait { what, remaining }),
        };
    };
    if installed(report).is_none_or(|version| !has(world, about.rollout, version)) {
        return AfterFailure::Nothing;
    }
    if failed {
        return AfterFailure::There(world.ledger.versions_noted.get(about.host).map_or(*at, |noted| *noted.max(at)));
    }
    // Until it was called failed it was waited for: nobody sent through a store that does not serve.
    let watched = since_end(about, *at).saturating_sub(world.policy.act_deadline);
    AfterFailure::There(Steady::after_start(world.now.steady.since(Steady::START).saturating_sub(watched)))
}

/// What is worse at a host that has the hotfix than that its installer says that it failed: nothing is heard of it, or its
/// store is down.
pub(super) fn worse(about: &About<'_>) -> Option<Phase> {
    let ended = left_behind(about)?;
    lost(about).or_else(|| match store(about, ended) {
        Store::Down(why) => Some(Phase::Failed { class: Class::Store, why }),
        Store::Fine | Store::Awaited(_) => None,
    })
}

/// What keeps its store from serving for the moment: the wave is not over meanwhile.
pub(super) fn awaited(about: &About<'_>) -> Option<Blocked> {
    match store(about, left_behind(about)?) {
        Store::Awaited(why) => Some(why),
        Store::Fine | Store::Down(_) => None,
    }
}

/// When the install ended that says that it failed and left the hotfix behind all the same.
fn left_behind(about: &About<'_>) -> Option<Steady> {
    if about.rollout.removal.is_some() || !matches!(after(about), AfterFailure::There(_)) {
        return None;
    }
    match about.counted().pop()?.1.state {
        IntentState::Ended { outcome: Outcome::Failed { .. }, at } => Some(at),
        _ => None,
    }
}

/// The store has as long to come up as after an install that went well; once it has served it is down when it does not.
fn store(about: &About<'_>, ended: Steady) -> Store {
    let (limit, waited) = (about.world.policy.act_deadline, since_end(about, ended));
    let has_served = about.world.estate.served.get(about.host).is_some_and(|served| *served > ended);
    match cluster::store(about) {
        Store::Down(why) if !has_served && waited <= limit => {
            let what = format!("{}: {why}, after an install that failed", about.host);
            let remaining = limit.saturating_sub(waited);
            Store::Awaited(Blocked::Wait { what, remaining })
        }
        store => store,
    }
}
