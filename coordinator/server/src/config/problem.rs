//! What is wrong with a configuration, for the person who mends it.

use std::fmt;
use std::path::PathBuf;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The full path of the key, such as `goodlink[0].domains[1]`; empty where the file is no TOML.
    pub key: String,
    /// Line and column, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.wrong, self.remedy)
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "the configuration file {file} cannot be read: {reason}; name another one with --config, or copy the example file there and fill it in"
    )]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are problems in it.
    #[error("the configuration file {file} has {}", listed(problems))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// At least one, in the file's order.
        problems: Vec<Problem>,
    },
}

fn listed(problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "a problem".to_owned(),
        many => format!("{many} problems"),
    };
    problems.iter().fold(count + ":", |text, problem| format!("{text}\n  {problem}"))
}

/// Problems as they are found, so that all are reported at once.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, key: impl Into<String>, wrong: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem { key: key.into(), place: None, wrong: wrong.into(), remedy: remedy.into() });
    }

    /// The value, or a problem whose text ends with a remedy of its own after the last semicolon.
    pub(super) fn take<T, E: fmt::Display>(&mut self, key: &str, value: Result<T, E>, remedy: &str) -> Option<T> {
        value.map_err(|error| self.add(key, error.to_string(), remedy)).ok()
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// The problems; none where nothing was found.
    pub(super) fn into_found(self) -> Option<Vec<Problem>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
