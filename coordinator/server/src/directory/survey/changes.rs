//! A look at what has changed on one server since the last one, by update sequence number (MS-ADTS 3.1.1.1.9).
//!
//! 1. One search returns every object of the domain that was changed, made or deleted, with what is read of users.
//! 2. What it is decides what it can touch: a user himself; a container all users below it, whose own number inheritance
//!    does not move; a group the tokens of the service accounts and who is protected; AdminSDHolder who is protected.
//! 3. Just that is read again. What is known changes only where nothing has to be waited for, so that a look which is cut
//!    short is made up for by the next one.
//! 4. `again` reads what no number tells of: descriptors that inheritance changes, whether users are still there. The
//!    groups of service accounts, which other domains change as well, are read again every [`ACCOUNTS_EVERY`], and sooner
//!    where something has changed that was not shown.

mod again;

use super::super::entry::Entry;
use super::super::session::Session;
use super::super::{DirectoryError, filter, root};
use super::account;
use super::containers::{holder, read_holder};
use super::full::{READ_EVERYBODY_FROM, attributes, look_up};
use super::place::{in_domain, within};
use super::progress::Report;
use super::protection::{self, Protection};
use super::state::{Asked, Delta, State};
use super::{Wanted, user};
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a server may take to say how far its changes go: it has nothing to search for that.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// The groups of service accounts are read again after this: what other domains change in them shows no change here. A
/// handful of searches by indexed attributes for each account.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(30);

/// And after this where something has changed that was not shown, which may be a group that was deleted. On a busy server
/// that is at each look.
const DOUBTED_EVERY: Duration = Duration::from_secs(5);

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

/// Looks at what has changed. `now` is when the look began; the server's first answer is waited for as long as `patience`.
///
/// # Errors
/// A search that was not complete; then the next look begins where this one did.
pub(super) async fn look(
    state: &mut State,
    session: &Session,
    now: Steady,
    patience: Duration,
) -> Result<Looked, DirectoryError> {
    let Ok(usn) = timeout(patience, root::usn(session)).await else {
        let (server, attempt) = (session.server().shown(), "asking whether anything has changed".to_owned());
        return Err(DirectoryError::TimedOut { server, attempt, limit: patience });
    };
    let usn = usn?;
    if usn < state.usn {
        state.unclear = Some("the server's update sequence numbers went back: it was restored from a backup");
    }
    if usn > state.usn {
        let changed = changed(state, session, usn).await?;
        state.unclear = state.unclear.or(changed.unclear);
        if state.unclear.is_none() {
            if may_hide(changed.shown, state.usn, usn) {
                (state.sweep.again, state.accounts_doubted) = (true, true);
            }
            follow(state, session, changed).await?;
            state.usn = usn;
        }
    }
    if let Some(why) = state.unclear {
        return Ok(Looked::Unclear(why));
    }
    again::flows(state, session).await?;
    let pause = if state.accounts_doubted { DOUBTED_EVERY } else { ACCOUNTS_EVERY };
    if state.accounts_read.elapsed() >= pause {
        read_accounts(state, session).await?;
    }
    again::sweep(state, session).await?;
    state.seen = now;
    Ok(Looked::Known(state.delta()))
}

/// Reads the service accounts again, but for those of this domain that were not there: they cannot come without a change that
/// is shown.
async fn read_accounts(state: &mut State, session: &Session) -> Result<(), DirectoryError> {
    let (wanted, began) = (state.asked.wanted.clone(), Instant::now());
    let accounts = account::read(session, &state.head, &wanted.accounts, &wanted.known, Some(&state.accounts)).await?;
    state.put_accounts(accounts, began);
    Ok(())
}

/// Whether something may have changed between two update sequence numbers that was not shown: in another partition, or it
/// was deleted. Each number that no shown object has may be one of those, whatever was shown after it.
fn may_hide(shown: u64, from: u64, to: u64) -> bool {
    shown < to.saturating_sub(from)
}

/// Searches for what has changed, and takes the users.
async fn changed(state: &mut State, session: &Session, usn: u64) -> Result<Changed, DirectoryError> {
    let mut all = attributes();
    all.push("isDeleted");
    let filter = filter::at_least(user::CHANGED, state.usn.saturating_add(1));
    let (head, mut changed) = (state.head.clone(), Changed::default());
    // What has changed after the server was asked how far its changes go accounts for none of those up to there.
    let counts = |number: &str| number.parse::<u64>().is_ok_and(|number| number <= usn);
    session
        .each_or_deleted("reading what has changed", head.as_str(), &filter, &all, |entry| {
            changed.shown += u64::from(entry.texts(user::CHANGED).any(counts));
            if in_domain(&entry.dn, &head) {
                sort(state, &entry, &mut changed);
            }
            Ok(())
        })
        .await?;
    Ok(changed)
}

