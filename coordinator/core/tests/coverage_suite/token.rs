//! Whose groups count where.

use crate::directory::*;
use sendgate_core::coverage::reading::AccountReading;
use sendgate_core::coverage::{Cause, Elsewhere, Setting, Touched, VerdictKind, Warning, look};
use std::collections::BTreeSet;

const GROUP: &str = "S-1-5-21-9-9-9-700";

fn entry(kind: &str, trustee: &str) -> String {
    format!("({kind};;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{trustee})")
}

/// anna's descriptor has this one entry, and the account's token is this.
fn directory(entry: &str, change: impl Fn(&mut AccountReading)) -> Directory {
    let mut directory = Directory::plain();
    for server in directory.0.servers.values_mut().flatten() {
        let mut token = token();
        change(&mut token);
        server.accounts.insert(account(), Ok(token));
    }
    directory.both(|user| user.descriptor = shown(&format!("D:AI{entry}")));
    directory
}

#[track_caller]
fn is(directory: &Directory, setting: &Setting, kind: VerdictKind) {
    let verdict = directory.verdict_in(setting);
    assert_eq!(verdict.kind, kind, "{}", verdict.cause);
}

#[test]
fn a_group_that_is_not_certain_may_deny_and_never_allow() {
    let uncertain = |token: &mut AccountReading| token.uncertain = [name(GROUP)].into();
    let allow = entry("OA", GROUP);
    directory(&allow, uncertain)
        .is(VerdictKind::Missing, Cause::UncertainGroup { group: name(GROUP), entry: allow.clone() });
    directory(&entry("OD", GROUP), uncertain).is(VerdictKind::Denied, Cause::DeniedByEntry);
}

#[test]
fn a_local_group_allows_where_the_exchange_server_is_of_that_domain_and_denies_everywhere() {
    let local = |token: &mut AccountReading| token.local = [name(GROUP)].into();
    let other = Setting { exchange_domain: [(name("exa1"), name("b.example.test"))].into(), ..setting() };
    let undeclared = Setting { exchange_domain: [].into(), ..setting() };
    let allows = directory(&entry("OA", GROUP), local);
    is(&allows, &setting(), VerdictKind::Covered);
    is(&allows, &other, VerdictKind::Missing);
    is(&allows, &undeclared, VerdictKind::Missing);
    let denies = directory(&(entry("OD", GROUP) + &entry("OA", ACCOUNT)), local);
    for setting in [&setting(), &other, &undeclared] {
        is(&denies, setting, VerdictKind::Denied);
    }
}

/// The token on the Exchange server holds the groups that are local to *its* domain.
#[test]
fn a_group_local_to_the_exchange_servers_domain_allows_on_users_of_another_one() {
    let allows = directory(&entry("OA", GROUP), |_| {});
    let other = name("b.example.test");
    let there = Elsewhere { local: [name(GROUP)].into(), ..Elsewhere::default() };
    let elsewhere = [((other, account()), there)].into();
    let mut setting = Setting { exchange_domain: [(name("exa1"), name("b.example.test"))].into(), ..setting() };
    is(&allows, &setting, VerdictKind::Missing);
    setting.elsewhere = elsewhere;
    is(&allows, &setting, VerdictKind::Covered);
    // Not where the mailbox's server is of a third domain.
    setting.exchange_domain = [(name("exa1"), name("c.example.test"))].into();
    is(&allows, &setting, VerdictKind::Missing);
}

/// Its servers do not agree: what one of them shows may deny there, and allows nothing.
#[test]
fn a_group_that_only_one_server_of_the_exchange_servers_domain_shows_may_deny_and_never_allow() {
    let there = Elsewhere { uncertain: [name(GROUP)].into(), ..Elsewhere::default() };
    let setting = Setting {
        exchange_domain: [(name("exa1"), name("b.example.test"))].into(),
        elsewhere: [((name("b.example.test"), account()), there)].into(),
        ..setting()
    };
    is(&directory(&entry("OA", GROUP), |_| {}), &setting, VerdictKind::Missing);
    is(&directory(&(entry("OD", GROUP) + &entry("OA", ACCOUNT)), |_| {}), &setting, VerdictKind::Denied);
}

#[test]
fn a_right_by_powerful_membership_is_covered_with_a_warning() {
    for (group, title) in [
        ("S-1-5-32-548", "Account Operators"),
        ("S-1-5-21-1-2-3-512", "Domain Admins"),
        ("S-1-5-21-1-2-3-519", "Enterprise Admins"),
        ("S-1-5-32-544", "Administrators"),
    ] {
        // The default descriptor of class user gives them every extended right.
        let powerful = directory(&format!("(A;;CR;;;{group})"), |token| token.everywhere.extend([name(group)]));
        powerful.is(VerdictKind::Covered, Cause::Granted);
        let warning = Warning::PowerfulGroup { group: name(group), name: title.to_owned() };
        assert_eq!(powerful.verdict().warnings().collect::<Vec<_>>(), [&warning]);
        assert_eq!(
            warning.to_string(),
            format!(
                "covered only as a member of {title} ({group}): lost with the membership, and far more than Send As"
            )
        );
    }
    let plain = directory(&entry("OA", ACCOUNT), |_| {});
    assert_eq!(plain.verdict().warnings().count(), 0);
    let everybody = directory(&entry("OA", "S-1-5-11"), |_| {});
    let warnings: Vec<_> = everybody.verdict().warnings().map(ToString::to_string).collect();
    assert_eq!(warnings, ["everybody has the right through S-1-5-11, not only the service account"]);
}

/// Other domains rely on what all servers agree on.
#[test]
fn an_account_is_known_by_what_every_server_shows() {
    let mut directory = directory(&entry("OA", ACCOUNT), |token| token.local = [name(GROUP)].into());
    let known = &directory.judged().accounts[&account()];
    assert_eq!((known.sid.clone(), known.local.clone()), (name(ACCOUNT), [name(GROUP)].into()));
    assert_eq!(known.uncertain, BTreeSet::new(), "both servers show the same");
    let servers = &mut directory.0.servers;
    let a2 = servers.get_mut(&name("a2")).unwrap().as_mut().unwrap();
    a2.accounts.insert(account(), Ok(token()));
    let known = &directory.judged().accounts[&account()];
    assert_eq!((&known.local, &known.uncertain), (&BTreeSet::new(), &[name(GROUP)].into()), "one server shows it");
    // Made again on one server, not yet on the other: nobody knows who it is.
    let a2 = directory.0.servers.get_mut(&name("a2")).unwrap().as_mut().unwrap();
    a2.accounts.insert(account(), Ok(AccountReading { sid: name(GROUP), ..token() }));
    assert_eq!(directory.judged().accounts.get(&account()), None);
}

/// What it keeps to itself may be that the account is gone, or has left a group.
#[test]
fn an_account_of_which_one_server_at_home_says_nothing_is_not_known_elsewhere() {
    let mut directory = directory(&entry("OA", ACCOUNT), |_| {});
    let known = |directory: &Directory| look(&directory.0, &setting(), &Touched::All).accounts.contains_key(&account());
    assert!(known(&directory));
    let server = directory.0.servers.values_mut().flatten().next().unwrap();
    server.accounts.insert(account(), Err("tokenGroups was not shown".into()));
    assert!(!known(&directory));
    // Another domain than its own has less to say of it, unless it is about to.
    directory.0.domain = name("b.example.test");
    assert!(known(&directory));
    directory.0.servers.values_mut().flatten().next().unwrap().accounts_awaited.insert(account());
    assert!(!known(&directory));
}
