//! What one domain is judged with and another shows: accounts made again, groups that an account has left.

use crate::example::{Example, name};
use sendgate_core::coverage::Judged;
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::estate::Observation;
use sendgate_core::gate::Reason;
use sendgate_core::names::DomainName;
use std::time::Duration;

/// Its own domain shows that the account was made again before the other one has been looked at for the new object.
#[test]
fn a_domain_that_was_judged_for_the_former_account_is_closed_until_it_is_looked_at_again() {
    let mut example = Example::covered();
    let (domain, account) = (name::<DomainName>("b.example.test"), "goodadmin@a.example.test");
    example.policy.domains.insert(domain.clone(), example.policy.domains[&name("a.example.test")].clone());
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(domain.clone());
    let look = |example: &mut Example, of: &str, sid: &'static str| {
        example.sid = Some(sid);
        let mut look = example.look();
        look.domain = name(of);
        if of == "b.example.test" {
            look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
        }
        example.estate.observe(Observation::Look(look));
    };
    look(&mut example, "a.example.test", "S-1-5-21-1-2-3-1105");
    look(&mut example, "b.example.test", "S-1-5-21-1-2-3-1105");
    assert_eq!(example.texts("exa1"), [""; 0]);
    look(&mut example, "a.example.test", "S-1-5-21-1-2-3-2105");
    let why = format!(
        "b.example.test was looked at for the rights of S-1-5-21-1-2-3-1105, and {account} is S-1-5-21-1-2-3-2105 by now: its \
         next look decides, and `sendgate survey run b.example.test` takes one at once"
    );
    assert_eq!(example.texts("exa1"), [why]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    look(&mut example, "b.example.test", "S-1-5-21-1-2-3-2105");
    assert_eq!(example.texts("exa1"), [""; 0]);
    // Its own domain shows none any more, or its servers do not agree on one.
    example.sid = None;
    example.observe_all();
    let why = format!(
        "b.example.test was looked at for the rights of S-1-5-21-1-2-3-2105, and the directory servers of a.example.test do \
         not show one {account} any more: see that it is there and that their replication is through, then `sendgate survey \
         run a.example.test`"
    );
    assert_eq!(example.texts("exa1"), [why]);
}

