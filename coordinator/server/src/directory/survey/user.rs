//! From a user's entry to what is known of him.

use super::super::entry::Entry;
use super::descriptors::Descriptors;
use super::home::home;
use super::protection::Protection;
use sendgate_core::coverage::reading::{FoundUser, UserClass};
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::sid::Sid;

/// Attributes that are read of a user, besides those that names are looked for in.
pub(super) const ATTRIBUTES: [&str; 9] = [
    "objectGUID",
    "objectSid",
    "objectClass",
    "nTSecurityDescriptor",
    "homeMDB",
    "msExchHomeServerName",
    "msExchMasterAccountSid",
    "adminCount",
    "primaryGroupID",
];

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

/// The user behind an entry.
///
/// # Errors
/// What is missing or malformed, in words.
pub(super) fn user(entry: &Entry, protection: &Protection, descriptors: &mut Descriptors) -> Result<FoundUser, String> {
    let (dn, guid, sid) = (Dn::from(entry.dn.as_str()), guid(entry)?, sid(entry)?);
    let primary_group = match entry.text("primaryGroupID")? {
        Some(rid) => rid.parse().map_err(|_| format!("primaryGroupID {rid:?} is not a number"))?,
        // Everybody has one; without it protection cannot be told.
        None => return Err("primaryGroupID was not shown".to_owned()),
    };
    let master = match entry.one("msExchMasterAccountSid")? {
        Some(bytes) => Some(Sid::from_bytes(bytes).map_err(|error| format!("msExchMasterAccountSid: {error}"))?),
        None => None,
    };
    Ok(FoundUser {
        class: class(entry)?,
        descriptor: descriptors.of(entry),
        home: home(entry.text("homeMDB")?, entry.text("msExchHomeServerName")?),
        protected_by: protection.path(&dn, &sid, primary_group),
        admin_count: entry.text("adminCount")? == Some("1"),
        // SELF there says that a disabled user's mailbox is his own.
        linked: master.is_some_and(|master| master != Sid::principal_self()),
        dn,
        guid,
        sid,
    })
}

/// The most specific class: the last one of `objectClass` (MS-ADTS 3.1.1.1.4).
fn class(entry: &Entry) -> Result<UserClass, String> {
    let last = entry.texts("objectClass").last().ok_or("objectClass was not shown")?;
    Ok(match last.to_ascii_lowercase().as_str() {
        "user" => UserClass::User,
        "inetorgperson" => UserClass::InetOrgPerson,
        _ => UserClass::Other(last.to_owned()),
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
        for (name, value) in [("objectSid", &sid[..]), ("objectGUID", &guid[..]), ("primaryGroupID", &[b"513"])] {
            if !values.iter().any(|(given, _)| *given == name) {
                values.push((name, value));
            }
        }
        user(&Entry::of("CN=x,DC=a", &values), &Protection::default(), &mut Descriptors::default())
    }

    #[test]
    fn a_user_without_exchange_attributes_is_read() {
        let user = read(&[("objectClass", &[b"top", b"person", b"user"])]).unwrap();
        assert_eq!((user.class, user.home, user.linked), (UserClass::User, Home::None, false));
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
    fn a_mailbox_of_another_forests_account_is_linked() {
        let class: (&str, &[&[u8]]) = ("objectClass", &[b"user"]);
        let foreign = "S-1-5-21-9-9-9-1000".parse::<Sid>().unwrap().to_bytes();
        let own = Sid::principal_self().to_bytes();
        assert!(read(&[class, ("msExchMasterAccountSid", &[&foreign])]).unwrap().linked);
        assert!(!read(&[class, ("msExchMasterAccountSid", &[&own])]).unwrap().linked);
    }

    #[test]
    fn what_is_missing_or_malformed_is_said() {
        let class: (&str, &[&[u8]]) = ("objectClass", &[b"user"]);
        assert_eq!(read(&[]).unwrap_err(), "objectClass was not shown");
        assert_eq!(read(&[class, ("objectSid", &[])]).unwrap_err(), "objectSid was not shown");
        assert_eq!(read(&[class, ("objectGUID", &[&[1]])]).unwrap_err(), "objectGUID is not 16 bytes long");
        assert_eq!(read(&[class, ("primaryGroupID", &[b"x"])]).unwrap_err(), "primaryGroupID \"x\" is not a number");
        let error = read(&[class, ("objectSid", &[&[1, 2]])]).unwrap_err();
        assert!(error.starts_with("objectSid: a SID needs"), "{error}");
    }
}
