//! The operator: asks for the one rollout until it is there and started, whatever dies meanwhile. Nobody else does.

use super::scene::{CHANGED, SERVER};
use crate::rollout_file::RolloutFile;
use crate::system::{HOTFIX_NAME, HOTFIX_TEXT, Layout, System, SystemError};
use sendgate_core::ledger::RolloutState;
use sendgate_core::view::RolloutView;
use std::path::Path;

/// The rollout's name.
pub(super) const ROLLOUT: &str = "spring";

/// How the rollout stands; where it is not there or not started, the operator has asked for that now, and the rest is seen
/// at the next look. An error is of this moment.
pub(super) fn rollout(system: &System) -> Result<RolloutView, SystemError> {
    let shown = system.cli(&["rollout", "show", ROLLOUT, "--output", "json"])?;
    if shown.code != Some(0) && shown.stderr.contains("there is no rollout") {
        create(system)?;
    }
    let view: RolloutView = shown.good()?.read()?;
    if view.lifecycle == RolloutState::Created {
        start(system)?;
    }
    Ok(view)
}

/// What a person does with a rollout that stopped because nobody saw how a program ended: has the host tried again.
pub(super) fn try_again(system: &System) -> Result<(), SystemError> {
    let reason = ["--reason", "looked at the host: the program was not started"];
    system.cli(&[["rollout", "retry", ROLLOUT, CHANGED].as_slice(), &reason].concat())?.good()?;
    system.cli(&[["rollout", "resume", ROLLOUT].as_slice(), &reason].concat())?.good().map(drop)
}

fn start(system: &System) -> Result<(), SystemError> {
    system.cli(&["rollout", "start", ROLLOUT])?.good().map(drop)
}

fn create(system: &System) -> Result<(), SystemError> {
    let package = Layout::text(&system.layout.package(HOTFIX_NAME));
    let digest = system.run(Path::new("/usr/bin/sha256sum"), &[&package])?.good()?;
    let sha256 = digest.stdout.split_whitespace().next().unwrap_or_default();
    let file = RolloutFile::one_by_one(ROLLOUT, (HOTFIX_NAME, sha256, HOTFIX_TEXT), &[SERVER]);
    system.apply(&file)?.good().map(drop)
}
