//! An entry on its way to a directory: whoever stops it stops it also between its reading and its writing.

use crate::scene::{self, Ahead, Running, name};
use sendgate_coordinator::directory::grant::{Alone, DescriptorDigest, Established, GrantDone, GrantError};
use sendgate_coordinator::directory::reach::{Directory, Ending, EntryWriter, Leave};
use sendgate_coordinator::directory::survey::{Looks, SteadyClock, Survey, Wanted};
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::ledger::{Entry, Outcome};
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::policy::{GrantMode, Policy};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::secdesc::SecurityDescriptor;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};

/// A directory whose one writer is slow: it has read the place, and writes when the test lets it.
struct Slow {
    /// Tells that a place was read.
    read: mpsc::UnboundedSender<()>,
    /// What may go on.
    on: Arc<Semaphore>,
    /// Tells what was written.
    wrote: mpsc::UnboundedSender<String>,
    /// Time that passes between the leave and the write.
    dawdles: Arc<dyn Fn() + Send + Sync>,
    /// What the server says instead of writing.
    refuses: Option<String>,
}

fn digest() -> DescriptorDigest {
    DescriptorDigest::of(&SecurityDescriptor::from_sddl("D:", None).unwrap())
}

impl Slow {
    async fn write(&self, entry: GrantEntry, leave: &dyn Leave) -> Result<GrantDone, GrantError> {
        let no = |why: String| GrantError::NoLeave { place: entry.place.clone(), why };
        self.read.send(()).unwrap();
        self.on.acquire().await.unwrap().forget();
        let given = leave.ask().await.map_err(no)?;
        (self.dawdles)();
        if let Some(why) = &self.refuses {
            return Err(GrantError::Refused { place: entry.place, why: why.clone() });
        }
        if !given.holds() {
            return Err(no("the leave ran off".into()));
        }
        self.wrote.send(entry.place.to_string()).unwrap();
        let alone = Alone::NotChecked("it is a test".into());
        Ok(GrantDone::Written { before: digest(), after: digest(), alone })
    }
}

impl EntryWriter for Slow {
    fn apply<'a>(&'a self, grant: &'a PlannedGrant, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(self.write(grant.entry(), leave))
    }

    fn withdraw<'a>(&'a self, entry: &'a GrantEntry, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(self.write(entry.clone(), leave))
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn establish<'a>(&'a self, _: &'a GrantEntry) -> Ending<'a, Established> {
        Box::pin(async { Ok(Established::Present(digest())) })
    }
}

struct Desk(Arc<Slow>);

impl Directory for Desk {
    fn watch(
        &self,
        domain: &DomainName,
        wanted: watch::Receiver<Arc<Wanted>>,
        looks: Looks,
        now: SteadyClock,
    ) -> Survey {
        Survey::start(domain.clone(), Vec::new(), wanted, looks, now)
    }

    fn writer(&self, _: &DomainName, _: &DirectoryServerName) -> Option<Arc<dyn EntryWriter>> {
        Some(Arc::clone(&self.0) as Arc<dyn EntryWriter>)
    }
}

/// A policy under which entries are written.
fn applying() -> Policy {
    let mut policy = scene::policy();
    policy.domains.values_mut().for_each(|domain| domain.grants = GrantMode::Apply);
    policy
}

/// A running coordinator that has read the place of its one grant and is about to ask for leave.
struct About {
    running: Running,
    on: Arc<Semaphore>,
    read: mpsc::UnboundedReceiver<()>,
    wrote: mpsc::UnboundedReceiver<String>,
}

impl About {
    async fn to_write(dawdles: u64) -> Self {
        Self::to_be_told(dawdles, None).await
    }

    async fn to_be_told(dawdles: u64, refuses: Option<String>) -> Self {
        Self::on(Arc::new(MemoryJournal::new()), applying(), dawdles, refuses).await.reading().await
    }

    async fn reading(mut self) -> Self {
        self.running.lacking().await;
        self.read.recv().await.unwrap();
        self
    }

