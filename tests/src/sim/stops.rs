//! What is stopped, and since when: holds, a rollout that does not run, hosts that are left out, entries that were taken
//! back. Nothing new begins there once the permits that are out have run off (invariant 7).

use super::estate::{DOMAINS, EXCHANGE, name};
use super::judge::PERMIT;
use super::known::{domains_of, served_by};
use super::lives::ROLLOUT;
use super::world::{World, shown};
use sendgate_core::coverage::placement::GrantEntry;
use sendgate_core::ledger::{Effect, Held, RolloutState};
use sendgate_core::names::HostName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What keeps effects from beginning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Held(Held),
    /// The rollout was not started, has stopped or was stopped.
    NotRunning,
    LeftOut(HostName),
    /// An entry of ours that somebody took back.
    Undone(GrantEntry),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(held) => write!(f, "{held} is held"),
            Self::NotRunning => f.write_str("the rollout does not run"),
            Self::LeftOut(host) => write!(f, "{host} is left out"),
            Self::Undone(entry) => write!(f, "the entry on {} is taken back", entry.place),
        }
    }
}

/// Stops in force, with the time since when they are durable: nobody has the answer earlier.
pub(super) type Stops = BTreeMap<Stop, Duration>;

impl World {
    /// Something was written down that may stop something or let it go on.
    pub(super) fn note_stops(&mut self, now: Duration) {
        let holds = self.ledger.holds.in_force().keys().cloned().map(Stop::Held);
        let undone = self.ledger.undone.keys().cloned().map(Stop::Undone);
        let mut present: BTreeSet<Stop> = holds.chain(undone).collect();
        if let Some(rollout) = self.ledger.rollouts.get(&name(ROLLOUT)) {
            if !matches!(rollout.state, RolloutState::Running { .. }) {
                present.insert(Stop::NotRunning);
            }
            present.extend(rollout.skipped.keys().cloned().map(Stop::LeftOut));
        }
        for (stop, since) in self.stops.extract_if(.., |stop, _| !present.contains(stop)) {
            if let Stop::Held(held) = stop {
                self.held.push((held, since, now));
            }
        }
        for stop in present {
            self.stops.entry(stop).or_insert(now);
        }
    }

    /// How much of the time since `from` nothing was held that would stop this effect.
    pub(super) fn unheld(&self, from: Duration, now: Duration, effect: &Effect) -> Duration {
        let over = self.over(effect);
        self.free(from, now, |held| over.iter().any(|stop| matches!(stop, Stop::Held(other) if other == held)))
    }

    /// How much of it nothing of this kind was held.
    pub(super) fn free(&self, from: Duration, now: Duration, stops: impl Fn(&Held) -> bool) -> Duration {
        let past = self.held.iter().map(|(held, since, until)| (held, *since, *until));
        let present = self.stops.iter().filter_map(|(stop, since)| match stop {
            Stop::Held(held) => Some((held, *since, now)),
            _ => None,
        });
        let mut still: Vec<_> = past.chain(present).filter(|(held, ..)| stops(held)).collect();
        still.sort_by_key(|(_, since, _)| *since);
        let (mut free, mut at) = (Duration::ZERO, from);
        for (_, since, until) in still {
            free += since.min(now).saturating_sub(at);
            at = at.max(until.min(now));
        }
        free + now.saturating_sub(at)
    }

    /// Whatever would stop this effect, by what is declared.
    fn over(&self, effect: &Effect) -> Vec<Stop> {
        let mut over = vec![Stop::Held(Held::Estate)];
        over.extend(effect.host().cloned().map(Held::Host).map(Stop::Held));
        let domains: BTreeSet<&str> = match effect {
            // Who wants the hotfix away wants it stopped as easily as its installation.
            Effect::Install { rollout, server, host, .. } | Effect::Remove { rollout, server, host, .. } => {
                over.extend([
                    Stop::Held(Held::Rollout(rollout.clone())),
                    Stop::NotRunning,
                    Stop::LeftOut(host.clone()),
                ]);
                let server = EXCHANGE.iter().find(|(known, _)| server.as_str() == *known);
                server.map(|(server, _)| domains_of(self, &served_by(self, server))).unwrap_or_default()
            }
            Effect::RestartGoodlink { goodlink, .. } | Effect::TestSend { goodlink, .. } => {
                if let Effect::TestSend { rollout, .. } = effect {
                    over.extend([Stop::Held(Held::Rollout(rollout.clone())), Stop::NotRunning]);
                }
                let served = |domain: &&str| self.policy.goodlink[goodlink].domains.contains(&name(domain));
                DOMAINS.into_iter().filter(served).collect()
            }
            Effect::Grant(_) | Effect::Withdraw(_) => {
                if let Effect::Grant(grant) = effect {
                    over.push(Stop::Undone(grant.entry()));
                }
                effect.place().into_iter().map(|(domain, _)| domain.as_str()).collect()
            }
        };
        over.extend(domains.into_iter().map(|domain| Stop::Held(Held::Domain(name(domain)))));
        over
    }

    /// The effect is about to begin, `grace` after that was decided at the latest.
    pub(super) fn may_begin(&mut self, now: Duration, effect: &Effect, grace: Duration, what: &str) {
        let over = self.over(effect);
        let broken = self.stops.iter().filter(|(stop, since)| over.contains(stop) && **since + grace < now);
        let broken: Vec<_> = broken.map(|(stop, since)| format!("{stop} since {}", shown(*since))).collect();
        for why in broken {
            self.violated(now, format!("{effect} {what}, and {why}"));
        }
    }

    /// The same where a permit may be out.
    pub(super) fn may_still_begin(&mut self, now: Duration, effect: &Effect, what: &str) {
        self.may_begin(now, effect, PERMIT, what);
    }
}
