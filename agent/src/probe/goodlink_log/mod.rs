//! GoodLink's log: who is paused, why, since when.
//!
//! [`LogSyntax`] reads one line, [`fold`] makes the set of paused users of many, and [`follow`] reads the live file
//! together with its rotated siblings, again and again.

mod error;
mod fold;
mod follow;
mod lines;
mod mark;
mod seen;
mod syntax;

use std::path::{Path, PathBuf};

use regex::Regex;

pub use error::LogError;
pub use fold::{Cause, Hresult, Pause, Paused};
pub use follow::{Follower, read_file};
pub use lines::{Lines, MAX_LINE_BYTES};
pub use syntax::{Line, LineError, LogSyntax, SyntaxError, SyntaxText};

/// Where a log is, and how its lines read.
#[derive(Clone, Debug)]
pub struct LogSource {
    /// The live file.
    pub file: PathBuf,
    /// Which other files in its directory are older parts of the same log.
    pub rotated: Regex,
    /// How its lines read.
    pub syntax: LogSyntax,
}

impl LogSource {
    /// A log; without `rotated` its older parts are the files named as the live one with a dot and more behind it.
    ///
    /// # Errors
    /// When `rotated` is no regular expression, or the path names no file.
    pub fn new(file: PathBuf, rotated: Option<&str>, syntax: LogSyntax) -> Result<Self, SyntaxError> {
        let name = file_name(&file)?;
        let text = rotated.map_or_else(|| format!(r"^{}\.", regex::escape(name)), str::to_owned);
        let rotated = Regex::new(&text).map_err(|error| SyntaxError::Pattern {
            key: "rotated_pattern",
            text,
            error: error.to_string(),
        })?;
        Ok(Self { file, rotated, syntax })
    }
}

fn file_name(file: &Path) -> Result<&str, SyntaxError> {
    file.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| SyntaxError::NoFileName { path: file.display().to_string() })
}
