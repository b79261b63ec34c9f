//! A cluster: its store runs on one node, on the others its service is stopped; it moves from one node to another, and rests on
//! none for a while. Drawn apart from everything else. What may be held against such a server is counted here from what its
//! nodes reported, and so is which of them was the passive one.

use super::chance::Chance;
use super::estate::{EXCHANGE, name};
use super::faults::{FAULTS_FOR, Fault};
use super::heard::HEEDED_WITHIN;
use super::world::{World, shown};
use sendgate_core::ledger::{Effect, IntentState, Outcome};
use sendgate_core::names::HostName;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Counted on two clocks, and written down a moment later.
const SLACK: Duration = Duration::from_secs(2);

/// The nodes of the one cluster.
const NODES: (&str, &str) = ("exa1", "exa2");

/// Where the store is, and what nodes said of it.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// The store is on no node until then, and then on this one.
    moving: Option<(Duration, &'static str)>,
    /// It moves as soon as an act begins on its node, and rests for so long.
    at_act: Option<Duration>,
    /// Since when each node's reports say that it serves.
    serves: BTreeMap<&'static str, Duration>,
    /// Since when they say that its service is stopped.
    stopped: BTreeMap<&'static str, Duration>,
    /// When a node's report last said that it serves.
    served: Option<Duration>,
}

/// Draws which node is passive, and when the store moves: in half of the seeds each node serves by itself, as it always was.
pub(super) fn draw(seed: u64) -> (Option<&'static str>, Vec<(Duration, Fault)>) {
    let mut chance = Chance::new(seed ^ 0x0c15_7e40_0000_u64);
    if !chance.percent(50) {
        return (None, Vec::new());
    }
    let passive = if chance.percent(50) { NODES.0 } else { NODES.1 };
    let moves = (0..chance.below(4)).map(|_| {
        let rests = chance.between(Duration::from_secs(20), 12 * MINUTE);
        // Sometimes for longer than an act may take.
        let rests = if chance.percent(10) { rests * 10 } else { rests };
        let at = chance.between(MINUTE, FAULTS_FOR);
        (at, Fault::MoveStore { rests, at_act: chance.percent(50) })
    });
    (Some(passive), moves.collect())
}

fn nodes(server: &str) -> &'static [&'static str] {
    EXCHANGE.iter().find(|(known, _)| *known == server).map_or(&[], |(_, hosts)| hosts)
}

impl World {
    /// One node does not serve, since another does.
    pub(super) fn is_cluster(&mut self, passive: Option<&str>) {
        if let Some(host) = passive.and_then(|passive| self.hosts.get_mut(passive)) {
            host.passive = true;
        }
    }

    /// The store is to be moved, now or when an act begins where it is.
    pub(super) fn moves_store(&mut self, now: Duration, rests: Duration, at_act: bool) {
        if at_act {
            self.cluster.at_act = Some(rests);
            return;
        }
        let active = [NODES.0, NODES.1].into_iter().find(|node| !self.hosts[node].passive);
        if let Some(active) = active {
            self.leaves_node(now, active, rests);
        }
    }

    fn leaves_node(&mut self, now: Duration, active: &'static str, rests: Duration) {
        let to = if active == NODES.0 { NODES.1 } else { NODES.0 };
        self.tell(now, || format!("the store leaves {active}, and is on {to} after {rests:?}"));
        self.waves.is_troubled();
        self.cluster.moving = Some((now + rests, to));
        if let Some(host) = self.hosts.get_mut(active) {
            host.passive = true;
        }
    }

    /// An act has begun on a host.
    pub(super) fn moves_at_act(&mut self, now: Duration, host: &'static str) {
        let here = nodes("exa").contains(&host) && !self.hosts[host].passive;
        if let Some(rests) = self.cluster.at_act.take_if(|_| here && self.cluster.moving.is_none()) {
            self.leaves_node(now, host, rests);
        }
    }

