//! What the journal remembers of one act.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::HostName;

/// The longest act id: it names a directory.
const MAX_ACT_ID_BYTES: usize = 80;
/// The longest detail that is kept, so that a record stays far below the 100 KB that the store takes well.
pub const MAX_DETAIL_CHARS: usize = 4000;

/// `EPOCH-SEQUENCE` of the intent in the coordinator's journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActId {
    epoch: String,
    sequence: u64,
}

/// Not an act id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an act id of the form EPOCH-SEQUENCE")]
pub struct ActIdError(String);

impl ActId {
    /// Reads an act id. Only its canonical form is one, so that two ids are never the same act.
    ///
    /// # Errors
    /// When it has another form; it is a file name here, so nothing else gets through.
    pub fn parse(text: &str) -> Result<Self, ActIdError> {
        let bad = || ActIdError(text.chars().take(MAX_ACT_ID_BYTES).collect());
        let (epoch, sequence) = text.rsplit_once('-').ok_or_else(bad)?;
        let plain = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let id = Self { epoch: epoch.to_owned(), sequence: sequence.parse().map_err(|_| bad())? };
        if plain && text.len() <= MAX_ACT_ID_BYTES && id.to_string() == text { Ok(id) } else { Err(bad()) }
    }

    /// The act of an epoch, as it is written in an act id, and a sequence.
    pub(super) fn of(epoch: &str, sequence: u64) -> Self {
        Self { epoch: epoch.to_owned(), sequence }
    }

    /// The journal of the coordinator that the act comes from.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The place of the act in that journal.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

impl TryFrom<String> for ActId {
    type Error = ActIdError;
    fn try_from(text: String) -> Result<Self, ActIdError> {
        Self::parse(&text)
    }
}

impl From<ActId> for String {
    fn from(id: ActId) -> String {
        id.to_string()
    }
}

/// How far an act is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The permit was good; whether the program was started is not known yet. Not reported: it becomes one of the others.
    Starting,
    /// The program was seen running.
    Started,
    /// The program ended.
    Finished {
        /// Its exit code; 128 and the signal's number where a signal ended it.
        exit_code: i32,
    },
    /// Never started, and never will be.
    Refused,
    /// Started once; how it ended cannot be found out.
    Unknown,
}

/// A change that no act can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an act cannot go from {from:?} to {to:?}")]
pub struct IllegalChange {
    from: Progress,
    to: Progress,
}

impl Progress {
    /// Whether this is how it ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Refused | Self::Unknown)
    }

    /// The one transition function of an act.
    ///
    /// # Errors
    /// When the act cannot go there.
    pub fn change(self, to: Self) -> Result<Self, IllegalChange> {
        match (self, to) {
            (Self::Starting, Self::Started | Self::Finished { .. } | Self::Refused | Self::Unknown)
            | (Self::Started, Self::Finished { .. } | Self::Unknown) => Ok(to),
            (from, to) => Err(IllegalChange { from, to }),
        }
    }
}

/// A process, so that it is found again: its id alone may have been given to another one since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since the boot (field 22 of `/proc/PID/stat`).
    pub start: u64,
    /// In which boot of the machine.
    pub boot: crate::clock::BootId,
}

/// One act, as journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRecord {
    /// Which act.
    pub id: ActId,
    /// On which host; as offered, even where that is no host of this agent.
    pub host: String,
    /// What it does, for a person.
    pub what: String,
    /// How far it is.
    pub progress: Progress,
    /// What an operator needs to know.
    pub detail: String,
    /// The coordinator has its outcome.
    pub acknowledged: bool,
}

impl ActRecord {
    pub(super) fn new(id: ActId, host: &str, what: &str, progress: Progress, detail: &str) -> Self {
        // A host name from the wire is not checked yet, so it is bounded here.
        let host = host.chars().take(HOST_CHARS).collect();
        Self { id, host, what: what.to_owned(), progress, detail: bounded(detail), acknowledged: false }
    }

    /// Whether the act is on this host.
    pub fn is_on(&self, host: &HostName) -> bool {
        // As offered, or as an agent wrote it that kept the case of the configuration.
        self.host.eq_ignore_ascii_case(host.as_str())
    }
}

const HOST_CHARS: usize = 255;

pub(crate) fn bounded(detail: &str) -> String {
    detail.chars().take(MAX_DETAIL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_id_has_one_form() {
        let id = ActId::parse("8f0a-17").unwrap();
        assert_eq!((id.epoch(), id.sequence(), id.to_string().as_str()), ("8f0a", 17, "8f0a-17"));
        for bad in ["", "17", "-17", "a-", "a-+7", "a-07", "../x-1", "a/b-1", "a-b-1", "a-18446744073709551616"] {
            let error = ActId::parse(bad).unwrap_err().to_string();
            assert_eq!(error, format!("{bad:?} is not an act id of the form EPOCH-SEQUENCE"));
        }
    }

    #[test]
    fn the_record_of_an_agent_that_journaled_supervisors_is_read() {
        let text = r#"{"id":"e-1","host":"ex1","what":"install k","progress":{"finished":{"exit_code":3}},"detail":"x",
            "acknowledged":true,"supervisor":{"pid":7,"start":9,"boot":"b"}}"#;
        let record: ActRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.progress, record.acknowledged), (Progress::Finished { exit_code: 3 }, true));
    }

    #[test]
    fn an_act_ends_once() {
        let ends = [Progress::Finished { exit_code: 0 }, Progress::Refused, Progress::Unknown];
        for end in ends {
            assert_eq!(Progress::Starting.change(end), Ok(end));
            for next in [Progress::Starting, Progress::Started].into_iter().chain(ends) {
                assert!(end.change(next).is_err(), "{end:?} -> {next:?}");
            }
        }
        assert_eq!(
            Progress::Started.change(Progress::Refused).unwrap_err().to_string(),
            "an act cannot go from Started to Refused"
        );
    }
}
