//! When a report is from, and what many at once cost: a loop that waits for its disk hears nothing, and its agents go on
//! talking.

use crate::bad_disk::BadDisk;
use crate::scene::{Ahead, GRANTED, Running, name, next};
use crate::shown::{exchange, goodlink, reading};
use sendgate_coordinator::agents::AgentService;
use sendgate_coordinator::convert;
use sendgate_coordinator::driver::{AgentMessage, Message};
use sendgate_coordinator::journal::Journal;
use sendgate_core::coverage::{self, Touched};
use sendgate_core::guid::Guid;
use sendgate_core::plan;
use sendgate_core::request::{self, WantedHeld};
use sendgate_proto::v1::{FromAgent, Hello, RosterUpload, from_agent, to_agent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tracing_subscriber::fmt::MakeWriter;

/// A loop that is writing down a hold, and waits for its disk.
async fn hung(journal: &BadDisk, running: &Running) -> tokio::task::JoinHandle<()> {
    // What came before is written down.
    running.now().await;
    journal.hang(true);
    let handle = running.handle.clone();
    let held = WantedHeld::Host("exa1".into());
    let (taken, being_taken) = tokio::sync::oneshot::channel();
    let asked = tokio::spawn(async move {
        let check = move |world: sendgate_core::gate::World<'_>| {
            taken.send(()).unwrap();
            request::hold(world, &held, "no")
        };
        handle.request(name("olive"), check).await.unwrap();
    });
    being_taken.await.unwrap();
    asked
}

#[tokio::test]
async fn a_report_is_as_old_as_its_arrival_however_long_the_loop_waits_for_its_disk() {
    let (journal, ahead) = (Arc::new(BadDisk::default()), Ahead::default());
    let running = Running::on(Arc::clone(&journal) as Arc<dyn Journal>, ahead.clone()).await;
    let service = AgentService::new(Arc::new(crate::scene::policy()), running.handle.clone());
    // With room for one message: when there is room again, the session has taken what it was told.
    let (say, said) = mpsc::channel(1);
    let mut told = service.open(name("exa1"), ReceiverStream::new(said));
    let hello = from_agent::Kind::Hello(Hello::default());
    say.send(Ok(FromAgent { kind: Some(hello) })).await.unwrap();
    let welcome = told.next().await.unwrap();
    assert!(matches!(welcome.kind, Some(to_agent::Kind::Welcome(_))), "the session is open");
    let asked = hung(&journal, &running).await;
    say.send(Ok(FromAgent { kind: Some(from_agent::Kind::Report(exchange())) })).await.unwrap();
    drop(say.reserve().await.unwrap());
    ahead.pass(10);
    journal.hang(false);
    asked.await.unwrap();
    let age = running.handle.look(|world, _| world.now.steady.since(world.estate.hosts[&name("exa1")].reported));
    assert!(age.await.unwrap() >= Duration::from_secs(600));
}

/// A look takes its time, and what it shows may have become true at its end.
#[tokio::test]
async fn a_right_has_come_when_the_look_that_shows_it_arrives() {
    let running = Running::new().await;
    running.lacking().await;
    let from = running.now().await + Duration::from_millis(1);
    let domain = || name("a.example.test");
    let setting = running.handle.look(move |world, _| plan::survey::setting(world, &domain()).unwrap()).await.unwrap();
    let look = coverage::look(&reading(from, GRANTED), &setting, &Touched::All);
    running.ahead.pass(10);
    running.handle.send(Message::Looked(Box::new(look))).await.unwrap();
    let account = name("goodadmin@a.example.test");
    let lacked =
        running.handle.look(move |world, _| world.estate.domains[&domain()].past.of(Guid::SEND_AS, &account)).await;
    let lacked = lacked.unwrap().unwrap();
    assert!(lacked.came && lacked.until.since(from) >= Duration::from_secs(590), "{lacked:?}");
}

/// What the log says, kept.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps what this thread logs until the guard goes.
    pub(crate) fn keep() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false).with_writer(log.clone());
        let guard = tracing::subscriber::set_default(subscriber.finish());
        (log, guard)
    }

    pub(crate) fn lines(&self, with: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).lines().filter(|line| line.contains(with)).count()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Reports of several hosts that came while the loop was busy are planned on together; two of one host are not, for what
