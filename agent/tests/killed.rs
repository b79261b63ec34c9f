//! The real agent is killed while a program of an act runs: the program runs once, and its end is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::process::{Child, Command, Stdio};

use sendgate_proto::v1::act_update::State;
use support::{Coordinator, Session, World, digest, until};

struct Agent(Child);

impl Agent {
    fn start(world: &World, port: u16) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_sendgate-agent"))
            .args(["run", "--config"])
            .arg(world.config(port))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// As `kill -9` does.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the coordinator has the agent do.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Install,
    Removal,
}

/// The act `e-1` is told as started, and its program goes on until the world releases it.
async fn started(world: &World, wanted: Wanted, sha: &[u8]) -> (Coordinator, Session, Agent) {
    world.hold();
    let mut coordinator = Coordinator::start(world).await;
    let agent = Agent::start(world, coordinator.port);
    let mut session = coordinator.session(1).await;
    offer(&session, wanted, "e-1", 1, sha).await;
    let nonce = session.request("e-1").await;
    session.permit("e-1", nonce, 1, 30_000).await;
    assert_eq!(session.update().await.state(), State::Started);
    (coordinator, session, agent)
}

/// The agent is killed while the program runs, and again; the program ends while there is no agent at all. The code with
/// which it ended, and what was run.
async fn killed_in_the_middle(wanted: Wanted) -> (Option<i32>, World) {
    let world = World::new();
    let sha = digest(&world.package);
    if wanted == Wanted::Removal {
        // Its end does not hang on the package's file.
        std::fs::remove_file(&world.package).unwrap();
    }
    let (mut coordinator, _session, mut agent) = started(&world, wanted, &sha).await;
    until("the program runs", || world.runs().len() == 1).await;
    agent.kill();

    let mut agent = Agent::start(&world, coordinator.port);
    let mut session = coordinator.session(2).await;
    assert_eq!(session.update().await.state(), State::Started, "it still runs");
    offer(&session, wanted, "e-1", 2, &sha).await;
    assert_eq!(session.update().await.state(), State::Started, "and is not started again");
    offer(&session, wanted, "e-2", 2, &sha).await;
    assert_eq!(session.refused("e-2").await, "act e-1 is under way on ex1");
    agent.kill();

    world.release();
    until("the program has ended", || world.path("state/acts/e-1/outcome.json").exists()).await;
    let _agent = Agent::start(&world, coordinator.port);
    let mut session = coordinator.session(3).await;
    let mut update = session.update().await;
    while (update.act_id.as_str(), update.state()) != ("e-1", State::Finished) {
        assert_ne!(update.state(), State::Unknown);
        update = session.update().await;
    }
    (update.exit_code, world)
}

async fn offer(session: &Session, wanted: Wanted, act: &str, generation: u64, sha: &[u8]) {
    match wanted {
        Wanted::Install => session.offer(act, generation, sha).await,
        Wanted::Removal => session.offer_removal(act, generation, sha).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_an_install() {
    let (code, world) = killed_in_the_middle(Wanted::Install).await;
    assert_eq!((code, world.runs()), (Some(3), vec![world.package.display().to_string()]), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_removal() {
    let (code, world) = killed_in_the_middle(Wanted::Removal).await;
    assert_eq!((code, world.runs()), (Some(0), vec!["remove KB1".to_owned()]), "once");
}

/// The agent and the supervisor are killed while the program runs; `told`: the supervisor had written down that it does.
/// What is told of the end.
async fn killed_together_with_its_supervisor(told: bool) -> String {
    let world = World::new();
    let (mut coordinator, _session, mut agent) = started(&world, Wanted::Install, &digest(&world.package)).await;
    agent.kill();
    kill_supervisor(&world);
    if !told {
        std::fs::remove_file(world.path("state/acts/e-1/program.json")).unwrap();
    }
    let _agent = Agent::start(&world, coordinator.port);
    let mut session = coordinator.session(2).await;
    assert_eq!(session.update().await.state(), State::Started, "the program itself still runs");
    world.release();
    let update = session.update().await;
    assert_eq!((update.state(), update.exit_code), (State::Unknown, None), "how it ended, nobody saw");
    assert_eq!(world.runs().len(), 1);
    update.detail
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_its_supervisor_while_the_program_runs() {
    let detail = killed_together_with_its_supervisor(true).await;
    assert!(detail.starts_with("the program was started, but its supervisor ended without an outcome"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_its_supervisor_before_that_had_told_of_the_program() {
    let detail = killed_together_with_its_supervisor(false).await;
    assert_eq!(detail, "the program's supervisor ended before it told whether it had started the program");
}

/// A person makes room on a full disk, and removes what the agent knows of an act whose program runs.
#[tokio::test(flavor = "multi_thread")]
async fn killed_and_the_act_s_files_removed_while_the_program_runs() {
    let world = World::new();
    let (mut coordinator, _session, mut agent) = started(&world, Wanted::Install, &digest(&world.package)).await;
    until("the program runs", || world.runs().len() == 1).await;
    agent.kill();
    std::fs::remove_dir_all(world.path("state/acts")).unwrap();

    let _agent = Agent::start(&world, coordinator.port);
    let mut session = coordinator.session(2).await;
    let mut update = session.update().await;
    if update.state() == State::Started {
        update = session.update().await;
    }
    assert_eq!((update.act_id.as_str(), update.state()), ("e-1", State::Unknown), "{}", update.detail);
    assert!(update.detail.contains("acts/e-1 is gone, so whether its program was started"), "{}", update.detail);
    session.offer("e-2", 2, &[0; 32]).await;
    assert!(session.refused("e-2").await.contains("has SHA-256"), "and the host takes acts again");
    world.release();
}

fn kill_supervisor(world: &World) {
    let state = world.path("state").display().to_string();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = std::fs::read(process.path().join("cmdline")) else { continue };
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        if words.get(1).is_some_and(|word| word == "run-act") && words.get(2).is_some_and(|word| *word == state) {
            let pid = process
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
                .and_then(rustix::process::Pid::from_raw);
            rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::KILL).unwrap();
            return;
        }
    }
    panic!("there is no supervisor");
}
