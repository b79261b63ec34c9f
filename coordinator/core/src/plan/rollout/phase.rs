//! How far a host is: what the journal says was done there, and what the host itself shows since.

use super::cluster::{self, Store};
use super::{About, REFUSALS, after_failure, began, has, installed};
use crate::estate::{ExchangeState, HostState, ServiceState};
use crate::gate::World;
use crate::ledger::{Class, Effect, Held, Intent, IntentState, Outcome, Rollout, Sequence, Skip};
use crate::names::{HostName, OperatorName};
use crate::plan::{disruption, hold};
use crate::time::{Readable, Steady};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How far a host is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub enum Phase {
    /// Nothing has begun.
    Waiting,
    /// The agent has the offer.
    Offered {
        /// Which intent.
        intent: Sequence,
    },
    /// The agent has the permit to install.
    Installing {
        /// Which intent.
        intent: Sequence,
    },
    /// The agent has the permit to remove.
    Removing {
        /// Which intent.
        intent: Sequence,
    },
    /// The program has ended; what the host reports does not show it yet.
    Verifying {
        /// What is missing.
        missing: String,
    },
    /// It shows it; its wave is watched.
    Soaking {
        /// How long still.
        remaining: Duration,
    },
    /// It has the hotfix.
    Done,
    /// The hotfix is gone again.
    Removed,
    /// The removal does not concern it, or it came when its wave was over.
    Kept,
    /// A person left it out.
    Skipped {
        /// Who.
        by: OperatorName,
        /// Why.
        reason: String,
    },
    /// It ended badly, or never ended.
    Failed {
        /// What is counted.
        class: Class,
        /// How.
        why: String,
    },
}

impl Phase {
    /// Whether nothing is to be done there any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Removed | Self::Kept | Self::Skipped { .. } | Self::Failed { .. })
    }

    /// Whether an act is under way, or what came of it is not seen yet.
    #[must_use]
    pub fn in_flight(&self) -> bool {
        matches!(self, Self::Offered { .. } | Self::Installing { .. } | Self::Removing { .. } | Self::Verifying { .. })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::Offered { .. } => f.write_str("offered"),
            Self::Installing { .. } => f.write_str("installing"),
            Self::Removing { .. } => f.write_str("removing"),
            Self::Verifying { missing } => write!(f, "verifying ({missing})"),
            Self::Soaking { remaining } => write!(f, "soaking, {} to go", Readable(*remaining)),
            Self::Done => f.write_str("done"),
            Self::Removed => f.write_str("removed"),
            Self::Kept => f.write_str("not concerned"),
            Self::Skipped { by, reason } => write!(f, "left out by {by}: {reason}"),
            Self::Failed { why, .. } => write!(f, "failed: {why}"),
        }
    }
}

/// The host's phase; how long a soak still lasts is said by [`super::wave::watch`].
pub(super) fn phase(about: &About<'_>) -> Phase {
    match &about.rollout.removal {
        Some(removal) if removal.removed.contains(about.host) => return Phase::Removed,
        Some(removal) if removal.wave.is_some_and(|wave| wave != about.wave) || !touched(about) => return Phase::Kept,
        // Whatever it has shown before, a person may leave it out.
        None if about.rollout.verified.contains_key(about.host) && !about.rollout.skipped.contains_key(about.host) => {
            return verified(about);
        }
        _ => {}
    }
    let intents = about.counted();
    if let Some(Skip { by, reason }) =
        about.rollout.skipped.get(about.host).filter(|_| !intents.iter().any(|(_, intent)| intent.state.is_open()))
    {
        return Phase::Skipped { by: by.clone(), reason: reason.clone() };
    }
    let Some((id, last)) = intents.last() else { return untouched(about) };
    let removing = about.rollout.removal.is_some();
    let (outcome, at) = match &last.state {
        IntentState::Filed => return Phase::Offered { intent: *id },
        IntentState::Permitted { .. } if removing => return Phase::Removing { intent: *id },
        IntentState::Permitted { .. } => return Phase::Installing { intent: *id },
        IntentState::Ended { outcome, at } => (outcome, *at),
    };
    let (class, act) = if removing { (Class::Removal, "removal") } else { (Class::Install, "install") };
    match outcome {
        Outcome::Failed { detail } => after_failure::worse(about)
            .unwrap_or_else(|| Phase::Failed { class, why: format!("the {act} failed: {detail}") }),
        Outcome::Withdrawn { .. } => untouched(about),
        Outcome::NotStarted { detail } => {
            let refused = |intent: &Intent| {
                matches!(intent.state, IntentState::Ended { outcome: Outcome::NotStarted { .. }, .. })
            };
            let refusals = intents.iter().filter(|(_, intent)| refused(intent)).count();
            if refusals >= REFUSALS {
                Phase::Failed { class, why: format!("the agent refused {refusals} times: {detail}") }
            } else {
                untouched(about)
            }
        }
        Outcome::Succeeded { .. } | Outcome::Unknown { .. } => shown(about, outcome, at),
    }
}

