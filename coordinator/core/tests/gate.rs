//! Scenarios of the gate: one change to an estate that is open, and the reason that closes it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod gate_suite;

use example::{Example, minutes, name};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{Entry, Milestone, PairEvent};
use sendgate_core::names::DomainName;
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

/// Its own domain shows that the account was made again before the other one has been looked at for the new object.
#[test]
fn a_domain_that_was_judged_for_the_former_account_is_closed_until_it_is_looked_at_again() {
    let mut example = Example::covered();
    let (domain, account) = (name::<DomainName>("b.example.test"), "goodadmin@a.example.test");
    example.policy.domains.insert(domain.clone(), example.policy.domains[&name("a.example.test")].clone());
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(domain.clone());
    let look = |example: &mut Example, of: &str, sid: &'static str| {
        example.sid = Some(sid);
        let mut look = example.look();
        look.domain = name(of);
        if of == "b.example.test" {
            look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
        }
        example.estate.observe(Observation::Look(look));
    };
    look(&mut example, "a.example.test", "S-1-5-21-1-2-3-1105");
    look(&mut example, "b.example.test", "S-1-5-21-1-2-3-1105");
    assert_eq!(example.texts("exa1"), [""; 0]);
    look(&mut example, "a.example.test", "S-1-5-21-1-2-3-2105");
    let why = format!(
        "b.example.test was looked at for the rights of S-1-5-21-1-2-3-1105, and {account} is S-1-5-21-1-2-3-2105 by now: its \
         next look decides, and `sendgate survey run b.example.test` takes one at once"
    );
    assert_eq!(example.texts("exa1"), [why]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    look(&mut example, "b.example.test", "S-1-5-21-1-2-3-2105");
    assert_eq!(example.texts("exa1"), [""; 0]);
    // Its own domain shows none any more, or its servers do not agree on one.
    example.sid = None;
    example.observe_all();
    let why = format!(
        "b.example.test was looked at for the rights of S-1-5-21-1-2-3-2105, and the directory servers of a.example.test do \
         not show one {account} any more: see that it is there and that their replication is through, then `sendgate survey \
         run a.example.test`"
    );
    assert_eq!(example.texts("exa1"), [why]);
}

