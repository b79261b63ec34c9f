//! The coordinator's journal is lost, and an old copy of it is put in its place, or nothing: what agents know of the lost
//! part goes on, and people declare a takeover. What the lost part intended is still known here.

use super::chance::Chance;
use super::estate::HOSTS;
use super::exceptions::Exceptions;
use super::faults::FAULTS_FOR;
use super::memory::Told;
use super::world::World;
use super::{Sim, locked};
use sendgate_core::ledger::{Effect, Entry, Ledger, Sequence, Stamped};
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A disk that is lost, and what comes after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    /// When.
    pub(super) at: Duration,
    /// How much of the journal's records the backup has, in percent.
    pub(super) kept: u64,
    /// How long nothing runs.
    pub(super) down: Duration,
    /// How long after that somebody declares the takeover.
    pub(super) declared: Duration,
    /// It goes on on another machine.
    pub(super) elsewhere: bool,
}

/// One seed in five loses a disk: drawn apart from everything else, so that the others go as they always did.
pub(super) fn draw(seed: u64) -> Option<Loss> {
    let mut chance = Chance::new(seed ^ 0x0d15_0c0f_fee5_u64);
    chance.percent(20).then(|| Loss {
        at: chance.between(10 * MINUTE, FAULTS_FOR),
        kept: if chance.percent(30) { 0 } else { chance.below(101) },
        down: chance.between(MINUTE, 20 * MINUTE),
        declared: chance.between(Duration::from_secs(30), 10 * MINUTE),
        elsewhere: chance.percent(50),
    })
}

/// Names an act for as long as a seed lasts: a journal that is restored gives its numbers out anew, and only an agent that
/// does not know of that could get one of them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ActKey {
    pub(super) epoch: u64,
    pub(super) sequence: Sequence,
    pub(super) host: &'static str,
}

impl ActKey {
    /// From what an agent calls it.
    pub(super) fn new(act_id: &str, host: &'static str) -> Option<Self> {
        let (epoch, sequence) = act_id.split_once('-')?;
        Some(Self { epoch: u64::from_str_radix(epoch, 16).ok()?, sequence: Sequence(sequence.parse().ok()?), host })
    }
}

/// What is known of journals that are lost.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// How many were.
    pub(super) count: u64,
    /// From when on somebody declares a takeover.
    pub(super) declared: Duration,
    /// What the copy has is gone through: it was judged when it was written.
    pub(super) replays: bool,
    /// Nobody has declared one since the last loss.
    pub(super) waits: bool,
    /// When somebody declared one last.
    pub(super) taken: Option<Duration>,
    /// How far the copy went that replaced the last one.
    pub(super) kept: Option<Sequence>,
    /// What agents were told of the present journal.
    pub(super) told: BTreeMap<&'static str, Told>,
    /// What they had been told of the one that was lost last.
    pub(super) knew: BTreeMap<&'static str, Told>,
    /// Since when the coordinator that lives can know that its journal is a copy, and from whom.
    pub(super) found: Option<(Duration, &'static str)>,
    /// Effects by the epoch and the number of their intents.
    intents: BTreeMap<(u64, Sequence), Effect>,
    /// When their permits were written down.
    permitted: BTreeMap<(u64, Sequence), Duration>,
}

impl World {
    /// The key of an intent of the present journal.
    pub(super) fn key(&self, id: Sequence) -> Option<ActKey> {
        let host = self.ledger.intents.get(&id)?.effect.host()?;
        let host = HOSTS.into_iter().find(|known| host.as_str() == *known)?;
        Some(ActKey { epoch: self.ledger.lineage.epoch_of(id)?, sequence: id, host })
    }

    /// Whether the act is one of the present journal.
    pub(super) fn is_ours(&self, key: &ActKey) -> bool {
        self.key(key.sequence).as_ref() == Some(key)
    }

    /// What a lost journal intended by it.
    pub(super) fn lost_effect(&self, key: &ActKey) -> Option<&Effect> {
        let effect = self.lost.intents.get(&(key.epoch, key.sequence))?;
        effect.host().is_some_and(|host| host.as_str() == key.host).then_some(effect)
    }

