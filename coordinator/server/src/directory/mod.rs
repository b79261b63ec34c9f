//! The edge to the directory: LDAP over TLS or sealed by Kerberos, in and out.
//!
//! 1. [`DirectoryServer`] says which server is meant and how it is spoken to;
//! 2. `connect` opens a protected session and binds, with [`kerberos`] where that is asked for; `session` asks, each
//!    question with a deadline of its own;
//! 3. [`survey`] reads a domain's users on every server that counts and accounts for each name that was asked;
//! 4. [`grant`] adds exactly one entry to one descriptor, and reads it back;
//! 5. [`reach`] is what the loop needs of all this;
//! 6. [`check`] and [`checkup`] try servers' settings without reading anybody.
//!
//! Nothing is judged here: the readings go to `sendgate_core::coverage`. Referrals are never followed: what a server
//! does not hold itself is not evidence of that server.

pub mod backoff;
mod caught;
pub mod checkup;
mod connect;
mod entry;
pub mod error;
#[cfg(test)]
mod fake;
mod filter;
pub mod grant;
pub mod kerberos;
mod line;
pub mod reach;
mod readers;
mod refusals;
mod root;
mod session;
pub mod survey;
pub mod trust;
mod wire;

pub use error::DirectoryError;
pub use readers::{Readers, TooManyReaders};
pub use refusals::Refusals;
pub use root::{Checked, check};

use kerberos::Kerberos;
use sendgate_core::names::DirectoryServerName;
use std::fmt;
use std::time::Duration;
use trust::TrustedAuthorities;

/// How long opening the TCP connection and the TLS handshake may take: a server that needs longer on a working network
/// is not one that Exchange would wait for.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one operation may take: a bind, a write, or one whole page of a search.
///
/// Writing a grant on the head of a large domain is the slowest: servers that propagate inside the write need some six
/// seconds for 20,000 users.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one server may take for a whole survey, so that one that answers, but ever so slowly, is given up.
pub const SURVEY_TIMEOUT: Duration = Duration::from_secs(600);

/// One directory server and how it is spoken to. Validated by the configuration.
#[derive(Debug, Clone)]
pub struct DirectoryServer {
    /// The name that its certificate must carry.
    pub name: DirectoryServerName,
    /// Where it listens: `host:port` or `address:port`. The name is verified, whatever the address is.
    pub address: String,
    /// What protects the connection.
    pub security: Security,
    /// Who may have signed its certificate.
    pub authorities: TrustedAuthorities,
    /// Who reads and writes.
    pub bind: Bind,
    /// What it holds.
    pub role: Role,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Over how many connections everybody is read.
    pub readers: Readers,
    /// Whether it has refused the account a short while ago.
    pub refusals: Refusals,
}

impl DirectoryServer {
    /// For messages: the name and where it was looked for.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} ({})", self.name, self.address)
    }
}

/// What protects a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// TLS from the first byte: port 636, or 3269 on a global catalog.
    Ldaps,
    /// TLS from the first request on (RFC 4511 section 4.14): port 389, or 3268 on a global catalog.
    StartTls,
    /// No TLS: Kerberos seals each message (RFC 4752): port 389, or 3268 on a global catalog.
    Kerberos,
}

/// What a directory server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A domain controller of the domain.
    DomainController,
    /// A global catalog, on its own port: it may belong to another domain of the forest, and then does not know that
    /// domain's local groups.
    GlobalCatalog,
}

/// Who binds, and how that is proved.
#[derive(Debug, Clone)]
pub struct Bind {
    /// For a simple bind a distinguished name or `name@domain`; for Kerberos the principal, `name@REALM`.
    pub name: String,
    /// How it is proved.
    pub method: Method,
}

/// How a bind is proved.
#[derive(Debug, Clone)]
pub enum Method {
    /// A simple bind with a password (RFC 4513 section 5.1.3), inside TLS only.
    Simple(Password),
    /// Kerberos (RFC 4752).
    Kerberos(Kerberos),
}

impl Bind {
    /// A simple bind.
    #[must_use]
    pub fn simple(name: impl Into<String>, password: Password) -> Self {
        Self { name: name.into(), method: Method::Simple(password) }
    }

    /// A bind by Kerberos.
    #[must_use]
    pub fn kerberos(principal: impl Into<String>, kerberos: Kerberos) -> Self {
        Self { name: principal.into(), method: Method::Kerberos(kerberos) }
    }
}

/// A password. It is never shown.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password as it was read. Empty ones are refused: a simple bind without a password is an anonymous one that
    /// succeeds (RFC 4513 section 5.1.2).
    ///
    /// # Errors
    /// [`EmptyPassword`].
    pub fn new(text: String) -> Result<Self, EmptyPassword> {
        if text.is_empty() { Err(EmptyPassword) } else { Ok(Self(text)) }
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(not shown)")
    }
}

/// The password was empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the bind password is empty: directory servers take that for an anonymous bind; put the password into its file"
)]
pub struct EmptyPassword;

/// Deadlines of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection with its TLS handshake.
    pub connect: Duration,
    /// For each operation; of a search, for each page.
    pub operation: Duration,
    /// For a whole survey.
    pub survey: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, operation: OPERATION_TIMEOUT, survey: SURVEY_TIMEOUT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown_and_not_empty() {
        let bind = Bind::simple("sendgate@a.example.test", Password::new("s3cret".into()).unwrap());
        assert!(!format!("{bind:?}").contains("s3cret"));
        let error = Password::new(String::new()).unwrap_err().to_string();
        assert!(error.contains("anonymous"), "{error}");
    }
}
