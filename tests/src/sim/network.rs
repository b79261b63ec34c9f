//! Simulated sessions: messages arrive late, twice where the protocol allows it, or not at all, and then the session is
//! broken. Within a session nothing overtakes anything, as on a connection.

use super::Sim;
use super::estate::name;
use super::lives::Life;
use sendgate_agent::machine::Later;
use sendgate_agent::session::{SessionError, Told, Transport};
use sendgate_proto::v1::{FromAgent, ToAgent, from_agent, to_agent};
use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

/// Messages on their way.
const QUEUE: usize = 64;

/// The way between the coordinator and one agent.
#[derive(Debug)]
pub(super) struct Way {
    /// Who is told when the session breaks, in this order: a channel that tells several picks one by chance of its own.
    open: Vec<oneshot::Sender<()>>,
    /// Nothing gets through until then.
    pub(super) closed: Duration,
    /// Messages take long until then.
    pub(super) slow: Duration,
}

/// All ways, by host.
pub(super) type Ways = BTreeMap<&'static str, Way>;

impl Way {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), closed: Duration::ZERO, slow: Duration::ZERO }
    }

    /// Breaks the session that is open.
    pub(super) fn cut(&mut self) {
        self.open.clear();
    }

    fn opened(&mut self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.open.retain(|open| !open.is_closed());
        self.open.push(tell);
        told
    }
}

/// What an agent reaches the coordinator by.
pub(super) struct SimTransport {
    pub(super) sim: Arc<Sim>,
    pub(super) life: Arc<Life>,
    pub(super) host: &'static str,
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transport of {}", self.host)
    }
}

impl SimTransport {
    async fn stream(&self, said: mpsc::Receiver<FromAgent>) -> Result<Told, SessionError> {
        let pause = self.sim.chance(|chance| chance.between(Duration::from_millis(1), Duration::from_millis(60)));
        tokio::time::sleep(pause).await;
        if !self.life.lives() {
            pending::<()>().await;
        }
        let (now, service) = (self.sim.now(), self.sim.service());
        let closed = self.sim.ways(|ways| ways[self.host].closed);
        let Some(service) = service.filter(|_| closed <= now) else {
            let text = "nobody answers".to_owned();
            return Err(SessionError::Connect { address: "coordinator:1".to_owned(), text });
        };
        let ((heard, hears), (told, tells)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let out = service.open(name(self.host), ReceiverStream::new(hears));
        let cuts = self.sim.ways(|ways| ways.get_mut(self.host).map(|way| (way.opened(), way.opened())));
        if let Some((up, down)) = cuts {
            let pump = |cut| Pump { sim: Arc::clone(&self.sim), host: self.host, cut };
            tokio::spawn(pump(up).run(ReceiverStream::new(said), heard, again_from));
            tokio::spawn(pump(down).run(out, told, again_to));
        }
        Ok(Box::pin(ReceiverStream::new(tells)))
    }
}

impl Transport for SimTransport {
    fn open(&self, said: mpsc::Receiver<FromAgent>) -> Later<'_, Result<Told, SessionError>> {
        Box::pin(self.stream(said))
    }
}

/// Carries messages one way.
struct Pump {
    sim: Arc<Sim>,
    host: &'static str,
    cut: oneshot::Receiver<()>,
}

impl Pump {
    async fn run<T: Clone + Send + 'static>(
        mut self,
        mut from: impl Stream<Item = T> + Send + Unpin,
        to: mpsc::Sender<Result<T, Status>>,
        again: fn(&T) -> bool,
    ) {
        loop {
            let message = tokio::select! {
                biased;
                _ = &mut self.cut => None,
                message = from.next() => match message {
                    None => return,
                    Some(message) => Some(message),
                },
            };
            let Some(message) = message else {
                // One side may hear of it later than the other: until its keepalive fails.
                let late = self.sim.chance(|chance| chance.between(Duration::ZERO, Duration::from_secs(20)));
                tokio::time::sleep(late).await;
                // Whoever it was for may be gone.
                let _ = to.send(Err(Status::unavailable("the connection broke"))).await;
                return;
            };
            let now = self.sim.now();
            let slow = self.sim.ways(|ways| ways[self.host].slow > now);
            let (takes, twice) = self.sim.chance(|chance| {
                let most = if slow { Duration::from_secs(25) } else { Duration::from_millis(40) };
                (chance.between(Duration::from_millis(1), most), chance.percent(4))
            });
            tokio::select! {
                biased;
                // What was on its way is lost.
                _ = &mut self.cut => {
                    let _ = to.send(Err(Status::unavailable("the connection broke"))).await;
                    return;
                }
                () = tokio::time::sleep(takes) => {}
            }
            let copy = (twice && again(&message)).then(|| message.clone());
            for message in [Some(message), copy].into_iter().flatten() {
                if to.send(Ok(message)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What an agent may say twice.
fn again_from(message: &FromAgent) -> bool {
    use from_agent::Kind;
    matches!(message.kind, Some(Kind::Act(_) | Kind::PermitRequest(_) | Kind::Report(_)))
}

/// What an agent may be told twice.
fn again_to(message: &ToAgent) -> bool {
    use to_agent::Kind;
    !matches!(message.kind, Some(Kind::Welcome(_)) | None)
}
