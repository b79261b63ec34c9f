//! What may happen next. Each action is one coarse thing, after which the coordinator reacts until it is quiet.

use super::Model;
use super::coordinator::Run;
use super::scene::{DOMAINS, EXCHANGE, USERS};
use super::state::{State, Write};
use super::truth::{Guard, Watch};
use sendgate_core::ledger::{Held, Rollout, RolloutState};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Something that a coordinator takes in.
    Event(Event),
    /// The same, and it dies when it has appended so many entries.
    Torn(Event, usize),
    /// The first message in an agent's inbox reaches it.
    Hear(usize),
    /// The same, and the agent dies between its journal and its program.
    HearAndDie(usize),
    /// Half a minute passes: a permit on its way expires.
    HalfMinute,
    /// An agent asks for its permit, again or late.
    Ask(usize),
    /// A program ends well.
    Ends(usize),
    /// It ends badly.
    EndsBadly(usize),
    /// A write or a reading of the directory is done.
    Write(u64),
    /// The second server of a domain gets what the first one has.
    Replicate(usize),
    /// GoodLink pauses a user whom the store lets it not send as.
    Pause(usize),
    /// AdminSDHolder's propagator comes by.
    Propagate,
    /// The first user becomes a member of a protected group.
    Protect,
    /// He is taken out of it, and his descriptor is mended.
    Unprotect,
    /// Somebody removes our entry.
    Strip(usize),
    /// Somebody puts it there.
    Restore(usize),
    /// Somebody adds an entry of his own.
    Foreign(usize),
    /// The second server of a domain answers with errors.
    Fails(usize),
    /// Nothing is heard of a domain.
    Silence(usize),
    /// Its directory servers are well again.
    Heals(usize),
    /// Somebody installs the hotfix by hand.
    Drift(usize),
    /// A message to an agent is lost.
    LoseTo(usize),
    /// A message of an agent is lost.
    LoseFrom(usize),
    /// A message to an agent comes twice.
    TwiceTo(usize),
    /// A message of an agent comes twice.
    TwiceFrom(usize),
    /// An agent dies.
    AgentDies(usize),
    /// An agent's machine is switched off.
    MachineDies(usize),
    /// An agent starts.
    AgentStarts(usize),
    /// A coordinator of an older generation wants to be obeyed.
    OldCoordinator(usize),
    /// The coordinator dies.
    Dies,
}

/// What a coordinator takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It starts; `true` after another boot of its machine.
    Starts(bool),
    /// An agent's session opens.
    Connects(usize),
    /// It notices that a session has ended.
    Notices(usize),
    /// A host's report arrives.
    Report(usize),
    /// A look at a domain arrives.
    Look(usize),
    /// The first message of an agent's outbox arrives.
    Deliver(usize),
    /// The end of a write to the directory arrives.
    Written(u64),
    /// Time passes until something happens.
    Advance,
    /// A person acts.
    Operator(Operator),
}

/// What a person may do besides creating and starting the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Aborts the rollout.
    Abort,
    /// Has the hotfix removed again.
    Remove,
    /// Pauses the rollout.
    Pause,
    /// Holds everything.
    Hold,
    /// Lets the rollout go on, after a pause or a trip.
    Resume,
    /// Releases everything.
    Release,
    /// Has the grant with this number undone.
    Undo(u64),
    /// Excepts a user.
    Waive(usize),
}

impl Action {
    /// Whether it takes one of the path's faults.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            Self::Torn(..)
            | Self::HearAndDie(_)
            | Self::EndsBadly(_)
            | Self::Protect
            | Self::Strip(_)
            | Self::Restore(_)
            | Self::Foreign(_)
            | Self::Fails(_)
            | Self::Silence(_)
            | Self::Drift(_)
            | Self::LoseTo(_)
            | Self::LoseFrom(_)
            | Self::TwiceTo(_)
            | Self::TwiceFrom(_)
            | Self::AgentDies(_)
            | Self::MachineDies(_)
            | Self::OldCoordinator(_)
            | Self::Dies => true,
            Self::Event(_)
            | Self::Hear(_)
            | Self::HalfMinute
            | Self::Ask(_)
            | Self::Ends(_)
            | Self::Write(_)
            | Self::Replicate(_)
            | Self::Pause(_)
            | Self::Propagate
            | Self::Unprotect
            | Self::Heals(_)
            | Self::AgentStarts(_) => false,
        }
    }
}

