//! Long absences: an agent, a directory server, a domain or the coordinator is away for longer than an act may take, and the
//! rollout's patience is short. Then deadlines and patience really pass; that they pass when they have to, and not before, is
//! counted here, with an arithmetic of its own, from what is durable and when. Drawn apart from everything else, so that a
//! seed without any goes as it always did.

use super::Sim;
use super::chance::Chance;
use super::estate::{DOMAINS, HOSTS, SERVERS, name};
use super::faults::Fault;
use super::lives::{ROLLOUT, Who};
use super::meddling::Meddling;
use super::world::{World, shown};
use sendgate_core::ledger::{
    Effect, Entry, Held, IntentState, Milestone, Outcome, Request, RolloutEvent, RolloutState, Sequence,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// How long somebody is away: an act may take 75 minutes.
const LEAST: Duration = Duration::from_secs(80 * 60);
const MOST: Duration = Duration::from_secs(300 * 60);

/// Within this time they begin: they are over before the rollout has to end.
const BEGIN_WITHIN: Duration = Duration::from_secs(150 * 60);

/// Counted on two clocks, and written down a moment later.
const SLACK: Duration = Duration::from_secs(2);

/// What has passed is written down within this time, by a coordinator that has lived for so long: it takes a host for
/// silent, and no longer for one of which nothing is known yet, a quarter of an hour after it has started.
const PASSES_WITHIN: Duration = Duration::from_secs(20 * 60);

/// What deadlines are counted from.
#[derive(Debug, Default)]
pub(super) struct Absences {
    /// When anything of the rollout moved last.
    moved: Duration,
    /// When something of it was open last, at a full minute.
    busy: Duration,
    /// When each intent was written down.
    filed: BTreeMap<Sequence, Duration>,
    /// Acts that were given up when their time had passed.
    given_up: BTreeSet<Sequence>,
    /// Whoever begins an act next is away for so long.
    leaving: Option<Duration>,
    /// What was said already.
    said: BTreeSet<Sequence>,
}

impl Absences {
    pub(super) fn leaves_next(&mut self, long: Option<Duration>) {
        self.leaving = long;
    }

    /// Whether an act was given up, and when that was right.
    pub(super) fn gave_up(&self, id: Sequence) -> bool {
        self.given_up.contains(&id)
    }
}

/// One seed in four.
fn any(seed: u64) -> (Chance, bool) {
    let mut chance = Chance::new(seed ^ 0x00ab_5e9c_e000_u64);
    let any = chance.percent(25);
    (chance, any)
}

/// Draws a seed's absences.
pub(super) fn draw(seed: u64) -> Vec<(Duration, Fault)> {
    let (mut chance, any) = any(seed);
    let count = if any { 1 + chance.below(3) } else { 0 };
    let drawn = (0..count).map(|_| {
        let host = chance.pick(&HOSTS).copied().unwrap_or("exa1");
        let server = chance.pick(&SERVERS).map_or("a1", |(server, _)| *server);
        let domain = chance.pick(&DOMAINS).copied().unwrap_or(DOMAINS[0]);
        let (at, long) = (chance.between(10 * MINUTE, BEGIN_WITHIN), chance.between(LEAST, MOST));
        let reboot = chance.percent(50);
        let fault = match chance.below(12) {
            0 | 1 => Fault::Partition(host, long),
            2..5 => Fault::Leave(long),
            5 | 6 => Fault::Meddle(Meddling::Away, long),
            7 | 8 => Fault::Down(server, long),
            9 => Fault::Stall(domain, long),
            10 => Fault::Kill { who: Who::Agent(host), down: long, reboot },
            _ => Fault::Kill { who: Who::Coordinator, down: long, reboot },
        };
        (at, fault)
    });
    drawn.collect()
}

/// How long nothing of the rollout may move, in seeds with absences and in some without; longer than it takes from one window
/// to the next.
pub(super) fn patience(seed: u64, from_window_to_window: Duration) -> Option<Duration> {
    let (_, absent) = any(seed);
    let mut chance = Chance::new(seed ^ 0x9a71_e9ce_0000_u64);
    let minutes = 95 + chance.below(150);
    (chance.percent(if absent { 60 } else { 8 })).then(|| from_window_to_window + Duration::from_secs(60 * minutes))
}

impl Sim {
    /// A program has begun: its agent may be away from now on.
    pub(super) fn leaves(&self, now: Duration, host: &'static str) {
        let Some(long) = self.world(|world| world.absences.leaving.take()) else { return };
        self.world(|world| world.tell(now, || format!("{host} is away from now on")));
        self.ways(|ways| {
            if let Some(way) = ways.get_mut(host) {
                way.closed = now + long;
                way.cut();
            }
        });
    }
}

impl World {
    /// An entry is durable, and the ledger has it.
    pub(super) fn passes(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        match entry {
            Entry::Intent { .. } => {
                self.absences.filed.insert(sequence, now);
                self.absences.given_up.remove(&sequence);
            }
            Entry::Permitted { intent, .. } => self.moves(now, *intent),
            Entry::Outcome { intent, outcome } => {
                self.is_given_up(now, *intent, outcome);
                // An offer, and its being taken back, move nothing.
                if !matches!(outcome, Outcome::Withdrawn { .. }) {
                    self.moves(now, *intent);
                }
            }
            Entry::Milestone(Milestone::HostVerified { .. } | Milestone::WaveDone { .. }) => self.absences.moved = now,
            Entry::Milestone(Milestone::Rollout { event, .. }) => {
                if let RolloutEvent::Tripped { reason } | RolloutEvent::Aborted { reason } = event {
                    self.was_patient(now, reason);
                }
                self.absences.moved = now;
            }
            Entry::Request { request, .. } => {
                use Request::{
                    HostRetry, HostSkip, RolloutAbort, RolloutApply, RolloutRemove, RolloutResume, RolloutStart,
                };
                if matches!(
                    request,
                    HostRetry { .. }
                        | HostSkip { .. }
                        | RolloutAbort { .. }
                        | RolloutApply { .. }
                        | RolloutRemove { .. }
                        | RolloutResume { .. }
                        | RolloutStart { .. }
                ) {
                    self.absences.moved = now;
                }
            }
            _ => {}
        }
    }

    /// Something of an act of the rollout was written down.
    fn moves(&mut self, now: Duration, intent: Sequence) {
        if self.ledger.intents.get(&intent).is_some_and(|intent| intent.effect.rollout().is_some()) {
            self.absences.moved = now;
        }
    }

    /// Whether a reason to stop is that nothing has moved.
    pub(super) fn is_impatience(reason: &str) -> bool {
        ["nothing has moved for ", "nobody let it go on within ", "nobody started it within "]
            .iter()
            .any(|begins| reason.starts_with(begins))
    }

    /// Nobody lost patience before the file's has passed since anything moved, holds not counted.
    fn was_patient(&mut self, now: Duration, reason: &str) {
        if !Self::is_impatience(reason) || self.lost.count > 0 {
            return;
        }
        let patience = self.agreed.terms.patience();
        let stood = self.free(self.absences.moved, now, |held| matches!(held, Held::Estate | Held::Rollout(_)));
        if stood + SLACK < patience {
            let moved = shown(self.absences.moved);
            self.violated(
                now,
                format!("patience is {patience:?}, something has moved at {moved}, and it stops: {reason}"),
            );
        }
        let open = self.ledger.open().find(|(_, intent)| {
            intent.effect.rollout().is_some() && matches!(intent.state, IntentState::Permitted { .. })
        });
        if let Some(what) = open.map(|(id, intent)| format!("{} (intent {id})", intent.effect)) {
            self.violated(now, format!("{what} is under way, and it stops: {reason}"));
        }
    }

    /// Whether it was time to give an act up of which nothing was heard: its end is known to nobody then, whatever it was.
    fn is_given_up(&mut self, now: Duration, id: Sequence, outcome: &Outcome) {
        let Some(at) = self.permitted.get(&id) else { return };
        if matches!(outcome, Outcome::Unknown { .. }) && now.saturating_sub(*at) + SLACK >= self.policy.act_deadline {
            self.absences.given_up.insert(id);
        }
    }

    /// Once a minute: what has to have passed by now has.
    pub(super) fn deadlines(&mut self, now: Duration) {
        // How far the clock of a copy had come nobody knows.
        if self.lost.count > 0 || now.saturating_sub(self.alive) <= PASSES_WITHIN || !self.lives {
            return;
        }
        let limit = self.policy.act_deadline + PASSES_WITHIN;
        let mut wrong = Vec::new();
        for (id, intent) in self.ledger.open().filter(|(_, intent)| intent.effect.host().is_some()) {
            let since = match intent.state {
                IntentState::Permitted { .. } => self.permitted.get(&id),
                _ => self.absences.filed.get(&id),
            };
            let Some(since) = since.map(|since| (*since).max(self.alive)) else { continue };
            let free = self.free(since, now, |_| true);
            if free > limit && !self.absences.said.contains(&id) {
                wrong.push((
                    id,
                    format!("{} (intent {id}) is {:?} since {}", intent.effect, intent.state, shown(since)),
                ));
            }
        }
        for (id, why) in wrong {
            self.absences.said.insert(id);
            self.violated(now, format!("{why}, and an act may take {:?}", self.policy.act_deadline));
        }
        self.has_lost_patience(now);
    }

    /// A rollout that runs, and of which nothing moves or is on its way, stops by itself.
    fn has_lost_patience(&mut self, now: Duration) {
        let rollout = self.ledger.rollouts.get(&name(ROLLOUT));
        let runs = rollout.is_some_and(|rollout| matches!(rollout.state, RolloutState::Running { .. }));
        let offered = |effect: &Effect| effect.rollout().is_some();
        if !runs || self.ledger.open().any(|(_, intent)| offered(&intent.effect)) {
            self.absences.busy = now;
            return;
        }
        let since = self.absences.moved.max(self.alive);
        let (stood, patience) = (self.free(since, now, |_| true), self.agreed.terms.patience());
        let quiet = self.free(self.absences.busy, now, |_| true);
        if stood > patience + PASSES_WITHIN && quiet > PASSES_WITHIN {
            self.violated(now, format!("nothing has moved since {}, patience is {patience:?}", shown(since)));
            self.absences.moved = now;
        }
    }
}
