//! Which entries to add now, and which to take away. Grants are planned from a survey; whatever was written after that
//! survey began is judged by the next one first.

use super::{Blocked, Plan, Step, hold};
use crate::coverage::placement::{GrantEntry, PlannedGrant};
use crate::coverage::verdict::Presence;
use crate::coverage::{Cause, DomainPicture, Placement, UserPicture, VerdictKind};
use crate::gate::{World, fresh};
use crate::ledger::{Effect, Intent, IntentState, Outcome, Sequence, Subject, Undo, Withdrawal};
use crate::mutation::{self, Mutation};
use crate::names::{AccountName, DirectoryName, Dn, DomainName};
use crate::policy::GrantMode;
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Attempts at one entry before a person must look at it.
pub const ATTEMPTS: usize = 3;

/// After so many attempts the next one waits this long: the cause may have been mended.
pub const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// Effects of one domain that are on their way at once: they all go to one server, and the loop hears nothing while it
/// files them.
pub const AT_ONCE: usize = 8;

pub(super) fn plan(world: World<'_>, plan: &mut Plan) {
    for domain in world.policy.domains.keys() {
        let mut blocked = BTreeSet::new();
        let mut places = BTreeSet::new();
        let open = world.ledger.open().filter(|(_, intent)| intent.effect.place().is_some_and(|(of, _)| of == domain));
        let open = open.count();
        let mut proposals = Vec::new();
        for (entry, undo) in
            world.ledger.undone.iter().filter(|(entry, undo)| entry.domain == *domain && !undo.is_done())
        {
            let effect = withdrawal(entry, undo);
            proposals.push((undo_not_now(world, entry, undo, &effect), effect));
        }
        if let Some(picture) = fresh(world, domain) {
            let wanted = Wanted::of(world, domain, picture);
            for ((user, account), why) in &picture.not_grantable {
                if wanted.pairs.contains(&(user, account)) {
                    blocked.insert(Blocked::NoHelp { why: format!("{user}: {why}") });
                }
            }
            let needs = if wanted.grants.is_empty() { Needs::none() } else { Needs::of(picture) };
            for grant in wanted.grants {
                let why = needs.missing(world, grant).or_else(|| not_now(world, grant, picture.as_of()));
                proposals.push((why, Effect::Grant(grant.clone())));
            }
        }
        for (why, effect) in proposals {
            let Some((_, place)) = effect.place() else { continue };
            if let Some(why) = why.or_else(|| stopped(world, domain, &effect)) {
                blocked.insert(why);
            } else if places.contains(place) {
                // Its turn comes when the other one has ended.
            } else if open + places.len() >= AT_ONCE {
                let why = format!("{AT_ONCE} entries of {domain} are on their way: the others follow");
                blocked.insert(Blocked::NoHelp { why });
            } else {
                places.insert(place.clone());
                plan.steps.push(Step::Act(effect));
            }
        }
        if !blocked.is_empty() {
            plan.grants.insert(domain.clone(), blocked);
        }
    }
}

/// What of a picture's proposals somebody needs: an account may serve a domain and have some of its users on its rosters only.
pub struct Wanted<'a> {
    /// Users whom no grant of ours covers, with the account that is to have the right on them.
    pairs: BTreeSet<(&'a DirectoryName, &'a AccountName)>,
    /// Grants that cover one of them.
    pub grants: BTreeSet<&'a PlannedGrant>,
}

impl<'a> Wanted<'a> {
    /// Of this domain. Nobody is gone through where nothing is proposed.
    #[must_use]
    pub fn of(world: World<'a>, domain: &'a DomainName, picture: &'a DomainPicture) -> Self {
        let (mut pairs, mut grants) = (BTreeSet::new(), BTreeSet::new());
        let proposes = !(picture.grants.is_empty() && picture.not_grantable.is_empty());
        for (name, goodlink) in world.policy.goodlink_in(domain).filter(|_| proposes) {
            let account = &goodlink.service_account;
            for user in world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values()) {
                let Some(Presence::Here(here)) = picture.users.get(user) else { continue };
                match here.placements.get(account) {
                    Some(Placement::Grant(grant)) => drop(grants.insert(grant.as_ref())),
                    Some(Placement::None(_)) => drop(pairs.insert((user, account))),
                    None => {}
                }
            }
        }
        Self { pairs, grants }
    }
}

