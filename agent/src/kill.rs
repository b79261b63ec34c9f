//! Where this process can be told to end itself as `kill -9` does, so that a checker can stop it at exactly that point.
//! Without the feature `killpoints`, which no program that is shipped has, [`at`] is empty and compiled away.

/// The environment variable that names the point, as [`Point::word`] does.
pub const VARIABLE: &str = "SENDGATE_KILL";

/// The environment variable that names the file into which a process writes, before it ends itself, where it is. Where
/// the file is there already the point was passed before, and nothing ends any more.
pub const SEEN: &str = "SENDGATE_KILL_SEEN";

/// A point in the life of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The offer has come.
    Offered,
    /// The permit was asked for.
    Asked,
    /// The permit is here, and nothing is written down of the act.
    Permitted,
    /// The act's files are there, and it is not journaled.
    BeforeEntry,
    /// The act is journaled, and there is no supervisor.
    AfterEntry,
    /// The supervisor was started.
    AfterSupervisor,
    /// The program was seen running, and that is not journaled.
    ProgramSeen,
    /// That it runs is journaled, and the coordinator was not told.
    StartEntry,
    /// The program's end was seen, and is not journaled.
    EndSeen,
    /// The end is journaled, and the coordinator was not told.
    EndEntry,
    /// The coordinator was told the end.
    EndTold,
    /// The coordinator has it, and that is not journaled.
    BeforeAcknowledged,
    /// That the coordinator has it is journaled.
    AfterAcknowledged,
    /// The supervisor: it runs, and has not claimed the act.
    SupervisorRuns,
    /// The supervisor: it has claimed the act, and no program runs.
    SupervisorClaimed,
    /// The supervisor: the program runs, and that is not written down.
    SupervisorStarted,
    /// The supervisor: that the program runs is written down.
    SupervisorMarked,
    /// The supervisor: the program has ended, and how is not written down.
    SupervisorEnded,
    /// The supervisor: how the program ended is written down.
    SupervisorOutcome,
}

impl Point {
    /// All of them, in the order in which an act passes them.
    pub const ALL: [Self; 19] = [
        Self::Offered,
        Self::Asked,
        Self::Permitted,
        Self::BeforeEntry,
        Self::AfterEntry,
        Self::AfterSupervisor,
        Self::SupervisorRuns,
        Self::SupervisorClaimed,
        Self::SupervisorStarted,
        Self::SupervisorMarked,
        Self::ProgramSeen,
        Self::StartEntry,
        Self::SupervisorEnded,
        Self::SupervisorOutcome,
        Self::EndSeen,
        Self::EndEntry,
        Self::EndTold,
        Self::BeforeAcknowledged,
        Self::AfterAcknowledged,
    ];

    /// As the variable has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Asked => "asked",
            Self::Permitted => "permitted",
            Self::BeforeEntry => "before-entry",
            Self::AfterEntry => "after-entry",
            Self::AfterSupervisor => "after-supervisor",
            Self::ProgramSeen => "program-seen",
            Self::StartEntry => "start-entry",
            Self::EndSeen => "end-seen",
            Self::EndEntry => "end-entry",
            Self::EndTold => "end-told",
            Self::BeforeAcknowledged => "before-acknowledged",
            Self::AfterAcknowledged => "after-acknowledged",
            Self::SupervisorRuns => "supervisor-runs",
            Self::SupervisorClaimed => "supervisor-claimed",
            Self::SupervisorStarted => "supervisor-started",
            Self::SupervisorMarked => "supervisor-marked",
            Self::SupervisorEnded => "supervisor-ended",
            Self::SupervisorOutcome => "supervisor-outcome",
        }
    }

    /// What is true there, for a person.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Offered => "the offer has come",
            Self::Asked => "the permit was asked for",
            Self::Permitted => "the permit is here, nothing written down",
            Self::BeforeEntry => "its files are there, the act not journaled",
            Self::AfterEntry => "the act is journaled, no supervisor",
            Self::AfterSupervisor => "the supervisor was started",
            Self::ProgramSeen => "the program was seen running, not journaled",
            Self::StartEntry => "the start is journaled, not told",
            Self::EndSeen => "the program's end was seen, not journaled",
            Self::EndEntry => "the end is journaled, not told",
            Self::EndTold => "the end was told",
            Self::BeforeAcknowledged => "the end is acknowledged, not journaled",
            Self::AfterAcknowledged => "the acknowledgement is journaled",
            Self::SupervisorRuns => "supervisor: has not claimed the act",
            Self::SupervisorClaimed => "supervisor: has claimed the act, no program runs",
            Self::SupervisorStarted => "supervisor: the program runs, not written down",
            Self::SupervisorMarked => "supervisor: the running program is written down",
            Self::SupervisorEnded => "supervisor: the program has ended, not written down",
            Self::SupervisorOutcome => "supervisor: the outcome is written down",
        }
    }

    /// Whether it is the supervisor that ends there, and not the agent.
    pub const fn of_supervisor(self) -> bool {
        matches!(
            self,
            Self::SupervisorRuns
                | Self::SupervisorClaimed
                | Self::SupervisorStarted
                | Self::SupervisorMarked
                | Self::SupervisorEnded
                | Self::SupervisorOutcome
        )
    }
}

/// Ends this process here if it was told to.
#[cfg(not(feature = "killpoints"))]
pub(crate) const fn at(_: Point) {}

#[cfg(feature = "killpoints")]
pub(crate) use real::at;

#[cfg(feature = "killpoints")]
mod real {
    use super::{Point, SEEN, VARIABLE};
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use rustix::process::{Signal, getpid, kill_process};

    /// Ends this process here if it was told to.
    pub(crate) fn at(point: Point) {
        if !std::env::var(VARIABLE).is_ok_and(|wanted| wanted == point.word()) {
            return;
        }
        if let Some(file) = std::env::var_os(SEEN) {
            let made = OpenOptions::new().write(true).create_new(true).open(file);
            if made.and_then(|mut file| file.write_all(point.word().as_bytes())).is_err() {
                return;
            }
        }
        // A real SIGKILL: no destructor runs and nothing is flushed.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
