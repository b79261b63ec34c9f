//! Which hosts are disrupted now (invariant 3): a change is under way, its outcome is unknown, the host is silent, or
//! what it is for does not run.

use super::Blocked;
use crate::estate::{ExchangeState, HostState, ServiceState};
use crate::gate::World;
use crate::ledger::{Effect, Foreign, Intent, IntentState, Origin, Outcome, Rollout, RolloutState, Sequence};
use crate::mutation::{self, Mutation};
use crate::names::{HostName, RolloutName};
use crate::time::{Readable, Steady};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

/// Disrupted hosts with the reason; the intent `except` does not count.
#[must_use]
pub fn disrupted(world: World<'_>, except: Option<Sequence>) -> BTreeMap<HostName, String> {
    let hosts = world.policy.hosts.keys();
    let configured =
        hosts.filter_map(|host| Some((host.clone(), busy(world, host, except).or_else(|| unready(world, host))?)));
    configured.chain(left_behind(world, except)).collect()
}

/// What is or may still be going on at a host.
fn busy(world: World<'_>, host: &HostName, except: Option<Sequence>) -> Option<String> {
    if let Some(foreign) = foreign(world, host) {
        return Some(foreign.to_string());
    }
    let here = |id: Sequence, intent: &Intent| intent.effect.host() == Some(host) && Some(id) != except;
    // What is not heard of at all counts as silent, and needs not be told twice.
    let reported = world.estate.hosts.get(host).filter(|_| unheard(world, host).is_none()).map(|state| state.reported);
    let since = |at: Steady| reported.is_some_and(|reported| reported <= at);
    // Nearly all of them ended well and long ago: their state is looked at before whose they are.
    world.ledger.intents.iter().find_map(|(id, intent)| match &intent.state {
        // What it did to the host the next report says.
        IntentState::Ended { outcome, at }
            if since(*at)
                && here(*id, intent)
                && intent.state.began()
                && !matches!(outcome, Outcome::Unknown { .. })
                && !matches!(intent.effect, Effect::TestSend { .. }) =>
        {
            Some(format!("it has not reported since intent {id} ended"))
        }
        IntentState::Ended { outcome, .. } if !matches!(outcome, Outcome::Unknown { .. }) => None,
        _ if !here(*id, intent) => None,
        IntentState::Filed | IntentState::Permitted { .. } => {
            Some(format!("{} (intent {id}) is under way", intent.effect))
        }
        IntentState::Ended { outcome: Outcome::Unknown { .. }, .. } if !established(world, *id) => {
            Some(doubt(world, *id, intent))
        }
        IntentState::Ended { .. } => None,
    })
}

/// An act of the host that no open intent stands for, until its end, or, where nobody knows that, until the host shows what
/// came of it: nothing of it runs any more then. What came of one that was given up is asked of its intent ([`established`]),
/// and a store that it left down is no reason not to mend that.
pub(super) fn foreign<'w>(world: World<'w>, host: &HostName) -> Option<&'w Foreign> {
    let reported = world.estate.hosts.get(host).map(|state| state.reported);
    world.estate.foreign.get(host).filter(|foreign| {
        let shown = foreign.unknown.is_some_and(|since| reported.is_some_and(|reported| reported > since));
        !shown || foreign.origin == Origin::Lost && unready(world, host).is_some()
    })
}

/// What speaks against disrupting this host now: something is going on there, or enough others are disrupted (invariant 3).
#[must_use]
pub fn no_room(world: World<'_>, host: &HostName, except: Option<Sequence>) -> BTreeSet<Blocked> {
    no_room_beside(world, host, except, &disrupted(world, except))
}

/// The same where it is known already which hosts are disrupted.
pub(super) fn no_room_beside(
    world: World<'_>,
    host: &HostName,
    except: Option<Sequence>,
    down: &BTreeMap<HostName, String>,
) -> BTreeSet<Blocked> {
    let mut blocked = BTreeSet::new();
    if let Some(why) = busy(world, host, except) {
        blocked.insert(Blocked::Host { host: host.clone(), why });
    }
    let mut others = down.clone();
    others.remove(host);
    blocked.extend(over_limit(world, &others, host));
    blocked
}

/// The same of taking a hotfix off. A host that does not serve any more is disrupted already, and this is what may help it:
/// it waits for what is going on elsewhere, not for others that do not serve either.
pub(super) fn no_room_to_remove(
    world: World<'_>,
    host: &HostName,
    except: Option<Sequence>,
    down: &BTreeMap<HostName, String>,
) -> BTreeSet<Blocked> {
    if unready(world, host).is_none() {
        return no_room_beside(world, host, except, down);
    }
    no_room_beside(world, host, except, &under_way(world, except))
}

