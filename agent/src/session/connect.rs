//! Opens a stream: mutual TLS, Hello, Welcome.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sendgate_proto::v1;
use sendgate_proto::v1::agents_client::AgentsClient;
use sendgate_proto::v1::from_agent::Kind as Out;
use sendgate_proto::v1::to_agent::Kind as In;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::talk::update;
use super::{Agent, SessionError};
use crate::apply::permit;
use crate::certificate;
use crate::config::{AgentName, Coordinator, HostName};
use crate::journal::{ActId, ActRecord, Generation, JournalError, Memory, Takeover};
use crate::machine::{Later, Machine, blocking};

/// How long a connection with TLS may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the coordinator may take to welcome an agent: it may be opening its journal.
const WELCOME: Duration = Duration::from_secs(30);
/// How often a quiet connection is tried, and how long the answer may take: a dead one is noticed within 20 s.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How many messages may wait to be sent; more would only grow old.
const QUEUE: usize = 64;
/// How rustls begins the text of an alert of the peer.
const TLS_ALERT: &str = "received fatal alert";
/// What such an alert means at this side of the handshake.
const REFUSED: &str = "; the coordinator refused this agent's certificate: it was not issued by the coordinator's CA, \
                       or has expired";

/// An open stream whose coordinator is accepted.
pub(super) struct Session {
    pub(super) out: mpsc::Sender<v1::FromAgent>,
    pub(super) inbound: Told,
    pub(super) generation: Generation,
    pub(super) heartbeat: Duration,
}

/// What the coordinator says.
pub type Told = Pin<Box<dyn Stream<Item = Result<v1::ToAgent, tonic::Status>> + Send>>;

/// How the coordinator is reached.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Opens a stream both ways; what waits in `said` already goes out first.
    ///
    /// # Errors
    /// When there is no stream.
    fn open(&self, said: mpsc::Receiver<v1::FromAgent>) -> Later<'_, Result<Told, SessionError>>;
}

/// gRPC over mutual TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who this agent is, as in its certificate.
    pub agent: AgentName,
    /// Where the coordinator is, and with which certificates.
    pub coordinator: Coordinator,
    /// Where files are read.
    pub machine: Arc<dyn Machine>,
}

impl Tls {
    async fn stream(&self, said: mpsc::Receiver<v1::FromAgent>) -> Result<Told, SessionError> {
        let at = &self.coordinator;
        let (name, coordinator) = (self.agent.clone(), at.clone());
        let identity = blocking(self.machine.as_ref(), move || certificate::load(&name, &coordinator)).await??;
        let tls = ClientTlsConfig::new()
            .domain_name(&at.tls_name)
            .ca_certificate(Certificate::from_pem(&identity.ca))
            .identity(Identity::from_pem(&identity.certificate, &identity.key))
            .timeout(CONNECT);
        let endpoint = Endpoint::from_shared(format!("https://{}", at.address))
            .and_then(|endpoint| endpoint.tls_config(tls))
            .map_err(|error| SessionError::Tls(chain(&error)))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let failed = |text| SessionError::Connect { address: at.address.clone(), text };
        let channel = tokio::time::timeout(CONNECT, endpoint.connect())
            .await
            .map_err(|_| failed(format!("no connection within {CONNECT:?}")))?
            .map_err(|error| failed(chain(&error)))?;
        let mut client = AgentsClient::new(channel);
        let opened = tokio::time::timeout(WELCOME, client.session(ReceiverStream::new(said)));
        Ok(Box::pin(opened.await.map_err(late)?.map_err(status)?.into_inner()))
    }
}

impl Transport for Tls {
    fn open(&self, said: mpsc::Receiver<v1::FromAgent>) -> Later<'_, Result<Told, SessionError>> {
        Box::pin(self.stream(said))
    }
}

fn late(_: tokio::time::error::Elapsed) -> SessionError {
    SessionError::Slow { what: "welcome the agent", time: WELCOME }
}

pub(super) async fn open(agent: &Agent) -> Result<Session, SessionError> {
    let (out, said) = mpsc::channel(QUEUE);
    let Known { memory, running, newest, identity } = known(agent).await?;
    let remembered = memory.map(|memory| memory.generation);
    let hello = v1::Hello {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        hosts: agent.config.hosts.keys().map(HostName::to_string).collect(),
        remembered: remembered.map(|it| v1::Generation { epoch: it.epoch, counter: it.counter, mark: it.mark }),
        running: running.iter().map(update).collect(),
        newest_act: newest.map(|id| id.to_string()).unwrap_or_default(),
        head: Some(memory.map_or(0, |memory| memory.head)),
        journal: identity,
    };
    // The queue is empty and open, so the first message fits.
    let first = out.try_send(v1::FromAgent { kind: Some(Out::Hello(hello)) });
    first.map_err(|error| SessionError::Inside(std::io::Error::other(error.to_string())))?;
    let mut inbound = agent.transport.open(said).await?;
    let first = tokio::time::timeout(WELCOME, inbound.next()).await.map_err(late)?.transpose().map_err(status)?;
    let welcome = match first.ok_or(SessionError::NoWelcome)?.kind {
        Some(In::Welcome(welcome)) => welcome,
        Some(_) => return Err(SessionError::Contract("another message before Welcome".to_owned())),
        None => return Err(SessionError::unknown_kind()),
    };
    let offered = permit::generation(welcome.generation.as_ref())?;
    let takeover = permit::accept(remembered, offered, welcome.takeover.as_ref())?;
    if welcome.heartbeat_ms == 0 {
        return Err(SessionError::Contract("a Welcome without heartbeat".to_owned()));
    }
    if let Some(Takeover { from, to, operator, reason }) = &takeover {
        tracing::warn!(%from, %to, %operator, %reason, "a takeover: another coordinator is obeyed from here on");
    }
    let journal = agent.journal.clone();
    blocking(agent.machine.as_ref(), move || journal.remember(offered, welcome.head, takeover.as_ref())).await??;
    tracing::debug!(head = welcome.head, "the coordinator's journal has gone so far");
    Ok(Session { out, inbound, generation: offered, heartbeat: Duration::from_millis(welcome.heartbeat_ms) })
}

/// What the coordinator must know of this agent before it may say anything.
struct Known {
    /// Whom it obeyed last and how far that one's journal had gone.
    memory: Option<Memory>,
    /// The acts that have not ended.
    running: Vec<ActRecord>,
    /// The newest act of that journal.
    newest: Option<ActId>,
    /// Which journal the agent keeps.
    identity: u64,
}

async fn known(agent: &Agent) -> Result<Known, SessionError> {
    let (journal, random) = (agent.journal.clone(), agent.machine.random());
    let read = move || {
        let memory = journal.remembered()?;
        let running = journal.acts()?.into_iter().filter(|act| !act.progress.is_final()).collect();
        let newest = memory.map(|memory| journal.newest(memory.generation.epoch)).transpose()?.flatten();
        Ok::<Known, JournalError>(Known { memory, running, newest, identity: journal.identity(|| random)? })
    };
    Ok(blocking(agent.machine.as_ref(), read).await??)
}

pub(super) fn status(status: tonic::Status) -> SessionError {
    // The status of a broken transport says only that; why, such as a refused certificate, stands in its causes.
    let cause = std::error::Error::source(&status).map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    let hint = if cause.contains(TLS_ALERT) { REFUSED } else { "" };
    SessionError::Status(format!("{}: {}{cause}{hint}", status.code(), status.message()))
}

/// An error with its causes: the outermost of a transport says only "transport error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}
