//! What the agent must not forget: each act, before its effect, and the highest generation of a coordinator.
//!
//! Every change is on the disk before its function returns. The functions block for that: call them where that is
//! allowed.

mod record;
pub mod store;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

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
/// How the keys of takeovers begin.
const TAKEOVER: &str = "takeover ";
/// The form of the records; another number is another program's journal.
const SCHEMA: &[u8] = b"sendgate-agent 1";

/// Which journal of a coordinator, and which start of a coordinator on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Random, made with the journal.
    pub epoch: u64,
    /// From 1.
    pub counter: u64,
    /// Random, made at the start: two starts on copies of one journal differ in it.
    pub mark: u64,
}

/// A takeover that this agent followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// What was obeyed before.
    pub from: Generation,
    /// What is obeyed from then on.
    pub to: Generation,
    /// Who declared it.
    pub operator: String,
    /// Why.
    pub reason: String,
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}:{}", self.epoch, self.counter)
    }
}

/// Why the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error(
        "the journal {} is in use by another process; stop the other sendgate-agent, or give this one a state directory \
         of its own",
        directory.display()
    )]
    Locked {
        /// The journal.
        directory: PathBuf,
    },
    /// Another version's form.
    #[error("the journal {} is of the form {found:?}, expected \"sendgate-agent 1\"; use the agent that wrote it", directory.display())]
    Schema {
        /// The journal.
        directory: PathBuf,
        /// What is there.
        found: String,
    },
    /// The store failed.
    #[error("the journal {}: {what}: {source}", directory.display())]
    Store {
        /// The journal.
        directory: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the store says.
        source: sled::Error,
    },
    /// The disk failed.
    #[error("the journal {}: {what}: {source}", directory.display())]
    Disk {
        /// The journal.
        directory: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A record cannot be read.
    #[error("the journal {}: the record {key} cannot be read: {source}; keep a copy of the journal and ask for help", directory.display())]
    Record {
        /// The journal.
        directory: PathBuf,
        /// Which record.
        key: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// An act that is not there.
    #[error("the journal {}: there is no act {id}", directory.display())]
    NoAct {
        /// The journal.
        directory: PathBuf,
        /// Which.
        id: ActId,
    },
    /// A change that no act can make.
    #[error("the journal: act {id}: {source}")]
    Change {
        /// Which.
        id: ActId,
        /// Which change.
        source: IllegalChange,
    },
}

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
        let (what, source) = match Sled::open(directory) {
            Ok(store) => return Ok(store),
            Err(failed) => failed,
        };
        let directory = directory.to_owned();
        if !matches!(&source, sled::Error::Io(error) if error.to_string().contains("could not acquire lock")) {
            return Err(JournalError::Store { directory, what, source });
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
        let journal = Self { directory, store, change: Mutex::new(()) };
        let found = journal.store.get(Part::Root, b"schema").map_err(journal.store("reading the schema"))?;
        match found {
            Some(found) if found == SCHEMA => Ok((journal, false)),
            Some(found) => Err(JournalError::Schema {
                directory: journal.directory,
                found: String::from_utf8_lossy(&found).into_owned(),
            }),
            None => {
                journal.store.put(Part::Root, b"schema", SCHEMA).map_err(journal.store("writing the schema"))?;
                journal.sync()?;
                Ok((journal, true))
            }
        }
    }

    fn store(&self, what: &'static str) -> impl FnOnce(sled::Error) -> JournalError {
        let directory = self.directory.clone();
        move |source| JournalError::Store { directory, what, source }
    }

    fn disk(&self, what: &'static str, source: std::io::Error) -> JournalError {
        JournalError::Disk { directory: self.directory.clone(), what, source }
    }

    fn locked(&self) -> MutexGuard<'_, ()> {
        // What a panicking change leaves is what the store holds: there is nothing in the lock that could be half done.
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.store.sync().map_err(|error| match error {
            SyncError::Flush(source) => self.store("flushing")(source),
            SyncError::Disk(source) => self.disk("syncing to disk", source),
        })
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
        self.store.put(Part::Acts, key.as_bytes(), &value).map_err(self.store("writing an act"))?;
        self.sync()
    }

    /// The highest generation that was ever accepted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remembered(&self) -> Result<Option<Generation>, JournalError> {
        let found = self.store.get(Part::Root, b"generation").map_err(self.store("reading the generation"))?;
        found.map(|value| self.decode(b"generation", &value)).transpose()
    }

    /// Remembers an accepted generation, and the takeover by which it was accepted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember(&self, generation: Generation, takeover: Option<&Takeover>) -> Result<(), JournalError> {
        let _one = self.locked();
        if self.remembered()? == Some(generation) {
            return Ok(());
        }
        if let Some(takeover) = takeover {
            // Before the generation: after a crash in between the takeover is followed again, and is the same.
            let (key, value) = (format!("{TAKEOVER}{generation}"), self.encode("takeover", takeover)?);
            self.store.put(Part::Root, key.as_bytes(), &value).map_err(self.store("writing a takeover"))?;
            self.sync()?;
        }
        let value = self.encode("generation", &generation)?;
        self.store.put(Part::Root, b"generation", &value).map_err(self.store("writing the generation"))?;
        self.sync()
    }

    /// The takeovers that were followed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn takeovers(&self) -> Result<Vec<Takeover>, JournalError> {
        let all = self.store.all(Part::Root).map_err(self.store("reading the takeovers"))?;
        let found = all.into_iter().filter(|(key, _)| key.starts_with(TAKEOVER.as_bytes()));
        found.map(|(key, value)| self.decode(&key, &value)).collect()
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

    /// Journals the supervisor of an act's program.
    ///
    /// # Errors
    /// When the act is not there, or the store fails.
    pub fn supervised(&self, id: &ActId, supervisor: ProcessMark) -> Result<ActRecord, JournalError> {
        self.update(id, |record| {
            record.supervisor = Some(supervisor);
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
                self.store
                    .put(Part::Floors, act.id.epoch().as_bytes(), &value)
                    .map_err(self.store("writing a floor"))?;
            }
        }
        if !acts.is_empty() {
            self.sync()?;
        }
        for act in &acts {
            self.store.remove(Part::Acts, act.id.to_string().as_bytes()).map_err(self.store("forgetting an act"))?;
        }
        Ok(acts.into_iter().map(|act| act.id).collect())
    }
}

#[cfg(test)]
mod tests;
