//! What is refused, and with which text: certificates, second coordinators and rollouts, directory servers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/support.rs"]
mod support;

use sendgate_tests::rollout_file::RolloutFile;
use sendgate_tests::system::{HOTFIX_NAME, HOTFIX_TEXT, LISTEN, Layout, Output, System, connection};
use std::path::Path;
use support::{A, Must, Scene, closed_by, digest, grant_all, logged, open, user};

const PAST: [&str; 2] = ["--not-after", "2026-01-01T00:00:00Z"];

fn issue(system: &System, authority: &Path, role: &str, name: &str, out: &Path, more: &[&str]) {
    let (authority, out) = (Layout::text(authority), Layout::text(out));
    let words = ["pki", "issue", "--directory", &authority, "--role", role, "--name", name, "--out", &out];
    system.run(&system.binaries.cli, &[&words, more].concat()).must().good().must();
}

/// An authority that nobody here trusts.
fn foreign(system: &System) -> std::path::PathBuf {
    let foreign = system.layout.dir.join("foreign");
    let directory = Layout::text(&foreign);
    system.run(&system.binaries.cli, &["pki", "init", "--directory", &directory]).must().good().must();
    foreign
}

/// The command as somebody else.
fn asked_as(system: &System, ca: &Path, certificate: &Path, words: &[&str]) -> Output {
    let file = system.layout.dir.join("other-connection.toml");
    connection(&file, ca, certificate).must();
    let file = Layout::text(&file);
    system.run(&system.binaries.cli, &[&["--connection", &file], words].concat()).must()
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    assert_eq!(output.code, Some(1), "{}: {}{}", output.command, output.stdout, output.stderr);
    assert!(words.iter().all(|word| output.stderr.contains(word)), "{}: {words:?}: {}", output.command, output.stderr);
}

#[test]
fn operators_without_the_right_certificate_are_refused() {
    let mut scene = Scene::new(|_| {});
    scene.start_coordinator().must();
    let (ours, theirs) = (scene.layout.pki(), foreign(&scene));
    let (ca, olive) = (ours.join("ca.pem"), ours.join("olive.pem"));

    let output = asked_as(&scene, &theirs.join("ca.pem"), &olive, &["status"]);
    refused(&output, &["was not issued by the CA in", "foreign/ca.pem"]);

    issue(&scene, &theirs, "operator", "mallory", &theirs, &[]);
    let output = asked_as(&scene, &ca, &theirs.join("mallory.pem"), &["status"]);
    refused(&output, &["refused this client certificate", "mallory.pem"]);

    issue(&scene, &ours, "operator", "late", &ours, &PAST);
    let output = asked_as(&scene, &ca, &ours.join("late.pem"), &["status"]);
    refused(&output, &["late.pem expired at 2026-01-01T00:00:00Z", "issue a new one"]);
    // The coordinator itself refuses it too, whatever the client thinks of its own certificate.
    let (authority, late) = (Layout::text(&ca), ours.join("late"));
    let (certificate, key) = (Layout::text(&late.with_extension("pem")), Layout::text(&late.with_extension("key")));
    let words =
        ["s_client", "-connect", LISTEN, "-CAfile", &authority, "-cert", &certificate, "-key", &key, "-ign_eof"];
    let output = scene.run(Path::new("/usr/bin/openssl"), &words).must();
    assert!(output.stderr.contains("alert certificate expired"), "{}{}", output.stdout, output.stderr);

    issue(&scene, &ours, "viewer", "vera", &ours, &[]);
    let vera = ours.join("vera.pem");
    assert_eq!(asked_as(&scene, &ca, &vera, &["status"]).code, Some(0), "a viewer may look");
    let output = asked_as(&scene, &ca, &vera, &["waive", "user001", "--reason", "because", "--expires", "1h"]);
    refused(&output, &["permission denied", "sendgate:operator:NAME"]);
    let acts: [&[&str]; 5] = [
        &["hold", "estate", "--reason", "because"],
        &["rollout", "pause", "spring", "--reason", "because"],
        &["rollout", "abort", "spring", "--reason", "because"],
        &["goodlink", "restart", "gla", "--reason", "because"],
        &["survey", "run", A],
    ];
    for words in acts {
        refused(&asked_as(&scene, &ca, &vera, words), &["permission denied", "sendgate:operator:NAME"]);
    }

    let output = asked_as(&scene, &ca, &scene.layout.agent("exa1").join("exa1.pem"), &["status"]);
    refused(&output, &["permission denied", "is an agent"]);
}

