//! Replication, caches, GoodLink's own timer.

use super::{concludes, diagnosis, finding, finds, is, landed, paused, report, shows};
use crate::example::{Example, minutes, name, succeeded};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::plan::diagnosis::{Finding, Suspect};
use std::collections::BTreeMap;

const RESTART: &str = "sendgate goodlink restart gla --reason 'clear the pause of anna'";

fn restart(example: &mut Example, outcome: Option<Outcome>) -> Sequence {
    let effect = Effect::RestartGoodlink { goodlink: name("gla"), host: name("gla"), users: 1, forced: false };
    let intent = example.append(Entry::Intent { effect });
    if let Some(outcome) = outcome {
        example.append(Entry::Permitted { intent, holder: None });
        example.end(intent, outcome);
    }
    intent
}

#[test]
fn a_server_that_is_behind_is_named_with_those_that_are_not() {
    let mut example = landed(200);
    let a2 = shows(VerdictKind::Missing, Cause::NoEntry);
    example.apart.insert(name(super::ANNA), [(name("a2"), a2)].into());
    let differ = Cause::ServersDiffer { holds: [name("a1")].into(), lacks: [name("a2")].into() };
    example.deciding.remove(&name(super::ANNA));
    let a1 = shows(VerdictKind::Covered, Cause::Granted);
    example.apart.get_mut(&name(super::ANNA)).unwrap().insert(name("a1"), a1);
    is(&mut example, VerdictKind::Replicating, differ);
    concludes(
        &example,
        "replication: a2 does not show the right, a1 does (and no entry)",
        "wait until a2 has caught up; if it does not, look at its replication (repadmin /showrepl), then: sendgate \
         survey run a.example.test",
    );
    // Somebody whom one server has not got yet is on his way there.
    let a2 = shows(VerdictKind::Unresolved, Cause::NotFound);
    example.apart.get_mut(&name(super::ANNA)).unwrap().insert(name("a2"), a2);
    is(&mut example, VerdictKind::Unresolved, Cause::NotFound);
    finds(&example, Suspect::Replication, "it is this: a2 does not show the right, a1 does");
}

#[test]
fn replication_is_ruled_out_by_every_server_and_not_by_some() {
    let mut example = landed(200);
    finds(&example, Suspect::Replication, "ruled out: every server that counts shows the right: a1, a2");
    is(&mut example, VerdictKind::Missing, Cause::NoEntry);
    finds(
        &example,
        Suspect::Replication,
        "ruled out: no server shows the right (a1, a2), so there is none to replicate",
    );
    // What one denies and the other does not is on its way from one to the other, either way.
    let a2 = shows(VerdictKind::Denied, Cause::DeniedByEntry);
    example.apart.insert(name(super::ANNA), [(name("a2"), a2)].into());
    example.survey();
    finds(&example, Suspect::Replication, "cannot tell: a2 denies the right and a1 does not: see the deny");
}

#[test]
fn a_silent_server_leaves_it_open() {
    let mut example = landed(200);
    example.down.insert("a2", "connection refused");
    example.survey();
    let silent = "directory server a2 gave no evidence: connection refused";
    let next = "see which directory server gives no evidence (sendgate domains) and bring it back, then: sendgate \
                survey run a.example.test --watch";
    concludes(&example, &format!("not known, perhaps replication: {silent}"), next);
    for check in diagnosis(&example).checks {
        let known = [Suspect::OtherError, Suspect::Roster, Suspect::UnwatchedServer].contains(&check.suspect);
        let open = matches!(check.finding, Finding::CannotTell { .. });
        assert_eq!(open, !known, "{check:?}");
    }
    // Silent, and nothing says so: its last look is too old.
    example.down.clear();
    example.survey();
    example.policy.freshness.watch_age = minutes(1);
    example.silence(minutes(2));
    let text = finding(&example, Suspect::Replication).to_string();
    assert!(text.starts_with("cannot tell: directory server a1 gave no evidence: nothing was heard"), "{text}");
}

#[test]
fn caches_are_waited_for_until_they_have_run_off() {
    let mut example = landed(100);
    restart(&mut example, Some(succeeded()));
    concludes(
        &example,
        "caches: his right landed 1h 40m ago, and the store may not know it yet",
        "wait for 30m 0s: the store keeps what it knows of a mailbox for up to 120m; restarting the Information Store \
         ends that at once, with mail down meanwhile",
    );
    example.pass(minutes(30));
    finds(
        &example,
        Suspect::Caches,
        "ruled out: his right landed 2h 10m ago, and after 2h 10m the store's mailbox cache (120m) and DSAccess (10m) \
         know it",
    );
    is(&mut example, VerdictKind::Denied, Cause::DeniedByEntry);
    finds(
        &example,
        Suspect::Caches,
        "ruled out: the directory itself does not give him the right: what is cached of it is not old",
    );
}

