//! Plays a seed to its end; [`minutes`] is what happens each minute.

mod minutes;

use super::absences::{self, Absences};
use super::agreed::Agreed;
use super::ailing;
use super::before::populate;
use super::chance::Chance;
use super::clusters::{self, Cluster};
use super::directory::Domain;
use super::drifted::Changes;
use super::ended::Ended;
use super::estate::{self, DOMAINS, HOSTS};
use super::exceptions::{self, Exceptions};
use super::faults::{self, FAULTS_FOR, Fault};
use super::hosts::Host;
use super::limits;
use super::lives::{self, Disk, Running, SimJournal, Who};
use super::network::Way;
use super::people;
use super::remedied::Remedies;
use super::removed::Removals;
use super::repeated::Repeated;
use super::restored::{self, Loss, Lost};
use super::specials::{self, Specials};
use super::terms::Terms;
use super::watched::Watched;
use super::waves::Waves;
use super::wishes::{self, Wishes};
use super::world::World;
use super::{Premises, Sim};
use crate::panics;
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_core::ledger::{Ledger, Sequence};
use sendgate_core::policy::GrantMode;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Deaths that may wait to be noticed.
const DEATHS: usize = 64;

/// Plays one seed.
///
/// # Errors
/// The runtime could not be made.
pub fn play(seed: u64, premises: &Arc<Premises>, story: bool) -> std::io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    panics::listen();
    let played =
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { Stage::new(seed, premises, story).run().await })));
    let mut ended = played.unwrap_or_else(|_| Ended::broken_off(seed));
    // Most tasks have nobody who waits for them.
    ended.violations.extend(panics::heard().into_iter().map(|what| format!("something panicked: {what}")));
    Ok(ended)
}

struct Stage {
    seed: u64,
    sim: Arc<Sim>,
    journal: Arc<SimJournal>,
    deaths: mpsc::Receiver<Who>,
    disks: BTreeMap<&'static str, Disk>,
    running: BTreeMap<Who, Running>,
    /// Who comes back when.
    back: BTreeMap<Who, Duration>,
    faults: Vec<(Duration, Fault)>,
    /// Times that a person lets the rollout go on after it stopped by itself.
    resumes: u64,
    /// Hosts may be changed in windows only.
    windows: bool,
    /// The coordinator's machine: which boot, and when it was.
    boot: (u64, Duration),
    /// A disk that is lost.
    loss: Option<Loss>,
    by_hand: Option<Duration>,
    abort: Option<Duration>,
    healed: Option<Duration>,
    propagated: Duration,
}

impl Stage {
    fn new(seed: u64, premises: &Arc<Premises>, story: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut policy = estate::policy(&mut chance);
        let mut faults = faults::draw(&mut chance);
        faults.extend(ailing::draw(seed));
        faults.extend(absences::draw(seed));
        let (passive, moves) = clusters::draw(seed);
        faults.extend(moves);
        faults.extend(wishes::draw(seed));
        let (denials, yeses) = specials::draw(seed);
        faults.extend(denials);
        faults.sort_by_key(|(at, _)| *at);
        faults.reverse();
        let calm = faults.is_empty();
        let advise = policy.domains.values().any(|domain| domain.grants == GrantMode::Advise);
        let by_hand = advise.then(|| chance.between(MINUTE, FAULTS_FOR));
        let mut terms = Terms::draw(seed, &mut chance);
        limits::draw(seed, &mut policy, &mut terms);
        let (mut acts_of_people, resumes) = (people::draw(&mut chance, terms.approvals), chance.below(3));
        acts_of_people.extend(exceptions::draw(seed));
        acts_of_people.extend(wishes::acts(seed));
        acts_of_people.extend(yeses);
        let windows = terms.hours.is_some();
        let abort = chance.percent(5).then(|| chance.between(MINUTE, 2 * FAULTS_FOR));
        let mut world = World {
            policy,
            users: BTreeMap::new(),
            domains: DOMAINS.iter().map(|domain| (*domain, Domain::new(domain))).collect(),
            hosts: HOSTS.iter().map(|host| (*host, Host::default())).collect(),
            acts: BTreeMap::new(),
            ledger: Ledger::default(),
            asked: BTreeMap::new(),
            lost: Lost::default(),
            permitted: BTreeMap::new(),
            shown: BTreeMap::new(),
            lacks: BTreeMap::new(),
            heard: BTreeMap::new(),
            patched: BTreeMap::new(),
            uploaded: BTreeMap::new(),
            alive: Duration::ZERO,
            lives: false,
            absences: Absences::default(),
            specials: Specials::default(),
            wishes: Wishes::default(),
            cluster: Cluster::default(),
            rosters: BTreeMap::new(),
            arrived: BTreeMap::new(),
            paused: false,
            drifted: false,
            outcomes: BTreeMap::new(),
            stops: BTreeMap::new(),
            held: Vec::new(),
            waves: Waves::default(),
            watched: Watched::default(),
            agreed: Agreed::new(terms),
            exceptions: Exceptions::default(),
            repeated: Repeated::default(),
            removals: Removals::default(),
            changes: Changes::default(),
            remedies: Remedies::default(),
            resumed: 0,
            acts_of_people,
            meddling: None,
            meddled: None,
            relents: Vec::new(),
            effects: 0,
            faults: 0,
            calm,
            told: story.then(Vec::new),
            violations: Vec::new(),
        };
        populate(&mut world, &mut chance);
        world.is_cluster(passive);
        let (dead, deaths) = mpsc::channel(DEATHS);
        let sim = Arc::new(Sim {
            started: Instant::now(),
            premises: Arc::clone(premises),
            chance: Mutex::new(chance),
            world: Mutex::new(world),
            ways: Mutex::new(HOSTS.iter().map(|host| (*host, Way::new())).collect()),
            served: Mutex::new(None),
            deaths: dead,
        });
        let journal = Arc::new(SimJournal { inner: MemoryJournal::new(), sim: Arc::clone(&sim) });
        Self {
            seed,
            sim,
            journal,
            deaths,
            disks: HOSTS.iter().map(|host| (*host, Disk::default())).collect(),
            running: BTreeMap::new(),
            back: lives::everybody().map(|who| (who, Duration::ZERO)).collect(),
            faults,
            resumes,
            windows,
            boot: (1, Duration::ZERO),
            loss: restored::draw(seed),
            by_hand,
            abort,
            healed: None,
            propagated: Duration::ZERO,
        }
    }

