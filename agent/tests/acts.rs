//! The life of an act between an agent and a coordinator, over a real connection with mutual TLS; the agent runs in this
//! process, its supervisor is the real program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sendgate_agent::config::AgentConfig;
use sendgate_agent::journal::Journal;
use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::act_update::State;
use sendgate_proto::v1::from_agent::Kind as FromAgent;
use sendgate_proto::v1::restart_service::Role;
use sendgate_proto::v1::to_agent::Kind as ToAgent;
use sendgate_proto::v1::{
    ActAck, ActWithdrawn, Generation, Head, PermitRefused, RestartService, RosterWanted, Takeover, Welcome,
};
use std::time::Instant;
use support::{Coordinator, DEADLINE, EPOCH, MARK, Session, World, digest, until};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const VALID: u32 = 30_000;

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn run(world: &World, port: u16) -> Running {
    let config = AgentConfig::load(&world.config(port)).unwrap();
    let (stop, stopped) = watch::channel(false);
    let program = env!("CARGO_BIN_EXE_sendgate-agent").into();
    let task = tokio::spawn(async move { sendgate_agent::run(config, program, stopped).await.unwrap() });
    Running { stop, task }
}

impl Running {
    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

async fn start() -> (World, Coordinator, Running, Session) {
    let world = World::new();
    let mut coordinator = Coordinator::start(&world).await;
    let running = run(&world, coordinator.port);
    let session = coordinator.session(5).await;
    (world, coordinator, running, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_and_the_roster_on_demand() {
    let (world, _coordinator, _running, mut session) = start().await;
    let exchange = session.report("ex1").await.exchange.unwrap();
    let Some(sendgate_proto::v1::store_version::Result::Error(error)) = exchange.store_version.unwrap().result else {
        panic!("a version of an image that is not there")
    };
    assert!(error.starts_with("cannot read the image "), "{error}");
    assert_eq!(exchange.patches.unwrap().names, ["KB926666"]);
    let goodlink = session.whole_report().await;
    assert_eq!(goodlink.service.unwrap().logon_account, "A\\good");
    assert_eq!(goodlink.paused.unwrap().error, None);
    let reference = goodlink.roster.unwrap();
    session.send(ToAgent::RosterWanted(RosterWanted { host: "gl1".into() })).await;
    let FromAgent::Roster(part) = session.other().await else { panic!("no roster") };
    assert_eq!((part.sha256, part.users.len(), part.last), (reference.sha256, 1, true));
    std::fs::remove_file(world.path("good.log")).unwrap();
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: a log that is gone is told");
        let paused = session.report("gl1").await.goodlink.unwrap().paused.unwrap();
        if let Some(error) = paused.error {
            assert!(error.contains("good.log: No such file"), "{error}");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_runs_once_however_often_it_is_offered() {
    let (world, mut coordinator, running, mut session) = start().await;
    let sha = digest(&world.package);
    session.offer("e-1", 5, &sha).await;
    let nonce = session.request("e-1").await;
    session.permit("e-1", nonce, 5, VALID).await;
    let mut update = session.update().await;
    if update.state() == State::Started {
        session.offer("e-1", 5, &sha).await;
        loop {
            update = session.update().await;
            if update.state() != State::Started {
                break;
            }
        }
    }
    assert_eq!((update.state(), update.exit_code, update.host.as_str()), (State::Finished, Some(3), "ex1"));
    assert!(update.detail.ends_with("installing"), "{}", update.detail);

    session.offer("e-1", 5, &sha).await;
    assert_eq!(session.update().await.state(), State::Finished, "told again, not run again");
    drop(session);
    let mut session = coordinator.session(5).await;
    assert_eq!(session.update().await.state(), State::Finished, "told again after a reconnect");
    session.send(ToAgent::ActAck(ActAck { act_id: "e-1".into() })).await;
    session.offer("e-1", 5, &sha).await;
    assert_eq!(session.update().await.state(), State::Finished, "acknowledged, and still known");
    drop(session);
    running.stop().await;

    let running = run(&world, coordinator.port);
    let mut session = coordinator.session(5).await;
    session.offer("e-2", 5, &[0; 32]).await;
    assert!(session.refused("e-2").await.contains("has SHA-256"), "e-1 was acknowledged, so e-2 is told first");
    session.offer("e-1", 5, &sha).await;
    assert_eq!(session.update().await.state(), State::Finished, "known after a restart");
    assert_eq!(world.runs(), [world.package.display().to_string()], "and it ran once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_counts_only_in_time_with_its_nonce_and_its_generation() {
    let (world, _coordinator, _running, mut session) = start().await;
    let sha = digest(&world.package);
    session.offer("e-1", 5, &sha).await;
    let nonce = session.request("e-1").await;
    session.permit("e-1", nonce, 5, 0).await;
    let why = session.refused("e-1").await;
    assert!(why.starts_with("permit expired: it came "), "{why}");

    session.offer("e-2", 5, &sha).await;
    let nonce = session.request("e-2").await;
    session.permit("e-2", nonce ^ 1, 5, VALID).await;
    session.permit("e-2", nonce, 4, VALID).await;
    let why = session.refused("e-2").await;
    assert_eq!(why, "the permit is of generation 00000000000000e0:4, but the offer was of 00000000000000e0:5");

    session.offer("e-3", 4, &sha).await;
    let why = session.refused("e-3").await;
    assert!(why.contains("generation 00000000000000e0:4, lower than 00000000000000e0:5"), "{why}");
    assert_eq!(world.runs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_itself_refuses() {
    let (world, _coordinator, _running, mut session) = start().await;
    let sha = digest(&world.package);
    let restart = Act::Restart(RestartService { role: Role::Goodlink.into() });
    session.offer_act("e-1", 5, "ex9", restart.clone()).await;
    assert_eq!(
        session.refused("e-1").await,
        "host \"ex9\" is not one of this agent's hosts (ex1, gl1); add it to the agent's configuration"
    );
    session.offer_act("e-2", 5, "ex1", restart).await;
    assert_eq!(
        session.refused("e-2").await,
        "host ex1 has no restart program for GoodLink in the agent's configuration"
    );
    let unknown = sendgate_proto::v1::InstallHotfix { package: "KB2".into(), sha256: sha.clone() };
    session.offer_act("e-3", 5, "ex1", Act::Install(unknown)).await;
    assert_eq!(
        session.refused("e-3").await,
        "package \"KB2\" is not known here; add it to [[packages]] in the agent's configuration"
    );
    session.offer("e-4", 5, &sha).await;
    let first = session.request("e-4").await;
    session.offer("e-5", 5, &sha).await;
    assert_eq!(session.refused("e-5").await, "act e-4 is under way on ex1");
    std::fs::write(&world.package, "another").unwrap();
    session.permit("e-4", first, 5, VALID).await;
    let why = session.refused("e-4").await;
    assert!(why.ends_with("package.exe changed after its digest was checked"), "{why}");
    assert_eq!(world.runs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_offer_is_never_started() {
    let (world, _coordinator, _running, mut session) = start().await;
    let sha = digest(&world.package);
    session.offer("e-1", 5, &sha).await;
    let refused = |act_id: &str, nonce, retry_ms| {
        ToAgent::PermitRefused(PermitRefused { act_id: act_id.into(), nonce, reason: "gate closed".into(), retry_ms })
    };
    let nonce = session.request("e-1").await;
    session.send(refused("e-1", nonce, 20)).await;
    let again = session.request("e-1").await;
    session.permit("e-1", nonce, 5, VALID).await;
    session.send(refused("e-1", again, 0)).await;
    assert_eq!(session.refused("e-1").await, "the offer is void: gate closed");

    session.offer("e-2", 5, &sha).await;
    let nonce = session.request("e-2").await;
    session.send(ToAgent::Withdrawn(ActWithdrawn { act_id: "e-2".into() })).await;
    assert_eq!(session.refused("e-2").await, "the offer was withdrawn");
    session.permit("e-2", nonce, 5, VALID).await;
    session.offer("e-2", 5, &sha).await;
    assert_eq!(session.refused("e-2").await, "the offer was withdrawn", "also when it is offered later");
    assert_eq!(world.runs(), Vec::<String>::new());
}

/// GoodLink is restarted while a probe is under way that began before, and saw something new. The account that the first
/// report after the end tells; with `anew`, in a session that begins after the end.
async fn told_after_a_restart(anew: bool) -> String {
    let (world, mut coordinator, _running, mut session) = start().await;
    world.script("start", "echo start >> runs; printf %s 'A\\after' > account");
    session.whole_report().await;
    std::fs::write(world.path("hold-probe"), "").unwrap();
    std::fs::write(world.path("account"), "A\\slow").unwrap();
    let looking = || std::fs::read_to_string(world.path("looking")).unwrap_or_default();
    until("a probe that sees what is new before the restart", || looking() == "A\\slow").await;
    session.offer_act("e-1", 5, "gl1", Act::Restart(RestartService { role: Role::Goodlink.into() })).await;
    let nonce = session.request("e-1").await;
    session.permit("e-1", nonce, 5, VALID).await;
    let mut update = session.update().await;
    if update.state() == State::Started {
        update = session.update().await;
    }
    assert_eq!((update.state(), update.exit_code), (State::Finished, Some(0)));
    assert_eq!(world.runs(), ["stop", "start"]);
    if anew {
        session.send(ToAgent::ActAck(ActAck { act_id: "e-1".into() })).await;
        // The answer to what follows it says that it was taken.
        session.send(ToAgent::RosterWanted(RosterWanted { host: "gl1".into() })).await;
        assert!(matches!(session.other().await, FromAgent::Roster(_)));
        drop(session);
        session = coordinator.session(5).await;
    }
    session.reports.clear();
    std::fs::remove_file(world.path("hold-probe")).unwrap();
    session.report("gl1").await.goodlink.unwrap().service.unwrap().logon_account
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_stops_then_starts_and_is_followed_by_a_report() {
    assert_eq!(told_after_a_restart(false).await, "A\\after", "a report that began after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn also_a_session_after_a_restart_is_told_nothing_that_began_before_its_end() {
    assert_eq!(told_after_a_restart(true).await, "A\\after", "a report that began after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_runs_once_also_when_the_package_is_gone_and_only_inside_its_permit() {
    let (world, mut coordinator, running, mut session) = start().await;
    let sha = digest(&world.package);
    session.offer_removal("e-1", 5, &[0; 32]).await;
    assert!(session.refused("e-1").await.ends_with(" is to be removed"));
    session.offer_removal("e-2", 5, &sha).await;
    let nonce = session.request("e-2").await;
    session.permit("e-2", nonce, 5, 0).await;
    let why = session.refused("e-2").await;
    assert!(why.starts_with("permit expired: it came "), "{why}");
    session.offer_removal("e-3", 5, &sha).await;
    let nonce = session.request("e-3").await;
    std::fs::write(&world.package, "another").unwrap();
    session.permit("e-3", nonce, 5, VALID).await;
    let why = session.refused("e-3").await;
    assert!(why.ends_with("package.exe changed after its digest was checked"), "{why}");
    assert_eq!(world.runs(), Vec::<String>::new());

    std::fs::remove_file(&world.package).unwrap();
    session.offer_removal("e-4", 5, &sha).await;
    let nonce = session.request("e-4").await;
    session.permit("e-4", nonce, 5, VALID).await;
    let mut update = session.update().await;
    while update.state() == State::Started {
        update = session.update().await;
    }
    assert_eq!((update.state(), update.exit_code, update.act_id.as_str()), (State::Finished, Some(0), "e-4"));
    drop(session);
    running.stop().await;

    let _running = run(&world, coordinator.port);
    let mut session = coordinator.session(5).await;
    session.offer_removal("e-4", 5, &sha).await;
    loop {
        let update = session.update().await;
        if update.act_id == "e-4" {
            assert_eq!(update.state(), State::Finished, "told again, not run again");
            break;
        }
    }
    assert_eq!(world.runs(), ["remove KB1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_or_foreign_generation_gets_no_session_without_a_takeover() {
    let (world, mut coordinator, running, session) = start().await;
    drop(session);
    let (lower, hello) = coordinator.hello().await;
    let remembered = hello.remembered.unwrap();
    assert_eq!((remembered.epoch, remembered.counter, remembered.mark), (EPOCH, 5, MARK));
    lower.welcome(EPOCH, 4, None).await;
    // It hangs up and comes again.
    let takeover = |epochs: &[u64], operator: &str| {
        Some(Takeover { epochs: epochs.to_vec(), operator: operator.into(), reason: "disk lost".into() })
    };
    let (foreign, _) = coordinator.hello().await;
    foreign.welcome(EPOCH + 1, 9, takeover(&[7], "olive")).await;
    let (nameless, _) = coordinator.hello().await;
    nameless.welcome(EPOCH + 1, 9, takeover(&[7, EPOCH], "")).await;
    let (mut session, hello) = coordinator.hello().await;
    assert_eq!(hello.remembered.unwrap().epoch, EPOCH, "none of them was accepted");
    session.welcome(EPOCH + 1, 6, takeover(&[7, EPOCH], "olive")).await;
    session.report("ex1").await;
    drop(session);
    // The one that was replaced comes back, with a counter that is higher by now.
    let (replaced, hello) = coordinator.hello().await;
    assert_eq!(hello.remembered.unwrap().epoch, EPOCH + 1, "the takeover is remembered");
    replaced.welcome(EPOCH, 50, None).await;
    let (_, hello) = coordinator.hello().await;
    assert_eq!(hello.remembered.unwrap().epoch, EPOCH + 1, "and who was replaced is refused");
    running.stop().await;
    let followed = Journal::open(&world.path("state")).unwrap().takeovers().unwrap();
    let [followed] = followed.as_slice() else { panic!("{followed:?}") };
    assert_eq!((followed.operator.as_str(), followed.reason.as_str()), ("olive", "disk lost"));
    assert_eq!((followed.from.epoch, followed.to.epoch), (EPOCH, EPOCH + 1));
}

/// The next session, whose coordinator's journal has gone so far; and how far it had gone for all that the agent remembers.
async fn welcomed(coordinator: &mut Coordinator, epoch: u64, counter: u64, head: u64) -> (Session, Option<u64>) {
    let (session, hello) = coordinator.hello().await;
    let generation = Some(Generation { epoch, counter, mark: MARK });
    let takeover = Takeover { epochs: vec![EPOCH], operator: "olive".into(), reason: "disk lost".into() };
    let takeover = (epoch != EPOCH).then_some(takeover);
    session.send(ToAgent::Welcome(Welcome { generation, takeover, heartbeat_ms: 60_000, head })).await;
    (session, hello.head)
}

/// The hello after the next message that takes an answer: by then the agent has everything that it was told before.
async fn told(session: Session, heads: &[u64]) {
    let mut session = session;
    for sequence in heads {
        session.send(ToAgent::Head(Head { sequence: *sequence })).await;
    }
    session.send(ToAgent::RosterWanted(RosterWanted { host: "gl1".into() })).await;
    while !matches!(session.other().await, FromAgent::Roster(_)) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_the_journal_has_gone_is_remembered_for_the_generation_that_is_obeyed() {
    let (world, mut coordinator, running, mut session) = start().await;
    // A roster can be sent once it was read.
    session.whole_report().await;
    told(session, &[]).await;
    let (session, head) = welcomed(&mut coordinator, EPOCH, 5, 7).await;
    assert_eq!(head, Some(0), "it understands heads, and knows none");
    told(session, &[]).await;
    let (session, head) = welcomed(&mut coordinator, EPOCH, 5, 0).await;
    assert_eq!(head, Some(7), "from the welcome");
    told(session, &[9, 12, 12, 11]).await;
    let (_lower, head) = welcomed(&mut coordinator, EPOCH, 4, 99).await;
    assert_eq!(head, Some(12), "the highest");
    let (session, head) = welcomed(&mut coordinator, EPOCH, 6, 0).await;
    assert_eq!(head, Some(12), "what a coordinator says that is not obeyed does not count");
    told(session, &[]).await;
    let (session, head) = welcomed(&mut coordinator, EPOCH, 6, 15).await;
    assert_eq!(head, Some(0), "what is known of one generation is not of the next");
    told(session, &[16]).await;
    let (mut session, _) = welcomed(&mut coordinator, EPOCH, 6, 0).await;
    let act = format!("{EPOCH:016x}-18");
    session.offer(&act, 6, &digest(&world.package)).await;
    session.request(&act).await;
    running.stop().await;

    let running = run(&world, coordinator.port);
    let (mut session, head) = welcomed(&mut coordinator, EPOCH + 1, 7, 3).await;
    assert_eq!(head, Some(18), "the agent's next life knows it, from the act that it asked for");
    session.whole_report().await;
    told(session, &[]).await;
    let (_, hello) = coordinator.hello().await;
    assert_eq!((hello.remembered.unwrap().epoch, hello.head), (EPOCH + 1, Some(3)), "a takeover begins it anew");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_says_what_runs_and_which_act_is_the_newest() {
    let (world, mut coordinator, _running, mut session) = start().await;
    world.hold();
    let sha = digest(&world.package);
    let act = |number: u64| format!("{EPOCH:016x}-{number}");
    session.offer(&act(7), 5, &[0; 32]).await;
    session.refused(&act(7)).await;
    session.offer(&act(9), 5, &sha).await;
    let nonce = session.request(&act(9)).await;
    session.permit(&act(9), nonce, 5, VALID).await;
    assert_eq!(session.update().await.state(), State::Started);
    drop(session);
    let (_, hello) = coordinator.hello().await;
    assert_eq!(hello.newest_act, act(9));
    let [running] = hello.running.as_slice() else { panic!("{:?}", hello.running) };
    assert_eq!((running.act_id.as_str(), running.host.as_str(), running.state()), (&*act(9), "ex1", State::Started));
    world.release();
}
