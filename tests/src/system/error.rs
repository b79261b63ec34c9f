//! What can go wrong with a system under test.

use crate::lab::LabError;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What can go wrong with a system under test.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// The laboratory.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A program of the workspace is not built.
    #[error(
        "{program} is not in {}; run `cargo build --workspace --bins` first, with the same target directory",
        places(looked)
    )]
    NotBuilt {
        /// Which.
        program: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The system refused something.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program ended badly.
    #[error("{command} ended with {code}: {complaint}")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit code, or why it has none.
        code: String,
        /// What it wrote.
        complaint: String,
    },
    /// Something else than expected was printed.
    #[error("{command} printed what is not expected ({problem}): {text}")]
    Unexpected {
        /// The command line.
        command: String,
        /// What is wrong.
        problem: String,
        /// What it printed.
        text: String,
    },
    /// What was waited for did not come.
    #[error("{what} did not happen within {} s; at last: {last}", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What was seen at last.
        last: String,
    },
    /// A process that should run does not, or the other way round.
    #[error("{process}: {problem}; its log is {}", log.display())]
    Process {
        /// Which.
        process: String,
        /// What is wrong.
        problem: String,
        /// Where its words are.
        log: PathBuf,
    },
}

impl SystemError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

fn places(looked: &[PathBuf]) -> String {
    looked.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(" nor in ")
}
