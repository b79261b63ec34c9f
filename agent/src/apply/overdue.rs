//! Ends what has outlived both its supervisor and its time.
//!
//! Which of an act's programs runs, and since when, nobody is left to tell. The first one begins inside the permit, and each
//! of the others when the one before it has ended: from the end of the permit on there is time for all of them together.

use std::io;
use std::time::Duration;

use super::files::ActFiles;
use super::supervisor::COLLECT;
use super::watch::Look;
use crate::clock::{BootId, Steady};
use crate::journal::Progress;

/// What is told of it.
pub(super) const KILLED: &str = "what it had started did not end in time and was killed by the agent";

/// How an act stands of which something runs and the supervisor is gone; `kill` kills what runs, once its time is over.
pub(super) fn look(files: &ActFiles, kill: impl FnOnce() -> io::Result<()>) -> io::Result<Look> {
    let Some(allowed) = files.spec()?.filter(|spec| BootId::present().is_ok_and(|boot| boot == spec.boot)) else {
        return Ok(Look::Running);
    };
    let timeouts = allowed.commands.iter().fold(Duration::ZERO, |sum, command| sum.saturating_add(command.timeout));
    let now = Steady::now();
    if now < allowed.not_after.plus(timeouts) {
        return Ok(Look::Running);
    }
    let killed = files.killed()?;
    if killed.is_none() {
        tracing::warn!("a program whose supervisor is gone did not end in time, and is killed");
        // Before it dies of that, so that it can be told; a full disk does not save it.
        let _ = files.write_killed(now);
    }
    let refused = kill();
    // Whether it could be killed or not: nobody waits for it for ever.
    if killed.is_some_and(|killed| now.since(killed) >= COLLECT) {
        let detail = format!("the program's supervisor ended, and {KILLED}; it was still there {COLLECT:?} later");
        return Ok(Look::Over(Progress::Unknown, detail));
    }
    refused?;
    Ok(Look::Running)
}
