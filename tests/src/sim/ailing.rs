//! What is not shown for a while, or shown wrongly, and stores that do not serve though nobody works on them: descriptors,
//! rosters, services, paused users, stores and their versions. Drawn apart from everything else, so that a seed without any
//! goes as it always did.

use super::chance::Chance;
use super::directory::Place;
use super::estate::{EXCHANGE, GOODLINK, HOSTS, SERVERS};
use super::faults::{FAULTS_FOR, Fault};
use super::meddling::Meddling;
use super::world::World;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// What ails a host for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ail {
    /// Its roster cannot be read.
    RosterUnread,
    /// Every other user is missing on its roster.
    RosterHalved,
    /// Nobody is on its roster.
    RosterEmpty,
    /// Its service cannot be asked.
    ServiceUnasked,
    /// GoodLink's service logs on with another account than is declared.
    OtherAccount,
    /// Whom GoodLink has paused cannot be read.
    PausesUnread,
    /// The store is not mounted.
    Unmounted,
    /// Whether it is mounted cannot be asked.
    MountUnasked,
    /// The store's service is stopped.
    Stopped,
    /// The version of store.exe cannot be read.
    VersionUnread,
}

/// What a directory server does not show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hidden {
    User(usize),
    Everybody,
    Head,
    Holder,
}

/// Something that ails, or is not shown, until it passes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ailing {
    /// A server does not show a descriptor, or shows what is none.
    Descriptor {
        server: &'static str,
        what: Hidden,
        garbled: bool,
    },
    Host(&'static str, Ail),
    /// As soon as the next install there has ended.
    AfterInstall(&'static str, Ail),
}

/// Draws what ails in a seed: each of four kinds in one of three.
pub(super) fn draw(seed: u64) -> Vec<(Duration, Fault)> {
    let mut chance = Chance::new(seed ^ 0x0a11_0000_0000_0a11);
    let mut drawn = Vec::new();
    for kind in 0..4 {
        if !chance.percent(33) {
            continue;
        }
        for _ in 0..=chance.below(3) {
            let ailing = one(&mut chance, kind);
            let long = chance.between(MINUTE, 45 * MINUTE);
            let long = if chance.percent(20) { long * 3 } else { long };
            let fault = Fault::Ail(ailing, long);
            // Some come between an offer and its permit.
            let meddles = chance.percent(30);
            let apart = chance.between(MINUTE, 4 * MINUTE);
            let at = chance.between(MINUTE, FAULTS_FOR * 3 / 5);
            drawn.push((at, if meddles { Fault::Meddle(Meddling::Fault(Box::new(fault)), apart) } else { fault }));
        }
    }
    drawn
}

fn one(chance: &mut Chance, kind: u64) -> Ailing {
    let server = chance.pick(&SERVERS).map_or("a1", |(server, _)| *server);
    let goodlink = chance.pick(&GOODLINK).map_or("gla", |(goodlink, _)| *goodlink);
    let exchange: Vec<&'static str> = EXCHANGE.iter().flat_map(|(_, hosts)| hosts.iter().copied()).collect();
    let exchange = chance.pick(&exchange).copied().unwrap_or("exa1");
    let (pick, coin) = (chance.below(8), chance.percent(50));
    let user = usize::try_from(chance.below(8)).unwrap_or(0);
    match kind {
        0 => {
            let what = match pick {
                0..4 => Hidden::User(user),
                4 => Hidden::Everybody,
                5 | 6 => Hidden::Head,
                _ => Hidden::Holder,
            };
            Ailing::Descriptor { server, what, garbled: coin }
        }
        1 => {
            let ail = match pick {
                0..3 => Ail::RosterUnread,
                3..6 => Ail::RosterHalved,
                _ => Ail::RosterEmpty,
            };
            Ailing::Host(goodlink, ail)
        }
        2 => match pick {
            0..2 => Ailing::Host(goodlink, Ail::ServiceUnasked),
            2..5 => Ailing::Host(goodlink, Ail::OtherAccount),
            _ => Ailing::Host(goodlink, Ail::PausesUnread),
        },
        _ => {
            let ail = match pick {
                0 | 1 => Ail::Unmounted,
                2 => Ail::MountUnasked,
                3 | 4 => Ail::Stopped,
                5 => Ail::ServiceUnasked,
                _ => Ail::VersionUnread,
            };
            if coin { Ailing::AfterInstall(exchange, ail) } else { Ailing::Host(exchange, ail) }
        }
    }
}

/// Who is missing on a roster that is halved.
pub(super) fn drops(number: u32) -> bool {
    number.is_multiple_of(2)
}

impl World {
    /// Something ails from now on, for so long.
    pub(super) fn ails(&mut self, now: Duration, ailing: Ailing, long: Duration) {
        let until = now + long;
        match ailing {
            Ailing::Descriptor { server, what, garbled } => {
                let places: Vec<Place> = match what {
                    Hidden::Head => vec![Place::Head],
                    Hidden::Holder => vec![Place::Holder],
                    Hidden::Everybody => self.users.keys().cloned().map(Place::User).collect(),
                    Hidden::User(user) => {
                        let of = SERVERS.iter().find(|(known, _)| *known == server).map_or("", |(_, of)| *of);
                        let users: Vec<_> = self.users.iter().filter(|(_, user)| user.domain == of).collect();
                        let called = user.checked_rem(users.len()).map(|at| users[at].0.clone());
                        called.map(Place::User).into_iter().collect()
                    }
                };
                let servers = self.domains.values_mut().flat_map(|domain| &mut domain.servers);
                for known in servers.filter(|known| known.name == server) {
                    known.hidden.extend(places.iter().map(|place| (place.clone(), (until, garbled))));
                }
            }
            Ailing::AfterInstall(host, ail) => {
                if let Some(host) = self.hosts.get_mut(host) {
                    host.relapse = Some((ail, long));
                }
            }
            Ailing::Host(host, ail) => {
                if ail == Ail::RosterHalved {
                    for user in self.users.values_mut().filter(|user| user.goodlink == host && drops(user.number)) {
                        // Who is on it again is new.
                        user.since = user.since.max(until);
                    }
                }
                if let Some(known) = self.hosts.get_mut(host) {
                    known.ails.insert(ail, until);
                }
                if EXCHANGE.iter().any(|(_, hosts)| hosts.contains(&host)) {
                    self.waves.is_troubled();
                }
            }
        }
    }

    /// An install has ended on a host.
    pub(super) fn relapses(&mut self, now: Duration, host: &'static str) {
        let relapse = self.hosts.get_mut(host).and_then(|host| host.relapse.take());
        if let Some((ail, long)) = relapse {
            self.tell(now, || format!("{host}: {ail:?} after its install"));
            self.ails(now, Ailing::Host(host, ail), long);
        }
    }

    /// When somebody who is hired now is on his roster.
    pub(super) fn listed(&self, now: Duration, goodlink: &str, number: u32) -> Duration {
        let halved = self.hosts.get(goodlink).and_then(|host| host.ails.get(&Ail::RosterHalved));
        halved.filter(|_| drops(number)).map_or(now, |until| now.max(*until))
    }

    /// Nothing ails any more.
    pub(super) fn recover(&mut self, now: Duration) {
        self.domains.values_mut().flat_map(|domain| &mut domain.servers).for_each(|server| server.hidden.clear());
        for host in HOSTS {
            if let Some(host) = self.hosts.get_mut(host) {
                host.ails.clear();
                host.relapse = None;
            }
        }
        self.users.values_mut().for_each(|user| user.since = user.since.min(now));
    }
}
