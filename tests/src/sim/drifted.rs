//! Versions of stores that changed with no command of ours: what a report shows is written down before anything more is
//! installed, and it holds the rollout until a person lets it go on. Which change is ours is told by the acts that began,
//! not by what the coordinator calls one.

use super::estate::{EXCHANGE, name};
use super::heard::HEEDED_WITHIN;
use super::known::CLOCKS_DIFFER;
use super::lives::ROLLOUT;
use super::world::{World, shown};
use sendgate_core::enforcement::StoreVersion;
use sendgate_core::ledger::{Effect, Entry, Held, IntentState, Milestone, Request, Whose};
use sendgate_core::names::HostName;
use std::collections::BTreeMap;
use std::time::Duration;

/// What has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// When each host's version was written down last.
    noted: BTreeMap<HostName, Duration>,
    /// Hosts whose reports to the coordinator that lives show another version than is written down, and since when.
    unnoted: BTreeMap<&'static str, Duration>,
    /// What was written down last that was not ours, while the rollout was live and nobody has let it go on since.
    holds: Option<(Duration, String)>,
}

impl World {
    /// A report was heard.
    pub(super) fn sees_version(&mut self, now: Duration, host: &'static str) {
        let written = self.ledger.versions.get(&name::<HostName>(host)).map(ToString::to_string);
        let told = self.told_version(host);
        if told.is_some() && written.is_some() && told != written.as_deref() {
            self.changes.unnoted.entry(host).or_insert(now);
        } else {
            self.changes.unnoted.remove(host);
        }
    }

    /// An entry is durable, and the ledger has it.
    pub(super) fn drifts(&mut self, now: Duration, entry: &Entry) {
        match entry {
            // What this life has not heard it need not know.
            Entry::Started { .. } => self.changes.unnoted.clear(),
            Entry::Milestone(Milestone::Version(step)) => {
                self.changes.unnoted.retain(|host, _| *host != step.host.as_str());
                let (host, after) = (step.host.clone(), step.after);
                if let Some(before) = step.before
                    && self.lost.count == 0
                    && !self.may_be_ours(&host, after)
                {
                    self.holds_rollout(now, format!("the store of {host} went from {before} to {after}"));
                }
                self.changes.noted.insert(host, now);
            }
            Entry::Request { request: Request::RolloutResume { .. }, .. } => self.changes.holds = None,
            Entry::Request { request: Request::Release { held: Held::Rollout(_), of, .. }, .. }
                if !matches!(of, Some(Whose::Person(_))) =>
            {
                self.changes.holds = None;
            }
            Entry::Intent { effect } => self.after_drift(now, effect, "is intended"),
            Entry::Permitted { intent, .. } if !self.was_permitted(*intent) => {
                if let Some(effect) = self.ledger.intents.get(intent).map(|intent| intent.effect.clone()) {
                    self.after_drift(now, &effect, "gets a permit");
                }
            }
            _ => {}
        }
    }

    /// The journal is a copy, and what has changed since is found by whoever takes over.
    pub(super) fn drifts_no_more(&mut self) {
        self.changes = Changes::default();
    }

    /// Whether an act of ours, which went on until that host's version was last written down or later, leaves this one behind.
    fn may_be_ours(&self, host: &HostName, after: StoreVersion) -> bool {
        let noted = self.changes.noted.get(host).copied().unwrap_or(Duration::ZERO);
        self.ledger.intents.iter().any(|(id, intent)| {
            let brings = match &intent.effect {
                Effect::Install { host: on, .. } => on == host && after == Self::target(),
                Effect::Remove { host: on, .. } => on == host && after != Self::target(),
                _ => false,
            };
            let ended = matches!(intent.state, IntentState::Ended { .. });
            let later = !ended || self.outcomes.get(id).is_none_or(|at| *at + CLOCKS_DIFFER >= noted);
            brings && intent.state.began() && later
        })
    }

    fn holds_rollout(&mut self, now: Duration, what: String) {
        let rollout = self.ledger.rollouts.get(&name(ROLLOUT));
        if !rollout.is_some_and(|rollout| rollout.state.is_live()) {
            return;
        }
        if !self.ledger.holds.is_held(&Held::Rollout(name(ROLLOUT))) {
            self.violated(now, format!("{what} with no command of ours, and the rollout is not held"));
        }
        self.changes.holds = Some((now, what));
    }

    /// Nothing more is installed.
    fn after_drift(&mut self, now: Duration, effect: &Effect, what: &str) {
        if !matches!(effect, Effect::Install { .. }) {
            return;
        }
        let mut wrong = Vec::new();
        for host in EXCHANGE.iter().flat_map(|(_, hosts)| *hosts) {
            let since = self.changes.unnoted.get(host).filter(|since| now.saturating_sub(**since) > HEEDED_WITHIN);
            if let Some(since) = since {
                let (told, since) = (self.told_version(host).unwrap_or_default(), shown(*since));
                let written = self.ledger.versions.get(&name::<HostName>(host));
                wrong.push(format!("{host} reports {told} since {since}, and {written:?} is what is written down"));
            }
        }
        if let Some((at, change)) = self.changes.holds.as_ref().filter(|(at, _)| *at < now) {
            wrong
                .push(format!("{change} by {} with no command of ours, and nobody has let it go on since", shown(*at)));
        }
        for why in wrong {
            self.violated(now, format!("{effect} {what}, and {why}"));
        }
    }
}
