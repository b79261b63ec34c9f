//! The gRPC edge to the agents: one stream each, understood here and handed to the driver.

use crate::convert;
use crate::driver::{AgentMessage, Handle, Message, Opened};
use crate::identity::{Role, ends};
use crate::serve::{peer, peer_certificate};
use sendgate_core::estate::{CertificateHolder, RosterDigest};
use sendgate_core::ledger::Sequence;
use sendgate_core::names::{AgentName, HostName};
use sendgate_core::policy::Policy;
use sendgate_proto::v1::agents_server::Agents;
use sendgate_proto::v1::{FromAgent, RosterUpload, RosterWanted, ToAgent, Welcome, from_agent, to_agent};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

/// Messages to one agent that may wait; an agent that lets more pile up is dead.
const QUEUE: usize = 64;

/// An agent says hello within this time or the session ends.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// The loop takes what an agent says within this time or the session ends.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Roster users taken over one upload: more than any GoodLink server holds, and still bounded memory.
const ROSTER_LIMIT: usize = 1_000_000;

/// The service.
pub struct AgentService {
    policy: Arc<Policy>,
    driver: Handle,
}

impl AgentService {
    /// For the agents that the policy names.
    #[must_use]
    pub fn new(policy: Arc<Policy>, driver: Handle) -> Self {
        Self { policy, driver }
    }

    /// Opens a session with an agent whose identity is proved: what it says comes in by the stream, and what it is told
    /// goes out by the other.
    pub fn open<S>(&self, agent: AgentName, said: S) -> ReceiverStream<ToAgent>
    where
        S: Stream<Item = Result<FromAgent, Status>> + Send + Unpin + 'static,
    {
        let (queue, messages) = mpsc::channel(QUEUE);
        let session = Session { agent, policy: Arc::clone(&self.policy), driver: self.driver.clone(), queue };
        tokio::spawn(session.run(said));
        ReceiverStream::new(messages)
    }
}

#[tonic::async_trait]
impl Agents for AgentService {
    type SessionStream = Pin<Box<dyn Stream<Item = Result<ToAgent, Status>> + Send>>;

    async fn session(&self, request: Request<Streaming<FromAgent>>) -> Result<Response<Self::SessionStream>, Status> {
        let identity = peer(&request)?;
        let Role::Agent(agent) = identity.role else {
            return Err(Status::permission_denied(format!(
                "{identity} is no agent: agents' certificates carry sendgate:agent:NAME, as `sendgate pki issue --role agent` writes it"
            )));
        };
        if !self.policy.hosts.values().any(|known| *known == agent) {
            return Err(Status::permission_denied(format!(
                "no host of the configuration belongs to agent {agent}: add it to the coordinator's configuration"
            )));
        }
        let certificate = peer_certificate(&request).map_or_else(|| Err("it showed none".to_owned()), |der| ends(&der));
        // A loop that takes nothing ends the session soon enough: that much is asked of it there.
        let told = self.driver.send(Message::Certificate(CertificateHolder::Agent(agent.clone()), certificate));
        if tokio::time::timeout(TAKEN_WITHIN, told).await.is_err() {
            tracing::warn!(%agent, "the loop takes no messages: when the agent's certificate ends is not noted");
        }
        Ok(Response::new(Box::pin(self.open(agent, request.into_inner()).map(Ok))))
    }
}

struct Session {
    agent: AgentName,
    policy: Arc<Policy>,
    driver: Handle,
    queue: mpsc::Sender<ToAgent>,
}

impl Session {
    async fn run<S>(self, mut said: S)
    where
        S: Stream<Item = Result<FromAgent, Status>> + Send + Unpin + 'static,
    {
        let agent = self.agent.clone();
        let hello = tokio::time::timeout(HELLO_WITHIN, said.next()).await;
        let Ok(Some(Ok(FromAgent { kind: Some(from_agent::Kind::Hello(hello)) }))) = hello else {
            tracing::warn!(%agent, "the session did not begin with a hello");
            return;
        };
        let (reply, answer) = oneshot::channel();
        // The welcome must be the first message, so the driver gets the queue only once it is in it.
        let (relay, mut relayed) = mpsc::channel(QUEUE);
        let version = hello.agent_version.clone();
        let Some(hello) = self.understood(convert::hello(hello)) else { return };
        if self.say(AgentMessage::Connected(hello, relay, reply)).await.is_none() {
            return;
        }
        // To a stranger nothing is said: the driver has told everybody else.
        let Ok(Ok(Opened { number, generation, takeover, head })) = answer.await else { return };
        tracing::info!(%agent, version, %generation, "agent connected");
        let heartbeat = self.policy.freshness.heartbeat.as_millis();
        let welcome = Welcome {
            generation: Some(convert::generation(generation)),
            takeover: takeover.as_ref().map(convert::takeover),
            heartbeat_ms: u64::try_from(heartbeat).unwrap_or(u64::MAX),
            head: head.map_or(0, Sequence::get),
        };
        let mut uploads = Uploads::default();
        if self.queue.send(ToAgent { kind: Some(to_agent::Kind::Welcome(welcome)) }).await.is_ok() {
            loop {
                // What the driver says first: it is the one that ends sessions, and it says little.
                let taken = tokio::select! {
                    biased;
                    told = relayed.recv() => match told {
                        Some(message) => self.queue.send(message).await.ok(),
                        // The driver ended the session, or a newer one took its place.
                        None => None,
                    },
                    said = said.next() => match said {
                        Some(Ok(message)) => self.heard(message, &mut uploads).await,
                        None => None,
                        Some(Err(status)) => {
                            tracing::info!(%agent, %status, "session broke off");
                            None
                        }
                    },
                };
                if taken.is_none() {
                    break;
                }
            }
        }
        tracing::info!(%agent, "agent gone");
        self.tell(AgentMessage::Gone(number)).await;
    }

