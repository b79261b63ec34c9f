//! The roster's file from one probe to the next: one that is being written in place is not taken for a whole one, however
//! well what is there of it reads.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::{MAX_ROSTER_BYTES, Roster, RosterError};
use crate::clock::Steady;

/// A roster's file.
#[derive(Debug)]
pub(crate) struct RosterFile {
    path: PathBuf,
    /// For so long a file that is written in place must not have changed. One that is renamed over it is taken at once.
    still: Duration,
    seen: Option<Seen>,
}

/// What the last probe saw.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Of the file when it was there last.
    mark: Option<Mark>,
    /// Whether it was not there to be looked at.
    missing: bool,
    /// When it was first seen as it is, where it is not one that was renamed over another.
    in_place: Option<Steady>,
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
    pub(crate) fn new(path: PathBuf, still: Duration) -> Self {
        Self { path, still, seen: None }
    }

    /// Reads the roster as it is now.
    ///
    /// # Errors
    /// As [`Roster::parse`], and where the file cannot be read or is not whole.
    pub(crate) fn read(&mut self, now: Steady) -> Result<Roster, RosterError> {
        let file = self.path.clone();
        let failed = |source| RosterError::Read { file: file.clone(), source };
        let not_whole = |what| RosterError::NotWhole { file: file.clone(), what };
        // Looked at before it is opened: a pipe would wait for its writer.
        let before = std::fs::metadata(&file);
        let in_place = self.looked_at(before.as_ref().ok().map(Mark::of), now);
        let before = before.map_err(failed)?;
        if !before.is_file() || before.len() > MAX_ROSTER_BYTES {
            return Err(RosterError::NoRoster { file });
        }
        if in_place.is_some_and(|since| now.since(since) < self.still) {
            return Err(not_whole("it is being written, for it changed in place less than report_interval ago"));
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

    /// Since when the file is as it is, where it was written in place. Of the first one that is seen nothing is known.
    fn looked_at(&mut self, mark: Option<Mark>, now: Steady) -> Option<Steady> {
        let before = self.seen;
        let in_place = match (before, mark) {
            (None, _) => None,
            (Some(before), None) => before.in_place,
            (Some(before), Some(_)) if before.mark == mark => before.in_place,
            // Whoever renames a file over another leaves no time in which there is none.
            (Some(Seen { mark: Some(other), missing: false, .. }), Some(mark)) if other.file != mark.file => None,
            (Some(_), Some(_)) => Some(now),
        };
        let known = before.and_then(|before| before.mark);
        self.seen = Some(Seen { mark: mark.or(known), missing: mark.is_none(), in_place });
        in_place
    }
}

#[cfg(test)]
mod tests;
