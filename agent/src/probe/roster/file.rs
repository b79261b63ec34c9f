//! The roster's file from one probe to the next: one that is being written is not taken for a whole one, however well what
//! is there of it reads. So each new content has to have been seen unchanged for a while, the first one too: between two
//! looks a file may have been deleted and begun anew as well as been renamed over another.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{MAX_ROSTER_BYTES, Roster, RosterError};
use crate::clock::Steady;

/// How far ahead of this machine's clock it may have been written: no further than a line of GoodLink's log.
const AHEAD: SignedDuration = SignedDuration::from_mins(20);

/// A roster's file.
#[derive(Debug)]
pub(crate) struct RosterFile {
    path: PathBuf,
    /// For so long the file must not have changed.
    still: Duration,
    /// So long ago it may have been written.
    age: SignedDuration,
    seen: Option<Seen>,
}

/// The file when it was there last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    mark: Mark,
    /// When it was first seen as it is.
    since: Steady,
}

/// Which file it is, and what tells that it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    bytes: u64,
    written: (i64, i64),
    /// Of the inode: whoever sets the time of writing back changes this one.
    changed: (i64, i64),
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            bytes: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl RosterFile {
    /// Not looked at yet.
    pub(crate) fn new(path: PathBuf, still: Duration, age: SignedDuration) -> Self {
        Self { path, still, age, seen: None }
    }

    /// Reads the roster as it is now; `today` is the same time by this machine's clock.
    ///
    /// # Errors
    /// As [`Roster::parse`], and where the file cannot be read, is not whole, or is too old to be that of today, or of
    /// a time to come.
    pub(crate) fn read(&mut self, now: Steady, today: Timestamp) -> Result<Roster, RosterError> {
        let file = self.path.clone();
        let limit = self.age;
        let failed = |source| RosterError::Read { file: file.clone(), source };
        let not_whole = |what| RosterError::NotWhole { file: file.clone(), what };
        // Looked at before it is opened: a pipe would wait for its writer.
        let before = std::fs::metadata(&file);
        let before = before.map_err(failed)?;
        let since = self.looked_at(Mark::of(&before), now);
        if !before.is_file() || before.len() > MAX_ROSTER_BYTES {
            return Err(RosterError::NoRoster { file });
        }
        let written = before.modified().and_then(|at| Timestamp::try_from(at).map_err(std::io::Error::other));
        let written = written.map_err(failed)?;
        if today.duration_since(written) > limit {
            return Err(RosterError::Old { file, written, limit });
        }
        if written.duration_since(today) > AHEAD {
            return Err(RosterError::Ahead { file, written, now: today });
        }
        if now.since(since) < self.still {
            return Err(not_whole(
                "it may be being written, for it has not been seen unchanged for report_interval yet",
            ));
        }
        let mut open = File::open(&file).map_err(failed)?;
        let mut bytes = Vec::new();
        open.by_ref().take(MAX_ROSTER_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let after = open.metadata().map_err(failed)?;
        if bytes.len() as u64 != before.len() || Mark::of(&after) != Mark::of(&before) {
            return Err(not_whole("it changed while it was read"));
        }
        // One that ends within a line, or within a field, has more to come.
        if bytes.last().is_some_and(|last| *last != b'\n') {
            return Err(not_whole("its last line has no end"));
        }
        Roster::parse(&file, &bytes)
    }

    /// Since when the file is seen as it is. One that was away for a moment and is back as it was has not been written.
    fn looked_at(&mut self, mark: Mark, now: Steady) -> Steady {
        let known = self.seen.filter(|seen| seen.mark == mark);
        self.seen.insert(known.unwrap_or(Seen { mark, since: now })).since
    }
}

#[cfg(test)]
mod tests;