/// Hosts at which something is or may still be going on, with what that is.
pub(super) fn under_way(world: World<'_>, except: Option<Sequence>) -> BTreeMap<HostName, String> {
    let configured = world.policy.hosts.keys().filter_map(|host| Some((host.clone(), busy(world, host, except)?)));
    configured.chain(left_behind(world, except)).collect()
}

/// The same of hosts that the configuration lacks: that they are not named there any more ends nothing there.
fn left_behind<'w>(world: World<'w>, except: Option<Sequence>) -> impl Iterator<Item = (HostName, String)> + use<'w> {
    left_acts(world).filter(move |(id, ..)| Some(*id) != except).map(move |(id, host, intent)| {
        let why = match intent.state {
            IntentState::Ended { .. } => doubt(world, id, intent),
            _ => format!(
                "{} (intent {id}) is under way, and the host is not configured any more: configure it again under this \
                 name, so that its end is heard",
                intent.effect
            ),
        };
        (host.clone(), why)
    })
}

/// Acts on hosts that the configuration lacks which have their permit, or of which nobody knows how they ended and a person
/// can say that he has looked. Of a restart nobody could.
fn left_acts(world: World<'_>) -> impl Iterator<Item = (Sequence, &HostName, &Intent)> {
    let stands = move |id: Sequence, intent: &Intent| match (&intent.state, &intent.effect) {
        (IntentState::Permitted { .. }, _) => true,
        (
            IntentState::Ended { outcome: Outcome::Unknown { .. }, .. },
            Effect::Install { .. } | Effect::Remove { .. },
        ) => !established(world, id),
        _ => false,
    };
    let acts = world.ledger.intents.iter().filter_map(|(id, intent)| Some((*id, intent.effect.host()?, intent)));
    acts.filter(move |(id, host, intent)| !world.policy.hosts.contains_key(*host) && stands(*id, intent))
}

/// The limits that one more disrupted host would pass, these being disrupted already.
pub(super) fn over_limit(world: World<'_>, down: &BTreeMap<HostName, String>, host: &HostName) -> Vec<Blocked> {
    if down.is_empty() || mutation::is(Mutation::NoLimit) {
        return Vec::new();
    }
    let (policy, limits) = (world.policy, &world.policy.disruption);
    let mut over = Vec::new();
    let mut check = |what: String, limit: Option<NonZeroU32>, counts: &dyn Fn(&HostName) -> bool| {
        let Some(limit) = limit.map(NonZeroU32::get) else { return };
        let hosts: BTreeMap<_, _> =
            down.iter().filter(|(host, _)| counts(host)).map(|(host, why)| (host.clone(), why.clone())).collect();
        if hosts.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            over.push(Blocked::Disruption { what, limit, hosts });
        }
    };
    // What a host is for that the configuration lacks, the act there says. Which domains it serves, and whom it stands in for,
    // nobody can say: it may be any.
    let lacks = down.keys().any(|host| !policy.hosts.contains_key(host));
    let left: BTreeMap<&HostName, &Effect> = match lacks {
        true => left_acts(world).map(|(_, host, intent)| (host, &intent.effect)).collect(),
        false => BTreeMap::new(),
    };
    let of_exchange = |effect: &&Effect| matches!(effect, Effect::Install { .. } | Effect::Remove { .. });
    let exchange = |other: &HostName| policy.exchange_of(other).is_some() || left.get(other).is_some_and(of_exchange);
    let left_goodlink = |other: &HostName| left.get(other).is_some_and(|act| !of_exchange(act));
    check("hosts".to_owned(), Some(limits.estate), &|_| true);
    if policy.exchange_of(host).is_some() {
        check("Exchange hosts".to_owned(), limits.exchange, &exchange);
    }
    if policy.goodlink_of(host).is_some() {
        let goodlink = |other: &HostName| policy.goodlink_of(other).is_some() || left_goodlink(other);
        check("GoodLink hosts".to_owned(), limits.goodlink, &goodlink);
        let together = "GoodLink hosts that stand in for one another".to_owned();
        check(together, Some(NonZeroU32::MIN), &|other| policy.stand_in(host, other) || left_goodlink(other));
    }
    if limits.domain.is_some() {
        for domain in policy.domains_of(host) {
            let of_domain = |other: &HostName| policy.domains_of(other).contains(domain) || left.contains_key(other);
            check(format!("hosts of {domain}"), limits.domain, &of_domain);
        }
    }
    over
}

