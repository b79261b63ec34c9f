//! The hotfix is taken off again: the last wave first, under the same limits, by a person or by a trip.

use super::{
    carry_out, file_it, finished, install_next, installs, offered, phases, removals, remove, remove_next, resume, waves,
};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, wave};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::ledger::{Entry, Outcome, Sequence};
use sendgate_core::plan::{self, rollout::Phase};
use sendgate_core::policy::ExchangePolicy;
use sendgate_core::request;
use sendgate_core::view;

/// The state and why it is removed, as `rollout show` has it; `status` has the same state.
pub(super) fn shown(example: &Example) -> (String, String) {
    let view = view::rollout(example.world(), &name("dst")).unwrap();
    let line = view::status(example.world()).rollouts.remove(0);
    assert_eq!(line.state, view.state);
    (view.state, view.removal.unwrap())
}

#[test]
fn a_finished_rollout_is_removed_in_reverse_and_what_it_leaves_is_no_drift() {
    let mut example = finished(&waves());
    remove(&mut example);
    let because = "stores do not mount".to_owned();
    assert_eq!(shown(&example), (format!("being removed again: {because}"), because.clone()));
    for host in ["exa2", "exa1"] {
        remove_next(&mut example, host);
    }
    assert_eq!(example.settle().0, []);
    assert_eq!(shown(&example), ("removed again".to_owned(), because));
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(phases(&example), [Phase::Removed, Phase::Removed]);
    assert!(example.ledger.drift.is_empty(), "{:?}", example.ledger.drift);
}

/// Two rollouts that pull at one server in two directions: the later one has to end first.
#[test]
fn what_a_later_rollout_has_is_not_removed_from_under_it() {
    let mut example = finished(&waves());
    let later = file_of("fixed", &wave("all", &["exa1"]));
    let request = request::rollout_apply(example.world(), &later);
    file_it(&mut example, "olga", request);
    let refused = request::rollout_remove(example.world(), "dst", "stores do not mount").unwrap_err().to_string();
    assert!(refused.starts_with("Exchange server exa1 belongs to rollout fixed, which is "), "{refused}");
    let request = request::rollout_abort(example.world(), "fixed", "it comes later");
    file_it(&mut example, "olga", request);
    remove(&mut example);
}

/// What is removed enforces less: a closed gate is no reason to leave it.
#[test]
fn a_closed_gate_does_not_stop_a_removal() {
    let mut example = finished(&waves());
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.observe_all();
    remove(&mut example);
    assert_eq!(removals(&example.settle().0).len(), 1);
}

/// In the middle of an install: what runs is awaited, what is only offered is taken back, nothing else is touched.
#[test]
fn a_removal_waits_for_the_install_that_runs() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    remove(&mut example);
    assert_eq!(example.settle().0, [], "the installer still runs");
    example.exchange("exa1", AFTER);
    example.settle();
    example.end(intent, crate::example::succeeded());
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    let [(host, removal)] = removals(&effects).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(host, "exa1");
    carry_out(&mut example, removal, "exa1", BEFORE);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[1]), ("removed again", &Phase::Kept));
}

/// A report from before the install says nothing of what it brought.
#[test]
fn an_old_report_does_not_count_as_removed() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, crate::example::succeeded());
    remove(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    assert_ne!(phases(&example)[0], Phase::Removed);
}

#[test]
fn an_offer_of_an_install_is_void_once_it_is_to_be_removed() {
    let mut example = finished(&waves());
    // A host more, so that an install is on offer: exa2 has lost the hotfix and is tried again.
    let mut fresh = Example::covered();
    fresh.rollout();
    install_next(&mut fresh, "exa1");
    fresh.pass(minutes(15));
    let (effects, _) = fresh.settle();
    let offered = installs(&effects)[0].1;
    remove(&mut fresh);
    let refusal = plan::permit(fresh.world(), offered).unwrap_err();
    assert!(refusal.void, "{refusal:?}");
    fresh.settle();
    assert!(!fresh.ledger.intents[&offered].state.is_open());
    remove(&mut example);
    let twice = request::rollout_remove(example.world(), "dst", "again").unwrap_err().to_string();
    assert_eq!(twice, "rollout dst is being removed already and is running; left: exa1, exa2");
    remove_next(&mut example, "exa2");
    let twice = request::rollout_remove(example.world(), "dst", "again").unwrap_err().to_string();
    assert_eq!(twice, "rollout dst is being removed already and is running; left: exa1");
}

