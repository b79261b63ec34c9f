//! The coordinator's loop on real domain controllers: grants that are lost, undone and left to a directory team. Runs on
//! the laboratory's client node, with SENDGATE_LAB set, one test at a time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "directory/support.rs"]
#[allow(dead_code, reason = "surveys are the loop's own here")]
mod support;

#[path = "directory/running.rs"]
mod running;

use running::{Running, eventually};
use sendgate_coordinator::directory::grant::{self, GrantDone};
use sendgate_core::coverage::VerdictKind;
use sendgate_core::coverage::advice::advice;
use sendgate_core::coverage::placement::{EntryBytes, PlannedGrant};
use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, PairEvent};
use sendgate_core::policy::GrantMode;
use sendgate_core::request;
use sendgate_core::secdesc::edit;
use sendgate_core::view;
use support::{Always, lab, server};

/// Gives the servers back to one another, however the test ends.
struct Healed<'a>(&'a sendgate_tests::lab::Lab);

impl Drop for Healed<'_> {
    fn drop(&mut self) {
        // The next test says so if it did not work.
        let _ = self.0.heal();
    }
}

/// Two controllers that do not reach one another. The grant is written on one; somebody changes the same list on the
/// other, later; replication lets the later write win whole.
#[tokio::test]
async fn a_grant_that_replication_loses_is_found_and_written_again() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    let administrators = [0, 1].map(|at| server(domain, at, &domain.administrator));
    let healed = Healed(&lab);
    lab.part(&["a1", "a2"]).unwrap();
    let running = Running::start(domain, &domain.coordinator, &[user], GrantMode::Apply).await;

    // Written on the one server, and not on the other: nothing says covered.
    eventually("the grant is written", async || running.ended().await == 1).await;
    eventually("a1 has it, a2 has not", async || running.kind(user).await == Some(VerdictKind::Replicating)).await;
    let effects = running.effects();
    let [Effect::Grant(first)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(first.place.as_str(), domain.blocked_units[0]);

    // Three writes on a2 against one on a1: a2's is the later one by version, whatever the clocks say.
    let store = PlannedGrant { sid: domain.store.sid.parse().unwrap(), ..first.clone() };
    for _ in 0..2 {
        let now = grant::shown(&administrators[1], &first.place).await.unwrap();
        assert_eq!(edit::find_entry(&now, &first.sid, first.form), None, "the servers do not reach one another");
        let expected = edit::explicit_entries(&now).into_iter().map(EntryBytes).collect();
        let written =
            grant::apply(&administrators[1], &PlannedGrant { expected, ..store.clone() }, &Always).await.unwrap();
        assert!(matches!(written, GrantDone::Written { .. }));
        assert!(matches!(
            grant::withdraw(&administrators[1], &store.entry(), &Always).await.unwrap(),
            GrantDone::Written { .. }
        ));
    }
    assert_eq!(running.kind(user).await, Some(VerdictKind::Replicating));
    assert!(!running.has(|milestone| is_event(milestone, PairEvent::Landed)), "covered too early");

    drop(healed);
    let lost = |milestone: &Milestone| match milestone {
        Milestone::GrantLost { place, cause, .. } if *place == first.place => Some(cause.clone()),
        _ => None,
    };
    eventually("the loss is found", async || running.has(|milestone| lost(milestone).is_some())).await;
    eventually("it is written again", async || running.ended().await == 2).await;
    eventually("and covers", async || running.kind(user).await == Some(VerdictKind::Covered)).await;
    eventually("for good", async || running.has(|milestone| is_event(milestone, PairEvent::Landed))).await;
    let texts = running.milestones().iter().filter_map(lost).collect::<Vec<_>>();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("won by replication (the later write wins whole)"), "{texts:?}");
    let details = running.outcomes();
    assert!(matches!(&details[..], [Outcome::Succeeded { .. }, Outcome::Succeeded { .. }]), "{details:?}");

    // A server that is not reached is no evidence, whatever it said before.
    let healed = Healed(&lab);
    lab.cut("a2").unwrap();
    eventually("a2 is silent", async || running.kind(user).await == Some(VerdictKind::Unreadable)).await;
    drop(healed);
    eventually("a2 is back", async || running.kind(user).await == Some(VerdictKind::Covered)).await;

    // Undone by an operator: exactly that entry goes, the users are uncovered, and nothing is written again.
    let intent = running.last_grant();
    let warning = running.handle.look(move |world, _| view::undo_warning(world, intent.get())).await.unwrap().unwrap();
    // Its GoodLink server has not reported here, so that there may be more of them.
    assert!(warning.starts_with("1 roster users may lose the right with this entry ("), "{warning}");
    assert!(
        warning.contains("), and whom else it uncovers is not known (declared GoodLink server gl has not"),
        "{warning}"
    );
    let before = grant::shown(&administrators[0], &first.place).await.unwrap();
    let undo =
        move |world: sendgate_core::gate::World<'_>| request::grant_undo(world, intent.get(), "the test is over");
    running.handle.request("olga".parse().unwrap(), undo).await.unwrap();
    eventually("it is gone", async || running.kind(user).await == Some(VerdictKind::Missing)).await;
    let wanted = edit::remove_grant(&before, &first.sid, first.form).unwrap();
    let now = grant::shown(&administrators[0], &first.place).await.unwrap();
    assert_eq!(edit::explicit_entries(&now), edit::explicit_entries(&wanted));
    let gone = |milestone: &Milestone| match milestone {
        Milestone::Pairs { event: PairEvent::Vanished, cause, .. } => cause.clone(),
        _ => None,
    };
    eventually("why is written down", async || {
        let text = format!("olga had grant {intent} on {} undone: the test is over", first.place);
        running.has(|milestone| gone(milestone).is_some_and(|cause| cause.starts_with(&text)))
    })
    .await;
    let texts = running.blocked().await;
    let text = format!("it is planned again after `sendgate grants redo {intent}`");
    assert!(texts.iter().any(|blocked| blocked.ends_with(&text)), "{texts:?}");
    assert_eq!(running.effects().len(), 3);
}