    /// None ends the session. What an agent has said meanwhile is old by the time the loop takes messages again: it is
    /// dropped with the session, and the agent says everything anew.
    async fn say(&self, message: AgentMessage) -> Option<()> {
        let Ok(said) = tokio::time::timeout(TAKEN_WITHIN, self.tell(message)).await else {
            let (agent, limit) = (&self.agent, TAKEN_WITHIN);
            tracing::warn!(%agent, ?limit, "the loop takes no messages: the session is ended, and begins anew");
            return None;
        };
        said
    }

    async fn tell(&self, message: AgentMessage) -> Option<()> {
        self.driver.send(Message::Agent(self.agent.clone(), message)).await.ok()
    }

    /// None ends the session.
    async fn heard(&self, message: FromAgent, uploads: &mut Uploads) -> Option<()> {
        match message.kind? {
            from_agent::Kind::Hello(_) => None,
            from_agent::Kind::Report(report) => {
                let host = self.understood(convert::host_name(&report.host))?;
                let ours =
                    self.policy.hosts.get(&host) == Some(&self.agent) && self.policy.goodlink_of(&host).is_some();
                let wanted = convert::roster_digest(&report).filter(|digest| ours && uploads.lacks(&host, *digest));
                let state = Box::new(convert::host_state(report, self.driver.now()));
                self.say(AgentMessage::Report(host.clone(), state)).await?;
                if wanted.is_some() {
                    let wanted = RosterWanted { host: host.to_string() };
                    self.queue.send(ToAgent { kind: Some(to_agent::Kind::RosterWanted(wanted)) }).await.ok()?;
                }
                Some(())
            }
            from_agent::Kind::Roster(upload) => {
                let host = self.understood(convert::host_name(&upload.host))?;
                let Some(goodlink) = self.policy.goodlink_of(&host).cloned() else {
                    tracing::warn!(agent = %self.agent, %host, "roster of a host that runs no configured GoodLink server");
                    return Some(());
                };
                if self.policy.hosts.get(&host) != Some(&self.agent) {
                    tracing::warn!(agent = %self.agent, %host, "roster of a host that belongs to another agent");
                    return Some(());
                }
                if let Some((claimed, users)) = uploads.part(&host, upload)? {
                    match convert::roster(&claimed, users) {
                        Ok(roster) => {
                            uploads.held.insert(host, roster.digest);
                            self.say(AgentMessage::Roster(goodlink, roster)).await?;
                        }
                        // The session goes on: the gate says what is wrong until a better roster comes.
                        Err(error) => self.say(AgentMessage::RosterFault(goodlink, error.to_string())).await?,
                    }
                }
                Some(())
            }
            from_agent::Kind::PermitRequest(request) => self.say(AgentMessage::PermitRequest(request)).await,
            from_agent::Kind::Act(update) => self.say(AgentMessage::Update(update)).await,
        }
    }

    fn understood<T>(&self, result: Result<T, convert::WireError>) -> Option<T> {
        result.inspect_err(|error| tracing::warn!(agent = %self.agent, %error, "the session is ended")).ok()
    }
}

/// Rosters that came over this session, and the one that is coming.
#[derive(Default)]
struct Uploads {
    held: BTreeMap<HostName, RosterDigest>,
    coming: BTreeMap<HostName, (Vec<u8>, Vec<sendgate_proto::v1::RosterUser>)>,
}

impl Uploads {
    /// Whether this roster must be asked for; asked again with each report until it is here.
    fn lacks(&self, host: &HostName, digest: RosterDigest) -> bool {
        self.held.get(host) != Some(&digest)
    }

    /// Takes a part; the whole roster with the last one. None: too large.
    #[allow(clippy::option_option, reason = "the outer none ends the session, the inner one waits for more parts")]
    fn part(
        &mut self,
        host: &HostName,
        upload: RosterUpload,
    ) -> Option<Option<(Vec<u8>, Vec<sendgate_proto::v1::RosterUser>)>> {
        let (claimed, users) = self.coming.entry(host.clone()).or_default();
        if *claimed != upload.sha256 {
            // The roster changed while it was on its way: the parts of the older one are void.
            users.clear();
            claimed.clone_from(&upload.sha256);
        }
        users.extend(upload.users);
        if users.len() > ROSTER_LIMIT {
            tracing::warn!(%host, limit = ROSTER_LIMIT, "roster too large");
            return None;
        }
        Some(if upload.last { self.coming.remove(host) } else { None })
    }
}
