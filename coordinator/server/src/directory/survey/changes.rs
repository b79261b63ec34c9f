//! A look at what has changed on one server since the last one, by update sequence number (MS-ADTS 3.1.1.1.9).
//!
//! 1. One search returns every object of the domain that was changed, made or deleted, with what is read of users.
//! 2. What it is decides what it can touch: a user himself; a container all users below it, whose own number inheritance
//!    does not move; a group the tokens of the service accounts and who is protected; AdminSDHolder who is protected.
//! 3. Just that is read again. What is known changes only where nothing has to be waited for, so that a look which is cut
//!    short is made up for by the next one.

use super::super::entry::Entry;
use super::super::session::{DESCRIPTOR, Session};
use super::super::{DirectoryError, filter, root};
use super::account;
use super::containers::{holder, read_holder};
use super::full::{READ_EVERYBODY_FROM, attributes, look_up};
use super::lookup::EVERYBODY;
use super::place::{in_domain, within};
use super::progress::Report;
use super::protection::{self, Protection};
use super::state::{Asked, Delta, Flow, State};
use super::user;
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The first pause before what lies below a changed container is read again; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest such pause. After it the next full reading is near.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Pauses are at least so many times as long as the reading took: what is read for nothing stays a small part.
const PAUSE_PER_READING: u32 = 30;

/// Objects whose presence one look asks about: some searches for a few dozen numbers that every server has an index of.
const SWEPT: usize = 200;

/// Objects in one such search.
const GUIDS_PER_SEARCH: usize = 50;

/// How long a server may take to say how far its changes go: it has nothing to search for that.
const ANSWER: Duration = Duration::from_secs(10);

