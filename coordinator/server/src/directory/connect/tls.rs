//! TLS that is brought up here instead of in the LDAP library: where the bind depends on the server's certificate.

use crate::directory::{DirectoryError, DirectoryServer};
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A handshake in which the server proves the configured name.
pub(super) async fn handshake(
    server: &DirectoryServer,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, DirectoryError> {
    let name = ServerName::try_from(server.name.as_str().to_owned())
        .map_err(|error| DirectoryError::tls(server, error.to_string()))?;
    let connector = TlsConnector::from(server.authorities.config());
    connector.connect(name, stream).await.map_err(|error| DirectoryError::handshake(server, &error.into()))
}

/// What binds a Kerberos exchange to this TLS connection: `tls-server-end-point` (RFC 5929 section 4), so that nobody
/// in between can pass the exchange on to another server.
pub(super) fn binding(server: &DirectoryServer, stream: &TlsStream<TcpStream>) -> Result<Vec<u8>, DirectoryError> {
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate =
        certificate.ok_or_else(|| DirectoryError::tls(server, "the server showed no certificate".to_owned()))?;
    end_point(certificate).map_err(|why| DirectoryError::BadCertificate { server: server.shown(), why })
}

fn end_point(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let algorithm = &parsed.signature_algorithm.algorithm;
    // The hash is that of the certificate's signature; MD5 and SHA-1 are replaced by SHA-256.
    let sha256 = [
        oid::OID_PKCS1_MD5WITHRSAENC,
        oid::OID_PKCS1_SHA1WITHRSA,
        oid::OID_PKCS1_SHA256WITHRSA,
        oid::OID_SIG_ECDSA_WITH_SHA256,
    ];
    let sha384 = [oid::OID_PKCS1_SHA384WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA384];
    let sha512 = [oid::OID_PKCS1_SHA512WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA512];
    let hash = if sha256.contains(algorithm) {
        Sha256::digest(certificate).to_vec()
    } else if sha384.contains(algorithm) {
        Sha384::digest(certificate).to_vec()
    } else if sha512.contains(algorithm) {
        Sha512::digest(certificate).to_vec()
    } else {
        return Err(format!(
            "it is signed with {}, for which no channel binding is defined that is known here, and without it a \
             Kerberos bind inside TLS could be passed on: have it signed with RSA or ECDSA and SHA-256",
            algorithm.to_id_string()
        ));
    };
    Ok([b"tls-server-end-point:", hash.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    fn signed(algorithm: &'static rcgen::SignatureAlgorithm) -> CertificateDer<'static> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        CertificateParams::new(["dc.example.test".to_owned()]).unwrap().self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn a_binding_is_the_certificates_own_hash_under_its_name() {
        let certificate = signed(&PKCS_ECDSA_P256_SHA256);
        let expected = [b"tls-server-end-point:".as_slice(), &Sha256::digest(&certificate)].concat();
        assert_eq!(end_point(&certificate), Ok(expected));
        let certificate = signed(&PKCS_ECDSA_P384_SHA384);
        let expected = [b"tls-server-end-point:".as_slice(), &Sha384::digest(&certificate)].concat();
        assert_eq!(end_point(&certificate), Ok(expected));
    }

    #[test]
    fn what_cannot_be_bound_to_is_refused_with_a_remedy() {
        let error = end_point(&signed(&PKCS_ED25519)).unwrap_err();
        assert!(error.contains("no channel binding is defined"), "{error}");
        assert!(error.ends_with("have it signed with RSA or ECDSA and SHA-256"), "{error}");
    }
}
