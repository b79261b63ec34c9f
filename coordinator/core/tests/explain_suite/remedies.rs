//! What is said to help, for each cause: whole texts, for somebody reads them and acts.

use super::*;
use sendgate_core::coverage::VerdictKind;
use sendgate_core::coverage::reading::{
    DescriptorReading, GroupPath, Home, MailboxOwner, ServerFailure, UserClass, UserReading,
};
use std::sync::Arc;

const GRANT_ON_HEAD: &str = "add the entry (OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105) \
     for goodadmin@a.example.test on DC=a,DC=example,DC=test: \
     dsacls \"DC=a,DC=example,DC=test\" /I:S /G \"goodadmin@a.example.test:CA;Send As;user\"";
const GRANT_ON_USER: &str = "add the entry (OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1105) \
     for goodadmin@a.example.test on CN=anna,OU=Hosted,DC=a,DC=example,DC=test: \
     dsacls \"CN=anna,OU=Hosted,DC=a,DC=example,DC=test\" /G \"goodadmin@a.example.test:CA;Send As\"";
const WAIVE: &str = "except him from the gate, knowing that the hotfix will pause him: \
     sendgate waive 'anna@a.example.test' --reason WHY --expires 72h";

#[track_caller]
fn helps(directory: &Directory, setting: &Setting, kind: VerdictKind, expected: &[&str]) -> Cause {
    let (cause, remedies) = remedies_in(directory, setting);
    assert_eq!(
        (directory.verdict_in(setting).kind, remedies.as_slice()),
        (kind, expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
        "{cause:?}"
    );
    cause
}

#[track_caller]
fn help(directory: &Directory, kind: VerdictKind, expected: &[&str]) -> Cause {
    helps(directory, &setting(), kind, expected)
}

fn servers(directory: &mut Directory, change: impl Fn(&mut sendgate_core::coverage::reading::ServerReading)) {
    directory.0.servers.values_mut().flatten().for_each(change);
}

#[test]
fn granted_needs_nothing_but_a_look_at_what_it_hangs_on() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(GRANTED));
    help(&directory, VerdictKind::Covered, &["nothing: he is covered"]);
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", allow("S-1-5-11"))));
    help(
        &directory,
        VerdictKind::Covered,
        &[
            "nothing: he is covered",
            "grant Send As to goodadmin@a.example.test itself and remove the entry \
             (OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;AU), with which everybody can send as him",
        ],
    );
    directory.both(|user| user.descriptor = shown("D:AI(A;;CR;;;S-1-5-21-1-2-3-512)"));
    servers(&mut directory, |server| {
        let known = server.accounts.get_mut(&crate::directory::account()).unwrap().as_mut().unwrap();
        known.everywhere.insert(name("S-1-5-21-1-2-3-512"));
    });
    help(
        &directory,
        VerdictKind::Covered,
        &[
            "nothing: he is covered",
            "grant Send As to goodadmin@a.example.test itself and take it out of Domain Admins: the right then does not \
             depend on the membership, and the account can do no more than it needs",
        ],
    );
}

#[test]
fn no_entry_needs_the_planned_one() {
    let mut directory = Directory::plain();
    assert_eq!(help(&directory, VerdictKind::Missing, &[GRANT_ON_HEAD]), Cause::NoEntry);
    // A list out of order has to be repaired before anything is added.
    servers(&mut directory, |server| {
        server.containers.insert(HEAD.into(), shown(&format!("D:AI(A;;RP;;;WD){}", deny("", "S-1-5-21-9-9-9-9"))));
    });
    let (_, refused) = remedies(&directory);
    assert!(refused[0].starts_with("have the permissions of DC=a,DC=example,DC=test repaired first: "), "{refused:?}");
    assert!(refused[0].contains("not in canonical order"), "{refused:?}");
    // The entry is on the head, and has not come down yet.
    let entry = format!("(OA;CIIO;CR;{SEND_AS};{CLASS_USER};{ACCOUNT})");
    servers(&mut directory, |server| drop(server.containers.insert(HEAD.into(), shown(&format!("D:AI{entry}")))));
    help(
        &directory,
        VerdictKind::Missing,
        &[
            "wait: the entry is on DC=a,DC=example,DC=test already, and comes down to him by inheritance in minutes to hours; \
           if it does not, propagate the permissions of DC=a,DC=example,DC=test again",
        ],
    );
    servers(&mut directory, |server| drop(server.containers.insert(HEAD.into(), DescriptorReading::NotShown)));
    help(
        &directory,
        VerdictKind::Missing,
        &[
            "give the coordinator's own account Read Permissions on DC=a,DC=example,DC=test (not shown by a1); a deny of that \
           right stands before every allow",
        ],
    );
    // The server that grants are written to gives no evidence of him.
    let setting = Setting { grant_server: name("a3"), ..setting() };
    helps(
        &directory,
        &setting,
        VerdictKind::Missing,
        &[
            "wait until a3 has caught up; if it does not, look at its replication (repadmin /showrepl), then: sendgate survey \
           run a.example.test",
        ],
    );
}

