//! Files that hold a secret: who may read them is checked before they are read.

use crate::directory::Password;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The largest password file, in bytes: what is larger is another file.
const MAX_PASSWORD: u64 = 4096;

/// Mode bits of group and others.
const OTHERS: u32 = 0o077;

/// Why a password was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("the password file {file} cannot be read: {reason}")]
    Unreadable { file: PathBuf, reason: String },
    #[error("the password file {file} has mode {mode:04o}, so that others than its owner may read it")]
    Exposed { file: PathBuf, mode: u32 },
    #[error("the password file {file} holds no password")]
    Empty { file: PathBuf },
}

impl SecretError {
    /// What to do about it.
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Unreadable { file, .. } => format!(
                "write the password into {file}, owned by the coordinator's user, and `chmod 600 {file}`",
                file = file.display()
            ),
            Self::Exposed { file, .. } => format!("`chmod 600 {}`", file.display()),
            Self::Empty { .. } => {
                "write the password into it: directory servers take an empty one for an anonymous bind".to_owned()
            }
        }
    }
}

/// Reads a password; one line end after it does not belong to it.
pub(super) fn read(file: &Path) -> Result<Password, SecretError> {
    let unreadable = |reason: String| SecretError::Unreadable { file: file.to_owned(), reason };
    // The mode is asked of the open file, so that the file that is checked is the file that is read.
    // Not blocking: opening a pipe that nobody writes to would otherwise wait for ever.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let open = OpenOptions::new().read(true).custom_flags(nonblocking).open(file);
    let open = open.map_err(|error| unreadable(error.to_string()))?;
    let metadata = open.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(SecretError::Exposed { file: file.to_owned(), mode });
    }
    let mut text = String::new();
    open.take(MAX_PASSWORD + 1).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_PASSWORD {
        return Err(unreadable(format!("it is larger than {MAX_PASSWORD} bytes")));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Password::new(line.to_owned()).map_err(|_| SecretError::Empty { file: file.to_owned() })
}
