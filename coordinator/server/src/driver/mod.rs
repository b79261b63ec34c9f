//! The one loop: observe, write down, plan, do.
//!
//! 1. [`Handle`]: everything that happens reaches the loop as a [`Message`], through one bounded queue;
//! 2. [`Driver::run`]: each message changes the estate or the journal, then the world is planned again;
//! 3. `record`: what is to be remembered is appended to the journal before anything else is done;
//! 4. `act`: intents become grants and offers to agents, whose ends come back as messages;
//! 5. `surveys`: what the domains' surveys are asked, and what they teach;
//! 6. `takeover`: whom agents obeyed before, and acts that the journal does not have;
//! 7. `head`: how far the journal has gone, which agents remember against old copies of it.
//!
//! The loop owns the estate and the ledger: nobody else changes them, and nobody else needs a lock.

mod act;
mod agents;
mod grants;
mod head;
mod message;
mod record;
mod surveys;
mod takeover;

pub use message::{AgentMessage, Handle, Hello, Message, Opened, RequestError, Stopped};
pub(crate) use record::has_room;
pub use record::{RecordError, replay};

use crate::clock::Clock;
use crate::directory::reach::Directory;
use crate::journal::Journal;
use crate::threads::Threads;
use sendgate_core::estate::Estate;
use sendgate_core::gate::World;
use sendgate_core::ledger::{Entry, Generation, Ledger, Sequence};
use sendgate_core::names::{AgentName, DomainName};
use sendgate_core::plan::{self, Plan};
use sendgate_core::policy::Policy;
use sendgate_core::time::{Now, Steady};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Messages that may wait: enough for every host of a large estate to report at once; then senders wait.
const QUEUE: usize = 1024;

/// The clock is journaled this often while somebody waits, so that little waiting is lost with a reboot.
const CLOCK_EVERY: Duration = Duration::from_secs(300);

/// The longest the loop sleeps: deadlines that the planner does not name are noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The loop and all that it owns.
pub struct Driver {
    policy: Arc<Policy>,
    directory: Arc<dyn Directory>,
    estate: Estate,
    ledger: Ledger,
    journal: Arc<dyn Journal>,
    threads: Arc<dyn Threads>,
    clock: Arc<Clock>,
    generation: Generation,
    messages: mpsc::Receiver<Message>,
    /// The first of those that wait, taken out already.
    next: Option<Message>,
    /// For tasks that the loop starts: a strong sender would keep the loop alive for ever.
    handle: mpsc::WeakSender<Message>,
    sessions: BTreeMap<AgentName, agents::Session>,
    /// Counts sessions, so that the end of an older one is not taken for that of a newer.
    opened: u64,
    surveys: surveys::Surveys,
    granting: BTreeSet<Sequence>,
    readings: BTreeMap<DomainName, Arc<Semaphore>>,
    marked: Steady,
    head: head::Head,
}

/// What a driver starts with.
pub struct Parts {
    /// What is wanted.
    pub policy: Arc<Policy>,
    /// How the domains' directory servers are reached.
    pub directory: Arc<dyn Directory>,
    /// Where everything is written down.
    pub journal: Arc<dyn Journal>,
    /// Where the journal's disk is waited for.
    pub threads: Arc<dyn Threads>,
    /// What time it is; resumed from the journal.
    pub clock: Clock,
    /// What the journal says so far.
    pub ledger: Ledger,
    /// A random number: the mark of this start, and the epoch of a new journal.
    pub fresh_mark: u64,
}

