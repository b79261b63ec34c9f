//! Whether a certificate is valid now, said before a connection with it fails for a reason that nobody understands.

use jiff::Timestamp;
use x509_parser::prelude::ASN1Time;

/// What is wrong with the first certificate of a PEM text at this moment, with the remedy; none where nothing is.
///
/// Only the dates are looked at: whether the other side trusts it is decided by the other side.
#[must_use]
pub fn certificate_problem(pem: &[u8], now: Timestamp) -> Option<String> {
    let unreadable = |reason: String| {
        Some(format!(
            "cannot be read as a certificate in PEM form ({reason}); name the file that `sendgate pki issue` wrote"
        ))
    };
    let (_, pem) = match x509_parser::pem::parse_x509_pem(pem) {
        Ok(pem) => pem,
        Err(error) => return unreadable(error.to_string()),
    };
    let certificate = match pem.parse_x509() {
        Ok(certificate) => certificate,
        Err(error) => return unreadable(error.to_string()),
    };
    let validity = certificate.validity();
    // One without an end (RFC 5280 section 4.1.2.5) names a moment a day after the last timestamp.
    let moment = |time: ASN1Time| Timestamp::from_second(time.timestamp().min(Timestamp::MAX.as_second()));
    let (Ok(from), Ok(until)) = (moment(validity.not_before), moment(validity.not_after)) else {
        return unreadable("its dates are none".to_owned());
    };
    if now > until {
        return Some(format!("expired at {until}; issue a new one with `sendgate pki issue`"));
    }
    if now < from {
        return Some(format!(
            "is not valid before {from}, and this machine's clock shows {now:.0}; set the clock right, or issue a new \
             one with `sendgate pki issue`"
        ));
    }
    None
}
