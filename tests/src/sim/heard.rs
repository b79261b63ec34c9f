//! What hosts have told the coordinator that lives, and which of them it therefore has to count as disrupted (invariant 3):
//! whoever says nothing, whatever runs, and what has ended without anybody knowing how.

use super::estate::{EXCHANGE, HOSTS, SILENT_AFTER, name};
use super::known::CLOCKS_DIFFER;
use super::world::{World, shown};
use sendgate_core::ledger::{Effect, IntentState, Outcome, RolloutState, Sequence};
use sendgate_core::names::HostName;
use sendgate_core::time::Steady;
use sendgate_proto::v1::{HostReport, Service, Version, service, store_mounted, store_version};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is to be done with a report is done by then.
pub(super) const HEEDED_WITHIN: Duration = Duration::from_secs(10);

/// What reports say cannot be known, or is not as declared.
const VERSION: &str = "the version of its store cannot be read";
const SERVICE: &str = "its service cannot be asked";
const ACCOUNT: &str = "its service logs on with another account";
const PAUSES: &str = "whom it has paused cannot be read";
const ROSTER: &str = "its roster cannot be read";
const EMPTY: &str = "its roster is empty";

fn wrong(host: &str, report: &HostReport) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if let Some(exchange) = &report.exchange {
        let version = exchange.store_version.as_ref().and_then(|version| version.result.as_ref());
        if !matches!(version, Some(store_version::Result::Version(_))) {
            wrong.push(VERSION);
        }
    }
    if let Some(goodlink) = &report.goodlink {
        let declared = if host == "gla" { "ADOM\\goodadmin" } else { "BDOM\\goodadmin" };
        match goodlink.service.as_ref().filter(|service| service.error.is_none()) {
            None => wrong.push(SERVICE),
            Some(service) if service.logon_account != declared => wrong.push(ACCOUNT),
            Some(_) => {}
        }
        if goodlink.paused.as_ref().is_none_or(|paused| paused.error.is_some()) {
            wrong.push(PAUSES);
        }
        match goodlink.roster.as_ref().filter(|roster| roster.error.is_none()) {
            None => wrong.push(ROSTER),
            Some(roster) if roster.users == 0 => wrong.push(EMPTY),
            Some(_) => {}
        }
    }
    wrong
}

/// The last report of a host.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) at: Duration,
    /// Of its store, where that was told.
    version: Option<String>,
    /// What the host is for runs; since when reports say otherwise.
    pub(super) stands: Option<Duration>,
    /// Its service is stopped, as it is on a passive node of a cluster.
    stopped: bool,
    /// What reports do not know, or say that is not as declared, and since when.
    wrong: BTreeMap<&'static str, Duration>,
    /// When a report last did not know the version of its store.
    unread: Option<Duration>,
    /// The digest of its roster, and since when reports have it.
    roster: Option<(Vec<u8>, Duration)>,
    /// Paused users, by the directory's names, and since when reports show them.
    pub(super) paused: BTreeMap<String, Duration>,
}

impl World {
    /// A report reaches the coordinator that lives.
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
        if version.as_ref().is_some_and(|version| *version == Self::target().to_string()) {
            self.patched.insert(host, now);
        }
        let told = goodlink.and_then(|goodlink| goodlink.paused.as_ref()).into_iter().flat_map(|paused| &paused.users);
        let called = |short: &str| self.users.keys().find(|called| called.split('@').next() == Some(short)).cloned();
        let paused = told.filter_map(|user| {
            let called = called(&user.name)?;
            let since = last.and_then(|last| last.paused.get(&called)).copied().unwrap_or(now);
            Some((called, since))
        });
        let paused: BTreeMap<_, _> = paused.collect();
        self.paused |= !paused.is_empty();
        let services = [exchange.map(|exchange| &exchange.store_service), goodlink.map(|goodlink| &goodlink.service)];
        let stopped =
            services.into_iter().flatten().flatten().any(|service| service.state() == service::State::Stopped);
        self.hears_node(now, host, serves, stopped);
        let last = self.heard.get(host);
        let since = |what: &'static str| (what, last.and_then(|last| last.wrong.get(what)).copied().unwrap_or(now));
        let wrong: BTreeMap<_, _> = wrong(host, report).into_iter().map(since).collect();
        let unread = if wrong.contains_key(VERSION) { Some(now) } else { last.and_then(|last| last.unread) };
        let digest = goodlink.and_then(|goodlink| goodlink.roster.as_ref()).map(|roster| roster.sha256.clone());
        let before = last.and_then(|last| last.roster.as_ref());
        let roster = digest.filter(|digest| !digest.is_empty()).map(|digest| {
            let since = before.filter(|(known, _)| *known == digest).map_or(now, |(_, since)| *since);
            (digest, since)
        });
        self.heard.insert(host, Heard { at: now, version, stands, stopped, wrong, unread, roster, paused });
        self.notes(now, host);
        self.keeps_report(now, host);
        self.sees_gone(now);
        self.sees_version(now, host);
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
    pub(super) fn disrupted(&self, now: Duration, host: &str) -> Option<String> {
        self.silent(now, host).or_else(|| self.under_way(host)).or_else(|| self.stands_still(now, host))
    }

