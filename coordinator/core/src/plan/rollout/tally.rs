//! What has gone wrong in a wave and in the whole rollout, counted, and held against the thresholds.
//!
//! The denominator of pauses: roster users whose mailbox, as the directory says, is on a server that the wave (the rollout)
//! has begun to change; and those of whom that cannot be said, if their GoodLink server may use such a server.

use super::baseline::{self, new_pauses, not_counted, roster_users};
use super::{Class, HostProgress, Phase, ours, test_send};
use crate::gate::World;
use crate::ledger::entry::cut;
use crate::ledger::{Baseline, Effect, Rollout, Sequence};
use crate::names::{ExchangeServerName, GoodLinkName, HostName, RosterName};
use crate::plan::disruption;
use crate::spec::Thresholds;
use serde::{Deserialize, Serialize};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// Users, hosts and servers named in a reason at most.
const SHOWN: usize = 5;

/// Bytes of what is said of one of them: an agent may say as much as it likes.
const SAID: usize = 500;

/// The first few, each cut, and how many more there are.
fn shown(all: impl IntoIterator<Item = String>, between: &str) -> String {
    let mut all = all.into_iter();
    let mut shown: Vec<_> = all.by_ref().take(SHOWN).map(|one| cut(&one, SAID)).collect();
    match all.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(between)
}

/// What has gone wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tally {
    /// `wave canary`, or `the rollout`.
    pub of: String,
    /// Exchange servers that it has begun to change.
    pub changed: BTreeSet<ExchangeServerName>,
    /// Users newly paused by the Send As error there.
    pub new_pauses: BTreeSet<(GoodLinkName, RosterName)>,
    /// GoodLink servers of which more pauses there may be than are counted, with what is not known.
    pub not_known: BTreeMap<GoodLinkName, String>,
    /// Roster users there.
    pub roster_users: usize,
    /// Failed hosts with what failed; of a cluster whose store is down, one.
    pub failed: BTreeMap<HostName, (Class, String)>,
    /// Test sends that failed. A list, for it is shown as JSON, where a pair cannot be a key.
    pub tests: BTreeSet<FailedTest>,
    /// What is allowed.
    pub allowed: Thresholds,
}

/// The tallies of the waves that have begun and are not over, and of the rollout.
#[must_use]
pub fn tallies(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Vec<Tally> {
    counted(world, rollout, hosts, For::People)
}

/// What they are counted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// The thresholds: asked each time that something is planned.
    Thresholds,
    /// People, who are told of whom it is, and what is not known.
    People,
}

fn counted(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress], whom: For) -> Vec<Tally> {
    let spec = &rollout.spec;
    let baselines = world.ledger.baselines.get(&spec.name);
    let mut tallies = Vec::new();
    for (wave, of) in (0..).zip(&spec.waves).skip(usize::try_from(rollout.waves_done).unwrap_or(usize::MAX)).take(1) {
        let of_wave: Vec<_> = hosts.iter().filter(|host| host.wave == wave).collect();
        let before = baselines.and_then(|waves| waves.get(&wave));
        let of = format!("wave {}", of.name);
        let mut tally = tally((world, rollout), (of, whom), &of_wave, before, spec.wave_thresholds);
        tally.tests = tests(world, rollout, [wave], hosts);
        tallies.push(tally);
    }
    let before = baseline::first(world, rollout, hosts).map(|(_, before)| before);
    let all: Vec<_> = hosts.iter().collect();
    let mut tally = tally((world, rollout), ("the rollout".to_owned(), whom), &all, before, spec.thresholds);
    tally.tests = tests(world, rollout, 0..=rollout.waves_done, hosts);
    tallies.push(tally);
    tallies
}

fn tests(
    world: World<'_>,
    rollout: &Rollout,
    waves: impl IntoIterator<Item = u32>,
    hosts: &[HostProgress],
) -> BTreeSet<FailedTest> {
    let failed = waves.into_iter().flat_map(|wave| test_send::failed(world, rollout, wave, hosts));
    failed.map(|(test, why)| FailedTest { goodlink: test.goodlink, server: test.server, why }).collect()
}

