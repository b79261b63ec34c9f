//! What people are shown survives its way over the wire, and says what must not be overlooked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod views_suite;

use example::{AFTER, Example, minutes, name};
use sendgate_core::coverage::explain::{
    AccountExplained, Explanation, Found, ListShown, ProtectionShown, Remedy, Shown, Trail,
};
use sendgate_core::coverage::reading::{GroupPath, Home};
use sendgate_core::coverage::report::{self, Report, Scope};
use sendgate_core::coverage::verdict::{DecidingEntry, ServerVerdict};
use sendgate_core::coverage::{Cause, Holder, Presence, UserPicture, Verdict, VerdictKind, Warning};
use sendgate_core::plan;
use sendgate_core::view::{self, GateState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    survives(&view::explain(world, "anna", &view::Explanations::new()));
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
    assert_eq!(triage(&example), "1 of 3 are not covered: no entry (1)");
    example.set("bert", VerdictKind::Denied, Cause::DeniedByEntry);
    example.set("carl", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    assert_eq!(triage(&example), "nobody is covered: the grant is missing; beside that: denies (2)");
    for user in ["bert", "carl"] {
        example.set(user, VerdictKind::Missing, Cause::NoEntry);
    }
    example.survey();
    assert_eq!(triage(&example), "nobody is covered: the grant is missing");
    for user in ["anna", "bert", "carl"] {
        example.set(user, VerdictKind::Missing, Cause::StaleAdminCount);
    }
    example.survey();
    assert_eq!(triage(&example), "3 of 3 are not covered: stale adminCount (3)", "a grant is there, and not for these");
    example.estate.domains.clear();
    let unknown = view::coverage(example.world(), &name("a.example.test"));
    assert_eq!(unknown.triage, "no roster user could be judged: that is missing evidence, not coverage");
    assert_eq!(unknown.users[0].verdict, "unreadable");
    assert_eq!(unknown.users[0].cause, "a.example.test has not been surveyed, or too long ago");
    example.estate.rosters.clear();
    assert_eq!(triage(&example), "no roster user is known in this domain: that is missing evidence, not coverage");
}

#[test]
fn a_roster_user_whom_nobody_finds_is_in_the_report() {
    let mut example = Example::covered();
    example.roster(&["anna", "ghost"]);
    example.truth.remove(&name("bert@a.example.test"));
    let mut look = example.look();
    let sendgate_core::coverage::Judged::All(users) = &mut look.users else { panic!("a look at everything") };
    users.insert(name("ghost@a.example.test"), Presence::Absent);
    example.estate.observe(sendgate_core::estate::Observation::Look(look));
    let report = view::coverage(example.world(), &name("a.example.test"));
    let ghost = report.users.iter().find(|line| line.user == Some(name("ghost"))).unwrap();
    assert_eq!((ghost.verdict.as_str(), &ghost.dn), ("unresolved", &None));
    assert_eq!(ghost.cause, "not found in a.example.test");
    assert_eq!(report.triage, "1 of 2 are not covered: users who could not be judged (1)");
    assert_eq!(report.groups.len(), 2, "{:?}", report.groups);
}

/// A verdict with the evidence of one server.
fn seen(kind: VerdictKind, cause: Cause, from: Option<&str>, warning: Option<Warning>) -> Verdict {
    let deciding = DecidingEntry {
        index: 4,
        sddl: "(OA;;CR;;;S-1-5-11)".into(),
        inherited: from.is_some(),
        trustee: name("S-1-5-11"),
        from: from.map(Into::into),
    };
    let seen = ServerVerdict { kind, cause: cause.clone(), lacks: None, deciding: Some(deciding), warning };
    Verdict { kind, cause, servers: [(name("a1"), Arc::new(seen))].into() }
}

#[test]
fn the_evidence_names_the_entry_its_place_and_where_it_comes_from() {
    let text = |from, inherited: bool| {
        let mut verdict = seen(VerdictKind::Denied, Cause::DeniedByEntry, from, None);
        for server in verdict.servers.values_mut() {
            Arc::make_mut(server).deciding.as_mut().unwrap().inherited = inherited;
        }
        report::evidence(&verdict).unwrap()
    };
    assert_eq!(text(None, false), "entry 4 on a1, his own: (OA;;CR;;;S-1-5-11)");
    assert_eq!(text(Some("OU=b,DC=a"), true), "entry 4 on a1, inherited from OU=b,DC=a: (OA;;CR;;;S-1-5-11)");
    assert_eq!(text(None, true), "entry 4 on a1, inherited: (OA;;CR;;;S-1-5-11)");
    // A server that shows something else is no evidence of what the verdict says.
    let mut other = seen(VerdictKind::Denied, Cause::DeniedByEntry, None, None);
    other.kind = VerdictKind::Unreadable;
    assert_eq!(report::evidence(&other), None);
}

#[test]
fn a_report_over_everybody_counts_each_pair_and_joins_the_rosters() {
    let mut example = Example::covered();
    example.lands("anna");
    example.waive("anna@a.example.test", "leaves");
    let warning = Warning::Everybody { sid: name("S-1-5-11") };
    let covered = seen(VerdictKind::Covered, Cause::Granted, None, Some(warning));
    let denied = seen(VerdictKind::Denied, Cause::DeniedByEntry, None, None);
    let accounts = ["goodadmin@a.example.test", "other@a.example.test"].map(name);
    let verdicts: BTreeMap<_, _> = accounts.into_iter().zip([covered, denied].map(Arc::new)).collect();
    let here = |dn: &str, guid| {
        Presence::Here(Box::new(UserPicture {
            dn: dn.into(),
            guid,
            home: Home::Server(name("exa1")),
            verdicts: Arc::new(verdicts.clone()),
            placements: Arc::default(),
        }))
    };
    let mut everybody = Report::default();
    everybody.take(name("zoe@a.example.test"), Presence::Unknown("timed out".into()));
    everybody.take(name("stranger@a.example.test"), here("CN=stranger,DC=a", sendgate_core::guid::Guid::SEND_AS));
    // The same object as the roster's anna, whatever name the walk gave it.
    everybody.take(name("adom\\anna"), here("CN=anna,DC=a", example::guid(&name("anna@a.example.test"))));
    everybody.sort();
    let head = view::mailboxes(&name("a.example.test"), &everybody);
    survives(&head);
    assert_eq!((head.scope, head.users.len()), (Scope::Mailboxes, 0));
    assert_eq!(head.triage, "3 of 5 are not covered: denies (2), users who could not be judged (1)");
    assert_eq!(head.warnings.values().copied().collect::<Vec<_>>(), [2]);
    let lines = view::mailbox_lines(example.world(), &name("a.example.test"), everybody.rows());
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.directory_name.as_str(), line.verdict.as_str(), line.user.as_ref().map(|user| user.as_str())))
        .collect();
    assert_eq!(
        told,
        [
            ("adom\\anna", "covered", Some("anna")),
            ("adom\\anna", "denied", None),
            ("stranger@a.example.test", "covered", None),
            ("stranger@a.example.test", "denied", None),
            ("zoe@a.example.test", "unreadable", None),
        ]
    );
    assert!(lines[0].waived && !lines[2].waived);
    assert!(matches!(lines[0].pair, view::PairLine::Landed { .. }), "{:?}", lines[0].pair);
    assert_eq!(lines[4].cause, "timed out");
}

