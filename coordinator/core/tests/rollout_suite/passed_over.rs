//! A removal, and what it passes over: hosts that a person left out, servers that have left the configuration.

use super::{file_it, finished, install_next, installs, offered, phases, removals, remove, remove_next, resume, waves};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::ledger::{Entry, Sequence};
use sendgate_core::plan::{self, rollout::Phase};
use sendgate_core::policy::{ExchangePolicy, Switch};
use sendgate_core::{request, view};

/// All but exa1 report, after some minutes.
fn without_exa1(example: &mut Example, after: u64, exa2: &str) {
    example.silence(minutes(after));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", exa2);
    example.survey();
    example.settle();
}

/// The act goes well on exa2, while exa1 says nothing.
fn on_exa2(example: &mut Example, intent: Sequence, version: &str) {
    assert_eq!(plan::permit(example.world(), intent), Ok(()));
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, succeeded());
    without_exa1(example, 1, version);
}

/// The disk of exa1 dies after its install, and a person leaves it out.
fn one_is_left_out(waves: &str) -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.policy.goodlink_restart = Switch::Off;
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{waves}")));
    install_next(&mut example, "exa1");
    without_exa1(&mut example, 30, BEFORE);
    let request = request::skip(example.world(), "dst", "exa1", "its disk is gone");
    file_it(&mut example, "olga", request);
    example
}

fn left_out() -> Phase {
    Phase::Skipped { by: name("olga"), reason: "its disk is gone".into() }
}

/// New pauses trip the wave: the removal that follows by itself does not stop over the host that nobody waits for.
#[test]
fn the_removal_after_a_trip_leaves_out_whom_a_person_left_out() {
    let mut example = one_is_left_out(&wave("all", &["exa1", "exa2"]));
    let intent = installs(&offered(&mut example))[0].1;
    on_exa2(&mut example, intent, AFTER);
    example.paused.insert("bert");
    without_exa1(&mut example, 31, AFTER);
    let removal = example.ledger.rollouts[&name("dst")].removal.clone().unwrap();
    assert_eq!(removal.wave, Some(0), "{}", removal.reason);
    assert_eq!((phases(&example)[0].clone(), example.rollout_state().as_str()), (left_out(), "running"));
    let [(host, intent)] = removals(&offered(&mut example)).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(host, "exa2");
    on_exa2(&mut example, intent, BEFORE);
    assert_eq!(phases(&example), [left_out(), Phase::Removed]);
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(super::removal::shown(&example).0, "removed again from wave all; left out: exa1");
    // Whoever asks for the removal of all of it means that host as well.
    remove(&mut example);
    assert!(example.ledger.rollouts[&name("dst")].skipped.is_empty());
}

/// All that was begun of the last wave was left out: there is nothing to take off by itself, and the rollout only stops.
#[test]
fn a_trip_whose_wave_was_left_out_only_stops() {
    let mut example = one_is_left_out(&wave("all", &["exa1", "exa2"]));
    example.paused.insert("anna");
    without_exa1(&mut example, 1, BEFORE);
    let state = example.rollout_state();
    assert!(state.starts_with("stopped by itself: wave all: 1 new Send As pauses"), "{state}");
    assert_eq!((&example.ledger.rollouts[&name("dst")].removal, &phases(&example)[0]), (&None, &left_out()));
}

fn unconfigured(example: &mut Example) -> Option<ExchangePolicy> {
    example.policy.exchange.remove(&name("exa1"))
}

const GONE: &str = "passed over, for they are not in the configuration any more: exa1";

/// One server has left the configuration: the others lose the hotfix all the same, and `rollout show` says whom nobody asked.
#[test]
fn a_removal_passes_over_a_server_that_left_the_configuration() {
    let mut example = finished(&waves());
    let exa1 = unconfigured(&mut example).unwrap();
    remove(&mut example);
    let shown = |example: &Example| view::rollout(example.world(), &name("dst")).unwrap().removal.unwrap();
    assert_eq!(shown(&example), format!("stores do not mount; {GONE}"));
    remove_next(&mut example, "exa2");
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(shown(&example), format!("stores do not mount; {GONE}"));
    // It comes back, and so does its turn.
    example.policy.exchange.insert(name("exa1"), exa1);
    remove(&mut example);
    assert_eq!(shown(&example), "stores do not mount");
    remove_next(&mut example, "exa1");
    assert_eq!(example.rollout_state(), "removed again");
}

/// The canary is over and went well. That the server of the wave after it has left the configuration takes nothing off the
/// canary: there is nothing left of that wave to take it off. Of a wave that is left in part the rest loses it.
#[test]
fn the_removal_after_a_trip_never_reaches_back_to_a_wave_before_the_last() {
    for (file, removal) in [(waves(), None), (wave("all", &["exa1", "exa2"]), Some(0))] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{file}")));
        for host in ["exa1", "exa2"] {
            install_next(&mut example, host);
            if host == "exa1" {
                example.pass(minutes(15));
            }
        }
        example.policy.exchange.remove(&name("exa2"));
        example.settle();
        let rollout = &example.ledger.rollouts[&name("dst")];
        assert_eq!(rollout.removal.as_ref().map(|removal| removal.wave), removal.map(Some));
        let offers = removals(&offered(&mut example)).into_iter().map(|(host, _)| host).collect::<Vec<_>>();
        assert_eq!(offers, removal.map(|_| "exa1".to_owned()).into_iter().collect::<Vec<_>>());
        let stopped = "stopped by itself: Exchange server exa2 is not in the configuration any more";
        assert_eq!(example.rollout_state(), if removal.is_some() { "running" } else { stopped });
    }
}

