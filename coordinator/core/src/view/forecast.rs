//! `plan ROLLOUT`: a dry run. Every host with its wave and window, what is in its way now, and when it would go.
//!
//! The reasons are those of [`progress`], as if the rollout were running; the times are what the file expects, one host
//! after the other, from this moment on. Nobody can know when people approve or when a gate opens: the waits that are known
//! come first, and what else must happen before is listed with the hosts.

use super::rollout::{RolloutHostLine, host_lines};
use super::status::HoldLine;
use crate::gate::{Reason, World};
use crate::ledger::{Held, Hold, Ledger, Rollout, RolloutState};
use crate::names::{ExchangeServerName, OperatorName, RolloutName, WaveName};
use crate::plan::rollout::{Depth, HostProgress, at_once, batches, progress};
use crate::plan::{Blocked, hold};
use crate::spec::{RolloutSpec, WaveSpec, Windows};
use crate::window::{Opening, windows_at};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

/// Openings that are looked at for one step.
const OPENINGS: usize = 100;

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
    /// When it would go; none: it fits into no window of the next ones, or will not move by itself.
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

/// A host of a wave, and whether something holds it.
struct Member {
    line: RolloutHostLine,
    held: bool,
}

impl Member {
    fn server(&self) -> &ExchangeServerName {
        &self.line.progress.server
    }

    fn is_left(&self) -> bool {
        !self.line.progress.phase.is_over()
    }
}

fn moves(state: &RolloutState) -> bool {
    matches!(state, RolloutState::Created | RolloutState::Running { .. })
}

