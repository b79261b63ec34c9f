//! `enforcement`: the built-in table; rows of a coordinator's configuration are not known here.

use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use sendgate_core::enforcement::{EnforcementTable, StoreVersion};
use serde_json::json;

pub(crate) fn run(form: Form, version: StoreVersion) -> Result<Exit, Failure> {
    let judged = EnforcementTable::built_in().judge(&version);
    match form {
        Form::Json => output::json(&json!({ "enforces": judged.enforces, "branch": judged.branch }))?,
        Form::Table => output::text(&format!("{} {}", judged.enforces, judged.branch))?,
    }
    Ok(Exit::Good)
}
