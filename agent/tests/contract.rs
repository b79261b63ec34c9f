//! What the agent logs of a coordinator that is silent, hangs up, or does not keep to the contract. The clock is paused:
//! nobody waits for a silent one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/failing_disk.rs"]
mod failing_disk;
#[path = "support/log.rs"]
mod log;
mod support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failing_disk::FailingDisk;
use log::Log;
use sendgate_agent::apply::Acts;
use sendgate_agent::apply::programs::Supervisors;
use sendgate_agent::config::AgentConfig;
use sendgate_agent::journal::Journal;
use sendgate_agent::journal::store::{Part, Records, Store, StoreError, SyncError};
use sendgate_agent::machine::{Later, Machine, ThisMachine};
use sendgate_agent::session::{self, Agent, SessionError, Told, Transport};
use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::restart_service::Role;
use sendgate_proto::v1::to_agent::Kind;
use sendgate_proto::v1::{ActOffer, ActWithdrawn, FromAgent, Generation, Head, RestartService, ToAgent, Welcome};
use support::{EPOCH, MARK, World};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;

/// More answers than may wait to be sent.
const MANY: u64 = 100;

/// What the coordinator says in one session, and whether it hangs up then, or falls silent.
type Script = (Vec<Option<Kind>>, bool);

/// A coordinator that takes nothing of what it is told; after the last session the agent is stopped.
#[derive(Debug)]
struct Scripted {
    sessions: Mutex<VecDeque<Script>>,
    stop: watch::Sender<bool>,
    /// Kept: to drop one is to hang up.
    untaken: Mutex<Vec<mpsc::Receiver<FromAgent>>>,
}

impl Transport for Scripted {
    fn open(&self, said: mpsc::Receiver<FromAgent>) -> Later<'_, Result<Told, SessionError>> {
        self.untaken.lock().unwrap().push(said);
        let script = self.sessions.lock().unwrap().pop_front();
        Box::pin(async move {
            let Some((says, hangs_up)) = script else {
                self.stop.send_replace(true);
                return std::future::pending().await;
            };
            let says = tokio_stream::iter(says.into_iter().map(|kind| Ok(ToAgent { kind })));
            let told: Told = if hangs_up { Box::pin(says) } else { Box::pin(says.chain(tokio_stream::pending())) };
            Ok(told)
        })
    }
}

const GENERATION: Generation = Generation { epoch: EPOCH, counter: 5, mark: MARK };

fn welcome(heartbeat_ms: u64) -> Option<Kind> {
    Some(Kind::Welcome(Welcome { generation: Some(GENERATION), takeover: None, heartbeat_ms, head: 0 }))
}

/// An act that is refused, and that is told.
fn offer(number: u64) -> Option<Kind> {
    let act = Some(Act::Restart(RestartService { role: Role::Goodlink.into() }));
    let act_id = format!("e-{number}");
    Some(Kind::Offer(ActOffer { act_id, generation: Some(GENERATION), host: "nowhere".into(), act }))
}

// One thread, so that what the session logs is logged here.
#[tokio::test(start_paused = true)]
async fn why_there_is_no_session_is_said() {
    let version = "; use a coordinator of this agent's version";
    let offers = std::iter::once(welcome(60_000)).chain((1..=MANY).map(offer)).collect();
    let cases: [(Script, String); 10] = [
        ((Vec::new(), false), "the coordinator did not welcome the agent within 30s".into()),
        (
            (Vec::new(), true),
            "the coordinator ended the session without a welcome: it is stopping, or does not take this agent; `sendgate \
             hosts` and its log say why"
                .into(),
        ),
        (
            (vec![Some(Kind::Head(Head { sequence: 9 }))], false),
            format!("the coordinator sent another message before Welcome{version}"),
        ),
        ((vec![welcome(0)], false), format!("the coordinator sent a Welcome without heartbeat{version}")),
        (
            (vec![welcome(60_000), welcome(60_000)], false),
            format!("the coordinator sent a second Welcome{version}"),
        ),
        (
            (vec![welcome(60_000), None], false),
            format!("the coordinator sent a message of a kind that this agent does not know{version}"),
        ),
        (
            (vec![None], false),
            format!("the coordinator sent a message of a kind that this agent does not know{version}"),
        ),
        (
            (vec![welcome(60_000), Some(Kind::Withdrawn(ActWithdrawn { act_id: "seven".into() }))], false),
            format!("the coordinator sent \"seven\" for an act id (EPOCH-SEQUENCE){version}"),
        ),
        ((vec![welcome(60_000)], true), "the coordinator ended the session: it closed the stream".into()),
        ((offers, false), "the coordinator did not take a message within 20s".into()),
    ];
    let (sessions, expected): (VecDeque<_>, Vec<_>) = cases.into_iter().unzip();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new();
    let config = AgentConfig::load(&world.config(1)).unwrap();
    let journal = Arc::new(Journal::kept_in("journal".into(), Box::new(FailingDisk::default())).unwrap());
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let (interval, _intervals) = watch::channel(config.report_interval);
    let (_tick, ticks) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let probes = Arc::new(BTreeMap::new());
    // None is started.
    let programs = Arc::new(Supervisors::new(config.state.clone(), "/nonexistent".into(), Arc::clone(&machine)));
    let acts = Acts::new(Arc::clone(&journal), programs, Arc::clone(&machine), Arc::clone(&probes));
    let transport = Arc::new(Scripted { sessions: Mutex::new(sessions), stop, untaken: Mutex::default() });
    let agent = Agent { config: Arc::new(config), journal, acts, probes, ticks, interval, transport, machine };
    let ran = tokio::time::timeout(Duration::from_secs(3600), session::run(agent, stopped)).await;
    ran.expect("a session goes on");

    let said = log.text();
    let ends = said.lines().filter_map(|line| line.split_once("no session; trying again error="));
    assert_eq!(ends.map(|(_, why)| why).collect::<Vec<_>>(), expected, "{said}");
}
