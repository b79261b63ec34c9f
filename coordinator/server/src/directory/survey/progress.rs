//! How far a reading has come.

use sendgate_core::names::DirectoryServerName;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// One step of a reading on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The server.
    pub server: DirectoryServerName,
    /// What is being done there.
    pub stage: Stage,
    /// Users that it has returned so far.
    pub entries: u64,
    /// Since the reading of this server began.
    pub elapsed: Duration,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The server is waited for: it is not connected, or another reading is under way there.
    Connecting,
    /// The service accounts and their groups.
    Accounts,
    /// The groups that AdminSDHolder protects.
    Groups,
    /// The users.
    Users,
    /// The units above them, and AdminSDHolder.
    Containers,
    /// The server is through, or why it is not; its last step.
    Ended(Result<(), String>),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Accounts => "service accounts",
            Self::Groups => "protected groups",
            Self::Users => "users",
            Self::Containers => "units above the users",
            Self::Ended(Ok(())) => "done",
            Self::Ended(Err(why)) => return write!(f, "failed: {why}"),
        })
    }
}

/// How often a reading says how many entries there are.
const EVERY: Duration = Duration::from_millis(200);

/// Where a reading says how far it is.
pub(super) struct Report {
    server: DirectoryServerName,
    began: Instant,
    now: Mutex<Now>,
    tell: Box<dyn Fn(Progress) + Send + Sync>,
}

#[derive(Debug)]
struct Now {
    stage: Stage,
    entries: u64,
    told: Instant,
}

impl Report {
    /// The reading of a server begins; `tell` must not wait.
    pub(super) fn new(server: DirectoryServerName, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        let began = Instant::now();
        let now = Mutex::new(Now { stage: Stage::Connecting, entries: 0, told: began });
        Self { server, began, now, tell: Box::new(tell) }
    }

    /// Nobody wants to know.
    pub(super) fn nobody(server: DirectoryServerName) -> Self {
        Self::new(server, |_| ())
    }

    pub(super) fn stage(&self, stage: Stage) {
        let mut now = self.now();
        now.stage = stage;
        self.say(&mut now);
    }

    pub(super) fn entry(&self) {
        let mut now = self.now();
        now.entries += 1;
        // Not for each of them is the clock asked.
        if now.entries.is_multiple_of(64) && now.told.elapsed() >= EVERY {
            self.say(&mut now);
        }
    }

    /// Entries so far.
    pub(super) fn entries(&self) -> u64 {
        self.now().entries
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn say(&self, now: &mut Now) {
        now.told = Instant::now();
        let (stage, entries) = (now.stage.clone(), now.entries);
        let (server, elapsed) = (self.server.clone(), self.began.elapsed());
        (self.tell)(Progress { server, stage, entries, elapsed });
    }
}
