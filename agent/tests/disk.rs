//! The disk takes nothing more: the real agent ends and says so, and the next one goes on from what is there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::process::{Output, Stdio};

use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::restart_service::Role;
use sendgate_proto::v1::{RestartService, act_update::State};
use support::{Coordinator, DEADLINE, World};

/// So many blocks of 512 bytes may a file of the agent have: room for the journal's beginning.
const BLOCKS: u32 = 128;
/// So many acts do not fit into that.
const MANY: u64 = 200;

/// Runs the agent until it ends; what would make a file longer than that fails.
async fn until_it_ends(world: &World, port: u16) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" run --config \"$1\"");
    let mut command = tokio::process::Command::new("sh");
    command
        .kill_on_drop(true)
        .args(["-c", &script, env!("CARGO_BIN_EXE_sendgate-agent")])
        .arg(world.config(port))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    tokio::time::timeout(DEADLINE, command.output()).await.expect("the agent does not end").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_journal_takes_nothing_more_ends_and_the_next_one_goes_on() {
    let world = World::new();
    let mut coordinator = Coordinator::start(&world).await;
    let port = coordinator.port;
    let offers = async {
        let mut session = coordinator.session(1).await;
        // Each is refused, and each refusal is journaled.
        let nowhere = "x".repeat(3000);
        for number in 1..=MANY {
            let act = Act::Restart(RestartService { role: Role::Goodlink.into() });
            session.offer_act(&format!("e-{number}"), 1, &nowhere, act).await;
            if session.update_if_it_lives().await.is_none() {
                return (number, coordinator);
            }
        }
        panic!("everything was journaled");
    };
    let (output, (last, mut coordinator)) = tokio::join!(until_it_ends(&world, port), offers);
    assert!(last > 1, "none was journaled");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let words = said.lines().last().unwrap_or_default();
    assert!(words.starts_with("sendgate-agent: the journal ") && words.contains("File too large"), "{words}");
    let remedy = "; the agent ends, for nothing can be journaled before it is started again: mend the disk, and have the \
                  service manager start it; what runs goes on and is found again";
    assert!(words.ends_with(remedy), "{words}");

    // There is room again.
    let mut agent = tokio::process::Command::new(env!("CARGO_BIN_EXE_sendgate-agent"))
        .kill_on_drop(true)
        .args(["run", "--config"])
        .arg(world.config(port))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut session = coordinator.session(2).await;
    let act = format!("e-{}", MANY + 1);
    session.offer(&act, 2, &[0; 32]).await;
    let mut update = session.update_if_it_lives().await.unwrap();
    while update.act_id != act {
        update = session.update_if_it_lives().await.unwrap();
    }
    assert_eq!(update.state(), State::Refused, "and that is journaled: {update:?}");
    agent.kill().await.unwrap();
}
