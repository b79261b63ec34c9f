//! What hosts have told the coordinator that lives, and which of them it therefore has to count as disrupted (invariant 3):
//! whoever says nothing, whatever runs, and what has ended without anybody knowing how.

use super::estate::{EXCHANGE, HOSTS, SILENT_AFTER, name};
use super::known::CLOCKS_DIFFER;
use super::world::{World, shown};
use sendgate_core::ledger::{Effect, IntentState, Outcome, RolloutState, Sequence};
use sendgate_core::names::HostName;
use sendgate_proto::v1::{HostReport, Service, Version, service, store_mounted, store_version};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is to be done with a report is done by then.
pub(super) const HEEDED_WITHIN: Duration = Duration::from_secs(10);

/// The last report of a host.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) at: Duration,
    /// Of its store, where that was told.
    version: Option<String>,
    /// What the host is for runs; since when reports say otherwise.
    stands: Option<Duration>,
    /// Paused users, by the directory's names, and since when reports show them.
    pub(super) paused: BTreeMap<String, Duration>,
}

impl World {
    /// A report reaches the coordinator.
    pub(super) fn hears(&mut self, now: Duration, host: &'static str, report: &HostReport) {
        let last = self.heard.get(host);
        let runs = |service: &Option<Service>| {
            service
                .as_ref()
                .is_some_and(|service| service.state() == service::State::Running && service.error.is_none())
        };
        let (exchange, goodlink) = (report.exchange.as_ref(), report.goodlink.as_ref());
        let mounted = exchange.is_none_or(|exchange| {
            let mounted = exchange.store_mounted.as_ref().and_then(|mounted| mounted.result.as_ref());
            matches!(mounted, Some(store_mounted::Result::Mounted(true)))
        });
        let serves = mounted
            && exchange.is_none_or(|exchange| runs(&exchange.store_service))
            && goodlink.is_none_or(|goodlink| runs(&goodlink.service));
        let stands = (!serves).then(|| last.and_then(|last| last.stands).unwrap_or(now));
        let version = exchange.and_then(|exchange| exchange.store_version.as_ref()?.result.as_ref());
        let version = match version {
            Some(store_version::Result::Version(Version { major, minor, build, revision })) => {
                Some(format!("{major}.{minor}.{build}.{revision}"))
            }
            _ => None,
        };
        let told = goodlink.and_then(|goodlink| goodlink.paused.as_ref()).into_iter().flat_map(|paused| &paused.users);
        let called = |short: &str| self.users.keys().find(|called| called.split('@').next() == Some(short)).cloned();
        let paused = told.filter_map(|user| {
            let called = called(&user.name)?;
            let since = last.and_then(|last| last.paused.get(&called)).copied().unwrap_or(now);
            Some((called, since))
        });
        let paused: BTreeMap<_, _> = paused.collect();
        self.paused |= !paused.is_empty();
        self.arrived.insert(host, now);
        self.heard.insert(host, Heard { at: now, version, stands, paused });
    }

    /// Why nothing is known of a host.
    pub(super) fn silent(&self, now: Duration, host: &str) -> Option<String> {
        match self.heard.get(host) {
            None => Some(format!("{host} has not reported to this coordinator")),
            Some(heard) if now.saturating_sub(heard.at) > SILENT_AFTER + CLOCKS_DIFFER => {
                Some(format!("{host} has reported nothing since {}", shown(heard.at)))
            }
            Some(_) => None,
        }
    }

    /// Why a host counts as disrupted.
    fn disrupted(&self, now: Duration, host: &str) -> Option<String> {
        if let Some(silent) = self.silent(now, host) {
            return Some(silent);
        }
        let here: HostName = name(host);
        let ours = self.ledger.intents.iter().filter(|(_, intent)| intent.effect.host() == Some(&here));
        for (id, intent) in ours {
            match &intent.state {
                IntentState::Permitted { .. } => return Some(format!("{} (intent {id}) is under way", intent.effect)),
                IntentState::Ended { outcome: Outcome::Unknown { .. }, .. }
                    if !self.established(host, *id, &intent.effect) =>
                {
                    return Some(format!("how intent {id} ended on {host} is unknown"));
                }
                IntentState::Filed | IntentState::Ended { .. } => {}
            }
        }
        // The service of a cluster runs on one node.
        let nodes = EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)).map_or(&[][..], |(_, hosts)| *hosts);
        let other = nodes.iter().filter(|node| **node != host).filter_map(|node| self.heard.get(node));
        let standing = self.heard.get(host)?.stands.filter(|since| now.saturating_sub(*since) > HEEDED_WITHIN)?;
        other
            .into_iter()
            .all(|node| node.stands.is_some())
            .then(|| format!("{host} serves nobody since {}", shown(standing)))
    }

    /// Whether the host has shown what came of it since, or, where a person has looked, anything.
    fn established(&self, host: &str, id: Sequence, effect: &Effect) -> bool {
        let later = self.ledger.intents.range(id.next()..).any(|(_, other)| {
            other.effect.host() == effect.host()
                && matches!(other.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. })
        });
        let heard = self.heard.get(host).filter(|heard| self.outcomes.get(&id).is_none_or(|ended| heard.at >= *ended));
        let has = heard.and_then(|heard| heard.version.as_ref()).map(|version| *version == Self::target().to_string());
        let known = match effect {
            Effect::Install { rollout, .. } | Effect::Remove { rollout, .. } => {
                let rollout = self.ledger.rollouts.get(rollout);
                let here: HostName = name(host);
                let looked = rollout.is_some_and(|rollout| {
                    rollout.retried.get(&here).is_some_and(|asked| *asked > id)
                        || rollout.skipped.contains_key(&here)
                        || matches!(rollout.state, RolloutState::Aborted { .. })
                });
                has.is_some_and(|has| looked || has == matches!(effect, Effect::Install { .. }))
            }
            // It changes nothing.
            Effect::TestSend { .. } => true,
            Effect::RestartGoodlink { .. } => heard.is_some(),
            Effect::Grant(_) | Effect::Withdraw(_) => true,
        };
        later || known
    }

    /// No more hosts are disrupted with this one than may be.
    pub(super) fn has_room(&mut self, now: Duration, id: Sequence) {
        let Some(effect) = self.ledger.intents.get(&id).map(|intent| intent.effect.clone()) else { return };
        let Some(here) = effect.host().map(ToString::to_string) else { return };
        let others = HOSTS.into_iter().filter(|host| *host != here);
        let down: Vec<_> = others.filter_map(|host| self.disrupted(now, host)).collect();
        let limit = usize::try_from(self.policy.disruption.estate.get()).unwrap_or(usize::MAX);
        if down.len() >= limit {
            self.violated(now, format!("{effect} gets a permit, {limit} may be disrupted, and {}", down.join("; ")));
        }
        if let Some(silent) = self.silent(now, &here) {
            self.violated(now, format!("{effect} gets a permit, and {silent}"));
        }
    }
}
