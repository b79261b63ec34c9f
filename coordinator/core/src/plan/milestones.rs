//! What the observations teach for good.

mod former;
mod loss;
mod pairs;
mod unwatched;

use super::disruption;
use crate::enforcement::StoreVersion;
use crate::gate::{World, not_seen, waived_unseen};
use crate::ledger::entry::{VersionStep, parts};
use crate::ledger::{Anew, Effect, IntentState, Milestone, Outcome, Sha256};
use crate::names::{AccountName, DomainName, HostName, RolloutName};
use std::collections::BTreeSet;
use std::iter;

/// Milestones that the journal does not hold yet.
#[must_use]
pub fn milestones(world: World<'_>) -> Vec<Milestone> {
    let mut found: Vec<Milestone> = declared(world)
        .into_iter()
        .chain(versions(world))
        .chain(read(world))
        // Who is new on a roster cannot be told any more once that one is written down and the coordinator has died.
        .chain(unwatched::newcomers(world))
        .chain(rosters(world))
        .chain(seen_anew(world))
        .collect();
    for domain in world.policy.domains.keys() {
        found.extend(accounts(world, domain));
        found.extend(loss::lost_grants(world, domain));
    }
    found.extend(pairs::pairs(world));
    found
}

/// The service accounts of the configuration: a start may have brought others.
fn declared(world: World<'_>) -> Vec<Milestone> {
    let (now, before) = (world.policy.accounts(), &world.ledger.declared);
    let written = |accounts: BTreeSet<AccountName>, gone| {
        let parts = parts(accounts, |account| account.domain.as_str().len() + account.sam.as_str().len());
        parts.into_iter().map(move |part| Milestone::Declared { accounts: BTreeSet::from_iter(part), gone })
    };
    // What is gone comes last: where nothing is declared, there was no record before.
    written(&now - before, false).chain(written(before - &now, true)).collect()
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
        (!known).then(|| Milestone::Roster {
            goodlink: goodlink.clone(),
            digest,
            users: roster.users.len(),
            anew: unwatched::is_unknown(world, goodlink),
        })
    })
}

/// GoodLink servers of which it is known after a takeover how all their users stand.
fn seen_anew(world: World<'_>) -> impl Iterator<Item = Milestone> {
    let unseen = world.policy.goodlink.iter().filter(move |(goodlink, policy)| {
        world.ledger.lineage.anew(goodlink) == Some(Anew::Unseen) && not_seen(world, goodlink, policy).is_none()
    });
    unseen.flat_map(move |(goodlink, policy)| {
        // Nobody waits to see those who are waived. Nor are they looked for any more once the others are seen.
        let waived = unwatched::written(goodlink, waived_unseen(world, goodlink, policy));
        waived.chain(iter::once(Milestone::SeenAnew { goodlink: goodlink.clone() }))
    })
}

/// Service accounts for which the domain is judged that are new, or other objects than before. What other domains say of an
/// account may be older than what its own says, and is written down apart.
fn accounts(world: World<'_>, domain: &DomainName) -> impl Iterator<Item = Milestone> {
    let seen = world.estate.domains.get(domain).into_iter().flat_map(|picture| &picture.accounts);
    seen.filter_map(move |(account, now)| {
        let of_another = (account.domain != *domain).then(|| domain.clone());
        let known = match &of_another {
            None => world.ledger.accounts.get(account).and_then(|sids| sids.last()),
            Some(domain) => world.ledger.judged.get(&(domain.clone(), account.clone())),
        };
        (known != Some(&now.sid)).then(|| Milestone::Account {
            account: account.clone(),
            sid: now.sid.clone(),
            domain: of_another,
        })
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
        // What any install of it had found there comes back.
        _ => world.ledger.intents.values().any(|intent| match &intent.effect {
            Effect::Install { rollout: of, host: on, before, .. } => {
                *of == rollout.spec.name && on == host && *before == after && intent.state.began()
            }
            _ => false,
        }),
    })
}
