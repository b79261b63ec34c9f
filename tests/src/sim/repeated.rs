//! The same effect under another intent: an install where the hotfix is already, a restart of GoodLink for users whom an
//! earlier one has freed or could free. Judged by reports, by what is durable and by what is true; what the planner takes for
//! done or served is not asked.

use super::estate::name;
use super::heard::HEEDED_WITHIN;
use super::known::CLOCKS_DIFFER;
use super::world::{World, shown};
use sendgate_core::ledger::{Anew, Effect, Entry, Intent, IntentState, Pair, Sequence};
use sendgate_core::names::{GoodLinkName, HostName};
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What a report said.
#[derive(Debug)]
struct Told {
    at: Duration,
    version: Option<String>,
    paused: BTreeSet<String>,
}

/// The reports that the coordinator that lives may be going by: the last one, and those that the last ones replaced just now.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    told: BTreeMap<&'static str, VecDeque<Told>>,
}

impl Repeated {
    fn going_by(&self, now: Duration, host: &str) -> Vec<&Told> {
        let Some(told) = self.told.get(host) else { return Vec::new() };
        let replaced = |at: usize| told.get(at + 1).is_some_and(|next| now.saturating_sub(next.at) > HEEDED_WITHIN);
        (0..told.len()).filter(|at| !replaced(*at)).filter_map(|at| told.get(at)).collect()
    }
}

impl World {
    /// A report has been heard.
    pub(super) fn keeps_report(&mut self, now: Duration, host: &'static str) {
        let Some(heard) = self.heard.get(host) else { return };
        let version = self.told_version(host).map(str::to_owned);
        let told = Told { at: now, version, paused: heard.paused.keys().cloned().collect() };
        let known = self.repeated.told.entry(host).or_default();
        known.push_back(told);
        while known.get(1).is_some_and(|next| now.saturating_sub(next.at) > HEEDED_WITHIN) {
            known.pop_front();
        }
    }

    /// An entry is durable, and the ledger has it.
    pub(super) fn is_new(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        let (id, what) = match entry {
            // A new life has heard nothing.
            Entry::Started { .. } => return self.repeated.told.clear(),
            Entry::Intent { .. } => (sequence, "is intended"),
            Entry::Permitted { intent, .. } if !self.was_permitted(*intent) => (*intent, "gets a permit"),
            _ => return,
        };
        let Some(effect) = self.ledger.intents.get(&id).map(|intent| intent.effect.clone()) else { return };
        let wrong = match &effect {
            Effect::Install { host, .. } => self.installed_already(now, id, host),
            Effect::RestartGoodlink { goodlink, host, forced: false, .. } => {
                self.freed_already(now, id, goodlink, host)
            }
            Effect::Grant(grant) if what == "is intended" => self.granted_already(now, id, grant),
            _ => Vec::new(),
        };
        for why in wrong {
            self.violated(now, format!("{effect} {what} (intent {id}), and {why}"));
        }
    }