#[test]
fn blocked_inheritance_needs_an_entry_below_or_its_repair() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown("D:PAI"));
    let restore = "let CN=anna,OU=Hosted,DC=a,DC=example,DC=test inherit permissions from above again (its security settings, \
                   Advanced): an entry further up reaches him then; everything else from above does, too";
    let cause = help(&directory, VerdictKind::Missing, &[GRANT_ON_USER, restore]);
    assert_eq!(cause, Cause::InheritanceBlocked { at: USER.into() });
    directory.both(|user| user.admin_count = true);
    let clear = "let CN=anna,OU=Hosted,DC=a,DC=example,DC=test inherit permissions again and clear its adminCount: he is in no \
                 protected group any more, and nothing takes the mark off by itself";
    assert_eq!(help(&directory, VerdictKind::Missing, &[GRANT_ON_USER, clear]), Cause::StaleAdminCount);
}

#[test]
fn another_class_needs_its_own_entry_or_one_on_the_object() {
    let mut directory = Directory::plain();
    directory.both(|user| user.class = UserClass::InetOrgPerson);
    let entry = format!("(OA;CIIO;CR;{SEND_AS};{CLASS_USER};{ACCOUNT})");
    servers(&mut directory, |server| drop(server.containers.insert(HEAD.into(), shown(&format!("D:AI{entry}")))));
    let (cause, texts) = remedies(&directory);
    assert!(matches!(cause, Cause::NotForClass { .. }), "{cause:?}");
    assert!(texts[0].contains(";4828cc14-1437-45bc-9b07-ad6f015e5f28;"), "{texts:?}");
    assert!(texts[0].ends_with(":CA;Send As;inetOrgPerson\""), "{texts:?}");
    directory.both(|user| user.class = UserClass::Other("contact".into()));
    help(
        &directory,
        VerdictKind::Missing,
        &[
            "add an entry to CN=anna,OU=Hosted,DC=a,DC=example,DC=test by hand: no entry on a container is known to reach \
           objects of class contact",
        ],
    );
}

#[test]
fn what_almost_allows_needs_an_entry_that_does() {
    let mut directory = Directory::plain();
    servers(&mut directory, |server| {
        let known = server.accounts.get_mut(&crate::directory::account()).unwrap().as_mut().unwrap();
        known.local.insert(name("S-1-5-32-545"));
    });
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", allow("S-1-5-32-545"))));
    let undeclared = Setting { exchange_domain: [].into(), ..setting() };
    let declare =
        "say in the configuration which domain exa1 is a member of: groups that are local to a domain count there only";
    let cause = helps(&directory, &undeclared, VerdictKind::Missing, &[GRANT_ON_HEAD, declare]);
    assert!(matches!(cause, Cause::UncertainGroup { .. }), "{cause:?}");
    let elsewhere = Setting { exchange_domain: [(name("exa1"), name("b.example.test"))].into(), ..setting() };
    helps(&directory, &elsewhere, VerdictKind::Missing, &[GRANT_ON_HEAD]);

    directory.both(|user| user.descriptor = shown(&format!("D:AI(XA;;CR;;;{ACCOUNT};#61727478)")));
    let cause = help(&directory, VerdictKind::Missing, &[GRANT_ON_HEAD]);
    assert!(matches!(cause, Cause::Conditional { .. }), "{cause:?}");

    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", allow("S-1-5-21-1-2-3-1001"))));
    let former = [(crate::directory::account(), [name("S-1-5-21-1-2-3-1001")].into())].into();
    let cause = helps(&directory, &Setting { former, ..setting() }, VerdictKind::Missing, &[GRANT_ON_HEAD]);
    assert!(matches!(cause, Cause::FormerAccount { .. }), "{cause:?}");
}

