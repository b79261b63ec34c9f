//! The journal: append-only, hash-chained, one log for recovery, history and audit.
//!
//! 1. [`Journal::append`] is a compare-and-swap on the sequence number: whoever loses folds again and plans again;
//! 2. [`chain`] says what a record's digest is taken over, and finds the first record that does not follow;
//! 3. [`sled`] keeps it on disk, durable before it is acknowledged, and `anchor` what was acknowledged last;
//!    [`memory`] is the laboratory's form.
//!
//! Every form passes one contract test suite. The interface blocks: asynchronous callers go through `spawn_blocking`.

mod anchor;
pub mod chain;
#[cfg(test)]
mod contract;
pub mod memory;
pub mod sled;

pub use sendgate_core::ledger::Sequence;
use std::fmt;

/// The largest payload, in bytes: sled keeps values above about 128 KB in files that it never removes.
pub const MAX_PAYLOAD: usize = 100 * 1000;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What stands before the first record.
    pub const NONE: Digest = Digest([0; 32]);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// The digest of the record before it, [`Digest::NONE`] for the first.
    pub previous: Digest,
    /// SHA-256 over `previous`, the sequence number (8 bytes, big endian) and the payload.
    pub digest: Digest,
    /// What was written; the journal does not look into it.
    pub payload: Vec<u8>,
}

/// The last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub sequence: Sequence,
    /// Its digest.
    pub digest: Digest,
}

/// What a whole journal's verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many records there are.
    pub records: u64,
    /// The last one; none in an empty journal.
    pub head: Option<Head>,
}

/// Why a record was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: fold again and plan again.
    #[error(
        "record {expected} was not appended to the journal: the next record is {actual}; read the new records and decide again"
    )]
    Conflict {
        /// The number that the caller expected to get.
        expected: Sequence,
        /// The number that the next record will get.
        actual: Sequence,
    },
    /// The payload is larger than [`MAX_PAYLOAD`].
    #[error(
        "a record of {bytes} bytes was not appended to the journal: the limit is {MAX_PAYLOAD} bytes; split it into several records"
    )]
    Oversize {
        /// The payload's size.
        bytes: usize,
    },
    /// Whether the record is there is not known before the journal is opened again.
    #[error(
        "appending record {sequence} to the journal failed, and whether it is there is not known: {reason}; no more is written: mend the disk, then restart the coordinator"
    )]
    Storage {
        /// The number that the record would have.
        sequence: Sequence,
        /// What failed.
        reason: String,
    },
    /// An earlier append failed with [`AppendError::Storage`].
    #[error(
        "nothing is appended to the journal after a failed write ({reason}): mend the disk, then restart the coordinator"
    )]
    Broken {
        /// What failed then.
        reason: String,
    },
}

/// Why records were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store did not answer.
    #[error("reading the journal failed: {0}; mend the disk, or restore the state directory from its backup")]
    Storage(String),
    /// A record is not what was written.
    #[error("the journal is damaged: {0}; restore the state directory from its backup")]
    Damaged(#[from] chain::BadRecord),
}

/// An append-only log.
pub trait Journal: Send + Sync {
    /// Appends a record, which is durable when this returns.
    ///
    /// # Errors
    /// [`AppendError`]; a conflict where `expected` is not the number that the record would get.
    fn append(&self, expected: Sequence, payload: &[u8]) -> Result<Record, AppendError>;

    /// The last record, none in an empty journal.
    fn head(&self) -> Option<Head>;

    /// At most `limit` records from number `from` on, each checked against its digest and the one before it.
    ///
    /// # Errors
    /// [`ReadError`], also where one of these records was tampered with.
    fn read(&self, from: Sequence, limit: usize) -> Result<Vec<Record>, ReadError>;

    /// Reads everything and checks the whole chain up to the head.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] names the first bad record.
    fn verify(&self) -> Result<Verified, ReadError>;

    /// The number that the next record will get.
    fn next(&self) -> Sequence {
        self.head().map_or(Sequence::FIRST, |head| head.sequence.next())
    }
}
