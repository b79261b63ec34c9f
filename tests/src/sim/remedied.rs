//! Remedies that never come: a user whom nothing keeps from being granted, and no entry is intended for him; a pause that a
//! restart of GoodLink would clear, and none is. Each has a bound, from when nothing has hindered it without a break: what is
//! down, held, left to people, not shown or not reported begins it anew.

use super::directory::{Object, Place};
use super::estate::{GOODLINK, HOSTS, WATCH_AGE, name};
use super::stops::Stop;
use super::world::{User, World, shown};
use sendgate_core::ledger::{Effect, Entry, Held, Intent, IntentState, Outcome};
use sendgate_core::plan::grants::{ATTEMPTS, RETRY_AFTER};
use sendgate_core::policy::{GrantMode, Switch};
use sendgate_core::sid::Sid;
use sendgate_core::spec::Windows;
use sendgate_core::time::Steady;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Whoever is shown without the right is granted it by then: the look that shows him, and the one after a write, are no
/// older than evidence may be.
const GRANTED_WITHIN: Duration = WATCH_AGE.saturating_add(MINUTE);

/// A restart that may help is intended by then; before the 90th minute, from which on pauses run off by themselves.
const RESTARTED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// A host reports, and a domain is looked at, at least so often.
const OFTEN: Duration = Duration::from_secs(4 * 60);

/// Where an entry is, and for which account.
type Where = (String, Place, Sid);

/// Since when remedies are due.
#[derive(Debug, Default)]
pub(super) struct Remedies {
    /// Users without the right whom nothing keeps from being granted.
    grantable: BTreeMap<String, Duration>,
    /// GoodLink servers that nothing keeps from being restarted for a user.
    restartable: BTreeMap<&'static str, Duration>,
    /// When an entry was intended or written somewhere last.
    tried: BTreeMap<Where, Duration>,
}

impl World {
    /// An entry is durable: what of it is a remedy.
    pub(super) fn remedies(&mut self, now: Duration, entry: &Entry) {
        let effect = match entry {
            Entry::Started { .. } => {
                self.remedies.grantable.clear();
                return self.remedies.restartable.clear();
            }
            Entry::Intent { effect } => effect.clone(),
            Entry::Outcome { intent, .. } => match self.ledger.intents.get(intent) {
                Some(intent) => intent.effect.clone(),
                None => return,
            },
            _ => return,
        };
        if let Some(entry) = effect.entry()
            && let Some(at) = self.at(&entry.domain, &entry.place)
        {
            self.remedies.tried.insert((entry.domain.to_string(), at, entry.sid), now);
        }
        if let Effect::RestartGoodlink { goodlink, .. } = &effect {
            self.remedies.restartable.retain(|known, _| *known != goodlink.as_str());
        }
    }

    /// Once a minute: what is due.
    pub(super) fn are_remedied(&mut self, now: Duration) {
        let lacking: Vec<String> = self
            .users
            .iter()
            .filter(|(called, user)| self.is_grantable(now, called, user))
            .map(|(called, _)| called.clone())
            .collect();
        self.remedies.grantable.retain(|called, _| lacking.contains(called));
        for called in lacking {
            let since = *self.remedies.grantable.entry(called.clone()).or_insert(now);
            let (last, tries) = self.tried_for(&called);
            let rests = if tries >= ATTEMPTS { RETRY_AFTER } else { Duration::ZERO };
            let last = last.map_or(since, |last| last.max(since));
            if now.saturating_sub(last) > GRANTED_WITHIN + rests {
                let (since, last) = (shown(since), shown(last));
                self.violated(
                    now,
                    format!("{called} is without the right, nothing hinders a grant since {since}, and none has come since {last}"),
                );
                self.remedies.grantable.remove(&called);
            }
        }
        for (goodlink, _) in GOODLINK {
            let Some(called) = self.is_restartable(now, goodlink) else {
                self.remedies.restartable.remove(goodlink);
                continue;
            };
            let since = *self.remedies.restartable.entry(goodlink).or_insert(now);
            if now.saturating_sub(since) > RESTARTED_WITHIN {
                let since = shown(since);
                self.violated(
                    now,
                    format!("{called} is paused on {goodlink}, nothing hinders a restart that may help since {since}, and none has come"),
                );
                self.remedies.restartable.remove(goodlink);
            }
        }
    }

    /// Whether something is held that stops what concerns these.
    fn is_any_held(&self, concerned: &[Held]) -> bool {
        self.stops
            .keys()
            .any(|stop| matches!(stop, Stop::Held(held) if *held == Held::Estate || concerned.contains(held)))
    }

    /// Whether all of a domain was looked at just now, and shown.
    fn is_open(&self, now: Duration, at: &str) -> bool {
        let domain = &self.domains[at];
        let all = domain
            .servers
            .iter()
            .all(|server| server.down <= now && server.hidden.keys().all(|place| server.shows(now, place)));
        let look = self.shown.get(at);
        let recent = look.is_some_and(|look| {
            let full = now.saturating_sub(look.full) + MINUTE <= self.policy.freshness.evidence_age;
            look.is_whole(now) && full && now.saturating_sub(look.handed) <= OFTEN
        });
        all && recent && domain.stalled <= now && domain.is_through() && !self.lost.waits
    }

