//! Sendgate coordinator.

pub mod directory;
