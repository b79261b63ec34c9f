//! What people are shown survives its way over the wire, and says what must not be overlooked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, Example, minutes, name};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::plan;
use sendgate_core::view::{self, GateState};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(view: &T) {
    let text = serde_json::to_string(view).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), view, "{text}");
}

fn troubled() -> Example {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.set("bert", VerdictKind::Missing, Cause::NoEntry);
    example.paused.extend(["anna", "bert"]);
    example.down.insert("a2", "connection refused");
    example.rollout();
    example.observe_all();
    example.settle();
    example.waive("anna", "left the company");
    example.exchange("exa1", AFTER);
    example.settle();
    example
}

#[test]
fn every_view_survives_the_wire() {
    let example = troubled();
    let world = example.world();
    survives(&view::status(world));
    survives(&view::hosts(world));
    survives(&view::domains(world));
    survives(&view::coverage(world, &name("a.example.test")));
    survives(&view::explain(world, "anna"));
    survives(&view::plan(world, &plan::plan(world)));
    survives(&view::gate(world, "a.example.test").unwrap());
    survives(&view::gate(world, "EXA1").unwrap());
    survives(&view::rollout(world, &name("dst")).unwrap());
    survives(&view::grants(world));
}

#[test]
fn status_shows_breach_drift_waiver_and_pauses() {
    let example = troubled();
    let status = view::status(example.world());
    assert_eq!(status.breaches.len(), 1, "exa1 enforces now, and anna is denied");
    assert_eq!(
        (status.breaches[0].server.as_str(), status.breaches[0].users, status.breaches[0].waived),
        ("exa1", 1, 1)
    );
    assert_eq!(status.drift.len(), 1);
    assert_eq!(status.waivers[0].waiver.user, name("anna@a.example.test"));
    let paused = status.paused[0].users.as_ref().unwrap();
    assert_eq!(paused[&name("anna")], "waived");
    assert!(paused[&name("bert")].starts_with("not covered"), "{paused:?}");
}

#[test]
fn silence_is_shown_as_not_known_and_not_as_nobody_paused() {
    let mut example = Example::covered();
    example.silence(minutes(3));
    let status = view::status(example.world());
    assert_eq!(status.paused[0].users, Err("its host has been silent for 3m 0s".into()));
}

#[test]
fn a_gate_of_unknowns_cannot_tell_and_an_unknown_subject_is_an_error() {
    let mut example = Example::covered();
    example.estate.domains.clear();
    assert_eq!(view::gate(example.world(), "exa1").unwrap().state, GateState::CannotTell);
    let error = view::gate(example.world(), "exz9").unwrap_err().to_string();
    assert_eq!(
        error,
        "\"exz9\" is neither a configured domain nor a configured Exchange server; configured are a.example.test, exa1, exa2"
    );
}

#[test]
fn a_coverage_report_says_what_its_numbers_suggest() {
    let mut example = Example::covered();
    let triage = |example: &Example| view::coverage(example.world(), &name("a.example.test")).triage;
    assert_eq!(triage(&example), "every roster user is covered");
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    assert_eq!(triage(&example), "some are not covered: look for protected accounts, blocked inheritance and denies");
    for user in ["bert", "carl"] {
        example.set(user, VerdictKind::Missing, Cause::NoEntry);
    }
    example.survey();
    assert_eq!(triage(&example), "nobody is covered: the grant is missing");
    example.estate.domains.clear();
    assert!(triage(&example).contains("missing evidence"));
}

#[test]
fn users_who_share_a_verdict_share_a_line_and_others_keep_theirs() {
    let user = |name_of: &str, kind| sendgate_core::gate::Reason::User {
        user: name(name_of),
        account: name("goodadmin@a.example.test"),
        kind,
        cause: Cause::NoEntry,
        entry: None,
    };
    let mut reasons: Vec<_> = ["a", "b", "c", "d", "e"].map(|user_of| user(user_of, VerdictKind::Missing)).into();
    reasons.push(user("f", VerdictKind::Denied));
    reasons.push(sendgate_core::gate::Reason::EmptyRoster { goodlink: name("gla") });
    let reasons: Vec<_> =
        reasons.into_iter().map(|reason| view::ReasonLine { text: reason.to_string(), reason }).collect();
    let lines = view::summary(&reasons);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("the roster of GoodLink server gla is empty"));
    assert!(lines[1].starts_with("user f is denied"));
    assert_eq!(
        lines[2],
        "5 users are missing for goodadmin@a.example.test: no entry reaches the user (a, b, c and 2 more)"
    );
}
