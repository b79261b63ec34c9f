//! An old copy of a journal, and what becomes of it.

use crate::scene::{Ahead, Running, disrupted, hello, name, next, offered, offering, refused};
use sendgate_coordinator::driver::{Hello, RequestError};
use sendgate_core::ledger::{Entry, Generation, Memory, Request, Sequence};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;
use sendgate_proto::v1::{self as wire, act_update, to_agent::Kind};
use tokio::sync::mpsc;

const NEWER: Generation = Generation { epoch: 7, counter: 9, mark: 4 };

fn remembers(remembered: Generation) -> Hello {
    knows(Memory { generation: Some(remembered), ..Memory::default() })
}

fn knows(memory: Memory) -> Hello {
    Hello { memory, ..hello() }
}

/// An agent that understands heads.
fn hearing() -> Hello {
    Hello { hears_heads: true, ..hello() }
}

/// What an agent is told of the journal next; whatever else it is told meanwhile is left out.
async fn head(told: &mut mpsc::Receiver<wire::ToAgent>) -> Option<Sequence> {
    loop {
        if let Kind::Head(head) = next(told).await {
            return Sequence::new(head.sequence);
        }
    }
}

async fn take_over(running: &Running) {
    running.handle.request(name("olive"), |world| request::takeover(world, 0x63, "the disk was lost")).await.unwrap();
}

#[tokio::test]
async fn an_agent_with_a_newer_memory_stops_everything_until_a_takeover() {
    let (running, mut told, act) = offering().await;
    let stranger = running.hello("gla", remembers(NEWER)).await.unwrap_err().to_string();
    assert!(stranger.starts_with("it has obeyed generation 0000000000000007.9, which this journal"), "{stranger}");
    // What was offered is taken back, and a permit that was asked for meanwhile is refused.
    assert!(matches!(next(&mut told).await, Kind::Withdrawn(withdrawn) if withdrawn.act_id == act));
    running.ask("exa1", &act).await;
    let (reason, _) = refused(&mut told).await;
    assert!(reason.contains("agent gla is not led by this coordinator: it has obeyed"), "{reason}");
    assert_eq!(running.count("permitted"), 0);

    take_over(&running).await;
    assert!(told.recv().await.is_none(), "every session begins anew");
    assert!(disrupted(&running, "exa1").await.unwrap().starts_with("it has not reported"));
    let (_, opened) = running.hello("gla", remembers(NEWER)).await.unwrap();
    assert_eq!(opened.generation, Generation { epoch: 0x63, counter: 10, mark: 7 });
    let takeover = opened.takeover.unwrap();
    assert_eq!((takeover.by, takeover.reason.as_str()), (name("olive"), "the disk was lost"));
    assert!(takeover.supersedes.contains(&7));
    let (mut told, _) = running.hello("exa1", remembers(Generation { counter: 1, mark: 7, ..NEWER })).await.unwrap();
    running.settled().await;
    let act = offered(&mut told).await;
    assert!(act.starts_with("0000000000000063-"), "an act of the new epoch: {act}");
    running.ask("exa1", &act).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));

    // The next coordinator on this journal goes on from there.
    let running = running.killed().await;
    let (_, opened) = running.hello("gla", remembers(opened.generation)).await.unwrap();
    assert_eq!((opened.generation.epoch, opened.generation.counter), (0x63, 11));
    let requests = running.entries().into_iter().filter(
        |entry| matches!(entry, Entry::Request { by, request: Request::Takeover { .. } } if *by == name("olive")),
    );
    assert_eq!(requests.count(), 1);
}

#[tokio::test]
async fn an_act_that_the_journal_lost_keeps_its_host_from_the_hello_to_its_end() {
    let running = Running::new().await;
    take_over(&running).await;
    let lost = "0000000000000007-900";
    let update = wire::ActUpdate {
        act_id: lost.into(),
        host: "exa1".into(),
        state: act_update::State::Started.into(),
        ..wire::ActUpdate::default()
    };
    let hello = Hello { running: vec![update], ..remembers(NEWER) };
    let (mut told, _) = running.hello("exa1", hello.clone()).await.unwrap();
    running.settled().await;
    running.rollout().await;
    let why = disrupted(&running, "exa1").await.unwrap();
    assert!(why.starts_with("act 0000000000000007-900 of an earlier coordinator"), "{why}");
    assert_eq!(running.count("intent"), 0);
    running.update("exa1", lost, act_update::State::Finished, Some(0)).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(ack) if ack.act_id == lost));
    offered(&mut told).await;
    assert_eq!(running.count("outcome"), 0, "it is no act of this journal");

    // Where it ended while the agent was away, the next hello says so by its silence.
    running.hello("exa1", hello).await.unwrap();
    assert!(disrupted(&running, "exa1").await.unwrap().contains(lost));
    running.hello("exa1", remembers(NEWER)).await.unwrap();
    assert!(!disrupted(&running, "exa1").await.unwrap().contains(lost));
}

