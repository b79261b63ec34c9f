//! Where a process ends itself.

use super::scene::{CHANGED, GOODLINK};
use sendgate_agent::kill::{self as in_agent, Point as InAct};
use sendgate_coordinator::kill::{self as in_coordinator, Moment};
use sendgate_core::ledger::{Sequence, Stamped};
use serde_json::Value;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

/// A kill point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    /// The coordinator, at the append of this record.
    Append(Sequence, Moment),
    /// The agent of this host, or the supervisor of its act.
    Act(&'static str, InAct),
}

impl Point {
    /// The process that ends there, or whose child does.
    pub(super) fn process(self) -> Option<&'static str> {
        match self {
            Self::Append(..) => None,
            Self::Act(agent, _) => Some(agent),
        }
    }

    /// Whether the process that was started with the point's variables goes on.
    pub(super) fn spares_agent(self) -> bool {
        matches!(self, Self::Act(_, act) if act.of_supervisor())
    }

    /// What the process has to be told; it then writes to `seen` where it is.
    pub(super) fn variables(self, seen: &Path) -> [(&'static str, OsString); 2] {
        match self {
            Self::Append(sequence, moment) => [
                (in_coordinator::VARIABLE, format!("{}:{sequence}", moment.word()).into()),
                (in_coordinator::SEEN, seen.into()),
            ],
            Self::Act(_, act) => [(in_agent::VARIABLE, act.word().into()), (in_agent::SEEN, seen.into())],
        }
    }

    /// All of them, for a story with this journal.
    pub(super) fn all(journal: &[(Sequence, Stamped)]) -> Vec<Self> {
        let appends =
            journal.iter().flat_map(|(sequence, _)| Moment::ALL.map(|moment| Self::Append(*sequence, moment)));
        let acts = [CHANGED, GOODLINK].into_iter().flat_map(|agent| InAct::ALL.map(|act| Self::Act(agent, act)));
        appends.chain(acts).collect()
    }

    /// A few of them, at which something is under way.
    pub(super) fn sample(journal: &[(Sequence, Stamped)]) -> Vec<Self> {
        let first = |wanted: &str| {
            let found = journal.iter().find(|(_, stamped)| Name::of(&stamped.entry, journal).0 == wanted);
            found.map(|(sequence, _)| *sequence)
        };
        let appends = [
            ("intent: grant", Moment::After),
            ("outcome: grant", Moment::Before),
            ("milestone: pairs landed", Moment::Written),
            ("permitted: restart-goodlink", Moment::After),
            ("outcome: restart-goodlink", Moment::Before),
            ("intent: install", Moment::After),
            ("permitted: install", Moment::Before),
            ("permitted: install", Moment::After),
            ("outcome: install", Moment::Before),
        ];
        // An entry that the story does not have shows as a point that was not reached.
        let missing = Sequence(u64::MAX);
        let appends = appends.map(|(wanted, moment)| Self::Append(first(wanted).unwrap_or(missing), moment));
        let acts = [
            (CHANGED, InAct::BeforeEntry),
            (CHANGED, InAct::AfterEntry),
            (CHANGED, InAct::AfterSupervisor),
            (CHANGED, InAct::SupervisorMarked),
            (CHANGED, InAct::EndSeen),
            (GOODLINK, InAct::StartEntry),
            (GOODLINK, InAct::EndTold),
        ];
        appends.into_iter().chain(acts.map(|(agent, act)| Self::Act(agent, act))).collect()
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(sequence, Moment::Before) => write!(f, "coordinator, before append {sequence}"),
            Self::Append(sequence, Moment::Written) => write!(f, "coordinator, append {sequence} not yet synchronised"),
            Self::Append(sequence, Moment::After) => write!(f, "coordinator, after append {sequence}"),
            Self::Act(agent, act) => write!(f, "agent {agent}, {}", act.told()),
        }
    }
}

/// What kind of entry a record is, in a few words that stay the same from story to story.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) String);

impl Name {
    /// Of an entry; `journal` tells of which effect a permit or an outcome is.
    pub(super) fn of(entry: &sendgate_core::ledger::Entry, journal: &[(Sequence, Stamped)]) -> Self {
        // By the words of the journal's own form, so that a kind of entry that is new has a name here too.
        let Ok(value) = serde_json::to_value(entry) else { return Self("?".to_owned()) };
        let word = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let effect = word(&value, "/effect/effect").or_else(|| {
            let intent = Sequence(value.pointer("/intent").and_then(Value::as_u64)?);
            let (_, stamped) = journal.iter().find(|(sequence, _)| *sequence == intent)?;
            word(&serde_json::to_value(&stamped.entry).ok()?, "/effect/effect")
        });
        let more = [word(&value, "/milestone"), word(&value, "/request/request"), effect, event(&value)];
        let more: Vec<String> = more.into_iter().flatten().collect();
        let kind = word(&value, "/entry").unwrap_or_else(|| "?".to_owned());
        Self(if more.is_empty() { kind } else { format!("{kind}: {}", more.join(" ")) })
    }
}

/// The event of a milestone, a word or an object that has one.
fn event(value: &Value) -> Option<String> {
    let event = value.pointer("/event")?;
    event.as_str().or_else(|| event.pointer("/event")?.as_str()).map(str::to_owned)
}