/// Whether a removal has anything to do there: this rollout may have brought the hotfix.
fn touched(about: &About<'_>) -> bool {
    began(about.world, about.rollout, about.host)
}

/// Nothing is under way, and nothing that counts was done.
fn untouched(about: &About<'_>) -> Phase {
    let (world, rollout) = (about.world, about.rollout);
    // What is installing when a removal begins is awaited first, and no other node of its server is touched meanwhile.
    let open = installs(about).find(|(_, state)| state.is_open()).filter(|_| rollout.removal.is_some());
    if let Some((intent, state)) = open {
        let filed = matches!(state, IntentState::Filed);
        return if filed { Phase::Offered { intent } } else { Phase::Installing { intent } };
    }
    let there = about.report().and_then(installed).map(|version| has(world, rollout, version));
    match (there, &rollout.removal) {
        // Of a wave that is over nothing is asked any more.
        (Some(true), None) if about.wave < rollout.waves_done || says_now(about) => return Phase::Done,
        (Some(false), Some(_)) if installs_are_over(about) && says_now(about) => return Phase::Removed,
        (Some(false), Some(_)) => {
            if let Some(lost) = lost_act(about, "install", installs(about)) {
                return lost;
            }
        }
        // An earlier removal, which this one does not count: nothing begins there before somebody has looked.
        (Some(true), Some(_)) if disruption::in_doubt(world, &rollout.spec.name, about.host) => {
            if let Some(lost) = lost_act(about, "removal", removals(about)) {
                return lost;
            }
        }
        // What comes back after its wave does not begin any more, and counts as what it was when the wave went on. What its
        // server has got since was not of it.
        _ if rollout.removal.is_none() && about.wave < rollout.waves_done => {
            return match rollout.failed.contains_key(about.host) {
                true => Phase::Failed { class: Class::Unreachable, why: "its wave was over without it".to_owned() },
                false => Phase::Kept,
            };
        }
        _ => {}
    }
    let turn = about.wave == rollout.waves_done || rollout.removal.is_some();
    lost(about).filter(|_| turn).unwrap_or(Phase::Waiting)
}

/// Nothing was heard of it for longer than an act may take. That deadline does not go on while it is held (invariant 7): a
/// person may have taken it down; and it begins anew once the last agent that was refused is led.
pub(super) fn lost(about: &About<'_>) -> Option<Phase> {
    let world = about.world;
    if is_led_by_nobody(world, about.host) {
        return None;
    }
    let silent = silence(world, about.host)?;
    let last = led_since(world).max(last_heard(world, about.host))?;
    let running = hold::running(world, last, || over(world, about.rollout, about));
    (running > world.policy.act_deadline).then(|| Phase::Failed {
        class: Class::Unreachable,
        why: format!("nothing was heard of it for {}", Readable(silent)),
    })
}

/// When the host was heard last; where it was not, since when it could have been. A takeover forgets what was said before.
fn last_heard(world: World<'_>, host: &HostName) -> Option<Steady> {
    let reported = world.estate.hosts.get(host).map(|state| state.reported);
    reported.or_else(|| world.ledger.started.max(world.ledger.lineage.taken_over_at()))
}

/// Since when every agent that came was led: what one that was refused had to say before could not be heard.
pub(super) fn led_since(world: World<'_>) -> Option<Steady> {
    world.estate.stranger_left.max(world.ledger.lineage.taken_over_at())
}

/// Whether its agent came and was refused: nothing begins anywhere then, and a person decides who goes on.
pub(super) fn is_led_by_nobody(world: World<'_>, host: &HostName) -> bool {
    world.policy.hosts.get(host).is_some_and(|agent| world.estate.strangers.contains_key(agent))
}

