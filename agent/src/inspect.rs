//! What the probes read from one file: for a person, and for scripts. The answer is JSON.

use std::path::Path;

use serde::Serialize;

use crate::config::{AgentConfig, ConfigError, HostName};
use crate::probe::goodlink_log::{Cause, LogError, LogSyntax, Pause, SyntaxError, SyntaxText, read_file};
use crate::probe::store_version::{self, ImageError};

/// What `inspect --store-exe` prints.
#[derive(Debug, Serialize)]
pub struct StoreAnswer {
    /// Such as `6.5.7638.1`.
    pub version: String,
    /// `x86`, `x64`, or the machine's number.
    pub machine: String,
    /// The file that was read.
    pub file: String,
}

/// What `inspect --log` prints.
#[derive(Debug, Serialize)]
pub struct LogAnswer {
    /// The paused users.
    pub paused: Vec<PausedAnswer>,
    /// The file that was read.
    pub file: String,
}

/// One paused user.
#[derive(Debug, Serialize)]
pub struct PausedAnswer {
    /// As GoodLink names the user.
    pub user: String,
    /// As logged.
    pub hresult: i32,
    /// `send-as` or `other`.
    pub cause: &'static str,
    /// RFC 3339.
    pub first: String,
    /// RFC 3339.
    pub last: String,
    /// Pause lines.
    pub count: u32,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The syntax without a configuration.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// More than one host has a log.
    #[error(
        "the configuration has {0} GoodLink hosts, and the log of none is this file; say with --host whose patterns to use"
    )]
    WhichHost(usize),
    /// No such host.
    #[error("the configuration has no GoodLink host {0}; it has {1}")]
    NoHost(HostName, String),
}

/// Reads an image.
///
/// # Errors
/// When it is none, or has no version.
pub fn store_exe(file: &Path) -> Result<StoreAnswer, InspectError> {
    let image = store_version::read(file)?;
    Ok(StoreAnswer { version: image.version.to_string(), machine: image.machine, file: file.display().to_string() })
}

/// Reads a log; every pause in it counts that no line ends, because the service's start is not asked for.
///
/// # Errors
/// When it is none, or the configuration cannot be used.
pub fn log(file: &Path, config: Option<&Path>, host: Option<&HostName>) -> Result<LogAnswer, InspectError> {
    let syntax = match config {
        None => LogSyntax::new(SyntaxText::default())?,
        Some(config) => configured(&AgentConfig::load(config)?, file, host)?,
    };
    let paused = read_file(&syntax, file)?;
    Ok(LogAnswer { paused: paused.iter().map(answer).collect(), file: file.display().to_string() })
}

fn configured(config: &AgentConfig, file: &Path, host: Option<&HostName>) -> Result<LogSyntax, InspectError> {
    let logs: Vec<_> =
        config.hosts.values().filter_map(|host| host.goodlink.as_ref().map(|role| (&host.name, &role.log))).collect();
    let found = match host {
        Some(host) => logs.iter().find(|(name, _)| *name == host),
        None if logs.len() == 1 => logs.first(),
        None => logs.iter().find(|(_, log)| log.file == file),
    };
    let names = || logs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    match (found, host) {
        (Some((_, log)), _) => Ok(log.syntax.clone()),
        (None, Some(host)) => Err(InspectError::NoHost(host.clone(), names())),
        (None, None) => Err(InspectError::WhichHost(logs.len())),
    }
}

fn answer(pause: &Pause) -> PausedAnswer {
    PausedAnswer {
        user: pause.user.clone(),
        hresult: pause.hresult.value(),
        cause: match pause.hresult.cause() {
            Cause::SendAs => "send-as",
            Cause::Other => "other",
        },
        first: pause.first.to_string(),
        last: pause.last.to_string(),
        count: pause.count,
    }
}
