//! Lives of the coordinator and of the agents: each ends at any moment, also before or after any write to its journal, and
//! the next one starts from what was written.

use super::directory::SimDirectory;
use super::estate::{self, name};
use super::hosts::SimPrograms;
use super::network::SimTransport;
use super::reports::SimProbe;
use super::{Sim, exceptions};
use jiff::Timestamp;
use sendgate_agent::apply::Acts;
use sendgate_agent::clock::Steady;
use sendgate_agent::journal::Journal as AgentJournal;
use sendgate_agent::journal::store::{Part, Records, Store, StoreError, SyncError};
use sendgate_agent::machine::{Later, Machine, Work};
use sendgate_agent::probe;
use sendgate_agent::session::{self, Agent};
use sendgate_coordinator::agents::AgentService;
use sendgate_coordinator::clock::{Clock, ClockSource};
use sendgate_coordinator::driver::{self, Driver, Parts};
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_coordinator::journal::{AppendError, Head, Journal, ReadError, Record, Verified};
use sendgate_coordinator::threads::Threads;
use sendgate_core::ledger::Sequence;
use sendgate_core::time::{BootId, BootTime};
use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Who lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Coordinator,
    Agent(&'static str),
}

/// When a life is to end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fuse {
    /// Writes until then.
    pub(super) writes: u64,
    /// Whether the last one is still done.
    pub(super) done: bool,
}

/// One life of a process: when it is over, none of its tasks ever goes on.
pub(super) struct Life {
    who: Who,
    lives: AtomicBool,
    fuse: Mutex<Option<Fuse>>,
    sim: Arc<Sim>,
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a life of {:?}", self.who)
    }
}

impl Life {
    fn new(sim: &Arc<Sim>, who: Who) -> Arc<Self> {
        Arc::new(Self { who, lives: AtomicBool::new(true), fuse: Mutex::new(None), sim: Arc::clone(sim) })
    }

    pub(super) fn lives(&self) -> bool {
        self.lives.load(Ordering::Relaxed)
    }

    pub(super) fn light(&self, fuse: Fuse) {
        *self.fuse.lock().unwrap_or_else(PoisonError::into_inner) = Some(fuse);
    }

    fn burns_down(&self) -> Option<Fuse> {
        let mut fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        match fuse.as_mut() {
            Some(Fuse { writes: 0, .. }) => fuse.take(),
            Some(burning) => {
                burning.writes -= 1;
                None
            }
            None => None,
        }
    }

    fn work(&self, work: Work) -> bool {
        if !self.lives() {
            return false;
        }
        match self.burns_down() {
            None => {
                work();
                true
            }
            Some(fuse) => {
                if fuse.done {
                    work();
                }
                self.lives.store(false, Ordering::Relaxed);
                if let Who::Agent(host) = self.who {
                    let now = self.sim.now();
                    self.sim.world(|world| world.forgets(now, host));
                }
                self.sim.died(self.who);
                false
            }
        }
    }
}

async fn worked(life: Arc<Life>, work: Work) -> io::Result<()> {
    if !life.work(work) {
        pending::<()>().await;
    }
    Ok(())
}

/// The machine below one life.
#[derive(Debug, Clone)]
pub(super) struct SimMachine(pub(super) Arc<Life>);

impl Machine for SimMachine {
    fn now(&self) -> Steady {
        let booted = match self.0.who {
            Who::Agent(host) => self.0.sim.world(|world| world.hosts[host].booted),
            Who::Coordinator => Duration::ZERO,
        };
        Steady::after_boot(self.0.sim.now().saturating_sub(booted))
    }

    fn random(&self) -> u64 {
        self.0.sim.chance(super::chance::Chance::bits)
    }

    fn run(&self, work: Work) -> Later<'static, io::Result<()>> {
        Box::pin(worked(Arc::clone(&self.0), work))
    }
}

impl Threads for SimMachine {
    fn run(&self, work: Work) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>> {
        Box::pin(worked(Arc::clone(&self.0), work))
    }
}

/// The clock of the coordinator's machine.
#[derive(Debug)]
struct SimClock {
    sim: Arc<Sim>,
    /// Which boot, and when it was.
    boot: (u64, Duration),
}

impl ClockSource for SimClock {
    fn wall(&self) -> Timestamp {
        exceptions::wall(self.sim.now())
    }

    fn boot_time(&self) -> BootTime {
        BootTime::after_boot(self.sim.now().saturating_sub(self.boot.1) + Duration::from_secs(60))
    }

    fn boot_id(&self) -> Option<BootId> {
        BootId::new(&format!("boot {}", self.boot.0))
    }
}

/// The coordinator's journal, which outlives it; what is durable is looked at.
pub(super) struct SimJournal {
    pub(super) inner: MemoryJournal,
    pub(super) sim: Arc<Sim>,
}

impl Journal for SimJournal {
    fn append(&self, expected: Sequence, payload: &[u8]) -> Result<Record, AppendError> {
        let record = self.inner.append(expected, payload)?;
        let now = self.sim.now();
        let meddled = self.sim.world(|world| {
            world.appended(now, record.sequence, payload);
            world.meddled.take()
        });
        if let Some(meddled) = meddled {
            self.sim.meddled(now, &meddled);
        }
        Ok(record)
    }

    fn head(&self) -> Option<Head> {
        self.inner.head()
    }

    fn read(&self, from: Sequence, limit: usize) -> Result<Vec<Record>, ReadError> {
        self.inner.read(from, limit)
    }

