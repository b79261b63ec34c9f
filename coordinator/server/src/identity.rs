//! Who is at the other end: the role and name in the certificate that the other side proved to hold.
//!
//! The name is the certificate's only subjectAltName URI of the form `sendgate:ROLE:NAME` (RFC 5280 section 4.2.1.6).
//! Whether the certificate is to be trusted at all is decided before, by the TLS handshake.

use jiff::Timestamp;
use sendgate_core::names::{AgentName, BadName, OperatorName};
use std::fmt;
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, ParsedExtension, X509Certificate};

/// The URI scheme of names in certificates.
const SCHEME: &str = "sendgate:";

/// Who connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The role, with the name in it.
    pub role: Role,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.role {
            Role::Agent(name) => write!(f, "agent {name}"),
            Role::Viewer(name) => write!(f, "viewer {name}"),
            Role::Operator(name) => write!(f, "operator {name}"),
            Role::Approver(name) => write!(f, "approver {name}"),
        }
    }
}

/// What a certificate allows its holder to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Speaks for its hosts.
    Agent(AgentName),
    /// Looks.
    Viewer(OperatorName),
    /// Looks and files requests, but approves nothing.
    Operator(OperatorName),
    /// Looks, approves and revokes, and nothing else: what needs a yes takes two people.
    Approver(OperatorName),
}

/// Why a certificate names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The other side showed none.
    #[error("the connection came without a client certificate; connect with one made by `sendgate pki issue`")]
    NoCertificate,
    /// It cannot be read.
    #[error("the client certificate cannot be read: {reason}; issue a new one with `sendgate pki issue`")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It has no such URI.
    #[error(
        "the client certificate {subject} names no role: it has no subjectAltName URI sendgate:ROLE:NAME; issue one with `sendgate pki issue`"
    )]
    NoName {
        /// The certificate's subject.
        subject: String,
    },
    /// It has several.
    #[error(
        "the client certificate {subject} has {count} names ({names}), and must have one; issue one certificate for each with `sendgate pki issue`"
    )]
    Several {
        /// The certificate's subject.
        subject: String,
        /// How many.
        count: usize,
        /// Which.
        names: String,
    },
    /// Its role is not one that connects here.
    #[error(
        "the client certificate {subject} has the name {name:?}, whose role is not agent, viewer, operator or approver; issue one with `sendgate pki issue --role`"
    )]
    Role {
        /// The certificate's subject.
        subject: String,
        /// The URI.
        name: String,
    },
    /// Its name is none.
    #[error("the client certificate {subject}: {reason}; issue a new one with `sendgate pki issue --name`")]
    Name {
        /// The certificate's subject.
        subject: String,
        /// What is wrong with the name.
        reason: BadName,
    },
}

/// A certificate in DER form, and nothing after it: TLS takes no other.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn certificate(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    if rest.is_empty() { Ok(certificate) } else { Err("there are bytes after it".to_owned()) }
}

/// When a certificate in DER form ends; one without an end (RFC 5280 section 4.1.2.5) at the last moment there is.
///
/// # Errors
/// It cannot be read, in words.
pub fn ends(der: &[u8]) -> Result<Timestamp, String> {
    let certificate = certificate(der).map_err(|error| format!("it cannot be read: {error}"))?;
    moment(certificate.validity().not_after)
}

/// A moment of a certificate. Its years end with 9999, a day and some hours after the last timestamp.
pub(crate) fn moment(time: ASN1Time) -> Result<Timestamp, String> {
    Timestamp::from_second(time.timestamp().min(Timestamp::MAX.as_second()))
        .map_err(|error| format!("one of its dates is none: {error}"))
}

impl Identity {
    /// Reads the identity from the peer's own certificate, the first of its chain; none where it showed none.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn of_peer(certificate: Option<&[u8]>) -> Result<Self, IdentityError> {
        Self::from_der(certificate.ok_or(IdentityError::NoCertificate)?)
    }

    /// Reads the identity from a certificate in DER form.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_der(der: &[u8]) -> Result<Self, IdentityError> {
        let unreadable = |reason: String| IdentityError::Unreadable { reason };
        let certificate = certificate(der).map_err(unreadable)?;
        let subject = certificate.subject().to_string();
        let names = names(&certificate)?;
        match names.as_slice() {
            [name] => Ok(Self { role: role(subject, name)? }),
            [] => Err(IdentityError::NoName { subject }),
            several => Err(IdentityError::Several { subject, count: several.len(), names: several.join(", ") }),
        }
    }
}

/// Every URI of ours in the certificate. An alternative name that cannot be read may be one: it is an error.
fn names<'c>(certificate: &'c X509Certificate<'_>) -> Result<Vec<&'c str>, IdentityError> {
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(alternatives) => {
                for alternative in &alternatives.general_names {
                    match alternative {
                        GeneralName::URI(uri) if uri.starts_with(SCHEME) => names.push(*uri),
                        GeneralName::Invalid(..) => {
                            let reason = "one of its subjectAltNames is malformed".to_owned();
                            return Err(IdentityError::Unreadable { reason });
                        }
                        _ => {}
                    }
                }
            }
            ParsedExtension::ParseError { error } => {
                return Err(IdentityError::Unreadable { reason: format!("an extension of it: {error}") });
            }
            _ => {}
        }
    }
    Ok(names)
}

