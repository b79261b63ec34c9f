//! From a user's entry to what is known of him.

use super::super::entry::Entry;
use super::descriptors::Descriptors;
use super::home::Homes;
use super::protection::Protection;
use sendgate_core::coverage::reading::{FoundUser, MailboxOwner, UserClass};
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::sid::Sid;
use std::collections::BTreeSet;
use std::str::FromStr;

/// Attributes that are read of a user, besides those that names are looked for in.
pub(super) const ATTRIBUTES: [&str; 11] = [
    "objectGUID",
    "objectSid",
    "objectClass",
    "nTSecurityDescriptor",
    "homeMDB",
    "msExchHomeServerName",
    "msExchMasterAccountSid",
    "userAccountControl",
    "adminCount",
    "primaryGroupID",
    CHANGED,
];

/// The update sequence number of an object's last change on the server. Where the reader may not read it, the object is
/// in no search for what has changed, and nothing says so.
pub(super) const CHANGED: &str = "uSNChanged";

/// Why a user who is shown without [`CHANGED`] is not judged.
pub(super) const UNSEEN: &str = "uSNChanged was not shown, so that no change of him would be seen: grant the reader the \
                                 right to read all properties of users (privileges.md)";

/// ADS_UF_ACCOUNT_DISABLE of `userAccountControl` (MS-ADTS 2.2.16).
const ACCOUNT_DISABLED: u32 = 0x2;

/// What users are read with: what of them is not their own.
#[derive(Debug, Default)]
pub(super) struct Lens {
    pub(super) protection: Protection,
    pub(super) descriptors: Descriptors,
    pub(super) homes: Homes,
}

/// A user, and what is needed to tell again who protects him.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) user: FoundUser,
    pub(super) primary_group: u32,
}

/// `objectGUID`: which object this is, on any server.
pub(super) fn guid(entry: &Entry) -> Result<Guid, String> {
    let bytes = entry.one("objectGUID")?.ok_or("objectGUID was not shown")?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| "objectGUID is not 16 bytes long".to_owned())?;
    Ok(Guid::from_bytes(bytes))
}

/// `objectSid`.
pub(super) fn sid(entry: &Entry) -> Result<Sid, String> {
    let bytes = entry.one("objectSid")?.ok_or("objectSid was not shown")?;
    Sid::from_bytes(bytes).map_err(|error| format!("objectSid: {error}"))
}

/// The SIDs that an attribute of an entry holds, as far as they were shown.
///
/// # Errors
/// What is malformed, in words.
pub(super) fn sids(entry: &Entry, attribute: &str) -> Result<BTreeSet<Sid>, String> {
    let all = entry.all(attribute).iter();
    all.map(|bytes| Sid::from_bytes(bytes).map_err(|error| format!("{attribute}: {error}"))).collect()
}

/// The user behind an entry.
///
/// # Errors
/// What is missing or malformed, in words.
pub(super) fn user(entry: &Entry, lens: &mut Lens) -> Result<Read, String> {
    let (dn, guid, sid) = (Dn::from(entry.dn.as_str()), guid(entry)?, sid(entry)?);
    // Everybody has one; without it protection cannot be told.
    let primary_group = number(entry, "primaryGroupID")?.ok_or("primaryGroupID was not shown")?;
    let user = FoundUser {
        class: class(entry)?,
        descriptor: lens.descriptors.of(entry),
        home: lens.homes.of(entry.text("homeMDB")?, entry.text("msExchHomeServerName")?),
        protected_by: lens.protection.path(&dn, &sid, primary_group),
        admin_count: number::<i64>(entry, "adminCount")? == Some(1),
        owner: owner(entry, &sid)?,
        dn,
        guid,
        sid,
    };
    number::<u64>(entry, CHANGED)?.ok_or(UNSEEN)?;
    Ok(Read { user, primary_group })
}

