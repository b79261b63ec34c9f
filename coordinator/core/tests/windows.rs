//! When windows are open: rules, clocks that change, joins, what is refused and in which words.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod windows_suite;
