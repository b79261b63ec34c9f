//! Exit codes, and everything that can go wrong, in an operator's words.

use crate::connection::{ConnectError, FileError, RequestError};
use std::process::ExitCode;

/// What the exit code says. Usage errors are clap's and leave with 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; of `gate check`: the gate is open.
    Good,
    /// It could not be done; of `rollout lint`: nor could the file.
    Failed,
    /// The gate is closed.
    GateClosed,
    /// Whether the gate is open cannot be told.
    CannotTell,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::GateClosed => 3,
            Exit::CannotTell => 4,
        })
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection file, or a file that it names.
    #[error(transparent)]
    File(#[from] FileError),
    /// A rollout's file.
    #[error("the rollout's file {} cannot be read: {error}; name a TOML file, as docs/rollouts.md describes it", path.display())]
    RolloutFile {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The coordinator said no, or nothing.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The answer is none that this version knows.
    #[error(
        "the coordinator's answer for {view} cannot be read: {why}; command and coordinator may be of different versions \
         (--output json prints the answer as it came)"
    )]
    Answer {
        /// Which view.
        view: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The journal is not what was written.
    #[error(transparent)]
    Journal(#[from] crate::commands::verify::Broken),
    /// A batch of questions.
    #[error(transparent)]
    Rights(#[from] crate::commands::rights::RightsError),
    /// A directory server could not be read.
    #[error("{domain} was not read in full: {failed}; these servers give no evidence until they have been read")]
    Survey {
        /// The domain.
        domain: sendgate_core::names::DomainName,
        /// Each server with its reason.
        failed: String,
    },
    /// Keys and certificates.
    #[error(transparent)]
    Pki(#[from] crate::pki::PkiError),
    /// The output was closed, or the disk below it is full.
    #[error("the output could not be written: {0}")]
    Output(#[from] std::io::Error),
    /// The program's own threads.
    #[error("the command could not start its runtime: {0}")]
    Runtime(std::io::Error),
}
