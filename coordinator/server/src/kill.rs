//! Where this process can be told to end itself as `kill -9` does, so that a checker can stop it at exactly that point.
//! Without the feature `killpoints`, which no program that is shipped has, [`at`] is empty and compiled away.

/// The environment variable that names the point: `MOMENT:SEQUENCE`, such as `before:17`.
pub const VARIABLE: &str = "SENDGATE_KILL";

/// The environment variable that names the file into which a process writes, before it ends itself, where it is.
pub const SEEN: &str = "SENDGATE_KILL_SEEN";

/// Where in the life of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Nothing of the record is written.
    Before,
    /// It is in the store, and whether the store has given it to the system is open.
    Written,
    /// It is durable, and nobody has been told.
    After,
}

impl Moment {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Before, Self::Written, Self::After];

    /// As the variable has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Written => "written",
            Self::After => "after",
        }
    }

    /// What is true there, for a person.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Written => "written, not yet synchronised",
            Self::After => "after",
        }
    }
}

/// Ends this process here if it was told to.
#[cfg(not(feature = "killpoints"))]
pub(crate) const fn at(_: Moment, _: sendgate_core::ledger::Sequence, _: &[u8]) {}

#[cfg(feature = "killpoints")]
pub(crate) use real::at;

#[cfg(feature = "killpoints")]
mod real {
    use super::{Moment, SEEN, VARIABLE};
    use rustix::process::{Signal, getpid, kill_process};
    use sendgate_core::ledger::Sequence;

    /// Ends this process here if it was told to.
    pub(crate) fn at(moment: Moment, sequence: Sequence, payload: &[u8]) {
        let here = format!("{}:{sequence}", moment.word());
        if !std::env::var(VARIABLE).is_ok_and(|wanted| wanted == here) {
            return;
        }
        if let Some(file) = std::env::var_os(SEEN)
            && std::fs::write(file, payload).is_err()
        {
            // The checker sees a point that was not reached.
            return;
        }
        // A real SIGKILL: no destructor runs and nothing is flushed.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
