//! Simulated directory servers: grants are written on one server of a domain and reach the others later.

use super::Sim;
use super::estate::{DOMAINS, SERVERS, name};
use super::lives::Life;
use super::world::World;
use sendgate_coordinator::directory::grant::{Alone, DescriptorDigest, Established, GrantDone, GrantError};
use sendgate_coordinator::directory::reach::{Directory, Ending, EntryWriter};
use sendgate_coordinator::directory::survey::{Looks, Request, SteadyClock, Survey, Wanted};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, GroupPath, Home, MailboxOwner, ServerFailure,
    ServerReading, UserClass, UserReading,
};
use sendgate_core::coverage::{self, Touched};
use sendgate_core::guid::Guid;
use sendgate_core::names::{DirectoryServerName, Dn, DomainName};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::{self, GrantForm};
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a survey looks, and how often it says that there is nothing new.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const SAY_EVERY: Duration = Duration::from_secs(120);

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
    /// Counts what has changed on any server.
    version: u64,
}

/// A directory server. The first one of a domain takes the writes.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: &'static str,
    /// Down until then.
    pub(super) down: Duration,
    pub(super) head: BTreeSet<Sid>,
    pub(super) objects: BTreeMap<String, Object>,
    /// What is on its way to it.
    coming: VecDeque<(Duration, Change)>,
}

/// A user's object on one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) allow: BTreeSet<Sid>,
    pub(super) deny: BTreeSet<Sid>,
    pub(super) blocked: bool,
    pub(super) protected: bool,
    pub(super) home: String,
}

impl Object {
    pub(super) fn allows(&self, account: &Sid, head: &BTreeSet<Sid>) -> bool {
        !self.deny.contains(account) && (self.allow.contains(account) || !self.blocked && head.contains(account))
    }

    fn sddl(&self, head: &BTreeSet<Sid>) -> String {
        let mut text = String::from(if self.blocked { "D:PAI" } else { "D:AI" });
        self.deny.iter().for_each(|sid| text.push_str(&format!("(OD;;CR;{SEND_AS};;{sid})")));
        self.allow.iter().for_each(|sid| text.push_str(&format!("(OA;;CR;{SEND_AS};;{sid})")));
        if !self.blocked {
            head.iter().for_each(|sid| text.push_str(&format!("(OA;CIID;CR;{SEND_AS};{USER};{sid})")));
        }
        text
    }
}

/// One change of a domain, as it replicates.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Head(Sid, bool),
    Object(String, Object),
}

impl Domain {
    pub(super) fn new(at: &str) -> Self {
        let servers = SERVERS.iter().filter(|(_, domain)| *domain == at).map(|(name, _)| Server {
            name,
            down: Duration::ZERO,
            head: BTreeSet::new(),
            objects: BTreeMap::new(),
            coming: VecDeque::new(),
        });
        Self { servers: servers.collect(), lag: Duration::from_secs(5), stalled: Duration::ZERO, version: 0 }
    }

    /// Changes the first server at once, and the others as replication gets there.
    pub(super) fn change(&mut self, now: Duration, change: &Change) {
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

    pub(super) fn heal(&mut self) {
        (self.stalled, self.lag) = (Duration::ZERO, Duration::from_secs(5));
        self.servers.iter_mut().for_each(|server| server.down = Duration::ZERO);
    }
}

impl Server {
    fn take(&mut self, change: Change) {
        match change {
            Change::Head(sid, true) => drop(self.head.insert(sid)),
            Change::Head(sid, false) => drop(self.head.remove(&sid)),
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
    Dn::from(format!("CN={},{}", called.split('@').next().unwrap_or(called), head(domain)))
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
        let watcher = Watcher {
            sim: Arc::clone(&self.sim),
            domain: at,
            wanted,
            now,
            full: None,
            said: Duration::ZERO,
            last: None,
            shown: BTreeMap::new(),
        };
        tokio::spawn(watcher.run(requests, looks));
        survey
    }

    fn writer(&self, domain: &DomainName, server: &DirectoryServerName) -> Option<Arc<dyn EntryWriter>> {
        let known = SERVERS.iter().find(|(name, of)| *name == server.as_str() && *of == domain.as_str())?;
        Some(Arc::new(Writer { sim: Arc::clone(&self.sim), life: Arc::clone(&self.life), domain: known.1 }))
    }
}

/// What a reading depends on: the domain's version, who is down, what is wanted.
type Basis = (u64, Vec<bool>, Arc<Wanted>);

struct Watcher {
    sim: Arc<Sim>,
    domain: &'static str,
    wanted: watch::Receiver<Arc<Wanted>>,
    now: SteadyClock,
    /// When the last full reading began.
    full: Option<Steady>,
    said: Duration,
    /// What was read last, and what it depends on.
    last: Option<(Basis, DomainReading)>,
    shown: BTreeMap<String, Arc<SecurityDescriptor>>,
}

impl Watcher {
    async fn run(mut self, mut requests: tokio::sync::mpsc::Receiver<Request>, looks: Looks) {
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
            let began = (self.now)();
            let pause = self.sim.chance(|chance| chance.between(Duration::from_millis(20), Duration::from_secs(3)));
            tokio::time::sleep(pause).await;
            loop {
                let (now, stalled) = (self.sim.now(), self.sim.world(|world| world.domains[self.domain].stalled));
                if stalled <= now {
                    break;
                }
                tokio::time::sleep(stalled - now).await;
            }
            if self.full.is_none() || looker.is_some() {
                self.full = Some(began);
            }
            let now = self.sim.now();
            let basis = self.basis(&wanted);
            let same = self.last.as_ref().is_some_and(|(last, _)| *last == basis) && looker.is_none();
            if same && now.saturating_sub(self.said) < SAY_EVERY {
                continue;
            }
            self.said = now;
            let look = match &mut self.last {
                // As in earnest: that nothing was touched is said now and then, and dates the evidence.
                Some((_, reading)) if same => {
                    reading.servers.values_mut().flatten().for_each(|server| server.seen = began);
                    coverage::look(reading, &wanted.setting, &Touched::Names(BTreeSet::new()))
                }
                _ => {
                    let reading = self.read(&wanted, began);
                    let look = coverage::look(&reading, &wanted.setting, &Touched::All);
                    self.last = Some((basis, reading));
                    look
                }
            };
            if !looks(look).await {
                return;
            }
        }
    }

