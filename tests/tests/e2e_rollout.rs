//! Rollouts against their surroundings: maintenance windows, the removal of what was installed, and messages that GoodLink
//! sends to prove a wave.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/removal.rs"]
mod removal;
#[path = "e2e/support.rs"]
mod support;
#[path = "e2e/test_send.rs"]
mod test_send;
#[path = "e2e/windows.rs"]
mod windows;
