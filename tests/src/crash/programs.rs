//! The programs under test, built with their kill points and taken out of the target directory, so that none of them lies
//! where somebody would look for one to install.

use super::Failure;
use crate::system::{Binaries, SystemError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 3] = ["sendgate-coordinator", "sendgate-agent", "sendgate"];
const FEATURES: &str = "sendgate-coordinator/killpoints,sendgate-agent/killpoints";

/// Builds them beside this program, and moves them into `folder`.
pub(super) fn build(folder: &Path) -> Result<Binaries, Failure> {
    let this = std::env::current_exe().map_err(SystemError::io("find the executable", Path::new("/proc/self/exe")))?;
    let here = this.parent().ok_or_else(|| Failure::NoTarget(this.clone()))?;
    let target = here.parent().ok_or_else(|| Failure::NoTarget(this.clone()))?;
    // Of the same profile and, through this crate, with the same features as this program, so that cargo has most of it.
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let features = if cfg!(feature = "lab") { format!("{FEATURES},sendgate-tests/lab") } else { FEATURES.to_owned() };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    command.args(["build", "--quiet", "--profile", profile, "--features", &features, "--target-dir"]).arg(target);
    command.args(["-p", "sendgate-tests"]);
    command.args(PROGRAMS.iter().flat_map(|program| ["-p", program, "--bin", program]));
    let done = command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).status();
    let done = done.map_err(SystemError::io("run", Path::new(&cargo)))?;
    if !done.success() {
        return Err(Failure::Build(done));
    }
    std::fs::create_dir_all(folder).map_err(SystemError::io("make", folder))?;
    let take = |program: &str| {
        let (from, to) = (here.join(program), folder.join(program));
        std::fs::copy(&from, &to).map_err(SystemError::io("copy", &from))?;
        std::fs::remove_file(&from).map_err(SystemError::io("remove", &from))?;
        Ok::<PathBuf, SystemError>(to)
    };
    let [coordinator, agent, cli] = PROGRAMS;
    Ok(Binaries { coordinator: take(coordinator)?, agent: take(agent)?, cli: take(cli)? })
}
