//! Approvals, undo and redo, and what a directory team would run.

use crate::support::{Canned, Coordinator, Ran};
use std::sync::Arc;

/// What the command printed, and what it asked for.
fn run(canned: Canned, arguments: &[&str]) -> (Ran, String) {
    let asked = Arc::clone(&canned.asked);
    let ran = Coordinator::start(canned).run(arguments);
    let asked = asked.lock().unwrap().join(" | ");
    (ran, asked)
}

#[test]
fn an_approval_says_what_it_is_about_and_why() {
    let holder = ["adminsdholder", "a.example.test", "goodadmin@a.example.test", "--reason", "the board wants it"];
    let (ran, asked) = run(Canned::default(), &[&["approve"][..], &holder].concat());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Some(0),
            "accepted: an entry for goodadmin@a.example.test on AdminSDHolder of a.example.test is approved; record 12 of \
             the journal\n"
        )
    );
    assert!(
        asked.starts_with("approve ") && asked.contains("AdminSdHolder") && asked.contains("the board wants it"),
        "{asked}"
    );
    let over = ["override", "anna", "ADOM\\goodadmin", "--reason", "he left"];
    let (ran, asked) = run(Canned::default(), &[&["revoke"][..], &over].concat());
    assert_eq!(
        ran.out,
        "accepted: overriding the inherited deny for anna and ADOM\\goodadmin is approved no more; record 12 of the journal\n"
    );
    assert!(asked.starts_with("revoke ") && asked.contains("DenyOverride") && asked.contains("he left"), "{asked}");
}

#[test]
fn an_approval_without_a_reason_is_wrong_usage() {
    let (ran, asked) =
        run(Canned::default(), &["approve", "adminsdholder", "a.example.test", "goodadmin@a.example.test"]);
    assert_eq!((ran.code, asked.as_str()), (Some(2), ""));
    let (ran, _) = run(Canned::default(), &["grants", "undo", "9", "--reason", " "]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("a reason is needed"), "{}", ran.err);
}

#[test]
fn an_undo_says_whom_it_may_uncover() {
    let (ran, asked) = run(Canned::default(), &["grants", "undo", "9", "--reason", "the tenant left"]);
    assert_eq!(
        ran.out,
        "accepted: the entry of grant 9 is taken away, and stays away until `sendgate grants redo 9`; record 12 of the \
         journal\nnote: up to 3 roster users may lose the right\n"
    );
    assert!(
        asked.starts_with("grant_undo ") && asked.contains("grant: 9") && asked.contains("the tenant left"),
        "{asked}"
    );
    let (ran, _) = run(Canned::default(), &["--output", "json", "grants", "undo", "9", "--reason", "x"]);
    assert_eq!(
        ran.out.split_whitespace().collect::<String>(),
        "{\"note\":\"upto3rosterusersmaylosetheright\",\"sequence\":12}"
    );
    let (ran, asked) = run(Canned::default(), &["grants", "redo", "9", "--reason", "he came back"]);
    assert!(asked.starts_with("grant_redo ") && asked.contains("he came back"), "{asked}");
    assert_eq!(
        ran.out,
        "accepted: the entry of grant 9 is planned again where somebody needs it; record 12 of the journal\n"
    );
}

#[test]
fn advice_is_asked_for_a_domain() {
    let view = r#"{"domain":"a.example.test","not_known":[],"grants":[]}"#.to_owned();
    let (ran, asked) =
        run(Canned { view: Some(Ok(view)), ..Canned::default() }, &["grants", "advise", "A.example.test"]);
    assert_eq!(ran.out, "nothing is proposed for a.example.test\n");
    assert!(asked.starts_with("grant_advice ") && asked.contains("a.example.test"), "{asked}");
}

/// One yes may not be all that it needs: only the answer knows.
#[test]
fn an_approval_of_a_rollout_names_the_form_that_was_read() {
    let note = "the form cdcdcdcdcdcd has 1 of 2 approvals; still to come: 1";
    let canned = || Canned { note: note.to_owned(), digest: "cd".repeat(32), ..Canned::default() };
    let approve = ["approve", "rollout", "March", "cdcdcdcdcdcd", "--reason", "seen in the board"];
    let (ran, asked) = run(canned(), &approve);
    assert_eq!(
        (ran.code, ran.out),
        (Some(0), format!("accepted: your approval of rollout march; record 12 of the journal\nnote: {note}\n"))
    );
    assert!(
        asked.starts_with("approve ")
            && asked.contains("RolloutForm(RolloutForm { rollout: \"march\", digest: \"cdcdcdcdcdcd\" })"),
        "{asked}"
    );
    let (ran, _) = run(canned(), &[&["--output", "json"][..], &approve].concat());
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json, serde_json::json!({ "sequence": 12, "note": note, "digest": "cd".repeat(32) }));
    let (ran, asked) = run(Canned::default(), &["revoke", "rollout", "march", "--reason", "second thoughts"]);
    assert_eq!(ran.out, "accepted: rollout march is approved no more; record 12 of the journal\n");
    assert!(asked.starts_with("revoke ") && asked.contains("Rollout(\"march\")"), "{asked}");
}
