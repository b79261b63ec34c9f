//! What the coordinator has been shown, and so has to know when it gives a permit: here nothing is tolerated.
//!
//! [`World::may_be_permitted`] judges a permit by the looks that were handed over before it, not by the coordinator's own
//! picture of them. What arrives at the very moment of a permit may come before it or after it, and counts for neither.

use super::estate::{EXCHANGE, GOODLINK, WATCH_AGE, name};
use super::world::{World, shown};
use sendgate_core::ledger::{Effect, Sequence};
use sendgate_core::policy::GateScope;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Times are compared on two clocks, of which one counts in milliseconds.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_millis(2);

/// The last look at a domain, as it was handed over.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// When its reading began: nothing that came later is sure to be in it.
    pub(super) began: Duration,
    /// When the last full reading began.
    pub(super) full: Duration,
    /// When the coordinator had it.
    pub(super) handed: Duration,
    /// Servers that did not answer.
    silent: BTreeSet<&'static str>,
    /// Users whom a server shows without the right, with the Exchange servers that hold them by what any server shows.
    uncovered: BTreeMap<String, BTreeSet<String>>,
    /// Those of them whose object some server shows to be without it: who is not there yet lacks nothing.
    lacking: BTreeSet<String>,
}

/// How long the coordinator may take to write down what it was shown.
const WRITES_WITHIN: Duration = Duration::from_secs(5);

impl Shown {
    /// What the domain's servers show of these users now.
    pub(super) fn of<'a>(
        world: &World,
        domain: &str,
        now: Duration,
        full: Duration,
        asked: impl Iterator<Item = &'a str>,
    ) -> Self {
        let (silent, answering): (Vec<_>, Vec<_>) =
            world.domains[domain].servers.iter().partition(|server| server.down > now);
        let users = asked.filter_map(|called| world.users.get_key_value(called));
        let users = users.filter(|(_, user)| user.domain == domain);
        let refused = users.filter(|(called, user)| answering.iter().any(|server| !world.covers(user, called, server)));
        let refused: Vec<_> = refused.collect();
        let lacks = |(called, user): &&(&String, &super::world::User)| {
            let mut there = answering.iter().filter(|server| server.objects.contains_key(*called));
            there.any(|server| !world.covers(user, called, server))
        };
        let homes = |called: &String| {
            let objects = answering.iter().filter_map(|server| server.objects.get(called));
            objects.map(|object| object.home.clone()).collect()
        };
        Self {
            began: now,
            full,
            handed: now,
            silent: silent.into_iter().map(|server| server.name).collect(),
            lacking: refused.iter().filter(lacks).map(|(called, _)| (*called).clone()).collect(),
            uncovered: refused.into_iter().map(|(called, _)| (called.clone(), homes(called))).collect(),
        }
    }
}

/// The GoodLink servers whose users an Exchange server may hold by declaration.
pub(super) fn served_by(world: &World, server: &str) -> BTreeSet<&'static str> {
    let uses = |goodlink: &str| world.policy.goodlink[&name(goodlink)].exchange.contains(&name(server));
    GOODLINK.iter().map(|(goodlink, _)| *goodlink).filter(|goodlink| uses(goodlink)).collect()
}

/// The domains of their users.
pub(super) fn domains_of(world: &World, goodlinks: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let serves = |domain: &str| {
        goodlinks.iter().any(|goodlink| world.policy.goodlink[&name(goodlink)].domains.contains(&name(domain)))
    };
    world.domains.keys().copied().filter(|domain| serves(domain)).collect()
}

impl World {
    /// The coordinator has a look at a domain, by which it can judge users of these GoodLink servers.
    pub(super) fn look(&mut self, domain: &'static str, shown: Shown, judged: &BTreeSet<String>) {
        for called in &shown.lacking {
            if self.users.get(called).is_some_and(|user| judged.contains(user.goodlink)) {
                self.lacks.entry(called.clone()).or_insert(shown.handed);
            }
        }
        self.shown.insert(domain, shown);
    }

    /// Whom the coordinator was shown without the right has to be known to its journal by now, and to be waited for.
    pub(super) fn has_noted(&mut self, now: Duration) {
        for (called, _) in self.lacks.extract_if(.., |_, handed| now.saturating_sub(*handed) > WRITES_WITHIN) {
            let Some(user) = self.users.get_mut(&called) else { continue };
            // Who was seen lacking by a look that came in after he was covered has landed all the same.
            match user.covered {
                Some(covered) => user.landed = Some(covered),
                None => user.lacking = true,
            }
        }
    }

    /// A permit has been written down: what speaks against it by what was shown before.
    pub(super) fn may_be_permitted(&mut self, now: Duration, id: Sequence) {
        let Some(Effect::Install { server, .. }) = self.ledger.intents.get(&id).map(|intent| &intent.effect) else {
            return;
        };
        let Some((server, _)) = EXCHANGE.iter().find(|(known, _)| server.as_str() == *known) else { return };
        let goodlinks = served_by(self, server);
        let mut wrong = Vec::new();
        for goodlink in &goodlinks {
            wrong.extend(self.silent(now, goodlink));
        }
        for domain in domains_of(self, &goodlinks) {
            match self.shown.get(domain) {
                None => wrong.push(format!("{domain} has not been shown to this coordinator")),
                Some(look) if look.handed >= now => {}
                Some(look) => wrong.extend(self.against(now, server, domain, look)),
            }
        }
        for why in wrong {
            self.violated(now, format!("intent {id} has a permit, and {why}"));
        }
    }

    fn against(&self, now: Duration, server: &str, domain: &str, look: &Shown) -> Vec<String> {
        let freshness = &self.policy.freshness;
        let mut wrong: Vec<_> =
            look.silent.iter().map(|silent| format!("{silent} gave no evidence at {}", shown(look.began))).collect();
        if now.saturating_sub(look.began) > WATCH_AGE + CLOCKS_DIFFER {
            wrong.push(format!("nothing was heard of {domain} since {}", shown(look.began)));
        }
        if now.saturating_sub(look.full) > freshness.evidence_age + CLOCKS_DIFFER {
            wrong.push(format!("{domain} was read in full last at {}", shown(look.full)));
        }
        let everybody = self.policy.scope == GateScope::Domain;
        let concerned = |(called, homes): &(&String, &BTreeSet<String>)| {
            let declared = self.users.get(*called).is_some_and(|user| served_by(self, server).contains(user.goodlink));
            everybody && declared || homes.contains(server)
        };
        let uncovered = look.uncovered.iter().filter(concerned).filter(|(called, _)| !self.waived(called, now));
        wrong.extend(
            uncovered.map(|(called, _)| format!("{called} was shown without the right at {}", shown(look.began))),
        );
        wrong
    }
}