    /// When a journal that is lost by now permitted it.
    pub(super) fn lost_permit(&self, key: &ActKey) -> Option<Duration> {
        self.lost.permitted.get(&(key.epoch, key.sequence)).copied()
    }

    /// Some install of a lost journal on the host.
    pub(super) fn lost_install(&self, host: &str) -> Option<&Effect> {
        let here = |effect: &&Effect| effect.host().is_some_and(|on| on.as_str() == host);
        self.lost.intents.values().filter(here).find(|effect| matches!(effect, Effect::Install { .. }))
    }

    /// The journal has only these records from now on. They were judged when they were written.
    fn restored(&mut self, now: Duration, records: &[(Sequence, Vec<u8>)], declared: Duration) {
        let kept = records.last().map(|(sequence, _)| *sequence);
        let gone = |id: &Sequence| kept.is_none_or(|kept| *id > kept);
        for (id, intent) in &self.ledger.intents {
            if let Some(epoch) = self.ledger.lineage.epoch_of(*id) {
                self.lost.intents.insert((epoch, *id), intent.effect.clone());
                let at = self.permitted.get(id);
                self.lost.permitted.extend(at.map(|at| ((epoch, *id), *at)));
            }
        }
        let lost = std::mem::take(&mut self.lost);
        let (knew, told) = (lost.told, BTreeMap::new());
        self.lost = Lost { count: lost.count + 1, declared, waits: true, kept, knew, told, found: None, ..lost };
        let (violations, told) = (self.violations.len(), self.told.take());
        self.ledger = Ledger::default();
        self.outcomes.retain(|id, _| !gone(id));
        self.agreed.forget();
        self.waves.forget();
        self.watched.forget();
        self.lost.replays = true;
        self.exceptions = Exceptions::default();
        self.forgets_specials();
        for (sequence, payload) in records {
            let Ok(stamped) = serde_json::from_slice::<Stamped>(payload) else { continue };
            if self.ledger.apply(*sequence, &stamped).is_ok() {
                self.agrees(now, *sequence, &stamped.entry);
                self.in_order(now, *sequence, &stamped.entry);
                self.excepts(now, *sequence, &stamped.entry);
                self.says(now, &stamped.entry);
            }
        }
        self.lost.replays = false;
        self.removes_again();
        self.drifts_no_more();
        self.violations.truncate(violations);
        self.told = told;
        self.permitted.retain(|id, _| self.ledger.intents.get(id).is_some_and(|intent| intent.state.began()));
        let began = self
            .ledger
            .intents
            .iter()
            .filter(|(_, intent)| matches!(intent.effect, Effect::Install { .. }) && intent.state.began());
        let changed: Vec<_> = began.filter_map(|(id, _)| Some(self.key(*id)?.host)).collect();
        self.agreed.are_changed(changed);
        let installed = |key: &&ActKey| matches!(self.lost_effect(key), Some(Effect::Install { .. }));
        let began = self.acts.iter().filter(|(_, act)| act.began()).map(|(key, _)| key);
        let changed: Vec<_> = began.filter(installed).map(|key| key.host).collect();
        changed.into_iter().for_each(|host| self.was_changed(host));
        self.stops.clear();
        self.note_stops(now);
        self.tell(now, || format!("the journal is lost, and a copy up to {kept:?} takes its place"));
    }

    /// A takeover is durable.
    pub(super) fn taken_over(&mut self, now: Duration, entry: &Entry) {
        if matches!(entry, Entry::Request { request: sendgate_core::ledger::Request::Takeover { .. }, .. }) {
            (self.lost.waits, self.lost.taken) = (false, Some(now));
        }
    }
}

impl Sim {
    /// See [`World::restored`].
    pub(super) fn restored(&self, records: &[(Sequence, Vec<u8>)], loss: &Loss) {
        let now = self.now();
        locked(&self.world).restored(now, records, now + loss.down + loss.declared);
    }
}