/// What came of a look.
#[derive(Debug)]
pub(super) enum Looked {
    /// Everything is known again.
    Known(Delta),
    /// Only a full reading tells; why.
    Unclear(&'static str),
}

/// Objects that have changed, by what they can touch.
#[derive(Debug, Default)]
struct Changed {
    /// Users, whether they answer a name or not any more.
    users: BTreeSet<Guid>,
    containers: BTreeMap<Dn, DescriptorReading>,
    holder: bool,
    protection: bool,
    /// A group: whoever is in it may be a service account.
    groups: bool,
    /// A service account itself, or somebody of its name.
    accounts: bool,
    unclear: Option<&'static str>,
    /// How many were shown, each with an update sequence number of its own.
    shown: u64,
}

/// Looks at what has changed. `now` is when the look began.
///
/// # Errors
/// A search that was not complete; then the next look begins where this one did.
pub(super) async fn look(state: &mut State, session: &Session, now: Steady) -> Result<Looked, DirectoryError> {
    let Ok(usn) = timeout(ANSWER, root::usn(session)).await else {
        let (server, attempt) = (session.server().shown(), "asking whether anything has changed".to_owned());
        return Err(DirectoryError::TimedOut { server, attempt, limit: ANSWER });
    };
    let usn = usn?;
    let mut delta = Delta::default();
    if usn < state.usn {
        return Ok(Looked::Unclear("the server's update sequence numbers went back: it was restored from a backup"));
    }
    if usn > state.usn {
        let changed = changed(state, session).await?;
        if let Some(why) = changed.unclear {
            return Ok(Looked::Unclear(why));
        }
        state.sweep.again |= may_hide(changed.shown, state.usn, usn);
        follow(state, session, changed, &mut delta).await?;
        state.usn = usn;
    }
    let due: Vec<Dn> =
        state.flowing.iter().filter(|(_, flow)| flow.due <= Instant::now()).map(|(dn, _)| dn.clone()).collect();
    for top in due {
        below(state, session, &top).await?;
    }
    sweep(state, session).await?;
    delta.containers = state.containers.touched();
    delta.users = state.answers.touched();
    state.seen = now;
    Ok(Looked::Known(delta))
}

/// Whether something may have changed between two update sequence numbers that was not shown: in another partition, or it
/// was deleted. Each number that no shown object has may be one of those, whatever was shown after it.
fn may_hide(shown: u64, from: u64, to: u64) -> bool {
    shown < to.saturating_sub(from)
}

/// Searches for what has changed, and takes the users.
async fn changed(state: &mut State, session: &Session) -> Result<Changed, DirectoryError> {
    let mut all = attributes();
    all.extend(["isDeleted", "uSNChanged"]);
    let filter = filter::at_least("uSNChanged", state.usn.saturating_add(1));
    let (head, mut changed) = (state.head.clone(), Changed::default());
    session
        .each_or_deleted("reading what has changed", head.as_str(), &filter, &all, |entry| {
            changed.shown += u64::from(entry.texts("uSNChanged").next().is_some());
            if in_domain(&entry.dn, &head) {
                sort(state, &entry, &mut changed);
            }
            Ok(())
        })
        .await?;
    Ok(changed)
}

fn sort(state: &mut State, entry: &Entry, changed: &mut Changed) {
    let guid = user::guid(entry).ok();
    if let Some(known) = guid.and_then(|guid| state.containers.place(guid)) {
        let dn = Dn::from(entry.dn.as_str());
        if *known != dn || is_deleted(entry) {
            changed.unclear = Some("a unit above users was renamed, moved or deleted");
            return;
        }
        let shown = state.lens.descriptors.of(entry);
        if state.fresh.contains(&dn) || !state.containers.is(&dn, &shown) {
            changed.containers.insert(dn, shown);
        }
        return;
    }
    if Dn::from(entry.dn.as_str()) == holder(&state.head) {
        changed.holder = true;
    }
    let is = |class: &str| entry.texts("objectClass").any(|name| name.eq_ignore_ascii_case(class));
    if is("group") || is("foreignSecurityPrincipal") {
        changed.groups = true;
        // What is not among these groups cannot lead into them without one of them changing.
        changed.protection |= user::sid(entry).is_ok_and(|sid| state.lens.protection.has(&sid));
        return;
    }
    if !is("user") {
        // Something that has lost its class, or that was moved out of sight.
        if let Some(guid) = guid.filter(|guid| state.answers.knows(*guid)) {
            state.answers.forget(guid);
        }
        return;
    }
    changed.accounts |= is_account(state, entry);
    if is("computer") {
        return;
    }
    match guid {
        Some(guid) if is_deleted(entry) => state.answers.forget(guid),
        _ => {
            if state.answers.take(entry, &mut state.lens) {
                changed.users.extend(guid);
            }
        }
    }
}

fn is_deleted(entry: &Entry) -> bool {
    entry.texts("isDeleted").any(|value| value.eq_ignore_ascii_case("TRUE"))
}

/// Whether a user is a service account, or has the name of one.
fn is_account(state: &State, entry: &Entry) -> bool {
    let (dn, sid) = (Dn::from(entry.dn.as_str()), user::sid(entry).ok());
    let called = |sam: &str| entry.texts("sAMAccountName").any(|name| name.to_lowercase() == sam);
    state.accounts.iter().any(|(name, reading)| {
        let known = reading.as_ref().is_ok_and(|known| known.dn == dn || Some(&known.sid) == sid.as_ref());
        known || called(name.sam.as_str())
    })
}

/// Reads again what a change can have touched.
async fn follow(
    state: &mut State,
    session: &Session,
    changed: Changed,
    delta: &mut Delta,
) -> Result<(), DirectoryError> {
    // Everything that has to be waited for comes first.
    let head = state.head.clone();
    let rules = protection::rules(session, &state.configuration, &state.asked.wanted.protection).await?;
    let protection = if changed.protection || rules != *state.lens.protection.rules() {
        Some(protection::read(session, &head, rules).await?)
    } else {
        None
    };
    let accounts = if changed.accounts || changed.groups {
        let (wanted, before) = (&state.asked.wanted, (!changed.accounts).then_some(&state.accounts));
        Some(account::read(session, &head, &wanted.accounts, &wanted.known, before).await?)
    } else {
        None
    };
    let shown = if changed.holder { Some(read_holder(session, &head, &state.lens.descriptors).await?) } else { None };
    gone(state, session, &changed.users).await?;
    let missing = state.containers.missing(&head, state.answers.places_of(&changed.users));
    let mut fresh: HashSet<Dn> = missing.iter().cloned().collect();
    state.fresh.extend(missing.iter().cloned());
    state.containers.read(session, &head, missing, &state.lens.descriptors).await?;
    let tops: Vec<Dn> = changed
        .containers
        .keys()
        .filter(|dn| !changed.containers.keys().any(|other| other != *dn && within(dn.as_str(), other)))
        .cloned()
        .collect();
    for top in tops {
        let flow = Flow { due: Instant::now(), pause: FIRST_PAUSE };
        state.flowing.insert(top.clone(), flow);
        fresh.extend(below(state, session, &top).await?);
    }
    // From here on nothing is waited for.
    changed.containers.into_iter().for_each(|(dn, shown)| state.containers.put(&dn, shown));
    state.fresh = fresh;
    protect(state, protection);
    delta.accounts = accounts.filter(|accounts| *accounts != state.accounts);
    if let Some(accounts) = &delta.accounts {
        state.accounts.clone_from(accounts);
    }
    delta.holder = shown.filter(|shown| !super::descriptors::same(shown, &state.holder));
    if let Some(holder) = &delta.holder {
        state.holder.clone_from(holder);
    }
    Ok(())
}

fn protect(state: &mut State, protection: Option<Protection>) {
    if let Some(protection) = protection.filter(|protection| !protection.same(&state.lens.protection)) {
        state.lens.protection = protection;
        state.answers.protect(&mut state.lens);
    }
}

/// Where a name is answered by somebody else than before: a reader who may not see what was deleted is not told of that.
async fn gone(state: &mut State, session: &Session, users: &BTreeSet<Guid>) -> Result<(), DirectoryError> {
    for (guid, dn) in state.answers.rivals(users) {
        let there = session.object(dn.as_str(), &["objectGUID"]).await?;
        if there.and_then(|entry| user::guid(&entry).ok()) != Some(guid) {
            state.answers.forget(guid);
        }
    }
    Ok(())
}

/// Asks whether some of the known objects are still there, if something was changed that was not shown.
async fn sweep(state: &mut State, session: &Session) -> Result<(), DirectoryError> {
    if state.sweep.left.is_empty() && std::mem::take(&mut state.sweep.again) {
        state.sweep.left = state.answers.guids();
    }
    let from = state.sweep.left.len().saturating_sub(SWEPT);
    let some: Vec<Guid> = state.sweep.left.get(from..).unwrap_or_default().to_vec();
    for some in some.chunks(GUIDS_PER_SEARCH) {
        let filter = filter::any(some.iter().map(|guid| filter::equals_bytes("objectGUID", &guid.to_bytes())));
        let mut there = BTreeSet::new();
        session
            .each("asking whether users are still there", state.head.as_str(), &filter, &["objectGUID"], |entry| {
                there.extend(user::guid(&entry).ok());
                Ok(())
            })
            .await?;
        for guid in some.iter().filter(|guid| !there.contains(*guid)) {
            state.answers.forget(*guid);
        }
    }
    state.sweep.left.truncate(from);
    Ok(())
}

/// Reads the descriptors of the users and containers below a container again, and notes when to do so the next time.
async fn below(state: &mut State, session: &Session, top: &Dn) -> Result<BTreeSet<Dn>, DirectoryError> {
    let began = Instant::now();
    let (head, descriptors) = (state.head.clone(), state.lens.descriptors.clone());
    let within = state.containers.within(top);
    let mut shown: Vec<(Guid, DescriptorReading)> = Vec::new();
    session
        .each("reading descriptors again", top.as_str(), EVERYBODY, &["objectGUID", DESCRIPTOR], |entry| {
            if let Some(guid) = user::guid(&entry).ok().filter(|guid| state.answers.knows(*guid)) {
                shown.push((guid, descriptors.of(&entry)));
            }
            Ok(())
        })
        .await?;
    let mut containers = super::containers::Containers::default();
    state.fresh.extend(within.iter().cloned());
    containers.read(session, &head, within.clone(), &descriptors).await?;
    for (guid, shown) in shown {
        state.answers.descriptor(guid, shown);
    }
    for (dn, shown) in containers.shown() {
        state.containers.put(dn, shown.clone());
    }
    if let Some(flow) = state.flowing.get_mut(top) {
        let now = Instant::now();
        let pause = flow.pause.max(began.elapsed() * PAUSE_PER_READING);
        *flow = Flow { due: now + pause, pause: next_pause(flow.pause, began.elapsed()) };
    }
    Ok(within)
}

/// The pause after the next one: twice as long, but not longer than the longest, unless reading takes so long.
fn next_pause(pause: Duration, took: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE).max(took * PAUSE_PER_READING)
}

