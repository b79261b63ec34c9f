//! What the coordinator has been shown, and so has to know when it intends something or gives a permit: here nothing is
//! tolerated.
//!
//! [`World::as_shown`] judges intents and permits by the looks that were handed over before them, not by the coordinator's own
//! picture of them. What arrives at the very moment of a permit may come before it or after it, and counts for neither.

use super::directory::{Place, Server};
use super::estate::{EXCHANGE, GOODLINK, WATCH_AGE, name};
use super::placed::Entries;
use super::world::{User, World, shown};
use sendgate_core::ledger::Effect;
use sendgate_core::policy::GateScope;
use sendgate_core::sid::Sid;
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
    /// Whom they were asked for: who was on no roster then was not.
    asked: BTreeSet<String>,
    /// Users whom a server shows without the right, with the Exchange servers that hold them by what any server shows.
    uncovered: BTreeMap<String, BTreeSet<String>>,
    /// Those of them whose object some server shows to be without it: who is not there yet lacks nothing.
    lacking: BTreeSet<String>,
    /// Users whose descriptor a server does not show, likewise.
    hidden: BTreeMap<String, BTreeSet<String>>,
    /// Users whom a server shows to be protected, likewise: what they have is taken away within the hour.
    pub(super) protected: BTreeMap<String, BTreeSet<String>>,
    /// Users whom a server shows to be denied by an entry above them, or their own.
    denied: BTreeSet<String>,
    /// Places whose descriptor is not shown by the server that is written on.
    places: BTreeSet<Place>,
    /// What that server shows of entries.
    pub(super) entries: Entries,
}

/// How long the coordinator may take to write down what it was shown.
const WRITES_WITHIN: Duration = Duration::from_secs(5);

impl Shown {
    /// Whether some server shows this user to be without the right.
    pub(super) fn lacks(&self, called: &str) -> bool {
        self.lacking.contains(called)
    }

    /// Whether every server answered, not long ago.
    pub(super) fn is_whole(&self, now: Duration) -> bool {
        self.silent.is_empty() && now.saturating_sub(self.began) <= WATCH_AGE
    }

    /// Whether it says where this user is, or that he is not there.
    pub(super) fn tells_of(&self, called: &str, now: Duration) -> bool {
        self.is_whole(now) && self.asked.contains(called)
    }

    pub(super) fn is_denied(&self, called: &str) -> bool {
        self.denied.contains(called)
    }

