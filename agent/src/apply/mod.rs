//! Carries out acts, at most one at a time on a host and none twice (invariants 1, 5 and 9).
//!
//! 1. [`offer::prepare`] checks what the agent can see: the host, the role, the package's digest.
//! 2. [`permit::good_until`] says until when the permit counts on the agent's own clock.
//! 3. [`Acts::start`] writes down what the act is, journals it, then has its program started ([`programs`]) below a
//!    supervisor ([`supervisor`]).
//! 4. `watch` follows the supervisor by its files and journals what it finds; after a crash of the agent it starts
//!    again from the same files ([`Acts::recover`]). A program whose supervisor was killed is ended by `overdue`.

mod files;
pub mod offer;
mod overdue;
pub mod permit;
mod process;
pub mod programs;
pub mod supervisor;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch as channel;

use crate::clock::Steady;
use crate::config::HostName;
use crate::journal::{ActId, Begun, Journal, JournalError, Progress};
use crate::kill::{self, Point};
use crate::machine::{Machine, blocking};
use crate::probe::Probed;
use offer::Prepared;
use programs::Programs;
pub use watch::Look;

/// Between two attempts to write to a journal that fails.
const JOURNAL_AGAIN: Duration = Duration::from_millis(200);
/// So many attempts are made; then the agent ends, for another one may come to terms with the disk.
const JOURNAL_TRIES: u32 = 25;

/// The acts of one agent.
#[derive(Clone, Debug)]
pub struct Acts {
    journal: Arc<Journal>,
    programs: Arc<dyn Programs>,
    machine: Arc<dyn Machine>,
    probes: Arc<BTreeMap<HostName, Probed>>,
    changes: channel::Sender<u64>,
    /// When the last act of each host ended. Not journaled: what a new agent sees of its hosts is newer than what it did.
    ends: Arc<Mutex<BTreeMap<HostName, Steady>>>,
}

impl Acts {
    /// Those that `journal` remembers, and those to come.
    pub fn new(
        journal: Arc<Journal>,
        programs: Arc<dyn Programs>,
        machine: Arc<dyn Machine>,
        probes: Arc<BTreeMap<HostName, Probed>>,
    ) -> Self {
        Self { journal, programs, machine, probes, changes: channel::channel(0).0, ends: Arc::default() }
    }

    /// Changes whenever the journal has something new about an act.
    pub fn changes(&self) -> channel::Receiver<u64> {
        self.changes.subscribe()
    }

