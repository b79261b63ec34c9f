//! The journal on disk, in sled 0.34.
//!
//! sled's `flush` writes to the file but does not always make it durable (most flushes cause no fsync), so that a power
//! cut could take back an acknowledged record: after each flush the data file itself is synchronised. And sled takes a
//! damaged record for the torn end of its log: what was acknowledged last stands in a file of its own.

use super::anchor::Anchor;
use super::chain::{self, BadRecord, Fault, Walk};
use super::{AppendError, Digest, Head, Journal, MAX_PAYLOAD, ReadError, Record, Sequence, Verified};
use crate::kill::{self, Moment};
use rustix::fs::{FlockOperation, flock};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The form of what is written; another form gets another number.
const SCHEMA: &[u8] = b"sendgate-journal-1";
const SCHEMA_KEY: &[u8] = b"schema";
const HEAD_KEY: &[u8] = b"head";
/// The two digests that stand before a record's payload, in bytes.
const DIGESTS: usize = 64;

/// A journal in a directory, which one process holds at a time.
#[derive(Debug)]
pub struct SledJournal {
    db: sled::Db,
    records: sled::Tree,
    meta: sled::Tree,
    /// Open all the time: where no more files can be opened, appending must go on. sled never puts another file in its
    /// place.
    data_file: File,
    anchor: Anchor,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    head: Option<Head>,
    /// Set when an append failed half way: what is on disk is then not known.
    broken: Option<String>,
}

/// Why a journal was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or written.
    #[error(
        "the journal directory {directory} cannot be used: {reason}; create it, owned by the coordinator's user, on a disk with room"
    )]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What failed.
        reason: String,
    },
    /// Another process holds it.
    #[error(
        "the journal in {directory} is locked by another process: another coordinator runs on it; stop that one, or give this one a state_directory of its own"
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// sled finds its files damaged.
    #[error(
        "the journal in {directory} is damaged: {reason}; copy the directory, and if the copy holds a snap.* file of zero bytes, remove that file from the copy and try with it; else restore the backup"
    )]
    Damaged {
        /// The directory.
        directory: PathBuf,
        /// What sled said, or which record is bad.
        reason: String,
    },
    /// It ends before a record that was acknowledged, or holds another one in its place.
    #[error(
        "the journal in {directory} lacks what was acknowledged: {reason}; its files are damaged or an old copy was put in their place: restore the backup of the whole state directory"
    )]
    Lost {
        /// The directory.
        directory: PathBuf,
        /// Which record.
        reason: String,
    },
    /// Another version of Sendgate, or another program, wrote it.
    #[error(
        "the journal in {directory} has the schema {found}, and this version of Sendgate knows {:?} only: run the version that wrote it",
        String::from_utf8_lossy(SCHEMA)
    )]
    Schema {
        /// The directory.
        directory: PathBuf,
        /// The schema that was found, quoted; or that there are records without one.
        found: String,
    },
}

