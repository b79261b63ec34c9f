//! Waves: whose turn it is, and how long a wave is still watched.

use super::after_failure::{self, AfterFailure};
use super::cluster::{self, Store};
use super::phase::{self, silence};
use super::{About, Class, HostProgress, Phase, baseline, installed, ours, test_send};
use crate::estate::ServiceState;
use crate::gate::World;
use crate::ledger::{Rollout, RolloutState, Sequence};
use crate::names::{ExchangeServerName, HostName};
use crate::plan::{Blocked, hold};
use crate::time::Readable;
use std::collections::BTreeSet;
use std::time::Duration;

/// The hosts of a server in the order in which they go: as configured, but a cluster's active node last, so that its
/// users can be moved to a node that has the hotfix.
pub(super) fn nodes(world: World<'_>, server: &ExchangeServerName) -> Vec<HostName> {
    let mut hosts = world.policy.exchange.get(server).map(|server| server.hosts.clone()).unwrap_or_default();
    if hosts.len() > 1 {
        hosts.sort_by_key(|host| {
            let exchange = world.estate.hosts.get(host).and_then(|state| state.exchange.as_ref());
            exchange.is_some_and(|exchange| {
                exchange.service.as_ref().is_ok_and(|service| service.state == ServiceState::Running)
            })
        });
    }
    hosts
}

/// The wave whose turn it is; none: there is nothing left to do.
pub(super) fn current(rollout: &Rollout, hosts: &[HostProgress]) -> Option<u32> {
    match &rollout.removal {
        None => {
            Some(rollout.waves_done).filter(|wave| usize::try_from(*wave).is_ok_and(|at| at < rollout.spec.waves.len()))
        }
        // The last wave first.
        Some(_) => hosts.iter().filter(|host| !host.phase.is_over()).map(|host| host.wave).max(),
    }
}

/// Says of each host that is watched how long still, and of every host whose wave has been through what keeps it from
/// being over. Whoever fails in its soak is watched to the end of it: its users have the hotfix all the same. Whoever left
/// a host out has taken it out of that as well.
pub(super) fn watch(world: World<'_>, rollout: &Rollout, hosts: &mut [HostProgress], except: Option<Sequence>) {
    for (wave, spec) in (0..).zip(&rollout.spec.waves) {
        // Also where nothing of the wave is watched, as after a failure that was allowed.
        let current = wave == rollout.waves_done;
        let tests = if current { test_send::pending(world, rollout, wave, hosts) } else { Vec::new() };
        // What earlier waves have changed is counted to the end of the rollout.
        let earlier = if current && rollout.removal.is_none() { unclear(world, rollout, hosts) } else { Vec::new() };
        let is_failed =
            |host: &HostProgress| current && rollout.removal.is_none() && matches!(host.phase, Phase::Failed { .. });
        let after = |HostProgress { server, host, .. }: &HostProgress| {
            after_failure::after(&About { world, rollout, wave, server, host, except })
        };
        for host in hosts.iter_mut().filter(|host| host.wave == wave && host.phase.is_over()) {
            host.blocked.extend(tests.iter().chain(&earlier).cloned());
            if let Some(AfterFailure::NotHeard(why)) = Some(&*host).filter(|host| is_failed(host)).map(after) {
                host.blocked.insert(why);
            }
        }
        let shows = |host: &HostProgress| match rollout.verified.get(&host.host) {
            None if is_failed(host) => match after(host) {
                AfterFailure::There(since) => Some(since),
                AfterFailure::NotHeard(_) | AfterFailure::Nothing => None,
            },
            known => known.copied(),
        };
        let changed = |host: &HostProgress| shows(host).filter(|_| ours(world, rollout, &host.host));
        let failed = |host: &HostProgress| is_failed(host) && changed(host).is_some();
        let watched = |host: &HostProgress| matches!(host.phase, Phase::Soaking { .. }) || failed(host);
        let of_wave: Vec<&HostProgress> = hosts.iter().filter(|host| host.wave == wave).collect();
        if !of_wave.iter().any(|host| watched(host)) {
            continue;
        }
        let unfinished = of_wave.iter().find(|host| host.phase == Phase::Waiting || host.phase.in_flight());
        let unfinished = unfinished.map(|host| host.host.clone());
        // Watched from the moment at which the last host that we changed showed it, and anew since a person let it go on:
        // while it stood stopped nothing was held against the thresholds.
        let running = match rollout.state {
            RolloutState::Running { since } => Some(since),
            _ => None,
        };
        let last =
            of_wave.iter().filter_map(|host| changed(host)).max().map(|last| running.map_or(last, |at| last.max(at)));
        let unclear = unclear(world, rollout, hosts);
        for host in hosts.iter_mut().filter(|host| host.wave == wave && watched(host)) {
            let about = About { world, rollout, wave, server: &host.server, host: &host.host, except };
            let since = last.filter(|_| unfinished.is_none() && shows(host).is_some());
            // It does not go on while it is held (invariant 7).
            let watched = since.map(|since| hold::running(world, since, || phase::over(world, rollout, &about)));
            let remaining = spec.soak.saturating_sub(watched.unwrap_or_default());
            // What was reported before that need not be so at the end of it.
            let end =
                since.filter(|_| remaining.is_zero()).and(watched).map(|watched| watched.saturating_sub(spec.soak));
            let not_said: Vec<_> = end.into_iter().flat_map(|ago| not_said(&about, &host.phase, ago)).collect();
            let inconclusive = inconclusive(&about);
            let awaited = awaited(&about);
            match &mut host.phase {
                Phase::Failed { class, .. } => {
                    // How it failed may be allowed; what else is wrong there, perhaps not. That nothing is heard of it is known.
                    host.blocked.extend(inconclusive.filter(|_| *class != Class::Unreachable));
                    host.blocked.extend(after_failure::awaited(&about));
                    let what = "its wave is watched, though it has failed".to_owned();
                    host.blocked.extend((!remaining.is_zero()).then_some(Blocked::Wait { what, remaining }));
                }
                phase => {
                    *phase = Phase::Soaking { remaining };
                    host.blocked = inconclusive.into_iter().chain(awaited).chain(tests.iter().cloned()).collect();
                    host.blocked.extend(unfinished.clone().map(|after| Blocked::Turn { after }));
                }
            }
            host.blocked.extend(not_said);
            host.blocked.extend(unclear.iter().cloned());
        }
    }
}

