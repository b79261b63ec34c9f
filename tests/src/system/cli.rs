//! The operator's command, as an operator runs it.

use super::{Layout, SystemError};
use crate::lab::{CLIENT, Lab};
use serde::de::DeserializeOwned;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

/// What a run of the command gave.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Itself, if the command ended well.
    ///
    /// # Errors
    /// [`SystemError::Failed`] with what it wrote to its standard error.
    pub fn good(self) -> Result<Self, SystemError> {
        match self.code {
            Some(0) => Ok(self),
            code => Err(SystemError::Failed {
                code: code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}")),
                complaint: self.stderr.trim().to_owned(),
                command: self.command,
            }),
        }
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// [`SystemError::Unexpected`] when it is not.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SystemError> {
        serde_json::from_str(&self.stdout).map_err(|error| self.unexpected(error.to_string()))
    }

    /// That this output is not what was expected.
    #[must_use]
    pub fn unexpected(&self, problem: String) -> SystemError {
        let text = format!("{}{}", self.stdout, self.stderr);
        SystemError::Unexpected { command: self.command.clone(), problem, text }
    }
}

/// Runs a program on the laboratory's node `client` to its end.
pub(super) fn run<S: AsRef<OsStr>>(lab: &Lab, program: &Path, arguments: &[S]) -> Result<Output, SystemError> {
    let mut command = lab.command(CLIENT, [program]);
    let child = command.args(arguments).stdin(Stdio::null()).env_remove("SENDGATE_CONNECTION").output();
    let done = child.map_err(SystemError::io("run", program))?;
    let words = arguments.iter().map(|argument| argument.as_ref().to_string_lossy().into_owned());
    let name = program.file_name().map_or_else(|| Layout::text(program), |name| name.to_string_lossy().into_owned());
    Ok(Output {
        command: std::iter::once(name).chain(words).collect::<Vec<_>>().join(" "),
        code: done.status.code(),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}
