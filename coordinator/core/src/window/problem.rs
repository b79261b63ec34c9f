//! What is wrong with a written window, for the person who mends it.

use std::fmt;

/// What is wrong with one value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; {remedy}")]
pub struct Wrong {
    /// What is wrong.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

impl Wrong {
    pub(super) fn new(wrong: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), remedy: remedy.into() }
    }
}

/// One field of a window that is wrong or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowProblem {
    /// The field, as it is written: `rule`, `zone`.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: Wrong,
}

impl fmt::Display for WindowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.what)
    }
}

/// Why a written window is none: everything that is wrong with it, in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("window {name:?} cannot be used:{}", listed(problems))]
pub struct WindowError {
    /// The window's name as it is written.
    pub name: String,
    /// At least one.
    pub problems: Vec<WindowProblem>,
}

fn listed(problems: &[WindowProblem]) -> String {
    match problems {
        [one] => format!(" {one}"),
        many => many.iter().fold(String::new(), |text, problem| format!("{text}\n  {problem}")),
    }
}
