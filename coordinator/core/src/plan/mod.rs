//! What is to be done next: one function from values to a value.
//!
//! 1. [`milestones`]: what the observations teach for good; it is written down before anything is decided on it;
//! 2. [`grants`]: entries to add, one at a time on a place;
//! 3. [`rollout`]: hosts to change, trips, ends;
//! 4. [`remedy`]: GoodLink restarts that would un-pause users; [`diagnosis`]: why one is paused all the same;
//! 5. [`survey`]: when each domain is to be looked at again.
//!
//! [`permit()`] asks the same again, of one act, when its agent is about to begin, and [`may_write`] of one entry that is
//! about to be written; [`Blocked`] is every reason why not.
//!
//! Whoever is not moving carries the reason. Planning again on an unchanged world plans nothing new (invariant 8).

mod blocked;
pub mod breach;
pub mod diagnosis;
pub mod disruption;
pub mod grants;
pub mod hold;
pub mod milestones;
mod permit;
pub mod remedy;
pub mod rollout;
pub mod survey;

pub use blocked::Blocked;
pub use grants::may_write;
pub use permit::{Refusal, permit};

use crate::gate::World;
use crate::ledger::{Anew, Effect, Entry, IntentState, Milestone, Outcome, Rollout, RolloutState, Sequence};
use crate::names::{DomainName, GoodLinkName, HostName, RolloutName};
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The next steps, and why everything else stands still.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Plan {
    /// What to do now, in this order.
    pub steps: Vec<Step>,
    /// Each live rollout's hosts with their phase and reasons.
    pub rollouts: BTreeMap<RolloutName, Vec<rollout::HostProgress>>,
    /// Each GoodLink server with paused users, or of which that is not known since its restart: why it is not restarted.
    pub remedies: BTreeMap<GoodLinkName, BTreeSet<Blocked>>,
    /// Each domain with missing users: why nothing is granted.
    pub grants: BTreeMap<DomainName, BTreeSet<Blocked>>,
    /// The next moment at which the answer may change by itself.
    pub wake: Option<Steady>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Write down what was learned, and plan again.
    Record(Milestone),
    /// Write down the intent, then do it.
    Act(Effect),
    /// Take back an offer that got no permit in time.
    Withdraw(Sequence, String),
    /// Nothing was heard of a permitted act for too long: write down that its outcome is unknown.
    GiveUp(Sequence, String),
    /// Look at a domain.
    Survey(DomainName),
}

/// The next steps in this world.
#[must_use]
pub fn plan(world: World<'_>) -> Plan {
    let mut plan = Plan {
        steps: milestones::milestones(world)
            .into_iter()
            .chain(breach::milestones(world))
            .chain(remedy::milestones(world))
            .map(Step::Record)
            .collect(),
        rollouts: BTreeMap::new(),
        remedies: BTreeMap::new(),
        grants: BTreeMap::new(),
        wake: None,
    };
    let mut changes = Vec::new();
    for (name, rollout) in world.ledger.rollouts.iter().filter(|(_, rollout)| rollout.state.is_live()) {
        let progress = rollout::progress(world, rollout, rollout::Depth::Turn, None);
        changes.extend(rollout::steps(world, rollout, &progress));
        plan.rollouts.insert(name.clone(), progress);
    }
    // What was learned is written down first: nothing is done on a world that the journal does not know yet.
    let learned = |step: &Step| matches!(step, Step::Record(_));
    if plan.steps.iter().chain(&changes).any(learned) {
        plan.steps.extend(changes);
        plan.steps.retain(learned);
        plan.wake = Some(world.now.steady);
        return plan;
    }
    // Who is paused already comes before whoever may be: remedies take their room ahead of rollouts.
    grants::plan(world, &mut plan);
    remedy::plan(world, &mut plan);
    plan.steps.extend(changes);
    permit::overdue(world, &mut plan);
    one_disruption_at_a_time(world, &mut plan);
    let surveys = survey::plan(world, &mut plan);
    plan.wake = wake(world, &plan, surveys);
    plan
}