    /// When the last act on a host was seen to have ended, if one has since the agent was started.
    pub fn last_end(&self, host: &HostName) -> Option<Steady> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied()
    }

    /// Finds out how each act stands that had not ended when the agent did, and follows it from here. To be called once,
    /// before any act is started.
    ///
    /// # Errors
    /// When the journal fails.
    pub fn recover(&self) -> Result<(), JournalError> {
        for act in self.journal.acts()? {
            if !act.progress.is_final() {
                tracing::warn!(act = %act.id, host = %act.host, what = %act.what, "this act had not ended when the agent did");
                let followed = self.programs.find(&act.id);
                tokio::spawn(self.clone().watch(act.id, followed));
            }
        }
        Ok(())
    }

    /// Starts an act inside a permit that is good until `not_after`. What comes of it is in the journal; nothing is
    /// started that was ever begun or refused before, nor when the journal fails.
    pub async fn start(self, id: ActId, prepared: Prepared, not_after: Steady) {
        if let Err(error) = self.clone().try_start(&id, prepared, not_after).await {
            tracing::error!(act = %id, %error, "the act is not started");
        }
        self.changed();
    }

    async fn try_start(self, id: &ActId, prepared: Prepared, not_after: Steady) -> io::Result<()> {
        let (what, on) = (prepared.what.clone(), prepared.host.clone());
        let (journal, act) = (Arc::clone(&self.journal), id.clone());
        kill::at(Point::Permitted);
        // One that is known may be running: what is written down of it stays. A journal that fails says so again below.
        if let Ok(None) = self.journal.act(id)
            && let Err(error) = self.programs.write_down(id, &prepared, not_after).await
        {
            let detail = cannot_start(&error);
            self.journaled(id, move |journal, id| journal.not_begun(id, &on, &what, &detail).map(|_| ())).await;
            return Err(error);
        }
        kill::at(Point::BeforeEntry);
        let begun = blocking(self.machine.as_ref(), move || {
            let refuse = |why: &str| journal.refuse(&act, on.as_str(), &what, why).map(|_| false);
            match journal.begin(&act, &on, &what)? {
                Begun::New => Ok(true),
                Begun::Known(_) => Ok(false),
                Begun::Busy(other) => refuse(&format!("act {other} is under way on {on}")),
                Begun::Forgotten => refuse("this act is older than what the agent remembers"),
            }
        });
        match begun.await.and_then(|begun| begun.map_err(|error: JournalError| io::Error::other(error))) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let (what, on) = (prepared.what.clone(), prepared.host.clone());
                let detail = format!("it could not be journaled before its start: {error}");
                self.journaled(id, move |journal, id| journal.not_begun(id, &on, &what, &detail).map(|_| ())).await;
                return Err(error);
            }
        }
        kill::at(Point::AfterEntry);
        match self.programs.start(id, prepared, not_after).await {
            Ok(followed) => {
                tokio::spawn(self.watch(id.clone(), followed));
            }
            Err(error) => {
                // There is no supervisor, and none can come: nothing ever starts the program.
                let detail = cannot_start(&error);
                self.ended(id, Progress::Refused, detail).await;
            }
        }
        Ok(())
    }

    /// Journals with patience: what happened has happened, so a failing disk is tried again. It never returns without:
    /// where the journal is given up this process is about to end, and the next one finds out what happened.
    async fn journaled(
        &self,
        id: &ActId,
        write: impl Fn(&Journal, &ActId) -> Result<(), JournalError> + Send + Sync + 'static,
    ) {
        let write = Arc::new(write);
        let mut tries = 0;
        loop {
            if self.journal.is_given_up() {
                return std::future::pending().await;
            }
            tries += 1;
            let (journal, id_, write) = (Arc::clone(&self.journal), id.clone(), Arc::clone(&write));
            let attempt = move || match write(&journal, &id_) {
                // An attempt before this one has come as far as the store, and not to the disk.
                Err(JournalError::Change { .. }) if tries > 1 => journal.sync(),
                done => done,
            };
            let attempted = blocking(self.machine.as_ref(), attempt).await;
            match attempted.unwrap_or_else(|error| Err(self.journal.disk("changing an act", error))) {
                Ok(()) => return,
                Err(JournalError::Change { id, source }) => {
                    tracing::error!(act = %id, %source, "the journal says otherwise, and it counts");
                    return;
                }
                Err(error) => {
                    tracing::error!(act = %id, %error, "cannot be journaled");
                    if tries >= JOURNAL_TRIES {
                        self.journal.give_up(&error);
                    }
                }
            }
            tokio::time::sleep(JOURNAL_AGAIN).await;
        }
    }

    async fn advance(&self, id: &ActId, to: Progress, detail: String) {
        self.journaled(id, move |journal, id| journal.advance(id, to, &detail).map(|_| ())).await;
        self.changed();
    }

    /// Journals an outcome, and looks at the host at once.
    async fn ended(&self, id: &ActId, to: Progress, detail: String) {
        tracing::info!(act = %id, outcome = ?to, %detail, "an act has ended");
        kill::at(Point::EndSeen);
        let act = self.journal.act(id).ok().flatten();
        let on = act.and_then(|act| self.probes.iter().find(|(host, _)| act.is_on(host)));
        if let Some((host, _)) = on {
            // Before the end can be told: no report that follows it may have begun before it.
            let now = self.machine.now();
            self.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(host.clone(), now);
        }
        self.advance(id, to, detail).await;
        kill::at(Point::EndEntry);
        if let Some((_, probed)) = on {
            probed.probe_now();
        }
        let acts = self.clone();
        let pruned = blocking(self.machine.as_ref(), move || {
            acts.journal.prune()?.iter().for_each(|id| acts.programs.forget(id));
            Ok::<_, JournalError>(())
        });
        if let Ok(Err(error)) = pruned.await {
            tracing::error!(%error, "old acts cannot be forgotten");
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn cannot_start(error: &io::Error) -> String {
    format!("the act's supervisor cannot be started: {error}")
}

#[cfg(test)]
mod tests;
