//! Simulated sessions: messages arrive late, twice where the protocol allows it, or not at all, and then the session is
//! broken. Within a session nothing overtakes anything, as on a connection. Nobody but the network, the agent or a newer
//! session ends one: that is judged here.

use super::Sim;
use super::estate::name;
use super::lives::Life;
use super::memory;
use super::restored::ActKey;
use sendgate_agent::machine::Later;
use sendgate_agent::session::{SessionError, Told, Transport};
use sendgate_coordinator::agents::AgentService;
use sendgate_proto::v1::{FromAgent, ToAgent, from_agent, to_agent};
use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

/// Messages on their way.
const QUEUE: usize = 64;

/// A message that takes longer may be the one for which a queue runs full.
const PROMPT: Duration = Duration::from_secs(1);

/// Tells that a connection breaks; with how long it takes until that side hears of it, where that is not left to chance.
type Cut = oneshot::Sender<Duration>;

/// The way between the coordinator and one agent.
#[derive(Debug)]
pub(super) struct Way {
    /// Who is told when the session breaks, the coordinator's side and the agent's, in this order: a channel that tells
    /// several picks one by chance of its own.
    open: Vec<(Cut, Cut)>,
    /// Nothing gets through until then.
    pub(super) closed: Duration,
    /// Messages take up to so long until then.
    pub(super) slow: (Duration, Duration),
    /// Counts the sessions that the coordinator was given.
    opened: u64,
}

/// All ways, by host.
pub(super) type Ways = BTreeMap<&'static str, Way>;

impl Way {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), closed: Duration::ZERO, slow: (Duration::ZERO, Duration::ZERO), opened: 0 }
    }

    /// Breaks the session that is open.
    pub(super) fn cut(&mut self) {
        self.open.clear();
    }

    /// Breaks the session that is open; the agent hears of it at once, and the coordinator only after so long.
    pub(super) fn cut_unheard(&mut self, long: Duration) {
        for (coordinator, agent) in self.open.drain(..) {
            // Whoever does not listen has ended.
            let _ = coordinator.send(long);
            let _ = agent.send(Duration::ZERO);
        }
    }

    fn opened(&mut self) -> (u64, oneshot::Receiver<Duration>, oneshot::Receiver<Duration>) {
        let ((up, coordinator), (down, agent)) = (oneshot::channel(), oneshot::channel());
        self.open.retain(|(up, down)| !up.is_closed() || !down.is_closed());
        self.open.push((up, down));
        self.opened += 1;
        (self.opened, coordinator, agent)
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
        if let Some((number, up, down)) = self.sim.ways(|ways| ways.get_mut(self.host).map(Way::opened)) {
            let journal = self.sim.world(|world| world.lost.count);
            let (left, crawled) = (AtomicBool::new(false), AtomicBool::new(false));
            let line = Arc::new(Line { number, service, journal, left, crawled });
            let pump = |cut| Pump { sim: Arc::clone(&self.sim), host: self.host, line: Arc::clone(&line), cut };
            tokio::spawn(pump(up).run(ReceiverStream::new(said), heard));
            tokio::spawn(pump(down).run(out, told));
            let (sim, host) = (Arc::clone(&self.sim), self.host);
            let takes = move |message: Result<ToAgent, Status>| {
                message.inspect(|message| memory::taken(&sim, host, &line, message))
            };
            return Ok(Box::pin(ReceiverStream::new(tells).map(takes)));
        }
        Ok(Box::pin(ReceiverStream::new(tells)))
    }
}

impl Transport for SimTransport {
    fn open(&self, said: mpsc::Receiver<FromAgent>) -> Later<'_, Result<Told, SessionError>> {
        Box::pin(self.stream(said))
    }
}

/// One session, as both pumps know it.
pub(super) struct Line {
    number: u64,
    service: Arc<AgentService>,
    /// How many journals had been lost when it began.
    pub(super) journal: u64,
    /// The agent has ended it.
    left: AtomicBool,
    /// Some message took long.
    crawled: AtomicBool,
}

impl Line {
    /// Whether the coordinator that it leads to is the one that lives.
    fn lives(&self, sim: &Sim) -> bool {
        sim.service().is_some_and(|service| Arc::ptr_eq(&service, &self.service))
    }

    /// The coordinator has ended a session that it had welcomed.
    fn ended(&self, sim: &Sim, host: &'static str) {
        let known = self.lives(sim);
        let newest = sim.ways(|ways| ways[host].opened == self.number);
        let [left, crawled] = [&self.left, &self.crawled].map(|flag| flag.load(Ordering::Relaxed));
        // After a takeover everybody comes again.
        let taken = sim.world(|world| world.lost.taken).is_some_and(|at| sim.now().saturating_sub(at) < PROMPT);
        if known && newest && !left && !crawled && !taken {
            sim.violated(format!("the coordinator ended the whole session {} of {host}", self.number));
        }
    }
}

