//! A model of the whole system around the real decisions: [`sendgate_core::plan::plan`], [`sendgate_core::plan::permit`],
//! the ledger's and the estate's folds, the judge of coverage, the checks of requests and the edit of descriptors are
//! called, not copied; so are the agent's rules for generations and permits.
//!
//! 1. [`scene`] is the estate; [`truth`] is what is really so, and what is shown of it;
//! 2. [`state`] is one state of everything: truth, coordinator, journal, agents, messages, what the oracle remembers;
//! 3. [`action`] says what may happen next, [`step`] lets it happen: [`coordinator`] is the driver's loop, `arrivals` what
//!    reaches it, [`agent`] an
//!    agent's rules;
//! 4. [`oracle`] judges the invariants on the truth and on what has happened;
//! 5. [`peace`] goes on without faults to the end, and walks at random;
//! 6. [`search`] seeds the checker with every state of the undisturbed story and explores from there.

pub mod action;
pub mod agent;
mod arrivals;
pub mod coordinator;
pub mod oracle;
pub mod peace;
pub mod scene;
pub mod search;
pub mod sharing;
pub mod state;
pub mod step;
pub mod truth;
mod words;

use action::Action;
use scene::Scene;
use sendgate_core::ledger::RolloutState;
use sharing::{Common, Folded};
use state::{Act, Agent, Budget, History, State};
use stateright::Property;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use truth::{Directory, Guard, Truth, Watch};

/// Where a story begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Nothing enforces yet.
    Rollout,
    /// The second Exchange host has the hotfix already, and GoodLink has paused nobody yet.
    Breach,
    /// The first one has it, and both users whose mailboxes are there are paused.
    Paused,
}

/// All of them.
pub const STORIES: [Story; 3] = [Story::Rollout, Story::Breach, Story::Paused];

/// What is explored.
pub struct Model {
    /// The estate.
    pub scene: Scene,
    /// States of the undisturbed stories, where the search begins, each with what led to it.
    pub seeds: Vec<Seed>,
    /// Undisturbed stories that do not finish, with what became of them: nothing is proved then.
    pub unfinished: Vec<String>,
    /// What each path may take.
    pub budget: Budget,
    /// One state in so many is left in peace, to see that it comes to an end; 0: none is.
    pub sample: u64,
    /// Set when enough has been seen: nothing more is explored.
    pub enough: AtomicBool,
}

/// A state of an undisturbed story.
pub struct Seed {
    /// Which story.
    pub story: Story,
    /// What led to it.
    pub actions: Vec<Action>,
    /// The state.
    pub state: State,
}

impl Model {
    /// A model whose paths have this budget.
    #[must_use]
    pub fn new(budget: Budget, sample: u64) -> Self {
        let (seeds, unfinished, enough) = (Vec::new(), Vec::new(), AtomicBool::new(false));
        let mut model = Self { scene: Scene::new(), seeds, unfinished, budget, sample, enough };
        for story in STORIES {
            let mut state = model.beginning(story);
            let (end, actions) = peace::ending(&model, &state);
            model.seeds.push(Seed { story, actions: Vec::new(), state: state.clone() });
            for (at, action) in actions.iter().enumerate() {
                let Some((next, _)) = step::step(&model, &state, *action, false) else { break };
                state = next;
                model.seeds.push(Seed { story, actions: actions[..=at].to_vec(), state: state.clone() });
            }
            let mut rollouts = state.ledger.rollouts.values();
            let finished = rollouts.next().is_some_and(|rollout| rollout.state == RolloutState::Finished);
            match end {
                Err(why) => model.unfinished.push(format!("{story:?}: {why}")),
                Ok(()) if !finished => model.unfinished.push(format!("{story:?}: the rollout has not finished")),
                Ok(()) => {}
            }
        }
        // The checker counts its beginnings without those that lie outside, and tells a path by that number.
        model.seeds.retain(|seed| within(&seed.state));
        model
    }

