//! What there is before anything begins.

use super::chance::Chance;
use super::directory::Change;
use super::estate::{DOMAINS, EXCHANGE};
use super::faults::FAULTS_FOR;
use super::world::World;
use std::time::Duration;

/// Users, rights and versions at the start.
pub(super) fn populate(world: &mut World, chance: &mut Chance) {
    for number in 0..8 {
        world.hire(Duration::ZERO, number, chance.percent(15));
    }
    for (goodlink, domain) in [("gla", DOMAINS[0]), ("glb", DOMAINS[0]), ("glb", DOMAINS[1])] {
        let account = world.account(goodlink);
        if chance.percent(40)
            && let Some(domain) = world.domains.get_mut(domain)
        {
            domain.change(Duration::ZERO, &Change::Head(account, true));
        }
    }
    let everybody: Vec<String> = world.users.keys().cloned().collect();
    for called in everybody {
        if chance.percent(10) {
            world.administer(Duration::ZERO, &called, |object| object.blocked = true);
        }
    }
    // Before anything begins, replication is through.
    world.replicate(FAULTS_FOR);
    for host in EXCHANGE.iter().flat_map(|(_, hosts)| *hosts) {
        let version = if chance.percent(7) { World::target() } else { World::before() };
        if let Some(host) = world.hosts.get_mut(host) {
            host.version = Some(version);
        }
    }
    // Who is without the right at the start was so before; nobody saw it land.
    for user in world.users.values_mut() {
        (user.lacking, user.landed, user.covered) = (false, None, user.covered.map(|_| Duration::ZERO));
        user.uncovered = if user.covered.is_some() { None } else { Some(Duration::ZERO) };
    }
}
