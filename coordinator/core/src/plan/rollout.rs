//! A rollout's hosts: how far each is, what may begin, what trips, when it ends.

use super::{Blocked, Step, disruption, hold, remedy};
use crate::coverage::reading::Home;
use crate::enforcement::{Enforcement, StoreVersion};
use crate::estate::{ExchangeState, HostState, ServiceState};
use crate::gate::{self, Resolution, World, resolve};
use crate::ledger::entry::USERS_PER_ENTRY;
use crate::ledger::{
    Effect, Held, Intent, IntentState, Milestone, Outcome, Rollout, RolloutEvent, RolloutState, Sequence, Skip,
};
use crate::names::{ExchangeServerName, GoodLinkName, HostName, OperatorName, RosterName};
use crate::time::{Readable, Steady};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// Times that an agent may refuse the act on a host before a person must look at it.
pub const REFUSALS: usize = 3;

/// One host of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostProgress {
    /// The Exchange server.
    pub server: ExchangeServerName,
    /// Its host.
    pub host: HostName,
    /// How far it is.
    pub phase: Phase,
    /// Why it is not moving, if it is waiting.
    pub blocked: BTreeSet<Blocked>,
}

/// How far a host is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub enum Phase {
    /// Nothing has begun.
    Waiting,
    /// The agent has the offer.
    Offered {
        /// Which intent.
        intent: Sequence,
    },
    /// The agent has the permit.
    Installing {
        /// Which intent.
        intent: Sequence,
    },
    /// The program has ended; what the host reports does not show it yet.
    Verifying {
        /// What is missing.
        missing: String,
    },
    /// It shows it; pauses are watched.
    Soaking {
        /// How long still.
        remaining: Duration,
    },
    /// It has the hotfix.
    Done,
    /// A person left it out.
    Skipped {
        /// Who.
        by: OperatorName,
        /// Why.
        reason: String,
    },
    /// It ended badly, or never ended.
    Failed {
        /// How.
        why: String,
    },
}

impl Phase {
    /// Whether nothing is to be done there any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Skipped { .. })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::Offered { .. } => f.write_str("offered"),
            Self::Installing { .. } => f.write_str("installing"),
            Self::Verifying { missing } => write!(f, "verifying ({missing})"),
            Self::Soaking { remaining } => write!(f, "soaking, {} to go", Readable(*remaining)),
            Self::Done => f.write_str("done"),
            Self::Skipped { by, reason } => write!(f, "left out by {by}: {reason}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
        }
    }
}

/// Every host of the rollout, in order.
#[must_use]
pub fn progress(world: World<'_>, rollout: &Rollout) -> Vec<HostProgress> {
    let at_once = usize::try_from(rollout.spec.at_once.get()).unwrap_or(usize::MAX);
    let mut hosts: Vec<HostProgress> = Vec::new();
    for server in &rollout.spec.servers {
        for host in world.policy.exchange.get(server).map(|server| server.hosts.as_slice()).unwrap_or_default() {
            let phase = phase(world, rollout, server, host);
            let mut blocked = BTreeSet::new();
            if phase == Phase::Waiting {
                // In order, so many at once: a host that cannot go holds up the ones behind it.
                let unfinished: Vec<_> = hosts.iter().filter(|before| !before.phase.is_over()).collect();
                let waiting =
                    unfinished.iter().find(|before| before.phase == Phase::Waiting && !before.blocked.is_empty());
                if let Some(before) = waiting.or_else(|| unfinished.first().filter(|_| unfinished.len() >= at_once)) {
                    blocked.insert(Blocked::Turn { after: before.host.clone() });
                }
                blocked.extend(may_install(world, rollout, server, host, None));
                blocked.extend(refused_just_now(world, rollout, host));
            }
            hosts.push(HostProgress { server: server.clone(), host: host.clone(), phase, blocked });
        }
    }
    hosts
}

fn intents<'a>(world: World<'a>, rollout: &Rollout, host: &HostName) -> Vec<(Sequence, &'a Intent)> {
    let ours = world.ledger.intents.iter().filter(|(_, intent)| match &intent.effect {
        Effect::Install { rollout: name, host: on, .. } => *name == rollout.spec.name && on == host,
        _ => false,
    });
    ours.map(|(id, intent)| (*id, intent)).collect()
}

/// Those that nobody has forgiven.
fn counted<'a>(world: World<'a>, rollout: &Rollout, host: &HostName) -> Vec<(Sequence, &'a Intent)> {
    let mut intents = intents(world, rollout, host);
    let forgiven = rollout.retried.get(host);
    intents.retain(|(id, intent)| intent.state.is_open() || forgiven.is_none_or(|forgiven| id > forgiven));
    intents
}

