//! Whom nobody has looked at since a takeover though all are said to be seen: what was known of him may be lost.

use super::{OWN, start, take_over, take_over_as};
use crate::example::{BEFORE, Example, guid, minutes, name};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::{Estate, Observation, Roster, RosterDigest};
use sendgate_core::ledger::{Anew, Entry, Generation, Milestone, Pair, PairState, Stamped};
use sendgate_core::names::DirectoryName;
use sendgate_core::plan::{self, Step};
use std::time::Duration;

const SECOND_LOOK: &str = "1 users await the second look, due 1h 5m from now";

/// The digest that the GoodLink server reports.
const SHOWN: u8 = 1;

/// Time passes, and everybody is looked at, with these on the roster.
fn passes(example: &mut Example, minutes_on: u64, users: &[&str]) {
    example.pass(minutes(minutes_on));
    on_roster(example, users, SHOWN);
    example.settle();
}

/// A roster that has these users arrives.
fn on_roster(example: &mut Example, users: &[&str], digest: u8) {
    let users = users.iter().map(|user| (name(user), address(user))).collect();
    let roster = Roster { digest: RosterDigest([digest; 32]), users };
    example.estate.observe(Observation::Roster(name("gla"), roster, example.now.steady));
}

fn address(user: &str) -> DirectoryName {
    name(&format!("{user}@a.example.test"))
}

fn state(example: &Example, user: &str) -> Option<PairState> {
    let pair = Pair { user: guid(&address(user)), account: name("goodadmin@a.example.test") };
    example.ledger.pairs.get(&pair).copied()
}

fn landed_now(example: &Example) -> PairState {
    PairState::Landed { at: example.now.steady }
}

fn noted(example: &Example, what: &str) -> usize {
    let lines = example.journal.iter().filter_map(|stamped| match &stamped.entry {
        Entry::Milestone(milestone) => Some(milestone.to_string()),
        _ => None,
    });
    lines.filter(|line| line.contains(what)).count()
}

/// The coordinator starts again, and hears everything anew, with these rosters one after the other.
fn restarts(example: &mut Example, rosters: &[(&[&str], u8)]) {
    let generation = example.ledger.generation.unwrap();
    start(example, Generation { counter: generation.counter + 1, ..generation });
    example.estate = Estate::default();
    example.silence(minutes(1));
    for host in ["exa1", "exa2"] {
        example.exchange(host, BEFORE);
    }
    example.goodlink("adom\\goodadmin");
    for (users, digest) in rosters {
        on_roster(example, users, *digest);
    }
    example.survey();
}

/// Everybody but Anna is seen anew, and has waited.
fn without_anna() -> Example {
    let mut example = Example::covered();
    start(&mut example, OWN);
    take_over(&mut example);
    passes(&mut example, 1, &["bert", "carl"]);
    passes(&mut example, 90, &["bert", "carl"]);
    assert_eq!(example.texts("exa1"), [""; 0]);
    example
}

/// Her right may have been missing in the part that is lost, and have come a minute before she did.
#[test]
fn whoever_comes_onto_a_roster_after_a_takeover_is_waited_for_from_then_on() {
    let mut example = without_anna();
    passes(&mut example, 1, &["anna", "bert", "carl"]);
    assert_eq!(state(&example, "anna"), Some(landed_now(&example)));
    assert_eq!(example.texts("exa1"), [SECOND_LOOK]);
    let came = "since the takeover nobody has looked at these users of gla, and their right counts as new once it is seen: anna@a.example.test";
    assert_eq!(noted(&example, came), 1);
    passes(&mut example, 89, &["anna", "bert", "carl"]);
    assert_eq!(example.texts("exa1"), ["1 users are settling, until 1m 0s from now"]);
    passes(&mut example, 1, &["anna", "bert", "carl"]);
    assert_eq!(example.texts("exa1"), [""; 0], "once");
    assert_eq!(noted(&example, came), 1);
}

