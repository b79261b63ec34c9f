//! Simulated directory servers: grants are written on one server of a domain and reach the others later.
//!
//! [`watcher`] is what a coordinator reads of them, [`writer`] what it writes.

mod roots;
mod watcher;
mod writer;

pub(super) use roots::{Roots, Unit, is_in_unit};

use super::Sim;
use super::estate::{DOMAINS, SERVERS};
use super::lives::Life;
use super::world::{User, World};
use sendgate_coordinator::directory::reach::{Directory, EntryWriter};
use sendgate_coordinator::directory::survey::{Looks, SteadyClock, Survey, Wanted};
use sendgate_core::names::{DirectoryServerName, Dn, DomainName};
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use watcher::Watcher;
use writer::Writer;

const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";

/// A domain.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) servers: Vec<Server>,
    /// How long a change takes to the other servers.
    pub(super) lag: Duration,
    /// Until then nothing is looked at: the network to the domain hangs.
    pub(super) stalled: Duration,
    /// When somebody other than the coordinator changed something last.
    pub(super) meddled: Duration,
    /// Counts what has changed on any server.
    version: u64,
}

/// A directory server. The first one of a domain takes the writes.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: &'static str,
    /// Down until then.
    pub(super) down: Duration,
    pub(super) roots: Roots,
    pub(super) objects: BTreeMap<String, Object>,
    /// Descriptors that it does not show: until when, and whether it shows what is none in their place.
    pub(super) hidden: BTreeMap<Place, (Duration, bool)>,
    /// What is on its way to it.
    coming: VecDeque<(Duration, Change)>,
}

/// What has a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    User(String),
    Head,
    Unit,
    Holder,
}

/// A user's object on one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) allow: BTreeSet<Sid>,
    pub(super) deny: BTreeSet<Sid>,
    pub(super) blocked: bool,
    pub(super) protected: bool,
    pub(super) home: String,
    /// It is in the organizational unit.
    pub(super) in_unit: bool,
}

impl Object {
    pub(super) fn allows(&self, account: &Sid, roots: &Roots) -> bool {
        let above = || !self.blocked && roots.allow(account, self.in_unit);
        !self.deny.contains(account) && (self.allow.contains(account) || above())
    }

    /// Whether an entry denies the account, and nothing before it allows it.
    pub(super) fn is_denied(&self, account: &Sid, roots: &Roots) -> bool {
        let above = !self.blocked && self.in_unit && roots.unit.deny.contains(account);
        self.deny.contains(account) || above && !self.allow.contains(account)
    }

    fn sddl(&self, roots: &Roots) -> String {
        let mut text = String::from(if self.blocked { "D:PAI" } else { "D:AI" });
        self.deny.iter().for_each(|sid| text.push_str(&format!("(OD;;CR;{SEND_AS};;{sid})")));
        self.allow.iter().for_each(|sid| text.push_str(&format!("(OA;;CR;{SEND_AS};;{sid})")));
        if !self.blocked {
            text.push_str(&roots.inherited(self.in_unit));
        }
        text
    }
}

/// One change of a domain, as it replicates.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Head(Sid, bool),
    Unit(Unit),
    Holder(Sid, bool),
    Object(String, Object),
}

impl Domain {
    pub(super) fn new(at: &str) -> Self {
        let servers = SERVERS.iter().filter(|(_, domain)| *domain == at).map(|(name, _)| Server {
            name,
            down: Duration::ZERO,
            roots: Roots::default(),
            objects: BTreeMap::new(),
            hidden: BTreeMap::new(),
            coming: VecDeque::new(),
        });
        Self {
            servers: servers.collect(),
            lag: Duration::from_secs(5),
            stalled: Duration::ZERO,
            meddled: Duration::ZERO,
            version: 0,
        }
    }

    /// Somebody changes something.
    pub(super) fn change(&mut self, now: Duration, change: &Change) {
        self.meddled = now;
        self.write(now, change);
    }

    /// Somebody changes something that every server shows at once.
    pub(super) fn touched(&mut self, now: Duration) {
        self.meddled = now;
        self.version += 1;
    }

    /// Changes the first server at once, and the others as replication gets there.
    fn write(&mut self, now: Duration, change: &Change) {
        let lag = self.lag;
        self.version += 1;
        for (at, server) in self.servers.iter_mut().enumerate() {
            if at == 0 {
                server.take(change.clone());
            } else {
                server.coming.push_back((now + lag, change.clone()));
            }
        }
    }

    /// What has arrived.
    fn replicate(&mut self, now: Duration) -> bool {
        let up = self.servers.first().is_some_and(|first| first.down <= now);
        let mut changed = false;
        for server in self.servers.iter_mut().filter(|server| up && server.down <= now) {
            while let Some((_, change)) = server.coming.pop_front_if(|(at, _)| *at <= now) {
                server.take(change);
                changed = true;
            }
        }
        self.version += u64::from(changed);
        changed
    }

