//! What can go wrong with a directory server, in words that an operator can act on.

use super::kerberos::remedy;
use super::refusals::REST;
use super::{DirectoryServer, Method, Security};
use ldap3::{LdapError, LdapResult};
use rustls::CertificateError;
use sendgate_core::time::Readable;
use std::io;
use std::time::Duration;

/// Result codes (RFC 4511 appendix A) that are told apart.
pub(super) mod code {
    pub(crate) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub(crate) const STRONGER_AUTH_REQUIRED: u32 = 8;
    pub(crate) const REFERRAL: u32 = 10;
    pub(crate) const ADMIN_LIMIT_EXCEEDED: u32 = 11;
    pub(crate) const SASL_BIND_IN_PROGRESS: u32 = 14;
    /// The server has no rule for what a filter asks of an attribute.
    pub(crate) const INAPPROPRIATE_MATCHING: u32 = 18;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const INVALID_CREDENTIALS: u32 = 49;
    pub(crate) const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
}

/// Why a directory server could not be asked, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No TCP connection.
    #[error(
        "directory server {server} cannot be reached: {why}; check that it runs, that the address and port are right, and the firewall between"
    )]
    Unreachable {
        /// The server.
        server: String,
        /// What the system said.
        why: String,
    },
    /// TCP connected, but TLS did not come up for another reason than the certificate.
    #[error(
        "TLS with directory server {server} failed: {why}; check that {port} and that it offers TLS 1.2 or later; one that does not is reached with security = \"kerberos\" or through a TLS relay"
    )]
    Tls {
        /// The server.
        server: String,
        /// What was wrong.
        why: String,
        /// What the port must be.
        port: &'static str,
    },
    /// A simple bind would have sent the password in the clear. Nothing was sent.
    #[error(
        "no simple bind as {name} to directory server {server}: without TLS the password would be read on the way; use security = \"ldaps\" or \"starttls\", or auth = \"kerberos\""
    )]
    PlainText {
        /// The server.
        server: String,
        /// Who wanted to bind.
        name: String,
    },
    /// Kerberos failed: on the way to a ticket, or with the server.
    #[error("Kerberos as {principal} with directory server {server} failed: {why}; {remedy}")]
    Kerberos {
        /// The server.
        server: String,
        /// Who wanted to bind.
        principal: String,
        /// What was said, by the library or by the server.
        why: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The certificate's issuer is not trusted.
    #[error(
        "the certificate of directory server {server} is not signed by an authority in {authorities}: put the CA that issued it there, or find out who answers in its place"
    )]
    WrongAuthority {
        /// The server.
        server: String,
        /// Where the trusted authorities were read.
        authorities: String,
    },
    /// The certificate is for somebody else.
    #[error(
        "the certificate of directory server {server} does not carry the name {name}{carries}: write the name that it carries, or give the server a certificate with that name as subjectAltName"
    )]
    WrongName {
        /// The server.
        server: String,
        /// The name that was expected.
        name: String,
        /// What it carries, in words; empty if that was not told.
        carries: String,
    },
    /// The certificate is signed by a trusted authority for the right name and still not good.
    #[error("the certificate of directory server {server} is refused: {why}; give the server a valid certificate")]
    BadCertificate {
        /// The server.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The bind was refused: result 49.
    #[error(
        "directory server {server} refused the bind as {name}: the name or the password is wrong, or the account is disabled, locked or expired ({why})"
    )]
    BindRefused {
        /// The server.
        server: String,
        /// Who wanted to bind.
        name: String,
        /// What the server said.
        why: String,
    },
    /// The server wants a stronger bind: result 8.
    #[error(
        "directory server {server} refuses a simple bind as {name} here: it requires TLS or signing; use its LDAPS port ({why})"
    )]
    StrongAuthRequired {
        /// The server.
        server: String,
        /// Who wanted to bind.
        name: String,
        /// What the server said.
        why: String,
    },
    /// The right to do this is lacking: result 50.
    #[error("{attempt} on directory server {server} was refused: {name} lacks the right ({why})")]
    InsufficientRights {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// Who attempted it.
        name: String,
        /// What the server said.
        why: String,
    },
    /// The server cut the answer short: result 4 or 11. What is missing is unknown, so nothing of it is used.
    #[error(
        "{attempt} on directory server {server} was cut short by one of its limits ({why}): nothing of the answer is used; raise the server's query limits"
    )]
    CutShort {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// What the server said.
        why: String,
    },
    /// Another result than success.
    #[error("{attempt} failed on directory server {server}: {why}")]
    Refused {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// What the server said.
        why: String,
    },
    /// No answer in time.
    #[error("{attempt} on directory server {server} was not answered within {}s: the server is overloaded or hangs", limit.as_secs_f32())]
    TimedOut {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// The deadline.
        limit: Duration,
    },
    /// The connection ended while an answer was awaited.
    #[error("the connection to directory server {server} was lost during {attempt} ({why})")]
    Lost {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// What was seen.
        why: String,
    },
    /// The answer is not what the protocol or the schema says.
    #[error("the answer of directory server {server} to {attempt} was not understood: {why}")]
    NotUnderstood {
        /// The server.
        server: String,
        /// What was attempted.
        attempt: String,
        /// What is wrong with it.
        why: String,
    },
    /// It has refused the account, and is not asked again for a while. Nothing was sent.
    #[error(
        "{refused}; it is left alone for {} after that, so that asking again does not lock the account out; once it is mended, `sendgate survey run DOMAIN` tries at once",
        Readable(REST)
    )]
    LeftAlone {
        /// What it said then.
        refused: Box<DirectoryError>,
    },
    /// A further connection for reading was not to be had.
    #[error(
        "{error}; this was connection {number} for reading the users: `readers = 1` for this server makes do with one"
    )]
    Beside {
        /// Which connection it was to be, from 2.
        number: usize,
        /// Why not.
        error: Box<DirectoryError>,
    },
    /// It holds another domain, or is not ready.
    #[error("directory server {server} does not serve here: {why}")]
    NotServing {
        /// The server.
        server: String,
        /// Why not.
        why: String,
    },
}

