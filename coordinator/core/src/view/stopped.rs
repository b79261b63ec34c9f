//! What still stops a rollout after a person let it go on.

use crate::gate::World;
use crate::ledger::{Rollout, RolloutState, Sequence};
use crate::names::RolloutName;
use crate::plan::{self, hold};
use crate::request;

/// What still stops the rollout after the request of this number, with what to do; else that nothing does. A hold and a trip
/// are two stops, and a resume ends one.
#[must_use]
pub fn still_stopped(world: World<'_>, name: &RolloutName, request: Sequence) -> String {
    let Some(rollout) = world.ledger.rollouts.get(name) else { return format!("there is no rollout {name}") };
    let mut stops: Vec<String> = by_itself(world, rollout, request).into_iter().collect();
    let holds = hold::of_rollout(world, rollout).into_iter();
    stops.extend(holds.map(|(held, hold)| request::held_by(world, &held, hold)));
    if !world.estate.strangers.is_empty() {
        let agents: Vec<_> = world.estate.strangers.keys().map(ToString::to_string).collect();
        stops.push(format!(
            "nothing begins anywhere while agents are not led by this coordinator ({}): see `sendgate status`",
            agents.join(", ")
        ));
    }
    if stops.is_empty() {
        return match &rollout.removal {
            None => "nothing else stops it: it goes on as its approvals, gates, windows and limits allow".to_owned(),
            Some(removal) => format!(
                "nothing else stops it: it goes on with taking the hotfix off again ({}), as its windows and limits allow",
                removal.reason
            ),
        };
    }
    format!("it does not go on: {}", stops.join("; and "))
}

/// What taking back every yes to a rollout leaves as it is.
#[must_use]
pub fn revoked(world: World<'_>, name: &RolloutName) -> String {
    let new = format!(
        "no install of it begins until it is approved again by as many as it needs: `sendgate rollout show {name}`"
    );
    let installed =
        world.ledger.rollouts.get(name).is_some_and(|rollout| plan::rollout::begun(world, rollout).next().is_some());
    let installed = installed.then(|| {
        format!("what it has installed stays: `sendgate rollout remove {name} --reason WHY` takes the hotfix off")
    });
    [Some(new), request::under_way(world), installed].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn by_itself(world: World<'_>, rollout: &Rollout, request: Sequence) -> Option<String> {
    let name = &rollout.spec.name;
    let again = |reason: &str| {
        format!("it stops by itself again at once: {reason}: mend that, or `retry` or `skip` the hosts, then resume it")
    };
    match &rollout.state {
        RolloutState::Running { .. } => plan::rollout::trips(world, rollout).as_deref().map(again),
        // It was this request that let it go on.
        RolloutState::Tripped { reason } if rollout.resumed == Some(request) => Some(again(reason)),
        RolloutState::Tripped { reason } => Some(format!(
            "it is still stopped by itself: {reason}: once that is looked at, say `sendgate rollout resume {name} --reason \
             WHY` once more"
        )),
        RolloutState::Created => Some(format!("it has not begun: `sendgate rollout start {name}`")),
        over => Some(format!("it is {over}")),
    }
}
