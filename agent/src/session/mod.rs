//! The stream to the coordinator: connects, says hello, and talks until it breaks; then again, with jittered backoff.
//!
//! [`connect`] opens the stream and accepts the coordinator's generation, [`talk`] carries reports out and acts in,
//! [`pending`] is the way of an offer up to its permit.

mod connect;
mod pending;
mod reports;
mod talk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::apply::Acts;
use crate::apply::permit::GenerationError;
use crate::certificate::CertificateError;
use crate::config::{AgentConfig, HostName};
use crate::journal::{Journal, JournalError};
use crate::machine::{Machine, fraction};
use crate::probe::Probed;
pub use connect::{Tls, Told, Transport};

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait: a coordinator that came back is found within this time.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What a session needs of the agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The configuration.
    pub config: Arc<AgentConfig>,
    /// The journal.
    pub journal: Arc<Journal>,
    /// The acts.
    pub acts: Acts,
    /// The probers of the hosts.
    pub probes: Arc<BTreeMap<HostName, Probed>>,
    /// Changes after each probe of any host.
    pub ticks: watch::Receiver<u64>,
    /// How often hosts are probed.
    pub interval: watch::Sender<Duration>,
    /// How the coordinator is reached.
    pub transport: Arc<dyn Transport>,
    /// The machine below.
    pub machine: Arc<dyn Machine>,
}

/// Why a session ended, or never began.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The agent's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The TLS files are there, but cannot be used together.
    #[error("the certificates or the address of the coordinator cannot be used: {0}")]
    Tls(String),
    /// The coordinator was not reached.
    #[error("cannot reach the coordinator at {address}: {text}")]
    Connect {
        /// Of the configuration.
        address: String,
        /// What the transport says.
        text: String,
    },
    /// The coordinator refused or broke the stream.
    #[error("the coordinator ended the session: {0}")]
    Status(String),
    /// It did not answer in time.
    #[error("the coordinator did not {what} within {time:?}")]
    Slow {
        /// What it should have done.
        what: &'static str,
        /// What it had.
        time: Duration,
    },
    /// It hung up on the hello.
    #[error(
        "the coordinator ended the session without a welcome: it is stopping, or does not take this agent; `sendgate hosts` \
         and its log say why"
    )]
    NoWelcome,
    /// It does not keep to the contract.
    #[error("the coordinator sent {0}; use a coordinator of this agent's version")]
    Contract(String),
    /// Its generation.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The agent's journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Something inside the agent.
    #[error("inside the agent: {0}")]
    Inside(#[from] std::io::Error),
}

impl SessionError {
    fn unknown_kind() -> Self {
        Self::Contract("a message of a kind that this agent does not know".to_owned())
    }
}

/// Keeps a session with the coordinator until `stop` becomes true.
pub async fn run(agent: Agent, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST_WAIT;
    loop {
        let session = async {
            let session = connect::open(&agent).await?;
            tracing::info!(coordinator = %agent.config.coordinator.address, "in session");
            wait = FIRST_WAIT;
            talk::talk(&agent, session).await
        };
        tokio::select! {
            biased;
            ended = session => {
                if let Err(error) = ended {
                    tracing::warn!(%error, "no session; trying again");
                }
            }
            _ = stop.wait_for(|stop| *stop) => return,
        }
        // Half of the wait at least: many agents come back at once after a coordinator's restart, but not in step.
        let jittered = wait.mul_f64((1.0 + fraction(agent.machine.as_ref())) / 2.0);
        wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        tokio::select! {
            biased;
            () = tokio::time::sleep(jittered) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
