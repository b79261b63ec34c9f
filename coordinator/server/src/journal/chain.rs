//! The chain of digests: what a record's digest is taken over, and where a chain breaks.

use super::{Digest, Head, Record, Sequence, Verified};
use sha2::{Digest as _, Sha256};

/// The first record that does not follow from the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence} {fault}")]
pub struct BadRecord {
    /// Its number.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is none with this number, though later ones exist or existed.
    #[error("is missing")]
    Missing,
    /// It is shorter than its digests.
    #[error("is too short to be a record")]
    Short,
    /// Its digest is not that of its content.
    #[error("is not what was written: its content does not give its digest")]
    Content,
    /// It names another predecessor.
    #[error("does not follow the record before it: the digest that it names is another")]
    Predecessor,
    /// It is not the one that the head names.
    #[error("is not the one that the journal's head names")]
    Head,
}

/// The digest of a record: SHA-256 over the previous digest, the number (8 bytes, big endian) and the payload.
#[must_use]
pub fn digest(previous: &Digest, sequence: Sequence, payload: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(previous.0);
    hash.update(sequence.get().to_be_bytes());
    hash.update(payload);
    Digest(hash.finalize().into())
}

/// The record that follows `head`.
#[must_use]
pub fn follow(head: Option<Head>, payload: &[u8]) -> Record {
    let (sequence, previous) = match head {
        Some(head) => (head.sequence.next(), head.digest),
        None => (Sequence::FIRST, Digest::NONE),
    };
    Record { sequence, previous, digest: digest(&previous, sequence, payload), payload: payload.to_vec() }
}

/// Walks along records and stops at the first that is not as it must be.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    next: Sequence,
    /// None where the walk begins in the middle: the first record's predecessor is then not checked.
    previous: Option<Digest>,
}

impl Walk {
    /// A walk that begins at `from`.
    #[must_use]
    pub fn from(from: Sequence) -> Self {
        Self { next: from, previous: (from == Sequence::FIRST).then_some(Digest::NONE) }
    }

    /// The number of the record that must come next.
    #[must_use]
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// One step.
    ///
    /// # Errors
    /// What is wrong with this record.
    pub fn step(&mut self, record: &Record) -> Result<(), BadRecord> {
        let broken = |fault| Err(BadRecord { sequence: self.next, fault });
        if record.sequence != self.next {
            return broken(Fault::Missing);
        }
        if self.previous.is_some_and(|previous| previous != record.previous) {
            return broken(Fault::Predecessor);
        }
        if digest(&record.previous, record.sequence, &record.payload) != record.digest {
            return broken(Fault::Content);
        }
        (self.next, self.previous) = (self.next.next(), Some(record.digest));
        Ok(())
    }

    /// The end of a walk from the first record: it must be where the head says.
    ///
    /// # Errors
    /// Where records are missing at the end, or the last is not the head.
    pub fn arrive(self, head: Option<Head>) -> Result<Verified, BadRecord> {
        let records = self.next.get().saturating_sub(1);
        match head {
            None if records == 0 => Ok(Verified { records, head }),
            Some(head) if head.sequence.next() > self.next => {
                Err(BadRecord { sequence: self.next, fault: Fault::Missing })
            }
            Some(head) if head.sequence.get() == records && self.previous == Some(head.digest) => {
                Ok(Verified { records, head: Some(head) })
            }
            _ => Err(BadRecord { sequence: Sequence::new(records).unwrap_or(Sequence::FIRST), fault: Fault::Head }),
        }
    }
}
