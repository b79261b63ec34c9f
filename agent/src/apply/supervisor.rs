//! The supervisor of one act: the agent's own program, run again as `sendgate-agent run-act STATE ACT_ID` in a session
//! of its own, so that it and the program outlive an agent that is killed.
//!
//! 1. It takes the lock, then claims the act; with either taken it does nothing. So no act is run twice.
//! 2. It looks at the steady clock: after the end of the permit nothing is started.
//! 3. It runs the programs one after the other and writes down how they ended. Of one that had to be killed nobody knows
//!    that: what it began, on this host or on another, may go on.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, setsid};

use super::files::{ActFiles, FileMark, Outcome, Spec};
use super::process;
use crate::clock::{BootId, Steady};
use crate::config::Command;
use crate::journal::ActId;
use crate::kill::{self, Point};

/// How often a program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a killed program is waited for; one that waits for a device may not die at all.
pub(super) const COLLECT: Duration = Duration::from_secs(10);
/// For how long the outcome is tried to be written, such as to a full disk: as long as a person needs to make room.
const OUTCOME_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Between two attempts.
const OUTCOME_AGAIN: Duration = Duration::from_millis(200);
/// What a shell says for a program that cannot be started.
const CANNOT_START: i32 = 127;
/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;

/// Why a supervisor did not run its act.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// Another one has it, or had it.
    #[error("act {0} is or was run by another supervisor; it is not run again")]
    Taken(ActId),
    /// There is nothing to do.
    #[error("act {0} has no specification; this command is started by the agent only")]
    NoSpec(ActId),
    /// A file failed.
    #[error("act {id}: {what}: {source}")]
    File {
        /// Which act.
        id: ActId,
        /// What was attempted.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Runs one act to its end, and writes down how it ended.
///
/// # Errors
/// When the act is not to be run here, or its files fail. How its programs ended is no error, but written down.
pub fn run_act(state: &Path, id: &ActId) -> Result<(), SupervisorError> {
    patiently(state, id, OUTCOME_PATIENCE)
}

pub(super) fn patiently(state: &Path, id: &ActId, patience: Duration) -> Result<(), SupervisorError> {
    let files = ActFiles::new(state, id);
    let done = act(&files, id, patience);
    if let Err(error @ SupervisorError::File { .. }) = &done {
        // Nobody reads what we print. Where the disk takes nothing at all, not even this can be told.
        let _ = files.write_complaint(&error.to_string());
    }
    done
}

fn act(files: &ActFiles, id: &ActId, patience: Duration) -> Result<(), SupervisorError> {
    // Fails only where this process leads a session or a group already: where a person starts it from a shell.
    let _ = setsid();
    let failed = |what| move |source| SupervisorError::File { id: id.clone(), what, source };
    let spec = files.spec().map_err(failed("reading the specification"))?;
    let spec = spec.ok_or_else(|| SupervisorError::NoSpec(id.clone()))?;
    kill::at(Point::SupervisorRuns);
    let lock = files.lock().map_err(failed("taking the lock"))?;
    let _lock = lock.ok_or_else(|| SupervisorError::Taken(id.clone()))?;
    // Signed with what finds the programs of our session, should we end before we have told of them.
    let signature = process::mark(std::process::id())
        .and_then(|mark| serde_json::to_string(&mark).map_err(io::Error::from))
        .map_err(failed("finding its own process"))?;
    if !files.claim(&signature).map_err(failed("claiming the act"))? {
        return Err(SupervisorError::Taken(id.clone()));
    }
    kill::at(Point::SupervisorClaimed);
    let outcome = match too_late(&spec) {
        Some(reason) => Outcome::NeverStarted { reason },
        None => run(files, &spec.commands),
    };
    write(files, &outcome, patience).map_err(failed("writing the outcome"))?;
    kill::at(Point::SupervisorOutcome);
    Ok(())
}

/// Writes the outcome, with patience: without it nobody would ever know how the act ended.
fn write(files: &ActFiles, outcome: &Outcome, patience: Duration) -> io::Result<()> {
    let begin = Steady::now();
    loop {
        let Err(error) = files.write_outcome(outcome) else { return Ok(()) };
        // Without its directory the act is forgotten: nobody waits for it.
        if error.kind() == io::ErrorKind::NotFound || Steady::now().since(begin) >= patience {
            return Err(error);
        }
        // It may be the output that fills the disk; its end is in the outcome already.
        let _ = files.cut_output();
        let _ = files.write_complaint(&format!("writing the outcome: {error}; trying again"));
        std::thread::sleep(OUTCOME_AGAIN);
    }
}

fn too_late(spec: &Spec) -> Option<String> {
    match BootId::present() {
        Ok(boot) if boot == spec.boot => {}
        Ok(_) => return Some("permit expired: the host was started anew since".to_owned()),
        Err(error) => return Some(format!("whether the permit is still good cannot be told: {error}")),
    }
    if let Some(package) = &spec.package
        && FileMark::of(&package.path).ok().as_ref() != Some(package)
    {
        return Some(format!("the package {} changed after its digest was checked", package.path.display()));
    }
    (Steady::now() >= spec.not_after).then(|| "permit expired before the program was started".to_owned())
}

fn run(files: &ActFiles, commands: &[Command]) -> Outcome {
    let mut done = Vec::new();
    for command in commands {
        let name = &command.name;
        let child = files.open_output().and_then(|out| spawn(command, out));
        let mut child = match child {
            Ok(child) => child,
            Err(error) if done.is_empty() => {
                let reason = format!("program {name}: cannot start {}: {error}", command.file.display());
                return Outcome::NeverStarted { reason };
            }
            Err(error) => {
                let detail = format!("program {name}: cannot start {}: {error}", command.file.display());
                return Outcome::Ended { exit_code: CANNOT_START, detail: told(files, done, detail) };
            }
        };
        kill::at(Point::SupervisorStarted);
        // Without this mark an agent that finds us gone looks for what is left of our session.
        let _ = process::mark(child.id()).and_then(|mark| files.write_program(&mark));
        kill::at(Point::SupervisorMarked);
        let waited = wait(&mut child, command.timeout, || {
            // One that cannot be cut now is cut the next time.
            let _ = files.bound_output();
        });
        kill::at(Point::SupervisorEnded);
        let unknown = |done, detail| Outcome::Unknown { detail: told(files, done, detail) };
        let status = match waited {
            Ok(Waited::Ended(status)) => status,
            Ok(Waited::Killed { gone }) => {
                let still = if gone { String::new() } else { format!(", and was still there {COLLECT:?} later") };
                let detail = format!("program {name}: did not end within {:?} and was killed{still}", command.timeout);
                return unknown(done, detail);
            }
            Err(error) => return unknown(done, format!("program {name}: cannot be waited for: {error}")),
        };
        let detail = format!("program {name}: ended with {status}");
        if !status.success() {
            return Outcome::Ended { exit_code: code(status), detail: told(files, done, detail) };
        }
        done.push(detail);
    }
    Outcome::Ended { exit_code: 0, detail: told(files, done, String::new()) }
}

/// What there is to say: of each program, and the end of what they wrote.
fn told(files: &ActFiles, mut done: Vec<String>, last: String) -> String {
    done.push(last);
    done.push(files.output_tail().unwrap_or_else(|error| format!("its output cannot be read: {error}")));
    done.retain(|part| !part.is_empty());
    done.join("\n")
}

fn spawn(command: &Command, out: std::fs::File) -> io::Result<Child> {
    let err = out.try_clone()?;
    std::process::Command::new(&command.file)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        // A group of its own, so that a timeout reaches whatever the program started.
        .process_group(0)
        .spawn()
}

enum Waited {
    Ended(ExitStatus),
    /// It took too long and was killed.
    Killed {
        /// It has ended of that.
        gone: bool,
    },
}

/// Waits for the end of a program; `look` is called now and then, and once more at the end.
fn wait(child: &mut Child, timeout: Duration, mut look: impl FnMut()) -> io::Result<Waited> {
    let start = Steady::now();
    loop {
        let ended = child.try_wait()?;
        look();
        if let Some(status) = ended {
            return Ok(Waited::Ended(status));
        }
        if Steady::now().since(start) >= timeout {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // Fails only when the group is gone, which is what is wanted.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let killed = Steady::now();
            let mut gone = false;
            while !gone && Steady::now().since(killed) < COLLECT {
                std::thread::sleep(LOOK_EVERY);
                gone = child.try_wait()?.is_some();
            }
            look();
            return Ok(Waited::Killed { gone });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn code(status: ExitStatus) -> i32 {
    // A status without a code is that of a signal; should a system ever give neither, it is no success.
    status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(SIGNALLED)
}
