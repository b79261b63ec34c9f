//! The grants that are proposed.

use crate::directory::*;
use sendgate_core::coverage::placement::{NoPlacement, Reach};
use sendgate_core::coverage::reading::{FoundUser, GroupPath, UserClass, UserReading};
use sendgate_core::coverage::{Cause, Setting, VerdictKind};
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::edit::GrantForm;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The grant goes as high as it still reaches the user, in the form of the place and of the user's class.
#[test]
fn grants_are_placed_as_high_as_they_reach() {
    let place = |directory: &Directory| {
        let picture = directory.judged();
        let grants: Vec<_> = picture.grants.iter().map(|grant| (grant.place.to_string(), grant.form)).collect();
        grants
    };
    let mut directory = Directory::plain();
    assert_eq!(place(&directory), [(HEAD.to_owned(), GrantForm::ContainerUsers)]);
    directory.both(|user| user.class = UserClass::InetOrgPerson);
    assert_eq!(place(&directory), [(HEAD.to_owned(), GrantForm::ContainerInetOrgPersons)]);
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown("D:PAI"));
    }
    directory.is(VerdictKind::Missing, Cause::InheritanceBlocked { at: OU.into() });
    assert_eq!(place(&directory), [(OU.to_owned(), GrantForm::ContainerInetOrgPersons)]);
    directory.both(|user| user.descriptor = shown("D:P"));
    directory.is(VerdictKind::Missing, Cause::InheritanceBlocked { at: USER.into() });
    assert_eq!(place(&directory), [(USER.to_owned(), GrantForm::Object)]);
    directory.both(|user| user.admin_count = true);
    directory.is(VerdictKind::Missing, Cause::StaleAdminCount);
}

#[test]
fn reach_ous_never_touches_the_domain_head() {
    let directory = Directory::plain();
    let picture = directory.judged_in(&Setting { reach: Reach::Ous, ..setting() });
    let places: Vec<_> = picture.grants.iter().map(|grant| grant.place.as_str()).collect();
    assert_eq!(places, [OU]);
}

#[test]
fn an_entry_that_is_at_its_place_is_on_its_way_and_not_written_twice() {
    let mut directory = Directory::plain();
    let entry = "D:AI(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(HEAD.into(), shown(entry));
    }
    let picture = directory.judged();
    assert_eq!(picture.grants, BTreeSet::new());
    assert_eq!(picture.not_grantable[&(anna(), account())], NoPlacement::OnItsWay { place: HEAD.into() });
}

#[test]
fn a_protected_user_is_granted_on_adminsdholder_only_when_that_is_approved() {
    let path = GroupPath(vec!["CN=Domain Admins,DC=a".into()]);
    let mut directory = Directory::plain();
    directory.both(|user| user.protected_by = Some(Arc::new(path.clone())));
    assert_eq!(directory.judged().grants, BTreeSet::new());
    let approved = Setting { holder_approved: [account()].into(), ..setting() };
    let grants = directory.judged_in(&approved).grants;
    let places: Vec<_> = grants.iter().map(|grant| (grant.place.as_str(), grant.form)).collect();
    assert_eq!(places, [("CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test", GrantForm::Object)]);
    // A perishable right is saved the same way.
    directory.both(|user| user.descriptor = shown(GRANTED));
    assert_eq!(directory.judged_in(&approved).grants, grants);
    // Another account's approval is not this one's.
    let other = Setting { holder_approved: [name("other@a.example.test")].into(), ..setting() };
    assert_eq!(directory.judged_in(&other).grants, BTreeSet::new());
}

#[test]
fn an_inherited_deny_is_overridden_on_the_user_only_when_that_is_approved() {
    let deny = |flags: &str| format!("D:AI(OD;{flags};CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})");
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(&deny("CIID")));
    assert_eq!(directory.judged().grants, BTreeSet::new());
    let approved = Setting { override_approved: [(Guid::SEND_AS, account())].into(), ..setting() };
    let picture = directory.judged_in(&approved);
    let places: Vec<_> = picture.grants.iter().map(|grant| (grant.place.as_str(), grant.form)).collect();
    assert_eq!(places, [(USER, GrantForm::Object)]);
    // Another object's approval is not this one's.
    let other = Setting { override_approved: [(Guid::RECEIVE_AS, account())].into(), ..setting() };
    assert_eq!(directory.judged_in(&other).grants, BTreeSet::new());
    // Whichever server shows him to be protected.
    let path = GroupPath(vec!["CN=Domain Admins,DC=a".into()]);
    directory.user("a2", |user| user.protected_by = Some(Arc::new(path)));
    let picture = directory.judged_in(&approved);
    assert_eq!(picture.grants, BTreeSet::new());
    let why = picture.not_grantable[&(anna(), account())].to_string();
    assert!(why.starts_with("nothing is written on a protected user, it would be gone within the hour"), "{why}");
    directory.user("a2", |user| user.protected_by = None);
    // His own deny stands before anything that could be added.
    directory.both(|user| user.descriptor = shown(&deny("")));
    let picture = directory.judged_in(&approved);
    assert_eq!(picture.grants, BTreeSet::new());
    let why = picture.not_grantable[&(anna(), account())].to_string();
    assert!(why.contains("only its removal helps"), "{why}");
}

/// Each of them is his own place: nothing may be put on the head, and one's entry is of no use to another.
#[test]
fn reach_ous_grants_each_user_directly_below_the_head_on_himself() {
    let mut directory = Directory::plain();
    let bob = Dn::from(format!("CN=bob,{HEAD}"));
    directory.both(|user| user.dn = Dn::from(format!("CN=anna,{HEAD}")));
    for server in directory.0.servers.values_mut().flatten() {
        let Some(UserReading::Found(anna)) = server.users.get(&anna()) else { panic!("anna was there") };
        let found = FoundUser { dn: bob.clone(), guid: Guid::RECEIVE_AS, ..anna.as_ref().clone() };
        server.users.insert(name("bob@a.example.test"), UserReading::Found(Arc::new(found)));
    }
    directory.0.asked.insert(name("bob@a.example.test"));
    let picture = directory.judged_in(&Setting { reach: Reach::Ous, ..setting() });
    let places: BTreeSet<_> = picture.grants.iter().map(|grant| (grant.place.clone(), grant.form)).collect();
    let anna = Dn::from(format!("CN=anna,{HEAD}"));
    assert_eq!(places, [(anna, GrantForm::Object), (bob, GrantForm::Object)].into());
}

/// While an override has not come to every server, what it overrides is what denies, and not the override.
#[test]
fn an_override_that_one_server_has_already_is_not_called_the_deny() {
    let mut directory = Directory::plain();
    let deny = format!("(OD;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})");
    let allow = format!("(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})");
    directory.user("a1", |user| user.descriptor = shown(&format!("D:AI{allow}{deny}")));
    directory.user("a2", |user| user.descriptor = shown(&format!("D:AI{deny}")));
    let approved = Setting { override_approved: [(Guid::SEND_AS, account())].into(), ..setting() };
    let picture = directory.judged_in(&approved);
    let refused = picture.not_grantable.get(&(anna(), account())).map(ToString::to_string);
    assert!(!refused.as_ref().is_some_and(|why| why.contains("denies")), "{refused:?}");
}
