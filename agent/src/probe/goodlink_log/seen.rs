//! What was read so far of a log, and whether it is still where it was.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::follow::{failed, open};
use super::mark::{Mark, Read};
use super::{Line, Lines, LogError, LogSyntax, Paused};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How much of the live file's beginning, and of what was read last, is compared to see that it is still the same file.
const COMPARED_BYTES: usize = 256;

/// An older part: which file it is, and how much it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
    pub(super) bytes: u64,
    /// Seconds since 1970.
    pub(super) written: i64,
}

impl Part {
    pub(super) fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self { path, device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), written: metadata.mtime() }
    }

    /// Whether all that it held is still there, whatever its name is by now. One that was written since may hold something
    /// else.
    pub(super) fn is_in(&self, parts: &[Self]) -> bool {
        let of = |part: &Self| (part.device, part.inode, part.bytes, part.written);
        parts.iter().any(|part| of(part) == of(self))
    }
}

/// What was read so far.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) paused: Paused,
    /// Whether lines are gone that pauses in `paused` were read from.
    pub(super) kept: bool,
    pub(super) older: Vec<Part>,
    device: u64,
    inode: u64,
    pub(super) offset: u64,
    head: Vec<u8>,
    /// What stands before `offset`.
    tail: Vec<u8>,
    lines: Lines,
    number: u64,
    pub(super) total: u64,
    pub(super) timed: bool,
    /// Of the last line of the live file that has a time, of those read just now.
    pub(super) last: Option<Timestamp>,
}

impl Seen {
    pub(super) fn new(paused: Paused, live: &Metadata) -> Self {
        Self {
            paused,
            kept: false,
            older: Vec::new(),
            device: live.dev(),
            inode: live.ino(),
            offset: 0,
            head: Vec::new(),
            tail: Vec::new(),
            lines: Lines::default(),
            number: 0,
            total: 0,
            timed: false,
            last: None,
        }
    }

    /// As far as a mark says. It is of no file that is there, so that everything is read anew.
    pub(super) fn recalled(mark: Mark, since: Option<Timestamp>, live: &Metadata) -> Self {
        let paused = Paused::recalled(since, &mark);
        let Read { offset, head, tail } = mark.live.unwrap_or_default();
        Self { kept: true, inode: 0, offset, head, tail, ..Self::new(paused, live) }
    }

    /// What an agent that is started anew is to know, where lines are gone.
    pub(super) fn mark(&self, since: Option<Timestamp>, live_is_gone: bool) -> Mark {
        let Self { offset, head, tail, .. } = self;
        let live = live_is_gone.then(|| Read { offset: *offset, head: head.clone(), tail: tail.clone() });
        Mark { log: None, since, latest: self.paused.latest(), paused: self.paused.iter().cloned().collect(), live }
    }

    /// Whether the live file is the one that was read, and the older parts are as they were.
    pub(super) fn is_of(&self, older: &[Part], live: &Metadata) -> bool {
        self.older == older && (self.device, self.inode) == (live.dev(), live.ino())
    }

    /// Whether what was read of the live file is in one of these older parts, which took its place or are a copy of it.
    /// Where no line of it counts there is nothing to be found.
    pub(super) fn is_among(&self, older: &[Part]) -> Result<bool, LogError> {
        if self.offset == 0 || !self.paused.counted() {
            return Ok(true);
        }
        for part in older {
            let mut file = open(&part.path)?;
            let metadata = file.metadata().map_err(failed(&part.path))?;
            if self.is_held_by(&metadata, &mut file).map_err(failed(&part.path))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file holds what was read of the live one: it begins in the same way, and where reading ended it says the
    /// same.
    pub(super) fn is_held_by(&self, metadata: &Metadata, file: &mut File) -> io::Result<bool> {
        if metadata.len() < self.offset {
            return Ok(false);
        }
        let before_end = self.offset.saturating_sub(u64::try_from(self.tail.len()).unwrap_or(u64::MAX));
        for (at, expected) in [(0, &self.head), (before_end, &self.tail)] {
            let mut found = vec![0; expected.len()];
            file.seek(SeekFrom::Start(at))?;
            match file.read_exact(&mut found) {
                Ok(()) if found == *expected => {}
                Ok(()) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(super) fn take(
        &mut self,
        syntax: &LogSyntax,
        path: &Path,
        from: &mut impl io::Read,
        live: bool,
    ) -> Result<(), LogError> {
        let Self { paused, lines, number, total, timed, last, head, tail, offset, .. } = self;
        let mut one = |line: &[u8]| {
            *number = number.saturating_add(1);
            *total = total.saturating_add(1);
            let line = syntax.read_bytes(line);
            *timed |= line != Line::Untimed;
            if live {
                *last = line.at().or(*last);
            }
            paused.take(line).map_err(|source| LogError::Line { file: path.to_owned(), number: *number, source })
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(path)(error)),
            };
            let bytes = &chunk[..count];
            if live {
                head.extend_from_slice(&bytes[..count.min(COMPARED_BYTES.saturating_sub(head.len()))]);
                tail.extend_from_slice(&bytes[count.saturating_sub(COMPARED_BYTES)..]);
                tail.drain(..tail.len().saturating_sub(COMPARED_BYTES));
                *offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
            lines.push(bytes, &mut one)?;
        }
        if !live {
            lines.finish(&mut one)?;
            self.number = 0;
        }
        Ok(())
    }
}
