//! A roster user who was not judged has one word, whoever is asked.

use crate::example::{Example, name};
use sendgate_core::coverage::{Presence, VerdictKind};
use sendgate_core::view::{self, Explanations};

fn words(example: &Example) -> (VerdictKind, String) {
    let user = view::explain(example.world(), "anna", &Explanations::new()).users.remove(0);
    let report = view::coverage(example.world(), &name("a.example.test"));
    let line = report.users.into_iter().find(|line| line.user == Some(name("anna"))).unwrap();
    assert_eq!((user.kind.to_string(), &user.cause), (line.verdict, &line.cause));
    assert_eq!(user.verdict.is_some(), user.covered());
    (user.kind, user.sentence)
}

#[test]
fn explain_and_coverage_have_one_word_for_whoever_was_not_judged() {
    let mut example = Example::covered();
    let covered = "anna is covered for goodadmin@a.example.test: an entry grants it".to_owned();
    assert_eq!(words(&example), (VerdictKind::Covered, covered));
    let is = |example: &mut Example, presence| {
        let picture = example.estate.domains.get_mut(&name("a.example.test")).unwrap();
        picture.users.insert(name("anna@a.example.test"), presence);
    };
    is(&mut example, Presence::Absent);
    let absent = "anna is unresolved: not found in a.example.test".to_owned();
    assert_eq!(words(&example), (VerdictKind::Unresolved, absent));
    is(&mut example, Presence::Unknown("a2: connection refused".into()));
    let unknown = "anna is unreadable: a.example.test: a2: connection refused".to_owned();
    assert_eq!(words(&example), (VerdictKind::Unreadable, unknown));
    example.survey();
    let picture = example.estate.domains.get_mut(&name("a.example.test")).unwrap();
    let Some(Presence::Here(anna)) = picture.users.get_mut(&name("anna@a.example.test")) else {
        panic!("she is there")
    };
    anna.verdicts = std::sync::Arc::default();
    let unjudged = "anna is unreadable: the last survey did not judge him for goodadmin@a.example.test".to_owned();
    assert_eq!(words(&example), (VerdictKind::Unreadable, unjudged));
    example.estate.domains.clear();
    let none = "anna is unreadable: a.example.test has not been surveyed, or too long ago".to_owned();
    assert_eq!(words(&example), (VerdictKind::Unreadable, none));
}
