//! What each step of the chain shows.

use super::*;
use sendgate_core::coverage::explain::{Did, EntryShown, Found, ListShown, ObjectShown, Remedy, Where};
use sendgate_core::coverage::reading::{DescriptorReading, GroupPath, ServerFailure, UserReading};
use sendgate_core::coverage::{self, Holder, VerdictKind};
use sendgate_core::names::DomainName;
use std::sync::Arc;

fn entries(directory: &Directory) -> Vec<EntryShown> {
    match trail(directory).list {
        ListShown::Entries { entries } => entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_entry_says_what_it_did_and_whose_it_is() {
    let mut directory = Directory::plain();
    let list = format!(
        "D:AI{}(A;;RP;;;{ACCOUNT})(OA;CIIO;CR;{SEND_AS};;{ACCOUNT})(OA;;CR;ab721a56-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})\
         (OA;;CR;{SEND_AS};;S-1-5-21-9-9-9-1){}(OA;CIID;CR;{SEND_AS};{CLASS_USER};{ACCOUNT})",
        allow("S-1-5-10"),
        deny("CIID", ACCOUNT)
    );
    directory.both(|user| user.descriptor = shown(&list));
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown(&format!("D:AI{}", deny("CI", ACCOUNT))));
    }
    let entries = entries(&directory);
    let told: Vec<_> = entries.iter().map(|entry| (entry.did, entry.effect.as_str(), entry.concerns)).collect();
    let expected = [
        (Did::Skipped, "does not apply: it is for SELF, which is the object itself and not the account", true),
        (Did::Skipped, "does not apply: its rights do not include control access (CR)", false),
        (Did::Skipped, "does not apply: it is inherit-only, in force on objects below this one and not on it", true),
        (
            Did::Skipped,
            "does not apply: it is limited to another right, Receive As (ab721a56-1e2f-11d0-9819-00aa0040529b)",
            false,
        ),
        (Did::Skipped, "does not apply: its SID is not in the account's token", true),
        (Did::Denied, "denies, through S-1-5-21-1-2-3-1105", true),
        (Did::NotReached, "not reached: entry 5 decided", true),
    ];
    assert_eq!(told, expected);
    assert_eq!(entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!((entries[5].inherited, entries[5].from.as_ref().map(|dn| dn.as_str())), (true, Some(OU)));
    assert_eq!((entries[6].inherited, entries[6].from.clone()), (true, None), "no container above shows it");
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_deref()).collect();
    assert_eq!((names[0], names[1], names[4]), (Some("SELF"), Some("the service account"), None));
}

#[test]
fn an_entry_concerns_send_as_whomever_it_is_for_and_wherever_it_is_in_force() {
    let mut directory = Directory::plain();
    let list = format!(
        "D:AI(A;CIIO;RP;;;{ACCOUNT})(A;CIIO;CR;;;WD)(A;;RPCR;;;S-1-5-21-9-9-9-1)(A;;RP;;;WD)\
         (OA;;CR;ab721a56-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})(A;;GA;;;S-1-5-21-9-9-9-1)"
    );
    directory.both(|user| user.descriptor = shown(&list));
    let concern: Vec<_> = entries(&directory).iter().map(|entry| entry.concerns).collect();
    assert_eq!(concern, [false, true, true, false, false, true]);
}

