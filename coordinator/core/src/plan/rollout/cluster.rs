//! The store of a host that has shown the hotfix. A cluster's runs on one node at a time, and on none for a moment: while it
//! is moved to another node, or an act of ours is under way on the one that it runs on. That is waited for, not called down.

use super::About;
use super::phase::{is_led_by_nobody, led_since, not_serving, over};
use crate::ledger::{Effect, IntentState, Sequence};
use crate::names::HostName;
use crate::plan::{Blocked, disruption, hold};
use crate::time::{Readable, Steady};

/// How it stands.
pub(super) enum Store {
    /// It serves, need not, or says nothing of it, which is a reason elsewhere.
    Fine,
    /// It does not serve yet: the wave is not over meanwhile.
    Awaited(Blocked),
    /// It is down.
    Down(String),
}

/// How the host's store stands.
pub(super) fn store(about: &About<'_>) -> Store {
    let (world, host, server) = (about.world, about.host, about.server);
    let Some(exchange) = about.report().and_then(|host| host.exchange.as_ref()) else { return Store::Fine };
    let Some(why) = not_serving(about, exchange) else { return Store::Fine };
    let nodes = world.policy.exchange.get(server).map_or(&[][..], |server| &server.hosts);
    if nodes.len() < 2 {
        return Store::Down(why);
    }
    let awaited = |why| Store::Awaited(Blocked::Host { host: host.clone(), why });
    // Its users are served; that it neither serves nor rests is for a person to see to.
    if disruption::served_elsewhere(world, host) {
        return awaited(why);
    }
    // Whether the store runs there, its agent may not say.
    if let Some(unheard) = not_to_be_heard(about) {
        return awaited(format!("{why}, and {unheard}"));
    }
    let ended = match last_act(about, nodes) {
        Act::UnderWay(intent) => return awaited(format!("{why} while intent {intent} is under way on {server}")),
        Act::Ended(ended) => ended,
    };
    let served = nodes.iter().filter_map(|node| world.estate.served.get(node).copied()).max();
    // What was reported before the coordinator started, or before a takeover, is not known any more; nor was it while an
    // agent was refused.
    let anew = led_since(world);
    let known = [world.ledger.started, anew, about.rollout.verified.get(host).copied(), served, ended];
    let Some(since) = known.into_iter().flatten().max() else { return Store::Down(why) };
    let over = || nodes.iter().flat_map(|node| over(world, about.rollout, &About { host: node, ..*about })).collect();
    let (limit, passed) = (world.policy.act_deadline, hold::running(world, since, over));
    if passed > limit {
        return Store::Down(format!("{why}; after {} no node of {server} is known to serve", Readable(limit)));
    }
    let what = format!("host {host}: {why}, and no node of {server} is known to serve");
    Store::Awaited(Blocked::Wait { what, remaining: limit.saturating_sub(passed) })
}

/// Why nobody knows whether the store runs on another node: that one's agent came and was refused.
pub(super) fn not_to_be_heard(about: &About<'_>) -> Option<String> {
    let nodes = about.world.policy.exchange.get(about.server).map_or(&[][..], |server| &server.hosts);
    let node = nodes.iter().find(|node| is_led_by_nobody(about.world, node))?;
    Some(format!("whether the store runs on {node} is not known: its agent is not led by this coordinator"))
}

/// What was done last on the nodes of a cluster.
enum Act {
    /// One is under way.
    UnderWay(Sequence),
    /// When the last one ended; none: nothing was done.
    Ended(Option<Steady>),
}

fn last_act(about: &About<'_>, nodes: &[HostName]) -> Act {
    let here = |effect: &Effect| match effect {
        Effect::Install { host, .. } | Effect::Remove { host, .. } => nodes.contains(host),
        _ => false,
    };
    let began = |(id, state): &(Sequence, &IntentState)| Some(*id) != about.except && state.began();
    let intents = about.world.ledger.intents.iter();
    let acts = intents.filter(|(_, intent)| here(&intent.effect)).map(|(id, intent)| (*id, &intent.state));
    let mut last = None;
    for (id, state) in acts.filter(began) {
        match state {
            IntentState::Ended { at, .. } => last = last.max(Some(*at)),
            _ => return Act::UnderWay(id),
        }
    }
    Act::Ended(last)
}
