//! What was acknowledged, beside the store and apart from it: a store takes a damaged end for a write that was torn, and
//! takes it back without a word. With this file a journal that ends before its last acknowledged record says so.
//!
//! Two slots are written in turn, so that a write that is torn leaves the one before it.

use super::{Digest, Head, Sequence};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Each slot in a sector of its own, in bytes.
const SECTOR: usize = 512;
/// A head and the digest of it, in bytes.
const SLOT: usize = 8 + 32 + 32;

/// The file.
#[derive(Debug)]
pub(super) struct Anchor {
    file: File,
}

impl Anchor {
    /// Opens it, or makes it, with room for both slots, so that a full disk cannot keep it from being written later.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if file.metadata()?.len() == 0 {
            file.write_all_at(&[0; 2 * SECTOR], 0)?;
            file.sync_all()?;
        }
        Ok(Self { file })
    }

    /// The last record that was acknowledged; none where there was none, or neither slot is whole.
    pub(super) fn acknowledged(&self) -> io::Result<Option<Head>> {
        let mut slots = [0; 2 * SECTOR];
        // A file that was cut off has slots that are not whole.
        let mut read = 0;
        while read < slots.len() {
            let bytes = slots.get_mut(read..).unwrap_or_default();
            match self.file.read_at(bytes, u64::try_from(read).unwrap_or(u64::MAX))? {
                0 => break,
                more => read += more,
            }
        }
        let (first, second) = slots.split_at(SECTOR);
        Ok([first, second].into_iter().filter_map(decode).max_by_key(|head| head.sequence))
    }

    /// Writes down that this record is acknowledged; durable when this returns.
    pub(super) fn acknowledge(&self, head: &Head) -> io::Result<()> {
        let slot = if head.sequence.get().is_multiple_of(2) { 0 } else { SECTOR };
        self.file.write_all_at(&encode(head), u64::try_from(slot).unwrap_or(0))?;
        self.file.sync_data()
    }
}

fn encode(head: &Head) -> Vec<u8> {
    let mut bytes = [&head.sequence.get().to_be_bytes()[..], &head.digest.0[..]].concat();
    let check = Sha256::digest(&bytes);
    bytes.extend(check);
    bytes
}

fn decode(slot: &[u8]) -> Option<Head> {
    let (head, check) = slot.get(..SLOT)?.split_at_checked(SLOT - 32)?;
    if Sha256::digest(head).as_slice() != check {
        return None;
    }
    let (sequence, digest) = head.split_at_checked(8)?;
    let sequence = Sequence::new(u64::from_be_bytes(sequence.try_into().ok()?))?;
    Some(Head { sequence, digest: Digest(digest.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn head(number: u64) -> Head {
        Head { sequence: Sequence::new(number).unwrap(), digest: Digest([u8::try_from(number).unwrap(); 32]) }
    }

    #[test]
    fn the_last_acknowledged_record_is_known_and_a_torn_slot_leaves_the_one_before() {
        let directory = Scratch::new();
        let path = directory.path().join("acknowledged");
        let anchor = Anchor::open(&path).unwrap();
        assert_eq!(anchor.acknowledged().unwrap(), None);
        for number in 1..=3 {
            anchor.acknowledge(&head(number)).unwrap();
            assert_eq!(Anchor::open(&path).unwrap().acknowledged().unwrap(), Some(head(number)));
        }
        // The slot of an odd number is the second one.
        for at in 0..SLOT {
            let torn = Anchor::open(&path).unwrap();
            let (mut byte, place) = ([0], u64::try_from(SECTOR + at).unwrap());
            torn.file.read_exact_at(&mut byte, place).unwrap();
            torn.file.write_all_at(&[byte[0] ^ 1], place).unwrap();
            assert_eq!(torn.acknowledged().unwrap(), Some(head(2)), "torn at {at}");
            torn.file.write_all_at(&byte, place).unwrap();
        }
        anchor.file.set_len(550).unwrap();
        assert_eq!(anchor.acknowledged().unwrap(), Some(head(2)), "cut off");
    }
}
