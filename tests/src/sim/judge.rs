//! What must never be, on the simulated truth: effects outside a permit, too early, too many, for nobody's sake.

use super::estate::{EXCHANGE, SILENT_AFTER, WATCH_AGE};
use super::hosts::Act;
use super::known::{domains_of, served_by};
use super::restored::ActKey;
use super::world::{User, World, shown};
use sendgate_core::ledger::{Effect, IntentState, Outcome, Sequence};
use sendgate_core::policy::{GateScope, GrantMode};
use std::time::Duration;

/// What a change of the directory takes to be known for certain, or to be missed: the age of a watch, and a permit.
const KNOWN_AFTER: Duration = WATCH_AGE.saturating_add(Duration::from_secs(60));

/// What lies between a write and its outcome in the journal: it is read back.
const WRITES_WITHIN: Duration = Duration::from_secs(30);

/// A permit is good for so long.
pub(super) const PERMIT: Duration = Duration::from_secs(30);

const MINUTE: Duration = Duration::from_secs(60);

/// What a change on a host takes likewise, such as one of its roster.
pub(super) const REPORT_KNOWN_AFTER: Duration = SILENT_AFTER.saturating_add(Duration::from_secs(5 * 60));

impl World {
    /// A permit is durable.
    pub(super) fn gets_permit(&mut self, now: Duration, intent: Sequence) {
        if self.was_permitted(intent) {
            self.permitted.insert(intent, now);
            return;
        }
        if self.permitted.insert(intent, now).is_some() {
            self.violated(now, format!("intent {intent} was permitted twice"));
        }
        if let Some(effect) = self.ledger.intents.get(&intent).map(|intent| intent.effect.clone()) {
            self.may_begin(now, &effect, Duration::ZERO, "gets a permit");
            self.may_go_on(now, &effect, Duration::ZERO, "gets a permit");
            self.as_shown(now, &effect, "gets a permit");
            self.passive_first(now, &effect, "gets a permit");
        }
        self.has_room(now, intent);
        self.in_turn(now, intent);
    }

    /// It had a permit in a journal that is lost, which is entered when its act is seen to have begun.
    pub(super) fn was_permitted(&self, intent: Sequence) -> bool {
        let began = |key: &ActKey| self.acts.get(key).is_some_and(Act::began);
        self.key(intent).is_some_and(|key| self.lost_permit(&key).is_some() && began(&key))
    }

