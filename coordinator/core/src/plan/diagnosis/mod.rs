//! Why a user is still paused, in the order of Good's troubleshooting: each suspect is ruled out with evidence, or it is
//! this one, with evidence, or that cannot be told, and why. What is not known rules nothing out.
//!
//! 1. [`examiner`]: everybody whom a GoodLink server has paused, with what is known of each;
//! 2. [`waits`]: replication, caches, GoodLink's own timer;
//! 3. [`directory`]: what the directory shows of him;
//! 4. [`around`]: the service account, the error itself, the roster, the store;
//! 5. here: what follows from all of them.

mod around;
mod directory;
mod examiner;
mod waits;

pub use examiner::Examiner;

use crate::names::{DirectoryName, GoodLinkName, RosterName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Why one user is still paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// As GoodLink names him.
    pub user: RosterName,
    /// As the directory does; none when he is not on the roster.
    pub directory_name: Option<DirectoryName>,
    /// Who has paused him.
    pub goodlink: GoodLinkName,
    /// Until he is called failed: from the landing of his right, else from his first pause line by the host's clock.
    /// Zero: he is.
    pub remaining: Duration,
    /// Every suspect, in order.
    pub checks: Vec<Check>,
    /// What follows.
    pub conclusion: Conclusion,
}

/// One suspect, looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub suspect: Suspect,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// What is to be done about it, or to find it out: a command or a sentence. None where it is ruled out.
    pub next: Option<String>,
}

/// What may keep a user paused, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspect {
    /// Some directory server does not show the right yet.
    Replication,
    /// The store's mailbox cache and DSAccess do not know of the right yet.
    Caches,
    /// GoodLink waits by itself; a restart ends that.
    PauseTimer,
    /// AdminSDHolder takes the right away.
    ProtectedGroup,
    /// An entry denies it.
    Deny,
    /// Inheritance is blocked above him, or on himself.
    BlockedInheritance,
    /// No entry is there for him.
    NoEntry,
    /// The right is another account's than the one that sends.
    WrongAccount,
    /// He is paused by another error than a missing right.
    OtherError,
    /// He is not on the roster, or the directory does not know him by the name there.
    Roster,
    /// His mailbox is on an Exchange server that is not watched.
    UnwatchedServer,
}

/// What was found of a suspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "finding")]
pub enum Finding {
    /// It is not this one.
    RuledOut {
        /// By what.
        evidence: String,
    },
    /// It is this one.
    ItIs {
        /// By what.
        evidence: String,
    },
    /// It may be.
    CannotTell {
        /// Why that is not known.
        why: String,
    },
}

/// What follows from all checks: the first line that a person on call reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// What it is, or may be; none where every suspect is ruled out.
    pub suspect: Option<Suspect>,
    /// Whether it is known to be that.
    pub certain: bool,
    /// The cause in words.
    pub cause: String,
    /// What is to be done next: a command or a sentence.
    pub next: String,
    /// Other suspects of which the same was found.
    pub beside: Vec<Suspect>,
}

impl Check {
    fn ruled_out(suspect: Suspect, evidence: impl Into<String>) -> Self {
        Self { suspect, finding: Finding::RuledOut { evidence: evidence.into() }, next: None }
    }

    fn it_is(suspect: Suspect, evidence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { suspect, finding: Finding::ItIs { evidence: evidence.into() }, next: Some(next.into()) }
    }

    fn cannot_tell(suspect: Suspect, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { suspect, finding: Finding::CannotTell { why: why.into() }, next: Some(next.into()) }
    }
}

/// What is left when everything that can be seen from here is ruled out.
const NOTHING_LEFT: &str = "let him send a message and look at GoodLink's log for his next pause line (without one he \
     sends again), run GoodLink's Test Send for him, and see that every directory server that his Exchange server uses \
     (System Manager, Directory Access) is configured here";

impl Conclusion {
    /// The first suspect that it is; else the first that it may be. Another error comes before everything else: what is
    /// wrong besides did not pause him this time.
    fn of(checks: &[Check]) -> Self {
        let is = |check: &&Check| matches!(check.finding, Finding::ItIs { .. });
        let may = |check: &&Check| matches!(check.finding, Finding::CannotTell { .. });
        let other = |check: &&Check| check.suspect == Suspect::OtherError;
        let first = |found: &dyn Fn(&&Check) -> bool| checks.iter().find(|check| found(check));
        let (chosen, certain) = match first(&|check| is(check) && other(check)).or_else(|| first(&is)) {
            Some(chosen) => (Some(chosen), true),
            None => (first(&may), false),
        };
        let Some(Check { suspect, finding, next }) = chosen else {
            return Self {
                suspect: None,
                certain: false,
                cause: "everything that can be seen from here is ruled out".to_owned(),
                next: NOTHING_LEFT.to_owned(),
                beside: Vec::new(),
            };
        };
        let alike = checks.iter().filter(|check| if certain { is(check) } else { may(check) });
        Self {
            suspect: Some(*suspect),
            certain,
            cause: finding.text().to_owned(),
            next: next.clone().unwrap_or_else(|| NOTHING_LEFT.to_owned()),
            beside: alike.map(|check| check.suspect).filter(|other| other != suspect).collect(),
        }
    }
}

impl Finding {
    /// The evidence, or why there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::RuledOut { evidence } | Self::ItIs { evidence } => evidence,
            Self::CannotTell { why } => why,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::RuledOut { .. } => "ruled out",
            Self::ItIs { .. } => "it is this",
            Self::CannotTell { .. } => "cannot tell",
        };
        write!(f, "{word}: {}", self.text())
    }
}

impl fmt::Display for Conclusion {
    /// The cause alone, in one sentence; what is to be done is [`Conclusion::next`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.suspect, self.certain) {
            (None, _) => f.write_str(&self.cause)?,
            (Some(suspect), true) => write!(f, "{suspect}: {}", self.cause)?,
            (Some(suspect), false) => write!(f, "not known, perhaps {suspect}: {}", self.cause)?,
        }
        if self.certain && !self.beside.is_empty() {
            let beside: Vec<_> = self.beside.iter().map(ToString::to_string).collect();
            write!(f, " (and {})", beside.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replication => "replication",
            Self::Caches => "caches",
            Self::PauseTimer => "GoodLink's pause timer",
            Self::ProtectedGroup => "protected group",
            Self::Deny => "deny",
            Self::BlockedInheritance => "blocked inheritance",
            Self::NoEntry => "no entry",
            Self::WrongAccount => "wrong account",
            Self::OtherError => "not a Send As error",
            Self::Roster => "roster",
            Self::UnwatchedServer => "unwatched Exchange server",
        })
    }
}
