//! What is done when the journal fails at the worst moment.

#[path = "../../tests/support/failing_disk.rs"]
mod failing_disk;

use super::programs::Followed;
use super::*;
use crate::journal::store::{Part, Records, Store, StoreError, SyncError};
use crate::machine::{Later, ThisMachine};
use failing_disk::FailingDisk;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

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
    programs.write_down(&never, &prepared(&host), until).await.unwrap();
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
    let disk = FailingDisk::default();
    let (journal, acts, programs) = on(disk.clone());
    let host = HostName::new("exa1").unwrap();
    let id = ActId::parse("0000000000000007-9").unwrap();

    // The first for the act's beginning, the second for the first attempt to write that it is refused.
    disk.failures.store(2, Ordering::SeqCst);
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
fn on(disk: FailingDisk) -> (Arc<Journal>, Acts, Arc<Counted>) {
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
    for (once, what) in [(true, "writing an act"), (false, "syncing to disk")] {
        let disk = FailingDisk::default();
        let (journal, acts, programs) = on(disk.clone());
        let which = if once { &disk.writes } else { &disk.failures };
        which.store(if once { 1 } else { u32::MAX }, Ordering::SeqCst);
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

/// Looks that are given.
struct Looks(std::vec::IntoIter<Result<Look, &'static str>>);

impl Followed for Looks {
    fn look(&mut self) -> Later<'_, io::Result<Look>> {
        let look = self.0.next().expect("it ended before").map_err(io::Error::other);
        Box::pin(async move { look })
    }

    fn pause(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn why_an_act_cannot_be_looked_at_is_logged_once_while_it_is_the_same() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let (journal, acts, _) = on(FailingDisk::default());
    let id = ActId::parse("0000000000000007-9").unwrap();
    journal.begin(&id, &HostName::new("exa1").unwrap(), "install kb926666").unwrap();
    let over = Ok(Look::Over(Progress::Unknown, String::new()));
    let looks =
        vec![Err("this"), Err("this"), Err("that"), Err("this"), Ok(Look::Running), Err("this"), Err("this"), over];
    acts.watch(id, Box::new(Looks(looks.into_iter()))).await;
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let errors: Vec<_> =
        text.lines().filter_map(|line| line.split_once("how an act stands").map(|(_, rest)| rest)).collect();
    let said = |what: &str| format!(" cannot be found out; trying again act=0000000000000007-9 error={what}");
    assert_eq!(errors, ["this", "that", "this", "this"].map(said));
}

#[tokio::test]
async fn an_act_that_was_seen_running_is_never_said_not_to_have_been_started() {
    let (journal, acts, _) = on(FailingDisk::default());
    let host = HostName::new("exa1").unwrap();
    for (sequence, first, expected) in [(9, Look::Running, Progress::Unknown), (10, Look::Claimed, Progress::Refused)] {
        let id = ActId::parse(&format!("0000000000000007-{sequence}")).unwrap();
        assert_eq!(journal.begin(&id, &host, "install kb926666").unwrap(), Begun::New, "its host is free");
        let looks = vec![Ok(first), Ok(Look::Over(Progress::Refused, "no supervisor".into()))];
        acts.clone().watch(id.clone(), Box::new(Looks(looks.into_iter()))).await;
        let record = journal.act(&id).unwrap().unwrap();
        assert_eq!(record.progress, expected, "{}", record.detail);
    }
    let record = journal.act(&ActId::parse("0000000000000007-9").unwrap()).unwrap().unwrap();
    assert_eq!(record.detail, "its program was seen running, but now there is no sign of it left: no supervisor");
}

/// A record without that is of an act whose files somebody has removed.
#[tokio::test]
async fn an_act_is_written_down_before_it_is_journaled() {
    let state = std::env::temp_dir().join(format!("sendgate-start-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&state).unwrap();
    let disk = FailingDisk::default();
    let journal = Arc::new(Journal::kept_in(PathBuf::from("/state"), Box::new(disk.clone())).unwrap());
    let programs = Arc::new(programs::Supervisors::new(state.clone(), "/nonexistent".into(), Arc::new(ThisMachine)));
    let acts = Acts::new(Arc::clone(&journal), programs, Arc::new(ThisMachine), Arc::default());
    let host = HostName::new("exa1").unwrap();
    let act = |sequence: u32| ActId::parse(&format!("0000000000000007-{sequence}")).unwrap();
    let detail = |id: &ActId| {
        let record = journal.act(id).unwrap().unwrap();
        assert_eq!(record.progress, Progress::Refused);
        record.detail
    };
    // It does not come to its record.
    disk.failures.store(1, Ordering::SeqCst);
    acts.clone().start(act(9), prepared(&host), Steady::now()).await;
    assert!(detail(&act(9)).starts_with("it could not be journaled before its start: "), "{}", detail(&act(9)));
    let spec = state.join("acts/0000000000000007-9/spec.json");
    let written = std::fs::read(&spec).unwrap();
    acts.clone().start(act(9), prepared(&host), Steady::now().plus(Duration::from_secs(9))).await;
    assert_eq!(std::fs::read(&spec).unwrap(), written, "what is written down of an act that is known stays");

    // It cannot be written down: a file is where the acts' directory would be.
    std::fs::remove_dir_all(state.join("acts")).unwrap();
    std::fs::write(state.join("acts"), "").unwrap();
    acts.start(act(10), prepared(&host), Steady::now()).await;
    assert!(detail(&act(10)).starts_with("the act's supervisor cannot be started: "), "{}", detail(&act(10)));
    std::fs::remove_dir_all(&state).unwrap();
}
