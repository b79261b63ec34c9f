//! The coordinator: the driver's loop over the real planner, ledger and estate. The order is the driver's own: an entry
//! is in the ledger before anything follows from it, effects follow in the order of the steps, and the world is planned
//! again until nothing more is written down.

use super::scene::HOSTS;
use super::sharing::Common;
use super::state::{Coordinator, Looked, Millis, State, ToAgent, Write};
use super::truth;
use super::{Model, oracle};
use jiff::{SignedDuration, Timestamp};
use sendgate_core::coverage::{Judged, Look};
use sendgate_core::estate::{Estate, Observation};
use sendgate_core::gate::World;
use sendgate_core::ledger::{Effect, Entry, Generation, Sequence, Stamped};
use sendgate_core::plan::{self, Plan, Step};
use sendgate_core::time::{BootId, BootTime, ClockMark, Now, Steady};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The clock is journaled this often while somebody waits, in milliseconds.
const CLOCK_EVERY: Millis = 300_000;
/// Rounds of planning after one message, at most: more, and planning does not come to rest.
const ROUNDS: usize = 16;
/// The journal's epoch.
const EPOCH: u64 = 7;

/// How often the planner was called, and for how long in all, in nanoseconds.
pub static PLANNED: AtomicU64 = AtomicU64::new(0);
/// See [`PLANNED`].
pub static PLANNING: AtomicU64 = AtomicU64::new(0);

/// The coordinator died while it was writing down.
#[derive(Debug)]
pub struct Died;

/// A state under way to the next.
pub struct Run<'a> {
    /// The scene and the bounds.
    pub model: &'a Model,
    /// As far as it has come.
    pub state: State,
    /// What happens, in words, if anybody wants to know.
    pub words: Option<Vec<String>>,
    /// Entries after which the coordinator dies.
    pub dies_after: Option<usize>,
    /// Entries appended.
    pub appended: usize,
    /// What the coordinator has observed.
    pub estate: Estate,
}

impl<'a> Run<'a> {
    /// Begins at a state; the estate is folded for it if it is `wanted`.
    #[must_use]
    pub fn new(model: &'a Model, state: State, wanted: bool) -> Self {
        let estate = if wanted { folded(model, &state) } else { Estate::default() };
        Self { model, state, words: None, dies_after: None, appended: 0, estate }
    }

    /// Says what happens.
    pub fn say(&mut self, what: impl FnOnce() -> String) {
        if let Some(words) = &mut self.words {
            words.push(what());
        }
    }

    pub(super) fn moment(&self) -> Now {
        now(self.state.now, self.state.lost)
    }

    fn mark(&self) -> ClockMark {
        let boot_id = BootId::new(&format!("boot-{}", self.state.lost));
        let boot_time = BootTime::after_boot(Duration::from_millis(self.state.now));
        ClockMark { boot_id, boot_time, steady: self.moment().steady }
    }

    /// Appends one entry: when this returns, it is durable, and everybody may have died.
    pub fn append(&mut self, entry: Entry) -> Result<Sequence, Died> {
        let at = self.moment();
        let sequence = self.state.ledger.next();
        oracle::written(&mut self.state, &entry);
        self.say(|| format!("  {sequence} {}", words(&entry)));
        if self.state.ledger.change().apply(sequence, &Stamped { at, entry }).is_err() {
            self.state.breaks(8, "an entry was planned that cannot follow in the journal");
            return Err(Died);
        }
        self.appended += 1;
        if self.dies_after == Some(self.appended) {
            return Err(Died);
        }
        Ok(sequence)
    }

