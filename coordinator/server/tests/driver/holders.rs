//! Only the journal that was there when a permit was given knows whether the act has begun: an agent that was given an empty
//! one, or another agent that was given the host, knows nothing of it.

use crate::scene::{Running, disrupted, hello, journal, next, offered, offering, refused};
use sendgate_coordinator::driver::Hello;
use sendgate_core::ledger::{Entry, Memory, Outcome, Sequence};
use sendgate_proto::v1::{self as wire, act_update::State, to_agent::Kind};

fn outcomes(running: &Running) -> Vec<Outcome> {
    let outcome = |entry| match entry {
        Entry::Outcome { outcome, .. } => Some(outcome),
        _ => None,
    };
    running.entries().into_iter().filter_map(outcome).collect()
}

#[tokio::test]
async fn an_act_that_another_journal_had_the_permit_of_may_have_begun() {
    let (running, mut told, act) = offering().await;
    running.ask("exa1", &act).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));
    // The agent's machine was made anew, or the host was given to another agent: it asks, for it knows nothing of the act.
    for _ in 0..2 {
        let hello = Hello { journal: journal(2), ..hello() };
        let (mut told, _) = running.hello("exa1", hello).await.unwrap();
        running.everything_good().await;
        if outcomes(&running).is_empty() {
            assert_eq!(offered(&mut told).await, act);
            running.ask("exa1", &act).await;
            assert_eq!(refused(&mut told).await.1, 0);
        }
        // It says so again where the acknowledgement was lost.
        running.update("exa1", &act, State::Refused, None).await;
        assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    }
    let [Outcome::Unknown { detail }] = &outcomes(&running)[..] else { panic!("{:?}", outcomes(&running)) };
    assert_eq!(detail, "its permit was given to an agent with another journal, which may have begun it");
    assert_eq!(running.count("intent"), 1, "it is not done again");
    let why = disrupted(&running, "exa1").await.unwrap();
    assert!(why.contains("ended is unknown: look whether it still runs"), "{why}");

    // Where the first one comes back after all, its word counts.
    let mut told = running.connect("exa1").await;
    running.update("exa1", &act, State::Refused, None).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    assert!(matches!(outcomes(&running)[..], [_, Outcome::NotStarted { .. }]), "{:?}", outcomes(&running));
}

/// Its machine was put back to a snapshot: the journal is the same one, and knows nothing of the act.
#[tokio::test]
async fn an_older_copy_of_the_journal_that_got_the_permit_does_not_know_that_the_act_has_not_begun() {
    let (running, _, act) = offering().await;
    let hearing = |head| Hello { hears_heads: true, memory: Memory { head, ..Memory::default() }, ..hello() };
    let (mut told, opened) = running.hello("exa1", hearing(None)).await.unwrap();
    running.ask("exa1", &act).await;
    while !matches!(next(&mut told).await, Kind::Permit(_)) {}
    let head = opened.head.unwrap();
    // It has heard of that, and may not have heard of more.
    running.hello("exa1", hearing(Some(head))).await.unwrap();
    assert!(outcomes(&running).is_empty());
    for _ in 0..2 {
        running.hello("exa1", hearing(Sequence::new(head.get() - 1))).await.unwrap();
        running.everything_good().await;
        let [Outcome::Unknown { detail }] = &outcomes(&running)[..] else { panic!("{:?}", outcomes(&running)) };
        let why = "the agent's journal was put back to a copy from before it got the permit, so that it may have begun";
        assert_eq!(detail, why);
    }
    assert_eq!(running.count("intent"), 1, "it is not done again");
    assert!(disrupted(&running, "exa1").await.unwrap().contains("ended is unknown"));
}

/// The snapshot is of the same session: of how far the journal has gone since that began, the agent said how much it knew.
#[tokio::test]
async fn a_copy_from_after_the_welcome_does_not_know_either() {
    for copied in [-1, 0] {
        let (running, _, act) = offering().await;
        let hearing = |head| Hello { hears_heads: true, memory: Memory { head, ..Memory::default() }, ..hello() };
        let (mut told, opened) = running.hello("exa1", hearing(None)).await.unwrap();
        let said = opened.head.unwrap().get() + 4;
        running.ask_knowing("exa1", &act, Some(said)).await;
        while !matches!(next(&mut told).await, Kind::Permit(_)) {}
        running.hello("exa1", hearing(Sequence::new(said.checked_add_signed(copied).unwrap()))).await.unwrap();
        let unknown = outcomes(&running).iter().any(|outcome| matches!(outcome, Outcome::Unknown { .. }));
        assert_eq!(unknown, copied < 0, "{:?}", outcomes(&running));
    }
}

/// The permit of an act that runs is in no journal any more, and the agent's welcome is lost: what it says at its next hello is
/// what it knew before.
#[tokio::test]
async fn an_act_that_runs_without_a_permit_runs_whatever_its_agent_has_heard_of() {
    let (running, _, act) = offering().await;
    let update = |state: State| wire::ActUpdate {
        act_id: act.clone(),
        host: "exa1".into(),
        state: state.into(),
        ..wire::ActUpdate::default()
    };
    for _ in 0..2 {
        let (hears_heads, update) = (true, update(State::Started));
        running.hello("exa1", Hello { hears_heads, running: vec![update], ..hello() }).await.unwrap();
        // By then the hello has been taken in.
        running.everything_good().await;
        assert_eq!((running.count("permitted"), outcomes(&running)), (1, vec![]));
    }
}

#[tokio::test]
async fn what_another_journal_does_not_know_of_has_not_ended_for_that() {
    let running = Running::new().await;
    let lost = "0000000000000007-900";
    let update = wire::ActUpdate {
        act_id: lost.into(),
        host: "exa1".into(),
        state: State::Started.into(),
        ..wire::ActUpdate::default()
    };
    running.hello("exa1", Hello { running: vec![update], ..hello() }).await.unwrap();
    running.hello("exa1", Hello { journal: journal(2), ..hello() }).await.unwrap();
    let why = disrupted(&running, "exa1").await.unwrap();
    assert_eq!(why, "how act 0000000000000007-900 of an earlier coordinator ended is unknown");
    // Nothing of it runs any more where the host is seen well after that.
    running.ahead.pass(1);
    running.everything_good().await;
    assert_eq!(disrupted(&running, "exa1").await, None);
}

#[tokio::test]
async fn an_act_that_is_given_up_does_not_run_for_an_agent_that_never_had_its_permit() {
    let (running, mut told, act) = offering().await;
    running.ask("exa1", &act).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));
    running.hello("exa1", Hello { journal: journal(2), ..hello() }).await.unwrap();
    running.ahead.pass(61);
    running.everything_good().await;
    assert_eq!(outcomes(&running).len(), 1, "given up");
    // This agent will never tell its end: a person does.
    let why = disrupted(&running, "exa1").await.unwrap();
    assert!(why.contains("sendgate rollout skip dst exa1"), "{why}");
}
