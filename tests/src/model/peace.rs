//! Left in peace: from any state, without further faults, everything that can go on goes on in a fixed and fair order,
//! and the rollout must come to an end, or stand still for a reason that a person can see and that is true.

use super::action::{Action, Event};
use super::scene::EXCHANGE;
use super::state::{State, ToAgent, Write};
use super::step::step;
use super::truth::{Guard, Watch};
use super::{Model, coordinator};
use sendgate_core::gate::World;
use sendgate_core::ledger::{IntentState, Outcome, RolloutState};
use sendgate_core::plan;

/// Steps until everything must have come to rest: three times what the longest undisturbed story takes.
const STEPS: usize = 600;
/// Steps of time in a row without anything else: whoever still waits after so many waits for ever.
const IDLE: usize = 6;

/// Goes on from a state to the end: what happened, and why that is no end if it is none.
pub fn ending(model: &Model, from: &State) -> (Result<(), String>, Vec<Action>) {
    let (mut state, mut actions) = (from.clone(), Vec::new());
    let (mut idle, mut asks) = (0, true);
    while actions.len() < STEPS {
        if let Some((invariant, how)) = state.history.broken {
            return (Err(format!("invariant {invariant}: {how}")), actions);
        }
        let action = fair(model, &state, asks);
        let Some((next, _)) = step(model, &state, action, false) else {
            return (Err(format!("{action} cannot happen")), actions);
        };
        actions.push(action);
        let quiet = action == Action::Event(Event::Advance);
        asks = quiet || !refused(&next);
        idle = if quiet && !changed(&state, &next) {
            idle + 1
        } else if quiet {
            0
        } else {
            idle
        };
        state = next;
        if idle >= IDLE {
            return (rest(model, &state), actions);
        }
    }
    (Err(format!("there is no rest within {STEPS} steps")), actions)
}

/// Whether an agent has just been refused for now.
fn refused(state: &State) -> bool {
    let again = |message: &ToAgent| matches!(message, ToAgent::Refused { again: true, .. });
    state
        .agents
        .iter()
        .any(|agent| agent.inbox.iter().any(again) || agent.pending.is_some_and(|pending| pending.asked.is_none()))
}

/// Whether time brought more than itself.
fn changed(before: &State, after: &State) -> bool {
    before.ledger.intents != after.ledger.intents
        || before.ledger.pairs != after.ledger.pairs
        || before.ledger.rollouts != after.ledger.rollouts
        || after.agents.iter().any(|agent| !agent.inbox.is_empty() || !agent.outbox.is_empty())
}

/// What happens next when nobody disturbs it.
fn fair(model: &Model, state: &State, asks: bool) -> Action {
    let mut actions = Vec::new();
    model.next(state, false, &mut actions);
    let rank = |action: &Action| match action {
        Action::Event(Event::Starts(false)) => Some(0),
        Action::AgentStarts(_) => Some(1),
        Action::Heals(_) => Some(2),
        Action::Event(Event::Notices(_)) => Some(3),
        Action::Event(Event::Connects(_)) => Some(4),
        Action::Hear(_) => Some(5),
        Action::Event(Event::Deliver(_)) => Some(6),
        Action::Write(_) => Some(7),
        Action::Event(Event::Written(_)) => Some(8),
        Action::Replicate(_) => Some(9),
        Action::Ends(_) => Some(10),
        Action::Event(Event::Report(_)) => Some(11),
        Action::Event(Event::Look(_)) => Some(12),
        Action::Propagate => Some(13),
        Action::Pause(_) => Some(14),
        Action::Ask(_) if asks => Some(15),
        Action::HalfMinute => Some(16),
        Action::Event(Event::Advance) => Some(17),
        Action::Ask(_) => Some(18),
        _ => None,
    };
    let ranked = actions.iter().filter_map(|action| Some((rank(action)?, *action)));
    ranked.min_by_key(|(rank, _)| *rank).map_or(Action::HalfMinute, |(_, action)| action)
}

