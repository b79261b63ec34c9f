//! `plan ROLLOUT`: a dry run. Every host with its wave and window, what is in its way now, and when it would go.
//!
//! The reasons are those of [`progress`], as if the rollout were running; the times are what the file expects, one host
//! after the other, from this moment and from where each host is on ([`course`]). Nobody can know when people approve or when a gate opens: the waits that are known
//! come first, and what else must happen before is listed with the hosts.

mod course;

use super::rollout::RolloutHostLine;
use super::status::HoldLine;
use crate::gate::{Reason, World};
use crate::ledger::{Held, Hold, Ledger, Rollout, RolloutState, Subject};
use crate::names::{OperatorName, WaveName};
use crate::plan::rollout::{Depth, HostProgress, Phase, progress};
use crate::plan::{Blocked, hold};
use crate::request::{self, Refused};
use crate::spec::{RolloutSpec, WaveSpec, Windows, after};
use course::Course;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// A dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastView {
    /// What the file comes to.
    pub spec: RolloutSpec,
    /// Whether it is applied; else only the file was read.
    pub applied: bool,
    /// How far it is; none: it is not applied.
    pub state: Option<RolloutState>,
    /// Its hotfix is being removed again: the times are those of removals, the last wave first.
    pub removal: bool,
    /// The longest wait that is known to lie before the first host.
    pub waits: Duration,
    /// Its waves in order.
    pub waves: Vec<WaveForecast>,
    /// When all of it would be over; none: some part fits into no window, or it will not move by itself, or not all of it.
    pub ends: Option<Timestamp>,
    /// What is held of all that is left of it: a person must end that first, and nobody knows when.
    pub held: Vec<HoldLine>,
    /// The next openings of its windows; none: at any time.
    pub openings: Vec<(Timestamp, Timestamp)>,
    /// Why it could not be applied, whatever its file says; none: it could, or is.
    #[serde(default)]
    pub refused: Option<String>,
}

/// A wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveForecast {
    /// Its name.
    pub name: WaveName,
    /// How long it takes: installs, a restart of GoodLink, the soak.
    pub takes: Duration,
    /// What must fit into one opening for its last host: the same and a removal; of a removal, nothing but that.
    pub needs: Duration,
    /// Its hosts.
    pub hosts: Vec<HostForecast>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostForecast {
    /// When it would go; none: it has begun, fits into no window of the next ones, or will not move by itself.
    pub begins: Option<Timestamp>,
    /// It is held, or must wait for something that is.
    pub held: bool,
    /// Whether it fits into some window of the next ones, were it not held.
    pub fits: bool,
    /// What is in its way now.
    pub line: RolloutHostLine,
}

impl ForecastView {
    /// Why nothing of it will move by itself, so that there are no times; none: it runs, or may be started.
    #[must_use]
    pub fn stands(&self) -> Option<&RolloutState> {
        self.state.as_ref().filter(|state| !moves(state))
    }

    /// Whether everything that is left is held, or waits for what is, so that there are no times.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let mut left =
            self.waves.iter().flat_map(|wave| &wave.hosts).filter(|host| !host.line.progress.phase.is_over());
        !self.held.is_empty() && left.all(|host| host.held)
    }

    /// The first wave of which something fits into no window of the next ones.
    #[must_use]
    pub fn fits_nowhere(&self) -> Option<&WaveForecast> {
        let stuck = |wave: &&WaveForecast| wave.hosts.iter().any(|host| !host.fits);
        match (self.stands(), self.removal) {
            (Some(_), _) => None,
            (None, false) => self.waves.iter().find(stuck),
            (None, true) => self.waves.iter().rev().find(stuck),
        }
    }
}

fn moves(state: &RolloutState) -> bool {
    matches!(state, RolloutState::Created | RolloutState::Running { .. })
}

/// The dry run of what a file comes to, and why that could not be applied, should it be so.
#[must_use]
pub fn forecast_of_file(world: World<'_>, spec: &RolloutSpec, by: &OperatorName) -> ForecastView {
    let refused = match request::rollout_fits(world, spec) {
        Ok(()) | Err(Refused::Unchanged(_)) => None,
        Err(refused) => Some(refused.to_string()),
    };
    ForecastView { refused, ..forecast(world, spec, by) }
}

