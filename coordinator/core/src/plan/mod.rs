//! What is to be done next: one function from values to a value.
//!
//! 1. [`milestones`]: what the observations teach for good; it is written down before anything is decided on it;
//! 2. [`grants`]: entries to add, one at a time on a place;
//! 3. [`rollout`]: hosts to change, trips, ends;
//! 4. [`remedy`]: GoodLink restarts that would un-pause users; [`diagnosis`]: why one is paused all the same;
//! 5. [`survey`]: when each domain is to be looked at again.
//!
//! Whoever is not moving carries the reason. Planning again on an unchanged world plans nothing new (invariant 8).

pub mod breach;
pub mod diagnosis;
pub mod disruption;
pub mod grants;
pub mod hold;
pub mod milestones;
pub mod remedy;
pub mod rollout;
pub mod survey;

use crate::gate::{Reason, World};
use crate::ledger::{Effect, Entry, Held, Hold, IntentState, Milestone, Outcome, RolloutState, Sequence, Stranger};
use crate::mutation::{self, Mutation};
use crate::names::{AgentName, DomainName, GoodLinkName, HostName, OperatorName, RolloutName};
use crate::time::{Readable, Steady};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// The next steps, and why everything else stands still.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Plan {
    /// What to do now, in this order.
    pub steps: Vec<Step>,
    /// Each live rollout's hosts with their phase and reasons.
    pub rollouts: BTreeMap<RolloutName, Vec<rollout::HostProgress>>,
    /// Each GoodLink server with paused users: why it is not restarted.
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

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "blocked")]
pub enum Blocked {
    /// A gate is closed.
    Gate {
        /// Why.
        reason: Reason,
    },
    /// As many hosts are disrupted as may be.
    Disruption {
        /// Of what: `hosts`, `Exchange hosts`.
        what: String,
        /// How many may be.
        limit: u32,
        /// Which are, with the reason.
        hosts: BTreeMap<HostName, String>,
    },
    /// The host is not ready.
    Host {
        /// Which.
        host: HostName,
        /// Why.
        why: String,
    },
    /// Another host of the rollout comes first.
    Turn {
        /// Which.
        after: HostName,
    },
    /// Not enough people have said yes.
    Approval {
        /// How many must.
        needed: u32,
        /// Who has.
        given: BTreeSet<OperatorName>,
        /// Whose own yes does not count.
        author: OperatorName,
    },
    /// No window is open.
    Closed {
        /// When one opens; none: not within ten years.
        next: Option<Timestamp>,
    },
    /// What it entails is not over before the window's cutoff.
    Fit {
        /// The arithmetic.
        fit: rollout::Fit,
    },
    /// Something is not known, and nothing is concluded from that.
    Inconclusive {
        /// What.
        why: String,
    },
    /// The rollout is about to stop by itself.
    Tripping {
        /// Why.
        reason: String,
    },
    /// It is held.
    Held {
        /// What is.
        held: Held,
        /// By whom, and why.
        hold: Hold,
    },
    /// An agent has obeyed another coordinator: as long as that is so nothing begins anywhere.
    Stranger {
        /// Which.
        agent: AgentName,
        /// Whom, and what that means.
        stranger: Stranger,
    },
    /// A person left the host out.
    Skipped {
        /// Who.
        by: OperatorName,
        /// Why.
        reason: String,
    },
    /// The rollout is not running.
    NotRunning {
        /// Its state.
        state: String,
    },
    /// Policy leaves it to people.
    Policy {
        /// Which setting, and what would be done.
        setting: String,
    },
    /// A wait is not over.
    Wait {
        /// What for.
        what: String,
        /// How long still.
        remaining: Duration,
    },
    /// It was tried, and a person must look at it.
    Tried {
        /// What came of it.
        what: String,
    },
    /// Nothing that can be done would help.
    NoHelp {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate { reason } => write!(f, "{reason}"),
            Self::Disruption { what, limit, hosts } => {
                let hosts: Vec<_> = hosts.iter().map(|(host, why)| format!("{host} ({why})")).collect();
                write!(f, "{} of at most {limit} {what} are disrupted: {}", hosts.len(), hosts.join(", "))
            }
            Self::Host { host, why } => write!(f, "host {host}: {why}"),
            Self::Turn { after } => write!(f, "{after} comes first"),
            Self::Approval { needed, given, author } => {
                let given: Vec<_> = given.iter().map(ToString::to_string).collect();
                let given = if given.is_empty() { "nobody yet".to_owned() } else { given.join(", ") };
                write!(f, "{needed} people other than its author {author} must approve it; approved by {given}")
            }
            Self::Closed { next: Some(next) } => write!(f, "no window is open; the next one opens at {next}"),
            Self::Closed { next: None } => f.write_str("no window is open, and none opens within ten years"),
            Self::Fit { fit } => write!(f, "{fit}"),
            Self::Inconclusive { why } => f.write_str(why),
            Self::Tripping { reason } => write!(f, "the rollout stops by itself: {reason}"),
            Self::Held { held, hold } => write!(f, "{held} is {hold}"),
            Self::Stranger { agent, stranger } => write!(f, "agent {agent} is not led by this coordinator: {stranger}"),
            Self::Skipped { by, reason } => write!(f, "{by} left it out: {reason}"),
            Self::NotRunning { state } => write!(f, "the rollout is {state}"),
            Self::Policy { setting } => f.write_str(setting),
            Self::Wait { what, remaining } => write!(f, "{what}: {} to go", Readable(*remaining)),
            Self::Tried { what } => write!(f, "a person must look at it: {what}"),
            Self::NoHelp { why } => f.write_str(why),
        }
    }
}

