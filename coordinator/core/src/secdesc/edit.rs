//! Adding and removing exactly one Send As entry; every other entry keeps its bytes and its order.
//!
//! The canonical order is: explicit denies, explicit allows, inherited entries. A list in any other order is not
//! sorted but refused: somebody or something made it so, and sorting would change who may do what.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ace::{AccessMask, Body, ObjectPart};
use super::encode::{AclTooLarge, with_dacl};
use super::{
    Ace, AceFlags, AceTooLarge, AceType, Acl, AclState, MAX_ACL_BYTES, ParseError, SecurityDescriptor, Stance,
};
use crate::guid::Guid;
use crate::mutation::{self, Mutation};
use crate::sid::Sid;

/// The revision that a list needs to hold object entries (MS-DTYP 2.4.5).
const OBJECT_ACL_REVISION: u8 = 4;

/// The form that a Send As entry takes, which depends on the place that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantForm {
    /// On a domain head or an OU, for the users below: inherit-only, limited to class user.
    ContainerUsers,
    /// On a domain head or an OU, for the inetOrgPerson users below, whom an entry for class user does not reach.
    ContainerInetOrgPersons,
    /// On a user, or on AdminSDHolder: in force on the object itself.
    Object,
}

/// Why a descriptor is not edited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    /// There is no list to edit, because it was not shown.
    #[error(
        "the entry is not changed: the DACL was not shown, so what is in it is unknown; read it with an account that \
         may read it"
    )]
    DaclNotShown,
    /// There is no list to edit, because everything is allowed.
    #[error(
        "the entry is not changed: the DACL is null, which allows everything to everybody; have the directory team \
         look at this object"
    )]
    DaclNull,
    /// The list is not in canonical order.
    #[error(
        "the entry is not added: the DACL is not in canonical order, entry {index} {ace} stands behind {behind}; \
         have the directory team put it in order, Sendgate does not sort"
    )]
    NotCanonical {
        /// The first entry that is out of place, from 0.
        index: usize,
        /// That entry as SDDL.
        ace: String,
        /// What it should stand before.
        behind: &'static str,
    },
    /// The list would be too large.
    #[error(
        "the entry is not added: the DACL would have {size} bytes, the limit is {MAX_ACL_BYTES}; remove entries that \
         are no longer needed first"
    )]
    TooLarge {
        /// Size in bytes that the list would have.
        size: usize,
    },
    /// The entry is there.
    #[error("the entry is not added: entry {index} is it already, there is nothing to do")]
    AlreadyThere {
        /// Its index, from 0.
        index: usize,
    },
    /// The entry is not there.
    #[error("the entry is not removed: there is no explicit entry {ace} in the DACL, nothing to undo")]
    NotThere {
        /// The entry as SDDL.
        ace: String,
    },
    /// Entries that mean the same in other bytes are there: which one was meant is not known.
    #[error(
        "the entry is not removed: entry {index} {ace} means the same in other bytes, so it is not one that Sendgate \
         wrote; remove it by hand if it is not wanted"
    )]
    OtherBytes {
        /// The index of such an entry, from 0.
        index: usize,
        /// That entry as SDDL.
        ace: String,
    },
    /// The entry itself is too large for its size field.
    #[error("the entry is not added: {0}")]
    Entry(#[from] AceTooLarge),
    /// What was written cannot be read back.
    #[error("the entry is not changed: the edited descriptor cannot be read back ({0}); nothing was written")]
    ReadBack(#[from] ParseError),
}

impl GrantForm {
    /// The entry of this form for an account.
    ///
    /// # Errors
    /// The entry would be larger than its size field can say, which no SID reaches.
    pub fn entry(self, account: &Sid) -> Result<Ace, AceTooLarge> {
        let below = AceFlags(AceFlags::CONTAINER_INHERIT | AceFlags::INHERIT_ONLY);
        let (flags, class) = match self {
            Self::ContainerUsers => (below, Some(Guid::CLASS_USER)),
            Self::ContainerInetOrgPersons => (below, Some(Guid::CLASS_INETORGPERSON)),
            Self::Object => (AceFlags(0), None),
        };
        let body = Body {
            mask: AccessMask(AccessMask::CONTROL_ACCESS),
            object: Some(ObjectPart::of(Some(Guid::SEND_AS), class)),
            sid: account.clone(),
        };
        Ace::build(AceType::AllowObject, flags, body, Vec::new())
    }
}

/// Adds the entry behind the explicit entries and before the inherited ones.
///
/// # Errors
/// No list, a list that is not canonical or would grow too large, or the entry is there already.
pub fn add_grant(sd: &SecurityDescriptor, account: &Sid, form: GrantForm) -> Result<SecurityDescriptor, EditError> {
    let acl = list(sd)?;
    if let Some(index) = find_entry(sd, account, form) {
        return Err(EditError::AlreadyThere { index });
    }
    let place = canonical_place(acl)?;
    let mut new = acl.clone();
    new.revision = new.revision.max(OBJECT_ACL_REVISION);
    let place = if mutation::is(Mutation::EntryAtEnd) { new.aces.len() } else { place };
    new.aces.insert(place, form.entry(account)?);
    rewritten(sd, new)
}

/// Removes the entry. Where the very same bytes stand there several times, the last of them goes.
///
/// The list's revision stays, so removing undoes adding to the byte unless adding had to raise it to 4.
///
/// # Errors
/// No list, the entry is not there, or one that means the same in other bytes is.
pub fn remove_grant(sd: &SecurityDescriptor, account: &Sid, form: GrantForm) -> Result<SecurityDescriptor, EditError> {
    let acl = list(sd)?;
    let entry = form.entry(account)?;
    let same = |ace: &&(usize, &Ace)| same_meaning(ace.1, &entry);
    let entries: Vec<_> = acl.aces().iter().enumerate().collect();
    if let Some((index, other)) = entries.iter().filter(same).find(|(_, ace)| **ace != entry) {
        return Err(EditError::OtherBytes { index: *index, ace: other.to_sddl() });
    }
    let found = entries.iter().rev().find(same);
    let (index, _) = found.ok_or_else(|| EditError::NotThere { ace: entry.to_sddl() })?;
    let mut new = acl.clone();
    new.aces.remove(*index);
    rewritten(sd, new)
}

/// The index of the first explicit entry that means this grant, whatever bytes follow its SID.
#[must_use]
pub fn find_entry(sd: &SecurityDescriptor, account: &Sid, form: GrantForm) -> Option<usize> {
    let entry = form.entry(account).ok()?;
    sd.dacl().acl()?.aces().iter().position(|ace| same_meaning(ace, &entry))
}

/// The bytes of the explicit entries in order: what a planned grant expects to find when it is carried out.
#[must_use]
pub fn explicit_entries(sd: &SecurityDescriptor) -> Vec<Vec<u8>> {
    let aces = sd.dacl().acl().map_or(&[][..], Acl::aces);
    aces.iter().filter(|ace| !ace.is_inherited()).map(Ace::to_bytes).collect()
}

/// Where a new explicit allow belongs, in a list that is in canonical order.
///
/// # Errors
/// The list is not in canonical order; the error names the first entry out of place.
fn canonical_place(acl: &Acl) -> Result<usize, EditError> {
    let (mut allow, mut inherited) = (false, None);
    for (index, ace) in acl.aces().iter().enumerate() {
        let misplaced = |behind| EditError::NotCanonical { index, ace: ace.to_sddl(), behind };
        if ace.is_inherited() {
            inherited.get_or_insert(index);
            continue;
        }
        if inherited.is_some() {
            return Err(misplaced("an inherited entry"));
        }
        match ace.kind().stance() {
            Stance::Denies if allow => return Err(misplaced("an explicit entry that allows")),
            Stance::Allows => allow = true,
            Stance::Denies | Stance::Neither => {}
        }
    }
    Ok(inherited.unwrap_or(acl.aces().len()))
}

fn list(sd: &SecurityDescriptor) -> Result<&Acl, EditError> {
    match sd.dacl() {
        AclState::Absent => Err(EditError::DaclNotShown),
        AclState::Null => Err(EditError::DaclNull),
        AclState::Present(acl) => Ok(acl),
    }
}

/// Type, flags, rights, object types and SID are the same; bytes behind the SID may differ.
fn same_meaning(ace: &Ace, entry: &Ace) -> bool {
    ace.kind() == entry.kind()
        && ace.flags() == entry.flags()
        && ace.mask() == entry.mask()
        && ace.object_type() == entry.object_type()
        && ace.inherited_object_type() == entry.inherited_object_type()
        && ace.sid() == entry.sid()
}

fn rewritten(sd: &SecurityDescriptor, acl: Acl) -> Result<SecurityDescriptor, EditError> {
    let bytes = with_dacl(sd, acl).map_err(|AclTooLarge(size)| EditError::TooLarge { size })?;
    Ok(SecurityDescriptor::parse(&bytes)?)
}
