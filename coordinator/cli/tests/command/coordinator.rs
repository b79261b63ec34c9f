//! The command against a coordinator with canned answers: exit codes, requests, and what it says when it is refused.

use crate::support::{Ca, Canned, Coordinator, NAME, Scratch, connection, sendgate};
use std::net::TcpListener;
use tonic::Status;

fn gate(state: &str, reasons: &str, laboratory: bool) -> Canned {
    let json = format!(
        r#"{{"subject":"exa1","state":"{state}","reasons":{reasons},"cells":[],"laboratory":{laboratory},"later":1}}"#
    );
    Canned { view: Some(Ok(json)), ..Canned::default() }
}

const NEVER: &str = r#"[{"text":"domain a has not been surveyed","reason":"not-surveyed","domain":"a"}]"#;
const EMPTY: &str = r#"[{"text":"the roster of gla is empty","reason":"empty-roster","goodlink":"gla"}]"#;

#[test]
fn gate_check_answers_by_its_exit_code() {
    let open = Coordinator::start(gate("open", "[]", false)).run(&["gate", "check", "EXA1"]);
    assert_eq!((open.code, open.err.as_str()), (Some(0), ""));
    assert!(open.out.starts_with("open: exa1\n"), "{}", open.out);

    let closed = Coordinator::start(gate("closed", EMPTY, true)).run(&["gate", "check", "EXA1"]);
    assert_eq!(closed.code, Some(3));
    let expected = "LABORATORY: waits may be shortened\nclosed: exa1\n  - the roster of gla is empty\n";
    assert!(closed.out.starts_with(expected), "{}", closed.out);

    let unknown = Coordinator::start(gate("cannot-tell", NEVER, false)).run(&["gate", "check", "EXA1"]);
    assert_eq!(unknown.code, Some(4));
    assert!(unknown.out.starts_with("cannot tell: exa1\n  - domain a has not been surveyed\n"), "{}", unknown.out);
}

