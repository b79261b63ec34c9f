//! Keytabs, as far as it matters whose keys they hold (MIT Kerberos, "Keytab file format", version 2). The keys
//! themselves are passed over.

use std::collections::BTreeSet;

/// The bytes are no keytab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKeytab;

/// Whose keys the keytab holds: `name@REALM`, `service/host@REALM`.
pub(super) fn principals(bytes: &[u8]) -> Result<BTreeSet<String>, NoKeytab> {
    let mut rest = bytes.strip_prefix(&[5, 2]).ok_or(NoKeytab)?;
    let mut found = BTreeSet::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(NoKeytab)?;
        let length = i32::from_be_bytes(*length);
        // Zero ends the list; a negative length is the hole that a removed entry left.
        if length == 0 {
            break;
        }
        let size = usize::try_from(length.unsigned_abs()).map_err(|_| NoKeytab)?;
        let (entry, after) = after.split_at_checked(size).ok_or(NoKeytab)?;
        if length > 0 {
            found.insert(principal(entry).ok_or(NoKeytab)?);
        }
        rest = after;
    }
    Ok(found)
}

fn principal(entry: &[u8]) -> Option<String> {
    let (count, mut rest) = entry.split_first_chunk::<2>()?;
    let mut text = || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (text, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        rest = after;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let realm = text()?;
    let components: Option<Vec<String>> = (0..u16::from_be_bytes(*count)).map(|_| text()).collect();
    Some(format!("{}@{realm}", components?.join("/")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A keytab with one entry for each principal, its key of zeros.
    pub(in crate::config) fn of(principals: &[&str]) -> Vec<u8> {
        let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
        let mut bytes = vec![5, 2];
        for principal in principals {
            let (name, realm) = principal.split_once('@').unwrap();
            let components: Vec<&str> = name.split('/').collect();
            let mut entry = u16::try_from(components.len()).unwrap().to_be_bytes().to_vec();
            entry.extend(text(realm));
            components.iter().for_each(|component| entry.extend(text(component)));
            // Name type, time, key version, key type, key.
            entry.extend([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18, 0, 2, 0, 0]);
            bytes.extend(u32::try_from(entry.len()).unwrap().to_be_bytes());
            bytes.extend(entry);
        }
        bytes
    }

    #[test]
    fn principals_are_read_and_holes_passed_over() {
        let mut bytes = of(&["sendgate@A.EXAMPLE.TEST", "ldap/a1.a.example.test@A.EXAMPLE.TEST"]);
        bytes.extend([0xff, 0xff, 0xff, 0xfd, 1, 2, 3]);
        bytes.extend(&of(&["sendgate@A.EXAMPLE.TEST"])[2..]);
        let found = principals(&bytes).unwrap();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["ldap/a1.a.example.test@A.EXAMPLE.TEST", "sendgate@A.EXAMPLE.TEST"]);
        assert_eq!(principals(&[5, 2]), Ok(BTreeSet::new()));
    }

    #[test]
    fn what_is_cut_or_something_else_is_no_keytab() {
        let whole = of(&["sendgate@A.EXAMPLE.TEST"]);
        for cut in (0..whole.len()).filter(|cut| *cut != 2) {
            assert_eq!(principals(&whole[..cut]), Err(NoKeytab), "{cut}");
        }
        assert_eq!(principals(b"s3cret\n"), Err(NoKeytab));
        assert_eq!(principals(&[5, 2, 0x80, 0, 0, 0]), Err(NoKeytab));
    }
}
