//! When hosts may be changed, and what fits into that.

use super::{RolloutSpec, WaveSpec};
use crate::plan::rollout::{at_once, batches};
use crate::policy::Policy;
use crate::window::{Opening, Together};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::iter::repeat_n;
use std::time::Duration;

/// Openings that are looked at for one step.
const OPENINGS: usize = 100;

/// When hosts may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Windows {
    /// At any time, and somebody has said so.
    AnyTime,
    /// While one of these is open; at least one.
    In(Together),
}

impl Windows {
    /// The first moment from `at` on from which so much time is left until a cutoff; none: there is none in the openings that
    /// are looked at.
    #[must_use]
    pub fn opening(&self, at: Timestamp, needs: Duration) -> Option<Timestamp> {
        let Self::In(windows) = self else { return Some(at) };
        let mut moment = at;
        for _ in 0..OPENINGS {
            moment = match windows.at(moment) {
                Opening::Open { last, .. } if after(moment, needs) <= last => return Some(moment),
                Opening::Open { until, .. } => until,
                Opening::Closed { next } => next?,
            };
        }
        None
    }
}

impl RolloutSpec {
    /// What must be left until a cutoff when the last host of one of its waves begins: its install, a restart of GoodLink, the
    /// soak, and the removal from every host of the wave.
    #[must_use]
    pub fn needs(&self, wave: &WaveSpec, policy: &Policy) -> Duration {
        let nodes = |server| policy.exchange.get(server).map_or(0, |server| server.hosts.len());
        let hosts = wave.servers.iter().flat_map(|server| repeat_n(server, nodes(server)));
        let removals = batches(hosts, at_once(policy, wave)).batches;
        let expected = &self.expected;
        expected.install + expected.restart + wave.soak + expected.removal.saturating_mul(removals)
    }
}

/// So long after a moment; beyond the calendar there is nothing.
pub(crate) fn after(moment: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| moment.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}
