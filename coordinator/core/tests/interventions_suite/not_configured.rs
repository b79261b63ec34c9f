//! Holds on what is not configured under its name any more: what they meant may be called otherwise by now.

use super::super::{blocked, file, hold, installing, phase};
use crate::example::{self, AFTER, Example, minutes, name, succeeded};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome};
use sendgate_core::plan;
use sendgate_core::plan::rollout::{Depth, Phase, progress};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view;

/// The machine of EXA2 has another name in the configuration.
fn renamed(example: &mut Example) {
    example.policy.hosts.remove(&name("exa2"));
    example.policy.hosts.insert(name("exa9"), name("exa2"));
    example.policy.exchange.get_mut(&name("exa2")).unwrap().hosts = vec![name("exa9")];
    let shown = example.estate.hosts.remove(&name("exa2")).unwrap();
    example.estate.hosts.insert(name("exa9"), shown);
}

fn exa2() -> WantedHeld {
    WantedHeld::Host("EXA2".into())
}

fn release(example: &mut Example, held: &WantedHeld) {
    let request = request::release(example.world(), &name("olga"), held, "over");
    file(example, request);
}

/// What a hold says that is on nothing which is configured.
fn holds_everything(held: &str) -> String {
    format!(
        "{held} is held by olga: bad night; none of that name is configured, so that it holds everything: hold it under its \
         new name if it has one, then `sendgate release {held} --of olga --reason WHY`"
    )
}

/// The hotfix would go onto the machine against a person's word.
#[test]
fn a_hold_on_a_host_that_has_another_name_by_now_holds_the_estate() {
    let mut example = Example::covered();
    example.rollout();
    hold(&mut example, &exa2());
    let (effects, _) = example.settle();
    let [(intent, Effect::Install { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    renamed(&mut example);
    let text = holds_everything("host exa2");
    let refusal = plan::permit(example.world(), *intent).unwrap_err();
    assert_eq!(refusal.blocked.iter().map(ToString::to_string).collect::<Vec<_>>(), [text.as_str()]);
    assert_eq!(example.settle().0, []);
    let state = &example.ledger.intents[intent].state;
    let taken_back = Outcome::Withdrawn { detail: text.clone() };
    assert!(matches!(state, IntentState::Ended { outcome, .. } if *outcome == taken_back), "{state:?}");
    assert_eq!(blocked(&example, 0), [text.as_str()]);
    // Held under its new name, it holds that machine alone.
    hold(&mut example, &WantedHeld::Host("exa9".into()));
    assert_eq!(example.settle().0, []);
    let still = request::still_held(example.world(), &exa2()).unwrap();
    let end = "none of that name is configured, so that it holds everything: hold it under its new name if it has one, and end \
               that with `sendgate release host exa2 --of olga --reason WHY`";
    assert!(still.ends_with(end), "{still}");
    release(&mut example, &exa2());
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::Install { host, .. })] if *host == name("exa1")), "{effects:?}");
    let progress = progress(example.world(), &example.ledger.rollouts[&name("dst")], Depth::All, None);
    let held = "host exa9 is held by olga: bad night";
    assert!(progress[1].blocked.iter().any(|why| why.to_string() == held), "{progress:?}");
}

/// Entries and restarts as well, and whoever looks is told.
#[test]
fn a_hold_on_a_domain_that_has_another_name_by_now_holds_the_estate() {
    let mut example = Example::covered();
    let other = example.policy.domains[&name("a.example.test")].clone();
    example.policy.domains.insert(name("b.example.test"), other);
    let held = WantedHeld::Domain("b.example.test".into());
    hold(&mut example, &held);
    example.policy.domains.remove(&name("b.example.test"));
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.proposed = [example::grant("DC=a", GrantForm::ContainerUsers)].into();
    example.observe_all();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file(&mut example, request);
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let text = holds_everything("domain b.example.test");
    let texts: Vec<_> = plan.grants[&name("a.example.test")].iter().map(ToString::to_string).collect();
    assert_eq!(texts, [text.as_str()]);
    let against = plan::remedy::may_restart(example.world(), &name("gla"), None);
    assert_eq!(against.iter().map(ToString::to_string).collect::<Vec<_>>(), [text.as_str()]);
    let shown = view::status(example.world()).holds.remove(0).not_configured.unwrap();
    assert!(text.ends_with(&format!("; {shown}")), "{shown}");
    // The wish does not grow old meanwhile.
    example.pass(minutes(600));
    release(&mut example, &held);
    let effects = example.settle().0;
    assert!(effects.iter().any(|(_, effect)| matches!(effect, Effect::Grant(_))), "{effects:?}");
    assert!(effects.iter().any(|(_, effect)| matches!(effect, Effect::RestartGoodlink { .. })), "{effects:?}");
    assert_eq!(view::status(example.world()).holds, []);
}

/// Invariant 7: as under a hold on the estate, also for the time before its end once it has ended.
#[test]
fn soak_and_deadlines_stand_still_under_a_hold_on_what_is_not_configured() {
    let (mut example, intent) = installing();
    hold(&mut example, &exa2());
    renamed(&mut example);
    example.pass(minutes(300));
    assert_eq!((example.settle().0, phase(&example, 0)), (Vec::new(), Phase::Installing { intent }));
    release(&mut example, &exa2());
    example.pass(minutes(60));
    example.settle();
    assert_eq!(phase(&example, 0), Phase::Installing { intent });

    let (mut example, intent) = installing();
    renamed(&mut example);
    example.exchange("exa1", AFTER);
    example.settle();
    example.end(intent, succeeded());
    example.pass(minutes(1));
    example.settle();
    example.pass(minutes(5));
    let held = exa2();
    example.policy.hosts.insert(name("exa2"), name("exa2"));
    hold(&mut example, &held);
    example.policy.hosts.remove(&name("exa2"));
    example.pass(minutes(60));
    assert_eq!(phase(&example, 0), Phase::Soaking { remaining: minutes(10) });
    release(&mut example, &held);
    assert_eq!(phase(&example, 0), Phase::Soaking { remaining: minutes(10) });
    example.pass(minutes(10));
    example.settle();
    assert_eq!(phase(&example, 0), Phase::Done);
}

/// Whoever lets a rollout go on, or looks what it would do, is told what stops it.
#[test]
fn what_stops_a_rollout_names_a_hold_on_what_is_not_configured() {
    let mut example = Example::covered();
    example.rollout();
    hold(&mut example, &exa2());
    renamed(&mut example);
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    let request = request::resume(example.world(), &name("olga"), "dst", "looked at it").unwrap();
    let id = example.append(Entry::Request { by: name("olga"), request });
    let said = view::still_stopped(example.world(), &name("dst"), id);
    assert!(said.starts_with("it does not go on: host exa2 is held by olga since "), "{said}");
    let spec = &example.ledger.rollouts[&name("dst")].spec;
    let foreseen = view::forecast(example.world(), spec, &name("piet"));
    assert!(foreseen.is_held() && foreseen.held[0].not_configured.is_some(), "{foreseen:?}");
}
