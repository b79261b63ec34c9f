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

    /// Effects whose end is not known and that no task of this coordinator carries: those of a coordinator that died, also
    /// where their domain was not configured for a while.
    pub(super) async fn establish_grants(&mut self) -> Result<(), RecordError> {
        let orphans: Vec<_> = self
            .ledger
            .intents
            .iter()
            .filter(|(id, intent)| (intent.state.is_open() || intent.state.is_unknown()) && !self.granting.contains(id))
            .filter_map(|(id, intent)| Some((*id, intent.effect.entry()?, Wanted::of(&intent.effect)?)))
            .collect();
        for (intent, entry, wanted) in orphans {
            if !self.policy.domains.contains_key(&entry.domain) {
                self.cannot_be_told(intent, &entry.domain).await?;
                continue;
            }
            let Some(server) = self.grant_server(&entry.domain) else { continue };
            self.granting.insert(intent);
            let (handle, readings) = (self.handle.clone(), self.readings(&entry.domain));
            tokio::spawn(async move {
                let outcome = established(server.as_ref(), &readings, &entry, wanted, ESTABLISH_EVERY).await;
                deliver(&handle, Message::Granted(intent, outcome)).await;
            });
        }
        Ok(())
    }

    /// There is nobody to ask any more: it is neither taken for written nor for not written, and does not stay under way.
    async fn cannot_be_told(&mut self, intent: Sequence, domain: &DomainName) -> Result<(), RecordError> {
        if !self.ledger.intents.get(&intent).is_some_and(|known| known.state.is_open()) {
            return Ok(());
        }
        let detail = format!(
            "what became of it cannot be told, for {domain} is not configured any more: it may have been written; once \
             {domain} is configured again, its place is read"
        );
        tracing::warn!(intent = intent.0, detail, "an entry whose domain has left the configuration");
        self.append(Entry::Outcome { intent, outcome: Outcome::Unknown { detail } }).await?;
        Ok(())
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
mod tests;
