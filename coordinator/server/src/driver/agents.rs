//! The agents' side of the loop: sessions, reports, permits, ends of acts.

use super::{AgentMessage, Driver, Message, RecordError};
use crate::convert;
use sendgate_core::estate::Observation;
use sendgate_core::gate::World;
use sendgate_core::ledger::{AgentJournal, Entry, Holder, IntentState, Origin, Outcome, Sequence};
use sendgate_core::names::AgentName;
use sendgate_core::plan::{self, Blocked, Plan};
use sendgate_proto::v1::{self as wire, to_agent::Kind};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a permit is good for, on the agent's own clock from its request; and a leave to write, from when it is given.
pub(super) const PERMIT_VALID: Duration = Duration::from_secs(30);

/// When an agent whose permit was refused for now may ask again, at the latest: mostly a gate has closed, and stays so for
/// longer. Each time everything is planned again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Reasons that fit one line.
const SHOWN: usize = 5;

/// An agent's open session.
pub(super) struct Session {
    pub(super) number: u64,
    pub(super) queue: mpsc::Sender<wire::ToAgent>,
    pub(super) hears_heads: bool,
    pub(super) journal: Option<AgentJournal>,
    /// How far it has written down that the journal had gone: when it was welcomed, at least.
    pub(super) heard: Option<Sequence>,
}

impl Driver {
    /// Takes in one message.
    pub(super) async fn take(&mut self, message: Message, plan: &Plan) -> Result<(), RecordError> {
        match message {
            Message::Agent(agent, message) => self.agent(agent, message).await?,
            Message::Certificate(holder, ends) => self.estate.observe(Observation::Certificate(holder, ends)),
            Message::Looked(look) => self.looked(*look),
            Message::Surveyed(domain) => self.surveyed(&domain),
            Message::Granted(intent, outcome) => self.granted(intent, outcome).await?,
            Message::MayWrite(intent, reply) => {
                // Whoever asked may be gone.
                let _ = reply.send(self.may_write(intent));
            }
            Message::Look(look) => look(self.world(self.clock.now()), plan),
            Message::Request { by, check, reply } => {
                let answer = match check(self.world(self.clock.now())) {
                    Ok(request) => self.file(Entry::Request { by, request }).await?,
                    Err(refused) => Err(refused),
                };
                self.follow_takeover();
                // Whoever asked may be gone; the request stands all the same.
                let _ = reply.send(answer);
            }
        }
        Ok(())
    }

    async fn agent(&mut self, agent: AgentName, message: AgentMessage) -> Result<(), RecordError> {
        match message {
            AgentMessage::Connected(hello, queue, reply) => self.connected(agent, hello, queue, reply).await?,
            AgentMessage::Gone(number) => {
                if self.sessions.get(&agent).is_some_and(|session| session.number == number) {
                    self.sessions.remove(&agent);
                    self.estate.observe(Observation::Disconnected(agent));
                }
            }
            AgentMessage::Report(host, state) => {
                if self.policy.hosts.get(&host) == Some(&agent) {
                    self.estate.observe(Observation::Report(host, *state));
                } else {
                    tracing::warn!(%agent, %host, "report of a host that the configuration does not give to this agent");
                }
            }
            AgentMessage::RosterFault(goodlink, why) => self.estate.observe(Observation::RosterFault(goodlink, why)),
            AgentMessage::Roster(goodlink, roster) => {
                self.surveys.names_changed();
                self.estate.observe(Observation::Roster(goodlink, roster, self.clock.now().steady));
            }
            AgentMessage::PermitRequest(request) => self.permit(&agent, request).await?,
            AgentMessage::Update(update) => self.update(&agent, update).await?,
        }
        Ok(())
    }

    /// Tells an agent something; a session that does not keep up is ended, and says everything anew when it is back.
    pub(super) fn tell(&mut self, agent: &AgentName, kind: Kind) {
        let Some(session) = self.sessions.get(agent) else { return };
        if session.queue.try_send(wire::ToAgent { kind: Some(kind) }).is_err() {
            tracing::warn!(%agent, "the session does not take messages any more: it is ended");
            self.sessions.remove(agent);
            self.estate.observe(Observation::Disconnected(agent.clone()));
        }
    }

    /// The intent that an act id names, if it is of this journal and of a host of this agent.
    fn intent(&self, agent: &AgentName, act_id: &str) -> Option<Sequence> {
        let (epoch, number) = convert::act(act_id).ok()?;
        let intent = self.ledger.act(epoch, number)?;
        let host = self.ledger.intents.get(&intent)?.effect.host()?;
        (self.policy.hosts.get(host) == Some(agent)).then_some(intent)
    }

    /// Which journal the agent keeps that is connected under this name.
    pub(super) fn journal_of(&self, agent: &AgentName) -> Option<AgentJournal> {
        self.sessions.get(agent)?.journal
    }

