//! Whom the agent obeys: the highest generation of a coordinator with how far its journal had gone, and the takeovers by
//! which another one came.

use super::store::Part;
use super::{Journal, JournalError};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;

/// The key of the journal's own number.
const IDENTITY: &[u8] = b"identity";
/// How the keys of takeovers begin.
const TAKEOVER: &str = "takeover ";

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

/// Whom the agent obeyed last: one record, so that a generation and its head are written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The highest generation that was ever accepted.
    #[serde(flatten)]
    pub generation: Generation,
    /// How far that generation's journal had gone, as far as the agent was told; 0: it was not.
    #[serde(default)]
    pub head: u64,
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

impl Journal {
    /// Which journal this is, so that a coordinator tells it from an empty one in its place: a number that is made once, from
    /// what `random` gives. It is never 0.
    ///
    /// # Errors
    /// When the store fails.
    pub fn identity(&self, random: impl FnOnce() -> u64) -> Result<u64, JournalError> {
        let _one = self.locked();
        if let Some(found) = self.store.get(Part::Root, IDENTITY).map_err(self.store("reading the identity"))? {
            return self.decode(IDENTITY, &found);
        }
        let identity = random().max(1);
        let value = self.encode("identity", &identity)?;
        self.written("writing the identity", self.store.put(Part::Root, IDENTITY, &value))?;
        self.sync()?;
        Ok(identity)
    }

    /// Whom the agent obeyed last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remembered(&self) -> Result<Option<Memory>, JournalError> {
        let found = self.store.get(Part::Root, b"generation").map_err(self.store("reading the generation"))?;
        found.map(|value| self.decode(b"generation", &value)).transpose()
    }

    /// Remembers an accepted generation with how far its journal has gone, and the takeover by which it was accepted. The
    /// head of one generation never falls; that of another says nothing of this one's.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember(&self, generation: Generation, head: u64, takeover: Option<&Takeover>) -> Result<(), JournalError> {
        let _one = self.locked();
        let known = self.remembered()?;
        if known.is_some_and(|known| known.generation == generation && known.head >= head) {
            // It may have been written, and not be on the disk.
            return if self.unsynced.load(Ordering::SeqCst) { self.sync() } else { Ok(()) };
        }
        if let Some(takeover) = takeover {
            // Before the generation: after a crash in between the takeover is followed again, and is the same.
            let (key, value) = (format!("{TAKEOVER}{generation}"), self.encode("takeover", takeover)?);
            self.written("writing a takeover", self.store.put(Part::Root, key.as_bytes(), &value))?;
            self.sync()?;
        }
        let value = self.encode("generation", &Memory { generation, head })?;
        self.written("writing the generation", self.store.put(Part::Root, b"generation", &value))?;
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
}
