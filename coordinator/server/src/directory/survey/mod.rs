//! A domain's users on every directory server that counts: read in full when that is asked for, and from then on kept up
//! to date from what the servers say has changed.
//!
//! 1. [`Survey`] is the handle; [`Wanted`] says who is asked for;
//! 2. `domain` puts together what the servers say, has it judged and passes on the looks;
//! 3. `server` is one server's task: it stays connected, reads and looks;
//! 4. `full` reads everything: [`account`] the service accounts and their tokens, [`protection`] whom AdminSDHolder
//!    protects, [`lookup`], [`roster`] and [`answers`] the users, of whom each is found, not found, ambiguous or failed,
//!    [`containers`] the descriptors above them;
//!    `parts` divides everybody between several connections;
//! 5. `changes` looks at what has changed since, and reads again just what a change can touch.
//!
//! A server whose answer was cut at any step gives no evidence that somebody has a right: its result is a failure, never
//! half a reading. Whom a look that was not through showed to lack one did lack it, and that is passed on; so it is of a
//! full reading that was through where the look after it was not. One that was cut itself says nothing.

mod account;
mod answers;
mod changes;
mod containers;
mod descriptors;
mod domain;
mod everybody;
mod former;
mod full;
pub mod generated;
mod home;
mod kept;
mod lookup;
mod members;
mod parts;
mod place;
mod progress;
mod protection;
mod roster;
mod server;
mod state;
mod user;
mod wanted;

pub use everybody::EverybodyError;
pub use full::attributes;
pub use kept::Kept;
pub use lookup::EVERYBODY;
pub use progress::{Progress, Stage};
pub use wanted::Wanted;

use super::DirectoryServer;
use roster::Roster;
use sendgate_core::coverage::Look;
use sendgate_core::coverage::explain::Explanation;
use sendgate_core::coverage::reading::{DomainReading, ServerFailure};
use sendgate_core::coverage::report::Report;
use sendgate_core::names::{DirectoryName, DirectoryServerName, DomainName};
use sendgate_core::time::Steady;
use state::Asked;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Servers that are read at the same time by [`read`]: each reading holds up to four connections, each with up to a page
/// of entries.
const SERVERS_AT_ONCE: usize = 8;

/// Requests that may wait for a domain's task; then whoever asks waits.
const REQUESTS: usize = 16;

/// Steps of a reading that whoever looks on may be behind, besides the last word of each server.
const STEPS: usize = 64;

/// Takes in a look; false when nobody is there any more.
pub type Looks = Arc<dyn Fn(Look) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What time it is, on the clock that evidence is dated by.
pub type SteadyClock = Arc<dyn Fn() -> Steady + Send + Sync>;

/// The survey of one domain, which runs for as long as there is a handle on it.
#[derive(Debug, Clone)]
pub struct Survey {
    requests: mpsc::Sender<Request>,
    ground: Arc<Ground>,
}

/// What a survey was started with.
struct Ground {
    domain: DomainName,
    servers: Vec<DirectoryServer>,
    wanted: watch::Receiver<Arc<Wanted>>,
    now: SteadyClock,
    /// For reading everybody: each reader has every server work, and holds a copy of the domain.
    everybody: Semaphore,
}

/// How long whoever wants everybody waits for another one who is at it.
const TURN: Duration = Duration::from_secs(30);

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "survey of {} on {} servers", self.domain, self.servers.len())
    }
}

/// What is asked of whoever looks at a domain.
#[derive(Debug)]
pub enum Request {
    /// A full reading, and who looks on.
    Run(mpsc::Sender<Progress>),
    /// The chain behind some names.
    Explain(Vec<DirectoryName>, oneshot::Sender<Vec<Explanation>>),
}

/// The survey has ended: the coordinator is stopping, or something broke off inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the survey has ended: the coordinator is stopping, or its log says what broke off")]
pub struct SurveyStopped;

impl Survey {
    /// Starts to watch a domain: connects to its servers as soon as there is somebody to ask for.
    #[must_use]
    pub fn start(
        domain: DomainName,
        servers: Vec<DirectoryServer>,
        wanted: watch::Receiver<Arc<Wanted>>,
        looks: Looks,
        now: SteadyClock,
    ) -> Self {
        let (survey, received) = Self::of(domain.clone(), servers.clone(), wanted.clone(), now.clone());
        tokio::spawn(domain::Domain::start(domain, servers, wanted, received, looks, now).run());
        survey
    }

    /// A survey that is somebody else's: whoever holds the receiver looks at the domain, answers what is asked, and ends
    /// when nothing can be asked any more. No server stands behind [`Survey::everybody`].
    #[must_use]
    pub fn served(
        domain: DomainName,
        wanted: watch::Receiver<Arc<Wanted>>,
        now: SteadyClock,
    ) -> (Self, mpsc::Receiver<Request>) {
        Self::of(domain, Vec::new(), wanted, now)
    }

