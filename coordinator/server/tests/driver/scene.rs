//! A running driver whose directory, agents and operators are the test.

use crate::shown::{exchange, goodlink, reading};
use sendgate_coordinator::clock::{Clock, ClockSource, Machine};
use sendgate_coordinator::convert;
use sendgate_coordinator::directory::reach::Directory;
use sendgate_coordinator::driver::{self, AgentMessage, Driver, Handle, Hello, Message, Opened, Parts, RecordError};
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_coordinator::threads::Pool;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::{self, Touched};
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::ledger::{AgentJournal, Entry, Sequence, Stamped, Stranger};
use sendgate_core::plan;
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, ProtectionPolicy, Switch,
    Waits,
};
use sendgate_core::request;
use sendgate_core::spec::Windows;
use sendgate_core::time::{BootId, BootTime};
use sendgate_core::view::{self, GateState};
use sendgate_proto::v1::{self as wire, act_update, to_agent::Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) const GRANTED: &str =
    "D:AI(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";

pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn policy() -> Policy {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    Policy {
        domains: [(
            name("a.example.test"),
            DomainPolicy {
                netbios: "adom".into(),
                servers: [name("a1")].into(),
                grant_server: name("a1"),
                grants: GrantMode::Advise,
                reach: Reach::Domain,
                protection: ProtectionPolicy::default(),
            },
        )]
        .into(),
        exchange: [(
            name("exa1"),
            ExchangePolicy { hosts: vec![name("exa1")], domain: Some(name("a.example.test")), tags: BTreeSet::new() },
        )]
        .into(),
        goodlink: [(
            name("gla"),
            GoodLinkPolicy {
                host: name("gla"),
                service_account: name("goodadmin@a.example.test"),
                domains: [name("a.example.test")].into(),
                exchange: [name("exa1")].into(),
                stands_in: BTreeSet::new(),
            },
        )]
        .into(),
        hosts: ["exa1", "gla"].map(|host| (name(host), name(host))).into(),
        enforcement: EnforcementTable::built_in(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: minutes(15),
            evidence_age: minutes(30),
            watch_age: minutes(30),
            heartbeat: minutes(1),
            silent_after: minutes(5),
        },
        scope: GateScope::Domain,
        disruption: NonZeroU32::MIN.into(),
        restart_windows: Windows::AnyTime,
        goodlink_restart: Switch::Off,
        act_deadline: minutes(60),
        soak: minutes(15),
        laboratory: false,
    }
}

/// This machine's clock, further ahead by as many minutes as the test wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicU64>);

impl Ahead {
    pub(crate) fn pass(&self, minutes: u64) {
        self.0.fetch_add(minutes, Ordering::SeqCst);
    }
}

impl ClockSource for Ahead {
    fn wall(&self) -> jiff::Timestamp {
        Machine.wall()
    }

    fn boot_time(&self) -> BootTime {
        let up = Machine.boot_time().since(BootTime::after_boot(Duration::ZERO));
        BootTime::after_boot(up + Duration::from_secs(60 * self.0.load(Ordering::SeqCst)))
    }

    fn boot_id(&self) -> Option<BootId> {
        Machine.boot_id()
    }
}

/// A running driver on a journal that outlives it.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) task: JoinHandle<Result<(), RecordError>>,
    journal: Arc<dyn Journal>,
    pub(crate) epoch: u64,
    pub(crate) ahead: Ahead,
}

/// What an agent says of itself that has obeyed nobody yet.
pub(crate) fn hello() -> Hello {
    Hello { journal: journal(1), ..Hello::default() }
}

/// Why nothing must be done to a host.
pub(crate) async fn disrupted(running: &Running, host: &'static str) -> Option<String> {
    running.handle.look(move |world, _| view::status(world).disrupted.get(&name(host)).cloned()).await.unwrap()
}

/// A journal that an agent keeps.
pub(crate) fn journal(number: u64) -> Option<AgentJournal> {
    NonZeroU64::new(number).map(AgentJournal)
}

