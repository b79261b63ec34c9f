//! Who binds to a domain's directory servers, and with which secret.

use super::problem::Problems;
use super::secret_file::{self, Origin, SecretError, SecretFile};
use super::surroundings::Surroundings;
use super::value::{choice, path};
use super::written;
use crate::directory::kerberos::{Kerberos, PROGRAM, Secret};
use crate::directory::{Bind, Password};
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Simple,
    Kerberos,
}

/// Where the settings stand, and what they may refer to.
struct Place<'p> {
    at: &'p str,
    base: &'p Path,
    surroundings: &'p Surroundings,
}

impl Place<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.at)
    }
}

/// Who binds, if that can be told.
pub(super) fn bind(
    problems: &mut Problems,
    at: &str,
    written: &written::Bind,
    base: &Path,
    surroundings: &Surroundings,
) -> Option<Bind> {
    let place = Place { at, base, surroundings };
    let ways = [("simple", Auth::Simple), ("kerberos", Auth::Kerberos)];
    let auth = match &written.auth {
        None => Auth::Simple,
        Some(auth) => choice(problems, &place.key("auth"), auth, &ways)?,
    };
    match auth {
        Auth::Simple => simple(problems, &place, written),
        Auth::Kerberos => kerberos(problems, &place, written),
    }
}

fn simple(problems: &mut Problems, place: &Place<'_>, written: &written::Bind) -> Option<Bind> {
    let kerberos = [
        ("principal", &written.principal),
        ("keytab", &written.keytab),
        ("keytab_credential", &written.keytab_credential),
        ("krb5_conf", &written.krb5_conf),
    ];
    for (key, _) in kerberos.iter().filter(|(_, value)| value.is_some()) {
        let remedy = "remove it, or write auth = \"kerberos\"";
        problems.add(place.key(key), "it is for Kerberos, and this is a simple bind", remedy);
    }
    let name = written.name.as_deref().unwrap_or_default().trim();
    if name.is_empty() {
        let remedy = "write the reading account as name@domain or as a distinguished name";
        problems.add(place.key("name"), "the name is empty, which would be an anonymous bind", remedy);
    }
    let key = one(problems, place, written, &[PASSWORD_FILE, PASSWORD_CREDENTIAL])?;
    let password = password(problems, place, &key)?;
    (!name.is_empty()).then(|| Bind::simple(name, password))
}

fn kerberos(problems: &mut Problems, place: &Place<'_>, written: &written::Bind) -> Option<Bind> {
    if written.name.is_some() {
        let remedy = "write the account as principal = \"name@REALM\" instead";
        problems.add(place.key("name"), "it is for a simple bind, and this is Kerberos", remedy);
    }
    let principal = principal(problems, &place.key("principal"), written.principal.as_deref());
    let configuration = match &written.krb5_conf {
        None => Some(None),
        Some(text) => krb5_conf(problems, place, text).map(Some),
    };
    let key = one(problems, place, written, &[KEYTAB, KEYTAB_CREDENTIAL, PASSWORD_FILE, PASSWORD_CREDENTIAL]);
    let secret = key.and_then(|key| match key.kind {
        Kind::Password => password(problems, place, &key).map(Secret::Password),
        Kind::Keytab => {
            let file = file(problems, place, &key)?;
            // Without a principal there is a problem already, and nothing to look for.
            let checked = principal.as_ref().map_or(Ok(()), |principal| secret_file::keytab_of(&file, principal));
            taken(problems, place, &key, checked).map(|()| Secret::Keytab(file.path))
        }
    });
    let program = place.surroundings.kerberos.clone();
    if program.is_none() {
        let wrong = format!("the program {PROGRAM}, which binds with Kerberos, is not beside the coordinator");
        let remedy = "install it there; it is built with `cargo build -p sendgate-coordinator --features kerberos` \
                      and needs MIT Kerberos; or write auth = \"simple\" and use LDAPS or StartTLS";
        problems.add(place.key("auth"), wrong, remedy);
    }
    let kerberos = Kerberos { secret: secret?, configuration: configuration?, program: program? };
    Some(Bind::kerberos(principal?, kerberos))
}