/// Whether this is an end: the rollout is over, or it cannot go on and says why.
fn rest(model: &Model, state: &State) -> Result<(), String> {
    let Some(running) = &state.coordinator else { return Err("no coordinator runs".to_owned()) };
    // A person holds it, or has to look at what changed; `status` says so. The deadline of what was permitted stands still.
    if !state.ledger.holds.in_force().is_empty() {
        return Ok(());
    }
    if let Some((id, intent)) = state.ledger.open().next() {
        return Err(format!("intent {id} ({}) has no outcome", intent.effect));
    }
    if running.writes.values().any(|write| matches!(write, Write::Pending | Write::Establishing)) {
        return Err("a write to the directory is not done".to_owned());
    }
    let Some(rollout) = state.ledger.rollouts.values().next() else { return Ok(()) };
    match &rollout.state {
        RolloutState::Finished if (0..EXCHANGE).all(|host| state.truth.enforcing[host]) => return Ok(()),
        RolloutState::Finished => return Err("the rollout has finished, but a host has no hotfix".to_owned()),
        RolloutState::Tripped { .. } | RolloutState::Aborted { .. } | RolloutState::Removed => return Ok(()),
        RolloutState::Created | RolloutState::Running { .. } => {}
    }
    if reachable(state) {
        return Err(format!("the rollout is {} though everybody could be covered", rollout.state));
    }
    let now = coordinator::now(state.now, state.lost);
    let estate = coordinator::folded(model, state);
    let world = World { policy: &model.scene.policy, estate: &estate, ledger: &state.ledger, now };
    let plan = plan::plan(world);
    let silent = plan
        .rollouts
        .values()
        .flatten()
        .find(|host| host.phase == plan::rollout::Phase::Waiting && host.blocked.is_empty());
    match silent {
        Some(host) => Err(format!("{} waits without a reason", host.host)),
        None => Ok(()),
    }
}

/// Whether every roster user can come to be covered without a person's help.
fn reachable(state: &State) -> bool {
    let guarded = state.truth.directories[0].guard != Guard::No
        && !state.ledger.waivers.keys().any(|user| user.as_str().starts_with("anna@"));
    let undone = !state.ledger.undone.is_empty();
    let well = state.truth.directories.iter().all(|directory| directory.watch == Watch::Well);
    // An act whose end nobody knows, on a host that does not show what came of it, needs a person.
    let unknown = state
        .ledger
        .intents
        .values()
        .any(|intent| matches!(intent.state, IntentState::Ended { outcome: Outcome::Unknown { .. }, .. }));
    !guarded && !undone && well && !unknown
}

/// Random numbers (SplitMix64): the same seed gives the same walk on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(sides.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// A walk at random from one of the seeds, then left in peace: what went wrong, and all that happened.
#[must_use]
pub fn walk(model: &Model, seed: u64, steps: usize, faults: u8) -> Option<(String, usize, Vec<Action>)> {
    let mut dice = Dice(seed);
    let begun = dice.below(model.seeds.len());
    let mut state = model.seeds[begun].state.clone();
    (state.budget.faults, state.budget.operators) = (faults, 1);
    let (mut actions, mut asks) = (Vec::new(), true);
    for _ in 0..steps {
        let mut next = Vec::new();
        // Every other walk keeps near the undisturbed story, where the deep states are.
        if seed.is_multiple_of(2) && dice.below(10) < 7 {
            let action = fair(model, &state, asks);
            asks = action == Action::Event(Event::Advance);
            if let Some((after, _)) = step(model, &state, action, false) {
                actions.push(action);
                asks |= !refused(&after);
                state = after;
            }
            if let Some((invariant, how)) = state.history.broken {
                return Some((format!("invariant {invariant}: {how}"), begun, actions));
            }
            continue;
        }
        let faulty = dice.below(6) == 0;
        model.next(&state, faulty, &mut next);
        if faulty {
            next.retain(|action| action.is_fault());
        } else {
            // Time is one choice among many, and operators are rare.
            next.retain(|action| !matches!(action, Action::Event(Event::Operator(_))) || dice.below(20) == 0);
        }
        if next.is_empty() {
            continue;
        }
        let action = next[dice.below(next.len())];
        let Some((after, _)) = step(model, &state, action, false) else { continue };
        actions.push(action);
        state = after;
        if let Some((invariant, how)) = state.history.broken {
            return Some((format!("invariant {invariant}: {how}"), begun, actions));
        }
    }
    let (end, rest) = ending(model, &state);
    actions.extend(rest);
    // Not to come to an end is itself what must never be.
    let told = |why: String| if why.starts_with("invariant ") { why } else { format!("invariant 10: {why}") };
    end.err().map(|why| (told(why), begun, actions))
}
