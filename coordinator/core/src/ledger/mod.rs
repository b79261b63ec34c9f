//! What was done, and what was learned for good: a fold over the journal, the same for the live path and for replay.
//!
//! 1. [`entry`]: what a line of the journal says;
//! 2. [`effect`]: what is done to the world;
//! 3. [`pair`], [`rollout`], [`intent`]: one total transition function per lifecycle;
//! 4. [`approval`], [`hold`]: what people said yes to, what they want undone, and what they stop;
//! 5. [`lineage`]: which coordinators the journal is of, and what an agent's memory says of that;
//! 6. [`learned`] and [`requested`]: what milestones and requests change;
//! 7. [`Ledger::apply`]: one entry in, the next ledger out, or the reason why the entry cannot follow.

mod approval;
mod effect;
pub mod entry;
mod hold;
mod intent;
mod learned;
mod lineage;
mod pair;
mod request;
mod requested;
mod rollout;
mod text;

pub use approval::{Approval, Lost, Subject, Undo, Yes};
pub use effect::{Effect, Outcome, Withdrawal};
pub use entry::{BreachEvent, Entry, Generation, Milestone, Pair, Sequence, Sha256, Stamped};
pub use hold::{Held, Hold, Holds, Standing, Whose};
pub use intent::{AgentJournal, Holder, Intent, IntentState};
pub use lineage::{Anew, Foreign, Lineage, Memory, Origin, Strangeness, Stranger, Takeover};
pub use pair::{PairEvent, PairState};
pub use request::Request;
pub use rollout::{Class, Removal, Rollout, RolloutEvent, RolloutState, Skip};

use crate::coverage::placement::GrantEntry;
use crate::enforcement::StoreVersion;
use crate::names::{
    AccountName, DirectoryName, DomainName, ExchangeServerName, GoodLinkName, HostName, OperatorName, RolloutName,
    RosterName,
};
use crate::sid::Sid;
use crate::time::{ClockMark, Now, Steady};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An entry that cannot follow what is in the journal: a fault of the program, or a journal that somebody edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry} cannot follow in state {state}")]
pub struct IllegalEvent {
    pub(crate) entry: String,
    pub(crate) state: String,
}

/// Everything that the journal says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ledger {
    /// The number of the last entry; none in a new journal.
    pub head: Option<Sequence>,
    /// When the last entry was written.
    pub last: Option<Now>,
    /// Of the coordinator that started last.
    pub generation: Option<Generation>,
    /// Every start and takeover.
    pub lineage: Lineage,
    /// When it did.
    pub started: Option<Steady>,
    /// What its clock said last.
    pub clock: Option<ClockMark>,
    /// Pairs that were ever seen without the right.
    pub pairs: BTreeMap<Pair, PairState>,
    /// Rollouts by name.
    pub rollouts: BTreeMap<RolloutName, Rollout>,
    /// Effects by the number of their intent.
    pub intents: BTreeMap<Sequence, Intent>,
    /// Exceptions for single users.
    pub waivers: BTreeMap<DirectoryName, Waiver>,
    /// The last known store version of each host.
    pub versions: BTreeMap<HostName, StoreVersion>,
    /// When that was noted.
    pub versions_noted: BTreeMap<HostName, Steady>,
    /// Hosts whose version was found to be another one after a takeover, before any change could be of somebody else, and when:
    /// what is lost of the journal may have brought it.
    pub found: BTreeMap<HostName, Steady>,
    /// The last known roster of each GoodLink server.
    pub rosters: BTreeMap<GoodLinkName, Sha256>,
    /// Those of them that were written down since this coordinator started: it has seen the one before.
    pub rosters_told: BTreeSet<GoodLinkName>,
    /// Version changes that no command of ours explains, oldest first.
    pub drift: Vec<Drift>,
    /// Users that were paused before each wave of a rollout changed anything.
    pub baselines: BTreeMap<RolloutName, BTreeMap<u32, Baseline>>,
    /// Every SID that a service account ever had, the last one last.
    pub accounts: BTreeMap<AccountName, Vec<Sid>>,
    /// Service accounts that the journal knew when this coordinator started.
    pub accounts_before: BTreeSet<AccountName>,
    /// Service accounts that the configuration declares.
    pub declared: BTreeSet<AccountName>,
    /// The SID by which another domain than its own was last judged for a service account.
    pub judged: BTreeMap<(DomainName, AccountName), Sid>,
    /// Since when a domain is judged for another object than before, or for an account that is declared since then.
    pub made: BTreeMap<(DomainName, AccountName), Steady>,
    /// What people have said yes to.
    pub approvals: BTreeMap<Subject, Approval>,
    /// Entries of ours that people want away.
    pub undone: BTreeMap<GrantEntry, Undo>,
    /// Exchange servers in breach, with when it was noticed.
    pub breaches: BTreeMap<ExchangeServerName, Now>,
    /// What is held, and when something was.
    pub holds: Holds,
    /// GoodLink servers that a person wants restarted whatever their users have waited, until it is tried.
    pub forced: BTreeMap<GoodLinkName, Forced>,
    /// When a person last took such a wish back: it counts for whatever was filed before.
    pub cancelled: BTreeMap<GoodLinkName, Sequence>,
    /// Grants that were written and did not stay, by the number of their intent.
    pub lost: BTreeMap<Sequence, Lost>,
}