/// The dry run of a rollout that is there, or of one that a file describes.
#[must_use]
pub fn forecast(world: World<'_>, spec: &RolloutSpec, by: &OperatorName) -> ForecastView {
    let known = world.ledger.rollouts.get(&spec.name).filter(|known| known.spec == *spec);
    let supposed = supposed(world, spec, known, by);
    let world = World { ledger: &supposed, ..world };
    let hosts = supposed.rollouts.get(&spec.name).map(|rollout| progress(world, rollout, Depth::All, None));
    let hosts = hosts.unwrap_or_default();
    let state = known.map(|known| known.state.clone());
    let removal = known.is_some_and(|known| known.removal.is_some());
    let waits = hosts.iter().map(|host| wait(world, host)).max().unwrap_or_default();
    let stands = !state.as_ref().is_none_or(moves);
    let mut clock = (!stands).then(|| after(world.now.wall, waits));
    let holds = |host: &HostProgress| hold::of_install(world, &spec.name, &host.server, &host.host);
    let held: BTreeSet<(Held, &Hold)> = hosts.iter().filter(|host| !host.phase.is_over()).flat_map(holds).collect();
    let held = held.into_iter().map(|(held, hold)| HoldLine { held, hold: hold.clone() }).collect();
    let mut waves: Vec<_> = (0..).zip(&spec.waves).collect();
    if removal {
        waves.reverse();
    }
    let foresee = |(wave, of): (u32, &WaveSpec)| {
        let members: Vec<HostProgress> = hosts.iter().filter(|host| host.wave == wave).cloned().collect();
        let held: Vec<bool> = members.iter().map(|host| !holds(host).is_empty()).collect();
        let members = host_lines(members).into_iter().zip(held).map(|(line, held)| Member { line, held }).collect();
        let at_once = at_once(world.policy, of);
        if removal {
            undo(spec, (of, at_once), members, &mut clock)
        } else {
            foresee(spec, (of, at_once), members, &mut clock)
        }
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
    let ends = clock.filter(|_| !stuck);
    if removal {
        waves.reverse();
    }
    let openings = match &spec.windows {
        Windows::AnyTime => Vec::new(),
        Windows::In(windows) => crate::window::upcoming(windows, world.now.wall, 5),
    };
    let (spec, applied) = (spec.clone(), known.is_some());
    ForecastView { spec, applied, state, removal, waits, waves, ends, held, openings }
}

/// The ledger as if the rollout were running in this form.
fn supposed(world: World<'_>, spec: &RolloutSpec, known: Option<&Rollout>, by: &OperatorName) -> Ledger {
    let mut ledger = world.ledger.clone();
    let mut rollout = known.cloned().unwrap_or_else(|| Rollout::created(spec.clone(), by.clone(), world.now.steady));
    if rollout.state == RolloutState::Created {
        rollout.state = RolloutState::Running { since: world.now.steady };
    }
    let rollouts: BTreeMap<RolloutName, Rollout> = [(spec.name.clone(), rollout)].into();
    ledger.rollouts.extend(rollouts);
    ledger
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

/// One wave from `clock` on, which it moves to its end.
fn foresee(
    spec: &RolloutSpec,
    (wave, at_once): (&WaveSpec, NonZeroU32),
    members: Vec<Member>,
    clock: &mut Option<Timestamp>,
) -> WaveForecast {
    let expected = &spec.expected;
    let left = members.iter().filter(|member| member.is_left()).count();
    let after_installs = expected.restart + wave.soak;
    let installs = batches(members.iter().filter(|member| member.is_left()).map(Member::server), at_once).batches;
    let takes = if left == 0 { Duration::ZERO } else { expected.install.saturating_mul(installs) + after_installs };
    let removals = |hosts: &mut dyn Iterator<Item = &ExchangeServerName>| {
        expected.removal.saturating_mul(batches(hosts, at_once).batches)
    };
    let needs = expected.install + after_installs + removals(&mut members.iter().map(Member::server));
    let fits = |begun: &[ExchangeServerName]| expected.install + after_installs + removals(&mut begun.iter());
    let hosts = one_after_the_other(&spec.windows, members, at_once, (expected.install, fits), clock);
    if left > 0 {
        *clock = clock.map(|at| after(at, expected.install + after_installs));
    }
    WaveForecast { name: wave.name.clone(), takes, needs, hosts }
}

/// When each of a wave's hosts would begin, so many at once: each takes `time`, and needs so much until a cutoff as one before
/// which, and with which, hosts of these servers begin. Moves `clock` to when the last ones begin. One that is held lets
/// others of its wave go, but no other node of its server.
fn one_after_the_other(
    windows: &Windows,
    members: Vec<Member>,
    at_once: NonZeroU32,
    (time, needs): (Duration, impl Fn(&[ExchangeServerName]) -> Duration),
    clock: &mut Option<Timestamp>,
) -> Vec<HostForecast> {
    // Of those that are not held, and of all.
    let (mut begun, mut left_so_far) = (Vec::<ExchangeServerName>::new(), Vec::new());
    let at_once = usize::try_from(at_once.get()).unwrap_or(usize::MAX);
    // Where those begin that go with the last one.
    let mut batch = 0;
    let mut stuck: BTreeSet<ExchangeServerName> = BTreeSet::new();
    let mut hosts = Vec::new();
    for member in members {
        let (left, held) = (member.is_left(), member.held || stuck.contains(&member.line.progress.server));
        let line = member.line;
        if !left {
            hosts.push(HostForecast { begins: None, held: false, fits: true, line });
            continue;
        }
        left_so_far.push(line.progress.server.clone());
        if held {
            stuck.insert(line.progress.server.clone());
            // When it is released, whatever is before it has begun.
            let fits = clock.and_then(|at| opening(windows, at, needs(&left_so_far))).is_some();
            hosts.push(HostForecast { begins: None, held, fits, line });
            continue;
        }
        // Nodes of one server go one after the other.
        let with = begun.get(batch..).unwrap_or_default();
        if with.len() >= at_once || with.contains(&line.progress.server) {
            *clock = clock.map(|at| after(at, time));
            batch = begun.len();
        }
        begun.push(line.progress.server.clone());
        *clock = clock.and_then(|at| opening(windows, at, needs(&begun)));
        hosts.push(HostForecast { begins: *clock, held, fits: clock.is_some(), line });
    }
    hosts
}

/// The removal from one wave, from `clock` on, which it moves to its end: nothing is watched after it.
fn undo(
    spec: &RolloutSpec,
    (wave, at_once): (&WaveSpec, NonZeroU32),
    members: Vec<Member>,
    clock: &mut Option<Timestamp>,
) -> WaveForecast {
    let removal = spec.expected.removal;
    let left = members.iter().filter(|member| member.is_left()).count();
    let batches = batches(members.iter().filter(|member| member.is_left()).map(Member::server), at_once).batches;
    let hosts = one_after_the_other(&spec.windows, members, at_once, (removal, |_| removal), clock);
    if left > 0 {
        *clock = clock.map(|at| after(at, removal));
    }
    WaveForecast { name: wave.name.clone(), takes: removal.saturating_mul(batches), needs: removal, hosts }
}

/// The first moment from `at` on from which so much time is left until a cutoff.
fn opening(windows: &Windows, at: Timestamp, needs: Duration) -> Option<Timestamp> {
    let Windows::In(windows) = windows else { return Some(at) };
    let mut moment = at;
    for _ in 0..OPENINGS {
        moment = match windows_at(windows, moment) {
            Opening::Open { last, .. } if after(moment, needs) <= last => return Some(moment),
            Opening::Open { until, .. } => until,
            Opening::Closed { next } => next?,
        };
    }
    None
}

fn after(moment: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| moment.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}