#[test]
fn the_token_says_how_each_sid_is_held_where_the_store_asks() {
    const EVERYWHERE: &str = "S-1-5-21-1-2-3-1201";
    const LOCAL: &str = "S-1-5-21-1-2-3-1202";
    const PERHAPS: &str = "S-1-5-21-1-2-3-1203";
    const STRANGER: &str = "S-1-5-21-1-2-3-1204";
    const THERE: &str = "S-1-5-21-7-7-7-1205";
    let mut directory = Directory::plain();
    let list: String = [EVERYWHERE, LOCAL, PERHAPS, STRANGER, THERE].map(|sid| format!("(A;;RP;;;{sid})")).concat();
    directory.both(|user| user.descriptor = shown(&format!("D:AI{list}")));
    for server in directory.0.servers.values_mut().flatten() {
        let known = server.accounts.get_mut(&account_name()).unwrap().as_mut().unwrap();
        known.everywhere.insert(name(EVERYWHERE));
        known.local.extend([name(LOCAL), name("S-1-5-32-545")]);
        known.uncertain.extend([name(PERHAPS), name("S-1-5-21-8-8-8-1")]);
    }
    let held = |setting: &Setting| {
        let mut account = super::account(&directory, setting);
        let token = account.trails.remove(0).shows.token.unwrap().unwrap();
        let of = |sid: &str| token.named.iter().find(|holding| holding.sid == name(sid)).unwrap().held;
        let held = [ACCOUNT, EVERYWHERE, LOCAL, PERHAPS, STRANGER, THERE].map(of);
        (held, token.store_domain, token.others, token.others_perhaps)
    };
    use Where::{Elsewhere, Everywhere, Local, LocalOnly, Not, Uncertain};
    // Everyone, Authenticated Users and the Users of this domain are in it, and named by no entry.
    let here: DomainName = name("a.example.test");
    assert_eq!(held(&setting()), ([Everywhere, Everywhere, Local, Uncertain, Not, Not], Some(here), 3, 1));
    // A store of another domain: what is local there counts, what is local here may only deny.
    let there: DomainName = name("b.example.test");
    let shown_there = coverage::Elsewhere { local: [name(THERE)].into(), ..coverage::Elsewhere::default() };
    let elsewhere = Setting {
        exchange_domain: [(name("exa1"), there.clone())].into(),
        elsewhere: [((there.clone(), account_name()), shown_there)].into(),
        ..setting()
    };
    assert_eq!(held(&elsewhere), ([Everywhere, Everywhere, LocalOnly, Uncertain, Not, Elsewhere], Some(there), 2, 2));
    let undeclared = Setting { exchange_domain: [].into(), ..setting() };
    assert_eq!(held(&undeclared).1, None);
}

fn account_name() -> sendgate_core::names::AccountName {
    crate::directory::account()
}

#[test]
fn servers_that_differ_stand_apart_and_those_that_agree_together() {
    let mut directory = Directory::plain();
    let together = explained_in(&directory, &setting());
    assert_eq!((together.objects.len(), together.accounts[0].trails.len()), (1, 1));
    directory.user("a2", |user| user.descriptor = shown(GRANTED));
    let apart = explained_in(&directory, &setting());
    assert_eq!(apart.objects.len(), 1, "the object is the same");
    let servers: Vec<_> = apart.accounts[0].trails.iter().map(|part| part.servers.clone()).collect();
    assert_eq!(servers, [[name("a1")].into(), [name("a2")].into()]);
    directory.user("a2", |user| user.admin_count = true);
    assert_eq!(explained_in(&directory, &setting()).objects.len(), 2);
}

#[test]
fn the_object_is_shown_as_each_server_knows_it() {
    let mut directory = Directory::plain();
    directory.0.servers.insert(name("a2"), Err(ServerFailure("connection refused".into())));
    let explanation = explained_in(&directory, &setting());
    let ObjectShown::Found { dn, admin_count, inheritance_blocked, .. } = &explanation.objects[0].shows else {
        panic!("{explanation:?}")
    };
    assert_eq!((dn.as_str(), admin_count, inheritance_blocked), (USER, &false, &Some(false)));
    assert_eq!(explanation.objects[1].shows.to_string(), "no evidence: connection refused");
    let trails = &explanation.accounts[0].trails;
    assert_eq!((&trails[1].shows.token, &trails[1].shows.list), (&None, &ListShown::NotRead));
}

