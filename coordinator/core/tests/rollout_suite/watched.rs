//! Hosts that failed within what is allowed, and that have the hotfix all the same: their wave is watched.

use super::{installs, offered, phases, progress_of, waves};
use crate::example::{AFTER, Example, file_of, minutes, name, succeeded};
use sendgate_core::ledger::{Class, Entry, Outcome};
use sendgate_core::plan::rollout::Phase;

/// A rollout of two waves that allows this, and whose first host has the permit.
fn begun(allowed: &str) -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    let allowed = format!("[thresholds]\n{allowed}\n[wave_thresholds]\n{allowed}\n");
    example.rollout_of(&file_of("dst", &(waves() + &allowed)));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example
}

/// The act on the first host ends like this.
fn ends(example: &mut Example, outcome: Outcome) {
    let intent = example.ledger.open().next().unwrap().0;
    example.end(intent, outcome);
}

/// Minutes later all report; the first host has the hotfix, and its store is mounted or not.
fn later(example: &mut Example, after: u64, mounted: bool) {
    example.pass(minutes(after));
    example.exchange("exa1", AFTER);
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().mounted = Ok(mounted);
    if !mounted {
        example.estate.served.remove(&name("exa1"));
    }
    example.settle();
}

fn failed(example: &Example) -> Option<Class> {
    match phases(example)[0] {
        Phase::Failed { class, .. } => Some(class),
        _ => None,
    }
}

fn blocked(example: &Example) -> Vec<String> {
    progress_of(example)[0].blocked.iter().map(ToString::to_string).collect()
}

/// The hosts on which an install is on offer.
fn next(example: &mut Example) -> Vec<String> {
    installs(&offered(example)).into_iter().map(|(host, _)| host).collect()
}

/// Its store has not served since the install: its users have the hotfix as soon as somebody mounts it.
#[test]
fn a_store_that_never_came_up_is_watched_as_one_that_went_down() {
    for outcome in [succeeded(), Outcome::Unknown { detail: "the agent says nothing".into() }] {
        let mut example = begun("stores_down = 1");
        ends(&mut example, outcome);
        later(&mut example, 1, false);
        later(&mut example, 61, false);
        assert_eq!(failed(&example), Some(Class::Store), "{:?}", phases(&example));
        assert_eq!(next(&mut example), Vec::<String>::new());
        // Mounted by hand: watched from then on, and what its users' pauses say stops the rollout.
        let mut mounted = Example { ledger: example.ledger.clone(), ..begun("stores_down = 1") };
        (mounted.estate, mounted.now) = (example.estate.clone(), example.now);
        later(&mut mounted, 1, true);
        assert!(matches!(phases(&mounted)[0], Phase::Soaking { .. }), "{:?}", phases(&mounted));
        mounted.paused.insert("anna");
        later(&mut mounted, 1, true);
        assert!(mounted.rollout_state().contains("1 new Send As pauses"), "{}", mounted.rollout_state());
        // Left as it is, it is over when the soak is, which began when it was called down.
        assert_eq!(blocked(&example), ["its wave is watched, though it has failed: 13m 0s to go"]);
        later(&mut example, 12, false);
        assert_eq!(next(&mut example), Vec::<String>::new());
        later(&mut example, 1, false);
        assert_eq!(next(&mut example), ["exa2"]);
    }
}