impl Driver {
    /// Starts a generation: the first entry that this coordinator writes.
    ///
    /// # Errors
    /// [`RecordError`] if it cannot be written.
    pub async fn start(parts: Parts) -> Result<(Self, Handle), RecordError> {
        let (sender, messages) = mpsc::channel(QUEUE);
        let mark = parts.fresh_mark;
        let generation = match parts.ledger.generation {
            Some(last) => Generation { epoch: last.epoch, counter: last.counter.saturating_add(1), mark },
            None => Generation { epoch: mark, counter: 1, mark },
        };
        let (clock, estate, handle) = (Arc::new(parts.clock), Estate::default(), sender.downgrade());
        let world = World { policy: &parts.policy, estate: &estate, ledger: &parts.ledger, now: clock.now() };
        let surveys = surveys::Surveys::start(world, parts.directory.as_ref(), &clock, &handle);
        let handles = surveys.handles();
        let clock_of_handle = Arc::clone(&clock);
        let mut driver = Self {
            policy: parts.policy,
            directory: parts.directory,
            estate,
            ledger: parts.ledger,
            journal: parts.journal,
            threads: parts.threads,
            clock,
            generation,
            messages,
            next: None,
            handle,
            sessions: BTreeMap::new(),
            opened: 0,
            surveys,
            granting: BTreeSet::new(),
            readings: BTreeMap::new(),
            marked: Steady::START,
            head: head::Head::default(),
        };
        let started = Entry::Started {
            generation,
            clock: driver.clock.mark(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            laboratory: driver.policy.laboratory,
        };
        driver.append(started).await?;
        driver.marked = driver.clock.now().steady;
        Ok((driver, Handle::new(sender, handles, clock_of_handle)))
    }

    /// Takes a message, and where it is a report those of other hosts that wait behind it: on a large estate planning after
    /// each would take longer than they take to come. Whatever else happens is judged by itself, for what one message
    /// teaches must be written down before the next one may unteach it.
    async fn take_with_reports(&mut self, message: Message, plan: &Plan) -> Result<(), RecordError> {
        let mut hosts: BTreeSet<_> = message.report_of().cloned().into_iter().collect();
        self.take(message, plan).await?;
        while (1..QUEUE).contains(&hosts.len())
            && let Ok(next) = self.messages.try_recv()
        {
            let another = next.report_of().is_some_and(|host| hosts.insert(host.clone()));
            if !another {
                self.next = Some(next);
                break;
            }
            self.take(next, plan).await?;
        }
        Ok(())
    }

    /// Runs until every [`Handle`] is gone.
    ///
    /// # Errors
    /// [`RecordError`]: without a journal nothing may be done, so the coordinator ends.
    pub async fn run(mut self) -> Result<(), RecordError> {
        loop {
            let plan = self.settle().await?;
            let untold = self.tell_head();
            if let Some(message) = self.next.take() {
                self.take_with_reports(message, &plan).await?;
                continue;
            }
            let wake =
                plan.wake.map_or(LONGEST_SLEEP, |at| at.since(self.clock.now().steady)).min(untold).min(LONGEST_SLEEP);
            // After either of them everything is planned again, so what has happened may always come first.
            tokio::select! {
                biased;
                message = self.messages.recv() => match message {
                    None => return Ok(()),
                    Some(message) => self.take_with_reports(message, &plan).await?,
                },
                () = tokio::time::sleep(wake) => {}
            }
        }
    }

    /// Plans, and does what is planned, until nothing new is.
    async fn settle(&mut self) -> Result<Plan, RecordError> {
        self.mark_clock().await?;
        self.establish_grants().await?;
        self.ask_surveys();
        loop {
            let now = self.clock.now();
            let plan = plan::plan(self.world(now));
            tracing::debug!(steps = plan.steps.len(), "planned");
            let mut recorded = false;
            for step in &plan.steps {
                recorded |= self.perform(step).await?;
            }
            if !recorded {
                return Ok(plan);
            }
        }
    }

    fn world(&self, now: Now) -> World<'_> {
        World { policy: &self.policy, estate: &self.estate, ledger: &self.ledger, now }
    }

    async fn mark_clock(&mut self) -> Result<(), RecordError> {
        let now = self.clock.now();
        if now.steady.since(self.marked) >= CLOCK_EVERY && plan::waits(self.world(now)) {
            let mark = self.clock.mark();
            self.marked = mark.steady;
            self.append(Entry::Clock(mark)).await?;
        }
        Ok(())
    }
}
