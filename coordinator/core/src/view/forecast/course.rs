//! How a wave goes on from where it is: when each of its hosts would begin, and when it is over.
//!
//! A host that is watched takes no opening any more, one with an act under way has begun, and both count where a removal of the
//! wave must have room; only hosts that wait are given a time.

use super::{HostForecast, WaveForecast};
use crate::gate::World;
use crate::ledger::{Effect, IntentState, Rollout};
use crate::names::ExchangeServerName;
use crate::plan::Blocked;
use crate::plan::rollout::{HostProgress, Phase, at_once, batches, ours};
use crate::spec::{WaveSpec, after};
use crate::view::rollout::host_lines;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// How a host stands.
#[derive(Clone, Copy)]
enum Stand {
    /// Nothing is to be done there any more.
    Over,
    /// It has what it was to get, or had, and its wave is watched for so long still.
    Watched(Duration),
    /// An act is under way, which takes so long still by what the file expects.
    UnderWay(Duration),
    /// Nothing has begun.
    Waiting,
}

/// A host of a wave.
struct Member {
    progress: HostProgress,
    stand: Stand,
    /// The rollout may have changed it: a removal of the wave is one from it as well.
    begun: bool,
    held: bool,
}

/// What is foreseen.
pub(super) struct Course<'a> {
    pub(super) world: World<'a>,
    pub(super) rollout: &'a Rollout,
    /// Where everything before is over; none: that never is.
    pub(super) clock: Option<Timestamp>,
}

