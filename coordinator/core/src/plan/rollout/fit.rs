//! Whether what would be begun now is over before the window's cutoff: a removal among it, should it be needed.

use super::{About, HostProgress, ours};
use crate::gate::World;
use crate::ledger::Rollout;
use crate::names::ExchangeServerName;
use crate::plan::Blocked;
use crate::policy::Policy;
use crate::spec::{RolloutSpec, WaveSpec, Windows};
use crate::time::Readable;
use crate::window::Opening;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// One part of the time that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// What takes it.
    pub what: String,
    /// How long.
    pub time: Duration,
}

/// The arithmetic: what is needed, and what is left.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fit {
    /// Every part.
    pub needs: Vec<Need>,
    /// What is left until everything must be done.
    pub left: Duration,
    /// When that is.
    pub last: Timestamp,
}

impl Fit {
    /// All of it together.
    #[must_use]
    pub fn needed(&self) -> Duration {
        self.needs.iter().map(|need| need.time).sum()
    }

    /// Whether it fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.needed() <= self.left
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, need) in self.needs.iter().enumerate() {
            let plus = if at == 0 { "" } else { " + " };
            write!(f, "{plus}{} {}", need.what, Readable(need.time))?;
        }
        let (needed, left) = (Readable(self.needed()), Readable(self.left));
        let verb = if self.fits() { "fits" } else { "does not fit" };
        write!(f, " = {needed}, which {verb} into the {left} left until the cutoff at {}", self.last)
    }
}

/// Whether the rollout's windows are open now; none: it has no windows, and needs none.
pub(super) fn opening(world: World<'_>, rollout: &Rollout) -> Option<Opening> {
    match &rollout.spec.windows {
        Windows::In(windows) => Some(windows.at(world.now.wall)),
        Windows::AnyTime => None,
    }
}

/// What speaks against beginning on this host now, as far as windows go.
pub(super) fn closed(about: &About<'_>, hosts: &[HostProgress], opening: Opening) -> Option<Blocked> {
    let spec = &about.rollout.spec;
    let wall = about.world.now.wall;
    match opening {
        Opening::Closed { next } => Some(Blocked::Closed { next }),
        Opening::Open { last, .. } => {
            let left = Duration::try_from(last.duration_since(wall)).unwrap_or_default();
            let fit = Fit { needs: needs(about, spec, hosts), left, last };
            (!fit.fits()).then_some(Blocked::Fit { fit })
        }
    }
}

/// What beginning on this host entails before the window closes. Grants and their waits are over where the gate is open.
fn needs(about: &About<'_>, spec: &RolloutSpec, hosts: &[HostProgress]) -> Vec<Need> {
    let need = |what: &str, time| Need { what: what.to_owned(), time };
    if about.rollout.removal.is_some() {
        return vec![need("removal", spec.expected.removal)];
    }
    let wave = usize::try_from(about.wave).ok().and_then(|at| spec.waves.get(at));
    let soak = wave.map_or(Duration::ZERO, |wave| wave.soak);
    let at_once = wave.map_or(NonZeroU32::MIN, |wave| at_once(about.world.policy, wave));
    // Should the wave trip at the end of its soak, the hotfix is removed from all that have it by then; by hand where only the
    // lost part of a journal changed it.
    let begun = |host: &&HostProgress| {
        host.wave == about.wave && host.host != *about.host && ours(about.world, about.rollout, &host.host)
    };
    let changed = hosts.iter().filter(begun).map(|host| &host.server).chain([about.server]);
    let Batches { hosts: changed, at_once, batches: removals } = batches(changed, at_once);
    vec![
        need("install", spec.expected.install),
        need("restart of GoodLink", spec.expected.restart),
        need("soak", soak),
        need(
            &format!("removal from {changed} hosts, {at_once} at once,"),
            spec.expected.removal.saturating_mul(removals),
        ),
    ]
}

/// How many hosts of a wave are changed at once: as many as its file says, if the limits of disruption have room for them.
pub(crate) fn at_once(policy: &Policy, wave: &WaveSpec) -> NonZeroU32 {
    let limits = &policy.disruption;
    let limits = [Some(limits.estate), limits.exchange, limits.domain];
    limits.into_iter().flatten().fold(wave.at_once, NonZeroU32::min)
}

/// Hosts that go one batch after the other.
pub(crate) struct Batches {
    /// How many there are.
    pub(crate) hosts: u32,
    /// How many of them go at once.
    pub(crate) at_once: u32,
    /// How many times as long as one of them all take.
    pub(crate) batches: u32,
}

/// The hosts of these servers, a server for each of its hosts: so many at once, but never two nodes of one server.
pub(crate) fn batches<'a>(servers: impl IntoIterator<Item = &'a ExchangeServerName>, at_once: NonZeroU32) -> Batches {
    let (mut hosts, mut nodes) = (0u32, BTreeMap::<_, u32>::new());
    for server in servers {
        hosts = hosts.saturating_add(1);
        let nodes = nodes.entry(server).or_default();
        *nodes = nodes.saturating_add(1);
    }
    let (by_limit, by_nodes) = (hosts.div_ceil(at_once.get()), nodes.into_values().max().unwrap_or(0));
    let batches = by_limit.max(by_nodes);
    let at_once = if by_nodes > by_limit { hosts.div_ceil(batches) } else { at_once.get() };
    Batches { hosts, at_once, batches }
}
