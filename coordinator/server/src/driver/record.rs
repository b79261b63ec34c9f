//! The journal's side of the loop: an entry is durable before anything follows from it.

use super::Driver;
use crate::journal::{AppendError, Journal, MAX_PAYLOAD, ReadError};
use crate::threads::blocking;
use sendgate_core::ledger::{Entry, IllegalEvent, Ledger, Sequence, Stamped};
use sendgate_core::request::Refused;
use std::sync::Arc;

/// Records read at a time.
const BATCH: usize = 256;

/// The journal cannot be written, read or understood. Nothing may be done without it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Appending failed.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record is no entry.
    #[error("record {sequence} of the journal cannot be understood: {why}; was it written by a newer version?")]
    NotAnEntry {
        /// Which.
        sequence: Sequence,
        /// Why.
        why: String,
    },
    /// An entry cannot follow.
    #[error("the journal contradicts itself: {0}; restore the state directory from its backup")]
    Illegal(#[from] IllegalEvent),
    /// The blocking task was lost.
    #[error("the journal's task ended without an answer: {0}")]
    Task(String),
}

/// Folds the whole journal.
///
/// # Errors
/// [`RecordError`].
pub fn replay(journal: &dyn Journal) -> Result<Ledger, RecordError> {
    let mut ledger = Ledger::default();
    catch_up(journal, &mut ledger)?;
    Ok(ledger)
}

fn catch_up(journal: &dyn Journal, ledger: &mut Ledger) -> Result<(), RecordError> {
    loop {
        let records = journal.read(ledger.next(), BATCH)?;
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            let sequence = record.sequence;
            let stamped: Stamped = serde_json::from_slice(&record.payload)
                .map_err(|error| RecordError::NotAnEntry { sequence, why: error.to_string() })?;
            ledger.apply(sequence, &stamped)?;
        }
    }
}

/// Whether a record has room for what somebody asks for, which is an entry's JSON.
pub(crate) fn has_room(payload: &[u8]) -> Result<(), Refused> {
    match payload.len() {
        bytes if bytes > MAX_PAYLOAD => Err(Refused::TooLarge { bytes, limit: MAX_PAYLOAD }),
        _ => Ok(()),
    }
}

impl Driver {
    /// Appends one entry and takes it into the ledger. When this returns, it is durable.
    pub(super) async fn append(&mut self, entry: Entry) -> Result<Sequence, RecordError> {
        let (stamped, payload) = self.written(entry.fitting())?;
        self.write(stamped, payload).await
    }

    /// The same of what somebody asks for: where there is no room for it he is told, and nothing has happened.
    pub(super) async fn file(&mut self, entry: Entry) -> Result<Result<Sequence, Refused>, RecordError> {
        let (stamped, payload) = self.written(entry)?;
        match has_room(&payload) {
            Ok(()) => self.write(stamped, payload).await.map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn written(&self, entry: Entry) -> Result<(Stamped, Vec<u8>), RecordError> {
        let stamped = Stamped { at: self.clock.now(), entry };
        let payload = serde_json::to_vec(&stamped)
            .map_err(|error| RecordError::NotAnEntry { sequence: self.ledger.next(), why: error.to_string() })?;
        Ok((stamped, payload))
    }

    async fn write(&mut self, stamped: Stamped, payload: Vec<u8>) -> Result<Sequence, RecordError> {
        let sequence = self.ledger.next();
        // What cannot follow must not be written: a journal that contradicts itself cannot be replayed. If writing
        // fails, the loop ends: nothing is ever decided on an entry that is not durable.
        self.ledger.apply(sequence, &stamped)?;
        self.surveys.changed();
        let journal = Arc::clone(&self.journal);
        blocking(self.threads.as_ref(), move || journal.append(sequence, &payload))
            .await
            .map_err(|error| RecordError::Task(error.to_string()))??;
        self.head.grows(sequence, &stamped.entry);
        tracing::info!(sequence = sequence.0, entry = stamped.entry.title(), detail = ?stamped.entry, "journal");
        Ok(sequence)
    }
}
