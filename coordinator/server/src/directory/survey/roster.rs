//! The asked names by number, and from what an object is called to the numbers of the names that it may answer.
//!
//! A million names are to fit beside everything else, so no text is kept but the names themselves: the index holds hashes
//! of what is looked for, and whoever is found by one is compared with what his name asks for (`lookup`).

use super::lookup::{self, Strength, Way};
use sendgate_core::names::{DirectoryName, DomainName};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// The number of a name in its roster.
pub(super) type Number = u32;

/// The names that are asked for, in their order.
#[derive(Debug)]
pub(super) struct Roster {
    names: Vec<DirectoryName>,
    domain: DomainName,
    hasher: RandomState,
    index: HashMap<u64, Holders, BuildHasherDefault<AsItIs>>,
    /// Numbers that share a hash.
    several: Vec<Vec<Number>>,
}

/// Whom a hash leads to: one name, or the place of several.
#[derive(Debug, Clone, Copy)]
enum Holders {
    One(Number),
    Several(Number),
}

/// What is looked for, whichever attribute holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Address(&'a str),
    Legacy(&'a str),
    Logon(&'a str),
}

/// Hashes are hashed already.
#[derive(Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Roster {
    /// Numbers the names and makes the index.
    pub(super) fn new(asked: &BTreeSet<DirectoryName>, domain: DomainName) -> Self {
        let names: Vec<DirectoryName> = asked.iter().cloned().collect();
        let index = HashMap::with_capacity_and_hasher(names.len(), BuildHasherDefault::default());
        let mut roster = Self { names: Vec::new(), domain, hasher: RandomState::new(), index, several: Vec::new() };
        for (number, name) in (0..).zip(&names) {
            for key in asked_keys(name.as_str(), &roster.domain).into_iter().flatten() {
                let hash = roster.hash(key);
                roster.add(hash, number);
            }
        }
        roster.names = names;
        roster
    }

    fn hash(&self, key: Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    fn add(&mut self, hash: u64, number: Number) {
        let next = Number::try_from(self.several.len()).unwrap_or(Number::MAX);
        match self.index.get_mut(&hash) {
            None => drop(self.index.insert(hash, Holders::One(number))),
            Some(here) => match *here {
                Holders::One(first) => {
                    self.several.push(vec![first, number]);
                    *here = Holders::Several(next);
                }
                Holders::Several(at) => self.several.get_mut(at as usize).into_iter().for_each(|all| all.push(number)),
            },
        }
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names in their order: the first one has number 0.
    pub(super) fn names(&self) -> &[DirectoryName] {
        &self.names
    }

    /// A name by its number.
    pub(super) fn name(&self, number: Number) -> Option<&DirectoryName> {
        self.names.get(number as usize)
    }

    /// What becomes of a name in a domain whose NetBIOS name is `short`.
    pub(super) fn way(&self, number: Number, short: Option<&str>) -> Way {
        match self.name(number) {
            Some(name) => lookup::way(name, &self.domain, short),
            None => Way::Elsewhere,
        }
    }

    /// Calls `answer` for each name that an object with this value answers.
    pub(super) fn answered(
        &self,
        attribute: &str,
        value: &str,
        short: Option<&str>,
        mut answer: impl FnMut(Number, Strength),
    ) {
        let value = lower(value);
        let Some(key) = shown_key(attribute, &value) else { return };
        let numbers = match self.index.get(&self.hash(key)) {
            None => return,
            Some(Holders::One(number)) => std::slice::from_ref(number),
            Some(Holders::Several(at)) => self.several.get(*at as usize).map_or(&[][..], Vec::as_slice),
        };
        for number in numbers {
            let Way::Ask(assertions) = self.way(*number, short) else { continue };
            let holds = |(_, it): &&(Strength, lookup::Assertion)| it.attribute == attribute && it.value == value;
            if let Some((strength, _)) = assertions.iter().find(holds) {
                answer(*number, *strength);
            }
        }
    }
}

fn lower(value: &str) -> Cow<'_, str> {
    if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(value.to_lowercase())
    }
}

/// What a name is looked for by; a wider net than what it asks for.
fn asked_keys<'a>(name: &'a str, domain: &DomainName) -> [Option<Key<'a>>; 2] {
    if name.starts_with('/') {
        return [Some(Key::Legacy(name)), None];
    }
    if let Some((_, account)) = name.split_once('\\') {
        return [Some(Key::Logon(account)), None];
    }
    match name.split_once('@') {
        Some((local, suffix)) => [Some(Key::Address(name)), (suffix == domain.as_str()).then_some(Key::Logon(local))],
        None => [Some(Key::Logon(name)), None],
    }
}

/// What an object is found by, from a value in lower case.
fn shown_key<'a>(attribute: &str, value: &'a str) -> Option<Key<'a>> {
    match attribute {
        "mail" | "userPrincipalName" => Some(Key::Address(value)),
        "proxyAddresses" => match value.strip_prefix("smtp:") {
            Some(address) => Some(Key::Address(address)),
            None => value.strip_prefix("x500:").map(Key::Legacy),
        },
        "legacyExchangeDN" => Some(Key::Legacy(value)),
        "sAMAccountName" => Some(Key::Logon(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(names: &[&str]) -> Roster {
        Roster::new(&names.iter().map(|name| name.parse().unwrap()).collect(), "a.test".parse().unwrap())
    }

    fn answered(roster: &Roster, attribute: &str, value: &str) -> Vec<(String, Strength)> {
        let mut names = Vec::new();
        roster.answered(attribute, value, Some("ADOM"), |number, strength| {
            names.push((roster.name(number).unwrap().to_string(), strength));
        });
        names.sort();
        names
    }

    #[test]
    fn answers_are_attributed_without_letter_case() {
        let roster = roster(&["ann@x.test", "ünal@x.test"]);
        let ann = [("ann@x.test".to_owned(), Strength::Explicit)];
        assert_eq!(answered(&roster, "mail", "Ann@X.test"), ann);
        assert_eq!(answered(&roster, "proxyAddresses", "SMTP:ann@x.test"), ann);
        assert_eq!(answered(&roster, "userPrincipalName", "ANN@X.TEST"), ann);
        assert_eq!(answered(&roster, "mail", "Ünal@x.test").len(), 1);
        for (attribute, value) in
            [("mail", "bob@x.test"), ("sAMAccountName", "ann@x.test"), ("proxyAddresses", "ann@x.test")]
        {
            assert!(answered(&roster, attribute, value).is_empty(), "{attribute}={value}");
        }
    }

    #[test]
    fn names_that_ask_for_the_same_are_all_answered() {
        let roster = roster(&["adom\\ann", "ann", "ann@a.test", "bdom\\ann", "ann@b.test"]);
        let (explicit, implicit) = (Strength::Explicit, Strength::Implicit);
        let expected =
            [("adom\\ann".to_owned(), explicit), ("ann".to_owned(), explicit), ("ann@a.test".to_owned(), implicit)];
        assert_eq!(answered(&roster, "sAMAccountName", "ANN"), expected);
    }

    #[test]
    fn a_former_legacy_name_is_found_among_the_addresses() {
        let roster = roster(&["/o=Org/cn=Ann"]);
        assert_eq!(answered(&roster, "legacyExchangeDN", "/O=Org/CN=Ann").len(), 1);
        assert_eq!(answered(&roster, "proxyAddresses", "X500:/o=org/cn=ann").len(), 1);
        assert!(answered(&roster, "proxyAddresses", "smtp:/o=org/cn=ann").is_empty());
    }
}
