//! What is true. Nobody but the simulation looks in here: the coordinator and the agents see only what directory servers,
//! hosts and messages show them.

use super::absences::Absences;
use super::agreed::Agreed;
use super::clusters::Cluster;
use super::directory::{Domain, Object};
use super::drifted::Changes;
use super::estate::{self, EXCHANGE, GOODLINK, name};
use super::exceptions::Exceptions;
use super::faults::Fault;
use super::heard::Heard;
use super::hosts::{Act, Host};
use super::known::Shown;
use super::meddling::{Meddled, Meddling};
use super::people;
use super::remedied::Remedies;
use super::removed::Removals;
use super::repeated::Repeated;
use super::restored::{ActKey, Lost};
use super::specials::Specials;
use super::stops::Stops;
use super::watched::Watched;
use super::waves::Waves;
use super::wishes::Wishes;
use sendgate_core::enforcement::{Enforcement, StoreVersion};
use sendgate_core::guid::Guid;
use sendgate_core::ledger::{Entry, Held, Ledger, Request, Sequence, Stamped};
use sendgate_core::policy::Policy;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A user of a roster.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) domain: &'static str,
    pub(super) goodlink: &'static str,
    pub(super) guid: Guid,
    pub(super) number: u32,
    /// Since when he is on the roster.
    pub(super) since: Duration,
    /// When he left it for good.
    pub(super) left: Option<Duration>,
    /// Since when his mailbox is where it is.
    pub(super) moved: Duration,
    /// Since when some server that counts refuses him.
    pub(super) uncovered: Option<Duration>,
    /// Since when none does.
    pub(super) covered: Option<Duration>,
    /// The coordinator that lived was shown him without the right, and had time to write that down.
    pub(super) lacking: bool,
    /// When his right landed last after that.
    pub(super) landed: Option<Duration>,
    /// What counted of the right that he lost last: since when he had it.
    pub(super) had: Option<Duration>,
    /// When a coordinator was first shown that he had lost it.
    pub(super) told: Option<Duration>,
    /// For how long he had lost it then, once he has it again.
    pub(super) gone_for: Duration,
}

/// Everything that is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) policy: Policy,
    pub(super) users: BTreeMap<String, User>,
    pub(super) domains: BTreeMap<&'static str, Domain>,
    pub(super) hosts: BTreeMap<&'static str, Host>,
    pub(super) acts: BTreeMap<ActKey, Act>,
    /// A fold of its own over what is durable.
    pub(super) ledger: Ledger,
    /// When each act's permit was asked for last.
    pub(super) asked: BTreeMap<ActKey, Duration>,
    /// What is known of journals that are lost.
    pub(super) lost: Lost,
    /// When each permit was written down.
    pub(super) permitted: BTreeMap<Sequence, Duration>,
    /// What the coordinator that lives was shown of each domain last.
    pub(super) shown: BTreeMap<&'static str, Shown>,
    /// Users whom it was shown without the right, and when: whether that is written down is not certain yet.
    pub(super) lacks: BTreeMap<String, Duration>,
    /// What each host's last report to it said.
    pub(super) heard: BTreeMap<&'static str, Heard>,
    /// When a host last reported the hotfix, to whichever coordinator.
    pub(super) patched: BTreeMap<&'static str, Duration>,
    /// The digest of the roster that each GoodLink host uploaded to it last.
    pub(super) uploaded: BTreeMap<&'static str, Vec<u8>>,
    /// Since when the coordinator that lives does.
    pub(super) alive: Duration,
    /// Whether one does.
    pub(super) lives: bool,
    /// Entries that somebody said yes to.
    pub(super) specials: Specials,
    /// Who left a roster, and whose account was made again.
    pub(super) wishes: Wishes,
    /// Where a cluster's store is.
    pub(super) cluster: Cluster,
    /// What deadlines are counted from.
    pub(super) absences: Absences,
    /// Who is on the rosters that there were, by their digests.
    pub(super) rosters: BTreeMap<Vec<u8>, BTreeSet<String>>,
    /// When each host's report reached any coordinator last.
    pub(super) arrived: BTreeMap<&'static str, Duration>,
    /// Some report has shown a paused user.
    pub(super) paused: bool,
    /// Somebody else has changed a store.
    pub(super) drifted: bool,
    /// When each outcome was written down.
    pub(super) outcomes: BTreeMap<Sequence, Duration>,
    /// What is stopped.
    pub(super) stops: Stops,
    /// What was held, from when to when.
    pub(super) held: Vec<(Held, Duration, Duration)>,
    /// What has to come before what.
    pub(super) waves: Waves,
    /// What was changed, and has shown it.
    pub(super) watched: Watched,
    /// What the rollout's file and people say.
    pub(super) agreed: Agreed,
    /// What people took out of the rules.
    pub(super) exceptions: Exceptions,
    /// What effects that are intended again are held against.
    pub(super) repeated: Repeated,
    /// What is to be removed again.
    pub(super) removals: Removals,
    /// Versions that changed with no command of ours.
    pub(super) changes: Changes,
    /// What has to be remedied.
    pub(super) remedies: Remedies,
    /// Times that a person let the rollout go on after it had stopped by itself.
    pub(super) resumed: u64,
    /// What people still want to do, and when.
    pub(super) acts_of_people: Vec<(Duration, people::Act)>,
    /// What happens at the next offer.
    pub(super) meddling: Option<(Meddling, Duration)>,
    /// What happens to the way of whoever was offered something.
    pub(super) meddled: Option<Meddled>,
    /// What administrators end, and when.
    pub(super) relents: Vec<(Duration, Fault)>,
    pub(super) effects: u64,
    pub(super) faults: u64,
    /// No fault at all in this seed: nothing can be missed.
    pub(super) calm: bool,
    pub(super) told: Option<Vec<(Duration, String)>>,
    pub(super) violations: Vec<String>,
}

