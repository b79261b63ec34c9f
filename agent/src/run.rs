//! Puts the parts together and runs them until the agent is told to stop.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::apply::Acts;
use crate::apply::programs::Supervisors;
use crate::certificate::{self, CertificateError};
use crate::config::AgentConfig;
use crate::journal::{Journal, JournalError};
use crate::machine::{Machine, ThisMachine};
use crate::probe::{self, Prober};
use crate::session::{self, Agent, Tls};

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nothing can be written to its journal any more.
    #[error(
        "{0}; the agent ends, for nothing can be journaled before it is started again: mend the disk, and have the service \
         manager start it; what runs goes on and is found again"
    )]
    GivenUp(String),
    /// Its state directory.
    #[error("cannot make the state directory {}: {source}; correct `state` in the configuration", directory.display())]
    State {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something inside it ended that must not.
    #[error("inside the agent: {0}")]
    Inside(#[from] std::io::Error),
}

/// Runs the agent until `stop` becomes true. Programs of acts that are under way then go on, and are found again by the
/// next start. `program` is this program's own executable.
///
/// # Errors
/// When the agent cannot start, or its journal cannot be written any more. Other failures are logged, reported, and tried
/// again.
pub async fn run(config: AgentConfig, program: PathBuf, stop: watch::Receiver<bool>) -> Result<(), RunError> {
    certificate::load(&config.agent, &config.coordinator)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.state)
        .map_err(|source| RunError::State { directory: config.state.clone(), source })?;
    let journal = Arc::new(Journal::open(&config.state)?);
    let (interval, intervals) = watch::channel(config.report_interval);
    let (tick, ticks) = watch::channel(0);
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let start = |host| {
        let prober = Prober::new(host, config.report_interval, &config.state);
        probe::start(prober, Arc::clone(&machine), intervals.clone(), tick.clone(), stop.clone())
    };
    let probes: BTreeMap<_, _> = config.hosts.values().map(|host| (host.name.clone(), start(host))).collect();
    let probes = Arc::new(probes);
    let programs = Arc::new(Supervisors::new(config.state.clone(), program, Arc::clone(&machine)));
    let acts = Acts::new(Arc::clone(&journal), programs, Arc::clone(&machine), Arc::clone(&probes));
    acts.recover()?;
    let transport = Arc::new(Tls {
        agent: config.agent.clone(),
        coordinator: config.coordinator.clone(),
        machine: Arc::clone(&machine),
    });
    let kept = Arc::clone(&journal);
    let reminds = certificate::remind(config.coordinator.certificate.clone(), Arc::clone(&machine));
    let agent = Agent { config: Arc::new(config), journal, acts, probes, ticks, interval, transport, machine };
    tokio::select! {
        biased;
        () = session::run(agent, stop) => Ok(()),
        why = kept.given_up() => Err(RunError::GivenUp(why)),
        never = reminds => match never {},
    }
}