#[test]
fn an_answer_that_is_not_understood_is_never_an_open_gate() {
    for json in ["{}", "", r#"{"subject":"exa1","state":"ajar","reasons":[],"cells":[],"laboratory":false}"#] {
        let canned = Canned { view: Some(Ok(json.to_owned())), ..Canned::default() };
        let ran = Coordinator::start(canned).run(&["--output", "json", "gate", "check", "EXA1"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{json}");
        assert!(
            ran.err.starts_with("sendgate: the coordinator's answer for gate check cannot be read: "),
            "{}",
            ran.err
        );
    }
}

#[test]
fn json_is_what_the_coordinator_sent() {
    let ran = Coordinator::start(gate("closed", EMPTY, true)).run(&["gate", "check", "exa1", "--output", "json"]);
    assert_eq!(ran.code, Some(3));
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["laboratory"], true);
    assert_eq!(value["later"], 1, "what this version does not know is printed as well");
    assert!(ran.out.lines().count() > 5, "it is indented: {}", ran.out);
}

#[test]
fn requests_carry_what_was_asked_for() {
    let canned = Canned::default();
    let asked = canned.asked.clone();
    let coordinator = Coordinator::start(canned);
    let file = std::env::temp_dir().join(format!("sendgate-rollout-{}.toml", std::process::id()));
    std::fs::write(&file, "name = \"march\"\n").unwrap();
    let path = file.to_str().unwrap();
    let apply = coordinator.run(&["rollout", "apply", path]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!((apply.code, apply.err.as_str()), (Some(0), ""));
    assert_eq!(apply.out, format!("accepted: the rollout of {path} is applied; record 12 of the journal\n"));
    let gone = coordinator.run(&["rollout", "apply", path]);
    assert_eq!(gone.code, Some(1));
    let text = format!("the rollout's file {path} cannot be read: No such file or directory");
    assert!(gone.err.contains(&text), "{}", gone.err);
    let abort = ["rollout", "abort", "march", "--reason", "bad package"];
    let json = coordinator.run(&[&abort[..], &["--output", "json"]].concat());
    assert_eq!((json.code, json.out.as_str()), (Some(0), "{\n  \"sequence\": 12\n}\n"));
    let requests: [(&[&str], &str); 4] = [
        (&["rollout", "start", "march"], "rollout march may begin, as its gates allow"),
        (
            &["waive", "boss@a.example.test", "--reason", "leaves", "--expires", "72h"],
            "boss@a.example.test is excepted from the gate, and may be paused by the hotfix",
        ),
        (&abort, "rollout march begins nothing more; what runs is finished and reported"),
        (
            &["rollout", "remove", "march", "--reason", "bad package"],
            "the hotfix of rollout march is removed again, the last wave first",
        ),
    ];
    for (arguments, told) in requests {
        let ran = coordinator.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(ran.out, format!("accepted: {told}; record 12 of the journal\n"));
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], "rollout_apply RolloutFile { text: \"name = \\\"march\\\"\\n\" }");
    assert_eq!(asked[1], "rollout_abort RolloutRequest { name: \"march\", reason: \"bad package\" }");
    assert_eq!(asked[2], "rollout_start RolloutRequest { name: \"march\", reason: \"\" }");
    assert_eq!(asked[3], "waive WaiveRequest { user: \"boss@a.example.test\", reason: \"leaves\", expires: \"72h\" }");
    assert_eq!(asked[5], "rollout_remove RolloutRequest { name: \"march\", reason: \"bad package\" }");
}

#[test]
fn interventions_carry_what_was_asked_for() {
    let canned = Canned::default();
    let asked = canned.asked.clone();
    let coordinator = Coordinator::start(canned);
    let why = ["--reason", "bad night"];
    let cases: [(&[&str], &str, &str); 12] = [
        (
            &["hold", "estate"],
            "the estate is held: nothing new begins there until it is released",
            "Hold(Hold { what: Some(Estate(Estate)) })",
        ),
        (
            &["hold", "domain", "A.Example.Test"],
            "domain a.example.test is held: nothing new begins there until it is released",
            "Hold(Hold { what: Some(Domain(\"a.example.test\")) })",
        ),
        (
            &["rollout", "pause", "March"],
            "rollout march is held: nothing new begins there until it is released",
            "Hold(Hold { what: Some(Rollout(\"march\")) })",
        ),
        (
            &["release", "host", "EXA1"],
            "host exa1 is released",
            "Release(Release { held: Some(Hold { what: Some(Host(\"exa1\")) }), of: \"\" })",
        ),
        (
            &["release", "rollout", "march"],
            "rollout march is released",
            "Release(Release { held: Some(Hold { what: Some(Rollout(\"march\")) }), of: \"\" })",
        ),
        (
            &["release", "estate", "--of", "Olive"],
            "the estate is released",
            "Release(Release { held: Some(Hold { what: Some(Estate(Estate)) }), of: \"olive\" })",
        ),
        (&["rollout", "resume", "march"], "one stop of rollout march is ended", "Resume(\"march\")"),
        (
            &["rollout", "retry", "march", "EXA1"],
            "exa1 is tried again in rollout march; a rollout that has stopped goes on with `resume`",
            "Retry(RolloutHost { rollout: \"march\", host: \"exa1\" })",
        ),
        (
            &["rollout", "skip", "march", "EXA1"],
            "exa1 is left out of rollout march; a rollout that has stopped goes on with `resume`",
            "Skip(RolloutHost { rollout: \"march\", host: \"exa1\" })",
        ),
        (
            &["unwaive", "boss@a.example.test"],
            "boss@a.example.test is excepted no longer: the gate counts him again",
            "Unwaive(\"boss@a.example.test\")",
        ),
        (
            &["goodlink", "restart", "GLA"],
            "GoodLink gla is restarted once its host and the limits allow",
            "RestartGoodlink(\"gla\")",
        ),
        (
            &["coordinator", "takeover"],
            "this coordinator takes over: agents follow it from here on, and refuse whoever led them before",
            "TakeOver(TakeoverDeclared)",
        ),
    ];
    for (at, (arguments, told, sent)) in cases.into_iter().enumerate() {
        let ran = coordinator.run(&[arguments, &why].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(ran.out, format!("accepted: {told}; record 12 of the journal\n"));
        let expected = format!("intervene Intervention {{ reason: \"bad night\", act: Some({sent}) }}");
        assert_eq!(asked.lock().unwrap()[at], expected);
        assert_eq!(coordinator.run(arguments).code, Some(2), "no reason was given: {arguments:?}");
    }
}

#[test]
fn why_is_one_sentence_for_people_and_all_of_it_for_programs() {
    let json = r#"{"rollout":"march","state":{"state":"finished"},"why":"exa1 is done","host":{"phase":"done","reasons":[],
        "progress":{"wave":0,"server":"exa1","host":"exa1","phase":{"phase":"done"},"blocked":[]}}}"#;
    let canned = || Canned { view: Some(Ok(json.to_owned())), ..Canned::default() };
    let ran = Coordinator::start(canned()).run(&["rollout", "why", "March", "EXA1"]);
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (Some(0), "", "exa1 is done\n"));
    let ran = Coordinator::start(canned()).run(&["--output", "json", "rollout", "why", "March", "EXA1"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["host"]["progress"]["phase"]["phase"], "done");
}

