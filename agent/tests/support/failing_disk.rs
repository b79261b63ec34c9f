//! A disk that fails when a test wants. Unit tests and test programs name the crate differently: the store comes from
//! whoever includes this.

use super::{Part, Records, Store, StoreError, SyncError};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

type Kept = BTreeMap<(Part, Vec<u8>), Vec<u8>>;

/// `ENOSPC`.
const FULL: i32 = 28;

/// Takes everything, and fails so many times. Clones are one disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailingDisk {
    records: Arc<Mutex<Kept>>,
    /// So many times what was taken is not kept.
    pub(crate) failures: Arc<AtomicU32>,
    /// So many writes fail.
    pub(crate) writes: Arc<AtomicU32>,
}

fn fails(times: &AtomicU32) -> bool {
    times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Store for FailingDisk {
    fn get(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records.lock().unwrap().get(&(part, key.to_vec())).cloned())
    }

    fn all(&self, part: Part) -> Result<Records, StoreError> {
        let records = self.records.lock().unwrap();
        let of_part = records.iter().filter(|((of, _), _)| *of == part);
        Ok(of_part.map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn put(&self, part: Part, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if fails(&self.writes) {
            return Err(StoreError::Io(io::Error::from_raw_os_error(FULL)));
        }
        self.records.lock().unwrap().insert((part, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn remove(&self, part: Part, key: &[u8]) -> Result<(), StoreError> {
        self.records.lock().unwrap().remove(&(part, key.to_vec()));
        Ok(())
    }

    fn sync(&self) -> Result<(), SyncError> {
        if fails(&self.failures) { Err(SyncError::Disk(io::Error::from_raw_os_error(FULL))) } else { Ok(()) }
    }
}
