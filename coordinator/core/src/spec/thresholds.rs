//! What may go wrong before a rollout stops by itself.

use serde::{Deserialize, Serialize};

/// How much of each may be; one more trips. All of them zero unless the file says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thresholds {
    /// Users paused by the Send As error who were not paused before the wave (the rollout) began, whose mailbox is, or may
    /// be, on a server that it has changed.
    pub new_pauses: u32,
    /// The same as whole percent of the roster users whose mailbox is, or may be, on those servers; none: only the number
    /// counts.
    pub new_pauses_percent: Option<u32>,
    /// Hosts whose install failed, was refused three times, or did not bring the version in time.
    pub failed_installs: u32,
    /// Changed hosts whose store service does not run, or whose store is not mounted, after the time that it is given.
    pub stores_down: u32,
    /// Test sends that failed, were refused three times, or whose end is not known.
    pub test_send_failures: u32,
    /// Hosts that have been silent for longer than an act may take.
    pub unreachable: u32,
}
