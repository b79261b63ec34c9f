//! What requests change.

use super::{Forced, Hold, Ledger, Request, Rollout, RolloutEvent, Sequence, Skip, Undo, Waiver, Yes};
use crate::names::{OperatorName, RolloutName};
use crate::time::{Now, Steady};

impl Ledger {
    pub(super) fn request(
        &mut self,
        sequence: Sequence,
        by: &OperatorName,
        request: &Request,
        at: Now,
    ) -> Result<(), String> {
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
            Request::RolloutResume { rollout, reason } => {
                self.rollout_step(rollout, &RolloutEvent::Resumed { reason: reason.clone() }, at.steady)?;
                self.baselines.remove(rollout);
            }
            Request::HostRetry { rollout, host, .. } => {
                let known = self.rollout_mut(rollout)?;
                known.skipped.remove(host);
                known.retried.insert(host.clone(), sequence);
            }
            Request::HostSkip { rollout, host, reason } => {
                let skip = Skip { by: by.clone(), reason: reason.clone() };
                self.rollout_mut(rollout)?.skipped.insert(host.clone(), skip);
            }
            Request::Hold { held, reason } => {
                let hold = Hold { by: Some(by.clone()), reason: reason.clone(), at: at.steady };
                self.holds.hold(held.clone(), hold);
            }
            Request::Release { held, .. } => self.holds.release(held, at.steady)?,
            Request::RestartForce { goodlink, reason } => {
                let forced = Forced { by: by.clone(), reason: reason.clone(), at: at.steady };
                self.forced.insert(goodlink.clone(), forced);
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

    fn rollout_mut(&mut self, name: &RolloutName) -> Result<&mut Rollout, String> {
        self.rollouts.get_mut(name).ok_or_else(|| format!("no rollout {name}"))
    }

    pub(super) fn rollout_step(&mut self, name: &RolloutName, event: &RolloutEvent, at: Steady) -> Result<(), String> {
        let rollout = self.rollout_mut(name)?;
        rollout.state = rollout.state.step(event, at).ok_or_else(|| format!("{name} is {}", rollout.state))?;
        Ok(())
    }
}