/// Whether what the host reported last is what it shows now: it is heard of, and nothing that began there has ended since.
fn says_now(about: &About<'_>) -> bool {
    let (world, host) = (about.world, about.host);
    let reported = world.estate.hosts.get(host).map(|state| state.reported);
    let ended_before = |intent: &Intent| match &intent.state {
        IntentState::Ended { at, .. } => reported.is_some_and(|reported| reported > *at),
        IntentState::Filed | IntentState::Permitted { .. } => true,
    };
    let mut here = world.ledger.intents.values().filter(|intent| intent.effect.host() == Some(host));
    disruption::unheard(world, host).is_none() && here.all(|intent| !intent.state.began() || ended_before(intent))
}

/// Installs of this rollout there, whichever way it goes now.
fn installs<'a>(about: &About<'a>) -> impl Iterator<Item = (Sequence, &'a IntentState)> {
    acts(about, |effect| matches!(effect, Effect::Install { .. }))
}

/// Removals of this rollout there, earlier ones among them.
fn removals<'a>(about: &About<'a>) -> impl Iterator<Item = (Sequence, &'a IntentState)> {
    acts(about, |effect| matches!(effect, Effect::Remove { .. }))
}

fn acts<'a>(about: &About<'a>, kind: fn(&Effect) -> bool) -> impl Iterator<Item = (Sequence, &'a IntentState)> {
    let (name, on) = (&about.rollout.spec.name, about.host);
    let intents = about.world.ledger.intents.iter().map(|(id, intent)| (*id, intent));
    let here = move |effect: &Effect| effect.rollout() == Some(name) && effect.host() == Some(on) && kind(effect);
    intents.filter(move |(_, intent)| here(&intent.effect)).map(|(id, intent)| (id, &intent.state))
}

/// Whether every install of this rollout there has ended. One whose end is unknown has once a person has looked.
fn installs_are_over(about: &About<'_>) -> bool {
    let looked = about.rollout.retried.get(about.host);
    installs(about).all(|(id, state)| match state {
        IntentState::Ended { outcome: Outcome::Unknown { .. }, .. } => looked.is_some_and(|looked| *looked > id),
        state => !state.is_open(),
    })
}

/// An act of which nobody knows how it ended, for longer than one may take: what is done there, a person must say.
fn lost_act<'a>(
    about: &About<'_>,
    what: &str,
    mut acts: impl Iterator<Item = (Sequence, &'a IntentState)>,
) -> Option<Phase> {
    let world = about.world;
    let looked = about.rollout.retried.get(about.host);
    let over = || over(world, about.rollout, about);
    let lost = acts.find(|(id, state)| match state {
        IntentState::Ended { outcome: Outcome::Unknown { .. }, at } => {
            looked.is_none_or(|looked| looked < id) && hold::running(world, *at, over) > world.policy.act_deadline
        }
        _ => false,
    });
    lost.map(|(id, _)| Phase::Failed { class: Class::Removal, why: format!("how {what} {id} ended is unknown") })
}

/// How long nothing has been heard of the host; none where that is not too long.
pub(super) fn silence(world: World<'_>, host: &HostName) -> Option<Duration> {
    let silent = world.now.steady.since(last_heard(world, host)?);
    (silent > world.policy.freshness.silent_after).then_some(silent)
}

/// It has shown the hotfix before: it is watched until its wave is over.
fn verified(about: &About<'_>) -> Phase {
    let (world, rollout) = (about.world, about.rollout);
    if about.wave < rollout.waves_done {
        return Phase::Done;
    }
    if let Some(lost) = lost(about).filter(|_| super::ours(world, rollout, about.host)) {
        return lost;
    }
    // It was there, and somebody took it away: a person decides whether it is tried again.
    if let Some(version) = about.report().and_then(installed).filter(|version| !has(world, rollout, *version)) {
        let why = format!("store.exe is {version} again, {} is expected", rollout.spec.package.target);
        return Phase::Failed { class: Class::Install, why };
    }
    // Somebody else brought it here.
    if !super::ours(world, rollout, about.host) {
        return Phase::Done;
    }
    match cluster::store(about) {
        Store::Down(why) => Phase::Failed { class: Class::Store, why },
        Store::Fine | Store::Awaited(_) => Phase::Soaking { remaining: Duration::ZERO },
    }
}

