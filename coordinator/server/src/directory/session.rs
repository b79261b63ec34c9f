//! A bound connection to one directory server. Every question has a deadline, and an answer counts only when it is
//! complete.

use super::caught::caught;
use super::entry::Entry;
use super::error::code;
use super::line::Line;
use super::{DirectoryError, DirectoryServer, Password};
use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults, RawControl};
use ldap3::{Ldap, LdapError, LdapResult, Mod, ResultEntry, Scope};
use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Entries that are asked for at once: Active Directory's MaxPageSize (MS-ADTS 3.1.1.3.4.6), and a few megabytes.
const PAGE_ENTRIES: i32 = 1000;

/// Pages of one search: 10,000,000 entries. More would be a server that goes round in circles.
const PAGES: usize = 10_000;

/// The attribute that holds a security descriptor.
pub(super) const DESCRIPTOR: &str = "nTSecurityDescriptor";

/// A bound connection.
pub(super) struct Session {
    server: DirectoryServer,
    ldap: Ldap,
    driver: JoinHandle<()>,
    line: Line,
}

impl Drop for Session {
    fn drop(&mut self) {
        // The driver may be stuck in a write to a server that reads nothing.
        self.driver.abort();
    }
}

/// LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11) with DACL_SECURITY_INFORMATION: only the DACL is read or written.
/// Without it a reader who may not read the SACL is shown no descriptor at all, and a writer would write the owner too.
fn dacl_only() -> RawControl {
    RawControl { ctype: "1.2.840.113556.1.4.801".to_owned(), crit: true, val: Some(vec![0x30, 0x03, 0x02, 0x01, 0x04]) }
}

/// LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14): what was deleted is shown too, as far as the reader may see it.
fn deleted_too() -> RawControl {
    RawControl { ctype: "1.2.840.113556.1.4.417".to_owned(), crit: true, val: None }
}

/// LDAP_SERVER_NOTIFICATION_OID (MS-ADTS 3.1.1.3.4.1.9): the search does not end, and returns what changes from now on.
fn notification() -> RawControl {
    RawControl { ctype: "1.2.840.113556.1.4.528".to_owned(), crit: true, val: None }
}

impl Session {
    pub(super) fn new(server: DirectoryServer, ldap: Ldap, driver: JoinHandle<()>, line: Line) -> Self {
        Self { server, ldap, driver, line }
    }

    pub(super) fn server(&self) -> &DirectoryServer {
        &self.server
    }

    pub(super) fn not_understood(&self, attempt: &str, why: impl Into<String>) -> DirectoryError {
        DirectoryError::NotUnderstood { server: self.server.shown(), attempt: attempt.to_owned(), why: why.into() }
    }

    pub(super) async fn simple_bind(&mut self, password: &Password) -> Result<(), DirectoryError> {
        let name = &self.server.bind.name;
        let attempt = format!("binding as {name}");
        let mut ldap = self.ldap.clone();
        let answer = self.within(&attempt, ldap.simple_bind(name, password.reveal())).await?;
        if answer.rc == 0 { Ok(()) } else { Err(DirectoryError::bind(&self.server, &answer)) }
    }

