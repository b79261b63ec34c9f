//! The invariants of docs/architecture.md, judged on the hidden truth and on what has happened. Nothing here asks the
//! planner, the gate or the judge: what they decide is held against this.
//!
//! 1. [`permitted`] judges a permit at the moment it is sent (invariants 1 to 5 and 7);
//! 2. [`wrote`] a write to the directory (5 and 6);
//! 3. [`started`] the start of a program (1, 3, 5, 7 and 9);
//! 4. [`looked`] and [`written`] remember what coordinators were shown and have written down.
//!
//! Invariant 8 is judged where the driver plans, invariant 10 by [`super::peace`].

use super::scene::{EVIDENCE_AGE, EXCHANGE, MINUTE, PERMIT, SILENT_AFTER, USERS, WATCH_AGE};
use super::state::{Deed, Kind, Looked, Millis, State};
use super::truth::Watch;
use sendgate_core::ledger::entry::VersionStep;
use sendgate_core::ledger::{
    Effect, Entry, Held, IntentState, Milestone, Outcome, Request, RolloutEvent, RolloutState, Sequence,
};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::time::Steady;

/// From landing to the second look, to a GoodLink restart, until settled; in milliseconds.
const SECOND_LOOK: Millis = 65 * MINUTE;
const RESTART: Millis = 70 * MINUTE;
const SETTLED: Millis = 90 * MINUTE;
/// Hosts that may be disrupted at once.
const AT_ONCE: usize = 1;

/// The properties by number, as the checker reports them.
pub const INVARIANTS: [(u8, &str); 10] = [
    (1, "1: no permit to install while a cell is closed, no install outside a permit"),
    (2, "2: no GoodLink restart for users whose right landed less than 70 minutes ago"),
    (3, "3: no more hosts are disrupted at once than policy allows"),
    (4, "4: unknown is never good"),
    (5, "5: a durable intent before each effect, at most one effect for a permit"),
    (6, "6: a grant adds exactly one entry in its canonical place"),
    (7, "7: after a hold, a trip or an abort nothing new begins once permits have run off"),
    (8, "8: planning again on an unchanged world plans nothing new"),
    (9, "9: a lower generation or an expired permit is refused by the agent"),
    (10, "10: left in peace, the rollout ends or says why not"),
];

/// A look has arrived: what it shows of each user is remembered. A server that answered and showed the right missing has
/// shown that, whatever the others say; one that did not answer has shown nothing.
pub fn looked(state: &mut State, domain: usize, look: &Looked) {
    // While the account's own domain has not shown who it is, nobody can be told to have its right or to lack it.
    if !look.known {
        return;
    }
    let answers = if look.directory.watch == Watch::Well { 2 } else { 1 };
    for user in (0..USERS.len()).filter(|user| USERS[*user].domain == domain && look.users >> user & 1 == 1) {
        let shown = (0..answers).all(|server| look.directory.has(user, server));
        let history = &mut state.history;
        if !shown {
            history.since[user] = None;
            history.proved[user] = false;
            history.lacked[user] = true;
        } else if answers == 2 {
            let since = *history.since[user].get_or_insert(look.at);
            history.proved[user] |= look.full >= since + SECOND_LOOK;
        }
    }
}

