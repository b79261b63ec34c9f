//! What holds something up: hosts, agents, users of whom it is not clear where they are.

use super::reads;
use crate::example::{AFTER, Example, minutes, name};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{AgentJournal, Effect, Entry, Holder, Outcome};
use sendgate_core::plan::remedy::Recovery;
use sendgate_core::plan::rollout::{Depth, progress};
use sendgate_core::plan::{self, Blocked};
use sendgate_core::request;
use sendgate_core::view;
use std::num::NonZeroU64;

/// What holds EXA1 up, or GoodLink's restart.
fn host(example: &Example) -> Vec<String> {
    plan::plan(example.world()).rollouts[&name("dst")][0].blocked.iter().map(ToString::to_string).collect()
}

fn remedy(example: &Example) -> Vec<String> {
    plan::plan(example.world()).remedies[&name("gla")].iter().map(ToString::to_string).collect()
}

fn journal(number: u64) -> AgentJournal {
    AgentJournal(NonZeroU64::new(number).unwrap())
}

#[track_caller]
fn says(texts: &[String], text: &str) {
    assert!(texts.iter().any(|known| known == text), "{text}\nis not in\n{texts:#?}");
}

#[test]
fn what_holds_a_host_up_is_said_in_a_sentence() {
    reads([
        (Blocked::Closed { next: None }, "no window is open, and none opens within ten years"),
        (
            Blocked::Skipped { by: name("olga"), reason: "its disk is gone".into() },
            "olga left it out: its disk is gone",
        ),
    ]);
    reads([
        (Recovery::LandingUnknown, "covered, but when the right landed was not seen: consider a restart by hand"),
        (Recovery::TooEarly(minutes(5)), "a restart may help in 5m 0s"),
    ]);
}

#[test]
fn an_agent_that_is_away_holds_up_what_is_asked_of_it() {
    let mut example = Example::covered();
    example.rollout();
    example.estate.observe(Observation::Disconnected(name("exa1")));
    says(&host(&example), "host exa1: its agent is not connected");
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.pauses("anna");
    example.estate.observe(Observation::Disconnected(name("gla")));
    says(&remedy(&example), "host gla: its agent is not connected");
}

#[test]
fn a_store_service_that_cannot_be_asked_keeps_its_host_from_being_changed_and_stops_it_afterwards() {
    let mut example = Example::covered();
    let unknown = |example: &mut Example| {
        let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
        host.exchange.as_mut().unwrap().service = Err("access denied".into());
    };
    example.rollout();
    unknown(&mut example);
    says(&host(&example), "host exa1: the store service could not be asked: access denied");
    example.observe_all();
    let (effects, _) = example.settle();
    let [(intent, Effect::Install { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.exchange("exa1", AFTER);
    example.end(*intent, Outcome::Succeeded { detail: "exit code 0".into() });
    example.pass(minutes(1));
    example.settle();
    unknown(&mut example);
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave exa1: 1 stores down, 0 allowed: exa1 the store service could not be asked: access denied"
    );
}

#[test]
fn goodlinks_service_that_cannot_be_asked_closes_the_gate() {
    let mut example = Example::covered();
    let goodlink = example.estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap();
    goodlink.service = Err("access denied".into());
    assert_eq!(example.texts("exa1"), ["GoodLink server gla: its service could not be asked: access denied"]);
}

#[test]
fn a_user_who_is_in_two_domains_closes_the_gate() {
    let mut example = Example::covered();
    let b = name("b.example.test");
    example.policy.domains.insert(name("b.example.test"), example.policy.domains[&name("a.example.test")].clone());
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(b);
    let mut look = example.look();
    look.domain = name("b.example.test");
    let Judged::All(users) = &mut look.users else { panic!() };
    for (user, presence) in users {
        if user.as_str() != "anna@a.example.test" {
            *presence = Presence::Absent;
        }
    }
    example.estate.observe(Observation::Look(look));
    let texts = example.texts("exa1");
    let [only] = texts.as_slice() else { panic!("{texts:?}") };
    assert!(only.contains("found in more than one domain: a.example.test, b.example.test"), "{only}");
}

#[test]
fn an_agent_that_refused_is_asked_again_after_its_next_heartbeat() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    example.end(*intent, Outcome::NotStarted { detail: "another installer is running".into() });
    let wait = format!(
        "the agent refused (another installer is running) and is asked again: {}s to go",
        example.policy.freshness.heartbeat.as_secs()
    );
    assert!(host(&example).iter().any(|text| text.starts_with(wait.trim_end_matches("s to go"))), "{wait}");
}

/// An agent that never had the permit cannot say that nothing was begun.
#[test]
fn that_nothing_was_begun_is_taken_from_nobody_but_the_one_who_had_the_permit() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    let holder = Holder { journal: journal(7), heard: None };
    example.append(Entry::Permitted { intent: *intent, holder: Some(holder) });
    let known = &example.ledger.intents[intent];
    let said = Outcome::NotStarted { detail: "the permit has run off".into() };
    assert_eq!(known.heard(said.clone(), Some(journal(7))), said);
    let why = "its permit was given to an agent with another journal, which may have begun it; this one says: the permit has \
               run off";
    assert_eq!(known.heard(said, Some(journal(8))), Outcome::Unknown { detail: why.into() });
}

#[test]
fn an_offer_that_is_not_good_any_more_is_taken_back_with_the_reason() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
    let request = request::skip(example.world(), "dst", "exa1", "its disk is gone").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    let steps = view::plan(example.world(), &plan::plan(example.world())).steps;
    says(&steps, &format!("take back intent {intent}: olga left it out: its disk is gone"));
}

#[test]
fn a_rollout_whose_servers_have_left_the_configuration_has_no_hosts() {
    let mut example = Example::covered();
    example.rollout();
    example.policy.exchange.clear();
    assert!(progress(example.world(), &example.ledger.rollouts[&name("dst")], Depth::All, None).is_empty());
    let why = view::why(example.world(), &name("dst"), &name("exa1")).unwrap_err().to_string();
    assert!(why.ends_with("none: its servers are not configured"), "{why}");
}
