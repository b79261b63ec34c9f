//! Grants whose ends real servers seldom give.

use super::super::fake::{Answer, BIND, DONE, MODIFIED, bound, hasty, object, object_of, result, server};
use super::metadata::tests::{ELSEWHERE, HERE, made};
use super::*;
use crate::directory::reach::{Asked, Given};
use sendgate_core::coverage::placement::EntryBytes;
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::time::Steady;
use std::sync::Arc;
use std::time::Duration;

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

/// Leave to write, for ever.
struct Always;

impl Leave for Always {
    fn ask(&self) -> Asked<'_> {
        let until = Steady::START + Duration::from_secs(30);
        Box::pin(async move { Ok(Given::until(until, Arc::new(|| Steady::START))) })
    }
}

/// Leave that is refused, or has run off when it arrives.
struct Never(Result<(), &'static str>);

impl Leave for Never {
    fn ask(&self) -> Asked<'_> {
        let late = || Steady::START + Duration::from_millis(1);
        let answer = self.0.map(|()| Given::until(Steady::START, Arc::new(late))).map_err(str::to_owned);
        Box::pin(async move { answer })
    }
}

/// Invariant 7: nothing is sent. A write would have no answer, and be called unknown.
#[tokio::test]
async fn without_leave_nothing_is_written() {
    let ran_off = "the coordinator's leave to write ran off before it was used";
    for (leave, why) in [(Never(Err("it is held")), "it is held"), (Never(Ok(())), ran_off)] {
        let text = format!("the DACL of CN=x,DC=a was not written: {why}");
        let error = apply(&hasty(vec![bound(), shown(BEFORE)]), &grant(), &leave).await.unwrap_err();
        assert!(!error.may_have_written());
        assert_eq!(error.to_string(), text);
        let there = shown(&format!("{BEFORE}{OURS}"));
        let error = withdraw(&hasty(vec![bound(), there]), &grant().entry(), &leave).await.unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

/// The place with its descriptor's version.
fn versioned(sddl: &str, version: u32, origin: Guid) -> Answer {
    let attributes = [(DESCRIPTOR, descriptor(sddl)), (METADATA, made(version, origin))];
    object_of("CN=x,DC=a", &attributes)
}

fn written() -> Answer {
    Answer::Say(vec![result(MODIFIED, 0, "")])
}

#[tokio::test]
async fn what_is_read_back_as_written_is_done() {
    let after = format!("{BEFORE}{OURS}");
    let done = apply(&server(vec![bound(), shown(BEFORE), written(), shown(&after)]), &grant(), &Always).await;
    assert!(matches!(done, Ok(GrantDone::Written { .. })), "{done:?}");
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown() {
    let error = apply(&hasty(vec![bound(), shown(BEFORE), Answer::Nothing]), &grant(), &Always).await.unwrap_err();
    assert!(matches!(error, GrantError::Unknown { .. }) && error.may_have_written(), "{error}");
    assert!(
        error.to_string().starts_with("whether the entry on CN=x,DC=a was written is not known: writing the DACL"),
        "{error}"
    );
    let error =
        apply(&server(vec![bound(), shown(BEFORE), written(), Answer::Close]), &grant(), &Always).await.unwrap_err();
    assert!(error.to_string().contains("it was written, but not read back"), "{error}");
    assert!(error.may_have_written());
}

#[tokio::test]
async fn a_write_that_is_refused_wrote_nothing() {
    let refused = Answer::Say(vec![result(MODIFIED, 50, "no WRITE_DAC")]);
    let error = apply(&server(vec![bound(), shown(BEFORE), refused]), &grant(), &Always).await.unwrap_err();
    assert!(!error.may_have_written());
    assert!(
        error
            .to_string()
            .contains("sendgate@example.test lacks the right (rc=50 (insufficientAccessRights): no WRITE_DAC)"),
        "{error}"
    );
}

async fn lost(before: Answer, after: Answer) -> LostEdit {
    match apply(&server(vec![bound(), before, written(), after]), &grant(), &Always).await {
        Err(GrantError::LostEdit(lost)) => *lost,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn somebody_elses_write_at_the_same_time_is_found() {
    let lost_edit = lost(shown(BEFORE), shown(&format!("D:(A;;WP;;;WD){OURS}"))).await;
    assert_eq!(lost_edit.difference.as_deref(), Some("missing: (A;;RP;;;WD); new: (A;;WP;;;WD)"));
    assert!(lost_edit.before != lost_edit.after && lost_edit.there);
    let text = lost(shown(BEFORE), shown(BEFORE)).await.to_string();
    let start = format!(
        "somebody else changed the DACL of CN=x,DC=a at the same time; what is there is not what was written: missing: \
         {OURS}; the entry itself is not there; an edit of his may be lost, have the directory team compare (DACL "
    );
    assert!(text.starts_with(&start), "{text}");
    let twice = lost(shown(BEFORE), shown(&format!("{BEFORE}{OURS}{OURS}"))).await;
    assert_eq!(twice.difference.as_deref(), Some(format!("new: {OURS}").as_str()));
}

#[tokio::test]
async fn the_version_of_the_descriptor_rises_by_exactly_one() {
    let after = format!("{BEFORE}{OURS}");
    let alone = server(vec![bound(), versioned(BEFORE, 3, ELSEWHERE), written(), versioned(&after, 4, HERE)]);
    let Ok(GrantDone::Written { alone, .. }) = apply(&alone, &grant(), &Always).await else { panic!("not written") };
    assert_eq!(
        alone.to_string(),
        format!("nobody else wrote meanwhile: its version went from 3 (of {ELSEWHERE}) to 4 (of {HERE})")
    );
    // The entries are as they should be: only the version tells that there was another write, and that it may be lost.
    for version in [3, 5, 2] {
        let lost = lost(versioned(BEFORE, 3, HERE), versioned(&after, version, ELSEWHERE)).await;
        let text = lost.to_string();
        assert!(lost.there && lost.difference.is_none());
        let start = format!(
            "somebody else changed the DACL of CN=x,DC=a at the same time: its version went from 3 to {version}, where our \
             write alone makes 4; the last write was made on the server with invocationId {ELSEWHERE}; the entry itself is \
             there; an edit of his may be lost"
        );
        assert!(text.starts_with(&start), "{text}");
    }
}

#[tokio::test]
async fn a_version_that_cannot_be_read_is_said_and_no_error() {
    let after = format!("{BEFORE}{OURS}");
    let said = async |before: Answer, now: Answer| match apply(
        &server(vec![bound(), before, written(), now]),
        &grant(),
        &Always,
    )
    .await
    {
        Ok(GrantDone::Written { alone, .. }) => alone.to_string(),
        other => panic!("{other:?}"),
    };
    let start = "whether somebody else wrote meanwhile could be told by the entries only: replPropertyMetaData ";
    assert_eq!(said(shown(BEFORE), shown(&after)).await, format!("{start}is not shown to sendgate@example.test"));
    let broken = object_of("CN=x,DC=a", &[(DESCRIPTOR, descriptor(BEFORE)), (METADATA, vec![1])]);
    assert_eq!(said(broken, versioned(&after, 4, HERE)).await, format!("{start}is cut short after 1 bytes"));
}

async fn withdrawn(before: &str, after: &str) -> Result<GrantDone, GrantError> {
    withdraw(&hasty(vec![bound(), shown(before), written(), shown(after)]), &grant().entry(), &Always).await
}

#[tokio::test]
async fn exactly_our_entry_is_taken_away() {
    let rest = "D:(D;;WP;;;WD)(A;;RP;;;WD)(A;;RP;;;AU)";
    let before = format!("D:(D;;WP;;;WD)(A;;RP;;;WD){OURS}(A;;RP;;;AU)");
    assert!(matches!(withdrawn(&before, rest).await, Ok(GrantDone::Written { .. })));
    // Had anything else gone with it, it would be found.
    let error = withdrawn(&before, "D:(A;;RP;;;WD)(A;;RP;;;AU)").await.unwrap_err().to_string();
    assert!(
        error.contains("what is there is not what was written: missing: (D;;WP;;;WD); the entry itself is not there"),
        "{error}"
    );
    let error = withdrawn(&before, &before).await.unwrap_err().to_string();
    assert!(error.contains(&format!("new: {OURS}; the entry itself is there")), "{error}");
    assert!(matches!(withdrawn(rest, rest).await, Ok(GrantDone::AlreadyThere { .. })));
}

#[tokio::test]
async fn an_entry_that_is_not_ours_or_stands_in_disorder_is_not_taken_away() {
    let unordered = format!("D:(A;;RP;;;WD)(D;;WP;;;WD){OURS}");
    assert_eq!(
        withdrawn(&unordered, "D:").await.unwrap_err().to_string(),
        "the DACL of CN=x,DC=a was not written: it is not in canonical order, (D;;WP;;;WD) stands behind an explicit entry \
         that allows; have the directory team put it in order, or remove the entry by hand"
    );
    // Whoever wrote the same with other bytes behind the SID was not us.
    let mut other = GrantForm::Object.entry(&grant().sid).unwrap().to_bytes();
    other.extend([0; 4]);
    other[2] += 4;
    let mut bytes = vec![1, 0, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0];
    bytes[22] = u8::try_from(other.len() + 8).unwrap();
    bytes.extend(other);
    let foreign = object("CN=x,DC=a", DESCRIPTOR, &bytes);
    let error = withdraw(&hasty(vec![bound(), foreign]), &grant().entry(), &Always).await.unwrap_err().to_string();
    assert!(error.contains("means the same in other bytes, so it is not one that Sendgate wrote"), "{error}");
}

#[tokio::test]
async fn a_list_that_would_pass_64_kb_is_not_written() {
    // 3275 entries of 20 bytes and a header of 8 are 65508; an entry of ours has 40.
    let full = format!("D:{}", "(A;;RP;;;WD)".repeat(3275));
    let full = SecurityDescriptor::from_sddl(&full, None).unwrap();
    let mut grant = grant();
    grant.expected = edit::explicit_entries(&full).into_iter().map(EntryBytes).collect();
    let place = object("CN=x,DC=a", DESCRIPTOR, full.as_bytes());
    let error = apply(&hasty(vec![bound(), place]), &grant, &Always).await.unwrap_err();
    assert!(!error.may_have_written());
    assert!(error.to_string().contains("the DACL would have 655"), "{error}");
    assert!(
        error.to_string().ends_with("bytes, the limit is 65535; remove entries that are no longer needed first"),
        "{error}"
    );
}

#[tokio::test]
async fn what_cannot_be_edited_is_not_written() {
    let hidden = object("CN=x,DC=a", "cn", b"x");
    let error = apply(&server(vec![bound(), hidden]), &grant(), &Always).await.unwrap_err();
    assert!(error.to_string().contains("its descriptor is not shown to sendgate@example.test"), "{error}");
    let broken = object("CN=x,DC=a", DESCRIPTOR, &[1, 2, 3]);
    let error = apply(&server(vec![bound(), broken]), &grant(), &Always).await.unwrap_err();
    assert!(error.to_string().starts_with("the DACL of CN=x,DC=a was not written: "), "{error}");
    let unordered = "D:(A;;RP;;;WD)(D;;WP;;;WD)";
    let error = apply(&server(vec![bound(), shown(unordered)]), &grant(), &Always).await.unwrap_err();
    assert!(error.to_string().contains("not in canonical order"), "{error}");
}

#[tokio::test]
async fn entries_that_have_changed_since_the_plan_are_left_alone() {
    // The server would take a write: that none is sent shows in the error, for the write has no answer prepared.
    let error = apply(&hasty(vec![bound(), shown("D:(A;;WP;;;WD)")]), &grant(), &Always).await.unwrap_err();
    assert!(
        matches!(&error, GrantError::Changed { difference, .. } if difference == "missing: (A;;RP;;;WD); new: (A;;WP;;;WD)"),
        "{error}"
    );
}

/// The reasons of those that are not known, in the order of the places.
async fn unknown(server: &DirectoryServer, within: Duration) -> Vec<Option<String>> {
    let all = ["CN=x,DC=a", "CN=y,DC=a", "CN=z,DC=a"].map(Dn::from);
    places(server, all.iter(), within).await.into_iter().map(Result::err).collect()
}

/// Everything is read over one connection: the server that a test plays takes no second one.
#[tokio::test]
async fn places_are_read_over_one_connection_and_one_refusal_is_of_one_place() {
    let long = Duration::from_secs(60);
    let refused = Answer::Say(vec![result(DONE, 50, "not yours")]);
    let why = unknown(&server(vec![bound(), shown(BEFORE), refused, shown(BEFORE)]), long).await;
    assert!(why[0].is_none() && why[2].is_none(), "{why:?}");
    assert!(why[1].as_ref().unwrap().contains("lacks the right"), "{why:?}");
}

#[tokio::test]
async fn a_connection_that_fails_is_not_asked_for_the_places_that_are_left() {
    let long = Duration::from_secs(60);
    let why = unknown(&server(vec![bound(), shown(BEFORE), Answer::Close]), long).await;
    assert!(why[0].is_none(), "{why:?}");
    assert!(why[1].as_ref().unwrap().starts_with("the connection to directory server"), "{why:?}");
    assert_eq!(why[1], why[2]);
    let why = unknown(&hasty(vec![bound(), Answer::Nothing]), long).await;
    assert!(why[0].as_ref().unwrap().contains("was not answered within 0.5s"), "{why:?}");
    assert_eq!((&why[0], &why[0]), (&why[1], &why[2]), "nobody waits for each of them");
    let refused = Answer::Say(vec![result(BIND, 49, "no such user")]);
    let why = unknown(&server(vec![refused]), long).await;
    assert!(why[0].as_ref().unwrap().contains("refused the bind"), "{why:?}");
    assert_eq!((&why[0], &why[0]), (&why[1], &why[2]));
}

#[tokio::test]
async fn all_places_have_one_deadline() {
    let slow = server(vec![bound(), shown(BEFORE), Answer::Nothing]);
    let why = unknown(&slow, Duration::from_millis(700)).await;
    let late = format!("directory server {} did not show all places within 0.7s", slow.shown());
    assert_eq!(why.into_iter().skip(1).collect::<Vec<_>>(), [Some(late.clone()), Some(late)]);
}

/// An entry is tried three times within seconds, and eight of them at once.
#[tokio::test]
async fn where_the_account_was_refused_no_entry_binds_again_for_a_while() {
    let server = hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])]);
    let first = apply(&server, &grant(), &Always).await.unwrap_err().to_string();
    assert!(first.contains("refused the bind as sendgate@example.test"), "{first}");
    let entry = grant().entry();
    let ends = [
        apply(&server, &grant(), &Always).await.map(drop),
        withdraw(&server, &entry, &Always).await.map(drop),
        establish(&server, &entry).await.map(drop),
    ];
    let next = "; it is left alone for 15m 0s after that, so that asking again does not lock the account out; once it is mended, \
                `sendgate survey run DOMAIN` tries at once";
    for end in ends {
        assert_eq!(end.unwrap_err().to_string(), format!("{first}{next}"));
    }
}
