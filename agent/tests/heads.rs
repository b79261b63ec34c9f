//! The disk fails while the agent notes how far the coordinator's journal has gone: it says so, and the session goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/failing_disk.rs"]
mod failing_disk;
#[path = "support/log.rs"]
mod log;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use failing_disk::FailingDisk;
use log::Log;
use sendgate_agent::apply::Acts;
use sendgate_agent::apply::programs::Supervisors;
use sendgate_agent::config::AgentConfig;
use sendgate_agent::journal::Journal;
use sendgate_agent::journal::store::{Part, Records, Store, StoreError, SyncError};
use sendgate_agent::machine::{Machine, ThisMachine};
use sendgate_agent::session::{self, Agent, Tls};
use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::from_agent::Kind as FromAgent;
use sendgate_proto::v1::restart_service::Role;
use sendgate_proto::v1::to_agent::Kind as ToAgent;
use sendgate_proto::v1::{Head, PermitRefused, RestartService};
use support::{Coordinator, World, digest, until};
use tokio::sync::watch;

// One thread, so that what the session logs is logged here.
#[tokio::test]
async fn a_head_that_cannot_be_written_is_said_and_ends_no_session() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new();
    let mut coordinator = Coordinator::start(&world).await;
    let config = AgentConfig::load(&world.config(coordinator.port)).unwrap();
    let disk = FailingDisk::default();
    let journal = Arc::new(Journal::kept_in("journal".into(), Box::new(disk.clone())).unwrap());
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let (interval, _intervals) = watch::channel(config.report_interval);
    let (_tick, ticks) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let probes = Arc::new(BTreeMap::new());
    let program = env!("CARGO_BIN_EXE_sendgate-agent").into();
    let programs = Arc::new(Supervisors::new(config.state.clone(), program, Arc::clone(&machine)));
    let acts = Acts::new(Arc::clone(&journal), programs, Arc::clone(&machine), Arc::clone(&probes));
    let (agent, to) = (config.agent.clone(), config.coordinator.clone());
    let transport = Arc::new(Tls { agent, coordinator: to, machine: Arc::clone(&machine) });
    let agent = Agent { config: Arc::new(config), journal, acts, probes, ticks, interval, transport, machine };
    let task = tokio::spawn(session::run(agent, stopped));

    let mut session = coordinator.session(5).await;
    let act = || Act::Restart(RestartService { role: Role::Goodlink.into() });
    session.offer_act("e-1", 5, "nowhere", act()).await;
    session.refused("e-1").await;
    disk.failures.store(1, Ordering::SeqCst);
    session.send(ToAgent::Head(Head { sequence: 9 })).await;
    until("the disk fails", || disk.failures.load(Ordering::SeqCst) == 0).await;
    session.offer_act("e-2", 5, "nowhere", act()).await;
    session.refused("e-2").await;
    let said = log.text();
    let line = said.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
    let words = "how far the coordinator's journal has gone is not remembered: should a backup of that journal be \
                 restored, this agent may not notice that the backup is older error=the journal journal: syncing to disk: \
                 No space left on device (os error 28) head=9";
    assert!(line.ends_with(words), "{said}");

    // It says that it knows of a record only once that is on the disk.
    disk.failures.store(2, Ordering::SeqCst);
    session.offer("e-10", 5, &digest(&world.package)).await;
    for head in [None, None, Some(10)] {
        let FromAgent::PermitRequest(request) = session.other().await else { panic!("no request") };
        assert_eq!(request.head, head);
        let (act_id, nonce) = (request.act_id, request.nonce);
        session
            .send(ToAgent::PermitRefused(PermitRefused { act_id, nonce, reason: "later".into(), retry_ms: 1 }))
            .await;
    }
    stop.send_replace(true);
    task.await.unwrap();
}
