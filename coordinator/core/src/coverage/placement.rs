//! Where a grant goes: the fewest entries that would cover every missing user.
//!
//! An entry flows down from a container until inheritance is blocked, so the highest place from which it reaches a user
//! serves all his neighbours too. A protected user is never granted (his descriptor is overwritten within the hour), and
//! a deny is never answered with a grant (that would override somebody's decision).

use super::reading::{DescriptorReading, FoundUser, ServerReading, UserClass};
use crate::names::{AccountName, Dn, DomainName};
use crate::secdesc::edit::{self, GrantForm};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Explicit entries that a planned grant may expect, in bytes: written down in hexadecimal they fit a journal record.
const EXPECTED_LIMIT: usize = 40 * 1000;

/// How high up grants may be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// On the domain head: one entry, which lets the account send as every user of the domain, of all tenants.
    Domain,
    /// Not above the OUs directly below the domain head, for providers that do not want a grant over all tenants.
    Ous,
}

/// One Send As entry to be added.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedGrant {
    /// The domain of the place.
    pub domain: DomainName,
    /// The service account, for people.
    pub account: AccountName,
    /// The service account's SID: what the entry names.
    pub sid: Sid,
    /// The object whose DACL gets the entry.
    pub place: Dn,
    /// The form that the place needs: inherit-only on a container, in force on an object (MS-ADTS 5.1.3.3).
    pub form: GrantForm,
    /// The explicit entries that were there when this was planned; if they have changed, nothing is written.
    pub expected: Vec<EntryBytes>,
}

impl PlannedGrant {
    /// The entry itself, without what was expected around it: two grants of one entry are the same grant.
    #[must_use]
    pub fn entry(&self) -> GrantEntry {
        GrantEntry { domain: self.domain.clone(), sid: self.sid.clone(), place: self.place.clone(), form: self.form }
    }
}

/// What a grant adds, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantEntry {
    /// The domain of the place.
    pub domain: DomainName,
    /// Whom it grants.
    pub sid: Sid,
    /// On which object.
    pub place: Dn,
    /// In which form.
    pub form: GrantForm,
}

/// One entry of an ACL as its bytes (MS-DTYP 2.4.4), in hexadecimal where it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryBytes(pub Vec<u8>);

impl From<EntryBytes> for String {
    fn from(entry: EntryBytes) -> String {
        entry.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Not an even number of hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an entry in hexadecimal")]
pub struct BadEntryBytes(String);

impl TryFrom<String> for EntryBytes {
    type Error = BadEntryBytes;
    fn try_from(text: String) -> Result<Self, BadEntryBytes> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                Ok(Self(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()))
            }
            _ => Err(BadEntryBytes(text)),
        }
    }
}

/// Why a missing user cannot be covered by a grant of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum NoPlacement {
    /// No known form of the grant reaches objects of this class.
    Class {
        /// The class.
        class: String,
    },
    /// The descriptor of a place on the way up was not shown, so where inheritance stops cannot be told.
    Unreadable {
        /// The place.
        place: Dn,
    },
    /// The place's ACL cannot be edited safely; the text says why.
    Refused {
        /// The place.
        place: Dn,
        /// Why.
        reason: String,
    },
    /// The entry is at its place already, but has not reached the user: propagation or replication is not through.
    OnItsWay {
        /// The place.
        place: Dn,
    },
}

impl fmt::Display for NoPlacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class { class } => write!(f, "no form of the grant is known to reach objects of class {class}"),
            Self::Unreadable { place } => {
                write!(f, "the descriptor of {place} was not shown, so where inheritance stops cannot be told")
            }
            Self::Refused { place, reason } => write!(f, "the ACL of {place} is not edited: {reason}"),
            Self::OnItsWay { place } => write!(f, "the entry is on {place} and has not reached the user yet"),
        }
    }
}

/// The highest place from which an entry reaches `user`, on the server that grants are written to.
///
/// # Errors
/// [`NoPlacement`] where there is none, or where the entry is there already.
pub fn place(
    domain: &DomainName,
    account: &AccountName,
    sid: &Sid,
    user: &FoundUser,
    server: &ServerReading,
    reach: Reach,
) -> Result<PlannedGrant, NoPlacement> {
    let container_form = match &user.class {
        UserClass::User => GrantForm::ContainerUsers,
        UserClass::InetOrgPerson => GrantForm::ContainerInetOrgPersons,
        UserClass::Other(class) => return Err(NoPlacement::Class { class: class.clone() }),
    };
    let mut place = user.dn.clone();
    let mut form = GrantForm::Object;
    let mut descriptor = &user.descriptor;
    // Up, as long as entries flow down into where we are.
    loop {
        let DescriptorReading::Shown(shown) = descriptor else { return Err(NoPlacement::Unreadable { place }) };
        if shown.dacl_protected() || place == server.head {
            break;
        }
        let Some(above) = place.parent() else { break };
        if above == server.head && reach == Reach::Ous {
            break;
        }
        let Some(reading) = server.containers.get(&above) else { return Err(NoPlacement::Unreadable { place: above }) };
        (place, form, descriptor) = (above, container_form, reading);
    }
    let DescriptorReading::Shown(shown) = descriptor else { return Err(NoPlacement::Unreadable { place }) };
    let expected: Vec<EntryBytes> = edit::explicit_entries(shown).into_iter().map(EntryBytes).collect();
    let size: usize = expected.iter().map(|entry| entry.0.len()).sum();
    if size > EXPECTED_LIMIT {
        let reason =
            format!("its explicit entries have {size} bytes, more than the {EXPECTED_LIMIT} that are journaled");
        return Err(NoPlacement::Refused { place, reason });
    }
    match edit::add_grant(shown, sid, form) {
        Ok(_) => Ok(PlannedGrant {
            domain: domain.clone(),
            account: account.clone(),
            sid: sid.clone(),
            place,
            form,
            expected,
        }),
        Err(edit::EditError::AlreadyThere { .. }) => Err(NoPlacement::OnItsWay { place }),
        Err(error) => Err(NoPlacement::Refused { place, reason: error.to_string() }),
    }
}