    async fn on(journal: Arc<dyn Journal>, policy: Policy, dawdles: u64, refuses: Option<String>) -> Self {
        let (ahead, on) = (Ahead::default(), Arc::new(Semaphore::new(0)));
        let ((read_sender, read), (wrote_sender, wrote)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let clock = ahead.clone();
        let slow = Slow {
            read: read_sender,
            on: Arc::clone(&on),
            wrote: wrote_sender,
            dawdles: Arc::new(move || clock.pass(dawdles)),
            refuses,
        };
        let running = Running::with(journal, ahead, policy, Arc::new(Desk(Arc::new(slow)))).await;
        Self { running, on, read, wrote }
    }

    /// It goes on, and its end is in the journal.
    async fn end(&mut self) -> Outcome {
        self.on.add_permits(1);
        self.ends(1).await.remove(0)
    }

    /// So many ends are in the journal.
    async fn ends(&self, count: usize) -> Vec<Outcome> {
        let ended = async {
            loop {
                let outcomes = self.running.entries().into_iter().filter_map(|entry| match entry {
                    Entry::Outcome { outcome, .. } => Some(outcome),
                    _ => None,
                });
                let outcomes: Vec<_> = outcomes.collect();
                if outcomes.len() >= count {
                    return outcomes;
                }
                // The loop takes what the task has sent before this.
                self.running.now().await;
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the grant ends")
    }
}

const GRANT: &str = "grant Send As to goodadmin@a.example.test on DC=a";

#[tokio::test]
async fn an_entry_that_nobody_stops_is_written() {
    let mut about = About::to_write(0).await;
    let outcome = about.end().await.to_string();
    assert!(outcome.starts_with("succeeded: written and read back"), "{outcome}");
    assert_eq!(about.wrote.try_recv().unwrap(), "DC=a");
}

/// Invariant 7: the place was read before the hold, and would have been written after it.
#[tokio::test]
async fn a_hold_stops_an_entry_that_is_on_its_way_and_its_answer_lists_it() {
    let mut about = About::to_write(0).await;
    let held = WantedHeld::Domain("a.example.test".into());
    about.running.handle.request(name("olive"), move |world| request::hold(world, &held, "no")).await.unwrap();
    let listed = about.running.handle.look(|world, _| request::under_way(world)).await.unwrap().unwrap();
    assert!(
        listed
            .starts_with("entries that may have been sent to their directory already, and are within 30 s or never: "),
        "{listed}"
    );
    assert!(listed.contains(&format!("{GRANT} (intent ")) && listed.contains(", filed "), "{listed}");
    let outcome = about.end().await.to_string();
    assert_eq!(outcome, "not started: the DACL of DC=a was not written: domain a.example.test is held by olive: no");
    assert!(about.wrote.try_recv().is_err());
    let listed = about.running.handle.look(|world, _| request::under_way(world)).await.unwrap();
    assert_eq!(listed, None);
}

#[tokio::test]
async fn a_leave_to_write_runs_off_after_half_a_minute() {
    let mut about = About::to_write(1).await;
    let outcome = about.end().await.to_string();
    assert_eq!(outcome, "not started: the DACL of DC=a was not written: the leave ran off");
    assert!(about.wrote.try_recv().is_err());
}

/// A server may say as much as it likes: the loop goes on, and the journal keeps what it has room for.
#[tokio::test]
async fn a_server_that_says_more_than_a_record_holds_ends_nothing() {
    let mut about = About::to_be_told(0, Some("no\u{1}".repeat(100_000))).await;
    let outcome = about.end().await.to_string();
    assert!(outcome.starts_with("failed: the DACL of DC=a was not written: no\u{1}no\u{1}"), "{outcome}");
    assert!(outcome.ends_with('…') && outcome.len() < 41_000, "{}", outcome.len());
    about.running.now().await;
}

/// There is nobody to ask any more: it is taken neither for written nor for not written, and does not stay under way for
/// ever. When the domain has come back its place is asked.
#[tokio::test]
async fn an_entry_whose_domain_has_left_the_configuration_ends_as_unknown_until_it_is_back() {
    let died = About::to_write(0).await;
    let left = died.running.copied();
    died.running.task.abort();
    let mut without = applying();
    without.domains.clear();
    let about = About::on(left, without, 0, None).await;
    let ends = about.ends(1).await;
    assert_eq!(
        ends[0].to_string(),
        "unknown: what became of it cannot be told, for a.example.test is not configured any more: it may have been written; \
         once a.example.test is configured again, its place is read"
    );
    let listed = about.running.handle.look(|world, _| request::under_way(world)).await.unwrap();
    assert_eq!(listed, None, "it is not on its way any more");
    let left = about.running.copied();
    about.running.task.abort();
    let again = About::on(left, applying(), 0, None).await;
    let ends = again.ends(2).await;
    assert_eq!(ends.len(), 2, "it is said once: {ends:?}");
    let found = ends[1].to_string();
    assert!(found.starts_with("succeeded: found there after an interruption; DACL "), "{found}");
}
