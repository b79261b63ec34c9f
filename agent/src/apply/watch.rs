//! Follows the supervisor of an act by its files, and journals what it finds. The same after a crash of the agent.

use std::io;

use super::files::{ActFiles, Outcome};
use super::programs::Followed;
use super::{Acts, overdue, process};
use crate::journal::{ActId, ProcessMark, Progress};
use crate::kill::{self, Point};

/// The signature of an agent that found an act without a supervisor; a supervisor signs with its own process.
pub(super) const RECOVERY: &str = "recovery";

/// How an act stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// No supervisor has claimed it.
    Unclaimed,
    /// Claimed, but its program was not seen yet.
    Claimed,
    /// Its program was started.
    Running,
    /// It is over.
    Over(Progress, String),
}

impl Acts {
    pub(super) async fn watch(self, id: ActId, mut followed: Box<dyn Followed>) {
        let mut reported = false;
        let mut told = None;
        loop {
            let look = followed.look().await;
            // Told once while it is the same: it is looked at several times a second.
            let error = look.as_ref().err().map(io::Error::to_string);
            if let Some(error) = error.as_ref().filter(|error| told.as_ref() != Some(*error)) {
                tracing::error!(act = %id, %error, "how an act stands cannot be found out; trying again");
            }
            told = error;
            match look {
                Ok(Look::Over(mut progress, mut detail)) => {
                    if progress == Progress::Refused && self.has_started(&id) {
                        // Its files are not what they were: they say nothing of what ran.
                        progress = Progress::Unknown;
                        detail = format!("its program was seen running, but now there is no sign of it left: {detail}");
                    }
                    self.ended(&id, progress, detail).await;
                    followed.close().await;
                    return;
                }
                Ok(Look::Running) if !reported => {
                    reported = true;
                    if !self.has_started(&id) {
                        kill::at(Point::ProgramSeen);
                        self.advance(&id, Progress::Started, "the program runs".to_owned()).await;
                        kill::at(Point::StartEntry);
                    }
                }
                Ok(Look::Running | Look::Claimed | Look::Unclaimed) | Err(_) => {}
            }
            followed.pause().await;
        }
    }

    fn has_started(&self, id: &ActId) -> bool {
        self.journal.act(id).ok().flatten().is_some_and(|act| act.progress == Progress::Started)
    }
}

const NO_SUPERVISOR: &str = "the agent ended, or its supervisor failed, before the program was started";

/// Looks at the files; an act that nobody has claimed when no supervisor comes any more is claimed here, so that it never
/// starts.
pub(super) fn look_or_claim(files: &ActFiles, none_comes: bool) -> io::Result<Look> {
    match look(files)? {
        // The marker decides between a supervisor that is late and us: only one can make it.
        Look::Unclaimed if none_comes => {
            // It was written down before it was journaled. Where that is gone its program may run all the same.
            if files.spec()?.is_none() {
                return Ok(Look::Over(Progress::Unknown, files.removed()));
            }
            Ok(if files.claim(RECOVERY)? { never(NO_SUPERVISOR) } else { Look::Claimed })
        }
        look => Ok(look),
    }
}

fn never(reason: &str) -> Look {
    Look::Over(Progress::Refused, reason.to_owned())
}

fn look(files: &ActFiles) -> io::Result<Look> {
    if let Some(over) = outcome(files)? {
        return Ok(over);
    }
    let leader = match files.claimed_by()?.as_deref() {
        None => return Ok(Look::Unclaimed),
        Some(RECOVERY) => return Ok(never(NO_SUPERVISOR)),
        // Of a supervisor that crashed while it signed nothing is known, nor was anything started by it.
        Some(signature) => serde_json::from_str::<ProcessMark>(signature).ok(),
    };
    let program = files.program()?;
    // The supervisor takes the lock before it claims, so asking for it now cannot get into its way.
    if files.lock()?.is_none() {
        return Ok(if program.is_some() { Look::Running } else { Look::Claimed });
    }
    // It may have written its outcome and ended since we looked first.
    if let Some(over) = outcome(files)? {
        return Ok(over);
    }
    let complaint = match files.complaint() {
        Ok(complaint) => complaint,
        Err(error) => Some(format!("why cannot be read: {error}")),
    };
    let killed = files.killed()?.map(|_| overdue::KILLED.to_owned());
    let complaint: Vec<_> = [complaint, killed].into_iter().flatten().collect();
    let complaint = if complaint.is_empty() { String::new() } else { format!(" ({})", complaint.join("; ")) };
    let Some(program) = files.program()? else {
        // It may have ended just after it started the program: then that runs in the session that it made.
        if let Some(leader) = leader
            && process::session_runs(&leader)?
        {
            return overdue::look(files, || process::kill_session(&leader));
        }
        let detail =
            format!("the program's supervisor ended before it told whether it had started the program{complaint}");
        return Ok(Look::Over(Progress::Unknown, detail));
    };
    if process::runs(&program)? {
        return overdue::look(files, || process::kill_group(&program));
    }
    let output = files.output_tail().unwrap_or_else(|error| format!("cannot be read: {error}"));
    let detail = format!(
        "the program was started, but its supervisor ended without an outcome{complaint}, and the program (process {}) is \
         gone; its output: {output}",
        program.pid
    );
    Ok(Look::Over(Progress::Unknown, detail))
}

fn outcome(files: &ActFiles) -> io::Result<Option<Look>> {
    Ok(files.outcome()?.map(|outcome| match outcome {
        Outcome::Ended { exit_code, detail } => Look::Over(Progress::Finished { exit_code }, detail),
        Outcome::NeverStarted { reason } => Look::Over(Progress::Refused, reason),
        Outcome::Unknown { detail } => Look::Over(Progress::Unknown, detail),
    }))
}

#[cfg(test)]
mod tests;
