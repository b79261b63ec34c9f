//! A bound connection to one directory server. Every question has a deadline, and an answer counts only when it is
//! complete.

use super::caught::caught;
use super::entry::Entry;
use super::error::code;
use super::{DirectoryError, DirectoryServer};
use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults, RawControl};
use ldap3::{Ldap, LdapError, LdapResult, Mod, ResultEntry, Scope};
use std::collections::HashSet;
use std::future::Future;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Entries that are asked for at once: under Active Directory's MaxPageSize of 1000, and at most a few megabytes.
const PAGE_ENTRIES: i32 = 500;

/// Pages of one search: 5,000,000 entries. More would be a server that goes round in circles.
const PAGES: usize = 10_000;

/// The attribute that holds a security descriptor.
pub(super) const DESCRIPTOR: &str = "nTSecurityDescriptor";

/// A bound connection.
pub(super) struct Session {
    server: DirectoryServer,
    ldap: Ldap,
    driver: JoinHandle<()>,
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

impl Session {
    pub(super) fn new(server: DirectoryServer, ldap: Ldap, driver: JoinHandle<()>) -> Self {
        Self { server, ldap, driver }
    }

    pub(super) fn server(&self) -> &DirectoryServer {
        &self.server
    }

    pub(super) fn not_understood(&self, attempt: &str, why: impl Into<String>) -> DirectoryError {
        DirectoryError::NotUnderstood { server: self.server.shown(), attempt: attempt.to_owned(), why: why.into() }
    }

    pub(super) async fn bind(&mut self) -> Result<(), DirectoryError> {
        let attempt = format!("binding as {}", self.server.bind.name);
        let mut ldap = self.ldap.clone();
        let bind = self.server.bind.clone();
        let answer = self.within(&attempt, ldap.simple_bind(&bind.name, bind.password.reveal())).await?;
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

    /// Every object below `base` that `filter` describes, page by page, handed to `take` as it arrives.
    ///
    /// # Errors
    /// Whatever keeps the search from being complete, among it a server that does not page and so might have cut the
    /// answer. Nothing that was handed over before the error counts.
    pub(super) async fn each(
        &self,
        attempt: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
        mut take: impl FnMut(Entry) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        let mut cookie = Vec::new();
        for _ in 0..PAGES {
            let paged = PagedResults { size: PAGE_ENTRIES, cookie }.critical().into();
            let (entries, result) =
                self.within(attempt, self.page(base, filter, attributes, vec![paged, dacl_only()])).await?;
            if result.rc != 0 {
                return Err(DirectoryError::result(&self.server, attempt, &result));
            }
            for entry in entries {
                take(self.entry(attempt, entry)?)?;
            }
            cookie = self.cookie(attempt, &result).await?;
            if cookie.is_empty() {
                return Ok(());
            }
        }
        Err(self.not_understood(attempt, format!("it did not end within {PAGES} pages")))
    }

    /// One page: its entries without referrals, and the result.
    async fn page(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
        controls: Vec<RawControl>,
    ) -> Result<(Vec<ResultEntry>, LdapResult), LdapError> {
        let mut ldap = self.ldap.clone();
        let attributes = attributes.to_vec();
        let mut stream =
            ldap.with_controls(controls).streaming_search(base, Scope::Subtree, filter, attributes).await?;
        let mut entries = Vec::new();
        while let Some(entry) = stream.next().await? {
            if !entry.is_ref() && !entry.is_intermediate() {
                entries.push(entry);
            }
        }
        Ok((entries, stream.finish().await))
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

    /// Replaces the DACL of `dn`, and nothing else of its descriptor.
    ///
    /// # Errors
    /// See [`WriteError`] for whether the write may have happened.
    pub(super) async fn replace_dacl(&self, dn: &str, descriptor: Vec<u8>) -> Result<(), WriteError> {
        let attempt = format!("writing the DACL of {dn}");
        let mut ldap = self.ldap.clone();
        ldap.with_controls(vec![dacl_only()]);
        let change = Mod::Replace(DESCRIPTOR.as_bytes().to_vec(), HashSet::from([descriptor]));
        let answer = self.within(&attempt, ldap.modify(dn, vec![change])).await;
        match answer {
            Ok(result) if result.rc == 0 => Ok(()),
            Ok(result) => Err(WriteError::Refused(DirectoryError::result(&self.server, &attempt, &result))),
            Err(error) => Err(WriteError::Unknown(error)),
        }
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
        let limit = self.server.timeouts.operation;
        match timeout(limit, caught(operation)).await {
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
