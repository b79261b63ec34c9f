//! The directory edge against real domain controllers. Runs on the laboratory's client node, with SENDGATE_LAB set.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "directory/relay.rs"]
mod relay;
#[path = "directory/support.rs"]
mod support;

#[path = "directory/accounts.rs"]
mod accounts;
#[path = "directory/causes.rs"]
mod causes;
#[path = "directory/connections.rs"]
mod connections;
#[path = "directory/errors.rs"]
mod errors;
#[path = "directory/grants.rs"]
mod grants;
#[path = "directory/groups.rs"]
mod groups;
#[path = "directory/readers.rs"]
mod readers;
#[path = "directory/surveys.rs"]
mod surveys;
#[path = "directory/watch.rs"]
mod watch;
#[path = "directory/watched.rs"]
mod watched;
