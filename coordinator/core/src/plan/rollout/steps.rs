//! What a rollout needs now: what was learned, its trip or end, the next hosts.

use super::{HostProgress, Phase, baseline, began, fit, installed, ours, phase, tally, test_send, wave};
use crate::gate::{self, World};
use crate::ledger::entry::{self, cut};
use crate::ledger::{Class, Effect, Held, Milestone, Rollout, RolloutEvent, RolloutState};
use crate::names::{ExchangeServerName, HostName};
use crate::plan::{Blocked, Step, hold};
use crate::spec::OnTrip;
use crate::time::{Readable, Steady};
use crate::window::Opening;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Bytes of a reason that hosts have a say in: one line may name each of hundreds.
const LONGEST: usize = 5_000;

/// The next steps of a live rollout.
pub(in crate::plan) fn steps(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Vec<Step> {
    let name = &rollout.spec.name;
    let event = |event| vec![Step::Record(Milestone::Rollout { rollout: name.clone(), event })];
    if let Some(reason) = forgotten(world, rollout, hosts) {
        return event(match rollout.state {
            RolloutState::Running { .. } => RolloutEvent::Tripped { reason },
            _ => RolloutEvent::Aborted { reason },
        });
    }
    if !matches!(rollout.state, RolloutState::Running { .. }) {
        return removal(world, rollout, hosts).map(event).unwrap_or_default();
    }
    let verified = verified(rollout, hosts);
    if !verified.is_empty() {
        return verified;
    }
    let current = wave::current(rollout, hosts);
    let removing = rollout.removal.is_some();
    // After a person let it go on it is taken anew, before anything is counted against it; also between two waves.
    // Several waves may have been begun in what is lost of a journal.
    let changed = hosts.iter().filter(|host| ours(world, rollout, &host.host)).map(|host| host.wave).max();
    let begun = changed.filter(|_| !removing).map(|last| rollout.waves_done.min(last)..=last);
    // A GoodLink server may have been declared since.
    let first = begun.is_some().then(|| baseline::first(world, rollout, hosts)).flatten().map(|(wave, _)| wave);
    let waves: BTreeSet<u32> = begun.into_iter().flatten().chain(first).collect();
    let again: Vec<_> = waves.into_iter().flat_map(|wave| baseline::take(world, rollout, hosts, wave, true)).collect();
    if !again.is_empty() {
        return again;
    }
    if let Some(reason) = tripping(world, rollout, hosts) {
        return event(RolloutEvent::Tripped { reason });
    }
    let Some(current) = current else { return event(RolloutEvent::Finished) };
    let of_wave = || hosts.iter().filter(|host| host.wave == current);
    let tests = test_send::steps(world, rollout, current, hosts);
    if !tests.is_empty() {
        return tests;
    }
    if !removing && of_wave().all(over) {
        let failed = failed(rollout, of_wave());
        if !failed.is_empty() {
            return failed;
        }
        return vec![Step::Record(Milestone::WaveDone { rollout: name.clone(), wave: current })];
    }
    let ready: Vec<_> = of_wave().filter(|host| host.phase == Phase::Waiting && host.blocked.is_empty()).collect();
    let offered = of_wave().any(|host| matches!(host.phase, Phase::Offered { .. }));
    if (offered || !ready.is_empty()) && !removing {
        let begun = of_wave().any(|host| ours(world, rollout, &host.host));
        let baseline = baseline::take(world, rollout, hosts, current, begun);
        if !baseline.is_empty() {
            return baseline;
        }
    }
    begin(world, rollout, current, &ready, hosts)
}

/// What trips it: whoever could begin has been told of it already.
fn tripping(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<String> {
    let current = wave::current(rollout, hosts);
    match hosts.iter().find(|host| host.phase == Phase::Waiting && Some(host.wave) == current) {
        Some(told) => told.blocked.iter().find_map(|blocked| match blocked {
            Blocked::Tripping { reason } => Some(reason.clone()),
            _ => None,
        }),
        None => tally::trip(world, rollout, hosts, None),
    }
}

/// Whether the wave need not wait for this host, nor for anything that is still to be learned there.
fn over(host: &HostProgress) -> bool {
    let through = match host.phase {
        Phase::Soaking { remaining } => remaining.is_zero(),
        _ => host.phase.is_over(),
    };
    through && host.blocked.is_empty()
}

/// Hosts that show what they were to show, and that the journal does not know yet.
fn verified(rollout: &Rollout, hosts: &[HostProgress]) -> Vec<Step> {
    let new = hosts.iter().filter(|host| match (&host.phase, &rollout.removal) {
        (Phase::Soaking { .. } | Phase::Done, None) => !rollout.verified.contains_key(&host.host),
        (Phase::Removed, Some(removal)) => !removal.removed.contains(&host.host),
        _ => false,
    });
    let name = &rollout.spec.name;
    new.map(|host| Step::Record(Milestone::HostVerified { rollout: name.clone(), host: host.host.clone() })).collect()
}

/// What is not written down yet of who has failed in a wave that is about to be over: what they show later is no concern of the
/// rollout, and that it went on without them is. The wave may not have been over after an earlier record, and what that one
/// says not be so any more.
fn failed<'a>(rollout: &Rollout, of_wave: impl Iterator<Item = &'a HostProgress>) -> Vec<Step> {
    let (mut new, mut recovered) = (Vec::new(), Vec::new());
    for HostProgress { host, phase, .. } in of_wave {
        match (phase, rollout.failed.get(host)) {
            (Phase::Failed { class, .. }, known) if known != Some(class) => new.push((host.clone(), *class)),
            (Phase::Failed { .. }, _) | (_, None) => {}
            (_, Some(_)) => recovered.push(host.clone()),
        }
    }
    let record = |failed: Vec<(HostName, Class)>, recovered: Vec<HostName>| {
        let (rollout, failed) = (rollout.spec.name.clone(), BTreeMap::from_iter(failed));
        Step::Record(Milestone::HostsFailed { rollout, failed, recovered: BTreeSet::from_iter(recovered) })
    };
    let new = entry::parts(new, |(host, _)| host.as_str().len()).into_iter().map(|part| record(part, Vec::new()));
    let recovered = entry::parts(recovered, |host| host.as_str().len()).into_iter();
    new.chain(recovered.map(|part| record(Vec::new(), part))).collect()
}

/// The removal that the file asks for after a trip, from the last wave that has begun: what was not begun needs none. A
/// record of its own, for the trip must be known whatever becomes of this one.
fn removal(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<RolloutEvent> {
    let RolloutState::Tripped { reason } = &rollout.state else { return None };
    if rollout.spec.on_trip != OnTrip::Remove || rollout.removal.is_some() {
        return None;
    }
    let wave = last_begun(world, rollout, hosts)?;
    Some(RolloutEvent::Removing { reason: reason.clone(), wave: Some(wave) })
}

/// The last wave that was begun, as the journal says; none where people left out all that was begun of it, or its servers are
/// not in the configuration any more. Waves before it have gone well, and keep what they have.
fn last_begun(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<u32> {
    let spec = &rollout.spec;
    let begun = world.ledger.intents.values().filter_map(|intent| match &intent.effect {
        Effect::Install { rollout: name, server, .. } if *name == spec.name && intent.state.began() => Some(server),
        _ => None,
    });
    let wave = |server: &ExchangeServerName| {
        let mut waves = (0..).zip(&spec.waves);
        waves.find(|(_, wave)| wave.servers.contains(server)).map(|(at, _)| at)
    };
    let last = begun.filter_map(wave).max()?;
    let left = |host: &HostProgress| {
        host.wave == last && !rollout.skipped.contains_key(&host.host) && began(world, rollout, &host.host)
    };
    hosts.iter().any(left).then_some(last)
}

/// The next hosts, as many as may be under way in the wave.
fn begin(world: World<'_>, rollout: &Rollout, wave: u32, ready: &[&HostProgress], hosts: &[HostProgress]) -> Vec<Step> {
    let spec = &rollout.spec;
    let at_once = usize::try_from(wave).ok().and_then(|at| spec.waves.get(at)).map_or(1, |wave| wave.at_once.get());
    let room = usize::try_from(at_once).unwrap_or(usize::MAX);
    let under_way = hosts.iter().filter(|host| host.wave == wave && host.phase.in_flight()).count();
    let removing = rollout.removal.is_some();
    let act = |host: &&HostProgress| {
        let (rollout, server) = (spec.name.clone(), host.server.clone());
        let (package, sha256, host) = (spec.package.name.clone(), spec.package.sha256, host.host.clone());
        let before = world.estate.hosts.get(&host).and_then(installed)?;
        Some(Step::Act(match removing {
            true => Effect::Remove { rollout, server, host, package, sha256 },
            false => Effect::Install { rollout, server, host, package, sha256, before },
        }))
    };
    ready.iter().take(room.saturating_sub(under_way)).filter_map(act).collect()
}

/// Nothing has moved for longer than the rollout's patience, with what it waits for.
fn forgotten(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<String> {
    // An act that is under way has a deadline of its own, and a person who holds it has not forgotten it. An offer is none:
    // it is made anew for as long as nobody takes it.
    let offered = |host: &HostProgress| matches!(host.phase, Phase::Offered { .. });
    let of_hosts = hosts.iter().any(|host| host.phase.in_flight() && !offered(host));
    let busy = of_hosts || test_send::is_under_way(world, rollout);
    if busy || stood(world, rollout, hosts)? <= rollout.spec.patience {
        return None;
    }
    let stood = Readable(rollout.spec.patience);
    let text = match &rollout.state {
        RolloutState::Created => format!("nobody started it within {stood}"),
        RolloutState::Tripped { reason } => format!("nobody let it go on within {stood} after it stopped: {reason}"),
        _ => {
            // Others may wait for the one whose act is on offer.
            let taken = hosts.iter().find(|host| offered(host));
            let taken = taken.map(|host| format!("{}: nobody asks for the permit of its act", host.host));
            let waits = hosts.iter().find_map(|host| Some((host, host.blocked.first()?)));
            let why = taken.or_else(|| waits.map(|(host, why)| format!("{}: {why}", host.host)));
            let why = why.unwrap_or_else(|| "no host moves".to_owned());
            format!("nothing has moved for {stood}: {why}")
        }
    };
    Some(cut(&text, LONGEST))
}

/// How long it could have moved; none: a person holds it, or each host whose turn it is, or an agent that is led by nobody
/// stops everything, or may have done so: after a start it is not known yet.
fn stood(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<Duration> {
    if gate::just_started(world) {
        return None;
    }
    let name = &rollout.spec.name;
    let moved = could_move(world, rollout);
    let time = |over: &dyn Fn() -> Vec<Held>| {
        let held = !hold::blocking(world, over).is_empty();
        (!held).then(|| hold::running(world, moved, over))
    };
    let whole = time(&|| vec![Held::Estate, Held::Rollout(name.clone())])?;
    let current = wave::current(rollout, hosts);
    let left = hosts.iter().filter(|host| Some(host.wave) == current && !host.phase.is_over());
    // Whoever waits for another host moves when that one does.
    let moves = |host: &&HostProgress| !host.blocked.iter().any(|blocked| matches!(blocked, Blocked::Turn { .. }));
    let (all, first): (Vec<_>, Vec<_>) = (left.clone().collect(), left.filter(moves).collect());
    let left = if first.is_empty() { all } else { first }.into_iter();
    let left: Vec<_> = left.map(|host| time(&|| hold::over_install(world, name, &host.server, &host.host))).collect();
    if left.is_empty() { Some(whole) } else { left.into_iter().flatten().max() }
}

/// Since when it could have moved: before the last agent that was led by nobody was gone, it could not.
fn could_move(world: World<'_>, rollout: &Rollout) -> Steady {
    phase::led_since(world).map_or(rollout.moved, |since| since.max(rollout.moved))
}

/// The moments at which the rollout may move by itself.
pub(in crate::plan) fn wake(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Vec<Steady> {
    let now = world.now.steady;
    let soaks = hosts.iter().filter_map(|host| match host.phase {
        // One that is over, and waits for something else, does not end by itself.
        Phase::Soaking { remaining } if !remaining.is_zero() => Some(now + remaining),
        _ => None,
    });
    let start = world.ledger.started.map(|started| started + world.policy.freshness.silent_after);
    let mut moments: Vec<Steady> =
        soaks.chain([could_move(world, rollout) + rollout.spec.patience]).chain(start).collect();
    let waits = hosts.iter().flat_map(|host| &host.blocked).filter_map(|blocked| match blocked {
        Blocked::Wait { remaining, .. } => Some(now + *remaining),
        _ => None,
    });
    moments.extend(waits);
    if let Some(opening) = fit::opening(world, rollout) {
        let change = match opening {
            Opening::Open { until, .. } => Some(until),
            Opening::Closed { next } => next,
        };
        let ahead = change.and_then(|change| Duration::try_from(change.duration_since(world.now.wall)).ok());
        moments.extend(ahead.map(|ahead| now + ahead));
    }
    moments
}