/// The next steps in this world.
#[must_use]
pub fn plan(world: World<'_>) -> Plan {
    let mut plan = Plan {
        steps: milestones::milestones(world).into_iter().chain(breach::milestones(world)).map(Step::Record).collect(),
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
    overdue(world, &mut plan);
    one_disruption_at_a_time(world, &mut plan);
    survey::plan(world, &mut plan);
    plan.wake = wake(world, &plan);
    plan
}

/// Whether an intent that was filed earlier may be carried out now: the same conditions under which it was planned.
///
/// # Errors
/// What speaks against it. An unknown or ended intent is refused for good; see [`Refusal::void`].
pub fn permit(world: World<'_>, id: Sequence) -> Result<(), Refusal> {
    let void = |why: String| Refusal { void: true, blocked: [Blocked::Tried { what: why }].into() };
    let Some(intent) = world.ledger.intents.get(&id) else {
        return Err(void(format!("no intent {id} is in the journal")));
    };
    match &intent.state {
        IntentState::Filed => {}
        IntentState::Permitted { .. } if mutation::is(Mutation::SecondPermit) => {}
        // At most one permit per intent: asking again says that the first one was not used, and never will be.
        IntentState::Permitted { .. } => return Err(void("its permit was given before".to_owned())),
        IntentState::Ended { outcome, .. } => return Err(void(format!("it is over: {outcome}"))),
    }
    let blocked = match &intent.effect {
        Effect::Grant(_) | Effect::Withdraw(_) => {
            [Blocked::NoHelp { why: "a grant needs no permit".to_owned() }].into()
        }
        Effect::Install { rollout, host, .. } | Effect::Remove { rollout, host, .. } => {
            let Some(rollout) = world.ledger.rollouts.get(rollout) else {
                return Err(void(format!("no rollout {rollout}")));
            };
            if matches!(intent.effect, Effect::Remove { .. }) != rollout.removal.is_some() {
                return Err(void("the rollout goes in the other direction by now".to_owned()));
            }
            let hosts = rollout::progress(world, rollout, rollout::Depth::Turn, Some(id));
            let mut blocked = match hosts.into_iter().find(|progress| progress.host == *host) {
                Some(progress) if progress.phase == rollout::Phase::Waiting => progress.blocked,
                Some(progress) => {
                    let why = format!("it is {} by now", progress.phase);
                    [Blocked::Host { host: host.clone(), why }].into()
                }
                None => [Blocked::Host { host: host.clone(), why: "it is not configured".to_owned() }].into(),
            };
            let stop = |why: &Blocked| matches!(why, Blocked::NotRunning { .. } | Blocked::Held { .. });
            blocked.retain(|why| !(stop(why) && mutation::is(Mutation::DeafToAbort)));
            blocked
        }
        Effect::TestSend { rollout, goodlink, host, .. } => match world.ledger.rollouts.get(rollout) {
            Some(rollout) => rollout::may_test(world, rollout, goodlink, host, Some(id)),
            None => return Err(void(format!("no rollout {rollout}"))),
        },
        Effect::RestartGoodlink { goodlink, .. } => remedy::may_restart(world, goodlink, Some(id)),
    };
    if blocked.is_empty() { Ok(()) } else { Err(Refusal { void: false, blocked }) }
}

/// Why there is no permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// There never will be one for this intent.
    pub void: bool,
    /// Why.
    pub blocked: BTreeSet<Blocked>,
}