    fn descriptor(&mut self, sddl: String) -> DescriptorReading {
        let parsed = self.shown.entry(sddl).or_insert_with_key(|sddl| {
            Arc::new(SecurityDescriptor::from_sddl(sddl, None).expect("the simulation's descriptors are ones"))
        });
        DescriptorReading::Shown(Arc::clone(parsed))
    }

    fn basis(&self, wanted: &Arc<Wanted>) -> Basis {
        let now = self.sim.now();
        self.sim.world(|world| {
            world.replicate(now);
            let domain = &world.domains[self.domain];
            (domain.version, domain.servers.iter().map(|server| server.down > now).collect(), Arc::clone(wanted))
        })
    }

    fn read(&mut self, wanted: &Wanted, seen: Steady) -> DomainReading {
        let now = self.sim.now();
        let domain = self.domain;
        let shown: Vec<_> = self.sim.world(|world| {
            let servers = world.domains[domain].servers.iter();
            servers
                .map(|server| (server.name, server.down > now, server.head.clone(), server.objects.clone()))
                .collect()
        });
        let mut servers = BTreeMap::new();
        for (called, down, on_head, objects) in shown {
            let read = if down {
                Err(ServerFailure(format!("{called} does not answer")))
            } else {
                Ok(self.server(wanted, seen, &on_head, &objects))
            };
            servers.insert(name(called), read);
        }
        let asked = wanted.asked.as_ref().clone();
        DomainReading { domain: name(domain), started: self.full.unwrap_or(seen), asked, servers }
    }

