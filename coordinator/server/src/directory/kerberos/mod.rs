//! Kerberos (RFC 4120) by way of GSSAPI and SASL (RFC 4752): inside TLS, or sealing the connection itself, which is
//! how directory servers too old for today's TLS are reached.
//!
//! 1. [`Kerberos`] says who binds, with which secret;
//! 2. `program` runs `sendgate-kerberos`, which alone holds the Kerberos library and speaks [`protocol`];
//! 3. `sasl` makes the bind, and agrees on sealing;
//! 4. `relay` carries the LDAP library's messages through the secured stream;
//! 5. `remedy` says what to do about the library's complaints.
//!
//! The LDAP library's own sealed connections are not used: see docs/connections.md.

mod program;
pub mod protocol;
pub(super) mod relay;
pub(super) mod remedy;
pub(super) mod sasl;

use super::Password;
use std::path::PathBuf;

/// The program that holds the Kerberos library. It is built with the feature `kerberos` and stands beside the
/// coordinator.
pub const PROGRAM: &str = "sendgate-kerberos";

/// How a principal proves itself.
#[derive(Debug, Clone)]
pub struct Kerberos {
    /// What is kept secret.
    pub secret: Secret,
    /// The library's configuration; without one, what the service's environment or the system says.
    pub configuration: Option<PathBuf>,
    /// Where [`PROGRAM`] is.
    pub program: PathBuf,
}

/// What a principal proves itself with.
#[derive(Debug, Clone)]
pub enum Secret {
    /// A keytab that holds keys of the principal. It is read at each bind.
    Keytab(PathBuf),
    /// Its password.
    Password(Password),
}
