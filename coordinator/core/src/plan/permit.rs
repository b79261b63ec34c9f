//! What becomes of an act that is on offer: its permit, its being taken back, its being given up.

use super::{Blocked, Plan, Step, hold, remedy, rollout};
use crate::gate::World;
use crate::ledger::{Effect, IntentState, RolloutState, Sequence};
use crate::mutation::{self, Mutation};
use crate::time::Readable;
use std::collections::BTreeSet;

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
            let held = |why: &Blocked| matches!(why, Blocked::Held { .. } | Blocked::NotConfigured { .. });
            let stop = |why: &Blocked| held(why) || matches!(why, Blocked::NotRunning { .. });
            blocked.retain(|why| !(stop(why) && mutation::is(Mutation::DeafToAbort)));
            blocked
        }
        Effect::TestSend { rollout, goodlink, host, .. } => match world.ledger.rollouts.get(rollout) {
            Some(rollout) => {
                let hosts = rollout::progress(world, rollout, rollout::Depth::Turn, Some(id));
                let mut blocked = rollout::may_test(world, rollout, goodlink, host, Some(id));
                blocked.extend(rollout::not_needed(world, rollout, &intent.effect, &hosts));
                blocked
            }
            None => return Err(void(format!("no rollout {rollout}"))),
        },
        Effect::RestartGoodlink { goodlink, host, .. } => {
            if let Some(why) = remedy::elsewhere(world, goodlink, host) {
                return Err(void(why));
            }
            remedy::may_restart(world, goodlink, Some(id))
        }
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
pub(super) fn overdue(world: World<'_>, plan: &mut Plan) {
    let limit = world.policy.act_deadline;
    for (id, intent) in world.ledger.open().filter(|(_, intent)| intent.effect.host().is_some()) {
        match intent.state {
            IntentState::Filed => {
                // What a person or a trip has stopped is offered no longer (invariant 7).
                let late = world.now.steady > intent.filed + limit && !mutation::is(Mutation::EternalOffer);
                let why = stopped(world, plan, id, &intent.effect)
                    .or_else(|| late.then(|| format!("no permit within {}", Readable(limit))));
                plan.steps.extend(why.map(|why| Step::Withdraw(id, why)));
            }
            IntentState::Permitted { at } if hold::running(world, at, || hold::over(world, &intent.effect)) > limit => {
                let why = format!("its end was not heard within {} of the permit", Readable(limit));
                plan.steps.push(Step::GiveUp(id, why));
            }
            IntentState::Permitted { .. } | IntentState::Ended { .. } => {}
        }
    }
}

/// Why nobody wants the effect any more.
fn stopped(world: World<'_>, plan: &Plan, id: Sequence, effect: &Effect) -> Option<String> {
    if mutation::is(Mutation::DeafToAbort) {
        return None;
    }
    let elsewhere = match effect {
        Effect::RestartGoodlink { goodlink, host, .. } => remedy::elsewhere(world, goodlink, host),
        _ => None,
    };
    let held = || hold::blocking(world, || hold::over(world, effect)).first().map(ToString::to_string);
    if let Some(why) = elsewhere.or_else(held) {
        // The wish went into the offer.
        let forced = matches!(effect, Effect::RestartGoodlink { forced: true, .. });
        return Some(if forced { format!("{why}; say it again if it is still wanted") } else { why });
    }
    match effect {
        Effect::RestartGoodlink { goodlink, forced: false, .. } => {
            let instead =
                remedy::wanted(world, goodlink).then(|| "a person has forced one, which takes its place".to_owned());
            return instead.or_else(|| remedy::helps_nobody(world, goodlink, id));
        }
        Effect::RestartGoodlink { goodlink, forced: true, .. } => {
            return remedy::is_cancelled(world, goodlink, id)
                .then(|| "whoever wanted it has taken that back".to_owned());
        }
        _ => {}
    }
    let (name, host) = effect.rollout().zip(effect.host())?;
    let Some(rollout) = world.ledger.rollouts.get(name) else { return Some("the rollout is gone".to_owned()) };
    if let (Effect::Install { .. } | Effect::TestSend { .. }, Some(removal)) = (effect, &rollout.removal) {
        return Some(format!("the hotfix is to be removed again: {}", removal.reason));
    }
    match (&rollout.state, effect) {
        (RolloutState::Running { .. }, Effect::TestSend { .. }) => {
            let hosts = plan.rollouts.get(name).map_or(&[][..], Vec::as_slice);
            rollout::not_needed(world, rollout, effect, hosts).map(|why| why.to_string())
        }
        (RolloutState::Running { .. }, _) => rollout.skipped.get(host).map(|skip| rollout::left_out(skip).to_string()),
        (state, _) => Some(format!("the rollout is {state}")),
    }
}