/// Offers that nobody answered or that nobody wants any more, and permits that nothing was heard of.
fn overdue(world: World<'_>, plan: &mut Plan) {
    let limit = world.policy.act_deadline;
    for (id, intent) in world.ledger.open().filter(|(_, intent)| intent.effect.host().is_some()) {
        let over = hold::over(world, &intent.effect);
        match intent.state {
            IntentState::Filed => {
                // What a person or a trip has stopped is offered no longer (invariant 7).
                let late = world.now.steady > intent.filed + limit && !mutation::is(Mutation::EternalOffer);
                let why = stopped(world, id, &intent.effect, &over)
                    .or_else(|| late.then(|| format!("no permit within {}", Readable(limit))));
                plan.steps.extend(why.map(|why| Step::Withdraw(id, why)));
            }
            IntentState::Permitted { at } if hold::running(world, at, &over) > limit => {
                let why = format!("nothing was heard within {} of the permit", Readable(limit));
                plan.steps.push(Step::GiveUp(id, why));
            }
            IntentState::Permitted { .. } | IntentState::Ended { .. } => {}
        }
    }
}

/// Why nobody wants the effect any more.
fn stopped(world: World<'_>, id: Sequence, effect: &Effect, over: &[Held]) -> Option<String> {
    if mutation::is(Mutation::DeafToAbort) {
        return None;
    }
    if let Some(held) = hold::blocking(world, over).first() {
        return Some(held.to_string());
    }
    match effect {
        Effect::RestartGoodlink { goodlink, forced: false, .. } => return remedy::helps_nobody(world, goodlink, id),
        Effect::RestartGoodlink { goodlink, forced: true, .. } => {
            return remedy::is_cancelled(world, goodlink, id)
                .then(|| "whoever wanted it has taken that back".to_owned());
        }
        _ => {}
    }
    let (rollout, host) = effect.rollout().zip(effect.host())?;
    let Some(rollout) = world.ledger.rollouts.get(rollout) else { return Some("the rollout is gone".to_owned()) };
    if let (Effect::Install { .. } | Effect::TestSend { .. }, Some(removal)) = (effect, &rollout.removal) {
        return Some(format!("the hotfix is to be removed again: {}", removal.reason));
    }
    match &rollout.state {
        RolloutState::Running { .. } => rollout.skipped.get(host).map(|skip| rollout::left_out(skip).to_string()),
        state => Some(format!("the rollout is {state}")),
    }
}

/// Each step was judged alone; together they must not pass the limit either, nor meet on one host.
fn one_disruption_at_a_time(world: World<'_>, plan: &mut Plan) {
    if !plan.steps.iter().any(|step| matches!(step, Step::Act(effect) if effect.host().is_some())) {
        return;
    }
    let mut down = disruption::disrupted(world, None);
    let mut taken = BTreeSet::new();
    plan.steps.retain(|step| match step {
        Step::Act(effect) => effect.host().is_none_or(|host| {
            let others = down.iter().filter(|(other, _)| *other != host);
            let others = others.map(|(host, why)| (host.clone(), why.clone())).collect();
            let fits = disruption::over_limit(world, &others, host).is_empty() && taken.insert(host.clone());
            if fits {
                down.insert(host.clone(), effect.to_string());
            }
            fits
        }),
        _ => true,
    });
}

/// The earliest deadline that is still to come.
fn wake(world: World<'_>, plan: &Plan) -> Option<Steady> {
    let now = world.now.steady;
    let waits = &world.policy.waits;
    let pairs =
        world.ledger.pairs.values().filter_map(|pair| pair.landed()).flat_map(|landed| {
            [waits.second_look, waits.restart, waits.settled, waits.failed].map(|wait| landed + wait)
        });
    let acts = world.ledger.open().map(|(_, intent)| match intent.state {
        IntentState::Permitted { at } => at + world.policy.act_deadline,
        _ => intent.filed + world.policy.act_deadline,
    });
    let surveys = world.policy.domains.keys().filter_map(|domain| survey::due(world, domain));
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
