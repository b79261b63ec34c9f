//! Entries are written and taken away and, after a crash, established.

use super::act::deliver;
use super::{Driver, Message, RecordError};
use crate::directory::grant::{Established, GrantDone, GrantError, LostEdit};
use crate::directory::reach::EntryWriter;
use sendgate_core::coverage::placement::GrantEntry;
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::names::DomainName;
use std::sync::Arc;
use std::time::Duration;

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

impl Driver {
    fn grant_server(&self, domain: &DomainName) -> Option<Arc<dyn EntryWriter>> {
        self.directory.writer(domain, &self.policy.domains.get(domain)?.grant_server)
    }

    /// Carries out an effect on the directory; its end comes back as a message.
    pub(super) fn write_directory(&mut self, intent: Sequence, effect: &Effect) {
        let (Some(entry), Some(wanted)) = (effect.entry(), Wanted::of(effect)) else { return };
        let Some(server) = self.grant_server(&entry.domain) else { return };
        self.granting.insert(intent);
        let (handle, effect) = (self.handle.clone(), effect.clone());
        tokio::spawn(async move {
            let done = match &effect {
                Effect::Grant(grant) => server.apply(grant).await,
                _ => server.withdraw(&entry).await,
            };
            let outcome = match done {
                Err(error @ GrantError::Unknown { .. }) => {
                    tracing::warn!(%error, intent = intent.0, "whether the entry was written is not known");
                    established(server.as_ref(), &entry, wanted).await
                }
                done => outcome(done, wanted),
            };
            deliver(&handle, Message::Granted(intent, outcome)).await;
        });
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
            let handle = self.handle.clone();
            tokio::spawn(async move {
                let outcome = established(server.as_ref(), &entry, wanted).await;
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

fn outcome(done: Result<GrantDone, GrantError>, wanted: Wanted) -> Outcome {
    match (done, wanted) {
        (Ok(GrantDone::Written { before, after, alone }), _) => Outcome::Succeeded {
            detail: format!("written and read back; DACL {before} before, {after} after; {alone}"),
        },
        // What somebody else put there is not ours to undo: nothing was written.
        (Ok(GrantDone::AlreadyThere { now }), Wanted::There) => {
            Outcome::NotStarted { detail: format!("nothing was written: the entry was there already; DACL {now}") }
        }
        (Ok(GrantDone::AlreadyThere { now }), Wanted::Gone) => {
            Outcome::Succeeded { detail: format!("nothing was written: the entry was gone already; DACL {now}") }
        }
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

/// Asks until there is an answer: an open grant holds up every other one on its place, so it shows.
async fn established(server: &dyn EntryWriter, entry: &GrantEntry, wanted: Wanted) -> Outcome {
    loop {
        match server.establish(entry).await {
            Ok(now) => return found(now, wanted),
            Err(error @ GrantError::NoPlace { .. }) if wanted == Wanted::Gone => {
                return Outcome::Succeeded { detail: error.to_string() };
            }
            Err(error @ GrantError::NoPlace { .. }) => return Outcome::NotStarted { detail: error.to_string() },
            Err(error) => tracing::warn!(%error, "what became of a grant could not be read yet"),
        }
        tokio::time::sleep(ESTABLISH_EVERY).await;
    }
}

fn found(now: Established, wanted: Wanted) -> Outcome {
    let (what, digest, good) = match (now, wanted) {
        (Established::Present(digest), Wanted::There) => ("found there", digest, true),
        (Established::Absent(digest), Wanted::Gone) => ("found gone", digest, true),
        (Established::Absent(digest), Wanted::There) => ("not there", digest, false),
        (Established::Present(digest), Wanted::Gone) => ("still there", digest, false),
    };
    let detail = format!("{what} after an interruption; DACL {digest}");
    if good { Outcome::Succeeded { detail } } else { Outcome::NotStarted { detail } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::grant::{Alone, DescriptorDigest};
    use sendgate_core::names::Dn;
    use sendgate_core::secdesc::SecurityDescriptor;

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
        let text = outcome(Ok(there()), Wanted::There).to_string();
        assert!(text.starts_with("not started: nothing was written: the entry was there already; DACL "), "{text}");
        let text = outcome(Ok(there()), Wanted::Gone).to_string();
        assert!(text.starts_with("succeeded: nothing was written: the entry was gone already; DACL "), "{text}");
    }

    #[test]
    fn an_outcome_says_whether_somebody_else_wrote() {
        let alone = Alone::NotChecked("replPropertyMetaData is not shown to x".into());
        let done = Ok(GrantDone::Written { before: digest(), after: digest(), alone });
        let text = outcome(done, Wanted::There).to_string();
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
            let text = outcome(Err(lost(there)), wanted).to_string();
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
}
