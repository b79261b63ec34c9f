//! What the agent must not forget: each act, before its effect, and the highest generation of a coordinator.
//!
//! Every change is on the disk before its function returns. The functions block for that: call them where that is
//! allowed.
//!
//! Of a store that could not write once nothing is to be hoped: sled keeps that error and returns it for whatever is
//! written after it, also when there is room again, until it is opened anew. Then the journal is [`Journal::given_up`].

mod error;
mod generation;
mod record;
pub mod store;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use error::JournalError;
pub use generation::{Generation, Memory, Takeover};
pub(crate) use record::bounded;
pub use record::{ActId, ActIdError, ActRecord, IllegalChange, MAX_DETAIL_CHARS, ProcessMark, Progress};

use crate::config::HostName;
use store::{Part, Sled, Store, SyncError};

/// How many acts are remembered in full. Of older ones only the highest sequence is kept: an id at or below that, and
/// not remembered, is refused.
const MAX_ACTS: usize = 5000;
/// How long a journal that is in use is waited for: a program that a killed agent was just starting holds the agent's lock
/// until it has become that program.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Between two attempts.
const LOCK_AGAIN: Duration = Duration::from_millis(50);
/// The form of the records; another number is another program's journal.
const SCHEMA: &[u8] = b"sendgate-agent 1";

/// Whether an act may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is journaled now, for the first time: its program may be started, by this caller and nobody else.
    New,
    /// It was there already; it is not started again.
    Known(ActRecord),
    /// Another act is under way on that host.
    Busy(ActId),
    /// Older than what is remembered: whether it ran cannot be told.
    Forgotten,
}

/// Opens the store; while another process has it, again and again for a moment.
fn unlocked(directory: &Path) -> Result<Sled, JournalError> {
    let begin = Instant::now();
    loop {
        // Each time: whoever had the store a moment ago may have left one.
        store::remove_unfinished(directory).map_err(|source| JournalError::Disk {
            directory: directory.to_owned(),
            what: "looking for an unfinished snapshot",
            source,
        })?;
        let (what, source) = match Sled::open(directory) {
            Ok(store) => return Ok(store),
            Err(failed) => failed,
        };
        let directory = directory.to_owned();
        if !matches!(&source, sled::Error::Io(error) if error.to_string().contains("could not acquire lock")) {
            return Err(JournalError::of_store(directory, what, source));
        }
        if begin.elapsed() >= LOCK_WAIT {
            return Err(JournalError::Locked { directory });
        }
        std::thread::sleep(LOCK_AGAIN);
    }
}

/// The journal of one agent.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    store: Box<dyn Store>,
    /// One change at a time: reading, deciding and writing belong together.
    change: Mutex<()>,
    /// The last attempt to have all of it on the disk failed.
    unsynced: AtomicBool,
    /// Why nothing can be written any more.
    given_up: watch::Sender<Option<String>>,
}

impl Journal {
    /// Opens the journal below a state directory, or makes one.
    ///
    /// # Errors
    /// When another process has it, or the disk or the store fails.
    pub fn open(state: &Path) -> Result<Self, JournalError> {
        let directory = state.join("journal");
        let store = unlocked(&directory)?;
        let (journal, made) = Self::begun(directory, Box::new(store))?;
        if made {
            let parent = File::open(state).and_then(|directory| directory.sync_all());
            parent.map_err(|source| journal.disk("syncing the state directory", source))?;
        }
        Ok(journal)
    }

    /// Opens the journal that is kept in a store, or makes one there; `name` is for messages.
    ///
    /// # Errors
    /// When the store fails, or holds the journal of another program.
    pub fn kept_in(name: PathBuf, store: Box<dyn Store>) -> Result<Self, JournalError> {
        Ok(Self::begun(name, store)?.0)
    }

    /// The journal, and whether it was made just now.
    fn begun(directory: PathBuf, store: Box<dyn Store>) -> Result<(Self, bool), JournalError> {
        let journal = Self {
            directory,
            store,
            change: Mutex::new(()),
            unsynced: AtomicBool::new(false),
            given_up: watch::channel(None).0,
        };
        let found = journal.store.get(Part::Root, b"schema").map_err(journal.store("reading the schema"))?;
        match found {
            Some(found) if found == SCHEMA => Ok((journal, false)),
            Some(found) => Err(JournalError::Schema {
                directory: journal.directory,
                found: String::from_utf8_lossy(&found).into_owned(),
            }),
            None => {
                journal.written("writing the schema", journal.store.put(Part::Root, b"schema", SCHEMA))?;
                journal.sync()?;
                Ok((journal, true))
            }
        }
    }