    /// The object `dn`, or nothing if there is none that may be seen, or none on this server.
    pub(super) async fn object(&self, dn: &str, attributes: &[&str]) -> Result<Option<Entry>, DirectoryError> {
        let attempt = if dn.is_empty() { "reading the root DSE".to_owned() } else { format!("reading {dn}") };
        let mut ldap = self.ldap.clone();
        // The root DSE is no object with a descriptor, and not every server takes the control there.
        if !dn.is_empty() {
            ldap.with_controls(vec![dacl_only()]);
        }
        let attributes = attributes.to_vec();
        let search = ldap.search(dn, Scope::Base, "(objectClass=*)", attributes);
        let answer = self.within(&attempt, search).await?;
        match answer.1.rc {
            0 => {}
            code::NO_SUCH_OBJECT | code::REFERRAL => return Ok(None),
            _ => return Err(DirectoryError::result(&self.server, &attempt, &answer.1)),
        }
        let mut found = None;
        for entry in answer.0.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate()) {
            let entry = self.entry(&attempt, entry)?;
            if found.replace(entry).is_some() {
                return Err(self.not_understood(&attempt, "several objects came back for one"));
            }
        }
        Ok(found)
    }

    /// Whether `filter` describes the object `dn`. False also where there is none that may be seen.
    pub(super) async fn holds(&self, dn: &str, filter: &str) -> Result<bool, DirectoryError> {
        let attempt = format!("asking whether {filter} describes {dn}");
        let mut ldap = self.ldap.clone();
        let answer = self.within(&attempt, ldap.search(dn, Scope::Base, filter, vec!["1.1"])).await?;
        let (entries, result) = (answer.0, answer.1);
        match result.rc {
            0 => Ok(entries.iter().any(|entry| !entry.is_ref() && !entry.is_intermediate())),
            code::NO_SUCH_OBJECT | code::REFERRAL | code::INAPPROPRIATE_MATCHING => Ok(false),
            _ => Err(DirectoryError::result(&self.server, &attempt, &result)),
        }
    }

    /// Every object below `base` that `filter` describes, page by page, handed to `take` as it arrives.
    ///
    /// # Errors
    /// Whatever keeps the search from being complete, among it a server that does not page and so might have cut the
    /// answer. What was not handed over before the error may be there all the same.
    pub(super) async fn each(
        &self,
        attempt: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
        take: impl FnMut(Entry) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        self.pages(attempt, base, filter, attributes, &[dacl_only()], take).await
    }

    /// As [`Session::each`], with what was deleted.
    ///
    /// # Errors
    /// As [`Session::each`].
    pub(super) async fn each_or_deleted(
        &self,
        attempt: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
        take: impl FnMut(Entry) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        self.pages(attempt, base, filter, attributes, &[dacl_only(), deleted_too()], take).await
    }

    async fn pages(
        &self,
        attempt: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
        controls: &[RawControl],
        mut take: impl FnMut(Entry) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        let mut cookie = Vec::new();
        for _ in 0..PAGES {
            let until = Instant::now() + self.server.timeouts.operation;
            let paged: RawControl = PagedResults { size: PAGE_ENTRIES, cookie }.critical().into();
            let controls = std::iter::once(paged).chain(controls.iter().cloned()).collect::<Vec<_>>();
            let mut ldap = self.ldap.clone();
            ldap.with_controls(controls);
            let search = ldap.streaming_search(base, Scope::Subtree, filter, attributes.to_vec());
            let mut stream = self.until(until, attempt, search).await?;
            // Each entry is taken while the server sends the next one: nothing of a page is kept.
            while let Some(entry) = self.until(until, attempt, stream.next()).await? {
                if !entry.is_ref() && !entry.is_intermediate() {
                    take(self.entry(attempt, entry)?)?;
                }
            }
            let result = self.until(until, attempt, async { Ok(stream.finish().await) }).await?;
            if result.rc != 0 {
                return Err(DirectoryError::result(&self.server, attempt, &result));
            }
            cookie = self.cookie(attempt, &result).await?;
            if cookie.is_empty() {
                return Ok(());
            }
        }
        Err(self.not_understood(attempt, format!("it did not end within {PAGES} pages")))
    }

    /// Calls `changed` whenever the server says that something below `base` has changed, until it says no more. What has
    /// changed is not looked at.
    ///
    /// # Errors
    /// Why it ended: the server refused the registration or ended it, or the connection was lost.
    pub(super) async fn watch(&self, base: &str, changed: impl Fn()) -> Result<(), DirectoryError> {
        let attempt = "watching for changes";
        let mut ldap = self.ldap.clone();
        ldap.with_controls(vec![notification()]);
        let search = ldap.streaming_search(base, Scope::Subtree, "(objectClass=*)", vec!["1.1"]);
        let mut stream = self.within(attempt, search).await?;
        loop {
            // Silence says nothing here: as long as nothing changes there is no answer.
            match caught(stream.next()).await {
                Err(_) => return Err(self.not_understood(attempt, "it is not LDAP")),
                Ok(Err(error)) => return Err(DirectoryError::broken(&self.server, attempt, &error)),
                Ok(Ok(Some(_))) => changed(),
                Ok(Ok(None)) => break,
            }
        }
        let result = self.within(attempt, async { Ok(stream.finish().await) }).await?;
        Err(DirectoryError::result(&self.server, attempt, &result))
    }

    /// Where the next page starts; empty after the last one.
    async fn cookie(&self, attempt: &str, result: &LdapResult) -> Result<Vec<u8>, DirectoryError> {
        let control = result.ctrls.iter().find_map(|Control(kind, raw)| match kind {
            Some(ControlType::PagedResults) => Some(raw),
            _ => None,
        });
        // A server that does not page cuts the answer wherever its limit lies.
        let control =
            control.ok_or_else(|| self.not_understood(attempt, "it was not paged, so it may be cut short"))?;
        match caught(async { control.parse::<PagedResults>() }).await {
            Ok(paged) => Ok(paged.cookie),
            Err(_) => Err(self.not_understood(attempt, "its paging control is malformed")),
        }
    }

    /// Replaces the DACL of `dn`, and nothing else of its descriptor. What has not left this machine within `leave`, or
    /// before the server ought to have answered, never does; without an answer by then the connection is over.
    ///
    /// # Errors
    /// See [`WriteError`] for whether the write may have happened.
    pub(super) async fn replace_dacl(&self, dn: &str, descriptor: Vec<u8>, leave: Duration) -> Result<(), WriteError> {
        let attempt = format!("writing the DACL of {dn}");
        // A write that could leave later is not begun.
        let awaited = self.line.awaits().map_err(|error| WriteError::Refused(self.lost(&attempt, &error)))?;
        let mut ldap = self.ldap.clone();
        ldap.with_controls(vec![dacl_only()]);
        let change = Mod::Replace(DESCRIPTOR.as_bytes().to_vec(), HashSet::from([descriptor]));
        let limit = leave.min(self.server.timeouts.operation);
        let answer = self.at_most(limit, Instant::now() + limit, &attempt, ldap.modify(dn, vec![change])).await;
        match answer {
            Ok(result) => {
                awaited.answered();
                if result.rc == 0 {
                    return Ok(());
                }
                Err(WriteError::Refused(DirectoryError::result(&self.server, &attempt, &result)))
            }
            Err(error) => {
                drop(awaited);
                Err(WriteError::Unknown(error))
            }
        }
    }

    fn lost(&self, attempt: &str, error: &std::io::Error) -> DirectoryError {
        let (server, attempt, why) = (self.server.shown(), attempt.to_owned(), error.to_string());
        DirectoryError::Lost { server, attempt, why }
    }

    fn entry(&self, attempt: &str, entry: ResultEntry) -> Result<Entry, DirectoryError> {
        Entry::parse(entry).ok_or_else(|| self.not_understood(attempt, "an entry is not encoded as RFC 4511 says"))
    }

    /// Waits for one operation, at most for as long as one may take.
    async fn within<T>(
        &self,
        attempt: &str,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, DirectoryError> {
        self.until(Instant::now() + self.server.timeouts.operation, attempt, operation).await
    }

    /// Waits for a part of an operation that is to be through at `until`.
    async fn until<T>(
        &self,
        until: Instant,
        attempt: &str,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, DirectoryError> {
        self.at_most(self.server.timeouts.operation, until, attempt, operation).await
    }

    /// Waits until then, which is `limit` after the operation began.
    async fn at_most<T>(
        &self,
        limit: Duration,
        until: Instant,
        attempt: &str,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, DirectoryError> {
        match timeout_at(until, caught(operation)).await {
            Err(_) => Err(DirectoryError::TimedOut { server: self.server.shown(), attempt: attempt.to_owned(), limit }),
            Ok(Err(_)) => Err(self.not_understood(attempt, "it is not LDAP")),
            Ok(Ok(Err(error))) => Err(DirectoryError::broken(&self.server, attempt, &error)),
            Ok(Ok(Ok(value))) => Ok(value),
        }
    }
}

/// Why a write has no good end.
pub(super) enum WriteError {
    /// The server said no: nothing was written.
    Refused(DirectoryError),
    /// The server did not say: it may have been written.
    Unknown(DirectoryError),
}

#[cfg(test)]
mod tests;