#[test]
fn protection_shows_the_path_and_what_adminsdholder_carries() {
    let path = GroupPath(vec!["CN=Ops,DC=a".into(), "CN=Domain Admins,DC=a".into()]);
    let mut directory = Directory::plain();
    assert_eq!(trail(&directory).protection, None);
    directory.both(|user| user.protected_by = Some(Arc::new(path.clone())));
    let protection = trail(&directory).protection.unwrap();
    assert_eq!((protection.path, protection.holder, protection.holder_entry), (path, Holder::Lacks, None));
    for (list, holder) in [(allow(ACCOUNT), Holder::Grants), (deny("", ACCOUNT), Holder::Lacks)] {
        for server in directory.0.servers.values_mut().flatten() {
            server.admin_sd_holder = shown(&format!("D:P{list}"));
        }
        let protection = trail(&directory).protection.unwrap();
        assert_eq!((protection.holder, protection.holder_entry), (holder, Some(list)));
    }
    for server in directory.0.servers.values_mut().flatten() {
        server.admin_sd_holder = DescriptorReading::NotShown;
    }
    assert_eq!(trail(&directory).protection.unwrap().holder, Holder::NotShown);
}

#[test]
fn where_inheritance_is_blocked_is_shown_even_where_an_entry_grants() {
    let mut directory = Directory::plain();
    assert_eq!(trail(&directory).blocked_at, None);
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown("D:PAI"));
    }
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", allow(ACCOUNT))));
    let trail = trail(&directory);
    assert_eq!((trail.verdict.kind, trail.blocked_at), (VerdictKind::Covered, Some(OU.into())));
}

#[test]
fn a_list_that_cannot_be_walked_says_why() {
    let mut directory = Directory::plain();
    let list = |directory: &Directory| trail(directory).list;
    directory.both(|user| user.descriptor = DescriptorReading::NotShown);
    assert_eq!(list(&directory), ListShown::NotShown);
    directory.both(|user| user.descriptor = DescriptorReading::Malformed("too short".into()));
    assert_eq!(list(&directory), ListShown::Malformed { why: "too short".into() });
    directory.both(|user| user.descriptor = shown("D:NO_ACCESS_CONTROL"));
    assert_eq!(list(&directory), ListShown::Null);
    directory.both(|user| user.descriptor = shown(PLAIN));
    for server in directory.0.servers.values_mut().flatten() {
        server.accounts.insert(account_name(), Err("found twice".into()));
    }
    let trail = trail(&directory);
    assert_eq!((trail.token, trail.list), (Some(Err("found twice".into())), ListShown::NoToken { entries: 2 }));
}

#[test]
fn a_name_that_is_not_one_object_has_a_chain_that_ends_there() {
    let mut directory = Directory::plain();
    let set = |directory: &mut Directory, server: &str, reading: UserReading| {
        let shown = directory.0.servers.get_mut(&name(server)).unwrap().as_mut().unwrap();
        shown.users.insert(anna(), reading);
    };
    set(&mut directory, "a1", UserReading::NotFound);
    set(&mut directory, "a2", UserReading::NotFound);
    let absent = explained_in(&directory, &setting());
    assert_eq!((absent.found, absent.accounts.len()), (Found::Absent, 0));
    assert_eq!(absent.objects[0].shows, ObjectShown::NotFound);
    let dns = ["CN=one,DC=a".into(), "CN=two,DC=a".into()];
    set(&mut directory, "a1", UserReading::Ambiguous(dns.to_vec()));
    let several = explained_in(&directory, &setting());
    assert_eq!(several.found, Found::Ambiguous { dns: dns.clone().into() });
    assert_eq!(several.objects[0].shows.to_string(), "several objects: CN=one,DC=a; CN=two,DC=a");
    assert_eq!(several.remedies, [Remedy::CorrectRoster { name: anna(), dns: dns.into() }]);
    set(&mut directory, "a1", UserReading::NotFound);
    set(&mut directory, "a2", UserReading::Failed("timed out".into()));
    let unknown = explained_in(&directory, &setting());
    assert_eq!(unknown.found, Found::Unknown { why: "a2: timed out".into() });
    assert_eq!(unknown.objects[1].shows.to_string(), "could not be read: timed out");
}
