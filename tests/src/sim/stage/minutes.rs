//! What happens once a minute: the world goes on, the operator works, and it is asked whether the seed is over.

use super::super::estate::name;
use super::super::faults::FAULTS_FOR;
use super::super::lives::ROLLOUT;
use super::super::people;
use super::super::world::shown;
use super::{MINUTE, Stage};
use sendgate_core::ledger::RolloutState;
use std::sync::Arc;
use std::time::Duration;

/// Once everything is put right, the rollout ends within this time: waits, three installs with soak, refusals.
const ENDS_WITHIN: Duration = Duration::from_secs(14 * 60 * 60);

/// The same where hosts may be changed in windows only: of each three hours a little more than one.
const ENDS_IN_WINDOWS_WITHIN: Duration = Duration::from_secs(30 * 60 * 60);

impl Stage {
    /// What happens once a minute; true at the end.
    pub(super) fn minute(&mut self, now: Duration) -> bool {
        let sim = Arc::clone(&self.sim);
        sim.world(|world| {
            world.replicate(now);
            world.pauses(now);
            if now.saturating_sub(self.propagated) >= 60 * MINUTE {
                self.propagated = now;
                world.propagate(now);
            }
            world.relent(now);
            world.deadlines(now);
            world.arrives_on_node(now, false);
            world.are_remedied(now);
        });
        if self.by_hand.is_some_and(|at| at <= now) && sim.world(|world| world.relents.is_empty()) {
            // Whatever is missing later is granted by hand as well, as long as things go wrong.
            self.by_hand = (now < 2 * FAULTS_FOR).then_some(now + 60 * MINUTE);
            sim.world(|world| world.grant_by_hand(now));
        }
        self.operate(now);
        if self.healed.is_none() && now >= FAULTS_FOR {
            self.healed = Some(now);
            sim.ways(|ways| {
                ways.values_mut().for_each(|way| (way.closed, way.slow.0) = (Duration::ZERO, Duration::ZERO))
            });
            sim.world(|world| world.heal(now));
        }
        let state = self.state();
        let (over, resumed) = sim.world(|world| {
            let quiet = world.ledger.open().next().is_none() && !world.acts.values().any(|act| act.running());
            (quiet, world.resumed)
        });
        let ended = match &state {
            None | Some(RolloutState::Created | RolloutState::Running { .. }) => false,
            // A person lets it go on.
            Some(RolloutState::Tripped { .. }) => resumed >= self.resumes,
            Some(_) => true,
        };
        if ended && over && self.loss.is_none() && self.faults.is_empty() && now > 10 * MINUTE {
            return true;
        }
        let within = if self.windows { ENDS_IN_WINDOWS_WITHIN } else { ENDS_WITHIN };
        let late = self.healed.is_some_and(|healed| now > healed + within);
        if late {
            if !ended {
                let state = state.map_or("not there".to_owned(), |state| state.to_string());
                sim.violated(format!("the rollout is {state}, {} after everything was put right", shown(within)));
            }
            return true;
        }
        // In the last hour somebody asks why.
        if self.healed.is_some_and(|healed| now > healed + within - 2 * MINUTE) {
            self.why();
        }
        false
    }

    fn why(&self) {
        let Some(handle) = self.sim.handle() else { return };
        let sim = Arc::clone(&self.sim);
        tokio::spawn(async move {
            let why = handle.look(|_, plan| format!("{:?} {:?}", plan.rollouts, plan.grants)).await;
            let now = sim.now();
            sim.world(|world| world.tell(now, || format!("why: {why:?}")));
        });
    }

    /// What the operator does in any case: a rollout of every server, once; and what was stopped goes on in the end.
    fn operate(&mut self, now: Duration) {
        let Some(handle) = self.sim.handle() else { return };
        let operator = people::Operator {
            state: self.state(),
            over: self.healed.is_some(),
            aborts: self.abort.is_some_and(|at| at <= now),
            resumes: self.resumes,
        };
        tokio::spawn(operator.work(Arc::clone(&self.sim), handle));
    }

    fn state(&self) -> Option<RolloutState> {
        self.sim.world(|world| world.ledger.rollouts.get(&name(ROLLOUT)).map(|rollout| rollout.state.clone()))
    }
}