#[test]
fn a_report_has_no_limit_of_number_and_the_order_of_names() {
    let mut everybody = Report::default();
    let verdicts = Arc::new(BTreeMap::from([(
        name("goodadmin@a.example.test"),
        Arc::new(seen(VerdictKind::Covered, Cause::Granted, None, None)),
    )]));
    for number in 0..20_000_u32 {
        let here = UserPicture {
            dn: format!("CN=user{number:05},DC=a").into(),
            guid: sendgate_core::guid::Guid::SEND_AS,
            home: Home::Server(name("exa1")),
            verdicts: Arc::clone(&verdicts),
            placements: Arc::default(),
        };
        everybody.take(name(&format!("user{:05}@a.example.test", 19_999 - number)), Presence::Here(Box::new(here)));
    }
    everybody.sort();
    assert_eq!(everybody.summary().triage(Scope::Mailboxes, true), "every user with a mailbox is covered");
    assert_eq!(everybody.rows()[0].name, name("user00000@a.example.test"), "the order is that of the names");
}

fn explanation(domain: &str, found: Found) -> Explanation {
    let remedies = match &found {
        Found::Absent => vec![Remedy::CorrectRoster { name: name("anna@a.example.test"), dns: [].into() }],
        _ => vec![Remedy::BringBack { servers: ["b1: refused".to_owned()].into() }],
    };
    let (objects, accounts) = (Vec::new(), Vec::new());
    Explanation { domain: name(domain), name: name("anna@a.example.test"), found, objects, accounts, remedies }
}

