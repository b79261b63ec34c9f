//! Installs whose end nobody knows, in rollouts that have come to their end.

use super::{
    against, carry_out, file_it, install_next, installs, offered, phases, removals, remove, remove_next, resume, waves,
};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name};
use sendgate_core::ledger::{Entry, Milestone, Outcome, RolloutEvent, Sequence};
use sendgate_core::plan::disruption::disrupted;
use sendgate_core::plan::rollout::Phase;
use sendgate_core::request;

/// On EXA2, the last host, an install has an unknown end, and its store shows the old version.
pub(super) fn in_doubt(allowed: u32) -> (Example, Sequence) {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("{}[thresholds]\nfailed_installs = {allowed}\n", waves())));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Unknown { detail: "it was killed after 30m".into() });
    (example, intent)
}

pub(super) fn why(example: &Example) -> Option<String> {
    disrupted(example.world(), None).remove(&name("exa2"))
}

/// A person says so of EXA2.
pub(super) fn has_looked(example: &mut Example) {
    let request = request::skip(example.world(), "dst", "exa2", "the installer has ended");
    file_it(example, "olga", request);
}

pub(super) fn unknown(intent: Sequence) -> String {
    format!(
        "how intent {intent} ended is unknown: look whether it still runs; if it does not, `sendgate rollout skip dst exa2 \
         --reason WHY`"
    )
}

/// It has shown the hotfix since: how that install ended is known, whoever takes it off again later.
#[test]
fn what_has_been_shown_once_is_in_doubt_no_more() {
    let (mut example, intent) = in_doubt(1);
    assert_eq!(why(&example), Some(unknown(intent)));
    example.pass(minutes(1));
    example.exchange("exa2", AFTER);
    example.settle();
    assert_eq!(why(&example), None);
    example.pass(minutes(1));
    example.exchange("exa2", BEFORE);
    example.settle();
    assert!(!example.ledger.drift.is_empty());
    assert_eq!(why(&example), None);
}

/// It would count as disrupted for ever, and with room for one nothing would be done in the estate any more.
#[test]
fn a_person_who_has_looked_ends_the_doubt_also_when_the_rollout_has_finished() {
    let (mut example, intent) = in_doubt(1);
    example.pass(minutes(61));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
    assert_eq!(why(&example), Some(unknown(intent)));
    let of_exa1 = request::skip(example.world(), "dst", "exa1", "why not").unwrap_err().to_string();
    assert_eq!(of_exa1, "rollout dst is finished: nothing is to be done on its hosts");
    let again = request::retry(example.world(), "dst", "exa2", "it has ended").unwrap_err().to_string();
    assert_eq!(again, "rollout dst is finished: nothing is to be done on its hosts");
    has_looked(&mut example);
    assert_eq!(why(&example), None);
    assert_eq!(example.rollout_state(), "finished");
    let once_more = request::skip(example.world(), "dst", "exa2", "the same").unwrap_err().to_string();
    assert_eq!(once_more, "rollout dst is finished: nothing is to be done on its hosts");
    // Another rollout installs it there.
    let request = request::rollout_apply(example.world(), &crate::example::file("two", &["exa2"]));
    file_it(&mut example, "olga", request);
    let request = request::rollout_start(example.world(), "two", "");
    file_it(&mut example, "olga", request);
    let offer = installs(&offered(&mut example));
    assert_eq!(offer[0].0, "exa2");
    carry_out(&mut example, offer[0].1, "exa2", AFTER);
}

/// Whoever has said that he has looked, by leaving the host out or by an abort, is not asked again by the removal: the doubt
/// would stop it, and nothing else could begin in the estate.
#[test]
fn a_removal_does_not_forget_that_a_person_has_looked() {
    for left_out in [true, false] {
        let (mut example, _) = in_doubt(u32::from(left_out));
        if left_out {
            example.pass(minutes(61));
            example.settle();
            assert_eq!(example.rollout_state(), "finished");
            has_looked(&mut example);
        } else {
            let request = request::rollout_abort(example.world(), "dst", "enough");
            file_it(&mut example, "olga", request);
            example.pass(minutes(61));
        }
        assert_eq!(why(&example), None);
        remove(&mut example);
        assert_eq!(why(&example), None, "left out: {left_out}");
        remove_next(&mut example, "exa1");
        assert_eq!(phases(&example), [Phase::Removed, Phase::Removed], "left out: {left_out}");
        assert_eq!(example.rollout_state(), "removed again");
    }
}

/// Nobody has seen the end of what still ran when he aborted the rollout and had it removed.
#[test]
fn a_removal_asks_of_what_was_under_way_when_it_was_asked_for() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    let request = request::rollout_abort(example.world(), "dst", "enough");
    file_it(&mut example, "olga", request);
    remove(&mut example);
    example.end(intent, Outcome::Unknown { detail: "it was killed after 30m".into() });
    example.pass(minutes(61));
    example.settle();
    let state = format!("stopped by itself: the removal: exa1 how install {intent} ended is unknown");
    assert_eq!(example.rollout_state(), state);
}

/// An abort lets what runs run on. How that ends, whoever aborted cannot have seen, also where he has it removed later.
#[test]
fn whoever_aborts_has_not_looked_at_what_ends_afterwards() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    let request = request::rollout_abort(example.world(), "dst", "users complain");
    file_it(&mut example, "olga", request);
    example.pass(minutes(1));
    example.end(intent, Outcome::Unknown { detail: "it was killed after 30m".into() });
    example.pass(minutes(1));
    assert_eq!(why(&example), Some(unknown(intent)));
    let mut removed = Example { ledger: example.ledger.clone(), estate: example.estate.clone(), ..Example::covered() };
    removed.now = example.now;
    remove(&mut removed);
    removed.pass(minutes(61));
    removed.settle();
    let state = removed.rollout_state();
    assert!(state.contains(&format!("exa2 how install {intent} ended is unknown")), "{state}");
    has_looked(&mut example);
    assert_eq!(why(&example), None);
}

