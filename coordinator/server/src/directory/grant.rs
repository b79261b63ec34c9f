//! One Send As entry onto one descriptor, and away again: read, compare, write, read back.
//!
//! There is no compare-and-swap in the protocol: between reading and writing somebody else's change can be overwritten,
//! and ours by his. What is read back is compared with what was meant, and the version of the descriptor must have risen
//! by exactly one; anything else is reported, not repaired. Between comparing and writing the loop is asked once more.

mod difference;
mod error;
mod metadata;
mod places;

pub use error::{GrantError, LostEdit};
pub use metadata::DescriptorVersion;
pub use places::places;
pub use sendgate_core::coverage::advice::{Advice, advice};

use super::reach::Leave;
use super::session::{DESCRIPTOR, Session, WriteError};
use super::{DirectoryServer, connect};
use difference::Difference;
use metadata::METADATA;
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::names::Dn;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::{self, EditError};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of a descriptor's DACL part as a server returned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DescriptorDigest([u8; 32]);

impl DescriptorDigest {
    /// Of what a server returned.
    #[must_use]
    pub fn of(descriptor: &SecurityDescriptor) -> Self {
        Self(Sha256::digest(descriptor.as_bytes()).into())
    }
}

impl fmt::Display for DescriptorDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a change ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantDone {
    /// The descriptor was written and read back.
    Written {
        /// The descriptor before.
        before: DescriptorDigest,
        /// The descriptor as it was read back.
        after: DescriptorDigest,
        /// Whether nobody else wrote at the same time.
        alone: Alone,
    },
    /// It was as wanted before anything was written.
    AlreadyThere {
        /// The descriptor.
        now: DescriptorDigest,
    },
}

/// Whether ours was the only write between the two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alone {
    /// The version rose by one.
    Yes {
        /// Before.
        before: DescriptorVersion,
        /// After.
        after: DescriptorVersion,
    },
    /// The version could not be read; the entries are as they should be.
    NotChecked(String),
}

impl fmt::Display for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes { before, after } => {
                write!(f, "nobody else wrote meanwhile: its version went from {before} to {after}")
            }
            Self::NotChecked(why) => {
                write!(f, "whether somebody else wrote meanwhile could be told by the entries only: {why}")
            }
        }
    }
}

/// What became of a change whose end was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Established {
    /// The entry is there.
    Present(DescriptorDigest),
    /// The entry is not there.
    Absent(DescriptorDigest),
}

/// What a server shows of a place.
struct Shown {
    descriptor: SecurityDescriptor,
    version: Result<DescriptorVersion, String>,
}

/// Adds the planned entry on `server`, which must be the domain's one server for grants.
///
/// # Errors
/// [`GrantError`]; [`GrantError::may_have_written`] says whether the outcome must be established first.
pub async fn apply(server: &DirectoryServer, grant: &PlannedGrant, leave: &dyn Leave) -> Result<GrantDone, GrantError> {
    let place = &grant.place;
    let session = open(server, place).await?;
    let before = read(&session, place).await?;
    let wanted = match edit::add_grant(&before.descriptor, &grant.sid, grant.form) {
        Ok(wanted) => wanted,
        Err(EditError::AlreadyThere { .. }) => {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before.descriptor) });
        }
        Err(error) => return Err(GrantError::Refused { place: place.clone(), why: error.to_string() }),
    };
    let expected = grant.expected.iter().map(|entry| entry.0.clone()).collect::<Vec<_>>();
    if let Some(difference) = Difference::between(&expected, &edit::explicit_entries(&before.descriptor)) {
        return Err(GrantError::Changed { place: place.clone(), difference: difference.to_string() });
    }
    write(&session, leave, &grant.entry(), before, &wanted).await
}

/// Takes the entry away again, and nothing else.
///
/// # Errors
/// As [`apply`]; entries that were added meanwhile are no hindrance, a list that is not in canonical order is.
pub async fn withdraw(
    server: &DirectoryServer,
    entry: &GrantEntry,
    leave: &dyn Leave,
) -> Result<GrantDone, GrantError> {
    let place = &entry.place;
    let session = open(server, place).await?;
    let before = read(&session, place).await?;
    let refused = |why| GrantError::Refused { place: place.clone(), why };
    let wanted = match edit::remove_grant(&before.descriptor, &entry.sid, entry.form) {
        Ok(wanted) => wanted,
        Err(EditError::NotThere { .. }) => {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before.descriptor) });
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    // Nothing is written into a list that somebody left in another order than servers keep: what they make of it when it
    // is written back is not known.
    if let Err(EditError::NotCanonical { ace, behind, .. }) = edit::add_grant(&wanted, &entry.sid, entry.form) {
        return Err(refused(format!(
            "it is not in canonical order, {ace} stands behind {behind}; have the directory team put it in order, or \
             remove the entry by hand"
        )));
    }
    write(&session, leave, entry, before, &wanted).await
}

