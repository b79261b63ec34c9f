//! Reads a live log together with its rotated siblings.
//!
//! The usual case is that the live file has grown: only the new part is read. Anything else (a rotation, a truncated
//! file, an older part that changed, another start of the service, a new start of the agent) reads everything again
//! that can hold lines since the service's start. So there is no state to keep on disk and nothing to lose in between:
//! however many rotations there were, the answer is that of one reading of all parts, oldest first.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::{Line, Lines, LogError, LogSource, LogSyntax, Paused};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// The most that all parts may have together: reading it takes seconds. Beyond that the log is reported as unreadable,
/// rather than as a part of it.
pub(super) const MAX_LOG_BYTES: u64 = 1024 * 1024 * 1024;
/// How much older than the file the log's last line may be, and how far ahead of this machine's clock. Nearly all zones are
/// half an hour or more apart.
const FAR: SignedDuration = SignedDuration::from_mins(20);
/// So long after its start a service has written into its log.
const SPEAKS_WITHIN: SignedDuration = SignedDuration::from_mins(20);
/// For so long before the service's start an older part may have been written last and still hold lines of after it: where
/// a clock was set back. A packed one is not looked for there, because it would never be forgotten.
const SET_BACK: SignedDuration = SignedDuration::from_hours(2);
/// How much of the live file's beginning is compared, to see that it is still the same file.
const HEAD_BYTES: usize = 256;
/// Endings of files that a rotation has packed.
const PACKED: [&str; 5] = ["gz", "bz2", "xz", "zst", "zip"];

fn failed(file: &Path) -> impl FnOnce(io::Error) -> LogError {
    let file = file.to_owned();
    |source| LogError::Read { file, source }
}

/// An older part: which file it is, and how much it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    path: PathBuf,
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds since 1970.
    written: i64,
}

impl Part {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self { path, device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), written: metadata.mtime() }
    }
}

/// What was read so far of one log, kept from one poll to the next.
#[derive(Debug)]
pub struct Follower {
    source: LogSource,
    since: Option<Timestamp>,
    seen: Option<Seen>,
    /// Whether the time of the live file's last line could be right; kept until there is another line.
    zone: Zone,
    /// Whether the log was seen to be written since the service's start.
    speaks: bool,
}

#[derive(Clone, Copy, Debug)]
enum Zone {
    Right,
    Far { line: Timestamp, written: Timestamp },
    Ahead { line: Timestamp, now: Timestamp },
}

impl Zone {
    /// Of a line that was the last one when the file was written. The file may have been written before it, where a
    /// system tells that only once the file is closed.
    fn of(line: Timestamp, written: Timestamp, now: Timestamp) -> Self {
        if written.duration_since(line) > FAR {
            Self::Far { line, written }
        } else if line.duration_since(now) > FAR {
            Self::Ahead { line, now }
        } else {
            Self::Right
        }
    }
}

#[derive(Debug)]
struct Seen {
    paused: Paused,
    older: Vec<Part>,
    device: u64,
    inode: u64,
    offset: u64,
    head: Vec<u8>,
    lines: Lines,
    number: u64,
    total: u64,
    timed: bool,
    /// Of the last line of the live file that has a time, of those read just now.
    last: Option<Timestamp>,
}

impl Follower {
    /// Nothing read yet.
    pub fn new(source: LogSource) -> Self {
        Self { source, since: None, seen: None, zone: Zone::Right, speaks: false }
    }

    /// Who is paused now. `started` is the start of GoodLink's service; where it is not known (the service is stopped,
    /// or could not be asked) the last known one counts, and without any all lines do: rather too many than too few.
    /// `now` is the time by this machine's clock.
    ///
    /// # Errors
    /// When a part of the log cannot be read or understood; see [`LogError`]. Nothing is kept then.
    pub fn poll(&mut self, started: Option<Timestamp>, now: Timestamp) -> Result<&Paused, LogError> {
        let since = started.or(self.since);
        if since != self.since {
            self.since = since;
            (self.seen, self.speaks) = (None, false);
        }
        let seen = self.seen.take();
        let (mut seen, written) = self.read(seen)?;
        if seen.total > 0 && !seen.timed {
            return Err(LogError::NotALog {
                file: self.source.file.clone(),
                lines: seen.total,
                format: self.source.syntax.time_format().to_owned(),
            });
        }
        let last = seen.last.take();
        if let Some(line) = last {
            self.zone = Zone::of(line, written, now);
        }
        if let Some(started) = since {
            // A file that is open may show an old time, and a line that was read may be of another clock.
            let late = |at: Timestamp| started.duration_since(at) <= FAR;
            let older = seen.older.iter().any(|part| part.written.saturating_add(FAR.as_secs()) >= started.as_second());
            self.speaks |= late(written) || last.is_some_and(late) || older;
            if !self.speaks && now.duration_since(started) > SPEAKS_WITHIN {
                self.seen = Some(seen);
                return Err(LogError::Silent { file: self.source.file.clone(), started, written });
            }
        }
        let paused = &self.seen.insert(seen).paused;
        let file = || self.source.file.clone();
        match self.zone {
            Zone::Right => Ok(paused),
            Zone::Far { line, written } => Err(LogError::Far { file: file(), line, written }),
            Zone::Ahead { line, now } => Err(LogError::Ahead { file: file(), line, now }),
        }
    }