impl SledJournal {
    /// Opens the journal in `directory`, or makes an empty one there.
    ///
    /// # Errors
    /// [`OpenError`], also where another process holds the directory.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Directory { directory: directory.to_owned(), reason };
        let damaged = |reason: String| OpenError::Damaged { directory: directory.to_owned(), reason };
        std::fs::create_dir_all(directory).map_err(|error| unusable(error.to_string()))?;
        remove_unfinished(directory).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked { directory: directory.to_owned() },
            _ => unusable(format!("looking for an unfinished snapshot: {error}")),
        })?;
        let db = open_db(directory)?;
        let records = db.open_tree("records").map_err(|error| damaged(error.to_string()))?;
        let meta = db.open_tree("meta").map_err(|error| damaged(error.to_string()))?;
        match meta.get(SCHEMA_KEY).map_err(|error| damaged(error.to_string()))? {
            Some(schema) if schema == SCHEMA => {}
            None if records.is_empty() && meta.is_empty() => {
                meta.insert(SCHEMA_KEY, SCHEMA).map_err(|error| unusable(error.to_string()))?;
            }
            other => {
                let quoted = |schema: sled::IVec| format!("{:?}", String::from_utf8_lossy(&schema));
                let found = other.map_or_else(|| "\"\" (none)".to_owned(), quoted);
                return Err(OpenError::Schema { directory: directory.to_owned(), found });
            }
        }
        let head = match meta.get(HEAD_KEY).map_err(|error| damaged(error.to_string()))? {
            None => None,
            Some(bytes) => Some(decode_head(&bytes).ok_or_else(|| damaged("its head is not a head".to_owned()))?),
        };
        let data_file = File::open(directory.join("db")).map_err(|error| unusable(format!("its file db: {error}")))?;
        let anchor = Anchor::open(&directory.join("acknowledged")).map_err(|error| unusable(error.to_string()))?;
        let journal = Self { db, records, meta, data_file, anchor, state: Mutex::new(State { head, broken: None }) };
        journal.make_durable().map_err(unusable)?;
        journal.nothing_lost(directory, head)?;
        // The names of new files must be durable too, else an acknowledged record has no file after a power cut.
        for holder in [Some(directory), directory.parent()].into_iter().flatten() {
            let holder = if holder.as_os_str().is_empty() { Path::new(".") } else { holder };
            File::open(holder).and_then(|file| file.sync_all()).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(journal)
    }

    /// What was acknowledged is there. A record more may be: it was durable when the process ended, and nobody was told.
    fn nothing_lost(&self, directory: &Path, head: Option<Head>) -> Result<(), OpenError> {
        let unusable = |reason: String| OpenError::Directory { directory: directory.to_owned(), reason };
        let lost = |reason: String| OpenError::Lost { directory: directory.to_owned(), reason };
        let acknowledged = self.anchor.acknowledged().map_err(|error| unusable(error.to_string()))?;
        if let Some(acknowledged) = acknowledged.filter(|acknowledged| Some(*acknowledged) != head) {
            let sequence = acknowledged.sequence;
            let Some(head) = head.filter(|head| head.sequence >= sequence) else {
                let last = head
                    .map_or_else(|| "it is empty".to_owned(), |head| format!("it ends with record {}", head.sequence));
                return Err(lost(format!("record {sequence} was, and {last}")));
            };
            let there = self.records.get(sequence.get().to_be_bytes()).map_err(|error| unusable(error.to_string()))?;
            let same = there
                .and_then(|bytes| decode(sequence, &bytes))
                .is_some_and(|record| record.digest == acknowledged.digest);
            if !same {
                return Err(lost(format!("record {sequence} is another one; the last is {}", head.sequence)));
            }
        }
        match head {
            Some(head) => self.anchor.acknowledge(&head).map_err(|error| unusable(error.to_string())),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is assigned whole, so a thread that panicked has left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_durable(&self) -> Result<(), String> {
        self.db.flush().map_err(|error| error.to_string())?;
        self.data_file.sync_all().map_err(|error| format!("synchronising its file db: {error}"))
    }

    /// Writes the record and the head in one transaction, then makes both durable.
    fn write(&self, record: &Record, before: Option<Head>) -> Result<(), String> {
        let acknowledged = Head { sequence: record.sequence, digest: record.digest };
        let head = encode_head(&acknowledged);
        let before = before.map(|head| encode_head(&head));
        let written = (&self.records, &self.meta).transaction(|(records, meta)| {
            if meta.get(HEAD_KEY)?.as_deref() != before.as_deref() {
                return Err(ConflictableTransactionError::Abort("the head on disk is not the one in memory"));
            }
            records.insert(&record.sequence.get().to_be_bytes(), encode(record))?;
            meta.insert(HEAD_KEY, head.as_slice())?;
            Ok(())
        });
        written.map_err(|error| match error {
            TransactionError::Abort(reason) => reason.to_owned(),
            TransactionError::Storage(error) => error.to_string(),
        })?;
        kill::at(Moment::Written, record.sequence, &record.payload);
        self.make_durable()?;
        self.anchor.acknowledge(&acknowledged).map_err(|error| format!("writing down what is acknowledged: {error}"))
    }

    /// Records from `from` on, undecoded ones as the fault that they have.
    fn scan(&self, from: Sequence) -> impl Iterator<Item = Result<Record, ReadError>> {
        let mut at = from;
        self.records.range(from.get().to_be_bytes()..).map(move |entry| {
            let (key, value) = entry.map_err(|error| ReadError::Storage(error.to_string()))?;
            let sequence = key.as_ref().try_into().ok().and_then(|key| Sequence::new(u64::from_be_bytes(key)));
            let sequence = sequence.ok_or(BadRecord { sequence: at, fault: Fault::Missing })?;
            at = sequence.next();
            Ok(decode(sequence, &value).ok_or(BadRecord { sequence, fault: Fault::Short })?)
        })
    }
}

impl Journal for SledJournal {
    fn append(&self, expected: Sequence, payload: &[u8]) -> Result<Record, AppendError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(AppendError::Oversize { bytes: payload.len() });
        }
        // Held over the disk's work on purpose: appends are one after the other.
        let mut state = self.state();
        if let Some(reason) = &state.broken {
            return Err(AppendError::Broken { reason: reason.clone() });
        }
        let record = chain::follow(state.head, payload);
        if record.sequence != expected {
            return Err(AppendError::Conflict { expected, actual: record.sequence });
        }
        kill::at(Moment::Before, record.sequence, payload);
        if let Err(reason) = self.write(&record, state.head) {
            state.broken = Some(reason.clone());
            return Err(AppendError::Storage { sequence: record.sequence, reason });
        }
        kill::at(Moment::After, record.sequence, payload);
        state.head = Some(Head { sequence: record.sequence, digest: record.digest });
        Ok(record)
    }

    fn head(&self) -> Option<Head> {
        self.state().head
    }

    fn read(&self, from: Sequence, limit: usize) -> Result<Vec<Record>, ReadError> {
        // Only what is acknowledged is read: a record that an append is still making durable does not exist yet.
        let Some(head) = self.head() else { return Ok(Vec::new()) };
        let mut walk = Walk::from(from);
        let mut records = Vec::new();
        for record in self.scan(from).take(limit) {
            let record = record?;
            if record.sequence > head.sequence {
                break;
            }
            walk.step(&record)?;
            records.push(record);
        }
        if records.len() < limit && walk.next() <= head.sequence {
            return Err(BadRecord { sequence: walk.next(), fault: Fault::Missing }.into());
        }
        Ok(records)
    }

    fn verify(&self) -> Result<Verified, ReadError> {
        // No append may come between the walk and the head that it is compared with.
        let state = self.state();
        let mut walk = Walk::from(Sequence::FIRST);
        for record in self.scan(Sequence::FIRST) {
            walk.step(&record?)?;
        }
        Ok(walk.arrive(state.head)?)
    }
}

