//! Users of GoodLink servers that are not declared to use an Exchange server, whose mailbox is on it all the same.

use crate::example::{Example, minutes, name};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::gate;
use sendgate_core::ledger::{Entry, Generation};
use sendgate_core::time::{BootTime, ClockMark};

/// GoodLink server gla uses EXA1 and has carl, glb uses EXA2 and has anna, whose mailbox is on EXA1.
fn beside() -> Example {
    let mut example = Example::covered();
    example.beside_glb();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
    let (carl, anna) = (example.only("carl"), example.only("anna"));
    example.estate.rosters.extend([(name("gla"), carl), (name("glb"), anna)]);
    example
}

const MISSING: &str = "user anna@a.example.test is missing";

fn is_closed_by(example: &Example, why: &str) -> bool {
    example.texts("exa1").iter().any(|text| text.starts_with(why))
}

#[test]
fn scope_mailboxes_counts_whoever_has_his_mailbox_there() {
    let mut example = beside();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    assert!(
        is_closed_by(&example, "the mailbox of anna@a.example.test is on exa1, which glb"),
        "{:?}",
        example.texts("exa1")
    );
    assert!(is_closed_by(&example, MISSING), "{:?}", example.texts("exa1"));
    // Where he is elsewhere for certain, or excepted, he does not count.
    example.waive("anna", "leaves");
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
}

/// His own domain shows him. That another one, which he may be in as well, says nothing just now opens no gate.
#[test]
fn what_another_domain_leaves_unsaid_does_not_open_the_gate_that_a_user_closes() {
    let mut example = beside();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    example.policy.goodlink.get_mut(&name("glb")).unwrap().domains.insert(name("c.example.test"));
    assert!(is_closed_by(&example, MISSING), "{:?}", example.texts("exa1"));
}

/// The same of the cell itself, of a domain that nobody of the server is declared to be in: a hold on that domain concerns
/// it as long as somebody's mailbox is there.
#[test]
fn what_another_domain_leaves_unsaid_does_not_take_a_cell_away() {
    let mut example = beside();
    example.survey();
    let mut picture = example.estate.domains[&name("a.example.test")].clone();
    let policy = example.policy.domains[&name("a.example.test")].clone();
    picture.domain = name("b.example.test");
    example.estate.domains.insert(picture.domain.clone(), picture);
    example.policy.domains.insert(name("b.example.test"), policy);
    let glb = example.policy.goodlink.get_mut(&name("glb")).unwrap();
    glb.domains = [name("b.example.test")].into();
    let cells = |example: &Example| gate::cells_of_server(example.world(), &name("exa1"));
    assert!(cells(&example).contains(&name("b.example.test")));
    example.policy.goodlink.get_mut(&name("glb")).unwrap().domains.insert(name("c.example.test"));
    assert!(cells(&example).contains(&name("b.example.test")));
}

/// Who closed it before the start may be on a roster that has not come yet, or whom no survey was asked for yet.
#[test]
fn after_a_start_such_a_roster_is_awaited_for_as_long_as_a_host_may_be_silent() {
    let mut example = beside();
    let roster = example.estate.rosters.remove(&name("glb")).unwrap();
    example.survey();
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter: 1, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    let texts = example.texts("exa1");
    assert!(
        texts.iter().any(|text| text.contains("glb") && text.contains("has not arrived since the coordinator started")),
        "{texts:?}"
    );
    example.now.steady = example.now.steady + minutes(2);
    assert_eq!(example.texts("exa1").len(), 1, "a host that is as old may still come");
    example.now.steady = example.now.steady + minutes(1);
    example.goodlink("adom\\goodadmin");
    assert_eq!(example.texts("exa1"), Vec::<String>::new(), "one that is silent closes only what it uses");
    // It comes after all, and nobody was asked for whom it has.
    let mut picture = example.estate.domains[&name("a.example.test")].clone();
    picture.users.remove(&name("anna@a.example.test"));
    example.estate.domains.insert(picture.domain.clone(), picture);
    example.estate.rosters.insert(name("glb"), roster);
    let texts = example.texts("exa1");
    let unasked = "roster user anna of glb is unresolved: not asked for in the last survey of a.example.test";
    assert!(texts.iter().any(|text| *text == unasked), "{texts:?}");
}
