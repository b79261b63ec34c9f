//! What comes in parts: coverage reports and the progress of a survey.

use crate::offline::run;
use crate::support::{Canned, Coordinator, Ran};
use sendgate_proto::v1::coverage_part::Part;
use sendgate_proto::v1::{SurveyEnd, SurveyProgress};

const HEAD: &str = r#"{"domain":"a.example.test","scope":"roster","age":null,"groups":{"missing: no entry":2},
    "warnings":{},"triage":"nobody is covered: the grant is missing","not_known":[],"users":[],"later":1}"#;

fn line(user: &str, directory_name: &str, cause: &str) -> String {
    format!(
        r#"{{"user":"{user}","directory_name":"{directory_name}","dn":"CN={user},DC=a","goodlink":"gla",
            "account":"goodadmin@a.example.test","verdict":"missing","cause":{cause:?},"evidence":null,"warning":null,
            "pair":{{"wait":"lacking"}},"waived":false,"later":2}}"#
    )
}

fn report(parts: Vec<Part>) -> Coordinator {
    Coordinator::start(Canned { coverage: parts, ..Canned::default() })
}

fn users(lines: &[String]) -> Part {
    Part::Users(format!("[{}]", lines.join(",")).into_bytes())
}

fn two_parts() -> Vec<Part> {
    vec![
        // A sign of life while the report is being made.
        users(&[]),
        Part::Head(HEAD.as_bytes().to_vec()),
        users(&[line("anna", "anna@a.example.test", "no entry")]),
        users(&[line("bert", "=cmd|'/c calc'!a1", "said \"no\", and more")]),
    ]
}

#[test]
fn a_report_in_parts_is_one_table_and_one_json() {
    let canned = Canned { coverage: two_parts(), ..Canned::default() };
    let asked = canned.asked.clone();
    let coordinator = Coordinator::start(canned);
    let table = coordinator.run(&["coverage", "A.Example.Test"]);
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    let expected = "a.example.test, users of the rosters, evidence: never\nnobody is covered: the grant is missing\n";
    assert!(table.out.starts_with(expected), "{}", table.out);
    assert!(table.out.contains("\nanna   anna@a.example.test   gla        for the right\n"), "{}", table.out);

    let json = coordinator.run(&["coverage", "a.example.test", "--mailboxes", "--output", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["users"].as_array().unwrap().len(), 2, "the parts are one list");
    assert_eq!((&value["later"], &value["users"][1]["later"]), (&1.into(), &2.into()), "it is as it came");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], "coverage CoverageRequest { domain: \"a.example.test\", mailboxes: false }");
    assert_eq!(asked[1], "coverage CoverageRequest { domain: \"a.example.test\", mailboxes: true }");
}

