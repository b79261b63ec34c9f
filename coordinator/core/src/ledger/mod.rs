//! What was done, and what was learned for good: a fold over the journal, the same for the live path and for replay.
//!
//! 1. [`entry`]: what a line of the journal says;
//! 2. [`effect`]: what is done to the world;
//! 3. [`pair`], [`rollout`], [`intent`]: one total transition function per lifecycle;
//! 4. [`approval`]: what people said yes to, and what they want undone;
//! 5. [`Ledger::apply`]: one entry in, the next ledger out, or the reason why the entry cannot follow.

mod approval;
mod effect;
pub mod entry;
mod intent;
mod pair;
mod rollout;
mod text;

pub use approval::{Approval, Lost, Subject, Undo, Yes};
pub use effect::{Effect, Outcome, Withdrawal};
pub use entry::{Entry, Generation, Milestone, Pair, Request, Sequence, Sha256, Stamped};
pub use intent::{Intent, IntentState};
pub use pair::{PairEvent, PairState};
pub use rollout::{Rollout, RolloutEvent, RolloutSpec, RolloutState};

use crate::coverage::placement::GrantEntry;
use crate::enforcement::StoreVersion;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, GoodLinkName, HostName, OperatorName, RolloutName, RosterName};
use crate::sid::Sid;
use crate::time::{ClockMark, Now, Steady};
use entry::VersionStep;
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
    /// What its clock said then.
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
    /// The last known roster of each GoodLink server.
    pub rosters: BTreeMap<GoodLinkName, Sha256>,
    /// Version changes that no command of ours explains, oldest first.
    pub drift: Vec<Drift>,
    /// Users that were paused before a rollout changed anything.
    pub baselines: BTreeMap<RolloutName, BTreeMap<GoodLinkName, BTreeSet<RosterName>>>,
    /// Every SID that a service account ever had, the last one last.
    pub accounts: BTreeMap<AccountName, Vec<Sid>>,
    /// What people have said yes to.
    pub approvals: BTreeMap<Subject, Approval>,
    /// Entries of ours that people want away.
    pub undone: BTreeMap<GrantEntry, Undo>,
    /// Grants that were written and did not stay, by the number of their intent.
    pub lost: BTreeMap<Sequence, Lost>,
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
                self.clock = Some(clock.clone());
            }
            Entry::Clock(clock) => self.clock = Some(clock.clone()),
            Entry::Milestone(milestone) => self.milestone(milestone, at).map_err(|state| illegal(&state))?,
            Entry::Request { by, request } => {
                self.request(sequence, by, request, at).map_err(|state| illegal(&state))?
            }
            Entry::Intent { effect } => {
                self.intents
                    .insert(sequence, Intent { effect: effect.clone(), state: IntentState::Filed, filed: at.steady });
            }
            Entry::Permitted { intent } => {
                let known = self.intents.get_mut(intent).ok_or_else(|| illegal(&"no such intent"))?;
                known.state = known.state.permitted(at.steady).ok_or_else(|| illegal(&known.state))?;
            }
            Entry::Outcome { intent, outcome } => {
                let known = self.intents.get_mut(intent).ok_or_else(|| illegal(&"no such intent"))?;
                known.state = known.state.ended(outcome, at.steady).ok_or_else(|| illegal(&known.state))?;
                if let (Effect::Withdraw(Withdrawal { entry, .. }), Outcome::Succeeded { .. }) =
                    (&known.effect, outcome)
                    && let Some(undo) = self.undone.get_mut(entry)
                {
                    undo.done = Some(at.steady);
                }
            }
        }
        self.head = Some(sequence);
        self.last = Some(at);
        Ok(())
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

    fn milestone(&mut self, milestone: &Milestone, at: Now) -> Result<(), String> {
        match milestone {
            Milestone::Pairs { account, event, users, .. } => {
                let key = |user: &Guid| Pair { user: *user, account: account.clone() };
                // All or nothing: check before the first change.
                for (user, name) in users {
                    let state = self.pairs.get(&key(user)).copied();
                    PairState::step(state, *event, at.steady).ok_or_else(|| format!("{name}: {state:?}"))?;
                }
                for user in users.keys() {
                    let pair = key(user);
                    let state = PairState::step(self.pairs.get(&pair).copied(), *event, at.steady);
                    self.pairs.extend(state.map(|state| (pair, state)));
                }
            }
            Milestone::Account { account, sid } => {
                let known = self.accounts.entry(account.clone()).or_default();
                if known.last() == Some(sid) {
                    return Err(format!("{account} has {sid} already"));
                }
                // One that came back, from a backup or the recycle bin, is the last one again.
                known.retain(|former| former != sid);
                known.push(sid.clone());
            }
            Milestone::GrantLost { intent, cause, .. } => {
                self.granted(*intent)?;
                if self.lost.contains_key(intent) {
                    return Err(format!("grant {intent} is lost already"));
                }
                self.lost.insert(*intent, Lost { at: at.steady, cause: cause.clone() });
            }
            Milestone::Version(VersionStep { host, before, after, ours }) => {
                if self.versions.get(host) != before.as_ref() {
                    return Err(format!("{host}: {:?}", self.versions.get(host)));
                }
                self.versions.insert(host.clone(), *after);
                if let (Some(before), false) = (before, ours) {
                    self.drift.push(Drift { host: host.clone(), before: *before, after: *after, at });
                }
            }
            Milestone::Roster { goodlink, digest, .. } => {
                if self.rosters.insert(goodlink.clone(), *digest) == Some(*digest) {
                    return Err(format!("{goodlink}: the roster is known already"));
                }
            }
            Milestone::Baseline { rollout, goodlink, paused } => {
                let known = self.baselines.entry(rollout.clone()).or_default().entry(goodlink.clone()).or_default();
                known.extend(paused.iter().cloned());
            }
            Milestone::HostDone { rollout, host } => {
                let known = self.rollouts.get_mut(rollout).ok_or_else(|| format!("no rollout {rollout}"))?;
                if !known.done.insert(host.clone()) {
                    return Err(format!("{host} is done already"));
                }
            }
            Milestone::Rollout { rollout, event } => self.rollout_step(rollout, event, at.steady)?,
        }
        Ok(())
    }

    fn request(&mut self, sequence: Sequence, by: &OperatorName, request: &Request, at: Now) -> Result<(), String> {
        match request {
            Request::RolloutCreate(spec) => {
                if let Some(known) = self.rollouts.get(&spec.name) {
                    return Err(format!("{} exists and is {}", spec.name, known.state));
                }
                self.rollouts.insert(spec.name.clone(), Rollout::created(spec.clone(), at.steady));
            }
            Request::RolloutStart { rollout } => self.rollout_step(rollout, &RolloutEvent::Started, at.steady)?,
            Request::RolloutAbort { rollout, reason } => {
                self.rollout_step(rollout, &RolloutEvent::Aborted { reason: reason.clone() }, at.steady)?;
            }
            Request::Waive { user, reason, expires } => {
                let waiver = Waiver { user: user.clone(), by: by.clone(), reason: reason.clone(), expires: *expires };
                self.waivers.insert(user.clone(), waiver);
            }
            Request::Approve { subject, called, reason } => {
                let approval = self.approvals.entry(subject.clone()).or_default();
                approval.called.clone_from(called);
                approval.given.insert(by.clone(), Yes { reason: reason.clone(), at });
            }
            Request::Revoke { subject, .. } => {
                self.approvals.remove(subject).ok_or_else(|| format!("nobody approved {subject}"))?;
            }
            Request::GrantUndo { grant, reason } => {
                let (entry, account) = self.granted(*grant)?;
                if let Some(known) = self.undone.get(&entry) {
                    return Err(format!("grant {} is undone by record {}", known.grant, known.request));
                }
                let (by, reason) = (by.clone(), reason.clone());
                let undo = Undo { grant: *grant, account, by, reason, request: sequence, done: None };
                self.undone.insert(entry, undo);
            }
            Request::GrantRedo { grant, .. } => {
                let (entry, _) = self.granted(*grant)?;
                self.undone.remove(&entry).ok_or_else(|| format!("grant {grant} is not undone"))?;
            }
        }
        Ok(())
    }

    fn rollout_step(&mut self, name: &RolloutName, event: &RolloutEvent, at: Steady) -> Result<(), String> {
        let rollout = self.rollouts.get_mut(name).ok_or_else(|| format!("no rollout {name}"))?;
        rollout.state = rollout.state.step(event, at).ok_or_else(|| format!("{name} is {}", rollout.state))?;
        Ok(())
    }
}