/// Two domains, of which b is judged for an account of a that is in a group there.
fn judged_as_a_member() -> Example {
    let mut example = Example::covered();
    let domain = name::<DomainName>("b.example.test");
    let mut policy = example.policy.domains[&name("a.example.test")].clone();
    (policy.servers, policy.grant_server) = ([name("b1")].into(), name("b1"));
    example.policy.domains.insert(domain.clone(), policy);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(domain);
    example.sid = Some("S-1-5-21-1-2-3-1105");
    looks(&mut example, "a.example.test", true);
    looks(&mut example, "b.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example
}

/// A look at the domain, with the account in a group or not; all users are in a.
fn looks(example: &mut Example, domain: &str, member: bool) {
    let mut look = example.look();
    look.domain = name(domain);
    if member {
        let account = look.accounts.values_mut().next().unwrap();
        account.everywhere.insert(name("S-1-5-21-1-2-3-1200"));
    }
    if domain == "b.example.test" {
        look.seen = [(name("b1"), look.started)].into();
        let nobody = example.truth.keys().map(|user| (user.clone(), Presence::Absent));
        let both = example.policy.goodlink[&name("gla")].domains.len() == 2;
        look.users = if both { Judged::All(nobody.collect()) } else { look.users };
    }
    example.estate.observe(Observation::Look(look));
}

/// The domain that is judged is being read in full, which takes minutes, and its own servers have nothing to say of that group.
#[test]
fn a_domain_that_was_judged_with_a_group_that_the_account_has_left_is_closed() {
    let mut example = judged_as_a_member();
    looks(&mut example, "a.example.test", false);
    let why = "b.example.test was looked at for goodadmin@a.example.test as a member of S-1-5-21-1-2-3-1200, and a.example.test \
               does not show it there any more: the next look decides, and `sendgate survey run b.example.test` takes one at \
               once";
    assert_eq!(example.texts("exa1"), [why]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    looks(&mut example, "b.example.test", false);
    assert_eq!(example.texts("exa1"), [""; 0]);
    // A group that it has joined since can deny, and b is looked at for that as soon as it is told.
    looks(&mut example, "a.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// One of the two servers of b was told of it, and the other one is busy with a full reading.
#[test]
fn a_group_that_one_server_still_judges_with_closes_as_well() {
    let mut example = judged_as_a_member();
    looks(&mut example, "a.example.test", false);
    looks(&mut example, "b.example.test", false);
    assert_eq!(example.texts("exa1"), [""; 0]);
    let group: sendgate_core::sid::Sid = name("S-1-5-21-1-2-3-1200");
    let apart = |example: &mut Example, uncertain: bool| {
        for domain in ["a.example.test", "b.example.test"] {
            let mut look = example.look();
            let account = look.accounts.values_mut().next().unwrap();
            if domain == "b.example.test" {
                account.anywhere.insert(group.clone());
                look.seen = [(name("b1"), look.started)].into();
                look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
            } else if uncertain {
                account.uncertain.insert(group.clone());
            }
            look.domain = name(domain);
            example.estate.observe(Observation::Look(look));
        }
    };
    apart(&mut example, false);
    let why = example.texts("exa1");
    assert!(why.len() == 1 && why[0].contains("as a member of S-1-5-21-1-2-3-1200"), "{why:?}");
    // What servers at home show differently for good has no effect here and closes nothing.
    apart(&mut example, true);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// A group that is local to the domain of the Exchange servers counts there, and may have been left on the server that is away.
#[test]
fn a_domain_is_closed_while_the_servers_of_the_exchange_servers_domain_are_not_heard() {
    let mut example = judged_as_a_member();
    let c: DomainName = name("c.example.test");
    let mut policy = example.policy.domains[&name("b.example.test")].clone();
    (policy.servers, policy.grant_server) = ([name("c1")].into(), name("c1"));
    example.policy.domains.insert(c.clone(), policy);
    let look_at_c = |example: &mut Example, why: Option<&str>| {
        let mut look = example.look();
        (look.domain, look.users) = (name("c.example.test"), Judged::All([].into()));
        look.seen = [(name("c1"), look.started)].into();
        if let Some(why) = why {
            (look.seen, look.failed) = ([].into(), [(name("c1"), why.to_owned())].into());
        }
        example.estate.observe(Observation::Look(look));
    };
    look_at_c(&mut example, Some("connection refused"));
    assert_eq!(example.texts("exa1"), [""; 0], "nobody asks for it");
    example.policy.exchange.values_mut().for_each(|server| server.domain = Some(name("c.example.test")));
    assert_eq!(example.texts("exa1"), ["directory server c1 gave no evidence: connection refused"]);
    look_at_c(&mut example, None);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// All users are in b, and no gate asks for domain a: but that the account has left a group may be known there alone.
#[test]
fn a_domain_is_closed_while_the_servers_of_its_accounts_domain_are_not_heard() {
    let mut example = judged_as_a_member();
    let gla = example.policy.goodlink.get_mut(&name("gla")).unwrap();
    gla.domains = [name("b.example.test")].into();
    looks(&mut example, "b.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example.silence(example.policy.freshness.watch_age + Duration::from_secs(1));
    looks(&mut example, "b.example.test", true);
    example.goodlink("adom\\goodadmin");
    let why = example.texts("exa1");
    let (a1, a2) =
        ("directory server a1 gave no evidence: nothing was heard of", "directory server a2 gave no evidence: ");
    assert!(why.len() == 2 && why[0].starts_with(a1) && why[1].starts_with(a2), "{why:?}");
}
