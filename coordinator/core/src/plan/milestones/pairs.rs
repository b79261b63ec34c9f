//! What happened to pairs of a user and a service account: the right is missing, has landed, is proved, or has vanished.

use super::former::Former;
use super::loss;
use crate::coverage::past::Lacked;
use crate::coverage::{DomainPicture, VerdictKind};
use crate::gate::{World, is_fresh, shown};
use crate::guid::Guid;
use crate::ledger::{Milestone, Pair, PairEvent, PairState, entry};
use crate::names::{AccountName, DirectoryName, DomainName};
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};

/// By domain, service account, event and cause.
type Events = BTreeMap<(DomainName, AccountName, PairEvent, Option<String>), BTreeMap<Guid, DirectoryName>>;

/// What happened to pairs, by domain, service account, event and cause; to each of them one thing at a time.
pub(super) fn pairs(world: World<'_>) -> Vec<Milestone> {
    let mut events = Events::new();
    // One object may stand on rosters under two names, and in two domains while it is moved: what is missing anywhere counts.
    let (mut told, mut landed) = (BTreeSet::<Pair>::new(), Vec::new());
    for domain in world.policy.domains.keys() {
        let Some(picture) = world.estate.domains.get(domain) else { continue };
        let accounts = world.policy.goodlink_in(domain).map(|(_, goodlink)| &goodlink.service_account);
        let former = accounts.filter_map(|account| Some((account, Former::of(world, picture, account)?)));
        let former: BTreeMap<&AccountName, Former<'_>> = former.collect();
        // A user whom another domain may have as well is granted all the same: that he lacked the right must be known
        // then, or nobody would wait for him.
        for (goodlink, user, here) in shown(world, domain) {
            let Some(account) = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account) else {
                continue;
            };
            let Some(verdict) = here.verdicts.get(account) else { continue };
            let pair = Pair { user: here.guid, account: account.clone() };
            let state = world.ledger.pairs.get(&pair).copied();
            let lost = former.get(account).and_then(|former| former.lost(verdict));
            // Missing evidence teaches nothing, in either direction; but what one server shows to be missing is missing,
            // whatever another leaves unsaid.
            if verdict.lacking().is_none() && lost.is_none() {
                // What is good is believed of evidence alone; that something is missing, of whatever shows it.
                let has = matches!(verdict.kind, VerdictKind::Covered | VerdictKind::Perishable);
                let unwatched = || world.ledger.lineage.unwatched_until(goodlink, user);
                let known = has && is_fresh(world, picture);
                let event = if known { has_it(world, picture, &pair, state, unwatched()) } else { None };
                landed.extend(event.map(|event| (event, domain, pair, user)));
                continue;
            }
            let event = lacks_it(state);
            let cause = || match lost {
                Some(lost) if verdict.lacking().is_none() => lost,
                _ => loss::cause(world, picture, account, verdict),
            };
            if told.insert(pair)
                && let Some(event) = event
            {
                let cause = (event == PairEvent::Vanished).then(cause);
                let key = (domain.clone(), account.clone(), event, cause);
                events.entry(key).or_default().insert(here.guid, user.clone());
            }
        }
    }
    for ((event, new), domain, pair, user) in landed {
        if told.insert(pair.clone()) {
            let cause = new.map(|new| match new {
                New::Account => loss::remade(world, &pair.account),
                New::Right => SHOWN_BEFORE.to_owned(),
                New::Unwatched => UNSEEN_BEFORE.to_owned(),
            });
            events.entry((domain.clone(), pair.account, event, cause)).or_default().insert(pair.user, user.clone());
        }
    }
    written(events)
}

/// Why a right counts as new that nobody waited for.
#[derive(Clone, Copy)]
enum New {
    /// The account was made again, or declared later than others.
    Account,
    /// It was missing while nobody waited for it.
    Right,
    /// Nobody had looked at its user since a takeover.
    Unwatched,
}

/// The cause that is written down then.
const SHOWN_BEFORE: &str = "it was missing while no roster asked for it, or while it was not certain who they are";

/// The same after a takeover.
const UNSEEN_BEFORE: &str = "nobody had looked at them since the takeover";

/// What it means that the picture shows the right, of a user whom nobody had looked at until then after a takeover, if so.
fn has_it(
    world: World<'_>,
    picture: &DomainPicture,
    pair: &Pair,
    state: Option<PairState>,
    unwatched: Option<Steady>,
) -> Option<(PairEvent, Option<New>)> {
    let account = &pair.account;
    // Each server has judged him for another object: which of them the account is will be known once they agree.
    if picture.disputed.contains_key(account) {
        return None;
    }
    let (waits, present) = (&world.policy.waits, world.ledger.accounts.get(account).and_then(|sids| sids.last()));
    // What was seen of the account that was there before, or of one that is not written down yet, is of another object.
    let judged = picture.accounts.get(account).map(|judged| &judged.sid);
    if judged.is_some() && present.is_some() && judged != present {
        return None;
    }
    // No object has a right before it is made, and what this domain grants it may be as new as the first look for it:
    // nobody may have seen it missing, and it has to be waited for all the same.
    let made = world.ledger.made.get(&(picture.domain.clone(), account.clone())).copied();
    let recent = |at: Steady| world.now.steady < at + waits.settled;
    let landed = match state {
        Some(PairState::Lacking { .. }) => return Some((PairEvent::Landed, None)),
        None if made.is_some_and(recent) => return Some((PairEvent::Lacking, Some(New::Account))),
        None => None,
        Some(PairState::Landed { at } | PairState::Proved { landed: at, .. }) => Some(at),
    };
    if landed.zip(made).is_some_and(|(landed, made)| landed < made) {
        return Some((PairEvent::Vanished, Some(New::Account)));
    }
    // It was shown missing when no roster named him for this account. Where the right has been there since then for as long
    // as anybody waits for one, there is nothing to wait for.
    let missing = lacked(world, pair).filter(|lacked| !lacked.came || recent(lacked.until));
    let missing = missing.map(|lacked| (lacked.until, New::Right));
    let unwatched = unwatched.map(|at| (at, New::Unwatched));
    match (missing.into_iter().chain(unwatched).max_by_key(|(until, _)| *until), landed) {
        (Some((_, new)), None) => return Some((PairEvent::Lacking, Some(new))),
        (Some((until, new)), Some(landed)) if landed < until => return Some((PairEvent::Vanished, Some(new))),
        _ => {}
    }
    match state {
        // The look must have begun late enough; when it ended does not matter.
        Some(PairState::Landed { at }) => second_look(picture, at + waits.second_look).map(|event| (event, None)),
        _ => None,
    }
}

/// When the pair was last shown without the right, and is not now; in any domain, for objects are moved.
fn lacked(world: World<'_>, pair: &Pair) -> Option<Lacked> {
    let pictures = world.estate.domains.values();
    pictures.filter_map(|picture| picture.past.of(pair.user, &pair.account)).max_by_key(|lacked| lacked.until)
}

fn second_look(picture: &DomainPicture, due: Steady) -> Option<PairEvent> {
    (picture.started >= due).then_some(PairEvent::Proved)
}

/// What it means that the picture shows that the right is missing.
fn lacks_it(state: Option<PairState>) -> Option<PairEvent> {
    match state {
        None => Some(PairEvent::Lacking),
        Some(PairState::Lacking { .. }) => None,
        Some(_) => Some(PairEvent::Vanished),
    }
}

fn written(events: Events) -> Vec<Milestone> {
    let mut milestones = Vec::new();
    for ((domain, account, event, cause), users) in events {
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
