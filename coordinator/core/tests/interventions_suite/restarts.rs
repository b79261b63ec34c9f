//! Restarts of GoodLink that a person forces.

use super::super::{file, hold};
use crate::example::{Example, minutes, name, succeeded};
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome, Sequence};
use sendgate_core::plan::{self, Step};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;
use std::time::Duration;

/// Whoever asked for it counts on it now, not days later, when its agent is back.
#[test]
fn a_forced_restart_that_cannot_begin_in_time_is_void() {
    let mut example = Example::covered();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file(&mut example, request);
    example.estate.sessions.remove(&name("gla"));
    assert_eq!(example.settle().0, []);
    let shown = |example: &Example| view::status(example.world()).forced[&name("gla")].clone();
    assert_eq!(shown(&example), "restart wanted by olga: the console hangs; not begun yet, and void in 1h 0m");
    // Its time does not go on while it is held.
    hold(&mut example, &WantedHeld::Host("gla".into()));
    example.pass(minutes(600));
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Host("gla".into()), "over");
    file(&mut example, request);
    example.pass(minutes(60));
    example.estate.sessions.insert(name("gla"));
    assert_eq!(example.settle().0, []);
    let void = "restart wanted by olga: the console hangs; void: it could not begin in time; say it again if it is still wanted";
    assert_eq!(shown(&example), void);
    let request = request::restart_force(example.world(), "gla", "it hangs still");
    file(&mut example, request);
    assert_eq!(example.settle().0.len(), 1);
    assert_eq!(view::status(example.world()).forced, [].into());
}

/// The machine is rebooted days later: its clock goes on where the journal ends, and what was void then stays so.
#[test]
fn a_forced_restart_that_is_void_stays_so_after_a_reboot() {
    let mut example = Example::covered();
    example.settle();
    assert!(!plan::waits(example.world()));
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file(&mut example, request);
    let until = example.now.steady + minutes(60);
    example.pass(minutes(59));
    example.estate.sessions.remove(&name("gla"));
    let (_, plan) = example.settle();
    assert_eq!(plan.wake, Some(until + Duration::from_millis(1)));
    assert!(plan::waits(example.world()), "it is not void yet");
    example.pass(minutes(1));
    example.estate.sessions.remove(&name("gla"));
    assert!(plan::waits(example.world()), "the journal does not know that it is void");
    let learned: Vec<_> = plan::plan(example.world()).steps.iter().filter_map(Step::entry).collect();
    let [Entry::Milestone(void)] = learned.as_slice() else { panic!("{learned:?}") };
    let text = "the restart of GoodLink gla that a person wanted is void: it could not begin in time";
    assert_eq!(void.to_string(), text);
    assert_eq!(example.settle().0, []);
    assert!(!plan::waits(example.world()));
    example.pass(minutes(60 * 72));
    example.now.steady = example.ledger.last.unwrap().steady;
    // Nor do wishes come back when the configuration gives acts more time.
    example.policy.act_deadline = minutes(120);
    example.observe_all();
    assert_eq!(example.settle().0, []);
    let shown = view::status(example.world()).forced[&name("gla")].clone();
    assert!(shown.ends_with("void: it could not begin in time; say it again if it is still wanted"), "{shown}");
    // Said again, it is another wish.
    let request = request::restart_force(example.world(), "gla", "it hangs still");
    file(&mut example, request);
    assert_eq!(example.settle().0.len(), 1);
}

/// Once it is on offer a hold takes it back, as every act, and says that it must be asked for again.
#[test]
fn a_hold_ends_a_forced_restart_that_is_on_offer_and_says_so() {
    let mut example = Example::covered();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file(&mut example, request);
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    hold(&mut example, &WantedHeld::Estate);
    example.settle();
    let state = example.ledger.intents[intent].state.clone();
    let why = "the estate is held by olga: bad night; say it again if it is still wanted";
    assert!(
        matches!(&state, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. } if detail == why),
        "{state:?}"
    );
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Estate, "over");
    file(&mut example, request);
    assert_eq!(example.settle().0, []);
}