/// A message of one direction.
trait Carried: Clone + Send + 'static {
    /// Whether it may be said twice.
    fn again(&self) -> bool;
    /// It leaves, or has arrived.
    fn passes(&self, _line: &Line, _sim: &Sim, _host: &'static str, _arrives: bool) {}
    /// Whoever sends has ended the stream.
    fn over(line: &Line, sim: &Sim, host: &'static str);
}

impl Carried for FromAgent {
    fn again(&self) -> bool {
        use from_agent::Kind;
        matches!(self.kind, Some(Kind::Act(_) | Kind::PermitRequest(_) | Kind::Report(_)))
    }

    fn passes(&self, line: &Line, sim: &Sim, host: &'static str, arrives: bool) {
        use from_agent::Kind;
        let now = sim.now();
        match &self.kind {
            Some(Kind::PermitRequest(request)) if !arrives => {
                let act = ActKey::new(&request.act_id, host);
                sim.world(|world| world.asked.extend(act.map(|act| (act, now))));
            }
            Some(Kind::Hello(_)) if arrives && line.lives(sim) => sim.world(|world| world.says_hello(now, host)),
            Some(Kind::Report(report)) if arrives => {
                let lives = line.lives(sim);
                sim.world(|world| {
                    world.arrived.insert(host, now);
                    if lives {
                        world.hears(now, host, report);
                    }
                });
            }
            Some(Kind::Roster(part)) if arrives && part.last && line.lives(sim) => {
                sim.world(|world| {
                    world.uploaded.insert(host, part.sha256.clone());
                    world.is_off_roster(now, host, &part.sha256);
                });
            }
            _ => {}
        }
    }

    fn over(line: &Line, _sim: &Sim, _host: &'static str) {
        line.left.store(true, Ordering::Relaxed);
    }
}

impl Carried for ToAgent {
    fn again(&self) -> bool {
        !matches!(self.kind, Some(to_agent::Kind::Welcome(_)) | None)
    }

    fn over(line: &Line, sim: &Sim, host: &'static str) {
        line.ended(sim, host);
    }
}

/// Carries messages one way.
struct Pump {
    sim: Arc<Sim>,
    host: &'static str,
    line: Arc<Line>,
    cut: oneshot::Receiver<Duration>,
}

impl Pump {
    async fn run<T: Carried>(
        mut self,
        mut from: impl Stream<Item = T> + Send + Unpin,
        to: mpsc::Sender<Result<T, Status>>,
    ) {
        let mut welcomed = false;
        loop {
            let message = tokio::select! {
                biased;
                heard = &mut self.cut => {
                    // One side may hear of it later than the other: until its keepalive fails.
                    let late = || self.sim.chance(|chance| chance.between(Duration::ZERO, Duration::from_secs(20)));
                    return broken(&to, heard.unwrap_or_else(|_| late())).await;
                }
                message = from.next() => match message {
                    Some(message) => message,
                    None => {
                        if welcomed {
                            T::over(&self.line, &self.sim, self.host);
                        }
                        return;
                    }
                },
            };
            let now = self.sim.now();
            let (slow, takes_long) = self.sim.ways(|ways| ways[self.host].slow);
            let (takes, twice) = self.sim.chance(|chance| {
                let most = if slow > now { takes_long } else { Duration::from_millis(40) };
                (chance.between(Duration::from_millis(1), most), chance.percent(4))
            });
            self.line.crawled.fetch_or(takes > PROMPT, Ordering::Relaxed);
            message.passes(&self.line, &self.sim, self.host, false);
            tokio::select! {
                biased;
                // What was on its way is lost.
                heard = &mut self.cut => return broken(&to, heard.unwrap_or_default()).await,
                () = tokio::time::sleep(takes) => {}
            }
            let copy = (twice && message.again()).then(|| message.clone());
            message.passes(&self.line, &self.sim, self.host, true);
            for message in [Some(message), copy].into_iter().flatten() {
                if to.send(Ok(message)).await.is_err() {
                    return;
                }
            }
            welcomed = true;
        }
    }
}

/// The other side hears that the connection broke.
async fn broken<T>(to: &mpsc::Sender<Result<T, Status>>, late: Duration) {
    tokio::time::sleep(late).await;
    // Whoever it was for may be gone.
    let _ = to.send(Err(Status::unavailable("the connection broke"))).await;
}