#[test]
fn an_explanation_of_one_account_is_joined_with_what_waits_and_who_excepts() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.waive("anna@a.example.test", "leaves");
    let names = view::to_explain(example.world(), "ANNA");
    assert_eq!(names, [(name("a.example.test"), [name("anna@a.example.test")].into())].into());
    assert!(view::to_explain(example.world(), "ghost").is_empty());
    let of = |account: &str, protection| AccountExplained {
        account: name(account),
        trails: vec![Shown {
            servers: [name("a1")].into(),
            shows: Trail {
                token: None,
                list: ListShown::NotRead,
                blocked_at: None,
                protection,
                verdict: ServerVerdict {
                    kind: VerdictKind::Covered,
                    cause: Cause::Granted,
                    lacks: None,
                    deciding: None,
                    warning: None,
                },
            },
        }],
        verdict: Arc::new(seen(VerdictKind::Covered, Cause::Granted, None, None)),
        remedies: vec![Remedy::Nothing],
    };
    let protection = |path: &str| {
        let path = GroupPath(vec![path.into()]);
        Some(ProtectionShown { path, holder: Holder::Lacks, holder_entry: None })
    };
    let mut explained = explanation("a.example.test", Found::Here { home: Home::None });
    explained.remedies.clear();
    explained.accounts =
        vec![of("goodadmin@a.example.test", None), of("other@a.example.test", protection("CN=Crew,DC=a"))];
    let explain = |example: &Example, explained: &Explanation| {
        let all = [((name("a.example.test"), name("anna@a.example.test")), Ok(explained.clone()))].into();
        let mut view = view::explain(example.world(), "anna@a.example.test", &all);
        survives(&view);
        assert_eq!(view.users.len(), 1);
        view.users.remove(0)
    };
    let user = explain(&example, &explained);
    assert_eq!(user.sentence, "anna is covered for goodadmin@a.example.test: an entry grants it");
    let shown = user.domains[&name("a.example.test")].as_ref().unwrap();
    assert_eq!(shown.accounts.len(), 1, "the other account is somebody else's");
    assert_eq!((user.remedies.as_slice(), &user.propagation), (&[Remedy::Nothing][..], &None));
    assert!(user.waiver.is_some() && !user.moved_on() && user.covered());
    assert!(matches!(user.pair, view::PairLine::Landed { .. }));
    assert_eq!(user.paused, "paused, waived");
    // The chain is newer than what the gate counts.
    let newer = &mut explained.accounts[0];
    newer.verdict = Arc::new(seen(VerdictKind::Denied, Cause::DeniedByEntry, None, None));
    newer.trails[0].shows.protection = protection("CN=Crew,DC=a");
    example.silence(minutes(10));
    let user = explain(&example, &explained);
    assert!(user.moved_on());
    // The membership was seen ten minutes ago, so the propagator passes within fifty.
    let propagation = user.propagation.unwrap();
    assert_eq!((propagation.within, propagation.interval), (minutes(50), minutes(60)));
    assert_eq!(propagation.at, example.now.wall + jiff::SignedDuration::from_mins(50));
    example.pass(minutes(10));
    example.silence(minutes(29));
    assert_eq!(explain(&example, &explained).propagation.unwrap().within, minutes(31));
}