    fn server(
        &mut self,
        wanted: &Wanted,
        seen: Steady,
        on_head: &BTreeSet<Sid>,
        objects: &BTreeMap<String, Object>,
    ) -> ServerReading {
        let domain = self.domain;
        let accounts = wanted.accounts.iter().map(|account| {
            let reading = if account.domain.as_str() == domain {
                let sid = World::account(if domain == DOMAINS[0] { "gla" } else { "glb" });
                let everywhere = [sid.clone()].into();
                let dn = dn("goodadmin", domain);
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
        let accounts = accounts.collect();
        let mut users = BTreeMap::new();
        for asked in wanted.asked.iter() {
            let reading = match objects.get(asked.as_str()) {
                None => UserReading::NotFound,
                Some(object) => {
                    let (guid, number) = self.sim.world(|world| {
                        world.users.get(asked.as_str()).map_or((Guid::SEND_AS, 0), |user| (user.guid, user.number))
                    });
                    let group = || Arc::new(GroupPath(vec![Dn::from(format!("CN=Domain Admins,{}", head(domain)))]));
                    let rid = 2000 + number;
                    UserReading::Found(Arc::new(FoundUser {
                        dn: dn(asked.as_str(), domain),
                        guid,
                        sid: name(&format!("S-1-5-21-{}-{rid}", if domain == DOMAINS[0] { "1-2-3" } else { "4-5-6" })),
                        class: UserClass::User,
                        descriptor: self.descriptor(object.sddl(on_head)),
                        home: Home::Server(name(&object.home)),
                        protected_by: object.protected.then(group),
                        admin_count: object.protected,
                        owner: MailboxOwner::Itself,
                    }))
                }
            };
            users.insert(asked.clone(), reading);
        }
        let top = Dn::from(head(domain));
        ServerReading {
            seen,
            accounts,
            users,
            containers: [(top.clone(), self.descriptor(head_sddl(on_head)))].into(),
            head: top,
            admin_sd_holder: self.descriptor("D:PAI".to_owned()),
        }
    }
}

fn head_sddl(on_head: &BTreeSet<Sid>) -> String {
    let mut text = String::from("D:AI");
    on_head.iter().for_each(|sid| text.push_str(&format!("(OA;CIIO;CR;{SEND_AS};{USER};{sid})")));
    text
}

/// Writes entries for one life of the coordinator: what it has not done when that ends, it never does.
struct Writer {
    sim: Arc<Sim>,
    life: Arc<Life>,
    domain: &'static str,
}

impl Writer {
    async fn wait(&self) {
        let pause = self.sim.chance(|chance| chance.between(Duration::from_millis(5), Duration::from_secs(8)));
        tokio::time::sleep(pause).await;
        if !self.life.lives() {
            pending::<()>().await;
        }
    }

    fn user(&self, place: &Dn) -> Option<String> {
        let wanted = place.as_str().to_lowercase();
        self.sim.world(|world| {
            let users = world.users.iter().filter(|(_, user)| user.domain == self.domain);
            let found = users
                .map(|(called, _)| called)
                .find(|called| dn(called, self.domain).as_str().to_lowercase() == wanted);
            found.cloned()
        })
    }

    fn is_head(&self, place: &Dn) -> bool {
        place.as_str().eq_ignore_ascii_case(&head(self.domain))
    }

    fn shown(&self, place: &Dn) -> Option<SecurityDescriptor> {
        let user = self.user(place);
        let sddl = self.sim.world(|world| {
            let server = world.domains[self.domain].servers.first()?;
            match &user {
                Some(called) => server.objects.get(called).map(|object| object.sddl(&server.head)),
                None => self.is_head(place).then(|| head_sddl(&server.head)),
            }
        })?;
        SecurityDescriptor::from_sddl(&sddl, None).ok()
    }

    fn edit(&self, place: &Dn, sid: &Sid, wanted: bool) {
        let now = self.sim.now();
        let user = self.user(place);
        self.sim.world(|world| {
            world.writes(now, place.as_str(), wanted);
            match user {
                Some(called) => world.administer(now, &called, |object| {
                    if wanted {
                        object.allow.insert(sid.clone());
                    } else {
                        object.allow.remove(sid);
                    }
                }),
                None => {
                    if let Some(domain) = world.domains.get_mut(self.domain) {
                        domain.change(now, &Change::Head(sid.clone(), wanted));
                    }
                    world.cover(now);
                }
            }
        });
    }

    async fn done(
        &self,
        place: &Dn,
        sid: &Sid,
        form: GrantForm,
        expected: Option<&[Vec<u8>]>,
        wanted: bool,
    ) -> Result<GrantDone, GrantError> {
        self.wait().await;
        let now = self.sim.now();
        let down = self.sim.world(|world| world.domains[self.domain].servers[0].down > now);
        let refused = |why: &str| GrantError::Refused { place: place.clone(), why: why.to_owned() };
        if down {
            return Err(refused("the server does not answer"));
        }
        let Some(before) = self.shown(place) else {
            return Err(GrantError::NoPlace { place: place.clone(), server: self.domain.to_owned() });
        };
        let there = edit::find_entry(&before, sid, form).is_some();
        if there == wanted {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before) });
        }
        if expected.is_some_and(|expected| edit::explicit_entries(&before) != expected) {
            return Err(GrantError::Changed { place: place.clone(), difference: "other entries".to_owned() });
        }
        // Now and then the answer is lost, with or without the write.
        let (lost, written) = self.sim.chance(|chance| (chance.percent(10), chance.percent(50)));
        if !lost || written {
            self.edit(place, sid, wanted);
        }
        if lost {
            return Err(GrantError::Unknown { place: place.clone(), why: "the connection broke off".to_owned() });
        }
        self.wait().await;
        let after = self.shown(place).map(|after| DescriptorDigest::of(&after));
        let before = DescriptorDigest::of(&before);
        let alone = Alone::NotChecked("it is not shown".to_owned());
        Ok(GrantDone::Written { before, after: after.unwrap_or(before), alone })
    }
}

impl EntryWriter for Writer {
    fn apply<'a>(&'a self, grant: &'a PlannedGrant) -> Ending<'a, GrantDone> {
        Box::pin(async move {
            let expected: Vec<Vec<u8>> = grant.expected.iter().map(|entry| entry.0.clone()).collect();
            self.done(&grant.place, &grant.sid, grant.form, Some(&expected), true).await
        })
    }

    fn withdraw<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, GrantDone> {
        Box::pin(self.done(&entry.place, &entry.sid, entry.form, None, false))
    }

    fn establish<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, Established> {
        Box::pin(async move {
            self.wait().await;
            let now = self.sim.now();
            let place = entry.place.clone();
            if self.sim.world(|world| world.domains[self.domain].servers[0].down > now) {
                return Err(GrantError::Refused { place, why: "the server does not answer".to_owned() });
            }
            let shown = self.shown(&entry.place);
            let shown = shown.ok_or_else(|| GrantError::NoPlace { place, server: self.domain.to_owned() })?;
            let digest = DescriptorDigest::of(&shown);
            let there = edit::find_entry(&shown, &entry.sid, entry.form).is_some();
            Ok(if there { Established::Present(digest) } else { Established::Absent(digest) })
        })
    }
}