/// The dry run of a rollout that is there, or of one in the form of a file.
#[must_use]
pub fn forecast(world: World<'_>, spec: &RolloutSpec, by: &OperatorName) -> ForecastView {
    let known = world.ledger.rollouts.get(&spec.name).filter(|known| known.spec == *spec);
    let (supposed, rollout) = supposed(world, spec, known, by);
    let world = World { ledger: &supposed, ..world };
    let hosts = progress(world, &rollout, Depth::All, None);
    let state = known.map(|known| known.state.clone());
    let removal = known.is_some_and(|known| known.removal.is_some());
    let waiting = hosts.iter().filter(|host| host.phase == Phase::Waiting);
    let waits = waiting.map(|host| wait(world, host)).max().unwrap_or_default();
    let stands = !state.as_ref().is_none_or(moves);
    let clock = (!stands).then(|| after(world.now.wall, waits));
    let holds = |host: &HostProgress| hold::of_install(world, &spec.name, &host.server, &host.host);
    let held: BTreeSet<(Held, &Hold)> = hosts.iter().filter(|host| !host.phase.is_over()).flat_map(holds).collect();
    let held = held.into_iter().map(|(held, hold)| HoldLine::new(world, &held, hold)).collect();
    let mut waves: Vec<_> = (0..).zip(&spec.waves).collect();
    if removal {
        waves.reverse();
    }
    let mut course = Course { world, rollout: &rollout, clock };
    let foresee = |(wave, of): (u32, &WaveSpec)| {
        let members = hosts.iter().filter(|host| host.wave == wave).cloned();
        course.wave(of, members.map(|host| (host.clone(), !holds(&host).is_empty())).collect())
    };
    let mut waves: Vec<_> = waves.into_iter().map(foresee).collect();
    // Nothing goes before what is held in an earlier wave.
    let mut stuck = false;
    for wave in &mut waves {
        let before = stuck;
        for host in wave.hosts.iter_mut().filter(|host| !host.line.progress.phase.is_over()) {
            host.held |= before;
            stuck |= host.held;
            host.fits |= stands;
            host.begins = host.begins.filter(|_| !host.held);
        }
    }
    let ends = course.clock.filter(|_| !stuck);
    if removal {
        waves.reverse();
    }
    let openings = match &spec.windows {
        Windows::AnyTime => Vec::new(),
        Windows::In(windows) => crate::window::upcoming(windows, world.now.wall, 5),
    };
    let (spec, applied) = (spec.clone(), known.is_some());
    ForecastView { spec, applied, state, removal, waits, waves, ends, held, openings, refused: None }
}

/// The ledger as if the rollout were running in this form, and the rollout.
fn supposed(world: World<'_>, spec: &RolloutSpec, known: Option<&Rollout>, by: &OperatorName) -> (Ledger, Rollout) {
    let mut ledger = world.ledger.clone();
    let mut rollout = known.cloned().unwrap_or_else(|| Rollout::created(spec.clone(), by.clone(), world.now.steady));
    if rollout.state == RolloutState::Created {
        rollout.state = RolloutState::Running { since: world.now.steady };
    }
    if known.is_none() {
        // What people said yes to is another form.
        ledger.approvals.remove(&Subject::Rollout { rollout: spec.name.clone() });
    }
    ledger.rollouts.insert(spec.name.clone(), rollout.clone());
    (ledger, rollout)
}

/// The longest of the waits that keep the host's gate closed and end by themselves.
fn wait(world: World<'_>, host: &HostProgress) -> Duration {
    // The second look is not the end of it: he settles after that.
    let rest = world.policy.waits.settled.saturating_sub(world.policy.waits.second_look);
    let waits = host.blocked.iter().filter_map(|blocked| match blocked {
        Blocked::Gate { reason: Reason::AwaitingSecondLook { remaining, .. } } => Some(*remaining + rest),
        Blocked::Gate { reason: Reason::Settling { remaining, .. } | Reason::TakenOver { remaining, .. } }
        | Blocked::Wait { remaining, .. } => Some(*remaining),
        _ => None,
    });
    waits.max().unwrap_or_default()
}