/// An entry is about to be written: the rollout may be stopped by it, an act may be named by it.
pub fn written(state: &mut State, entry: &Entry) {
    let now = state.now;
    let history = &mut state.history;
    match entry {
        Entry::Request { request: Request::RolloutAbort { .. }, .. }
        | Entry::Milestone(Milestone::Rollout { event: RolloutEvent::Tripped { .. }, .. }) => {
            history.stopped.get_or_insert(now);
        }
        Entry::Request { request: Request::RolloutResume { .. }, .. } => history.stopped = None,
        // It goes on, in the other direction.
        Entry::Request { request: Request::RolloutRemove { .. }, .. } => {
            history.stopped = None;
            history.removing.get_or_insert(now);
        }
        Entry::Request { request: Request::Hold { held: Held::Rollout(_), .. }, .. } => {
            history.paused.get_or_insert(now);
        }
        // A version that nobody here commanded stops the rollout as well.
        Entry::Milestone(Milestone::Version(VersionStep { before: Some(_), ours: false, holds, .. }))
            if !holds.is_empty() =>
        {
            history.paused.get_or_insert(now);
        }
        Entry::Request { request: Request::Release { held: held @ Held::Rollout(_), .. }, .. } => {
            // Sendgate's hold outlasts the one that she ends first, which is her own.
            let by_a_person = || state.ledger.holds.all_on(held).map(|hold| hold.by.is_some());
            let outlasts = by_a_person().any(|person| person) && by_a_person().any(|person| !person);
            history.paused = outlasts.then_some(now);
        }
        Entry::Request { request: Request::Hold { held: Held::Estate, .. }, .. } => {
            history.held.get_or_insert(now);
        }
        Entry::Request { request: Request::Release { held: Held::Estate, .. }, .. } => history.held = None,
        Entry::Intent { .. } if history.held.is_some() => {
            return state.breaks(7, "an intent while everything is held");
        }
        _ => {}
    }
    if let Entry::Intent { effect } = entry
        && let Some(host) = effect.host()
    {
        let host = super::scene::HOSTS.iter().position(|known| *known == host.as_str()).unwrap_or_default();
        let kind = match effect {
            Effect::Install { .. } => Kind::Install,
            Effect::Remove { .. } => Kind::Remove,
            _ => Kind::Restart,
        };
        if kind == Kind::Install && state.history.removing.is_some() {
            state.breaks(7, "an intent to install while the hotfix is to be removed");
        }
        let deed = Deed { host, kind, permits: 0, permitted: 0, starts: 0 };
        state.history.acts.insert(state.ledger.next().get(), deed);
    }
}

fn heard(state: &State, host: usize, within: Millis) -> bool {
    let coordinator = state.coordinator.as_ref();
    coordinator.and_then(|coordinator| coordinator.reported[host]).is_some_and(|(at, _)| state.now - at <= within)
}

/// A permit is about to be sent.
pub fn permitted(state: &mut State, act: u64) {
    let Some(deed) = state.history.acts.get(&act).copied() else {
        return state.breaks(5, "a permit for an act without an intent in the journal");
    };
    if deed.permits > 0 {
        return state.breaks(5, "a second permit for the same intent");
    }
    if deed.kind != Kind::Restart {
        if deed.kind == Kind::Install {
            install(state);
            if state.history.removing.is_some() {
                state.breaks(7, "a permit to install while the hotfix is to be removed");
            }
        }
        if state.history.still().is_some() {
            state.breaks(7, "a permit of the rollout while it is stopped or held");
        }
    } else {
        restart(state, deed.host);
        if state.history.held.is_some() {
            state.breaks(7, "a permit to restart while everything is held");
        }
    }
    others(state, act, deed.host);
    let now = state.now;
    if let Some(deed) = state.history.acts.get_mut(&act) {
        (deed.permits, deed.permitted) = (deed.permits + 1, now);
    }
}

