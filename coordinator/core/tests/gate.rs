//! Scenarios of the gate: one change to an estate that is open, and the reason that closes it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod gate_suite;

use example::{Example, minutes, name};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{Entry, Milestone, PairEvent};
use sendgate_core::policy::GateScope;
use sendgate_core::view::{self, GateState};
use std::time::Duration;

/// A change of the example, and the part of a reason that it must bring.
type Change = (&'static str, fn(&mut Example), &'static str);

#[test]
fn everybody_covered_from_the_start_is_open() {
    let example = Example::covered();
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    assert_eq!(view::gate(example.world(), "a.example.test").unwrap().state, GateState::Open);
}

/// Invariant 4: missing, stale, unreadable, unresolved, an empty or absent roster, an error while asking.
#[test]
fn whatever_is_not_known_closes_and_says_what() {
    let changes: [Change; 13] = [
        (
            "no survey",
            |e| e.estate.domains.clear(),
            "domain a.example.test has not been surveyed since the coordinator started",
        ),
        (
            "old survey",
            |e| {
                e.silence(minutes(31));
                e.goodlink("adom\\goodadmin");
            },
            "the evidence of domain a.example.test is 31m 0s old; 30m 0s is the limit",
        ),
        (
            "a server is down",
            |e| {
                e.down.insert("a2", "connection refused");
                e.survey();
            },
            "directory server a2 gave no evidence: connection refused",
        ),
        (
            "a server was not asked",
            |e| {
                let mut picture = e.estate.domains[&name("a.example.test")].clone();
                picture.seen.remove(&name("a2"));
                e.estate.domains.insert(picture.domain.clone(), picture);
            },
            "directory server a2 gave no evidence: the last survey did not ask it",
        ),
        (
            "GoodLink never reported",
            |e| drop(e.estate.hosts.remove(&name("gla"))),
            "declared GoodLink server gla has not reported",
        ),
        ("GoodLink is silent", |e| e.silence(minutes(3)), "GoodLink server gla has been silent for 3m 0s"),
        (
            "no role",
            |e| e.estate.hosts.get_mut(&name("gla")).unwrap().goodlink = None,
            "its host gla reports no GoodLink role",
        ),
        (
            "paused users unread",
            |e| {
                let host = e.estate.hosts.get_mut(&name("gla")).unwrap();
                host.goodlink.as_mut().unwrap().paused = Err("no such file".into());
            },
            "its paused users could not be read: no such file",
        ),
        (
            "roster unread",
            |e| {
                let host = e.estate.hosts.get_mut(&name("gla")).unwrap();
                host.goodlink.as_mut().unwrap().roster = Err("line 3 has one column".into());
            },
            "its roster could not be read: line 3 has one column",
        ),
        ("roster not here", |e| e.estate.rosters.clear(), "its present roster has not arrived yet"),
        ("empty roster", |e| e.roster(&[]), "the roster of GoodLink server gla is empty"),
        (
            "new user",
            |e| e.roster(&["anna", "dora"]),
            "roster user dora of gla is unresolved: not asked for in the last survey of a.example.test",
        ),
        (
            "unreadable",
            |e| {
                e.set("anna", VerdictKind::Unreadable, Cause::NotShown);
                e.survey();
            },
            "user anna@a.example.test is unreadable for goodadmin@a.example.test: the descriptor was not shown",
        ),
    ];
    for (what, change, text) in changes {
        let mut example = Example::covered();
        change(&mut example);
        let texts = example.texts("exa1");
        assert!(texts.iter().any(|reason| reason.contains(text)), "{what}: {texts:?}");
        let state = view::gate(example.world(), "exa1").unwrap().state;
        assert_eq!(state, GateState::CannotTell, "{what}: {texts:?}");
    }
}

#[test]
fn whatever_is_wrong_closes_and_says_what() {
    let changes: [Change; 5] = [
        (
            "denied",
            |e| {
                e.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
                e.survey();
            },
            "user anna@a.example.test is denied for goodadmin@a.example.test: an entry denies it",
        ),
        (
            "missing",
            |e| {
                e.set("bert", VerdictKind::Missing, Cause::InheritanceBlocked { at: "OU=Blocked,DC=a".into() });
                e.survey();
            },
            "user bert@a.example.test is missing for goodadmin@a.example.test: no entry reaches the user: inheritance is blocked at OU=Blocked,DC=a",
        ),
        (
            "another account",
            |e| e.goodlink("adom\\administrator"),
            "runs as \"adom\\\\administrator\", goodadmin@a.example.test is declared",
        ),
        (
            "not found",
            |e| {
                let mut picture = e.estate.domains[&name("a.example.test")].clone();
                picture.users.insert(name("anna@a.example.test"), sendgate_core::coverage::verdict::Presence::Absent);
                e.estate.domains.insert(picture.domain.clone(), picture);
            },
            "roster user anna of gla is unresolved: not found in a.example.test",
        ),
        (
            "found twice",
            |e| {
                let mut picture = e.estate.domains[&name("a.example.test")].clone();
                let twice =
                    sendgate_core::coverage::verdict::Presence::Ambiguous(["CN=A".into(), "CN=B".into()].into());
                picture.users.insert(name("anna@a.example.test"), twice);
                e.estate.domains.insert(picture.domain.clone(), picture);
            },
            "roster user anna of gla is unresolved: found more than once in a.example.test: CN=A; CN=B",
        ),
    ];
    for (what, change, text) in changes {
        let mut example = Example::covered();
        change(&mut example);
        // The wrong mailbox is on one server; scope "domain" closes both.
        for server in ["exa1", "exa2"] {
            let texts = example.texts(server);
            assert!(texts.iter().any(|reason| reason.contains(text)), "{what} on {server}: {texts:?}");
            assert_eq!(view::gate(example.world(), server).unwrap().state, GateState::Closed, "{what}");
        }
    }
}

