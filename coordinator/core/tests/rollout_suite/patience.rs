//! A rollout that nothing moves stops by itself, and what is held on purpose is not forgotten.

use super::{file_it, install_next, installs, offered, resume, waves};
use crate::example::{AFTER, Example, file_of, minutes, name, wave};
use sendgate_core::request;

/// A freeze of three weeks on a domain or on the hosts that are left is nobody's forgetfulness.
#[test]
fn patience_stands_still_while_everything_that_is_left_is_held() {
    use request::WantedHeld;
    for held in [WantedHeld::Domain("a.example.test".into()), WantedHeld::Host("exa1".into())] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
        let request = request::hold(example.world(), &held, "change freeze");
        file_it(&mut example, "olga", request);
        example.settle();
        example.pass(minutes(21 * 24 * 60));
        example.settle();
        assert_eq!(example.rollout_state(), "running", "{held:?}");
        let request = request::release(example.world(), &name("olga"), &held, "over");
        file_it(&mut example, "olga", request);
        assert_eq!(installs(&offered(&mut example)).len(), 1, "{held:?}");
    }
    // The other one is through, and waits for the one that is held.
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    let request = request::hold(example.world(), &WantedHeld::Host("exa1".into()), "its board is changed");
    file_it(&mut example, "olga", request);
    install_next(&mut example, "exa2");
    example.pass(minutes(21 * 24 * 60));
    example.exchange("exa2", AFTER);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    // Where another host could go on and does not, it runs.
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    let request = request::hold(example.world(), &WantedHeld::Host("exa1".into()), "change freeze");
    file_it(&mut example, "olga", request);
    example.set("anna", sendgate_core::coverage::VerdictKind::Missing, sendgate_core::coverage::Cause::NoEntry);
    example.observe_all();
    example.settle();
    example.pass(minutes(8 * 24 * 60 + 1));
    example.settle();
    assert!(example.rollout_state().contains("nothing has moved for 192h"), "{}", example.rollout_state());
}

/// An agent takes each offer and never asks for its permit: that moves nothing, however often it is offered anew.
#[test]
fn offers_that_nobody_takes_do_not_keep_a_rollout_alive() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    let hours = 8 * 24 + 2;
    for _ in 0..hours {
        example.settle();
        example.pass(minutes(61));
    }
    example.settle();
    let state = example.rollout_state();
    assert_eq!(state, "stopped by itself: nothing has moved for 192h 0m: exa1: nobody asks for the permit of its act");
}

/// Nothing moves for longer than the file allows: it stops, with what it waited for.
#[test]
fn a_rollout_that_nothing_moves_stops_after_its_patience() {
    let mut example = Example::covered();
    example.set("anna", sendgate_core::coverage::VerdictKind::Denied, sendgate_core::coverage::Cause::DeniedByEntry);
    example.observe_all();
    example.rollout_of(&file_of("dst", &format!("patience = \"24h\"\n{}", wave("all", &["exa1"]))));
    example.pass(minutes(24 * 60));
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    example.pass(minutes(1));
    example.settle();
    let state = example.rollout_state();
    assert!(state.starts_with("stopped by itself: nothing has moved for 24h 0m: exa1: "), "{state}");
    assert!(state.contains("anna@a.example.test is denied"), "{state}");
    example.pass(minutes(24 * 60 + 1));
    example.settle();
    let state = example.rollout_state();
    assert!(state.starts_with("aborted: nobody let it go on within 24h 0m after it stopped: "), "{state}");
}

/// Held on purpose is not forgotten.
#[test]
fn patience_stands_still_while_a_person_holds_it() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("patience = \"24h\"\n{}", wave("all", &["exa1"]))));
    let request = request::hold(example.world(), &request::WantedHeld::Rollout("dst".into()), "weekend");
    file_it(&mut example, "olga", request);
    example.pass(minutes(72 * 60));
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// Two agents that ask for no permit: while one offer is taken back, the other one still stands.
#[test]
fn two_offers_that_nobody_takes_do_not_keep_a_rollout_alive_between_them() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &format!("[limits]\nat_once = 2\n{}", wave("all", &["exa1", "exa2"]))));
    let request = request::hold(example.world(), &request::WantedHeld::Host("exa2".into()), "its board is changed");
    file_it(&mut example, "olga", request);
    example.settle();
    example.pass(minutes(30));
    let request =
        request::release(example.world(), &name("olga"), &request::WantedHeld::Host("exa2".into()), "it has a new one");
    file_it(&mut example, "olga", request);
    // Each offer lasts an hour; there is never a moment without one.
    for _ in 0..2 * (8 * 24 + 1) {
        let (effects, _) = example.settle();
        assert!(installs(&effects).len() < 2, "{effects:?}");
        example.pass(minutes(31));
    }
    let state = example.rollout_state();
    assert_eq!(state, "stopped by itself: nothing has moved for 192h 0m: exa1: nobody asks for the permit of its act");
}
