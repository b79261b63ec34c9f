//! `rollout show` and `plan`.

use super::gate::{self, summary};
use crate::gate::World;
use crate::ledger::{IntentState, Removal, Rollout, RolloutState, Sequence, Sha256, Subject, Yes};
use crate::names::{DomainName, GoodLinkName, HostName, OperatorName, RolloutName};
use crate::plan::rollout::{Depth, HostProgress, Tally, progress, tallies};
use crate::plan::{self, Plan, Step};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutView {
    /// What it is to do.
    pub spec: crate::spec::RolloutSpec,
    /// Who wrote it.
    pub author: OperatorName,
    /// Who has approved it.
    pub approved: BTreeMap<OperatorName, Yes>,
    /// How far it is, in words.
    pub state: String,
    /// The same, for programs.
    pub lifecycle: crate::ledger::RolloutState,
    /// Waves that are over.
    pub waves_done: u32,
    /// Why its hotfix is being removed or was removed again, where not from all waves from which one, and which of its servers are passed over.
    pub removal: Option<String>,
    /// What has gone wrong, against what is allowed.
    pub tallies: Vec<Tally>,
    /// Its hosts in order.
    pub hosts: Vec<RolloutHostLine>,
}

/// A host of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutHostLine {
    /// How far it is, in words.
    pub phase: String,
    /// Why it is not moving, in words.
    pub reasons: Vec<String>,
    /// The same, for programs.
    pub progress: HostProgress,
}

pub(super) fn host_lines(hosts: Vec<HostProgress>) -> Vec<RolloutHostLine> {
    let line = |progress: HostProgress| RolloutHostLine {
        phase: progress.phase.to_string(),
        reasons: lines(&progress.blocked),
        progress,
    };
    hosts.into_iter().map(line).collect()
}

/// What stands in the way, with users who share a verdict on one line.
fn lines(blocked: &BTreeSet<plan::Blocked>) -> Vec<String> {
    let gate = blocked.iter().filter_map(|blocked| match blocked {
        plan::Blocked::Gate { reason } => Some(reason.clone()),
        _ => None,
    });
    let others = blocked.iter().filter(|blocked| !matches!(blocked, plan::Blocked::Gate { .. }));
    summary(&gate::lines(gate.collect())).into_iter().chain(others.map(ToString::to_string)).collect()
}

/// One rollout; none if there is none of that name.
#[must_use]
pub fn rollout(world: World<'_>, name: &RolloutName) -> Option<RolloutView> {
    let rollout = world.ledger.rollouts.get(name)?;
    let hosts = progress(world, rollout, Depth::All, None);
    let approval = world.ledger.approvals.get(&Subject::Rollout { rollout: name.clone() });
    Some(RolloutView {
        spec: rollout.spec.clone(),
        author: rollout.author.clone(),
        approved: approval.map(|approval| approval.given.clone()).unwrap_or_default(),
        state: rollout_state(world, rollout),
        lifecycle: rollout.state.clone(),
        waves_done: rollout.waves_done,
        removal: removal(world, rollout),
        tallies: tallies(world, rollout, &hosts),
        hosts: host_lines(hosts),
    })
}

/// How many of the approvals that it needs the form of this digest has.
#[must_use]
pub fn approvals(world: World<'_>, rollout: &Rollout, form: Sha256) -> String {
    missing(world, rollout, form).unwrap_or_else(|| format!("{}: none is still to come", given(world, rollout, form).0))
}

/// The approvals that are still to come, and how one is given; none: it has all that it needs.
#[must_use]
pub fn missing(world: World<'_>, rollout: &Rollout, form: Sha256) -> Option<String> {
    let (has, missing) = given(world, rollout, form);
    let (name, form) = (&rollout.spec.name, form.short());
    (missing > 0).then(|| {
        format!(
            "{has}; still to come: {missing}, and nothing is installed before: `sendgate approve rollout {name} {form} \
             --reason WHY`"
        )
    })
}

/// How many approvals there are in words, and how many are missing.
fn given(world: World<'_>, rollout: &Rollout, form: Sha256) -> (String, usize) {
    let needed = rollout.spec.approvals;
    let approval = world.ledger.approvals.get(&Subject::Rollout { rollout: rollout.spec.name.clone() });
    let given = approval.map(|approval| approval.others(&rollout.author).len()).unwrap_or_default();
    let missing = usize::try_from(needed).unwrap_or(usize::MAX).saturating_sub(given);
    (format!("the form {} has {given} of {needed} approvals", form.short()), missing)
}

