//! The supervisor of one act: the agent's own program, run again as `sendgate-agent run-act STATE ACT_ID` in a session
//! of its own, so that it and the program outlive an agent that is killed.
//!
//! 1. It takes the lock, then claims the act; with either taken it does nothing. So no act is run twice.
//! 2. It looks at the steady clock: after the end of the permit nothing is started.
//! 3. It runs the programs one after the other and writes down how they ended.

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
    // Fails only where this process leads a session already, which is as good.
    let _ = setsid();
    let files = ActFiles::new(state, id);
    let failed = |what| move |source| SupervisorError::File { id: id.clone(), what, source };
    let spec = files.spec().map_err(failed("reading the specification"))?;
    let spec = spec.ok_or_else(|| SupervisorError::NoSpec(id.clone()))?;
    kill::at(Point::SupervisorRuns);
    let lock = files.lock().map_err(failed("taking the lock"))?;
    let _lock = lock.ok_or_else(|| SupervisorError::Taken(id.clone()))?;
    if !files.claim("supervisor").map_err(failed("claiming the act"))? {
        return Err(SupervisorError::Taken(id.clone()));
    }
    kill::at(Point::SupervisorClaimed);
    let outcome = match too_late(&spec) {
        Some(reason) => Outcome::NeverStarted { reason },
        None => run(&files, &spec.commands),
    };
    files.write_outcome(&outcome).map_err(failed("writing the outcome"))?;
    kill::at(Point::SupervisorOutcome);
    Ok(())
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
                return ended(files, CANNOT_START, done, detail);
            }
        };
        kill::at(Point::SupervisorStarted);
        // Without this mark an agent that finds us gone cannot find the program; that is told as unknown, never guessed.
        let _ = process::mark(child.id()).and_then(|mark| files.write_program(&mark));
        kill::at(Point::SupervisorMarked);
        let (exit_code, detail) = match wait(&mut child, command.timeout) {
            Ok(Some(status)) => (code(status), format!("program {name}: ended with {status}")),
            Ok(None) => (
                SIGNALLED + Signal::KILL.as_raw(),
                format!("program {name}: did not end within {:?} and was killed", command.timeout),
            ),
            Err(error) => (CANNOT_START, format!("program {name}: cannot be waited for: {error}")),
        };
        kill::at(Point::SupervisorEnded);
        if exit_code != 0 {
            return ended(files, exit_code, done, detail);
        }
        done.push(detail);
    }
    ended(files, 0, done, String::new())
}

fn ended(files: &ActFiles, exit_code: i32, mut done: Vec<String>, last: String) -> Outcome {
    done.push(last);
    done.push(files.output_tail().unwrap_or_else(|error| format!("its output cannot be read: {error}")));
    done.retain(|part| !part.is_empty());
    Outcome::Ended { exit_code, detail: done.join("\n") }
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

/// Waits for the end of a program; `None`: it took too long and was killed.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Steady::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Steady::now().since(start) >= timeout {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // Fails only when the group is gone, which is what is wanted.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn code(status: ExitStatus) -> i32 {
    // A status without a code is that of a signal; should a system ever give neither, it is no success.
    status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(SIGNALLED)
}
