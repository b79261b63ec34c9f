//! What people call a SID: the well-known ones, and those that the reading itself knows by name.

use crate::coverage::reading::{AccountReading, FoundUser};
use crate::sid::Sid;
use std::collections::BTreeSet;

/// What may be known of a SID besides its number.
pub(super) struct Known<'a> {
    pub(super) account: &'a AccountReading,
    pub(super) former: Option<&'a BTreeSet<Sid>>,
    pub(super) user: &'a FoundUser,
}

impl Known<'_> {
    /// The usual name; none for what is just a group or a user of some domain.
    pub(super) fn name(&self, sid: &Sid) -> Option<String> {
        if self.account.sid == *sid {
            return Some("the service account".to_owned());
        }
        if self.former.is_some_and(|former| former.contains(sid)) {
            return Some("the service account before it was made again".to_owned());
        }
        if self.user.sid == *sid {
            return Some("the user himself".to_owned());
        }
        well_known(sid).map(ToOwned::to_owned)
    }
}

/// Names that are the same in every domain (MS-DTYP 2.4.2.4).
fn well_known(sid: &Sid) -> Option<&'static str> {
    Some(match (sid.authority(), sid.sub_authorities()) {
        (1, [0]) => "Everyone",
        (3, [0]) => "CREATOR OWNER",
        (3, [4]) => "OWNER RIGHTS",
        (5, [2]) => "NETWORK",
        (5, [4]) => "INTERACTIVE",
        (5, [7]) => "ANONYMOUS LOGON",
        (5, [9]) => "ENTERPRISE DOMAIN CONTROLLERS",
        (5, [10]) => "SELF",
        (5, [11]) => "Authenticated Users",
        (5, [15]) => "This Organization",
        (5, [18]) => "SYSTEM",
        (5, [32, group]) => builtin(*group)?,
        (5, [21, _, _, _, relative]) => of_domain(*relative)?,
        _ => return None,
    })
}

fn builtin(group: u32) -> Option<&'static str> {
    Some(match group {
        544 => "Administrators",
        545 => "Users",
        546 => "Guests",
        548 => "Account Operators",
        549 => "Server Operators",
        550 => "Print Operators",
        551 => "Backup Operators",
        552 => "Replicator",
        554 => "Pre-Windows 2000 Compatible Access",
        557 => "Incoming Forest Trust Builders",
        560 => "Windows Authorization Access Group",
        561 => "Terminal Server License Servers",
        _ => return None,
    })
}

/// Every domain gives these the same relative identifier.
fn of_domain(relative: u32) -> Option<&'static str> {
    Some(match relative {
        500 => "Administrator",
        502 => "krbtgt",
        512 => "Domain Admins",
        513 => "Domain Users",
        514 => "Domain Guests",
        515 => "Domain Computers",
        516 => "Domain Controllers",
        517 => "Cert Publishers",
        518 => "Schema Admins",
        519 => "Enterprise Admins",
        520 => "Group Policy Creator Owners",
        526 => "Key Admins",
        527 => "Enterprise Key Admins",
        553 => "RAS and IAS Servers",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_sids_have_the_names_that_people_use() {
        let name = |text: &str| well_known(&text.parse().unwrap());
        assert_eq!(name("S-1-1-0"), Some("Everyone"));
        assert_eq!(name("S-1-5-10"), Some("SELF"));
        assert_eq!(name("S-1-5-32-548"), Some("Account Operators"));
        assert_eq!(name("S-1-5-21-1-2-3-512"), Some("Domain Admins"));
        assert_eq!(name("S-1-5-21-1-2-3-1105"), None);
        assert_eq!(name("S-1-5-21-512"), None, "no group of a domain");
    }
}