#[test]
fn agents_without_the_right_certificate_never_report_and_the_gate_says_who_is_missing() {
    let mut scene = Scene::new(|_| {});
    scene.start_coordinator().must();
    let theirs = foreign(&scene);

    // Foreign, on the GoodLink host: its certificate names the right agent and is worth nothing.
    let folder = scene.layout.agent("gla");
    for file in ["gla.pem", "gla.key"] {
        std::fs::remove_file(folder.join(file)).must();
    }
    issue(&scene, &theirs, "agent", "gla", &folder, &[]);
    scene.agent("gla").must().start().must();
    logged(
        scene.agent("gla").must(),
        &["no session", "the coordinator refused this agent's certificate", "was not issued by the coordinator's CA"],
    );

    // Expired, on exa1: the agent itself says so.
    let (ours, folder) = (scene.layout.pki(), scene.layout.agent("exa1"));
    for file in ["exa1.pem", "exa1.key"] {
        std::fs::remove_file(folder.join(file)).must();
    }
    issue(&scene, &ours, "agent", "exa1", &folder, &PAST);
    scene.agent("exa1").must().start().must();
    logged(scene.agent("exa1").must(), &["the agent's certificate", "exa1.pem is good from", "issue a new one"]);

    // The wrong authority, on exa2: the agent does not talk to a coordinator that it cannot verify.
    let config = scene.layout.agent("exa2").join("agent.toml");
    let text = std::fs::read_to_string(&config).must();
    let (right, wrong) = (Layout::text(&ours.join("ca.pem")), Layout::text(&theirs.join("ca.pem")));
    assert!(text.contains(&right), "{text}");
    std::fs::write(&config, text.replace(&right, &wrong)).must();
    scene.agent("exa2").must().start().must();
    logged(scene.agent("exa2").must(), &["no session", "cannot reach the coordinator", "invalid peer certificate"]);

    let reason = closed_by(&scene, A, &["declared GoodLink server gla has not reported"]);
    assert!(reason.contains("is its agent running, and with the right certificate?"), "{reason}");
}