/// Whoever is on a roster must have been shown covered by fresh and complete evidence, long enough after it landed.
fn install(state: &mut State) {
    let Some(coordinator) = &state.coordinator else { return };
    let (looks, reports) = (coordinator.looked.clone(), coordinator.reported);
    // What is not known comes first: what is known of the others is worth nothing without it.
    for (user, known) in USERS.iter().enumerate() {
        let Some(look) = &looks[known.domain] else {
            return state.breaks(4, "a permit to install though a domain was never looked at by this coordinator");
        };
        if look.users >> user & 1 == 0 {
            return state.breaks(4, "a permit to install though a roster user was not asked for");
        }
    }
    for (user, known) in USERS.iter().enumerate() {
        let waived = state.ledger.waivers.keys().any(|name| name.as_str().split('@').next() == Some(known.name));
        let Some(look) = looks[known.domain].clone() else { continue };
        if look.directory.watch == Watch::Failing {
            return state.breaks(4, "a permit to install though a directory server gave no evidence");
        }
        if state.now - look.full > EVIDENCE_AGE || state.now - look.at > WATCH_AGE {
            return state.breaks(4, "a permit to install on evidence that is too old");
        }
        if reports[known.goodlink].is_none_or(|(at, _)| state.now - at > SILENT_AFTER) {
            return state.breaks(4, "a permit to install though a GoodLink host is silent");
        }
        if waived {
            continue;
        }
        if !(0..2).all(|server| look.directory.has(user, server)) {
            return state.breaks(1, "a permit to install though a roster user was last shown without the right");
        }
        if !look.directory.stays(user) {
            return state.breaks(1, "a permit to install though AdminSDHolder will take a user's right");
        }
        let settled = state.history.since[user].is_some_and(|since| state.now - since >= SETTLED);
        if state.history.lacked[user] && !settled {
            return state.breaks(1, "a permit to install though a user's right was not seen for 90 minutes on end");
        }
        if state.history.lacked[user] && !state.history.proved[user] {
            return state.breaks(1, "a permit to install though no second look has proved a user's right");
        }
    }
}

/// At least one user whom the last report shows paused must have been shown covered for 70 minutes on end.
fn restart(state: &mut State, host: usize) {
    let Some(coordinator) = &state.coordinator else { return };
    let Some((_, shown)) = coordinator.reported[host] else {
        return state.breaks(4, "a permit to restart GoodLink on a host that has not reported");
    };
    let paused = super::truth::paused_in(host, shown);
    let ready = paused.filter(|user| state.history.since[*user].is_some_and(|since| state.now - since >= RESTART));
    if ready.count() == 0 {
        state.breaks(2, "a permit to restart GoodLink though no paused user's right landed 70 minutes ago");
    }
}

/// Whether it is known by now what came of an act whose end nobody saw: a later one there ended well, or the host has
/// reported since, and shows what it was to bring about; where a person has looked, any report will do.
fn shown_since(state: &State, id: u64, deed: &Deed, ended: Steady) -> bool {
    let host = super::scene::HOSTS[deed.host];
    let here = |other: &Effect| other.host().is_some_and(|other| other.as_str() == host);
    let later = state.ledger.intents.range(Sequence(id).next()..).any(|(_, other)| {
        here(&other.effect) && matches!(other.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. })
    });
    let looked = state.ledger.rollouts.values().any(|rollout| {
        let retried = rollout.retried.iter().any(|(other, asked)| other.as_str() == host && *asked > Sequence(id));
        let left_out = rollout.skipped.keys().any(|other| other.as_str() == host);
        let aborted = rollout.aborted.is_some_and(|(asked, at)| asked > Sequence(id) && ended <= at);
        retried || left_out || aborted && matches!(rollout.state, RolloutState::Aborted { .. })
    });
    let reported = state.coordinator.as_ref().and_then(|coordinator| coordinator.reported[deed.host]);
    let since = reported.filter(|(at, _)| super::coordinator::now(*at, state.lost).steady >= ended);
    later
        || since.is_some_and(|(_, shown)| match deed.kind {
            Kind::Install => looked || shown & 1 == 1,
            Kind::Remove => looked || shown & 1 == 0,
            Kind::Restart => true,
        })
}

/// Hosts with something going on, with an end that nobody knows, or silent, besides the one that is permitted.
fn others(state: &mut State, act: u64, host: usize) {
    let (mut runs, mut busy) = ([false; 4], [false; 4]);
    for (id, deed) in state.history.acts.iter().filter(|(id, deed)| **id != act && deed.permits > 0) {
        let known = match state.ledger.intents.get(&Sequence(*id)).map(|intent| &intent.state) {
            Some(IntentState::Ended { outcome: Outcome::Unknown { .. }, at }) => shown_since(state, *id, deed, *at),
            Some(IntentState::Ended { .. }) => true,
            _ => false,
        };
        busy[deed.host] |= !known;
        runs[deed.host] |= state.agents[deed.host].program == Some(*id);
    }
    if runs[host] {
        return state.breaks(5, "a permit for a host on which a program of ours still runs");
    }
    if busy[host] {
        return state.breaks(5, "a permit for a host on which nobody knows how the last act ended");
    }
    for (other, busy) in busy.iter_mut().enumerate() {
        *busy |= !heard(state, other, SILENT_AFTER) || state.agents[other].program.is_some();
    }
    busy[host] = false;
    if busy.iter().filter(|busy| **busy).count() + 1 > AT_ONCE {
        state.breaks(3, "a permit though as many other hosts as may be are disrupted or silent");
    }
}

