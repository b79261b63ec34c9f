//! Entries of ours that did not stay, and why a right that had landed is gone.

use crate::coverage::placement::{EntryBytes, GrantEntry, PlannedGrant};
use crate::coverage::{Cause, DomainPicture, Verdict};
use crate::gate::World;
use crate::ledger::{Effect, Intent, IntentState, Milestone, Outcome, Sequence};
use crate::names::{AccountName, Dn, DomainName};
use crate::time::Steady;
use std::collections::BTreeMap;

/// Grants that ended well and whose entry a later picture does not show on its place: it proposes it again, or it found
/// the place without it, whether or not anybody needs it just now.
pub(super) fn lost_grants(world: World<'_>, domain: &DomainName) -> Vec<Milestone> {
    let Some(picture) = world.estate.domains.get(domain) else { return Vec::new() };
    let lost: BTreeMap<Sequence, Milestone> = missing(world, picture)
        .filter_map(|(entry, now, seen)| {
            let (intent, written) = lost(world, &entry, seen)?;
            Some((intent, Milestone::GrantLost { intent, place: entry.place, cause: likely(written, now) }))
        })
        .collect();
    lost.into_values().collect()
}

/// Entries that are not on their places, with the explicit entries that are there, and as of when.
fn missing<'a>(
    world: World<'a>,
    picture: &'a DomainPicture,
) -> impl Iterator<Item = (GrantEntry, &'a [EntryBytes], Steady)> {
    let as_of = picture.as_of();
    let again = picture.grants.iter().map(move |again| (again.entry(), again.expected.as_slice(), as_of));
    // What the server for grants shows of a place is as old as what it says of anything.
    let server = world.policy.domains.get(&picture.domain).map(|domain| &domain.grant_server);
    let seen = server.and_then(|server| picture.seen.get(server)).copied();
    let gone = picture.gone.iter().filter_map(move |(entry, now)| Some((entry.clone(), now.as_slice(), seen?)));
    again.chain(gone)
}

/// The last write of the same entry, if it added it, ended before `seen`, and its loss is not written down yet.
fn lost<'a>(world: World<'a>, entry: &GrantEntry, seen: Steady) -> Option<(Sequence, &'a PlannedGrant)> {
    let same = |intent: &&Intent| intent.effect.place() == Some((&entry.domain, &entry.place));
    let mut writes = world.ledger.intents.iter().filter(|(_, intent)| same(intent)).rev();
    let (id, intent) = writes.find(|(_, intent)| intent.effect.entry().as_ref() == Some(entry))?;
    match (&intent.effect, &intent.state) {
        (Effect::Grant(written), IntentState::Ended { outcome: Outcome::Succeeded { .. }, at })
            if *at < seen && !world.ledger.lost.contains_key(id) =>
        {
            Some((*id, written))
        }
        _ => None,
    }
}

/// What the entries around it tell.
fn likely(written: &PlannedGrant, now: &[EntryBytes]) -> String {
    const RACE: &str = "a change made at the same time on another directory server, without our entry, won by \
                        replication (the later write wins whole)";
    if written.expected == now {
        return format!("the other entries are those of before the grant: {RACE}, or somebody removed just this entry");
    }
    let without =
        |entries: &[EntryBytes], from: &[EntryBytes]| entries.iter().filter(|entry| !from.contains(entry)).count();
    let (new, gone) = (without(now, &written.expected), without(&written.expected, now));
    format!(
        "the other entries were changed as well ({new} new, {gone} gone): {RACE}, or a tool wrote back a list that it \
         had read before the grant"
    )
}

/// Why a right that had landed is gone, as far as that can be told. Where it is gone on some servers only, which is how
/// it begins, those tell.
pub(super) fn cause(world: World<'_>, picture: &DomainPicture, account: &AccountName, verdict: &Verdict) -> String {
    if let Cause::ServersDiffer { lacks, .. } = &verdict.cause {
        let told = lacks.iter().find_map(|server| Some(&verdict.servers.get(server)?.cause));
        return match told {
            Some(cause) => format!("{} ({})", on_a_server(world, picture, account, cause), verdict.cause),
            None => verdict.cause.to_string(),
        };
    }
    on_a_server(world, picture, account, verdict.lacking().unwrap_or(&verdict.cause))
}

fn on_a_server(world: World<'_>, picture: &DomainPicture, account: &AccountName, cause: &Cause) -> String {
    match cause {
        Cause::NoEntry | Cause::InheritanceBlocked { .. } | Cause::NotForClass { .. } => {}
        // Protection, a deny, a former account: the verdict tells the whole story.
        _ => return cause.to_string(),
    }
    if let Some(remade) = made_again(world, picture, account) {
        return remade;
    }
    // Where inheritance is blocked, an entry from above never reached him.
    let reached = |place: &Dn| match cause {
        Cause::InheritanceBlocked { at } => place.is_within(at),
        _ => true,
    };
    let ours = |id: &Sequence| match world.ledger.intents.get(id).map(|intent| &intent.effect) {
        Some(Effect::Grant(grant)) if grant.domain == picture.domain && grant.account == *account => Some(grant),
        _ => None,
    };
    let undone = world.ledger.undone.values().filter(|undo| undo.is_done());
    let undone = undone.filter_map(|undo| Some((undo, ours(&undo.grant).filter(|grant| reached(&grant.place))?)));
    if let Some((undo, grant)) = undone.max_by_key(|(undo, _)| undo.request) {
        return format!("{} had grant {} on {} undone: {}", undo.by, undo.grant, grant.place, undo.reason);
    }
    let mut losses = missing(world, picture).filter_map(|(entry, _, seen)| lost(world, &entry, seen));
    if let Some((id, written)) = losses.find(|(_, written)| written.account == *account && reached(&written.place)) {
        return format!("the entry of grant {id} on {} is not there any more", written.place);
    }
    match cause {
        Cause::NoEntry => format!("{cause} any more: the entry that granted it was removed"),
        _ => cause.to_string(),
    }
}

/// A right that was seen, or had landed, before was that of another object, or of another account.
pub(super) fn remade(world: World<'_>, account: &AccountName) -> String {
    let sids = world.ledger.accounts.get(account).map_or(&[][..], Vec::as_slice);
    if sids.len() == 1 {
        return format!(
            "{account} was declared later than other accounts: since when the right is there nobody has seen"
        );
    }
    let sid = sids.last().map(|sid| format!(": its SID is {sid}")).unwrap_or_default();
    format!("{account} was made again{sid}, and the right that it has now is another one than before")
}

/// The account has another SID than the journal knows.
fn made_again(world: World<'_>, picture: &DomainPicture, account: &AccountName) -> Option<String> {
    let now = &picture.accounts.get(account)?.sid;
    let before = world.ledger.accounts.get(account)?.last()?;
    (before != now).then(|| {
        format!("{account} was made again: its SID is {now}, and what names the former one, {before}, is worth nothing")
    })
}