fn is_event(milestone: &Milestone, wanted: PairEvent) -> bool {
    matches!(milestone, Milestone::Pairs { event, .. } if *event == wanted)
}

/// Nothing is written; what the directory team did by hand is seen as coverage.
#[tokio::test]
async fn what_a_directory_team_did_by_hand_covers() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    let controller = server(domain, 0, &domain.administrator);
    let running = Running::start(domain, &domain.surveyor, &[user], GrantMode::Advise).await;
    eventually("it is missing", async || running.kind(user).await == Some(VerdictKind::Missing)).await;
    eventually("it is left to the team", async || {
        running.blocked().await.iter().any(|why| why.ends_with("is left to the directory team"))
    })
    .await;
    let planned = running.proposed().await;
    let [planned] = planned.as_slice() else { panic!("{planned:?}") };
    let before = grant::shown(&controller, &planned.place).await.unwrap();
    let advised = advice(planned, Some(&before));
    assert!(advised.dsacls.as_ref().is_some_and(|text| text.contains("/I:S /G")), "{advised}");
    lab.ldapmodify("b", advised.ldif.as_ref().unwrap()).unwrap();
    eventually("it covers", async || running.kind(user).await == Some(VerdictKind::Covered)).await;
    assert!(!running.entries().iter().any(|entry| matches!(entry, Entry::Intent { .. })), "nothing was written by us");
    assert!(matches!(grant::withdraw(&controller, &planned.entry(), &Always).await, Ok(GrantDone::Written { .. })));
}

/// The account that has only what the documentation says grants needs.
#[tokio::test]
async fn the_account_with_the_least_rights_grants_and_undoes() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    let running = Running::start(domain, &domain.granter, &[user], GrantMode::Apply).await;
    eventually("it covers", async || running.kind(user).await == Some(VerdictKind::Covered)).await;
    let outcomes = running.outcomes();
    let [Outcome::Succeeded { detail }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert!(detail.contains("nobody else wrote meanwhile: its version went from"), "{detail}");
    let intent = running.last_grant();
    let undo =
        move |world: sendgate_core::gate::World<'_>| request::grant_undo(world, intent.get(), "the test is over");
    running.handle.request("olga".parse().unwrap(), undo).await.unwrap();
    eventually("it is gone", async || running.kind(user).await == Some(VerdictKind::Missing)).await;
}