/// An attribute that holds a number. Numbers are written in more than one way, so they are never compared as text.
fn number<T: FromStr>(entry: &Entry, attribute: &str) -> Result<Option<T>, String> {
    let Some(text) = entry.text(attribute)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| format!("{attribute} {text:?} is not a number"))
}

/// Whose mailbox it is.
fn owner(entry: &Entry, own: &Sid) -> Result<MailboxOwner, String> {
    let account = number::<i64>(entry, "userAccountControl")?.ok_or("userAccountControl was not shown")?;
    let disabled = account & i64::from(ACCOUNT_DISABLED) != 0;
    let Some(bytes) = entry.one("msExchMasterAccountSid")? else {
        return Ok(if disabled { MailboxOwner::Nobody } else { MailboxOwner::Itself });
    };
    let master = Sid::from_bytes(bytes).map_err(|error| format!("msExchMasterAccountSid: {error}"))?;
    Ok(if master.is_principal_self() || master == *own { MailboxOwner::Itself } else { MailboxOwner::External(master) })
}

/// Whether two readings of an object say the same of it.
pub(super) fn same(one: &FoundUser, other: &FoundUser) -> bool {
    let FoundUser { dn, guid, sid, class, descriptor, home, protected_by, admin_count, owner } = one;
    // The way a name is written counts too: it is shown.
    dn.as_str() == other.dn.as_str()
        && (guid, sid, class, home) == (&other.guid, &other.sid, &other.class, &other.home)
        && (protected_by, admin_count, owner) == (&other.protected_by, &other.admin_count, &other.owner)
        && super::descriptors::same(descriptor, &other.descriptor)
}

