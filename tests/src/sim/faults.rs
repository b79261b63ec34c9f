//! What goes wrong, and when: drawn from the seed before anything begins.

use super::Sim;
use super::ailing::Ailing;
use super::chance::Chance;
use super::directory::Change;
use super::estate::{DOMAINS, HOSTS, SERVERS, name};
use super::lives::{Fuse, Who};
use super::meddling::Meddling;
use super::world::{User, World};
use sendgate_core::guid::Guid;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Faults begin within this time; then everything is put right, and the rollout has to end.
pub(super) const FAULTS_FOR: Duration = Duration::from_secs(5 * 60 * 60);

/// The most faults in a seed.
const MOST: u64 = 16;

/// What a slow way takes: within a permit's time, and beyond it.
pub(super) const SLOW: Duration = Duration::from_secs(25);
pub(super) const CRAWLING: Duration = Duration::from_secs(45);

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// A process is killed, and is back later; its machine may be started anew.
    Kill { who: Who, down: Duration, reboot: bool },
    /// A process dies at one of its next writes.
    Fuse { who: Who, fuse: Fuse },
    /// A session breaks.
    Cut(&'static str),
    /// A session breaks, and its agent is back long before the coordinator hears of its end.
    Overlap(&'static str, Duration),
    /// An agent and the coordinator do not reach one another.
    Partition(&'static str, Duration),
    /// Messages take long, up to so long each.
    Slow(&'static str, Duration, Duration),
    /// Programs take long to start.
    Sluggish(&'static str, Duration),
    /// A directory server is away.
    Down(&'static str, Duration),
    /// Replication takes long.
    Lag(&'static str, Duration),
    /// The directory is not read for some time: everything hangs.
    Stall(&'static str, Duration),
    /// An administrator denies a user the right, for some time.
    Deny(usize, Duration),
    /// An administrator takes the right from the head of a domain.
    TakeAway(&'static str),
    /// An administrator blocks inheritance on a user.
    Block(usize),
    /// A user becomes a member of a protected group, for some time.
    Protect(usize, Duration),
    /// A mailbox moves.
    Move(usize),
    /// A user is new, with or without the right.
    Hire(u32),
    /// Somebody else changes a store.
    Drift(&'static str),
    /// Something happens between the next offer and its permit, which the offer's way keeps apart for so long.
    Meddle(Meddling, Duration),
    /// Something is not shown, or does not serve, for some time.
    Ail(Ailing, Duration),
    /// A user leaves his roster for good.
    Dismiss(usize),
    /// The account of a GoodLink server is deleted and made again: what its old SID was granted is worthless.
    Remake(&'static str),
    /// An administrator blocks what flows into a domain's organizational unit.
    BlockUnit(&'static str),
    /// One denies a GoodLink server's account the right there, for some time.
    DenyUnit(&'static str, &'static str, Duration),
    /// A cluster's store moves to another node, now or as soon as an act begins where it is, and rests on none for so long.
    MoveStore { rests: Duration, at_act: bool },
    /// An agent is away for some time as soon as the next act has begun.
    Leave(Duration),
}

/// Draws a seed's faults, in the order of their times.
pub(super) fn draw(chance: &mut Chance) -> Vec<(Duration, Fault)> {
    // One seed in ten goes well.
    let count = if chance.percent(10) { 0 } else { 1 + chance.below(MOST) };
    let mut faults: Vec<_> =
        (0..count).map(|number| (chance.between(MINUTE, FAULTS_FOR), one(chance, number))).collect();
    faults.sort_by_key(|(at, _)| *at);
    faults
}

fn one(chance: &mut Chance, number: u64) -> Fault {
    let host = chance.pick(&HOSTS).copied().unwrap_or("exa1");
    let server = chance.pick(&SERVERS).map_or("a1", |(server, _)| *server);
    let domain = chance.pick(&DOMAINS).copied().unwrap_or(DOMAINS[0]);
    let user = usize::try_from(chance.below(8)).unwrap_or(0);
    let who = if chance.percent(50) { Who::Coordinator } else { Who::Agent(host) };
    let brief = chance.between(Duration::from_secs(1), 3 * MINUTE);
    let long = chance.between(MINUTE, 45 * MINUTE);
    let number = u32::try_from(number).unwrap_or(0);
    match chance.below(32) {
        0 | 1 => Fault::Kill { who, down: brief, reboot: false },
        2 => Fault::Kill { who, down: long, reboot: chance.percent(50) },
        3..=7 => Fault::Fuse { who, fuse: Fuse { writes: chance.below(12), done: chance.percent(50) } },
        8 | 9 => Fault::Cut(host),
        10 | 11 => Fault::Partition(host, long),
        12 => Fault::Slow(host, long, if chance.percent(50) { SLOW } else { CRAWLING }),
        13 | 14 => Fault::Down(server, long),
        15 => Fault::Lag(domain, long),
        16 => Fault::Stall(domain, long),
        17 => Fault::Stall(domain, long * 4),
        18 => Fault::Deny(user, long * 2),
        19 => Fault::TakeAway(domain),
        20 => Fault::Block(user),
        21 => Fault::Protect(user, long * 2),
        22 => Fault::Move(user),
        23 => Fault::Hire(number),
        24 => Fault::Drift(host),
        25 => Fault::Overlap(host, brief),
        26 => Fault::Sluggish(host, long),
        _ => {
            let with = Meddling::draw(
                chance,
                [Fault::Deny(user, long * 2), Fault::TakeAway(domain), Fault::Down(server, long)],
            );
            Fault::Meddle(with, MINUTE + brief)
        }
    }
}

impl Sim {
    /// Faults of the network and of the world; those of processes are the stage's.
    pub(super) fn happen(&self, now: Duration, fault: &Fault) {
        self.world(|world| {
            world.faults += 1;
            world.tell(now, || format!("FAULT: {fault:?}"));
        });
        match fault {
            Fault::Kill { .. } | Fault::Fuse { .. } => {}
            Fault::Cut(host) => self.ways(|ways| {
                if let Some(way) = ways.get_mut(host) {
                    way.cut();
                }
            }),
            Fault::Partition(host, long) => self.ways(|ways| {
                if let Some(way) = ways.get_mut(host) {
                    way.closed = now + *long;
                    way.cut();
                }
            }),
            Fault::Slow(host, long, most) => self.ways(|ways| {
                if let Some(way) = ways.get_mut(host) {
                    way.slow = (now + *long, *most);
                }
            }),
            Fault::Overlap(host, late) => self.ways(|ways| {
                if let Some(way) = ways.get_mut(host) {
                    way.cut_unheard(*late);
                }
            }),
            fault => {
                let moved = self.chance(|chance| chance.percent(50));
                self.world(|world| world.suffer(now, fault, moved));
            }
        }
    }
}

impl World {
    pub(super) fn suffer(&mut self, now: Duration, fault: &Fault, coin: bool) {
        match fault {
            Fault::Down(server, long) => {
                let servers = self.domains.values_mut().flat_map(|domain| &mut domain.servers);
                servers.filter(|known| known.name == *server).for_each(|known| known.down = now + *long);
            }
            Fault::Lag(domain, long) => {
                if let Some(domain) = self.domains.get_mut(domain) {
                    domain.lag = *long;
                }
            }
            Fault::Stall(domain, long) => {
                if let Some(domain) = self.domains.get_mut(domain) {
                    domain.stalled = now + *long;
                }
            }
            Fault::Deny(user, long) => {
                self.relents.push((now + *long, fault.clone()));
                self.to(now, *user, |object, account| {
                    object.deny.insert(account.clone());
                });
            }
            Fault::Block(user) => self.to(now, *user, |object, account| {
                object.blocked = true;
                if coin {
                    object.allow.insert(account.clone());
                }
            }),
            Fault::Protect(user, long) => {
                self.relents.push((now + *long, fault.clone()));
                self.to(now, *user, |object, _| object.protected = true);
            }
            Fault::TakeAway(domain) => {
                for goodlink in ["gla", "glb"] {
                    let gone = Change::Head(self.account(goodlink), false);
                    if let Some(domain) = self.domains.get_mut(domain) {
                        domain.change(now, &gone);
                    }
                }
                self.cover(now);
            }
            Fault::Move(user) => {
                self.to(now, *user, |object, _| {
                    object.home = if object.home == "exa" { "exb".to_owned() } else { "exa".to_owned() };
                });
                if let Some(called) = self.called(*user)
                    && let Some(user) = self.users.get_mut(&called)
                {
                    user.moved = now;
                }
            }
            Fault::Hire(number) => self.hire(now, 20 + number, coin),
            Fault::Drift(host) => {
                if let Some(version) = self.hosts.get_mut(host).and_then(|host| host.version.as_mut()) {
                    *version = if coin { Self::target() } else { name("6.5.7638.2") };
                    self.drifted = true;
                }
                if let Some(host) = self.hosts.get_mut(host) {
                    host.versioned = now;
                }
            }
            Fault::Sluggish(host, long) => {
                if let Some(host) = self.hosts.get_mut(host) {
                    host.sluggish = now + *long;
                }
            }
            Fault::Meddle(meddling, long) => self.meddling = Some((meddling.clone(), *long)),
            Fault::Ail(ailing, long) => self.ails(now, *ailing, *long),
            Fault::MoveStore { rests, at_act } => self.moves_store(now, *rests, *at_act),
            Fault::Remake(goodlink) => self.remake(now, goodlink),
            Fault::BlockUnit(domain) => self.blocks_unit(now, domain, coin),
            Fault::DenyUnit(goodlink, domain, long) => {
                self.relents.push((now + *long, fault.clone()));
                self.denies_unit(now, domain, &self.account(goodlink), true);
            }
            Fault::Dismiss(user) => self.dismiss(now, *user),
            Fault::Leave(long) => self.absences.leaves_next(Some(*long)),
            // Of processes and of the network.
            Fault::Kill { .. }
            | Fault::Fuse { .. }
            | Fault::Cut(_)
            | Fault::Overlap(..)
            | Fault::Partition(..)
            | Fault::Slow(..) => {}
        }
    }

    pub(super) fn called(&self, number: usize) -> Option<String> {
        self.users.keys().nth(number % self.users.len().max(1)).cloned()
    }

    fn to(
        &mut self,
        now: Duration,
        user: usize,
        edit: impl FnOnce(&mut super::directory::Object, &sendgate_core::sid::Sid),
    ) {
        let Some(called) = self.called(user) else { return };
        let account = self.account(self.users[&called].goodlink);
        // A mailbox of glb's users is on exb only: that is declared.
        let fixed = self.users[&called].goodlink == "glb";
        self.administer(now, &called, |object| {
            let home = object.home.clone();
            edit(object, &account);
            if fixed {
                object.home = home;
            }
        });
    }

    /// A new user on a roster, and in every server's directory.
    pub(super) fn hire(&mut self, now: Duration, number: u32, right: bool) {
        let (goodlink, domain) = match number % 8 {
            0..4 => ("gla", DOMAINS[0]),
            4..7 => ("glb", DOMAINS[1]),
            _ => ("glb", DOMAINS[0]),
        };
        let called = format!("user{number}@{domain}");
        let home = if goodlink == "gla" && !number.is_multiple_of(3) { "exa" } else { "exb" };
        let in_unit = super::directory::is_in_unit(&called);
        let mut object = super::directory::Object { home: home.to_owned(), in_unit, ..Default::default() };
        if right {
            object.allow.insert(self.account(goodlink));
        }
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let guid = Guid::from_bytes(bytes);
        let user = User {
            domain,
            goodlink,
            guid,
            number,
            since: self.listed(now, goodlink, number),
            left: None,
            moved: now,
            uncovered: None,
            covered: None,
            lacking: false,
            landed: None,
            had: None,
            told: None,
            gone_for: Duration::ZERO,
        };
        self.users.insert(called.clone(), user);
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.change(now, &Change::Object(called, object));
        }
        self.cover(now);
    }

    /// AdminSDHolder's descriptor over everybody who is protected: once an hour.
    pub(super) fn propagate(&mut self, now: Duration) {
        let protected: Vec<String> = self.users.keys().cloned().collect();
        for called in protected {
            if self.object(&called, 0).is_some_and(|object| object.protected) {
                self.tell(now, || format!("AdminSDHolder resets {called}"));
                let holder = self.domains[self.users[&called].domain].servers[0].roots.holder.clone();
                self.administer(now, &called, |object| {
                    (object.blocked, object.allow) = (true, holder);
                    object.deny.clear();
                });
            }
        }
    }

    /// Administrators end what they began, when its time has come.
    pub(super) fn relent(&mut self, now: Duration) {
        while let Some(at) = self.relents.iter().position(|(at, _)| *at <= now) {
            let (_, fault) = self.relents.swap_remove(at);
            self.end(now, &fault);
        }
    }

    fn end(&mut self, now: Duration, fault: &Fault) {
        match fault {
            Fault::Deny(user, _) => self.to(now, *user, |object, _| object.deny.clear()),
            Fault::DenyUnit(goodlink, domain, _) => self.denies_unit(now, domain, &self.account(goodlink), false),
            Fault::Protect(user, _) => self.to(now, *user, |object, _| {
                (object.protected, object.blocked) = (false, false);
            }),
            _ => {}
        }
    }

    /// Everything is put right that the coordinator must not put right itself.
    pub(super) fn heal(&mut self, now: Duration) {
        self.tell(now, || "everything is put right".to_owned());
        self.domains.values_mut().for_each(super::directory::Domain::heal);
        self.hosts.values_mut().for_each(|host| host.sluggish = Duration::ZERO);
        self.meddling = None;
        self.absences.leaves_next(None);
        self.arrives_on_node(now, true);
        self.recover(now);
        self.relents.clear();
        self.relent_units(now);
        let everybody: Vec<String> = self.users.keys().cloned().collect();
        for called in everybody {
            self.administer(now, &called, |object| {
                object.deny.clear();
                if object.protected {
                    (object.protected, object.blocked) = (false, false);
                }
            });
        }
    }

    /// What a directory team does where grants are only advised.
    pub(super) fn grant_by_hand(&mut self, now: Duration) {
        self.tell(now, || "the directory team grants by hand".to_owned());
        for (goodlink, domain) in [("gla", DOMAINS[0]), ("glb", DOMAINS[0]), ("glb", DOMAINS[1])] {
            let account = self.account(goodlink);
            if let Some(domain) = self.domains.get_mut(domain) {
                domain.change(now, &Change::Head(account, true));
            }
        }
        self.grant_on_units(now);
        let blocked: Vec<String> = self.users.keys().cloned().collect();
        for called in blocked {
            let account = self.account(self.users[&called].goodlink);
            self.administer(now, &called, |object| {
                if object.blocked {
                    object.allow.insert(account);
                }
            });
        }
        self.cover(now);
    }
}