/// What keeps everything from being written in a domain: it is left to people, or held.
fn stopped(world: World<'_>, domain: &DomainName, effect: &Effect) -> Option<Blocked> {
    match world.policy.domains.get(domain).map(|policy| policy.grants) {
        Some(GrantMode::Apply) => hold::blocking(world, || hold::over_domain(domain)).into_iter().next(),
        Some(GrantMode::Advise) => Some(left_to_the_team(effect)),
        None => Some(Blocked::NoHelp { why: format!("{domain} is not configured any more") }),
    }
}

/// Whether an intent that was filed earlier may be written now: the same conditions under which it was planned. It is
/// asked right before the write, for the way there takes its time (invariant 7).
///
/// # Errors
/// What speaks against it.
pub fn may_write(world: World<'_>, id: Sequence) -> Result<(), Box<Blocked>> {
    let no = |why: String| Some(Blocked::NoHelp { why });
    let known = world.ledger.intents.get(&id).filter(|intent| intent.state.is_open());
    let why = match known.map(|intent| &intent.effect) {
        Some(effect @ Effect::Grant(grant)) => {
            let picture = fresh(world, &grant.domain);
            let proposed = |picture: &&DomainPicture| {
                let known = picture.grants.contains(grant);
                known && Wanted::of(world, &grant.domain, picture).grants.contains(grant)
            };
            stopped(world, &grant.domain, effect).or_else(|| undid(world, effect, &grant.entry())).or_else(|| {
                match picture.filter(proposed) {
                    Some(picture) => Needs::of(picture).missing(world, grant),
                    None => no("the last survey does not propose it any more".to_owned()),
                }
            })
        }
        Some(effect @ Effect::Withdraw(Withdrawal { entry, .. })) => {
            stopped(world, &entry.domain, effect).or_else(|| match world.ledger.undone.get(entry) {
                Some(undo) if !undo.is_done() => None,
                _ => no("nobody wants it any more".to_owned()),
            })
        }
        Some(other) => no(format!("{other} is written to no directory")),
        None => no(format!("no open intent {id} is in the journal")),
    };
    why.map_or(Ok(()), |why| Err(Box::new(why)))
}

fn left_to_the_team(effect: &Effect) -> Blocked {
    Blocked::Policy { setting: format!("grants.mode is advise: {effect} is left to the directory team") }
}

/// The effect that carries an undo out.
fn withdrawal(entry: &GrantEntry, undo: &Undo) -> Effect {
    Effect::Withdraw(Withdrawal { grant: undo.grant, account: undo.account.clone(), entry: entry.clone() })
}

/// Intents that write on this place.
fn on_place<'a>(
    world: World<'a>,
    domain: &'a DomainName,
    place: &'a Dn,
) -> impl Iterator<Item = (Sequence, &'a Intent)> {
    let intents = world.ledger.intents.iter().map(|(id, intent)| (*id, intent));
    intents.filter(move |(_, intent)| intent.effect.place() == Some((domain, place)))
}

/// One write at a time on a place: the entries expected there would not be those any more. While it is being found out what
/// became of one, another one of the same entry would be taken for it.
fn under_way(world: World<'_>, domain: &DomainName, place: &Dn) -> Option<Blocked> {
    let going_on = |intent: &Intent| intent.state.is_open() || intent.state.is_unknown();
    let (_, open) =
        on_place(world, domain, place).find(|(_, intent)| going_on(intent) && !mutation::is(Mutation::PlannedTwice))?;
    Some(Blocked::NoHelp { why: format!("{} is under way", open.effect) })
}

fn resting(world: World<'_>, effect: &Effect, failures: &[(&str, Steady)]) -> Option<Blocked> {
    let (last, at) = failures.last()?;
    (failures.len() >= ATTEMPTS && world.now.steady < *at + RETRY_AFTER)
        .then(|| Blocked::Tried { what: format!("{effect} failed {} times: {last}", failures.len()) })
}

fn failed(intent: &Intent) -> Option<(&str, Steady)> {
    match &intent.state {
        IntentState::Ended { outcome: Outcome::Failed { detail } | Outcome::Unknown { detail }, at } => {
            Some((detail, *at))
        }
        _ => None,
    }
}

fn undo_not_now(world: World<'_>, entry: &GrantEntry, undo: &Undo, effect: &Effect) -> Option<Blocked> {
    let tries = on_place(world, &entry.domain, &entry.place);
    let tries = tries.filter(|(id, intent)| *id > undo.request && intent.effect == *effect);
    let failures: Vec<_> = tries.filter_map(|(_, intent)| failed(intent)).collect();
    under_way(world, &entry.domain, &entry.place).or_else(|| resting(world, effect, &failures))
}