/// Whether a store of this version has what the rollout installs: exactly it, or a later fix of the same branch, which
/// contains the earlier ones.
pub(super) fn has(world: World<'_>, rollout: &Rollout, version: StoreVersion) -> bool {
    let target = rollout.spec.target;
    let judge = |version| world.policy.enforcement.judge(version);
    version == target
        || (version > target
            && judge(&version).enforces == Enforcement::Yes
            && judge(&version).branch == judge(&target).branch)
}

fn phase(world: World<'_>, rollout: &Rollout, server: &ExchangeServerName, host: &HostName) -> Phase {
    if rollout.done.contains(host) {
        return Phase::Done;
    }
    let intents = counted(world, rollout, host);
    let report = world.estate.hosts.get(host);
    if let Some(Skip { by, reason }) =
        rollout.skipped.get(host).filter(|_| !intents.iter().any(|(_, intent)| intent.state.is_open()))
    {
        return Phase::Skipped { by: by.clone(), reason: reason.clone() };
    }
    let untouched = || {
        let there = report.and_then(installed).is_some_and(|version| has(world, rollout, version));
        if there { Phase::Done } else { Phase::Waiting }
    };
    let Some((id, last)) = intents.last() else { return untouched() };
    let (outcome, at) = match &last.state {
        IntentState::Filed => return Phase::Offered { intent: *id },
        IntentState::Permitted { .. } => return Phase::Installing { intent: *id },
        IntentState::Ended { outcome, at } => (outcome, *at),
    };
    match outcome {
        Outcome::Failed { detail } => Phase::Failed { why: format!("the install failed: {detail}") },
        Outcome::Withdrawn { .. } => untouched(),
        Outcome::NotStarted { detail } => {
            let refused = |intent: &Intent| {
                matches!(intent.state, IntentState::Ended { outcome: Outcome::NotStarted { .. }, .. })
            };
            let refusals = intents.iter().filter(|(_, intent)| refused(intent)).count();
            if refusals >= REFUSALS {
                Phase::Failed { why: format!("the agent refused {refusals} times: {detail}") }
            } else {
                untouched()
            }
        }
        Outcome::Succeeded { .. } | Outcome::Unknown { .. } => {
            let over = hold::over_install(world, &rollout.spec.name, server, host);
            verified(world, rollout, report, outcome, at, &over)
        }
    }
}

/// An agent that refused is asked again after its next heartbeat, so that what held it up can pass.
fn refused_just_now(world: World<'_>, rollout: &Rollout, host: &HostName) -> Option<Blocked> {
    let (_, last) = counted(world, rollout, host).pop()?;
    let IntentState::Ended { outcome: Outcome::NotStarted { detail }, at } = &last.state else { return None };
    let remaining = (*at + world.policy.freshness.heartbeat).since(world.now.steady);
    let what = format!("the agent refused ({detail}) and is asked again");
    (!remaining.is_zero()).then_some(Blocked::Wait { what, remaining })
}

fn installed(host: &HostState) -> Option<StoreVersion> {
    host.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok()).copied()
}

/// What the host itself shows after the program has ended.
fn verified(
    world: World<'_>,
    rollout: &Rollout,
    report: Option<&HostState>,
    outcome: &Outcome,
    at: Steady,
    over: &[Held],
) -> Phase {
    // Neither the deadline nor the soak goes on while it is held (invariant 7).
    let running = hold::running(world, at, over);
    if report.is_none() {
        return Phase::Verifying { missing: "it has not reported since the coordinator started".to_owned() };
    }
    let missing = match report.filter(|host| host.reported > at).and_then(|host| host.exchange.as_ref()) {
        None => "no report since".to_owned(),
        Some(exchange) => match shortfall(world, exchange, rollout) {
            Some(missing) => missing,
            None => {
                let remaining = world.policy.soak.saturating_sub(running);
                return if remaining.is_zero() { Phase::Done } else { Phase::Soaking { remaining } };
            }
        },
    };
    if running > world.policy.act_deadline {
        Phase::Failed { why: format!("{outcome}; after {}: {missing}", Readable(world.policy.act_deadline)) }
    } else {
        Phase::Verifying { missing }
    }
}

fn shortfall(world: World<'_>, exchange: &ExchangeState, rollout: &Rollout) -> Option<String> {
    match &exchange.store {
        Err(why) => return Some(format!("the version of store.exe could not be read: {why}")),
        Ok(version) if !has(world, rollout, *version) => {
            return Some(format!("store.exe is {version}, {} is expected", rollout.spec.target));
        }
        Ok(_) => {}
    }
    match &exchange.service {
        Ok(service) if service.state == ServiceState::Running => {}
        Ok(service) => return Some(format!("the store service is {}", service.state)),
        Err(why) => return Some(format!("the store service could not be asked: {why}")),
    }
    match &exchange.mounted {
        Ok(true) => None,
        Ok(false) => Some("the store is not mounted".to_owned()),
        Err(why) => Some(format!("whether the store is mounted could not be asked: {why}")),
    }
}

