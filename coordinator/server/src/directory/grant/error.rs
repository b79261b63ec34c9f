//! Why a grant was not done, and whether something may have been written all the same.

use super::DescriptorDigest;
use super::metadata::DescriptorVersion;
use crate::directory::DirectoryError;
use sendgate_core::names::Dn;
use std::fmt;

/// Why a change of a descriptor has no good end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The server could not be asked, or refused: nothing was written.
    #[error("the entry on {place} was not written: {error}")]
    Directory {
        /// The place.
        place: Dn,
        /// What happened.
        error: DirectoryError,
    },
    /// There is no such object.
    #[error(
        "the entry was not written: {place} is not there on {server}; it may have been moved or renamed, and the next survey will say"
    )]
    NoPlace {
        /// The place.
        place: Dn,
        /// The server.
        server: String,
    },
    /// The descriptor was not returned.
    #[error(
        "the entry on {place} was not written: its descriptor is not shown to {name}; give that account the right to read permissions there"
    )]
    NotShown {
        /// The place.
        place: Dn,
        /// Who read.
        name: String,
    },
    /// The descriptor is not edited.
    #[error("the DACL of {place} was not written: {why}")]
    Refused {
        /// The place.
        place: Dn,
        /// Why.
        why: String,
    },
    /// Somebody changed the entries since the grant was planned: nothing was written.
    #[error(
        "the entry on {place} was not written: its entries have changed since it was planned: {difference}; it will be planned again from what is there now"
    )]
    Changed {
        /// The place.
        place: Dn,
        /// What changed.
        difference: String,
    },
    /// The loop gave no leave to write: nothing was written.
    #[error("the DACL of {place} was not written: {why}")]
    NoLeave {
        /// The place.
        place: Dn,
        /// Why.
        why: String,
    },
    /// It was written, and somebody else wrote at the same time: his edit may be lost, or ours.
    #[error("{0}")]
    LostEdit(Box<LostEdit>),
    /// It may have been written.
    #[error(
        "whether the entry on {place} was written is not known: {why}; it must be read before anything else is done there"
    )]
    Unknown {
        /// The place.
        place: Dn,
        /// What happened.
        why: String,
    },
}

/// Somebody else wrote the descriptor at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEdit {
    /// The place.
    pub place: Dn,
    /// What differs from what was written; nothing where only the version tells.
    pub difference: Option<String>,
    /// Whether the entry itself is there now.
    pub there: bool,
    /// The descriptor's versions before and after, where both could be read.
    pub versions: Option<(DescriptorVersion, DescriptorVersion)>,
    /// Before the write.
    pub before: DescriptorDigest,
    /// As it was read back.
    pub after: DescriptorDigest,
}

impl fmt::Display for LostEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, difference, there, versions, before, after } = self;
        write!(f, "somebody else changed the DACL of {place} at the same time")?;
        if let Some((before, after)) = versions {
            write!(
                f,
                ": its version went from {} to {}, where our write alone makes {}; the last write was made on the server \
                 with invocationId {}",
                before.version,
                after.version,
                before.version.wrapping_add(1),
                after.origin
            )?;
        }
        if let Some(difference) = difference {
            write!(f, "; what is there is not what was written: {difference}")?;
        }
        let there = if *there { "is there" } else { "is not there" };
        write!(
            f,
            "; the entry itself {there}; an edit of his may be lost, have the directory team compare (DACL {before} before, \
             {after} now)"
        )
    }
}

impl GrantError {
    /// Whether the directory may have been changed: then the outcome is established before anything else.
    #[must_use]
    pub fn may_have_written(&self) -> bool {
        matches!(self, Self::LostEdit(_) | Self::Unknown { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_says_what_was_written_and_what_to_do() {
        let place = Dn::from("OU=Hosted,DC=a");
        let shown = GrantError::NotShown { place: place.clone(), name: "sendgate@a".into() };
        assert_eq!(
            shown.to_string(),
            "the entry on OU=Hosted,DC=a was not written: its descriptor is not shown to sendgate@a; \
             give that account the right to read permissions there"
        );
        let unknown = GrantError::Unknown { place: place.clone(), why: "no answer".into() };
        assert!(unknown.may_have_written() && !shown.may_have_written());
        assert!(unknown.to_string().contains("is not known: no answer; it must be read"), "{unknown}");
        let stopped = GrantError::NoLeave { place: place.clone(), why: "it is held".into() };
        assert!(!stopped.may_have_written());
        assert_eq!(stopped.to_string(), "the DACL of OU=Hosted,DC=a was not written: it is held");
        let changed = GrantError::Changed { place, difference: "new: x".into() };
        assert!(changed.to_string().contains("have changed since it was planned: new: x"), "{changed}");
    }
}
