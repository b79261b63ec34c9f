//! The coordinator's configuration, in two stages.
//!
//! 1. [`written`] is what stands in the TOML file: texts, as people write them; nothing unknown is let through;
//! 2. [`validate`] turns it into [`Configuration`]: the policy, the directory servers and the paths, in types. After
//!    that nothing is a raw string.
//!
//! All problems are reported at once, each with file, key, what is wrong and the remedy. What the start needs beside the
//! file itself `--check` asks of [`installed_problems`].

mod bind;
mod domain;
mod estate;
mod forest;
mod installed;
mod keytab;
mod problem;
mod secret_file;
mod server;
mod surroundings;
mod timing;
mod validate;
mod value;
mod written;

pub use installed::{InstalledError, problems as installed_problems};
pub use problem::{ConfigError, Problem};
pub use surroundings::Surroundings;

use crate::directory::DirectoryServer;
use sendgate_core::names::DomainName;
use sendgate_core::policy::Policy;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The largest configuration file, in bytes: an estate of thousands of hosts fits; what is larger is another file.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Everything that the coordinator is told.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// What decisions depend on.
    pub policy: Policy,
    /// How each domain's directory servers are spoken to; at least one in each domain, in the file's order.
    pub directory: BTreeMap<DomainName, Vec<DirectoryServer>>,
    /// Where agents and operators connect.
    pub listen: SocketAddr,
    /// What the coordinator keeps lies below it.
    pub state_directory: PathBuf,
    /// The coordinator's own certificate and the authority of its agents and operators.
    pub tls: TlsPaths,
    /// Which form the journal has.
    pub journal: JournalKind,
    /// How the log is written.
    pub log_format: LogFormat,
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPaths {
    /// The authority that issues agents' and operators' certificates.
    pub ca: PathBuf,
    /// The coordinator's certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Which form the journal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalKind {
    /// On disk, in the state directory.
    Sled,
    /// Forgotten when the process ends: in a laboratory only.
    Memory,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Reads and validates the configuration file. Relative paths in it start from the file's own directory.
///
/// `laboratory` is the command line's `--laboratory`: it allows waits below the minimum and the journal in memory.
///
/// # Errors
/// [`ConfigError`]: the file cannot be read, or every problem found in it.
pub fn load(file: &Path, laboratory: bool) -> Result<Configuration, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable { file: file.to_owned(), reason };
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_FILE {
        return Err(unreadable(format!("it is larger than {MAX_FILE} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    parse(file, &text, laboratory, &Surroundings::of_this_process())
}

/// Validates the text of a configuration file; `file` is named in messages and anchors relative paths.
///
/// # Errors
/// [`ConfigError::Invalid`] with every problem found.
pub fn parse(
    file: &Path,
    text: &str,
    laboratory: bool,
    surroundings: &Surroundings,
) -> Result<Configuration, ConfigError> {
    let base = file.parent().unwrap_or(Path::new(""));
    let invalid = |problems| ConfigError::Invalid { file: file.to_owned(), problems };
    // A file whose shape is wrong is not judged further: what is missing in it would be reported twice over.
    let written = written::read(text).map_err(invalid)?;
    validate::validate(&written, base, laboratory, surroundings).map_err(invalid)
}

#[cfg(test)]
mod tests;
