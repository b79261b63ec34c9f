//! What no update sequence number tells of: descriptors that inheritance changes, and users who were deleted out of the
//! reader's sight, or whose change took the sight of their numbers away.

use super::super::super::DirectoryError;
use super::super::super::filter;
use super::super::super::session::{DESCRIPTOR, Session};
use super::super::containers::Containers;
use super::super::lookup::EVERYBODY;
use super::super::state::{Flow, State};
use super::super::user;
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// The first pause before what lies below a changed container is read again; each one after it is twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Pauses are at least so many times as long as the reading took: what is read for nothing stays a small part.
const PAUSE_PER_READING: u32 = 30;

/// For how long a container's change may be on its way to what is below it: Windows takes minutes to hours.
pub(super) const UNDER_WAY: Duration = Duration::from_secs(12 * 3600);

/// Objects whose presence one look asks about: some searches for a few dozen numbers that every server has an index of.
const SWEPT: usize = 200;

/// What is asked for then. Everybody may read the first by the schema's default, but not the second.
const PRESENCE: [&str; 2] = ["objectGUID", user::CHANGED];

/// Objects in one such search.
const GUIDS_PER_SEARCH: usize = 50;

/// Asks whether some of the known objects are still there, and would show a change, if something was changed that was not
/// shown.
pub(super) async fn sweep(state: &mut State, session: &Session) -> Result<(), DirectoryError> {
    if state.sweep.begins() {
        state.sweep.again = false;
        state.sweep.left = state.answers.guids();
    }
    let from = state.sweep.left.len().saturating_sub(SWEPT);
    let some: Vec<Guid> = state.sweep.left.get(from..).unwrap_or_default().to_vec();
    for some in some.chunks(GUIDS_PER_SEARCH) {
        let filter = filter::any(some.iter().map(|guid| filter::equals_bytes("objectGUID", &guid.to_bytes())));
        let mut there = BTreeMap::new();
        session
            .each("asking whether users are still there", state.head.as_str(), &filter, &PRESENCE, |entry| {
                there.extend(user::guid(&entry).ok().map(|guid| (guid, entry.texts(user::CHANGED).next().is_some())));
                Ok(())
            })
            .await?;
        for guid in some {
            match there.get(guid) {
                None => state.answers.forget(*guid),
                Some(false) => state.answers.unseen(*guid),
                Some(true) => {}
            }
        }
    }
    state.sweep.left.truncate(from);
    Ok(())
}

/// What lies below a container is to be read again from now on, as what has changed there arrives.
pub(super) fn begin(state: &mut State, top: Dn) {
    let now = Instant::now();
    state.flowing.insert(top, Flow { since: now, due: now, pause: FIRST_PAUSE });
}

/// What lies below a container that was seen to have changed: read now, and again as the change arrives.
pub(super) async fn changed(state: &mut State, session: &Session, top: &Dn) -> Result<BTreeSet<Dn>, DirectoryError> {
    begin(state, top.clone());
    below(state, session, top).await
}

/// Reads again what lies below containers whose time has come.
pub(super) async fn flows(state: &mut State, session: &Session) -> Result<(), DirectoryError> {
    let due: Vec<Dn> =
        state.flowing.iter().filter(|(_, flow)| flow.due <= Instant::now()).map(|(dn, _)| dn.clone()).collect();
    for top in due {
        below(state, session, &top).await?;
    }
    Ok(())
}

/// What is read of users there.
const BELOW: [&str; 3] = ["objectGUID", DESCRIPTOR, user::CHANGED];

/// Reads the descriptors of the users and containers below a container again, and notes when to do so the next time.
async fn below(state: &mut State, session: &Session, top: &Dn) -> Result<BTreeSet<Dn>, DirectoryError> {
    let began = Instant::now();
    let (head, descriptors) = (state.head.clone(), state.lens.descriptors.clone());
    let within = state.containers.within(top);
    let (mut shown, mut unseen) = (HashMap::<Guid, DescriptorReading>::new(), Vec::new());
    // A search below what is not there would be an error, and so it would be at each look from now on.
    let there = session.object(top.as_str(), &["objectGUID"]).await?.is_some();
    if there {
        let read = session
            .each("reading descriptors again", top.as_str(), EVERYBODY, &BELOW, |entry| {
                if let Some(guid) = user::guid(&entry).ok().filter(|guid| state.answers.knows(*guid)) {
                    shown.insert(guid, descriptors.of(&entry));
                    unseen.extend(entry.texts(user::CHANGED).next().is_none().then_some(guid));
                }
                Ok(())
            })
            .await;
        if let Err(error) = read {
            apply(state, shown);
            return Err(error);
        }
    }
    let mut containers = Containers::default();
    state.fresh.extend(within.iter().cloned());
    if let Err(error) = containers.read(session, &head, within.clone(), &descriptors).await {
        apply(state, shown);
        return Err(error);
    }
    // What a user had while he was shown says nothing of him any more; whether he is there at all is asked.
    let hidden: Vec<Guid> = state.answers.within(top).filter(|guid| !shown.contains_key(guid)).collect();
    state.sweep.again |= !hidden.is_empty();
    apply(state, shown);
    apply(state, hidden.into_iter().map(|guid| (guid, DescriptorReading::NotShown)));
    unseen.into_iter().for_each(|guid| state.answers.unseen(guid));
    state.containers.take_over(containers);
    let over = |flow: &Flow| !there || flow.since.elapsed() >= UNDER_WAY;
    if state.flowing.get(top).is_some_and(over) {
        state.flowing.remove(top);
    }
    if let Some(flow) = state.flowing.get_mut(top) {
        flow.due = Instant::now() + flow.pause.max(began.elapsed() * PAUSE_PER_READING);
        flow.pause = next_pause(flow.pause, began.elapsed());
    }
    Ok(within)
}

/// Descriptors as they are now. What was shown before a reading broke off was so, whatever the next one shows; who was not
/// shown until then may be yet.
fn apply(state: &mut State, shown: impl IntoIterator<Item = (Guid, DescriptorReading)>) {
    shown.into_iter().for_each(|(guid, shown)| state.answers.descriptor(guid, shown));
}

/// The pause after the next one: twice as long, but not longer than the longest, unless reading takes so long.
pub(super) fn next_pause(pause: Duration, took: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE).max(took * PAUSE_PER_READING)
}
