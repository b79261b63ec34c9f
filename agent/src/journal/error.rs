//! Why the journal failed.

use super::record::{ActId, IllegalChange};
use std::path::PathBuf;

/// Why the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error(
        "the journal {} is in use by another process; stop the other sendgate-agent, or give this one a state directory \
         of its own",
        directory.display()
    )]
    Locked {
        /// The journal.
        directory: PathBuf,
    },
    /// Another version's form.
    #[error("the journal {} is of the form {found:?}, expected \"sendgate-agent 1\"; use the agent that wrote it", directory.display())]
    Schema {
        /// The journal.
        directory: PathBuf,
        /// What is there.
        found: String,
    },
    /// The store finds its files damaged.
    #[error(
        "the journal {} is damaged: {what}: {source}; do not remove the journal while an act may run, for without it an act \
         could be done twice; copy the directory, and if the copy holds a snap.* file of zero bytes, remove that file from \
         the copy and try with it; else keep the copy, and begin with an empty journal once nothing runs on this agent's hosts",
        directory.display()
    )]
    Damaged {
        /// The journal.
        directory: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the store says.
        source: sled::Error,
    },
    /// The store failed.
    #[error("the journal {}: {what}: {source}", directory.display())]
    Store {
        /// The journal.
        directory: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the store says.
        source: sled::Error,
    },
    /// The disk failed.
    #[error("the journal {}: {what}: {source}", directory.display())]
    Disk {
        /// The journal.
        directory: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A record cannot be read.
    #[error("the journal {}: the record {key} cannot be read: {source}; keep a copy of the journal and ask for help", directory.display())]
    Record {
        /// The journal.
        directory: PathBuf,
        /// Which record.
        key: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// An act that is not there.
    #[error("the journal {}: there is no act {id}", directory.display())]
    NoAct {
        /// The journal.
        directory: PathBuf,
        /// Which.
        id: ActId,
    },
    /// A change that no act can make.
    #[error("the journal: act {id}: {source}")]
    Change {
        /// Which.
        id: ActId,
        /// Which change.
        source: IllegalChange,
    },
}

impl JournalError {
    /// Of a store that failed.
    pub(super) fn of_store(directory: PathBuf, what: &'static str, source: sled::Error) -> Self {
        match source {
            sled::Error::Corruption { .. } => Self::Damaged { directory, what, source },
            source => Self::Store { directory, what, source },
        }
    }
}