fn tally(
    (world, rollout): (World<'_>, &Rollout),
    (of, whom): (String, For),
    hosts: &[&HostProgress],
    before: Option<&Baseline>,
    allowed: Thresholds,
) -> Tally {
    // The nodes of a cluster have one store.
    let mut down = BTreeSet::new();
    let failed = hosts.iter().filter_map(|host| match &host.phase {
        Phase::Failed { class: Class::Store, .. } if !down.insert(&host.server) => None,
        Phase::Failed { class, why } => Some((host.host.clone(), (*class, why.clone()))),
        // Whatever it has shown since its wave was over. A removal counts what it does itself.
        _ if host.wave < rollout.waves_done && rollout.removal.is_none() => match rollout.failed.get(&host.host)? {
            Class::Store if !down.insert(&host.server) => None,
            class => Some((host.host.clone(), (*class, then(*class).to_owned()))),
        },
        _ => None,
    });
    let changed = baseline::changed(world, rollout, hosts.iter().copied());
    let goodlinks = || world.policy.goodlink.keys().filter(|_| !changed.is_empty());
    let new_pauses: BTreeSet<_> = goodlinks()
        .flat_map(|name| new_pauses(world, name, before, &changed).into_iter().map(|user| (name.clone(), user)))
        .collect();
    let unknown = goodlinks().filter(|_| whom == For::People);
    let unknown = unknown.filter_map(|name| Some((name.clone(), not_counted(world, name, before, &changed)?)));
    let not_known = unknown.collect();
    // Everybody is gone through only where it matters.
    let counts = whom == For::People || !new_pauses.is_empty();
    let roster_users = if counts { goodlinks().map(|name| roster_users(world, name, &changed)).sum() } else { 0 };
    Tally {
        of,
        failed: failed.collect(),
        changed: changed.into_iter().cloned().collect(),
        new_pauses,
        not_known,
        roster_users,
        tests: BTreeSet::new(),
        allowed,
    }
}

/// How a host had failed that its wave went on without.
fn then(class: Class) -> &'static str {
    match class {
        Class::Install => "had not been installed when its wave was over",
        Class::Store => "did not serve when its wave was over",
        Class::Unreachable => "was not heard of when its wave was over",
        Class::Removal => "had the hotfix still when its wave was over",
    }
}

/// A test send that failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailedTest {
    /// Who was to send.
    pub goodlink: GoodLinkName,
    /// Through which server.
    pub server: ExchangeServerName,
    /// How it failed.
    pub why: String,
}

impl Tally {
    /// What passes a threshold, with the numbers; none: nothing does.
    #[must_use]
    pub fn passed(&self) -> Option<String> {
        let of = &self.of;
        let classes = [
            (Class::Install, self.allowed.failed_installs, "failed installs"),
            (Class::Store, self.allowed.stores_down, "stores down"),
            (Class::Unreachable, self.allowed.unreachable, "unreachable hosts"),
            (Class::Removal, 0, "failed removals"),
        ];
        for (class, allowed, what) in classes {
            let failed: Vec<_> = self.failed.iter().filter(|(_, (of, _))| *of == class).collect();
            if failed.len() > usize::try_from(allowed).unwrap_or(usize::MAX) {
                let shown = shown(failed.iter().map(|(host, (_, why))| format!("{host} {why}")), "; ");
                return Some(format!("{of}: {} {what}, {allowed} allowed: {shown}", failed.len()));
            }
        }
        if self.tests.len() > usize::try_from(self.allowed.test_send_failures).unwrap_or(usize::MAX) {
            let said =
                |FailedTest { goodlink, server, why }: &FailedTest| format!("{goodlink} through {server}: {why}");
            let shown = shown(self.tests.iter().map(said), "; ");
            let (count, allowed) = (self.tests.len(), self.allowed.test_send_failures);
            return Some(format!("{of}: {count} test sends failed, {allowed} allowed: {shown}"));
        }
        let count = self.new_pauses.len();
        if count == 0 {
            return None;
        }
        let users = shown(self.new_pauses.iter().map(|(name, user)| format!("{user} ({name})")), ", ");
        let servers = shown(self.changed.iter().map(ToString::to_string), ", ");
        let on = format!("on the changed servers {servers}: {users}");
        let (users, allowed) = (self.roster_users, self.allowed.new_pauses);
        if count > usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Some(format!("{of}: {count} new Send As pauses of {users} roster users, {allowed} allowed, {on}"));
        }
        let percent = self.allowed.new_pauses_percent?;
        let most = users.saturating_mul(usize::try_from(percent).unwrap_or(usize::MAX));
        (count.saturating_mul(100) > most)
            .then(|| format!("{of}: {count} new Send As pauses of {users} roster users, {percent} % allowed, {on}"))
    }
}

/// Whether the removal that is under way has begun to take the hotfix off the host.
fn is_tried(world: World<'_>, rollout: &Rollout, host: &HostName) -> bool {
    let since = rollout.removal.as_ref().map_or(Sequence::FIRST, |removal| removal.since);
    world.ledger.intents.range(since..).any(|(_, intent)| match &intent.effect {
        Effect::Remove { rollout: name, host: on, .. } => {
            *name == rollout.spec.name && on == host && intent.state.began()
        }
        _ => false,
    })
}