impl Running {
    pub(crate) async fn on(journal: Arc<dyn Journal>, ahead: Ahead) -> Self {
        Self::with(journal, ahead, policy(), Arc::new(BTreeMap::new())).await
    }

    pub(crate) async fn with(
        journal: Arc<dyn Journal>,
        ahead: Ahead,
        policy: Policy,
        directory: Arc<dyn Directory>,
    ) -> Self {
        let ledger = driver::replay(journal.as_ref()).unwrap();
        let clock = Clock::resume(ledger.clock.as_ref(), Box::new(ahead.clone()));
        let parts = Parts {
            policy: Arc::new(policy),
            directory,
            journal: Arc::clone(&journal),
            threads: Arc::new(Pool),
            clock,
            ledger,
            fresh_mark: 7,
        };
        let (driver, handle) = Driver::start(parts).await.unwrap();
        let task = tokio::spawn(driver.run());
        Self { handle, task, journal, epoch: 7, ahead }
    }

    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(MemoryJournal::new()), Ahead::default()).await
    }

    /// A backup of the journal as it is now.
    pub(crate) fn copied(&self) -> Arc<dyn Journal> {
        let copy = MemoryJournal::new();
        for record in self.journal.read(Sequence::FIRST, usize::MAX).unwrap() {
            copy.append(record.sequence, &record.payload).unwrap();
        }
        Arc::new(copy)
    }

    /// As `kill -9` would: no farewell, and the next one starts on the same journal.
    pub(crate) async fn killed(self) -> Self {
        self.task.abort();
        assert!(self.task.await.is_err());
        Self::on(self.journal, self.ahead).await
    }

    pub(crate) async fn agent(&self, agent: &str, message: AgentMessage) {
        self.handle.send(Message::Agent(name(agent), message)).await.unwrap();
    }

    pub(crate) async fn connect(&self, agent: &str) -> mpsc::Receiver<wire::ToAgent> {
        self.hello(agent, hello()).await.unwrap().0
    }

    /// The session of an agent that says this of itself.
    pub(crate) async fn hello(
        &self,
        agent: &str,
        hello: Hello,
    ) -> Result<(mpsc::Receiver<wire::ToAgent>, Opened), Stranger> {
        let (queue, told) = mpsc::channel(16);
        let (reply, answer) = oneshot::channel();
        self.agent(agent, AgentMessage::Connected(hello, queue, reply)).await;
        answer.await.unwrap().map(|opened| (told, opened))
    }

    pub(crate) async fn report(&self, report: wire::HostReport) {
        let host = convert::host_name(&report.host).unwrap();
        let agent = report.host.clone();
        let state = Box::new(convert::host_state(report, self.handle.now()));
        self.agent(&agent, AgentMessage::Report(host, state)).await;
    }

    /// All waits after a takeover are over, which begin when everybody is seen; no host is silent for too long meanwhile.
    pub(crate) async fn settled(&self) {
        let unseen = |world: sendgate_core::gate::World<'_>, _: &plan::Plan| {
            world.ledger.lineage.anew(&name("gla")) == Some(sendgate_core::ledger::Anew::Unseen)
        };
        // The driver's own survey may come in after the one that is handed in.
        let seen = async {
            while self.handle.look(unseen).await.unwrap() {
                self.everything_good().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.expect("everybody is seen anew");
        for minutes in [45, 45] {
            self.ahead.pass(minutes);
            self.everything_good().await;
        }
    }

    /// Everything that makes the gate open: reports, roster, a survey that shows the right.
    pub(crate) async fn everything_good(&self) {
        self.looks_like(GRANTED).await;
    }

    /// The same of a user without the right.
    pub(crate) async fn lacking(&self) {
        self.looks_like("D:AI").await;
    }

    async fn looks_like(&self, anna: &str) {
        self.report(exchange()).await;
        let roster = sendgate_core::estate::Roster {
            digest: sendgate_core::estate::RosterDigest([1; 32]),
            users: [(name("anna"), name("anna@a.example.test"))].into(),
        };
        self.report(goodlink()).await;
        self.agent("gla", AgentMessage::Roster(name("gla"), roster)).await;
        // The driver's own survey, which has no server to ask, must not come in after the one that is handed in.
        let surveyed = async {
            while self.handle.look(|world, _| world.estate.domains.is_empty()).await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), surveyed).await.expect("the driver surveys");
        let later = self.now().await + Duration::from_millis(1);
        let domain = name("a.example.test");
        let setting = self.handle.look(move |world, _| plan::survey::setting(world, &domain).unwrap()).await.unwrap();
        let look = coverage::look(&reading(later, anna), &setting, &Touched::All);
        self.handle.send(Message::Looked(Box::new(look))).await.unwrap();
    }

    pub(crate) async fn now(&self) -> sendgate_core::time::Steady {
        self.handle.look(|world, _| world.now.steady).await.unwrap()
    }

    pub(crate) async fn gate(&self) -> GateState {
        self.handle.look(|world, _| view::gate(world, "exa1").unwrap().state).await.unwrap()
    }

    pub(crate) async fn rollout(&self) {
        let file = format!(
            "name = \"dst\"\nany_time = true\n[package]\nname = \"kb926666\"\nsha256 = \"{}\"\nkb = 926666\n\
             target = \"6.5.7653.33\"\nenforces = true\n[[wave]]\nname = \"all\"\nservers = [\"exa1\"]\n",
            "07".repeat(32)
        );
        let apply = move |world: sendgate_core::gate::World<'_>| request::rollout_apply(world, &file);
        self.handle.request(name("olive"), apply).await.unwrap();
        self.handle.request(name("olive"), |world| request::rollout_start(world, "dst", "")).await.unwrap();
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let first = sendgate_core::ledger::Sequence::FIRST;
        let records = self.journal.read(first, 1000).unwrap();
        records.iter().map(|record| serde_json::from_slice::<Stamped>(&record.payload).unwrap().entry).collect()
    }

    pub(crate) fn count(&self, title: &str) -> usize {
        self.entries().iter().filter(|entry| entry.title() == title).count()
    }

    pub(crate) async fn ask(&self, agent: &str, act_id: &str) {
        self.ask_knowing(agent, act_id, None).await;
    }

    /// The same, by an agent that says how far it has written down that the journal has gone.
    pub(crate) async fn ask_knowing(&self, agent: &str, act_id: &str, head: Option<u64>) {
        let request = wire::PermitRequest { act_id: act_id.into(), nonce: 9, head };
        self.agent(agent, AgentMessage::PermitRequest(request)).await;
    }

    pub(crate) async fn update(&self, agent: &str, act_id: &str, state: act_update::State, exit_code: Option<i32>) {
        let update = wire::ActUpdate {
            act_id: act_id.into(),
            host: agent.into(),
            state: state.into(),
            exit_code,
            detail: String::new(),
        };
        self.agent(agent, AgentMessage::Update(update)).await;
    }
}

pub(crate) async fn next(told: &mut mpsc::Receiver<wire::ToAgent>) -> Kind {
    let message = tokio::time::timeout(Duration::from_secs(30), told.recv()).await.expect("a message to the agent");
    message.expect("the session goes on").kind.unwrap()
}

pub(crate) async fn offered(told: &mut mpsc::Receiver<wire::ToAgent>) -> String {
    match next(told).await {
        Kind::Offer(offer) => offer.act_id,
        other => panic!("expected an offer: {other:?}"),
    }
}

pub(crate) async fn refused(told: &mut mpsc::Receiver<wire::ToAgent>) -> (String, u32) {
    match next(told).await {
        Kind::PermitRefused(refused) => (refused.reason, refused.retry_ms),
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// An open gate, a running rollout, an offer at the agent of exa1.
pub(crate) async fn offering() -> (Running, mpsc::Receiver<wire::ToAgent>, String) {
    let running = Running::new().await;
    let mut told = running.connect("exa1").await;
    running.everything_good().await;
    assert_eq!(running.gate().await, GateState::Open);
    running.rollout().await;
    let act = offered(&mut told).await;
    (running, told, act)
}