#[test]
fn scope_mailboxes_closes_only_the_server_that_holds_the_mailbox() {
    let mut example = Example::covered();
    example.policy.scope = GateScope::Mailboxes;
    example.set("bert", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    assert_eq!(example.reasons("exa2").len(), 1);
}

/// The directory knows better than the configuration where a mailbox is.
#[test]
fn a_mailbox_on_a_server_that_its_goodlink_server_is_not_declared_to_use_closes_that_server() {
    let mut example = Example::covered();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
    example.set("bert", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    let texts = example.texts("exa2");
    assert!(texts.iter().any(|text| text.contains("the mailbox of bert@a.example.test is on exa2")), "{texts:?}");
}

/// One line for one fault, and the fault closes the cell all the same.
#[test]
fn a_server_that_is_down_is_named_once_and_not_for_every_user() {
    let mut example = Example::covered();
    example.down.insert("a2", "connection refused");
    for user in ["anna", "bert", "carl"] {
        example.set(user, VerdictKind::Unreadable, Cause::ServerFailed { why: "a2: connection refused".into() });
    }
    example.survey();
    assert_eq!(example.texts("exa1"), ["directory server a2 gave no evidence: connection refused"]);
    // Without that reason each of them closes the cell himself.
    example.down.clear();
    example.survey();
    assert_eq!(example.reasons("exa1").len(), 3);
}

/// A server that did not show him may know of a mailbox elsewhere.
#[test]
fn a_half_read_user_closes_every_server_of_scope_mailboxes() {
    let mut example = Example::covered();
    example.policy.scope = GateScope::Mailboxes;
    example.set("bert", VerdictKind::Unreadable, Cause::NotShown);
    example.survey();
    assert_eq!(example.reasons("exa1").len(), 1);
    assert_eq!(example.reasons("exa2").len(), 1);
}

/// Waits belong to the object, not to the name that a roster has for it today.
#[test]
fn a_new_name_on_the_roster_does_not_end_a_wait() {
    let mut example = Example::covered();
    example.lands("anna");
    let mut picture = example.estate.domains[&name("a.example.test")].clone();
    let anna = picture.users.remove(&name("anna@a.example.test")).unwrap();
    picture.users.insert(name("ann@a.example.test"), anna);
    example.roster(&["ann", "bert", "carl"]);
    example.estate.domains.insert(picture.domain.clone(), picture);
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
}

#[test]
fn a_roster_that_cannot_be_used_is_named() {
    let mut example = Example::covered();
    example.estate.rosters.clear();
    let fault = sendgate_core::estate::Observation::RosterFault(name("gla"), "it names anna twice".into());
    example.estate.observe(fault);
    assert_eq!(example.texts("exa1"), ["GoodLink server gla: its roster cannot be used: it names anna twice"]);
}

#[test]
fn an_exchange_server_that_nobody_is_declared_to_use_is_not_open() {
    let mut example = Example::covered();
    let exa1 = example.policy.exchange[&name("exa1")].clone();
    example.policy.exchange.insert(name("exz9"), exa1);
    assert_eq!(example.reasons("exz9"), [Reason::NobodyDeclared { server: name("exz9") }].into());
}

/// Landed, proved, settled: the gate opens at the 90th minute after landing, and not a millisecond before.
#[test]
fn a_user_seen_without_the_right_opens_when_he_is_settled() {
    let mut example = Example::covered();
    example.lands("anna");
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
    example.pass(minutes(64));
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1m 0s from now"]);
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users are settling, until 25m 0s from now"]);
    example.pass(minutes(25) - Duration::from_millis(1));
    assert_eq!(example.texts("exa1").len(), 1);
    example.pass(Duration::from_millis(1));
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
}

/// The propagator took the right away between two looks.
#[test]
fn a_right_that_vanished_starts_all_waits_again() {
    let mut example = Example::covered();
    example.lands("anna");
    example.set("anna", VerdictKind::Missing, Cause::StaleAdminCount);
    example.pass(minutes(60));
    let before = example.ledger.clone();
    example.settle();
    assert_ne!(before, example.ledger);
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.pass(minutes(5));
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
}

#[test]
fn a_waiver_excepts_its_user_until_it_expires() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    example.waive("anna", "left the company");
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    example.pass(Duration::from_secs(72 * 3600));
    assert_eq!(example.reasons("exa1").len(), 1);
}

#[test]
fn what_cannot_follow_in_the_journal_is_refused_and_changes_nothing() {
    let mut example = Example::covered();
    let proved = Milestone::Pairs {
        domain: name("a.example.test"),
        account: name("goodadmin@a.example.test"),
        event: PairEvent::Proved,
        users: [(example::guid(&name("anna@a.example.test")), name("anna@a.example.test"))].into(),
        cause: None,
    };
    let before = example.ledger.clone();
    let stamped = sendgate_core::ledger::Stamped { at: example.now, entry: Entry::Milestone(proved) };
    let error = example.ledger.apply(before.next(), &stamped).unwrap_err();
    assert!(error.to_string().contains("anna@a.example.test: None"), "{error}");
    assert_eq!(before, example.ledger);
}
