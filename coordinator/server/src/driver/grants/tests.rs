//! How a write on a directory ends, and what its place tells of it afterwards.

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
    assert!(text.starts_with("succeeded: it is there by grant 7, whose write was carried out late; DACL "), "{text}");
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
