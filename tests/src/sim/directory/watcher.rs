//! Reads a domain's directory servers, as a survey does, for one life of the coordinator.

use super::{Object, Place, Roots, dn, head, roots};
use crate::sim::Sim;
use crate::sim::estate::{DOMAINS, name};
use crate::sim::known::Shown;
use sendgate_coordinator::directory::survey::{Looks, Request, SteadyClock, Wanted};
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, GroupPath, Home, MailboxOwner, ServerFailure,
    ServerReading, UserClass, UserReading,
};
use sendgate_core::coverage::{self, Touched};
use sendgate_core::guid::Guid;
use sendgate_core::names::{AccountName, DirectoryName, Dn, ExchangeServerName};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a survey looks, and how often it says that there is nothing new.
const LOOK_EVERY: Duration = Duration::from_secs(60);
const SAY_EVERY: Duration = Duration::from_secs(120);

/// What a reading depends on: the domain's version, who is down and who hides what, what is wanted.
type Basis = (u64, Vec<bool>, Vec<BTreeMap<Place, bool>>, Arc<Wanted>);

pub(super) struct Watcher {
    sim: Arc<Sim>,
    domain: &'static str,
    wanted: watch::Receiver<Arc<Wanted>>,
    now: SteadyClock,
    /// When the last full reading began, on the coordinator's clock and in earnest.
    full: Option<(Steady, Duration)>,
    said: Duration,
    /// What was read last, what it depends on, and what it shows.
    last: Option<(Basis, DomainReading, Shown)>,
    parsed: BTreeMap<String, Arc<SecurityDescriptor>>,
    people: BTreeMap<DirectoryName, Person>,
    homes: BTreeMap<String, ExchangeServerName>,
    top: Dn,
    account: Dn,
    group: Arc<GroupPath>,
}

/// What never changes of a user.
#[derive(Clone)]
struct Person {
    dn: Dn,
    guid: Guid,
    sid: Sid,
}

impl Watcher {
    pub(super) fn new(
        sim: Arc<Sim>,
        domain: &'static str,
        wanted: watch::Receiver<Arc<Wanted>>,
        now: SteadyClock,
    ) -> Self {
        Self {
            sim,
            domain,
            wanted,
            now,
            full: None,
            said: Duration::ZERO,
            last: None,
            parsed: BTreeMap::new(),
            people: BTreeMap::new(),
            homes: BTreeMap::new(),
            top: Dn::from(head(domain)),
            account: dn("goodadmin", domain),
            group: Arc::new(GroupPath(vec![Dn::from(format!("CN=Domain Admins,{}", head(domain)))])),
        }
    }