/// Invariant 2 has this exception: a person says so, with a reason, and it happens once.
#[test]
fn a_forced_restart_happens_once_and_does_not_wait() {
    let mut example = Example::covered();
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    assert_eq!(example.settle().0, []);
    let request = request::restart_force(example.world(), "GLA", "the console hangs");
    file(&mut example, request);
    for held in [WantedHeld::Host("gla".into()), WantedHeld::Domain("a.example.test".into()), WantedHeld::Estate] {
        hold(&mut example, &held);
        assert_eq!(example.settle().0, [], "a hold counts for it as well: {held:?}");
        let request = request::release(example.world(), &name("olga"), &held, "over");
        file(&mut example, request);
    }
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { forced: true, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    let again = |example: &Example| request::restart_force(example.world(), "gla", "the console hangs");
    let twice = format!(
        "GoodLink gla is about to be restarted already (intent {intent}): wait for its end, and see `sendgate journal show`"
    );
    assert_eq!(again(&example).unwrap_err().to_string(), twice);
    assert_eq!(plan::permit(example.world(), *intent), Ok(()));
    example.append(Entry::Permitted { intent: *intent, holder: None });
    assert_eq!(again(&example).unwrap_err().to_string(), twice);
    example.end(*intent, succeeded());
    assert!(again(&example).is_ok());
    example.pass(minutes(1));
    assert_eq!(example.settle().0, []);
}

/// Whoever forced a restart may have thought better of it: before it is offered, and until it has its permit.
#[test]
fn a_forced_restart_is_taken_back_until_it_has_its_permit() {
    let mut example = Example::covered();
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    let force = |example: &mut Example| {
        let request = request::restart_force(example.world(), "gla", "the console hangs");
        file(example, request);
    };
    let cancel = |example: &mut Example| {
        let request = request::restart_cancel(example.world(), "GLA", "it was the network");
        file(example, request);
    };
    let refused = |example: &Example| request::restart_cancel(example.world(), "gla", "why").unwrap_err().to_string();
    assert_eq!(refused(&example), "nobody has forced a restart of GoodLink gla that is still to come");

    hold(&mut example, &WantedHeld::Estate);
    force(&mut example);
    cancel(&mut example);
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Estate, "over");
    file(&mut example, request);
    assert_eq!(example.settle().0, [], "before it was offered");

    force(&mut example);
    let (effects, _) = example.settle();
    let [(offered, Effect::RestartGoodlink { forced: true, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    cancel(&mut example);
    assert!(plan::permit(example.world(), *offered).is_err(), "before the offer was taken back");
    assert_eq!(example.settle().0, []);
    let why = "whoever wanted it has taken that back".to_owned();
    let state = &example.ledger.intents[offered].state;
    assert!(
        matches!(state, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. } if *detail == why),
        "{state:?}"
    );

    // It counts for what was filed before it, and for nothing that is asked for later.
    force(&mut example);
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(plan::permit(example.world(), *intent), Ok(()));
    example.append(Entry::Permitted { intent: *intent, holder: None });
    let permitted = format!(
        "the restart of GoodLink gla (intent {intent}) has its permit: it has begun, or its permit ends within 30 s"
    );
    assert_eq!(refused(&example), permitted);
}

/// A restart is on offer: it helps Anna.
fn restart_on_offer() -> (Example, Vec<(Sequence, Effect)>) {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    let (effects, _) = example.settle();
    (example, effects)
}

/// One that was planned for paused users may be on offer already: it gives way, for both would be done one after the other.
#[test]
fn a_forced_restart_takes_the_place_of_one_that_is_on_offer() {
    let (mut example, effects) = restart_on_offer();
    let [(offered, Effect::RestartGoodlink { forced: false, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    let force = |example: &Example| request::restart_force(example.world(), "gla", "the console hangs");
    let request = force(&example);
    file(&mut example, request);
    // The wish is not the offer's: what speaks against that does so still.
    example.estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap().paused = Err("no log".into());
    assert!(plan::permit(example.world(), *offered).is_err());
    let (effects, _) = example.settle();
    let restarts: Vec<_> = effects.iter().map(|(_, effect)| effect).collect();
    assert!(matches!(restarts.as_slice(), [Effect::RestartGoodlink { forced: true, .. }]), "{restarts:?}");
    let withdrawn = &example.ledger.intents[offered].state;
    assert!(
        matches!(withdrawn, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. }
            if detail == "a person has forced one, which takes its place"),
        "{withdrawn:?}"
    );
}

/// One that is under way is the restart that is wanted.
#[test]
fn a_restart_is_not_forced_beside_one_that_is_under_way() {
    let (mut example, effects) = restart_on_offer();
    example.append(Entry::Permitted { intent: effects[0].0, holder: None });
    let refused = request::restart_force(example.world(), "gla", "the console hangs").unwrap_err().to_string();
    assert!(refused.starts_with("GoodLink gla is about to be restarted already (intent"), "{refused}");
}

/// It would be done beside the one that goes on there.
#[test]
fn a_restart_is_not_forced_beside_one_that_goes_on_under_another_name() {
    let (mut example, effects) = restart_on_offer();
    example.append(Entry::Permitted { intent: effects[0].0, holder: None });
    let known = example.policy.goodlink.remove(&name("gla")).unwrap();
    example.policy.goodlink.insert(name("gly"), known);
    let refused = request::restart_force(example.world(), "gly", "the console hangs").unwrap_err().to_string();
    assert!(refused.starts_with("GoodLink gly is about to be restarted already (intent"), "{refused}");
}

/// The permit would go to the host that was offered it, whatever is known of the one that the server is on by now.
#[test]
fn a_forced_restart_is_taken_back_where_goodlink_is_on_another_host_by_now() {
    let mut example = Example::covered();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file(&mut example, request);
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    example.policy.hosts.insert(name("glb"), name("glb"));
    example.policy.goodlink.get_mut(&name("gla")).unwrap().host = name("glb");
    let gla = example.estate.hosts[&name("gla")].clone();
    example.report("glb", gla);
    assert!(plan::permit(example.world(), *intent).unwrap_err().void);
    assert_eq!(example.settle().0, []);
    let state = example.ledger.intents[intent].state.clone();
    let why = "GoodLink gla is on glb by now; say it again if it is still wanted";
    assert!(
        matches!(&state, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. } if detail == why),
        "{state:?}"
    );
}
