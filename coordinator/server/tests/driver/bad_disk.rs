//! A journal in memory whose disk is what the test wants it to be.

use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_coordinator::journal::{AppendError, Head, Journal, ReadError, Record, Verified};
use sendgate_core::ledger::Sequence;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

#[derive(Debug, Default, PartialEq)]
enum Disk {
    #[default]
    Good,
    Hangs,
    Full,
}

/// The journal.
#[derive(Default)]
pub(crate) struct BadDisk {
    journal: MemoryJournal,
    disk: Mutex<Disk>,
    changes: Condvar,
}

impl BadDisk {
    /// From here on nothing can be written.
    pub(crate) fn fills(&self) {
        self.becomes(Disk::Full);
    }

    /// Whoever writes waits, until it goes on.
    pub(crate) fn hang(&self, hangs: bool) {
        self.becomes(if hangs { Disk::Hangs } else { Disk::Good });
    }

    fn becomes(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
        self.changes.notify_all();
    }
}

impl Journal for BadDisk {
    fn append(&self, expected: Sequence, payload: &[u8]) -> Result<Record, AppendError> {
        let disk = self.disk.lock().unwrap();
        // A test that has failed meanwhile must not wait for ever.
        let waited = self.changes.wait_timeout_while(disk, Duration::from_secs(30), |disk| *disk == Disk::Hangs);
        if *waited.unwrap().0 == Disk::Full {
            return Err(AppendError::Storage { sequence: expected, reason: "No space left on device".into() });
        }
        self.journal.append(expected, payload)
    }

    fn head(&self) -> Option<Head> {
        self.journal.head()
    }

    fn read(&self, from: Sequence, limit: usize) -> Result<Vec<Record>, ReadError> {
        self.journal.read(from, limit)
    }

    fn verify(&self) -> Result<Verified, ReadError> {
        self.journal.verify()
    }
}
