//! The loop from the outside: messages in, journal and messages to agents out. The directory's answers are handed in as
//! readings; everything else is the real driver on a journal in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use sendgate_coordinator::clock::{Clock, Machine};
use sendgate_coordinator::convert;
use sendgate_coordinator::driver::{self, AgentMessage, Driver, Handle, Message, Parts, RequestError};
use sendgate_coordinator::journal::Journal;
use sendgate_coordinator::journal::memory::MemoryJournal;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, Home, ServerReading, UserClass, UserReading,
};
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::guid::Guid;
use sendgate_core::ledger::{Entry, Ledger, Stamped};
use sendgate_core::policy::{
    DomainPolicy, ExchangePolicy, Freshness, GateScope, GoodLinkPolicy, GrantMode, Policy, Switch, Waits,
};
use sendgate_core::request::{self, WantedRollout};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::view::{self, GateState};
use sendgate_proto::v1::{self as wire, act_update, service, store_mounted, store_version, to_agent::Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

const GRANTED: &str =
    "D:AI(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn policy() -> Policy {
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
            },
        )]
        .into(),
        exchange: [(name("exa1"), ExchangePolicy { hosts: vec![name("exa1")] })].into(),
        goodlink: [(
            name("gla"),
            GoodLinkPolicy {
                host: name("gla"),
                service_account: name("goodadmin@a.example.test"),
                domains: [name("a.example.test")].into(),
                exchange: [name("exa1")].into(),
            },
        )]
        .into(),
        hosts: ["exa1", "gla"].map(|host| (name(host), name(host))).into(),
        enforcement: EnforcementTable::built_in(),
        waits: Waits::FIELD,
        freshness: Freshness {
            survey_interval: minutes(15),
            evidence_age: minutes(30),
            heartbeat: minutes(1),
            silent_after: minutes(5),
        },
        scope: GateScope::Domain,
        disruption: NonZeroU32::MIN,
        goodlink_restart: Switch::Off,
        act_deadline: minutes(60),
        soak: minutes(15),
        laboratory: false,
    }
}

/// A running driver on a journal that outlives it.
struct Running {
    handle: Handle,
    task: JoinHandle<()>,
    journal: Arc<dyn Journal>,
    epoch: u64,
}

impl Running {
    async fn on(journal: Arc<dyn Journal>) -> Self {
        let ledger = driver::replay(journal.as_ref()).unwrap();
        let clock = Clock::resume(ledger.clock.as_ref(), Box::new(Machine));
        let parts = Parts {
            policy: Arc::new(policy()),
            directory: BTreeMap::new(),
            journal: Arc::clone(&journal),
            clock,
            ledger,
            fresh_epoch: 7,
        };
        let (driver, handle) = Driver::start(parts).await.unwrap();
        let task = tokio::spawn(async move { driver.run().await.unwrap() });
        Self { handle, task, journal, epoch: 7 }
    }

    async fn new() -> Self {
        Self::on(Arc::new(MemoryJournal::new())).await
    }

    /// As `kill -9` would: no farewell, and the next one starts on the same journal.
    async fn killed(self) -> Self {
        self.task.abort();
        assert!(self.task.await.is_err());
        Self::on(self.journal).await
    }

    async fn agent(&self, agent: &str, message: AgentMessage) {
        self.handle.send(Message::Agent(name(agent), message)).await.unwrap();
    }

    async fn connect(&self, agent: &str) -> mpsc::Receiver<wire::ToAgent> {
        let (queue, told) = mpsc::channel(16);
        let (reply, answer) = oneshot::channel();
        self.agent(agent, AgentMessage::Connected(queue, reply)).await;
        answer.await.unwrap();
        told
    }

    async fn report(&self, report: wire::HostReport) {
        let host = convert::host_name(&report.host).unwrap();
        let agent = report.host.clone();
        let state = Box::new(move |at| convert::host_state(report, at));
        self.agent(&agent, AgentMessage::Report(host, state)).await;
    }

    /// Everything that makes the gate open: reports, roster, a survey that shows the right.
    async fn everything_good(&self) {
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
        self.handle.send(Message::Surveyed(Box::new(reading(later)))).await.unwrap();
    }

    async fn now(&self) -> sendgate_core::time::Steady {
        self.handle.look(|world, _| world.now.steady).await.unwrap()
    }

    async fn gate(&self) -> GateState {
        self.handle.look(|world, _| view::gate(world, "exa1").unwrap().state).await.unwrap()
    }

    async fn rollout(&self) {
        let wanted = WantedRollout {
            name: "dst".into(),
            package: "kb926666".into(),
            sha256: vec![7; 32],
            target: "6.5.7653.33".into(),
            servers: vec!["exa1".into()],
            at_once: 1,
        };
        let create = move |world: sendgate_core::gate::World<'_>| request::rollout_create(world, &wanted);
        self.handle.request(name("olive"), create).await.unwrap();
        self.handle.request(name("olive"), |world| request::rollout_start(world, "dst")).await.unwrap();
    }

    fn entries(&self) -> Vec<Entry> {
        let first = sendgate_core::ledger::Sequence::FIRST;
        let records = self.journal.read(first, 1000).unwrap();
        records.iter().map(|record| serde_json::from_slice::<Stamped>(&record.payload).unwrap().entry).collect()
    }