#[test]
fn protection_leaves_a_choice_to_people() {
    let mut directory = Directory::plain();
    let path = |dns: &[&str]| Some(Arc::new(GroupPath(dns.iter().map(|dn| (*dn).into()).collect())));
    let approve = "approve the entry for goodadmin@a.example.test on AdminSDHolder, which lets that account send as every \
                   administrator of a.example.test: sendgate approve adminsdholder a.example.test \
                   goodadmin@a.example.test --reason WHY";
    let leave = "take him out of CN=Crew,DC=a (or that group out of CN=Domain Admins,DC=a), then clear his adminCount and let him \
                 inherit again";
    directory.both(|user| user.protected_by = path(&["CN=Crew,DC=a", "CN=Domain Admins,DC=a"]));
    let cause = help(&directory, VerdictKind::Missing, &[leave, approve, WAIVE]);
    assert!(matches!(cause, Cause::Protected { .. }), "{cause:?}");
    // The right is there still, and will be gone.
    directory.both(|user| user.descriptor = shown(GRANTED));
    help(&directory, VerdictKind::Perishable, &[leave, approve, WAIVE]);
    directory.both(|user| user.descriptor = shown(PLAIN));
    directory.both(|user| user.protected_by = path(&["CN=Domain Admins,DC=a"]));
    let out = "take him out of CN=Domain Admins,DC=a, then clear his adminCount and let him inherit again";
    help(&directory, VerdictKind::Missing, &[out, approve, WAIVE]);
    directory.both(|user| user.protected_by = path(&[USER]));
    let other = "give the mailbox to another account: CN=anna,OU=Hosted,DC=a,DC=example,DC=test is protected as such, whatever \
                 groups it is in";
    help(&directory, VerdictKind::Missing, &[other, approve, WAIVE]);
    // Somebody has approved: the entry on AdminSDHolder comes first.
    let approved = Setting { holder_approved: [crate::directory::account()].into(), ..setting() };
    let holder = "CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test";
    let grant = format!(
        "add the entry {} for goodadmin@a.example.test on {holder}: dsacls \"{holder}\" /G \"goodadmin@a.example.test:CA;Send As\"",
        allow(ACCOUNT)
    );
    helps(&directory, &approved, VerdictKind::Missing, &[&grant, other, WAIVE]);
    servers(&mut directory, |server| server.admin_sd_holder = shown(&format!("D:P{}", allow(ACCOUNT))));
    help(
        &directory,
        VerdictKind::Missing,
        &["wait: AdminSDHolder carries the right, and the propagator brings it to him at its next pass"],
    );
    servers(&mut directory, |server| server.admin_sd_holder = DescriptorReading::NotShown);
    let read = format!(
        "give the coordinator's own account Read Permissions on {holder} (not shown by a1, a2); a deny of that right stands before every allow"
    );
    help(&directory, VerdictKind::Missing, &[&read, other, WAIVE]);
}

