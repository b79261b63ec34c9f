//! One domain: what its servers say is put together and judged here, off the coordinator's loop.
//!
//! A look at everything follows a full reading, a server that failed or came back, and a change of the service accounts or
//! of what judging depends on. Any other look is at the users that a change can have touched, over all servers. If nothing
//! was touched, only how recent the evidence is gets passed on, every few seconds.

mod hearing;
mod judging;

use super::progress::{Progress, Stage};
use super::roster::Roster;
use super::server::{Link, Order, Run, Update, Watcher};
use super::state::Asked;
use super::{Looks, Request, Wanted};
use crate::directory::DirectoryServer;
use sendgate_core::coverage::Touched;
use sendgate_core::coverage::explain::explain;
use sendgate_core::coverage::reading::{DomainReading, ServerFailure, ServerReading};
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// How often it is passed on that nothing was touched.
const SEEN_EVERY: Duration = Duration::from_secs(5);

/// Updates of servers that may wait; then the servers wait.
const UPDATES: usize = 64;

/// Readings of one server that may be asked for before the first of them has begun.
const ORDERS: usize = 4;

/// A domain's task.
pub(super) struct Domain {
    reading: DomainReading,
    servers: BTreeMap<DirectoryServerName, Server>,
    wanted: watch::Receiver<Arc<Wanted>>,
    asked: watch::Sender<Asked>,
    requests: mpsc::Receiver<Request>,
    updates: mpsc::Receiver<(DirectoryServerName, Update)>,
    now: Arc<dyn Fn() -> Steady + Send + Sync>,
    looks: Looks,
    tasks: JoinSet<()>,
    run: Option<Running>,
    runs: Run,
    /// Who is to be judged, and when at the latest.
    dirty: Option<(Touched, Instant)>,
    /// Servers that have said something since anybody was judged last.
    unjudged: BTreeSet<DirectoryServerName>,
    /// Whether any look has been passed on yet: the first one is at everybody.
    first: bool,
    told: Instant,
}

/// What is remembered of a server besides its reading.
struct Server {
    orders: Option<mpsc::Sender<Order>>,
    /// When its last full reading began, if there is one that counts.
    started: Option<Steady>,
    /// What it said before it failed, if that counts again once it is back.
    asleep: Option<ServerReading>,
    /// It has neither been read nor failed yet.
    pending: bool,
}

impl Server {
    /// Whether it will hear of the order.
    fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_ok())
    }
}

/// A reading that was asked for.
struct Running {
    run: Run,
    started: Steady,
    waiting: BTreeSet<DirectoryServerName>,
    began: Instant,
    /// Who looks on; each with a place for the last word of each server.
    lookers: Vec<mpsc::Sender<Progress>>,
}

impl Domain {
    /// Starts the servers' tasks.
    pub(super) fn start(
        domain: DomainName,
        servers: Vec<DirectoryServer>,
        mut wanted: watch::Receiver<Arc<Wanted>>,
        requests: mpsc::Receiver<Request>,
        looks: Looks,
        now: Arc<dyn Fn() -> Steady + Send + Sync>,
    ) -> Self {
        let first = wanted.borrow_and_update().clone();
        let roster = Arc::new(Roster::new(&first.asked, domain.clone()));
        let reading = DomainReading {
            domain: domain.clone(),
            started: now(),
            asked: first.asked.as_ref().clone(),
            servers: BTreeMap::new(),
        };
        let (asked, listen) = watch::channel(Asked { wanted: first, roster });
        let (sender, updates) = mpsc::channel(UPDATES);
        let mut this = Self {
            reading,
            servers: BTreeMap::new(),
            wanted,
            asked,
            requests,
            updates,
            now: now.clone(),
            looks,
            tasks: JoinSet::new(),
            run: None,
            runs: 0,
            dirty: None,
            unjudged: BTreeSet::new(),
            first: true,
            told: Instant::now(),
        };
        for server in &servers {
            let name = server.name.clone();
            // One of two readings under one name would be lost, and with it what it says.
            let twice = servers.iter().filter(|other| other.name == name).count() > 1;
            let why = if twice { super::twice(&name) } else { format!("{} has not been read yet", server.shown()) };
            this.reading.servers.insert(name.clone(), Err(ServerFailure(why)));
            let mut entry = Server { orders: None, started: None, asleep: None, pending: !twice };
            if !twice {
                let (orders, received) = mpsc::channel(ORDERS);
                entry.orders = Some(orders);
                let link = Link {
                    domain: domain.clone(),
                    asked: listen.clone(),
                    orders: received,
                    updates: sender.clone(),
                    now: Arc::clone(&now),
                };
                this.tasks.spawn(Watcher::new(server.clone(), link, rand::random()).run());
            }
            this.servers.insert(name, entry);
        }
        this
    }