/// Users of each GoodLink server that were paused before a wave began.
pub type Baseline = BTreeMap<GoodLinkName, BTreeSet<RosterName>>;

/// A person's wish to have GoodLink restarted once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Forced {
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Steady,
    /// It could not begin in time, and will not any more.
    #[serde(default)]
    pub void: bool,
}

/// A person's exception for one user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Waiver {
    /// Whom it excepts.
    pub user: DirectoryName,
    /// Who made it.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
    /// From then on it is void.
    pub expires: Timestamp,
}

/// A store version that changed with no command of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Drift {
    /// Where.
    pub host: HostName,
    /// The version that was known.
    pub before: StoreVersion,
    /// The version that is there now.
    pub after: StoreVersion,
    /// The rollouts that were held for it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holds: BTreeSet<RolloutName>,
    /// When it was noticed.
    pub at: Now,
}

impl Ledger {
    /// Takes in one entry with its number in the journal.
    ///
    /// # Errors
    /// [`IllegalEvent`] if it cannot follow; the ledger is then unchanged.
    pub fn apply(&mut self, sequence: Sequence, stamped: &Stamped) -> Result<(), IllegalEvent> {
        let at = stamped.at;
        let illegal = |state: &dyn std::fmt::Debug| IllegalEvent {
            entry: format!("entry {sequence} ({})", stamped.entry.title()),
            state: format!("{state:?}"),
        };
        if sequence != self.next() {
            return Err(illegal(&self.head));
        }
        match &stamped.entry {
            Entry::Started { generation, clock, .. } => {
                if self
                    .generation
                    .is_some_and(|known| known.epoch != generation.epoch || known.counter >= generation.counter)
                {
                    return Err(illegal(&self.generation));
                }
                self.generation = Some(*generation);
                self.lineage.started(sequence, *generation);
                self.clock = Some(clock.clone());
                self.started = Some(at.steady);
                self.accounts_before = self.accounts.keys().cloned().collect();
                self.rosters_told.clear();
            }
            Entry::Clock(clock) => self.clock = Some(clock.clone()),
            Entry::Milestone(milestone) => self.milestone(sequence, milestone, at).map_err(|state| illegal(&state))?,
            Entry::Request { by, request } => {
                self.request(sequence, by, request, at).map_err(|state| illegal(&state))?
            }
            Entry::Intent { effect } => {
                // Tried once, however it ends.
                if let Effect::RestartGoodlink { goodlink, .. } = effect {
                    self.forced.remove(goodlink);
                }
                if let Effect::Install { rollout, host, before, .. } = effect
                    && let Some(rollout) = self.rollouts.get_mut(rollout)
                {
                    rollout.before.entry(host.clone()).or_insert(*before);
                }
                let (effect, state) = (effect.clone(), IntentState::Filed);
                self.intents.insert(sequence, Intent { effect, state, filed: at.steady, holder: None });
            }
            Entry::Permitted { intent, holder } => {
                let known = self.intents.get_mut(intent).ok_or_else(|| illegal(&"no such intent"))?;
                known.state = known.state.permitted(at.steady).ok_or_else(|| illegal(&known.state))?;
                known.holder = *holder;
                let rollout = known.effect.rollout().cloned();
                self.moved(rollout.as_ref(), at.steady);
            }
            Entry::Outcome { intent, outcome } => {
                let known = self.intents.get_mut(intent).ok_or_else(|| illegal(&"no such intent"))?;
                known.state = known.state.ended(outcome, at.steady).ok_or_else(|| illegal(&known.state))?;
                let rollout = known.effect.rollout().cloned();
                if let (Effect::Withdraw(Withdrawal { entry, .. }), Outcome::Succeeded { .. }) =
                    (&known.effect, outcome)
                    && let Some(undo) = self.undone.get_mut(entry)
                {
                    undo.done = Some(at.steady);
                }
                // An offer, and its being taken back, move nothing.
                if !matches!(outcome, Outcome::Withdrawn { .. }) {
                    self.moved(rollout.as_ref(), at.steady);
                }
            }
        }
        self.head = Some(sequence);
        self.last = Some(at);
        Ok(())
    }