#[test]
fn a_user_of_no_domain_needs_the_silent_one_before_the_roster_is_blamed() {
    let mut example = Example::covered();
    let other = example.policy.domains[&name("a.example.test")].clone();
    example.policy.domains.insert(name("b.example.test"), other);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    example.estate.domains.clear();
    let remedies = |b: Found| {
        let all = [explanation("a.example.test", Found::Absent), explanation("b.example.test", b)];
        let all = all.map(|found| ((found.domain.clone(), found.name.clone()), Ok(found))).into();
        view::explain(example.world(), "anna", &all).users.remove(0).remedies
    };
    let correct = Remedy::CorrectRoster { name: name("anna@a.example.test"), dns: [].into() };
    assert_eq!(remedies(Found::Absent), [correct]);
    let back = Remedy::BringBack { servers: ["b1: refused".to_owned()].into() };
    assert_eq!(remedies(Found::Unknown { why: "b1 is silent".into() }), [back]);
    // Nothing is promised of a chain that is not known.
    let unknown = view::explain(example.world(), "anna", &view::Explanations::new());
    assert!(unknown.users[0].remedies.is_empty());
    assert_eq!(unknown.users[0].domains.len(), 2);
    assert!(unknown.users[0].domains.values().all(Result::is_err));
}

#[test]
fn domains_show_how_fresh_each_server_is_and_what_deserves_a_look() {
    let mut example = Example::covered();
    example.down.insert("a2", "connection refused");
    example.survey();
    example.silence(minutes(3));
    let picture = example.estate.domains.get_mut(&name("a.example.test")).unwrap();
    let Some(Presence::Here(anna)) = picture.users.get_mut(&name("anna@a.example.test")) else {
        panic!("she is there")
    };
    let warning = Warning::PowerfulGroup { group: name("S-1-5-32-548"), name: "Account Operators".into() };
    let verdict = Arc::new(seen(VerdictKind::Covered, Cause::Granted, None, Some(warning)));
    anna.verdicts = Arc::new([(name("goodadmin@a.example.test"), verdict)].into());
    let line = view::domains(example.world()).domains.remove(0);
    assert_eq!(line.seen, [("a1".to_owned(), minutes(3))].into());
    assert_eq!((line.full_survey, line.warnings), (Some(minutes(3)), 1));
    assert_eq!(line.servers["a2"], "connection refused");
    let report = view::coverage(example.world(), &name("a.example.test"));
    assert_eq!(
        report.triage,
        "3 roster users are covered; 1 in a way that deserves a look; whether that is everybody is not known"
    );
    let warned = report.users[0].warning.clone().unwrap();
    assert!(warned.starts_with("covered only as a member of Account Operators (S-1-5-32-548)"), "{warned}");
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
    reasons.push(user("g", VerdictKind::CannotTell));
    reasons.push(sendgate_core::gate::Reason::EmptyRoster { goodlink: name("gla") });
    let reasons: Vec<_> =
        reasons.into_iter().map(|reason| view::ReasonLine { text: reason.to_string(), reason }).collect();
    let lines = view::summary(&reasons);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("the roster of GoodLink server gla is empty"));
    assert!(lines[1].starts_with("user f is denied"), "{}", lines[1]);
    assert_eq!(
        lines[2],
        "5 users are missing for goodadmin@a.example.test: no entry reaches the user (a, b, c and 2 more)"
    );
    assert!(lines[3].starts_with("user g cannot be judged for goodadmin"), "{}", lines[3]);
}