fn role(subject: String, uri: &str) -> Result<Role, IdentityError> {
    let parts = uri.strip_prefix(SCHEME).and_then(|rest| rest.split_once(':'));
    let bad = |subject| move |reason| IdentityError::Name { subject, reason };
    match parts {
        Some(("agent", name)) => name.parse().map(Role::Agent).map_err(bad(subject)),
        Some(("viewer", name)) => name.parse().map(Role::Viewer).map_err(bad(subject)),
        Some(("operator", name)) => name.parse().map(Role::Operator).map_err(bad(subject)),
        Some(("approver", name)) => name.parse().map(Role::Approver).map_err(bad(subject)),
        _ => Err(IdentityError::Role { subject, name: uri.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, SanType};

    fn der(uris: &[&str]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["dns.example.test".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "somebody");
        for uri in uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into().unwrap()));
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn of(uris: &[&str]) -> Result<Role, String> {
        Identity::from_der(&der(uris)).map(|identity| identity.role).map_err(|error| error.to_string())
    }

    #[test]
    fn the_uri_names_role_and_holder() {
        assert_eq!(of(&["sendgate:agent:EXA1"]), Ok(Role::Agent("exa1".parse().unwrap())));
        assert_eq!(Identity::from_der(&der(&["sendgate:agent:EXA1"])).unwrap().to_string(), "agent exa1");
        assert_eq!(of(&["sendgate:viewer:vera"]), Ok(Role::Viewer("vera".parse().unwrap())));
        assert_eq!(
            of(&["https://example.test/", "sendgate:operator:olaf"]),
            Ok(Role::Operator("olaf".parse().unwrap()))
        );
        assert_eq!(of(&["sendgate:approver:ada"]), Ok(Role::Approver("ada".parse().unwrap())));
        assert_eq!(Identity::from_der(&der(&["sendgate:approver:ada"])).unwrap().to_string(), "approver ada");
    }

    #[test]
    fn anything_but_one_name_is_refused() {
        let none = of(&["https://example.test/sendgate:agent:exa1"]).unwrap_err();
        assert_eq!(
            none,
            "the client certificate CN=somebody names no role: it has no subjectAltName URI sendgate:ROLE:NAME; \
             issue one with `sendgate pki issue`"
        );
        let two = of(&["sendgate:viewer:vera", "sendgate:operator:vera"]).unwrap_err();
        assert_eq!(
            two,
            "the client certificate CN=somebody has 2 names (sendgate:viewer:vera, sendgate:operator:vera), and must \
             have one; issue one certificate for each with `sendgate pki issue`"
        );
    }

    #[test]
    fn other_roles_and_empty_names_are_refused() {
        for other in ["sendgate:coordinator:c1", "sendgate:root:me", "sendgate:agent"] {
            assert_eq!(
                of(&[other]).unwrap_err(),
                format!(
                    "the client certificate CN=somebody has the name {other:?}, whose role is not agent, viewer, \
                     operator or approver; issue one with `sendgate pki issue --role`"
                )
            );
        }
        assert_eq!(
            of(&["sendgate:agent:"]).unwrap_err(),
            "the client certificate CN=somebody: agent \"\" is not a name: it is empty, longer than 4096 bytes, \
             or holds control characters; issue a new one with `sendgate pki issue --name`"
        );
    }

    #[test]
    fn a_certificate_whose_extensions_cannot_be_read_names_nobody() {
        let with = |oid: &[u64], content: &[u8]| {
            let mut params = CertificateParams::default();
            params.custom_extensions = vec![CustomExtension::from_oid_content(oid, content.to_vec())];
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            Identity::from_der(certificate.der()).unwrap_err().to_string()
        };
        let subject_alt_name = [2, 5, 29, 17];
        // A URI of one octet that is no ASCII.
        assert_eq!(
            with(&subject_alt_name, &[0x30, 3, 0x86, 1, 0xff]),
            "the client certificate cannot be read: one of its subjectAltNames is malformed; issue a new one with \
             `sendgate pki issue`"
        );
        let cut = with(&subject_alt_name, &[0x30, 9, 0x86]);
        let start = "the client certificate cannot be read: an extension of it: ";
        assert!(cut.starts_with(start) && cut.ends_with("; issue a new one with `sendgate pki issue`"), "{cut}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let error = Identity::of_peer(None).unwrap_err().to_string();
        assert!(error.starts_with("the connection came without a client certificate"), "{error}");
        let whole = der(&["sendgate:agent:exa1"]);
        for cut in (0..whole.len()).step_by(7) {
            let error = Identity::from_der(&whole[..cut]).unwrap_err().to_string();
            assert!(error.starts_with("the client certificate cannot be read: "), "{error}");
        }
        let longer = [&whole[..], b"x"].concat();
        assert!(Identity::from_der(&longer).unwrap_err().to_string().contains("there are bytes after it"));
    }
}
