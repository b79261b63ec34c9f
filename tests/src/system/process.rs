//! One process of the system under test, by its id; it ends with its handle.

use super::{Layout, SystemError, wait};
use crate::lab::{CLIENT, Lab};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that can be started again.
#[derive(Debug)]
pub struct Process {
    name: String,
    argv: Vec<OsString>,
    log: PathBuf,
    pid: PathBuf,
    lab: Lab,
    child: Option<Child>,
}

impl Process {
    pub(super) fn new(lab: &Lab, layout: &Layout, name: &str, argv: Vec<OsString>) -> Self {
        let (name, lab) = (name.to_owned(), lab.clone());
        Self { log: layout.log(&name), pid: layout.pid(&name), name, argv, lab, child: None }
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &PathBuf {
        &self.log
    }

    /// What it has written so far, over all starts.
    #[must_use]
    pub fn words(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    pub(crate) fn problem(&self, problem: impl Into<String>) -> SystemError {
        SystemError::Process { process: self.name.clone(), problem: problem.into(), log: self.log.clone() }
    }

    fn open_log(&self) -> Result<File, SystemError> {
        OpenOptions::new().create(true).append(true).open(&self.log).map_err(SystemError::io("open", &self.log))
    }

    /// Starts it on the laboratory's node `client`.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start(&mut self) -> Result<(), SystemError> {
        self.start_with(&[])
    }

    /// Starts it with these environment variables, which a later start does not have.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start_with(&mut self, variables: &[(&str, OsString)]) -> Result<(), SystemError> {
        if self.is_running() {
            return Err(self.problem("it runs already"));
        }
        let (out, err) = (self.open_log()?, self.open_log()?);
        // A group of its own: Ctrl-C at a terminal is for the program that watches over the system.
        let mut command = self.lab.command(CLIENT, &self.argv);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).spawn();
        let child = child.map_err(|error| self.problem(format!("it cannot be started: {error}")))?;
        std::fs::write(&self.pid, child.id().to_string()).map_err(SystemError::io("write", &self.pid))?;
        self.child = Some(child);
        Ok(())
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.as_mut().map(Child::try_wait), Some(Ok(None)))
    }

    /// How it ended, if it was started and has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, SystemError> {
        let ended = self.child.as_mut().map_or(Ok(None), Child::try_wait);
        ended.map_err(|error| self.problem(format!("it cannot be waited for: {error}")))
    }

    fn signal(&self, signal: Signal) -> Result<(), SystemError> {
        let pid = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| self.problem("it does not run"))?;
        kill_process(pid, signal).map_err(|error| self.problem(format!("it cannot be signalled: {error}")))
    }

    /// Does something while it stands still (SIGSTOP), so that nothing of its files changes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn still<T>(&self, act: impl FnOnce() -> T) -> Result<T, SystemError> {
        self.signal(Signal::STOP)?;
        let done = act();
        self.signal(Signal::CONT)?;
        Ok(done)
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// When it does not run: then the test would not have tested anything.
    pub fn kill(&mut self) -> Result<(), SystemError> {
        if !self.is_running() {
            return Err(self.problem("it had ended before it was killed"));
        }
        self.signal(Signal::KILL)?;
        if let Some(mut child) = self.child.take() {
            child.wait().map_err(|error| self.problem(format!("it cannot be waited for: {error}")))?;
        }
        Ok(())
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<(), SystemError> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        let name = self.name.clone();
        wait::until(&format!("the end of {name}"), PATIENCE, || {
            if self.is_running() { Err("it still runs".to_owned()) } else { Ok(()) }
        })?;
        self.child = None;
        Ok(())
    }

    /// Lets go of it: it runs on when the handle is gone.
    pub fn leave(&mut self) {
        self.child = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() && self.stop().is_err() {
            // It was asked politely; nothing more can be done about an error here.
            let _ = self.kill();
        }
    }
}
