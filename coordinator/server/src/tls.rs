//! The coordinator's side of TLS: its own certificate, and client certificates required of everybody.
//!
//! The files are checked before the library sees them, because what it says of a wrong one helps nobody.

use crate::config::TlsPaths;
use crate::identity;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sendgate_core::estate::{Answer, CertificateHolder};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// How long a client may take for the handshake: whoever needs longer does not speak TLS.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest PEM file, in bytes: a chain of certificates is some kilobytes.
const MAX_PEM: u64 = 1024 * 1024;

/// What a file was to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `tls.ca`.
    Ca,
    /// `tls.certificate`.
    Certificate,
    /// `tls.key`.
    Key,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ca => "tls.ca",
            Self::Certificate => "tls.certificate",
            Self::Key => "tls.key",
        })
    }
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "{part}: {file} cannot be read: {reason}; make it with `sendgate pki` and let the coordinator's user read it"
    )]
    Unreadable {
        /// Which key of the configuration names it.
        part: Part,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others may read the private key.
    #[error(
        "tls.key: {file} has mode {mode:04o}, so that everybody may read the private key; `chmod 600 {file}`, and issue a new one if others use this machine"
    )]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds something else.
    #[error("{part}: {file} holds no {expected} in PEM form{reason}; name the file that `sendgate pki` wrote")]
    NotPem {
        /// Which key of the configuration names it.
        part: Part,
        /// The file.
        file: PathBuf,
        /// What was looked for.
        expected: &'static str,
        /// What was found, with what stands before it; empty where nothing was.
        reason: String,
    },
    /// Key and certificate are not of one pair.
    #[error(
        "the private key {key} does not belong to the certificate {certificate}; name the two files that one `sendgate pki issue` wrote"
    )]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The coordinator's own certificate is not valid now.
    #[error("tls.certificate: {file} {problem}; issue a new one with `sendgate pki issue --role coordinator`")]
    NotValid {
        /// The file.
        file: PathBuf,
        /// Expired, or not yet valid, and when.
        problem: String,
    },
}

/// The server's TLS, with client certificates required and issued by our authority.
///
/// # Errors
/// [`TlsError`]: a file that is missing, wrong, or does not fit the others, or an expired certificate.
pub fn server(paths: &TlsPaths, now: Timestamp) -> Result<ServerTlsConfig, TlsError> {
    let ca = read(Part::Ca, &paths.ca)?;
    certificates(Part::Ca, &paths.ca, &ca)?;
    let certificate = read(Part::Certificate, &paths.certificate)?;
    let chain = certificates(Part::Certificate, &paths.certificate, &certificate)?;
    let key_pem = read(Part::Key, &paths.key)?;
    let no_key =
        |reason: String| TlsError::NotPem { part: Part::Key, file: paths.key.clone(), expected: "private key", reason };
    let key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => no_key(String::new()),
        error => no_key(format!(" ({error})")),
    })?;
    let signing =
        rustls::crypto::ring::sign::any_supported_type(&key).map_err(|error| no_key(format!(" ({error})")))?;
    for one in &chain {
        valid(&paths.certificate, one, now)?;
    }
    CertifiedKey::new(chain, signing)
        .keys_match()
        .map_err(|_| TlsError::Mismatch { key: paths.key.clone(), certificate: paths.certificate.clone() })?;
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key_pem))
        .client_ca_root(Certificate::from_pem(ca))
        .client_auth_optional(false)
        .timeout(HANDSHAKE_TIMEOUT))
}

/// When the coordinator's own certificate ends, or the first of its chain, and each authority.
///
/// # Errors
/// [`TlsError`]: a file is missing or wrong by now.
pub fn ends(paths: &TlsPaths) -> Result<BTreeMap<CertificateHolder, Answer<Timestamp>>, TlsError> {
    let chain = certificates(Part::Certificate, &paths.certificate, &read(Part::Certificate, &paths.certificate)?)?;
    let own: Result<Vec<_>, _> = chain.iter().map(|one| identity::ends(one)).collect();
    let own = own.and_then(|ends| ends.into_iter().min().ok_or_else(|| "there is none".to_owned()));
    let mut all = BTreeMap::from([(CertificateHolder::Coordinator, own)]);
    for authority in certificates(Part::Ca, &paths.ca, &read(Part::Ca, &paths.ca)?)? {
        let subject = identity::certificate(&authority).map(|parsed| parsed.subject().to_string());
        let subject = subject.unwrap_or_else(|error| format!("of {} ({error})", paths.ca.display()));
        let ends = identity::ends(&authority);
        // While one follows another of the same name, that which ends first is told of.
        let sooner = |known: &Answer<Timestamp>| match (&ends, known) {
            (Ok(ends), Ok(known)) => ends < known,
            (ends, _) => ends.is_err(),
        };
        let holder = CertificateHolder::Authority(subject);
        if all.get(&holder).is_none_or(sooner) {
            all.insert(holder, ends);
        }
    }
    Ok(all)
}

fn read(part: Part, file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |reason: String| TlsError::Unreadable { part, file: file.to_owned(), reason };
    let open = File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let metadata = open.metadata().map_err(|error| unreadable(error.to_string()))?;
    let mode = metadata.permissions().mode() & 0o7777;
    // A group may read it: distributions give services a group of their own for keys.
    if part == Part::Key && mode & 0o007 != 0 {
        return Err(TlsError::Exposed { file: file.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    open.take(MAX_PEM + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_PEM {
        return Err(unreadable(format!("it is larger than {MAX_PEM} bytes")));
    }
    Ok(bytes)
}

fn certificates(part: Part, file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = |reason: String| TlsError::NotPem { part, file: file.to_owned(), expected: "certificate", reason };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| none(format!(" ({error})")))?;
    if chain.is_empty() {
        return Err(none(String::new()));
    }
    for one in &chain {
        identity::certificate(one).map_err(|error| none(format!(" ({error})")))?;
    }
    Ok(chain)
}

fn valid(file: &Path, certificate: &CertificateDer<'_>, now: Timestamp) -> Result<(), TlsError> {
    let not_valid = |problem: String| TlsError::NotValid { file: file.to_owned(), problem };
    let parsed = identity::certificate(certificate).map_err(|error| not_valid(format!("cannot be read: {error}")))?;
    let moment = |time| identity::moment(time).map_err(|error| not_valid(format!("cannot be used: {error}")));
    let (from, until) = (moment(parsed.validity().not_before)?, moment(parsed.validity().not_after)?);
    match now {
        now if now < from => Err(not_valid(format!("is not valid before {from}"))),
        now if now > until => Err(not_valid(format!("expired at {until}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
