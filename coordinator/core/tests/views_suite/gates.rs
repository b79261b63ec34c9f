//! Gates as people are shown them.

use crate::example::{Example, name};
use sendgate_core::gate::Reason;
use sendgate_core::view::{self, GateState};

/// A domain with the service account alone: whoever asks, and whatever is known of its servers, it is never open.
#[test]
fn a_domain_in_which_nobody_is_declared_to_have_users_is_not_open() {
    let mut example = Example::covered();
    let r = example.policy.domains[&name("a.example.test")].clone();
    example.policy.domains.insert(name("r.example.test"), r);
    let text = "no GoodLink server is declared to have users in r.example.test: add it to the domains of one that has; for \
                a domain of service accounts alone this is as it should be";
    let shown = |example: &Example| {
        let line = view::status(example.world()).domains.remove(1);
        let gate = view::gate(example.world(), "r.example.test").unwrap();
        assert_eq!((line.domain, &line.reasons), (name("r.example.test"), &gate.reasons));
        assert_eq!((line.gate, gate.state), (GateState::CannotTell, GateState::CannotTell));
        let texts: Vec<_> = gate.reasons.into_iter().map(|line| line.text).collect();
        assert_eq!(texts, [text]);
    };
    shown(&example);
    let mut picture = example.estate.domains[&name("a.example.test")].clone();
    picture.domain = name("r.example.test");
    example.estate.domains.insert(picture.domain.clone(), picture);
    shown(&example);
    assert_eq!(view::domains(example.world()).domains[0].gate, GateState::Open);
}

fn summary(reasons: impl IntoIterator<Item = Reason>) -> Vec<String> {
    let lines = reasons.into_iter().map(|reason| view::ReasonLine { text: reason.to_string(), reason });
    view::summary(&lines.collect::<Vec<_>>())
}

/// Of many users nobody is looked for: they share a line, as the reasons of the gate come.
#[test]
fn users_who_are_unresolved_for_one_cause_share_a_line() {
    let mut example = Example::covered();
    example.roster(&["anna", "dora", "emil", "fred", "gina", "hans"]);
    let line = "5 users of gla are unresolved: not asked for in the last survey of a.example.test (dora, emil, fred and 2 more)";
    assert_eq!(summary(example.reasons("exa1")), [line]);
    let mut picture = example.estate.domains[&name("a.example.test")].clone();
    for user in ["dora", "emil", "fred", "gina"] {
        let user = name(&format!("{user}@a.example.test"));
        picture.users.insert(user, sendgate_core::coverage::verdict::Presence::Absent);
    }
    example.estate.domains.insert(picture.domain.clone(), picture);
    let nobody = "4 users of gla are unresolved: not found in a.example.test (dora, emil, fred and 1 more)";
    let hans = "roster user hans of gla is unresolved: not asked for in the last survey of a.example.test";
    assert_eq!(summary(example.reasons("exa1")), [hans, nobody]);
}

#[test]
fn users_whose_mailboxes_are_not_where_they_ought_to_be_share_a_line() {
    let users = || ["a", "b", "c", "d"].map(name);
    let undeclared =
        |server: &str| users().map(|user| Reason::HomeUndeclared { user, server: name(server), goodlink: name("gla") });
    let unknown = |why: &str| users().map(|user| Reason::HomeUnknown { user, why: why.into() });
    let lines = summary(
        undeclared("exa8").into_iter().chain(undeclared("exa9")).chain(unknown("no homeMDB")).chain(unknown("two")),
    );
    let at = |server: &str| {
        format!(
            "4 users have their mailboxes on {server}, which gla is not declared to use: add it to the configuration (a, b, \
             c and 1 more)"
        )
    };
    let why = |why: &str| format!("4 users have mailboxes that cannot be placed: {why} (a, b, c and 1 more)");
    assert_eq!(lines, [why("no homeMDB"), why("two"), at("exa8"), at("exa9")]);
    let [one, ..] = undeclared("exa9");
    assert_eq!(summary([one.clone()]), [one.to_string()]);
}
