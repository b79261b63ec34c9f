//! The program's own edges: what `inspect` prints, and how mistakes are told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use support::World;

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sendgate-agent")).args(arguments).output().unwrap()
}

fn fails(arguments: &[&str]) -> String {
    let output = agent(arguments);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn inspect_log_prints_json() {
    let world = World::new();
    let log = world.path("good.log");
    let line = "Failed to submit mail message for user johndoe. (HRESULT:-2147024891) Pausing user johndoe. (Security \
                error - Cannot access the users mailbox.)";
    std::fs::write(&log, format!("2026-11-24 08:00:00 up\n2026-11-24 08:00:01 {line}\n2026-11-24 08:00:02.5 {line}\n"))
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sendgate-agent"))
        .args(["inspect", "--log", log.to_str().unwrap()])
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!([{
        "user": "johndoe", "hresult": -2_147_024_891, "cause": "send-as",
        "first": "2026-11-24T08:00:01Z", "last": "2026-11-24T08:00:02.5Z", "count": 2
    }]);
    assert_eq!(json["paused"], expected);
}

#[test]
fn inspect_says_what_is_no_image_and_no_log() {
    let world = World::new();
    let file = world.package.to_str().unwrap();
    let error = fails(&["inspect", "--store-exe", file]);
    assert!(error.starts_with(&format!("sendgate-agent: {file} is not a Windows program image (")), "{error}");
    let error = fails(&["inspect", "--log", file]);
    assert!(
        error.starts_with(&format!("sendgate-agent: {file} is not a GoodLink log: none of its 1 lines")),
        "{error}"
    );
}

#[test]
fn check_tells_the_first_thing_that_is_wrong() {
    let world = World::new();
    let config = world.config(1).display().to_string();
    let good = agent(&["check", "--config", &config]);
    assert!(String::from_utf8_lossy(&good.stdout).ends_with("agent one, hosts ex1, gl1: good\n"), "{good:?}");

    world.certificates("two");
    let error = fails(&["check", "--config", &config]);
    let expected = "is not that of agent one: it has URI:sendgate:agent:two, expected URI:sendgate:agent:one; correct \
                    `agent` or coordinator.certificate in the configuration\n";
    assert!(error.ends_with(expected), "{error}");
    let run = fails(&["run", "--config", &config]);
    assert!(run.contains("is not that of agent one"), "{run}");

    world.certificates_until("one", 2007);
    let error = fails(&["check", "--config", &config]);
    assert!(error.contains("agent.pem is good from ") && error.contains("to Jan  1 00:00:00 2007"), "{error}");
    assert!(error.contains("; issue a new one with `sendgate pki issue`, or correct this host's clock"), "{error}");

    let patches = world.path("patches");
    let told = |why: &str| {
        let error = fails(&["check", "--config", &config]);
        let expected = format!("programs.patches.program: cannot run {}: {why}\n", patches.display());
        assert!(error.ends_with(&expected), "{error}");
    };
    std::fs::set_permissions(&patches, std::fs::Permissions::from_mode(0o600)).unwrap();
    told("Permission denied (os error 13)");
    std::fs::remove_file(&patches).unwrap();
    told("No such file or directory (os error 2)");
    std::fs::create_dir(&patches).unwrap();
    told("it is not a regular file");

    std::fs::remove_file(world.path("agent.key")).unwrap();
    let error = fails(&["check", "--config", &config]);
    assert!(error.contains("coordinator.key: cannot read ") && error.contains("agent.key: No such file"), "{error}");
}

#[test]
fn an_act_that_no_agent_has_written_down_is_not_run() {
    let world = World::new();
    let error = fails(&["run-act", world.path("state").to_str().unwrap(), "e-1"]);
    assert_eq!(error, "sendgate-agent: act e-1 has no specification; this command is started by the agent only\n");
}