/// Whether nothing is on its way that a long time would not have carried to its end.
fn at_rest(state: &State) -> bool {
    let quiet = |agent: &super::sharing::Common<super::state::Agent>| {
        agent.inbox.is_empty()
            && agent.outbox.is_empty()
            && agent.program.is_none()
            && agent.pending.is_none_or(|pending| pending.asked.is_none())
    };
    state.agents.iter().all(quiet) && state.coordinator.as_ref().is_none_or(|coordinator| coordinator.writes.is_empty())
}

/// What a coordinator may take in next.
pub fn events(model: &Model, state: &State, events: &mut Vec<Event>) {
    let Some(coordinator) = &state.coordinator else {
        events.extend([Event::Starts(false), Event::Starts(true)]);
        if at_rest(state) {
            events.push(Event::Advance);
        }
        return;
    };
    for (host, agent) in state.agents.iter().enumerate() {
        let session = agent.session == Some(coordinator.generation);
        if coordinator.sessions[host] && !session {
            events.push(Event::Notices(host));
        }
        if agent.up && !session && super::agent::obeys(agent.remembered, coordinator.generation) {
            events.push(Event::Connects(host));
        }
        if session && coordinator.sessions[host] {
            if !agent.outbox.is_empty() {
                events.push(Event::Deliver(host));
            }
            if coordinator.reported[host].is_none_or(|(_, shown)| shown != state.truth.shown_by(host)) {
                events.push(Event::Report(host));
            }
        }
    }
    let run = Run::new(model, state.clone(), true);
    for domain in 0..DOMAINS.len() {
        let fresh = |asked: super::truth::Asked| {
            coordinator.looked[domain].as_ref().is_some_and(|looked| {
                (looked.directory, looked.users, looked.known) == (asked.directory, asked.users, asked.known)
            })
        };
        if run.to_look_at(domain).is_some_and(|(asked, due)| due || !fresh(asked)) {
            events.push(Event::Look(domain));
        }
    }
    for (act, write) in &coordinator.writes {
        if !matches!(write, Write::Pending | Write::Establishing) {
            events.push(Event::Written(*act));
        }
    }
    if at_rest(state) {
        events.push(Event::Advance);
    }
    // Whoever holds something may let it go: that is no further act of his.
    for held in state.ledger.holds.in_force().keys() {
        let operator = if *held == Held::Estate { Operator::Release } else { Operator::Resume };
        events.push(Event::Operator(operator));
    }
    if state.budget.operators > 0 {
        let live = state.ledger.rollouts.values().any(|rollout| rollout.state.is_live());
        if live {
            events.push(Event::Operator(Operator::Abort));
            events.push(Event::Operator(Operator::Pause));
        }
        let begun = |rollout: &Rollout| rollout.removal.is_none() && !rollout.before.is_empty();
        if state.ledger.rollouts.values().any(begun) {
            events.push(Event::Operator(Operator::Remove));
        }
        events.push(Event::Operator(Operator::Hold));
        let tripped = |rollout: &Rollout| matches!(rollout.state, RolloutState::Tripped { .. });
        if state.ledger.rollouts.values().any(tripped) {
            events.push(Event::Operator(Operator::Resume));
        }
        let grants = state.ledger.intents.iter().filter(|(_, intent)| {
            matches!(intent.effect, sendgate_core::ledger::Effect::Grant(_)) && !intent.state.is_open()
        });
        events.extend(grants.take(1).map(|(id, _)| Event::Operator(Operator::Undo(id.get()))));
        if state.truth.directories[0].guard != Guard::No && state.ledger.waivers.is_empty() {
            events.push(Event::Operator(Operator::Waive(0)));
        }
    }
}

