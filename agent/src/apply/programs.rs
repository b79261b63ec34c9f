//! Who starts an act's programs, and finds out what became of them: a supervisor for each act, which outlives the agent.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Child;

use super::files::{ActFiles, Spec};
use super::offer::Prepared;
use super::watch::{self, Look};
use crate::clock::{BootId, Steady};
use crate::journal::ActId;
use crate::kill::{self, Point};
use crate::machine::{Later, Machine, blocking};

/// How often the files of an act are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long an ended supervisor is waited for.
const COLLECT: Duration = Duration::from_secs(5);

/// Starts programs of acts.
pub trait Programs: Send + Sync + fmt::Debug {
    /// Writes down what an act is, before it is journaled: where that is gone later, somebody has removed it, and whether the
    /// act's programs run is not known. Nothing, where acts leave nothing to find them by.
    ///
    /// # Errors
    /// It cannot be written down; nothing was started.
    fn write_down<'a>(&'a self, id: &'a ActId, prepared: &'a Prepared, not_after: Steady) -> Later<'a, io::Result<()>> {
        let _ = (id, prepared, not_after);
        Box::pin(async { Ok(()) })
    }

    /// Starts those of an act that is written down and journaled, unless `not_after` has passed by then; they go on when the
    /// agent ends.
    ///
    /// # Errors
    /// Nothing was started, and nothing will be.
    fn start<'a>(
        &'a self,
        id: &'a ActId,
        prepared: Prepared,
        not_after: Steady,
    ) -> Later<'a, io::Result<Box<dyn Followed>>>;

    /// Finds an act again that an agent before this one began; an act that nobody has started is then never started.
    fn find(&self, id: &ActId) -> Box<dyn Followed>;

    /// An act that was forgotten: what is left of it may go.
    fn forget(&self, id: &ActId);
}

/// An act that is followed to its end.
pub trait Followed: Send {
    /// How it stands.
    ///
    /// # Errors
    /// When that cannot be found out now; it is tried again.
    fn look(&mut self) -> Later<'_, io::Result<Look>>;

    /// Until it is worth looking again.
    fn pause(&mut self) -> Later<'_, ()>;

    /// Its end is journaled.
    fn close(&mut self) -> Later<'_, ()>;
}

/// Runs acts below supervisors, which are this program's own executable, and follows them by their files.
#[derive(Clone, Debug)]
pub struct Supervisors {
    state: PathBuf,
    program: PathBuf,
    machine: Arc<dyn Machine>,
}

impl Supervisors {
    /// With the acts' files below `state`; `program` is the agent's own executable.
    pub fn new(state: PathBuf, program: PathBuf, machine: Arc<dyn Machine>) -> Self {
        Self { state, program, machine }
    }

    fn followed(&self, id: &ActId, supervisor: Option<Child>) -> Box<dyn Followed> {
        let files = ActFiles::new(&self.state, id);
        Box::new(ByFiles { files, supervisor, machine: Arc::clone(&self.machine) })
    }

    fn supervisor(&self, id: &ActId) -> io::Result<Child> {
        tokio::process::Command::new(&self.program)
            .arg("run-act")
            .arg(&self.state)
            .arg(id.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // It makes a session of its own, which the leader of a group could not. A signal to the agent's group that
            // reaches it before that finds nothing claimed and nothing started.
            .kill_on_drop(false)
            .spawn()
    }
}

impl Programs for Supervisors {
    fn write_down<'a>(&'a self, id: &'a ActId, prepared: &'a Prepared, not_after: Steady) -> Later<'a, io::Result<()>> {
        let Prepared { commands, package, .. } = prepared.clone();
        let files = ActFiles::new(&self.state, id);
        Box::pin(async move {
            blocking(self.machine.as_ref(), move || {
                let boot = BootId::present()?;
                files.create()?;
                files.write_spec(&Spec { commands, boot, not_after, package })
            })
            .await?
        })
    }

    fn start<'a>(&'a self, id: &'a ActId, _: Prepared, _: Steady) -> Later<'a, io::Result<Box<dyn Followed>>> {
        let marker = ActFiles::new(&self.state, id);
        Box::pin(async move {
            let error = match self.supervisor(id) {
                Ok(supervisor) => {
                    kill::at(Point::AfterSupervisor);
                    return Ok(self.followed(id, Some(supervisor)));
                }
                Err(error) => error,
            };
            // What fails may have come after the system had made the process: as after a crash, the marker decides.
            match blocking(self.machine.as_ref(), move || marker.claim(watch::RECOVERY))
                .await
                .and_then(|claimed| claimed)
            {
                Ok(true) => Err(error),
                Ok(false) => {
                    tracing::error!(act = %id, %error, "starting the supervisor failed, and it runs");
                    Ok(self.followed(id, None))
                }
                Err(unclaimed) => {
                    tracing::error!(act = %id, %error, %unclaimed, "whether the supervisor runs is not known yet");
                    Ok(self.followed(id, None))
                }
            }
        })
    }

    fn find(&self, id: &ActId) -> Box<dyn Followed> {
        self.followed(id, None)
    }

    fn forget(&self, id: &ActId) {
        // What is left over is only a directory that nothing reads any more.
        drop(ActFiles::new(&self.state, id).remove());
    }
}

/// An act whose supervisor writes down how it stands.
struct ByFiles {
    files: ActFiles,
    supervisor: Option<Child>,
    machine: Arc<dyn Machine>,
}

impl Followed for ByFiles {
    fn look(&mut self) -> Later<'_, io::Result<Look>> {
        // An ended supervisor is collected here, and none can come any more: then an unclaimed act never starts.
        let none_comes = match &mut self.supervisor {
            None => true,
            Some(child) => !matches!(child.try_wait(), Ok(None)),
        };
        let files = self.files.clone();
        Box::pin(async move {
            blocking(self.machine.as_ref(), move || watch::look_or_claim(&files, none_comes))
                .await
                .and_then(|look| look)
        })
    }

    fn pause(&mut self) -> Later<'_, ()> {
        Box::pin(tokio::time::sleep(LOOK_EVERY))
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async move {
            if let Some(child) = &mut self.supervisor {
                // It has written its outcome and is about to end; collecting it leaves no zombie.
                let _ = tokio::time::timeout(COLLECT, child.wait()).await;
            }
        })
    }
}
