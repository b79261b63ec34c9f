//! What is shown to be missing is written down, whatever is left unsaid elsewhere: nobody would wait for a right whose
//! landing was not seen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod lacking_suite;

use example::{Example, guid, minutes, name};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, ServerVerdict, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Entry, Pair, PairState};
use sendgate_core::plan::{self, Step};
use std::time::Duration;

fn state(example: &Example, user: &str) -> Option<PairState> {
    let user = guid(&name(&format!("{user}@a.example.test")));
    example.ledger.pairs.get(&Pair { user, account: name("goodadmin@a.example.test") }).copied()
}

/// GLA serves a second domain, of which nothing is known yet: anna may be there as well, but the object in domain a lacks
/// the right, and a grant is about to change that.
#[test]
fn a_user_lacks_the_right_before_another_domain_has_answered() {
    let mut example = Example::covered();
    let mut other = example.policy.domains[&name("a.example.test")].clone();
    (other.netbios, other.servers, other.grant_server) = ("bdom".into(), [name("b1")].into(), name("b1"));
    example.policy.domains.insert(name("b.example.test"), other);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    assert_eq!(state(&example, "bert"), None, "who has the right has nothing to wait for");
}

/// The right is gone on one server while the other gives no evidence: it has vanished, though the verdict is unreadable.
#[test]
fn what_one_server_shows_to_be_missing_counts_while_another_is_silent() {
    let mut example = Example::covered();
    example.lands("anna");
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })));
    let shown = |kind, cause| ServerVerdict { kind, cause, lacks: None, deciding: None, warning: None };
    let failed = || Cause::ServerFailed { why: "a2: connection refused".into() };
    let apart =
        |kind, cause| [(name("a1"), shown(kind, cause)), (name("a2"), shown(VerdictKind::Unreadable, failed()))].into();
    let anna = || name("anna@a.example.test");
    example.set("anna", VerdictKind::Unreadable, failed());
    example.apart.insert(anna(), apart(VerdictKind::Covered, Cause::Granted));
    example.pass(minutes(1));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })), "missing evidence teaches nothing");
    example.apart.insert(anna(), apart(VerdictKind::Missing, Cause::NoEntry));
    example.pass(minutes(1));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
}

/// He was disabled and lacked the right. When he is enabled, it may have come just before.
#[test]
fn the_right_of_somebody_who_could_not_be_judged_is_waited_for() {
    let mut example = Example::covered();
    let shown = |lacks| ServerVerdict {
        kind: VerdictKind::CannotTell,
        cause: Cause::Disabled,
        lacks,
        deciding: None,
        warning: None,
    };
    for (user, lacks) in [("anna", Some(Cause::NoEntry)), ("bert", None)] {
        example.set(user, VerdictKind::CannotTell, Cause::Disabled);
        let apart = [(name("a1"), shown(None)), (name("a2"), shown(lacks))].into();
        example.apart.insert(name(&format!("{user}@a.example.test")), apart);
    }
    example.observe_all();
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    assert_eq!(state(&example, "bert"), None, "that somebody is disabled says nothing of the right");
    example.apart.clear();
    for user in ["anna", "bert"] {
        example.set(user, VerdictKind::Covered, Cause::Granted);
    }
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
    assert_eq!(example.texts("exa2"), example.texts("exa1"));
}

/// Nobody was read in full for longer than evidence is good for, but changes were looked for: what these showed to be missing
/// was missing, and its coming back has to be waited for, though it is there when everybody is read again.
#[test]
fn what_a_look_without_fresh_evidence_shows_to_be_missing_counts_as_well() {
    let mut example = Example::covered();
    example.settle();
    let last_full = example.now.steady;
    example.silence(example.policy.freshness.evidence_age + minutes(1));
    // That it is there is believed of evidence alone.
    for (kind, cause) in [(VerdictKind::Missing, Cause::NoEntry), (VerdictKind::Covered, Cause::Granted)] {
        example.set("anna", kind, cause);
        let mut look = example.look();
        look.started = last_full;
        example.estate.observe(Observation::Look(look));
        example.settle();
        assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{kind:?}");
    }
    example.observe_all();
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })), "{:?}", state(&example, "anna"));
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
}

/// One server has been busy since before the landing: what the other one shows of now is not of before.
#[test]
fn a_right_that_vanishes_while_another_server_is_busy_has_vanished() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.settle();
    example.silence(minutes(1));
    let busy_since = example.now.steady;
    example.silence(minutes(1));
    let look = |example: &mut Example, kind, cause| {
        example.set("anna", kind, cause);
        let mut look = example.look();
        look.seen.insert(name("a2"), busy_since);
        example.estate.observe(Observation::Look(look));
        example.settle();
        state(example, "anna")
    };
    let landed = look(&mut example, VerdictKind::Covered, Cause::Granted);
    assert!(matches!(landed, Some(PairState::Landed { .. })), "{landed:?}");
    example.silence(Duration::from_secs(30));
    let lacking = look(&mut example, VerdictKind::Missing, Cause::NoEntry);
    assert!(matches!(lacking, Some(PairState::Lacking { .. })), "{lacking:?}");
}

/// What is written down until nothing new is learned.
fn milestones_of(example: &mut Example) -> Vec<String> {
    let mut noted = Vec::new();
    loop {
        let plan = plan::plan(example.world());
        let new: Vec<_> = plan.steps.iter().filter_map(Step::entry).collect();
        if new.is_empty() {
            return noted;
        }
        for entry in new {
            if let Entry::Milestone(milestone) = &entry {
                noted.push(milestone.to_string());
            }
            example.append(entry);
        }
    }
}

const FIRST: &str = "S-1-5-21-1-2-3-1105";
const SECOND: &str = "S-1-5-21-1-2-3-2105";

