//! Entries are written and taken away and, after a crash, established.

use super::act::deliver;
use super::agents::PERMIT_VALID;
use super::{Driver, Message, RecordError, Stopped};
use crate::clock::Clock;
use crate::directory::grant::{Established, GrantDone, GrantError, LostEdit};
use crate::directory::reach::{Asked, EntryWriter, Given, Leave};
use sendgate_core::coverage::placement::GrantEntry;
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::names::DomainName;
use sendgate_core::plan;
use sendgate_core::time::Steady;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Between two attempts to find out what became of a grant.
const ESTABLISH_EVERY: Duration = Duration::from_secs(5);

/// Whether an effect wants its entry to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    There,
    Gone,
}

impl Wanted {
    fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Grant(_) => Some(Self::There),
            Effect::Withdraw(_) => Some(Self::Gone),
            Effect::Install { .. }
            | Effect::Remove { .. }
            | Effect::TestSend { .. }
            | Effect::RestartGoodlink { .. } => None,
        }
    }
}

/// The task of one intent asks the loop before it writes.
struct Asking {
    handle: mpsc::WeakSender<Message>,
    intent: Sequence,
    clock: Arc<Clock>,
}

impl Leave for Asking {
    fn ask(&self) -> Asked<'_> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            deliver(&self.handle, Message::MayWrite(self.intent, reply)).await;
            let until = answer.await.map_err(|_| Stopped.to_string())??;
            let clock = Arc::clone(&self.clock);
            Ok(Given::until(until, Arc::new(move || clock.now().steady)))
        })
    }
}

impl Driver {
    fn grant_server(&self, domain: &DomainName) -> Option<Arc<dyn EntryWriter>> {
        self.directory.writer(domain, &self.policy.domains.get(domain)?.grant_server)
    }

    /// What may be read at once in a domain to establish what became of entries.
    fn readings(&mut self, domain: &DomainName) -> Arc<Semaphore> {
        Arc::clone(
            self.readings.entry(domain.clone()).or_insert_with(|| Arc::new(Semaphore::new(plan::grants::AT_ONCE))),
        )
    }

    /// Carries out an effect on the directory; its end comes back as a message.
    pub(super) fn write_directory(&mut self, intent: Sequence, effect: &Effect) {
        let (Some(entry), Some(wanted)) = (effect.entry(), Wanted::of(effect)) else { return };
        let Some(server) = self.grant_server(&entry.domain) else { return };
        self.granting.insert(intent);
        let (handle, effect, readings) = (self.handle.clone(), effect.clone(), self.readings(&entry.domain));
        let leave = Asking { handle: handle.clone(), intent, clock: Arc::clone(&self.clock) };
        let unanswered = self.ledger.unanswered(&entry, intent);
        tokio::spawn(async move {
            let done = match &effect {
                Effect::Grant(grant) => server.apply(grant, &leave).await,
                _ => server.withdraw(&entry, &leave).await,
            };
            let outcome = match done {
                Err(error @ GrantError::Unknown { .. }) => {
                    tracing::warn!(%error, intent = intent.0, "whether the entry was written is not known");
                    established(server.as_ref(), &readings, &entry, wanted, ESTABLISH_EVERY).await
                }
                done => outcome(done, wanted, unanswered),
            };
            deliver(&handle, Message::Granted(intent, outcome)).await;
        });
    }

    /// Whether a task may write now, and until when.
    pub(super) fn may_write(&self, intent: Sequence) -> Result<Steady, String> {
        let now = self.clock.now();
        match plan::may_write(self.world(now), intent) {
            Ok(()) => Ok(now.steady + PERMIT_VALID),
            Err(why) => {
                tracing::info!(intent = intent.0, %why, "no leave to write");
                Err(why.to_string())
            }
        }
    }

