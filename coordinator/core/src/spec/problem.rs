//! What is wrong with a rollout's file, for the person who wrote it.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// Where: `wave.canary.soak`.
    pub place: String,
    /// What.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for SpecProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.wrong, self.remedy)
    }
}

/// Why a file is no rollout: all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rollout's file cannot be used:{}", listed(problems))]
pub struct SpecError {
    /// At least one.
    pub problems: Vec<SpecProblem>,
}

fn listed(problems: &[SpecProblem]) -> String {
    match problems {
        [one] => format!(" {one}"),
        many => many.iter().fold(String::new(), |text, problem| format!("{text}\n  {problem}")),
    }
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<SpecProblem>);

impl Problems {
    pub(super) fn add(&mut self, place: impl Into<String>, wrong: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(SpecProblem { place: place.into(), wrong: wrong.into(), remedy: remedy.into() });
    }

    pub(super) fn take<T>(&mut self, place: &str, value: Result<T, impl ToString>, remedy: &str) -> Option<T> {
        value.map_err(|wrong| self.add(place, wrong.to_string(), remedy)).ok()
    }
}
