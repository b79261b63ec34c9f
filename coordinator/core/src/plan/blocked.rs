//! Why something is not done, in values and in words.

use super::{hold, rollout};
use crate::gate::Reason;
use crate::ledger::{Held, Hold, Stranger};
use crate::names::{AgentName, HostName, OperatorName};
use crate::time::Readable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "blocked")]
pub enum Blocked {
    /// A gate is closed.
    Gate {
        /// Why.
        reason: Reason,
    },
    /// As many hosts are disrupted as may be.
    Disruption {
        /// Of what: `hosts`, `Exchange hosts`.
        what: String,
        /// How many may be.
        limit: u32,
        /// Which are, with the reason.
        hosts: BTreeMap<HostName, String>,
    },
    /// The host is not ready.
    Host {
        /// Which.
        host: HostName,
        /// Why.
        why: String,
    },
    /// Another host of the rollout comes first.
    Turn {
        /// Which.
        after: HostName,
    },
    /// Not enough people have said yes.
    Approval {
        /// How many must.
        needed: u32,
        /// Who has.
        given: BTreeSet<OperatorName>,
        /// Whose own yes does not count.
        author: OperatorName,
    },
    /// No window is open.
    Closed {
        /// When one opens; none: not within ten years.
        next: Option<Timestamp>,
    },
    /// What it entails is not over before the window's cutoff.
    Fit {
        /// The arithmetic.
        fit: rollout::Fit,
    },
    /// Something is not known, and nothing is concluded from that.
    Inconclusive {
        /// What.
        why: String,
    },
    /// The rollout is about to stop by itself.
    Tripping {
        /// Why.
        reason: String,
    },
    /// It is held.
    Held {
        /// What is.
        held: Held,
        /// By whom, and why.
        hold: Hold,
    },
    /// Something is held that is not configured under its name: as long as that is so nothing begins anywhere.
    NotConfigured {
        /// What was, by the name that it had.
        held: Held,
        /// By whom, and why.
        hold: Hold,
    },
    /// An agent has obeyed another coordinator: as long as that is so nothing begins anywhere.
    Stranger {
        /// Which.
        agent: AgentName,
        /// Whom, and what that means.
        stranger: Stranger,
    },
    /// A person left the host out.
    Skipped {
        /// Who.
        by: OperatorName,
        /// Why.
        reason: String,
    },
    /// The rollout is not running.
    NotRunning {
        /// Its state.
        state: String,
    },
    /// Policy leaves it to people.
    Policy {
        /// Which setting, and what would be done.
        setting: String,
    },
    /// A wait is not over.
    Wait {
        /// What for.
        what: String,
        /// How long still.
        remaining: Duration,
    },
    /// It was tried, and a person must look at it.
    Tried {
        /// What came of it.
        what: String,
    },
    /// Nothing that can be done would help.
    NoHelp {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate { reason } => write!(f, "{reason}"),
            Self::Disruption { what, limit, hosts } => {
                let hosts: Vec<_> = hosts.iter().map(|(host, why)| format!("{host} ({why})")).collect();
                write!(f, "{} of at most {limit} {what} are disrupted: {}", hosts.len(), hosts.join(", "))
            }
            Self::Host { host, why } => write!(f, "host {host}: {why}"),
            Self::Turn { after } => write!(f, "{after} comes first"),
            Self::Approval { needed, given, author } => {
                let given: Vec<_> = given.iter().map(ToString::to_string).collect();
                let given = if given.is_empty() { "nobody yet".to_owned() } else { given.join(", ") };
                write!(f, "{needed} people other than its author {author} must approve it; approved by {given}")
            }
            Self::Closed { next: Some(next) } => write!(f, "no window is open; the next one opens at {next}"),
            Self::Closed { next: None } => f.write_str("no window is open, and none opens within ten years"),
            Self::Fit { fit } => write!(f, "{fit}"),
            Self::Inconclusive { why } => f.write_str(why),
            Self::Tripping { reason } => write!(f, "the rollout stops by itself: {reason}"),
            Self::Held { held, hold } => write!(f, "{held} is {hold}"),
            Self::NotConfigured { held, hold } => {
                write!(f, "{held} is {hold}; {}", hold::end_of_not_configured(held, hold))
            }
            Self::Stranger { agent, stranger } => write!(f, "agent {agent} is not led by this coordinator: {stranger}"),
            Self::Skipped { by, reason } => write!(f, "{by} left it out: {reason}"),
            Self::NotRunning { state } => write!(f, "the rollout is {state}"),
            Self::Policy { setting } => f.write_str(setting),
            Self::Wait { what, remaining } => write!(f, "{what}: {} to go", Readable(*remaining)),
            Self::Tried { what } => write!(f, "a person must look at it: {what}"),
            Self::NoHelp { why } => f.write_str(why),
        }
    }
}
