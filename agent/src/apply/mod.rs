//! Carries out acts, at most one at a time on a host and none twice (invariants 1, 5 and 9).
//!
//! 1. [`offer::prepare`] checks what the agent can see: the host, the role, the package's digest.
//! 2. [`permit::good_until`] says until when the permit counts on the agent's own clock.
//! 3. [`Acts::start`] journals the act, then starts the supervisor of its program ([`supervisor`]).
//! 4. `watch` follows the supervisor by its files and journals what it finds; after a crash of the agent it starts
//!    again from the same files ([`Acts::recover`]).

mod files;
pub mod offer;
pub mod permit;
mod process;
pub mod supervisor;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::sync::watch as channel;

use crate::clock::{BootId, Steady};
use crate::config::HostName;
use crate::journal::{ActId, Begun, Journal, JournalError, Progress};
use crate::probe::Probed;
use files::{ActFiles, Spec};
use offer::Prepared;

/// The acts of one agent.
#[derive(Clone, Debug)]
pub struct Acts {
    journal: Arc<Journal>,
    state: PathBuf,
    program: PathBuf,
    probes: Arc<BTreeMap<HostName, Probed>>,
    changes: channel::Sender<u64>,
}

/// Runs what blocks on the disk away from the tasks that must not wait.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

impl Acts {
    /// `program` is the agent's own executable, which is the supervisor as well.
    pub fn new(
        journal: Arc<Journal>,
        state: PathBuf,
        program: PathBuf,
        probes: Arc<BTreeMap<HostName, Probed>>,
    ) -> Self {
        Self { journal, state, program, probes, changes: channel::channel(0).0 }
    }

    /// Changes whenever the journal has something new about an act.
    pub fn changes(&self) -> channel::Receiver<u64> {
        self.changes.subscribe()
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
                tokio::spawn(self.clone().watch(act.id, None));
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
        let Prepared { host, what, commands, package } = prepared;
        let (journal, act, on) = (Arc::clone(&self.journal), id.clone(), host.clone());
        let begun = blocking(move || {
            let refuse = |why: &str| journal.refuse(&act, on.as_str(), &what, why).map(|_| false);
            match journal.begin(&act, &on, &what)? {
                Begun::New => Ok(true),
                Begun::Known(_) => Ok(false),
                Begun::Busy(other) => refuse(&format!("act {other} is under way on {on}")),
                Begun::Forgotten => refuse("this act is older than what the agent remembers"),
            }
        });
        if !begun.await?.map_err(|error: JournalError| io::Error::other(error))? {
            return Ok(());
        }
        let files = ActFiles::new(&self.state, id);
        let writing = files.clone();
        let spec = blocking(move || {
            let boot = BootId::present()?;
            writing.create()?;
            writing.write_spec(&Spec { commands, boot, not_after, package })
        });
        let supervisor = match spec.await.and_then(|written| written) {
            Ok(()) => self.supervisor(id),
            Err(error) => Err(error),
        };
        match supervisor {
            Ok(child) => {
                if let Some(mark) = child.id().and_then(|pid| process::mark(pid).ok()) {
                    self.journaled(id, move |journal, id| journal.supervised(id, mark.clone()).map(|_| ())).await;
                }
                tokio::spawn(self.watch(id.clone(), Some(child)));
            }
            Err(error) => {
                // There is no supervisor, and without one nothing ever starts the program.
                let detail = format!("the act's supervisor cannot be started: {error}");
                self.ended(id, Progress::Refused, detail).await;
            }
        }
        Ok(())
    }

    fn supervisor(&self, id: &ActId) -> io::Result<tokio::process::Child> {
        tokio::process::Command::new(&self.program)
            .arg("run-act")
            .arg(&self.state)
            .arg(id.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // It makes a session of its own; until then a signal to the agent's group must not reach it.
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
    }

    /// Journals with patience: what happened has happened, so a failing disk is tried again until it does not fail.
    async fn journaled(
        &self,
        id: &ActId,
        write: impl Fn(&Journal, &ActId) -> Result<(), JournalError> + Send + Sync + 'static,
    ) {
        let write = Arc::new(write);
        loop {
            let (journal, id_, write) = (Arc::clone(&self.journal), id.clone(), Arc::clone(&write));
            match blocking(move || write(&journal, &id_)).await {
                Ok(Ok(())) => return,
                Ok(Err(JournalError::Change { id, source })) => {
                    tracing::error!(act = %id, %source, "the journal says otherwise, and it counts");
                    return;
                }
                Ok(Err(error)) => tracing::error!(act = %id, %error, "cannot be journaled; trying again"),
                Err(error) => tracing::error!(act = %id, %error, "cannot be journaled; trying again"),
            }
            tokio::time::sleep(watch::LOOK_EVERY).await;
        }
    }

    async fn advance(&self, id: &ActId, to: Progress, detail: String) {
        self.journaled(id, move |journal, id| journal.advance(id, to, &detail).map(|_| ())).await;
        self.changed();
    }

    /// Journals an outcome, and looks at the host at once.
    async fn ended(&self, id: &ActId, to: Progress, detail: String) {
        tracing::info!(act = %id, outcome = ?to, %detail, "an act has ended");
        self.advance(id, to, detail).await;
        let act = self.journal.act(id).ok().flatten();
        if let Some(probed) =
            act.and_then(|act| self.probes.iter().find(|(host, _)| act.is_on(host)).map(|(_, probed)| probed))
        {
            probed.probe_now();
        }
        let acts = self.clone();
        let pruned = blocking(move || {
            let forgotten = acts.journal.prune()?;
            // What is left over is only a directory that nothing reads any more.
            forgotten.iter().for_each(|id| drop(ActFiles::new(&acts.state, id).remove()));
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