    /// What the domain's servers show of these users now.
    pub(super) fn of<'a>(
        world: &World,
        (domain, now, full): (&str, Duration, Duration),
        asked: impl Iterator<Item = &'a str>,
        account: impl Fn(&str) -> Sid,
    ) -> Self {
        let (silent, answering): (Vec<_>, Vec<_>) =
            world.domains[domain].servers.iter().partition(|server| server.down > now);
        let asked: Vec<(&String, &User)> = asked.filter_map(|called| world.users.get_key_value(called)).collect();
        let users: Vec<_> = asked.iter().copied().filter(|(_, user)| user.domain == domain).collect();
        let there = |called: &String, server: &Server| server.objects.contains_key(called);
        let hides = |called: &String, server: &Server| {
            there(called, server) && !server.shows(now, &Place::User(called.clone()))
        };
        let refuses = |called: &String, user: &User, server: &Server| {
            !hides(called, server) && !world.covers_as(&account(user.goodlink), called, server)
        };
        let any = |of: &dyn Fn(&String, &User, &Server) -> bool| -> Vec<(&String, &User)> {
            let found = users.iter().filter(|(called, user)| answering.iter().any(|server| of(called, user, server)));
            found.copied().collect()
        };
        let refused = any(&refuses);
        let lacks = any(&|called, user, server| there(called, server) && refuses(called, user, server));
        let hidden = any(&|called, _, server| hides(called, server));
        let protects =
            |called: &String, server: &Server| server.objects.get(called).is_some_and(|object| object.protected);
        // What AdminSDHolder carries stays.
        let carries = |user: &User, server: &Server| server.roots.holder.contains(&account(user.goodlink));
        let protected = any(&|called, user, server| protects(called, server) && !carries(user, server));
        let denied = any(&|called, user, server| {
            let denies = |object: &super::directory::Object| object.is_denied(&account(user.goodlink), &server.roots);
            !hides(called, server) && server.objects.get(called).is_some_and(denies)
        });
        let homes = |called: &String| {
            let objects = answering.iter().filter_map(|server| server.objects.get(called));
            objects.map(|object| object.home.clone()).collect()
        };
        let with_homes = |of: Vec<(&String, &User)>| {
            of.into_iter().map(|(called, _)| (called.clone(), homes(called))).collect::<BTreeMap<_, _>>()
        };
        let writing = world.domains[domain].servers.first().filter(|server| server.down <= now);
        let places = writing.into_iter().flat_map(|server| server.hidden.keys().filter(|at| !server.shows(now, at)));
        let places = places.cloned().collect();
        Self {
            began: now,
            full,
            handed: now,
            silent: silent.into_iter().map(|server| server.name).collect(),
            asked: asked.into_iter().map(|(called, _)| called.clone()).collect(),
            lacking: lacks.into_iter().map(|(called, _)| called.clone()).collect(),
            uncovered: with_homes(refused),
            hidden: with_homes(hidden),
            protected: with_homes(protected),
            denied: denied.into_iter().map(|(called, _)| called.clone()).collect(),
            places,
            entries: Entries::of(now, &world.domains[domain].servers, &users),
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
            // Whoever is off the roster by the time the look comes in counts for nobody.
            let counts = |goodlink: &str| judged.contains(goodlink) && self.is_listed(called, goodlink);
            if self.users.get(called).is_some_and(|user| counts(user.goodlink)) {
                self.lacks.entry(called.clone()).or_insert(shown.handed);
                self.users.entry(called.clone()).and_modify(|user| _ = user.told.get_or_insert(shown.handed));
            }
        }
        let before = self.shown.get(domain).map(|last| last.lacking.clone()).unwrap_or_default();
        if before != shown.lacking {
            let (now, began) = (shown.handed, super::world::shown(shown.began));
            let lacking: Vec<_> = shown.lacking.iter().cloned().collect();
            self.tell(now, || format!("a look at {domain} of {began} shows without the right: {}", lacking.join(", ")));
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

    /// Something is intended or permitted: what speaks against it by what was shown and reported before.
    pub(super) fn as_shown(&mut self, now: Duration, effect: &Effect, what: &str) {
        let mut wrong = Vec::new();
        match effect {
            Effect::Install { server, host, .. } => {
                wrong.extend(self.gate(now, server.as_str()));
                wrong.extend(self.version_unread(now, host.as_str()));
                wrong.extend(self.stands_still(now, host.as_str()));
            }
            // A store that does not serve is no reason to leave the hotfix on it.
            Effect::Remove { host, .. } => wrong.extend(self.version_unread(now, host.as_str())),
            Effect::RestartGoodlink { goodlink, host, forced, .. } => {
                wrong.extend(self.pauses_unread(now, goodlink.as_str()).filter(|_| !forced));
                wrong.extend(self.stands_still(now, host.as_str()));
            }
            Effect::TestSend { host, .. } => wrong.extend(self.stands_still(now, host.as_str())),
            Effect::Grant(grant) => {
                let hidden = self.shown.get(grant.domain.as_str()).filter(|look| look.handed < now);
                let hidden = hidden
                    .filter(|look| self.at(&grant.domain, &grant.place).is_some_and(|at| look.places.contains(&at)));
                wrong.extend(
                    hidden.map(|look| {
                        format!("the descriptor of {} was not shown at {}", grant.place, shown(look.began))
                    }),
                );
            }
            Effect::Withdraw(_) => {}
        }
        for why in wrong {
            self.violated(now, format!("{effect} {what}, and {why}"));
        }
    }

    /// What closes the gate of an Exchange server, as far as it was shown and reported.
    fn gate(&self, now: Duration, server: &str) -> Vec<String> {
        let Some((server, _)) = EXCHANGE.iter().find(|(known, _)| server == *known) else { return Vec::new() };
        let goodlinks = served_by(self, server);
        let domains = domains_of(self, &goodlinks);
        let everybody = self.policy.scope == GateScope::Domain;
        let concerned = GOODLINK.iter().map(|(goodlink, _)| *goodlink).filter(|goodlink| {
            let of = domains_of(self, &[*goodlink].into());
            goodlinks.contains(goodlink) || everybody && !of.is_disjoint(&domains)
        });
        let mut wrong: Vec<_> = concerned.flat_map(|goodlink| self.unfit(now, goodlink)).collect();
        for domain in domains {
            match self.shown.get(domain) {
                None => wrong.push(format!("{domain} has not been shown to this coordinator")),
                Some(look) if look.handed >= now => {}
                Some(look) => wrong.extend(self.against(now, server, domain, look)),
            }
        }
        wrong
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
            let Some(user) = self.users.get(*called) else { return false };
            // Who is not on the roster any more is nobody of whom anything could be known.
            let counts = self.is_listed(called, user.goodlink) && !self.waived(called, now);
            // The look is at a domain of the server's already.
            counts && (everybody || homes.contains(server))
        };
        let shown_as = [
            (&look.uncovered, "was shown without the right"),
            (&look.hidden, "has a descriptor that was not shown"),
            (&look.protected, "was shown to be protected"),
        ];
        for (users, how) in shown_as {
            let users = users.iter().filter(concerned);
            wrong.extend(users.map(|(called, _)| format!("{called} {how} at {}", shown(look.began))));
        }
        wrong
    }
}
