//! The own certificate, looked at before connecting: a server that refuses it only says that it did.

use super::file::Pemfile;
use jiff::Timestamp;
use x509_parser::pem::Pem;

/// What is wrong with the first certificate of the file at this time, with the remedy; none if nothing is.
pub(super) fn problem(certificate: &Pemfile, now: Timestamp) -> Option<String> {
    let file = certificate.path.display();
    let Some(pem) = Pem::iter_from_buffer(certificate.text.as_bytes()).flatten().find(|pem| pem.label == "CERTIFICATE")
    else {
        return Some(format!("{file} holds no certificate: name your own certificate (PEM)"));
    };
    let parsed = match pem.parse_x509() {
        Ok(parsed) => parsed,
        Err(error) => return Some(format!("the certificate in {file} cannot be read: {error}; have it issued again")),
    };
    let (from, until) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    let time =
        |second| Timestamp::from_second(second).map_or_else(|_| "a time out of range".to_owned(), |at| at.to_string());
    if now.as_second() > until {
        return Some(format!(
            "your certificate {file} expired on {}: have a new one issued (sendgate pki issue)",
            time(until)
        ));
    }
    if now.as_second() < from {
        return Some(format!(
            "your certificate {file} is not valid before {}, and this machine's clock says {now}: correct the clock, or wait",
            time(from)
        ));
    }
    None
}
