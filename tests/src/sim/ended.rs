//! How a seed ended.

use super::estate::name;
use super::lives::ROLLOUT;
use super::world::shown;
use super::{Sim, locked};
use sendgate_core::ledger::RolloutState;
use std::time::Duration;

/// How a seed ended.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub seed: u64,
    /// What must never be, and was.
    pub violations: Vec<String>,
    /// The story, where it was asked for: virtual times and events.
    pub story: Vec<String>,
    /// Virtual time.
    pub simulated: Duration,
    /// Installs, restarts and entries.
    pub effects: u64,
    /// Faults that happened.
    pub faults: u64,
    /// How the rollout ended, in one word.
    pub outcome: &'static str,
    /// The last digest of the coordinator's journal: the same for the same seed.
    pub digest: String,
}

impl Ended {
    /// The simulation itself panicked.
    pub(super) fn broken_off(seed: u64) -> Self {
        Self {
            seed,
            violations: Vec::new(),
            story: Vec::new(),
            simulated: Duration::ZERO,
            effects: 0,
            faults: 0,
            outcome: "broken off",
            digest: String::new(),
        }
    }
}

impl Sim {
    /// Closes the story of a seed; the digest is that of its journal.
    pub(super) fn ended(&self, seed: u64, digest: String) -> Ended {
        let now = self.now();
        // The coordinator's surveys hold the simulation, which would hold itself through it for ever.
        let alive = self.handle().is_some();
        self.serves(None);
        let mut world = locked(&self.world);
        world.settled(now);
        world.has_followed(now, alive);
        let state = world.ledger.rollouts.get(&name(ROLLOUT)).map(|rollout| rollout.state.clone());
        let told = world.told.take().unwrap_or_default();
        Ended {
            seed,
            violations: std::mem::take(&mut world.violations),
            story: told.into_iter().map(|(at, what)| format!("{} {what}", shown(at))).collect(),
            simulated: now,
            effects: world.effects,
            faults: world.faults,
            outcome: match state {
                Some(RolloutState::Finished) => "finished",
                Some(RolloutState::Tripped { .. }) => "tripped",
                Some(RolloutState::Aborted { .. }) => "aborted",
                Some(RolloutState::Removed) => "removed",
                _ => "not ended",
            },
            digest,
        }
    }
}
