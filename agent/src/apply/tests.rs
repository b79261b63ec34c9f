//! What is done when the journal fails at the worst moment.

use super::programs::Followed;
use super::*;
use crate::journal::store::{Part, Records, Store, StoreError, SyncError};
use crate::machine::{Later, ThisMachine};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

type Pairs = BTreeMap<(Part, Vec<u8>), Vec<u8>>;

/// A disk that takes everything and fails to keep it, so many times.
#[derive(Debug, Default)]
struct Disk {
    records: Mutex<Pairs>,
    failures: Arc<AtomicU32>,
    /// So many writes of the store itself fail.
    writes: Arc<AtomicU32>,
}

fn fails(times: &AtomicU32) -> bool {
    times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Store for Disk {
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
            return Err(StoreError::Io(io::Error::from_raw_os_error(28)));
        }
        self.records.lock().unwrap().insert((part, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn remove(&self, part: Part, key: &[u8]) -> Result<(), StoreError> {
        self.records.lock().unwrap().remove(&(part, key.to_vec()));
        Ok(())
    }

    fn sync(&self) -> Result<(), SyncError> {
        if fails(&self.failures) { Err(SyncError::Disk(io::Error::from_raw_os_error(28))) } else { Ok(()) }
    }
}

/// Programs that are never started here.
#[derive(Debug, Default)]
struct Counted(AtomicU32);

impl Programs for Counted {
    fn start<'a>(&'a self, _: &'a ActId, _: Prepared, _: Steady) -> Later<'a, io::Result<Box<dyn Followed>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(io::Error::other("not in this test")) })
    }

    fn find(&self, _: &ActId) -> Box<dyn Followed> {
        unreachable!("nothing is recovered")
    }

    fn forget(&self, _: &ActId) {}
}

/// What a supervisor is to be started for.
fn prepared(host: &HostName) -> Prepared {
    Prepared { host: host.clone(), what: "install kb926666".into(), commands: Vec::new(), package: None }
}

#[tokio::test]
async fn a_supervisor_whose_start_failed_either_runs_or_never_will() {
    let state = std::env::temp_dir().join(format!("sendgate-start-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&state).unwrap();
    let programs = programs::Supervisors::new(state.clone(), "/nonexistent".into(), Arc::new(ThisMachine));
    let host = HostName::new("exa1").unwrap();
    let until = Steady::now().plus(Duration::from_secs(600));
    let (never, runs) = (ActId::parse("e-1").unwrap(), ActId::parse("e-2").unwrap());
    let error = programs.start(&never, prepared(&host), until).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let late = supervisor::run_act(&state, &never).unwrap_err().to_string();
    assert_eq!(late, "act e-1 is or was run by another supervisor; it is not run again");

    // The process was there before the start failed.
    let files = files::ActFiles::new(&state, &runs);
    files.create().unwrap();
    assert!(files.claim("a supervisor").unwrap());
    let _lock = files.lock().unwrap().unwrap();
    let mut followed = programs.start(&runs, prepared(&host), until).await.unwrap();
    assert_eq!(followed.look().await.unwrap(), Look::Claimed);
    std::fs::remove_dir_all(&state).unwrap();
}

#[tokio::test]
async fn an_act_whose_record_may_not_be_on_the_disk_is_refused_and_leaves_its_host_free() {
    let failures = Arc::new(AtomicU32::new(0));
    let disk = Disk { failures: Arc::clone(&failures), ..Disk::default() };
    let (journal, acts, programs) = on(disk);
    let host = HostName::new("exa1").unwrap();
    let id = ActId::parse("0000000000000007-9").unwrap();

    // The first for the act's beginning, the second for the first attempt to write that it is refused.
    failures.store(2, Ordering::SeqCst);
    acts.start(id.clone(), prepared(&host), Steady::now()).await;
    let record = journal.act(&id).unwrap().unwrap();
    assert_eq!(record.progress, Progress::Refused);
    assert_eq!(
        record.detail,
        "it could not be journaled before its start: the journal /state: syncing to disk: No space left on device (os \
         error 28)"
    );
    assert_eq!(programs.0.load(Ordering::SeqCst), 0, "and nothing was started");
    let next = ActId::parse("0000000000000007-10").unwrap();
    assert_eq!(journal.begin(&next, &host, "install kb926666").unwrap(), Begun::New);
}

/// Acts of a journal on this disk, which begins with what it has.
fn on(disk: Disk) -> (Arc<Journal>, Acts, Arc<Counted>) {
    let journal = Arc::new(Journal::kept_in(PathBuf::from("/state"), Box::new(disk)).unwrap());
    let programs = Arc::new(Counted::default());
    let acts = Acts::new(Arc::clone(&journal), programs.clone(), Arc::new(ThisMachine), Arc::default());
    (journal, acts, programs)
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_given_up_and_nothing_goes_on_without_it() {
    let host = HostName::new("exa1").unwrap();
    let id = ActId::parse("0000000000000007-9").unwrap();
    // A store that could not write once; then a disk that never syncs.
    let (failures, writes) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    for (which, what) in [(&writes, "writing an act"), (&failures, "syncing to disk")] {
        let disk = Disk { failures: Arc::clone(&failures), writes: Arc::clone(&writes), ..Disk::default() };
        let (journal, acts, programs) = on(disk);
        which.store(if what == "writing an act" { 1 } else { u32::MAX }, Ordering::SeqCst);
        let why = tokio::select! {
            why = journal.given_up() => why,
            () = acts.start(id.clone(), prepared(&host), Steady::now()) => panic!("it went on without its journal"),
        };
        which.store(0, Ordering::SeqCst);
        let said = "No space left on device (os error 28)";
        assert!(why.starts_with(&format!("the journal /state: {what}: ")) && why.ends_with(said), "{why}");
        assert_eq!(programs.0.load(Ordering::SeqCst), 0, "and nothing was started");
    }
}
