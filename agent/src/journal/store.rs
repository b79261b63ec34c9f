//! Where the journal's records lie: sled, synced to the disk.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A part of the store, with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The form of the records, and the generation.
    Root,
    /// The acts.
    Acts,
    /// Below which sequence acts were forgotten, by epoch.
    Floors,
}

/// Why a store fails.
pub type StoreError = sled::Error;

/// Keys with their values, in the order of the keys.
pub type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// Keeps values by key. What was put or removed is durable once [`Store::sync`] has returned.
pub trait Store: Send + Sync + fmt::Debug {
    /// One value.
    ///
    /// # Errors
    /// When the store fails.
    fn get(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Everything of a part.
    ///
    /// # Errors
    /// When the store fails.
    fn all(&self, part: Part) -> Result<Records, StoreError>;

    /// Sets a value.
    ///
    /// # Errors
    /// When the store fails.
    fn put(&self, part: Part, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Removes a value, if it is there.
    ///
    /// # Errors
    /// When the store fails.
    fn remove(&self, part: Part, key: &[u8]) -> Result<(), StoreError>;

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// When the disk fails.
    fn sync(&self) -> Result<(), SyncError>;
}

/// Something may not be on the disk.
#[derive(Debug)]
pub enum SyncError {
    /// The store could not write it out.
    Flush(sled::Error),
    /// The disk could not.
    Disk(io::Error),
}

/// Removes the snapshots that sled had begun when its process was ended, or found the disk full. A snapshot is whole only
/// under its final name, until which the one before it stays; but sled takes one that is not for the newest, and finds it
/// damaged for ever.
pub(super) fn remove_unfinished(directory: &Path) -> io::Result<()> {
    let data = match File::open(directory.join("db")) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // Whoever has the journal may be writing one just now: then sled says that it is locked.
    match flock(&data, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating")) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// sled, in a directory of its own.
#[derive(Debug)]
pub(super) struct Sled {
    directory: PathBuf,
    db: sled::Db,
    acts: sled::Tree,
    floors: sled::Tree,
}

impl Sled {
    pub(super) fn open(directory: &Path) -> Result<Self, (&'static str, sled::Error)> {
        let db = sled::Config::new().path(directory).open().map_err(|error| ("opening", error))?;
        let acts = db.open_tree("acts").map_err(|error| ("opening the acts", error))?;
        let floors = db.open_tree("floors").map_err(|error| ("opening the floors", error))?;
        Ok(Self { directory: directory.to_owned(), db, acts, floors })
    }

    fn tree(&self, part: Part) -> &sled::Tree {
        match part {
            Part::Root => &self.db,
            Part::Acts => &self.acts,
            Part::Floors => &self.floors,
        }
    }
}

impl Store for Sled {
    fn get(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>, sled::Error> {
        Ok(self.tree(part).get(key)?.map(|value| value.to_vec()))
    }

    fn all(&self, part: Part) -> Result<Records, sled::Error> {
        self.tree(part).iter().map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
    }

    fn put(&self, part: Part, key: &[u8], value: &[u8]) -> Result<(), sled::Error> {
        self.tree(part).insert(key, value).map(drop)
    }

    fn remove(&self, part: Part, key: &[u8]) -> Result<(), sled::Error> {
        self.tree(part).remove(key).map(drop)
    }

    /// A flush of sled writes to the file, but does not wait for the disk: that takes a sync of the file itself.
    fn sync(&self) -> Result<(), SyncError> {
        self.db.flush().map_err(SyncError::Flush)?;
        for file in [self.directory.join("db"), self.directory.clone()] {
            File::open(file).and_then(|file| file.sync_all()).map_err(SyncError::Disk)?;
        }
        Ok(())
    }
}
