//! Whose journal this is: every start and takeover that it has seen, so that an agent's memory tells an old copy from the
//! newest one (invariant 9).
//!
//! A journal that was restored from a backup lacks what came after the backup, and its numbers are given out anew. So an
//! agent that remembers a start, an act or a head that is not in the journal is not led by it; a takeover, which a person
//! declares, begins another epoch: from there on no act can be taken for one of the lost part.

use super::{AgentJournal, Generation, Ledger, Sequence};
use crate::names::{DirectoryName, GoodLinkName, HostName, OperatorName};
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::time::Duration;

/// Starts and takeovers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lineage {
    /// Every generation of this journal, by its first record.
    generations: BTreeMap<Sequence, Generation>,
    /// The last takeover, and when it was declared.
    takeover: Option<(Takeover, Steady)>,
    /// When it was first known after it how all users of a GoodLink server stand.
    seen: BTreeMap<GoodLinkName, Steady>,
    /// Whom nobody had looked at since the takeover when that was written down: he came onto a roster later, or was waived.
    unwatched: BTreeMap<GoodLinkName, BTreeMap<DirectoryName, Steady>>,
    /// Hosts whose store version has been read since, with nothing of the lost part going on there: what changes it later is
    /// not of that part.
    read: BTreeSet<HostName>,
}

/// How the users of a GoodLink server are waited for after a takeover. Their rights may have landed in what the journal
/// lost, or unseen before the first look: what is seen first has landed then, at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anew {
    /// It is not known yet how all of them stand.
    Unseen,
    /// All waits count from here.
    Since(Steady),
}

impl Anew {
    /// How much of a wait is left.
    #[must_use]
    pub fn remaining(self, now: Steady, wait: Duration) -> Duration {
        match self {
            Self::Unseen => wait,
            Self::Since(at) => (at + wait).since(now),
        }
    }
}

/// A person's word that this coordinator takes the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Takeover {
    /// What agents obey from then on.
    pub generation: Generation,
    /// Epochs that they obeyed before, those of earlier takeovers among them.
    pub supersedes: BTreeSet<u64>,
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
}

/// What an agent remembers of the coordinator that it obeyed last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Which one; none: it has never obeyed any.
    pub generation: Option<Generation>,
    /// The newest act of that epoch that it knows.
    pub newest: Option<(u64, Sequence)>,
    /// How far that generation's journal had gone, as far as the agent was told.
    pub head: Option<Sequence>,
}

/// Why an agent is not led by this journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stranger {
    /// Whom it obeyed last.
    pub remembered: Generation,
    /// What that says of the journal.
    pub cause: Strangeness,
}

/// What an agent's memory says of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Strangeness {
    /// It has obeyed a start that the journal lacks.
    LostStart,
    /// It knows an act that the journal lacks.
    LostAct {
        /// Its number.
        act: Sequence,
    },
    /// It was told of a record that the journal lacks.
    LostRecords {
        /// The last that it was told of.
        head: Sequence,
    },
    /// It has obeyed a coordinator on another journal.
    OtherJournal,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.remembered;
        match self.cause {
            Strangeness::LostStart => write!(
                f,
                "it has obeyed generation {seen}, which this journal does not know: the journal is an old copy of the one \
                 that was used last"
            ),
            Strangeness::LostAct { act } => write!(
                f,
                "it knows act {act} of generation {seen}, which this journal does not have: the journal is an old copy of \
                 the one that was used last"
            ),
            Strangeness::LostRecords { head } => write!(
                f,
                "it was told of record {head} of generation {seen}, which this journal does not have: the journal is an old \
                 copy of the one that was used last"
            ),
            Strangeness::OtherJournal => {
                write!(f, "it has obeyed generation {seen}, of another journal than this coordinator's")
            }
        }?;
        f.write_str(
            "; if another coordinator runs, stop one of the two; if this one is to go on in its place, \
             `sendgate coordinator takeover --reason …`",
        )
    }
}

impl Lineage {
    /// A coordinator has started.
    pub(super) fn started(&mut self, at: Sequence, generation: Generation) {
        self.generations.insert(at, generation);
    }

    /// A takeover was declared: it must begin another epoch, with a higher counter than the one that declared it.
    pub(super) fn taken_over(
        &mut self,
        (at, when): (Sequence, Steady),
        takeover: Takeover,
        by: Option<Generation>,
    ) -> Result<(), String> {
        let Some(by) = by else { return Err("no coordinator has started".to_owned()) };
        let new = takeover.generation;
        if new.counter <= by.counter || self.generations.values().any(|known| known.epoch == new.epoch) {
            return Err(format!("the generation is {by}, and {new} cannot follow"));
        }
        if !self.superseded().is_subset(&takeover.supersedes) || !takeover.supersedes.contains(&by.epoch) {
            return Err(format!("it does not supersede {:016x} and all that came before", by.epoch));
        }
        self.started(at, new);
        self.takeover = Some((takeover, when));
        self.seen.clear();
        self.unwatched.clear();
        self.read.clear();
        Ok(())
    }

    /// The host was seen with nothing of the lost part going on there; false if nobody waits for that.
    pub(super) fn read(&mut self, host: &HostName) -> bool {
        self.takeover.is_some() && self.read.insert(host.clone())
    }

    /// Whether what the host has may still come from the lost part, for all that was read of it.
    #[must_use]
    pub fn is_unread(&self, host: &HostName) -> bool {
        self.takeover.is_some() && !self.read.contains(host)
    }