    /// The store has come to where it is to be.
    pub(super) fn arrives_on_node(&mut self, now: Duration, at_once: bool) {
        if at_once {
            self.cluster.at_act = None;
        }
        if let Some((_, to)) = self.cluster.moving.take_if(|(until, _)| at_once || *until <= now) {
            self.tell(now, || format!("the store is on {to}"));
            if let Some(host) = self.hosts.get_mut(to) {
                host.passive = false;
            }
        }
    }

    /// What a node's report says of its store.
    pub(super) fn hears_node(&mut self, now: Duration, host: &'static str, serves: bool, stopped: bool) {
        if !nodes("exa").contains(&host) {
            return;
        }
        for (says, since) in [(serves, &mut self.cluster.serves), (stopped, &mut self.cluster.stopped)] {
            if says {
                since.entry(host).or_insert(now);
            } else {
                since.remove(host);
            }
        }
        if serves {
            self.cluster.served = Some(now);
        }
    }

    /// A coordinator that begins knows nothing of nodes.
    pub(super) fn forgets_nodes(&mut self, now: Duration) {
        self.cluster.serves.clear();
        self.cluster.stopped.clear();
        self.cluster.served = Some(now);
    }

    /// The passive node goes first, so that the store can be moved to one that has the hotfix.
    pub(super) fn passive_first(&mut self, now: Duration, effect: &Effect, what: &str) {
        let Effect::Install { server, host, .. } = effect else { return };
        let long = |since: Option<&Duration>| since.is_some_and(|since| now.saturating_sub(*since) > HEEDED_WITHIN);
        if !long(self.cluster.serves.get(host.as_str())) {
            return;
        }
        let first = |node: &&&str| {
            let here: HostName = name(node);
            let fresh = self.heard_at(node).is_some_and(|at| now.saturating_sub(at) < 15 * MINUTE);
            let passive = long(self.cluster.stopped.get(**node)) && fresh;
            let lacks = self.told_version(node).is_some_and(|version| version != Self::target().to_string());
            let tried = self.ledger.intents.values().any(|intent| {
                let of = matches!(&intent.effect, Effect::Install { host: on, .. } if *on == here);
                of && !matches!(
                    &intent.state,
                    IntentState::Filed
                        | IntentState::Ended { outcome: Outcome::Withdrawn { .. } | Outcome::NotStarted { .. }, .. }
                )
            });
            let failed = self.waves.failed().any(|(failed, _)| failed == **node);
            passive && lacks && !tried && !failed && !self.watched.had(node) && !self.waves.is_left_out(&here)
        };
        let first = nodes(server.as_str()).iter().filter(|node| **node != host.as_str()).find(first);
        if let Some(node) = first {
            let since = self.cluster.serves.get(host.as_str()).map(|since| shown(*since)).unwrap_or_default();
            self.violated(
                now,
                format!("{effect} {what}, which serves since {since}, and {node} is passive and has no hotfix"),
            );
        }
    }

    /// Whether a store of this server may be called down. A cluster has one: it is down where no node has served for longer
    /// than an act may take, or one does not serve so long after its install has ended.
    pub(super) fn may_be_called_down(&self, now: Duration, server: &str) -> usize {
        let hosts = nodes(server);
        if hosts.len() < 2 {
            return hosts.iter().filter(|host| self.may_be_down(host)).count();
        }
        let long = |since: Duration| now.saturating_sub(since) + SLACK >= self.policy.act_deadline;
        let rests = self.cluster.served.is_none_or(long);
        let ended = |host: &str| {
            let intents = self.ledger.intents.iter().filter(
                |(_, intent)| matches!(&intent.effect, Effect::Install { host: on, .. } if on.as_str() == host),
            );
            intents.filter_map(|(id, _)| self.outcomes.get(id)).max().is_some_and(|at| long(*at))
        };
        usize::from(hosts.iter().any(|host| self.may_be_down(host) && (rests || ended(host))))
    }
}
