//! `journal show`.

use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use crate::tables;
use sendgate_proto::v1::JournalRecord;
use serde_json::{Value, json};

/// Prints records as they come.
pub(crate) async fn show(client: &Client, form: Form, from: u64) -> Result<Exit, Failure> {
    let mut records = client.journal(from).await?;
    while let Some(record) = client.next(&mut records).await? {
        match form {
            Form::Json => output::json_line(&as_json(&record))?,
            Form::Table => output::text(&tables::journal::line(record.sequence, &record.payload))?,
        }
    }
    Ok(Exit::Good)
}

/// A record as JSON: its entry where the payload is one, else the payload's bytes in hexadecimal.
fn as_json(record: &JournalRecord) -> Value {
    let mut value = json!({
        "sequence": record.sequence,
        "previous": hexadecimal(&record.previous),
        "digest": hexadecimal(&record.digest),
    });
    match serde_json::from_slice::<Value>(&record.payload) {
        Ok(payload) => value["payload"] = payload,
        Err(_) => value["unreadable_payload"] = hexadecimal(&record.payload).into(),
    }
    value
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
