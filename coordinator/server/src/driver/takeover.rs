//! Sessions open here: an agent that another coordinator has led gets none, until a person declares a takeover. What agents
//! tell of acts that the journal does not have is kept, so that nothing else is done to their hosts meanwhile.

use super::agents::Session;
use super::{Driver, Hello, Opened, RecordError};
use crate::convert;
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{
    AgentJournal, Entry, Foreign, Holder, Intent, IntentState, Origin, Outcome, Sequence, Stranger,
};
use sendgate_core::names::AgentName;
use sendgate_proto::v1::{self as wire, act_update::State};
use tokio::sync::{mpsc, oneshot};

impl Driver {
    pub(super) async fn connected(
        &mut self,
        agent: AgentName,
        hello: Hello,
        queue: mpsc::Sender<wire::ToAgent>,
        reply: oneshot::Sender<Result<Opened, Stranger>>,
    ) -> Result<(), RecordError> {
        if let Some(stranger) = self.ledger.stranger(&hello.memory) {
            tracing::error!(%agent, %stranger, "this agent is not led by this coordinator: nothing begins anywhere");
            self.sessions.remove(&agent);
            self.estate.observe(Observation::Stranger(agent, stranger.clone()));
            // The session may be gone already.
            let _ = reply.send(Err(stranger));
            return Ok(());
        }
        self.opened = self.opened.saturating_add(1);
        let number = self.opened;
        let Hello { hears_heads, journal, .. } = hello;
        let older = self.is_older_copy(&hello);
        // A newer session of the same agent replaces the older one, whose queue closes with this.
        let head = self.head.reached();
        self.sessions.insert(agent.clone(), Session { number, queue, hears_heads, journal, heard: head });
        let takeover = self.ledger.lineage.takeover().cloned();
        let opened = Opened { number, generation: self.generation, takeover, head };
        // Before the welcome: once that is written down there, nobody can tell the copy from the journal any more.
        self.end_forgotten(&hello).await?;
        if reply.send(Ok(opened)).is_err() {
            return Ok(());
        }
        self.estate.observe(Observation::Connected(agent.clone(), self.clock.now().steady));
        let teller = journal.filter(|_| !older);
        let gone: Vec<_> = self.not_running(&agent, &hello, teller).collect();
        gone.into_iter().for_each(|observation| self.estate.observe(observation));
        // Before the first report: until then nothing is planned for its hosts.
        for update in hello.running {
            self.update(&agent, update).await?;
        }
        self.offer_open(&agent);
        Ok(())
    }

    /// The intents whose permit this very journal got, and that the agent cannot know of: it keeps a copy from before that,
    /// such as a machine that was put back.
    fn forgotten(&self, hello: &Hello) -> impl Iterator<Item = Sequence> {
        let journal = hello.journal.filter(|_| hello.hears_heads);
        let heard = hello.memory.head;
        let after = move |intent: &Intent| Some(intent.holder?.is_after(journal?, heard));
        self.ledger.intents.iter().filter(move |(_, intent)| after(intent) == Some(true)).map(|(sequence, _)| *sequence)
    }

    fn is_older_copy(&self, hello: &Hello) -> bool {
        self.forgotten(hello).next().is_some()
    }

    /// Nobody will ever tell how they ended: that the agent knows nothing of them does not say that they have not begun.
    async fn end_forgotten(&mut self, hello: &Hello) -> Result<(), RecordError> {
        let open = |intent: &Sequence| self.ledger.intents.get(intent).is_some_and(|known| known.state.is_open());
        let forgotten: Vec<_> = self.forgotten(hello).filter(open).collect();
        for intent in forgotten {
            tracing::warn!(intent = intent.0, "the agent's journal is an older copy of the one that got the permit");
            let detail =
                "the agent's journal was put back to a copy from before it got the permit, so that it may have begun";
            self.append(Entry::Outcome { intent, outcome: Outcome::Unknown { detail: detail.into() } }).await?;
        }
        Ok(())
    }