    /// A story's first state: the coordinator has started, and the rollout is running.
    #[must_use]
    pub fn beginning(&self, story: Story) -> State {
        let directory =
            |granted| Directory { granted: [granted; 2], foreign: false, guard: Guard::No, watch: Watch::Well };
        let agent = Agent {
            up: true,
            remembered: 0,
            session: None,
            pending: None,
            acts: std::collections::BTreeMap::<u64, Act>::new(),
            program: None,
            left: None,
            inbox: Vec::new(),
            outbox: Vec::new(),
        };
        let truth = Truth {
            directories: [directory(false); 2],
            enforcing: [story == Story::Paused, story == Story::Breach],
            stopped: [false; 4],
            paused: [story == Story::Paused, story == Story::Paused, false],
        };
        let state = State {
            now: 0,
            lost: 0,
            truth,
            ledger: Folded::new(sendgate_core::ledger::Ledger::default()),
            coordinator: None,
            agents: std::array::from_fn(|_| Common::new(agent.clone())),
            budget: self.budget,
            history: History {
                broken: None,
                since: [None; 3],
                lacked: [false; 3],
                proved: [false; 3],
                acts: Common::new(std::collections::BTreeMap::new()),
                stopped: None,
                paused: None,
                held: None,
                removing: None,
            },
        };
        let mut run = coordinator::Run::new(self, state, false);
        // It cannot die here: nobody has asked it to.
        let _ = run.start(false).and_then(|()| run.roll_out());
        run.state.ledger.seal();
        run.state
    }

    /// Everything that may happen next.
    pub fn next(&self, state: &State, faults: bool, actions: &mut Vec<Action>) {
        let mut events = Vec::new();
        action::events(self, state, &mut events);
        actions.extend(events.iter().map(|event| Action::Event(*event)));
        action::ordinary(state, actions);
        if faults && state.budget.faults > 0 {
            action::faults(state, &events, actions);
        }
    }
}

/// The invariants as properties of anything that has a model.
fn properties<M: AsRef<Model> + stateright::Model<State = State>>() -> Vec<Property<M>> {
    let [one, two, three, four, five, six, seven, eight, nine, ten] = oracle::INVARIANTS.map(|(_, words)| words);
    vec![
        Property::always(one, holds::<M, 1>),
        Property::always(two, holds::<M, 2>),
        Property::always(three, holds::<M, 3>),
        Property::always(four, holds::<M, 4>),
        Property::always(five, holds::<M, 5>),
        Property::always(six, holds::<M, 6>),
        Property::always(seven, holds::<M, 7>),
        Property::always(eight, holds::<M, 8>),
        Property::always(nine, holds::<M, 9>),
        Property::always(ten, ends),
    ]
}

fn holds<M, const INVARIANT: u8>(_: &M, state: &State) -> bool {
    state.history.broken.is_none_or(|(broken, _)| broken != INVARIANT)
}

/// Invariant 10, of a sample of states: which of them is a function of the state.
fn ends<M: AsRef<Model>>(model: &M, state: &State) -> bool {
    let model = model.as_ref();
    if let Some((broken, _)) = state.history.broken {
        return broken != 10;
    }
    if model.sample == 0 || model.enough.load(Ordering::Relaxed) {
        return true;
    }
    let hash = ahash::RandomState::with_seeds(1, 2, 3, 4).hash_one(state);
    !hash.is_multiple_of(model.sample) || peace::ending(model, state).0.is_ok()
}

/// The model as the checker gets it: shared with whoever tells it that enough has been seen.
#[derive(Clone)]
pub struct Shared(pub Arc<Model>);

impl AsRef<Model> for Shared {
    fn as_ref(&self) -> &Model {
        &self.0
    }
}

impl stateright::Model for Shared {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.0.seeds.iter().map(|seed| seed.state.clone()).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.history.broken.is_none() && !self.0.enough.load(Ordering::Relaxed) {
            self.0.next(state, true, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        step::step(&self.0, last, action, false).map(|(state, _)| state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }

    fn within_boundary(&self, state: &State) -> bool {
        within(state)
    }
}

/// Half a day is longer than any story takes that moves; one that does not is left to its patience.
fn within(state: &State) -> bool {
    state.now <= 12 * 60 * scene::MINUTE
}
