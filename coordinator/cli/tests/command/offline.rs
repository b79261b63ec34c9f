//! Commands that need no coordinator, wrong usage, and connection files that are wrong.

use crate::support::{Ran, Scratch, command, sendgate};
use std::io::Write;
use std::process::Stdio;

pub(crate) fn run(arguments: &[&str]) -> Ran {
    command().args(arguments).output().unwrap().into()
}

/// Feeds standard input to `rights --batch -`.
fn rights(input: &str) -> Ran {
    let mut child = command()
        .args(["rights", "--batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn enforcement_says_the_word_first_and_then_the_branch() {
    let said = |version| {
        let ran = run(&["enforcement", version]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        ran.out
    };
    assert_eq!(said("6.5.7638.1"), "no Exchange 2003 SP2\n");
    assert_eq!(said("6.5.7653.33"), "yes Exchange 2003 SP2 with the hotfix (7650.23 or later)\n");
    assert_eq!(said("6.5.6944.1"), "unknown Exchange 2003 RTM\n");
    assert_eq!(
        run(&["enforcement", "7.0.0.0", "--output", "json"]).out,
        "{\n  \"branch\": \"no known branch\",\n  \"enforces\": \"unknown\"\n}\n"
    );
    let bad = run(&["enforcement", "6.5"]);
    assert_eq!((bad.code, bad.out.as_str()), (Some(2), ""));
    assert!(bad.err.contains("is not a store.exe file version: it has fewer than four parts"), "{}", bad.err);
}

const ACCOUNT: &str = "S-1-5-21-1-2-3-1105";
const USER: &str = "S-1-5-21-1-2-3-1200";

fn question(ace: &str) -> String {
    format!(r#"{{"sd": null, "sddl": "D:{ace}", "token": ["{ACCOUNT}"], "self": "{USER}", "right": "send-as"}}"#)
}

#[test]
fn rights_answers_line_by_line() {
    let allow = format!("(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})");
    let ran = rights(&format!("{}\n{}\n", question(&allow), question("(A;;RP;;;WD)")));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let lines: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["granted"], &lines[0]["deciding"]["index"]), (&true.into(), &0.into()));
    assert_eq!(lines[0]["deciding"]["ace"], allow);
    assert_eq!(ran.out.lines().nth(1), Some(r#"{"granted":false,"deciding":null}"#));
}

#[test]
fn rights_reads_binary_descriptors_in_base64() {
    // Revision 1, SE_DACL_PRESENT | SE_SELF_RELATIVE, a DACL of no entries at offset 20 (MS-DTYP 2.4.6).
    let empty = "AQAEgAAAAAAAAAAAAAAAABQAAAACAAgAAAAAAA==";
    let line = |sd: &str| format!(r#"{{"sd": "{sd}", "token": ["{ACCOUNT}"], "self": "{USER}", "right": "send-as"}}"#);
    let ran = rights(&line(empty));
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "{\"granted\":false,\"deciding\":null}\n"), "{}", ran.err);
    let bad = rights(&line("%%"));
    assert_eq!(bad.code, Some(1));
    assert!(bad.err.starts_with("sendgate: batch - line 1: \"sd\" cannot be decoded: "), "{}", bad.err);
    let short = rights(&line("AQAE"));
    assert!(short.err.starts_with("sendgate: batch - line 1: \"sd\" is not a security descriptor: "), "{}", short.err);
}

#[test]
fn a_bad_line_is_named_and_what_came_before_it_is_answered() {
    let good = question("(A;;RP;;;WD)");
    let told = |line: &str| {
        let ran = rights(&format!("{good}\n{line}\n{good}\n"));
        assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 1), "{}", ran.err);
        ran.err
    };
    assert!(told("").starts_with("sendgate: batch - line 2 is no question: it is empty; "));
    assert!(told("{").starts_with("sendgate: batch - line 2 is no question: EOF while parsing"));
    assert!(
        told(&question("(X").replace("send-as", "x"))
            .starts_with("sendgate: batch - line 2: \"sddl\" cannot be read: ")
    );
    assert!(told(&good.replace("send-as", "x")).starts_with("sendgate: batch - line 2: \"right\" cannot be read: "));
    assert!(told(&good.replace(USER, "me")).starts_with("sendgate: batch - line 2: \"self\" cannot be read: "));
    assert!(
        told(&good.replace(ACCOUNT, "me")).starts_with("sendgate: batch - line 2: \"token\" item 0 cannot be read: ")
    );
    let missing = run(&["rights", "--batch", "no-such-file"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.starts_with("sendgate: batch no-such-file cannot be read: "), "{}", missing.err);
}

#[test]
fn wrong_usage_is_2_and_says_what_is_missing() {
    let usage = |arguments: &[&str], text: &str| {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains(text), "{}", ran.err);
    };
    usage(&["gate", "check"], "<DOMAIN|SERVER>");
    usage(&["rollout", "abort", "march"], "--reason <REASON>");
    let reason = "a reason is needed: it is what the next person on call reads in the journal\n";
    usage(&["rollout", "abort", "march", "--reason", " "], reason);
    usage(&["waive", "boss", "--reason", "leaves", "--expires", "soon"], "neither a duration from now, such as 72h");
    usage(&["rollout", "apply"], "<FILE>");
    usage(&["approve", "rollout", "march", "--reason", "seen"], "<DIGEST>");
    let digits = "give the 12 hexadecimal digits that `sendgate rollout show` prints";
    usage(&["approve", "rollout", "march", "cdcdcdcdcdc", "--reason", "seen"], digits);
    usage(&["approve", "rollout", "march", "the-one-I-saw", "--reason", "seen"], digits);
    usage(&["journal", "show", "--from", "0"], "0 is not in");
}

#[test]
fn a_connection_file_that_is_wrong_is_told_with_key_and_remedy() {
    let scratch = Scratch::new();
    let path = scratch.path().join("connection.toml");
    let told = |text: &str| {
        let ran = sendgate(&scratch.write("connection.toml", text), &["status"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        ran.err
    };
    let key = |key: &str, rest: &str| format!("sendgate: connection file {}: key {key} {rest}", path.display());
    let text = "address = \"c:7443\"\nserver_name = \"c\"\n";
    let missing = told("server_name = \"c\"\n");
    assert_eq!(
        missing,
        key("address", "is missing; write host:port, such as address = \"coordinator.example.com:7443\"\n")
    );
    assert!(told("address = \"c\"").starts_with(&key("address", "is \"c\": the port is missing; write host:port")));
    assert!(
        told("address = \"c:1\"\nserver_name = \"a b\"")
            .starts_with(&key("server_name", "is \"a b\", neither a DNS name"))
    );
    scratch.write("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let mut written = text.to_owned();
    let remedies = [
        ("ca", "name the certificate of the CA that issued the coordinator's (PEM)"),
        ("certificate", "name your own certificate (PEM)"),
        ("key", "name the private key of your certificate (PEM)"),
    ];
    for (name, remedy) in remedies {
        assert_eq!(told(&written), key(name, &format!("is missing; {remedy}\n")));
        written.push_str(&format!("{name} = \"a.pem\"\n"));
    }
    let holds = format!("names {}, which holds no PEM PRIVATE KEY", scratch.path().join("a.pem").display());
    assert_eq!(told(&written), key("key", &format!("{holds}; name the private key of your certificate (PEM)\n")));
    let gone = told(&format!("{text}ca = \"gone.pem\""));
    assert!(gone.starts_with(&key("ca", "names ")) && gone.contains("gone.pem, which cannot be read: "), "{gone}");
    scratch.write("empty.pem", "");
    let empty = told(&format!("{text}ca = \"empty.pem\""));
    assert!(empty.contains("empty.pem, which holds no PEM CERTIFICATE; "), "{empty}");
    assert!(told("adress = 1").contains("is not understood: "), "a key that means nothing");
}

#[test]
fn without_a_connection_file_it_is_said_where_one_is_looked_for() {
    let ran = run(&["status"]);
    assert_eq!(ran.code, Some(1));
    let expected =
        "sendgate: no connection file: HOME is not set; name one with --connection FILE or in SENDGATE_CONNECTION\n";
    assert_eq!(ran.err, expected);
    let scratch = Scratch::new();
    let at = |name: &str, value: &std::path::Path| -> Ran {
        command().env(name, value).arg("status").output().unwrap().into()
    };
    let home = at("HOME", scratch.path()).err;
    assert!(
        home.contains(".config/sendgate/connection.toml cannot be read: ") && home.contains("address = "),
        "{home}"
    );
    let named = at("SENDGATE_CONNECTION", &scratch.path().join("mine.toml")).err;
    assert!(named.contains("mine.toml cannot be read: "), "{named}");
}