/// Takes over what is wanted now: looks new names up, reads accounts and protection where they are other ones.
///
/// # Errors
/// A search that was not complete; then only a full reading helps.
pub(super) async fn want(state: &mut State, session: &Session, asked: Asked) -> Result<Looked, DirectoryError> {
    let (old, new) = (state.asked.wanted.clone(), asked.wanted.clone());
    let head = state.head.clone();
    // Before anything is changed: what is known goes on being looked at until the full reading is through.
    if new.asked.difference(&old.asked).take(READ_EVERYBODY_FROM).count() == READ_EVERYBODY_FROM {
        return Ok(Looked::Unclear("many names are new"));
    }
    let mut delta = Delta::default();
    let protection = if old.protection == new.protection {
        None
    } else {
        let rules = protection::rules(session, &state.configuration, &new.protection).await?;
        Some(protection::read(session, &head, rules).await?)
    };
    if (&old.accounts, &old.known) != (&new.accounts, &new.known) {
        delta.accounts = Some(account::read(session, &head, &new.accounts, &new.known, None).await?);
    }
    if old.asked != new.asked {
        let numbers = state.answers.change(asked.roster.clone());
        let report = Report::nobody(session.server().name.clone());
        look_up(session, &head, &numbers, &mut state.answers, &mut state.lens, &report).await?;
        let missing = state.containers.missing(&head, state.answers.places());
        state.fresh.extend(missing.iter().cloned());
        state.containers.read(session, &head, missing, &state.lens.descriptors).await?;
        delta.containers = state.containers.touched();
    }
    protect(state, protection);
    if let Some(accounts) = &delta.accounts {
        state.accounts.clone_from(accounts);
    }
    state.asked = asked;
    delta.users = state.answers.touched();
    Ok(Looked::Known(delta))
}

#[cfg(test)]
mod tests;
