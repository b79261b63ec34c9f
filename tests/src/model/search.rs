//! The search: breadth first from every state of the undisturbed stories, then walks at random to the end.

use super::action::Action;
use super::coordinator::{PLANNED, PLANNING};
use super::state::State;
use super::{Model, Shared, oracle, peace, step};
use sendgate_core::mutation::{self, Mutation};
use stateright::{Checker, HasDiscoveries, Model as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a search found.
pub struct Found {
    /// Distinct states.
    pub states: usize,
    /// The longest path from a seed, in actions.
    pub depth: usize,
    /// Walks.
    pub walks: u64,
    /// How long it took.
    pub took: Duration,
    /// Memory that a state took on average, in bytes.
    pub bytes: u64,
    /// What went wrong: the invariant in words, and the story that leads to it.
    pub violation: Option<(String, Vec<String>, usize)>,
}

/// How far a search goes.
pub struct Bounds {
    /// Distinct states.
    pub states: usize,
    /// Walks at random.
    pub walks: u64,
    /// Steps of a walk before it is left in peace.
    pub steps: usize,
    /// Faults of a walk.
    pub faults: u8,
    /// Threads.
    pub threads: usize,
    /// Of the first walk.
    pub seed: u64,
}

/// Searches.
#[must_use]
pub fn search(model: Model, bounds: &Bounds) -> Found {
    let begun = Instant::now();
    let before = resident();
    let model = std::sync::Arc::new(model);
    let checker = Shared(std::sync::Arc::clone(&model))
        .checker()
        .threads(bounds.threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs();
    let mut bytes = 0;
    while !checker.is_done() {
        std::thread::sleep(Duration::from_millis(20));
        let states = checker.unique_state_count();
        if states >= bounds.states && !model.enough.swap(true, Ordering::Relaxed) {
            bytes = resident().saturating_sub(before) / u64::try_from(states).unwrap_or(1).max(1);
        }
    }
    let (states, depth) = (checker.unique_state_count(), checker.max_depth().saturating_sub(1));
    // States that were reached before it was enough are judged after it as well: how one was reached is gone through again.
    model.enough.store(false, Ordering::Relaxed);
    let mut violation = checker.discoveries().into_iter().next().map(|(property, path)| {
        let steps = path.into_vec();
        let begun = steps.first().and_then(|(state, _)| seed_of(&model, state)).unwrap_or_default();
        let mut actions: Vec<Action> = steps.into_iter().filter_map(|(_, action)| action).collect();
        let mut told = property.to_owned();
        if let Some(state) = reached(&model, begun, &actions)
            && state.history.broken.is_none()
        {
            let (end, rest) = peace::ending(&model, &state);
            told = format!("{property}: {}", end.err().unwrap_or_default());
            actions.extend(rest);
        }
        tell(&model, told, begun, &actions)
    });
    let mut walks = 0;
    if violation.is_none() {
        let next = std::sync::atomic::AtomicU64::new(0);
        let failed = std::sync::Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..bounds.threads {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let stop = failed.lock().is_ok_and(|failed| failed.is_some());
                        if number >= bounds.walks || stop {
                            return;
                        }
                        let wrong = peace::walk(&model, bounds.seed + number, bounds.steps, bounds.faults);
                        if let (Some(wrong), Ok(mut failed)) = (wrong, failed.lock()) {
                            *failed = Some((bounds.seed + number, wrong));
                        }
                    }
                });
            }
        });
        walks = next.load(Ordering::Relaxed).min(bounds.walks);
        violation = failed
            .into_inner()
            .ok()
            .flatten()
            .map(|(number, (why, begun, actions))| tell(&model, format!("walk {number}: {why}"), begun, &actions));
    }
    Found { states, depth, walks, took: begun.elapsed(), bytes, violation }
}

fn seed_of(model: &Model, state: &State) -> Option<usize> {
    model.seeds.iter().position(|seed| seed.state == *state)
}

fn reached(model: &Model, begun: usize, actions: &[Action]) -> Option<State> {
    let mut state = model.seeds.get(begun)?.state.clone();
    for action in actions {
        state = step::step(model, &state, *action, false)?.0;
    }
    Some(state)
}

/// The story in words, from its very beginning, one action a line with what the coordinator wrote and said below it.
fn tell(model: &Model, told: String, begun: usize, actions: &[Action]) -> (String, Vec<String>, usize) {
    let Some(seed) = model.seeds.get(begun) else { return (told, Vec::new(), actions.len()) };
    let mut state = model.beginning(seed.story);
    // What a path may take was counted when it was found.
    (state.budget.faults, state.budget.operators) = (u8::MAX, u8::MAX);
    let mut lines = vec![format!("story {:?}; the rollout has been started", seed.story)];
    let mut at = state.now;
    for (number, action) in seed.actions.iter().chain(actions).enumerate() {
        if number == seed.actions.len() {
            lines.push("-- from here on it is disturbed".to_owned());
        }
        let minutes = at / super::scene::MINUTE;
        lines.push(format!("{:>2}:{:02} {action}", minutes / 60, minutes % 60));
        let Some((next, words)) = step::step(model, &state, *action, true) else { break };
        // What time brings over and over is left out.
        let often = |word: &String| word.ends_with(" clock") || word.starts_with("  a look");
        let passes = *action == Action::Event(super::action::Event::Advance);
        lines.extend(words.into_iter().filter(|word| !passes || !often(word)));
        state = next;
        at = state.now;
        if let Some((invariant, how)) = state.history.broken {
            lines.push(format!("=> invariant {invariant} is broken: {how}"));
            break;
        }
    }
    (told, lines, actions.len())
}

/// Memory of this process, in bytes; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Calls of the planner so far, and how long one took on average.
#[must_use]
pub fn planner() -> (u64, f64) {
    let calls = PLANNED.load(Ordering::Relaxed);
    let nanoseconds = PLANNING.load(Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let each = nanoseconds as f64 / calls.max(1) as f64 / 1000.0;
    (calls, each)
}

/// Every planted fault, by invariant.
pub const MUTATIONS: [Mutation; 10] = [
    Mutation::UncoveredUser,
    Mutation::EarlyRestart,
    Mutation::NoLimit,
    Mutation::UnknownIsGood,
    Mutation::SecondPermit,
    Mutation::EntryAtEnd,
    Mutation::DeafToAbort,
    Mutation::PlannedTwice,
    Mutation::ExpiredPermit,
    Mutation::EternalOffer,
];

/// Searches with a fault planted.
#[must_use]
pub fn with_mutation(mutation: Mutation, model: impl FnOnce() -> Model, bounds: &Bounds) -> Found {
    mutation::plant(Some(mutation));
    let found = search(model(), bounds);
    mutation::plant(None);
    found
}

/// The words of an invariant by number.
#[must_use]
pub fn words(invariant: usize) -> &'static str {
    oracle::INVARIANTS.get(invariant.saturating_sub(1)).map_or("", |(_, words)| words)
}
