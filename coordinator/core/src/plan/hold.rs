//! What is held, and whose deadlines stand still (invariant 7).

use super::Blocked;
use crate::gate::{self, World};
use crate::ledger::{Effect, Held, Hold, Rollout, Stranger};
use crate::names::{AgentName, DomainName, ExchangeServerName, GoodLinkName, HostName, RolloutName};
use crate::request::SENDGATE;
use crate::time::Steady;
use std::collections::BTreeSet;
use std::time::Duration;

/// Whatever a hold on would stop this effect.
#[must_use]
pub fn over(world: World<'_>, effect: &Effect) -> Vec<Held> {
    match effect {
        Effect::Grant(_) | Effect::Withdraw(_) => {
            let domain = effect.place().map(|(domain, _)| domain);
            domain.map_or_else(|| vec![Held::Estate], over_domain)
        }
        Effect::Install { rollout, server, host, .. } | Effect::Remove { rollout, server, host, .. } => {
            over_install(world, rollout, server, host)
        }
        Effect::TestSend { rollout, goodlink, host, .. } => over_test(world, rollout, goodlink, host),
        Effect::RestartGoodlink { goodlink, host, .. } => over_restart(world, goodlink, host),
    }
}

/// Of an entry in a domain.
pub(super) fn over_domain(domain: &DomainName) -> Vec<Held> {
    vec![Held::Estate, Held::Domain(domain.clone())]
}

/// Of a rollout's work on a host.
pub(in crate::plan) fn over_install(
    world: World<'_>,
    rollout: &RolloutName,
    server: &ExchangeServerName,
    host: &HostName,
) -> Vec<Held> {
    let mut domains = gate::cells_of_server(world, server);
    domains.extend(world.policy.exchange.get(server).and_then(|server| server.domain.clone()));
    let mut over = vec![Held::Estate, Held::Rollout(rollout.clone()), Held::Host(host.clone())];
    over.extend(domains.into_iter().map(Held::Domain));
    over
}

/// Whatever a hold on would stop some of a rollout's work.
fn over_rollout(world: World<'_>, rollout: &Rollout) -> BTreeSet<Held> {
    let mut over: BTreeSet<Held> = [Held::Estate, Held::Rollout(rollout.spec.name.clone())].into();
    for server in rollout.spec.servers() {
        let hosts = world.policy.exchange.get(server).into_iter().flat_map(|exchange| &exchange.hosts);
        over.extend(hosts.flat_map(|host| over_install(world, &rollout.spec.name, server, host)));
    }
    over
}

/// The holds in force that stop a rollout's work on a host, by whom and since when.
#[must_use]
pub fn of_install<'a>(
    world: World<'a>,
    rollout: &RolloutName,
    server: &ExchangeServerName,
    host: &HostName,
) -> Vec<(Held, &'a Hold)> {
    in_force(world, over_install(world, rollout, server, host))
}

/// The holds in force that stop some of a rollout's work.
#[must_use]
pub fn of_rollout<'a>(world: World<'a>, rollout: &Rollout) -> Vec<(Held, &'a Hold)> {
    in_force(world, over_rollout(world, rollout))
}

/// Of a restart of GoodLink.
pub(super) fn over_restart(world: World<'_>, goodlink: &GoodLinkName, host: &HostName) -> Vec<Held> {
    let domains = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.domains);
    let mut over = vec![Held::Estate, Held::Host(host.clone())];
    over.extend(domains.into_iter().flatten().cloned().map(Held::Domain));
    over
}

/// Of a test send.
pub(super) fn over_test(
    world: World<'_>,
    rollout: &RolloutName,
    goodlink: &GoodLinkName,
    host: &HostName,
) -> Vec<Held> {
    let mut over = over_restart(world, goodlink, host);
    over.push(Held::Rollout(rollout.clone()));
    over
}

/// Whether anything of this name is configured. Holds go by names: what this one meant may be called otherwise by now, and
/// nobody can say how.
fn is_configured(world: World<'_>, held: &Held) -> bool {
    match held {
        Held::Host(host) => world.policy.hosts.contains_key(host),
        Held::Domain(domain) => world.policy.domains.contains_key(domain),
        Held::Estate | Held::Rollout(_) => true,
    }
}

/// What is to be said of a hold on what is not configured; none: it is.
pub(crate) fn not_configured(world: World<'_>, held: &Held) -> Option<&'static str> {
    (!is_configured(world, held)).then_some(NOT_CONFIGURED)
}

const NOT_CONFIGURED: &str =
    "none of that name is configured, so that it holds everything: hold it under its new name if it has one";

/// The same with how the hold is ended, by whomever.
pub(crate) fn end_of_not_configured(held: &Held, hold: &Hold) -> String {
    let of = hold.by.as_ref().map_or_else(|| SENDGATE.to_owned(), ToString::to_string);
    format!("{NOT_CONFIGURED}, then `sendgate release {held} --of {of} --reason WHY`")
}

/// On what all a hold stops that which a hold on any of these would: on these, and on what is not configured, for that may be
/// one of these. What is over of those counts for the time that they stood. This is the one place where that is decided.
fn stopping(world: World<'_>, over: impl IntoIterator<Item = Held>) -> BTreeSet<Held> {
    let not_configured = world.ledger.holds.ever().filter(|held| !is_configured(world, held)).cloned();
    over.into_iter().chain(not_configured).collect()
}

/// The holds in force on any of that.
fn in_force(world: World<'_>, over: impl IntoIterator<Item = Held>) -> Vec<(Held, &Hold)> {
    let over = stopping(world, over);
    over.into_iter().flat_map(|held| world.ledger.holds.all_on(&held).map(move |hold| (held.clone(), hold))).collect()
}

/// The holds in force that stop what these do; and, over everything, agents that another coordinator has led: this one cannot
/// know what people stopped there, nor what is under way. What they are is found out only where anything is in force at all.
pub(super) fn blocking(world: World<'_>, over: impl FnOnce() -> Vec<Held>) -> BTreeSet<Blocked> {
    if world.ledger.holds.in_force().is_empty() && world.estate.strangers.is_empty() {
        return BTreeSet::new();
    }
    let holds = in_force(world, over()).into_iter().map(|(held, hold)| match is_configured(world, &held) {
        true => Blocked::Held { held, hold: hold.clone() },
        false => Blocked::NotConfigured { held, hold: hold.clone() },
    });
    let stranger = |(agent, stranger): (&AgentName, &Stranger)| Blocked::Stranger {
        agent: agent.clone(),
        stranger: stranger.clone(),
    };
    holds.chain(world.estate.strangers.iter().map(stranger)).collect()
}

/// How long a deadline has been running since `since`; what may have held it is found out only where anything ever was.
pub(super) fn running(world: World<'_>, since: Steady, over: impl FnOnce() -> Vec<Held>) -> Duration {
    if world.ledger.holds.never() {
        return world.now.steady.since(since);
    }
    world.ledger.holds.running(since, world.now.steady, &stopping(world, over()))
}
