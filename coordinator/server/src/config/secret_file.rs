//! Files that hold a secret: who may read them is checked before they are read. Nothing of their contents is shown.

use super::keytab;
use crate::directory::Password;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The largest password file, in bytes: what is larger is another file.
const MAX_PASSWORD: u64 = 4096;

/// The largest keytab, in bytes: room for thousands of keys.
const MAX_KEYTAB: u64 = 1024 * 1024;

/// Principals that a message names: more help nobody.
const LISTED: usize = 5;

/// A file with a secret, and who put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretFile {
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
}

/// Who put a file there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A person: owner and mode are that person's doing.
    Person,
    /// systemd, which may let the service's user in by an access control list, whose mask shows as the group's mode.
    Systemd,
}

impl Origin {
    /// Mode bits that nobody must have.
    fn forbidden(self) -> u32 {
        match self {
            Self::Person => 0o077,
            Self::Systemd => 0o007,
        }
    }
}

/// Why a secret was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("the {kind} {file} cannot be read: {reason}")]
    Unreadable { kind: &'static str, file: PathBuf, reason: String },
    #[error("the {kind} {file} has mode {mode:04o}, so that others than its owner may read it")]
    Exposed { kind: &'static str, file: PathBuf, mode: u32 },
    #[error("the password file {file} holds no password")]
    Empty { file: PathBuf },
    #[error("{file} is no keytab")]
    NoKeytab { file: PathBuf },
    #[error("the keytab {file} holds no key of {principal}, {}", only(holds))]
    NoKey { file: PathBuf, principal: String, holds: BTreeSet<String> },
}

fn only(holds: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = holds.iter().map(String::as_str).take(LISTED).collect();
    match holds.len().saturating_sub(LISTED) {
        0 if holds.is_empty() => "nor any other".to_owned(),
        0 => format!("only of {}", shown.join(", ")),
        more => format!("only of {} and {more} more", shown.join(", ")),
    }
}

impl SecretError {
    /// What to do about it.
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Unreadable { kind: PASSWORD, file, .. } => format!(
                "write the password into {file}, owned by the coordinator's user, and `chmod 600 {file}`",
                file = file.display()
            ),
            Self::Unreadable { file, .. } => {
                format!("put it there, owned by the coordinator's user, and `chmod 600 {}`", file.display())
            }
            Self::Exposed { file, .. } => format!("`chmod 600 {}`", file.display()),
            Self::Empty { .. } => {
                "write the password into it: directory servers take an empty one for an anonymous bind".to_owned()
            }
            Self::NoKeytab { .. } => "make one with ktpass, ktutil or samba-tool, in the file format 0x502".to_owned(),
            Self::NoKey { .. } => "make a keytab of this principal, or correct the principal, letter case included; \
                                   `klist -ket FILE` shows what a keytab holds"
                .to_owned(),
        }
    }
}

const PASSWORD: &str = "password file";
const KEYTAB: &str = "keytab";

/// Reads a password; one line end after it does not belong to it.
pub(super) fn password(file: &SecretFile) -> Result<Password, SecretError> {
    let bytes = contents(PASSWORD, file, MAX_PASSWORD)?;
    let unreadable = |reason: String| SecretError::Unreadable { kind: PASSWORD, file: file.path.clone(), reason };
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Password::new(line.to_owned()).map_err(|_| SecretError::Empty { file: file.path.clone() })
}

/// Makes sure that a keytab holds keys of a principal.
pub(super) fn keytab_of(file: &SecretFile, principal: &str) -> Result<(), SecretError> {
    let bytes = contents(KEYTAB, file, MAX_KEYTAB)?;
    let holds = keytab::principals(&bytes).map_err(|_| SecretError::NoKeytab { file: file.path.clone() })?;
    if holds.contains(principal) {
        return Ok(());
    }
    Err(SecretError::NoKey { file: file.path.clone(), principal: principal.to_owned(), holds })
}

fn contents(kind: &'static str, file: &SecretFile, most: u64) -> Result<Vec<u8>, SecretError> {
    let SecretFile { path, origin } = file;
    let unreadable = |reason: String| SecretError::Unreadable { kind, file: path.clone(), reason };
    let open = open(path).map_err(|error| unreadable(error.to_string()))?;
    let metadata = open.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & origin.forbidden() != 0 {
        return Err(SecretError::Exposed { kind, file: path.clone(), mode });
    }
    let mut bytes = Vec::new();
    open.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(unreadable(format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// The mode is asked of the open file, so that the file that is checked is the file that is read.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    // Not blocking: opening a pipe that nobody writes to would otherwise wait for ever.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
}
