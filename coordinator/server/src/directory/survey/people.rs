//! The asked users: every name ends as found, not found, ambiguous or failed.

use super::super::DirectoryError;
use super::super::entry::Entry;
use super::super::session::Session;
use super::SurveyRequest;
use super::descriptors::Descriptors;
use super::lookup::{self, Assertion, EVERYBODY, Index, Strength, Way};
use super::protection::Protection;
use super::user;
use sendgate_core::coverage::reading::{FoundUser, UserReading};
use sendgate_core::guid::Guid;
use sendgate_core::names::{DirectoryName, Dn};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Names in one search: some 200 assertions, which every server takes.
const NAMES_PER_SEARCH: usize = 50;

/// From this many names on, everybody is read once instead: one walk over the domain is cheaper than many searches, of
/// which each may be a walk where an attribute is not indexed.
const READ_EVERYBODY_FROM: usize = 1_000;

/// An object that answers a name.
#[derive(Debug, Clone)]
struct Answer {
    strength: Strength,
    dn: Dn,
    object: Result<Arc<FoundUser>, Unusable>,
}

/// An object that was found, but not understood.
#[derive(Debug, Clone)]
struct Unusable {
    guid: Option<Guid>,
    why: String,
}

impl Answer {
    /// Which object it is, if that much is known.
    fn guid(&self) -> Option<Guid> {
        match &self.object {
            Ok(user) => Some(user.guid),
            Err(unusable) => unusable.guid,
        }
    }
}

/// Looks for every asked name.
///
/// # Errors
/// A search that was not complete.
pub(super) async fn read(
    session: &Session,
    head: &Dn,
    request: &SurveyRequest,
    short_name: Option<&str>,
    protection: &Protection,
    descriptors: &mut Descriptors,
) -> Result<BTreeMap<DirectoryName, UserReading>, DirectoryError> {
    let mut users = BTreeMap::new();
    let mut ask = Vec::new();
    for name in &request.asked {
        match lookup::way(name, &request.domain, short_name) {
            Way::Ask(assertions) => ask.push((name, assertions)),
            Way::Elsewhere => drop(users.insert(name.clone(), UserReading::NotFound)),
            Way::Unclear(why) => drop(users.insert(name.clone(), UserReading::Failed(why))),
        }
    }
    let everybody = ask.len() >= READ_EVERYBODY_FROM;
    let at_once = if everybody { ask.len() } else { NAMES_PER_SEARCH };
    for some in ask.chunks(at_once) {
        let mut found = Found::new(head, some);
        let filter = if everybody { EVERYBODY.to_owned() } else { lookup::somebody(assertions(some)) };
        let attempt = if everybody { "reading all users" } else { "looking users up" };
        let attributes: Vec<&str> = user::ATTRIBUTES.iter().chain(&lookup::ATTRIBUTES).copied().collect();
        session
            .each(attempt, head.as_str(), &filter, &attributes, |entry| {
                found.take(&entry, protection, descriptors);
                Ok(())
            })
            .await?;
        users.extend(found.settle(!everybody));
    }
    Ok(users)
}

fn assertions<'a>(some: &'a [(&DirectoryName, Vec<(Strength, Assertion)>)]) -> impl Iterator<Item = &'a Assertion> {
    some.iter().flat_map(|(_, assertions)| assertions.iter().map(|(_, assertion)| assertion))
}

/// What one search has found so far.
struct Found<'a> {
    head: &'a Dn,
    index: Index<'a>,
    answers: BTreeMap<&'a DirectoryName, Vec<Answer>>,
    /// Objects that the server takes for an answer, and we do not see to what.
    stray: BTreeSet<Dn>,
}