#[test]
fn a_deny_is_removed_by_whoever_put_it_there_or_overridden_with_approval() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", deny("", ACCOUNT))));
    let own = format!("remove the entry {} from {USER}, if whoever put it there agrees", deny("", ACCOUNT));
    assert_eq!(help(&directory, VerdictKind::Denied, &[&own, WAIVE]), Cause::DeniedByEntry);
    // Through a group, inherited from the unit.
    servers(&mut directory, |server| {
        server.containers.insert(OU.into(), shown(&format!("D:AI{}", deny("CI", "S-1-5-21-1-2-3-1301"))));
        let known = server.accounts.get_mut(&crate::directory::account()).unwrap().as_mut().unwrap();
        known.everywhere.insert(name("S-1-5-21-1-2-3-1301"));
    });
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", deny("CIID", "S-1-5-21-1-2-3-1301"))));
    let inherited =
        format!("remove the entry {} from {OU}, if whoever put it there agrees", deny("CIID", "S-1-5-21-1-2-3-1301"));
    let leave = "take goodadmin@a.example.test out of S-1-5-21-1-2-3-1301, which the entry denies, if its membership is not needed";
    let over = format!(
        "approve an entry of his own for goodadmin@a.example.test on {USER}, which stands before the inherited deny and overrides somebody's decision: sendgate approve override 'anna@a.example.test' goodadmin@a.example.test --reason WHY"
    );
    help(&directory, VerdictKind::Denied, &[&inherited, leave, &over, WAIVE]);
    let approved = Setting {
        override_approved: [(sendgate_core::guid::Guid::SEND_AS, crate::directory::account())].into(),
        ..setting()
    };
    helps(&directory, &approved, VerdictKind::Denied, &[&inherited, leave, GRANT_ON_USER, WAIVE]);
    servers(&mut directory, |server| drop(server.containers.insert(OU.into(), shown("D:AI"))));
    let (_, texts) = remedies(&directory);
    assert!(texts[0].starts_with("find where (OD;CIID;CR;"), "{texts:?}");
    assert!(texts[0].ends_with("propagate the permissions of the containers above him again"), "{texts:?}");
}

#[test]
fn denies_that_differ_between_servers_are_each_told_and_his_own_cannot_be_overridden() {
    let mut directory = Directory::plain();
    servers(&mut directory, |server| {
        server.containers.insert(OU.into(), shown(&format!("D:AI{}", deny("CI", ACCOUNT))));
    });
    directory.user("a1", |user| user.descriptor = shown(&format!("D:AI{}", deny("CIID", ACCOUNT))));
    directory.user("a2", |user| user.descriptor = shown(&format!("D:AI{}", deny("", ACCOUNT))));
    let remove = |entry: &str, at: &str| format!("remove the entry {entry} from {at}, if whoever put it there agrees");
    let (inherited, own) = (remove(&deny("CIID", ACCOUNT), OU), remove(&deny("", ACCOUNT), USER));
    help(&directory, VerdictKind::Denied, &[&own, &inherited, WAIVE]);
}

#[test]
fn what_cannot_be_read_needs_somebody_who_lets_it_be_read() {
    let mut directory = Directory::plain();
    directory.user("a2", |user| user.descriptor = DescriptorReading::NotShown);
    let read = format!(
        "give the coordinator's own account Read Permissions on {USER} (not shown by a2); a deny of that right stands before every allow"
    );
    assert_eq!(help(&directory, VerdictKind::Unreadable, &[&read]), Cause::NotShown);
    directory.user("a2", |user| user.descriptor = DescriptorReading::Malformed("it is too short".into()));
    let again = "read again (sendgate survey run a.example.test --watch); if it stays, look at the object with the directory's own \
                 tools: a2: it is too short";
    let cause = help(&directory, VerdictKind::Unreadable, &[again]);
    assert!(matches!(cause, Cause::NotUnderstood { .. }), "{cause:?}");
    directory.both(|user| user.descriptor = shown("D:NO_ACCESS_CONTROL"));
    let repair = format!(
        "replace the security descriptor of {USER}, which allows everything to everybody, with the default one"
    );
    assert_eq!(help(&directory, VerdictKind::CannotTell, &[&repair]), Cause::NullDacl);
    directory.0.servers.insert(name("a2"), Err(ServerFailure("connection refused".into())));
    let back = "bring back what gave no evidence, or take a server that is gone for good out of the configuration: a2: connection \
                refused";
    let cause = help(&directory, VerdictKind::Unreadable, &[back]);
    assert!(matches!(cause, Cause::ServerFailed { .. }), "{cause:?}");
}