impl Course<'_> {
    /// One wave with its hosts and whether each is held, from `clock` on, which it moves to its end.
    pub(super) fn wave(&mut self, wave: &WaveSpec, hosts: Vec<(HostProgress, bool)>) -> WaveForecast {
        let (spec, removing) = (&self.rollout.spec, self.rollout.removal.is_some());
        let expected = spec.expected;
        let at_once = at_once(self.world.policy, wave);
        let time = if removing { expected.removal } else { expected.install };
        let members: Vec<_> = hosts.into_iter().map(|(host, held)| self.member(host, held, time)).collect();
        let to_go = members.iter().filter(|member| matches!(member.stand, Stand::UnderWay(_) | Stand::Waiting));
        let to_go = batches(to_go.map(|member| &member.progress.server), at_once).batches;
        let watched = members.iter().filter_map(|member| match member.stand {
            Stand::Watched(remaining) => Some(remaining),
            _ => None,
        });
        let watched = watched.max();
        // Nothing is watched after a removal.
        let afterwards = if removing { Duration::ZERO } else { expected.restart + wave.soak };
        let needs = |begun: &[ExchangeServerName]| {
            if removing {
                expected.removal
            } else {
                expected.install + afterwards + expected.removal.saturating_mul(batches(begun, at_once).batches)
            }
        };
        let before = self.clock;
        let (hosts, done) = self.one_after_the_other(members, at_once, (time, needs));
        let takes = match (to_go, watched) {
            (0, watched) => {
                let end = watched.map(|remaining| after(self.world.now.wall, remaining));
                self.clock = before.max(before.and(end));
                watched.unwrap_or_default()
            }
            _ => {
                self.clock = done.map(|done| after(done, afterwards)).map(|end| before.map_or(end, |at| end.max(at)));
                time.saturating_mul(to_go) + afterwards
            }
        };
        let needs = if removing { expected.removal } else { spec.needs(wave, self.world.policy) };
        WaveForecast { name: wave.name.clone(), takes, needs, hosts }
    }

    fn member(&self, progress: HostProgress, held: bool, time: Duration) -> Member {
        let removing = self.rollout.removal.is_some();
        // Its store may have to come up beside the soak.
        let waits = progress.blocked.iter().filter_map(|blocked| match blocked {
            Blocked::Wait { remaining, .. } => Some(*remaining),
            _ => None,
        });
        let watched = waits.max();
        let stand = match (&progress.phase, watched) {
            (Phase::Waiting, _) => Stand::Waiting,
            // It is awaited before it is removed.
            (Phase::Installing { .. }, _) if removing => Stand::Waiting,
            (Phase::Soaking { remaining }, _) => Stand::Watched(*remaining),
            (Phase::Failed { .. }, Some(remaining)) => Stand::Watched(remaining),
            (phase, _) if phase.in_flight() => Stand::UnderWay(self.still(&progress, time)),
            _ => Stand::Over,
        };
        let begun = !matches!(stand, Stand::Waiting)
            && (self.rollout.before.contains_key(&progress.host) || ours(self.world, self.rollout, &progress.host));
        Member { progress, stand, begun, held }
    }

    /// How much of the time for an act is left: all of it, where it has no permit yet.
    fn still(&self, host: &HostProgress, time: Duration) -> Duration {
        let acts = self.world.ledger.intents.values().rev();
        let mut here = acts.filter(|intent| match &intent.effect {
            Effect::Install { rollout, host: on, .. } | Effect::Remove { rollout, host: on, .. } => {
                *rollout == self.rollout.spec.name && *on == host.host
            }
            _ => false,
        });
        let since = here.next().and_then(|intent| match intent.state {
            IntentState::Filed => None,
            IntentState::Permitted { at } => Some(at),
            // Its program has ended, and what the host shows is awaited.
            IntentState::Ended { .. } => Some(intent.filed),
        });
        time.saturating_sub(since.map_or(Duration::ZERO, |since| self.world.now.steady.since(since)))
    }

    /// When each of a wave's hosts would begin, so many at once: each takes `time`, and needs so much until a cutoff as one
    /// before which, and with which, hosts of these servers begin. Moves `clock` to when the last one begins, and says when all
    /// of them are through. One that is held lets others of its wave go, but no other node of its server.
    fn one_after_the_other(
        &mut self,
        members: Vec<Member>,
        at_once: NonZeroU32,
        (time, needs): (Duration, impl Fn(&[ExchangeServerName]) -> Duration),
    ) -> (Vec<HostForecast>, Option<Timestamp>) {
        let windows = &self.rollout.spec.windows;
        let server = |member: &Member| member.progress.server.clone();
        // Of those that are not held, and of all.
        let mut begun: Vec<_> = members.iter().filter(|member| member.begun).map(server).collect();
        let mut left_so_far = begun.clone();
        let under_way = |member: &Member| match member.stand {
            Stand::UnderWay(still) => Some((server(member), after(self.world.now.wall, still))),
            _ => None,
        };
        let mut under_way: Vec<_> = members.iter().filter_map(under_way).collect();
        let mut stuck = BTreeSet::new();
        let mut through = under_way.iter().map(|(_, until)| *until).max();
        let mut hosts = Vec::new();
        for member in members {
            let server = server(&member);
            let held = member.held || stuck.contains(&server);
            let (begins, held, fits) = match member.stand {
                Stand::Over | Stand::Watched(_) => (None, member.held, true),
                Stand::UnderWay(_) => {
                    stuck.extend(member.held.then_some(server));
                    (None, member.held, true)
                }
                Stand::Waiting if held => {
                    left_so_far.push(server.clone());
                    stuck.insert(server);
                    // When it is released, whatever is before it has begun.
                    let fits = self.clock.and_then(|at| windows.opening(at, needs(&left_so_far))).is_some();
                    through = through.max(self.clock.map(|at| after(at, time)));
                    (None, true, fits)
                }
                Stand::Waiting => {
                    left_so_far.push(server.clone());
                    begun.push(server.clone());
                    let room = self.clock.map(|at| room(&under_way, &server, at_once, at));
                    self.clock = room.and_then(|at| windows.opening(at, needs(&begun)));
                    let until = self.clock.map(|at| after(at, time));
                    under_way.extend(until.map(|until| (server, until)));
                    through = through.max(until);
                    (self.clock, false, self.clock.is_some())
                }
            };
            let line = host_lines(vec![member.progress]);
            hosts.extend(line.into_iter().map(|line| HostForecast { begins, held, fits, line }));
        }
        (hosts, self.clock.and(through))
    }
}

/// The first moment from `at` on at which fewer than `at_once` are under way, and none of them is a node of the same server.
fn room(
    under_way: &[(ExchangeServerName, Timestamp)],
    server: &ExchangeServerName,
    at_once: NonZeroU32,
    at: Timestamp,
) -> Timestamp {
    let at_once = usize::try_from(at_once.get()).unwrap_or(usize::MAX);
    let mut moment = at;
    loop {
        let busy = || under_way.iter().filter(|(_, until)| *until > moment);
        let full = busy().count() >= at_once || busy().any(|(with, _)| with == server);
        match busy().map(|(_, until)| *until).min().filter(|_| full) {
            Some(next) => moment = next,
            None => return moment,
        }
    }
}