impl World {
    pub(super) fn tell(&mut self, now: Duration, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push((now, what()));
        }
    }

    pub(super) fn violated(&mut self, now: Duration, what: String) {
        self.tell(now, || format!("VIOLATION: {what}"));
        self.violations.push(format!("at {}: {what}", shown(now)));
    }

    /// The SID of the account that a GoodLink server has.
    pub(super) fn account(&self, goodlink: &str) -> Sid {
        account(goodlink, self.wishes.times_made(goodlink))
    }

    /// That one, and those that it was before.
    pub(super) fn accounts(&self, goodlink: &str) -> impl Iterator<Item = Sid> {
        (0..=self.wishes.times_made(goodlink)).map(move |times| account(goodlink, times))
    }

    /// Whether a store sends as the user, as one server has it.
    pub(super) fn covers(&self, user: &User, called: &str, server: &super::directory::Server) -> bool {
        self.covers_as(&self.account(user.goodlink), called, server)
    }

    /// The same of an account of this SID.
    pub(super) fn covers_as(&self, account: &Sid, called: &str, server: &super::directory::Server) -> bool {
        server.objects.get(called).is_some_and(|object| object.allows(account, &server.roots))
    }

    /// Looks at every user again after something changed in the directory.
    pub(super) fn cover(&mut self, now: Duration) {
        self.has_noted(now);
        let names: Vec<String> = self.users.keys().cloned().collect();
        for called in names {
            let Some(user) = self.users.get(&called) else { continue };
            let all = self.domains[user.domain].servers.iter().all(|server| self.covers(user, &called, server));
            let calm = self.calm;
            let Some(user) = self.users.get_mut(&called) else { continue };
            match (all, user.covered) {
                (true, None) => {
                    user.gone_for = user.uncovered.map_or(Duration::ZERO, |since| now.saturating_sub(since));
                    (user.covered, user.uncovered) = (Some(now), None);
                    if std::mem::take(&mut user.lacking) || calm {
                        user.landed = Some(now);
                    }
                    self.tell(now, || format!("{called} is covered on every server"));
                }
                (false, Some(_)) | (false, None) if user.uncovered.is_none() => {
                    (user.had, user.told) = (user.landed.or(user.covered), None);
                    (user.covered, user.uncovered) = (None, Some(now));
                    self.tell(now, || format!("{called} is not covered any more"));
                }
                _ => {}
            }
        }
    }

    /// An entry is durable.
    pub(super) fn appended(&mut self, now: Duration, sequence: Sequence, payload: &[u8]) {
        let Ok(stamped) = serde_json::from_slice::<Stamped>(payload) else {
            return self.violated(now, format!("record {sequence} of the journal is no entry"));
        };
        if let Err(error) = self.ledger.apply(sequence, &stamped) {
            return self.violated(now, format!("the journal contradicts itself: {error}"));
        }
        if !matches!(stamped.entry, Entry::Clock(_)) {
            self.tell(now, || format!("journal {sequence}: {}", short(&stamped.entry)));
        }
        self.has_noted(now);
        self.agrees(now, sequence, &stamped.entry);
        self.in_order(now, sequence, &stamped.entry);
        self.excepts(now, sequence, &stamped.entry);
        self.taken_over(now, &stamped.entry);
        self.passes(now, sequence, &stamped.entry);
        self.says(now, &stamped.entry);
        self.is_new(now, sequence, &stamped.entry);
        self.removes(now, sequence, &stamped.entry);
        self.remedies(now, &stamped.entry);
        self.drifts(now, &stamped.entry);
        match &stamped.entry {
            // A new life knows nothing but its journal.
            Entry::Started { .. } => {
                self.shown.clear();
                self.heard.clear();
                self.lost.found = None;
                self.forgets_nodes(now);
                self.wishes.anew();
                self.uploaded.clear();
                (self.alive, self.lives) = (now, true);
            }
            Entry::Intent { effect } => {
                self.may_begin(now, effect, Duration::ZERO, "is intended");
                self.may_go_on(now, effect, Duration::ZERO, "is intended");
                self.as_shown(now, effect, "is intended");
                self.passive_first(now, effect, "is intended");
                self.names_who_is_there(now, effect);
                self.meddle(now, effect);
            }
            Entry::Permitted { intent, .. } => self.gets_permit(now, *intent),
            Entry::Request { request, .. } => {
                self.resumed += u64::from(matches!(request, Request::RolloutResume { .. }));
                self.note_stops(now);
            }
            Entry::Milestone(_) => self.note_stops(now),
            Entry::Outcome { intent, outcome } => {
                self.outcomes.insert(*intent, now);
                self.ends_as_told(now, *intent, outcome);
            }
            Entry::Clock(_) => {}
        }
    }

    pub(super) fn home(&self, called: &str, user: &User) -> Option<String> {
        Some(self.domains[user.domain].servers[0].objects.get(called)?.home.clone())
    }

    pub(super) fn enforces(&self, server: &str) -> bool {
        let hosts = EXCHANGE.iter().find(|(name, _)| *name == server).map_or(&[][..], |(_, hosts)| *hosts);
        // A store that moves is the one of its node.
        let hosts = hosts.iter().filter(|host| !self.hosts[*host].passive);
        let versions = hosts.filter_map(|host| self.hosts[host].version);
        versions.into_iter().any(|version| self.policy.enforcement.judge(&version).enforces == Enforcement::Yes)
    }

    /// GoodLink's own pauses: once a minute.
    pub(super) fn pauses(&mut self, now: Duration) {
        let found: Vec<_> = self
            .users
            .iter()
            .map(|(called, user)| {
                let enforced = self.home(called, user).is_some_and(|home| self.enforces(&home));
                let long = user.covered.is_some_and(|at| now.saturating_sub(at) >= 90 * MINUTE);
                (called.clone(), user.goodlink, enforced && user.uncovered.is_some() && user.left.is_none(), long)
            })
            .collect();
        for (called, goodlink, refused, long) in found {
            let Some(host) = self.hosts.get_mut(goodlink) else { continue };
            match (refused, host.paused.get_mut(&called)) {
                (true, None) => {
                    host.paused.insert(called.clone(), (now, now, 1));
                    self.tell(now, || format!("{goodlink} pauses {called}"));
                }
                (_, Some(_)) if long => {
                    host.paused.remove(&called);
                    host.relieved.insert(called.clone(), now);
                    self.tell(now, || format!("{goodlink} does not pause {called} any more"));
                }
                (_, Some((_, last, count))) if now.saturating_sub(*last) >= 20 * MINUTE => {
                    (*last, *count) = (now, *count + 1);
                }
                _ => {}
            }
        }
    }

    pub(super) fn object(&mut self, called: &str, server: usize) -> Option<&mut Object> {
        let domain = self.users.get(called)?.domain;
        self.domains.get_mut(domain)?.servers.get_mut(server)?.objects.get_mut(called)
    }

    /// The version that the rollout brings.
    pub(super) fn target() -> StoreVersion {
        estate::name(estate::TARGET)
    }

    /// The version that it replaces.
    pub(super) fn before() -> StoreVersion {
        estate::name("6.5.7638.1")
    }

    /// GoodLink was restarted.
    pub(super) fn restarted(&mut self, now: Duration, host: &str) {
        if GOODLINK.iter().all(|(name, _)| *name != host) {
            return;
        }
        if let Some(host) = self.hosts.get_mut(host) {
            host.started = now;
            let paused = std::mem::take(&mut host.paused);
            host.relieved.extend(paused.into_keys().map(|called| (called, now)));
        }
    }
}

/// A virtual time for people.
pub(super) fn shown(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, at.subsec_millis())
}

fn short(entry: &Entry) -> String {
    let text = format!("{} {entry:?}", entry.title());
    let cut: String = text.chars().take(220).collect();
    cut
}

/// The account of a GoodLink server when it was made again so often.
fn account(goodlink: &str, times: usize) -> Sid {
    let rid = 1105 + 10_000 * times;
    let above = if goodlink == "gla" { "1-2-3" } else { "4-5-6" };
    name(&format!("S-1-5-21-{above}-{rid}"))
}
