//! Scenarios of users who are still paused: one for each suspect, and what is never concluded from silence.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod diagnosis_suite;
mod example;