    async fn run(mut self) -> Ended {
        let mut tick = Duration::ZERO;
        loop {
            let now = self.sim.now();
            self.due(now);
            if tick <= now {
                tick = now + MINUTE;
                if self.minute(now) {
                    break;
                }
            }
            let next = self.back.values().copied().chain([tick]).chain(self.loss.map(|loss| loss.at));
            let next =
                next.chain(self.faults.last().map(|(at, _)| *at)).chain(self.next_act(now)).min().unwrap_or(tick);
            tokio::select! {
                biased;
                Some(who) = self.deaths.recv() => {
                    let down = self.sim.chance(|chance| chance.between(Duration::from_millis(200), 2 * MINUTE));
                    self.sim.world(|world| world.tell(now, || format!("{who:?} died at a write")));
                    self.kill(who, now + down);
                }
                () = tokio::time::sleep(next.saturating_sub(now)) => {}
            }
        }
        let digest = self.journal.head().map(|head| head.digest.to_string()).unwrap_or_default();
        self.sim.ended(self.seed, digest)
    }

    /// The coordinator's journal is lost.
    fn lose(&mut self, now: Duration, loss: &Loss) {
        self.sim.world(|world| world.faults += 1);
        self.kill(Who::Coordinator, now + loss.down);
        self.back.insert(Who::Coordinator, now + loss.down);
        let head = self.journal.head().map_or(0, |head| head.sequence.0);
        let most = usize::try_from(head * loss.kept / 100).unwrap_or(usize::MAX);
        let records = self.journal.read(Sequence::FIRST, most).unwrap_or_default();
        let inner = MemoryJournal::new();
        for record in &records {
            if let Err(error) = inner.append(record.sequence, &record.payload) {
                self.sim.violated(format!("a copy of the journal cannot be made: {error}"));
            }
        }
        let records: Vec<_> = records.into_iter().map(|record| (record.sequence, record.payload)).collect();
        self.sim.restored(&records, loss);
        self.journal = Arc::new(SimJournal { inner, sim: Arc::clone(&self.sim) });
        if loss.elsewhere {
            self.boot = (self.boot.0 + 1, now);
        }
    }

    /// Starts whoever is to be back, and lets faults happen.
    fn due(&mut self, now: Duration) {
        if let Some(loss) = self.loss.take_if(|loss| loss.at <= now) {
            self.lose(now, &loss);
        }
        let back: Vec<Who> = self.back.iter().filter(|(_, at)| **at <= now).map(|(who, _)| *who).collect();
        for who in back {
            self.back.remove(&who);
            self.sim.world(|world| world.tell(now, || format!("{who:?} starts")));
            let running = match who {
                Who::Coordinator => lives::coordinator(&self.sim, &self.journal, self.boot),
                Who::Agent(host) => lives::agent(&self.sim, host, &self.disks[host]),
            };
            self.running.insert(who, running);
        }
        while self.faults.last().is_some_and(|(at, _)| *at <= now) {
            let Some((_, fault)) = self.faults.pop() else { return };
            self.sim.happen(now, &fault);
            match &fault {
                Fault::Kill { who, down, reboot } => {
                    if *reboot && *who == Who::Coordinator {
                        self.boot = (self.boot.0 + 1, now);
                    }
                    self.kill(*who, now + *down);
                    if let (true, Who::Agent(host)) = (*reboot, *who) {
                        self.sim.world(|world| world.reboots(now, host));
                    }
                }
                Fault::Fuse { who, fuse } => {
                    if let Some(running) = self.running.get(who) {
                        running.life.light(*fuse);
                    }
                }
                _ => {}
            }
        }
        self.people(now);
    }

    /// The next act of a person; those that are due wait for a coordinator that answers.
    fn next_act(&self, now: Duration) -> Option<Duration> {
        let acts = self.sim.world(|world| world.acts_of_people.iter().map(|(at, _)| *at).min());
        acts.filter(|at| *at > now)
    }

    /// People do what they want to do now.
    fn people(&mut self, now: Duration) {
        while let Some(handle) = self.sim.handle() {
            let due = self.sim.world(|world| {
                let acts = &mut world.acts_of_people;
                let first = acts.iter().enumerate().filter(|(_, (at, _))| *at <= now).min_by_key(|(_, (at, _))| *at);
                first.map(|(at, _)| at).map(|at| acts.remove(at).1)
            });
            let Some(act) = due else { return };
            tokio::spawn(people::ask(Arc::clone(&self.sim), handle, act));
        }
    }

    fn kill(&mut self, who: Who, back: Duration) {
        let Some(running) = self.running.remove(&who) else { return };
        if who == Who::Coordinator {
            self.sim.serves(None);
            // What it had not written down is lost with it; what it had time for is not.
            let now = self.sim.now();
            self.sim.world(|world| {
                world.has_noted(now);
                world.lacks.clear();
                world.lives = false;
                world.watched.not_noted(now);
            });
        }
        running.kill();
        self.back.insert(who, back);
    }
}
