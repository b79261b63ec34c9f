//! What a directory team would run to carry a planned grant out by hand. Texts only: nothing here is ever run.

use super::placement::PlannedGrant;
use crate::names::Dn;
use crate::secdesc::SecurityDescriptor;
use crate::secdesc::edit::{self, GrantForm};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The same grant for three tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// For `cmd`, on any Windows Server; nothing where the name of the place cannot be quoted safely there.
    pub dsacls: Option<String>,
    /// For the Exchange Management Shell.
    pub powershell: String,
    /// For `ldapmodify`; nothing where the present descriptor is not at hand, or cannot be edited.
    pub ldif: Option<String>,
}

/// The texts for one grant. `shown` is the descriptor that the place has now: LDIF has to replace it as a whole.
#[must_use]
pub fn advice(grant: &PlannedGrant, shown: Option<&SecurityDescriptor>) -> Advice {
    Advice { dsacls: dsacls(grant), powershell: powershell(grant), ldif: shown.and_then(|shown| ldif(grant, shown)) }
}

/// Why there is no LDIF for a grant on a place that shows this.
#[must_use]
pub fn no_ldif(grant: &PlannedGrant, shown: &SecurityDescriptor) -> String {
    match edit::add_grant(shown, &grant.sid, grant.form) {
        Ok(_) => "the descriptor was not at hand".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn dsacls(grant: &PlannedGrant) -> Option<String> {
    let (place, account) = (grant.place.as_str(), grant.account.to_string());
    // cmd expands % inside quotes, and a quote would end the argument: no escape works everywhere.
    if [place, &account].iter().any(|text| text.chars().any(|c| matches!(c, '"' | '%' | '^' | '!') || c.is_control())) {
        return None;
    }
    Some(match grant.form {
        GrantForm::ContainerUsers => format!("dsacls \"{place}\" /I:S /G \"{account}:CA;Send As;user\""),
        GrantForm::ContainerInetOrgPersons => {
            format!("dsacls \"{place}\" /I:S /G \"{account}:CA;Send As;inetOrgPerson\"")
        }
        GrantForm::Object => format!("dsacls \"{place}\" /G \"{account}:CA;Send As\""),
    })
}

fn powershell(grant: &PlannedGrant) -> String {
    let (place, account) = (quoted(grant.place.as_str()), quoted(&grant.account.to_string()));
    let command = format!("Add-ADPermission -Identity {place} -User {account} -ExtendedRights 'Send As'");
    match grant.form {
        GrantForm::ContainerUsers => format!("{command} -InheritanceType Descendents -InheritedObjectType User"),
        GrantForm::ContainerInetOrgPersons => {
            format!("{command} -InheritanceType Descendents -InheritedObjectType inetOrgPerson")
        }
        GrantForm::Object => command,
    }
}

/// A single-quoted string of PowerShell: nothing is expanded in it, and each quote is doubled. PowerShell takes the
/// typographic quotes for quotes as well.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted
}

/// A change record (RFC 2849). `nTSecurityDescriptor` has one value, so it is replaced as a whole, and the control says
/// that only its DACL is meant.
fn ldif(grant: &PlannedGrant, shown: &SecurityDescriptor) -> Option<String> {
    let wanted = edit::add_grant(shown, &grant.sid, grant.form).ok()?;
    Some(format!(
        "# Replaces the DACL as it was read: not to be used once anybody has changed it.\n\
         {}\n\
         control: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\n\
         changetype: modify\n\
         replace: nTSecurityDescriptor\n\
         nTSecurityDescriptor:: {}\n\
         -\n",
        dn_line(&grant.place),
        base64(wanted.as_bytes())
    ))
}

/// `dn:`, in base64 where the name does not fit into a line as it is (RFC 2849 SAFE-STRING).
fn dn_line(dn: &Dn) -> String {
    let text = dn.as_str();
    let safe = text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.starts_with([' ', ':', '<'])
        && !text.ends_with(' ');
    if safe { format!("dn: {text}") } else { format!("dn:: {}", base64(text.as_bytes())) }
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                text.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dsacls) = &self.dsacls {
            writeln!(f, "with dsacls:\n{dsacls}")?;
        }
        writeln!(f, "in the Exchange Management Shell:\n{}", self.powershell)?;
        match &self.ldif {
            Some(ldif) => write!(f, "with ldapmodify:\n{ldif}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(place: &str, form: GrantForm) -> PlannedGrant {
        PlannedGrant {
            domain: "a.example.test".parse().unwrap(),
            account: "goodadmin@a.example.test".parse().unwrap(),
            sid: "S-1-5-21-1-2-3-1104".parse().unwrap(),
            place: Dn::from(place),
            form,
            expected: Vec::new(),
        }
    }

    #[test]
    fn each_form_has_its_commands() {
        let head = advice(&grant("DC=a,DC=example,DC=test", GrantForm::ContainerUsers), None);
        assert_eq!(
            head.dsacls.unwrap(),
            r#"dsacls "DC=a,DC=example,DC=test" /I:S /G "goodadmin@a.example.test:CA;Send As;user""#
        );
        assert_eq!(
            head.powershell,
            "Add-ADPermission -Identity 'DC=a,DC=example,DC=test' -User 'goodadmin@a.example.test' \
             -ExtendedRights 'Send As' -InheritanceType Descendents -InheritedObjectType User"
        );
        assert_eq!(head.ldif, None);
        let others = advice(&grant("OU=x,DC=a", GrantForm::ContainerInetOrgPersons), None);
        assert!(others.dsacls.unwrap().ends_with(":CA;Send As;inetOrgPerson\""));
        let object = advice(&grant("CN=x,DC=a", GrantForm::Object), None);
        assert_eq!(object.dsacls.unwrap(), r#"dsacls "CN=x,DC=a" /G "goodadmin@a.example.test:CA;Send As""#);
    }

    #[test]
    fn a_hostile_name_cannot_leave_its_quotes() {
        let hostile = advice(&grant("OU=O'Neil\u{2019}s; del,DC=a", GrantForm::Object), None);
        assert!(hostile.powershell.contains("'OU=O''Neil\u{2019}\u{2019}s; del,DC=a'"), "{}", hostile.powershell);
        assert_eq!(advice(&grant("OU=%PATH%,DC=a", GrantForm::Object), None).dsacls, None);
        assert_eq!(advice(&grant("OU=a\\\"b,DC=a", GrantForm::Object), None).dsacls, None);
    }

    #[test]
    fn ldif_replaces_the_dacl_with_one_more_entry() {
        let shown = SecurityDescriptor::from_sddl("D:(A;;RP;;;WD)", None).unwrap();
        let grant = grant("OU=Köln,DC=a", GrantForm::Object);
        let ldif = advice(&grant, Some(&shown)).ldif.unwrap();
        let wanted = edit::add_grant(&shown, &grant.sid, grant.form).unwrap();
        assert!(
            ldif.contains("\ndn:: T1U9S8O2bG4sREM9YQ==\ncontrol: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\n"),
            "{ldif}"
        );
        assert!(ldif.contains(&format!("\nnTSecurityDescriptor:: {}\n-\n", base64(wanted.as_bytes()))), "{ldif}");
        // What is there already needs no change.
        assert_eq!(advice(&grant, Some(&wanted)).ldif, None);
        assert_eq!(no_ldif(&grant, &wanted), "the entry is not added: entry 1 is it already, there is nothing to do");
    }

    #[test]
    fn base64_agrees_with_rfc_4648() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
