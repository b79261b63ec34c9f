//! What a line of the journal says. The JSON of [`Stamped`] is the payload of a record; a record stays under 100 KB, so
//! lists are cut into `parts`.

use super::{Effect, Outcome, PairEvent, Request, RolloutEvent};
use crate::enforcement::{Means, StoreVersion};
use crate::guid::Guid;
use crate::names::{
    AccountName, DirectoryName, Dn, DomainName, ExchangeServerName, GoodLinkName, HostName, OperatorName, RolloutName,
    RosterName,
};
use crate::sid::Sid;
use crate::time::{ClockMark, Now};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Users named by one entry at most.
const USERS_PER_ENTRY: usize = 300;

/// Bytes of names in one entry at most. Written down they may take twice as much, and with whatever stands beside them stay
/// under the 100 KB of a record.
const NAMES_PER_ENTRY: usize = 30_000;

/// Users in parts of which each has room in one entry; `bytes` is the length of a user's name.
pub(crate) fn parts<T>(users: impl IntoIterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut parts, mut room) = (Vec::<Vec<T>>::new(), 0);
    for user in users {
        let length = bytes(&user);
        match parts.last_mut() {
            Some(part) if part.len() < USERS_PER_ENTRY && length <= room => {
                room -= length;
                part.push(user);
            }
            _ => {
                room = NAMES_PER_ENTRY.saturating_sub(length);
                parts.push(vec![user]);
            }
        }
    }
    parts
}

/// Bytes that a text which others have a say in takes in an entry at most, and beside a list of users.
const TEXT: usize = 40_000;
const TEXT_BESIDE_USERS: usize = 5_000;

/// A text cut so that it takes at most so many bytes where it is written down.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> String {
    let mut room = bytes;
    let mut kept = text.char_indices().take_while(|(_, letter)| {
        let length = match letter {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            // As \u00XX.
            letter if letter.is_ascii_control() => 6,
            letter => letter.len_utf8(),
        };
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    match kept.by_ref().map(|(at, letter)| at + letter.len_utf8()).last().unwrap_or(0) {
        all if all == text.len() => text.to_owned(),
        end => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// The number of a record in the journal, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Of the first record.
    pub const FIRST: Sequence = Sequence(1);

    /// A number as it was written; zero is none.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Of the record after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Which journal, and which start of a coordinator on it (invariant 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// Random, made with the journal, and made anew by each takeover.
    pub epoch: u64,
    /// Counts starts, from 1.
    pub counter: u64,
    /// Random, made at the start: coordinators on two copies of one journal may count alike, and differ in this.
    #[serde(default)]
    pub mark: u64,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.epoch, self.counter)
    }
}

/// A SHA-256 digest, in hexadecimal where it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> String {
        digest.to_string()
    }
}

/// Not a SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 digest: 64 hexadecimal digits are expected")]
pub struct BadDigest(String);

impl FromStr for Sha256 {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bad = || BadDigest(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad());
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadDigest;
    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

/// A user and the service account that sends as him. The user is his object, whatever rosters call him: a wait does not
/// end with a renaming.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The user's `objectGUID`.
    pub user: Guid,
    /// The service account.
    pub account: AccountName,
}

/// An entry with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// When it was written.
    pub at: Now,
    /// What it says.
    pub entry: Entry,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
pub enum Entry {
    /// A coordinator started on this journal.
    Started {
        /// Its generation.
        generation: Generation,
        /// Its clock.
        clock: ClockMark,
        /// Its version.
        version: String,
        /// Whether it may shorten waits.
        laboratory: bool,
    },
    /// The clock, now and then, so that little waiting is lost with a reboot.
    Clock(ClockMark),
    /// Learned from observations.
    Milestone(Milestone),
    /// Asked for by a person.
    Request {
        /// Who.
        by: OperatorName,
        /// What.
        request: Request,
    },
    /// About to be done; its number names it from here on.
    Intent {
        /// What.
        effect: Effect,
    },
    /// The agent has a permit: from here on the act may happen.
    Permitted {
        /// Which.
        intent: Sequence,
    },
    /// How it ended.
    Outcome {
        /// Which.
        intent: Sequence,
        /// How.
        outcome: Outcome,
    },
}

