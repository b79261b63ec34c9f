//! The groups that a service account is in are followed.

use crate::support::{lab, server, wanted};
use crate::watched::*;
use sendgate_core::coverage::{Cause, DomainPicture, VerdictKind};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_accounts_groups_are_followed_over_any_number_of_levels_and_in_a_circle() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    for user in ["ann", "service"] {
        unit.add_user(user);
    }
    let ann = unit.mail("ann");
    // Global security groups, and one for mail alone.
    const GLOBAL: i32 = i32::MIN + 2;
    let (outer, inner, mail) =
        (unit.add_group("outer", GLOBAL), unit.add_group("inner", GLOBAL), unit.add_group("mail", 2));
    let mut wanted = wanted(unit.domain, &[&ann]);
    let account = format!("service-{}@{}", unit.tag, unit.domain.name).parse().unwrap();
    wanted.accounts = [account].into();
    wanted.setting.accounts = wanted.accounts.clone();
    wanted.setting.exchange_domain = [("exa1".parse().unwrap(), unit.domain.name.parse().unwrap())].into();
    let mut watched = Watched::asking(unit.domain, vec![server(unit.domain, 0, &unit.domain.surveyor)], wanted).await;
    watched.until_kind("nothing granted", &ann, VerdictKind::Missing).await;
    let own = watched.picture.accounts.values().next().unwrap().everywhere.clone();
    // A group that holds the outer one, and is in the inner one.
    unit.member("add", &outer, &inner);
    unit.member("add", &inner, &outer);
    unit.member("add", &inner, &unit.dn("service"));
    watched
        .until("in both groups", |picture| {
            picture.accounts.values().next().is_some_and(|account| account.everywhere.len() == own.len() + 2)
        })
        .await;
    unit.member("add", &mail, &unit.dn("service"));
    unit.member("delete", &inner, &unit.dn("service"));
    watched
        .until("in none of them", |picture| {
            picture.accounts.values().next().is_some_and(|account| account.everywhere == own)
        })
        .await;
}

/// What was deleted is not shown to the surveyor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_is_in_no_group_that_was_deleted() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    for user in ["ann", "service"] {
        unit.add_user(user);
    }
    let ann = unit.mail("ann");
    // A global security group.
    let group = unit.add_group("crew", i32::MIN + 2);
    unit.member("add", &group, &unit.dn("service"));
    let mut wanted = wanted(unit.domain, &[&ann]);
    let account = format!("service-{}@{}", unit.tag, unit.domain.name).parse().unwrap();
    wanted.accounts = [account].into();
    wanted.setting.accounts = wanted.accounts.clone();
    let mut watched = Watched::asking(unit.domain, vec![server(unit.domain, 0, &unit.domain.surveyor)], wanted).await;
    let everywhere = |picture: &DomainPicture| picture.accounts.values().next().map(|known| known.everywhere.len());
    watched.until("in the group", |picture| everywhere(picture).is_some()).await;
    let with = everywhere(&watched.picture).unwrap();
    unit.change(&format!("dn: {group}\nchangetype: delete\n"));
    watched.until("the group is gone", |picture| everywhere(picture) == Some(with - 1)).await;
}

/// An account of the other domain, in a group that is local to this one, over a group of this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_domains_account_is_in_the_local_groups_that_contain_it_here() {
    let lab = lab();
    let (unit, home) = (Unit::new(&lab, "a"), lab.domain("b").unwrap());
    unit.add_user("ann");
    let ann = unit.mail("ann");
    const LOCAL: i32 = i32::MIN + 4;
    let (outer, inner, mail) =
        (unit.add_group("outer", LOCAL), unit.add_group("inner", LOCAL), unit.add_group("mail", 4));
    let account: sendgate_core::names::AccountName = format!("{}@{}", home.goodadmin.name, home.name).parse().unwrap();
    let at_home = Watched::start(home, all_servers(home), &["nobody@b.example.test"]).await;
    let known = at_home.picture.accounts[&account].clone();
    let mut wanted = wanted(unit.domain, &[&ann]);
    wanted.accounts = [account.clone()].into();
    wanted.setting.accounts = wanted.accounts.clone();
    let mut watched =
        Watched::asking(unit.domain, vec![server(unit.domain, 0, &unit.domain.surveyor)], wanted.clone()).await;
    let Cause::TokenUnknown { why } = &verdict(&watched.picture, &ann).unwrap().cause else { panic!("known") };
    assert!(why.ends_with("is not known yet: none of the directory servers of b.example.test has shown it"), "{why}");
    // Its own domain has shown it.
    wanted.known = [(account.clone(), known.clone())].into();
    watched.wanted.send_replace(Arc::new(wanted));
    watched.until("known", |picture| picture.accounts.contains_key(&account)).await;
    assert_eq!(watched.picture.accounts[&account].everywhere, known.everywhere);
    let before = watched.picture.accounts[&account].local.clone();
    unit.member("add", &inner, &format!("<SID={}>", known.sid));
    unit.member("add", &outer, &inner);
    // What is over a group for mail alone is in no token.
    unit.member("add", &mail, &format!("<SID={}>", known.sid));
    watched.until("in two groups", |picture| picture.accounts[&account].local.len() == before.len() + 2).await;
    unit.member("delete", &outer, &inner);
    watched.until("in one group", |picture| picture.accounts[&account].local.len() == before.len() + 1).await;
}

/// Within a forest the account and its groups are members themselves, and what its own domain calls it may be news here. The
/// laboratory's domains are no forest: an account of this one stands for one of the other, with a name that nothing here has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_for_which_nothing_stands_here_is_found_in_groups_by_its_sids() {
    let lab = lab();
    let (unit, home) = (Unit::new(&lab, "a"), lab.domain("b").unwrap());
    for user in ["ann", "service"] {
        unit.add_user(user);
    }
    let ann = unit.mail("ann");
    const LOCAL: i32 = i32::MIN + 4;
    let team = unit.add_group("team", i32::MIN + 2);
    let (direct, over) = (unit.add_group("direct", LOCAL), unit.add_group("over", LOCAL));
    unit.member("add", &team, &unit.dn("service"));
    let asking = |of: &str| {
        let account: sendgate_core::names::AccountName = format!("service-{}@{of}", unit.tag).parse().unwrap();
        let mut wanted = wanted(unit.domain, &[&ann]);
        wanted.accounts = [account.clone()].into();
        wanted.setting.accounts = wanted.accounts.clone();
        (account, wanted)
    };
    let servers = || vec![server(unit.domain, 0, &unit.domain.surveyor)];
    let (account, own) = asking(&unit.domain.name);
    let mut known = Watched::asking(unit.domain, servers(), own).await.picture.accounts[&account].clone();
    known.dn = format!("CN=service-{},OU=Moved,{}", unit.tag, home.dn).as_str().into();
    let (account, mut wanted) = asking(&home.name);
    wanted.known = [(account.clone(), known)].into();
    let mut watched = Watched::asking(unit.domain, servers(), wanted).await;
    let before = watched.picture.accounts[&account].local.len();
    unit.member("add", &direct, &unit.dn("service"));
    unit.member("add", &over, &team);
    watched.until("in two groups", |picture| picture.accounts[&account].local.len() == before + 2).await;
    unit.member("delete", &over, &team);
    watched.until("in one group", |picture| picture.accounts[&account].local.len() == before + 1).await;
}
