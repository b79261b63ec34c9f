//! What the observations teach for good.

mod loss;

use super::disruption;
use crate::coverage::VerdictKind;
use crate::enforcement::StoreVersion;
use crate::gate::{World, not_seen, shown};
use crate::guid::Guid;
use crate::ledger::entry::{self, VersionStep};
use crate::ledger::{Anew, Effect, IntentState, Milestone, Outcome, Pair, PairEvent, PairState, Sha256};
use crate::names::{AccountName, DirectoryName, DomainName, HostName, RolloutName};
use std::collections::{BTreeMap, BTreeSet};

/// Milestones that the journal does not hold yet.
#[must_use]
pub fn milestones(world: World<'_>) -> Vec<Milestone> {
    let mut found: Vec<Milestone> =
        versions(world).chain(read(world)).chain(rosters(world)).chain(seen_anew(world)).collect();
    for domain in world.policy.domains.keys() {
        found.extend(accounts(world, domain));
        found.extend(loss::lost_grants(world, domain));
        found.extend(pairs(world, domain));
    }
    found
}

fn versions(world: World<'_>) -> impl Iterator<Item = Milestone> {
    world.estate.hosts.iter().filter_map(move |(host, state)| {
        let after = *state.exchange.as_ref()?.store.as_ref().ok()?;
        let before = world.ledger.versions.get(host).copied();
        let ours = before.is_none() || explained(world, host, after);
        (before != Some(after)).then(|| {
            let holds = if ours { BTreeSet::new() } else { touched(world, host) };
            let means = before.map(|before| world.policy.enforcement.change(&before, &after).means);
            let beside = !holds.is_empty();
            Milestone::Version(VersionStep { host: host.clone(), before, after, ours, means, holds, beside })
        })
    })
}

/// Hosts whose store was read after a takeover, with nothing of the lost part going on there.
fn read(world: World<'_>) -> impl Iterator<Item = Milestone> {
    let unread = world.estate.hosts.iter().filter(move |(host, _)| world.ledger.lineage.is_unread(host));
    let seen = unread.filter(move |(host, state)| {
        let version = state.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok());
        let since = world.estate.foreign_over.get(*host).is_none_or(|over| state.reported > *over);
        let quiet = since && disruption::foreign(world, host).is_none();
        quiet && version.is_some() && version == world.ledger.versions.get(*host)
    });
    seen.map(|(host, _)| Milestone::HostRead { host: host.clone() })
}

/// Live rollouts that have the host's Exchange server.
fn touched(world: World<'_>, host: &HostName) -> BTreeSet<RolloutName> {
    let Some(server) = world.policy.exchange_of(host) else { return BTreeSet::new() };
    let live = world.ledger.rollouts.iter().filter(|(_, rollout)| rollout.state.is_live());
    live.filter(|(_, rollout)| rollout.spec.has(server)).map(|(name, _)| name.clone()).collect()
}

fn rosters(world: World<'_>) -> impl Iterator<Item = Milestone> {
    world.estate.rosters.iter().filter_map(move |(goodlink, roster)| {
        let digest = Sha256(roster.digest.0);
        let known = world.ledger.rosters.get(goodlink) == Some(&digest);
        (!known).then(|| Milestone::Roster { goodlink: goodlink.clone(), digest, users: roster.users.len() })
    })
}

/// GoodLink servers of which it is known after a takeover how all their users stand.
fn seen_anew(world: World<'_>) -> impl Iterator<Item = Milestone> {
    let unseen = world.policy.goodlink.iter().filter(move |(goodlink, policy)| {
        world.ledger.lineage.anew(goodlink) == Some(Anew::Unseen) && not_seen(world, goodlink, policy).is_none()
    });
    unseen.map(|(goodlink, _)| Milestone::SeenAnew { goodlink: goodlink.clone() })
}