/// `on_trip = "remove"`: the wave that tripped loses the hotfix again by itself; the waves before it keep it.
#[test]
fn a_trip_removes_the_hotfix_from_its_wave() {
    let mut example = Example::covered();
    let waves = format!("{}{}", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{waves}")));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.settle();
    install_next(&mut example, "exa2");
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    example.paused.insert("bert");
    example.observe_all();
    let (effects, _) = example.settle();
    let [(host, intent)] = removals(&effects).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(host, "exa2");
    let because = "wave rest: 1 new Send As pauses";
    let (state, why) = shown(&example);
    assert!(state.starts_with(&format!("being removed again (wave rest alone): {because}")), "{state}");
    assert!(why.starts_with(&format!("of wave rest alone: {because}")), "{why}");
    carry_out(&mut example, intent, "exa2", BEFORE);
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(shown(&example).0, "removed again from wave rest; earlier waves keep the hotfix");
    assert_eq!(phases(&example), [Phase::Kept, Phase::Removed]);
    let removal = example.ledger.rollouts[&name("dst")].removal.clone().unwrap();
    assert!(removal.reason.starts_with("wave rest: 1 new Send As pauses"), "{}", removal.reason);
    // A person may have the rest of it taken off as well.
    remove(&mut example);
    let (effects, _) = example.settle();
    assert_eq!(removals(&effects).iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["exa1"]);
}

#[test]
fn a_removal_that_fails_stops_and_goes_on_when_a_person_says_so() {
    let mut example = finished(&waves());
    remove(&mut example);
    let (effects, _) = example.settle();
    let intent = removals(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 5".into() });
    example.settle();
    assert_eq!(example.rollout_state(), "stopped by itself: the removal: exa2 the removal failed: exit code 5");
    let request = request::retry(example.world(), "dst", "exa2", "service stopped by hand");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    example.pass(minutes(1));
    assert_eq!(removals(&example.settle().0).len(), 1);
}

#[test]
fn what_was_never_installed_is_not_removed() {
    let mut example = Example::covered();
    example.rollout();
    let text = request::rollout_remove(example.world(), "dst", "why not").unwrap_err().to_string();
    assert_eq!(text, "rollout dst has installed nothing: there is nothing to remove");
}

/// On EXA1, the first host, an install has an unknown end.
fn of_unknown_end() -> (Example, Sequence) {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Unknown { detail: "the agent died".into() });
    (example, intent)
}

/// How an install ended is not known, and the host shows no hotfix: the installer may still run. It is waited for as long as
/// an act may take, then a person must look; once he has, the host's own report counts.
#[test]
fn an_install_whose_end_is_unknown_stops_the_removal_until_a_person_has_looked() {
    let (mut example, intent) = of_unknown_end();
    remove(&mut example);
    example.pass(minutes(60));
    assert_eq!(example.settle().0, []);
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("running", &Phase::Waiting));
    example.pass(minutes(1));
    example.settle();
    let text = format!("stopped by itself: the removal: exa1 how install {intent} ended is unknown");
    assert_eq!(example.rollout_state(), text);
    let request = request::retry(example.world(), "dst", "exa1", "nothing runs there");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("removed again", &Phase::Removed));
}

/// The last that a host said is that it has no hotfix, and then nothing more: somebody may have brought it since.
#[test]
fn a_host_that_is_silent_has_not_lost_the_hotfix_by_what_it_said_last() {
    let (mut example, _) = of_unknown_end();
    example.pass(minutes(1));
    remove(&mut example);
    let request = request::retry(example.world(), "dst", "exa1", "nothing runs there");
    example.silence(example.policy.freshness.silent_after + minutes(1));
    file_it(&mut example, "olga", request);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("running", &Phase::Waiting));
    example.exchange("exa1", BEFORE);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("removed again", &Phase::Removed));
}

/// Two hosts as the nodes of one server, in a rollout that may change both at once.
fn cluster() -> Example {
    cluster_of(&file_of("dst", &format!("[limits]\nat_once = 2\n{}", wave("all", &["exa1"]))))
}

pub(super) fn cluster_of(file: &str) -> Example {
    let mut example = Example::covered();
    let cluster = ExchangePolicy { hosts: vec![name("exa1"), name("exa2")], domain: None, tags: [].into() };
    example.policy.exchange = [(name("exa1"), cluster)].into();
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
    example.truth.values_mut().for_each(|user| user.2 = "exa1");
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.observe_all();
    example.rollout_of(file);
    example
}

/// One node has the hotfix, on the other it is being installed: two nodes of one server are never changed at once.
#[test]
fn a_removal_touches_no_node_while_another_one_is_installing() {
    let mut example = cluster();
    install_next(&mut example, "exa1");
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    remove(&mut example);
    assert_eq!(example.settle().0, [], "the installer still runs on exa2");
    assert_eq!(phases(&example), [Phase::Waiting, Phase::Installing { intent }]);
    example.exchange("exa2", AFTER);
    example.end(intent, crate::example::succeeded());
    example.pass(minutes(1));
    remove_next(&mut example, "exa1");
    remove_next(&mut example, "exa2");
    assert_eq!(example.rollout_state(), "removed again");
}

/// Two nodes of one server: one at a time, also in this direction, and the one on offer gets its permit.
#[test]
fn nodes_of_a_cluster_are_removed_one_at_a_time() {
    let mut example = cluster();
    install_next(&mut example, "exa1");
    install_next(&mut example, "exa2");
    remove(&mut example);
    remove_next(&mut example, "exa1");
    remove_next(&mut example, "exa2");
    assert_eq!(example.rollout_state(), "removed again");
}

/// The program of a removal after a trip still runs when a person has all of it taken off.
#[test]
fn what_an_earlier_removal_had_begun_is_done_once_it_shows_that() {
    let mut example = Example::covered();
    let waves = format!("{}{}", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{waves}")));
    install_next(&mut example, "exa1");
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    example.paused.insert("anna");
    example.observe_all();
    let [(_, intent)] = removals(&example.settle().0).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    example.append(Entry::Permitted { intent, holder: None });
    example.pass(minutes(1));
    remove(&mut example);
    example.exchange("exa1", BEFORE);
    example.silence(minutes(1));
    example.end(intent, crate::example::succeeded());
    example.settle();
    assert_eq!(example.rollout_state(), "running", "what it shows is of before the end");
    example.pass(minutes(1));
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("removed again", &Phase::Removed));
}