    /// After a takeover it is known how all users of a GoodLink server stand.
    pub(super) fn seen_anew(&mut self, goodlink: &GoodLinkName, at: Steady) -> Result<(), String> {
        if self.anew(goodlink) != Some(Anew::Unseen) {
            return Err(format!("nobody waits to see the users of {goodlink} anew"));
        }
        self.seen.insert(goodlink.clone(), at);
        Ok(())
    }

    /// Whoever is on a roster may be on it for the first time since the takeover; false if nobody waits from an earlier look.
    pub(super) fn unseen(&mut self, goodlink: &GoodLinkName) -> bool {
        self.unwatched.remove(goodlink);
        self.seen.remove(goodlink).is_some()
    }

    /// Nobody has looked at users since the takeover.
    pub(super) fn unwatched(
        &mut self,
        goodlink: &GoodLinkName,
        users: &BTreeSet<DirectoryName>,
        at: Steady,
    ) -> Result<(), String> {
        if self.takeover.is_none() {
            return Err(format!("there was no takeover since which the users of {goodlink} could be unwatched"));
        }
        let unwatched = self.unwatched.entry(goodlink.clone()).or_default();
        unwatched.extend(users.iter().map(|user| (user.clone(), at)));
        Ok(())
    }

    /// When it was written down that nobody had looked at a user; none: he has been looked at since the takeover.
    #[must_use]
    pub fn unwatched_until(&self, goodlink: &GoodLinkName, user: &DirectoryName) -> Option<Steady> {
        self.unwatched.get(goodlink)?.get(user).copied()
    }

    /// How its users are waited for; none: there was no takeover.
    #[must_use]
    pub fn anew(&self, goodlink: &GoodLinkName) -> Option<Anew> {
        self.takeover.as_ref()?;
        Some(self.seen.get(goodlink).map_or(Anew::Unseen, |at| Anew::Since(*at)))
    }

    /// The takeover in force.
    #[must_use]
    pub fn takeover(&self) -> Option<&Takeover> {
        self.takeover.as_ref().map(|(takeover, _)| takeover)
    }

    /// When it was declared. What landed in the lost part did so before.
    #[must_use]
    pub fn taken_over_at(&self) -> Option<Steady> {
        self.takeover.as_ref().map(|(_, when)| *when)
    }

    /// Epochs whose agents follow this journal.
    #[must_use]
    pub fn superseded(&self) -> BTreeSet<u64> {
        self.takeover().map(|takeover| takeover.supersedes.clone()).unwrap_or_default()
    }

    /// The epoch that names the act of this number.
    #[must_use]
    pub fn epoch_of(&self, intent: Sequence) -> Option<u64> {
        self.generations.range(..=intent).next_back().map(|(_, generation)| generation.epoch)
    }

    /// The last record of a generation, in a journal that ends with `head`; none if it does not have that generation.
    fn last_of(&self, generation: Generation, head: Option<Sequence>) -> Option<Sequence> {
        let (first, _) = self.generations.iter().find(|(_, known)| **known == generation)?;
        let next = self.generations.range((Bound::Excluded(*first), Bound::Unbounded)).next();
        next.map_or(head, |(next, _)| Some(Sequence(next.0.saturating_sub(1))))
    }
}

impl Ledger {
    /// The intent that an epoch and a number name, if this journal has it.
    #[must_use]
    pub fn act(&self, epoch: u64, number: Sequence) -> Option<Sequence> {
        let ours = self.lineage.epoch_of(number) == Some(epoch) && self.intents.contains_key(&number);
        ours.then_some(number)
    }

    /// Why an agent that remembers this is not led by this journal; none if it is.
    #[must_use]
    pub fn stranger(&self, memory: &Memory) -> Option<Stranger> {
        let remembered = memory.generation?;
        // Whatever it did before, a person has said that this coordinator goes on from there.
        if self.lineage.superseded().contains(&remembered.epoch) {
            return None;
        }
        let lost_act = memory.newest.filter(|(epoch, act)| self.act(*epoch, *act).is_none());
        let cause = match self.lineage.last_of(remembered, self.head) {
            _ if self.generation.is_some_and(|own| own.epoch != remembered.epoch) => Strangeness::OtherJournal,
            None => Strangeness::LostStart,
            Some(last) => match (lost_act, memory.head) {
                (Some((_, act)), _) => Strangeness::LostAct { act },
                (None, Some(head)) if head > last => Strangeness::LostRecords { head },
                (None, _) => return None,
            },
        };
        Some(Stranger { remembered, cause })
    }
}

/// An act on a host that no open intent of this journal stands for, and that goes on all the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Foreign {
    /// As the agent names it.
    pub act: String,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was told that nobody knows how it ended; none: it is under way.
    pub unknown: Option<Steady>,
    /// The journal of the agent that told: what another one does not know of is not over.
    pub teller: Option<AgentJournal>,
}

/// Why no open intent stands for an act that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The journal lost it, or never had it.
    Lost,
    /// Nothing was heard of it for so long that its outcome was called unknown.
    GivenUp,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { act, origin, unknown, teller: _ } = self;
        match (origin, unknown) {
            (Origin::Lost, None) => {
                write!(f, "act {act} of an earlier coordinator, which this journal does not have, is under way")
            }
            (Origin::Lost, Some(_)) => write!(f, "how act {act} of an earlier coordinator ended is unknown"),
            (Origin::GivenUp, None) => {
                write!(f, "act {act} was given up, but its agent has not told its end: its program may still run")
            }
            (Origin::GivenUp, Some(_)) => write!(f, "how act {act}, which was given up, ended is unknown"),
        }
    }
}
