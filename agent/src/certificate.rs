//! Checks the agent's own certificate before it is used: an expired one would only show as a closed connection.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::parse_x509_pem;

use crate::config::AgentName;
use crate::machine::{Machine, blocking};

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

/// From so long before its end on the agent speaks of its certificate.
const SPOKEN_OF: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Says at once and once a day that the agent's certificate is about to end, has ended, or cannot be read.
pub async fn remind(file: PathBuf, machine: Arc<dyn Machine>) -> Infallible {
    look_again(AGAIN, || {
        let (file, machine) = (file.clone(), Arc::clone(&machine));
        async move {
            let read = move || warning(&file, Timestamp::now());
            match blocking(machine.as_ref(), read).await {
                Ok(Some(warning)) => tracing::warn!("{warning}"),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "when the agent's certificate ends could not be found out"),
            }
        }
    })
    .await
}

async fn look_again<F: Future<Output = ()>>(every: Duration, mut look: impl FnMut() -> F) -> Infallible {
    loop {
        look().await;
        tokio::time::sleep(every).await;
    }
}

/// What there is to say of the certificate now; none: it is good for long enough.
fn warning(file: &Path, now: Timestamp) -> Option<String> {
    let at = file.display();
    let not_known = |why: String| Some(format!("when the agent's certificate {at} ends is not known: {why}"));
    let pem = match std::fs::read(file) {
        Ok(pem) => pem,
        Err(error) => return not_known(error.to_string()),
    };
    let ends = parse_x509_pem(&pem).map_err(|error| error.to_string()).and_then(|(_, pem)| {
        let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
        // One without an end (RFC 5280 section 4.1.2.5) names a moment a day after the last timestamp.
        let end = certificate.validity().not_after.timestamp().min(Timestamp::MAX.as_second());
        Timestamp::from_second(end).map_err(|error| error.to_string())
    });
    let ends = match ends {
        Ok(ends) => ends,
        Err(why) => return not_known(why),
    };
    let left = ends.duration_since(now);
    let means =
        "the session that is up goes on, no new one begins; issue a new one with `sendgate pki issue --role agent`";
    if left.is_negative() {
        return Some(format!("the agent's certificate {at} HAS ENDED, at {ends:.0}: {means}"));
    }
    let days = left.as_hours() / 24;
    (left <= SPOKEN_OF).then(|| format!("the agent's certificate {at} ends in {days} days, at {ends:.0}: {means}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn the_agent_speaks_of_its_certificate_from_a_month_before_its_end() {
        let file = std::env::temp_dir().join(format!("sendgate-agent-certificate-{}.pem", std::process::id()));
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 11, 14);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        std::fs::write(&file, &pem).unwrap();
        let said = |now: &str| warning(&file, now.parse().unwrap());
        let means =
            "the session that is up goes on, no new one begins; issue a new one with `sendgate pki issue --role agent`";
        let at = file.display();
        assert_eq!(said("2030-10-14T23:59:59Z"), None);
        let soon = format!("the agent's certificate {at} ends in 30 days, at 2030-11-14T00:00:00Z: {means}");
        assert_eq!(said("2030-10-15T00:00:00Z"), Some(soon));
        let today = format!("the agent's certificate {at} ends in 0 days, at 2030-11-14T00:00:00Z: {means}");
        assert_eq!(said("2030-11-14T00:00:00Z"), Some(today));
        let over = format!("the agent's certificate {at} HAS ENDED, at 2030-11-14T00:00:00Z: {means}");
        assert_eq!(said("2030-11-14T00:00:01Z"), Some(over));
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        std::fs::write(&file, params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
        assert_eq!(said("2030-11-14T00:00:01Z"), None, "it has no end");
        std::fs::write(&file, "nothing").unwrap();
        let unknown = format!("when the agent's certificate {at} ends is not known: ");
        assert!(said("2030-10-14T00:00:00Z").unwrap().starts_with(&unknown));
        std::fs::remove_file(&file).unwrap();
        assert!(said("2030-10-14T00:00:00Z").unwrap().starts_with(&unknown));
    }

    #[tokio::test]
    async fn it_looks_at_once_and_again() {
        let (looked, mut looks) = tokio::sync::mpsc::unbounded_channel();
        let look = || {
            looked.send(()).unwrap();
            std::future::ready(())
        };
        let third = async {
            for _ in 0..3 {
                looks.recv().await.unwrap();
            }
        };
        tokio::select! {
            never = look_again(Duration::from_millis(1), look) => match never {},
            () = third => {}
        }
        assert_eq!(AGAIN, Duration::from_secs(24 * 60 * 60));
    }
}
