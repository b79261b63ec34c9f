//! A journal that ends with the process: for tests, and for a laboratory that wants to forget.

use super::chain::{self, Walk};
use super::{AppendError, Head, Journal, MAX_PAYLOAD, ReadError, Record, Sequence, Verified};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A journal in memory.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    records: Mutex<Vec<Record>>,
}

impl MemoryJournal {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        // A push is the only change, so a thread that panicked has left the records whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn head_of(records: &[Record]) -> Option<Head> {
    records.last().map(|record| Head { sequence: record.sequence, digest: record.digest })
}

impl Journal for MemoryJournal {
    fn append(&self, expected: Sequence, payload: &[u8]) -> Result<Record, AppendError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(AppendError::Oversize { bytes: payload.len() });
        }
        let mut records = self.records();
        let record = chain::follow(head_of(&records), payload);
        if record.sequence != expected {
            return Err(AppendError::Conflict { expected, actual: record.sequence });
        }
        records.push(record.clone());
        Ok(record)
    }

    fn head(&self) -> Option<Head> {
        head_of(&self.records())
    }

    fn read(&self, from: Sequence, limit: usize) -> Result<Vec<Record>, ReadError> {
        let mut walk = Walk::from(from);
        let records = self.records();
        let wanted = records.iter().skip_while(|record| record.sequence < from).take(limit);
        wanted.map(|record| walk.step(record).map(|()| record.clone()).map_err(ReadError::from)).collect()
    }

    fn verify(&self) -> Result<Verified, ReadError> {
        let mut walk = Walk::from(Sequence::FIRST);
        let records = self.records();
        records.iter().try_for_each(|record| walk.step(record))?;
        Ok(walk.arrive(head_of(&records))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::contract::{self, Bench};

    impl Bench for MemoryJournal {
        type Form = Self;
        fn new() -> Self {
            MemoryJournal::new()
        }
        fn journal(&self) -> &Self {
            self
        }
        fn tamper(&self, change: impl FnOnce(&mut Vec<Record>)) {
            change(&mut self.records());
        }
    }

    contract::suite!(MemoryJournal);
}