    /// Reads on, or everything anew; also when the live file was written.
    fn read(&self, seen: Option<Seen>) -> Result<(Seen, Timestamp), LogError> {
        let live = &self.source.file;
        // Opened first: whatever is renamed from now on, this very file is read to its end.
        let mut file = open(live)?;
        let metadata = file.metadata().map_err(failed(live))?;
        let written = metadata.modified().and_then(|at| Timestamp::try_from(at).map_err(io::Error::other));
        let written = written.map_err(failed(live))?;
        let older = self.older(&metadata)?;
        let mut seen = match seen {
            Some(seen) if seen.continues(&older, &metadata, &mut file).map_err(failed(live))? => seen,
            _ => self.everything(older, &metadata)?,
        };
        file.seek(SeekFrom::Start(seen.offset)).map_err(failed(live))?;
        // Not beyond the length that was seen: a writer faster than this reader must not hold it here.
        let mut part = file.take(metadata.len().saturating_sub(seen.offset));
        seen.take(&self.source.syntax, live, &mut part, true)?;
        Ok((seen, written))
    }

    fn everything(&self, older: Vec<Part>, live: &Metadata) -> Result<Seen, LogError> {
        let bytes = older.iter().map(|part| part.bytes).fold(live.len(), u64::saturating_add);
        if bytes > MAX_LOG_BYTES {
            return Err(LogError::Large { file: self.source.file.clone(), bytes });
        }
        let mut seen = Seen::new(Paused::since(self.since), live);
        for part in &older {
            let file = open(&part.path)?;
            // A file that took this name since the listing is another part: the next poll sees that and reads again.
            seen.take(&self.source.syntax, &part.path, &mut file.take(part.bytes), false)?;
        }
        seen.older = older;
        Ok(seen)
    }

    /// The older parts that can hold lines since the service's start, oldest first.
    fn older(&self, live: &Metadata) -> Result<Vec<Part>, LogError> {
        let directory = self.source.file.parent().unwrap_or(Path::new("/"));
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
            let entry = entry.map_err(failed(directory))?;
            let path = entry.path();
            if path == self.source.file
                || !entry.file_name().to_str().is_some_and(|name| self.source.rotated.is_match(name))
            {
                continue;
            }
            let metadata = match std::fs::metadata(&path) {
                Ok(metadata) => metadata,
                // Rotated on between listing and asking; the next poll sees it under its new name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(LogError::Read { file: path, source }),
            };
            let changed = (metadata.mtime(), metadata.mtime_nsec());
            let same_as_live = (metadata.dev(), metadata.ino()) == (live.dev(), live.ino());
            let before = |back: SignedDuration| {
                self.since.is_some_and(|since| changed.0.saturating_add(back.as_secs()) < since.as_second())
            };
            if !metadata.is_file() || same_as_live || before(SET_BACK) {
                continue;
            }
            if path.extension().and_then(|end| end.to_str()).is_some_and(|end| PACKED.contains(&end)) {
                if before(SignedDuration::ZERO) {
                    continue;
                }
                return Err(LogError::Packed { file: path });
            }
            parts.push((changed, Part::new(path, &metadata)));
        }
        // Of two files written at the same instant, log.2 is older than log.1.
        parts.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| right.path.cmp(&left.path)));
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }
}

fn open(path: &Path) -> Result<File, LogError> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed(path))?.is_file() {
        return Err(LogError::NoFile { file: path.to_owned() });
    }
    File::open(path).map_err(failed(path))
}

impl Seen {
    fn new(paused: Paused, live: &Metadata) -> Self {
        Self {
            paused,
            older: Vec::new(),
            device: live.dev(),
            inode: live.ino(),
            offset: 0,
            head: Vec::new(),
            lines: Lines::default(),
            number: 0,
            total: 0,
            timed: false,
            last: None,
        }
    }

    /// Whether the live file is the one that was read, only longer, and the older parts are as they were.
    fn continues(&self, older: &[Part], live: &Metadata, file: &mut File) -> io::Result<bool> {
        if self.older != older || (self.device, self.inode) != (live.dev(), live.ino()) || live.len() < self.offset {
            return Ok(false);
        }
        let mut head = vec![0; self.head.len()];
        file.seek(SeekFrom::Start(0))?;
        match file.read_exact(&mut head) {
            Ok(()) => Ok(head == self.head),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, syntax: &LogSyntax, path: &Path, from: &mut impl Read, live: bool) -> Result<(), LogError> {
        let Self { paused, lines, number, total, timed, last, head, offset, .. } = self;
        let mut one = |line: &str| {
            *number = number.saturating_add(1);
            *total = total.saturating_add(1);
            let line = syntax.read(line);
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
                head.extend_from_slice(&bytes[..count.min(HEAD_BYTES.saturating_sub(head.len()))]);
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

/// Reads one file to its end, without siblings: for a look by a person.
///
/// # Errors
/// As [`Follower::poll`]; a file without any line is no log here either.
pub fn read_file(syntax: &LogSyntax, path: &Path) -> Result<Paused, LogError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(failed(path))?;
    if metadata.len() > MAX_LOG_BYTES {
        return Err(LogError::Large { file: path.to_owned(), bytes: metadata.len() });
    }
    let mut seen = Seen::new(Paused::since(None), &metadata);
    seen.take(syntax, path, &mut file.take(MAX_LOG_BYTES), false)?;
    if !seen.timed {
        let format = syntax.time_format().to_owned();
        return Err(LogError::NotALog { file: path.to_owned(), lines: seen.total, format });
    }
    Ok(seen.paused)
}
