//! Making the authority and its certificates.

use super::check::certificate_problem;
use super::span::Span;
use super::{InitArgs, IssueArgs, PkiError, Role, files};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::path::{Path, PathBuf};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";

/// Makes an authority; returns the files that were written.
///
/// # Errors
/// [`PkiError`]; [`PkiError::Exists`] where there is one already.
pub fn init(args: &InitArgs, now: Timestamp) -> Result<Vec<PathBuf>, PkiError> {
    let mut params = params("Sendgate authority", Span::lasting(now, args.valid)?)?;
    // It signs holders only, never another authority.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    files::directory(&args.directory)?;
    let (key_file, certificate_file) = (args.directory.join(CA_KEY), args.directory.join(CA_CERTIFICATE));
    files::pair((&key_file, &key.serialize_pem()), (&certificate_file, &certificate.pem()))?;
    Ok(vec![certificate_file, key_file])
}

/// Issues a certificate; returns the files that were written.
///
/// # Errors
/// [`PkiError`].
pub fn issue(args: &IssueArgs, now: Timestamp) -> Result<Vec<PathBuf>, PkiError> {
    let name = args.name.as_str();
    let span = match args.not_after {
        Some(until) => Span::until(now, until)?,
        None => Span::lasting(now, args.valid)?,
    };
    let mut params = params(name, span)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match args.role {
        Role::Coordinator => ExtendedKeyUsagePurpose::ServerAuth,
        Role::Agent | Role::Viewer | Role::Operator | Role::Approver => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    params.subject_alt_names = alternative_names(args)?;
    let issuer = authority(&args.directory, now)?;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let out = args.out.as_ref().unwrap_or(&args.directory);
    files::directory(out)?;
    // Names hold dots, so the ending is added and never replaces one.
    let (key_file, certificate_file) = (out.join(format!("{name}.key")), out.join(format!("{name}.pem")));
    files::pair((&key_file, &key.serialize_pem()), (&certificate_file, &certificate.pem()))?;
    Ok(vec![certificate_file, key_file])
}

fn params(common_name: &str, span: Span) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = (span.from, span.until);
    Ok(params)
}

fn alternative_names(args: &IssueArgs) -> Result<Vec<SanType>, PkiError> {
    match args.role {
        Role::Coordinator if args.dns.is_empty() && args.ip.is_empty() => return Err(PkiError::Unreachable),
        Role::Agent | Role::Viewer | Role::Operator | Role::Approver
            if !(args.dns.is_empty() && args.ip.is_empty()) =>
        {
            return Err(PkiError::Hosts { role: args.role.as_str() });
        }
        _ => {}
    }
    let uri = format!("sendgate:{}:{}", args.role.as_str(), args.name.as_str());
    let mut names = vec![SanType::URI(uri.try_into()?)];
    for dns in &args.dns {
        let wrong = || PkiError::Dns { given: dns.clone() };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if dns.is_empty() || !dns.chars().all(good) {
            return Err(wrong());
        }
        names.push(SanType::DnsName(dns.as_str().try_into().map_err(|_| wrong())?));
    }
    names.extend(args.ip.iter().copied().map(SanType::IpAddress));
    Ok(names)
}

fn authority(directory: &Path, now: Timestamp) -> Result<Issuer<'static, KeyPair>, PkiError> {
    let read = |name: &str| {
        let file = directory.join(name);
        std::fs::read_to_string(&file).map_err(|error| PkiError::NoAuthority {
            file,
            directory: directory.to_owned(),
            reason: error.to_string(),
        })
    };
    let (certificate, key) = (read(CA_CERTIFICATE)?, read(CA_KEY)?);
    let unusable = |reason: String| PkiError::Authority { directory: directory.to_owned(), reason };
    let key = KeyPair::from_pem(&key).map_err(|error| unusable(format!("ca.key: {error}")))?;
    if !is_of(&certificate, &key) {
        return Err(unusable("ca.key is not the key of ca.pem".to_owned()));
    }
    // What an expired authority signs is refused everywhere.
    if let Some(problem) = certificate_problem(certificate.as_bytes(), now) {
        return Err(unusable(format!("ca.pem {problem}")));
    }
    Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| unusable(format!("ca.pem: {error}")))
}

/// The library takes any key for any certificate; what it then signs verifies nowhere.
fn is_of(certificate: &str, key: &KeyPair) -> bool {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()) else { return false };
    let Ok(certificate) = pem.parse_x509() else { return false };
    certificate.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
}
