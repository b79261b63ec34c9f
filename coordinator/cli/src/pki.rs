//! `sendgate pki`: an authority of the estate's own, and certificates for the coordinator, agents and operators.
//!
//! Who a certificate's holder is stands in one subjectAltName URI, `sendgate:ROLE:NAME` (RFC 5280 section 4.2.1.6); a
//! coordinator's certificate also names the hosts that it is reached at. Keys are ECDSA P-256.

pub mod check;
mod files;
mod issue;
mod span;

pub use check::certificate_problem;
pub use issue::{init, issue};

use jiff::Timestamp;
use span::Validity;
use std::net::IpAddr;
use std::path::PathBuf;

/// What `sendgate pki` is asked to do.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum PkiCommand {
    /// Makes a certificate authority: ca.pem and ca.key. It never overwrites one.
    Init(InitArgs),
    /// Issues a certificate: NAME.pem and NAME.key.
    Issue(IssueArgs),
}

/// `sendgate pki init`.
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {
    /// Where the authority is kept; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub directory: PathBuf,
    /// How long it is valid.
    #[arg(long, default_value = "3650d", value_name = "TIME")]
    pub valid: Validity,
}

/// `sendgate pki issue`.
#[derive(Debug, Clone, clap::Args)]
pub struct IssueArgs {
    /// Where the authority is kept.
    #[arg(long, value_name = "DIR")]
    pub directory: PathBuf,
    /// What the holder is.
    #[arg(long, value_enum)]
    pub role: Role,
    /// The holder's name, as the configuration and the journal show it.
    #[arg(long, value_name = "NAME")]
    pub name: CertificateName,
    /// A DNS name that the coordinator is reached at; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub dns: Vec<String>,
    /// An address that the coordinator is reached at; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Vec<IpAddr>,
    /// How long it is valid.
    #[arg(long, default_value = "365d", value_name = "TIME")]
    pub valid: Validity,
    /// The moment at which it ends, instead of --valid; such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "MOMENT", conflicts_with = "valid")]
    pub not_after: Option<Timestamp>,
    /// Where the two files are written; the authority's directory if left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What the holder of a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// The coordinator: a server.
    Coordinator,
    /// An agent, which speaks for its hosts.
    Agent,
    /// An operator who looks.
    Viewer,
    /// An operator who files requests, but approves nothing.
    Operator,
    /// Who looks, approves and revokes, and does nothing else.
    Approver,
}

impl Role {
    /// As it stands in the certificate.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
        }
    }
}

/// The name in a certificate, which is also a file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateName(String);

impl CertificateName {
    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The longest name, in characters: a common name holds 64 (RFC 5280 appendix A.1, ub-common-name).
const LONGEST_NAME: usize = 64;

impl std::str::FromStr for CertificateName {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let name = text.trim().to_lowercase();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts || name.len() > LONGEST_NAME || !name.chars().all(good) {
            return Err(PkiError::Name { given: text.to_owned() });
        }
        Ok(Self(name))
    }
}

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The name does not go into a certificate or a file's name.
    #[error(
        "{given:?} is not a name for a certificate: write 1 to {LONGEST_NAME} letters, digits, '-', '_', '.' or '@', beginning with a letter or digit"
    )]
    Name {
        /// The text as given.
        given: String,
    },
    /// A DNS name does not go into a certificate.
    #[error("{given:?} is not a DNS name that a certificate can carry: write letters, digits, '-' and '.' only")]
    Dns {
        /// The text as given.
        given: String,
    },
    /// A coordinator that could not be reached.
    #[error(
        "a coordinator's certificate must name what it is reached at: give --dns or --ip, or both, as agents and operators connect to it"
    )]
    Unreachable,
    /// Host names on a certificate that serves nothing.
    #[error(
        "--dns and --ip are for the coordinator: a certificate of the role {role} names its holder alone; leave them out"
    )]
    Hosts {
        /// The role.
        role: &'static str,
    },
    /// A validity that is none.
    #[error(
        "{given:?} is not a time that a certificate may be valid: write days or hours, such as 365d or 12h, up to 36500d"
    )]
    Validity {
        /// The text as given.
        given: String,
    },
    /// The end is beyond what a certificate can say.
    #[error("a certificate cannot end at {moment}: write a moment from the year 1970 to 9999")]
    Moment {
        /// The moment.
        moment: Timestamp,
    },
    /// There is something already.
    #[error(
        "{file} exists already and is not overwritten: name another directory, or move it away if nobody needs it any more"
    )]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// There is no authority.
    #[error("the authority's {file} cannot be read: {reason}; make one with `sendgate pki init --directory {}`", directory.display())]
    NoAuthority {
        /// The file.
        file: PathBuf,
        /// The authority's directory.
        directory: PathBuf,
        /// Why.
        reason: String,
    },
    /// The authority's files are not of one pair, or not ours.
    #[error(
        "the authority in {directory} cannot be used: {reason}; restore ca.pem and ca.key from their backup, or make a new authority in another directory"
    )]
    Authority {
        /// The authority's directory.
        directory: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file was not written.
    #[error("{file} cannot be written: {reason}; check the directory's owner and free space")]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The library refused.
    #[error("making the certificate failed: {0}; nothing was written")]
    Making(#[from] rcgen::Error),
}

/// Does it, and says which files were written, one a line.
///
/// # Errors
/// [`PkiError`].
pub fn run(command: &PkiCommand) -> Result<String, PkiError> {
    let now = Timestamp::now();
    match command {
        PkiCommand::Init(args) => init(args, now),
        PkiCommand::Issue(args) => issue(args, now),
    }
    .map(|files| files.iter().fold(String::new(), |text, file| format!("{text}{}\n", file.display())))
}

#[cfg(test)]
mod tests;