/// Its servers that have left the configuration.
pub(crate) fn gone<'a>(world: World<'a>, rollout: &'a Rollout) -> impl Iterator<Item = &'a ExchangeServerName> {
    rollout.spec.servers().filter(move |server| !world.policy.exchange.contains_key(*server))
}

/// A GoodLink server that has left the configuration: nobody asks it any more whom what was changed has paused.
fn uncounted<'a>(world: World<'a>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<&'a GoodLinkName> {
    let begun = hosts.iter().any(|host| ours(world, rollout, &host.host));
    let waves = world.ledger.baselines.get(&rollout.spec.name).filter(|_| begun)?;
    waves.values().flat_map(BTreeMap::keys).find(|name| !world.policy.goodlink.contains_key(*name))
}

/// Hosts that it has changed, or may have, and that are not of the server any more, by the configuration, that they were changed
/// for, or of none of its servers; but those of servers that are [`gone`], and of which it is known that the hotfix was
/// removed. Whoever left one out knows of it.
pub(crate) fn gone_hosts<'a>(world: World<'a>, rollout: &'a Rollout) -> impl Iterator<Item = &'a HostName> {
    let changed = world.ledger.intents.values().filter_map(|intent| match &intent.effect {
        Effect::Install { rollout: name, server, host, .. } if *name == rollout.spec.name && intent.state.began() => {
            Some((host, server))
        }
        _ => None,
    });
    let changed: BTreeMap<&HostName, &ExchangeServerName> = changed.collect();
    let servers = rollout.spec.servers().filter_map(|server| world.policy.exchange.get(server));
    let there: BTreeSet<_> = servers.flat_map(|server| &server.hosts).collect();
    let found = rollout.verified.keys().chain(&rollout.found);
    let hosts: BTreeSet<_> = changed.keys().copied().chain(found).collect();
    let removed = |host: &HostName| rollout.removal.as_ref().is_some_and(|removal| removal.removed.contains(host));
    let counts = move |host: &&HostName| !rollout.skipped.contains_key(*host) && !removed(host);
    hosts.into_iter().filter(counts).filter(move |host| match changed.get(*host) {
        Some(server) => world.policy.exchange.get(*server).is_some_and(|server| !server.hosts.contains(*host)),
        None => !there.contains(host) && ours(world, rollout, host),
    })
}

/// What stops the rollout by itself, with the numbers. The intent `except` counts as not being there.
pub(super) fn trip(
    world: World<'_>,
    rollout: &Rollout,
    hosts: &[HostProgress],
    except: Option<Sequence>,
) -> Option<String> {
    // A removal passes over them: what is left of the rollout can be undone all the same.
    if rollout.removal.is_none() {
        if let Some(gone) = gone(world, rollout).next() {
            return Some(format!("Exchange server {gone} is not in the configuration any more"));
        }
        if let Some(host) = gone_hosts(world, rollout).next() {
            return Some(format!(
                "{host}, which may have the hotfix of this rollout, is not a host, by the configuration, of the Exchange server \
                 any more of which it was one then"
            ));
        }
    }
    let tallies = counted(world, rollout, hosts, For::Thresholds);
    match &rollout.removal {
        None => tallies.iter().find_map(Tally::passed).or_else(|| {
            let gone = uncounted(world, rollout, hosts)?;
            Some(format!("GoodLink {gone}, whose pauses are counted, is not in the configuration any more"))
        }),
        // It is being undone: what is counted is the undoing.
        Some(_) => {
            // Whoever was silent before anything was tried there keeps nobody from losing the hotfix who still can.
            let down = LazyCell::new(|| disruption::disrupted(world, except));
            let has_room = |host: &HostName| disruption::no_room_to_remove(world, host, except, &down).is_empty();
            let goes_on =
                |host: &HostProgress| host.phase.in_flight() || host.phase == Phase::Waiting && has_room(&host.host);
            let left = LazyCell::new(|| hosts.iter().any(goes_on));
            let untried = |host: &HostProgress| !is_tried(world, rollout, &host.host);
            let failed = hosts.iter().filter_map(|host| match &host.phase {
                Phase::Failed { class: Class::Unreachable, .. } if untried(host) && *left => None,
                Phase::Failed { why, .. } => Some(format!("{} {why}", host.host)),
                _ => None,
            });
            let failed = shown(failed, "; ");
            (!failed.is_empty()).then(|| format!("the removal: {failed}"))
        }
    }
}