/// Learned from observations and needed for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "milestone")]
pub enum Milestone {
    /// Pairs changed.
    Pairs {
        /// The users' domain.
        domain: DomainName,
        /// The service account.
        account: AccountName,
        /// What happened to all of them.
        event: PairEvent,
        /// The users' objects, with the names by which rosters knew them then.
        users: BTreeMap<Guid, DirectoryName>,
        /// Where the right vanished: the likely cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    /// A service account was seen for the first time, or is another object than before: what names its former SID is
    /// worth nothing any more.
    Account {
        /// Which.
        account: AccountName,
        /// Its SID from here on.
        sid: Sid,
    },
    /// An entry that we wrote is not on its place any more.
    GrantLost {
        /// The intent that wrote it.
        intent: Sequence,
        /// The place.
        place: Dn,
        /// Why, as far as that can be told.
        cause: String,
    },
    /// A store version was seen for the first time, or changed.
    Version(VersionStep),
    /// A roster was seen for the first time, or changed.
    Roster {
        /// Whose.
        goodlink: GoodLinkName,
        /// SHA-256.
        digest: Sha256,
        /// How many users it has.
        users: usize,
    },
    /// Users that were paused before a wave of the rollout changed anything.
    Baseline {
        /// The rollout.
        rollout: RolloutName,
        /// Which wave, from 0.
        wave: u32,
        /// On which GoodLink server.
        goodlink: GoodLinkName,
        /// The users; may come in several parts.
        paused: BTreeSet<RosterName>,
    },
    /// A host of a rollout shows the hotfix and serves; or, while it is being removed, shows that it is gone.
    HostVerified {
        /// Which rollout.
        rollout: RolloutName,
        /// Which host.
        host: HostName,
    },
    /// A wave was watched long enough. What becomes of its hosts later is drift, and no concern of the rollout any more.
    WaveDone {
        /// Which rollout.
        rollout: RolloutName,
        /// Which wave, from 0.
        wave: u32,
    },
    /// A store enforces, or may, and serves roster users without the right; or does so no more.
    Breach {
        /// Which Exchange server.
        server: ExchangeServerName,
        /// What happened.
        event: BreachEvent,
    },
    /// A rollout ended or was stopped by itself.
    Rollout {
        /// Which.
        rollout: RolloutName,
        /// How.
        event: RolloutEvent,
    },
}

/// A store version that changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionStep {
    /// Where.
    pub host: HostName,
    /// What was known; none at first sight.
    pub before: Option<StoreVersion>,
    /// What is there.
    pub after: StoreVersion,
    /// Whether an install of ours explains it.
    pub ours: bool,
    /// What it meant by the table of that day; none at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// Live rollouts of its Exchange server, where nothing of ours explains it: they are held, for what they were planned
    /// on is not so any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holds: BTreeSet<RolloutName>,
    /// Whether it holds them also where a person does, so that his release leaves them held. Older journals hold only what
    /// nobody held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

/// What happened to a breach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum BreachEvent {
    /// It was noticed.
    Began {
        /// Roster users shown without the right.
        users: usize,
        /// Whether the store enforces for certain.
        certain: bool,
    },
    /// Everybody is seen to be covered or is excepted, or the store is seen to enforce no more.
    Ended,
}

impl Entry {
    /// The same with no text longer than a record has room for: what agents, directory servers and other people's entries
    /// in them say is as long as they like.
    #[must_use]
    pub fn fitting(mut self) -> Self {
        match &mut self {
            Self::Outcome { outcome, .. } => {
                let detail = outcome.detail_mut();
                *detail = cut(detail, TEXT);
            }
            Self::Milestone(Milestone::Pairs { cause: Some(cause), .. }) => *cause = cut(cause, TEXT_BESIDE_USERS),
            Self::Milestone(
                Milestone::GrantLost { cause: text, .. }
                | Milestone::Rollout {
                    event:
                        RolloutEvent::Tripped { reason: text }
                        | RolloutEvent::Removing { reason: text, .. }
                        | RolloutEvent::Aborted { reason: text },
                    ..
                },
            ) => *text = cut(text, TEXT),
            _ => {}
        }
        self
    }

