//! Grants whose ends real servers seldom give.

use super::super::fake::{Answer, MODIFIED, bound, hasty, object, result, server};
use super::*;
use sendgate_core::coverage::placement::EntryBytes;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::edit::GrantForm;

fn descriptor(sddl: &str) -> Vec<u8> {
    SecurityDescriptor::from_sddl(sddl, None).unwrap().to_bytes()
}

const BEFORE: &str = "D:(A;;RP;;;WD)";
const OURS: &str = "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1104)";

fn shown(sddl: &str) -> Answer {
    object("CN=x,DC=a", DESCRIPTOR, &descriptor(sddl))
}

fn grant() -> PlannedGrant {
    let before = SecurityDescriptor::from_sddl(BEFORE, None).unwrap();
    PlannedGrant {
        domain: "a.example.test".parse().unwrap(),
        account: "goodadmin@a.example.test".parse().unwrap(),
        sid: "S-1-5-21-1-2-3-1104".parse().unwrap(),
        place: Dn::from("CN=x,DC=a"),
        form: GrantForm::Object,
        expected: edit::explicit_entries(&before).into_iter().map(EntryBytes).collect(),
    }
}

fn written() -> Answer {
    Answer::Say(vec![result(MODIFIED, 0, "")])
}

#[tokio::test]
async fn what_is_read_back_as_written_is_done() {
    let after = format!("{BEFORE}{OURS}");
    let done = apply(&server(vec![bound(), shown(BEFORE), written(), shown(&after)]), &grant()).await;
    assert!(matches!(done, Ok(GrantDone::Written { .. })), "{done:?}");
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown() {
    let error = apply(&hasty(vec![bound(), shown(BEFORE), Answer::Nothing]), &grant()).await.unwrap_err();
    assert!(matches!(error, GrantError::Unknown { .. }) && error.may_have_written(), "{error}");
    assert!(
        error.to_string().starts_with("whether the entry on CN=x,DC=a was written is not known: writing the DACL"),
        "{error}"
    );
    let error = apply(&server(vec![bound(), shown(BEFORE), written(), Answer::Close]), &grant()).await.unwrap_err();
    assert!(error.to_string().contains("it was written, but not read back"), "{error}");
    assert!(error.may_have_written());
}

#[tokio::test]
async fn a_write_that_is_refused_wrote_nothing() {
    let refused = Answer::Say(vec![result(MODIFIED, 50, "no WRITE_DAC")]);
    let error = apply(&server(vec![bound(), shown(BEFORE), refused]), &grant()).await.unwrap_err();
    assert!(!error.may_have_written());
    assert!(
        error
            .to_string()
            .contains("sendgate@example.test lacks the right (rc=50 (insufficientAccessRights): no WRITE_DAC)"),
        "{error}"
    );
}

#[tokio::test]
async fn somebody_elses_write_at_the_same_time_is_found() {
    let after = format!("D:(A;;WP;;;WD){OURS}");
    let error = apply(&server(vec![bound(), shown(BEFORE), written(), shown(&after)]), &grant()).await.unwrap_err();
    let GrantError::LostEdit { difference, before, after, .. } = &error else { panic!("{error}") };
    assert_eq!(difference, "missing: (A;;RP;;;WD); new: (A;;WP;;;WD)");
    assert_ne!(before, after);
    let error = apply(&server(vec![bound(), shown(BEFORE), written(), shown(BEFORE)]), &grant()).await.unwrap_err();
    assert!(error.to_string().contains(&format!("missing: {OURS}; somebody changed them")), "{error}");
    let twice = format!("{BEFORE}{OURS}{OURS}");
    let error = apply(&server(vec![bound(), shown(BEFORE), written(), shown(&twice)]), &grant()).await.unwrap_err();
    assert!(error.to_string().contains(&format!(": new: {OURS};")), "{error}");
}

#[tokio::test]
async fn what_cannot_be_edited_is_not_written() {
    let hidden = object("CN=x,DC=a", "cn", b"x");
    let error = apply(&server(vec![bound(), hidden]), &grant()).await.unwrap_err();
    assert!(error.to_string().contains("its descriptor is not shown to sendgate@example.test"), "{error}");
    let broken = object("CN=x,DC=a", DESCRIPTOR, &[1, 2, 3]);
    let error = apply(&server(vec![bound(), broken]), &grant()).await.unwrap_err();
    assert!(error.to_string().starts_with("the DACL of CN=x,DC=a was not written: "), "{error}");
    let unordered = "D:(A;;RP;;;WD)(D;;WP;;;WD)";
    let error = apply(&server(vec![bound(), shown(unordered)]), &grant()).await.unwrap_err();
    assert!(error.to_string().contains("not in canonical order"), "{error}");
}

#[tokio::test]
async fn entries_that_have_changed_since_the_plan_are_left_alone() {
    // The server would take a write: that none is sent shows in the error, for the write has no answer prepared.
    let error = apply(&hasty(vec![bound(), shown("D:(A;;WP;;;WD)")]), &grant()).await.unwrap_err();
    assert!(
        matches!(&error, GrantError::Changed { difference, .. } if difference == "missing: (A;;RP;;;WD); new: (A;;WP;;;WD)"),
        "{error}"
    );
}
