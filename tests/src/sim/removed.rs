//! What a removal leaves behind: the hotfix goes off the hosts of the waves concerned, the last wave first, off no others, and
//! what stays is named. Which waves that are is read off the programs that began and off what people asked for.

use super::estate::{EXCHANGE, name};
use super::judge::REPORT_KNOWN_AFTER;
use super::known::CLOCKS_DIFFER;
use super::lives::ROLLOUT;
use super::world::{World, shown};
use sendgate_core::ledger::{
    Effect, Entry, Intent, IntentState, Milestone, Request, Rollout, RolloutEvent, RolloutState, Sequence,
};
use sendgate_core::names::HostName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A removal that the file asks for follows its trip by then.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(60);

/// The removal that goes on.
#[derive(Debug, Default)]
pub(super) struct Removals {
    /// The record that began it, and the one wave that it concerns; none: every wave.
    began: Option<(Sequence, Option<u32>)>,
    /// Hosts that have reported, later than every act there, that they do not have the hotfix, and when.
    gone: BTreeMap<&'static str, Duration>,
    /// When the rollout last stopped by itself.
    tripped: Option<Duration>,
}

fn exchange_hosts() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXCHANGE.iter().flat_map(|(server, hosts)| hosts.iter().map(move |host| (*server, *host)))
}

impl World {
    /// An entry is durable, and the ledger has it.
    pub(super) fn removes(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        match entry {
            Entry::Request { request: Request::RolloutRemove { .. }, .. } => {
                self.removals = Removals { began: Some((sequence, None)), ..Removals::default() };
                // What was reported before counts, and a coordinator that ends now forgets it.
                self.sees_gone(now);
            }
            Entry::Milestone(Milestone::Rollout { event: RolloutEvent::Removing { wave, .. }, .. }) => {
                self.follows_a_trip(now, *wave);
                self.removals = Removals { began: Some((sequence, *wave)), ..Removals::default() };
                self.sees_gone(now);
            }
            Entry::Milestone(Milestone::Rollout { event: RolloutEvent::Tripped { .. }, .. }) => {
                self.removals.tripped = Some(now);
            }
            Entry::Milestone(Milestone::Rollout { event: RolloutEvent::Finished, .. }) => self.leaves_behind(now),
            Entry::Intent { effect: effect @ Effect::Remove { host, .. } } => {
                self.sees_gone(now);
                for why in self.not_its_turn(now, sequence, host) {
                    self.violated(now, format!("{effect} is intended (intent {sequence}), and {why}"));
                }
            }
            _ => {}
        }
    }

    /// The journal is a copy: what it has of a removal is known by what it says.
    pub(super) fn removes_again(&mut self) {
        let removal = self.rollout().and_then(|rollout| rollout.removal.as_ref());
        let began = removal.map(|removal| (removal.since, removal.wave));
        self.removals = Removals { began, ..Removals::default() };
    }

    fn rollout(&self) -> Option<&Rollout> {
        self.ledger.rollouts.get(&name(ROLLOUT))
    }

    /// The last wave in which an install has begun, by the present journal, and whether a host of it is not left out.
    fn last_begun(&self) -> Option<(u32, bool)> {
        let begun = exchange_hosts().filter(|(_, host)| self.has_been_begun(host));
        let waves: Vec<(u32, bool)> = begun
            .map(|(server, host)| {
                let kept = self.rollout().is_some_and(|rollout| !rollout.skipped.contains_key(&name::<HostName>(host)));
                (self.agreed.terms.wave_of(server), kept)
            })
            .collect();
        let last = waves.iter().map(|(wave, _)| *wave).max()?;
        Some((last, waves.contains(&(last, true))))
    }

    fn has_been_begun(&self, host: &str) -> bool {
        let here = |effect: &Effect| matches!(effect, Effect::Install { host: on, .. } if on.as_str() == host);
        self.ledger.intents.values().any(|intent| here(&intent.effect) && intent.state.began())
    }

    fn follows_a_trip(&mut self, now: Duration, wave: Option<u32>) {
        let last = self.last_begun();
        let wanted = last.filter(|(_, kept)| *kept).map(|(wave, _)| wave);
        if !self.agreed.terms.removes() {
            self.violated(now, "the hotfix is to be removed again, and nobody has asked for that".to_owned());
        } else if wanted.is_none() || wave != wanted {
            self.violated(
                now,
                format!("the hotfix is to be removed from wave {wave:?}, and the last begun is {last:?}"),
            );
        }
    }