    /// A program is about to change a host.
    pub(super) fn begins(&mut self, now: Duration, key: ActKey, what: &str) {
        let ActKey { sequence: act, host, .. } = key;
        self.effects += 1;
        self.tell(now, || format!("{host}: {what} begins (act {act})"));
        let (intent, lost) =
            (self.ledger.intents.get(&act).filter(|_| self.is_ours(&key)).cloned(), self.lost_permit(&key));
        let late = |at: Option<&Duration>| at.is_none_or(|at| now.saturating_sub(*at) > PERMIT);
        if late(self.asked.get(&key)) {
            self.violated(now, format!("{what} on {host} begins {PERMIT:?} after it was asked for (intent {act})"));
        }
        if late(lost.as_ref().or_else(|| self.permitted.get(&act))) {
            self.violated(now, format!("{what} on {host} begins outside a permit (intent {act})"));
        }
        match intent {
            // The permit that is out is of a journal that is lost.
            None if self.lost_effect(&key).is_some() && lost.is_some() => {
                if matches!(self.lost_effect(&key), Some(Effect::Install { .. })) {
                    self.was_changed(host);
                }
            }
            None => self.violated(now, format!("{what} on {host} without an intent")),
            Some(intent) => {
                if !matches!(intent.state, IntentState::Permitted { .. }) && lost.is_none() {
                    self.violated(now, format!("{what} on {host} while its intent {act} is {:?}", intent.state));
                }
                self.may_still_begin(now, &intent.effect, "begins");
                self.may_still_go_on(now, &intent.effect, "begins");
                self.begins_as_agreed(now, &intent.effect, host);
                self.still_wanted(now, act, PERMIT, "begins");
                match intent.effect {
                    Effect::Install { .. } => self.may_install(now, host),
                    Effect::RestartGoodlink { forced: false, .. } => self.may_restart(now, host),
                    // No gate is asked for it: without the hotfix nobody needs the right.
                    Effect::Remove { .. }
                    | Effect::RestartGoodlink { forced: true, .. }
                    | Effect::TestSend { .. }
                    | Effect::Grant(_)
                    | Effect::Withdraw(_) => {}
                }
            }
        }
        let running = self.acts.values().filter(|act| act.running() && act.host != host);
        let running: Vec<_> = running.map(|act| (act.host, format!("{} is under way", act.host))).collect();
        for why in self.over_limits(host, &running) {
            self.violated(now, format!("{what} on {host} begins, {why}"));
        }
        if self.acts.values().any(|other| other.running() && other.host == host) {
            self.violated(now, format!("two programs at once on {host}"));
        }
        let nodes = EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)).map_or(&[][..], |(_, hosts)| *hosts);
        if self.acts.values().any(|other| other.running() && other.host != host && nodes.contains(&other.host)) {
            self.violated(now, format!("programs on two nodes of one server at once, {host} among them"));
        }
    }

    fn may_install(&mut self, now: Duration, host: &str) {
        let Some((server, _)) = EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)) else { return };
        let everybody = self.policy.scope == GateScope::Domain;
        let domains = domains_of(self, &served_by(self, server));
        let mut wrong = Vec::new();
        for (called, user) in &self.users {
            let here = self.home(called, user).is_some_and(|home| home == *server);
            // Whichever GoodLink server they use.
            let concerned = here || everybody && domains.contains(user.domain);
            let new = now.saturating_sub(user.since) < REPORT_KNOWN_AFTER
                || now.saturating_sub(user.moved) < KNOWN_AFTER && !everybody;
            let left = user.left.is_some();
            if !concerned || new || left || self.waived(called, now.saturating_sub(PERMIT)) {
                continue;
            }
            if let Some(since) = user.uncovered.filter(|since| now.saturating_sub(*since) > KNOWN_AFTER) {
                wrong.push(format!("{called} has been uncovered since {}", shown(since)));
            }
            let waits = &self.policy.waits;
            if let (None, Some(landed)) = (user.uncovered, user.landed)
                && now.saturating_sub(landed) < waits.settled
                // What a journal that is lost knew of it is not known before somebody says that it is lost.
                && !self.lost.waits
            {
                wrong.push(format!("the right of {called} landed at {}", shown(landed)));
            }
        }
        for why in wrong {
            self.violated(now, format!("an install began on {host}, and {why}"));
        }
    }

    fn may_restart(&mut self, now: Duration, host: &str) {
        let known = &self.hosts[host];
        // A pause that ran off by itself is one until the next report has come.
        let relieved = known.relieved.iter().filter(|(_, at)| now.saturating_sub(**at) <= REPORT_KNOWN_AFTER);
        let paused = known.paused.keys().chain(relieved.map(|(called, _)| called));
        let users: Vec<_> = paused.filter_map(|called| self.users.get(called)).collect();
        // For this a look counts as long as evidence does.
        let evidence = self.policy.freshness.evidence_age + MINUTE;
        let young =
            |landed: Option<Duration>| landed.is_none_or(|at| now.saturating_sub(at) < self.policy.waits.restart);
        let early = |user: &&User| match (user.uncovered, user.landed.or(user.covered)) {
            (Some(since), _) => now.saturating_sub(since) > evidence,
            // A permit lives on though it has been shown since that he had lost the right, and he has it again; and of what was
            // gone for a moment only nothing may have been seen.
            (None, landed) => {
                let lately = match user.told {
                    Some(at) => now.saturating_sub(at) <= PERMIT,
                    None => user.gone_for <= evidence,
                };
                young(landed) && (!lately || young(user.had))
            }
        };
        if users.is_empty() {
            self.violated(now, format!("GoodLink on {host} is restarted, and nobody is paused"));
        } else if users.iter().all(early) && !self.lost.waits {
            self.violated(now, format!("GoodLink on {host} is restarted, and it is too early for everybody"));
        }
    }

    /// An entry is about to be written to a directory, or taken away.
    pub(super) fn writes(&mut self, now: Duration, place: &str, wanted: bool) {
        self.effects += 1;
        self.tell(now, || format!("an entry on {place} is {}", if wanted { "written" } else { "taken away" }));
        let open = self.ledger.open().find(|(_, intent)| {
            intent.effect.place().is_some_and(|(_, on)| on.as_str() == place)
                && matches!(intent.effect, Effect::Grant(_)) == wanted
        });
        match open.map(|(_, intent)| intent.effect.clone()) {
            None => self.violated(now, format!("an entry on {place} was written without an intent")),
            Some(effect) => {
                self.may_still_begin(now, &effect, "is done");
                self.may_still_go_on(now, &effect, "is done");
            }
        }
        if self.policy.domains.values().any(|domain| domain.grants == GrantMode::Advise) {
            self.violated(now, format!("an entry on {place} was written though grants are only advised"));
        }
    }

    /// What happened on hosts is in the journal.
    pub(super) fn settled(&mut self, now: Duration) {
        let open: Vec<String> = self.ledger.open().map(|(id, intent)| format!("{id} {}", intent.effect)).collect();
        if !open.is_empty() {
            self.violated(now, format!("still open at the end: {}", open.join("; ")));
        }
        let mut wrong = Vec::new();
        for (key, act) in self.acts.iter().filter(|(key, _)| self.is_ours(key) || self.lost_effect(key).is_none()) {
            let id = key.sequence;
            let known = self.ledger.intents.get(&id).map(|intent| &intent.state);
            let told = matches!(known, Some(IntentState::Ended { .. }));
            if act.ended().is_some() && !told {
                wrong
                    .push(format!("act {id} on {} is over ({:?}), and the journal has {known:?}", act.host, act.stage));
            }
        }
        for (id, intent) in &self.ledger.intents {
            let (Some(host), IntentState::Ended { outcome, .. }) = (intent.effect.host(), &intent.state) else {
                continue;
            };
            let act = self.key(*id).and_then(|key| self.acts.get(&key));
            let ended = act.and_then(Act::ended);
            // Its agent may have told that to the journal that is lost, and forgotten it.
            let lost = self.lost.kept.is_some_and(|kept| *id <= kept);
            let fits = match outcome {
                Outcome::Succeeded { .. } => ended == Some(Some(0)),
                Outcome::Failed { .. } => matches!(ended, Some(Some(code)) if code != 0),
                Outcome::Unknown { .. } => ended == Some(None) || lost || self.absences.gave_up(*id),
                // What was carried out in a lost part is drift, where the copy has no more than its offer.
                Outcome::NotStarted { .. } | Outcome::Withdrawn { .. } => lost || act.is_none_or(|act| !act.began()),
            };
            if !fits {
                let stage = act.map(|act| &act.stage);
                wrong.push(format!(
                    "the journal has {id} {} on {host} as {outcome}, and it is {stage:?}",
                    intent.effect
                ));
            }
        }
        for why in wrong {
            self.violated(now, why);
        }
    }

    /// What the journal says of an entry is so on the server that it is written on, unless somebody else has just changed
    /// something there.
    pub(super) fn ends_as_told(&mut self, now: Duration, id: Sequence, outcome: &Outcome) {
        let Some(effect) = self.ledger.intents.get(&id).map(|intent| intent.effect.clone()) else { return };
        let (Some(entry), Outcome::Succeeded { .. }) = (effect.entry(), outcome) else { return };
        let Some(domain) = self.domains.get(entry.domain.as_str()) else { return };
        let meanwhile = now.saturating_sub(domain.meddled) <= WRITES_WITHIN;
        let wanted = matches!(effect, Effect::Grant(_));
        if !meanwhile && self.carries(&entry.domain, &entry.place, &entry.sid) != Some(wanted) {
            self.violated(
                now,
                format!("{effect} has {outcome}, and the entry is {}", if wanted { "missing" } else { "there" }),
            );
        }
    }
}
