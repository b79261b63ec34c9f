//! Requests of an operator: filed in the journal, carried out by the coordinator when it may.

use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use sendgate_core::names::RolloutName;
use sendgate_proto::v1::{Accepted, RolloutRequest, WaiveRequest};
use serde_json::{Value, json};

/// What was accepted, its number, and what the coordinator has to say of it.
pub(crate) fn accepted(form: Form, accepted: Accepted, what: &str) -> Result<Exit, Failure> {
    let Accepted { sequence, note, digest } = accepted;
    match form {
        Form::Json => output::json(&answer(Some(sequence), note, digest))?,
        _ => {
            let note = if note.is_empty() { note } else { format!("\nnote: {note}") };
            output::text(&format!("accepted: {what}; record {sequence} of the journal{note}"))?;
        }
    }
    Ok(Exit::Good)
}

/// The answer for programs, without what it does not say.
pub(super) fn answer(sequence: Option<u64>, note: String, digest: String) -> Value {
    let mut answer = json!({ "sequence": sequence });
    for (key, text) in [("note", note), ("digest", digest)].into_iter().filter(|(_, text)| !text.is_empty()) {
        answer[key] = text.into();
    }
    answer
}

pub(crate) async fn start(client: &Client, form: Form, name: RolloutName, reason: String) -> Result<Exit, Failure> {
    let what = format!("rollout {name} may begin, as its gates allow");
    accepted(form, client.rollout_start(RolloutRequest { name: name.into(), reason }).await?, &what)
}

pub(crate) async fn abort(client: &Client, form: Form, name: RolloutName, reason: String) -> Result<Exit, Failure> {
    let what = format!("rollout {name} begins nothing more; what runs is finished and reported");
    accepted(form, client.rollout_abort(RolloutRequest { name: name.into(), reason }).await?, &what)
}

pub(crate) async fn waive(
    client: &Client,
    form: Form,
    user: String,
    reason: String,
    expires: String,
) -> Result<Exit, Failure> {
    let what = format!("{user} is excepted from the gate, and may be paused by the hotfix");
    accepted(form, client.waive(WaiveRequest { user, reason, expires }).await?, &what)
}
