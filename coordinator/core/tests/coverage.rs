//! Verdicts from what servers show: one reading, one change, the verdict and its cause.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use sendgate_core::coverage::placement::{NoPlacement, Reach};
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, GroupPath, Home, ServerFailure, ServerReading,
    UserClass, UserReading,
};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, DomainPicture, Verdict, VerdictKind, judge};
use sendgate_core::guid::Guid;
use sendgate_core::names::{AccountName, DirectoryName, Dn};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ACCOUNT: &str = "S-1-5-21-1-2-3-1105";
const HEAD: &str = "DC=a,DC=example,DC=test";
const OU: &str = "OU=Hosted,DC=a,DC=example,DC=test";
const USER: &str = "CN=anna,OU=Hosted,DC=a,DC=example,DC=test";
/// What everybody's descriptor holds here: nothing that concerns the service account.
const PLAIN: &str = "D:AI(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-10)(A;;RC;;;S-1-5-11)";
const GRANTED: &str = "D:AI(A;;RC;;;S-1-5-11)(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn shown(sddl: &str) -> DescriptorReading {
    DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl(sddl, None).unwrap()))
}

struct Directory(DomainReading);

impl Directory {
    /// Two servers, one user, nobody grants anything.
    fn plain() -> Self {
        let server = || ServerReading {
            accounts: [(account(), Ok(token()))].into(),
            users: [(anna(), found(PLAIN))].into(),
            containers: [(Dn::from(HEAD), shown("D:AI")), (Dn::from(OU), shown("D:AI"))].into(),
            head: HEAD.into(),
            admin_sd_holder: shown("D:P"),
        };
        Self(DomainReading {
            domain: name("a.example.test"),
            started: Steady::START,
            asked: [anna()].into(),
            servers: ["a1", "a2"].map(|name_of| (name(name_of), Ok(server()))).into(),
        })
    }

    fn user(&mut self, server: &str, change: impl FnOnce(&mut FoundUser)) {
        let reading = self.0.servers.get_mut(&name(server)).unwrap().as_mut().unwrap();
        let Some(UserReading::Found(user)) = reading.users.get_mut(&anna()) else { panic!("anna was there") };
        change(Arc::make_mut(user));
    }

    fn both(&mut self, change: impl Fn(&mut FoundUser)) {
        self.user("a1", &change);
        self.user("a2", &change);
    }

    fn judged(&self) -> DomainPicture {
        judge(&self.0, &[account()].into(), &name("a1"), Reach::Domain)
    }

    fn verdict(&self) -> Verdict {
        match &self.judged().users[&anna()] {
            Presence::Here(here) => here.verdicts[&account()].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn is(&self, kind: VerdictKind, cause: Cause) {
        let verdict = self.verdict();
        assert_eq!((verdict.kind, verdict.cause), (kind, cause));
    }
}

fn anna() -> DirectoryName {
    name("anna@a.example.test")
}

fn account() -> AccountName {
    name("goodadmin@a.example.test")
}

fn token() -> AccountReading {
    let certain = [ACCOUNT, "S-1-1-0", "S-1-5-11"].map(name::<Sid>);
    AccountReading {
        dn: "CN=GoodAdmin,CN=Users,DC=a,DC=example,DC=test".into(),
        sid: name(ACCOUNT),
        certain: certain.into(),
        uncertain: BTreeSet::new(),
    }
}

fn found(sddl: &str) -> UserReading {
    UserReading::Found(Arc::new(FoundUser {
        dn: USER.into(),
        guid: Guid::SEND_AS,
        sid: name("S-1-5-21-1-2-3-2001"),
        class: UserClass::User,
        descriptor: shown(sddl),
        home: Home::Server(name("exa1")),
        protected_by: None,
        admin_count: false,
        linked: false,
    }))
}

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
fn a_group_that_is_not_certain_may_deny_and_never_allow() {
    let mut directory = Directory::plain();
    let group = "S-1-5-21-9-9-9-700";
    for server in directory.0.servers.values_mut().flatten() {
        let mut token = token();
        token.uncertain = [name(group)].into();
        server.accounts.insert(account(), Ok(token));
    }
    let entry = |kind: &str| format!("D:AI({kind};;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{group})");
    directory.both(|user| user.descriptor = shown(&entry("OA")));
    directory.is(VerdictKind::Missing, Cause::NoEntry);
    directory.both(|user| user.descriptor = shown(&entry("OD")));
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
        (|d| d.both(|user| user.linked = true), VerdictKind::CannotTell, "linked mailbox"),
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

#[test]
fn a_protected_user_is_perishable_with_the_right_and_never_granted_without() {
    let path = GroupPath(vec!["CN=Ops,DC=a".into(), "CN=Domain Admins,DC=a".into()]);
    let mut directory = Directory::plain();
    directory.both(|user| user.protected_by = Some(path.clone()));
    directory.is(VerdictKind::Missing, Cause::Protected { path: path.clone() });
    assert_eq!(directory.judged().grants, BTreeSet::new());
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory.is(VerdictKind::Perishable, Cause::Protected { path: path.clone() });
    // What the propagator writes carries the right as well: nothing is lost.
    for server in directory.0.servers.values_mut().flatten() {
        server.admin_sd_holder = shown(&format!("D:P(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})"));
    }
    directory.is(VerdictKind::Covered, Cause::Granted);
}

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
    let picture = judge(&directory.0, &[account()].into(), &name("a1"), Reach::Ous);
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
