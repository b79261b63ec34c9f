//! Sendgate tests.
pub mod lab;
pub mod pe;