/// What a host that a person left out waits for: nothing.
pub(super) fn left_out(skip: &Skip) -> Blocked {
    Blocked::Skipped { by: skip.by.clone(), reason: skip.reason.clone() }
}

/// Why the hotfix must not be installed on this host now; empty: it may be (invariants 1 and 3). The intent `except`
/// does not count as being under way.
#[must_use]
pub fn may_install(
    world: World<'_>,
    rollout: &Rollout,
    server: &ExchangeServerName,
    host: &HostName,
    except: Option<Sequence>,
) -> BTreeSet<Blocked> {
    let mut blocked: BTreeSet<Blocked> =
        gate::of_server(world, server).into_iter().map(|reason| Blocked::Gate { reason }).collect();
    let not_ready = |why: String| Blocked::Host { host: host.clone(), why };
    if !matches!(rollout.state, RolloutState::Running { .. }) {
        blocked.insert(Blocked::NotRunning { state: rollout.state.to_string() });
    }
    blocked.extend(hold::blocking(world, &hold::over_install(world, &rollout.spec.name, server, host)));
    blocked.extend(rollout.skipped.get(host).map(left_out));
    if let Some(why) = disruption::unready(world, host) {
        blocked.insert(not_ready(why));
    }
    match world.estate.hosts.get(host).and_then(|host| host.exchange.as_ref()).map(|exchange| &exchange.store) {
        Some(Ok(version)) if has(world, rollout, *version) => {
            blocked.insert(not_ready(format!("store.exe is {version}: it has the hotfix already")));
        }
        Some(Ok(version))
            if (version.major, version.minor) != (rollout.spec.target.major, rollout.spec.target.minor) =>
        {
            blocked.insert(not_ready(format!("store.exe is {version}: {} is for another branch", rollout.spec.target)));
        }
        Some(Ok(version)) if *version > rollout.spec.target => {
            blocked.insert(not_ready(format!("store.exe is {version}, newer than {}", rollout.spec.target)));
        }
        Some(Ok(_)) => {}
        Some(Err(why)) => drop(blocked.insert(not_ready(format!("the version of store.exe could not be read: {why}")))),
        None => drop(blocked.insert(not_ready("it reports no Exchange role".to_owned()))),
    }
    if !world.policy.hosts.get(host).is_some_and(|agent| world.estate.sessions.contains(agent)) {
        blocked.insert(not_ready("its agent is not connected".to_owned()));
    }
    blocked.extend(disruption::no_room(world, host, except));
    blocked
}

/// What a rollout needs now: its baseline, its trip or end, its next installs.
pub(super) fn steps(world: World<'_>, rollout: &Rollout, progress: &[HostProgress]) -> Vec<Step> {
    if !matches!(rollout.state, RolloutState::Running { .. }) {
        return Vec::new();
    }
    let name = &rollout.spec.name;
    let event = |event| vec![Step::Record(Milestone::Rollout { rollout: name.clone(), event })];
    let done = progress.iter().filter(|host| host.phase == Phase::Done && !rollout.done.contains(&host.host));
    let done: Vec<_> =
        done.map(|host| Step::Record(Milestone::HostDone { rollout: name.clone(), host: host.host.clone() })).collect();
    if !done.is_empty() {
        return done;
    }
    let begun = progress.iter().any(|host| began(world, rollout, &host.host));
    // After a person let it go on it is taken anew, before anything is counted against it.
    let again = if begun { baseline(world, rollout) } else { Vec::new() };
    if !again.is_empty() {
        return again;
    }
    if let Some(reason) = trip(world, rollout, progress) {
        return event(RolloutEvent::Tripped { reason });
    }
    if progress.iter().all(|host| host.phase.is_over()) {
        return event(RolloutEvent::Finished);
    }
    let ready: Vec<_> =
        progress.iter().filter(|host| host.phase == Phase::Waiting && host.blocked.is_empty()).collect();
    if !ready.is_empty() {
        let baseline = baseline(world, rollout);
        if !baseline.is_empty() {
            return baseline;
        }
    }
    let room = usize::try_from(rollout.spec.at_once.get()).unwrap_or(usize::MAX);
    let under_way = progress.iter().filter(|host| !(host.phase == Phase::Waiting || host.phase.is_over())).count();
    ready
        .into_iter()
        .take(room.saturating_sub(under_way))
        .map(|host| {
            Step::Act(Effect::Install {
                rollout: name.clone(),
                server: host.server.clone(),
                host: host.host.clone(),
                package: rollout.spec.package.clone(),
                sha256: rollout.spec.sha256,
            })
        })
        .collect()
}

