//! One session: reports out, acts in. It owns what it knows, so there is no lock; all waiting is in one place.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use sendgate_proto::v1;
use sendgate_proto::v1::from_agent::Kind as Out;
use sendgate_proto::v1::to_agent::Kind as In;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;

use super::connect::{Session, status};
use super::pending::{Answer, Pending};
use super::reports::Reports;
use super::{Agent, SessionError};
use crate::apply::offer::{self, OfferError, Prepared};
use crate::apply::permit;
use crate::clock::Steady;
use crate::config::HostName;
use crate::journal::{ActId, ActRecord, Generation, Journal, JournalError, Progress};
use crate::kill::{self, Point};
use crate::machine::{Machine, blocking, fraction};

/// How long a message may wait to be sent before the session counts as broken.
const SEND: Duration = Duration::from_secs(20);

struct Talk<'a> {
    agent: &'a Agent,
    out: mpsc::Sender<v1::FromAgent>,
    generation: Generation,
    reports: Reports,
    pending: Pending,
    checks: JoinSet<(ActId, std::io::Result<Result<Prepared, OfferError>>)>,
    /// How far each act was when it was last told in this session.
    told: BTreeMap<ActId, Progress>,
}

pub(super) async fn talk(agent: &Agent, session: Session) -> Result<(), SessionError> {
    let Session { out, mut inbound, generation, heartbeat } = session;
    let reports = Reports::new(heartbeat);
    agent.interval.send_replace(agent.config.report_interval.min(reports.every()));
    let mut changes = agent.acts.changes();
    let mut ticks = agent.ticks.clone();
    let (pending, checks) = (Pending::default(), JoinSet::new());
    let mut talk = Talk { agent, out, generation, reports, pending, checks, told: BTreeMap::new() };
    talk.tell_acts().await?;
    talk.send_reports().await?;
    let machine = agent.machine.clone();
    loop {
        let due = talk.pending.next();
        // What comes seldom goes first, so that nothing waits for ever behind what comes often.
        tokio::select! {
            biased;
            () = until(machine.as_ref(), due) => talk.ask().await?,
            Some(checked) = talk.checks.join_next() => match checked {
                Ok((id, prepared)) => talk.checked(id, prepared?).await?,
                Err(error) => return Err(SessionError::Inside(std::io::Error::other(error))),
            },
            changed = changes.changed() => match changed {
                Ok(()) => talk.tell_acts().await?,
                Err(_) => return Ok(()),
            },
            ticked = ticks.changed() => match ticked {
                Ok(()) => talk.send_reports().await?,
                Err(_) => return Ok(()),
            },
            message = inbound.next() => match message {
                Some(message) => talk.take(message.map_err(status)?).await?,
                None => return Err(SessionError::Status("it closed the stream".to_owned())),
            },
        }
    }
}

/// Waits for a point of the steady clock.
async fn until(machine: &dyn Machine, at: Option<Steady>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(machine.now())).await,
        None => pending().await,
    }
}