    /// Effects whose intent is open and that no task of this coordinator carries: those of a coordinator that died.
    pub(super) fn establish_grants(&mut self) {
        let orphans: Vec<_> = self
            .ledger
            .open()
            .filter(|(id, _)| !self.granting.contains(id))
            .filter_map(|(id, intent)| Some((id, intent.effect.entry()?, Wanted::of(&intent.effect)?)))
            .collect();
        for (intent, entry, wanted) in orphans {
            let Some(server) = self.grant_server(&entry.domain) else { continue };
            self.granting.insert(intent);
            let (handle, readings) = (self.handle.clone(), self.readings(&entry.domain));
            tokio::spawn(async move {
                let outcome = established(server.as_ref(), &readings, &entry, wanted, ESTABLISH_EVERY).await;
                deliver(&handle, Message::Granted(intent, outcome)).await;
            });
        }
    }

    pub(super) async fn granted(&mut self, intent: Sequence, outcome: Outcome) -> Result<(), RecordError> {
        self.append(Entry::Outcome { intent, outcome }).await?;
        self.granting.remove(&intent);
        Ok(())
    }
}

fn outcome(done: Result<GrantDone, GrantError>, wanted: Wanted, unanswered: Option<Sequence>) -> Outcome {
    match (done, wanted) {
        (Ok(GrantDone::Written { before, after, alone }), _) => Outcome::Succeeded {
            detail: format!("written and read back; DACL {before} before, {after} after; {alone}"),
        },
        (Ok(GrantDone::AlreadyThere { now }), Wanted::There) => match unanswered {
            Some(earlier) => Outcome::Succeeded {
                detail: format!("it is there by grant {earlier}, whose write was carried out late; DACL {now}"),
            },
            // What somebody else put there is not ours to undo: nothing was written.
            None => {
                Outcome::NotStarted { detail: format!("nothing was written: the entry was there already; DACL {now}") }
            }
        },
        (Ok(GrantDone::AlreadyThere { now }), Wanted::Gone) => {
            Outcome::Succeeded { detail: format!("nothing was written: the entry was gone already; DACL {now}") }
        }
        (Err(error @ GrantError::NoLeave { .. }), _) => Outcome::NotStarted { detail: error.to_string() },
        (Err(GrantError::LostEdit(lost)), wanted) => lost_edit(&lost, wanted),
        (Err(error), _) => Outcome::Failed { detail: error.to_string() },
    }
}

/// Somebody else wrote at the same time: whether ours was done all the same was read back.
fn lost_edit(lost: &LostEdit, wanted: Wanted) -> Outcome {
    tracing::warn!(%lost, "another write at the same time");
    let detail = lost.to_string();
    if lost.there == (wanted == Wanted::There) { Outcome::Succeeded { detail } } else { Outcome::Failed { detail } }
}

/// Asks until there is an answer: an open grant holds up every other one on its place, so it shows. That nothing was done
/// is believed only once the server has been waited for as long as it may take, and the place has not changed meanwhile:
/// what was sent may still be carried out.
async fn established(
    server: &dyn EntryWriter,
    readings: &Semaphore,
    entry: &GrantEntry,
    wanted: Wanted,
    every: Duration,
) -> Outcome {
    let over = Instant::now() + server.patience();
    let (mut before, mut said) = (None, String::new());
    loop {
        let asked = Instant::now();
        let turn = readings.acquire().await;
        let answer = server.establish(entry).await;
        drop(turn);
        match answer {
            Ok(now) => {
                let as_wanted = matches!(now, Established::Present(_)) == (wanted == Wanted::There);
                if as_wanted || (asked >= over && before == Some(now)) {
                    return found(now, wanted);
                }
                before = Some(now);
            }
            // Where it is now its entries are too, and there nobody knows them for ours.
            Err(GrantError::NoPlace { place, server }) => {
                let detail = format!(
                    "what became of it cannot be told: {place} is not there on {server} any more; it may have been moved or \
                     renamed"
                );
                return Outcome::Failed { detail };
            }
            // A server that has refused the account says so without being asked.
            Err(error) => {
                let error = error.to_string();
                if error != said {
                    tracing::warn!(error, "what became of a grant could not be read yet");
                    said = error;
                }
            }
        }
        tokio::time::sleep(every).await;
    }
}

