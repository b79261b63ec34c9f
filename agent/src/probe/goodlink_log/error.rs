//! Why a log could not be read.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::LineError;
use super::follow::MAX_LOG_BYTES;

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refused it.
    #[error("cannot read the GoodLink log {}: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory, a pipe or the like.
    #[error("cannot read the GoodLink log {}: it is not a regular file", file.display())]
    NoFile {
        /// Which.
        file: PathBuf,
    },
    /// No line has a time.
    #[error(
        "{} is not a GoodLink log: none of its {lines} lines starts with a time as {format:?} reads it; name GoodLink's \
         log, or set time_pattern and time_format for it",
        file.display()
    )]
    NotALog {
        /// Which file.
        file: PathBuf,
        /// How many lines it has.
        lines: u64,
        /// The time format that was expected.
        format: String,
    },
    /// A line that matters and cannot be used.
    #[error("{}, line {number}: {source}; {}", file.display(), source.remedy())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        number: u64,
        /// What is wrong with it.
        source: LineError,
    },
    /// Its times are not of the zone that they are read in.
    #[error(
        "the last line of {} reads as of {line}, but the file was written at {written}: its times are of another zone, so \
         that pauses after the service's start would not count; set time_zone to the zone that GoodLink logs in, and keep \
         the file's own time where it is copied",
        file.display()
    )]
    Far {
        /// The live file.
        file: PathBuf,
        /// The time of its last line.
        line: Timestamp,
        /// When it was written.
        written: Timestamp,
    },
    /// A line of the future.
    #[error(
        "the last line of {} reads as of {line}, but it is {now}: set time_zone to the zone that GoodLink logs in, or \
         correct the clock of this host or of GoodLink's",
        file.display()
    )]
    Ahead {
        /// The live file.
        file: PathBuf,
        /// The time of its last line.
        line: Timestamp,
        /// By this machine's clock.
        now: Timestamp,
    },
    /// Which of its lines count is not known.
    #[error(
        "since when GoodLink's service runs has not been told since this agent was started, so which of the pauses in {} still \
         hold is not known either; see that the service runs, and that its status program prints \"state: running\" and \
         \"started: \" with the time",
        file.display()
    )]
    NoStart {
        /// The live file.
        file: PathBuf,
    },
    /// Nothing of it is from after the service's start.
    #[error(
        "nothing in {} or its older parts is from after the start of GoodLink's service at {started}, and the file was \
         written last at {written}: whom GoodLink pauses is not seen; name the log that this GoodLink writes",
        file.display()
    )]
    Silent {
        /// The live file.
        file: PathBuf,
        /// Of the service.
        started: Timestamp,
        /// The live file.
        written: Timestamp,
    },
    /// Lines of it that count are nowhere any more, and with them what was logged after they were read.
    #[error(
        "the GoodLink log {} does not begin any more as it did, and no older part does: it was cleared, or put away under a \
         name that rotated_pattern does not fit, and whom GoodLink has paused since its service's start is not known; set \
         rotated_pattern to fit that name and start this agent anew; where the lines are gone for good, only the next start \
         of GoodLink's service ends this",
        file.display()
    )]
    Gone {
        /// The live file.
        file: PathBuf,
    },
    /// That lines are gone cannot be written down, or what was written down cannot be read.
    #[error(
        "{} keeps what lines of the GoodLink log that are gone have said, and it cannot be used: {source}; mend the disk or \
         the permissions of that directory, or, once GoodLink's service has been started anew, remove that file",
        file.display()
    )]
    Mark {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// An older part that may hold lines since the service's start is packed.
    #[error(
        "{} may hold pauses since the service's start, but it is packed; rotate without packing, or leave it out with \
         rotated_pattern",
        file.display()
    )]
    Packed {
        /// Which file.
        file: PathBuf,
    },
    /// All parts together are too large.
    #[error(
        "the log {} has {bytes} bytes in all its parts since the service's start, more than the {MAX_LOG_BYTES} that \
         are read; restart the service's log, or leave parts out with rotated_pattern",
        file.display()
    )]
    Large {
        /// The live file.
        file: PathBuf,
        /// Of all parts.
        bytes: u64,
    },
}
