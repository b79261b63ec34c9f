//! Reads a live log together with its rotated siblings.
//!
//! The usual case is that the live file has grown: only the new part is read. Anything else (a rotation, an older part
//! that changed, another start of the service, a new start of the agent) reads everything again that can hold lines since
//! the service's start: however many rotations there were, the answer is that of one reading of all parts, oldest first. Only
//! that lines are gone is kept on disk, for the parts do not show it any more.
//!
//! Until the service's next start nobody is un-paused because lines are gone. An older part that is deleted leaves the
//! pauses that were read from it. Where the live file itself is found no more, neither grown nor as an older part, what was
//! logged since it was read last is lost as well, and whom GoodLink has paused is not known.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::mark::MarkFile;
use super::seen::{Part, Seen};
use super::{LogError, LogSource, LogSyntax, Paused};

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
/// Endings of files that a rotation has packed.
const PACKED: [&str; 5] = ["gz", "bz2", "xz", "zst", "zip"];

pub(super) fn failed(file: &Path) -> impl FnOnce(io::Error) -> LogError {
    let file = file.to_owned();
    |source| LogError::Read { file, source }
}

/// What was read so far of one log, kept from one poll to the next.
#[derive(Debug)]
pub struct Follower {
    source: LogSource,
    since: Option<Timestamp>,
    seen: Option<Seen>,
    mark: MarkFile,
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
    /// Of a line that was the last one when the file was written, by all that its time may mean: in the hour that a clock
    /// change repeats that is two times, and the zone is right where either is. What is wrong is told of the last one.
    fn of(readings: impl IntoIterator<Item = Timestamp>, written: Timestamp, now: Timestamp) -> Self {
        let mut zone = Self::Right;
        for line in readings {
            zone = Self::of_time(line, written, now);
            if matches!(zone, Self::Right) {
                break;
            }
        }
        zone
    }

    /// The file may have been written before the line, where a system tells that only once the file is closed.
    fn of_time(line: Timestamp, written: Timestamp, now: Timestamp) -> Self {
        if written.duration_since(line) > FAR {
            Self::Far { line, written }
        } else if line.duration_since(now) > FAR {
            Self::Ahead { line, now }
        } else {
            Self::Right
        }
    }
}

impl Follower {
    /// Nothing read yet. `mark` is the file in which it keeps that lines are gone, for one that is started after it.
    pub fn new(source: LogSource, mark: PathBuf) -> Self {
        let mark = MarkFile::new(mark, source.file.clone());
        Self { source, since: None, seen: None, mark, zone: Zone::Right, speaks: false }
    }

    /// Who is paused now. `started` is the start of GoodLink's service; where it is not known (the service is stopped,
    /// or could not be asked) the last known one counts. Without any it is not known who is: all lines together would be
    /// everybody whom GoodLink has ever paused. They are read all the same, so that it is seen when some go away. `now` is
    /// the time by this machine's clock.
    ///
    /// # Errors
    /// When a part of the log cannot be read or understood; see [`LogError`]. The next poll reads on from the last that was.
    pub fn poll(&mut self, started: Option<Timestamp>, now: Timestamp) -> Result<&Paused, LogError> {
        let since = started.or(self.since);
        if since != self.since {
            self.since = since;
            (self.seen, self.speaks) = (None, false);
        }
        let (mut seen, written) = self.read()?;
        if seen.total > 0 && !seen.timed {
            return Err(LogError::NotALog {
                file: self.source.file.clone(),
                lines: seen.total,
                format: self.source.syntax.time_format().to_owned(),
            });
        }
        let last = seen.last.take();
        if let Some(line) = last {
            self.zone = Zone::of(self.source.syntax.readings(line), written, now);
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
            Zone::Right if since.is_none() => Err(LogError::NoStart { file: file() }),
            Zone::Right => Ok(paused),
            Zone::Far { line, written } => Err(LogError::Far { file: file(), line, written }),
            Zone::Ahead { line, now } => Err(LogError::Ahead { file: file(), line, now }),
        }
    }

    /// Reads on, or everything anew; also when the live file was written.
    fn read(&mut self) -> Result<(Seen, Timestamp), LogError> {
        let live = &self.source.file;
        // Opened first: whatever is renamed from now on, this very file is read to its end.
        let mut file = open(live)?;
        let metadata = file.metadata().map_err(failed(live))?;
        let written = metadata.modified().and_then(|at| Timestamp::try_from(at).map_err(io::Error::other));
        let written = written.map_err(failed(live))?;
        let older = self.older(&metadata)?;
        let before = match self.seen.clone() {
            Some(seen) => Some(seen),
            None => self.mark.read()?.map(|mark| Seen::recalled(mark, self.since, &metadata)),
        };
        let grown = match &before {
            Some(seen) => seen.is_held_by(&metadata, &mut file).map_err(failed(live))?,
            None => false,
        };
        let (mut seen, kept) = match before {
            Some(seen) if grown && seen.is_of(&older, &metadata) => (seen, None),
            Some(before) => {
                if !grown && !before.is_among(&older)? {
                    self.mark.write(before.mark(self.since, true))?;
                    return Err(LogError::Gone { file: self.source.file.clone() });
                }
                let kept = before.kept || before.older.iter().any(|part| !part.is_in(&older));
                (self.everything(older, &metadata)?, kept.then_some(before.paused))
            }
            None => (self.everything(older, &metadata)?, None),
        };
        file.seek(SeekFrom::Start(seen.offset)).map_err(failed(live))?;
        // Not beyond the length that was seen: a writer faster than this reader must not hold it here.
        let mut part = file.take(metadata.len().saturating_sub(seen.offset));
        seen.take(&self.source.syntax, live, &mut part, true)?;
        if let Some(before) = kept {
            seen.paused.keep(before.iter().cloned());
            seen.kept = true;
        }
        if seen.kept {
            self.mark.write(seen.mark(self.since, false))?;
        }
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

pub(super) fn open(path: &Path) -> Result<File, LogError> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed(path))?.is_file() {
        return Err(LogError::NoFile { file: path.to_owned() });
    }
    File::open(path).map_err(failed(path))
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