/// What a person has seen, only the host can show: before it has reported a version, it stays in doubt.
#[test]
fn who_has_looked_is_asked_no_more_while_the_host_does_not_show_its_version() {
    let (mut example, intent) = in_doubt(1);
    has_looked(&mut example);
    assert_eq!(
        why(&example),
        Some(format!("how intent {intent} ended is unknown: it has not shown its version since"))
    );
    example.pass(minutes(1));
    assert_eq!(why(&example), None);
}

/// A rollout that nobody went on with is aborted by itself, and nobody has looked at anything then.
#[test]
fn only_a_person_who_aborts_has_looked() {
    for by_hand in [true, false] {
        let (mut example, intent) = in_doubt(0);
        if by_hand {
            let request = request::rollout_abort(example.world(), "dst", "enough");
            file_it(&mut example, "olga", request);
            example.pass(minutes(1));
        } else {
            example.pass(minutes(61));
            example.settle();
            assert!(example.rollout_state().contains("1 failed installs"), "{}", example.rollout_state());
            example.pass(minutes(60 * 24 * 8 + 1));
            example.settle();
        }
        assert!(example.rollout_state().starts_with("aborted"), "{}", example.rollout_state());
        assert_eq!(why(&example), (!by_hand).then(|| unknown(intent)));
        if !by_hand {
            has_looked(&mut example);
            assert_eq!(why(&example), None);
        }
    }
}

/// Its host had shown what it brought, or nothing could have begun there later; that this is gone again puts nothing in doubt.
#[test]
fn an_unknown_end_that_a_later_act_has_come_after_is_in_doubt_no_more() {
    let mut example = Example::covered();
    example.rollout();
    let unknown = || Outcome::Unknown { detail: "the agent died".into() };
    let end_unknown = |example: &mut Example, intent, version| {
        example.append(Entry::Permitted { intent, holder: None });
        example.end(intent, unknown());
        example.exchange("exa1", version);
        example.pass(minutes(1));
        example.settle();
    };
    let install = installs(&offered(&mut example))[0].1;
    end_unknown(&mut example, install, AFTER);
    remove(&mut example);
    let removal = removals(&offered(&mut example))[0].1;
    end_unknown(&mut example, removal, BEFORE);
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(disrupted(example.world(), None).remove(&name("exa1")), None);
}

/// A removal after a trip whose end nobody knows, and that was not carried out; then a person has all of it taken off, which
/// does not count what was before. It must neither wait for ever nor be answered by leaving the hotfix on alone.
#[test]
fn an_earlier_removal_whose_end_is_unknown_stops_the_later_one_until_a_person_has_looked() {
    let ended = || {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{}", waves())));
        install_next(&mut example, "exa1");
        example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
        example.pauses("anna");
        let removal = removals(&offered(&mut example))[0].1;
        example.append(Entry::Permitted { intent: removal, holder: None });
        example.end(removal, Outcome::Unknown { detail: "the agent died".into() });
        example.pass(minutes(1));
        remove(&mut example);
        (example, removal)
    };
    let (mut example, removal) = ended();
    let doubt = format!(
        "how intent {removal} ended is unknown: look whether it still runs; if it does not, `sendgate rollout retry dst exa1 \
         --reason WHY` has the hotfix taken off, `sendgate rollout skip dst exa1 --reason WHY` leaves the host out"
    );
    assert_eq!(disrupted(example.world(), None)[&name("exa1")], doubt);
    assert!(against(&example, "exa1").contains(&format!("host exa1: {doubt}")), "{:?}", against(&example, "exa1"));
    // As long as an act may take it may run still.
    example.pass(minutes(59));
    assert_eq!(example.settle().0, []);
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("running", &Phase::Waiting));
    example.pass(minutes(1));
    example.settle();
    let state = format!("stopped by itself: the removal: exa1 how removal {removal} ended is unknown");
    assert_eq!(example.rollout_state(), state);
    let request = request::retry(example.world(), "dst", "exa1", "nothing runs there");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    remove_next(&mut example, "exa1");
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("removed again", &Phase::Removed));
    // Or he looks before that, and nothing stops.
    let (mut example, _) = ended();
    let request = request::retry(example.world(), "dst", "exa1", "nothing runs there");
    file_it(&mut example, "olga", request);
    remove_next(&mut example, "exa1");
    assert_eq!(example.rollout_state(), "removed again");
    // Or it shows that it was done after all.
    let (mut example, _) = ended();
    example.exchange("exa1", BEFORE);
    example.pass(minutes(61));
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
}

/// A removal of one wave does not come to a host of another one, whatever a person says of it.
#[test]
fn a_doubt_of_a_wave_that_a_removal_does_not_concern_names_no_retry() {
    let (mut example, intent) = in_doubt(1);
    let tripped = RolloutEvent::Tripped { reason: "stopped".into() };
    for event in [tripped, RolloutEvent::Removing { reason: "stopped".into(), wave: Some(0) }] {
        example.append(Entry::Milestone(Milestone::Rollout { rollout: name("dst"), event }));
    }
    assert_eq!(why(&example), Some(unknown(intent)));
}