/// Users that are paused before anything is changed. GoodLink servers without pauses get an empty entry, so that the
/// baseline is known to have been taken.
fn baseline(world: World<'_>, rollout: &Rollout) -> Vec<Step> {
    let mut steps = Vec::new();
    let taken = world.ledger.baselines.get(&rollout.spec.name);
    for goodlink in world.policy.goodlink.keys().filter(|name| !taken.is_some_and(|taken| taken.contains_key(*name))) {
        let paused: Vec<RosterName> = match remedy::paused(world, goodlink, None) {
            Ok(users) => users.iter().map(|user| user.user.clone()).collect(),
            // Not known: it is taken once it is, for until then the gate of its servers is closed.
            Err(_) if concerns(world, rollout, goodlink) => continue,
            // Nobody is excused by it.
            Err(_) => Vec::new(),
        };
        let mut parts: Vec<BTreeSet<RosterName>> =
            paused.chunks(USERS_PER_ENTRY).map(|part| part.iter().cloned().collect()).collect();
        if parts.is_empty() {
            parts.push(BTreeSet::new());
        }
        steps.extend(parts.into_iter().map(|paused| {
            let (rollout, goodlink) = (rollout.spec.name.clone(), goodlink.clone());
            Step::Record(Milestone::Baseline { rollout, goodlink, paused })
        }));
    }
    steps
}

/// Whether users of the GoodLink server may have their mailbox on a server of the rollout, by declaration.
fn concerns(world: World<'_>, rollout: &Rollout, goodlink: &GoodLinkName) -> bool {
    let exchange = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.exchange);
    exchange.is_some_and(|exchange| rollout.spec.servers.iter().any(|server| exchange.contains(server)))
}

/// Whether the hotfix may have been installed there by this rollout.
fn began(world: World<'_>, rollout: &Rollout, host: &HostName) -> bool {
    intents(world, rollout, host).iter().any(|(_, intent)| intent.state.began())
}

/// What stops the rollout by itself, with the numbers.
fn trip(world: World<'_>, rollout: &Rollout, progress: &[HostProgress]) -> Option<String> {
    if let Some(gone) = rollout.spec.servers.iter().find(|server| !world.policy.exchange.contains_key(*server)) {
        return Some(format!("Exchange server {gone} is not in the configuration any more"));
    }
    if let Some((host, why)) = progress.iter().find_map(|host| match &host.phase {
        Phase::Failed { why } => Some((&host.host, why)),
        _ => None,
    }) {
        return Some(format!("{host} {why}"));
    }
    let changed: BTreeSet<&ExchangeServerName> =
        progress.iter().filter(|host| began(world, rollout, &host.host)).map(|host| &host.server).collect();
    if changed.is_empty() {
        return None;
    }
    let new: Vec<String> =
        world.policy.goodlink.keys().flat_map(|goodlink| new_pauses(world, rollout, goodlink, &changed)).collect();
    let shown = new.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let servers = changed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    (!new.is_empty()).then(|| format!("{} new Send As pauses on the changed servers {servers}: {shown}", new.len()))
}

/// Users paused since the baseline whose mailbox is on a changed server, or may be.
fn new_pauses(
    world: World<'_>,
    rollout: &Rollout,
    name: &GoodLinkName,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Vec<String> {
    let Some(goodlink) = world.policy.goodlink.get(name) else { return Vec::new() };
    // Not known right now: the gate closes for that, but it is no pause.
    let Ok(paused) = remedy::paused(world, name, None) else { return Vec::new() };
    // Who was paused before is not known yet: the gate of its servers is closed meanwhile.
    let Some(before) = world.ledger.baselines.get(&rollout.spec.name).and_then(|baseline| baseline.get(name)) else {
        return Vec::new();
    };
    let may_use = goodlink.exchange.iter().any(|server| changed.contains(server));
    let affected = |user: &remedy::PausedUser<'_>| match user.directory_name.map(|name| resolve(world, goodlink, name))
    {
        Some(Resolution::Here(_, picture)) => match &picture.home {
            Home::Server(home) => changed.contains(home),
            Home::None | Home::Unclear(_) => may_use,
        },
        // Evidence is missing: the gate is closed for that, and the next survey decides.
        Some(Resolution::Unknown(_)) => false,
        Some(Resolution::Not(_)) | None => may_use,
    };
    paused
        .iter()
        .filter(|user| user.recovery != remedy::Recovery::Waived)
        .filter(|user| !before.contains(user.user))
        .filter(|user| affected(user))
        .map(|user| format!("{} ({name})", user.user))
        .collect()
}