    /// Runs until every handle on the survey is gone.
    pub(super) async fn run(mut self) {
        let mut seen = tokio::time::interval(SEEN_EVERY);
        seen.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let judge = self.dirty.as_ref().map_or_else(|| Instant::now() + SEEN_EVERY, |(_, at)| *at);
            tokio::select! {
                request = self.requests.recv() => match request {
                    None => return,
                    Some(request) => self.asked(request),
                },
                changed = self.wanted.changed() => match changed {
                    Ok(()) => {
                        // Of whoever is not wanted any more nobody would know that he lacked something.
                        if !self.hear_waiting().await || !self.unjudged.is_empty() && !self.judge_now().await {
                            return;
                        }
                        self.want();
                    }
                    Err(_) => return,
                },
                Some((server, update)) = self.updates.recv() => if !self.hear(server, update).await {
                    return;
                },
                () = tokio::time::sleep_until(judge), if self.dirty.is_some() && !self.awaits() => {}
                _ = seen.tick() => self.refresh(),
            }
            // Whatever else is there already belongs to the same look.
            if !self.hear_waiting().await || !self.judge().await {
                return;
            }
            self.finish();
        }
    }

    fn asked(&mut self, request: Request) {
        match request {
            Request::Run(looker) => self.order(looker),
            Request::Explain(names, reply) => {
                let wanted = self.asked.borrow().wanted.clone();
                let explained = names.iter().map(|name| explain(&self.reading, &wanted.setting, name)).collect();
                let _ = reply.send(explained);
            }
        }
    }

    /// A full reading on every server, unless one is under way: then that one, and once more on servers that have failed.
    fn order(&mut self, looker: mpsc::Sender<Progress>) {
        if let Some(running) = &mut self.run {
            running.lookers.push(looker);
            let order = Order { run: running.run, started: running.started };
            for (name, server) in &self.servers {
                // Whoever asks may have mended what it failed at; without an order it may rest for minutes.
                let failed = matches!(self.reading.servers.get(name), Some(Err(_))) && !running.waiting.contains(name);
                if failed && server.order(order) {
                    running.waiting.insert(name.clone());
                }
            }
            return;
        }
        self.runs += 1;
        let (run, started) = (self.runs, (self.now)());
        let mut waiting = BTreeSet::new();
        for (name, server) in &self.servers {
            if server.order(Order { run, started }) {
                waiting.insert(name.clone());
            }
        }
        self.run = Some(Running { run, started, waiting, began: Instant::now(), lookers: vec![looker] });
        if self.servers.is_empty() {
            self.touch(Touched::All);
        }
    }

    fn want(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        let old = self.asked.borrow().clone();
        let roster = if old.wanted.asked == wanted.asked {
            old.roster
        } else {
            let asked = wanted.asked.as_ref();
            for server in self.readings() {
                server.users.retain(|name, _| asked.contains(name));
            }
            self.reading.asked = asked.clone();
            Arc::new(Roster::new(asked, self.reading.domain.clone()))
        };
        self.asked.send_replace(Asked { wanted, roster });
        self.touch(Touched::All);
    }

    fn readings(&mut self) -> impl Iterator<Item = &mut ServerReading> {
        let asleep = self.servers.values_mut().filter_map(|server| server.asleep.as_mut());
        self.reading.servers.values_mut().filter_map(|server| server.as_mut().ok()).chain(asleep)
    }

    /// When the last full reading began: of all servers that have one. If none has, when one was last asked for.
    fn began(&mut self) {
        let oldest = self.servers.values().filter_map(|server| server.started).min();
        let ordered = self.run.as_ref().map(|running| running.started);
        self.reading.started = oldest.or(ordered).unwrap_or(self.reading.started).max(self.reading.started);
    }

    /// A server is through with a reading that was asked for, or has failed meanwhile.
    fn ended(&mut self, name: &DirectoryServerName, run: Option<Run>, entries: u64, result: Result<(), String>) {
        let Some(running) = &mut self.run else { return };
        if run.is_some_and(|run| run != running.run) || !running.waiting.remove(name) {
            return;
        }
        let (server, elapsed) = (name.clone(), running.began.elapsed());
        let progress = Progress { server, stage: Stage::Ended(result), entries, elapsed };
        self.tell(&progress);
    }

    fn tell(&mut self, progress: &Progress) {
        let Some(running) = &mut self.run else { return };
        running.lookers.retain(|looker| !looker.is_closed());
        for looker in &running.lookers {
            // The last word of a server always has a place; of the others some may be missed.
            if matches!(progress.stage, Stage::Ended(_)) || looker.capacity() > self.servers.len() {
                let _ = looker.try_send(progress.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
