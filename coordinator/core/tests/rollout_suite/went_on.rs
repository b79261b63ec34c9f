//! Hosts that a wave went on without: over the rollout they stay counted.

use super::{file_it, install_next, resume, waves};
use crate::example::{AFTER, Example, file_of, minutes, name};
use sendgate_core::estate::Estate;
use sendgate_core::ledger::Milestone;
use sendgate_core::plan::rollout::Class;
use sendgate_core::{request, view};

const ALLOWED: &str = "unreachable = 1\nstores_down = 1\n";

/// One host may fail in each wave and in the rollout; on EXA1 the store goes down after the install, its wave goes on without
/// it, and then it serves again.
fn without_exa1() -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.rollout_of(&file_of("dst", &format!("{}[thresholds]\n{ALLOWED}[wave_thresholds]\n{ALLOWED}", waves())));
    install_next(&mut example, "exa1");
    down(&mut example, "exa1");
    example.settle();
    example.pass(minutes(15));
    down(&mut example, "exa1");
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    example.observe_all();
    example
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
    let record = Milestone::HostsFailed { rollout: name("dst"), failed: failed.clone() };
    assert_eq!(record.to_string(), "rollout dst goes on without hosts that have failed: exa1");
    let written = r#"{"milestone":"hosts-failed","rollout":"dst","failed":{"exa1":"store"}}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), written);
    super::remove(&mut example);
    example.settle();
    let tallies = view::rollout(example.world(), &name("dst")).unwrap().tallies;
    assert!(tallies.iter().all(|tally| tally.failed.is_empty()), "{tallies:?}");
    assert!(!example.rollout_state().starts_with("stopped"), "{}", example.rollout_state());
}
