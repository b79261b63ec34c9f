//! Where a name lies in the tree, without taking it apart: one look at each of a million names.

use sendgate_core::names::Dn;

/// Whether an object is in the domain of this head, and not in a domain below it, which a global catalog holds as well.
pub(super) fn in_domain(dn: &str, head: &Dn) -> bool {
    let Some(above) = below(dn, head.as_str()) else { return false };
    if above.is_empty() {
        return true;
    }
    // The last component before the head is one of this domain, unless it is a domain itself (RFC 2247).
    let last = above.char_indices().rev().find(|(at, c)| *c == ',' && !escaped(above, *at));
    let last = last.map_or(above, |(at, _)| &above[at + 1..]).trim_start();
    !last.get(..3).is_some_and(|kind| kind.eq_ignore_ascii_case("DC="))
}

/// Whether an object is `above` itself or lies below it.
pub(super) fn within(dn: &str, above: &Dn) -> bool {
    below(dn, above.as_str()).is_some()
}

/// What stands before `above` in a name below it; empty for `above` itself.
fn below<'a>(dn: &'a str, above: &str) -> Option<&'a str> {
    let start = dn.len().checked_sub(above.len())?;
    if !same(dn.get(start..)?, above) {
        return None;
    }
    let Some(comma) = start.checked_sub(1) else { return Some("") };
    (dn.get(comma..start) == Some(",") && !escaped(dn, comma)).then(|| &dn[..comma])
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || (!one.is_ascii() && one.to_lowercase() == other.to_lowercase())
}

/// Whether the character at `at` is escaped (RFC 4514 section 2.4): an odd number of backslashes before it.
fn escaped(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_domains_user_is_not_this_domains() {
        let head = Dn::from("DC=a,DC=test");
        for here in
            ["CN=Ann,dc=A,dc=test", "DC=a,DC=test", "DC=@,DC=zone,CN=System,DC=a,DC=test", "DC=x,OU=y,DC=a,DC=test"]
        {
            assert!(in_domain(here, &head), "{here}");
        }
        let elsewhere =
            ["CN=Ann,DC=child,DC=a,DC=test", r"CN=Ann\,DC=a,DC=test", "CN=Ann,DC=ba,DC=test", "DC=test", ""];
        for elsewhere in elsewhere {
            assert!(!in_domain(elsewhere, &head), "{elsewhere}");
        }
        assert!(in_domain(r"CN=Ann\\,DC=a,DC=test", &head));
    }

    #[test]
    fn what_lies_below_a_unit_is_told_by_whole_components() {
        let unit = Dn::from("OU=Straße,DC=a");
        assert!(within("CN=x,ou=straße,DC=a", &unit) && within("OU=STRAßE,DC=a", &unit));
        assert!(!within("CN=x,OU=Big Straße,DC=a", &unit) && !within("CN=x,DC=a", &unit));
    }
}