/// What the host itself shows after the program has ended.
fn shown(about: &About<'_>, outcome: &Outcome, at: Steady) -> Phase {
    let world = about.world;
    if is_led_by_nobody(world, about.host) {
        return Phase::Verifying { missing: "its agent is not led by this coordinator".to_owned() };
    }
    let (running, silent) = (since_end(about, at), silence(world, about.host));
    if about.report().is_none() && silent.is_none() {
        return Phase::Verifying { missing: "it has not reported since the coordinator started".to_owned() };
    }
    // What it has said since counts, whether or not it is silent by now.
    let short = about.report().filter(|host| host.reported > at).map(|host| shortfall(about, host));
    // With the hotfix there, or gone as wanted, silence is worse than a store that had not come up.
    if matches!(short, Some(None | Some((Class::Store, _))))
        && let Some(lost) = lost(about)
    {
        return lost;
    }
    let (class, missing) = match (short, silent) {
        (None, _) => (Class::Unreachable, "no report since".to_owned()),
        (Some(Some(short)), _) => short,
        // Whether that is still so only a fresh report says.
        (Some(None), Some(silent)) => {
            return Phase::Verifying { missing: format!("it has been silent for {}", Readable(silent)) };
        }
        // Not in the journal yet: the next step writes it down.
        (Some(None), None) if about.rollout.removal.is_some() => return Phase::Removed,
        (Some(None), None) => return Phase::Soaking { remaining: Duration::ZERO },
    };
    // A passive node's store is not to run.
    if let Some(why) = cluster::not_to_be_heard(about).filter(|_| class == Class::Store) {
        return Phase::Verifying { missing: format!("{missing}, and {why}") };
    }
    if running > world.policy.act_deadline {
        let why = format!("{outcome}; after {}: {missing}", Readable(world.policy.act_deadline));
        Phase::Failed { class, why }
    } else {
        Phase::Verifying { missing }
    }
}

/// How long the host has had to show what its act brought about: that deadline does not go on while it is held (invariant 7),
/// and begins anew with a takeover, which forgets reports, and once the last agent that was refused is led.
pub(super) fn since_end(about: &About<'_>, end: Steady) -> Duration {
    let world = about.world;
    let since = led_since(world).map_or(end, |anew| anew.max(end));
    hold::running(world, since, || over(world, about.rollout, about))
}

/// Whatever a hold on would stop the work on this host.
pub(super) fn over(world: World<'_>, rollout: &Rollout, about: &About<'_>) -> Vec<Held> {
    hold::over_install(world, &rollout.spec.name, about.server, about.host)
}

fn shortfall(about: &About<'_>, host: &HostState) -> Option<(Class, String)> {
    let (world, rollout) = (about.world, about.rollout);
    let removing = rollout.removal.is_some();
    let class = if removing { Class::Removal } else { Class::Install };
    let Some(exchange) = &host.exchange else { return Some((class, "it reports no Exchange role".to_owned())) };
    match &exchange.store {
        Err(why) => return Some((class, format!("the version of store.exe could not be read: {why}"))),
        Ok(version) if removing && has(world, rollout, *version) => {
            let before = rollout.before.get(about.host);
            let expected = before.map_or_else(|| "an older one".to_owned(), ToString::to_string);
            return Some((class, format!("store.exe is still {version}, {expected} is expected")));
        }
        Ok(version) if !removing && !has(world, rollout, *version) => {
            return Some((class, format!("store.exe is {version}, {} is expected", rollout.spec.package.target)));
        }
        Ok(_) => {}
    }
    not_serving(about, exchange).map(|why| (Class::Store, why))
}

/// Why the store does not serve; a passive node of a cluster need not.
pub(super) fn not_serving(about: &About<'_>, exchange: &ExchangeState) -> Option<String> {
    if disruption::is_passive(about.world, about.host) {
        return None;
    }
    match &exchange.service {
        Ok(service) if service.state == ServiceState::Running => {}
        Ok(service) => return Some(format!("the store service is {}", service.state)),
        Err(why) => return Some(format!("the store service could not be asked: {why}")),
    }
    match &exchange.mounted {
        Ok(true) => None,
        Ok(false) => Some("the store is not mounted".to_owned()),
        Err(why) => Some(format!("whether the store is mounted could not be asked: {why}")),
    }
}