impl<'a> Found<'a> {
    fn new(head: &'a Dn, asked: &'a [(&'a DirectoryName, Vec<(Strength, Assertion)>)]) -> Self {
        let mut index = Index::default();
        for (name, assertions) in asked {
            index.add(name, assertions);
        }
        let answers = asked.iter().map(|(name, _)| (*name, Vec::new())).collect();
        Self { head, index, answers, stray: BTreeSet::new() }
    }

    fn take(&mut self, entry: &Entry, protection: &Protection, descriptors: &mut Descriptors) {
        let dn = Dn::from(entry.dn.as_str());
        // A global catalog also holds the domains below this one.
        if domain_part(&dn) != *self.head {
            return;
        }
        let mut answered: BTreeMap<&'a DirectoryName, Strength> = BTreeMap::new();
        for attribute in lookup::ATTRIBUTES {
            for value in entry.texts(attribute) {
                for (strength, name) in self.index.answered(attribute, value) {
                    let known = answered.entry(name).or_insert(*strength);
                    *known = (*known).min(*strength);
                }
            }
        }
        if answered.is_empty() {
            self.stray.insert(dn);
            return;
        }
        let object = user::user(entry, protection, descriptors)
            .map(Arc::new)
            .map_err(|why| Unusable { guid: user::guid(entry).ok(), why });
        for (name, strength) in answered {
            let answer = Answer { strength, dn: dn.clone(), object: object.clone() };
            self.answers.entry(name).or_default().push(answer);
        }
    }

    /// The search is complete: what became of each name. If only answers were asked for (`strays_count`), one that
    /// answers no name as we compare (servers also ignore accents and such) may be any of those not found.
    fn settle(self, strays_count: bool) -> impl Iterator<Item = (DirectoryName, UserReading)> {
        let stray = self.stray.into_iter().next().filter(|_| strays_count);
        self.answers.into_iter().map(move |(name, answers)| {
            let reading = match (settle(answers), &stray) {
                (UserReading::NotFound, Some(stray)) => {
                    UserReading::Failed(format!("the server takes {stray} for an answer to one of the names asked for, but none of its names is one of them"))
                }
                (reading, _) => reading,
            };
            (name.clone(), reading)
        })
    }
}

fn settle(mut answers: Vec<Answer>) -> UserReading {
    let Some(strongest) = answers.iter().map(|answer| answer.strength).min() else { return UserReading::NotFound };
    answers.retain(|answer| answer.strength == strongest);
    let known: BTreeSet<Guid> = answers.iter().filter_map(Answer::guid).collect();
    let unknown = answers.iter().filter(|answer| answer.guid().is_none()).count();
    if known.len() + unknown > 1 {
        let dns: BTreeSet<Dn> = answers.into_iter().map(|answer| answer.dn).collect();
        return UserReading::Ambiguous(dns.into_iter().collect());
    }
    match answers.into_iter().next() {
        Some(Answer { object: Ok(user), .. }) => UserReading::Found(user),
        Some(Answer { object: Err(unusable), dn, .. }) => UserReading::Failed(format!("{dn}: {}", unusable.why)),
        None => UserReading::NotFound,
    }
}

/// The domain that an object is in: the last components of its name, as far as they are `DC=` (RFC 2247).
pub(super) fn domain_part(dn: &Dn) -> Dn {
    let mut domain = dn.clone();
    let mut here = Some(dn.clone());
    while let Some(dn) = here {
        here = dn.parent();
        let component = dn.as_str().get(..3).unwrap_or_default();
        if !component.eq_ignore_ascii_case("DC=") {
            // Everything so far lies below something that is no domain.
            match &here {
                Some(above) => domain = above.clone(),
                None => return dn,
            }
        }
    }
    domain
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendgate_core::sid::Sid;

    const HEAD: &str = "DC=a,DC=test";

    fn person(dn: &str, guid: u8, values: &[(&str, &[&[u8]])]) -> Entry {
        let sid = "S-1-5-21-1-2-3-1104".parse::<Sid>().unwrap().to_bytes();
        let (sid, guid): ([&[u8]; 1], [&[u8]; 1]) = ([&sid], [&[guid; 16]]);
        let mut all: Vec<(&str, &[&[u8]])> = vec![
            ("objectGUID", &guid),
            ("objectSid", &sid),
            ("objectClass", &[b"user"]),
            ("primaryGroupID", &[b"513"]),
        ];
        all.retain(|(name, _)| !values.iter().any(|(given, _)| given == name));
        all.extend(values);
        Entry::of(dn, &all)
    }

    fn survey(asked: &[&str], entries: &[Entry], strays_count: bool) -> Vec<UserReading> {
        let names: Vec<DirectoryName> = asked.iter().map(|name| name.parse().unwrap()).collect();
        let domain = "a.test".parse().unwrap();
        let ask: Vec<_> = names
            .iter()
            .map(|name| match lookup::way(name, &domain, Some("A")) {
                Way::Ask(assertions) => (name, assertions),
                other => panic!("{other:?}"),
            })
            .collect();
        let head = Dn::from(HEAD);
        let mut found = Found::new(&head, &ask);
        for entry in entries {
            found.take(entry, &Protection::default(), &mut Descriptors::default());
        }
        let mut readings: BTreeMap<_, _> = found.settle(strays_count).collect();
        names.iter().map(|name| readings.remove(name).unwrap()).collect()
    }

    #[test]
    fn every_name_is_accounted_for() {
        let ann = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"Ann@x.test"]), ("sAMAccountName", &[b"ann"])]);
        let readings = survey(&["ann@x.test", "A\\ann", "bob@x.test"], &[ann], true);
        assert!(matches!(&readings[0], UserReading::Found(user) if user.dn == Dn::from("cn=ann,dc=a,dc=test")));
        assert!(matches!(readings[1], UserReading::Found(_)));
        assert!(matches!(readings[2], UserReading::NotFound));
    }

    #[test]
    fn two_objects_are_ambiguous_and_one_twice_is_not() {
        let first = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"ann@x.test"])]);
        let second = person("CN=Bob,DC=a,DC=test", 2, &[("proxyAddresses", &[b"SMTP:bob@x.test", b"smtp:ann@x.test"])]);
        let readings = survey(&["ann@x.test"], &[first.clone(), second], true);
        let UserReading::Ambiguous(dns) = &readings[0] else { panic!("{readings:?}") };
        assert_eq!(dns, &[Dn::from("CN=Ann,DC=a,DC=test"), Dn::from("CN=Bob,DC=a,DC=test")]);
        assert!(matches!(survey(&["ann@x.test"], &[first.clone(), first], true)[0], UserReading::Found(_)));
    }

    #[test]
    fn a_logon_name_gives_way_to_an_address() {
        let logon = person("CN=Ann,DC=a,DC=test", 1, &[("sAMAccountName", &[b"ann"])]);
        let address = person("CN=Other,DC=a,DC=test", 2, &[("mail", &[b"ann@a.test"])]);
        assert!(matches!(&survey(&["ann@a.test"], std::slice::from_ref(&logon), true)[0], UserReading::Found(_)));
        let readings = survey(&["ann@a.test"], &[logon, address], true);
        assert!(matches!(&readings[0], UserReading::Found(user) if user.dn == Dn::from("CN=Other,DC=a,DC=test")));
    }

    #[test]
    fn what_is_not_understood_fails_by_name() {
        let odd = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"ann@x.test"]), ("objectSid", &[])]);
        let readings = survey(&["ann@x.test"], &[odd], true);
        let UserReading::Failed(why) = &readings[0] else { panic!("{readings:?}") };
        assert_eq!(why, "CN=Ann,DC=a,DC=test: objectSid was not shown");
    }

    #[test]
    fn an_answer_to_nobody_leaves_the_missing_open() {
        let stray = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &["änn@x.test".as_bytes()])]);
        let UserReading::Failed(why) = &survey(&["ann@x.test"], std::slice::from_ref(&stray), true)[0] else {
            panic!("found")
        };
        assert!(why.starts_with("the server takes CN=Ann,DC=a,DC=test for an answer"), "{why}");
        assert!(matches!(survey(&["ann@x.test"], &[stray], false)[0], UserReading::NotFound));
    }

    #[test]
    fn a_child_domains_user_is_not_this_domains() {
        let child = person("CN=Ann,DC=child,DC=a,DC=test", 1, &[("mail", &[b"ann@x.test"])]);
        assert!(matches!(survey(&["ann@x.test"], &[child], true)[0], UserReading::NotFound));
        assert_eq!(domain_part(&Dn::from("DC=@,DC=zone,CN=System,DC=a,DC=test")), Dn::from(HEAD));
        assert_eq!(domain_part(&Dn::from(HEAD)), Dn::from(HEAD));
    }
}
