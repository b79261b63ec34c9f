//! Limits of disruption other than the estate's: by role, by domain, GoodLink hosts that stand in for one another, and how many
//! hosts of a wave go at once. Drawn apart from everything else, and counted here from what is declared, not from the policy's
//! own words about it.

use super::chance::Chance;
use super::estate::{DOMAINS, EXCHANGE, GOODLINK, name};
use super::terms::Terms;
use super::world::World;
use sendgate_core::ledger::{Effect, IntentState, Sequence};
use sendgate_core::policy::{Limits, Policy};
use std::num::NonZeroU32;
use std::time::Duration;

fn number(chance: &mut Chance, most: u64) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(u32::try_from(chance.below(most)).unwrap_or(0))
}

/// Draws a seed's limits: one seed in three has some, and then there is room for several hosts.
pub(super) fn draw(seed: u64, policy: &mut Policy, terms: &mut Terms) {
    let mut chance = Chance::new(seed ^ 0x0011_1117_5000_u64);
    if !chance.percent(33) {
        return;
    }
    let estate = number(&mut chance, 3).saturating_add(1);
    let exchange = chance.percent(50).then(|| number(&mut chance, 2));
    let goodlink = chance.percent(30).then(|| number(&mut chance, 2));
    let domain = chance.percent(40).then(|| number(&mut chance, 3));
    policy.disruption = Limits { estate, exchange, goodlink, domain };
    if chance.percent(50) {
        let (one, other) = if chance.percent(50) { ("gla", "glb") } else { ("glb", "gla") };
        if let Some(goodlink) = policy.goodlink.get_mut(&name(one)) {
            goodlink.stands_in.insert(name(other));
        }
    }
    terms.at_once = Some(number(&mut chance, 3).get());
}

fn is_exchange(host: &str) -> bool {
    EXCHANGE.iter().any(|(_, hosts)| hosts.contains(&host))
}

fn is_goodlink(host: &str) -> bool {
    GOODLINK.iter().any(|(goodlink, _)| *goodlink == host)
}

/// Whether a host serves users of a domain, as it is declared: `exa` and `gla` those of the first, everything else both.
fn serves(host: &str, domain: &str) -> bool {
    domain == DOMAINS[0] || host == "exb1" || host == "glb"
}

impl World {
    /// The limits that are passed where this host is disrupted beside these, which are disrupted as well, each with why.
    pub(super) fn over_limits(&self, host: &str, others: &[(&'static str, String)]) -> Vec<String> {
        let limits = &self.policy.disruption;
        let mut over = Vec::new();
        let mut count = |what: &str, limit: Option<NonZeroU32>, counts: &dyn Fn(&str) -> bool| {
            let Some(limit) = limit.filter(|_| counts(host)) else { return };
            let down: Vec<_> = others.iter().filter(|(other, _)| counts(other)).map(|(_, why)| why.as_str()).collect();
            if down.len() >= usize::try_from(limit.get()).unwrap_or(usize::MAX) {
                over.push(format!("{limit} {what} may be disrupted, and {}", down.join("; ")));
            }
        };
        count("hosts", Some(limits.estate), &|_| true);
        count("Exchange hosts", limits.exchange, &is_exchange);
        count("GoodLink hosts", limits.goodlink, &is_goodlink);
        for domain in DOMAINS {
            count(&format!("hosts of {domain}"), limits.domain, &|host| serves(host, domain));
        }
        // It is enough that one of them names the other.
        let stand_in = self.policy.goodlink.values().any(|goodlink| !goodlink.stands_in.is_empty());
        let one = Some(NonZeroU32::MIN).filter(|_| stand_in);
        count("of the hosts that stand in for one another", one, &is_goodlink);
        over
    }

    /// No more hosts of a wave are under way than its file says.
    pub(super) fn in_turn(&mut self, now: Duration, id: Sequence) {
        let at_once = self.agreed.terms.at_once.unwrap_or_else(|| self.policy.disruption.estate.get());
        let wave = |effect: &Effect| match effect {
            Effect::Install { server, .. } | Effect::Remove { server, .. } => {
                Some(self.agreed.terms.wave_of(server.as_str()))
            }
            _ => None,
        };
        let Some(effect) = self.ledger.intents.get(&id).map(|intent| intent.effect.clone()) else { return };
        let Some(ours) = wave(&effect) else { return };
        let others = self.ledger.open().filter(|(other, intent)| {
            let under_way = matches!(intent.state, IntentState::Permitted { .. });
            *other != id && under_way && wave(&intent.effect) == Some(ours)
        });
        let others: Vec<_> = others.map(|(id, intent)| format!("{} (intent {id})", intent.effect)).collect();
        if others.len() >= usize::try_from(at_once).unwrap_or(usize::MAX) {
            let others = others.join("; ");
            self.violated(
                now,
                format!("{effect} gets a permit, {at_once} of its wave may go at once, and under way: {others}"),
            );
        }
    }

    /// How many hosts of a wave can go at once.
    pub(super) fn at_once(&self) -> usize {
        let limits = &self.policy.disruption;
        let limits = [Some(limits.estate), limits.exchange, limits.domain];
        let least = limits.into_iter().flatten().map(NonZeroU32::get).chain(self.agreed.terms.at_once).min();
        least.and_then(|least| usize::try_from(least).ok()).unwrap_or(1)
    }
}