#[test]
fn a_user_who_is_not_one_object_needs_another_name_or_time() {
    let mut directory = Directory::plain();
    let set = |directory: &mut Directory, reading: UserReading| {
        let server = directory.0.servers.get_mut(&name("a2")).unwrap().as_mut().unwrap();
        server.users.insert(anna(), reading);
    };
    set(&mut directory, UserReading::NotFound);
    let wait = "wait until a2 has caught up; if it does not, look at its replication (repadmin /showrepl), then: sendgate survey run \
                a.example.test";
    assert_eq!(help(&directory, VerdictKind::Unresolved, &[wait]), Cause::NotFound);
    let texts = |directory: &Directory| -> Vec<String> {
        explained_in(directory, &setting()).remedies.iter().map(ToString::to_string).collect()
    };
    set(&mut directory, UserReading::Ambiguous(vec!["CN=one,DC=a".into(), "CN=two,DC=a".into()]));
    assert_eq!(
        texts(&directory),
        [
            "take the name \"anna@a.example.test\" from all of these but one, or give the roster a name that only one has: \
          CN=one,DC=a, CN=two,DC=a"
        ]
    );
    servers(&mut directory, |server| drop(server.users.insert(anna(), UserReading::NotFound)));
    assert_eq!(
        texts(&directory),
        [
            "correct \"anna@a.example.test\" on the GoodLink server: nobody of that name is in the directory, or take him off its roster"
        ]
    );
    directory.0.servers.insert(name("a2"), Err(ServerFailure("connection refused".into())));
    let silent = texts(&directory);
    assert!(silent[0].starts_with("bring back what gave no evidence"), "{silent:?}");
    servers(&mut directory, |server| drop(server.users.insert(anna(), UserReading::Failed("timed out".into()))));
    directory.0.servers.remove(&name("a2"));
    let failed = texts(&directory);
    assert!(failed[0].starts_with("read again (") && failed[0].ends_with(": a1: timed out"), "{failed:?}");
}

#[test]
fn servers_that_differ_need_replication() {
    let mut directory = Directory::plain();
    directory.user("a1", |user| user.descriptor = shown(GRANTED));
    let wait = "wait until a2 has caught up; if it does not, look at its replication (repadmin /showrepl), then: sendgate survey run \
                a.example.test";
    let cause = help(&directory, VerdictKind::Replicating, &[wait]);
    assert!(matches!(cause, Cause::ServersDiffer { .. }), "{cause:?}");
}

#[test]
fn a_mailbox_that_is_not_his_own_needs_an_owner() {
    let mut directory = Directory::plain();
    directory.both(|user| user.owner = MailboxOwner::Nobody);
    let owner = format!(
        "enable {USER}, or set its msExchMasterAccountSid (S-1-5-10, SELF, where nobody else owns the mailbox), or take him off the roster"
    );
    assert_eq!(help(&directory, VerdictKind::CannotTell, &[&owner, WAIVE]), Cause::Disabled);
    directory.both(|user| user.owner = MailboxOwner::External(name("S-1-5-21-7-7-7-1001")));
    let ask = "let those who run the forest of S-1-5-21-7-7-7-1001 find out whether the mailbox's owner can be sent as: it cannot be \
               read from here";
    let cause = help(&directory, VerdictKind::CannotTell, &[ask, WAIVE]);
    assert!(matches!(cause, Cause::Linked { .. }), "{cause:?}");
    directory.both(|user| (user.owner, user.home) = (MailboxOwner::Itself, Home::None));
    let mailbox =
        format!("take him off the roster, or give {USER} a mailbox: neither homeMDB nor msExchHomeServerName is set");
    assert_eq!(help(&directory, VerdictKind::CannotTell, &[&mailbox, WAIVE]), Cause::NoMailbox);
}

#[test]
fn a_service_account_that_is_not_known_is_corrected() {
    let mut directory = Directory::plain();
    servers(&mut directory, |server| {
        drop(server.accounts.insert(crate::directory::account(), Err("nobody of that name".into())))
    });
    let correct = "correct the service account goodadmin@a.example.test in the configuration or in the directory: nobody of that name";
    let cause = help(&directory, VerdictKind::CannotTell, &[correct]);
    assert!(matches!(cause, Cause::TokenUnknown { .. }), "{cause:?}");
}
