//! What a broken connection was about. The transport wraps the answer in errors of errors: it is looked for in all of
//! them, as a type where there is one and as text where the type is hidden.

use rustls::{AlertDescription, CertificateError, Error as Tls};
use std::error::Error;
use std::io;

/// What a broken connection was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The coordinator's certificate comes from another CA.
    WrongCa,
    /// The coordinator's certificate does not carry the name.
    WrongName,
    /// The coordinator's certificate is out of date.
    ServerExpired,
    /// The coordinator ended the handshake over the own certificate.
    Refused(String),
    /// Something answered, but not in TLS.
    NotTls,
    /// Nobody answered.
    Unreachable(String),
    /// Any other reason.
    Other(String),
}

/// How rustls begins the text of an alert of the peer.
const ALERT: &str = "received fatal alert: ";
/// How the connector names a failed name lookup; its type is hidden.
const DNS: &str = "dns error";
/// Errors are nested a few deep; more is a loop.
const DEPTH: usize = 32;

/// Finds the cause in an error and everything below it.
pub(super) fn find(error: &(dyn Error + 'static)) -> Cause {
    let mut reached = None;
    let mut texts: Vec<String> = Vec::new();
    let mut here = Some(error);
    for _ in 0..DEPTH {
        let Some(error) = here else { break };
        if let Some(cause) = error.downcast_ref::<Tls>().and_then(tls) {
            return cause;
        }
        let text = error.to_string();
        if let Some((_, alert)) = text.split_once(ALERT) {
            return Cause::Refused(alert.to_owned());
        }
        if text == DNS {
            return Cause::Unreachable("its host name cannot be resolved".to_owned());
        }
        let mut next = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // source() of an io::Error skips the error inside it.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            } else if reached.is_none() {
                reached = unreachable(io);
            }
        }
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        here = next;
    }
    reached.unwrap_or_else(|| Cause::Other(texts.join(": ")))
}

fn unreachable(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied,
        TimedOut,
    };
    let kinds = [
        AddrNotAvailable,
        ConnectionRefused,
        HostUnreachable,
        NetworkDown,
        NetworkUnreachable,
        PermissionDenied,
        TimedOut,
    ];
    kinds.contains(&error.kind()).then(|| Cause::Unreachable(error.to_string()))
}

fn tls(error: &Tls) -> Option<Cause> {
    Some(match error {
        Tls::InvalidCertificate(wrong) => match wrong {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Cause::WrongCa,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Cause::WrongName,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Cause::ServerExpired,
            other => Cause::Other(format!("the coordinator's certificate was refused: {other:?}")),
        },
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => Cause::WrongName,
        Tls::AlertReceived(alert) => Cause::Refused(format!("{alert:?}")),
        Tls::InvalidMessage(_) => Cause::NotTls,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(error: Tls) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, io::Error::other(error))
    }

    #[test]
    fn the_cause_is_found_inside_io_errors() {
        let unknown = Tls::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(find(&wrapped(unknown)), Cause::WrongCa);
        assert_eq!(find(&wrapped(Tls::InvalidCertificate(CertificateError::NotValidForName))), Cause::WrongName);
        assert_eq!(find(&wrapped(Tls::InvalidCertificate(CertificateError::Expired))), Cause::ServerExpired);
        let alert = Tls::AlertReceived(AlertDescription::UnknownCA);
        assert_eq!(find(&wrapped(alert)), Cause::Refused("UnknownCA".to_owned()));
    }

    #[test]
    fn an_alert_is_found_where_only_its_text_is_left() {
        let error = io::Error::other(format!(
            "connection error: {}",
            Tls::AlertReceived(AlertDescription::CertificateRequired)
        ));
        assert_eq!(find(&error), Cause::Refused("CertificateRequired".to_owned()));
    }

    #[test]
    fn nobody_there_is_no_other_cause() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(find(&refused), Cause::Unreachable("connection refused".to_owned()));
        assert_eq!(find(&io::Error::other("what")), Cause::Other("what".to_owned()));
    }
}