/// What the journal has of her may be of before the part that is lost: it is waited for anew, and once more when she was away
/// again.
#[test]
fn a_right_that_was_proved_counts_as_new_when_its_user_comes_back() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.lands("anna");
    example.pass(minutes(100));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Proved { .. })));
    take_over(&mut example);
    passes(&mut example, 1, &["bert", "carl"]);
    passes(&mut example, 90, &["bert", "carl"]);
    // While she is away she is seen without the right, for the last time; the second time nobody has seen anything of her.
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    passes(&mut example, 1, &["bert", "carl"]);
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    for time in 0..=1 {
        passes(&mut example, 1, &["anna", "bert", "carl"]);
        assert_eq!(state(&example, "anna"), Some(landed_now(&example)));
        let cause = "nobody had looked at them since the takeover";
        assert_eq!(noted(&example, cause), time);
        passes(&mut example, 30, &["bert", "carl"]);
    }
}

/// Another GoodLink server's roster had her: she was looked at all the time.
#[test]
fn whoever_comes_from_another_roster_is_no_newcomer() {
    let mut example = without_anna();
    example.beside_glb();
    let mut roster = example.only("bert");
    roster.users = [(name("anna"), address("anna"))].into();
    example.estate.observe(Observation::Roster(name("glb"), roster.clone(), example.now.steady));
    roster.users.clear();
    passes(&mut example, 1, &["anna", "bert", "carl"]);
    example.estate.observe(Observation::Roster(name("glb"), roster, example.now.steady));
    example.settle();
    assert_eq!(state(&example, "anna"), None);
    assert_eq!(noted(&example, "nobody has looked at these users"), 0);
}

/// Whoever is there when everybody is seen anew is waited for with all others; and who comes months later has nothing to do
/// with the takeover.
#[test]
fn whoever_comes_before_everybody_is_seen_or_long_after_is_no_newcomer() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    take_over(&mut example);
    on_roster(&mut example, &["bert"], SHOWN);
    example.silence(minutes(1));
    on_roster(&mut example, &["anna", "bert"], SHOWN);
    passes(&mut example, 1, &["anna", "bert"]);
    assert_eq!(example.ledger.lineage.anew(&name("gla")), Some(Anew::Since(example.now.steady)));
    assert_eq!(noted(&example, "nobody has looked at these users"), 0);
    let days = |days: u64| 24 * 60 * days;
    example.silence(minutes(days(92)) - Duration::from_secs(120));
    example.pass(minutes(1));
    on_roster(&mut example, &["anna", "bert"], SHOWN);
    example.silence(minutes(1));
    passes(&mut example, 1, &["anna", "bert", "carl"]);
    assert_eq!((noted(&example, "nobody has looked at these users"), state(&example, "carl")), (0, None));
}

/// Nobody waits to see whoever is waived; what comes of her later counts as new all the same. One who is waived and seen is as
/// good as all others.
#[test]
fn whoever_is_waived_and_unseen_is_waited_for_once_she_is_seen() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.waive("anna", "on leave");
    example.waive("carl", "on leave");
    example.set("anna", VerdictKind::Unreadable, Cause::NotShown);
    take_over(&mut example);
    let all = ["anna", "bert", "carl"];
    passes(&mut example, 1, &all);
    let unwatched =
        "since the takeover nobody has looked at these users of gla, and their right counts as new once it is seen: ";
    assert_eq!(noted(&example, &format!("{unwatched}anna@a.example.test")), 1);
    assert_eq!(noted(&example, unwatched), 1, "nobody else");
    passes(&mut example, 80, &all);
    assert_eq!(state(&example, "anna"), None);
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    passes(&mut example, 10, &all);
    assert_eq!((state(&example, "anna"), state(&example, "carl")), (Some(landed_now(&example)), None));
}