    /// What kind of entry it is, for listings.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Clock(_) => "clock",
            Self::Milestone(_) => "milestone",
            Self::Request { .. } => "request",
            Self::Intent { .. } => "intent",
            Self::Permitted { .. } => "permitted",
            Self::Outcome { .. } => "outcome",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_what_it_takes_where_it_is_written_down() {
        assert_eq!(cut("as it is", 8), "as it is");
        assert_eq!(cut("as it is", 7), "as it i…");
        for text in ["x", "\u{1}", "\"", "\n", "ä", "😀"] {
            let long = cut(&text.repeat(50_000), TEXT);
            let bytes = serde_json::to_string(&long).unwrap().len();
            assert!(bytes <= TEXT + "\"…\"".len(), "{text:?}: {bytes}");
            assert!(bytes > TEXT - 6, "{text:?}: {bytes}");
        }
    }

    /// Whatever agents and directory servers say, an entry has room.
    #[test]
    fn no_text_of_others_makes_an_entry_too_long() {
        let text = "\u{2}".repeat(200_000);
        let intent = Sequence(1);
        let users: BTreeMap<_, _> = (0..USERS_PER_ENTRY as u128)
            .map(|at| (Guid::from_bytes(at.to_le_bytes()), "\\".repeat(100).parse().unwrap()))
            .collect();
        let rollout = |event| Entry::Milestone(Milestone::Rollout { rollout: "r".parse().unwrap(), event });
        let entries = [
            Entry::Outcome { intent, outcome: Outcome::Failed { detail: text.clone() } },
            Entry::Outcome { intent, outcome: Outcome::Succeeded { detail: text.clone() } },
            Entry::Outcome { intent, outcome: Outcome::Withdrawn { detail: text.clone() } },
            rollout(RolloutEvent::Tripped { reason: text.clone() }),
            rollout(RolloutEvent::Removing { reason: text.clone(), wave: None }),
            rollout(RolloutEvent::Aborted { reason: text.clone() }),
            Entry::Milestone(Milestone::GrantLost { intent, place: "DC=a".into(), cause: text.clone() }),
            Entry::Milestone(Milestone::Pairs {
                domain: "a.example.test".parse().unwrap(),
                account: "goodadmin@a.example.test".parse().unwrap(),
                event: PairEvent::Vanished,
                users,
                cause: Some(text),
            }),
        ];
        for entry in entries {
            let title = entry.title();
            let bytes = serde_json::to_vec(&entry.fitting()).unwrap().len();
            assert!(bytes < 99_000, "{title}: {bytes}");
        }
    }

    /// A record has room for 100 KB, and names may be as long as they are, and take twice as much where they are written.
    #[test]
    fn every_part_of_a_list_has_room_in_a_record() {
        for length in [1, 20, 350, crate::names::LONGEST_NAME] {
            let names: Vec<String> = (0..1000).map(|_| "\\".repeat(length)).collect();
            let parts = parts(names.iter().cloned().enumerate(), |(_, name)| name.len());
            for part in &parts {
                let users = part.iter().map(|(at, name)| (Guid::from_bytes((*at as u128).to_le_bytes()), name));
                let text = serde_json::to_string(&users.collect::<BTreeMap<_, _>>()).unwrap();
                assert!(text.len() < 90_000, "{} names of {length} bytes: {}", part.len(), text.len());
                assert!(part.len() > 1, "names of {length} bytes, each in a record of its own");
            }
            let there: Vec<_> = parts.into_iter().flatten().map(|(at, _)| at).collect();
            assert_eq!(there, (0..1000).collect::<Vec<_>>());
        }
    }
}