    fn planned(&self) -> Option<Plan> {
        self.state.coordinator.as_ref()?;
        let begun = Instant::now();
        let plan = plan::plan(self.world());
        PLANNED.fetch_add(1, Ordering::Relaxed);
        PLANNING.fetch_add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(0), Ordering::Relaxed);
        Some(plan)
    }

    /// Plans, and does what is planned, until nothing new is.
    pub fn settle(&mut self) -> Result<Option<Plan>, Died> {
        self.mark_clock()?;
        self.establish();
        let mut done: Vec<Effect> = Vec::new();
        for _ in 0..ROUNDS {
            let Some(plan) = self.planned() else { return Ok(None) };
            let mut recorded = false;
            for step in &plan.steps {
                if let Step::Act(effect) = step {
                    if done.contains(effect) {
                        self.state.breaks(8, "the same effect was planned twice in an unchanged world");
                        return Ok(Some(plan));
                    }
                    done.push(effect.clone());
                }
                recorded |= self.perform(step)?;
            }
            if !recorded {
                return Ok(Some(plan));
            }
        }
        self.state.breaks(8, "planning does not come to rest");
        Ok(None)
    }

    fn mark_clock(&mut self) -> Result<(), Died> {
        let ledger = &self.state.ledger;
        let waiting = ledger.pairs.values().any(|pair| pair.landed().is_some()) || ledger.open().next().is_some();
        let steady = self.state.now - self.state.lost;
        let marked = self.state.coordinator.as_ref().map_or(steady, |coordinator| coordinator.marked);
        if waiting && steady.saturating_sub(marked) >= CLOCK_EVERY {
            if let Some(coordinator) = &mut self.state.coordinator {
                coordinator.marked = steady;
            }
            let mark = self.mark();
            self.append(Entry::Clock(mark))?;
        }
        Ok(())
    }

    /// Writes of a coordinator that died.
    fn establish(&mut self) {
        let Some(coordinator) = &mut self.state.coordinator else { return };
        for (id, intent) in self.state.ledger.open() {
            if intent.effect.entry().is_some() {
                coordinator.writes.entry(id.get()).or_insert(Write::Establishing);
            }
        }
    }

    fn perform(&mut self, step: &Step) -> Result<bool, Died> {
        let Some(entry) = step.entry() else { return Ok(false) };
        let sequence = self.append(entry)?;
        match step {
            Step::Act(Effect::Grant(_) | Effect::Withdraw(_)) => {
                if let Some(coordinator) = &mut self.state.coordinator {
                    coordinator.writes.insert(sequence.get(), Write::Pending);
                }
            }
            Step::Act(_) => self.offer(sequence),
            Step::Withdraw(intent, _) => self.tell_host(*intent, |act| ToAgent::Withdrawn { act }),
            Step::Record(_) | Step::GiveUp(..) | Step::Survey(_) => {}
        }
        Ok(true)
    }

    pub(super) fn offer(&mut self, intent: Sequence) {
        self.tell_host(intent, |act| ToAgent::Offer { act });
    }

    pub(super) fn host_of(&self, intent: Sequence) -> Option<usize> {
        let host = self.state.ledger.intents.get(&intent)?.effect.host()?;
        self.model.scene.hosts.iter().position(|known| known == host)
    }

    pub(super) fn tell_host(&mut self, intent: Sequence, message: impl FnOnce(u64) -> ToAgent) {
        if let Some(host) = self.host_of(intent) {
            self.tell(host, message(intent.get()));
        }
    }

    pub(super) fn tell(&mut self, host: usize, message: ToAgent) {
        let Some(coordinator) = &self.state.coordinator else { return };
        if !coordinator.sessions[host] {
            return;
        }
        // The agent's end of an older session may still be open: then nobody reads this.
        if self.state.agents[host].session == Some(coordinator.generation) {
            self.state.agents[host].inbox.push(message);
        }
        self.say(|| format!("  to {}: {message:?}", HOSTS[host]));
    }

    pub(super) fn observe(&mut self, observation: Observation) {
        self.estate.observe(observation);
    }

    /// A coordinator starts on the journal; after another boot of its machine the time in between is lost.
    pub fn start(&mut self, rebooted: bool) -> Result<(), Died> {
        if rebooted && let Some(mark) = &self.state.ledger.clock {
            // As the coordinator's clock does: where the last entry was written, if that was later than the mark.
            let steady = self.state.ledger.last.map_or(mark.steady, |last| last.steady.max(mark.steady));
            let steady = steady.since(Steady::START).as_millis();
            self.state.lost = self.state.now - u64::try_from(steady).unwrap_or(self.state.now).min(self.state.now);
        }
        let counter = self.state.ledger.generation.map_or(1, |last| last.counter + 1);
        let generation = Generation { epoch: EPOCH, counter, mark: 0 };
        self.estate = Estate::default();
        self.state.coordinator = Some(Common::new(Coordinator {
            generation: counter,
            sessions: [false; 4],
            writes: Default::default(),
            rosters: [false; 4],
            marked: self.state.now - self.state.lost,
            looked: [const { None }; 2],
            reported: [None; 4],
        }));
        let clock = self.mark();
        self.append(Entry::Started { generation, clock, version: "model".to_owned(), laboratory: false })?;
        self.settle().map(drop)
    }

    /// It dies: what it had observed and what was on its way to it are gone.
    pub fn die(&mut self) {
        self.state.coordinator = None;
        self.estate = Estate::default();
        for agent in &mut self.state.agents {
            agent.outbox.clear();
        }
    }

    pub(super) fn world(&self) -> World<'_> {
        World { policy: &self.model.scene.policy, estate: &self.estate, ledger: &self.state.ledger, now: self.moment() }
    }
}