/// Whoever has not reported since the soak ended that long ago: the host itself, but where it has failed as unreachable, and
/// the hosts of GoodLink servers whose users may be there.
fn not_said(about: &About<'_>, phase: &Phase, ended: Duration) -> Vec<Blocked> {
    let world = about.world;
    let itself = Some(about.host).filter(|_| !matches!(phase, Phase::Failed { class: Class::Unreachable, .. }));
    let goodlinks = world.policy.goodlink.iter().filter(|(name, _)| baseline::concerns(world, about.rollout, name));
    let hosts: BTreeSet<_> = itself.into_iter().chain(goodlinks.map(|(_, goodlink)| &goodlink.host)).collect();
    let said = |host: &&HostName| {
        let reported = world.estate.hosts.get(*host).map(|state| state.reported);
        reported.is_some_and(|reported| world.now.steady.since(reported) <= ended)
    };
    let why = || "it has not reported since the soak of the wave ended".to_owned();
    let silent = hosts.into_iter().filter(|host| !said(host));
    silent.map(|host| Blocked::Host { host: host.clone(), why: why() }).collect()
}

/// What is not known of pauses on the servers that were changed so far.
pub(super) fn unclear(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress]) -> Vec<Blocked> {
    let changed = baseline::changed(world, rollout, hosts);
    if changed.is_empty() {
        return Vec::new();
    }
    let before = baseline::first(world, rollout, hosts).map(|(_, before)| before);
    baseline::unclear(world, rollout, before, &changed)
}

/// What is not known of a watched host: its wave is not over before it is.
pub(super) fn inconclusive(about: &About<'_>) -> Option<Blocked> {
    let (world, host) = (about.world, about.host.clone());
    if let Some(silent) = silence(world, about.host) {
        return Some(Blocked::Host { host, why: format!("it has been silent for {}", Readable(silent)) });
    }
    let known = about.report().and_then(installed).is_some();
    (!known).then(|| Blocked::Host { host, why: "its version of store.exe is not known".to_owned() })
}

/// Stores of watched clusters that do not serve for the moment: whether the hotfix has done that is not known yet.
pub(super) fn not_serving_yet(
    world: World<'_>,
    rollout: &Rollout,
    hosts: &[HostProgress],
    except: Option<Sequence>,
) -> Vec<Blocked> {
    let soaking = hosts.iter().filter(|host| matches!(host.phase, Phase::Soaking { .. }));
    let abouts = soaking.map(|host| {
        let (wave, server, host) = (host.wave, &host.server, &host.host);
        About { world, rollout, wave, server, host, except }
    });
    abouts.filter_map(|about| awaited(&about)).collect()
}

/// What keeps a watched host's store from serving for the moment.
pub(super) fn awaited(about: &About<'_>) -> Option<Blocked> {
    match cluster::store(about) {
        Store::Awaited(why) => Some(why),
        Store::Fine | Store::Down(_) => None,
    }
}

/// Whom a waiting host waits for: an earlier wave, another node of its server, or as many as may be under way.
pub(super) fn turn(rollout: &Rollout, hosts: &[HostProgress], host: &HostProgress) -> Option<Blocked> {
    if host.phase != Phase::Waiting {
        return None;
    }
    let after = |other: &HostProgress| Blocked::Turn { after: other.host.clone() };
    let wave = current(rollout, hosts)?;
    if wave != host.wave {
        let first = hosts.iter().filter(|other| other.wave == wave);
        let open = first.clone().find(|other| !other.phase.is_over()).or_else(|| first.clone().next());
        return Some(open.map_or_else(|| Blocked::NoHelp { why: "an earlier wave is not over".to_owned() }, after));
    }
    let of_wave = || hosts.iter().filter(|other| other.wave == wave && other.host != host.host);
    // Nodes of one server never together, and in their order.
    let before = hosts.iter().take_while(|other| other.host != host.host);
    let node = before.filter(|other| other.server == host.server && other.phase == Phase::Waiting);
    let node = node.chain(of_wave().filter(|other| other.server == host.server && other.phase.in_flight())).next();
    // In both directions: two that were offered at once would each wait for the other with their permits.
    if let Some(node) = node {
        return Some(after(node));
    }
    let limit = usize::try_from(wave).ok().and_then(|at| rollout.spec.waves.get(at)).map(|wave| wave.at_once.get());
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1);
    let mut flying = of_wave().filter(|other| other.phase.in_flight());
    let first = flying.next()?;
    (flying.count() + 1 >= limit).then(|| after(first))
}
