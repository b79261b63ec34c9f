//! What requests change.

use super::{
    Forced, Intent, IntentState, Ledger, Request, Rollout, RolloutEvent, RolloutState, Sequence, Skip, Subject,
    Takeover, Undo, Waiver, Yes,
};
use crate::names::{HostName, OperatorName, RolloutName};
use crate::time::{Now, Steady};
use std::collections::{BTreeMap, BTreeSet};

impl Ledger {
    pub(super) fn request(
        &mut self,
        sequence: Sequence,
        by: &OperatorName,
        request: &Request,
        at: Now,
    ) -> Result<(), String> {
        match request {
            Request::RolloutApply(spec) => {
                if let Some(known) = self.rollouts.get(&spec.name).filter(|known| known.state != RolloutState::Created)
                {
                    return Err(format!("{} exists and is {}", spec.name, known.state));
                }
                // Whoever said yes said it to another form of it.
                self.approvals.remove(&Subject::Rollout { rollout: spec.name.clone() });
                let mut rollout = Rollout::created(spec.clone(), by.clone(), at.steady);
                if let Some(before) = self.rollouts.remove(&spec.name) {
                    rollout.authors.extend(before.authors);
                    rollout.skipped = before.skipped;
                }
                self.rollouts.insert(spec.name.clone(), rollout);
            }
            Request::RolloutStart { rollout, .. } => {
                self.rollout_step(rollout, &RolloutEvent::Started, sequence, at.steady)?;
            }
            Request::RolloutAbort { rollout, reason } => {
                self.rollout_step(rollout, &RolloutEvent::Aborted { reason: reason.clone() }, sequence, at.steady)?;
                self.rollout_mut(rollout)?.aborted = Some((sequence, at.steady));
            }
            Request::RolloutRemove { rollout, reason } => {
                let event = RolloutEvent::Removing { reason: reason.clone(), wave: None };
                let looked = self.looked_at(rollout, sequence);
                self.rollout_step(rollout, &event, sequence, at.steady)?;
                self.rollout_mut(rollout)?.retried.extend(looked);
            }
            Request::RolloutResume { rollout, seen, reason } => {
                self.rollout_step(rollout, &RolloutEvent::Resumed { reason: reason.clone() }, sequence, at.steady)?;
                self.rollout_mut(rollout)?.resumed_with.clone_from(seen);
                self.baselines.remove(rollout);
            }
            Request::HostRetry { rollout, host, .. } => {
                let found = self.found.get(host).copied();
                let known = self.rollout_mut(rollout)?;
                // What is forgiven is how it failed, not that its users have the hotfix.
                if known.has_found(host, found) {
                    known.found.insert(host.clone());
                }
                known.skipped.remove(host);
                known.retried.insert(host.clone(), sequence);
                known.verified.remove(host);
                known.failed.remove(host);
                if let Some(removal) = &mut known.removal {
                    removal.removed.remove(host);
                }
                known.moved = at.steady;
            }
            Request::HostSkip { rollout, host, reason } => {
                let skip = Skip { by: by.clone(), reason: reason.clone() };
                let known = self.rollout_mut(rollout)?;
                known.skipped.insert(host.clone(), skip);
                known.failed.remove(host);
                known.moved = at.steady;
            }
            Request::Hold { held, reason } => {
                self.holds.hold(held.clone(), by.clone(), reason.clone(), at);
            }
            Request::Release { held, of, .. } => self.holds.release(held, of.as_ref(), at.steady)?,
            Request::RestartForce { goodlink, reason } => {
                let forced = Forced { by: by.clone(), reason: reason.clone(), at: at.steady, void: false };
                self.forced.insert(goodlink.clone(), forced);
            }
            Request::RestartCancel { goodlink, .. } => {
                self.forced.remove(goodlink);
                self.cancelled.insert(goodlink.clone(), sequence);
            }
            Request::Takeover { generation, supersedes, reason } => {
                let (by, reason) = (by.clone(), reason.clone());
                let takeover = Takeover { generation: *generation, supersedes: supersedes.clone(), by, reason };
                self.lineage.taken_over((sequence, at.steady), takeover, self.generation)?;
                self.generation = Some(*generation);
            }
            Request::Waive { user, reason, expires } => {
                let waiver = Waiver { user: user.clone(), by: by.clone(), reason: reason.clone(), expires: *expires };
                self.waivers.insert(user.clone(), waiver);
            }
            Request::Unwaive { user, .. } => {
                self.waivers.remove(user).ok_or_else(|| format!("nobody waived {user}"))?;
            }
            Request::Approve { subject, called, reason, .. } => {
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

    /// Hosts of which a person has said that he has looked, by leaving them out or by aborting the rollout, with the request up
    /// to which that counts. A removal ends both, and not his word. The end of what is still under way he cannot have seen, nor
    /// what ended after he had aborted it.
    fn looked_at(&self, name: &RolloutName, removal: Sequence) -> BTreeMap<HostName, Sequence> {
        let Some(known) = self.rollouts.get(name) else { return BTreeMap::new() };
        let aborted = known.aborted.filter(|_| matches!(known.state, RolloutState::Aborted { .. }));
        let ours = || self.intents.values().filter(|intent| intent.effect.rollout() == Some(name));
        let later = |intent: &&Intent| {
            aborted.is_some_and(|(_, at)| matches!(&intent.state, IntentState::Ended { at: ended, .. } if *ended > at))
        };
        let later: BTreeSet<_> = ours().filter(later).filter_map(|intent| intent.effect.host()).collect();
        let seen = known.before.keys().filter(|host| !later.contains(host));
        let begun = aborted.into_iter().flat_map(|(aborted, _)| seen.clone().map(move |host| (host, aborted)));
        let mut looked: BTreeMap<&HostName, Sequence> = begun.collect();
        looked.extend(known.skipped.keys().map(|host| (host, removal)));
        let open = ours().filter(|intent| intent.state.is_open());
        let open: BTreeSet<_> = open.filter_map(|intent| intent.effect.host()).collect();
        let newer = |host: &HostName, at: Sequence| known.retried.get(host).is_none_or(|retried| *retried < at);
        let looked = looked.into_iter().filter(|(host, at)| !open.contains(host) && newer(host, *at));
        looked.map(|(host, at)| (host.clone(), at)).collect()
    }

    pub(super) fn rollout_mut(&mut self, name: &RolloutName) -> Result<&mut Rollout, String> {
        self.rollouts.get_mut(name).ok_or_else(|| format!("no rollout {name}"))
    }

    pub(super) fn rollout_step(
        &mut self,
        name: &RolloutName,
        event: &RolloutEvent,
        sequence: Sequence,
        at: Steady,
    ) -> Result<(), String> {
        self.rollout_mut(name)?.step(event, sequence, at)
    }
}
