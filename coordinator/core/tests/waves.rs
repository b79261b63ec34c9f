//! Scenarios of rollouts in waves: files, thresholds, windows, approvals, limits, removal, forecasts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod rollout_suite;