/// Service accounts of the domain that are new, or other objects than before.
fn accounts(world: World<'_>, domain: &DomainName) -> impl Iterator<Item = Milestone> {
    let seen = world.estate.domains.get(domain).into_iter().flat_map(|picture| &picture.accounts);
    // What other domains say of an account may be older than what its own says.
    let seen = seen.filter(move |(account, _)| account.domain == *domain);
    seen.filter_map(move |(account, now)| {
        let known = world.ledger.accounts.get(account).and_then(|sids| sids.last());
        (known != Some(&now.sid)).then(|| Milestone::Account { account: account.clone(), sid: now.sid.clone() })
    })
}

/// Whether the last install or removal of ours there would leave this version behind, and nothing else was noted since its
/// end: what we did once explains no second change. What failed may still come true while its program's last work goes on,
/// which takes no longer than an act may: later it was somebody else.
fn explained(world: World<'_>, host: &HostName, after: StoreVersion) -> bool {
    let changes = |effect: &Effect| matches!(effect, Effect::Install { .. } | Effect::Remove { .. });
    let ours = world.ledger.intents.values().rev().filter(|intent| intent.effect.host() == Some(host));
    let Some(last) = ours.filter(|intent| changes(&intent.effect)).find(|intent| intent.state.began()) else {
        return false;
    };
    let noted = world.ledger.versions_noted.get(host);
    if let IntentState::Ended { at, outcome } = &last.state {
        let late = matches!(outcome, Outcome::Failed { .. }) && world.now.steady > *at + world.policy.act_deadline;
        if late || noted.is_some_and(|noted| noted > at) {
            return false;
        }
    }
    let rollout = last.effect.rollout().and_then(|rollout| world.ledger.rollouts.get(rollout));
    rollout.is_some_and(|rollout| match last.effect {
        Effect::Install { .. } => rollout.spec.package.target == after,
        _ => rollout.before.get(host) == Some(&after),
    })
}

/// What happened to the pairs of a domain, by service account and event.
fn pairs(world: World<'_>, domain: &DomainName) -> Vec<Milestone> {
    let Some(picture) = world.estate.domains.get(domain) else { return Vec::new() };
    let mut events: BTreeMap<(AccountName, PairEvent, Option<String>), BTreeMap<Guid, DirectoryName>> = BTreeMap::new();
    // A user whom another domain may have as well is granted all the same: that he lacked the right must be known then,
    // or nobody would wait for him.
    for (goodlink, user, here) in shown(world, domain) {
        let Some(account) = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account) else {
            continue;
        };
        let Some(verdict) = here.verdicts.get(account) else { continue };
        let pair = Pair { user: here.guid, account: account.clone() };
        let state = world.ledger.pairs.get(&pair).copied();
        let event = match (verdict.kind, state) {
            // Missing evidence teaches nothing, in either direction; but what one server shows to be missing is missing,
            // whatever another leaves unsaid.
            (kind, _) if kind.is_unknown() && loss::lacking(verdict).is_none() => continue,
            (VerdictKind::Covered | VerdictKind::Perishable, Some(PairState::Lacking { .. })) => PairEvent::Landed,
            // The look must have begun late enough; when it ended does not matter.
            (VerdictKind::Covered | VerdictKind::Perishable, Some(PairState::Landed { at }))
                if picture.started >= at + world.policy.waits.second_look =>
            {
                PairEvent::Proved
            }
            (VerdictKind::Covered | VerdictKind::Perishable, _) => continue,
            (_, None) => PairEvent::Lacking,
            (_, Some(PairState::Lacking { .. })) => continue,
            // A look from before the landing does not take it back.
            (_, Some(PairState::Landed { at })) if picture.as_of() < at => continue,
            (_, Some(_)) => PairEvent::Vanished,
        };
        let cause = (event == PairEvent::Vanished).then(|| loss::cause(world, picture, account, verdict));
        events.entry((account.clone(), event, cause)).or_default().insert(here.guid, user.clone());
    }
    let mut milestones = Vec::new();
    for ((account, event, cause), users) in events {
        for part in entry::parts(users, |(_, user)| user.as_str().len()) {
            milestones.push(Milestone::Pairs {
                domain: domain.clone(),
                account: account.clone(),
                event,
                users: part.into_iter().collect(),
                cause: cause.clone(),
            });
        }
    }
    milestones
}
