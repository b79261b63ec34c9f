//! The operator: asks for the one rollout until it is there and started, whatever dies meanwhile. Nobody else does.

use super::scene::SERVER;
use crate::system::{HOTFIX_NAME, HOTFIX_TEXT, Layout, System, SystemError};
use sendgate_core::ledger::RolloutState;
use sendgate_core::view::RolloutView;
use std::path::Path;

/// The rollout's name.
pub(super) const ROLLOUT: &str = "spring";

/// How the rollout stands, after whatever the operator could do about it now; an error is of this moment.
pub(super) fn rollout(system: &System) -> Result<RolloutView, SystemError> {
    let shown = system.cli(&["rollout", "show", ROLLOUT, "--output", "json"])?;
    if shown.code != Some(0) && shown.stderr.contains("there is no rollout") {
        create(system)?;
    }
    let view: RolloutView = system.view(&["rollout", "show", ROLLOUT])?;
    if view.lifecycle == RolloutState::Created {
        system.cli(&["rollout", "start", ROLLOUT])?.good()?;
    }
    Ok(view)
}

fn create(system: &System) -> Result<(), SystemError> {
    let package = Layout::text(&system.layout.package(HOTFIX_NAME));
    let digest = system.run(Path::new("/usr/bin/sha256sum"), &[&package])?.good()?;
    let sha256 = digest.stdout.split_whitespace().next().unwrap_or_default();
    let what = ["--package", HOTFIX_NAME, "--sha256", sha256, "--target", HOTFIX_TEXT, "--server", SERVER];
    system.cli(&[["rollout", "create", ROLLOUT].as_slice(), &what].concat())?.good().map(drop)
}
