//! What was read in part shows what is missing, and nothing else.

use crate::directory::*;
use sendgate_core::coverage::reading::{ServerReading, UserReading};
use sendgate_core::coverage::{Presence, Touched, VerdictKind};

fn on<'a>(directory: &'a mut Directory, server: &str) -> &'a mut ServerReading {
    directory.0.servers.get_mut(&name(server)).unwrap().as_mut().unwrap()
}

fn covered() -> Directory {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory
}

#[test]
fn nobody_has_a_right_by_what_was_read_in_part() {
    for in_part in [Touched::All, Touched::Names([anna()].into())] {
        let mut directory = covered();
        on(&mut directory, "a1").in_part = in_part;
        let verdict = directory.verdict();
        assert_eq!(verdict.kind, VerdictKind::Unreadable);
        let why = "a1: what has changed was read in part, and counts once everything was read";
        assert_eq!(verdict.cause.to_string(), why);
        assert!(verdict.lacking().is_none());
    }
    let mut directory = covered();
    on(&mut directory, "a1").in_part = Touched::Names([name("bert@a.example.test")].into());
    assert_eq!(directory.verdict().kind, VerdictKind::Covered, "somebody else was read in part");
}

#[test]
fn who_lacks_a_right_by_what_was_read_in_part_lacks_it_and_is_granted_nothing_by_that() {
    for (here, kind) in [(PLAIN, VerdictKind::Missing), (GRANTED, VerdictKind::Replicating)] {
        let mut directory = Directory::plain();
        directory.user("a2", |user| user.descriptor = shown(here));
        on(&mut directory, "a1").in_part = Touched::Names([anna()].into());
        let verdict = directory.verdict();
        assert_eq!((verdict.kind, verdict.lacking().is_some()), (kind, true));
        let picture = directory.judged();
        assert!(picture.grants.is_empty() && picture.not_grantable.is_empty(), "he may be protected by now");
    }
}

/// He may have been moved meanwhile.
#[test]
fn who_is_not_found_in_a_part_may_be_there() {
    let mut directory = Directory::plain();
    for server in ["a1", "a2"] {
        on(&mut directory, server).users.insert(anna(), UserReading::NotFound);
    }
    assert_eq!(directory.judged().users[&anna()], Presence::Absent);
    on(&mut directory, "a1").in_part = Touched::Names([anna()].into());
    assert!(matches!(&directory.judged().users[&anna()], Presence::Unknown(why) if why.starts_with("a1: ")));
}

#[test]
fn a_server_that_was_read_in_part_for_everybody_gives_no_evidence_of_anything_else() {
    let mut directory = covered();
    on(&mut directory, "a1").in_part = Touched::All;
    on(&mut directory, "a1").accounts.insert(account(), Err("not there".to_owned()));
    let picture = directory.judged();
    assert_eq!(picture.seen.keys().collect::<Vec<_>>(), [&name("a2")]);
    assert_eq!(picture.failed.keys().collect::<Vec<_>>(), [&name("a1")]);
    assert!(picture.accounts.contains_key(&account()), "as the other server shows it");
    on(&mut directory, "a2").in_part = Touched::All;
    assert!(directory.judged().accounts.is_empty());
}
