//! What an agent that is started anew must still know of a log: that lines of it are gone, and who was paused by them. It
//! holds until a start of the service that is later than these lines, which ends all pauses. By their own times, for when
//! that was found the service's start may not have been known, or another one may have been taken for the last.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LogError, Pause};

/// The file of one log's mark, in the agent's state directory.
#[derive(Debug)]
pub(super) struct MarkFile {
    path: PathBuf,
    log: PathBuf,
    /// What is in it, as far as it was read or written by this process.
    known: Option<Mark>,
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Of which log it is, by its live file. A mark of an earlier release does not say so, and is of any.
    #[serde(default)]
    pub(super) log: Option<PathBuf>,
    /// The service's start after which the lines were logged, as far as it was known.
    pub(super) since: Option<Timestamp>,
    /// The latest time in the lines that were read. Where it is not known, as in a mark of an earlier release, they count
    /// after the start `since` alone.
    #[serde(default)]
    pub(super) latest: Option<Timestamp>,
    /// Who was paused when that was found.
    pub(super) paused: Vec<Pause>,
    /// Where the live file itself was found no more: what to look for in other parts.
    pub(super) live: Option<Read>,
}

/// What was read of a live file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Read {
    pub(super) offset: u64,
    pub(super) head: Vec<u8>,
    /// What stands before `offset`.
    pub(super) tail: Vec<u8>,
}

impl MarkFile {
    pub(super) fn new(path: PathBuf, log: PathBuf) -> Self {
        Self { path, log, known: None }
    }

    /// What was written down of this log. A mark of another one says nothing of it: the configuration has been corrected.
    pub(super) fn read(&mut self) -> Result<Option<Mark>, LogError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let mark: Mark = serde_json::from_slice(&text).map_err(|error| self.failed(error.into()))?;
        self.known = Some(mark).filter(|mark| mark.log.as_ref().is_none_or(|log| *log == self.log));
        Ok(self.known.clone())
    }

    /// Writes it down, so that it is on the disk before anybody acts on it; once.
    pub(super) fn write(&mut self, mark: Mark) -> Result<(), LogError> {
        let mut mark = Mark { log: Some(self.log.clone()), ..mark };
        if mark.latest.is_none() && mark.since.is_none() {
            // Without either the lines would count after any start: the one that they were read after is still that one.
            mark.since = self.known.as_ref().and_then(|known| known.since);
        }
        if self.known.as_ref() != Some(&mark) {
            self.replace(&mark).map_err(|error| self.failed(error))?;
            self.known = Some(mark);
        }
        Ok(())
    }

    fn replace(&self, mark: &Mark) -> io::Result<()> {
        let unfinished = self.path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(mark)?)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }

    fn failed(&self, source: io::Error) -> LogError {
        LogError::Mark { file: self.path.clone(), source }
    }
}