#[test]
fn a_refusal_is_told_in_the_coordinators_words() {
    let told = |status: Status| {
        let ran = Coordinator::start(Canned { request: Some(status), ..Canned::default() })
            .run(&["rollout", "start", "march"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        ran.err
    };
    let denied = told(Status::permission_denied("viewer eve may not do this"));
    assert!(
        denied.starts_with("sendgate: permission denied: viewer eve may not do this; your certificate "),
        "{denied}"
    );
    assert!(
        denied.ends_with(
            "must carry a role that allows this: a viewer may look, an operator may also act, \
             an approver may look, approve and revoke\n"
        ),
        "{denied}"
    );
    assert_eq!(
        told(Status::not_found("there is no rollout march")),
        "sendgate: not found: there is no rollout march\n"
    );
    assert_eq!(
        told(Status::failed_precondition("march is finished")),
        "sendgate: the coordinator refused: march is finished\n"
    );
    assert_eq!(told(Status::already_exists("march exists")), "sendgate: the coordinator refused: march exists\n");
    let late = told(Status::deadline_exceeded(""));
    let filed = "did not answer within 30.0s; whether a request was filed is not known; see `sendgate journal show`\n";
    assert!(late.ends_with(filed), "{late}");
    let failed = told(Status::unavailable("the driver has stopped"));
    assert_eq!(
        failed,
        "sendgate: the coordinator failed: the driver has stopped (Unavailable); whether a request was filed is not known; see `sendgate journal show`\n"
    );
}

/// What only looks has filed nothing, whatever became of the answer.
#[test]
fn a_look_without_an_answer_does_not_speak_of_requests() {
    let late = || Status::deadline_exceeded("");
    let asked = "did not answer within 30.0s; nothing was filed, for it only asked: try again\n";
    for arguments in [&["status"][..], &["plan", "march"], &["rollout", "show", "march"]] {
        let ran = Coordinator::start(Canned { view: Some(Err(late())), ..Canned::default() }).run(arguments);
        assert!(ran.code == Some(1) && ran.err.ends_with(asked), "{}", ran.err);
        let failed = Err(Status::internal("no words"));
        let ran = Coordinator::start(Canned { view: Some(failed), ..Canned::default() }).run(arguments);
        let asked = "the coordinator failed: no words (Internal); nothing was filed, for it only asked: try again\n";
        assert!(ran.code == Some(1) && ran.err.ends_with(asked), "{}", ran.err);
    }
}

#[test]
fn a_name_that_is_neither_a_rollout_nor_a_file_says_both() {
    let told = |status: Status| {
        Coordinator::start(Canned { view: Some(Err(status)), ..Canned::default() }).run(&["plan", "sprng.toml"]).err
    };
    assert_eq!(
        told(Status::not_found("there is no rollout sprng.toml")),
        "sendgate: not found: there is no rollout sprng.toml, and there is no file of that name either\n"
    );
    assert_eq!(
        told(Status::invalid_argument("\"a/b\" is no name")),
        "sendgate: the coordinator refused: \"a/b\" is no name, and there is no file of that name either\n"
    );
}

#[test]
fn nobody_at_the_address() {
    // A port that no test is ever given.
    let address = "127.0.0.1:1".parse().unwrap();
    let (scratch, ca) = (Scratch::new(), Ca::new("Estate CA"));
    let file = connection(&scratch, address, &ca.pem, NAME, &ca.issue("me", (-1, 1)));
    let ran = sendgate(&file, &["gate", "check", "exa1"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let expected = format!("sendgate: the coordinator at {address} cannot be reached: Connection refused");
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    assert!(ran.err.ends_with("is it running, and is `address` right?\n"), "{}", ran.err);
}

#[test]
fn what_answers_without_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let _ = std::io::Write::write_all(&mut socket.unwrap(), b"220 mail.example.test ESMTP ready\r\n");
        }
    });
    let (scratch, ca) = (Scratch::new(), Ca::new("Estate CA"));
    let ran = sendgate(&connection(&scratch, address, &ca.pem, NAME, &ca.issue("me", (-1, 1))), &["status"]);
    let expected = format!("sendgate: what answers at {address} does not speak TLS: is `address` the coordinator's?\n");
    assert_eq!((ran.code, ran.err), (Some(1), expected));
}

