//! Hosts that a wave went on without: over the rollout they stay counted.

use super::{against, file_it, install_next, phases, resume, waves};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name};
use sendgate_core::estate::Estate;
use sendgate_core::ledger::{Entry, Milestone, Stamped};
use sendgate_core::names::HostName;
use sendgate_core::plan::rollout::{Class, Phase};
use sendgate_core::plan::{self, Step};
use sendgate_core::{request, view};
use std::collections::{BTreeMap, BTreeSet};

const ALLOWED: &str = "unreachable = 1\nstores_down = 1\n";

/// One host may fail in each wave and in the rollout; on EXA1 the store goes down after the install, its wave goes on without
/// it, and then it serves again.
fn without_exa1() -> Example {
    let mut example = before_the_wave_is_over();
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    example.observe_all();
    example
}

/// The same, just before its wave is over.
fn before_the_wave_is_over() -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.rollout_of(&file_of("dst", &format!("{}[thresholds]\n{ALLOWED}[wave_thresholds]\n{ALLOWED}", waves())));
    install_next(&mut example, "exa1");
    down(&mut example, "exa1");
    example.settle();
    example.pass(minutes(15));
    down(&mut example, "exa1");
    example
}

/// The coordinator is killed once it has written down that EXA1 has failed, and before it has that the wave is over.
fn killed() -> Example {
    let mut example = before_the_wave_is_over();
    for _ in 0..10 {
        for entry in plan::plan(example.world()).steps.iter().filter_map(Step::entry) {
            example.append(entry);
        }
        if failed(&example) == &[(name("exa1"), Class::Store)].into() {
            assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0);
            return example;
        }
    }
    panic!("{:?}", failed(&example));
}

fn failed(example: &Example) -> &BTreeMap<HostName, Class> {
    &example.ledger.rollouts[&name("dst")].failed
}

/// When it is back, the store serves again, and the wave is over with that host: nothing of it counts against the next wave.
#[test]
fn a_host_that_has_recovered_before_its_wave_was_over_is_not_counted() {
    let mut example = killed();
    example.observe_all();
    example.settle();
    let rollout = &example.ledger.rollouts[&name("dst")];
    assert_eq!((rollout.waves_done, &rollout.failed), (1, &[].into()));
    install_next(&mut example, "exa2");
    down(&mut example, "exa2");
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// When it is back, nothing is heard of the host any more: that is how its wave went on without it.
#[test]
fn a_host_counts_by_how_it_had_failed_when_its_wave_was_over() {
    let mut example = killed();
    example.silence(minutes(61));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", BEFORE);
    example.survey();
    example.settle();
    let rollout = &example.ledger.rollouts[&name("dst")];
    assert_eq!((rollout.waves_done, &rollout.failed), (1, &[(name("exa1"), Class::Unreachable)].into()));
}

/// What cannot follow is refused: a host is written down once as it is.
#[test]
fn who_has_failed_is_written_down_once_and_taken_back_once() {
    let mut example = killed();
    let rollout = || name("dst");
    let refused = |example: &mut Example, failed: BTreeMap<_, _>, recovered: BTreeSet<_>| {
        let entry = Entry::Milestone(Milestone::HostsFailed { rollout: rollout(), failed, recovered });
        let text = entry_text(&entry);
        let stamped = Stamped { at: example.now, entry };
        let next = example.ledger.next();
        (text, example.ledger.apply(next, &stamped).err().map(|error| error.to_string()))
    };
    let (text, error) = refused(&mut example, [(name("exa1"), Class::Store)].into(), [].into());
    assert_eq!(text, "rollout dst goes on without hosts that have failed: exa1");
    assert!(error.unwrap().contains("exa1 has failed already"));
    let (text, error) = refused(&mut example, [(name("exa2"), Class::Store)].into(), [name("exa1")].into());
    let both =
        "rollout dst goes on without hosts that have failed: exa2; in rollout dst hosts count as failed no more: exa1";
    assert_eq!((text.as_str(), error), (both, None));
    let (text, error) = refused(&mut example, [].into(), [name("exa1")].into());
    assert_eq!(text, "in rollout dst hosts count as failed no more: exa1");
    assert!(error.unwrap().contains("exa1 has not failed"));
}

fn entry_text(entry: &Entry) -> String {
    match entry {
        Entry::Milestone(milestone) => milestone.to_string(),
        other => panic!("{other:?}"),
    }
}

fn down(example: &mut Example, host: &str) {
    example.estate.hosts.get_mut(&name(host)).unwrap().exchange.as_mut().unwrap().mounted = Ok(false);
}

#[test]
fn what_one_wave_went_on_without_and_what_the_next_one_loses_add_up() {
    let mut example = without_exa1();
    let [_, all] = view::rollout(example.world(), &name("dst")).unwrap().tallies.try_into().unwrap();
    assert_eq!(all.failed[&name("exa1")], (Class::Store, "did not serve when its wave was over".to_owned()));
    install_next(&mut example, "exa2");
    down(&mut example, "exa2");
    example.settle();
    let text = "stopped by itself: the rollout: 2 stores down, 1 allowed: exa1 did not serve when its wave was over; exa2 the \
                store is not mounted";
    assert_eq!(example.rollout_state(), text);
    // Whoever leaves it out has forgiven that.
    let request = request::skip(example.world(), "dst", "exa1", "it serves again");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    down(&mut example, "exa2");
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// A removal counts what it does itself, and a new coordinator has it from the journal.
#[test]
fn what_a_wave_went_on_without_stops_no_removal_and_outlasts_a_restart() {
    let mut example = without_exa1();
    example.estate = Estate::default();
    example.observe_all();
    example.exchange("exa1", AFTER);
    let failed = &example.ledger.rollouts[&name("dst")].failed;
    assert_eq!(*failed, [(name("exa1"), Class::Store)].into());
    let record = Milestone::HostsFailed { rollout: name("dst"), failed: failed.clone(), recovered: [].into() };
    assert_eq!(record.to_string(), "rollout dst goes on without hosts that have failed: exa1");
    let written = r#"{"milestone":"hosts-failed","rollout":"dst","failed":{"exa1":"store"}}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), written);
    super::remove(&mut example);
    example.settle();
    let tallies = view::rollout(example.world(), &name("dst")).unwrap().tallies;
    assert!(tallies.iter().all(|tally| tally.failed.is_empty()), "{tallies:?}");
    assert!(!example.rollout_state().starts_with("stopped"), "{}", example.rollout_state());
}

/// Nothing of this wave is watched, for somebody else has brought it all; what the wave before has changed still is.
#[test]
fn a_wave_in_which_nothing_is_ours_is_not_over_while_a_pause_on_what_was_changed_cannot_be_placed() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    example.paused.insert("anna");
    example.observe_all();
    example.estate.domains.clear();
    example.exchange("exa2", AFTER);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[1]), ("running", &Phase::Done));
    let why = against(&example, "exa2").join("\n");
    assert!(
        why.contains("GoodLink gla has paused anna, and whether his mailbox is on a changed server is not known"),
        "{why}"
    );
    example.survey();
    example.settle();
    let state = example.rollout_state();
    assert!(state.contains("the rollout: 1 new Send As pauses") && state.contains("anna (gla)"), "{state}");
}