/// `name@REALM`; realms of Active Directory are the domain's DNS name in capitals.
fn principal(problems: &mut Problems, key: &str, written: Option<&str>) -> Option<String> {
    let Some(text) = written.map(str::trim) else {
        let remedy = "write the reading account as name@REALM, the realm being the domain's DNS name in capitals";
        problems.add(key, "Kerberos needs a principal", remedy);
        return None;
    };
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    match text.split_once('@') {
        Some((name, realm)) if plain(name) && plain(realm) && !realm.contains('@') => {
            let capitals = realm.to_uppercase();
            if capitals == realm {
                return Some(text.to_owned());
            }
            let wrong = format!("the realm of {text:?} is not in capitals, as those of Active Directory are");
            problems.add(key, wrong, format!("write \"{name}@{capitals}\""));
        }
        _ => {
            let remedy = "write it as \"sendgate@A.EXAMPLE.TEST\"";
            problems.add(key, format!("{text:?} is not a principal with its realm"), remedy);
        }
    }
    None
}

fn krb5_conf(problems: &mut Problems, place: &Place<'_>, text: &str) -> Option<std::path::PathBuf> {
    let key = place.key("krb5_conf");
    let file = path(problems, &key, place.base, text)?;
    match std::fs::read(&file) {
        Ok(_) => Some(file),
        Err(error) => {
            let wrong = format!("{} cannot be read: {error}", file.display());
            problems.add(key, wrong, "name a krb5.conf(5), or remove the key to use the system's");
            None
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Keytab,
}

/// A key that names a secret.
#[derive(Clone, Copy)]
struct SecretKey {
    name: &'static str,
    kind: Kind,
    origin: Origin,
    value: fn(&written::Bind) -> Option<&String>,
}

const PASSWORD_FILE: SecretKey = SecretKey {
    name: "password_file",
    kind: Kind::Password,
    origin: Origin::Person,
    value: |bind| bind.password_file.as_ref(),
};
const PASSWORD_CREDENTIAL: SecretKey = SecretKey {
    name: "password_credential",
    kind: Kind::Password,
    origin: Origin::Systemd,
    value: |bind| bind.password_credential.as_ref(),
};
const KEYTAB: SecretKey =
    SecretKey { name: "keytab", kind: Kind::Keytab, origin: Origin::Person, value: |bind| bind.keytab.as_ref() };
const KEYTAB_CREDENTIAL: SecretKey = SecretKey {
    name: "keytab_credential",
    kind: Kind::Keytab,
    origin: Origin::Systemd,
    value: |bind| bind.keytab_credential.as_ref(),
};

/// The one key that was written, and its text.
struct Named {
    name: &'static str,
    kind: Kind,
    origin: Origin,
    text: String,
}

fn one(problems: &mut Problems, place: &Place<'_>, written: &written::Bind, allowed: &[SecretKey]) -> Option<Named> {
    let found: Vec<Named> = allowed
        .iter()
        .filter_map(|&SecretKey { name, kind, origin, value }| {
            Some(Named { name, kind, origin, text: value(written)?.clone() })
        })
        .collect();
    let names: Vec<&str> = allowed.iter().map(|key| key.name).collect();
    match found.len() {
        1 => found.into_iter().next(),
        0 => {
            problems.add(place.at, "no secret to bind with is named", format!("write one of {}", names.join(", ")));
            None
        }
        _ => {
            let written: Vec<&str> = found.iter().map(|named| named.name).collect();
            problems.add(place.at, format!("{} are both written", written.join(" and ")), "keep one of them");
            None
        }
    }
}

fn password(problems: &mut Problems, place: &Place<'_>, named: &Named) -> Option<Password> {
    let file = file(problems, place, named)?;
    taken(problems, place, named, secret_file::password(&file))
}

fn taken<T>(problems: &mut Problems, place: &Place<'_>, named: &Named, result: Result<T, SecretError>) -> Option<T> {
    result.map_err(|error| problems.add(place.key(named.name), error.to_string(), error.remedy())).ok()
}

fn file(problems: &mut Problems, place: &Place<'_>, named: &Named) -> Option<SecretFile> {
    let key = place.key(named.name);
    if named.origin == Origin::Person {
        let path = path(problems, &key, place.base, &named.text)?;
        return Some(SecretFile { path, origin: named.origin });
    }
    let name = named.text.trim();
    let mut parts = Path::new(name).components();
    if !matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(part)), None) if part == name) {
        let remedy = "write the name alone, as it stands in the unit's LoadCredential=";
        problems.add(key, format!("{name:?} is not a credential's name"), remedy);
        return None;
    }
    let Some(folder) = &place.surroundings.credentials else {
        let wrong = "there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set";
        let remedy =
            format!("start the coordinator as a systemd service with LoadCredential={name}:FILE, or name a file here");
        problems.add(key, wrong, remedy);
        return None;
    };
    Some(SecretFile { path: folder.join(name), origin: named.origin })
}
