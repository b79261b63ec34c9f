//! Breaches: an enforcing store that serves users without the right is noticed, remedied ahead of rollouts, confirmed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, Example, minutes, name};
use sendgate_core::coverage::reading::Home;
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, DomainPicture, Judged, VerdictKind};
use sendgate_core::enforcement::Enforcement;
use sendgate_core::estate::{GoodLinkState, Observation, Roster, RosterDigest};
use sendgate_core::ledger::{BreachEvent, Milestone};
use sendgate_core::policy::{GateScope, GoodLinkPolicy};
use sendgate_core::time::Steady;
use sendgate_core::{plan, view};

fn known(example: &Example) -> Vec<String> {
    example.ledger.breaches.keys().map(ToString::to_string).collect()
}

/// Automatic update has brought the hotfix to EXA1, where anna has no right.
fn breached() -> Example {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
    example.exchange("exa1", AFTER);
    example.settle();
    example
}

#[test]
fn a_breach_is_written_down_and_over_once_everybody_is_covered() {
    let mut example = breached();
    assert_eq!(known(&example), ["exa1"]);
    let line = &view::status(example.world()).breaches[0];
    assert_eq!((line.users, line.certain, line.since), (1, true, Some(example.now.wall)));
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.pass(minutes(5));
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
    assert_eq!(view::status(example.world()).breaches, []);
}

/// Nobody looks after its users any more, which is not to say that they have the right.
#[test]
fn a_breach_of_a_server_that_left_the_configuration_is_not_called_over() {
    let mut example = breached();
    example.policy.exchange.remove(&name("exa1"));
    let left = Milestone::Breach { server: name("exa1"), event: BreachEvent::Left };
    let steps = plan::plan(example.world()).steps;
    assert!(steps.contains(&plan::Step::Record(left)), "{steps:?}");
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
}

/// What is not known ends no breach: neither a reading that failed, nor a silent host, nor a coordinator that begins.
#[test]
fn missing_evidence_ends_no_breach() {
    let mut example = breached();
    example.set("anna", VerdictKind::Unreadable, Cause::Granted);
    example.survey();
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    let not_known = |example: &Example| view::status(example.world()).breaches_not_known;
    assert_eq!(not_known(&example), [].into(), "he is among the breach's users");
    example.estate = sendgate_core::estate::Estate::default();
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    // Nothing is seen, and status does not call that nothing.
    let silent = |server| (name(server), format!("{server}: it has not reported since the coordinator started"));
    let noticed = "; a breach was noticed at 2006-06-13 02:00Z, and is not known to be over";
    let exa1 = (silent("exa1").0, silent("exa1").1 + noticed);
    assert_eq!(view::status(example.world()).breaches, []);
    assert_eq!(not_known(&example), [exa1, silent("exa2")].into());
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.observe_all();
    example.exchange("exa1", AFTER);
    example.estate.hosts.remove(&name("exa1"));
    example.settle();
    assert_eq!(known(&example), ["exa1"], "nobody knows what the store is now");
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
    assert_eq!(not_known(&example), [].into());
}

/// What closes the gate because it is not known ends no breach either, and status says the same of it.
#[test]
fn what_the_gate_takes_for_no_evidence_ends_no_breach() {
    type Damage = fn(&mut Example);
    let damages: [(Damage, &str); 6] = [
        (|e| gla(e).roster = Ok(RosterDigest([9; 32])), "GoodLink server gla: its present roster has not arrived yet"),
        (
            |e| gla(e).roster = Err("no such file".into()),
            "GoodLink server gla: its roster could not be read: no such file",
        ),
        (
            |e| gla(e).service = Ok(example::running("adom\\other")),
            "GoodLink server gla runs as \"adom\\\\other\", goodadmin@a.example.test is declared: correct the service or the \
             configuration",
        ),
        (
            |e| e.roster(&[]),
            "the roster of GoodLink server gla is empty: check its export, or remove the server from the configuration",
        ),
        (
            |e| picture(e).seen.retain(|server, _| *server == name("a1")),
            "directory server a2 gave no evidence: the last survey did not ask it",
        ),
        (
            |e| picture(e).seen.extend([(name("a2"), Steady::START)]),
            "directory server a2 gave no evidence: nothing was heard of what changes there for 16h 40m, more \
             than 30m 0s",
        ),
    ];
    for (damage, why) in damages {
        let mut example = breached();
        example.set("anna", VerdictKind::Covered, Cause::Granted);
        example.survey();
        damage(&mut example);
        example.settle();
        assert_eq!(known(&example), ["exa1"], "{why}");
        let noticed = "; a breach was noticed at 2006-06-13 02:00Z, and is not known to be over";
        assert_eq!(view::status(example.world()).breaches_not_known[&name("exa1")], format!("{why}{noticed}"));
        example.observe_all();
        example.exchange("exa1", AFTER);
        example.settle();
        assert_eq!(known(&example), Vec::<String>::new(), "{why}");
    }
}

fn gla(example: &mut Example) -> &mut GoodLinkState {
    example.estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap()
}