    /// What is written down of an agent that gets a permit.
    pub(super) fn holder(&self, agent: &AgentName) -> Option<Holder> {
        let session = self.sessions.get(agent)?;
        let heard = session.heard.filter(|_| session.hears_heads);
        session.journal.map(|journal| Holder { journal, heard })
    }

    async fn permit(&mut self, agent: &AgentName, request: wire::PermitRequest) -> Result<(), RecordError> {
        let wire::PermitRequest { act_id, nonce, head } = request;
        let refused = |act_id, reason, retry: Duration| {
            let retry_ms = u32::try_from(retry.as_millis()).unwrap_or(u32::MAX);
            Kind::PermitRefused(wire::PermitRefused { act_id, nonce, reason, retry_ms })
        };
        let Some(intent) = self.intent(agent, &act_id) else {
            self.tell(
                agent,
                refused(act_id, "this coordinator knows no such act of this agent".into(), Duration::ZERO),
            );
            return Ok(());
        };
        if let Some(session) = self.sessions.get_mut(agent) {
            session.heard = session.heard.max(head.and_then(Sequence::new));
        }
        let world = World { policy: &self.policy, estate: &self.estate, ledger: &self.ledger, now: self.clock.now() };
        match plan::permit(world, intent) {
            Ok(()) => {
                let holder = self.holder(agent);
                self.append(Entry::Permitted { intent, holder }).await?;
                self.tell(
                    agent,
                    Kind::Permit(wire::Permit {
                        act_id,
                        nonce,
                        generation: Some(convert::generation(self.generation)),
                        valid_ms: u32::try_from(PERMIT_VALID.as_millis()).unwrap_or(0),
                    }),
                );
            }
            Err(refusal) => {
                let why = shown(&refusal.blocked);
                tracing::info!(%agent, intent = intent.0, why, void = refusal.void, "no permit");
                let again = ASK_AGAIN.min(self.policy.freshness.heartbeat);
                self.tell(agent, refused(act_id, why, if refusal.void { Duration::ZERO } else { again }));
            }
        }
        Ok(())
    }

    pub(super) async fn update(&mut self, agent: &AgentName, update: wire::ActUpdate) -> Result<(), RecordError> {
        let Some(intent) = self.intent(agent, &update.act_id) else {
            tracing::warn!(%agent, act = update.act_id, "update of an act that this journal does not give to this agent");
            self.foreign(agent, &update, Origin::Lost);
            // Before its end nothing is acknowledged: the agent would take that for the end, and tell it no more.
            if update.state() != wire::act_update::State::Started {
                self.tell(agent, Kind::ActAck(wire::ActAck { act_id: update.act_id }));
            }
            return Ok(());
        };
        let outcome = match convert::outcome(&update) {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::warn!(%agent, %error, "update not understood");
                return Ok(());
            }
        };
        self.begun_before(agent, intent, outcome.as_ref()).await?;
        let known = self.ledger.intents.get(&intent);
        let outcome = outcome.map(|outcome| match known {
            Some(known) => known.heard(outcome, self.journal_of(agent)),
            None => outcome,
        });
        let state = known.map(|known| known.state.clone());
        let unknown =
            |state: &IntentState| matches!(state, IntentState::Ended { outcome: Outcome::Unknown { .. }, .. });
        match &state {
            // Where the journal says that it ended without having begun, it is the journal that lacks something.
            Some(state) if !state.began() => self.foreign(agent, &update, Origin::Lost),
            Some(state) if unknown(state) => self.foreign(agent, &update, Origin::GivenUp),
            _ => {}
        }
        let Some(outcome) = outcome else { return Ok(()) };
        match state {
            Some(state) if state.is_open() || (unknown(&state) && !matches!(outcome, Outcome::Unknown { .. })) => {
                self.append(Entry::Outcome { intent, outcome }).await?;
            }
            // Said before: the acknowledgement was lost.
            Some(IntentState::Ended { outcome: known, .. }) if known == outcome => {}
            // It was taken back here, and its agent agrees that it never began.
            Some(IntentState::Ended { outcome: Outcome::Withdrawn { .. }, .. })
                if matches!(outcome, Outcome::NotStarted { .. }) => {}
            // Given up here, and its agent knows no more.
            Some(state) if unknown(&state) => {}
            Some(state) => {
                tracing::error!(%agent, intent = intent.0, ?state, ?outcome, "an agent contradicts the journal")
            }
            None => {}
        }
        self.tell(agent, Kind::ActAck(wire::ActAck { act_id: update.act_id }));
        Ok(())
    }
}

/// Reasons for one line of a log or message: the first few of them, since there may be one for each user.
fn shown(blocked: &BTreeSet<Blocked>) -> String {
    let mut texts: Vec<_> = blocked.iter().take(SHOWN).map(ToString::to_string).collect();
    if blocked.len() > SHOWN {
        texts.push(format!("and {} more", blocked.len() - SHOWN));
    }
    texts.join("; ")
}
