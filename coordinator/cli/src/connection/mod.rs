//! From a connection file to an answer of the coordinator.
//!
//! 1. [`file`]: where the coordinator is, whom to trust, who asks;
//! 2. [`client`]: the own certificate is looked at before anybody is asked, for a refusal comes without a reason; then
//!    one request at a time over mutual TLS, each with its deadline; [`call`] says what a missing answer means;
//! 3. [`cause`]: what a broken connection was about, found in the chain of its errors;
//! 4. [`probe`]: a second look where that chain does not say it.

mod call;
mod cause;
mod client;
mod file;
mod probe;

pub(crate) use client::{Client, ConnectError, RequestError};
pub(crate) use file::{Connection, FileError};
