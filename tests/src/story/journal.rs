//! The journal as sentences: what is written down is what happened, in its order.

use super::Teller;
use crate::system::{System, SystemError};
use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, PairEvent, Request, RolloutEvent, Sequence, Stamped};
use std::collections::BTreeMap;

/// The whole journal, a numbered sentence for each entry that a person wants to read.
pub(crate) fn sentences(journal: &[(Sequence, Stamped)]) -> Vec<String> {
    let mut follower = Follower::new();
    let told = journal.iter().filter_map(|(sequence, stamped)| {
        let text = follower.sentence(*sequence, &stamped.entry)?;
        Some(format!("journal {:>3}: {text}", sequence.0))
    });
    told.collect()
}

/// Follows the journal.
#[derive(Debug)]
pub(super) struct Follower {
    next: Sequence,
    effects: BTreeMap<Sequence, Effect>,
}

impl Follower {
    pub(super) fn new() -> Self {
        Self { next: Sequence::FIRST, effects: BTreeMap::new() }
    }

    /// Tells what was written since the last time.
    pub(super) fn tell(&mut self, teller: &Teller, system: &System) -> Result<(), SystemError> {
        for (sequence, stamped) in system.journal(self.next)? {
            self.next = sequence.next();
            if let Some(text) = self.sentence(sequence, &stamped.entry) {
                teller.say(&format!("journal {:>3}: {text}", sequence.0));
            }
        }
        Ok(())
    }

    /// How many GoodLink restarts were announced.
    pub(super) fn restarts(&self) -> usize {
        self.effects.values().filter(|effect| matches!(effect, Effect::RestartGoodlink { .. })).count()
    }

    fn sentence(&mut self, sequence: Sequence, entry: &Entry) -> Option<String> {
        Some(match entry {
            Entry::Started { generation, laboratory, .. } => format!(
                "coordinator started, start {} on this journal{}",
                generation.counter,
                if *laboratory { ", laboratory: waits may be short" } else { "" }
            ),
            Entry::Clock(_) => return None,
            Entry::Milestone(milestone) => milestone_text(milestone),
            Entry::Request { by, request } => format!("{by} asks: {}", request_text(request)),
            Entry::Intent { effect } => {
                self.effects.insert(sequence, effect.clone());
                format!("about to {}", effect_text(effect))
            }
            Entry::Permitted { intent, .. } => format!("permit given: {}", self.named(*intent)),
            Entry::Outcome { intent, outcome } => {
                let word = match outcome {
                    Outcome::Succeeded { .. } => "done".to_owned(),
                    other => other.to_string(),
                };
                format!("{word}: {}", self.named(*intent))
            }
        })
    }

    fn named(&self, intent: Sequence) -> String {
        self.effects.get(&intent).map_or_else(|| format!("intent {intent}"), effect_text)
    }
}

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::Grant(grant) => format!("{effect}, form {:?}", grant.form),
        _ => effect.to_string(),
    }
}

fn milestone_text(milestone: &Milestone) -> String {
    match milestone {
        Milestone::Pairs { domain, event, users, cause, .. } => {
            let (count, many) = (users.len(), if users.len() == 1 { "user" } else { "users" });
            match event {
                PairEvent::Lacking => format!("{count} {many} of {domain} seen without Send As"),
                PairEvent::Landed => {
                    format!("the right has landed on {count} {many} of {domain}: seen on every directory server")
                }
                PairEvent::Proved => format!("second look: {count} {many} of {domain} still have the right"),
                PairEvent::Vanished => {
                    let cause = cause.as_deref().unwrap_or("cause unknown");
                    format!("the right has vanished from {count} {many} of {domain}: {cause}")
                }
            }
        }
        Milestone::Version(step) => match step.before {
            None => format!("{}: store.exe is {}", step.host, step.after),
            Some(before) => {
                let who = if step.ours { "by this rollout" } else { "by nobody here: drift" };
                format!("{}: store.exe was {before}, is {} ({who})", step.host, step.after)
            }
        },
        Milestone::Declared { .. } | Milestone::Unwatched { .. } => milestone.to_string(),
        Milestone::HostRead { host } => format!("{host} is seen anew"),
        Milestone::SeenAnew { goodlink } => format!("the users of {goodlink} are seen anew"),
        Milestone::Roster { goodlink, users, .. } => format!("roster of {goodlink}: {users} users"),
        Milestone::Baseline { rollout, wave, goodlink, paused, anew } => {
            let (wave, now) = (wave + 1, if *anew { " now" } else { "" });
            format!("before wave {wave} of rollout {rollout}, {} users of {goodlink} are{now} paused", paused.len())
        }
        Milestone::Breach { .. }
        | Milestone::HostVerified { .. }
        | Milestone::HostsFailed { .. }
        | Milestone::RestartVoid { .. }
        | Milestone::WaveDone { .. } => milestone.to_string(),
        Milestone::Rollout { rollout, event } => match event {
            RolloutEvent::Started => format!("rollout {rollout} started"),
            RolloutEvent::Resumed { reason } => format!("rollout {rollout} goes on: {reason}"),
            RolloutEvent::Finished => milestone.to_string(),
            RolloutEvent::Tripped { reason } => format!("rollout {rollout} stopped by itself: {reason}"),
            RolloutEvent::Removing { .. } => milestone.to_string(),
            RolloutEvent::Aborted { reason } => format!("rollout {rollout} aborted: {reason}"),
        },
        Milestone::Account { .. } | Milestone::GrantLost { .. } => milestone.to_string(),
    }
}

fn request_text(request: &Request) -> String {
    match request {
        Request::RolloutAbort { rollout, reason } => format!("abort rollout {rollout}: {reason}"),
        Request::Waive { user, reason, .. } => format!("waive {user}: {reason}"),
        other => other.to_string(),
    }
}
