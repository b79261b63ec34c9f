//! Verdicts over several servers.

use crate::directory::*;
use sendgate_core::coverage::reading::{DescriptorReading, GroupPath, MailboxOwner, ServerFailure, UserReading};
use sendgate_core::coverage::{Cause, Holder, Presence, Touched, VerdictKind, look};
use sendgate_core::guid::Guid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[test]
fn an_entry_on_every_server_covers_and_is_named() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory.is(VerdictKind::Covered, Cause::Granted);
    let verdict = directory.verdict();
    let deciding = verdict.servers[&name("a2")].deciding.clone().unwrap();
    assert_eq!((deciding.index, deciding.inherited), (1, true));
    assert!(deciding.sddl.contains("ab721a54"), "{}", deciding.sddl);
    assert_eq!(directory.judged().grants, BTreeSet::new());
}

#[test]
fn an_entry_on_one_server_only_is_replicating_and_not_granted_again() {
    let mut directory = Directory::plain();
    directory.user("a1", |user| user.descriptor = shown(GRANTED));
    directory
        .is(VerdictKind::Replicating, Cause::ServersDiffer { holds: [name("a1")].into(), lacks: [name("a2")].into() });
    assert_eq!(directory.judged().grants, BTreeSet::new());
}

#[test]
fn a_deny_before_the_allow_denies_and_is_never_answered_with_a_grant() {
    let mut directory = Directory::plain();
    let denied = GRANTED.replace("D:AI", &format!("D:AI(OD;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})"));
    directory.both(|user| user.descriptor = shown(&denied));
    directory.is(VerdictKind::Denied, Cause::DeniedByEntry);
    assert_eq!(directory.judged().grants, BTreeSet::new());
    // One server is enough: the store may ask that one.
    directory.user("a1", |user| user.descriptor = shown(GRANTED));
    directory.is(VerdictKind::Denied, Cause::DeniedByEntry);
}

