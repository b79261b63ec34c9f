//! A laboratory of one domain with one directory server, which ends with its handle.

use crate::lab::{Lab, LabError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The only domain.
pub(super) const DOMAIN: &str = "a";
/// Its only directory server.
const SERVER: &str = "a1";

/// A running laboratory.
#[derive(Debug)]
pub(super) struct Laboratory {
    pub(super) lab: Lab,
    dir: PathBuf,
}

impl Laboratory {
    /// Brings one up in an empty folder.
    pub(super) fn up(dir: PathBuf) -> Result<Self, LabError> {
        lab(&dir, &["up"], &["--servers", SERVER, "--propagator", "0"])?;
        match Lab::open(&dir) {
            Ok(lab) => Ok(Self { lab, dir }),
            Err(error) => down(&dir).and(Err(error)),
        }
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        if let Err(error) = down(&self.dir) {
            eprintln!("the laboratory in {} could not be removed: {error}", self.dir.display());
        }
    }
}

/// Ends everything that runs in a laboratory, and removes it.
pub(super) fn down(dir: &Path) -> Result<(), LabError> {
    lab(dir, &["down"], &[])
}

fn lab(dir: &Path, verb: &[&str], options: &[&str]) -> Result<(), LabError> {
    let mut command = Command::new(Lab::programs().join("lab"));
    command.args(verb).arg(dir).args(options).stdin(Stdio::null());
    let name = format!("lab {} {} {}", verb.join(" "), dir.display(), options.join(" "));
    let done = command.output().map_err(|source| LabError::Start { command: name.clone(), source })?;
    if done.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(LabError::Failed { command: name, status: done.status, complaint })
}