/// Why nothing must be done to this host: it is silent, or what it is for does not run.
#[must_use]
pub fn unready(world: World<'_>, host: &HostName) -> Option<String> {
    let Some(state) = world.estate.hosts.get(host) else { return unheard(world, host) };
    if let Some(unheard) = unheard(world, host) {
        return Some(unheard);
    }
    if world.policy.exchange_of(host).is_some() && state.exchange.is_none() {
        return Some("it reports no Exchange role".to_owned());
    }
    if world.policy.goodlink_of(host).is_some() && state.goodlink.is_none() {
        return Some("it reports no GoodLink role".to_owned());
    }
    not_serving(world, host, state)
}

/// Why nothing is known of the host now: it is silent.
#[must_use]
pub fn unheard(world: World<'_>, host: &HostName) -> Option<String> {
    let agent = world.policy.hosts.get(host);
    if let Some((agent, stranger)) = agent.and_then(|agent| world.estate.strangers.get_key_value(agent)) {
        return Some(format!("its agent {agent} is not led by this coordinator: {stranger}"));
    }
    let Some(state) = world.estate.hosts.get(host) else {
        return Some("it has not reported since the coordinator started".to_owned());
    };
    let silent = world.now.steady.since(state.reported);
    (silent > world.policy.freshness.silent_after).then(|| format!("it has been silent for {}", Readable(silent)))
}

/// Whether the host is a node of a cluster whose store runs on another node: its own service is stopped, and must be.
#[must_use]
pub fn is_passive(world: World<'_>, host: &HostName) -> bool {
    let stopped = |host: &HostName| {
        let exchange = world.estate.hosts.get(host).and_then(|state| state.exchange.as_ref());
        exchange.is_some_and(|exchange| {
            exchange.service.as_ref().is_ok_and(|service| service.state == ServiceState::Stopped)
        })
    };
    stopped(host) && served_elsewhere(world, host)
}

/// Whether the store of the host's Exchange server runs on another node of the cluster.
pub(super) fn served_elsewhere(world: World<'_>, host: &HostName) -> bool {
    let serves = |host: &HostName| {
        let state = world.estate.hosts.get(host);
        let fresh = state.filter(|state| world.now.steady.since(state.reported) <= world.policy.freshness.silent_after);
        fresh.and_then(|state| state.exchange.as_ref()).is_some_and(ExchangeState::serves)
    };
    let server = world.policy.exchange_of(host).and_then(|server| world.policy.exchange.get(server));
    let others = server.into_iter().flat_map(|server| &server.hosts).filter(|other| *other != host);
    others.into_iter().any(serves)
}

fn not_serving(world: World<'_>, name: &HostName, host: &HostState) -> Option<String> {
    if let Some(exchange) = host.exchange.as_ref().filter(|_| !is_passive(world, name)) {
        match &exchange.service {
            Err(why) => return Some(format!("the store service could not be asked: {why}")),
            Ok(service) if service.state != ServiceState::Running => {
                return Some(format!("the store service is {}", service.state));
            }
            Ok(_) => {}
        }
        match &exchange.mounted {
            Err(why) => return Some(format!("whether the store is mounted could not be asked: {why}")),
            Ok(false) => return Some("the store is not mounted".to_owned()),
            Ok(true) => {}
        }
    }
    if let Some(goodlink) = &host.goodlink {
        match &goodlink.service {
            Err(why) => return Some(format!("the GoodLink service could not be asked: {why}")),
            Ok(service) if service.state != ServiceState::Running => {
                return Some(format!("the GoodLink service is {}", service.state));
            }
            Ok(_) => {}
        }
    }
    None
}

/// Whether a later act on the same host has begun, which it could not before this was known, or the host shows what the effect
/// was to bring about.
fn established(world: World<'_>, id: Sequence) -> bool {
    let Some(intent) = world.ledger.intents.get(&id) else { return false };
    let IntentState::Ended { at, .. } = intent.state else { return false };
    let later = world
        .ledger
        .intents
        .range(id.next()..)
        .any(|(_, other)| other.effect.host() == intent.effect.host() && other.state.began());
    let host = intent.effect.host().and_then(|host| world.estate.hosts.get(host)).filter(|host| host.reported > at);
    later
        || said_of_lacking(world, intent, id)
        || match (&intent.effect, host) {
            (Effect::Install { rollout, .. } | Effect::Remove { rollout, .. }, Some(host)) => {
                let version = host.exchange.as_ref().and_then(|exchange| exchange.store.as_ref().ok());
                let wanted = matches!(intent.effect, Effect::Install { .. });
                let rollout = world.ledger.rollouts.get(rollout);
                // What it has shown since then stays shown, whatever somebody does to it later.
                let shown = intent.effect.host().zip(rollout).and_then(|(host, rollout)| rollout.verified.get(host));
                wanted && shown.is_some_and(|shown| *shown > at)
                    || version.zip(rollout).is_some_and(|(version, rollout)| {
                        looked(rollout, intent, id) || super::rollout::has(world, rollout, *version) == wanted
                    })
            }
            // It has changed nothing.
            (Effect::TestSend { .. }, _) => true,
            // The service runs again (or unready() says that it does not): whether it was restarted matters no more.
            (Effect::RestartGoodlink { .. }, Some(host)) => host.goodlink.is_some(),
            _ => false,
        }
}