    /// Earlier intents of the present journal, as far as they may have changed something.
    fn earlier<'a>(
        &'a self,
        id: Sequence,
        of: impl Fn(&Effect) -> bool + 'a,
    ) -> impl Iterator<Item = (Sequence, &'a Intent)> {
        let began = |intent: &Intent| intent.state.began() || intent.state.is_open();
        let earlier = self.ledger.intents.range(..id).map(|(id, intent)| (*id, intent));
        earlier.filter(move |(_, intent)| began(intent) && of(&intent.effect))
    }

    /// When the last of these intents ended, by when that was durable.
    fn ended_last<'a>(&self, of: impl Iterator<Item = (Sequence, &'a Intent)>) -> Option<(Duration, Sequence)> {
        let ended = of.filter(|(_, intent)| matches!(intent.state, IntentState::Ended { .. }));
        ended.filter_map(|(id, _)| Some((*self.outcomes.get(&id)?, id))).max()
    }

    /// Why the host has what an install is to bring, or nobody knows that it has not.
    fn installed_already(&self, now: Duration, id: Sequence, host: &HostName) -> Vec<String> {
        let here = |effect: &Effect| {
            matches!(effect, Effect::Install { .. } | Effect::Remove { .. }) && effect.host() == Some(host)
        };
        let (target, told) = (Self::target(), self.repeated.going_by(now, host.as_str()));
        let mut wrong = Vec::new();
        if let Some(first) = told.first().filter(|_| {
            told.iter().all(|told| told.version.as_ref().is_some_and(|version| *version == target.to_string()))
        }) {
            wrong.push(format!("{host} has the hotfix already, and has reported so at {}", shown(first.at)));
        }
        // An install that went on is not done once more by itself, whatever came of it.
        let installs = self.earlier(id, |effect| here(effect) && matches!(effect, Effect::Install { .. }));
        if let Some((last, intent)) = installs.last().filter(|(last, _)| !self.waves.is_forgiven(host, *last)) {
            let state = &intent.state;
            wrong.push(format!("intent {last} has installed it ({state:?}), and nobody wanted the host tried again"));
        }
        let known = &self.hosts[host.as_str()];
        if let Some((ended, last)) = self.ended_last(self.earlier(id, here))
            && known.version == Some(target)
            && told.iter().all(|told| told.at + CLOCKS_DIFFER < ended)
        {
            let (since, ended) = (shown(known.versioned), shown(ended));
            wrong.push(format!(
                "{host} has the hotfix since {since} and has reported nothing since intent {last} ended at {ended}"
            ));
        }
        wrong
    }

    /// Why a restart would free nobody whom an earlier one has not freed or could not free.
    fn freed_already(&self, now: Duration, id: Sequence, goodlink: &GoodLinkName, host: &HostName) -> Vec<String> {
        let here =
            |effect: &Effect| matches!(effect, Effect::RestartGoodlink { goodlink: other, .. } if other == goodlink);
        let ended = self.ended_last(self.earlier(id, here));
        let told = self.repeated.going_by(now, host.as_str());
        let since = |told: &&&Told| ended.is_none_or(|(ended, _)| told.at + CLOCKS_DIFFER >= ended);
        let told: Vec<&&Told> = told.iter().filter(since).collect();
        if let Some((ended, last)) = ended.filter(|_| told.is_empty()) {
            let ended = shown(ended);
            return vec![format!("whom {goodlink} pauses since restart {last} ended at {ended} is not reported")];
        }
        let last = self.earlier(id, here).map(|(id, intent)| (intent.filed, id)).max();
        let paused: BTreeSet<&String> = told.iter().flat_map(|told| &told.paused).collect();
        if paused.iter().any(|called| self.is_left_paused(now, goodlink, called, last.map(|(filed, _)| filed))) {
            return Vec::new();
        }
        let last = last.map_or("there was none before".to_owned(), |(_, id)| format!("the last one was {id}"));
        vec![format!("of {} users who are reported as paused it would free nobody anew: {last}", paused.len())]
    }

    /// Whether a restart may help a user for whom the last one came too early.
    fn is_left_paused(&self, now: Duration, goodlink: &GoodLinkName, called: &str, last: Option<Steady>) -> bool {
        if self.waived(called, now) && self.waived(called, now.saturating_sub(HEEDED_WITHIN)) {
            return false;
        }
        let ready = self.may_be_freed_from(goodlink, called);
        ready.is_some_and(|ready| last.is_none_or(|last| last < ready))
    }

    /// From when on a restart may help a user, by what is durable of his right.
    pub(super) fn may_be_freed_from(&self, goodlink: &GoodLinkName, called: &str) -> Option<Steady> {
        let user = self.users.get(called)?;
        let pair =
            Pair { user: user.guid, account: self.policy.goodlink[&name(user.goodlink)].service_account.clone() };
        let landed = self.ledger.pairs.get(&pair)?.landed()?;
        let landed = match self.ledger.lineage.anew(goodlink) {
            None => landed,
            Some(Anew::Unseen) => return None,
            Some(Anew::Since(at)) => landed.max(at),
        };
        Some(landed + self.policy.waits.restart)
    }
}