/// Nobody can say who was on the last roster that an earlier start saw: where it is another one by now, all waits begin anew.
#[test]
fn a_roster_that_changed_while_the_coordinator_was_away_begins_all_waits_anew() {
    let mut example = without_anna();
    let seen = example.ledger.lineage.anew(&name("gla"));
    let again = |example: &mut Example, rosters: &[(&[&str], u8)]| {
        restarts(example, rosters);
        example.settle();
    };
    let changed = "since the takeover nobody may have looked at some of them, and waits begin anew";
    // The same roster: nobody is new, nor may be on those that come after it.
    again(&mut example, &[(&["bert", "carl"], SHOWN)]);
    on_roster(&mut example, &["bert"], 2);
    example.settle();
    assert_eq!(example.ledger.lineage.anew(&name("gla")), seen);
    assert_eq!(noted(&example, changed), 0);
    again(&mut example, &[(&["bert"], 4), (&["anna", "bert", "carl"], SHOWN)]);
    assert_eq!(example.ledger.lineage.anew(&name("gla")), Some(Anew::Since(example.now.steady)));
    assert_eq!(noted(&example, changed), 1);
    // The next ones are compared with this one, and what is known of newcomers ends where all waits begin anew.
    let joins = |example: &mut Example| {
        for (users, digest) in [(&["bert"][..], 2), (&["anna", "bert"], 3)] {
            on_roster(example, users, digest);
            example.settle();
        }
        assert_eq!(example.ledger.lineage.unwatched_until(&name("gla"), &address("anna")), Some(example.now.steady));
    };
    joins(&mut example);
    assert_eq!(noted(&example, changed), 1);
    again(&mut example, &[(&["anna", "bert"], SHOWN)]);
    assert_eq!(noted(&example, changed), 2);
    assert_eq!(example.ledger.lineage.unwatched_until(&name("gla"), &address("anna")), None);
    joins(&mut example);
    // It is the last one again, after one that came first.
    again(&mut example, &[(&["bert"], 4), (&["anna", "bert"], 3)]);
    assert_eq!(noted(&example, changed), 2);
    assert_eq!(example.ledger.lineage.unwatched_until(&name("gla"), &address("anna")), Some(example.now.steady));
    take_over_as(&mut example, 200);
    assert_eq!(example.ledger.lineage.anew(&name("gla")), Some(Anew::Unseen));
    assert_eq!(example.ledger.lineage.unwatched_until(&name("gla"), &address("anna")), None);
}

/// The journal takes neither record where nobody waits from an earlier look.
#[test]
fn what_is_written_down_of_newcomers_needs_a_takeover() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    let unwatched = Milestone::Unwatched { goodlink: name("gla"), users: [address("anna")].into() };
    let digest = sendgate_core::ledger::Sha256([9; 32]);
    let roster = Milestone::Roster { goodlink: name("gla"), digest, users: 3, anew: true };
    for (milestone, why) in [
        (unwatched, "there was no takeover since which the users of gla could be unwatched"),
        (roster, "gla: nobody waits from an earlier look"),
    ] {
        let stamped = Stamped { at: example.now, entry: Entry::Milestone(milestone) };
        let refused = example.ledger.apply(example.ledger.next(), &stamped).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

/// The coordinator may die after any of the records that are planned at once: whoever nobody has looked at is waited for all
/// the same.
#[test]
fn nobody_is_forgotten_where_the_coordinator_dies_between_two_records() {
    let comes = without_anna();
    let mut waived = Example::covered();
    start(&mut waived, OWN);
    waived.waive("anna", "on leave");
    waived.set("anna", VerdictKind::Unreadable, Cause::NotShown);
    take_over(&mut waived);
    // The second is about to be seen anew, by the roster that her GoodLink server reports.
    for (mut before, digest) in [(comes, 2), (waived, SHOWN)] {
        let all = ["anna", "bert", "carl"];
        before.pass(minutes(1));
        on_roster(&mut before, &all, digest);
        let entries = |example: &Example| -> Vec<Entry> {
            plan::plan(example.world()).steps.iter().filter_map(Step::entry).collect()
        };
        let planned = entries(&before);
        let tells = |entry: &Entry| matches!(entry, Entry::Milestone(Milestone::Unwatched { .. }));
        assert!(planned.len() > 1 && planned.iter().any(tells), "{planned:?}");
        for written in 0..=planned.len() {
            let mut example = before.clone();
            for entry in planned.iter().take(written) {
                example.append(entry.clone());
            }
            restarts(&mut example, &[(&all, digest)]);
            example.set("anna", VerdictKind::Covered, Cause::Granted);
            example.survey();
            example.settle();
            let anew = match example.ledger.lineage.anew(&name("gla")) {
                Some(Anew::Since(at)) => at == example.now.steady,
                unseen => unseen == Some(Anew::Unseen),
            };
            assert!(anew || state(&example, "anna") == Some(landed_now(&example)), "{written} of {planned:?}");
        }
    }
}