/// What a server said: its code's name and its text.
pub(super) fn said(result: &LdapResult) -> String {
    let whole = result.to_string();
    // The library writes `rc=49 (invalidCredentials), dn: "", text: "..."`.
    let name = whole.split_once(',').map_or(whole.as_str(), |(name, _)| name);
    let text: String = result.text.trim_end_matches(['\0', '\n', ' ']).chars().filter(|c| !c.is_control()).collect();
    if text.is_empty() { name.to_owned() } else { format!("{name}: {text}") }
}

/// A name as the TLS library shows it, `DnsName("dc.example.test")`, without the dressing.
fn plain(shown: &str) -> &str {
    shown.split('"').nth(1).unwrap_or(shown)
}

impl DirectoryError {
    /// An operation that was answered with something else than success.
    pub(super) fn result(server: &DirectoryServer, attempt: &str, result: &LdapResult) -> Self {
        let (shown, attempt, why) = (server.shown(), attempt.to_owned(), said(result));
        match result.rc {
            code::INSUFFICIENT_ACCESS_RIGHTS => {
                Self::InsufficientRights { server: shown, attempt, name: server.bind.name.clone(), why }
            }
            code::SIZE_LIMIT_EXCEEDED | code::ADMIN_LIMIT_EXCEEDED => Self::CutShort { server: shown, attempt, why },
            _ => Self::Refused { server: shown, attempt, why },
        }
    }

