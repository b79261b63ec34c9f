//! A picture is brought up to date look by look.

use crate::directory::*;
use sendgate_core::coverage::reading::{
    FoundUser, GroupPath, Home, MailboxOwner, ServerFailure, UserClass, UserReading,
};
use sendgate_core::coverage::{DomainPicture, Judged, Presence, Touched, VerdictKind, look};
use sendgate_core::estate::{Estate, Observation};
use sendgate_core::guid::Guid;
use sendgate_core::names::DirectoryName;
use std::sync::Arc;

fn bert() -> DirectoryName {
    name("bert@a.example.test")
}

/// anna and bert, neighbours with equal descriptors.
fn two() -> Directory {
    let mut directory = Directory::plain();
    for server in directory.0.servers.values_mut().flatten() {
        let Some(UserReading::Found(anna)) = server.users.get(&anna()).cloned() else { panic!("anna was there") };
        let bert_object = FoundUser {
            dn: USER.replace("anna", "bert").as_str().into(),
            guid: Guid::RECEIVE_AS,
            sid: name("S-1-5-21-1-2-3-2002"),
            ..anna.as_ref().clone()
        };
        server.users.insert(bert(), UserReading::Found(Arc::new(bert_object)));
    }
    directory.0.asked.insert(bert());
    directory
}

fn kind(picture: &DomainPicture, user: &DirectoryName) -> VerdictKind {
    match &picture.users[user] {
        Presence::Here(here) => here.verdicts[&account()].kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_touched_users_are_judged_again_and_the_grants_follow() {
    let mut directory = two();
    let mut picture = directory.judged();
    assert_eq!(picture.grants.len(), 1, "one entry on the head serves both");
    directory.both(|user| user.descriptor = shown(GRANTED));
    for server in directory.0.servers.values_mut().flatten() {
        // That bert has it too is not looked at.
        let Some(UserReading::Found(bert)) = server.users.get_mut(&bert()) else { panic!("bert was there") };
        Arc::make_mut(bert).descriptor = shown(GRANTED);
    }
    let some = look(&directory.0, &setting(), &Touched::Names([anna()].into()));
    let Judged::Some(users) = &some.users else { panic!("not all") };
    assert_eq!(users.keys().collect::<Vec<_>>(), [&anna()]);
    picture.take(some);
    assert_eq!((kind(&picture, &anna()), kind(&picture, &bert())), (VerdictKind::Covered, VerdictKind::Missing));
    assert_eq!(picture.grants.len(), 1);
    picture.take(look(&directory.0, &setting(), &Touched::Names([bert()].into())));
    assert_eq!((kind(&picture, &bert()), picture.grants.len()), (VerdictKind::Covered, 0));
}

#[test]
fn users_of_equal_evidence_share_a_verdict_and_others_do_not() {
    let mut directory = two();
    let shared = |directory: &Directory| {
        let picture = directory.judged();
        let verdict = |user| match &picture.users[&user] {
            Presence::Here(here) => Arc::clone(&here.verdicts[&account()]),
            other => panic!("{other:?}"),
        };
        Arc::ptr_eq(&verdict(anna()), &verdict(bert()))
    };
    assert!(shared(&directory));
    // A service account on its own roster: SELF is in the token for him alone.
    for server in directory.0.servers.values_mut().flatten() {
        let mut token = token();
        token.everywhere.insert(name("S-1-5-21-1-2-3-2002"));
        server.accounts.insert(account(), Ok(token));
    }
    assert!(!shared(&directory));
    let picture = directory.judged();
    assert_eq!((kind(&picture, &anna()), kind(&picture, &bert())), (VerdictKind::Missing, VerdictKind::Covered));
}

#[test]
fn changes_mean_nothing_before_the_first_full_look_and_an_older_look_changes_nothing() {
    let mut directory = Directory::plain();
    let mut estate = Estate::default();
    estate.observe(Observation::Look(look(&directory.0, &setting(), &Touched::Names([anna()].into()))));
    assert!(estate.domains.is_empty());
    let old = look(&directory.0, &setting(), &Touched::All);
    directory.0.started = directory.0.started + std::time::Duration::from_secs(60);
    directory.both(|user| user.descriptor = shown(GRANTED));
    estate.observe(Observation::Look(look(&directory.0, &setting(), &Touched::All)));
    estate.observe(Observation::Look(old));
    assert_eq!(kind(&estate.domains[&name("a.example.test")], &anna()), VerdictKind::Covered);
}

#[test]
fn evidence_is_as_old_as_the_server_that_was_heard_of_last() {
    let mut directory = Directory::plain();
    let (early, late) = (directory.0.started, directory.0.started + std::time::Duration::from_secs(9));
    directory.0.servers.get_mut(&name("a1")).unwrap().as_mut().unwrap().seen = late;
    assert_eq!(directory.judged().as_of(), early);
    directory.0.servers.insert(name("a2"), Err(ServerFailure("connection refused".into())));
    let picture = directory.judged();
    assert_eq!(picture.as_of(), late);
    assert_eq!(picture.failed[&name("a2")], "connection refused");
}

/// Sharing is a shortcut and never an answer of its own: whatever differs between two users is judged apart.
#[test]
fn what_differs_between_neighbours_is_never_shared() {
    let class = "bf967aba-0de6-11d0-a285-00aa003049e2";
    let flows = format!("D:AI(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;{class};{ACCOUNT})");
    let path = GroupPath(vec!["CN=Domain Admins,DC=a".into()]);
    type Change<'a> = (&'static str, Box<dyn Fn(&mut FoundUser) + 'a>);
    let changes: [Change<'_>; 6] = [
        ("descriptor", Box::new(|user| user.descriptor = shown(GRANTED))),
        ("class", Box::new(|user| user.class = UserClass::InetOrgPerson)),
        ("protection", Box::new(|user| user.protected_by = Some(Arc::new(path.clone())))),
        ("owner", Box::new(|user| user.owner = MailboxOwner::Nobody)),
        ("mailbox", Box::new(|user| user.home = Home::None)),
        ("container", Box::new(|user| user.dn = "CN=bert,OU=Closed,DC=a,DC=example,DC=test".into())),
    ];
    for (what, change) in changes {
        let mut directory = two();
        for server in directory.0.servers.values_mut().flatten() {
            server.containers.insert(HEAD.into(), shown(&flows));
            server.containers.insert("OU=Closed,DC=a,DC=example,DC=test".into(), shown("D:PAI"));
            let Some(UserReading::Found(bert)) = server.users.get_mut(&bert()) else { panic!("bert was there") };
            change(Arc::make_mut(bert));
        }
        let together = directory.judged();
        let alone = |user: DirectoryName| {
            let look = look(&directory.0, &setting(), &Touched::Names([user.clone()].into()));
            let Judged::Some(mut users) = look.users else { panic!("not all") };
            users.remove(&user).unwrap()
        };
        assert_eq!(together.users[&anna()], alone(anna()), "{what}");
        assert_eq!(together.users[&bert()], alone(bert()), "{what}");
        let verdicts = |user| match &together.users[&user] {
            Presence::Here(here) => here.verdicts.as_ref().clone(),
            other => panic!("{other:?}"),
        };
        assert_ne!(verdicts(anna()), verdicts(bert()), "{what} makes no difference, so this shows nothing");
    }
}
