//! What the loop needs of the directory: a survey of each domain, and a hand to write entries with. The form that serves
//! in earnest is the configured servers themselves, spoken to by LDAP.

use super::DirectoryServer;
use super::grant::{self, Established, GrantDone, GrantError};
use super::survey::{Looks, SteadyClock, Survey, Wanted};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::time::Steady;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The end of something that was asked of a directory server.
pub type Ending<'a, T> = Pin<Box<dyn Future<Output = Result<T, GrantError>> + Send + 'a>>;

/// The directory, as the loop needs it.
pub trait Directory: Send + Sync {
    /// Starts to watch a domain on every server that counts; `looks` takes in what is found out, dated by `now`.
    fn watch(
        &self,
        domain: &DomainName,
        wanted: watch::Receiver<Arc<Wanted>>,
        looks: Looks,
        now: SteadyClock,
    ) -> Survey;

    /// The way to write on one server of a domain; none where it is not configured.
    fn writer(&self, domain: &DomainName, server: &DirectoryServerName) -> Option<Arc<dyn EntryWriter>>;
}

/// The answer to whoever asks for leave to write: until when, or why not.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Result<Given, String>> + Send + 'a>>;

/// Whom a writer asks right before it writes: since the write was planned it may have been held, revoked or undone.
pub trait Leave: Send + Sync {
    /// Asks once.
    fn ask(&self) -> Asked<'_>;
}

/// A leave to write, which runs off.
pub struct Given {
    until: Steady,
    now: SteadyClock,
}

impl Given {
    /// Good until then on this clock.
    #[must_use]
    pub fn until(until: Steady, now: SteadyClock) -> Self {
        Self { until, now }
    }

    /// Whether a write may still begin.
    #[must_use]
    pub fn holds(&self) -> bool {
        (self.now)() <= self.until
    }

    /// How long something may still leave for the server.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.until.since((self.now)())
    }
}

/// Writes entries on one server.
pub trait EntryWriter: Send + Sync {
    /// Adds an entry where it has leave to, and reads it back.
    fn apply<'a>(&'a self, grant: &'a PlannedGrant, leave: &'a dyn Leave) -> Ending<'a, GrantDone>;

    /// Takes an entry away where it has leave to, and reads that back.
    fn withdraw<'a>(&'a self, entry: &'a GrantEntry, leave: &'a dyn Leave) -> Ending<'a, GrantDone>;

    /// How long the server is waited for: a write without an answer may be carried out for as long.
    fn patience(&self) -> Duration;

    /// Whether the entry is there.
    fn establish<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, Established>;
}

impl Directory for BTreeMap<DomainName, Vec<DirectoryServer>> {
    fn watch(
        &self,
        domain: &DomainName,
        wanted: watch::Receiver<Arc<Wanted>>,
        looks: Looks,
        now: SteadyClock,
    ) -> Survey {
        // A domain without a server is watched as well: that nothing can be read there closes its gate.
        let servers = self.get(domain).cloned().unwrap_or_default();
        Survey::start(domain.clone(), servers, wanted, looks, now)
    }

    fn writer(&self, domain: &DomainName, server: &DirectoryServerName) -> Option<Arc<dyn EntryWriter>> {
        let found = self.get(domain)?.iter().find(|known| known.name == *server)?;
        Some(Arc::new(found.clone()))
    }
}

impl EntryWriter for DirectoryServer {
    fn apply<'a>(&'a self, grant: &'a PlannedGrant, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(grant::apply(self, grant, leave))
    }

    fn withdraw<'a>(&'a self, entry: &'a GrantEntry, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(grant::withdraw(self, entry, leave))
    }

    fn patience(&self) -> Duration {
        self.timeouts.operation
    }

    fn establish<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, Established> {
        Box::pin(grant::establish(self, entry))
    }
}
