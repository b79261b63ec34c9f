//! The end of a full reading.

use super::super::super::session::Session;
use super::super::changes::{self, Looked};
use super::super::former::Before;
use super::super::state::{Flowing, State};
use super::{End, Reading, Update, Watcher};
use sendgate_core::coverage::Touched;
use tokio::task::JoinError;
use tokio::time::Instant;

impl Watcher {
    /// A full reading has ended. What has changed since it began is looked at first: looks have shown it meanwhile, and
    /// what they showed is not taken back. If only a further reading tells, that one is due, and until then this one tells
    /// who lacks a right, and of nobody that he has one.
    pub(super) async fn through(
        &mut self,
        session: &Session,
        ended: Result<Result<State, End>, JoinError>,
        reading: &Reading,
    ) -> Result<(), End> {
        let mut state =
            ended.map_err(|error| End::failed(format!("reading the users broke off inside Sendgate: {error}")))??;
        state.follow_on(self.flowing());
        let before = Before::looking(&mut state);
        // It began with what was known of accounts then.
        let asked = self.link.asked.borrow().clone();
        let wanted = changes::want_accounts(&mut state, session, &asked.wanted).await;
        let looked = match wanted {
            Ok(()) => changes::look(&mut state, session, (self.link.now)(), changes::ANSWER).await,
            Err(error) => Err(error),
        };
        let former = before.looked(&mut state);
        let mut shown = Box::new(state.reading());
        if matches!(looked, Ok(Looked::Known(_))) {
            let (run, entries) = (reading.order.map(|order| order.run), reading.report.entries());
            let update = Update::Read { reading: shown, started: state.started, run, entries, former };
            (self.state, self.flowing) = (Some(state), Flowing::new());
            self.due = None;
            self.heard = Instant::now();
            self.backoff.succeeded();
            self.say(update).await?;
            return Ok(());
        }
        // The next reading begins after what this look has seen to be on its way.
        let mut flowing = std::mem::take(self.flowing());
        flowing.append(&mut state.flowing);
        state.flowing = flowing;
        let started = state.started;
        self.state = Some(state);
        shown.in_part = Touched::All;
        self.say(Update::ReadInPart { reading: shown, started, former }).await?;
        if let Looked::Unclear(why) = looked? {
            tracing::info!(server = %self.server.name, why, "the server is read in full once more");
        }
        Ok(())
    }
}
