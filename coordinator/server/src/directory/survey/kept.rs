//! One server, read and looked at when whoever holds it says so: what a measurement times is what the survey does.

use super::super::session::Session;
use super::super::{DirectoryServer, connect};
use super::changes::{self, Looked};
use super::full;
use super::progress::Report;
use super::roster::Roster;
use super::state::{Asked, State};
use super::wanted::Wanted;
use sendgate_core::coverage::reading::DomainReading;
use sendgate_core::coverage::{Look, Touched, look};
use sendgate_core::names::DomainName;
use sendgate_core::time::Steady;
use std::sync::Arc;

/// A domain on one server over one connection.
pub struct Kept {
    session: Session,
    state: State,
    reading: DomainReading,
}

impl Kept {
    /// Connects and reads everything.
    ///
    /// # Errors
    /// Whatever keeps the reading from being complete.
    pub async fn read(
        server: DirectoryServer,
        domain: DomainName,
        wanted: Arc<Wanted>,
        now: Steady,
    ) -> Result<Self, String> {
        let name = server.name.clone();
        let session = connect::open(&server).await.map_err(|error| error.to_string())?;
        let roster = Arc::new(Roster::new(&wanted.asked, domain.clone()));
        let asked = Asked { wanted: Arc::clone(&wanted), roster };
        let report = Report::nobody(name.clone());
        let read = full::read(&session, &domain, asked, now, &report).await;
        let mut state = read.map_err(|error| error.to_string())?;
        let server = state.reading();
        let reading = DomainReading {
            domain,
            started: now,
            asked: wanted.asked.as_ref().clone(),
            servers: [(name, Ok(server))].into(),
        };
        Ok(Self { session, state, reading })
    }

    /// Everybody, judged.
    #[must_use]
    pub fn judged(&self) -> Look {
        look(&self.reading, &self.state.asked.wanted.setting, &Touched::All)
    }

    /// Looks at what has changed, and judges whom that can have touched.
    ///
    /// # Errors
    /// A search that was not complete, or a change after which only a full reading tells.
    pub async fn look(&mut self, now: Steady) -> Result<Look, String> {
        let delta = match changes::look(&mut self.state, &self.session, now, changes::ANSWER).await {
            Ok(Looked::Known(delta)) => delta,
            Ok(Looked::Unclear(why)) => return Err(why.to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let name = &self.session.server().name;
        let touched = match self.reading.servers.get_mut(name) {
            Some(Ok(server)) => delta.apply(server, now),
            _ => Touched::All,
        };
        Ok(look(&self.reading, &self.state.asked.wanted.setting, &touched))
    }
}
