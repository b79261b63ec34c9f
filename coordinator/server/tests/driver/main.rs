//! The loop from the outside: messages in, journal and messages to agents out. The directory's answers are handed in as
//! readings; everything else is the real driver on a journal in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bad_disk;
mod disk;
mod grants;
mod holders;
mod reports;
mod scene;
mod shown;
mod takeover;

use scene::{Running, name, next, offered, offering, refused};
use sendgate_coordinator::convert;
use sendgate_coordinator::driver::{self, AgentMessage, RequestError};
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_core::ledger::{Entry, Ledger, Stamped};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view::GateState;
use sendgate_proto::v1::{self as wire, act_update, to_agent::Kind};
use shown::{exchange, goodlink};

#[tokio::test]
async fn an_act_goes_from_offer_to_acknowledged_outcome() {
    let (running, mut told, act) = offering().await;
    running.ask("exa1", &act).await;
    let Kind::Permit(permit) = next(&mut told).await else { panic!("a permit") };
    assert_eq!((permit.nonce, permit.valid_ms), (9, 30_000));
    assert_eq!(running.count("permitted"), 1, "the permit is in the journal before the agent has it");
    for _ in 0..2 {
        running.update("exa1", &act, act_update::State::Finished, Some(0)).await;
        assert!(matches!(next(&mut told).await, Kind::ActAck(ack) if ack.act_id == act));
    }
    assert_eq!(running.count("outcome"), 1, "an update that is repeated is acknowledged, and not written twice");
}

#[tokio::test]
async fn a_gate_that_has_closed_since_the_offer_refuses_the_permit_for_now() {
    let (running, mut told, act) = offering().await;
    let mut report = goodlink();
    report.goodlink.as_mut().unwrap().service = Some(shown::running("ADOM\\Administrator"));
    running.report(report).await;
    running.ask("exa1", &act).await;
    let (reason, retry) = refused(&mut told).await;
    assert!(reason.contains("runs as \"ADOM\\\\Administrator\""), "{reason}");
    assert!(retry > 0, "the offer stands");
    assert_eq!(running.count("permitted"), 0);
}

/// An agent that answers and says nothing says nothing good: the gate that was open closes, and the offer gets no permit.
#[tokio::test]
async fn a_report_that_is_empty_closes_the_gate_and_refuses_the_permit() {
    let (running, mut told, act) = offering().await;
    let whole = goodlink();
    let silent = wire::HostReport { goodlink: Some(wire::GoodLinkReport::default()), ..whole.clone() };
    let nothing = wire::HostReport { goodlink: None, ..whole.clone() };
    let unread = wire::RosterReference { error: Some("access is denied".into()), ..Default::default() };
    let mut refused_roster = whole.clone();
    refused_roster.goodlink.as_mut().unwrap().roster = Some(unread);
    let empty = [
        (silent, "the agent's report does not say which roster there is"),
        (nothing, "its host gla reports no GoodLink role"),
        (refused_roster, "its roster could not be read: access is denied"),
    ];
    for (report, why) in empty {
        assert_eq!(running.gate().await, GateState::Open, "{why}");
        running.report(report).await;
        assert_eq!(running.gate().await, GateState::CannotTell, "{why}");
        running.ask("exa1", &act).await;
        let (reason, retry) = refused(&mut told).await;
        assert!(reason.contains(why), "{why}: {reason}");
        assert!(retry > 0, "the offer stands");
        running.report(whole.clone()).await;
    }
    assert_eq!(running.count("permitted"), 0);
}

#[tokio::test]
async fn nobody_gets_a_permit_for_another_agents_act_or_another_journals() {
    let (running, mut told, act) = offering().await;
    let mut other = running.connect("gla").await;
    running.ask("gla", &act).await;
    let (reason, retry) = refused(&mut other).await;
    assert_eq!((reason.as_str(), retry), ("this coordinator knows no such act of this agent", 0));
    running.ask("exa1", &act.replace("0000000000000007", "0000000000000008")).await;
    assert_eq!(refused(&mut told).await.1, 0);
    assert_eq!(running.count("permitted"), 0);
}

/// The coordinator dies after the permit: the next one offers the act again, the agent asks again, and the act is void.
#[tokio::test]
async fn a_permit_is_given_once_even_over_a_restart() {
    let (running, mut told, act) = offering().await;
    running.ask("exa1", &act).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));
    let running = running.killed().await;
    let generations: Vec<_> = running
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Started { generation, .. } => Some((generation.epoch, generation.counter)),
            _ => None,
        })
        .collect();
    assert_eq!(generations, [(running.epoch, 1), (running.epoch, 2)]);
    assert_eq!(running.gate().await, GateState::CannotTell, "a new coordinator knows nothing");
    let mut told = running.connect("exa1").await;
    assert_eq!(offered(&mut told).await, act, "how does it stand?");
    running.ask("exa1", &act).await;
    let (reason, retry) = refused(&mut told).await;
    assert_eq!((reason.as_str(), retry), ("a person must look at it: its permit was given before", 0));
    running.update("exa1", &act, act_update::State::Refused, None).await;
    assert!(matches!(next(&mut told).await, Kind::ActAck(_)));
    assert_eq!((running.count("permitted"), running.count("outcome")), (1, 1));
}

