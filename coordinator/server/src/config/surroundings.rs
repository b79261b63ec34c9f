//! What the process was given beside its configuration file.

use crate::directory::kerberos::PROGRAM;
use std::path::PathBuf;

/// The process's surroundings, as far as the configuration refers to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Where systemd put the service's credentials: `$CREDENTIALS_DIRECTORY` (systemd.exec(5)).
    pub credentials: Option<PathBuf>,
    /// The program that holds the Kerberos library, if it stands beside the coordinator.
    pub kerberos: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let beside = std::env::current_exe().ok().map(|program| program.with_file_name(PROGRAM));
        Self {
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            kerberos: beside.filter(|program| program.is_file()),
        }
    }
}