fn found(now: Established, wanted: Wanted) -> Outcome {
    let succeeded =
        |what: &str, digest| Outcome::Succeeded { detail: format!("{what} after an interruption; DACL {digest}") };
    match (now, wanted) {
        (Established::Present(digest), Wanted::There) => succeeded("found there", digest),
        (Established::Absent(digest), Wanted::Gone) => succeeded("found gone", digest),
        (Established::Absent(digest), Wanted::There) => Outcome::not_there(format!("DACL {digest}")),
        (Established::Present(digest), Wanted::Gone) => {
            Outcome::NotStarted { detail: format!("still there after an interruption; DACL {digest}") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::grant::{Alone, DescriptorDigest};
    use crate::directory::reach::Ending;
    use sendgate_core::coverage::placement::PlannedGrant;
    use sendgate_core::names::Dn;
    use sendgate_core::secdesc::SecurityDescriptor;
    use sendgate_core::secdesc::edit::GrantForm;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn digest() -> DescriptorDigest {
        DescriptorDigest::of(&SecurityDescriptor::from_sddl("D:", None).unwrap())
    }

    fn lost(there: bool) -> GrantError {
        GrantError::LostEdit(Box::new(LostEdit {
            place: Dn::from("DC=a"),
            difference: None,
            there,
            versions: None,
            before: digest(),
            after: digest(),
        }))
    }

    #[test]
    fn what_was_there_before_us_is_not_our_success() {
        let there = || GrantDone::AlreadyThere { now: digest() };
        let text = outcome(Ok(there()), Wanted::There, None).to_string();
        assert!(text.starts_with("not started: nothing was written: the entry was there already; DACL "), "{text}");
        let text = outcome(Ok(there()), Wanted::Gone, None).to_string();
        assert!(text.starts_with("succeeded: nothing was written: the entry was gone already; DACL "), "{text}");
        // Unless a write of ours had no answer before: what it was to write is ours to undo.
        let text = outcome(Ok(there()), Wanted::There, Some(Sequence(7))).to_string();
        assert!(
            text.starts_with("succeeded: it is there by grant 7, whose write was carried out late; DACL "),
            "{text}"
        );
    }

    #[test]
    fn an_entry_without_leave_was_not_begun() {
        let no = GrantError::NoLeave { place: Dn::from("DC=a"), why: "the estate is held by olga: no".to_owned() };
        let text = outcome(Err(no), Wanted::There, None).to_string();
        assert_eq!(text, "not started: the DACL of DC=a was not written: the estate is held by olga: no");
    }

    #[test]
    fn an_outcome_says_whether_somebody_else_wrote() {
        let alone = Alone::NotChecked("replPropertyMetaData is not shown to x".into());
        let done = Ok(GrantDone::Written { before: digest(), after: digest(), alone });
        let text = outcome(done, Wanted::There, None).to_string();
        assert!(text.starts_with("succeeded: written and read back; DACL "), "{text}");
        assert!(text.ends_with("could be told by the entries only: replPropertyMetaData is not shown to x"), "{text}");
    }

    /// Another write at the same time is said in any case; ours ended well if the entry is as it was wanted.
    #[test]
    fn a_lost_edit_ends_by_what_is_there() {
        for (there, wanted, word) in [
            (true, Wanted::There, "succeeded"),
            (false, Wanted::There, "failed"),
            (true, Wanted::Gone, "failed"),
            (false, Wanted::Gone, "succeeded"),
        ] {
            let text = outcome(Err(lost(there)), wanted, None).to_string();
            assert!(
                text.starts_with(&format!("{word}: somebody else changed the DACL of DC=a at the same time")),
                "{text}"
            );
        }
    }

    #[test]
    fn after_an_interruption_the_place_tells() {
        let text = |now, wanted| found(now, wanted).to_string();
        let (there, gone) = (Established::Present(digest()), Established::Absent(digest()));
        for (now, wanted, start) in [
            (there, Wanted::There, "succeeded: found there after an interruption; DACL "),
            (gone, Wanted::There, "not started: not there after an interruption; DACL "),
            (gone, Wanted::Gone, "succeeded: found gone after an interruption; DACL "),
            (there, Wanted::Gone, "not started: still there after an interruption; DACL "),
        ] {
            assert!(text(now, wanted).starts_with(start), "{}", text(now, wanted));
        }
    }

    /// Only readings are asked here.
    fn not_written(place: &Dn) -> GrantError {
        GrantError::Refused { place: place.clone(), why: "this one is only read".to_owned() }
    }

    /// A place of which each reading shows what the test says, or that it is gone.
    struct Shown<F> {
        patience: Duration,
        shows: F,
        readings: AtomicUsize,
    }

    impl<F: Fn(usize) -> Option<Established> + Send + Sync> EntryWriter for Shown<F> {
        fn apply<'a>(&'a self, grant: &'a PlannedGrant, _: &'a dyn Leave) -> Ending<'a, GrantDone> {
            Box::pin(async move { Err(not_written(&grant.place)) })
        }

        fn withdraw<'a>(&'a self, entry: &'a GrantEntry, _: &'a dyn Leave) -> Ending<'a, GrantDone> {
            Box::pin(async move { Err(not_written(&entry.place)) })
        }

        fn patience(&self) -> Duration {
            self.patience
        }

        fn establish<'a>(&'a self, _: &'a GrantEntry) -> Ending<'a, Established> {
            let shown = (self.shows)(self.readings.fetch_add(1, Ordering::SeqCst));
            let gone = || GrantError::NoPlace { place: Dn::from("DC=a"), server: "dc1".to_owned() };
            Box::pin(async move { shown.ok_or_else(gone) })
        }
    }

    async fn what_became(
        wanted: Wanted,
        patience: Duration,
        shows: impl Fn(usize) -> Option<Established> + Send + Sync,
    ) -> (String, usize) {
        let entry = GrantEntry {
            domain: "a.example.test".parse().unwrap(),
            sid: "S-1-5-21-1-2-3-1104".parse().unwrap(),
            place: Dn::from("DC=a"),
            form: GrantForm::ContainerUsers,
        };
        let shown = Shown { patience, shows, readings: AtomicUsize::new(0) };
        let outcome = established(&shown, &Semaphore::new(1), &entry, wanted, Duration::from_millis(1)).await;
        (outcome.to_string(), shown.readings.into_inner())
    }

    /// A write whose answer is late may be carried out after a reading that followed it at once.
    #[tokio::test]
    async fn that_nothing_was_done_is_believed_only_when_the_server_cannot_do_it_any_more() {
        let patience = Duration::from_millis(50);
        for (wanted, done) in [(Wanted::There, "succeeded: found there"), (Wanted::Gone, "succeeded: found gone")] {
            let begun = Instant::now();
            let late = move |_| {
                let there = (begun.elapsed() >= patience) == (wanted == Wanted::There);
                Some(if there { Established::Present(digest()) } else { Established::Absent(digest()) })
            };
            let (text, readings) = what_became(wanted, patience, late).await;
            assert!(text.starts_with(done) && readings > 1, "{text}, {readings} readings");
        }
    }

    #[tokio::test]
    async fn that_nothing_was_done_is_believed_only_of_a_place_that_stays_as_it_is() {
        let changing = |reading: usize| {
            let sddl = format!("D:(A;;RP;;;S-1-5-21-{})", reading.min(3));
            let shown = SecurityDescriptor::from_sddl(&sddl, None).unwrap();
            Some(Established::Absent(DescriptorDigest::of(&shown)))
        };
        let (text, readings) = what_became(Wanted::There, Duration::ZERO, changing).await;
        assert!(text.starts_with("not started: not there after an interruption; DACL "), "{text}");
        assert_eq!(readings, 5, "the last two show the same");
    }

    /// Where the place has gone to its entries are too: an undo is not done by that.
    #[tokio::test]
    async fn a_place_that_is_gone_ends_nothing_well() {
        for wanted in [Wanted::There, Wanted::Gone] {
            let (text, _) = what_became(wanted, Duration::ZERO, |_| None).await;
            assert_eq!(
                text,
                "failed: what became of it cannot be told: DC=a is not there on dc1 any more; it may have been moved or renamed"
            );
        }
    }
}
