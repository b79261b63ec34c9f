//! Why a journal is not read, not opened or not written on, each with its whole text.

use super::*;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::os::fd::AsRawFd as _;

/// Each record follows from the one before it, so that only the head tells.
#[test]
fn a_forged_last_record_is_found_by_the_head() {
    let directory = Scratch::new();
    two(directory.path());
    let journal = open(directory.path());
    let mut forged = journal.read(Sequence::new(2).unwrap(), 1).unwrap().remove(0);
    forged.payload = b"forged".to_vec();
    forged.digest = chain::digest(&forged.previous, forged.sequence, &forged.payload);
    journal.records.insert(forged.sequence.get().to_be_bytes(), encode(&forged)).unwrap();
    assert_eq!(
        journal.verify().unwrap_err().to_string(),
        "the journal is damaged: record 2 is not the one that the journal's head names; restore the state directory from \
         its backup"
    );
}

#[test]
fn an_unfinished_snapshot_that_cannot_be_removed_is_told() {
    let directory = Scratch::new();
    two(directory.path());
    std::fs::create_dir(directory.path().join("snap.FFFFFFFFFFFFFFFF.generating")).unwrap();
    assert_eq!(
        refusal(directory.path()),
        "the journal directory DIRECTORY cannot be used: looking for an unfinished snapshot: Is a directory (os error 21); \
         create it, owned by the coordinator's user, on a disk with room"
    );
}

/// The kernel refuses what is written to a file that is sealed, as it would on a disk that takes no more.
#[test]
fn what_is_acknowledged_must_be_written_down() {
    let directory = Scratch::new();
    let sealed = File::from(memfd_create("acknowledged", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap());
    let path = format!("/proc/self/fd/{}", sealed.as_raw_fd());
    std::os::unix::fs::symlink(path, directory.path().join("acknowledged")).unwrap();
    let journal = open(directory.path());
    journal.append(Sequence::FIRST, b"one").unwrap();
    fcntl_add_seals(&sealed, SealFlags::WRITE).unwrap();
    let failed = journal.append(journal.next(), b"two").unwrap_err();
    assert_eq!(
        failed.to_string(),
        "appending record 2 to the journal failed, and whether it is there is not known: writing down what is acknowledged: \
         Operation not permitted (os error 1); no more is written: mend the disk, then restart the coordinator"
    );
}