fn sort(state: &mut State, entry: &Entry, changed: &mut Changed) {
    let (guid, dn) = (user::guid(entry).ok(), Dn::from(entry.dn.as_str()));
    if let Some(known) = guid.and_then(|guid| state.containers.place(guid)) {
        if *known != dn || is_deleted(entry) {
            changed.unclear = Some("a unit above users was renamed, moved or deleted");
            if !is_deleted(entry) {
                again::begin(state, dn);
            }
            return;
        }
        let shown = state.lens.descriptors.of(entry);
        if state.fresh.contains(&dn) || !state.containers.is(&dn, &shown) {
            changed.containers.insert(dn, shown);
        }
        return;
    }
    if state.containers.shown().contains_key(&dn) {
        // Of the one that bore this name before nothing more is heard, and this one has a list of its own.
        changed.unclear = Some("a unit above users was made again, or was not shown before");
        again::begin(state, dn);
        return;
    }
    if dn == holder(&state.head) {
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
            let before = guid.and_then(|guid| state.answers.place(guid)).cloned();
            if state.answers.take(entry, &mut state.lens) {
                // Servers that are told of a move by another one bring what is inherited at the new place later. By its unit,
                // for of users nothing on its way is followed beyond a full reading.
                let unit = dn.parent().filter(|_| before.as_ref().is_some_and(|before| before.parent() != dn.parent()));
                if let Some(unit) = unit {
                    again::begin(state, unit);
                }
                // Kept where the next look finds it, should this one fail: by then the new name is the known one.
                state.renamed |= before != Some(dn);
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
async fn follow(state: &mut State, session: &Session, changed: Changed) -> Result<(), DirectoryError> {
    // Everything that has to be waited for comes first.
    let (head, began) = (state.head.clone(), Instant::now());
    let rules = protection::rules(session, &state.configuration, &state.asked.wanted.protection).await?;
    let protection = if state.renamed || changed.protection || rules != *state.lens.protection.rules() {
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
        fresh.extend(again::changed(state, session, &top).await?);
    }
    // From here on nothing is waited for.
    changed.containers.into_iter().for_each(|(dn, shown)| state.containers.put(&dn, shown));
    state.fresh = fresh;
    protect(state, protection);
    if let Some(accounts) = accounts {
        state.put_accounts(accounts, began);
    }
    if let Some(holder) = shown {
        state.put_holder(holder);
    }
    Ok(())
}

/// Who is protected, as it was read now.
fn protect(state: &mut State, protection: Option<Protection>) {
    let Some(protection) = protection else { return };
    // In the same groups somebody may be by his new name.
    let renamed = std::mem::take(&mut state.renamed);
    if renamed || !protection.same(&state.lens.protection) {
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

/// Takes over which accounts are wanted now, and what other domains show of them: what an account has lost there is not to
/// count until a full reading is through, or be passed on by one that began before.
///
/// # Errors
/// A search that was not complete; what is wanted of accounts is not taken over then.
pub(super) async fn want_accounts(state: &mut State, session: &Session, new: &Wanted) -> Result<(), DirectoryError> {
    let (old, head, began) = (Arc::clone(&state.asked.wanted), state.head.clone(), Instant::now());
    if (&old.accounts, &old.known) == (&new.accounts, &new.known) {
        return Ok(());
    }
    let accounts = account::read(session, &head, &new.accounts, &new.known, None).await?;
    state.put_accounts(accounts, began);
    let (accounts, known) = (new.accounts.clone(), new.known.clone());
    state.asked.wanted = Arc::new(Wanted { accounts, known, ..old.as_ref().clone() });
    Ok(())
}

/// Takes over what is wanted now: looks new names up, reads accounts and protection where they are other ones.
///
/// # Errors
/// A search that was not complete; then only a full reading helps.
pub(super) async fn want(state: &mut State, session: &Session, asked: Asked) -> Result<Looked, DirectoryError> {
    let (old, new) = (state.asked.wanted.clone(), asked.wanted.clone());
    let head = state.head.clone();
    want_accounts(state, session, &new).await?;
    // Before anything else is changed: what is known goes on being looked at until the full reading is through.
    if new.asked.difference(&old.asked).take(READ_EVERYBODY_FROM).count() == READ_EVERYBODY_FROM {
        return Ok(Looked::Unclear("many names are new"));
    }
    let mut met = false;
    if old.asked != new.asked {
        let numbers = state.answers.change(asked.roster.clone());
        met = !numbers.is_empty();
        let report = Report::nobody(session.server().name.clone());
        look_up(session, &head, &numbers, &mut state.answers, &mut state.lens, &report).await?;
        let missing = state.containers.missing(&head, state.answers.places());
        state.fresh.extend(missing.iter().cloned());
        state.containers.read(session, &head, missing, &state.lens.descriptors).await?;
    }
    // After the users: whoever is renamed from here on has another name than he is known by, and the next look sees that.
    if met || old.protection != new.protection {
        state.renamed |= met;
        let rules = protection::rules(session, &state.configuration, &new.protection).await?;
        protect(state, Some(protection::read(session, &head, rules).await?));
    }
    // A name that was not wanted for a moment may have been forgotten by whoever is told: it is told everything.
    let another = !Arc::ptr_eq(&state.asked.roster, &asked.roster);
    state.asked = asked;
    let mut delta = state.delta();
    if another {
        delta.users = state.answers.all().into_iter().collect();
    }
    Ok(Looked::Known(delta))
}

#[cfg(test)]
pub(super) mod tests;
