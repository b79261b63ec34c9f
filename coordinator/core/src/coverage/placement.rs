//! Where a grant goes: the fewest entries that would cover every missing user.
//!
//! An entry flows down from a container until inheritance is blocked, so the highest place from which it reaches a user
//! serves all his neighbours too. A protected user is never granted (his descriptor is overwritten within the hour), and
//! a deny is never answered with a grant (that would override somebody's decision).

use super::reading::{DescriptorReading, FoundUser, GroupPath, ServerReading, UserClass};
use super::verdict::Verdict;
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

impl GrantEntry {
    /// Whether the place is AdminSDHolder of its domain (MS-ADTS 3.1.1.6.1), whose entries every protected user gets.
    #[must_use]
    pub fn is_on_holder(&self) -> bool {
        let holder = |dn: &Dn| dn.as_str().to_lowercase().starts_with(HOLDER);
        self.form == GrantForm::Object && holder(&self.place)
    }

    /// Whether it is the entry that decides for a user, by what some server shows, or may be.
    #[must_use]
    pub fn decides(&self, user: &Dn, verdict: &Verdict) -> bool {
        verdict.servers.values().filter_map(|server| server.deciding.as_ref()).any(|deciding| {
            let here = match (&deciding.from, deciding.inherited) {
                (Some(from), _) => *from == self.place,
                // Whose it was cannot be told: it may be this one.
                (None, true) => true,
                (None, false) => *user == self.place || self.is_on_holder(),
            };
            here && deciding.trustee == self.sid
        })
    }
}

/// How the name of AdminSDHolder begins, in lower case; what follows is the domain head.
const HOLDER: &str = "cn=adminsdholder,cn=system,dc=";

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
    /// The user is protected: whatever is written on him is gone within the hour.
    Protected {
        /// Through which groups.
        path: GroupPath,
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
            Self::Protected { path } => {
                write!(f, "nothing is written on a protected user, it would be gone within the hour: {path}")
            }
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
    entry_on(domain, account, sid, place, form, descriptor)
}

/// An entry on a user himself, whose inherited deny is to be overridden; whoever asks for it has somebody's approval.
///
/// # Errors
/// As [`on_object`], and [`NoPlacement::Protected`].
pub fn on_user(
    domain: &DomainName,
    account: &AccountName,
    sid: &Sid,
    user: &FoundUser,
) -> Result<PlannedGrant, NoPlacement> {
    match &user.protected_by {
        Some(path) => Err(NoPlacement::Protected { path: path.as_ref().clone() }),
        None => on_object(domain, account, sid, user.dn.clone(), &user.descriptor),
    }
}

/// An entry on an object itself: on AdminSDHolder, or on a user whose inherited deny is to be overridden. Both open more
/// than a grant below a container does; whoever asks for one has somebody's approval.
///
/// # Errors
/// [`NoPlacement`] where the list cannot be edited, or where the entry is there already.
pub fn on_object(
    domain: &DomainName,
    account: &AccountName,
    sid: &Sid,
    place: Dn,
    descriptor: &DescriptorReading,
) -> Result<PlannedGrant, NoPlacement> {
    entry_on(domain, account, sid, place, GrantForm::Object, descriptor)
}

fn entry_on(
    domain: &DomainName,
    account: &AccountName,
    sid: &Sid,
    place: Dn,
    form: GrantForm,
    descriptor: &DescriptorReading,
) -> Result<PlannedGrant, NoPlacement> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::reading::{Home, MailboxOwner};
    use crate::guid::Guid;
    use crate::secdesc::SecurityDescriptor;
    use std::sync::Arc;

    fn user(protected_by: Option<GroupPath>) -> FoundUser {
        FoundUser {
            dn: "CN=anna,DC=a".into(),
            guid: Guid::SEND_AS,
            sid: "S-1-5-21-1-2-3-2001".parse().unwrap(),
            class: UserClass::User,
            descriptor: DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl("D:", None).unwrap())),
            home: Home::None,
            protected_by: protected_by.map(Arc::new),
            admin_count: false,
            owner: MailboxOwner::Itself,
        }
    }

    #[test]
    fn a_protected_user_is_not_written_even_with_an_approval() {
        let (domain, account) = ("a".parse().unwrap(), "goodadmin@a".parse().unwrap());
        let sid = "S-1-5-21-1-2-3-1105".parse().unwrap();
        let placed = |user: &FoundUser| on_user(&domain, &account, &sid, user);
        assert_eq!(placed(&user(None)).unwrap().place, Dn::from("CN=anna,DC=a"));
        let path = GroupPath(vec!["CN=Domain Admins,DC=a".into()]);
        assert_eq!(
            placed(&user(Some(path))).unwrap_err().to_string(),
            "nothing is written on a protected user, it would be gone within the hour: CN=Domain Admins,DC=a"
        );
    }

    #[test]
    fn admin_sd_holder_is_known_by_its_name() {
        let entry = |place: &str, form| GrantEntry {
            domain: "a".parse().unwrap(),
            sid: "S-1-5-21-1-2-3-1105".parse().unwrap(),
            place: place.into(),
            form,
        };
        assert!(entry("cn=AdminSDHolder,CN=System,DC=a,DC=test", GrantForm::Object).is_on_holder());
        assert!(!entry("CN=AdminSDHolder,CN=System,DC=a", GrantForm::ContainerUsers).is_on_holder());
        assert!(!entry("CN=AdminSDHolder,OU=System,DC=a", GrantForm::Object).is_on_holder());
    }
}
