//! A rollout: how far each host is, what may begin, what trips, when a wave and when all of it ends.
//!
//! 1. [`phase`]: what the journal and the host's own report say of each host, [`cluster`] where several have one store,
//!    [`after_failure`] where the hotfix is there though it failed;
//! 2. [`wave`]: whose turn it is, and how long the wave is still watched;
//! 3. [`begin`]: what speaks against beginning on a host now, windows ([`fit`]) among it;
//! 4. [`tally`]: what has gone wrong, against the thresholds;
//! 5. [`test_send`]: the messages that prove a wave end to end;
//! 6. [`steps`]: what follows from all of it.
//!
//! [`progress`] is the one answer: the plan, the permit and every view ask it.

mod after_failure;
mod baseline;
mod begin;
mod cluster;
mod fit;
mod phase;
mod steps;
mod tally;
mod test_send;
mod wave;

pub use crate::ledger::Class;
pub use fit::{Fit, Need};
pub(crate) use fit::{at_once, batches};
pub use phase::Phase;
pub use tally::{FailedTest, Tally, tallies};
pub(crate) use tally::{gone, gone_hosts};

use super::Blocked;
use crate::enforcement::{Enforcement, StoreVersion};
use crate::estate::HostState;
use crate::gate::World;
use crate::ledger::{Effect, Intent, IntentState, Rollout, Sequence};
use crate::names::{ExchangeServerName, HostName, RolloutName};
use serde::{Deserialize, Serialize};
use std::cell::LazyCell;
use std::collections::BTreeSet;

pub(super) use begin::left_out;
pub(super) use steps::{steps, wake};
pub(super) use test_send::{may_test, not_needed};

/// Times that an agent may refuse the act on a host before a person must look at it.
pub const REFUSALS: usize = 3;

/// One host of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostProgress {
    /// Its wave, from 0.
    pub wave: u32,
    /// The Exchange server.
    pub server: ExchangeServerName,
    /// Its host.
    pub host: HostName,
    /// How far it is.
    pub phase: Phase,
    /// Why it is not moving, if it is waiting or watched; where it is over, why its wave is not.
    pub blocked: BTreeSet<Blocked>,
}

/// Of which hosts the reasons are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Of the wave whose turn it is: nothing else can move.
    Turn,
    /// Of all, for people who want to know what will be in the way.
    All,
}

/// Every host of the rollout in order: of waves, of servers, and on a cluster the passive nodes first. The intent `except`
/// counts as not being there.
#[must_use]
pub fn progress(world: World<'_>, rollout: &Rollout, depth: Depth, except: Option<Sequence>) -> Vec<HostProgress> {
    let mut hosts = Vec::new();
    for (wave, spec) in (0..).zip(&rollout.spec.waves) {
        for server in &spec.servers {
            for host in wave::nodes(world, server) {
                let about = About { world, rollout, wave, server, host: &host, except };
                let phase = phase::phase(&about);
                hosts.push(HostProgress { wave, server: server.clone(), host, phase, blocked: BTreeSet::new() });
            }
        }
    }
    wave::watch(world, rollout, &mut hosts, except);
    let turns: Vec<_> = hosts.iter().map(|host| wave::turn(rollout, &hosts, host)).collect();
    let waiting = wave::current(rollout, &hosts);
    // Between the event and its record nothing begins.
    let asked =
        |host: &HostProgress| host.phase == Phase::Waiting && (depth == Depth::All || waiting == Some(host.wave));
    let tripping = hosts.iter().any(asked).then(|| tally::trip(world, rollout, &hosts, except)).flatten();
    let tripping = tripping.map(|reason| Blocked::Tripping { reason });
    let mut shared = begin::Shared::default();
    // Inconclusive: nothing more begins.
    let unclear = LazyCell::new(|| {
        let goes_on = rollout.removal.is_none() && hosts.iter().any(|host| ours(world, rollout, &host.host));
        if !goes_on {
            return Vec::new();
        }
        let mut unclear = wave::unclear(world, rollout, &hosts);
        unclear.extend(wave::not_serving_yet(world, rollout, &hosts, except));
        unclear
    });
    let mut reasons = Vec::new();
    for (at, turn) in turns.into_iter().enumerate() {
        if hosts[at].phase != Phase::Waiting {
            continue;
        }
        let HostProgress { wave, server, host, .. } = &hosts[at];
        let mut blocked: BTreeSet<Blocked> = turn.into_iter().collect();
        if depth == Depth::All || waiting == Some(*wave) {
            let about = About { world, rollout, wave: *wave, server, host, except };
            blocked.extend(begin::speaks_against(&about, &hosts, &mut shared));
            blocked.extend(unclear.iter().cloned());
            blocked.extend(tripping.clone());
        }
        reasons.push((at, blocked));
    }
    for (at, blocked) in reasons {
        hosts[at].blocked = blocked;
    }
    hosts
}