    fn verify(&self) -> Result<Verified, ReadError> {
        self.inner.verify()
    }
}

/// Keys and values.
type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// An agent's disk.
#[derive(Debug, Default, Clone)]
pub(super) struct Disk(Arc<Mutex<BTreeMap<Part, Pairs>>>);

impl Disk {
    fn with<T>(&self, part: Part, act: impl FnOnce(&mut Pairs) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(part).or_default())
    }
}

type StoreResult<T> = Result<T, StoreError>;

impl Store for Disk {
    fn get(&self, part: Part, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.with(part, |records| records.get(key).cloned()))
    }

    fn all(&self, part: Part) -> StoreResult<Records> {
        Ok(self.with(part, |records| records.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    }

    fn put(&self, part: Part, key: &[u8], value: &[u8]) -> StoreResult<()> {
        self.with(part, |records| drop(records.insert(key.to_vec(), value.to_vec())));
        Ok(())
    }

    fn remove(&self, part: Part, key: &[u8]) -> StoreResult<()> {
        self.with(part, |records| drop(records.remove(key)));
        Ok(())
    }

    fn sync(&self) -> Result<(), SyncError> {
        Ok(())
    }
}

/// A running process.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) life: Arc<Life>,
    task: JoinHandle<()>,
    stop: Option<watch::Sender<bool>>,
}

impl Running {
    /// As `kill -9` would.
    pub(super) fn kill(self) {
        self.life.lives.store(false, Ordering::Relaxed);
        self.task.abort();
        if let Some(stop) = self.stop {
            stop.send_replace(true);
        }
    }
}

/// Starts a coordinator on the journal.
pub(super) fn coordinator(sim: &Arc<Sim>, journal: &Arc<SimJournal>, boot: (u64, Duration)) -> Running {
    let life = Life::new(sim, Who::Coordinator);
    let (sim, journal, machine) = (Arc::clone(sim), Arc::clone(journal), SimMachine(Arc::clone(&life)));
    let directory = SimDirectory { sim: Arc::clone(&sim), life: Arc::clone(&life) };
    let task = tokio::spawn(async move {
        let ledger = match driver::replay(journal.as_ref()) {
            Ok(ledger) => ledger,
            Err(error) => return sim.violated(format!("the journal cannot be replayed: {error}")),
        };
        let source = SimClock { sim: Arc::clone(&sim), boot };
        let last = Clock::last_mark(&ledger, &source);
        let policy = Arc::new(sim.world(|world| world.policy.clone()));
        let parts = Parts {
            policy: Arc::clone(&policy),
            directory: Arc::new(directory),
            journal,
            threads: Arc::new(machine),
            clock: Clock::resume(last.as_ref(), Box::new(source)),
            ledger,
            fresh_mark: 0x5e_ed + sim.world(|world| world.lost.count),
        };
        let ended = match Driver::start(parts).await {
            Ok((driver, handle)) => {
                sim.serves(Some((Arc::new(AgentService::new(policy, handle.clone())), handle)));
                driver.run().await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            sim.violated(format!("the coordinator ended by itself: {error}"));
        }
    });
    Running { life, task, stop: None }
}

/// Starts the agent of a host, as its program would.
pub(super) fn agent(sim: &Arc<Sim>, host: &'static str, disk: &Disk) -> Running {
    let life = Life::new(sim, Who::Agent(host));
    let (stop, stopped) = watch::channel(false);
    let (sim, disk, lives) = (Arc::clone(sim), disk.clone(), Arc::clone(&life));
    let task = tokio::spawn(async move {
        let machine: Arc<dyn Machine> = Arc::new(SimMachine(Arc::clone(&lives)));
        let config = sim.premises.agent(host);
        let journal = match AgentJournal::kept_in("journal".into(), Box::new(disk)) {
            Ok(journal) => Arc::new(journal),
            Err(error) => return sim.violated(format!("the journal of {host}: {error}")),
        };
        let (interval, intervals) = watch::channel(config.report_interval);
        let (tick, ticks) = watch::channel(0);
        let look = SimProbe { sim: Arc::clone(&sim), host, roster: None };
        let probed = probe::start(look, Arc::clone(&machine), intervals, tick, stopped.clone());
        let probes = Arc::new(BTreeMap::from([(
            sendgate_agent::config::HostName::new(host).expect("the simulation's hosts have names"),
            probed,
        )]));
        let programs = Arc::new(SimPrograms { sim: Arc::clone(&sim), life: Arc::clone(&lives), host });
        let acts = Acts::new(Arc::clone(&journal), programs, Arc::clone(&machine), Arc::clone(&probes));
        if let Err(error) = acts.recover() {
            return sim.violated(format!("the acts of {host}: {error}"));
        }
        let transport = Arc::new(SimTransport { sim, life: lives, host });
        let agent = Agent { config, journal, acts, probes, ticks, interval, transport, machine };
        session::run(agent, stopped).await;
    });
    Running { life, task, stop: Some(stop) }
}

/// All hosts have agents.
pub(super) fn everybody() -> impl Iterator<Item = Who> {
    std::iter::once(Who::Coordinator).chain(estate::HOSTS.into_iter().map(Who::Agent))
}

/// A rollout's name, and an operator's.
pub(super) const ROLLOUT: &str = "dst";
pub(super) fn olive() -> sendgate_core::names::OperatorName {
    name("olive")
}
