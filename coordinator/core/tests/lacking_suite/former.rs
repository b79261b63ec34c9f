//! An account of another domain that was without its rights for a while, which only its own domain shows: the users' domain is
//! being looked at, and shows the same before and after.

use crate::example::{Example, name};
use crate::state;
use sendgate_core::coverage::verdict::{DecidingEntry, Presence};
use sendgate_core::coverage::{AccountPicture, Judged};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::PairState;
use sendgate_core::names::DirectoryName;

const FIRST: &str = "S-1-5-21-1-2-3-1105";
const SECOND: &str = "S-1-5-21-1-2-3-2105";
const GROUP: &str = "S-1-5-21-1-2-3-1200";
const EVERYONE: &str = "S-1-1-0";

/// All users are in b: anna has the right by a group of the account, bert by the account itself, carl by everyone.
fn users_in_b() -> Example {
    let mut example = Example::covered();
    let mut other = example.policy.domains[&name("a.example.test")].clone();
    other.netbios = "bdom".into();
    example.policy.domains.insert(name("b.example.test"), other);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    for (user, trustee) in [("anna", GROUP), ("bert", FIRST), ("carl", EVERYONE)] {
        let entry =
            DecidingEntry { index: 0, sddl: "(OA)".into(), inherited: true, trustee: name(trustee), from: None };
        example.deciding.insert(name(&format!("{user}@a.example.test")), entry);
    }
    looks_at(&mut example, "a.example.test", FIRST, |_| {});
    looks_at(&mut example, "b.example.test", FIRST, |_| {});
    example.settle();
    assert_eq!(["anna", "bert", "carl"].map(|user| state(&example, user)), [None; 3]);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example
}

/// A look at the domain, in which the account is a member of the group until a change says otherwise.
fn looks_at(example: &mut Example, domain: &str, sid: &'static str, change: fn(&mut AccountPicture)) {
    example.sid = Some(sid);
    let mut look = example.look();
    look.domain = name(domain);
    for account in look.accounts.values_mut() {
        account.everywhere.extend([name(GROUP), name(EVERYONE)]);
        account.anywhere.extend(account.everywhere.clone());
        change(account);
    }
    if domain == "a.example.test" {
        let absent = |user: &DirectoryName| (user.clone(), Presence::Absent);
        look.users = Judged::All(example.truth.keys().map(absent).collect());
    }
    example.estate.observe(Observation::Look(look));
    example.settle();
}

fn leaves(account: &mut AccountPicture) {
    account.everywhere.remove(&name(GROUP));
    account.anywhere.remove(&name(GROUP));
}

#[test]
fn a_right_by_a_group_that_was_left_and_joined_again_is_waited_for() {
    let mut example = users_in_b();
    looks_at(&mut example, "a.example.test", FIRST, leaves);
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    looks_at(&mut example, "a.example.test", FIRST, |_| {});
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
    assert_eq!(["bert", "carl"].map(|user| state(&example, user)), [None; 2], "they have the right without the group");
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
    // And again, of a right that has landed.
    looks_at(&mut example, "a.example.test", FIRST, leaves);
    let noted = example.journal.iter().map(|stamped| format!("{:?}", stamped.entry)).collect::<String>();
    let why =
        format!("a.example.test does not show goodadmin@a.example.test in {GROUP} any more, by which it had the right");
    assert!(noted.contains(&why), "{noted}");
}

#[test]
fn the_right_of_an_account_that_was_another_one_for_a_while_is_waited_for() {
    let mut example = users_in_b();
    looks_at(&mut example, "a.example.test", SECOND, leaves);
    for user in ["anna", "bert"] {
        assert!(
            matches!(state(&example, user), Some(PairState::Lacking { .. })),
            "{user}: {:?}",
            state(&example, user)
        );
    }
    looks_at(&mut example, "a.example.test", FIRST, |_| {});
    for user in ["anna", "bert"] {
        assert_eq!(state(&example, user), Some(PairState::Landed { at: example.now.steady }), "{user}");
    }
    assert_eq!(state(&example, "carl"), None, "whoever the account is has that right");
}

/// What its own domain does not show, or one of its servers shows for good and another not, says nothing.
#[test]
fn what_is_not_known_of_the_account_is_not_missing() {
    let mut example = users_in_b();
    let some = |account: &mut AccountPicture| account.everywhere.retain(|sid| *sid != name(GROUP));
    let home = |account: &mut AccountPicture| {
        leaves(account);
        account.uncertain.insert(name(GROUP));
    };
    looks_at(&mut example, "b.example.test", FIRST, some);
    looks_at(&mut example, "a.example.test", FIRST, home);
    assert_eq!(state(&example, "anna"), None);
    let mut look = example.look();
    look.users = Judged::All(example.truth.keys().map(|user| (user.clone(), Presence::Absent)).collect());
    look.accounts.clear();
    example.estate.observe(Observation::Look(look));
    example.settle();
    assert_eq!(["anna", "bert", "carl"].map(|user| state(&example, user)), [None; 3]);
}