fn undid(world: World<'_>, effect: &Effect, entry: &GrantEntry) -> Option<Blocked> {
    let undo = world.ledger.undone.get(entry)?;
    Some(Blocked::Policy {
        setting: format!(
            "{} undid {effect} ({}): it is planned again after `sendgate grants redo {}`",
            undo.by, undo.reason, undo.grant
        ),
    })
}

fn not_now(world: World<'_>, grant: &PlannedGrant, seen: Steady) -> Option<Blocked> {
    let (effect, entry) = (Effect::Grant(grant.clone()), grant.entry());
    let other = undid(world, &effect, &entry).or_else(|| under_way(world, &grant.domain, &grant.place));
    if other.is_some() {
        return other;
    }
    let (mut failures, mut losses) = (Vec::new(), Vec::new());
    for (id, intent) in on_place(world, &grant.domain, &grant.place) {
        if let IntentState::Ended { at, .. } = &intent.state
            && *at >= seen
        {
            return Some(Blocked::NoHelp { why: format!("the next survey will show what came of: {}", intent.effect) });
        }
        if intent.effect.entry().as_ref() == Some(&entry) && matches!(intent.effect, Effect::Grant(_)) {
            failures.extend(failed(intent));
            losses.extend(world.ledger.lost.get(&id));
        }
    }
    resting(world, &effect, &failures).or_else(|| {
        // Somebody who takes it away each time is not to be answered with a quarrel between two programs.
        let last = losses.last()?;
        (losses.len() >= ATTEMPTS && world.now.steady < last.at + RETRY_AFTER)
            .then(|| Blocked::Tried { what: format!("{effect} was lost {} times: {}", losses.len(), last.cause) })
    })
}

/// What stands between a planned grant and its being written: the planner asks again, for a picture may be older than
/// the approval that it was made under.
struct Needs<'a> {
    /// Users who are denied or protected, by where they are.
    special: BTreeMap<&'a Dn, Vec<(&'a DirectoryName, &'a UserPicture)>>,
}

impl<'a> Needs<'a> {
    fn none() -> Self {
        Self { special: BTreeMap::new() }
    }

    fn of(picture: &'a DomainPicture) -> Self {
        let mut special: BTreeMap<&Dn, Vec<_>> = BTreeMap::new();
        for (name, presence) in &picture.users {
            let Presence::Here(here) = presence else { continue };
            let marked = |kind: VerdictKind, cause: &Cause| {
                kind == VerdictKind::Denied || matches!(cause, Cause::Protected { .. })
            };
            if here.verdicts.values().any(|verdict| marked(verdict.kind, &verdict.cause)) {
                special.entry(&here.dn).or_default().push((name, here.as_ref()));
            }
        }
        Self { special }
    }

    fn missing(&self, world: World<'_>, grant: &PlannedGrant) -> Option<Blocked> {
        let entry = grant.entry();
        if entry.is_on_holder() {
            let account = grant.account.clone();
            return unapproved(world, Subject::AdminSdHolder { domain: grant.domain.clone(), account }, None);
        }
        for (name, here) in self.special.get(&grant.place).into_iter().flatten() {
            let Some(verdict) = here.verdicts.get(&grant.account) else { continue };
            if matches!(verdict.cause, Cause::Protected { .. }) {
                return Some(Blocked::NoHelp { why: format!("{name}: nothing is written on him: {}", verdict.cause) });
            }
            // What another account is denied is nothing to this one.
            let denied = |kind: VerdictKind| kind == VerdictKind::Denied;
            if !denied(verdict.kind) && !verdict.servers.values().any(|server| denied(server.kind)) {
                continue;
            }
            let subject = Subject::Override { user: here.guid, account: grant.account.clone() };
            if let Some(why) = unapproved(world, subject, Some(name)) {
                return Some(why);
            }
        }
        None
    }
}

fn unapproved(world: World<'_>, subject: Subject, called: Option<&DirectoryName>) -> Option<Blocked> {
    (!world.ledger.approved(&subject))
        .then(|| Blocked::Policy { setting: format!("nobody has approved {}", subject.text(called)) })
}

/// Roster users whose right seems to come from this entry, by the last picture of its domain.
#[must_use]
pub fn uncovers<'a>(world: World<'a>, entry: &GrantEntry) -> BTreeSet<&'a DirectoryName> {
    let Some(picture) = world.estate.domains.get(&entry.domain) else { return BTreeSet::new() };
    let users = picture.users.iter().filter_map(|(name, presence)| match presence {
        Presence::Here(here) => Some((name, here)),
        _ => None,
    });
    let through = |here: &UserPicture| here.verdicts.values().any(|verdict| entry.decides(&here.dn, verdict));
    users.filter(|(_, here)| through(here)).map(|(name, _)| name).collect()
}