/// Removes the snapshots that sled had begun when its process was ended, or found the disk full. A snapshot is whole only
/// under its final name, until which the one before it stays; but sled takes one that is not for the newest, and finds it
/// damaged for ever.
fn remove_unfinished(directory: &Path) -> io::Result<()> {
    let data = match File::open(directory.join("db")) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // Whoever has the journal may be writing one just now. It may also be about to end: what is not removed now sled would
    // find once it has.
    flock(&data, FlockOperation::NonBlockingLockExclusive)?;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating")) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn open_db(directory: &Path) -> Result<sled::Db, OpenError> {
    // Every append flushes for itself; a flush in the background would only add writes.
    sled::Config::default().path(directory).flush_every_ms(None).open().map_err(|error| match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            OpenError::Locked { directory: directory.to_owned() }
        }
        sled::Error::Io(error) => OpenError::Directory { directory: directory.to_owned(), reason: error.to_string() },
        error => OpenError::Damaged { directory: directory.to_owned(), reason: error.to_string() },
    })
}

fn encode(record: &Record) -> Vec<u8> {
    [&record.previous.0[..], &record.digest.0[..], &record.payload[..]].concat()
}

fn decode(sequence: Sequence, bytes: &[u8]) -> Option<Record> {
    let (digests, payload) = bytes.split_at_checked(DIGESTS)?;
    let (previous, digest) = digests.split_at_checked(DIGESTS / 2)?;
    let (previous, digest) = (Digest(previous.try_into().ok()?), Digest(digest.try_into().ok()?));
    Some(Record { sequence, previous, digest, payload: payload.to_vec() })
}

fn encode_head(head: &Head) -> Vec<u8> {
    [&head.sequence.get().to_be_bytes()[..], &head.digest.0[..]].concat()
}

fn decode_head(bytes: &[u8]) -> Option<Head> {
    let (sequence, digest) = bytes.split_at_checked(8)?;
    let sequence = Sequence::new(u64::from_be_bytes(sequence.try_into().ok()?))?;
    Some(Head { sequence, digest: Digest(digest.try_into().ok()?) })
}

#[cfg(test)]
mod tests;
