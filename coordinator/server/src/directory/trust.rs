//! Which certificate authorities may vouch for a directory server. The system's own list is not consulted: a domain's
//! servers are vouched for by the domain's own authority.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Certificate authorities, ready for a handshake.
#[derive(Clone)]
pub struct TrustedAuthorities {
    /// Where they were read, for messages.
    source: String,
    config: Arc<ClientConfig>,
}

/// Why a file gives no certificate authorities.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("reading the certificate authority {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It holds no certificate.
    #[error(
        "{from} holds no certificate: it must hold the CA certificate of the directory servers in PEM form (-----BEGIN CERTIFICATE-----)"
    )]
    Empty {
        /// The file.
        from: String,
    },
    /// One of its sections is no certificate.
    #[error(
        "{from} does not hold a certificate that can be used: {why}; export the CA certificate in PEM (Base-64) form"
    )]
    Malformed {
        /// The file.
        from: String,
        /// What is wrong.
        why: String,
    },
}

impl TrustedAuthorities {
    /// Reads PEM files; every certificate in them is trusted to vouch for a directory server.
    ///
    /// # Errors
    /// [`TrustError`]: a file that cannot be read, or without a usable certificate.
    pub fn read(paths: &[impl AsRef<Path>]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        let mut sources = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let pem = std::fs::read(path).map_err(|error| TrustError::Read { path: path.to_owned(), error })?;
            sources.push(path.display().to_string());
            add(&mut roots, &path.display().to_string(), &pem)?;
        }
        Self::new(sources.join(", "), roots)
    }

    /// Takes PEM text; `source` says in messages where it came from.
    ///
    /// # Errors
    /// [`TrustError`]: no usable certificate in it.
    pub fn from_pem(source: &str, pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        add(&mut roots, source, pem)?;
        Self::new(source.to_owned(), roots)
    }

    /// Nobody: every certificate is refused.
    #[must_use]
    pub fn none() -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .expect("the ring provider has suites for the default versions")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Self { source: "no file: the configuration names none".to_owned(), config: Arc::new(config) }
    }

    fn new(source: String, roots: RootCertStore) -> Result<Self, TrustError> {
        if roots.is_empty() {
            return Err(TrustError::Empty { from: source });
        }
        // The provider is named, not taken from the process, so that no order of start-up matters.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Malformed { from: source.clone(), why: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { source, config: Arc::new(config) })
    }

    /// Where the authorities were read.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for TrustedAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedAuthorities({})", self.source)
    }
}

fn add(roots: &mut RootCertStore, source: &str, pem: &[u8]) -> Result<(), TrustError> {
    let malformed = |why: String| TrustError::Malformed { from: source.to_owned(), why };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| malformed(error.to_string()))?;
        roots.add(certificate).map_err(|error| malformed(error.to_string()))?;
    }
    if roots.len() == before { Err(TrustError::Empty { from: source.to_owned() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_with_a_remedy() {
        let empty = TrustedAuthorities::from_pem("ca.pem", b"hello").unwrap_err().to_string();
        assert!(empty.starts_with("ca.pem holds no certificate: it must hold the CA certificate"), "{empty}");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = TrustedAuthorities::from_pem("ca.pem", broken).unwrap_err().to_string();
        assert!(broken.starts_with("ca.pem does not hold a certificate that can be used"), "{broken}");
        let missing = TrustedAuthorities::read(&["/nonexistent/ca.pem"]).unwrap_err().to_string();
        assert!(
            missing.starts_with("reading the certificate authority /nonexistent/ca.pem: No such file"),
            "{missing}"
        );
        assert!(TrustedAuthorities::read(&[] as &[&str]).is_err());
    }
}