    /// What is or may be going on at a host.
    fn under_way(&self, host: &str) -> Option<String> {
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
        None
    }

    /// The version that a host reported last, if it could read it.
    pub(super) fn told_version(&self, host: &str) -> Option<&str> {
        self.heard.get(host)?.version.as_deref()
    }

    pub(super) fn heard_at(&self, host: &str) -> Option<Duration> {
        self.heard.get(host).map(|heard| heard.at)
    }

    /// Whether its last report says, or may say, that a host serves nobody.
    pub(super) fn may_be_down(&self, host: &str) -> bool {
        self.heard.get(host).is_none_or(|heard| heard.stands.is_some())
    }

    /// Users whom the last reports have as paused.
    pub(super) fn paused_now(&self) -> usize {
        self.heard.values().map(|heard| heard.paused.len()).sum()
    }

    /// Whether another node of its cluster serves: the service runs on one, and is stopped on the others.
    pub(super) fn is_passive(&self, host: &str) -> bool {
        let nodes = EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)).map_or(&[][..], |(_, hosts)| *hosts);
        let mut others = nodes.iter().filter(|node| **node != host).filter_map(|node| self.heard.get(node));
        self.heard.get(host).is_some_and(|heard| heard.stopped) && others.any(|node| node.stands.is_none())
    }

    /// The same, where that other node is heard of still: of a silent one nobody knows that it serves.
    fn is_passive_now(&self, now: Duration, host: &str) -> bool {
        let nodes = EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)).map_or(&[][..], |(_, hosts)| *hosts);
        let serves = |node: &str| self.heard.get(node).is_some_and(|heard| heard.stands.is_none());
        let mut others = nodes.iter().filter(|node| **node != host);
        self.is_passive(host) && others.any(|node| serves(node) && self.silent(now, node).is_none())
    }

    /// Since when a host serves nobody, by what it reports.
    pub(super) fn stands_still(&self, now: Duration, host: &str) -> Option<String> {
        let heard = self.heard.get(host)?;
        let standing = heard.stands.filter(|since| now.saturating_sub(*since) > HEEDED_WITHIN)?;
        (!self.is_passive(host)).then(|| format!("{host} serves nobody since {}", shown(standing)))
    }

    /// Whether the host has shown what came of it since, or, where a person has looked, anything.
    /// Whether the journal learned of its end later than that.
    fn ended_after(&self, id: Sequence, at: Steady) -> bool {
        let state = self.ledger.intents.get(&id).map(|intent| &intent.state);
        matches!(state, Some(IntentState::Ended { at: ended, .. }) if *ended > at)
    }

    fn established(&self, host: &str, id: Sequence, effect: &Effect) -> bool {
        let later = self
            .ledger
            .intents
            .range(id.next()..)
            .any(|(_, other)| other.effect.host() == effect.host() && other.state.began());
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
                            && rollout.aborted.is_some_and(|(asked, at)| asked > id && !self.ended_after(id, at))
                });
                let install = matches!(effect, Effect::Install { .. });
                // What it has shown once is known, whatever it shows later.
                let since = self.outcomes.get(&id).zip(self.patched.get(host));
                install && since.is_some_and(|(ended, patched)| patched >= ended)
                    || has.is_some_and(|has| looked || has == install)
            }
            // It changes nothing.
            Effect::TestSend { .. } => true,
            Effect::RestartGoodlink { .. } => heard.is_some(),
            Effect::Grant(_) | Effect::Withdraw(_) => true,
        };
        later || known
    }

    /// What a host has reported for long enough of this kind.
    fn reported(&self, now: Duration, host: &str, what: &str) -> Option<String> {
        let since = self.heard.get(host)?.wrong.get(what)?;
        (now.saturating_sub(*since) > HEEDED_WITHIN)
            .then(|| format!("{host} reports since {} that {what}", shown(*since)))
    }

    /// Why nobody knows whom a GoodLink server has paused.
    pub(super) fn pauses_unread(&self, now: Duration, goodlink: &str) -> Option<String> {
        self.reported(now, goodlink, PAUSES)
    }

    /// Why the version of a host's store is not known.
    pub(super) fn version_unread(&self, now: Duration, host: &str) -> Option<String> {
        self.reported(now, host, VERSION)
    }

    /// Whether the coordinator may hold now that it does not know that version: what it has just heard may come too late.
    pub(super) fn may_be_unread(&self, now: Duration, host: &str) -> bool {
        let heard = self.heard.get(host);
        let unread = |at: Duration| {
            now.saturating_sub(at) <= HEEDED_WITHIN || heard.is_some_and(|heard| heard.version.is_none())
        };
        heard.and_then(|heard| heard.unread).is_some_and(unread)
    }

    /// Everything of a GoodLink server's report that is not known or not as declared, and closes gates.
    pub(super) fn unfit(&self, now: Duration, goodlink: &str) -> Vec<String> {
        let kinds = [SERVICE, ACCOUNT, PAUSES, ROSTER, EMPTY];
        let mut wrong: Vec<_> = kinds.into_iter().filter_map(|what| self.reported(now, goodlink, what)).collect();
        wrong.extend(self.silent(now, goodlink));
        let roster = self.heard.get(goodlink).and_then(|heard| heard.roster.as_ref());
        if let Some((digest, since)) = roster.filter(|(_, since)| now.saturating_sub(*since) > HEEDED_WITHIN)
            && self.uploaded.get(goodlink) != Some(digest)
        {
            wrong.push(format!("{goodlink} has not uploaded the roster that it has since {}", shown(*since)));
        }
        wrong
    }

    /// Whether a user is on the roster that the coordinator has, and on the one that his host reported last.
    pub(super) fn is_listed(&self, called: &str, goodlink: &str) -> bool {
        let on = |digest: &Vec<u8>| self.rosters.get(digest).is_none_or(|users| users.contains(called));
        let reported = self.heard.get(goodlink).and_then(|heard| heard.roster.as_ref());
        self.uploaded.get(goodlink).is_none_or(on) && reported.is_none_or(|(digest, _)| on(digest))
    }

    /// No more hosts are disrupted with this one than may be.
    pub(super) fn has_room(&mut self, now: Duration, id: Sequence) {
        let Some(effect) = self.ledger.intents.get(&id).map(|intent| intent.effect.clone()) else { return };
        let Some(here) = effect.host().map(ToString::to_string) else { return };
        let others = HOSTS.into_iter().filter(|host| *host != here);
        // A host that does not serve is disrupted already: its removal waits for what goes on elsewhere, and for no more.
        let helps = matches!(effect, Effect::Remove { .. })
            && self.heard.get(here.as_str()).is_some_and(|heard| heard.stands.is_some())
            && !self.is_passive_now(now, &here);
        let counts = |host| if helps { self.under_way(host) } else { self.disrupted(now, host) };
        let down: Vec<_> = others.filter_map(|host| Some((host, counts(host)?))).collect();
        for why in self.over_limits(&here, &down) {
            self.violated(now, format!("{effect} gets a permit, {why}"));
        }
        if let Some(silent) = self.silent(now, &here) {
            self.violated(now, format!("{effect} gets a permit, and {silent}"));
        }
    }
}
