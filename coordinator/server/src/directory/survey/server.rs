//! One directory server, kept up to date: connected, read in full when that is asked for, looked at each second and
//! whenever it says that something has changed.
//!
//! What goes wrong with it is that server's failure at once. It connects again with growing pauses, and with long ones
//! where the account is refused; after a short outage it goes on where it was, if the server's database is still the same,
//! else with a full reading.

mod ended;
mod messages;
mod once;
mod owned;

pub(super) use messages::{Link, Order, Run, Update};
pub(super) use once::once;

use super::super::backoff::Backoff;
use super::super::session::Session;
use super::super::{DirectoryError, DirectoryServer, connect, root};
use super::changes::{self, Looked};
use super::full;
use super::progress::Report;
use super::state::{Flowing, State};
use owned::Owned;
use sendgate_core::time::Readable;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinError;
use tokio::time::{Instant, MissedTickBehavior, timeout};

/// How often a server is asked whether anything has changed.
const POLL: Duration = Duration::from_secs(1);

/// After a notification, so that the changes that come with it are seen by the same look.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// An outage of more than this is followed by a full reading: nobody has looked for that long.
const LONG_OUTAGE: Duration = Duration::from_secs(600);

/// Pauses between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The domain's task has ended: nobody listens any more.
struct Over;

/// Why a connection ended.
enum End {
    Over,
    Failed { why: String, refused: bool },
}

impl End {
    fn failed(why: String) -> Self {
        Self::Failed { why, refused: false }
    }
}

impl From<DirectoryError> for End {
    fn from(error: DirectoryError) -> Self {
        Self::Failed { refused: error.refuses_the_account(), why: error.left_alone().to_string() }
    }
}

impl From<Over> for End {
    fn from(Over: Over) -> Self {
        Self::Over
    }
}

/// A reading under way.
struct Reading {
    task: Owned<Result<State, End>>,
    order: Option<Order>,
    report: Arc<Report>,
}

/// Waits for the end of a reading, if one is under way.
async fn through(reading: &mut Option<Reading>) -> Option<Result<Result<State, End>, JoinError>> {
    match reading {
        Some(reading) => Some((&mut reading.task).await),
        None => None,
    }
}

/// One server's task.
pub(super) struct Watcher {
    server: DirectoryServer,
    link: Link,
    /// What is known; kept over a short outage.
    state: Option<State>,
    /// While nothing is known: what was on its way when something was.
    flowing: Flowing,
    /// A full reading that is due, or under way.
    due: Option<Option<Order>>,
    /// When the server was last heard.
    heard: Instant,
    backoff: Backoff,
}

