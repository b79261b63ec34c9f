//! Which hosts were changed by us, and which of them their wave watches: those of which a report has shown that they have
//! the hotfix and serve. It is read off programs and reports; whom the planner calls verified is not asked.

use super::estate::{EXCHANGE, name};
use super::heard::HEEDED_WITHIN;
use super::known::CLOCKS_DIFFER;
use super::lives::ROLLOUT;
use super::world::World;
use sendgate_core::ledger::{Effect, IntentState, Outcome, RolloutState};
use sendgate_core::names::HostName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was changed, and has shown it.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Hosts that have ever shown the hotfix, whoever brought it.
    had: BTreeSet<&'static str>,
    /// Hosts of ours, since when a report shows that they have it and serve.
    since: BTreeMap<&'static str, Duration>,
    /// Hosts on which an install has begun by a lost journal only.
    lost: BTreeSet<&'static str>,
    /// When the first report after the takeover showed that they have the hotfix.
    learned: BTreeMap<&'static str, Duration>,
}

impl Watched {
    /// A journal is lost: what hosts have shown they show again.
    pub(super) fn forget(&mut self) {
        self.since.clear();
        self.lost.clear();
        self.learned.clear();
    }

    /// The coordinator dies: what it heard just now may not be written down.
    pub(super) fn not_noted(&mut self, now: Duration) {
        self.since.retain(|_, since| now.saturating_sub(*since) > HEEDED_WITHIN);
    }

    /// A person wants a host tried again.
    pub(super) fn again(&mut self, host: &HostName) {
        self.since.retain(|known, _| *known != host.as_str());
    }

    /// Hosts of ours that have shown it.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &'static str> {
        self.since.keys().copied()
    }

    pub(super) fn shows(&self, host: &str) -> bool {
        self.since.contains_key(host)
    }

    pub(super) fn had(&self, host: &str) -> bool {
        self.had.contains(host)
    }

    /// When the hotfix of a lost journal was shown to the copy.
    pub(super) fn learned(&self, host: &str) -> Option<Duration> {
        self.learned.get(host).copied()
    }

    /// Whether it was, or may have been, changed in a lost journal, shown or not.
    pub(super) fn may_be_changed(&self, host: &str) -> bool {
        self.lost.contains(host)
    }
}

impl World {
    /// An install of a lost journal has begun there.
    pub(super) fn was_changed(&mut self, host: &'static str) {
        // What the copy knows is watched since then.
        if !self.agreed.has_changed(host) {
            self.watched.lost.insert(host);
        }
    }

    /// Whether we changed a host, by the journal or by what a host shows that a lost one changed.
    pub(super) fn is_changed(&self, host: &str) -> bool {
        self.agreed.has_changed(host) || self.watched.learned.contains_key(host)
    }

    /// A report was heard: whether it shows what an install was to bring.
    pub(super) fn notes(&mut self, now: Duration, host: &'static str) {
        let version = self.told_version(host);
        if version != Some(Self::target().to_string().as_str()) {
            // What the lost part brought is gone, and was never shown: whoever brings it now is not of us.
            let runs = self.acts.values().any(|act| act.running() && act.host == host);
            if version.is_some() && !self.lost.waits && !runs && !self.watched.learned.contains_key(host) {
                self.watched.lost.remove(host);
            }
            return;
        }
        self.watched.had.insert(host);
        if self.lost.waits {
            return;
        }
        if self.watched.lost.contains(host) {
            self.watched.learned.entry(host).or_insert(now);
        }
        let serves = !self.may_be_down(host) || self.is_passive(host);
        if serves && self.is_changed(host) && self.is_awaited(now, host) {
            self.watched.since.entry(host).or_insert(now);
        }
    }

    /// Whether a report on it counts: the rollout goes on, and every install there has ended in the journal before, the last
    /// one not badly.
    fn is_awaited(&self, now: Duration, host: &str) -> bool {
        let here: HostName = name(host);
        let rollout = self.ledger.rollouts.get(&name(ROLLOUT));
        let runs = rollout.is_some_and(|rollout| matches!(rollout.state, RolloutState::Running { .. }));
        let mut installs = self.ledger.intents.iter().filter(|(_, intent)| {
            matches!(intent.effect, Effect::Install { .. }) && intent.effect.host() == Some(&here)
        });
        let ended = |id, state: &IntentState| {
            let before = self.outcomes.get(id).is_none_or(|at| *at + CLOCKS_DIFFER < now);
            before && matches!(state, IntentState::Ended { .. })
        };
        let all = installs.clone().all(|(id, intent)| ended(id, &intent.state));
        let badly = installs.next_back().is_some_and(|(id, intent)| {
            let failed = matches!(&intent.state, IntentState::Ended { outcome: Outcome::Failed { .. }, .. });
            failed && !self.waves.is_forgiven(&here, *id)
        });
        runs && !self.waves.is_removing() && all && !badly
    }

    /// Whether a host of this server was changed by us.
    pub(super) fn is_server_changed(&self, server: &str) -> bool {
        let hosts = EXCHANGE.iter().find(|(other, _)| *other == server).map_or(&[][..], |(_, hosts)| *hosts);
        hosts.iter().any(|host| self.is_changed(host))
    }
}