/// Nobody saw it missing, for the coordinator was down: no object has a right before it is made.
#[test]
fn the_right_of_an_account_that_was_made_again_is_waited_for_though_nobody_saw_it_missing() {
    let mut example = Example::covered();
    example.sid = Some(FIRST);
    example.lands("bert");
    for _ in 0..2 {
        example.pass(minutes(100));
        example.settle();
    }
    assert!(matches!(state(&example, "bert"), Some(PairState::Proved { .. })), "{:?}", state(&example, "bert"));
    assert_eq!(state(&example, "anna"), None, "the first object that is seen owes nothing");
    assert_eq!(example.texts("exa1"), [""; 0]);
    example.silence(minutes(10));
    example.sid = Some(SECOND);
    example.pass(minutes(1));
    let why = format!(
        "goodadmin@a.example.test was made again: its SID is {SECOND}, and the right that it has now is another one than before"
    );
    let noted: Vec<_> = milestones_of(&mut example);
    assert!(
        noted
            .contains(&format!("2 users of a.example.test seen without the right for goodadmin@a.example.test: {why}")),
        "{noted:?}"
    );
    assert!(
        noted.contains(&format!("1 users of a.example.test lost the right again for goodadmin@a.example.test: {why}")),
        "{noted:?}"
    );
    for user in ["anna", "bert"] {
        assert_eq!(state(&example, user), Some(PairState::Landed { at: example.now.steady }), "{user}");
    }
    assert_eq!(example.texts("exa1"), ["3 users await the second look, due 1h 5m from now"]);
    // Whoever comes on the roster when its waits are over has nothing to wait for.
    example.ledger.pairs.clear();
    example.pass(minutes(90));
    example.settle();
    assert_eq!(state(&example, "anna"), None);
}

/// GLA serves domain b as well, whose users this look shows.
fn look_at_b(example: &mut Example, sid: &'static str, kind: VerdictKind) {
    let before = example.truth.clone();
    (example.sid, example.truth) = (Some(sid), before.clone());
    example.set("anna", kind, if kind == VerdictKind::Covered { Cause::Granted } else { Cause::NoEntry });
    let mut look = example.look();
    look.domain = name("b.example.test");
    example.truth = before;
    example.estate.observe(Observation::Look(look));
}

fn beside_b() -> Example {
    let mut example = Example::covered();
    let (b, mut other) = (name("b.example.test"), example.policy.domains[&name("a.example.test")].clone());
    other.netbios = "bdom".into();
    example.policy.domains.insert(b, other);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    example
}

/// What b shows is of the account that was there before.
#[test]
fn a_right_of_the_former_account_does_not_land_for_the_present_one() {
    let mut example = beside_b();
    example.sid = Some(FIRST);
    example.observe_all();
    example.settle();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.sid = Some(SECOND);
    example.pass(minutes(1));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })));
    let mut look = example.look();
    look.users = Judged::All([(name("anna@a.example.test"), Presence::Absent)].into());
    example.estate.observe(Observation::Look(look));
    look_at_b(&mut example, FIRST, VerdictKind::Covered);
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    look_at_b(&mut example, SECOND, VerdictKind::Covered);
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })), "{:?}", state(&example, "anna"));
}

/// All servers of b were away for longer than rights are waited for: the right may be as new as the first look.
#[test]
fn a_domain_that_sees_the_present_account_late_waits_from_then_on() {
    let mut example = beside_b();
    let nobody_in_a = |example: &mut Example, sid| {
        example.sid = Some(sid);
        let mut look = example.look();
        look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
        example.estate.observe(Observation::Look(look));
    };
    nobody_in_a(&mut example, FIRST);
    look_at_b(&mut example, FIRST, VerdictKind::Covered);
    example.settle();
    assert_eq!(state(&example, "anna"), None, "by which SID b is judged first owes nothing");
    nobody_in_a(&mut example, SECOND);
    example.settle();
    assert_eq!(state(&example, "anna"), None, "b has not been looked at for it");
    example.silence(minutes(100));
    nobody_in_a(&mut example, SECOND);
    look_at_b(&mut example, SECOND, VerdictKind::Covered);
    example.settle();
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
}

/// Each server shows the right for the object that it takes for the account: whose right has landed is not known.
#[test]
fn nothing_lands_while_the_servers_show_different_accounts() {
    let mut example = Example::covered();
    example.sid = Some(FIRST);
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.settle();
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    let mut look = example.look();
    look.accounts.clear();
    let shown = [(name("a1"), name(FIRST)), (name("a2"), name(SECOND))].into();
    look.disputed = [(name("goodadmin@a.example.test"), shown)].into();
    example.estate.observe(Observation::Look(look));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    example.pass(minutes(1));
    example.settle();
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
}

/// While an object is moved to another domain both may show it, one as it was before.
#[test]
fn what_is_missing_in_one_domain_has_not_landed_in_another() {
    let mut example = beside_b();
    look_at_b(&mut example, FIRST, VerdictKind::Missing);
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
}

/// One person is on rosters under two names, of which one server does not know the second yet.
#[test]
fn one_object_under_two_names_loses_its_right_once() {
    let mut example = Example::covered();
    example.lands("anna");
    example.roster(&["anna", "bert"]);
    for (user, cause) in [("anna", Cause::NoEntry), ("bert", Cause::StaleAdminCount)] {
        example.set(user, VerdictKind::Missing, cause);
    }
    example.pass(minutes(1));
    let mut look = example.look();
    if let Judged::All(users) = &mut look.users {
        for presence in users.values_mut() {
            let Presence::Here(here) = presence else { continue };
            here.guid = guid(&name("anna@a.example.test"));
        }
    }
    example.estate.observe(Observation::Look(look));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
}
