//! One Send As entry onto one descriptor: read, compare, write, read back.
//!
//! There is no compare-and-swap in the protocol: between reading and writing somebody else's change can be overwritten,
//! and ours by his. What is read back is compared with what was meant, and a difference is reported, not repaired.

mod difference;
mod error;

pub use error::GrantError;
pub use sendgate_core::coverage::advice::{Advice, advice};

use super::session::{DESCRIPTOR, Session, WriteError};
use super::{DirectoryServer, connect};
use difference::Difference;
use sendgate_core::coverage::placement::PlannedGrant;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::{self, EditError};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of a descriptor's DACL part as a server returned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DescriptorDigest([u8; 32]);

impl DescriptorDigest {
    fn of(descriptor: &SecurityDescriptor) -> Self {
        Self(Sha256::digest(descriptor.as_bytes()).into())
    }
}

impl fmt::Display for DescriptorDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a change ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantDone {
    /// The entry was written and read back.
    Written {
        /// The descriptor before.
        before: DescriptorDigest,
        /// The descriptor as it was read back.
        after: DescriptorDigest,
    },
    /// It was as wanted before anything was written.
    AlreadyThere {
        /// The descriptor.
        now: DescriptorDigest,
    },
}

/// What became of a change whose end was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Established {
    /// The entry is there.
    Present(DescriptorDigest),
    /// The entry is not there.
    Absent(DescriptorDigest),
}

/// Adds the planned entry on `server`, which must be the domain's one server for grants.
///
/// # Errors
/// [`GrantError`]; [`GrantError::may_have_written`] says whether the outcome must be established first.
pub async fn apply(server: &DirectoryServer, grant: &PlannedGrant) -> Result<GrantDone, GrantError> {
    let session = open(server, grant).await?;
    let before = read(&session, grant).await?;
    let wanted = match edit::add_grant(&before, &grant.sid, grant.form) {
        Ok(wanted) => wanted,
        Err(EditError::AlreadyThere { .. }) => {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before) });
        }
        Err(error) => return Err(GrantError::Refused { place: grant.place.clone(), why: error.to_string() }),
    };
    let expected = grant.expected.iter().map(|entry| entry.0.clone()).collect::<Vec<_>>();
    if let Some(difference) = Difference::between(&expected, &edit::explicit_entries(&before)) {
        return Err(GrantError::Changed { place: grant.place.clone(), difference: difference.to_string() });
    }
    write(&session, grant, &before, &wanted).await
}

/// Takes the entry away again, and nothing else.
///
/// # Errors
/// As [`apply`]; entries that were added meanwhile are no hindrance.
pub async fn withdraw(server: &DirectoryServer, grant: &PlannedGrant) -> Result<GrantDone, GrantError> {
    let session = open(server, grant).await?;
    let before = read(&session, grant).await?;
    let wanted = match edit::remove_grant(&before, &grant.sid, grant.form) {
        Ok(wanted) => wanted,
        Err(EditError::NotThere { .. }) => {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before) });
        }
        Err(error) => return Err(GrantError::Refused { place: grant.place.clone(), why: error.to_string() }),
    };
    write(&session, grant, &before, &wanted).await
}

/// Finds out whether the entry is there, by reading alone.
///
/// # Errors
/// [`GrantError`]: the place could not be read.
pub async fn establish(server: &DirectoryServer, grant: &PlannedGrant) -> Result<Established, GrantError> {
    let session = open(server, grant).await?;
    let now = read(&session, grant).await?;
    let digest = DescriptorDigest::of(&now);
    Ok(match edit::find_entry(&now, &grant.sid, grant.form) {
        Some(_) => Established::Present(digest),
        None => Established::Absent(digest),
    })
}

async fn open(server: &DirectoryServer, grant: &PlannedGrant) -> Result<Session, GrantError> {
    let before = |error| GrantError::Directory { place: grant.place.clone(), error };
    connect::open(server).await.map_err(before)
}

async fn read(session: &Session, grant: &PlannedGrant) -> Result<SecurityDescriptor, GrantError> {
    let place = grant.place.clone();
    let entry = match session.object(place.as_str(), &[DESCRIPTOR]).await {
        Err(error) => return Err(GrantError::Directory { place, error }),
        Ok(None) => return Err(GrantError::NoPlace { place, server: session.server().shown() }),
        Ok(Some(entry)) => entry,
    };
    let bytes = match entry.one(DESCRIPTOR) {
        Err(why) => return Err(GrantError::Refused { place, why }),
        Ok(None) => return Err(GrantError::NotShown { place, name: session.server().bind.name.clone() }),
        Ok(Some(bytes)) => bytes,
    };
    SecurityDescriptor::parse(bytes).map_err(|error| GrantError::Refused { place, why: error.to_string() })
}

async fn write(
    session: &Session,
    grant: &PlannedGrant,
    before: &SecurityDescriptor,
    wanted: &SecurityDescriptor,
) -> Result<GrantDone, GrantError> {
    let place = &grant.place;
    session.replace_dacl(place.as_str(), wanted.to_bytes()).await.map_err(|error| match error {
        WriteError::Refused(error) => GrantError::Directory { place: place.clone(), error },
        WriteError::Unknown(error) => GrantError::Unknown { place: place.clone(), why: error.to_string() },
    })?;
    let after = read(session, grant).await.map_err(|error| GrantError::Unknown {
        place: place.clone(),
        why: format!("it was written, but not read back: {error}"),
    })?;
    // The wanted entries hold ours exactly once, or not at all, and every other one in its order and bytes.
    match Difference::between(&edit::explicit_entries(wanted), &edit::explicit_entries(&after)) {
        None => Ok(GrantDone::Written { before: DescriptorDigest::of(before), after: DescriptorDigest::of(&after) }),
        Some(difference) => Err(GrantError::LostEdit {
            place: place.clone(),
            difference: difference.to_string(),
            before: DescriptorDigest::of(before),
            after: DescriptorDigest::of(&after),
        }),
    }
}

#[cfg(test)]
mod tests;