#[tokio::test]
async fn an_aborted_rollout_takes_its_offer_back() {
    let (running, mut told, act) = offering().await;
    running.handle.request(name("olive"), |world| request::rollout_abort(world, "dst", "no")).await.unwrap();
    assert!(matches!(next(&mut told).await, Kind::Withdrawn(withdrawn) if withdrawn.act_id == act));
    running.ask("exa1", &act).await;
    assert_eq!(refused(&mut told).await.1, 0);
}

/// Invariant 7: the offer is gone before the hold is answered, and comes again under a new act once it is released.
#[tokio::test]
async fn a_hold_takes_the_offer_back_until_it_is_released() {
    let (running, mut told, act) = offering().await;
    let held = WantedHeld::Domain("a.example.test".into());
    let hold = held.clone();
    running.handle.request(name("olive"), move |world| request::hold(world, &hold, "no")).await.unwrap();
    assert!(matches!(next(&mut told).await, Kind::Withdrawn(withdrawn) if withdrawn.act_id == act));
    running.ask("exa1", &act).await;
    assert_eq!(refused(&mut told).await.1, 0);
    assert_eq!(running.count("intent"), 1, "nothing new while it is held");
    running
        .handle
        .request(name("olive"), move |world| request::release(world, &name("olive"), &held, "yes"))
        .await
        .unwrap();
    let again = offered(&mut told).await;
    assert_ne!(again, act);
    running.ask("exa1", &again).await;
    assert!(matches!(next(&mut told).await, Kind::Permit(_)));
    let under_way = running.handle.look(|world, _| request::under_way(world)).await.unwrap();
    assert!(under_way.unwrap().contains("install kb926666 on exa1"));
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_not_written_down() {
    let running = Running::new().await;
    running.handle.look(|_, _| ()).await.unwrap();
    let before = running.entries().len();
    let error =
        running.handle.request(name("olive"), |world| request::rollout_start(world, "dst", "")).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)));
    assert_eq!(error.to_string(), "rollout \"dst\" is not known: there is no rollout yet");
    assert_eq!(running.entries().len(), before);
}

#[tokio::test]
async fn a_host_that_belongs_to_another_agent_is_not_believed() {
    let running = Running::new().await;
    let host = name("exa1");
    let state = Box::new(convert::host_state(exchange(), running.handle.now()));
    running.agent("gla", AgentMessage::Report(host, state)).await;
    let known = running.handle.look(|world, _| world.estate.hosts.len()).await.unwrap();
    assert_eq!(known, 0);
}

/// The end of an older session must not take the newer one with it.
#[tokio::test]
async fn a_newer_session_of_an_agent_outlives_the_older_one() {
    let running = Running::new().await;
    let older = running.connect("exa1").await;
    let _newer = running.connect("exa1").await;
    drop(older);
    running.agent("exa1", AgentMessage::Gone(1)).await;
    let connected = running.handle.look(|world, _| world.estate.sessions.contains(&name("exa1"))).await.unwrap();
    assert!(connected);
    running.agent("exa1", AgentMessage::Gone(2)).await;
    let connected = running.handle.look(|world, _| world.estate.sessions.contains(&name("exa1"))).await.unwrap();
    assert!(!connected);
}

#[tokio::test]
async fn a_journal_that_contradicts_itself_is_refused() {
    let journal = MemoryJournal::new();
    let now =
        sendgate_core::time::Now { wall: jiff::Timestamp::UNIX_EPOCH, steady: sendgate_core::time::Steady::START };
    let entry = Entry::Permitted { intent: sendgate_core::ledger::Sequence(41), holder: None };
    let payload = serde_json::to_vec(&Stamped { at: now, entry }).unwrap();
    journal.append(journal.next(), &payload).unwrap();
    let error = driver::replay(&journal).unwrap_err().to_string();
    assert!(error.starts_with("the journal contradicts itself: entry 1 (permitted) cannot follow"), "{error}");
    let journal = MemoryJournal::new();
    journal.append(journal.next(), b"nonsense").unwrap();
    let error = driver::replay(&journal).unwrap_err().to_string();
    assert!(error.starts_with("record 1 of the journal cannot be understood"), "{error}");
    assert_eq!(driver::replay(&MemoryJournal::new()).unwrap(), Ledger::default());
}