#[test]
fn a_coordinator_of_another_ca_or_name_is_not_believed() {
    let coordinator = Coordinator::start(gate("open", "[]", false));
    let me = coordinator.ca.issue("me", (-1, 1));
    let ran = sendgate(&coordinator.connection(&Ca::new("Other").pem, NAME, &me), &["gate", "check", "exa1"]);
    assert_eq!(ran.code, Some(1));
    let address = coordinator.address;
    let expected = format!("sendgate: the certificate of the coordinator at {address} was not issued by the CA in ");
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    assert!(ran.err.contains("ca.pem: name the right CA file in `ca`"), "{}", ran.err);

    let file = coordinator.connection(&coordinator.ca.pem, "other.example.test", &me);
    let ran = sendgate(&file, &["gate", "check", "exa1"]);
    assert_eq!(ran.code, Some(1));
    let expected = format!(
        "sendgate: the certificate of the coordinator at {address} does not carry the name other.example.test: \
         correct `server_name`, or `address`\n"
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn a_certificate_out_of_date_is_not_even_shown() {
    let coordinator = Coordinator::start(gate("open", "[]", false));
    let asked = |hours| {
        let file = coordinator.connection(&coordinator.ca.pem, NAME, &coordinator.ca.issue("me", hours));
        let ran = sendgate(&file, &["gate", "check", "exa1"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        ran.err
    };
    let expired = asked((-2, -1));
    assert!(expired.starts_with("sendgate: your certificate ") && expired.contains("me.pem expired at "), "{expired}");
    let early = asked((1, 2));
    assert!(early.contains("me.pem is not valid before "), "{early}");
}

#[test]
fn a_foreign_client_certificate_is_told_as_such() {
    let coordinator = Coordinator::start(gate("open", "[]", false));
    let foreign = Ca::new("Foreign").issue("me", (-1, 1));
    // The alert may come before, between or after the first request's frames: each order must be understood.
    for _ in 0..20 {
        let ran = sendgate(&coordinator.connection(&coordinator.ca.pem, NAME, &foreign), &["gate", "check", "exa1"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        let expected = format!("sendgate: the coordinator at {} refused this client certificate", coordinator.address);
        assert!(ran.err.starts_with(&expected), "{}", ran.err);
        assert!(ran.err.contains("it was not issued by its CA or has expired"), "{}", ran.err);
    }
}

#[test]
fn a_key_of_another_certificate_is_found_before_connecting() {
    let coordinator = Coordinator::start(gate("open", "[]", false));
    let mut pair = coordinator.ca.issue("me", (-1, 1));
    pair.key = coordinator.ca.issue("me", (-1, 1)).key;
    let ran = sendgate(&coordinator.connection(&coordinator.ca.pem, NAME, &pair), &["gate", "check", "exa1"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.ends_with("is it the key of this certificate, and is each a PEM file?\n"), "{}", ran.err);
}

/// What others hold as well is not called released.
#[test]
fn a_release_that_leaves_another_hold_says_so() {
    let note = "it is still held: the estate is held by olive since 2026-11-29 01:10Z: SAN is failing: end that with \
                `sendgate release estate --of olive --reason WHY`";
    let canned = || Canned { note: note.to_owned(), ..Canned::default() };
    let release = ["release", "estate", "--reason", "moved"];
    let ran = Coordinator::start(canned()).run(&release);
    assert_eq!(ran.out, format!("accepted: one hold on the estate is ended; record 12 of the journal\nnote: {note}\n"));
    let ran = Coordinator::start(canned()).run(&[&["--output", "json"][..], &release].concat());
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json, serde_json::json!({ "sequence": 12, "note": note }));
}
