//! What people take out of the rules, and what may not happen for all that: users who are waived, entries of ours that are
//! taken back, restarts of GoodLink whatever its users have waited.

use super::EPOCH_MS;
use super::chance::Chance;
use super::estate::{GOODLINK, name};
use super::faults::FAULTS_FOR;
use super::people::Act;
use super::world::{World, shown};
use jiff::Timestamp;
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome, Request, Sequence};
use sendgate_core::names::{DirectoryName, GoodLinkName};
use sendgate_core::policy::Switch;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// What was taken out of the rules, by what is durable.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    /// GoodLink servers that somebody wants restarted, and nobody has tried yet.
    forced: BTreeSet<GoodLinkName>,
    /// When somebody last did not want that any more: in the journal, and on the clock.
    cancelled: BTreeMap<GoodLinkName, (Sequence, Duration)>,
}

/// Draws a seed's exceptions: apart from everything else, so that a seed without any goes as it always did.
pub(super) fn draw(seed: u64) -> Vec<(Duration, Act)> {
    let mut chance = Chance::new(!seed);
    let count = if chance.percent(50) { 0 } else { 1 + chance.below(3) };
    let mut acts = Vec::new();
    for _ in 0..count {
        let (at, long) = (chance.between(MINUTE, FAULTS_FOR), chance.between(MINUTE, 90 * MINUTE));
        let pick = usize::try_from(chance.below(8)).unwrap_or(0);
        let goodlink = chance.pick(&GOODLINK).map_or("gla", |(goodlink, _)| *goodlink);
        match chance.below(4) {
            0 | 1 => acts.push((at, Act::Waive(pick, long * 2))),
            2 => acts.extend([(at, Act::Undo(pick)), (at + long, Act::Redo)]),
            _ => {
                acts.push((at, Act::Restart(goodlink)));
                if chance.percent(40) {
                    let soon = Duration::from_secs(chance.below(120));
                    acts.push((at + soon, Act::CancelRestart(goodlink)));
                }
            }
        }
    }
    acts
}

/// The wall clock at a virtual time.
pub(super) fn wall(at: Duration) -> Timestamp {
    let passed = i64::try_from(at.as_millis()).unwrap_or(0);
    Timestamp::from_millisecond(EPOCH_MS + passed).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl World {
    /// Whether somebody has excepted this user, and that has not run off by then.
    pub(super) fn waived(&self, called: &str, at: Duration) -> bool {
        let waiver = self.ledger.waivers.get(&name::<DirectoryName>(called));
        waiver.is_some_and(|waiver| wall(at) < waiver.expires)
    }

    /// The grants that stand, as far as the journal has it.
    pub(super) fn standing(&self) -> Vec<Sequence> {
        let undone: BTreeSet<_> = self.ledger.undone.keys().collect();
        let standing = self.ledger.intents.iter().filter(|(_, intent)| {
            let written = matches!(&intent.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. });
            let grant = matches!(intent.effect, Effect::Grant(_));
            grant && written && intent.effect.entry().is_some_and(|entry| !undone.contains(&entry))
        });
        standing.map(|(id, _)| *id).collect()
    }

    /// An entry is durable: who forces a restart gets one, and who does not want it any more gets none.
    pub(super) fn excepts(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        match entry {
            Entry::Request { request: Request::RestartForce { goodlink, .. }, .. } => {
                self.exceptions.forced.insert(goodlink.clone());
            }
            Entry::Request { request: Request::RestartCancel { goodlink, .. }, .. } => {
                self.exceptions.forced.remove(goodlink);
                self.exceptions.cancelled.insert(goodlink.clone(), (sequence, now));
            }
            Entry::Intent { effect: effect @ Effect::RestartGoodlink { goodlink, forced, .. } } => {
                let wanted = self.exceptions.forced.remove(goodlink);
                if *forced && !wanted {
                    self.violated(now, format!("{effect} is intended, and nobody wants that"));
                }
                if !forced && self.policy.goodlink_restart == Switch::Off {
                    self.violated(now, format!("{effect} is intended, and restarts are left to people"));
                }
            }
            Entry::Permitted { intent, .. } => self.still_wanted(now, *intent, Duration::ZERO, "gets a permit"),
            _ => {}
        }
    }

    /// A restart that somebody forced may be called off, `grace` ago at most.
    pub(super) fn still_wanted(&mut self, now: Duration, id: Sequence, grace: Duration, what: &str) {
        let Some(effect @ Effect::RestartGoodlink { goodlink, forced: true, .. }) =
            self.ledger.intents.get(&id).map(|intent| &intent.effect)
        else {
            return;
        };
        let cancelled = self.exceptions.cancelled.get(goodlink);
        if let Some((_, at)) = cancelled.filter(|(sequence, at)| *sequence > id && *at + grace < now) {
            self.violated(now, format!("{effect} {what}, and that was called off at {}", shown(*at)));
        }
    }
}