/// It leaves while the removal goes on; before, on the way forward, that stops the rollout.
#[test]
fn only_on_the_way_forward_a_server_that_left_stops_the_rollout() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"stop\"\n{}", waves())));
    install_next(&mut example, "exa1");
    example.policy.exchange.remove(&name("exa2"));
    example.settle();
    let state = "stopped by itself: Exchange server exa2 is not in the configuration any more";
    assert_eq!(example.rollout_state(), state);
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), state);
    remove(&mut example);
    remove_next(&mut example, "exa1");
    assert_eq!(example.rollout_state(), "removed again");
}

/// A host is taken off its server's list in the middle of it: nobody counts the pauses there any more, nor would the wave wait for
/// it. A person says what is to become of it.
#[test]
fn a_host_that_left_its_server_stops_the_rollout() {
    let state = "stopped by itself: exa1, which may have the hotfix of this rollout, is not a host, by the configuration, of the \
                 Exchange server any more of which it was one then";
    let stopped = || {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &format!("on_trip = \"stop\"\n{}", waves())));
        install_next(&mut example, "exa1");
        hosts(&mut example, "exa9");
        for _ in 0..2 {
            assert_eq!(example.rollout_state(), state);
            resume(&mut example);
            example.settle();
        }
        example
    };
    let mut example = stopped();
    hosts(&mut example, "exa1");
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    let mut example = stopped();
    let request = request::skip(example.world(), "dst", "exa1", "it was scrapped");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    let mut example = stopped();
    remove(&mut example);
    let removal = view::rollout(example.world(), &name("dst")).unwrap().removal.unwrap();
    assert_eq!(removal, format!("stores do not mount; {GONE}"));
    // It loses the hotfix first, and leaves the server then.
    hosts(&mut example, "exa1");
    remove_next(&mut example, "exa1");
    hosts(&mut example, "exa9");
    let removal = view::rollout(example.world(), &name("dst")).unwrap().removal.unwrap();
    assert_eq!(removal, "stores do not mount");
}

/// It becomes a node of the other server, whose wave has another soak and other thresholds.
#[test]
fn a_host_that_went_to_another_server_of_the_rollout_stops_it() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"stop\"\n{}", waves())));
    install_next(&mut example, "exa1");
    let exa2 = example.policy.exchange.get_mut(&name("exa2")).unwrap();
    exa2.hosts.push(name("exa1"));
    hosts(&mut example, "exa9");
    let state = "stopped by itself: exa1, which may have the hotfix of this rollout, is not a host, by the configuration, of the \
                 Exchange server any more of which it was one then";
    assert_eq!(example.rollout_state(), state);
}

/// Nobody asks it any more whom it has paused.
#[test]
fn a_goodlink_server_that_left_the_configuration_stops_the_rollout() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"stop\"\n{}", waves())));
    install_next(&mut example, "exa1");
    let gla = example.policy.goodlink.remove(&name("gla")).unwrap();
    example.policy.goodlink.insert(name("glc"), gla);
    example.settle();
    let state = "stopped by itself: GoodLink gla, whose pauses are counted, is not in the configuration any more";
    assert_eq!(example.rollout_state(), state);
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// A machine that is dead keeps no other host from losing the hotfix; what became of it a person is asked at the end, or at
/// once where it leaves the others no room.
#[test]
fn a_removal_passes_over_a_silent_host_before_it_stops() {
    for at_once in [1, 3] {
        let mut example = Example::covered();
        let wave = wave("all", &["exa1", "exa2"]);
        example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{wave}")));
        install_next(&mut example, "exa1");
        install_next(&mut example, "exa2");
        example.policy.disruption.estate = at_once.try_into().unwrap();
        without_exa1(&mut example, 61, AFTER);
        let removal = example.ledger.rollouts[&name("dst")].removal.clone().unwrap();
        assert!(removal.reason.contains("1 unreachable hosts"), "{}", removal.reason);
        let offers = removals(&offered(&mut example));
        assert_eq!(offers.len(), if at_once == 1 { 0 } else { 1 });
        for (host, intent) in offers {
            assert_eq!((host.as_str(), example.rollout_state().as_str()), ("exa2", "running"));
            on_exa2(&mut example, intent, BEFORE);
            assert_eq!(phases(&example)[1], Phase::Removed);
        }
        let state = example.rollout_state();
        assert!(state.starts_with("stopped by itself: the removal: exa1 nothing was heard of it for 1h"), "{state}");
    }
}

/// The one host of EXA1 by the configuration.
fn hosts(example: &mut Example, host: &str) {
    example.policy.exchange.get_mut(&name("exa1")).unwrap().hosts = vec![name(host)];
    example.settle();
}