    /// Whether nothing is on its way to a server.
    pub(super) fn is_through(&self) -> bool {
        self.servers.iter().all(|server| server.coming.is_empty())
    }

    pub(super) fn heal(&mut self) {
        (self.stalled, self.lag) = (Duration::ZERO, Duration::from_secs(5));
        self.servers.iter_mut().for_each(|server| server.down = Duration::ZERO);
    }
}

impl Server {
    /// What it does not show now, and whether it shows what is none in its place.
    fn hides(&self, now: Duration) -> BTreeMap<Place, bool> {
        let hidden = self.hidden.iter().filter(|(_, (until, _))| *until > now);
        hidden.map(|(place, (_, garbled))| (place.clone(), *garbled)).collect()
    }

    pub(super) fn shows(&self, now: Duration, place: &Place) -> bool {
        self.hidden.get(place).is_none_or(|(until, _)| *until <= now)
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Head(sid, true) => drop(self.roots.head.insert(sid)),
            Change::Head(sid, false) => drop(self.roots.head.remove(&sid)),
            Change::Holder(sid, true) => drop(self.roots.holder.insert(sid)),
            Change::Holder(sid, false) => drop(self.roots.holder.remove(&sid)),
            Change::Unit(unit) => self.roots.unit = unit,
            Change::Object(called, object) => drop(self.objects.insert(called, object)),
        }
    }
}

impl World {
    pub(super) fn replicate(&mut self, now: Duration) {
        let mut changed = false;
        for domain in self.domains.values_mut() {
            changed |= domain.replicate(now);
        }
        if changed {
            self.cover(now);
        }
    }

    /// Whether the server that is written on has an entry for this account itself at this place.
    pub(super) fn carries(&self, domain: &DomainName, place: &Dn, account: &Sid) -> Option<bool> {
        let server = self.domains.get(domain.as_str()).and_then(|of| of.servers.first())?;
        Some(match self.at(domain, place)? {
            Place::Head => server.roots.head.contains(account),
            Place::Unit => server.roots.unit.allow.contains(account),
            Place::Holder => server.roots.holder.contains(account),
            Place::User(called) => server.objects.get(&called)?.allow.contains(account),
        })
    }

    /// What a place is.
    pub(super) fn at(&self, domain: &DomainName, place: &Dn) -> Option<Place> {
        let is = |dn: &str| dn.eq_ignore_ascii_case(place.as_str());
        let roots = [
            (head(domain.as_str()), Place::Head),
            (roots::unit(domain.as_str()).as_str().to_owned(), Place::Unit),
            (roots::holder(domain.as_str()).as_str().to_owned(), Place::Holder),
        ];
        if let Some((_, root)) = roots.into_iter().find(|(dn, _)| is(dn)) {
            return Some(root);
        }
        let here =
            |(called, user): &(&String, &User)| user.domain == domain.as_str() && is(dn(called, user.domain).as_str());
        self.users.iter().find(here).map(|(called, _)| Place::User(called.clone()))
    }

    /// An administrator changes a user's object.
    pub(super) fn administer(&mut self, now: Duration, called: &str, edit: impl FnOnce(&mut Object)) {
        let Some(mut object) = self.object(called, 0).cloned() else { return };
        edit(&mut object);
        let domain = self.users[called].domain;
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.change(now, &Change::Object(called.to_owned(), object));
        }
        self.cover(now);
    }
}

fn dn(called: &str, domain: &str) -> Dn {
    let above = if roots::is_in_unit(called) { roots::unit(domain).as_str().to_owned() } else { head(domain) };
    Dn::from(format!("CN={},{above}", called.split('@').next().unwrap_or(called)))
}

fn head(domain: &str) -> String {
    let parts: Vec<String> = domain.split('.').map(|part| format!("DC={part}")).collect();
    parts.join(",")
}

/// The directory, as one life of the coordinator sees it.
pub(super) struct SimDirectory {
    pub(super) sim: Arc<Sim>,
    pub(super) life: Arc<Life>,
}

impl Directory for SimDirectory {
    fn watch(
        &self,
        domain: &DomainName,
        wanted: watch::Receiver<Arc<Wanted>>,
        looks: Looks,
        now: SteadyClock,
    ) -> Survey {
        let (survey, requests) = Survey::served(domain.clone(), wanted.clone(), Arc::clone(&now));
        let at = DOMAINS.iter().find(|at| **at == domain.as_str()).copied().unwrap_or_default();
        let watcher = Watcher::new(Arc::clone(&self.sim), at, wanted, now);
        tokio::spawn(watcher.run(requests, looks));
        survey
    }

    fn writer(&self, domain: &DomainName, server: &DirectoryServerName) -> Option<Arc<dyn EntryWriter>> {
        let known = SERVERS.iter().find(|(name, of)| *name == server.as_str() && *of == domain.as_str())?;
        Some(Arc::new(Writer::new(Arc::clone(&self.sim), Arc::clone(&self.life), known.1)))
    }
}