    fn of(
        domain: DomainName,
        servers: Vec<DirectoryServer>,
        wanted: watch::Receiver<Arc<Wanted>>,
        now: SteadyClock,
    ) -> (Self, mpsc::Receiver<Request>) {
        let (requests, received) = mpsc::channel(REQUESTS);
        let ground = Ground { domain, servers, wanted, now, everybody: Semaphore::new(1) };
        (Self { requests, ground: Arc::new(ground) }, received)
    }

    /// A full reading on every server, from now on; if one is under way, that one, in which servers that have failed are
    /// asked once more. The steps end when every server is through or has failed, and the look at it all has been passed on.
    ///
    /// # Errors
    /// [`SurveyStopped`].
    pub async fn run(&self) -> Result<mpsc::Receiver<Progress>, SurveyStopped> {
        let (sender, steps) = mpsc::channel(STEPS + 2 * self.ground.servers.len());
        self.requests.send(Request::Run(sender)).await.map_err(|_| SurveyStopped)?;
        Ok(steps)
    }

    /// As [`Survey::run`], for a person, who may have mended an account: servers that have refused it are asked at once.
    ///
    /// # Errors
    /// [`SurveyStopped`].
    pub async fn run_for_a_person(&self) -> Result<mpsc::Receiver<Progress>, SurveyStopped> {
        self.ground.servers.iter().for_each(|server| server.refusals.mended());
        self.run().await
    }

    /// What the servers say of these names, and how that leads to their verdicts.
    ///
    /// # Errors
    /// [`SurveyStopped`].
    pub async fn explain(&self, names: Vec<DirectoryName>) -> Result<Vec<Explanation>, SurveyStopped> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Explain(names, reply)).await.map_err(|_| SurveyStopped)?;
        answer.await.map_err(|_| SurveyStopped)
    }

    /// Everybody who has a mailbox, whether or not a roster names him: read once for this, and judged as the roster is. One
    /// such reading of a domain goes on at a time.
    ///
    /// # Errors
    /// [`EverybodyError`]. What goes wrong with a server is in the verdicts, as long as another one was read.
    pub async fn everybody(&self) -> Result<Report, EverybodyError> {
        self.everybody_within(TURN).await
    }

    async fn everybody_within(&self, patience: Duration) -> Result<Report, EverybodyError> {
        if self.requests.is_closed() {
            return Err(SurveyStopped.into());
        }
        let Ground { domain, servers, wanted, now, everybody } = self.ground.as_ref();
        let Ok(Ok(_turn)) = timeout(patience, everybody.acquire()).await else {
            return Err(EverybodyError::Busy { waited: patience });
        };
        let wanted = wanted.borrow().clone();
        everybody::read(domain.clone(), servers.clone(), wanted, now()).await
    }
}

/// One reading of a domain, for whoever does not want to go on watching it.
#[derive(Debug, Clone)]
pub struct SurveyRequest {
    /// The domain.
    pub domain: DomainName,
    /// Who is asked for.
    pub wanted: Arc<Wanted>,
    /// Every server that counts.
    pub servers: Vec<DirectoryServer>,
    /// When the survey begins.
    pub started: Steady,
}

/// Reads the domain on every server of the request. It takes as long as the slowest server, at most that server's
/// survey deadline for each [`SERVERS_AT_ONCE`] servers; what went wrong with a server is that server's result.
pub async fn read(request: SurveyRequest) -> DomainReading {
    let SurveyRequest { domain, wanted, servers, started } = request;
    let roster = Arc::new(Roster::new(&wanted.asked, domain.clone()));
    let turns = Arc::new(Semaphore::new(SERVERS_AT_ONCE));
    // Silence is the default: a task that ends without a word leaves its server's failure in place.
    let silent =
        |server: &DirectoryServer| ServerFailure(format!("reading {} broke off inside Sendgate", server.shown()));
    let mut readings: BTreeMap<_, _> =
        servers.iter().map(|server| (server.name.clone(), Err(silent(server)))).collect();
    let mut tasks = JoinSet::new();
    for server in servers.iter().cloned() {
        if servers.iter().filter(|other| other.name == server.name).count() > 1 {
            let why = twice(&server.name);
            readings.insert(server.name, Err(ServerFailure(why)));
            continue;
        }
        let asked = Asked { wanted: Arc::clone(&wanted), roster: Arc::clone(&roster) };
        let (domain, turns) = (domain.clone(), Arc::clone(&turns));
        tasks.spawn(async move {
            let name = server.name.clone();
            let turn = turns.acquire().await;
            let reading = if turn.is_ok() { Some(server::once(server, domain, asked, started).await) } else { None };
            (name, reading)
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((name, Some(reading))) => drop(readings.insert(name, reading.map_err(ServerFailure))),
            Ok((name, None)) => tracing::error!(server = %name, "survey got no turn"),
            Err(error) => tracing::error!(%error, "survey of a server broke off"),
        }
    }
    DomainReading { domain, started, asked: wanted.asked.as_ref().clone(), servers: readings }
}

fn twice(server: &DirectoryServerName) -> String {
    format!("directory server {server} is listed several times: list each name once")
}

#[cfg(test)]
mod tests;
