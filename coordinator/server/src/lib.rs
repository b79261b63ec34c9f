//! The coordinator: one loop between observations and effects.
//!
//! 1. [`config`] reads what is wanted, in two stages;
//! 2. [`serve`] opens the [`journal`], resumes the [`clock`] and listens, with [`tls`] and the peer's [`identity`];
//! 3. [`agents`] and [`control`] are the gRPC edges; wire and domain types meet in [`convert`] only;
//! 4. [`driver`] is the loop: observe, write down, plan, do;
//! 5. [`directory`] surveys the domains and writes the grants.

pub mod agents;
pub mod clock;
pub mod config;
pub mod control;
pub mod convert;
pub mod directory;
pub mod driver;
pub mod identity;
pub mod journal;
pub mod kill;
#[cfg(test)]
mod scratch;
pub mod serve;
pub mod threads;
pub mod tls;