/// the first one taught must not be lost.
#[tokio::test]
async fn reports_that_wait_together_are_planned_on_together() {
    let journal = Arc::new(BadDisk::default());
    let running = Running::on(Arc::clone(&journal) as Arc<dyn Journal>, Ahead::default()).await;
    running.everything_good().await;
    let (log, _guard) = Log::keep();
    let asked = hung(&journal, &running).await;
    let before = log.lines("planned");
    for _ in 0..3 {
        for report in [exchange(), goodlink()] {
            let (agent, host) = (name(&report.host), convert::host_name(&report.host).unwrap());
            let report = AgentMessage::Report(host, Box::new(convert::host_state(report, running.handle.now())));
            running.handle.send(Message::Agent(agent, report)).await.unwrap();
        }
    }
    journal.hang(false);
    asked.await.unwrap();
    let planned = running.handle.look(move |_, _| log.lines("planned")).await.unwrap();
    assert_eq!(planned - before, 1 + 3, "after the hold, and after each pair of reports");
}

/// An agent that is told of a withdrawal says that it never began: that is what the journal says too.
#[tokio::test]
async fn an_agent_that_agrees_with_a_withdrawal_contradicts_nothing() {
    use sendgate_proto::v1::act_update::State;
    let (running, mut told, act) = crate::scene::offering().await;
    running.handle.request(name("olive"), |world| request::rollout_abort(world, "dst", "no")).await.unwrap();
    assert!(matches!(next(&mut told).await, to_agent::Kind::Withdrawn(_)));
    let (log, _guard) = Log::keep();
    running.update("exa1", &act, State::Refused, None).await;
    assert!(matches!(next(&mut told).await, to_agent::Kind::ActAck(ack) if ack.act_id == act));
    assert_eq!((log.lines("ERROR"), log.lines("contradicts")), (0, 0));
    // That it was carried out all the same is another thing.
    running.update("exa1", &act, State::Finished, Some(0)).await;
    assert!(matches!(next(&mut told).await, to_agent::Kind::ActAck(ack) if ack.act_id == act));
    assert_eq!(log.lines("an agent contradicts the journal"), 1);
}

/// The clock is written down while a right that landed is waited for, and not for ever after.
#[tokio::test]
async fn the_clock_is_journaled_while_something_waits() {
    let running = Running::new().await;
    running.lacking().await;
    running.everything_good().await;
    for (minutes, clocks) in [(6, 1), (6, 2), (130, 2), (6, 2)] {
        running.ahead.pass(minutes);
        // After the first one the loop looks at its clock.
        running.now().await;
        running.now().await;
        assert_eq!(running.count("clock"), clocks, "{minutes} min later");
    }
}

/// An agent's file may still name a host that another agent has by now: it is asked for no roster of it, and whatever it says
/// of it costs none of its own hosts their session.
#[tokio::test]
async fn a_host_that_belongs_to_another_agent_ends_no_session() {
    let running = Running::new().await;
    let service = AgentService::new(Arc::new(crate::scene::policy()), running.handle.clone());
    let (say, said) = mpsc::channel(1);
    let mut told = service.open(name("exa1"), ReceiverStream::new(said));
    let tell = async |kind| say.send(Ok(FromAgent { kind: Some(kind) })).await.unwrap();
    tell(from_agent::Kind::Hello(Hello::default())).await;
    assert!(matches!(told.next().await.unwrap().kind, Some(to_agent::Kind::Welcome(_))));
    tell(from_agent::Kind::Report(goodlink())).await;
    let upload = RosterUpload { host: "gla".into(), sha256: vec![1; 32], last: true, ..RosterUpload::default() };
    tell(from_agent::Kind::Roster(upload)).await;
    tell(from_agent::Kind::Report(exchange())).await;
    // The session is there still, and has taken in what came last.
    drop(say.reserve().await.unwrap());
    let known = running.handle.look(|world, _| {
        (world.estate.hosts.contains_key(&name("exa1")), world.estate.hosts.contains_key(&name("gla")))
    });
    assert_eq!(known.await.unwrap(), (true, false));
    drop(say);
    while let Some(message) = told.next().await {
        assert!(!matches!(message.kind, Some(to_agent::Kind::RosterWanted(_))), "{message:?}");
    }
}
