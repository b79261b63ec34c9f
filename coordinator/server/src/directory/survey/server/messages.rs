//! What a domain's task and a server's say to one another.

use super::super::former::Former;
use super::super::progress::Progress;
use super::super::state::{Asked, Delta};
use sendgate_core::coverage::reading::ServerReading;
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::time::Steady;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What a server's task says.
#[derive(Debug)]
pub(in super::super) enum Update {
    /// Everything was read.
    Read {
        /// All of it.
        reading: Box<ServerReading>,
        /// When that began.
        started: Steady,
        /// The run that asked for it, if one did.
        run: Option<Run>,
        /// Users that the server returned.
        entries: u64,
        /// What it was answered where the look after it was answered otherwise.
        former: Former,
    },
    /// Everything was read, but the look after it was not through: only a further reading tells.
    ReadInPart {
        /// All of it.
        reading: Box<ServerReading>,
        /// When it began.
        started: Steady,
        /// As above.
        former: Former,
    },
    /// A look ended that began at `seen`.
    Looked {
        /// When it began.
        seen: Steady,
        /// What is not as it was.
        delta: Box<Delta>,
    },
    /// A look was not through: what it had read until then that is not as it was.
    LookedInPart(Box<Delta>),
    /// Only a full reading tells how things are: what looks have read of users all the same that is not as it was.
    Unclear(Box<Delta>),
    /// The server gives no evidence.
    Failed {
        /// Why.
        why: String,
        /// Whether what was read before counts again once the server is back.
        kept: bool,
    },
    /// A reading has come further.
    Progress(Progress),
}

/// The number of a reading that was asked for.
pub(in super::super) type Run = u64;

/// A full reading that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Order {
    pub(in super::super) run: Run,
    pub(in super::super) started: Steady,
}

/// What ties a server's task to its domain's.
pub(in super::super) struct Link {
    pub(in super::super) domain: DomainName,
    pub(in super::super) asked: watch::Receiver<Asked>,
    pub(in super::super) orders: mpsc::Receiver<Order>,
    pub(in super::super) updates: mpsc::Sender<(DirectoryServerName, Update)>,
    pub(in super::super) now: Arc<dyn Fn() -> Steady + Send + Sync>,
}