    /// Whether nothing is in the way of a grant for a user who needs one.
    fn is_grantable(&self, now: Duration, called: &str, user: &User) -> bool {
        let domain = user.domain;
        let Some(look) = self.shown.get(domain) else { return false };
        let undone =
            self.stops.keys().any(|stop| matches!(stop, Stop::Undone(entry) if entry.domain.as_str() == domain));
        let server = &self.domains[domain].servers[0];
        let account = self.account(user.goodlink);
        let denied = |object: &Object| !object.deny.is_empty() || object.is_denied(&account, &server.roots);
        let plain = server.objects.get(called).is_some_and(|object| !denied(object) && !object.protected);
        self.policy.domains[&name(domain)].grants == GrantMode::Apply
            && self.is_open(now, domain)
            // What SID the account has is known by its own domain.
            && GOODLINK.iter().all(|(goodlink, of)| *goodlink != user.goodlink || self.is_open(now, of))
            && !self.is_any_held(&[Held::Domain(name(domain))])
            && !undone
            && plain
            && user.uncovered.is_some()
            && look.lacks(called)
            && !look.protected.contains_key(called)
            && look.entries.is_missing(called, &account)
            && self.unfit(now, user.goodlink).is_empty()
            && self.is_listed(called, user.goodlink)
    }

    /// When an entry that gives a user the right was last intended or written, and how often that failed or was lost.
    fn tried_for(&self, called: &str) -> (Option<Duration>, usize) {
        let Some(user) = self.users.get(called) else { return (None, 0) };
        let account = self.account(user.goodlink);
        let Some(look) = self.shown.get(user.domain) else { return (None, 0) };
        let places = [Place::User(called.to_owned()), Place::Unit, Place::Head];
        let places = places.into_iter().filter(|place| look.entries.helps(called, place, &account));
        let (mut last, mut tries) = (None, 0);
        for place in places {
            let at = (user.domain.to_owned(), place.clone(), account.clone());
            last = last.max(self.remedies.tried.get(&at).copied());
            let here = |effect: &Effect| {
                let entry = effect.entry().filter(|entry| entry.domain.as_str() == user.domain && entry.sid == account);
                matches!(effect, Effect::Grant(_))
                    && entry.is_some_and(|entry| self.at(&entry.domain, &entry.place).as_ref() == Some(&place))
            };
            let badly = |intent: &Intent| match &intent.state {
                IntentState::Ended { outcome, .. } => {
                    matches!(outcome, Outcome::Failed { .. } | Outcome::Unknown { .. })
                }
                _ => false,
            };
            let of_place = self.ledger.intents.iter().filter(|(_, intent)| here(&intent.effect));
            tries += of_place.filter(|(id, intent)| badly(intent) || self.ledger.lost.contains_key(id)).count();
        }
        (last, tries)
    }

    /// When the last restart of ours was intended that began, or may begin.
    fn restarted_last(&self, goodlink: &str) -> Option<Steady> {
        let restarts = self.ledger.intents.values().filter(|intent| {
            let here =
                matches!(&intent.effect, Effect::RestartGoodlink { goodlink: of, .. } if of.as_str() == goodlink);
            here && (intent.state.began() || intent.state.is_open())
        });
        restarts.map(|intent| intent.filed).max()
    }

    /// A user whom a restart would free now, where nothing is in its way.
    fn is_restartable(&self, now: Duration, goodlink: &'static str) -> Option<String> {
        let domains: Vec<&'static str> = {
            let served = &self.policy.goodlink[&name(goodlink)].domains;
            self.domains.keys().copied().filter(|domain| served.contains(&name(domain))).collect()
        };
        let mut held: Vec<Held> = domains.iter().map(|domain| Held::Domain(name(domain))).collect();
        held.push(Held::Host(name(goodlink)));
        let heard = self.heard.get(goodlink)?;
        let refused = self.ledger.intents.values().any(|intent| {
            let restart =
                matches!(&intent.effect, Effect::RestartGoodlink { goodlink: of, .. } if of.as_str() == goodlink);
            restart && matches!(&intent.state, IntentState::Ended { outcome: Outcome::NotStarted { .. }, .. })
        });
        let free = self.policy.goodlink_restart == Switch::On
            && self.policy.restart_windows == Windows::AnyTime
            && domains.iter().all(|domain| self.is_open(now, domain))
            && !self.is_any_held(&held)
            && now.saturating_sub(heard.at) <= OFTEN
            && self.unfit(now, goodlink).is_empty()
            && HOSTS.into_iter().all(|host| self.disrupted(now, host).is_none())
            && !self.ledger.open().any(|(_, intent)| intent.effect.host().is_some())
            && !refused;
        if !free {
            return None;
        }
        let last = self.restarted_last(goodlink);
        let steady = self.ledger.last.as_ref()?.steady;
        let mut paused = heard.paused.keys().filter(|called| self.hosts[goodlink].paused.contains_key(*called));
        let due = |called: &&String| {
            let ready = self.may_be_freed_from(&name(goodlink), called);
            let listed = self.is_listed(called, goodlink) && self.users[*called].covered.is_some();
            // What AdminSDHolder takes away within the hour is no right that a restart is worth.
            let lasts = domains
                .iter()
                .all(|domain| self.shown.get(*domain).is_none_or(|look| !look.protected.contains_key(*called)));
            listed
                && lasts
                && !self.waived(called, now)
                && ready.is_some_and(|ready| steady >= ready && last.is_none_or(|last| last < ready))
        };
        paused.find(due).cloned()
    }
}
