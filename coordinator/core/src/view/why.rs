//! `rollout why`: what one host waits for, in one sentence.

use super::rollout::{RolloutHostLine, host_lines};
use crate::gate::World;
use crate::ledger::RolloutState;
use crate::names::{HostName, RolloutName};
use crate::plan::{self, rollout::Depth};
use serde::{Deserialize, Serialize};

/// Why a host of a rollout is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyView {
    /// Of which rollout.
    pub rollout: RolloutName,
    /// How far the rollout is.
    pub state: RolloutState,
    /// One sentence.
    pub why: String,
    /// The host, with all its reasons.
    pub host: RolloutHostLine,
}

/// There is no such rollout, or no such host in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyUnknown {
    /// The rollout is not there.
    #[error("there is no rollout {0}")]
    Rollout(RolloutName),
    /// The host is not in it.
    #[error("host {host} is not in rollout {rollout}: its hosts are {hosts}")]
    Host {
        /// Which.
        host: HostName,
        /// In which.
        rollout: RolloutName,
        /// Which there are.
        hosts: String,
    },
}

/// What the host waits for.
///
/// # Errors
/// [`WhyUnknown`], with the hosts that there are.
pub fn why(world: World<'_>, name: &RolloutName, host: &HostName) -> Result<WhyView, WhyUnknown> {
    let rollout = world.ledger.rollouts.get(name).ok_or_else(|| WhyUnknown::Rollout(name.clone()))?;
    let lines = host_lines(plan::rollout::progress(world, rollout, Depth::All, None));
    let hosts: Vec<_> = lines.iter().map(|line| line.progress.host.to_string()).collect();
    let line = lines.into_iter().find(|line| line.progress.host == *host).ok_or_else(|| WhyUnknown::Host {
        host: host.clone(),
        rollout: name.clone(),
        hosts: if hosts.is_empty() { "none: its servers are not configured".to_owned() } else { hosts.join(", ") },
    })?;
    let (state, why) = (rollout.state.clone(), sentence(&rollout.state, &line));
    Ok(WhyView { rollout: name.clone(), state, why, host: line })
}

fn sentence(state: &RolloutState, line: &RolloutHostLine) -> String {
    let host = &line.progress.host;
    // That the rollout does not run is the first thing to know; the other reasons may be gone when it does.
    let stopped = !matches!(state, RolloutState::Running { .. }) && !line.progress.phase.is_over();
    let stopped = stopped.then(|| format!("the rollout is {state}"));
    let others = line.reasons.iter().filter(|reason| Some(*reason) != stopped.as_ref());
    let reasons: Vec<&String> = stopped.iter().chain(others).collect();
    match reasons.as_slice() {
        [] => format!("{host} is {}", line.phase),
        [only] => format!("{host} is {}: {only}", line.phase),
        [first, rest @ ..] => format!("{host} is {}: {first}, and {} more reasons", line.phase, rest.len()),
    }
}