/// Two domains, of which b is judged for an account of a that is in a group there.
fn judged_as_a_member() -> Example {
    let mut example = Example::covered();
    let domain = name::<DomainName>("b.example.test");
    let mut policy = example.policy.domains[&name("a.example.test")].clone();
    (policy.servers, policy.grant_server) = ([name("b1")].into(), name("b1"));
    example.policy.domains.insert(domain.clone(), policy);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(domain);
    example.sid = Some("S-1-5-21-1-2-3-1105");
    looks(&mut example, "a.example.test", true);
    looks(&mut example, "b.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example
}

/// A look at the domain, with the account in a group or not; all users are in a.
fn looks(example: &mut Example, domain: &str, member: bool) {
    let mut look = example.look();
    look.domain = name(domain);
    if member {
        let account = look.accounts.values_mut().next().unwrap();
        account.everywhere.insert(name("S-1-5-21-1-2-3-1200"));
    }
    if domain == "b.example.test" {
        look.seen = [(name("b1"), look.started)].into();
        let nobody = example.truth.keys().map(|user| (user.clone(), Presence::Absent));
        let both = example.policy.goodlink[&name("gla")].domains.len() == 2;
        look.users = if both { Judged::All(nobody.collect()) } else { look.users };
    }
    example.estate.observe(Observation::Look(look));
}

/// The domain that is judged is being read in full, which takes minutes, and its own servers have nothing to say of that group.
#[test]
fn a_domain_that_was_judged_with_a_group_that_the_account_has_left_is_closed() {
    let mut example = judged_as_a_member();
    looks(&mut example, "a.example.test", false);
    let why = "b.example.test was looked at for goodadmin@a.example.test as a member of S-1-5-21-1-2-3-1200, and a.example.test \
               does not show it there any more: the next look decides, and `sendgate survey run b.example.test` takes one at \
               once";
    assert_eq!(example.texts("exa1"), [why]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    looks(&mut example, "b.example.test", false);
    assert_eq!(example.texts("exa1"), [""; 0]);
    // A group that it has joined since can deny, and b is looked at for that as soon as it is told.
    looks(&mut example, "a.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// One of the two servers of b was told of it, and the other one is busy with a full reading.
#[test]
fn a_group_that_one_server_still_judges_with_closes_as_well() {
    let mut example = judged_as_a_member();
    looks(&mut example, "a.example.test", false);
    looks(&mut example, "b.example.test", false);
    assert_eq!(example.texts("exa1"), [""; 0]);
    let group: sendgate_core::sid::Sid = name("S-1-5-21-1-2-3-1200");
    let apart = |example: &mut Example, uncertain: bool| {
        for domain in ["a.example.test", "b.example.test"] {
            let mut look = example.look();
            let account = look.accounts.values_mut().next().unwrap();
            if domain == "b.example.test" {
                account.anywhere.insert(group.clone());
                look.seen = [(name("b1"), look.started)].into();
                look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
            } else if uncertain {
                account.uncertain.insert(group.clone());
            }
            look.domain = name(domain);
            example.estate.observe(Observation::Look(look));
        }
    };
    apart(&mut example, false);
    let why = example.texts("exa1");
    assert!(why.len() == 1 && why[0].contains("as a member of S-1-5-21-1-2-3-1200"), "{why:?}");
    // What servers at home show differently for good has no effect here and closes nothing.
    apart(&mut example, true);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// A group that is local to the domain of the Exchange servers counts there, and may have been left on the server that is away.
#[test]
fn a_domain_is_closed_until_the_servers_of_the_exchange_servers_domain_are_heard() {
    let mut example = judged_as_a_member();
    let c: DomainName = name("c.example.test");
    let mut policy = example.policy.domains[&name("b.example.test")].clone();
    (policy.servers, policy.grant_server) = ([name("c1")].into(), name("c1"));
    example.policy.domains.insert(c.clone(), policy);
    let look_at_c = |example: &mut Example, known: bool, why: Option<&str>| {
        let mut look = example.look();
        (look.domain, look.users) = (name("c.example.test"), Judged::All([].into()));
        look.seen = [(name("c1"), look.started)].into();
        if !known {
            look.accounts.clear();
        }
        if let Some(why) = why {
            (look.seen, look.failed) = ([].into(), [(name("c1"), why.to_owned())].into());
        }
        example.estate.observe(Observation::Look(look));
    };
    let machines = example.policy.exchange.clone();
    example.policy.exchange.values_mut().for_each(|server| server.domain = Some(name("c.example.test")));
    assert_eq!(example.texts("exa1"), ["domain c.example.test has not been surveyed since the coordinator started"]);
    // It was asked before the account's own domain had shown who that is.
    look_at_c(&mut example, false, None);
    let why = "goodadmin@a.example.test is checked on Exchange servers of c.example.test, whose directory servers have not all \
               shown in which of their groups it is: they are asked by themselves once those of a.example.test have shown it";
    assert_eq!(example.texts("exa1"), [why]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    let asks = std::mem::replace(&mut example.policy.exchange, machines);
    look_at_c(&mut example, true, Some("connection refused"));
    assert_eq!(example.texts("exa1"), [""; 0], "nobody asks for it");
    example.policy.exchange = asks;
    assert_eq!(example.texts("exa1"), ["directory server c1 gave no evidence: connection refused"]);
    look_at_c(&mut example, true, None);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// All users are in b, and no gate asks for domain a: but that the account has left a group may be known there alone.
#[test]
fn a_domain_is_closed_while_the_servers_of_its_accounts_domain_are_not_heard() {
    let mut example = judged_as_a_member();
    let gla = example.policy.goodlink.get_mut(&name("gla")).unwrap();
    gla.domains = [name("b.example.test")].into();
    looks(&mut example, "b.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example.silence(example.policy.freshness.watch_age + Duration::from_secs(1));
    looks(&mut example, "b.example.test", true);
    example.goodlink("adom\\goodadmin");
    let why = example.texts("exa1");
    let (a1, a2) =
        ("directory server a1 gave no evidence: nothing was heard of", "directory server a2 gave no evidence: ");
    assert!(why.len() == 2 && why[0].starts_with(a1) && why[1].starts_with(a2), "{why:?}");
}

/// Everybody is covered on each server, on one of them for the account as it was before: nobody knows whose right that is.
#[test]
fn servers_that_do_not_agree_on_who_the_account_is_close() {
    let mut example = judged_as_a_member();
    let disputed = |example: &mut Example, domain: &str| {
        let mut look = example.look();
        look.domain = name(domain);
        if domain != "a.example.test" {
            look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
            look.seen = [(name("b1"), look.started)].into();
        }
        look.accounts.clear();
        let [first, second] = ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-2105"].map(name);
        let shown = [(name("a1"), first), (name("a2"), second)].into();
        look.disputed = [(name("goodadmin@a.example.test"), shown)].into();
        example.estate.observe(Observation::Look(look));
    };
    let why = |domain: &str| {
        format!(
            "the directory servers of {domain} show different accounts as goodadmin@a.example.test: S-1-5-21-1-2-3-1105 on a1, \
             S-1-5-21-1-2-3-2105 on a2; this ends by itself once replication is through, and if it does not, see what keeps \
             it up or which of them is to be removed"
        )
    };
    // A global catalog of the other domain lags behind.
    disputed(&mut example, "b.example.test");
    assert_eq!(example.texts("exa1"), [why("b.example.test")]);
    assert!(example.reasons("exa1").iter().all(Reason::is_unknown));
    looks(&mut example, "b.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
    // A domain that has nothing but the account closes those that are judged for it.
    disputed(&mut example, "a.example.test");
    assert!(example.texts("exa1").contains(&why("a.example.test")), "{:?}", example.texts("exa1"));
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains = [name("b.example.test")].into();
    looks(&mut example, "b.example.test", true);
    assert!(example.texts("exa1").contains(&why("a.example.test")), "{:?}", example.texts("exa1"));
    looks(&mut example, "a.example.test", true);
    assert_eq!(example.texts("exa1"), [""; 0]);
}