/// The most specific class: the last one of `objectClass` (MS-ADTS 3.1.1.1.4).
fn class(entry: &Entry) -> Result<UserClass, String> {
    let last = entry.texts("objectClass").last().ok_or("objectClass was not shown")?;
    Ok(if last.eq_ignore_ascii_case("user") {
        UserClass::User
    } else if last.eq_ignore_ascii_case("inetOrgPerson") {
        UserClass::InetOrgPerson
    } else {
        UserClass::Other(last.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendgate_core::coverage::reading::{DescriptorReading, Home};

    fn read(extra: &[(&str, &[&[u8]])]) -> Result<FoundUser, String> {
        let sid = "S-1-5-21-1-2-3-1104".parse::<Sid>().unwrap().to_bytes();
        let mut values: Vec<(&str, &[&[u8]])> = extra.to_vec();
        let (sid, guid): ([&[u8]; 1], [&[u8]; 1]) = ([&sid], [&[7; 16]]);
        let usual: [(&str, &[&[u8]]); 5] = [
            ("objectSid", &sid),
            ("objectGUID", &guid),
            ("primaryGroupID", &[b"513"]),
            ("userAccountControl", &[b"512"]),
            ("uSNChanged", &[b"100"]),
        ];
        for (name, value) in usual {
            if !values.iter().any(|(given, _)| *given == name) {
                values.push((name, value));
            }
        }
        user(&Entry::of("CN=x,DC=a", &values), &mut Lens::default()).map(|read| read.user)
    }

    const CLASS: (&str, &[&[u8]]) = ("objectClass", &[b"top", b"person", b"user"]);

    #[test]
    fn a_user_without_exchange_attributes_is_read() {
        let user = read(&[CLASS]).unwrap();
        assert_eq!((user.class, user.home, user.owner), (UserClass::User, Home::None, MailboxOwner::Itself));
        assert_eq!(user.descriptor, DescriptorReading::NotShown);
    }

    #[test]
    fn the_last_class_counts() {
        let user = read(&[("objectClass", &[b"top", b"user", b"inetOrgPerson"])]).unwrap();
        assert_eq!(user.class, UserClass::InetOrgPerson);
        let user = read(&[("objectClass", &[b"top", b"user", b"robot"])]).unwrap();
        assert_eq!(user.class, UserClass::Other("robot".to_owned()));
    }

    #[test]
    fn admin_count_is_compared_as_a_number_and_not_as_text() {
        for (text, count) in [("1", true), ("01", true), ("+1", true), ("0", false), ("10", false), ("-1", false)] {
            assert_eq!(read(&[CLASS, ("adminCount", &[text.as_bytes()])]).unwrap().admin_count, count, "{text}");
        }
        assert!(!read(&[CLASS]).unwrap().admin_count);
        assert_eq!(read(&[CLASS, ("adminCount", &[b"one"])]).unwrap_err(), "adminCount \"one\" is not a number");
    }

    #[test]
    fn whose_mailbox_it_is_follows_from_the_master_account_and_whether_the_account_is_disabled() {
        let sid = |text: &str| text.parse::<Sid>().unwrap();
        let owner = |control: &str, master: Option<&str>| {
            let master = master.map(|master| sid(master).to_bytes());
            let values: Vec<&[u8]> = master.iter().map(Vec::as_slice).collect();
            let control: [&[u8]; 1] = [control.as_bytes()];
            let mut given: Vec<(&str, &[&[u8]])> = vec![CLASS, ("userAccountControl", &control)];
            if !values.is_empty() {
                given.push(("msExchMasterAccountSid", &values));
            }
            read(&given).unwrap().owner
        };
        let foreign = "S-1-5-21-9-9-9-1000";
        assert_eq!(owner("514", None), MailboxOwner::Nobody);
        assert_eq!(owner("66050", Some("S-1-5-10")), MailboxOwner::Itself);
        assert_eq!(owner("514", Some("S-1-5-21-1-2-3-1104")), MailboxOwner::Itself);
        assert_eq!(owner("514", Some(foreign)), MailboxOwner::External(sid(foreign)));
        assert_eq!(owner("512", Some(foreign)), MailboxOwner::External(sid(foreign)));
        assert_eq!(owner("512", None), MailboxOwner::Itself);
    }

    #[test]
    fn what_is_missing_or_malformed_is_said() {
        assert_eq!(read(&[]).unwrap_err(), "objectClass was not shown");
        assert_eq!(read(&[CLASS, ("objectSid", &[])]).unwrap_err(), "objectSid was not shown");
        assert_eq!(read(&[CLASS, ("objectGUID", &[&[1]])]).unwrap_err(), "objectGUID is not 16 bytes long");
        assert_eq!(read(&[CLASS, ("primaryGroupID", &[b"x"])]).unwrap_err(), "primaryGroupID \"x\" is not a number");
        assert_eq!(read(&[CLASS, ("primaryGroupID", &[])]).unwrap_err(), "primaryGroupID was not shown");
        assert_eq!(read(&[CLASS, ("userAccountControl", &[])]).unwrap_err(), "userAccountControl was not shown");
        assert_eq!(
            read(&[CLASS, ("uSNChanged", &[])]).unwrap_err(),
            "uSNChanged was not shown, so that no change of him would be seen: grant the reader the right to read all \
             properties of users (privileges.md)"
        );
        let error = read(&[CLASS, ("objectSid", &[&[1, 2]])]).unwrap_err();
        assert!(error.starts_with("objectSid: a SID needs"), "{error}");
    }

    #[test]
    fn a_user_is_the_same_as_long_as_all_that_is_known_of_him_is() {
        let (first, again) = (read(&[CLASS]).unwrap(), read(&[CLASS]).unwrap());
        assert!(same(&first, &again));
        let changes: [(&str, &[&[u8]]); 5] = [
            ("adminCount", &[b"1"]),
            ("userAccountControl", &[b"514"]),
            ("homeMDB", &[b"CN=Store,CN=SG,CN=InformationStore,CN=EXA2,DC=a"]),
            ("objectSid", &[&[1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0]]),
            ("objectGUID", &[&[8; 16]]),
        ];
        for change in changes {
            assert!(!same(&first, &read(&[CLASS, change]).unwrap()), "{}", change.0);
        }
    }
}