    /// Acts of a removal on a host, by their intents.
    fn removals_on<'a>(&'a self, host: &'a str) -> impl Iterator<Item = (Sequence, &'a Intent)> {
        let since = self.removals.began.map_or(Sequence::FIRST, |(since, _)| since);
        let here = move |effect: &Effect| matches!(effect, Effect::Remove { host: on, .. } if on.as_str() == host);
        let acts = self.ledger.intents.range(since..).map(|(id, intent)| (*id, intent));
        acts.filter(move |(_, intent)| here(&intent.effect) && (intent.state.began() || intent.state.is_open()))
    }

    /// Why the hotfix is not to be taken off this host now.
    fn not_its_turn(&self, now: Duration, id: Sequence, host: &HostName) -> Vec<String> {
        let Some((_, only)) = self.removals.began else { return vec!["nobody has asked for that".to_owned()] };
        let Some((server, here)) = exchange_hosts().find(|(_, known)| host.as_str() == *known) else {
            return vec!["there is no such host".to_owned()];
        };
        let (wave, mut wrong) = (self.agreed.terms.wave_of(server), Vec::new());
        if let Some(only) = only.filter(|only| *only != wave) {
            wrong.push(format!("{host} is in wave {wave}, and it is to be removed from wave {only} alone"));
        }
        if !self.has_been_begun(here) {
            wrong.push(format!("no install has begun on {host}"));
        }
        if let Some(at) = self.removals.gone.get(here).filter(|_| self.told_version(here) != Some(target().as_str())) {
            wrong.push(format!("{host} has reported at {} that it does not have it", shown(*at)));
        }
        let earlier = self.removals_on(here).filter(|(earlier, _)| *earlier < id).last();
        if let Some((earlier, intent)) = earlier.filter(|(earlier, _)| !self.waves.is_forgiven(host, *earlier)) {
            wrong.push(format!("intent {earlier} has ({:?}), and nobody wanted it tried again", intent.state));
        }
        for (server, other) in exchange_hosts() {
            let later = self.agreed.terms.wave_of(server) > wave && only.is_none();
            let stays = later && self.has_been_begun(other) && !self.removals.gone.contains_key(other);
            let left = self.rollout().is_some_and(|rollout| rollout.skipped.contains_key(&name::<HostName>(other)));
            if stays && !left && !self.is_passed_over(now, other) {
                let wave = self.agreed.terms.wave_of(server);
                wrong.push(format!("{other} of wave {wave} has not reported that it is gone there"));
            }
        }
        wrong
    }

    /// Of whom nothing is heard, and with whom nothing was tried, keeps no other host from losing the hotfix.
    fn is_passed_over(&self, now: Duration, host: &str) -> bool {
        let since = self.heard_at(host).map_or(self.alive, |at| at.max(self.alive));
        now.saturating_sub(since) + CLOCKS_DIFFER >= self.policy.act_deadline && self.removals_on(host).next().is_none()
    }

    /// Which hosts show that the hotfix is gone: a report may come to count once a person has looked at what was unknown.
    pub(super) fn sees_gone(&mut self, now: Duration) {
        if self.removals.began.is_none() {
            return;
        }
        for (_, host) in exchange_hosts() {
            let here: HostName = name(host);
            let acts = || {
                let acts = self.ledger.intents.iter().filter(|(_, intent)| intent.effect.host() == Some(&here));
                acts.filter(|(_, intent)| intent.state.began() || intent.state.is_open())
            };
            let over = |(id, intent): (&Sequence, &Intent)| {
                let heard = self.heard_at(host).unwrap_or(Duration::ZERO);
                let before = self.outcomes.get(id).is_none_or(|at| *at <= heard + CLOCKS_DIFFER);
                matches!(intent.state, IntentState::Ended { .. }) && before
            };
            let without = self.told_version(host).is_some_and(|version| version != target());
            let serves = !self.may_be_down(host) || self.is_passive(host);
            // A person who wants it tried again has looked: then the version alone tells.
            let touched = self.removals_on(host).any(|(id, _)| !self.waves.is_forgiven(&here, id));
            if without && (serves || !touched) && acts().all(over) {
                self.removals.gone.entry(host).or_insert(now);
            }
        }
    }

    /// The rollout is over, and what it was to take off is off.
    fn leaves_behind(&mut self, now: Duration) {
        let Some((since, only)) = self.removals.began else { return };
        self.sees_gone(now);
        if !matches!(self.rollout().map(|rollout| &rollout.state), Some(RolloutState::Removed)) {
            return self.violated(now, format!("the rollout has ended, and its removal (record {since}) has not"));
        }
        let left: BTreeSet<&str> =
            self.rollout().map(|rollout| rollout.skipped.keys().map(HostName::as_str).collect()).unwrap_or_default();
        let mut wrong = Vec::new();
        for (server, host) in exchange_hosts() {
            let wave = self.agreed.terms.wave_of(server);
            if only.is_some_and(|only| only != wave) || !self.has_been_begun(host) || left.contains(host) {
                continue;
            }
            let known = &self.hosts[host];
            // What somebody else has just brought may not be known yet.
            let ours = self.waves.ended_at(host) == Some(known.versioned);
            // What somebody else brings back to a host that has shown that it is gone is drift, and was looked at.
            let drift = self.removals.gone.get(host).is_some_and(|gone| known.versioned > *gone);
            let stays = ours || !drift && now.saturating_sub(known.versioned) > REPORT_KNOWN_AFTER;
            if known.version == Some(Self::target()) && stays {
                wrong.push(format!("{host} of wave {wave} has it since {}", shown(known.versioned)));
            }
            if !self.removals.gone.contains_key(host) && self.lost.count == 0 {
                wrong.push(format!("{host} of wave {wave} has not reported that it is gone"));
            }
        }
        for why in wrong {
            self.violated(now, format!("the hotfix is removed again (record {since}), and {why}"));
        }
    }

    /// At the end: what the file asks for after a trip has begun, unless nothing is there to be removed.
    pub(super) fn has_followed(&mut self, now: Duration, alive: bool) {
        let Some(rollout) = self.rollout() else { return };
        let long = |since: Duration| now.saturating_sub(since) > FOLLOWS_WITHIN;
        let due = self.removals.tripped.is_some_and(long) && long(self.alive) && alive && !self.lost.waits;
        let stopped = matches!(rollout.state, RolloutState::Tripped { .. }) && rollout.removal.is_none();
        let kept = self.last_begun().is_some_and(|(_, kept)| kept);
        if let Some(at) = self.removals.tripped
            && due
            && stopped
            && kept
            && self.agreed.terms.removes()
        {
            let last = self.last_begun().map_or(0, |(wave, _)| wave);
            let at = shown(at);
            self.violated(
                now,
                format!("the rollout has stopped at {at}, and the hotfix was not removed from wave {last}"),
            );
        }
    }
}

fn target() -> String {
    World::target().to_string()
}