/// A person who aborted the rollout, left the host out, or wants it tried again, has looked; its own answer is then enough.
fn looked(rollout: &Rollout, intent: &Intent, id: Sequence) -> bool {
    // Nobody has looked where it was aborted by itself, nor at an end that was still to come.
    let aborted = rollout.aborted.filter(|_| matches!(rollout.state, RolloutState::Aborted { .. }));
    let aborted = aborted.is_some_and(|(asked, at)| {
        asked > id && !matches!(&intent.state, IntentState::Ended { at: ended, .. } if *ended > at)
    });
    aborted || said_of_it(rollout, intent, id)
}

/// Whether a person has named the host, to leave it out or to have it tried again.
fn said_of_it(rollout: &Rollout, intent: &Intent, id: Sequence) -> bool {
    let Some(host) = intent.effect.host() else { return false };
    rollout.retried.get(host).is_some_and(|retried| *retried > id) || rollout.skipped.contains_key(host)
}

/// Whether a person has named a host that the configuration lacks, or it had shown how the act ended before it left: no answer
/// of its own comes any more.
fn said_of_lacking(world: World<'_>, intent: &Intent, id: Sequence) -> bool {
    let Some(host) = intent.effect.host().filter(|host| !world.policy.hosts.contains_key(*host)) else { return false };
    let Some(rollout) = intent.effect.rollout().and_then(|rollout| world.ledger.rollouts.get(rollout)) else {
        return false;
    };
    let since = |shown: Option<&Steady>| match intent.state {
        IntentState::Ended { at, .. } => shown.is_some_and(|shown| *shown > at),
        IntentState::Filed | IntentState::Permitted { .. } => false,
    };
    let has = || world.ledger.versions.get(host).map(|version| super::rollout::has(world, rollout, *version));
    let wanted = matches!(intent.effect, Effect::Install { .. });
    let shown = wanted && since(rollout.verified.get(host))
        || since(world.ledger.versions_noted.get(host)) && has() == Some(wanted);
    shown || said_of_it(rollout, intent, id)
}

/// What is said of an act whose end is unknown, and who ends that: with an install or a removal a person must say that he has
/// looked, unless the host shows that it went well.
fn doubt(world: World<'_>, id: Sequence, intent: &Intent) -> String {
    let unknown = format!("how intent {id} ended is unknown");
    let (Effect::Install { rollout, host, .. } | Effect::Remove { rollout, host, .. }) = &intent.effect else {
        return unknown;
    };
    let known = world.ledger.rollouts.get(rollout);
    let skip = format!("`sendgate rollout skip {rollout} {host} --reason WHY`");
    if !world.policy.hosts.contains_key(host) {
        let lacks = format!("{unknown}, and the host is not configured any more");
        return format!("{lacks}: look whether it still runs; if it does not, {skip}");
    }
    if known.is_some_and(|known| looked(known, intent, id)) {
        return format!("{unknown}: it has not shown its version since");
    }
    let look = format!("{unknown}: look whether it still runs; if it does not,");
    if !known.is_some_and(|known| removes_from(world, known, host)) {
        return format!("{look} {skip}");
    }
    format!(
        "{look} `sendgate rollout retry {rollout} {host} --reason WHY` has the hotfix taken off, {skip} leaves the host out"
    )
}

/// Whether the rollout is under way to take its hotfix off this host: it does so once a person has it tried again.
fn removes_from(world: World<'_>, rollout: &Rollout, host: &HostName) -> bool {
    let Some(removal) = rollout.removal.as_ref().filter(|_| rollout.state.is_live()) else { return false };
    let Some(server) = world.policy.exchange_of(host) else { return false };
    let mut waves = (0..).zip(&rollout.spec.waves).filter(|(_, wave)| wave.servers.contains(server));
    waves.any(|(at, _)| removal.wave.is_none_or(|wave| wave == at))
}

/// Whether something that the rollout did on this host has an unknown end, and what came of it has not shown either.
#[must_use]
pub fn in_doubt(world: World<'_>, rollout: &RolloutName, host: &HostName) -> bool {
    world.ledger.intents.iter().any(|(id, intent)| {
        matches!(intent.state, IntentState::Ended { outcome: Outcome::Unknown { .. }, .. })
            && (intent.effect.rollout(), intent.effect.host()) == (Some(rollout), Some(host))
            && !established(world, *id)
    })
}