/// A look with its moments.
pub(super) fn arrived(looked: &Looked, lost: Millis, users: Judged) -> Look {
    let steady = |at: Millis| Steady::after_start(Duration::from_millis(at - lost.min(at)));
    let Look { domain, failed, seen, accounts, disputed, gone, lacking, .. } = looked.made.as_ref();
    Look {
        domain: domain.clone(),
        started: steady(looked.full),
        failed: failed.clone(),
        seen: seen.keys().map(|server| (server.clone(), steady(looked.at))).collect(),
        accounts: accounts.clone(),
        disputed: disputed.clone(),
        lacking: lacking.clone(),
        arrived: steady(looked.at),
        gone: gone.clone(),
        users,
    }
}

/// The estate of the state's coordinator, by the real fold, from the last observation of each kind.
#[must_use]
pub fn folded(model: &Model, state: &State) -> Estate {
    let mut estate = Estate::default();
    let Some(coordinator) = &state.coordinator else { return estate };
    let scene = &model.scene;
    for host in 0..HOSTS.len() {
        if coordinator.sessions[host] {
            estate.observe(Observation::Connected(scene.agents[host].clone(), now(state.now, state.lost).steady));
        }
        if let Some((at, shown)) = coordinator.reported[host] {
            let report = truth::report(scene, host, shown, now(at, state.lost).steady);
            estate.observe(Observation::Report(scene.hosts[host].clone(), report));
        }
        if coordinator.rosters[host] {
            let at = now(state.now, state.lost).steady;
            estate.observe(Observation::Roster(scene.goodlink[host - 2].clone(), scene.roster(host), at));
        }
    }
    for looked in coordinator.looked.iter().flatten() {
        let users = Judged::All(truth::everybody(&looked.made).clone());
        estate.observe(Observation::Look(arrived(looked, state.lost, users)));
    }
    estate
}

/// A moment on both clocks.
#[must_use]
pub fn now(now: Millis, lost: Millis) -> Now {
    let wall = SignedDuration::from_millis(1_150_164_000_000 + i64::try_from(now).unwrap_or(i64::MAX / 4));
    let wall = Timestamp::UNIX_EPOCH.saturating_add(wall).unwrap_or(Timestamp::MAX);
    Now { wall, steady: Steady::after_start(Duration::from_millis(now - lost.min(now))) }
}

fn words(entry: &Entry) -> String {
    match entry {
        Entry::Started { generation, .. } => format!("coordinator {} starts", generation.counter),
        Entry::Clock(_) => "clock".to_owned(),
        Entry::Milestone(milestone) => milestone.to_string(),
        Entry::Request { by, request } => format!("{by}: {request}"),
        Entry::Intent { effect } => format!("intent: {effect}"),
        Entry::Permitted { intent, .. } => format!("permitted: {intent}"),
        Entry::Outcome { intent, outcome } => format!("outcome of {intent}: {outcome}"),
    }
}