impl Talk<'_> {
    async fn send(&self, kind: Out) -> Result<(), SessionError> {
        let sent = tokio::time::timeout(SEND, self.out.send(v1::FromAgent { kind: Some(kind) })).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SessionError::Status("the stream is closed".to_owned())),
            Err(_) => Err(SessionError::Slow { what: "take a message", time: SEND }),
        }
    }

    async fn journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Journal) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, SessionError> {
        let journal = self.agent.journal.clone();
        Ok(blocking(self.agent.machine.as_ref(), move || work(&journal)).await??)
    }

    async fn take(&mut self, message: v1::ToAgent) -> Result<(), SessionError> {
        match message.kind {
            Some(In::RosterWanted(wanted)) => self.roster(&wanted.host).await,
            Some(In::Offer(offer)) => self.offer(offer).await,
            Some(In::Permit(permit)) => {
                let generation = permit::generation(permit.generation.as_ref()).ok();
                let answer = self.pending.permit(&permit, generation, self.agent.machine.now());
                self.answer(answer).await
            }
            Some(In::PermitRefused(refused)) => {
                tracing::info!(act = %refused.act_id, reason = %refused.reason, "no permit");
                let answer =
                    self.pending.refused(&refused, self.agent.machine.now(), fraction(self.agent.machine.as_ref()));
                self.answer(answer).await
            }
            Some(In::ActAck(ack)) => self.acknowledged(&ack.act_id).await,
            Some(In::Withdrawn(withdrawn)) => self.withdrawn(&withdrawn.act_id).await,
            Some(In::Head(head)) => self.head(head.sequence).await.map(drop),
            Some(In::Welcome(_)) => Err(SessionError::Contract("a second Welcome".to_owned())),
            None => Err(SessionError::unknown_kind()),
        }
    }

    async fn send_reports(&mut self) -> Result<(), SessionError> {
        for (host, probed) in self.agent.probes.iter() {
            let snapshot = probed.latest.borrow().clone();
            let ended = self.agent.acts.last_end(host);
            if let Some(snapshot) = snapshot
                && self.reports.is_due(host, &snapshot, ended, self.agent.machine.now())
            {
                self.send(Out::Report(snapshot.report)).await?;
            }
        }
        Ok(())
    }

    async fn roster(&self, host: &str) -> Result<(), SessionError> {
        let probed = HostName::new(host).ok().and_then(|name| self.agent.probes.get(&name));
        let snapshot = probed.and_then(|probed| probed.latest.borrow().clone());
        match snapshot.and_then(|snapshot| snapshot.roster) {
            Some(roster) => {
                for part in roster.parts(host) {
                    self.send(Out::Roster(part)).await?;
                }
            }
            None => {
                tracing::warn!(host, "the coordinator wants a roster that cannot be read here; the report says why")
            }
        }
        Ok(())
    }

    /// Tells each act that is not acknowledged, as far as it is, once in a session.
    async fn tell_acts(&mut self) -> Result<(), SessionError> {
        let acts = self.journal(Journal::acts).await?;
        for act in acts.into_iter().filter(|act| !act.acknowledged) {
            self.tell(&act).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, act: &ActRecord) -> Result<(), SessionError> {
        if act.progress == Progress::Starting || self.told.get(&act.id) == Some(&act.progress) {
            return Ok(());
        }
        if act.progress.is_final()
            && let Some((host, probed)) = self.agent.probes.iter().find(|(host, _)| act.is_on(host))
        {
            // What an act did is to be seen at once, also when it changed nothing.
            self.reports.want(host, self.agent.machine.now());
            probed.probe_now();
        }
        self.told.insert(act.id.clone(), act.progress);
        self.send(Out::Act(update(act))).await?;
        if act.progress.is_final() {
            kill::at(Point::EndTold);
        }
        Ok(())
    }

    async fn refuse(&mut self, id: &ActId, host: &str, why: String) -> Result<(), SessionError> {
        tracing::warn!(act = %id, host, %why, "the act is refused");
        let (journaled, on) = (id.clone(), host.to_owned());
        let stands = self.journal(move |journal| journal.refuse(&journaled, &on, "", &why)).await?;
        self.tell(&stands).await
    }

    async fn offer(&mut self, offer: v1::ActOffer) -> Result<(), SessionError> {
        // Without an id there is nothing that could be journaled or told.
        let id = act_id(&offer.act_id)?;
        let asked = id.clone();
        if let Some(known) = self.journal(move |journal| journal.act(&asked)).await? {
            tracing::info!(act = %id, "offered again; it is told how it stands");
            self.told.remove(&id);
            return self.tell(&known).await;
        }
        if let Err(error) = permit::generation(offer.generation.as_ref())
            .and_then(|offered| permit::accept(Some(self.generation), offered, None))
        {
            return self.refuse(&id, &offer.host, error.to_string()).await;
        }
        let host = match offer::host(&self.agent.config, &offer.host) {
            Ok(host) => host.clone(),
            Err(error) => return self.refuse(&id, &offer.host, error.to_string()).await,
        };
        let on = host.name.clone();
        let acts = self.journal(Journal::acts).await?;
        let busy = acts.into_iter().find(|act| act.is_on(&on) && !act.progress.is_final()).map(|act| act.id);
        match busy.as_ref().or_else(|| self.pending.on(&on)) {
            Some(same) if *same == id => return Ok(()),
            Some(other) => {
                let why = format!("act {other} is under way on {on}");
                return self.refuse(&id, &offer.host, why).await;
            }
            None => {}
        }
        tracing::info!(act = %id, %on, "offered");
        kill::at(Point::Offered);
        self.pending.add(on, id.clone(), self.generation);
        let (config, machine) = (self.agent.config.clone(), self.agent.machine.clone());
        self.checks.spawn(async move {
            let check = move || offer::prepare(&config, &host, offer.act.as_ref());
            (id, blocking(machine.as_ref(), check).await)
        });
        Ok(())
    }

    async fn checked(&mut self, id: ActId, prepared: Result<Prepared, OfferError>) -> Result<(), SessionError> {
        match prepared {
            Ok(prepared) => {
                self.pending.checked(&id, prepared, self.agent.machine.now());
                Ok(())
            }
            Err(error) => match self.pending.remove(&id) {
                Some(host) => self.refuse(&id, host.as_str(), error.to_string()).await,
                None => Ok(()),
            },
        }
    }

    async fn ask(&mut self) -> Result<(), SessionError> {
        for (id, nonce) in self.pending.ask(self.agent.machine.now(), || self.agent.machine.random()) {
            // Before the permit: a copy of this agent's journal from before it is known by that later on.
            let noted = self.head(id.sequence()).await?;
            let known = self.journal(Journal::remembered).await?.filter(|_| noted);
            let head = known.map(|known| known.head);
            self.send(Out::PermitRequest(v1::PermitRequest { act_id: id.to_string(), nonce, head })).await?;
            kill::at(Point::Asked);
        }
        Ok(())
    }

    async fn answer(&mut self, answer: Answer) -> Result<(), SessionError> {
        match answer {
            Answer::Start { id, prepared, not_after } => {
                tracing::info!(act = %id, host = %prepared.host, what = %prepared.what, "permitted");
                // On a task of its own: it goes on when the session ends, as what was permitted and journaled must.
                tokio::spawn(self.agent.acts.clone().start(id, prepared, not_after));
                Ok(())
            }
            Answer::Refuse { id, host, why } => self.refuse(&id, host.as_str(), why).await,
            Answer::Stray(why) => {
                tracing::warn!(%why, "an answer to no request of this agent is ignored");
                Ok(())
            }
            Answer::Later => Ok(()),
        }
    }

    async fn acknowledged(&mut self, act_id: &str) -> Result<(), SessionError> {
        let id = self::act_id(act_id)?;
        let told = self.told.get(&id).copied();
        // Only an outcome that was told can be meant; the acknowledgement of a start is none.
        if !told.is_some_and(Progress::is_final) {
            return Ok(());
        }
        kill::at(Point::BeforeAcknowledged);
        self.journal(move |journal| journal.acknowledge(&id)).await?;
        kill::at(Point::AfterAcknowledged);
        Ok(())
    }

    /// The coordinator's journal has grown. Without a note of it this agent would still tell an old copy by its starts and
    /// acts: the session goes on. Says whether it was noted.
    async fn head(&mut self, head: u64) -> Result<bool, SessionError> {
        let generation = self.generation;
        match self.journal(move |journal| journal.remember(generation, head, None)).await {
            Err(SessionError::Journal(error)) => {
                tracing::error!(
                    %error, head, "how far the coordinator's journal has gone is not remembered: should a backup of that \
                     journal be restored, this agent may not notice that the backup is older"
                );
                Ok(false)
            }
            done => {
                done?;
                tracing::debug!(head, "the coordinator's journal has gone so far");
                Ok(true)
            }
        }
    }

    async fn withdrawn(&mut self, act_id: &str) -> Result<(), SessionError> {
        let id = self::act_id(act_id)?;
        let host = self.pending.remove(&id);
        let host = host.as_ref().map_or("", HostName::as_str);
        // Journaled also when it was never offered: a late offer must not start it.
        self.told.remove(&id);
        self.refuse(&id, host, "the offer was withdrawn".to_owned()).await
    }
}

/// How an act stands. Of one that is being started nothing can be told yet but that it may run.
pub(super) fn update(act: &ActRecord) -> v1::ActUpdate {
    use v1::act_update::State;
    let (state, exit_code) = match act.progress {
        Progress::Starting | Progress::Started => (State::Started, None),
        Progress::Finished { exit_code } => (State::Finished, Some(exit_code)),
        Progress::Refused => (State::Refused, None),
        Progress::Unknown => (State::Unknown, None),
    };
    v1::ActUpdate {
        act_id: act.id.to_string(),
        host: act.host.clone(),
        state: state.into(),
        exit_code,
        detail: act.detail.clone(),
    }
}

fn act_id(text: &str) -> Result<ActId, SessionError> {
    ActId::parse(text).map_err(|_| SessionError::Contract(format!("{text:?} for an act id (EPOCH-SEQUENCE)")))
}