/// Each step was judged alone; together they must not pass the limit either, nor meet on one host.
fn one_disruption_at_a_time(world: World<'_>, plan: &mut Plan) {
    if !plan.steps.iter().any(|step| matches!(step, Step::Act(effect) if effect.host().is_some())) {
        return;
    }
    let down = disruption::disrupted(world, None);
    // What goes on in this plan already.
    let mut taken: BTreeMap<HostName, String> = BTreeMap::new();
    plan.steps.retain(|step| match step {
        Step::Act(effect) => effect.host().is_none_or(|host| {
            let mut others = match effect {
                // Where nothing serves any more, only what goes on elsewhere counts.
                Effect::Remove { .. } if down.contains_key(host) => disruption::under_way(world, None),
                _ => down.clone(),
            };
            others.extend(taken.clone());
            others.remove(host);
            let fits = disruption::over_limit(world, &others, host).is_empty() && !taken.contains_key(host);
            if fits {
                taken.insert(host.clone(), effect.to_string());
            }
            fits
        }),
        _ => true,
    });
}

/// Whether anything waits for time to pass: what a reboot takes away of it is waited for again. Time that passes while
/// nothing waits need not be remembered.
#[must_use]
pub fn waits(world: World<'_>) -> bool {
    let (now, waits) = (world.now.steady, &world.policy.waits);
    let mut landed = world.ledger.pairs.values().filter_map(|pair| pair.landed());
    let anew = |goodlink| world.ledger.lineage.anew(goodlink).map(|anew| anew.remaining(now, waits.settled));
    let mut anew = world.policy.goodlink.keys().filter_map(anew);
    let running = |rollout: &Rollout| matches!(rollout.state, RolloutState::Running { .. });
    landed.any(|at| now < at + waits.failed)
        || anew.any(|remaining| !remaining.is_zero())
        || remedy::waits(world)
        || world.ledger.open().next().is_some()
        || world.ledger.rollouts.values().any(running)
}

/// The earliest deadline that is still to come.
fn wake(world: World<'_>, plan: &Plan, surveys: Vec<Steady>) -> Option<Steady> {
    let now = world.now.steady;
    let waits = &world.policy.waits;
    let pairs =
        world.ledger.pairs.values().filter_map(|pair| pair.landed()).flat_map(|landed| {
            [waits.second_look, waits.restart, waits.settled, waits.failed].map(|wait| landed + wait)
        });
    let anew = world.policy.goodlink.keys().filter_map(|goodlink| match world.ledger.lineage.anew(goodlink)? {
        Anew::Unseen => None,
        Anew::Since(at) => Some(at + waits.settled),
    });
    let acts = world.ledger.open().map(|(_, intent)| match intent.state {
        IntentState::Permitted { at } => at + world.policy.act_deadline,
        _ => intent.filed + world.policy.act_deadline,
    });
    let rollouts = plan
        .rollouts
        .iter()
        .filter_map(|(name, hosts)| world.ledger.rollouts.get(name).map(|known| rollout::wake(world, known, hosts)));
    let restarts = remedy::wake(world);
    let evidence = world.estate.domains.values().map(|picture| picture.started + world.policy.freshness.evidence_age);
    let watches = world.estate.domains.values().map(|picture| picture.as_of() + world.policy.freshness.watch_age);
    let silence = world.estate.hosts.values().map(|host| host.reported + world.policy.freshness.silent_after);
    // One millisecond on: the comparisons are strict where a limit may just be reached.
    let all = pairs
        .chain(anew)
        .chain(acts)
        .chain(surveys)
        .chain(rollouts.flatten())
        .chain(restarts)
        .chain(evidence)
        .chain(watches)
        .chain(silence);
    all.map(|at| at + Duration::from_millis(1)).filter(|at| *at > now).min()
}

impl Step {
    /// The entry that must be durable before the step's effect, if it has one.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        match self {
            Self::Record(milestone) => Some(Entry::Milestone(milestone.clone())),
            Self::Act(effect) => Some(Entry::Intent { effect: effect.clone() }),
            Self::Withdraw(intent, why) => {
                Some(Entry::Outcome { intent: *intent, outcome: Outcome::Withdrawn { detail: why.clone() } })
            }
            Self::GiveUp(intent, why) => {
                Some(Entry::Outcome { intent: *intent, outcome: Outcome::Unknown { detail: why.clone() } })
            }
            Self::Survey(_) => None,
        }
    }
}
