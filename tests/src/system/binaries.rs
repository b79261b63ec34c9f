//! The programs under test: built by `cargo build --workspace --bins` into the directory that holds the test's own
//! executable, for cargo builds no other crate's programs for a test.

use super::SystemError;
use std::path::{Path, PathBuf};

/// The workspace's programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// `sendgate-coordinator`
    pub coordinator: PathBuf,
    /// `sendgate-agent`
    pub agent: PathBuf,
    /// `sendgate`
    pub cli: PathBuf,
}

impl Binaries {
    /// Those beside the running executable, or beside the directory `deps` that it lies in.
    ///
    /// # Errors
    /// [`SystemError::NotBuilt`], naming the program and where it was looked for.
    pub fn beside_this() -> Result<Self, SystemError> {
        let this =
            std::env::current_exe().map_err(SystemError::io("find the executable", Path::new("/proc/self/exe")))?;
        let near = this.ancestors().skip(1).take(2).map(Path::to_owned).collect::<Vec<_>>();
        let find = |program: &str| {
            let found = near.iter().map(|folder| folder.join(program)).find(|file| file.is_file());
            found.ok_or_else(|| SystemError::NotBuilt { program: program.to_owned(), looked: near.clone() })
        };
        Ok(Self { coordinator: find("sendgate-coordinator")?, agent: find("sendgate-agent")?, cli: find("sendgate")? })
    }
}
