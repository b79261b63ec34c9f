//! The connection file, as written and as validated.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tonic::transport::Uri;
use x509_parser::pem::Pem;

/// Names another file than the default one.
const ENVIRONMENT: &str = "SENDGATE_CONNECTION";
/// Below the home directory.
const DEFAULT: &str = ".config/sendgate/connection.toml";
/// What a connection file looks like, for those who have none.
const EXAMPLE: &str = "address = \"coordinator.example.com:7443\"\nserver_name = \"coordinator.example.com\"\n\
                       ca = \"ca.pem\"\ncertificate = \"operator.pem\"\nkey = \"operator.key\"";

/// Where the coordinator is, whom to trust, who asks.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Where.
    pub(crate) address: Uri,
    /// The name that its certificate must carry.
    pub(crate) server_name: String,
    /// Certificates of the CA, PEM.
    pub(crate) ca: Pemfile,
    /// The own certificate, PEM.
    pub(crate) certificate: Pemfile,
    /// Its key, PEM.
    pub(crate) key: Pemfile,
}

/// A PEM file that was read.
#[derive(Clone)]
pub(crate) struct Pemfile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
}

/// As written; what is absent is missed by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    address: Option<String>,
    server_name: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Why there is no connection to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// Neither the variable nor a home directory is there.
    #[error("no connection file: HOME is not set; name one with --connection FILE or in {ENVIRONMENT}")]
    NoHome,
    /// The file cannot be read.
    #[error(
        "connection file {file} cannot be read: {why}; name another with --connection FILE or in {ENVIRONMENT}, or write:\n{EXAMPLE}"
    )]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// The file is no TOML, or has keys that mean nothing.
    #[error("connection file {file} is not understood: {why}")]
    Syntax {
        /// Which.
        file: String,
        /// Where and what.
        why: String,
    },
    /// A key is missing or wrong.
    #[error("connection file {file}: key {key} {problem}; {remedy}")]
    Key {
        /// Which file.
        file: String,
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// The file that counts: as the command line says, else the environment, else below the home directory.
pub(crate) fn choose(given: Option<PathBuf>) -> Result<PathBuf, FileError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given.or_else(|| set(ENVIRONMENT)).or_else(|| set("HOME").map(|home| home.join(DEFAULT))).ok_or(FileError::NoHome)
}

impl Connection {
    /// Reads a connection file and the files that it names; their paths are relative to its own directory.
    pub(crate) fn read(given: Option<PathBuf>) -> Result<Self, FileError> {
        let path = choose(given)?;
        let file = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| FileError::Unreadable { file: file.clone(), why: error.to_string() })?;
        let written: Written =
            toml::from_str(&text).map_err(|error| FileError::Syntax { file: file.clone(), why: error.to_string() })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let wrong = |key, problem: String, remedy| FileError::Key { file: file.clone(), key, problem, remedy };
        let missing = |key, remedy| wrong(key, "is missing".to_owned(), remedy);

        let address = {
            const REMEDY: &str = "write host:port, such as address = \"coordinator.example.com:7443\"";
            let given = written.address.ok_or_else(|| missing("address", REMEDY))?;
            address(&given).map_err(|why| wrong("address", format!("is {given:?}: {why}"), REMEDY))?
        };
        let server_name = {
            const REMEDY: &str = "write the DNS name or IP address that the coordinator's certificate carries";
            let given = written.server_name.ok_or_else(|| missing("server_name", REMEDY))?;
            if rustls::pki_types::ServerName::try_from(given.as_str()).is_err() {
                return Err(wrong(
                    "server_name",
                    format!("is {given:?}, neither a DNS name nor an IP address"),
                    REMEDY,
                ));
            }
            given
        };
        let pem = |key, given: Option<PathBuf>, label: &str, remedy| {
            let path = directory.join(given.ok_or_else(|| missing(key, remedy))?);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                wrong(key, format!("names {}, which cannot be read: {error}", path.display()), remedy)
            })?;
            let found = Pem::iter_from_buffer(text.as_bytes()).flatten().any(|pem| pem.label.ends_with(label));
            if !found {
                return Err(wrong(key, format!("names {}, which holds no PEM {label}", path.display()), remedy));
            }
            Ok(Pemfile { path, text })
        };
        Ok(Self {
            address,
            server_name,
            ca: pem(
                "ca",
                written.ca,
                "CERTIFICATE",
                "name the certificate of the CA that issued the coordinator's (PEM)",
            )?,
            certificate: pem("certificate", written.certificate, "CERTIFICATE", "name your own certificate (PEM)")?,
            key: pem("key", written.key, "PRIVATE KEY", "name the private key of your certificate (PEM)")?,
        })
    }
}

/// An address as the transport wants it, from `https://host:port` or `host:port`.
fn address(given: &str) -> Result<Uri, String> {
    let authority = match given.split_once("://") {
        None => given,
        Some(("https", rest)) => rest.trim_end_matches('/'),
        Some((scheme, _)) => return Err(format!("{scheme} is not spoken, only https")),
    };
    let uri: Uri = format!("https://{authority}").parse().map_err(|_| "no address can be made of it".to_owned())?;
    if uri.port_u16().is_none_or(|port| port == 0) {
        return Err("the port is missing".to_owned());
    }
    if uri.path() != "/" || uri.query().is_some() || authority.contains('@') {
        return Err("nothing may follow the port or stand before the host".to_owned());
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["127.0.0.1:7443", "https://127.0.0.1:7443", "https://127.0.0.1:7443/"] {
            assert_eq!(address(good).unwrap().to_string(), "https://127.0.0.1:7443/");
        }
        assert!(address("[::1]:7443").is_ok());
        assert_eq!(address("coordinator").unwrap_err(), "the port is missing");
        assert_eq!(address("http://c:7443").unwrap_err(), "http is not spoken, only https");
        assert_eq!(address("c:7443/x").unwrap_err(), "nothing may follow the port or stand before the host");
        assert_eq!(address("").unwrap_err(), "no address can be made of it");
    }
}
