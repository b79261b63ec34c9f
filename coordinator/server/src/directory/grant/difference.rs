//! What differs between two lists of explicit entries, in words.

use sendgate_core::secdesc::SecurityDescriptor;
use std::fmt;

/// Entries that are listed of each kind.
const LISTED: usize = 20;

/// Characters that are shown of one: it may hold 64 KB of a program's own data.
const LONGEST: usize = 500;

/// A difference between entries as they should be and as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    missing: Vec<String>,
    new: Vec<String>,
}

impl Difference {
    /// Compares bytes and order; nothing if both are the same.
    pub(super) fn between(wanted: &[Vec<u8>], there: &[Vec<u8>]) -> Option<Self> {
        if wanted == there {
            return None;
        }
        let lacking = |from: &[Vec<u8>], of: &[Vec<u8>]| {
            let mut rest = from.to_vec();
            let mut lacking = Vec::new();
            for entry in of {
                match rest.iter().position(|other| other == entry) {
                    Some(at) => drop(rest.swap_remove(at)),
                    None => lacking.push(shown(entry)),
                }
            }
            lacking
        };
        Some(Self { missing: lacking(there, wanted), new: lacking(wanted, there) })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.missing.as_slice(), self.new.as_slice()) {
            ([], []) => write!(f, "the entries are the same in another order"),
            ([], new) => write!(f, "new: {}", listed(new)),
            (missing, []) => write!(f, "missing: {}", listed(missing)),
            (missing, new) => write!(f, "missing: {}; new: {}", listed(missing), listed(new)),
        }
    }
}

/// As many as a journal record has room for beside the rest.
fn listed(entries: &[String]) -> String {
    let shown = entries.iter().take(LISTED).map(|entry| match entry.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &entry[..at]),
        None => entry.clone(),
    });
    let mut text = shown.collect::<Vec<_>>().join(" ");
    if let Some(more) = entries.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// An entry as SDDL, read in a descriptor of its own; as hexadecimal if it is of no known form.
fn shown(entry: &[u8]) -> String {
    let size = entry.len() + 8;
    let length = u16::try_from(size).unwrap_or(u16::MAX);
    // A self-relative descriptor that holds nothing but a DACL (MS-DTYP 2.4.6) of this one entry (2.4.5).
    let mut bytes = vec![1, 0, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 0];
    bytes.extend(length.to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(entry);
    let text = match SecurityDescriptor::parse(&bytes) {
        Ok(descriptor) => descriptor.dacl().acl().and_then(|acl| acl.aces().first()).map(|ace| ace.to_sddl()),
        Err(_) => None,
    };
    text.unwrap_or_else(|| entry.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendgate_core::secdesc::edit::GrantForm;
    use std::slice;

    fn entry(rid: u32) -> Vec<u8> {
        let sid = format!("S-1-5-21-1-2-3-{rid}").parse().unwrap();
        GrantForm::Object.entry(&sid).unwrap().to_bytes()
    }

    #[test]
    fn a_difference_is_told_in_sddl() {
        let (one, two, three) = (entry(1), entry(2), entry(3));
        let difference = Difference::between(&[one.clone(), two.clone()], &[one.clone(), three]).unwrap();
        assert_eq!(
            difference.to_string(),
            "missing: (OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-2); \
             new: (OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-3)"
        );
        let order = Difference::between(&[one.clone(), two.clone()], &[two.clone(), one.clone()]).unwrap();
        assert_eq!(order.to_string(), "the entries are the same in another order");
        let twice = Difference::between(slice::from_ref(&one), &[one.clone(), one.clone()]).unwrap();
        assert!(twice.to_string().starts_with("new: (OA;"), "{twice}");
        assert_eq!(Difference::between(slice::from_ref(&one), slice::from_ref(&one)), None);
        assert_eq!(shown(&[9]), "09");
    }

    #[test]
    fn of_many_entries_and_of_a_long_one_not_everything_is_told() {
        let many: Vec<_> = (1..=1000).map(entry).collect();
        let text = Difference::between(&[], &many).unwrap().to_string();
        assert!(text.contains("-1-2-3-20) and 980 more") && !text.contains("-1-2-3-21)"), "{text}");
        let text = Difference::between(&[vec![9; 60_000]], &[]).unwrap().to_string();
        assert_eq!(text, format!("missing: {}…", "09".repeat(250)));
    }
}
