//! What reaches the loop.

use crate::clock::Clock;
use crate::directory::survey::Survey;
use jiff::Timestamp;
use sendgate_core::coverage;
use sendgate_core::estate::{Answer, CertificateHolder, HostState, Roster};
use sendgate_core::gate::World;
use sendgate_core::ledger::{AgentJournal, Generation, Memory, Outcome, Request, Sequence, Stranger, Takeover};
use sendgate_core::names::{AgentName, DomainName, GoodLinkName, HostName, OperatorName};
use sendgate_core::plan::Plan;
use sendgate_core::request::Refused;
use sendgate_core::time::Steady;
use sendgate_proto::v1 as wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

type Look = Box<dyn FnOnce(World<'_>, &Plan) + Send>;
type Check = Box<dyn FnOnce(World<'_>) -> Result<Request, Refused> + Send>;

/// One thing that happened.
pub enum Message {
    /// From an agent's session.
    Agent(AgentName, AgentMessage),
    /// A certificate was seen, with when it ends.
    Certificate(CertificateHolder, Answer<Timestamp>),
    /// A survey has looked at its domain.
    Looked(Box<coverage::Look>),
    /// A full reading of a domain that was due has ended, and the look at it all came before this.
    Surveyed(DomainName),
    /// A grant ended, or its end was established.
    Granted(Sequence, Outcome),
    /// An entry is about to be written. The answer: until when it may be, or why not.
    MayWrite(Sequence, oneshot::Sender<Result<Steady, String>>),
    /// Somebody looks.
    Look(Look),
    /// Somebody asks for something.
    Request {
        /// Who.
        by: OperatorName,
        /// What, as the world is now.
        check: Check,
        /// The number in the journal, once it is there.
        reply: oneshot::Sender<Result<Sequence, Refused>>,
    },
}

impl Message {
    /// The host of a report: what such a message teaches is judged together with the next ones.
    pub(super) fn report_of(&self) -> Option<&HostName> {
        match self {
            Self::Agent(_, AgentMessage::Report(host, _)) => Some(host),
            _ => None,
        }
    }
}

/// What an agent says of itself first.
#[derive(Debug, Clone, Default)]
pub struct Hello {
    /// What it remembers of whom it obeyed last.
    pub memory: Memory,
    /// It understands how far the journal has gone. One of the last release ends its session over a message that it does
    /// not know.
    pub hears_heads: bool,
    /// Which journal it keeps; none: an agent of the last release, which does not say.
    pub journal: Option<AgentJournal>,
    /// Acts that have not ended.
    pub running: Vec<wire::ActUpdate>,
}

/// A session that an agent is welcomed to.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its number.
    pub number: u64,
    /// Whom the agent is to obey.
    pub generation: Generation,
    /// By which word, where it obeyed another one before.
    pub takeover: Option<Takeover>,
    /// How far the journal has gone.
    pub head: Option<Sequence>,
}

/// What an agent's session says.
pub enum AgentMessage {
    /// It opened; what the agent is told goes into the queue. The answer is the session, or why there is none.
    Connected(Hello, mpsc::Sender<wire::ToAgent>, oneshot::Sender<Result<Opened, Stranger>>),
    /// The session of this number ended.
    Gone(u64),
    /// A host reported; the report has the date of its arrival.
    Report(HostName, Box<HostState>),
    /// A roster arrived.
    Roster(GoodLinkName, Roster),
    /// A roster arrived that cannot be used.
    RosterFault(GoodLinkName, String),
    /// It is ready to act.
    PermitRequest(wire::PermitRequest),
    /// An act has come further.
    Update(wire::ActUpdate),
}

/// The loop has ended: the coordinator is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator is stopping")]
pub struct Stopped;

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It does not fit.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody is there to take it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The way into the loop.
#[derive(Clone)]
pub struct Handle {
    messages: mpsc::Sender<Message>,
    surveys: Arc<BTreeMap<DomainName, Survey>>,
    clock: Arc<Clock>,
}

impl Handle {
    pub(crate) fn new(
        messages: mpsc::Sender<Message>,
        surveys: Arc<BTreeMap<DomainName, Survey>>,
        clock: Arc<Clock>,
    ) -> Self {
        Self { messages, surveys, clock }
    }

    /// This moment, by the loop's clock: what is heard has its date before it waits for the loop.
    #[must_use]
    pub fn now(&self) -> Steady {
        self.clock.now().steady
    }

    /// The survey of a domain; none of a domain that is not watched.
    #[must_use]
    pub fn survey(&self, domain: &DomainName) -> Option<Survey> {
        self.surveys.get(domain).cloned()
    }

    /// Hands over a message; waits while the queue is full.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn send(&self, message: Message) -> Result<(), Stopped> {
        self.messages.send(message).await.map_err(|_| Stopped)
    }

    /// Computes something from the world and the plan as they are.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn look<T: Send + 'static>(
        &self,
        view: impl FnOnce(World<'_>, &Plan) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |world, plan| {
            // Whoever asked may be gone.
            let _ = reply.send(view(world, plan));
        });
        self.send(Message::Look(look)).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// Files a request; it is in the journal when this returns.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request(
        &self,
        by: OperatorName,
        check: impl FnOnce(World<'_>) -> Result<Request, Refused> + Send + 'static,
    ) -> Result<Sequence, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Request { by, check: Box::new(check), reply }).await?;
        Ok(answer.await.map_err(|_| Stopped)??)
    }
}
