//! From a connection file to an answer of the coordinator.
//!
//! 1. [`file`]: where the coordinator is, whom to trust, who asks;
//! 2. [`certificate`]: the own certificate is looked at before anybody else is asked, for its refusal comes without a reason;
//! 3. [`client`]: one request at a time over mutual TLS, each with its deadline;
//! 4. [`cause`]: what a broken connection was about, found in the chain of its errors.

mod cause;
mod certificate;
mod client;
mod file;

pub(crate) use client::{Client, ConnectError, RequestError};
pub(crate) use file::{Connection, FileError};