#[test]
fn what_a_server_does_not_say_is_never_covered() {
    type Change = (fn(&mut Directory), VerdictKind, &'static str);
    let cases: [Change; 7] = [
        (
            |d| drop(d.0.servers.insert(name("a2"), Err(ServerFailure("connection refused".into())))),
            VerdictKind::Unreadable,
            "a2: connection refused",
        ),
        (
            |d| d.user("a2", |user| user.descriptor = DescriptorReading::NotShown),
            VerdictKind::Unreadable,
            "the descriptor was not shown",
        ),
        (
            |d| d.user("a2", |user| user.descriptor = shown("O:S-1-5-18")),
            VerdictKind::Unreadable,
            "the descriptor was not shown",
        ),
        (
            |d| d.user("a2", |user| user.descriptor = DescriptorReading::Malformed("too short".into())),
            VerdictKind::Unreadable,
            "a2: too short",
        ),
        (
            |d| d.both(|user| user.owner = MailboxOwner::External(name("S-1-5-21-7-7-7-1001"))),
            VerdictKind::CannotTell,
            "linked mailbox",
        ),
        (
            |d| d.0.servers.get_mut(&name("a2")).unwrap().as_mut().unwrap().accounts.clear(),
            VerdictKind::CannotTell,
            "was not asked for",
        ),
        (
            |d| d.0.servers.get_mut(&name("a2")).unwrap().as_mut().unwrap().users.clear(),
            VerdictKind::Unreadable,
            "did not account for him",
        ),
    ];
    for (change, kind, text) in cases {
        let mut directory = Directory::plain();
        directory.both(|user| user.descriptor = shown(GRANTED));
        change(&mut directory);
        let verdict = directory.verdict();
        assert_eq!(verdict.kind, kind, "{text}");
        assert!(verdict.cause.to_string().contains(text), "{}", verdict.cause);
    }
}

#[test]
fn nobody_found_and_nobody_asked_are_told_apart() {
    let mut directory = Directory::plain();
    for server in directory.0.servers.values_mut().flatten() {
        server.users.insert(anna(), UserReading::NotFound);
    }
    assert_eq!(directory.judged().users[&anna()], Presence::Absent);
    directory.0.servers.insert(name("a2"), Err(ServerFailure("timed out".into())));
    assert_eq!(directory.judged().users[&anna()], Presence::Unknown("a2: timed out".into()));
    directory.0.servers = BTreeMap::new();
    assert_eq!(directory.judged().users[&anna()], Presence::Unknown("no directory server was asked".into()));
}

#[test]
fn two_objects_of_one_name_are_ambiguous_even_on_different_servers() {
    let mut directory = Directory::plain();
    directory.user("a2", |user| {
        user.guid = Guid::RECEIVE_AS;
        user.dn = "CN=anna,OU=Other,DC=a,DC=example,DC=test".into();
    });
    let Presence::Ambiguous(dns) = &directory.judged().users[&anna()] else { panic!("two objects") };
    assert_eq!(dns.len(), 2);
}

/// One of them is renamed or removed later: that the one who stays lacked the right is not forgotten.
#[test]
fn what_is_missing_of_ambiguous_objects_is_remembered() {
    let mut directory = Directory::plain();
    directory.user("a1", |user| user.descriptor = shown(GRANTED));
    directory.user("a2", |user| user.guid = Guid::RECEIVE_AS);
    let mut picture = directory.judged();
    assert!(matches!(picture.users[&anna()], Presence::Ambiguous(_)));
    assert_eq!(picture.past.of(Guid::SEND_AS, &account()), None);
    let lacked = picture.past.of(Guid::RECEIVE_AS, &account());
    assert_eq!(lacked.map(|lacked| lacked.came), Some(false));
    directory.both(|user| (user.guid, user.descriptor) = (Guid::RECEIVE_AS, shown(GRANTED)));
    picture.take(look(&directory.0, &setting(), &Touched::Names([anna()].into())));
    let lacked = picture.past.of(Guid::RECEIVE_AS, &account());
    assert_eq!(lacked.map(|lacked| lacked.came), Some(true));
}

#[test]
fn a_protected_user_is_perishable_with_the_right_and_never_granted_without() {
    let path = GroupPath(vec!["CN=Ops,DC=a".into(), "CN=Domain Admins,DC=a".into()]);
    let mut directory = Directory::plain();
    directory.both(|user| user.protected_by = Some(Arc::new(path.clone())));
    let protected = Cause::Protected { path: path.clone(), holder: Holder::Lacks };
    directory.is(VerdictKind::Missing, protected.clone());
    assert_eq!(directory.judged().grants, BTreeSet::new());
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory.is(VerdictKind::Perishable, protected);
    // What the propagator writes carries the right as well: nothing is lost.
    for server in directory.0.servers.values_mut().flatten() {
        server.admin_sd_holder = shown(&format!("D:P(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})"));
    }
    directory.is(VerdictKind::Covered, Cause::Granted);
}

/// The account was made again, and not all servers have heard of it: each judges by the object that it knows.
#[test]
fn servers_that_show_different_accounts_under_one_name_dispute_it() {
    const AGAIN: &str = "S-1-5-21-1-2-3-2105";
    let mut directory = Directory::plain();
    directory.both(|user| {
        user.descriptor =
            shown(&GRANTED.replace("D:AI", &format!("D:AI(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{AGAIN})")))
    });
    assert_eq!(directory.judged().disputed, BTreeMap::new());
    let of = |sid: &str| {
        let mut token = token();
        (token.sid, token.everywhere) = (name(sid), [name(sid)].into());
        Ok(token)
    };
    directory.0.servers.get_mut(&name("a2")).unwrap().as_mut().unwrap().accounts.insert(account(), of(AGAIN));
    directory.is(VerdictKind::Covered, Cause::Granted);
    let picture = directory.judged();
    assert!(picture.accounts.is_empty());
    let shown = [(name("a1"), name(ACCOUNT)), (name("a2"), name(AGAIN))].into();
    assert_eq!(picture.disputed, [(account(), shown)].into());
    // Who does not know it disputes nothing.
    let a1 = directory.0.servers.get_mut(&name("a1")).unwrap().as_mut().unwrap();
    a1.accounts.insert(account(), Err("there is no such account".into()));
    assert_eq!(directory.judged().disputed, BTreeMap::new());
}
