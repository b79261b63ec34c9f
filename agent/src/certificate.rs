//! Checks the agent's own certificate before it is used: an expired one would only show as a closed connection.

use std::path::{Path, PathBuf};

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::parse_x509_pem;

use crate::config::AgentName;

/// Why the agent's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The system refused it.
    #[error("cannot read {}: {source}; correct coordinator.{key} in the configuration", file.display())]
    Read {
        /// The key of the configuration.
        key: &'static str,
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not a certificate in PEM form.
    #[error("{} is not a certificate in PEM form: {text}; name the file that was issued for this agent", file.display())]
    NoCertificate {
        /// Which file.
        file: PathBuf,
        /// What the reader says.
        text: String,
    },
    /// Its time is over, or has not come.
    #[error(
        "the agent's certificate {} is good from {from} to {until}, and it is {now}; issue a new one with \
         `sendgate pki issue`, or correct this host's clock",
        file.display()
    )]
    Time {
        /// Which file.
        file: PathBuf,
        /// The beginning.
        from: String,
        /// The end.
        until: String,
        /// The present.
        now: String,
    },
    /// It belongs to another agent, or to something that is no agent.
    #[error(
        "the certificate {} is not that of agent {agent}: it has {found}, expected URI:sendgate:agent:{agent}; correct \
         `agent` or coordinator.certificate in the configuration",
        file.display()
    )]
    Name {
        /// Which file.
        file: PathBuf,
        /// Of the configuration.
        agent: AgentName,
        /// The names that it has.
        found: String,
    },
}

/// What TLS needs, read from the files of the configuration.
pub struct Identity {
    /// PEM of the certification authority.
    pub ca: Vec<u8>,
    /// PEM of the agent's certificate.
    pub certificate: Vec<u8>,
    /// PEM of the agent's key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// Reads the files for TLS and checks the agent's certificate against its name and the present time. Done for every
/// connection, so that a renewed certificate is used without a restart.
///
/// # Errors
/// When a file is not readable, or the certificate is not that of this agent or not of this time.
pub fn load(agent: &AgentName, at: &crate::config::Coordinator) -> Result<Identity, CertificateError> {
    let read = |key, file: &Path| {
        std::fs::read(file).map_err(|source| CertificateError::Read { key, file: file.to_owned(), source })
    };
    let identity = Identity {
        ca: read("ca", &at.ca)?,
        certificate: read("certificate", &at.certificate)?,
        key: read("key", &at.key)?,
    };
    check(agent, &at.certificate, &identity.certificate)?;
    Ok(identity)
}

fn check(agent: &AgentName, file: &Path, pem: &[u8]) -> Result<(), CertificateError> {
    let no = |text: String| CertificateError::NoCertificate { file: file.to_owned(), text };
    let (_, pem) = parse_x509_pem(pem).map_err(|error| no(error.to_string()))?;
    let certificate = pem.parse_x509().map_err(|error| no(error.to_string()))?;
    let times = certificate.validity();
    if !times.is_valid() {
        return Err(CertificateError::Time {
            file: file.to_owned(),
            from: times.not_before.to_string(),
            until: times.not_after.to_string(),
            now: x509_parser::time::ASN1Time::now().to_string(),
        });
    }
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        if let ParsedExtension::SubjectAlternativeName(found) = extension.parsed_extension() {
            names.extend(found.general_names.iter().map(|name| match name {
                GeneralName::URI(uri) => format!("URI:{uri}"),
                GeneralName::DNSName(name) => format!("DNS:{name}"),
                other => format!("{other}"),
            }));
        }
    }
    if names.contains(&format!("URI:sendgate:agent:{agent}")) {
        return Ok(());
    }
    let found = if names.is_empty() { "no subjectAltName".to_owned() } else { names.join(", ") };
    Err(CertificateError::Name { file: file.to_owned(), agent: agent.clone(), found })
}