fn picture(example: &mut Example) -> &mut DomainPicture {
    example.estate.domains.get_mut(&name("a.example.test")).unwrap()
}

/// That all who are seen without the right are excepted does not tell of those who are not seen.
#[test]
fn a_breach_of_excepted_users_is_not_over_while_others_are_not_known() {
    let mut example = breached();
    example.waive("anna", "leaves");
    gla(&mut example).roster = Ok(RosterDigest([9; 32]));
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    example.observe_all();
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
}

/// One directory server shows his mailbox elsewhere, and another one does not show him: he may still be there.
#[test]
fn a_mailbox_that_only_some_directory_servers_show_elsewhere_ends_no_breach() {
    let mut example = breached();
    example.set("anna", VerdictKind::Unreadable, Cause::NotShown);
    example.truth.get_mut(&name("anna@a.example.test")).unwrap().2 = "exa2";
    example.survey();
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    let why = &view::status(example.world()).breaches_not_known[&name("exa1")];
    assert!(
        why.starts_with(
            "whether the mailbox of anna@a.example.test is on exa2 only: the user is unreadable: the descriptor"
        ),
        "{why}"
    );
}

/// Only with the scope of a domain may users of a GoodLink server that is not declared to use the server be there.
#[test]
fn a_goodlink_server_counts_whose_users_may_be_there_by_the_scope_of_the_gate() {
    for (scope, over) in [(GateScope::Domain, false), (GateScope::Mailboxes, true)] {
        let mut example = breached();
        example.policy.scope = scope;
        let other = example.policy.goodlink[&name("gla")].clone();
        let other = GoodLinkPolicy { host: name("glb"), exchange: [name("exa2")].into(), ..other };
        example.policy.goodlink.insert(name("glb"), other);
        example.set("anna", VerdictKind::Covered, Cause::Granted);
        example.survey();
        example.settle();
        assert_eq!(known(&example).is_empty(), over, "{scope:?}");
        let unknown = |example: &Example| {
            let why = view::status(example.world()).breaches_not_known.remove(&name("exa1"));
            why.is_some_and(|why| why.starts_with("declared GoodLink server glb has not reported"))
        };
        assert_eq!(unknown(&example), !over);
        // Just after a start its roster is awaited.
        example.ledger.started = Some(example.now.steady);
        assert!(unknown(&example), "{scope:?}");
    }
}

/// Anna is on the roster of a GoodLink server that ought to have nobody there, and one of its domains does not answer: that
/// she is meant is not certain any more, and that she is not is not either.
#[test]
fn what_another_domain_leaves_unsaid_ends_no_breach() {
    let mut example = breached();
    example.policy.scope = GateScope::Mailboxes;
    let domains = [name("a.example.test"), name("b.example.test")].into();
    let other = example.policy.goodlink[&name("gla")].clone();
    let other = GoodLinkPolicy { host: name("glb"), exchange: [name("exa2")].into(), domains, ..other };
    example.policy.goodlink.insert(name("glb"), other);
    example.roster(&["bert", "carl"]);
    let users = [(name("anna"), name("anna@a.example.test"))].into();
    example.estate.observe(Observation::Roster(
        name("glb"),
        Roster { digest: RosterDigest([2; 32]), users },
        example.now.steady,
    ));
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    let why = &view::status(example.world()).breaches_not_known[&name("exa1")];
    assert!(why.starts_with("anna@a.example.test: b.example.test has not been surveyed"), "{why}");
}

/// Two directory servers show his mailbox in two places: that he is in no breach is not known.
#[test]
fn a_mailbox_that_cannot_be_placed_ends_no_breach() {
    let mut example = breached();
    let picture = example.estate.domains.get_mut(&name("a.example.test")).unwrap();
    let Some(Presence::Here(anna)) = picture.users.get_mut(&name("anna@a.example.test")) else { panic!() };
    anna.home = Home::Unclear("exa1 on a1, exa2 on a2".into());
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    let why = &view::status(example.world()).breaches_not_known[&name("exa1")];
    assert!(
        why.starts_with("where the mailbox of anna@a.example.test is: exa1 on a1, exa2 on a2; a breach was"),
        "{why}"
    );
}

/// GoodLink server glb ought to have nobody on EXA1, which checks; anna is there without the right.
fn breached_by_glb() -> Example {
    let mut example = Example::covered();
    example.beside_glb();
    let anna = example.only("anna");
    example.estate.rosters.insert(name("glb"), anna);
    example.roster(&["bert", "carl"]);
    let host = example.estate.hosts[&name("gla")].clone();
    example.report("glb", host);
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    example
}

/// What a look shows of anna.
fn look(example: &mut Example, change: impl FnOnce(&mut Presence)) {
    let mut look = example.look();
    let Judged::All(users) = &mut look.users else { panic!() };
    change(users.get_mut(&name("anna@a.example.test")).unwrap());
    example.estate.observe(Observation::Look(look));
    example.settle();
}

