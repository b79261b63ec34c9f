//! Files of certificates and keys: never overwritten, and keys readable by their owner alone.

use super::PkiError;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// A private key: its owner alone.
const KEY_MODE: u32 = 0o600;
/// A certificate: everybody may read it.
const CERTIFICATE_MODE: u32 = 0o644;
/// A directory that holds keys.
const DIRECTORY_MODE: u32 = 0o700;

/// Makes a directory if it is not there.
pub(super) fn directory(path: &Path) -> Result<(), PkiError> {
    let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path);
    made.map_err(|error| PkiError::Write { file: path.to_owned(), reason: error.to_string() })
}

/// Writes a key and its certificate, both or none.
pub(super) fn pair(key: (&Path, &str), certificate: (&Path, &str)) -> Result<(), PkiError> {
    // Looked at first, so that an old certificate does not get a new key beside it.
    for (file, _) in [key, certificate] {
        if file.symlink_metadata().is_ok() {
            return Err(PkiError::Exists { file: file.to_owned() });
        }
    }
    write(key.0, key.1, KEY_MODE)?;
    write(certificate.0, certificate.1, CERTIFICATE_MODE).inspect_err(|_| {
        // A key without its certificate is of no use; if it cannot be removed, the first error says enough.
        let _ = std::fs::remove_file(key.0);
    })
}

/// The mode is the file's from its first moment: a key that is closed up later has been open.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => PkiError::Exists { file: file.to_owned() },
        _ => PkiError::Write { file: file.to_owned(), reason: error.to_string() },
    };
    let mut open = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(failed)?;
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).map_err(failed)
}
