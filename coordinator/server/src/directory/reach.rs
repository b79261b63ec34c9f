//! What the loop needs of the directory: a survey of each domain, and a hand to write entries with. The form that serves
//! in earnest is the configured servers themselves, spoken to by LDAP.

use super::DirectoryServer;
use super::grant::{self, Established, GrantDone, GrantError};
use super::survey::{Looks, SteadyClock, Survey, Wanted};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::names::{DirectoryServerName, DomainName};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
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

/// Writes entries on one server.
pub trait EntryWriter: Send + Sync {
    /// Adds an entry, and reads it back.
    fn apply<'a>(&'a self, grant: &'a PlannedGrant) -> Ending<'a, GrantDone>;

    /// Takes an entry away, and reads that back.
    fn withdraw<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, GrantDone>;

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
    fn apply<'a>(&'a self, grant: &'a PlannedGrant) -> Ending<'a, GrantDone> {
        Box::pin(grant::apply(self, grant))
    }

    fn withdraw<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, GrantDone> {
        Box::pin(grant::withdraw(self, entry))
    }

    fn establish<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, Established> {
        Box::pin(grant::establish(self, entry))
    }
}
