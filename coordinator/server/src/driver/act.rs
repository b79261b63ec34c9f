//! Steps become effects. The intent is in the journal before the effect begins; the end comes back as a message.

use super::{Driver, Message, RecordError};
use crate::convert;
use crate::directory::grant::{self, Established, GrantDone, GrantError};
use crate::directory::{DirectoryServer, survey};
use sendgate_core::coverage;
use sendgate_core::coverage::placement::PlannedGrant;
use sendgate_core::coverage::reading::DomainReading;
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome, Sequence};
use sendgate_core::names::{AccountName, DomainName};
use sendgate_core::plan::{self, Step};
use sendgate_proto::v1::{self as wire, to_agent::Kind};
use std::collections::BTreeSet;
use std::time::Duration;

/// Between two attempts to find out what became of a grant.
const ESTABLISH_EVERY: Duration = Duration::from_secs(5);

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
            Step::Act(Effect::Grant(grant)) => self.grant(sequence, grant),
            Step::Act(_) => self.offer(sequence),
            Step::Withdraw(intent, _) => {
                self.tell_host(*intent, |act_id| Kind::Withdrawn(wire::ActWithdrawn { act_id }))
            }
            Step::Record(_) | Step::GiveUp(..) | Step::Survey(_) => {}
        }
        Ok(true)
    }

    fn survey(&mut self, domain: &DomainName) {
        let now = self.clock.now();
        if !self.surveying.insert(domain.clone()) {
            return;
        }
        let request = survey::SurveyRequest {
            domain: domain.clone(),
            asked: plan::survey::names(self.world(now), domain),
            accounts: self.accounts(domain),
            servers: self.directory.get(domain).cloned().unwrap_or_default(),
            started: now.steady,
        };
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let reading = survey::read(request).await;
            deliver(&handle, Message::Surveyed(Box::new(reading))).await;
        });
    }

    fn accounts(&self, domain: &DomainName) -> BTreeSet<AccountName> {
        self.policy.goodlink_in(domain).map(|(_, goodlink)| goodlink.service_account.clone()).collect()
    }

    /// A survey's end: judged, and from here on the estate's picture of the domain.
    pub(super) fn surveyed(&mut self, reading: &DomainReading) {
        self.surveying.remove(&reading.domain);
        let Some(policy) = self.policy.domains.get(&reading.domain) else { return };
        let accounts = self.accounts(&reading.domain);
        let picture = coverage::judge(reading, &accounts, &policy.grant_server, policy.reach);
        for (server, why) in &picture.failed {
            tracing::warn!(%server, why, "directory server gave no evidence");
        }
        self.estate.observe(Observation::Survey(picture));
    }

    fn grant_server(&self, grant: &PlannedGrant) -> Option<DirectoryServer> {
        let policy = self.policy.domains.get(&grant.domain)?;
        self.directory.get(&grant.domain)?.iter().find(|server| server.name == policy.grant_server).cloned()
    }

    fn grant(&mut self, intent: Sequence, grant: &PlannedGrant) {
        let Some(server) = self.grant_server(grant) else { return };
        self.granting.insert(intent);
        let (handle, grant) = (self.handle.clone(), grant.clone());
        tokio::spawn(async move {
            let outcome = match grant::apply(&server, &grant).await {
                Ok(done) => Outcome::Succeeded { detail: done_text(done) },
                Err(error) if error.may_have_written() => {
                    tracing::warn!(%error, intent = intent.0, "whether the grant was written is not known");
                    established(&server, &grant).await
                }
                Err(error) => Outcome::Failed { detail: error.to_string() },
            };
            deliver(&handle, Message::Granted(intent, outcome)).await;
        });
    }

    /// Grants whose intent is open and that no task of this coordinator carries: those of a coordinator that died.
    pub(super) fn establish_grants(&mut self) {
        let orphans: Vec<_> = self
            .ledger
            .open()
            .filter_map(|(id, intent)| match &intent.effect {
                Effect::Grant(grant) if !self.granting.contains(&id) => Some((id, grant.clone())),
                _ => None,
            })
            .collect();
        for (intent, grant) in orphans {
            let Some(server) = self.grant_server(&grant) else { continue };
            self.granting.insert(intent);
            let handle = self.handle.clone();
            tokio::spawn(async move {
                let outcome = established(&server, &grant).await;
                deliver(&handle, Message::Granted(intent, outcome)).await;
            });
        }
    }

    pub(super) async fn granted(&mut self, intent: Sequence, outcome: Outcome) -> Result<(), RecordError> {
        self.append(Entry::Outcome { intent, outcome }).await?;
        self.granting.remove(&intent);
        Ok(())
    }

    /// Tells the agent of an intent that waits for its permit, if the agent is there; if not, it is told when it comes.
    pub(super) fn offer(&mut self, intent: Sequence) {
        let Some(known) = self.ledger.intents.get(&intent) else { return };
        if let Some(offer) = convert::offer(self.generation, intent, &known.effect) {
            self.tell_host(intent, |_| Kind::Offer(offer));
        }
    }

    /// Tells the agent of an intent's host.
    pub(super) fn tell_host(&mut self, intent: Sequence, kind: impl FnOnce(String) -> Kind) {
        let host = self.ledger.intents.get(&intent).and_then(|known| known.effect.host());
        let agent = host.and_then(|host| self.policy.hosts.get(host)).cloned();
        if let Some(agent) = agent {
            let act_id = convert::act_id(self.generation.epoch, intent);
            self.tell(&agent, kind(act_id));
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

fn done_text(done: GrantDone) -> String {
    match done {
        GrantDone::Written { before, after } => format!("written and read back; DACL {before} before, {after} after"),
        GrantDone::AlreadyThere { now } => format!("it was there already; DACL {now}"),
    }
}

/// Asks until there is an answer: an open grant holds up every other one on its place, so it shows.
async fn established(server: &DirectoryServer, grant: &PlannedGrant) -> Outcome {
    loop {
        match grant::establish(server, grant).await {
            Ok(Established::Present(now)) => {
                return Outcome::Succeeded { detail: format!("found there after an interruption; DACL {now}") };
            }
            Ok(Established::Absent(now)) => {
                return Outcome::NotStarted { detail: format!("not there after an interruption; DACL {now}") };
            }
            Err(error @ GrantError::NoPlace { .. }) => return Outcome::NotStarted { detail: error.to_string() },
            Err(error) => tracing::warn!(%error, "what became of a grant could not be read yet"),
        }
        tokio::time::sleep(ESTABLISH_EVERY).await;
    }
}

async fn deliver(handle: &tokio::sync::mpsc::WeakSender<Message>, message: Message) {
    if let Some(sender) = handle.upgrade() {
        // The loop may have ended meanwhile; the next coordinator establishes what became of it.
        let _ = sender.send(message).await;
    }
}