impl Watcher {
    /// For one server; `seed` keeps servers from trying again in step.
    pub(super) fn new(server: DirectoryServer, link: Link, seed: u64) -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, seed);
        Self { server, link, state: None, flowing: Flowing::new(), due: None, heard: Instant::now(), backoff }
    }

    /// Runs until the domain's task ends.
    pub(super) async fn run(mut self) {
        loop {
            // With nobody to ask for there is nothing to fail at.
            if self.link.asked.borrow().wanted.is_idle() && self.due.is_none() {
                tokio::select! {
                    changed = self.link.asked.changed() => if changed.is_err() { return },
                    order = self.link.orders.recv() => match order {
                        None => return,
                        Some(order) => self.due = Some(Some(order)),
                    },
                }
                continue;
            }
            let end = match connect::open(&self.server).await {
                Ok(session) => self.connected(Arc::new(session)).await,
                Err(error) => error.into(),
            };
            let End::Failed { why, refused } = end else { return };
            tracing::debug!(server = %self.server.name, why, "directory server gives no evidence");
            let kept = self.lost();
            if self.say(Update::Failed { why, kept }).await.is_err() {
                return;
            }
            let pause = self.pause(refused);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                order = self.link.orders.recv() => match order {
                    None => return,
                    Some(order) => self.due = Some(Some(order)),
                },
            }
        }
    }

    /// A connection has failed; whether what is known counts again once the server is back.
    fn lost(&mut self) -> bool {
        // A reading that was asked for and has failed leaves nothing to go back to.
        if self.due.is_some() || self.heard.elapsed() > LONG_OUTAGE {
            self.forget();
        }
        self.due = None;
        self.state.is_some()
    }

    /// How long to wait after a connection that has failed.
    fn pause(&mut self, refused: bool) -> Duration {
        let rest = self.server.refusals.rest().filter(|_| refused);
        rest.unwrap_or_else(|| self.backoff.failed())
    }

    /// What is known does not count any more; what is on its way is on its way all the same.
    fn forget(&mut self) {
        if let Some(state) = self.state.take() {
            self.flowing = state.flowing;
        }
    }

    /// What is on its way.
    fn flowing(&mut self) -> &mut Flowing {
        self.state.as_mut().map_or(&mut self.flowing, |state| &mut state.flowing)
    }

    async fn say(&self, update: Update) -> Result<(), Over> {
        self.link.updates.send((self.server.name.clone(), update)).await.map_err(|_| Over)
    }

    /// Uses one connection until it fails.
    async fn connected(&mut self, session: Arc<Session>) -> End {
        match self.live(&session).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn live(&mut self, session: &Arc<Session>) -> Result<std::convert::Infallible, End> {
        let here = root::read(session).await?;
        if let Some(state) = &self.state {
            let same = state.is_of(root::invocation(session, &here).await?, here.service.as_ref());
            if !same || here.highest_usn.is_none_or(|usn| usn < state.usn) {
                tracing::info!(server = %self.server.name, "not known as the database of before: it is read in full");
                self.forget();
            }
        }
        let head = root::serving(session, &here, &self.link.domain).await?;
        let hint = Arc::new(Notify::new());
        let mut watch = {
            let (session, hint) = (Arc::clone(session), Arc::clone(&hint));
            Owned(tokio::spawn(async move { session.watch(head.as_str(), || hint.notify_one()).await }))
        };
        let mut watching = true;
        let mut reading: Option<Reading> = None;
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.state.is_none() && self.due.is_none() {
            self.due = Some(None);
        }
        loop {
            if let (Some(order), None) = (self.due, &reading) {
                reading = Some(self.begin(session, order));
            }
            tokio::select! {
                order = self.link.orders.recv() => {
                    let order = order.ok_or(Over)?;
                    // One that is under way began too early to be the one that is asked for.
                    reading = None;
                    self.due = Some(Some(order));
                }
                Some(ended) = through(&mut reading) => {
                    if let Some(reading) = reading.take() {
                        self.through(session, ended, &reading).await?;
                    }
                    self.look(session, changes::ANSWER).await?;
                }
                changed = self.link.asked.changed() => {
                    changed.map_err(|_| Over)?;
                    self.want(session).await?;
                }
                ended = &mut watch, if watching => {
                    watching = false;
                    self.unwatched(ended);
                    self.look(session, self.patience(&reading)).await?;
                }
                () = hint.notified() => {
                    tokio::time::sleep(DEBOUNCE).await;
                    self.look(session, self.patience(&reading)).await?;
                }
                _ = poll.tick() => self.look(session, self.patience(&reading)).await?,
            }
        }
    }

    fn begin(&self, session: &Arc<Session>, order: Option<Order>) -> Reading {
        let started = order.map_or_else(|| (self.link.now)(), |order| order.started);
        let (session, domain, asked) =
            (Arc::clone(session), self.link.domain.clone(), self.link.asked.borrow().clone());
        let (name, updates) = (self.server.name.clone(), self.link.updates.clone());
        let report = Arc::new(Report::new(name.clone(), move |progress| {
            // Whoever looks on misses a step rather than that the reading waits.
            let _ = updates.try_send((name.clone(), Update::Progress(progress)));
        }));
        let told = Arc::clone(&report);
        let (limit, shown) = (self.server.timeouts.survey, self.server.shown());
        let task = async move {
            match timeout(limit, full::read(&session, &domain, asked, started, &told)).await {
                Ok(read) => Ok(read?),
                Err(_) => Err(End::failed(format!(
                    "reading the users on {shown} was not through after {}: the server is too slow, or the deadline too short",
                    Readable(limit)
                ))),
            }
        };
        Reading { task: Owned(tokio::spawn(task)), order, report }
    }

    /// How long the first answer of a look is waited for: on the connection of a reading it comes after a whole page.
    fn patience(&self, reading: &Option<Reading>) -> Duration {
        if reading.is_some() { self.server.timeouts.operation.max(changes::ANSWER) } else { changes::ANSWER }
    }

    /// Takes over what is wanted now. While a reading is due that is what is wanted of accounts, and the rest after that one.
    async fn want(&mut self, session: &Session) -> Result<(), End> {
        let asked = self.link.asked.borrow_and_update().clone();
        let Some(state) = &mut self.state else { return Ok(()) };
        let seen = state.seen;
        let taken_over = if self.due.is_some() {
            changes::want_accounts(state, session, &asked.wanted).await.map(|()| Looked::Known(state.delta()))
        } else {
            changes::want(state, session, asked).await
        };
        match taken_over {
            Ok(Looked::Known(delta)) => self.say(Update::Looked { seen, delta: Box::new(delta) }).await?,
            Ok(Looked::Unclear(why)) => self.unclear(why),
            Err(error) => {
                self.say_part().await?;
                self.forget();
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Looks at what has changed.
    async fn look(&mut self, session: &Session, patience: Duration) -> Result<(), End> {
        let Some(state) = &mut self.state else { return Ok(()) };
        // What is wanted may have changed while the server was read; a reading that is due will find that out.
        if self.due.is_none() && !Arc::ptr_eq(&state.asked.wanted, &self.link.asked.borrow().wanted) {
            Box::pin(self.want(session)).await?;
        }
        let Some(state) = &mut self.state else { return Ok(()) };
        let now = (self.link.now)();
        match changes::look(state, session, now, patience).await {
            Ok(Looked::Known(delta)) => {
                self.heard = Instant::now();
                self.backoff.succeeded();
                self.say(Update::Looked { seen: now, delta: Box::new(delta) }).await?;
            }
            Ok(Looked::Unclear(why)) => {
                let delta = Box::new(state.delta());
                self.say(Update::Unclear(delta)).await?;
                self.unclear(why);
            }
            Err(error) => {
                self.say_part().await?;
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// What a look had read that was not through: what it showed to be missing was missing, whatever the next one shows.
    async fn say_part(&mut self) -> Result<(), Over> {
        let Some(delta) = self.state.as_mut().map(State::delta).filter(|delta| !delta.is_empty()) else {
            return Ok(());
        };
        self.say(Update::LookedInPart(Box::new(delta))).await
    }

    /// A full reading is due.
    fn unclear(&mut self, why: &str) {
        if self.due.is_none() {
            tracing::info!(server = %self.server.name, why, "the server is read in full");
            self.due = Some(None);
        }
    }

    fn unwatched(&self, ended: Result<Result<(), DirectoryError>, JoinError>) {
        let why = match ended {
            Ok(Ok(())) => "it ended without a reason".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::info!(server = %self.server.name, why, "no change notifications: changes are found by asking each second");
    }
}

#[cfg(test)]
mod tests;
