//! Verdicts from what servers show: one reading, one change, the verdict and its cause.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod causes;
mod directory;
mod gone;
mod in_part;
mod looks;
mod proposals;
mod servers;
mod token;