/// What would stop the rollout by itself as things are, with the numbers; none: nothing.
#[must_use]
pub fn trips(world: World<'_>, rollout: &Rollout) -> Option<String> {
    tally::trip(world, rollout, &progress(world, rollout, Depth::Turn, None), None)
}

/// One host, and what it is looked at with.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    world: World<'a>,
    rollout: &'a Rollout,
    wave: u32,
    server: &'a ExchangeServerName,
    host: &'a HostName,
    except: Option<Sequence>,
}

impl<'a> About<'a> {
    /// What the rollout did there, in the direction in which it goes now.
    fn intents(&self) -> impl Iterator<Item = (Sequence, &'a Intent)> {
        let (rollout, host, except) = (self.rollout, self.host, self.except);
        self.world.ledger.intents.iter().map(|(id, intent)| (*id, intent)).filter(move |(id, intent)| {
            let here = |name: &RolloutName, on: &HostName| *name == rollout.spec.name && on == host;
            let ours = match (&intent.effect, &rollout.removal) {
                (Effect::Install { rollout: name, host: on, .. }, None) => here(name, on),
                // What an earlier removal had done is over: whoever began this one knows of it.
                (Effect::Remove { rollout: name, host: on, .. }, Some(removal)) => {
                    let over = matches!(&intent.state, IntentState::Ended { at, .. } if *at < removal.began);
                    here(name, on) && (*id > removal.since || !over)
                }
                _ => false,
            };
            ours && Some(*id) != except
        })
    }

    /// Those that nobody has forgiven.
    fn counted(&self) -> Vec<(Sequence, &'a Intent)> {
        let forgiven = self.rollout.retried.get(self.host);
        let counts = |(id, intent): &(Sequence, &Intent)| {
            intent.state.is_open() || forgiven.is_none_or(|forgiven| id > forgiven)
        };
        self.intents().filter(counts).collect()
    }

    fn report(&self) -> Option<&'a HostState> {
        self.world.estate.hosts.get(self.host)
    }
}

/// Whether the hotfix may have been installed there by this rollout.
fn began(world: World<'_>, rollout: &Rollout, host: &HostName) -> bool {
    world.ledger.intents.values().any(|intent| match &intent.effect {
        Effect::Install { rollout: name, host: on, .. } => {
            *name == rollout.spec.name && on == host && intent.state.began()
        }
        _ => false,
    })
}

/// Hosts on which the hotfix may have been installed by this rollout.
pub fn begun<'a>(world: World<'a>, rollout: &'a Rollout) -> impl Iterator<Item = &'a HostName> {
    rollout.before.keys().filter(move |host| began(world, rollout, host))
}

/// Whether what a host that has shown the hotfix has is of this rollout: it began there, or the host was found with it when it
/// was seen after a takeover, and so may have been changed in the part of the journal that is lost. What the copy knew
/// already was not, nor what came later, unless this rollout had seen the host with it before.
pub(crate) fn ours(world: World<'_>, rollout: &Rollout, host: &HostName) -> bool {
    let found = world.ledger.found.get(host).copied();
    // Of a host that was left out, or a rollout that stands still, nothing is taken down as seen.
    let shown = || world.ledger.versions.get(host).is_some_and(|version| has(world, rollout, *version));
    began(world, rollout, host) || rollout.has_found(host, found) || found.is_some() && shown()
}

/// Whether a store of this version has what the rollout installs: exactly it, or a later fix of the same branch, which
/// contains the earlier ones.
pub(crate) fn has(world: World<'_>, rollout: &Rollout, version: StoreVersion) -> bool {
    let target = rollout.spec.package.target;
    let judge = |version| world.policy.enforcement.judge(version);
    version == target
        || (version > target
            && judge(&version).enforces == Enforcement::Yes
            && judge(&version).branch == judge(&target).branch)
}

fn installed(host: &HostState) -> Option<StoreVersion> {
    host.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok()).copied()
}
