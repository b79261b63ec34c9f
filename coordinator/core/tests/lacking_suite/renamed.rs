//! Another account is declared from a later start on: nobody has seen its users without the right.

use crate::example::{Example, minutes, name};
use sendgate_core::coverage::Judged;
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Entry, Generation};
use sendgate_core::names::DomainName;
use sendgate_core::time::{BootTime, ClockMark};

fn start(example: &mut Example, counter: u64) {
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    example.estate = Default::default();
}

/// The service account has this name by the configuration, in the directory and on the host.
fn declare(example: &mut Example, account: &'static str) {
    example.account = account;
    example.policy.goodlink.get_mut(&name("gla")).unwrap().service_account = name(account);
    example.observe_all();
    let (sam, _) = account.split_once('@').unwrap();
    example.goodlink(&format!("adom\\{sam}"));
    example.settle();
}

/// Anna's right for this account has landed, and nobody waits for it any more.
fn waited(account: &'static str) -> Example {
    let mut example = Example::covered();
    example.sid = Some("S-1-5-21-1-2-3-1105");
    start(&mut example, 1);
    declare(&mut example, account);
    example.lands("anna");
    settled(&mut example);
    example
}

/// Nobody waits any more for what has landed by now.
fn settled(example: &mut Example) {
    for _ in 0..2 {
        example.pass(minutes(90));
        example.goodlink("adom\\goodadmin");
        example.settle();
    }
}

/// Anna has just been granted the right when the account is renamed: what has its SID is the same, and its name is not.
#[test]
fn a_wait_does_not_end_with_the_name_of_the_account() {
    let mut example = Example::covered();
    example.sid = Some("S-1-5-21-1-2-3-1105");
    start(&mut example, 1);
    declare(&mut example, "goodadmin@a.example.test");
    assert_eq!(example.texts("exa1"), [""; 0], "whoever is covered at the very first look is not waited for");
    example.lands("anna");
    assert_eq!(example.texts("exa1"), ["1 users await the second look, due 1h 5m from now"]);
    example.pass(minutes(5));
    start(&mut example, 2);
    declare(&mut example, "svc-good@a.example.test");
    assert_eq!(example.texts("exa1"), ["3 users await the second look, due 1h 5m from now"]);
    let noted = example.journal.iter().map(|stamped| format!("{:?}", stamped.entry)).collect::<String>();
    let cause =
        "svc-good@a.example.test was declared later than other accounts: since when the right is there nobody has seen";
    assert!(noted.contains(cause), "{noted}");
    for _ in 0..2 {
        example.pass(minutes(90));
        example.goodlink("adom\\svc-good");
        example.settle();
    }
    assert_eq!(example.texts("exa1"), [""; 0], "once");
    start(&mut example, 3);
    declare(&mut example, "svc-good@a.example.test");
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// The other domain is read for the first time after one more start.
#[test]
fn a_domain_that_is_read_later_waits_as_well() {
    let mut example = Example::covered();
    example.sid = Some("S-1-5-21-1-2-3-1105");
    start(&mut example, 1);
    declare(&mut example, "goodadmin@a.example.test");
    start(&mut example, 2);
    example.account = "svc-good@a.example.test";
    let mut look = example.look();
    look.users = Judged::All([].into());
    example.estate.observe(Observation::Look(look));
    example.settle();
    start(&mut example, 3);
    let domain: DomainName = name("b.example.test");
    example.policy.domains.insert(domain.clone(), example.policy.domains[&name("a.example.test")].clone());
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains = [domain.clone()].into();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().service_account = name(example.account);
    let mut look = example.look();
    look.domain = domain;
    example.estate.observe(Observation::Look(look));
    example.roster(&["anna", "bert", "carl"]);
    example.settle();
    assert_eq!(example.ledger.pairs.len(), 3, "{:?}", example.texts("exa1"));
}

/// The former account is declared again after weeks: its users have waited once, and since when they have what they have
/// now nobody has seen.
#[test]
fn an_account_that_is_declared_again_waits_again() {
    let (good, other) = ("goodadmin@a.example.test", "svc-good@a.example.test");
    let mut example = waited(good);
    assert_eq!(example.texts("exa1"), [""; 0], "anna's wait is over");
    example.sid = Some("S-1-5-21-1-2-3-1106");
    start(&mut example, 2);
    declare(&mut example, other);
    example.pass(minutes(3 * 24 * 60));
    example.sid = Some("S-1-5-21-1-2-3-1105");
    start(&mut example, 3);
    declare(&mut example, good);
    assert_eq!(example.texts("exa1"), ["3 users await the second look, due 1h 5m from now"]);
    settled(&mut example);
    assert_eq!(example.texts("exa1"), [""; 0]);
    start(&mut example, 4);
    declare(&mut example, good);
    assert_eq!(example.texts("exa1"), [""; 0], "once");
}

/// Its journal is of a version that did not name the declared accounts: that says nothing against anybody.
#[test]
fn the_first_record_of_declared_accounts_has_nobody_wait() {
    let good = "goodadmin@a.example.test";
    let mut example = waited(good);
    example.ledger.declared.clear();
    start(&mut example, 2);
    declare(&mut example, good);
    assert!(example.ledger.declared.contains(&name(good)));
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// Such a journal knows of another account: whether that was in the place of this one in between, it does not say.
#[test]
fn the_first_record_of_declared_accounts_trusts_none_where_another_is_known() {
    let (good, other) = ("goodadmin@a.example.test", "svc-good@a.example.test");
    let mut example = waited(good);
    example.sid = Some("S-1-5-21-1-2-3-1106");
    start(&mut example, 2);
    declare(&mut example, other);
    example.pass(minutes(3 * 24 * 60));
    example.sid = Some("S-1-5-21-1-2-3-1105");
    example.ledger.declared.clear();
    start(&mut example, 3);
    declare(&mut example, good);
    assert_eq!(example.texts("exa1"), ["3 users await the second look, due 1h 5m from now"]);
}