    /// A bind that was answered with something else than success.
    pub(super) fn bind(server: &DirectoryServer, result: &LdapResult) -> Self {
        let (shown, name, why) = (server.shown(), server.bind.name.clone(), said(result));
        match (result.rc, &server.bind.method) {
            (code::INVALID_CREDENTIALS, Method::Kerberos(_)) => Self::Kerberos {
                server: shown,
                principal: name,
                why: format!("the server refused the ticket ({why})"),
                remedy: "check the server's clock, and that no other account carries its service principal",
            },
            (code::INVALID_CREDENTIALS, Method::Simple(_)) => Self::BindRefused { server: shown, name, why },
            (code::STRONGER_AUTH_REQUIRED, Method::Kerberos(_)) => Self::Kerberos {
                server: shown,
                principal: name,
                why: format!("the server takes no Kerberos bind inside TLS ({why})"),
                remedy: "use security = \"kerberos\" for this server, or, on Samba, set `ldap server require strong auth \
                         = allow_sasl_over_tls`",
            },
            (code::STRONGER_AUTH_REQUIRED, Method::Simple(_)) => Self::StrongAuthRequired { server: shown, name, why },
            _ => Self::result(server, &format!("binding as {name}"), result),
        }
    }

    /// Whether the account itself was refused: asked again with the same password or key the answer is the same, and
    /// each time counts towards the account's lockout.
    pub(super) fn refuses_the_account(&self) -> bool {
        match self {
            Self::BindRefused { .. } | Self::LeftAlone { .. } => true,
            Self::Kerberos { why, .. } => remedy::refuses_the_account(why),
            Self::Beside { error, .. } => error.refuses_the_account(),
            _ => false,
        }
    }

    /// Where the account was refused, with what comes of that.
    pub(super) fn left_alone(self) -> Self {
        if !self.refuses_the_account() || self.says_that_it_is_left_alone() {
            return self;
        }
        Self::LeftAlone { refused: Box::new(self) }
    }

    fn says_that_it_is_left_alone(&self) -> bool {
        match self {
            Self::LeftAlone { .. } => true,
            Self::Beside { error, .. } => error.says_that_it_is_left_alone(),
            _ => false,
        }
    }

    /// An operation that got no answer.
    pub(super) fn broken(server: &DirectoryServer, attempt: &str, error: &LdapError) -> Self {
        let (shown, attempt) = (server.shown(), attempt.to_owned());
        match error {
            LdapError::LdapResult { result } => Self::result(server, &attempt, result),
            LdapError::Timeout { .. } => Self::TimedOut { server: shown, attempt, limit: server.timeouts.operation },
            LdapError::Io { .. }
            | LdapError::OpSend { .. }
            | LdapError::ResultRecv { .. }
            | LdapError::IdScrubSend { .. }
            | LdapError::EndOfStream => Self::Lost { server: shown, attempt, why: error.to_string() },
            _ => Self::NotUnderstood { server: shown, attempt, why: error.to_string() },
        }
    }

    /// A TLS handshake that failed.
    pub(super) fn handshake(server: &DirectoryServer, error: &LdapError) -> Self {
        let inner = match error {
            LdapError::Rustls { source } => Some(source),
            LdapError::Io { source } => source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
            _ => None,
        };
        match (inner, error) {
            (Some(rustls::Error::InvalidCertificate(problem)), _) => Self::certificate(server, problem),
            (Some(other), _) => Self::tls(server, other.to_string()),
            (None, LdapError::Io { source }) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Self::tls(server, "it closed the connection in the handshake".to_owned())
            }
            (None, other) => Self::tls(server, other.to_string()),
        }
    }

    /// TLS that did not come up.
    pub(super) fn tls(server: &DirectoryServer, why: String) -> Self {
        let port = match server.security {
            Security::StartTls => "the port is its LDAP port, that it has a certificate",
            _ => "the port is its LDAPS port",
        };
        Self::Tls { server: server.shown(), why, port }
    }

    fn certificate(server: &DirectoryServer, problem: &CertificateError) -> Self {
        let shown = server.shown();
        match problem {
            // A bad signature is that of an authority that was made again under the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::WrongAuthority { server: shown, authorities: server.authorities.source().to_owned() }
            }
            CertificateError::NotValidForName => {
                Self::WrongName { server: shown, name: server.name.to_string(), carries: String::new() }
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let carries = match presented.as_slice() {
                    [] => ", nor any other as subjectAltName".to_owned(),
                    names => format!(", but {}", names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")),
                };
                Self::WrongName { server: shown, name: server.name.to_string(), carries }
            }
            other => Self::BadCertificate { server: shown, why: other.to_string() },
        }
    }
}
