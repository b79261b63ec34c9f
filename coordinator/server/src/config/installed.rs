//! What the configuration names and this process needs at its start: asked by `--check` before it is needed.

use super::{Configuration, JournalKind};
use crate::tls;
use jiff::Timestamp;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Something that would keep the coordinator from starting.
#[derive(Debug, thiserror::Error)]
pub enum InstalledError {
    /// A certificate or key.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The state directory cannot be looked into.
    #[error(
        "coordinator.state_directory: {directory} cannot be used: {reason}; create it, owned by the coordinator's user, with mode 0700"
    )]
    Unusable {
        /// The directory, or the one in which it would be made.
        directory: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is somebody else's.
    #[error(
        "coordinator.state_directory: {directory} belongs to user {owner}, and this process runs as user {own}; check as the coordinator's user, or give the directory to it with `chown`"
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        own: u32,
    },
}

/// Everything that would keep the coordinator from starting.
#[must_use]
pub fn problems(configuration: &Configuration, now: Timestamp) -> Vec<InstalledError> {
    let tls = tls::server(&configuration.tls, now).err().map(InstalledError::from);
    let sled = configuration.journal == JournalKind::Sled;
    let own = rustix::process::geteuid().as_raw();
    let state = sled.then(|| state_directory(&configuration.state_directory, own).err()).flatten();
    tls.into_iter().chain(state).collect()
}

/// The directory is this user's and can be read and written; one that is not there yet can be made.
fn state_directory(directory: &Path, own: u32) -> Result<(), InstalledError> {
    let unusable = |of: &Path, reason: String| InstalledError::Unusable { directory: of.to_owned(), reason };
    let asked = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let may =
        |of: &Path| rustix::fs::access(of, asked).map_err(|error| unusable(of, io::Error::from(error).to_string()));
    let metadata = match std::fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // It is made at the start, with whatever is lacking above it.
            let above = directory.ancestors().skip(1).find(|above| above.exists());
            return above.map_or(Ok(()), may);
        }
        other => other.map_err(|error| unusable(directory, error.to_string()))?,
    };
    if !metadata.is_dir() {
        return Err(unusable(directory, "it is no directory".to_owned()));
    }
    // Root may use everybody's; whose it is then says nothing of whom the service runs as.
    if own != 0 && metadata.uid() != own {
        return Err(InstalledError::Foreign { directory: directory.to_owned(), owner: metadata.uid(), own });
    }
    may(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn text(directory: &Path, own: u32) -> String {
        state_directory(directory, own).unwrap_err().to_string()
    }

    #[test]
    fn a_state_directory_that_cannot_be_used_is_named_with_what_to_do() {
        let scratch = Scratch::new();
        let owner = std::fs::metadata(scratch.path()).unwrap().uid();
        assert!(state_directory(scratch.path(), owner).is_ok());
        assert!(state_directory(&scratch.path().join("later/state"), owner).is_ok(), "it is made at the start");
        assert!(state_directory(scratch.path(), 0).is_ok());
        let shown = scratch.path().display();
        assert_eq!(
            text(scratch.path(), owner + 1),
            format!(
                "coordinator.state_directory: {shown} belongs to user {owner}, and this process runs as user {}; check as the \
                 coordinator's user, or give the directory to it with `chown`",
                owner + 1
            )
        );
        let file = scratch.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(
            text(&file, owner),
            format!(
                "coordinator.state_directory: {shown}/file cannot be used: it is no directory; create it, owned by the \
                 coordinator's user, with mode 0700"
            )
        );
        let below = text(&file.join("state"), owner);
        assert!(below.contains("file/state cannot be used: Not a directory"), "{below}");
    }

    /// Each is named, whatever else is wrong.
    #[test]
    fn certificates_and_the_state_directory_are_both_asked_for() {
        let scratch = Scratch::new();
        let file = scratch.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut configuration = super::super::tests::example();
        configuration.state_directory = file.clone();
        let paths = &mut configuration.tls;
        (paths.ca, paths.certificate, paths.key) = (scratch.path().join("ca.pem"), file.clone(), file);
        let texts = |configuration: &Configuration| -> Vec<_> {
            problems(configuration, Timestamp::UNIX_EPOCH).iter().map(ToString::to_string).collect()
        };
        let found = texts(&configuration);
        assert!(
            found[0].starts_with("tls.ca: ") && found[0].contains("ca.pem cannot be read: No such file"),
            "{found:?}"
        );
        assert!(found[1].starts_with("coordinator.state_directory: ") && found.len() == 2, "{found:?}");
        configuration.journal = JournalKind::Memory;
        assert_eq!(texts(&configuration).len(), 1, "a journal in memory needs no directory");
    }
}
