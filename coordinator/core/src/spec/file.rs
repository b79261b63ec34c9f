//! The file as it stands: the shape, and nothing but the shape.

use super::problem::{SpecError, SpecProblem};
use crate::window::WrittenWindow;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) package: Package,
    #[serde(default)]
    pub(super) scope: Option<Scope>,
    #[serde(rename = "wave", default)]
    pub(super) waves: Vec<Wave>,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) thresholds: WrittenThresholds,
    #[serde(default)]
    pub(super) wave_thresholds: Option<WrittenThresholds>,
    #[serde(default)]
    pub(super) any_time: bool,
    #[serde(rename = "window", default)]
    pub(super) windows: Vec<WrittenWindow>,
    pub(super) approvals: Option<i64>,
    #[serde(default)]
    pub(super) test_send: bool,
    pub(super) on_trip: Option<String>,
    #[serde(default)]
    pub(super) expected: Expected,
    pub(super) patience: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) kb: i64,
    pub(super) target: String,
    /// What its author expects of the target version; the policy's table must agree.
    pub(super) enforces: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    #[serde(default)]
    pub(super) servers: Vec<String>,
    #[serde(default)]
    pub(super) domains: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wave {
    pub(super) name: String,
    pub(super) servers: Option<Vec<String>>,
    pub(super) count: Option<i64>,
    pub(super) percent: Option<i64>,
    #[serde(default)]
    pub(super) rest: bool,
    pub(super) soak: Option<String>,
    pub(super) at_once: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) at_once: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenThresholds {
    pub(super) new_pauses: Option<i64>,
    pub(super) new_pauses_percent: Option<i64>,
    pub(super) failed_installs: Option<i64>,
    pub(super) stores_down: Option<i64>,
    pub(super) unreachable: Option<i64>,
    pub(super) test_send_failures: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) install: Option<String>,
    pub(super) restart: Option<String>,
    pub(super) removal: Option<String>,
}

/// The shape, or where it is not one.
pub(super) fn parse(text: &str) -> Result<Written, SpecError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1));
        let place = line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}"));
        let (wrong, remedy) = (error.message().to_owned(), "see the example in docs/rollouts.md".to_owned());
        SpecError { problems: vec![SpecProblem { place, wrong, remedy }] }
    })
}
