//! Steps become effects. The intent is in the journal before the effect begins; the end comes back as a message.

use super::{Driver, Message, RecordError};
use crate::convert;
use sendgate_core::ledger::{Effect, IntentState, Sequence};
use sendgate_core::plan::Step;
use sendgate_proto::v1::{self as wire, to_agent::Kind};

impl Driver {
    /// Carries out one step; true if the journal grew, so that the world must be planned again.
    pub(super) async fn perform(&mut self, step: &Step) -> Result<bool, RecordError> {
        if let Step::Survey(domain) = step {
            self.survey(domain);
            return Ok(false);
        }
        let Some(entry) = step.entry() else { return Ok(false) };
        let sequence = self.append(entry).await?;
        match step {
            Step::Act(effect @ (Effect::Grant(_) | Effect::Withdraw(_))) => self.write_directory(sequence, effect),
            Step::Act(_) => self.offer(sequence),
            Step::Withdraw(intent, _) => {
                self.tell_host(*intent, |act_id| Kind::Withdrawn(wire::ActWithdrawn { act_id }))
            }
            Step::GiveUp(intent, _) => self.given_up(*intent),
            Step::Record(_) | Step::Survey(_) => {}
        }
        Ok(true)
    }

    /// Tells the agent of an intent that waits for its permit, if the agent is there; if not, it is told when it comes.
    pub(super) fn offer(&mut self, intent: Sequence) {
        let Some(known) = self.ledger.intents.get(&intent) else { return };
        let Some(epoch) = self.ledger.lineage.epoch_of(intent) else { return };
        if let Some(offer) = convert::offer(self.generation, epoch, intent, &known.effect) {
            self.tell_host(intent, |_| Kind::Offer(offer));
        }
    }

    /// Tells the agent of an intent's host.
    pub(super) fn tell_host(&mut self, intent: Sequence, kind: impl FnOnce(String) -> Kind) {
        let host = self.ledger.intents.get(&intent).and_then(|known| known.effect.host());
        let agent = host.and_then(|host| self.policy.hosts.get(host)).cloned();
        if let Some((agent, epoch)) = agent.zip(self.ledger.lineage.epoch_of(intent)) {
            self.tell(&agent, kind(convert::act_id(epoch, intent)));
        }
    }

    /// Every open act of this agent's hosts: after a reconnect it says how each stands, or asks for its permit.
    pub(super) fn offer_open(&mut self, agent: &sendgate_core::names::AgentName) {
        let open: Vec<_> = self
            .ledger
            .open()
            .filter(|(_, intent)| intent.effect.host().is_some_and(|host| self.policy.hosts.get(host) == Some(agent)))
            .filter(|(_, intent)| matches!(intent.state, IntentState::Filed | IntentState::Permitted { .. }))
            .map(|(id, _)| id)
            .collect();
        for intent in open {
            self.offer(intent);
        }
    }
}

/// Hands a message to the loop; false if it has ended meanwhile, and then the next coordinator establishes what became of
/// what the message tells.
pub(super) async fn deliver(handle: &tokio::sync::mpsc::WeakSender<Message>, message: Message) -> bool {
    match handle.upgrade() {
        Some(sender) => sender.send(message).await.is_ok(),
        None => false,
    }
}
