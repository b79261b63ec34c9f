//! A rollout as people want it.
//!
//! 1. [`file`]: the TOML that a person writes, as it stands there;
//! 2. [`read`]: the same against the policy: its servers are there, each is in one wave, every number makes sense;
//! 3. [`outlasts_waits`]: whether it can come true from now on, by [`windows`];
//! 4. [`RolloutSpec`]: what that comes to; it is journaled, and nothing of the file is asked again.

mod file;
mod patience;
mod problem;
mod read;
mod thresholds;
mod waves;
mod windows;

pub use patience::outlasts_waits;
pub use problem::{SpecError, SpecProblem};
pub use read::read;
pub use thresholds::Thresholds;
pub use windows::Windows;
pub(crate) use windows::after;

use crate::enforcement::StoreVersion;
use crate::ledger::Sha256;
use crate::names::{ExchangeServerName, PackageName, RolloutName, WaveName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a rollout is to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RolloutSpec {
    /// Its name.
    pub name: RolloutName,
    /// The hotfix.
    pub package: PackageSpec,
    /// In the order in which they go; at least one.
    pub waves: Vec<WaveSpec>,
    /// What may go wrong over all waves before it stops by itself.
    pub thresholds: Thresholds,
    /// The same within one wave.
    pub wave_thresholds: Thresholds,
    /// When hosts may be changed.
    pub windows: Windows,
    /// How many people other than its author must say yes before anything begins.
    pub approvals: u32,
    /// Whether each GoodLink server sends a message through the changed servers before a wave is over.
    pub test_send: bool,
    /// What follows a trip.
    pub on_trip: OnTrip,
    /// How long the work is expected to take, for the arithmetic of windows.
    pub expected: Expected,
    /// How long nothing may move before it stops by itself.
    pub patience: Duration,
}

/// A hotfix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageSpec {
    /// As the agents' configurations name it.
    pub name: PackageName,
    /// SHA-256 of the package, as the agents check it.
    pub sha256: Sha256,
    /// The article of Microsoft's knowledge base.
    pub kb: u32,
    /// The file version of store.exe that it leaves behind.
    pub target: StoreVersion,
}

/// Servers that go together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WaveSpec {
    /// Its name.
    pub name: WaveName,
    /// Its Exchange servers; at least one.
    pub servers: Vec<ExchangeServerName>,
    /// How long it is watched after its last host shows the hotfix, before the next wave begins.
    pub soak: Duration,
    /// Hosts at once, at most; the policy's limits hold as well.
    pub at_once: NonZeroU32,
}

/// What follows a trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTrip {
    /// Nothing new begins; a person decides.
    Stop,
    /// The hotfix is removed from the hosts of the wave, and the rollout ends.
    Remove,
}

/// How long the work on one host is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expected {
    /// From the permit until the host shows the hotfix.
    pub install: Duration,
    /// A restart of GoodLink.
    pub restart: Duration,
    /// From the permit until the host shows that the hotfix is gone.
    pub removal: Duration,
}

impl RolloutSpec {
    /// Every Exchange server, in the order of the waves.
    pub fn servers(&self) -> impl Iterator<Item = &ExchangeServerName> {
        self.waves.iter().flat_map(|wave| &wave.servers)
    }

    /// Whether it has this server.
    #[must_use]
    pub fn has(&self, server: &ExchangeServerName) -> bool {
        self.servers().any(|known| known == server)
    }
}

impl fmt::Display for OnTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Remove => "remove",
        })
    }
}