    pub(super) async fn run(mut self, mut requests: tokio::sync::mpsc::Receiver<Request>, looks: Looks) {
        loop {
            let mut looker = None;
            tokio::select! {
                biased;
                request = requests.recv() => match request {
                    None => return,
                    Some(Request::Run(steps)) => looker = Some(steps),
                    Some(Request::Explain(_, reply)) => {
                        // Nobody explains anything here.
                        let _ = reply.send(Vec::new());
                        continue;
                    }
                },
                changed = self.wanted.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let wanted = self.wanted.borrow_and_update().clone();
            if wanted.asked.is_empty() && looker.is_none() {
                continue;
            }
            let (began, at) = ((self.now)(), self.sim.now());
            self.sim.world(|world| world.asks(at, wanted.asked.iter().map(DirectoryName::as_str)));
            let pause = self.sim.chance(|chance| chance.between(Duration::from_millis(20), Duration::from_secs(3)));
            tokio::time::sleep(pause).await;
            loop {
                let (now, stalled) = (self.sim.now(), self.sim.world(|world| world.domains[self.domain].stalled));
                if stalled <= now {
                    break;
                }
                // It may be put right earlier.
                tokio::time::sleep((stalled - now).min(LOOK_EVERY)).await;
            }
            if self.full.is_none() || looker.is_some() {
                self.full = Some((began, at));
            }
            let now = self.sim.now();
            let basis = self.basis(&wanted);
            let unchanged = self.last.as_ref().is_some_and(|(last, ..)| *last == basis);
            let same = unchanged && looker.is_none();
            if same && now.saturating_sub(self.said) < SAY_EVERY {
                continue;
            }
            self.said = now;
            let (look, mut shown) = match &mut self.last {
                // As in earnest: that nothing was touched is said now and then, and dates the evidence.
                Some((_, reading, shown)) if same => {
                    reading.servers.values_mut().flatten().for_each(|server| server.seen = began);
                    (coverage::look(reading, &wanted.setting, &Touched::Names(BTreeSet::new())), shown.clone())
                }
                // Everything is read again, and nothing is new: everybody is judged again by what is there already.
                Some((_, reading, shown)) if unchanged => {
                    let (full, begun) = self.full.unwrap_or((began, at));
                    reading.started = full;
                    reading.servers.values_mut().flatten().for_each(|server| server.seen = began);
                    shown.full = begun;
                    (coverage::look(reading, &wanted.setting, &Touched::All), shown.clone())
                }
                _ => {
                    let (reading, shown) = self.read(&wanted, began, at);
                    let look = coverage::look(&reading, &wanted.setting, &Touched::All);
                    self.last = Some((basis, reading, shown.clone()));
                    (look, shown)
                }
            };
            if !looks(look).await {
                return;
            }
            (shown.began, shown.handed) = (at, self.sim.now());
            self.sim.world(|world| {
                let known = |account: &AccountName| {
                    // One of another domain is known once that has been read.
                    let read = account.domain.as_str() == self.domain || wanted.known.contains_key(account);
                    read && wanted.accounts.contains(account)
                };
                let goodlinks = world.policy.goodlink.iter().filter(|(_, goodlink)| known(&goodlink.service_account));
                let judged = goodlinks.map(|(goodlink, _)| goodlink.to_string()).collect();
                world.look(self.domain, shown, &judged);
            });
        }
    }

    fn person(&mut self, called: &DirectoryName) -> Person {
        let (sim, domain) = (&self.sim, self.domain);
        let known = self.people.entry(called.clone()).or_insert_with_key(|called| {
            let (guid, number) = sim.world(|world| {
                world.users.get(called.as_str()).map_or((Guid::SEND_AS, 0), |user| (user.guid, user.number))
            });
            let (above, rid) = (if DOMAINS.first() == Some(&domain) { "1-2-3" } else { "4-5-6" }, 2000 + number);
            Person { dn: dn(called.as_str(), domain), guid, sid: name(&format!("S-1-5-21-{above}-{rid}")) }
        });
        known.clone()
    }

    /// The SID of the domain's account.
    fn sid(&self) -> Sid {
        let goodlink = if DOMAINS.first() == Some(&self.domain) { "gla" } else { "glb" };
        self.sim.world(|world| world.account(goodlink))
    }

    fn home(&mut self, home: &str) -> Home {
        if let Some(known) = self.homes.get(home) {
            return Home::Server(known.clone());
        }
        let known: ExchangeServerName = name(home);
        self.homes.insert(home.to_owned(), known.clone());
        Home::Server(known)
    }

    fn descriptor(&mut self, sddl: String) -> DescriptorReading {
        let parsed = self.parsed.entry(sddl).or_insert_with_key(|sddl| {
            Arc::new(SecurityDescriptor::from_sddl(sddl, None).expect("the simulation's descriptors are ones"))
        });
        DescriptorReading::Shown(Arc::clone(parsed))
    }

    fn basis(&self, wanted: &Arc<Wanted>) -> Basis {
        let now = self.sim.now();
        self.sim.world(|world| {
            world.replicate(now);
            let domain = &world.domains[self.domain];
            let servers = domain.servers.iter();
            let hidden = servers.clone().map(|server| server.hides(now)).collect();
            (domain.version, servers.map(|server| server.down > now).collect(), hidden, Arc::clone(wanted))
        })
    }

    fn read(&mut self, wanted: &Wanted, seen: Steady, at: Duration) -> (DomainReading, Shown) {
        let now = self.sim.now();
        let domain = self.domain;
        let (full, begun) = self.full.unwrap_or((seen, at));
        let (all, shown): (Vec<_>, _) = self.sim.world(|world| {
            let servers = world.domains[domain].servers.iter();
            let all = servers
                .map(|server| {
                    (server.name, server.down > now, server.roots.clone(), server.objects.clone(), server.hides(now))
                })
                .collect();
            // The SID of another domain's account is the one that was read there.
            let account = |goodlink: &str| {
                let of = &world.policy.goodlink[&name(goodlink)].service_account;
                let elsewhere = wanted.known.get(of).filter(|_| of.domain.as_str() != domain);
                elsewhere.map_or_else(|| world.account(goodlink), |known| known.sid.clone())
            };
            let asked = wanted.asked.iter().map(DirectoryName::as_str);
            (all, Shown::of(world, (domain, now, begun), asked, account))
        });
        let mut servers = BTreeMap::new();
        for (called, down, roots, objects, hidden) in all {
            let read = if down {
                Err(ServerFailure(format!("{called} does not answer")))
            } else {
                Ok(self.server(wanted, seen, (&roots, &objects), &hidden))
            };
            servers.insert(name(called), read);
        }
        let asked = wanted.asked.as_ref().clone();
        (DomainReading { domain: name(domain), started: full, asked, servers }, shown)
    }

    fn server(
        &mut self,
        wanted: &Wanted,
        seen: Steady,
        (on, objects): (&Roots, &BTreeMap<String, Object>),
        hidden: &BTreeMap<Place, bool>,
    ) -> ServerReading {
        let shown = |place: &Place, descriptor: DescriptorReading| match hidden.get(place) {
            None => descriptor,
            Some(false) => DescriptorReading::NotShown,
            Some(true) => DescriptorReading::Malformed("it ends before its owner begins".to_owned()),
        };
        let domain = self.domain;
        let accounts = wanted.accounts.iter().map(|account| {
            let reading = if account.domain.as_str() == domain {
                let (dn, sid) = (self.account.clone(), self.sid());
                let everywhere = [sid.clone()].into();
                Ok(AccountReading { dn, sid, everywhere, local: BTreeSet::new(), uncertain: BTreeSet::new() })
            } else {
                let known = wanted.known.get(account).ok_or("its own domain has not shown it yet".to_owned());
                known.map(|known| AccountReading {
                    dn: known.dn.clone(),
                    sid: known.sid.clone(),
                    everywhere: known.everywhere.clone(),
                    local: BTreeSet::new(),
                    uncertain: BTreeSet::new(),
                })
            };
            (account.clone(), reading)
        });
        let accounts: BTreeMap<_, Result<AccountReading, String>> = accounts.collect();
        let accounts_awaited =
            accounts.iter().filter(|(_, known)| known.is_err()).map(|(name, _)| name.clone()).collect();
        let mut users = BTreeMap::new();
        for asked in wanted.asked.iter() {
            let reading = match objects.get(asked.as_str()) {
                None => UserReading::NotFound,
                Some(object) => {
                    let Person { dn, guid, sid } = self.person(asked);
                    UserReading::Found(Arc::new(FoundUser {
                        dn,
                        guid,
                        sid,
                        class: UserClass::User,
                        descriptor: shown(&Place::User(asked.to_string()), self.descriptor(object.sddl(on))),
                        home: self.home(&object.home),
                        protected_by: object.protected.then(|| Arc::clone(&self.group)),
                        admin_count: object.protected,
                        owner: MailboxOwner::Itself,
                    }))
                }
            };
            users.insert(asked.clone(), reading);
        }
        let top = self.top.clone();
        ServerReading {
            seen,
            accounts,
            accounts_awaited,
            users,
            containers: [
                (top.clone(), shown(&Place::Head, self.descriptor(on.head_sddl()))),
                (roots::unit(domain), shown(&Place::Unit, self.descriptor(on.unit_sddl()))),
            ]
            .into(),
            head: top,
            admin_sd_holder: shown(&Place::Holder, self.descriptor(on.holder_sddl())),
            in_part: Touched::nobody(),
        }
    }
}
