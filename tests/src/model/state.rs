//! One state of the whole system. Times are milliseconds since the journal was made, as a clock that never stops counts
//! them; the coordinator's steady time is behind that by what was lost while its machine was down.

use super::sharing::{Common, Folded};
use super::truth::{Directory, Truth};
use sendgate_agent::journal::Progress;
use sendgate_core::coverage::Look;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Milliseconds since the journal was made.
pub type Millis = u64;

/// The whole system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Now.
    pub now: Millis,
    /// By how much the coordinator's steady time is behind.
    pub lost: Millis,
    /// What is really so.
    pub truth: Truth,
    /// The journal, folded: it outlives coordinators.
    pub ledger: Folded,
    /// The coordinator, while one runs.
    pub coordinator: Option<Common<Coordinator>>,
    /// One for each host.
    pub agents: [Common<Agent>; 4],
    /// What may still be done to this path.
    pub budget: Budget,
    /// What the oracle remembers.
    pub history: History,
}

/// A running coordinator. Its estate is not kept: it is folded anew from the last observation of each kind, which is all
/// that the fold itself keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coordinator {
    /// Which start of it.
    pub generation: u64,
    /// Agents whose session it holds for open.
    pub sessions: [bool; 4],
    /// Writes to the directory that it carries.
    pub writes: BTreeMap<u64, Write>,
    /// When the clock was journaled last, in its steady time.
    pub marked: Millis,
    /// GoodLink hosts whose roster was uploaded.
    pub rosters: [bool; 4],
    /// Each domain's last look.
    pub looked: [Option<Looked>; 2],
    /// What each host's last report said, and when.
    pub reported: [Option<(Millis, u8)>; 4],
}

/// A look that has arrived.
#[derive(Debug, Clone)]
pub struct Looked {
    /// What was judged, without its moments. Equal looks are one and the same.
    pub made: Arc<Look>,
    /// The number of that look.
    pub number: u64,
    /// When it was made.
    pub at: Millis,
    /// When the last full reading began.
    pub full: Millis,
    /// The truth then.
    pub directory: Directory,
    /// Users who were asked for, a bit each.
    pub users: u8,
    /// Whether accounts of the other domain were known.
    pub known: bool,
}

impl Looked {
    fn key(&self) -> (u64, Millis, Millis, Directory, u8, bool) {
        (self.number, self.at, self.full, self.directory, self.users, self.known)
    }
}

impl PartialEq for Looked {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Looked {}

impl Hash for Looked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// How far a write to the directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// About to be sent.
    Pending,
    /// What became of an earlier coordinator's write is about to be read.
    Establishing,
    /// Done: the entry is as wanted, and the write made it so.
    Done,
    /// The entry was as wanted already.
    Already,
    /// Nothing was written: the place is not as it was expected.
    Changed,
    /// Read after an interruption: the entry is as wanted.
    Found,
    /// Read after an interruption: it is not.
    NotFound,
}

/// An agent, its journal and the program that it started.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agent {
    /// Whether it runs.
    pub up: bool,
    /// The highest generation that it has accepted.
    pub remembered: u64,
    /// The generation of the coordinator that it has a session with.
    pub session: Option<u64>,
    /// An offer on its way to a permit.
    pub pending: Option<Pending>,
    /// Its journal's acts.
    pub acts: BTreeMap<u64, Act>,
    /// The act whose program runs, under a supervisor that outlives the agent.
    pub program: Option<u64>,
    /// A program's end that no agent has read yet: the act, and whether it ended well.
    pub left: Option<(u64, bool)>,
    /// Messages to it.
    pub inbox: Vec<ToAgent>,
    /// Messages from it.
    pub outbox: Vec<FromAgent>,
}

/// An offer on its way to a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Which intent.
    pub act: u64,
    /// Of which coordinator.
    pub generation: u64,
    /// When it asked; none while a request is due.
    pub asked: Option<Millis>,
}

/// An act in an agent's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// How far it is.
    pub progress: Progress,
    /// Whether the coordinator has its outcome.
    pub acknowledged: bool,
}

impl Hash for Act {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let progress = match self.progress {
            Progress::Starting => -1,
            Progress::Started => -2,
            Progress::Refused => -3,
            Progress::Unknown => -4,
            Progress::Finished { exit_code } => exit_code,
        };
        (progress, self.acknowledged).hash(state);
    }
}

/// To an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToAgent {
    /// An act is wanted.
    Offer {
        /// Which.
        act: u64,
    },
    /// It may begin.
    Permit {
        /// Which.
        act: u64,
        /// The request's moment, which stands for its nonce.
        nonce: Millis,
        /// Of which coordinator.
        generation: u64,
    },
    /// It may not.
    Refused {
        /// Which.
        act: u64,
        /// As of the request.
        nonce: Millis,
        /// Whether it may be asked for again.
        again: bool,
    },
    /// Its outcome is in the journal.
    Ack {
        /// Which.
        act: u64,
    },
    /// It is not wanted any more.
    Withdrawn {
        /// Which.
        act: u64,
    },
}

/// From an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FromAgent {
    /// May it begin?
    Ask {
        /// Which.
        act: u64,
        /// When it asks.
        nonce: Millis,
    },
    /// How it ended.
    Update {
        /// Which.
        act: u64,
        /// How.
        end: End,
    },
}

/// How an act ended, as an agent tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Exit code 0.
    Well,
    /// Another one.
    Badly,
    /// Never begun.
    Refused,
    /// Begun, and no more is known.
    Unknown,
}

/// What may still be done to a path: it makes paths finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Faults.
    pub faults: u8,
    /// Operators' acts.
    pub operators: u8,
}

/// What the oracle remembers, besides the hidden truth.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct History {
    /// An invariant that did not hold, and how.
    pub broken: Option<(u8, &'static str)>,
    /// Since when every look has shown the user's right on every server that it had an answer of; none while one of the
    /// last looks showed it missing somewhere.
    pub since: [Option<Millis>; 3],
    /// Whether he was ever seen without it.
    pub lacked: [bool; 3],
    /// Whether a full reading that began late enough after `since` has shown it again.
    pub proved: [bool; 3],
    /// Acts by intent.
    pub acts: Common<BTreeMap<u64, Deed>>,
    /// When the rollout was stopped, by a person or by itself; a trip until a person lets it go on.
    pub stopped: Option<Millis>,
    /// When the rollout was held, until it is released.
    pub paused: Option<Millis>,
    /// When everything was held, until it is released.
    pub held: Option<Millis>,
    /// When a person wanted the hotfix removed again.
    pub removing: Option<Millis>,
}

/// What an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The hotfix is installed.
    Install,
    /// It is removed.
    Remove,
    /// GoodLink is restarted.
    Restart,
}

/// What has happened to an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deed {
    /// On which host.
    pub host: usize,
    /// What it is.
    pub kind: Kind,
    /// Permits that were sent.
    pub permits: u8,
    /// When the last one was.
    pub permitted: Millis,
    /// Times that its program was started.
    pub starts: u8,
}

impl History {
    /// Since when nothing of the rollout may begin.
    #[must_use]
    pub fn still(&self) -> Option<Millis> {
        [self.stopped, self.paused, self.held].into_iter().flatten().min()
    }
}

impl State {
    /// Marks an invariant as broken; the first one counts.
    pub fn breaks(&mut self, invariant: u8, how: &'static str) {
        self.history.broken.get_or_insert((invariant, how));
    }
}