/// Finds out whether the entry is there, by reading alone.
///
/// # Errors
/// [`GrantError`]: the place could not be read.
pub async fn establish(server: &DirectoryServer, entry: &GrantEntry) -> Result<Established, GrantError> {
    let now = shown(server, &entry.place).await?;
    let digest = DescriptorDigest::of(&now);
    Ok(match edit::find_entry(&now, &entry.sid, entry.form) {
        Some(_) => Established::Present(digest),
        None => Established::Absent(digest),
    })
}

/// The descriptor of a place as `server` shows it now: what an LDIF has to replace.
///
/// # Errors
/// [`GrantError`]: the place could not be read.
pub async fn shown(server: &DirectoryServer, place: &Dn) -> Result<SecurityDescriptor, GrantError> {
    let session = open(server, place).await?;
    Ok(read(&session, place).await?.descriptor)
}

async fn open(server: &DirectoryServer, place: &Dn) -> Result<Session, GrantError> {
    let before = |error| GrantError::Directory { place: place.clone(), error };
    connect::open(server).await.map_err(before)
}

async fn read(session: &Session, place: &Dn) -> Result<Shown, GrantError> {
    let at = || place.clone();
    let entry = match session.object(place.as_str(), &[DESCRIPTOR, METADATA]).await {
        Err(error) => return Err(GrantError::Directory { place: at(), error }),
        Ok(None) => return Err(GrantError::NoPlace { place: at(), server: session.server().shown() }),
        Ok(Some(entry)) => entry,
    };
    let bytes = match entry.one(DESCRIPTOR) {
        Err(why) => return Err(GrantError::Refused { place: at(), why }),
        Ok(None) => return Err(GrantError::NotShown { place: at(), name: session.server().bind.name.clone() }),
        Ok(Some(bytes)) => bytes,
    };
    let refused =
        |error: sendgate_core::secdesc::ParseError| GrantError::Refused { place: at(), why: error.to_string() };
    let descriptor = SecurityDescriptor::parse(bytes).map_err(refused)?;
    let version = match entry.one(METADATA) {
        Err(why) => Err(why),
        Ok(None) => Err(format!("{METADATA} is not shown to {}", session.server().bind.name)),
        Ok(Some(bytes)) => metadata::descriptor_version(bytes),
    };
    Ok(Shown { descriptor, version })
}

async fn write(
    session: &Session,
    leave: &dyn Leave,
    entry: &GrantEntry,
    before: Shown,
    wanted: &SecurityDescriptor,
) -> Result<GrantDone, GrantError> {
    let place = &entry.place;
    let no = |why: String| GrantError::NoLeave { place: place.clone(), why };
    let given = leave.ask().await.map_err(no)?;
    if !given.holds() {
        return Err(no("the coordinator's leave to write ran off before it was used".to_owned()));
    }
    let sent = session.replace_dacl(place.as_str(), wanted.to_bytes(), given.remaining()).await;
    sent.map_err(|error| match error {
        WriteError::Refused(error) => GrantError::Directory { place: place.clone(), error },
        WriteError::Unknown(error) => GrantError::Unknown { place: place.clone(), why: error.to_string() },
    })?;
    let after = read(session, place).await.map_err(|error| GrantError::Unknown {
        place: place.clone(),
        why: format!("it was written, but not read back: {error}"),
    })?;
    let digests = (DescriptorDigest::of(&before.descriptor), DescriptorDigest::of(&after.descriptor));
    // The wanted entries hold ours exactly once, or not at all, and every other one in its order and bytes.
    let difference = Difference::between(&edit::explicit_entries(wanted), &edit::explicit_entries(&after.descriptor));
    let versions = before.version.and_then(|before| after.version.map(|after| (before, after)));
    let once =
        |(before, after): &(DescriptorVersion, DescriptorVersion)| before.version.checked_add(1) == Some(after.version);
    if difference.is_some() || !versions.as_ref().map_or(true, once) {
        return Err(GrantError::LostEdit(Box::new(LostEdit {
            place: place.clone(),
            difference: difference.map(|difference| difference.to_string()),
            there: edit::find_entry(&after.descriptor, &entry.sid, entry.form).is_some(),
            versions: versions.ok(),
            before: digests.0,
            after: digests.1,
        })));
    }
    let alone = match versions {
        Ok((before, after)) => Alone::Yes { before, after },
        Err(why) => Alone::NotChecked(why),
    };
    Ok(GrantDone::Written { before: digests.0, after: digests.1, alone })
}

#[cfg(test)]
mod tests;
