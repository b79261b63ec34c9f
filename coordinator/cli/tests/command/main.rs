//! The built command, as an operator meets it.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod connections;
mod coordinator;
mod grants;
mod journal;
mod lint;
mod offline;
mod reports;
mod support;