#[test]
fn csv_is_quoted_harmless_and_has_its_header_once() {
    let ran = report(two_parts()).run(&["coverage", "a.example.test", "--roster", "--output", "csv"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        "user,directory_name,dn,goodlink,account,verdict,cause,evidence,warning,wait,waived\r\n\
         anna,anna@a.example.test,\"CN=anna,DC=a\",gla,goodadmin@a.example.test,missing,no entry,,,for the right,no\r\n\
         bert,'=cmd|'/c calc'!a1,\"CN=bert,DC=a\",gla,goodadmin@a.example.test,missing,\"said \"\"no\"\", and \
         more\",,,for the right,no\r\n"
    );
}

#[test]
fn what_is_not_known_is_said_beside_the_csv_and_in_the_other_forms() {
    let parts = || {
        let head = HEAD.replace("\"not_known\":[]", "\"not_known\":[\"glb has not reported\"]");
        vec![Part::Head(head.into_bytes()), users(&[line("anna", "anna@a.example.test", "no entry")])]
    };
    let csv = report(parts()).run(&["coverage", "a.example.test", "--output", "csv"]);
    assert_eq!((csv.code, csv.err.as_str()), (Some(0), "sendgate: not known: glb has not reported\n"));
    assert_eq!(csv.out.lines().count(), 2, "{}", csv.out);
    let table = report(parts()).run(&["coverage", "a.example.test"]);
    assert!(table.out.contains("\nnot known:\n  - glb has not reported\n"), "{}", table.out);
    assert_eq!(table.err, "");
    let json = report(parts()).run(&["coverage", "a.example.test", "--output", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.out).unwrap()["not_known"][0], "glb has not reported");
}

#[test]
fn a_report_whose_head_never_came_is_an_error_in_every_form() {
    for form in ["table", "json", "csv"] {
        let ran = report(vec![users(&[])]).run(&["coverage", "a.example.test", "--output", form]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{form}");
        assert!(ran.err.contains("coverage cannot be read: it ended before its head"), "{}", ran.err);
    }
    let garbled = report(vec![Part::Head(b"{".to_vec())]).run(&["coverage", "a.example.test"]);
    assert_eq!(garbled.code, Some(1));
}

#[test]
fn csv_is_a_form_of_coverage_only() {
    let ran = run(&["status", "--output", "csv"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("--output csv is a form of `coverage` only: use --output json"), "{}", ran.err);
    let both = run(&["coverage", "a", "--roster", "--mailboxes"]);
    assert_eq!(both.code, Some(2));
    assert!(both.err.contains("cannot be used with"), "{}", both.err);
}

fn state(server: &str, what: &str, entries: u64, elapsed_ms: u64, end: Option<&str>) -> SurveyProgress {
    SurveyProgress {
        server: server.to_owned(),
        what: what.to_owned(),
        entries,
        elapsed_ms,
        end: end.map(|error| SurveyEnd { error: error.to_owned() }),
        expected: 0,
    }
}

fn survey(progress: Vec<SurveyProgress>, arguments: &[&str]) -> Ran {
    let coordinator = Coordinator::start(Canned { progress, ..Canned::default() });
    coordinator.run(&[&["survey", "run", "a.example.test"], arguments].concat())
}

#[test]
fn a_watched_survey_tells_each_server_and_ends_with_all_of_them() {
    let progress = || {
        vec![
            state("a1", "connecting", 0, 0, None),
            state("a2", "connecting", 0, 0, None),
            state("a1", "users", 4000, 1000, None),
            // The same within a short time is not said again.
            state("a1", "users", 5000, 1200, None),
            state("a2", "ended", 20, 500, Some("")),
            state("a1", "ended", 20_000, 5000, Some("")),
        ]
    };
    let ran = survey(progress(), &["--watch"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        "a1: connecting, 0 entries after 0.0s\n\
         a2: connecting, 0 entries after 0.0s\n\
         a1: users, 4000 entries after 1.0s (4000/s)\n\
         a2: read, 20 entries in 0.5s (40/s)\n\
         a1: read, 20000 entries in 5.0s (4000/s)\n\
         a.example.test was read in full on 2 directory servers\n"
    );
    let json = survey(progress(), &["--watch", "--output", "json"]);
    let lines: Vec<serde_json::Value> = json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((json.code, lines.len()), (Some(0), 6));
    assert_eq!((&lines[5]["ended"], &lines[5]["error"]), (&true.into(), &serde_json::Value::Null));
}

#[test]
fn a_server_that_fails_or_is_not_heard_of_fails_the_survey() {
    let ran = survey(
        vec![
            state("a1", "users", 0, 0, None),
            state("a1", "ended", 20, 500, Some("")),
            state("a2", "ended", 0, 100, Some("connection refused")),
            state("a3", "users", 7, 100, None),
        ],
        &["--watch"],
    );
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("\na2: FAILED: connection refused\n"), "{}", ran.out);
    assert_eq!(
        ran.err,
        "sendgate: a.example.test was not read in full: a2: connection refused; a3: the coordinator said nothing of its end; \
         these servers give no evidence until they have been read\n"
    );
    let nobody = survey(Vec::new(), &["--watch"]);
    assert_eq!(nobody.code, Some(1), "a reading of no server is none");
    assert!(nobody.err.contains("the coordinator named no directory server"), "{}", nobody.err);
}

#[test]
fn a_survey_that_nobody_watches_goes_on() {
    let ran = survey(vec![state("a1", "connecting", 0, 0, None)], &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        "a.example.test is being read in full on every directory server; `sendgate domains` shows when it was\n"
    );
}