#[tokio::test]
async fn an_act_that_began_had_a_permit_also_where_the_journal_lost_it() {
    let (running, mut told, act) = offering().await;
    running.update("exa1", &act, act_update::State::Started, None).await;
    running.update("exa1", &act, act_update::State::Finished, Some(0)).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    assert_eq!((running.count("permitted"), running.count("outcome")), (1, 1));
}

/// An act of which nothing was heard for so long that it was called unknown may go on all the same: its host looks well
/// until the program does what it was started for, and nothing else must be disrupted meanwhile.
#[tokio::test]
async fn an_act_that_was_given_up_keeps_its_host_until_its_agent_has_told_its_end() {
    let (running, mut told, act) = offering().await;
    running.ask("exa1", &act).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));
    running.update("exa1", &act, act_update::State::Started, None).await;
    running.ahead.pass(61);
    running.everything_good().await;
    assert_eq!(running.count("outcome"), 1, "given up");
    let going = format!("act {act} was given up, but its agent has not told its end: its program may still run");
    assert_eq!(disrupted(&running, "exa1").await.unwrap(), going);

    // The next coordinator hears of it from the agent's first message.
    let running = running.killed().await;
    let update = wire::ActUpdate {
        act_id: act.clone(),
        host: "exa1".into(),
        state: act_update::State::Started.into(),
        ..wire::ActUpdate::default()
    };
    let hello = Hello { running: vec![update], ..hello() };
    let (mut told, _) = running.hello("exa1", hello).await.unwrap();
    running.everything_good().await;
    assert_eq!(disrupted(&running, "exa1").await.unwrap(), going);
    running.update("exa1", &act, act_update::State::Unknown, None).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    assert_eq!(running.count("outcome"), 1, "that it is unknown is not written twice");
    let unknown = format!("how act {act}, which was given up, ended is unknown");
    assert_eq!(disrupted(&running, "exa1").await.unwrap(), unknown);
    running.update("exa1", &act, act_update::State::Finished, Some(0)).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    assert_eq!(running.count("outcome"), 2, "its end is known after all");
    let (_, intent) = act.split_once('-').unwrap();
    let unreported = format!("it has not reported since intent {intent} ended");
    assert_eq!(disrupted(&running, "exa1").await.unwrap(), unreported);
    running.ahead.pass(1);
    running.everything_good().await;
    assert_eq!(disrupted(&running, "exa1").await, None);
}

fn hold(running: &Running) -> impl Future<Output = Result<Sequence, RequestError>> {
    running.handle.request(name("olive"), |world| request::hold(world, &WantedHeld::Estate, "not today"))
}

/// A hold is no act on any agent, and there is no start after it: only who was told of its record knows that a copy lacks it.
#[tokio::test]
async fn a_copy_that_lacks_a_hold_leads_nobody_who_was_told_of_its_record() {
    let running = Running::new().await;
    let (mut told, opened) = running.hello("exa1", hearing()).await.unwrap();
    let (mut deaf, _) = running.hello("gla", hello()).await.unwrap();
    assert_eq!(opened.head, Some(Sequence(2)), "the start, and the accounts that it declares");
    running.everything_good().await;
    running.rollout().await;
    let copy = running.copied();
    let held = hold(&running).await.unwrap();
    // What was offered is taken back, which is a record as well.
    let last = async || running.handle.look(|world, _| world.ledger.head).await.unwrap();
    let mut reached = head(&mut told).await;
    while reached != last().await {
        reached = head(&mut told).await;
    }
    assert!(reached >= Some(held));
    let (_, again) = running.hello("exa1", hearing()).await.unwrap();
    assert_eq!(again.head, reached, "whoever comes later is told at once");

    let restored = Running::on(copy, Ahead::default()).await;
    let memory = Memory { generation: Some(opened.generation), head: reached, ..Memory::default() };
    // Who was not told of it is led: it knows nothing that the copy lacks.
    let before = Memory { head: opened.head, ..memory };
    let (mut led, _) = restored.hello("exa1", knows(before)).await.unwrap();
    restored.everything_good().await;
    offered(&mut led).await;
    let stranger = restored.hello("gla", knows(memory)).await.unwrap_err().to_string();
    let record = reached.unwrap();
    let what =
        format!("it was told of record {record} of generation 0000000000000007.1, which this journal does not have");
    assert!(stranger.starts_with(&what), "{stranger}");
    assert!(matches!(next(&mut led).await, Kind::Withdrawn(_)), "nothing begins anywhere");
    let shown = restored.handle.look(|world, _| view::status(world).strangers).await.unwrap();
    assert_eq!(shown, [(name("gla"), stranger)].into());

    // On the journal itself it is led, also by the next start.
    let running = running.killed().await;
    running.hello("gla", knows(memory)).await.unwrap();
    while let Ok(message) = deaf.try_recv() {
        assert!(!matches!(message.kind, Some(Kind::Head(_))), "an agent of the last release ends its session over it");
    }
}