/// A program is about to be started by an agent; `asked` is when its permit was asked for.
pub fn started(state: &mut State, host: usize, act: u64, asked: Millis, generation: u64) {
    let Some(deed) = state.history.acts.get(&act).copied() else {
        return state.breaks(5, "a program is started for an act without an intent in the journal");
    };
    if deed.permits == 0 {
        return state.breaks(1, "a program is started without a permit");
    }
    if state.now - asked >= PERMIT {
        return state.breaks(9, "a program is started by a permit that has expired");
    }
    if generation < state.agents[host].remembered {
        return state.breaks(9, "a program is started by a permit of a lower generation");
    }
    if deed.starts > 0 {
        return state.breaks(5, "a program is started twice for one intent");
    }
    if state.agents[host].program.is_some() {
        return state.breaks(5, "a program is started while another of ours runs on the host");
    }
    let still = if deed.kind == Kind::Restart { state.history.held } else { state.history.still() };
    let removing = state.history.removing.filter(|_| deed.kind == Kind::Install);
    let still = [still, removing].into_iter().flatten().min();
    if still.is_some_and(|still| state.now > still + PERMIT) {
        return state.breaks(7, "a program begins later after the stop than a permit lives");
    }
    if state.agents.iter().enumerate().filter(|(other, agent)| *other != host && agent.program.is_some()).count()
        >= AT_ONCE
    {
        return state.breaks(3, "a program is started while as many others run as may be");
    }
    if let Some(deed) = state.history.acts.get_mut(&act) {
        deed.starts += 1;
    }
}

/// A write to the directory was made: `before` and `after` are the place's descriptors.
pub fn wrote(state: &mut State, act: u64, adds: bool, before: &SecurityDescriptor, after: &SecurityDescriptor) {
    let known = state.ledger.intents.get(&Sequence(act));
    if !known.is_some_and(|intent| intent.state.is_open()) {
        return state.breaks(5, "a write to the directory without an open intent in the journal");
    }
    let entries = |descriptor: &SecurityDescriptor| -> Vec<(bool, Vec<u8>)> {
        let aces = descriptor.dacl().acl().map(|acl| acl.aces().to_vec()).unwrap_or_default();
        aces.iter().map(|ace| (ace.is_inherited(), ace.to_bytes())).collect()
    };
    let (long, short) = if adds { (entries(after), entries(before)) } else { (entries(before), entries(after)) };
    let Some(at) = (0..long.len()).find(|at| short.get(*at) != long.get(*at)) else {
        return state.breaks(6, "a write that changed nothing");
    };
    let rest = long.iter().take(at).chain(long.iter().skip(at + 1));
    if long.len() != short.len() + 1 || !rest.eq(short.iter()) {
        return state.breaks(6, "a write that changed more than one entry");
    }
    let (inherited, _) = &long[at];
    let behind = long.iter().take(at).all(|(inherited, _)| !inherited);
    let before_inherited = long.iter().skip(at + 1).all(|(inherited, _)| *inherited);
    if adds && (*inherited || !behind || !before_inherited) {
        state.breaks(6, "an entry that was not put behind the explicit ones and before the inherited ones");
    }
}

/// Whether the scene's Exchange hosts all have the hotfix.
#[must_use]
pub fn everywhere(state: &State) -> bool {
    (0..EXCHANGE).all(|host| state.truth.enforcing[host])
}
