//! What was shown of a user while no roster named him for the account counts once one does.

use crate::example::{Example, guid, minutes, name};
use crate::state;
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::PairState;

const SECOND_LOOK: &str = "1 users await the second look, due 1h 5m from now";

/// Time passes, and Anna is judged, but for the users of another GoodLink server.
fn off_roster(example: &mut Example, minutes_on: u64, kind: VerdictKind, cause: Cause) {
    example.set("anna", kind, cause);
    example.pass(minutes(minutes_on));
    example.roster(&["bert", "carl"]);
    example.settle();
}

/// Anna comes on the roster, and everything is looked at.
fn joins(example: &mut Example, minutes_on: u64) {
    example.pass(minutes(minutes_on));
    example.settle();
}

/// She was shown without the right for the account, which is granted before she is moved to its GoodLink server.
#[test]
fn a_right_that_came_before_a_roster_named_the_user_is_waited_for() {
    let mut example = Example::covered();
    off_roster(&mut example, 0, VerdictKind::Missing, Cause::NoEntry);
    off_roster(&mut example, 1, VerdictKind::Covered, Cause::Granted);
    assert_eq!(state(&example, "anna"), None, "nobody asks for it");
    joins(&mut example, 1);
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
    assert_eq!(example.texts("exa1"), [SECOND_LOOK]);
    let noted = example.journal.iter().map(|stamped| format!("{:?}", stamped.entry)).collect::<String>();
    assert!(noted.contains("it was missing while no roster asked for it"), "{noted}");
    for _ in 0..2 {
        example.pass(minutes(90));
        example.settle();
    }
    assert_eq!(example.texts("exa1"), [""; 0], "once");
}

/// Nobody has to wait for what came long ago, nor who was never seen without it.
#[test]
fn a_right_that_came_long_before_is_not_waited_for() {
    let mut example = Example::covered();
    off_roster(&mut example, 0, VerdictKind::Covered, Cause::Granted);
    joins(&mut example, 1);
    assert_eq!(state(&example, "anna"), None);
    off_roster(&mut example, 1, VerdictKind::Missing, Cause::NoEntry);
    off_roster(&mut example, 1, VerdictKind::Covered, Cause::Granted);
    off_roster(&mut example, 89, VerdictKind::Covered, Cause::Granted);
    joins(&mut example, 1);
    assert_eq!(state(&example, "anna"), None);
    assert_eq!(example.texts("exa1"), [""; 0]);
}

/// Between two rosters nobody asks for her: the right may have come at any time since she was read last.
#[test]
fn a_right_that_came_while_nobody_read_the_user_is_waited_for() {
    // The first in the order of names, one in the middle, the last.
    for user in ["anna", "bert", "carl"] {
        let mut example = Example::covered();
        example.set(user, VerdictKind::Missing, Cause::NoEntry);
        example.observe_all();
        example.estate.rosters.clear();
        example.settle();
        assert_eq!(state(&example, user), None);
        let mut look = example.look();
        let Judged::All(users) = &mut look.users else { panic!("everybody is judged") };
        users.remove(&name(&format!("{user}@a.example.test")));
        example.estate.observe(Observation::Look(look));
        example.set(user, VerdictKind::Covered, Cause::Granted);
        joins(&mut example, 600);
        assert_eq!(state(&example, user), Some(PairState::Landed { at: example.now.steady }));
        assert_eq!(example.texts("exa1"), [SECOND_LOOK]);
    }
}

/// No server shows her for a while; what is remembered of her does not end with that.
#[test]
fn a_right_that_came_while_the_user_was_out_of_sight_is_waited_for() {
    let mut example = Example::covered();
    let anna = || name("anna@a.example.test");
    off_roster(&mut example, 0, VerdictKind::Missing, Cause::NoEntry);
    for presence in [Presence::Unknown("a1: timed out".into()), Presence::Absent] {
        let mut look = example.look();
        look.users = Judged::Some([(anna(), presence)].into());
        example.estate.observe(Observation::Look(look));
    }
    off_roster(&mut example, 1, VerdictKind::CannotTell, Cause::Disabled);
    off_roster(&mut example, 60, VerdictKind::Covered, Cause::Granted);
    joins(&mut example, 60);
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
}

/// Her right was proved; while she was on another roster it went and came.
#[test]
fn a_right_that_was_lost_off_the_roster_has_vanished() {
    let mut example = Example::covered();
    example.lands("anna");
    joins(&mut example, 70);
    assert!(matches!(state(&example, "anna"), Some(PairState::Proved { .. })), "{:?}", state(&example, "anna"));
    joins(&mut example, 30);
    assert_eq!(example.texts("exa1"), [""; 0]);
    off_roster(&mut example, 1, VerdictKind::Missing, Cause::NoEntry);
    off_roster(&mut example, 1, VerdictKind::Covered, Cause::Granted);
    joins(&mut example, 1);
    assert_eq!(state(&example, "anna"), Some(PairState::Landed { at: example.now.steady }));
    assert_eq!(example.texts("exa1"), [SECOND_LOOK]);
}

/// Only whoever stops being shown without the right takes room, and not for ever.
#[test]
fn little_is_remembered() {
    let mut example = Example::covered();
    let past = |example: &Example| {
        let picture = &example.estate.domains[&name("a.example.test")];
        let of = |user: &str| {
            let user = guid(&name(&format!("{user}@a.example.test")));
            picture.past.of(user, &name("goodadmin@a.example.test"))
        };
        (of("anna"), of("bert"))
    };
    off_roster(&mut example, 0, VerdictKind::Missing, Cause::NoEntry);
    assert_eq!(past(&example), (None, None), "the picture itself tells it");
    off_roster(&mut example, 1, VerdictKind::Covered, Cause::Granted);
    let (anna, bert) = past(&example);
    assert_eq!((anna.map(|lacked| (lacked.until, lacked.came)), bert), (Some((example.now.steady, true)), None));
    off_roster(&mut example, 8 * 24 * 60, VerdictKind::Covered, Cause::Granted);
    assert_eq!(past(&example), (None, None));
}