    /// What ran on the agent's hosts when they were heard last and is not among what it says now: it has ended meanwhile, how
    /// is told next. Where the agent's journal is another one it knows nothing of it, and nobody knows how it ended.
    fn not_running(
        &self,
        agent: &AgentName,
        hello: &Hello,
        teller: Option<AgentJournal>,
    ) -> impl Iterator<Item = Observation> {
        let now = self.clock.now().steady;
        self.estate
            .foreign
            .iter()
            .filter(|(host, foreign)| self.policy.hosts.get(*host) == Some(agent) && foreign.unknown.is_none())
            .filter(|(_, foreign)| hello.running.iter().all(|update| update.act_id != foreign.act))
            .map(move |(host, foreign)| {
                if foreign.teller.is_some() && foreign.teller == teller {
                    Observation::ForeignOver(host.clone(), foreign.act.clone(), now)
                } else {
                    Observation::Foreign(host.clone(), Foreign { unknown: Some(now), ..foreign.clone() })
                }
            })
    }

    /// After a takeover: everybody comes again, to be welcomed by the new generation.
    pub(super) fn follow_takeover(&mut self) {
        let Some(generation) = self.ledger.generation.filter(|generation| *generation != self.generation) else {
            return;
        };
        tracing::warn!(from = %self.generation, to = %generation, "a takeover: all sessions are ended, and begin anew");
        self.generation = generation;
        self.sessions.clear();
        self.estate.observe(Observation::TakenOver);
    }

    /// A journal that was restored may lack the permit of an act that it has the intent of; that the act began says that
    /// there was one.
    pub(super) async fn begun_before(
        &mut self,
        agent: &AgentName,
        intent: Sequence,
        outcome: Option<&Outcome>,
    ) -> Result<(), RecordError> {
        let began = outcome.is_none_or(|outcome| !matches!(outcome, Outcome::NotStarted { .. }));
        let filed = self.ledger.intents.get(&intent).is_some_and(|known| known.state == IntentState::Filed);
        if began && filed {
            tracing::warn!(intent = intent.0, "it began, so its permit was given by an earlier coordinator");
            // It knows of the act, and may not have written down yet with what it was welcomed.
            let holder = self.journal_of(agent).map(|journal| Holder { journal, heard: None });
            self.append(Entry::Permitted { intent, holder }).await?;
        }
        Ok(())
    }

    /// What an agent tells of an act that is not in the journal, that has not begun by what is there, or that was given up.
    pub(super) fn foreign(&mut self, agent: &AgentName, update: &wire::ActUpdate, origin: Origin) {
        let Ok(host) = convert::host_name(&update.host) else { return };
        if self.policy.hosts.get(&host) != Some(agent) {
            return;
        }
        let (act, teller) = (update.act_id.clone(), self.journal_of(agent));
        let unknown = match update.state() {
            State::Started => None,
            State::Unknown => Some(self.clock.now().steady),
            State::Finished | State::Refused | State::Unspecified => {
                let now = self.clock.now().steady;
                self.estate.observe(Observation::ForeignOver(host, act, now));
                return;
            }
        };
        self.estate.observe(Observation::Foreign(host, Foreign { act, origin, unknown, teller }));
    }

    /// An act was given up: where the agent that had its permit is here and has not told its end, the program goes on for all
    /// that is known. An agent that is away says so when it comes.
    pub(super) fn given_up(&mut self, intent: Sequence) {
        let Some((known, epoch)) = self.ledger.intents.get(&intent).zip(self.ledger.lineage.epoch_of(intent)) else {
            return;
        };
        let Some(host) = known.effect.host().cloned() else { return };
        let teller = self.policy.hosts.get(&host).and_then(|agent| self.journal_of(agent));
        if known.is_held_by(teller) {
            let act = convert::act_id(epoch, intent);
            let foreign = Foreign { act, origin: Origin::GivenUp, unknown: None, teller };
            self.estate.observe(Observation::Foreign(host, foreign));
        }
    }
}