/// Nobody knows since when a right is there that was there from the first look on.
#[test]
fn a_landing_that_nobody_saw_proves_no_wait() {
    let example = paused();
    let text = "cannot tell: he was never seen without the right, so when it landed is not known";
    finds(&example, Suspect::Caches, text);
    let text = "cannot tell: he was never seen without the right, so whether a restart was late enough is not known";
    finds(&example, Suspect::PauseTimer, text);
    let cause = "not known, perhaps caches: he was never seen without the right, so when it landed is not known";
    concludes(&example, cause, RESTART);
}

#[test]
fn goodlinks_timer_runs_until_a_restart_that_was_late_enough() {
    let mut example = landed(60);
    let check = diagnosis(&example).checks.into_iter().find(|check| check.suspect == Suspect::PauseTimer).unwrap();
    assert_eq!(check.finding.to_string(), "cannot tell: it is too early for a restart to help");
    assert_eq!(check.next.unwrap(), format!("wait for 10m 0s, then: {RESTART}"));
    // One that was too early clears nothing for good.
    restart(&mut example, Some(succeeded()));
    example.pass(minutes(100));
    let since = "GoodLink's pause timer: no restart of GoodLink is known since 2006-06-13T03:15:00Z, from when on one \
                 helps him";
    concludes(&example, since, RESTART);
    let intent = restart(&mut example, Some(succeeded()));
    example.pass(minutes(5));
    finds(
        &example,
        Suspect::PauseTimer,
        &format!(
            "ruled out: Sendgate restarted GoodLink at 2006-06-13T04:45:00Z (intent {intent}); his last pause line is of \
             2006-06-13T04:50:00Z by its host's clock"
        ),
    );
    concludes(
        &example,
        "everything that can be seen from here is ruled out",
        "let him send a message and look at GoodLink's log for his next pause line (without one he sends again), run \
         GoodLink's Test Send for him, and see that every directory server that his Exchange server uses (System \
         Manager, Directory Access) is configured here",
    );
}

#[test]
fn a_restart_whose_end_is_not_known_rules_nothing_out() {
    let mut example = landed(200);
    let intent = restart(&mut example, None);
    let under_way = format!("cannot tell: a restart of GoodLink is under way (intent {intent})");
    finds(&example, Suspect::PauseTimer, &under_way);
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 1".into() });
    finds(
        &example,
        Suspect::PauseTimer,
        &format!("cannot tell: whether intent {intent} restarted GoodLink is not known: failed: exit code 1"),
    );
    // One that nobody began is none.
    let refused = restart(&mut example, None);
    example.end(refused, Outcome::NotStarted { detail: "no restart program".into() });
    let text = finding(&example, Suspect::PauseTimer).to_string();
    assert!(text.contains(&format!("intent {intent} ")), "{text}");
}

/// Somebody restarted it without Sendgate: its host says since when it runs.
#[test]
fn a_restart_by_hand_counts_when_the_host_says_that_it_was_late_enough() {
    let mut example = landed(200);
    let ready = example.now.wall - jiff::SignedDuration::from_mins(130);
    let started = |example: &mut Example, at| report(&mut example.estate).service.as_mut().unwrap().started = Some(at);
    started(&mut example, ready - jiff::SignedDuration::from_secs(1));
    assert!(matches!(finding(&example, Suspect::PauseTimer), Finding::ItIs { .. }));
    started(&mut example, ready);
    finds(
        &example,
        Suspect::PauseTimer,
        "ruled out: GoodLink's service started at 2006-06-13T03:15:00Z by its host's clock, which is late enough, and he \
         was paused at 2006-06-13T05:25:00Z",
    );
}

#[test]
fn he_is_called_failed_when_the_wait_is_over_and_not_before() {
    let remaining = |example: &Example| diagnosis(example).remaining;
    assert_eq!(remaining(&landed(129)), minutes(1));
    assert_eq!(remaining(&landed(130)), minutes(0));
    // Without a landing it counts from his first pause line, and a clock that is ahead hides nobody.
    let mut example = paused();
    let first = |example: &mut Example, at| {
        let paused: &mut BTreeMap<_, sendgate_core::estate::Pause> =
            report(&mut example.estate).paused.as_mut().unwrap();
        paused.get_mut(&name("anna")).unwrap().first = at;
    };
    let now = example.now.wall;
    first(&mut example, now - jiff::SignedDuration::from_mins(100));
    assert_eq!(remaining(&example), minutes(30));
    first(&mut example, now - jiff::SignedDuration::from_mins(500));
    assert_eq!(remaining(&example), minutes(0));
    first(&mut example, now + jiff::SignedDuration::from_mins(1));
    assert_eq!(remaining(&example), minutes(0));
}