#[test]
fn a_second_coordinator_a_second_rollout_and_unknown_names_are_refused() {
    let mut scene = Scene::new(|_| {});
    scene.start_coordinator().must();

    let config = scene.layout.coordinator().join("second.toml");
    let text = std::fs::read_to_string(scene.layout.coordinator().join("coordinator.toml")).must();
    std::fs::write(&config, text.replace(":7443", ":7444")).must();
    let second = scene.run(&scene.binaries.coordinator, &["--config", &Layout::text(&config), "--laboratory"]).must();
    refused(&second, &["the journal in", "is locked by another process: another coordinator runs on it"]);
    let honest = scene.run(&scene.binaries.coordinator, &["--config", &Layout::text(&config)]).must();
    refused(&honest, &["second.toml has", "waits.second_look", "is below the minimum of", "--laboratory"]);

    let output = scene.cli(&["gate", "check", "c.example.test"]).must();
    refused(
        &output,
        &[
            "\"c.example.test\" is neither a configured domain nor a configured Exchange server",
            "configured are a.example.test, exa1, exa2",
        ],
    );
    refused(&scene.cli(&["coverage", "c.example.test"]).must(), &["no domain c.example.test is configured"]);
    refused(&scene.cli(&["rollout", "start", "autumn"]).must(), &["\"autumn\" is not known: there is no rollout yet"]);

    let digest = digest(&scene);
    let create = |name: &str, server: &str| {
        let file = RolloutFile::one_by_one(name, (HOTFIX_NAME, &digest, HOTFIX_TEXT), &[server]);
        scene.apply(&file).must()
    };
    create("spring", "EXA1").good().must();
    let output = create("summer", "exa1");
    refused(&output, &["Exchange server exa1 belongs to rollout spring, which is created: abort that one first"]);
    refused(
        &create("winter", "EXC1"),
        &["wave.EXC1: Exchange server \"EXC1\" is not known; configured Exchange servers are exa1, exa2"],
    );
    // Both say it, the one that files and the one that only reads.
    let windows = |count: u32| {
        let window = |at| {
            format!(
                "[[window]]\nname = \"w{at}\"\nrule = \"FREQ=DAILY\"\nstart = \"2007-01-06T22:00\"\nlength = \"1h\"\n\
                 zone = \"UTC\"\ncutoff = \"5m\"\n"
            )
        };
        let mut file = RolloutFile::one_by_one("long", (HOTFIX_NAME, &digest, HOTFIX_TEXT), &["EXA2"]);
        (file.keys, file.tables) = (String::new(), (0..count).map(window).collect());
        scene.write_rollout(&file).must();
        let path = Layout::text(&scene.layout.rollout("long"));
        [scene.cli(&["rollout", "lint", &path]).must(), scene.cli(&["rollout", "apply", &path]).must()]
    };
    for output in windows(1000) {
        refused(&output, &["bytes in the journal, and a record has room for 100000: make it smaller"]);
    }
    for output in windows(4000) {
        refused(&output, &["the rollout's file has", "bytes; at most 262144 are read"]);
    }
    let output = scene.cli(&["waive", "user001", "--reason", "because", "--expires", "1h"]).must();
    refused(&output, &["no roster that has arrived names this user"]);
}

#[test]
fn directory_servers_that_refuse_or_hide_close_the_gate_with_their_reason() {
    let mut scene = Scene::new(|_| {});
    grant_all(&scene.lab);
    scene.start_agents().must();
    scene.start_hosts().must();

    let password = scene.layout.coordinator().join("password-a");
    let right = std::fs::read_to_string(&password).must();
    std::fs::write(&password, "wrong").must();
    scene.start_coordinator().must();
    closed_by(&scene, A, &["directory server a1.a.example.test", "refused the bind as sendgate@a.example.test"]);
    scene.coordinator.stop().must();
    std::fs::write(&password, right).must();

    let config = scene.layout.coordinator().join("coordinator.toml");
    let text = std::fs::read_to_string(&config).must();
    let (directory, ours) = (Layout::text(&scene.lab.description.ca), Layout::text(&scene.layout.pki().join("ca.pem")));
    assert!(text.contains(&directory), "{text}");
    std::fs::write(&config, text.replace(&directory, &ours)).must();
    scene.start_coordinator().must();
    closed_by(
        &scene,
        A,
        &["directory server a1.a.example.test gave no evidence", "is not signed by an authority in", "pki/ca.pem"],
    );
    scene.coordinator.stop().must();

    // Nothing listens on that port.
    std::fs::write(&config, text.replace(":636", ":1636")).must();
    scene.start_coordinator().must();
    closed_by(
        &scene,
        A,
        &["directory server a2.a.example.test gave no evidence", "a2.a.example.test:1636) cannot be reached"],
    );
    scene.coordinator.stop().must();
    std::fs::write(&config, text).must();
    scene.start_coordinator().must();
    open(&scene, A);

    // A descriptor that the reading account may not read is no coverage, whatever it says.
    let (hidden, reader) = (user(&scene, "user003"), scene.lab.domain("a").must().coordinator.sid.clone());
    let entry = format!("(D;;RC;;;{reader})");
    scene.lab.add_entry("a", &hidden.dn, &entry).must();
    let reason = closed_by(&scene, A, &["user user003@a.example.test is unreadable"]);
    scene.lab.remove_entry("a", &hidden.dn, &entry).must();
    assert!(reason.contains("the descriptor was not shown"), "{reason}");
    open(&scene, A);
}