    /// Something of the rollout moved: its patience counts anew.
    fn moved(&mut self, rollout: Option<&RolloutName>, at: Steady) {
        if let Some(rollout) = rollout.and_then(|name| self.rollouts.get_mut(name)) {
            rollout.moved = at;
        }
    }

    /// The number of the next entry.
    #[must_use]
    pub fn next(&self) -> Sequence {
        self.head.map_or(Sequence::FIRST, Sequence::next)
    }

    /// The waiver that excepts this user now, if there is one.
    #[must_use]
    pub fn waiver(&self, user: &DirectoryName, now: Now) -> Option<&Waiver> {
        self.waivers.get(user).filter(|waiver| now.wall < waiver.expires)
    }

    /// Intents without an outcome.
    pub fn open(&self) -> impl Iterator<Item = (Sequence, &Intent)> {
        self.intents.iter().filter(|(_, intent)| intent.state.is_open()).map(|(id, intent)| (*id, intent))
    }

    /// Whether enough people have said yes to it.
    #[must_use]
    pub fn approved(&self, subject: &Subject) -> bool {
        self.approvals.get(subject).is_some_and(Approval::holds)
    }

    /// A grant of the same entry before this one whose write had no answer, and may have been carried out afterwards:
    /// nothing is known to have written or taken away the entry since. Then the entry, where it is there, is ours.
    #[must_use]
    pub fn unanswered(&self, entry: &GrantEntry, before: Sequence) -> Option<Sequence> {
        let earlier =
            self.intents.range(..before).rev().filter(|(_, intent)| intent.effect.entry().as_ref() == Some(entry));
        for (id, intent) in earlier {
            match &intent.state {
                IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. } => return None,
                IntentState::Ended { outcome, .. } if outcome.is_not_there() => return Some(*id),
                _ => {}
            }
        }
        None
    }

    /// The entry that a grant wrote.
    ///
    /// # Errors
    /// There is no such grant, in words.
    fn granted(&self, grant: Sequence) -> Result<(GrantEntry, AccountName), String> {
        match self.intents.get(&grant).map(|intent| &intent.effect) {
            Some(Effect::Grant(planned)) => Ok((planned.entry(), planned.account.clone())),
            Some(other) => Err(format!("intent {grant} is no grant: {other}")),
            None => Err(format!("no intent {grant}")),
        }
    }
}
