//! Brings the coordinator up: journal, clock, driver, and the one listener that agents and operators share.

mod incoming;

use crate::agents::AgentService;
use crate::clock::{Clock, ClockSource, Machine};
use crate::config::{Configuration, JournalKind};
use crate::control::ControlService;
use crate::driver::{self, Driver, Message, Parts, RecordError};
use crate::identity::Identity;
use crate::journal::memory::MemoryJournal;
use crate::journal::sled::{OpenError, SledJournal};
use crate::journal::{Journal, ReadError};
use crate::threads::Pool;
use crate::tls::{self, TlsError};
use sendgate_proto::v1::agents_server::AgentsServer;
use sendgate_proto::v1::control_server::ControlServer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::{Request, Status};

/// A peer that does not answer a ping within this time is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a quiet connection is pinged.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Why the coordinator does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The journal's chain is broken.
    #[error(transparent)]
    Chain(#[from] ReadError),
    /// The journal cannot be written or understood.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The certificates are not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken or not this machine's.
    #[error(
        "listening on {address} failed: {error}; is another coordinator running, or the address in coordinator.listen wrong?"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The listener ended.
    #[error("serving agents and operators ended: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// A task was lost.
    #[error("a task of the coordinator ended without an answer: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs until `stop` completes.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    configuration: Configuration,
    fresh_mark: u64,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let tls = tls::server(&configuration.tls, Machine.wall())?;
    let ends = tls::ends(&configuration.tls)?;
    let room = incoming::room();
    let journal: Arc<dyn Journal> = match configuration.journal {
        JournalKind::Sled => Arc::new(SledJournal::open(&configuration.state_directory.join("journal"))?),
        JournalKind::Memory => Arc::new(MemoryJournal::new()),
    };
    let verified = journal.verify()?;
    let ledger = driver::replay(journal.as_ref())?;
    let last = Clock::last_mark(&ledger, &Machine);
    let clock = Clock::resume(last.as_ref(), Box::new(Machine));
    let policy = Arc::new(configuration.policy);
    let grant_servers = configuration.directory.iter().filter_map(|(domain, servers)| {
        let wanted = &policy.domains.get(domain)?.grant_server;
        Some((domain.clone(), servers.iter().find(|server| server.name == *wanted)?.clone()))
    });
    let grant_servers = grant_servers.collect();
    let parts = Parts {
        policy: Arc::clone(&policy),
        directory: Arc::new(configuration.directory),
        journal: Arc::clone(&journal),
        threads: Arc::new(Pool),
        clock,
        ledger,
        fresh_mark,
    };
    let address = configuration.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address, error })?;
    let (driver, handle) = Driver::start(parts).await?;
    if policy.laboratory {
        tracing::warn!("LABORATORY: waits may be shortened; nothing that this coordinator opens is fit for production");
    }
    tracing::info!(%address, records = verified.records, "serving");
    let agents = AgentService::new(policy, handle.clone());
    let told = handle.clone();
    let control = ControlService::new(handle, journal).with_grant_servers(grant_servers);
    let mut running = tokio::spawn(driver.run());
    for (holder, ends) in ends {
        if told.send(Message::Certificate(holder, ends)).await.is_err() {
            // Without its loop the coordinator ends just below.
            break;
        }
    }
    let server = Server::builder()
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .tls_config(tls)?
        .add_service(AgentsServer::new(agents))
        .add_service(ControlServer::new(control))
        .serve_with_incoming(incoming::incoming(listener, room));
    tokio::select! {
        ended = server => Ok(ended?),
        // Without its loop the coordinator must not look alive.
        ended = &mut running => Ok(ended??),
        () = stop => {
            tracing::info!("stopping: what agents have begun they finish, and report to the next coordinator");
            running.abort();
            Ok(())
        }
    }
}

/// Who is at the other end of a request.
pub(crate) fn peer<T>(request: &Request<T>) -> Result<Identity, Status> {
    Identity::of_peer(peer_certificate(request).as_deref()).map_err(|error| Status::unauthenticated(error.to_string()))
}

/// The certificate that the other end showed, in DER form.
pub(crate) fn peer_certificate<T>(request: &Request<T>) -> Option<Vec<u8>> {
    Some(request.peer_certs()?.first()?.to_vec())
}
