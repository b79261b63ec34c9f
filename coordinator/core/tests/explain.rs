//! One user followed to each cause: what the chain shows, and what is said to help.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "coverage_suite/directory.rs"]
#[allow(dead_code, reason = "each test file uses a part of the directory")]
mod directory;
mod explain_suite;