/// How far it is, in words; of a removal also whom it leaves the hotfix to.
pub(super) fn rollout_state(world: World<'_>, rollout: &Rollout) -> String {
    let Some(removal) = &rollout.removal else { return rollout.state.to_string() };
    let wave = alone(rollout, removal);
    let text = match (&rollout.state, &wave) {
        (RolloutState::Running { .. }, None) => format!("being removed again: {}", removal.reason),
        (RolloutState::Running { .. }, Some(wave)) => {
            format!("being removed again ({wave} alone): {}", removal.reason)
        }
        (RolloutState::Removed, None) => rollout.state.to_string(),
        (RolloutState::Removed, Some(wave)) => {
            let earlier = if removal.wave == Some(0) { "" } else { "; earlier waves keep the hotfix" };
            format!("{} from {wave}{earlier}", rollout.state)
        }
        // What stopped or ended it says itself what that was about.
        (state, _) => return state.to_string(),
    };
    let left_out = left_out(world, rollout, removal);
    if left_out.is_empty() { text } else { format!("{text}; left out: {}", left_out.join(", ")) }
}

/// The one wave that loses the hotfix; none: all of them do.
fn alone(rollout: &Rollout, removal: &Removal) -> Option<String> {
    let wave = removal.wave?;
    let named = usize::try_from(wave).ok().and_then(|wave| rollout.spec.waves.get(wave));
    Some(named.map_or_else(|| format!("wave {}", u64::from(wave) + 1), |named| format!("wave {}", named.name)))
}

/// Hosts that a person has left out, as far as their turn would come.
fn left_out(world: World<'_>, rollout: &Rollout, removal: &Removal) -> Vec<String> {
    let wave = removal.wave.and_then(|wave| rollout.spec.waves.get(usize::try_from(wave).ok()?));
    let concerned = |host: &&HostName| match (wave, world.policy.exchange_of(host)) {
        (Some(wave), Some(server)) => wave.servers.contains(server),
        _ => true,
    };
    rollout.skipped.keys().filter(concerned).map(ToString::to_string).collect()
}

fn removal(world: World<'_>, rollout: &Rollout) -> Option<String> {
    let removal = rollout.removal.as_ref()?;
    let reason = match alone(rollout, removal) {
        None => removal.reason.clone(),
        Some(wave) => format!("of {wave} alone: {}", removal.reason),
    };
    let servers = plan::rollout::gone(world, rollout).map(ToString::to_string);
    let gone: Vec<_> = servers.chain(plan::rollout::gone_hosts(world, rollout).map(ToString::to_string)).collect();
    if gone.is_empty() {
        return Some(reason);
    }
    Some(format!("{reason}; passed over, for they are not in the configuration any more: {}", gone.join(", ")))
}

/// What is to be done next, and why everything else stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// In order.
    pub steps: Vec<String>,
    /// Effects without an outcome.
    pub under_way: Vec<IntentLine>,
    /// Hosts of live rollouts.
    pub rollouts: BTreeMap<RolloutName, Vec<RolloutHostLine>>,
    /// GoodLink servers with paused users that are not restarted.
    pub remedies: BTreeMap<GoodLinkName, Vec<String>>,
    /// Domains where something is missing and not granted.
    pub grants: BTreeMap<DomainName, Vec<String>>,
}

/// An effect of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentLine {
    /// Its number.
    pub intent: Sequence,
    /// What it is.
    pub effect: String,
    /// How far it is.
    pub state: String,
}

pub(super) fn intent_line(id: Sequence, intent: &crate::ledger::Intent) -> IntentLine {
    let state = match &intent.state {
        IntentState::Filed => "filed".to_owned(),
        IntentState::Permitted { .. } => "permitted".to_owned(),
        IntentState::Ended { outcome, .. } => outcome.to_string(),
    };
    IntentLine { intent: id, effect: intent.effect.to_string(), state }
}

/// The plan, in words.
#[must_use]
pub fn plan(world: World<'_>, plan: &Plan) -> PlanView {
    let step = |step: &Step| match step {
        Step::Record(milestone) => format!("write down: {milestone}"),
        Step::Act(effect) => effect.to_string(),
        Step::Withdraw(intent, why) => format!("take back intent {intent}: {why}"),
        Step::GiveUp(intent, why) => format!("call the outcome of intent {intent} unknown: {why}"),
        Step::Survey(domain) => format!("survey {domain}"),
    };
    PlanView {
        steps: plan.steps.iter().map(step).collect(),
        under_way: world.ledger.open().map(|(id, intent)| intent_line(id, intent)).collect(),
        rollouts: plan.rollouts.iter().map(|(name, hosts)| (name.clone(), host_lines(hosts.clone()))).collect(),
        remedies: plan.remedies.iter().map(|(name, blocked)| (name.clone(), lines(blocked))).collect(),
        grants: plan.grants.iter().map(|(name, blocked)| (name.clone(), lines(blocked))).collect(),
    }
}
