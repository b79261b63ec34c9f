//! Distinguished names: what is the same one, what lies above and within, and the text of what is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by it")]

use proptest::prelude::*;
use sendgate_core::names::Dn;
use std::collections::{BTreeSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

fn hash(dn: &Dn) -> u64 {
    let mut hasher = DefaultHasher::new();
    dn.hash(&mut hasher);
    hasher.finish()
}

/// All of them are well-formed and the same name.
fn same(texts: &[&str]) {
    let names: Vec<Dn> = texts.iter().map(|text| Dn::parse(text).unwrap()).collect();
    for other in &names {
        assert_eq!(&names[0], other);
        assert_eq!(hash(&names[0]), hash(other), "{other}");
        assert_eq!(names[0].cmp(other), std::cmp::Ordering::Equal, "{other}");
        assert_eq!(names[0].canonical(), other.canonical());
    }
}

fn parent(text: &str) -> Option<String> {
    Dn::from(text).parent().map(String::from)
}

#[test]
fn letter_case_escapes_quotes_and_optional_spaces_do_not_count() {
    same(&[
        "CN=Jo Doe,OU=Sales,DC=a",
        "cn=jo doe,ou=SALES,dc=A",
        "CN = Jo Doe , OU= Sales,  DC=a ",
        "oid.CN=jo doe,ou=sales,dc=a",
    ]);
    same(&[r"CN=Doe\, Jo,DC=a", r"CN=Doe\2C Jo,DC=a", r"CN=doe\2c jo,DC=A", "CN=\"Doe, Jo\",DC=a"]);
    same(&[r"CN=a\=b,DC=a", "CN=a=b,DC=a", r"CN=a\3Db,DC=a"]);
    same(&[r"CN=\C3\84rger,DC=a", "CN=Ärger,DC=a", "cn=ärger,dc=a", r"CN=\c3\a4rger,DC=a"]);
    same(&[r"CN=\ x\ ,DC=a", r"CN=\20x\20,DC=a", "CN=\" x \",DC=a"]);
    same(&["CN=x+OU=y,DC=a", "OU=y+CN=x,DC=a", "ou=Y + cn=X,DC=a"]);
    same(&["2.5.4.3=#04024869", "OID.2.5.4.3=#04024869"]);
}

#[test]
fn what_differs_is_another_name() {
    let all = [
        r"CN=\ x,DC=a",
        "CN=x,DC=a",
        r"CN=\#78,DC=a",
        "CN=#78,DC=a",
        r"CN=x\+OU=y,DC=a",
        "CN=x+OU=y,DC=a",
        r"CN=x\,OU=y,DC=a",
        "CN=x,OU=y,DC=a",
        r"CN=\84,DC=a",
        r"CN=\5C84,DC=a",
        "OU=x,DC=a",
        "CN=,DC=a",
        "",
        "CN=x",
    ];
    let names: BTreeSet<Dn> = all.iter().map(|text| Dn::parse(text).unwrap()).collect();
    assert_eq!(names.len(), all.len(), "{names:?}");
    let hashes: BTreeSet<u64> = names.iter().map(hash).collect();
    assert_eq!(hashes.len(), all.len());
}

#[test]
fn only_a_comma_that_is_not_escaped_or_quoted_ends_a_component() {
    assert_eq!(parent(r"CN=Doe\, Jo,OU=Hosted,DC=a").as_deref(), Some("OU=Hosted,DC=a"));
    assert_eq!(parent(r"CN=Doe\\,OU=Hosted,DC=a").as_deref(), Some("OU=Hosted,DC=a"));
    assert_eq!(parent(r"CN=Doe\2C,OU=Hosted").as_deref(), Some("OU=Hosted"));
    assert_eq!(parent("CN=\"Doe, \\\"Jo\\\", x\", OU=Hosted,DC=a").as_deref(), Some("OU=Hosted,DC=a"));
    assert_eq!(parent("CN=x+OU=y,DC=a").as_deref(), Some("DC=a"));
    // The mark that a directory puts into the name of an object whose name was taken.
    assert_eq!(parent("CN=Jo\\0ACNF:1b4e28ba-2fa1-11d2-883f-0016d3cca427,DC=a").as_deref(), Some("DC=a"));
    assert_eq!(parent("DC=a"), None);
    assert_eq!(parent(""), None);
    assert_eq!(parent(r"CN=a\,DC=b"), None);
}

#[test]
fn within_is_by_whole_components() {
    let within = |low: &str, above: &str| Dn::from(low).is_within(&Dn::from(above));
    assert!(within(r"CN=Doe\, Jo,OU=Hosted,DC=a", "dc=A"));
    assert!(within(r"CN=Doe\, Jo,OU=Hosted,DC=a", r"ou=hosted,dc=a"));
    assert!(within(r"CN=x,OU=A\2C B,DC=a", "OU=\"a, b\",DC=a"));
    assert!(within("DC=a", "DC=a"));
    assert!(!within("DC=a", "CN=x,DC=a"));
    assert!(!within("CN=x,OU=Hosted,DC=a", "OU=Other,DC=a"));
    // A tail of the text, but not of the name.
    assert!(!within(r"CN=x\,OU=Hosted,DC=a", "OU=Hosted,DC=a"));
    assert!(!within("CN=xOU=Hosted,DC=a", "OU=Hosted,DC=a"));
    assert!(!within("CN=\"x,OU=Hosted\",DC=a", "OU=Hosted,DC=a"));
    assert!(!within("CN=x,DC=aa", "DC=a") && !within("CN=x+DC=a", "DC=a"));
    assert!(!within("CN=x,DC=a", ""));
}

#[test]
fn text_that_is_no_name_equals_only_itself_and_lies_nowhere() {
    let text = "no name,DC=a";
    let bad = Dn::from(text);
    assert!(!bad.is_well_formed());
    assert_eq!(bad, Dn::from("NO NAME,dc=A"));
    assert_ne!(bad, Dn::from("DC=a"));
    assert_eq!(bad.parent(), None);
    assert!(bad.is_within(&bad) && !bad.is_within(&Dn::from("DC=a")) && !Dn::from("CN=x,DC=a").is_within(&bad));
    assert_eq!(bad.to_string(), text);
    assert_eq!(serde_json::to_string(&bad).unwrap(), format!("{text:?}"));
    assert_eq!(serde_json::from_str::<Dn>("\"CN=X,DC=a\"").unwrap(), Dn::from("cn=x,dc=a"));
}

#[test]
fn errors_say_where_and_what() {
    let hint = "write it like CN=Doe\\, Jo,OU=Sales,DC=example, with a backslash before a comma, plus, quote, backslash, \
                semicolon or angle bracket of a value";
    for (text, position, problem) in [
        ("Sales", 5, "the equals sign behind the attribute type is missing"),
        ("Big Sales=x", 4, "the equals sign behind the attribute type is missing"),
        ("=x", 0, "an attribute type such as CN is missing"),
        ("1.=x", 0, "an attribute type such as CN is missing"),
        ("CN=x,,DC=a", 5, "an attribute type such as CN is missing"),
        ("CN=x,", 5, "a component is missing behind the last comma"),
        ("CN=a;b", 4, "a character stands in a value without a backslash"),
        ("CN=a\0", 4, "a value holds a zero byte that is not escaped"),
        ("CN=\"a", 3, "a quoted value is not closed"),
        ("CN=\"a\"b", 6, "a comma, a plus or the end is missing"),
        ("CN=#1", 3, "a value that starts with # is not made of pairs of hexadecimal digits"),
        (r"CN=\x", 4, "a backslash stands before neither a special character nor two hexadecimal digits"),
        ("CN=x\\", 5, "a backslash stands before neither a special character nor two hexadecimal digits"),
    ] {
        let error = Dn::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("{text:?} is not a distinguished name: at byte {position} {problem}; {hint}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any values, escaped as RFC 4514 section 2.4 says at the least, in front of one another.
    #[test]
    fn escaped_values_come_apart_where_they_were_put_together(values in prop::collection::vec("[a-z,+\"\\\\<>;=# ]{1,6}", 1..5)) {
        let escaped = |c: char| if c.is_ascii_lowercase() { c.to_string() } else { format!("\\{c}") };
        let part = |value: &String| format!("OU={}", value.chars().map(escaped).collect::<String>());
        let parts: Vec<String> = values.iter().map(part).collect();
        let mut here = Some(Dn::parse(&parts.join(",")).unwrap());
        for at in 0..parts.len() {
            let dn = here.unwrap();
            prop_assert_eq!(&dn, &Dn::parse(&parts[at..].join(", ")).unwrap());
            prop_assert!(Dn::parse(&parts.join(",")).unwrap().is_within(&dn));
            here = dn.parent();
        }
        prop_assert_eq!(here, None);
    }
}