    fn count(&self, title: &str) -> usize {
        self.entries().iter().filter(|entry| entry.title() == title).count()
    }

    async fn ask(&self, agent: &str, act_id: &str) {
        let request = wire::PermitRequest { act_id: act_id.into(), nonce: 9 };
        self.agent(agent, AgentMessage::PermitRequest(request)).await;
    }

    async fn update(&self, agent: &str, act_id: &str, state: act_update::State, exit_code: Option<i32>) {
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

fn running(account: &str) -> wire::Service {
    wire::Service {
        name: "service".into(),
        state: service::State::Running.into(),
        logon_account: account.into(),
        started_at_ms: Some(1),
        error: None,
    }
}

fn exchange() -> wire::HostReport {
    let version = wire::Version { major: 6, minor: 5, build: 7638, revision: 1 };
    let report = wire::ExchangeReport {
        store_version: Some(wire::StoreVersion { result: Some(store_version::Result::Version(version)) }),
        patches: Some(wire::Patches::default()),
        store_service: Some(running("LocalSystem")),
        store_mounted: Some(wire::StoreMounted { result: Some(store_mounted::Result::Mounted(true)) }),
    };
    wire::HostReport { host: "exa1".into(), exchange: Some(report), goodlink: None }
}

fn goodlink() -> wire::HostReport {
    let report = wire::GoodLinkReport {
        service: Some(running("ADOM\\GoodAdmin")),
        roster: Some(wire::RosterReference { sha256: vec![1; 32], users: 1, error: None }),
        paused: Some(wire::Paused::default()),
    };
    wire::HostReport { host: "gla".into(), exchange: None, goodlink: Some(report) }
}

fn reading(started: sendgate_core::time::Steady) -> DomainReading {
    let shown = |sddl| DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl(sddl, None).unwrap()));
    let user = FoundUser {
        dn: "CN=anna,DC=a".into(),
        guid: Guid::SEND_AS,
        sid: name("S-1-5-21-1-2-3-2001"),
        class: UserClass::User,
        descriptor: shown(GRANTED),
        home: Home::Server(name("exa1")),
        protected_by: None,
        admin_count: false,
        linked: false,
    };
    let account = AccountReading {
        dn: "CN=GoodAdmin,DC=a".into(),
        sid: name("S-1-5-21-1-2-3-1105"),
        certain: [name("S-1-5-21-1-2-3-1105")].into(),
        uncertain: BTreeSet::new(),
    };
    let server = ServerReading {
        accounts: [(name("goodadmin@a.example.test"), Ok(account))].into(),
        users: [(name("anna@a.example.test"), UserReading::Found(Arc::new(user)))].into(),
        containers: [("DC=a".into(), shown("D:AI"))].into(),
        head: "DC=a".into(),
        admin_sd_holder: shown("D:P"),
    };
    DomainReading {
        domain: name("a.example.test"),
        started,
        asked: [name("anna@a.example.test")].into(),
        servers: [(name("a1"), Ok(server))].into(),
    }
}

async fn next(told: &mut mpsc::Receiver<wire::ToAgent>) -> Kind {
    let message = tokio::time::timeout(Duration::from_secs(30), told.recv()).await.expect("a message to the agent");
    message.expect("the session goes on").kind.unwrap()
}

async fn offered(told: &mut mpsc::Receiver<wire::ToAgent>) -> String {
    match next(told).await {
        Kind::Offer(offer) => offer.act_id,
        other => panic!("expected an offer: {other:?}"),
    }
}

async fn refused(told: &mut mpsc::Receiver<wire::ToAgent>) -> (String, u32) {
    match next(told).await {
        Kind::PermitRefused(refused) => (refused.reason, refused.retry_ms),
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// An open gate, a running rollout, an offer at the agent of exa1.
async fn offering() -> (Running, mpsc::Receiver<wire::ToAgent>, String) {
    let running = Running::new().await;
    let mut told = running.connect("exa1").await;
    running.everything_good().await;
    assert_eq!(running.gate().await, GateState::Open);
    running.rollout().await;
    let act = offered(&mut told).await;
    (running, told, act)
}

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
    report.goodlink.as_mut().unwrap().service = Some(self::running("ADOM\\Administrator"));
    running.report(report).await;
    running.ask("exa1", &act).await;
    let (reason, retry) = refused(&mut told).await;
    assert!(reason.contains("runs as \"ADOM\\\\Administrator\""), "{reason}");
    assert!(retry > 0, "the offer stands");
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

#[tokio::test]
async fn a_request_that_does_not_fit_is_not_written_down() {
    let running = Running::new().await;
    let before = running.entries().len();
    let error = running.handle.request(name("olive"), |world| request::rollout_start(world, "dst")).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused(_)));
    assert_eq!(error.to_string(), "rollout \"dst\" is not known: there is no rollout yet");
    assert_eq!(running.entries().len(), before);
}

#[tokio::test]
async fn a_host_that_belongs_to_another_agent_is_not_believed() {
    let running = Running::new().await;
    let host = name("exa1");
    let state = Box::new(move |at| convert::host_state(exchange(), at));
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
    let entry = Entry::Permitted { intent: sendgate_core::ledger::Sequence(41) };
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