    /// Completes, with the reason, once nothing can be written any more. What is to be done then is to end the process: the
    /// next one opens the store anew, and finds out how each act stands.
    pub async fn given_up(&self) -> String {
        let mut told = self.given_up.subscribe();
        let why = told.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // The sender is this journal's, which is borrowed here.
            None => std::future::pending().await,
        }
    }

    /// Whether it is given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.borrow().is_some()
    }

    /// Gives it up; the first reason stands.
    pub(crate) fn give_up(&self, why: &JournalError) {
        self.given_up.send_if_modified(|given_up| {
            let first = given_up.is_none();
            given_up.get_or_insert_with(|| why.to_string());
            first
        });
    }

    /// What became of a write to the store.
    fn written(&self, what: &'static str, done: Result<(), sled::Error>) -> Result<(), JournalError> {
        done.map_err(|source| {
            let error = self.store(what)(source);
            self.give_up(&error);
            error
        })
    }

    fn store(&self, what: &'static str) -> impl FnOnce(sled::Error) -> JournalError {
        let directory = self.directory.clone();
        move |source| JournalError::of_store(directory, what, source)
    }

    pub(crate) fn disk(&self, what: &'static str, source: std::io::Error) -> JournalError {
        JournalError::Disk { directory: self.directory.clone(), what, source }
    }

    fn locked(&self) -> MutexGuard<'_, ()> {
        // What a panicking change leaves is what the store holds: there is nothing in the lock that could be half done.
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what is written on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        let done = self.store.sync();
        self.unsynced.store(done.is_err(), Ordering::SeqCst);
        match done {
            Ok(()) => Ok(()),
            Err(SyncError::Flush(source)) => self.written("flushing", Err(source)),
            Err(SyncError::Disk(source)) => Err(self.disk("syncing to disk", source)),
        }
    }

    fn decode<T: for<'a> Deserialize<'a>>(&self, key: &[u8], value: &[u8]) -> Result<T, JournalError> {
        serde_json::from_slice(value).map_err(|source| JournalError::Record {
            directory: self.directory.clone(),
            key: String::from_utf8_lossy(key).into_owned(),
            source,
        })
    }

    fn encode<T: Serialize>(&self, key: &str, value: &T) -> Result<Vec<u8>, JournalError> {
        serde_json::to_vec(value).map_err(|source| JournalError::Record {
            directory: self.directory.clone(),
            key: key.to_owned(),
            source,
        })
    }

    fn put(&self, record: &ActRecord) -> Result<(), JournalError> {
        let key = record.id.to_string();
        let value = self.encode(&key, record)?;
        self.written("writing an act", self.store.put(Part::Acts, key.as_bytes(), &value))?;
        self.sync()
    }

    /// The newest act of an epoch, whatever came of it; also when it is forgotten otherwise.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest(&self, epoch: u64) -> Result<Option<ActId>, JournalError> {
        let epoch = format!("{epoch:016x}");
        let known = self.acts()?.into_iter().map(|act| act.id).filter(|id| id.epoch() == epoch);
        let forgotten = self.floor(&epoch)?.map(|sequence| ActId::of(&epoch, sequence));
        Ok(known.chain(forgotten).max_by_key(ActId::sequence))
    }

    /// One act.
    ///
    /// # Errors
    /// When the store fails.
    pub fn act(&self, id: &ActId) -> Result<Option<ActRecord>, JournalError> {
        let key = id.to_string();
        let found = self.store.get(Part::Acts, key.as_bytes()).map_err(self.store("reading an act"))?;
        found.map(|value| self.decode(key.as_bytes(), &value)).transpose()
    }

    /// All acts that are remembered.
    ///
    /// # Errors
    /// When the store fails.
    pub fn acts(&self) -> Result<Vec<ActRecord>, JournalError> {
        let mut records = Vec::new();
        for (key, value) in self.store.all(Part::Acts).map_err(self.store("reading the acts"))? {
            records.push(self.decode(&key, &value)?);
        }
        Ok(records)
    }

    fn floor(&self, epoch: &str) -> Result<Option<u64>, JournalError> {
        let floor = self.store.get(Part::Floors, epoch.as_bytes()).map_err(self.store("reading a floor"))?;
        floor.map(|value| self.decode(epoch.as_bytes(), &value)).transpose()
    }

    fn forgotten(&self, id: &ActId) -> Result<bool, JournalError> {
        Ok(self.floor(id.epoch())?.is_some_and(|floor| id.sequence() <= floor))
    }

    /// Journals that an act begins, if it was never seen and its host is free.
    ///
    /// # Errors
    /// When the store fails; the act must not be started then.
    pub fn begin(&self, id: &ActId, host: &HostName, what: &str) -> Result<Begun, JournalError> {
        let _one = self.locked();
        if let Some(known) = self.act(id)? {
            return Ok(Begun::Known(known));
        }
        if self.forgotten(id)? {
            return Ok(Begun::Forgotten);
        }
        if let Some(other) = self.acts()?.into_iter().find(|act| act.is_on(host) && !act.progress.is_final()) {
            return Ok(Begun::Busy(other.id));
        }
        self.put(&ActRecord::new(id.clone(), host.as_str(), what, Progress::Starting, ""))?;
        Ok(Begun::New)
    }

    /// Journals that an act is refused, unless something else is journaled of it already; returns what then stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refuse(&self, id: &ActId, host: &str, what: &str, detail: &str) -> Result<ActRecord, JournalError> {
        let _one = self.locked();
        if let Some(known) = self.act(id)? {
            return Ok(known);
        }
        let record = ActRecord::new(id.clone(), host, what, Progress::Refused, detail);
        self.put(&record)?;
        Ok(record)
    }

    /// Journals that an act never began after [`Journal::begin`] failed: whether its record is there is not certain then,
    /// and one that is there would keep its host from every other act.
    ///
    /// # Errors
    /// When the act is known to have gone further, or the store fails.
    pub fn not_begun(&self, id: &ActId, host: &HostName, what: &str, detail: &str) -> Result<ActRecord, JournalError> {
        if self.act(id)?.is_some() {
            return self.advance(id, Progress::Refused, detail);
        }
        self.refuse(id, host.as_str(), what, detail)
    }

    /// Journals how far an act has come.
    ///
    /// # Errors
    /// When it cannot go there, is not there, or the store fails.
    pub fn advance(&self, id: &ActId, to: Progress, detail: &str) -> Result<ActRecord, JournalError> {
        self.update(id, |record| {
            record.progress = record.progress.change(to)?;
            record.detail = record::bounded(detail);
            Ok(())
        })
    }

    /// Journals that the coordinator has the outcome; an act that has not ended stays as it is.
    ///
    /// # Errors
    /// When the act is not there, or the store fails.
    pub fn acknowledge(&self, id: &ActId) -> Result<ActRecord, JournalError> {
        self.update(id, |record| {
            record.acknowledged = record.progress.is_final();
            Ok(())
        })
    }

    fn update(
        &self,
        id: &ActId,
        change: impl FnOnce(&mut ActRecord) -> Result<(), IllegalChange>,
    ) -> Result<ActRecord, JournalError> {
        let _one = self.locked();
        let no_act = || JournalError::NoAct { directory: self.directory.clone(), id: id.clone() };
        let mut record = self.act(id)?.ok_or_else(no_act)?;
        change(&mut record).map_err(|source| JournalError::Change { id: id.clone(), source })?;
        self.put(&record)?;
        Ok(record)
    }

    /// Forgets the oldest acknowledged acts beyond the number that is kept; returns them, so that their files can go.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prune(&self) -> Result<Vec<ActId>, JournalError> {
        self.prune_to(MAX_ACTS)
    }

    fn prune_to(&self, keep: usize) -> Result<Vec<ActId>, JournalError> {
        let _one = self.locked();
        let mut acts = self.acts()?;
        let excess = acts.len().saturating_sub(keep);
        acts.retain(|act| act.acknowledged && act.progress.is_final());
        acts.sort_by_key(|act| act.id.sequence());
        acts.truncate(excess);
        // The floors first: an id must never be neither remembered nor below one.
        for act in &acts {
            if !self.forgotten(&act.id)? {
                let value = self.encode("floor", &act.id.sequence())?;
                self.written("writing a floor", self.store.put(Part::Floors, act.id.epoch().as_bytes(), &value))?;
            }
        }
        if !acts.is_empty() {
            self.sync()?;
        }
        for act in &acts {
            self.written("forgetting an act", self.store.remove(Part::Acts, act.id.to_string().as_bytes()))?;
        }
        Ok(acts.into_iter().map(|act| act.id).collect())
    }
}

#[cfg(test)]
mod tests;