/// Everything that may happen next without a fault, apart from events.
pub fn ordinary(state: &State, actions: &mut Vec<Action>) {
    let mut waiting = false;
    for (host, agent) in state.agents.iter().enumerate() {
        if !agent.up {
            actions.push(Action::AgentStarts(host));
        } else if agent.session.is_some() {
            if !agent.inbox.is_empty() {
                actions.push(Action::Hear(host));
            }
            match agent.pending {
                Some(pending) if pending.asked.is_none_or(|asked| state.now - asked >= super::scene::PERMIT) => {
                    actions.push(Action::Ask(host));
                }
                Some(_) => waiting = true,
                None => {}
            }
        }
        if agent.program.is_some() {
            actions.push(Action::Ends(host));
        }
    }
    if waiting {
        actions.push(Action::HalfMinute);
    }
    for (act, write) in state.coordinator.iter().flat_map(|coordinator| &coordinator.writes) {
        if matches!(write, Write::Pending | Write::Establishing) {
            actions.push(Action::Write(*act));
        }
    }
    for (domain, directory) in state.truth.directories.iter().enumerate() {
        if directory.granted[0] != directory.granted[1] {
            actions.push(Action::Replicate(domain));
        }
        if directory.watch != Watch::Well {
            actions.push(Action::Heals(domain));
        }
        if directory.guard == Guard::Member {
            actions.push(Action::Propagate);
        }
        if directory.guard != Guard::No {
            actions.push(Action::Unprotect);
        }
    }
    for (user, known) in USERS.iter().enumerate() {
        let directory = &state.truth.directories[known.domain];
        let refused = !directory.has(user, 0) || !directory.has(user, 1);
        if state.truth.enforcing[known.home] && refused && !state.truth.paused[user] {
            actions.push(Action::Pause(user));
        }
    }
}

/// Every fault that may happen next.
pub fn faults(state: &State, events: &[Event], actions: &mut Vec<Action>) {
    for event in events {
        actions.extend([Action::Torn(*event, 1), Action::Torn(*event, 2)]);
    }
    if state.coordinator.is_some() {
        actions.push(Action::Dies);
    }
    for (host, agent) in state.agents.iter().enumerate() {
        if agent.program.is_some() {
            actions.push(Action::EndsBadly(host));
        }
        if agent.up {
            actions.push(Action::AgentDies(host));
        }
        if agent.up && agent.program.is_some() {
            actions.push(Action::MachineDies(host));
        }
        if agent.remembered > 1 {
            actions.push(Action::OldCoordinator(host));
        }
        if !agent.inbox.is_empty() {
            actions.extend([Action::LoseTo(host), Action::TwiceTo(host)]);
        }
        if matches!(agent.inbox.first(), Some(super::state::ToAgent::Permit { .. })) {
            actions.push(Action::HearAndDie(host));
        }
        if !agent.outbox.is_empty() {
            actions.extend([Action::LoseFrom(host), Action::TwiceFrom(host)]);
        }
    }
    for (domain, directory) in state.truth.directories.iter().enumerate() {
        if directory.granted[0] {
            actions.push(Action::Strip(domain));
        } else if state
            .ledger
            .intents
            .values()
            .any(|intent| intent.effect.place().is_some_and(|(of, _)| of.as_str() == DOMAINS[domain]))
        {
            actions.push(Action::Restore(domain));
        }
        if !directory.foreign {
            actions.push(Action::Foreign(domain));
        }
        if directory.watch == Watch::Well {
            actions.extend([Action::Fails(domain), Action::Silence(domain)]);
        }
    }
    if state.truth.directories[0].guard == Guard::No {
        actions.push(Action::Protect);
    }
    for host in 0..EXCHANGE {
        if !state.truth.enforcing[host] && state.agents[host].program.is_none() {
            actions.push(Action::Drift(host));
        }
    }
}