/// Her mailbox is on its way to EXA2: it may be on EXA1 still.
#[test]
fn a_mailbox_that_moves_away_ends_no_breach_before_it_has_arrived() {
    let mut example = breached_by_glb();
    let home = |home| {
        move |anna: &mut Presence| {
            let Presence::Here(anna) = anna else { panic!() };
            anna.home = home;
        }
    };
    look(&mut example, home(Home::Unclear("homeMDB says exa2, msExchHomeServerName exa1".into())));
    assert_eq!(known(&example), ["exa1"]);
    let why = &view::status(example.world()).breaches_not_known[&name("exa1")];
    assert!(why.starts_with("where the mailbox of anna@a.example.test is: homeMDB says exa2"), "{why}");
    look(&mut example, home(Home::Server(name("exa2"))));
    assert_eq!(known(&example), Vec::<String>::new());
}

/// Nor does a start, after which her roster comes before she was read.
#[test]
fn a_user_whom_nobody_has_read_since_the_start_ends_no_breach() {
    let mut example = breached_by_glb();
    example.ledger.started = Some(example.now.steady);
    example.estate.domains.clear();
    look(&mut example, |anna| *anna = Presence::Unknown("a1 did not account for her".into()));
    assert_eq!(known(&example), ["exa1"]);
    look(&mut example, |_| {});
    assert_eq!(known(&example), ["exa1"]);
}

/// What hides a breach is said of each server whose store checks, or may; of one that is known not to, nothing is needed.
#[test]
fn a_breach_that_would_not_be_seen_is_not_called_none() {
    let mut example = Example::covered();
    example.observe_all();
    example.exchange("exa1", AFTER);
    let shown = |example: &Example, why: &str| {
        let expected = (!why.is_empty()).then(|| (name("exa1"), why.to_owned())).into_iter().collect();
        assert_eq!(view::status(example.world()).breaches_not_known, expected);
    };
    shown(&example, "");
    example.down.insert("a2.a.example.test", "connection refused");
    example.survey();
    shown(&example, "directory server a2.a.example.test gave no evidence: connection refused");
    example.down.clear();
    example.estate.domains.clear();
    shown(&example, "domain a.example.test has not been surveyed since the coordinator started");
    example.survey();
    example.estate.rosters.clear();
    shown(&example, "GoodLink server gla: its present roster has not arrived yet");
    example.roster(&["anna"]);
    shown(&example, "");
    example.exchange("exa1", crate::example::BEFORE);
    example.estate.rosters.clear();
    shown(&example, "");
}

/// A mailbox is moved, uncovered, onto a server that enforces.
#[test]
fn a_mailbox_that_moves_uncovered_onto_an_enforcing_store_is_a_breach() {
    let mut example = Example::covered();
    example.set("bert", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
    example.truth.get_mut(&name("bert@a.example.test")).unwrap().2 = "exa1";
    example.survey();
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
}

/// Whom a person has excepted is no breach that would be written down; he is shown all the same.
#[test]
fn a_waived_user_is_shown_and_not_written_down() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.observe_all();
    example.waive("anna", "leaves");
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new());
    let line = &view::status(example.world()).breaches[0];
    assert_eq!((line.users, line.waived, line.since), (1, 1, None));
}

/// A version of which nobody knows whether it enforces is taken for one that does.
#[test]
fn a_store_that_may_enforce_is_in_breach_as_well() {
    let mut example = breached();
    let unknown = "6.5.7500.0";
    assert_eq!(example.policy.enforcement.judge(&name(unknown)).enforces, Enforcement::Unknown);
    let mut other = Example::covered();
    other.set("anna", VerdictKind::Missing, Cause::NoEntry);
    other.observe_all();
    other.exchange("exa1", unknown);
    other.settle();
    assert_eq!(known(&other), ["exa1"]);
    assert!(!view::status(other.world()).breaches[0].certain);
    example.exchange("exa1", example::BEFORE);
    example.settle();
    assert_eq!(known(&example), Vec::<String>::new(), "what is known not to enforce is none");
}

/// A second object gets her address: she is one of them, and nobody has given her the right.
#[test]
fn a_user_who_is_found_more_than_once_ends_no_breach() {
    let twice = || Presence::Ambiguous(["CN=anna", "CN=anna2"].map(Into::into).into());
    for mut example in [breached(), breached_by_glb()] {
        look(&mut example, |anna| *anna = twice());
        assert_eq!(known(&example), ["exa1"]);
        let why = &view::status(example.world()).breaches_not_known[&name("exa1")];
        assert!(why.starts_with("anna@a.example.test: found more than once in a.example.test"), "{why}");
        look(&mut example, |anna| *anna = Presence::Absent);
        assert_eq!(known(&example), Vec::<String>::new());
    }
}

/// Another domain that she may be in does not answer: what her own one shows is true of her all the same.
#[test]
fn a_breach_begins_whatever_another_domain_leaves_unsaid() {
    let mut example = Example::covered();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(known(&example), ["exa1"]);
    assert_eq!(view::status(example.world()).breaches[0].users, 1);
}
