//! What a takeover has users wait for: nobody knows what landed in the part of the journal that is lost.

use super::{OWN, start, take_over, take_over_as};
use crate::example::{Example, minutes, name};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::ledger::{Anew, Effect, Entry, Milestone, Stamped};
use sendgate_core::plan;
use sendgate_core::view::{self, PairLine};
use std::time::Duration;

/// How far waiting is for a user, as `coverage` and `explain` both say.
fn pair(example: &Example, user: &str) -> PairLine {
    let world = example.world();
    let explained = view::explain(world, user, &view::Explanations::new()).users.remove(0).pair;
    let coverage = view::coverage(world, &name("a.example.test"));
    let line = coverage.users.into_iter().find(|line| line.user == Some(name(user))).unwrap();
    assert_eq!(line.pair, explained);
    explained
}

/// Whoever is covered without a record of it may have been granted the right a minute ago, in the part that is lost; and
/// what is on record as long settled may have vanished there and been granted again.
#[test]
fn all_waits_count_from_the_takeover() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.lands("anna");
    example.pass(minutes(65));
    example.settle();
    example.pass(minutes(60));
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    take_over(&mut example);
    example.observe_all();
    example.settle();
    example.pass(minutes(20));
    let why = |left| {
        let lost =
            "the rights of 3 users may have landed in what the journal lost before the takeover: they settle until";
        [format!("{lost} {left} from now")]
    };
    assert_eq!(example.texts("exa1"), why("1h 10m"));
    // Whoever looks at a user is told the same, whatever the journal has of him.
    let settled = minutes(70);
    assert_eq!(pair(&example, "anna"), PairLine::Proved { settled });
    assert_eq!(pair(&example, "bert"), PairLine::TakenOver { settled });
    let (_, plan) = example.settle();
    let wakes = plan.wake.unwrap().since(example.now.steady);
    assert!(wakes <= minutes(70) + Duration::from_millis(1), "{wakes:?}");
    example.pass(minutes(70) - Duration::from_millis(1));
    assert_eq!(example.texts("exa1").len(), 1);
    example.pass(Duration::from_millis(1));
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    assert_eq!(pair(&example, "anna"), PairLine::Proved { settled: Duration::ZERO });
    assert_eq!(pair(&example, "bert"), PairLine::Nothing);

    // What lands after that waits as always, and no longer.
    take_over_as(&mut example, 100);
    example.observe_all();
    example.settle();
    example.pass(minutes(60));
    example.lands("anna");
    example.pass(minutes(65));
    example.settle();
    assert_eq!(example.texts("exa1"), ["1 users are settling, until 25m 0s from now"]);
    assert_eq!(pair(&example, "anna"), PairLine::Proved { settled: minutes(25) });
}

/// What lands between the takeover and the first look is seen as if it had always been there: the waits begin at that look.
#[test]
fn waits_begin_when_everybody_is_seen_anew() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    take_over(&mut example);
    example.silence(minutes(80));
    let unseen = |why: &str| {
        format!(
            "since the takeover it is not known how all users of GoodLink server gla stand, and waits begin once it is: {why}"
        )
    };
    assert_eq!(example.settle().0, []);
    assert_eq!(example.ledger.lineage.anew(&name("gla")), Some(Anew::Unseen), "nothing was seen");

    // One whom nobody can judge is as good as unseen, until somebody waives him.
    example.set("anna", VerdictKind::Unreadable, Cause::NotShown);
    example.observe_all();
    example.settle();
    let texts = example.texts("exa1");
    let why = unseen("user anna@a.example.test is unreadable: the descriptor was not shown");
    assert!(texts.iter().any(|text| text.starts_with(&why)), "{texts:#?}");
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.observe_all();
    assert!(example.texts("exa1").contains(&unseen("it is about to be written down")));
    example.settle();
    let lost = "the rights of 3 users may have landed in what the journal lost before the takeover: they settle until 1h 30m \
                from now";
    assert_eq!(example.texts("exa1"), [lost]);
    assert_eq!(pair(&example, "bert"), PairLine::TakenOver { settled: minutes(90) });

    // Once is enough: who comes later has nothing to do with the takeover. A second one begins anew.
    example.pass(minutes(90));
    example.settle();
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
    take_over_as(&mut example, 100);
    assert_eq!(example.ledger.lineage.anew(&name("gla")), Some(Anew::Unseen));
    let entry = Entry::Milestone(Milestone::SeenAnew { goodlink: name("gla") });
    example.append(entry.clone());
    let stamped = Stamped { at: example.now, entry };
    let twice = example.ledger.apply(example.ledger.next(), &stamped).unwrap_err().to_string();
    assert!(twice.contains("nobody waits to see the users of gla anew"), "{twice}");
}

/// The same for a restart of GoodLink: what is on record as landed may have vanished in the lost part, and landed again.
#[test]
fn a_restart_waits_from_the_takeover() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(60));
    take_over(&mut example);
    example.observe_all();
    example.settle();
    example.pass(minutes(69));
    assert_eq!(example.settle().0, []);
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::RestartGoodlink { users: 1, .. })]), "{effects:?}");
}

/// While not all users of a GoodLink server are seen, the wait of none of them has begun: whoever asks is told why, and
/// nobody is advised to restart it. What is found out about a paused user says the same as the plan.
#[test]
fn nobody_is_restarted_for_before_everybody_is_seen_anew() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(180));
    example.set("bert", VerdictKind::Unreadable, Cause::NotShown);
    take_over(&mut example);
    example.observe_all();
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let why: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    let unseen = "since the takeover it is not known how all users of GoodLink server gla stand";
    assert!(why.iter().any(|why| why.contains(unseen) && why.contains("bert@a.example.test")), "{why:#?}");
    let gla = name("gla");
    let users = plan::remedy::paused(example.world(), &gla, None).unwrap();
    let begun = "since the takeover it is not known how all users of his GoodLink server stand: his wait has not begun";
    assert_eq!(users[0].recovery.to_string(), begun);
    let remaining = |example: &Example| {
        let examiner = plan::diagnosis::Examiner::new(example.world(), &gla).unwrap();
        examiner.of(&name("anna")).unwrap().remaining
    };
    assert_eq!(remaining(&example), minutes(130), "she is not called failed meanwhile");
    example.set("bert", VerdictKind::Covered, Cause::Granted);
    example.observe_all();
    example.settle();
    example.pass(minutes(60));
    assert_eq!(remaining(&example), minutes(70));
}

/// Whoever has nobody on an Exchange server need not be seen anew for its gate.
#[test]
fn scope_mailboxes_does_not_wait_for_a_goodlink_server_that_does_not_use_the_server() {
    let mut example = Example::covered();
    example.beside_glb();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
    let roster = example.only("bert");
    start(&mut example, OWN);
    take_over(&mut example);
    example.observe_all();
    example.roster(&["anna", "carl"]);
    example.survey();
    example.settle();
    // Of glb nothing is heard but whom it has; bert's mailbox is on exa2.
    example.estate.rosters.insert(name("glb"), roster);
    assert!(example.texts("exa2").iter().any(|text| text.contains("GoodLink server glb has not reported")));
    let texts = example.texts("exa1");
    let unseen = "it is not known how all users of GoodLink server glb stand";
    assert!(!texts.iter().any(|text| text.contains(unseen)), "{texts:#?}");
}
