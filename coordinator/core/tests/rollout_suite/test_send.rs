//! Test sends: a wave is not over before each GoodLink server has sent through what was changed.

use super::{file_it, install_next, installs, offered, resume};
use crate::example::{Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome, Sequence};
use sendgate_core::plan::{self, rollout::REFUSALS};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view::{self, RolloutView};

fn file(more: &str) -> String {
    file_of("dst", &format!("test_send = true\n{}{}{more}", wave("canary", &["exa1"]), wave("rest", &["exa2"])))
}

/// The one test that is on offer.
fn test(example: &mut Example) -> Sequence {
    example.settle();
    let open: Vec<_> = example.ledger.open().map(|(id, intent)| (id, intent.effect.clone())).collect();
    match open.as_slice() {
        [(id, Effect::TestSend { goodlink, host, server, .. })] => {
            assert_eq!([goodlink.as_str(), host.as_str(), server.as_str()], ["gla", "gla", "exa1"]);
            *id
        }
        other => panic!("{other:?}"),
    }
}

fn ends(example: &mut Example, outcome: Outcome) {
    let intent = test(example);
    assert_eq!(plan::permit(example.world(), intent), Ok(()));
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, outcome);
    example.settle();
}

#[test]
fn a_wave_is_over_once_the_test_has_passed_and_the_soak_is() {
    let mut example = Example::covered();
    example.rollout_of(&file(""));
    install_next(&mut example, "exa1");
    test(&mut example);
    example.pass(minutes(30));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0, "nobody has sent yet");
    ends(&mut example, succeeded());
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    let open: Vec<_> = example.ledger.open().map(|(_, intent)| intent.effect.to_string()).collect();
    assert_eq!(open, ["install kb926666 on exa2 (rollout dst)"]);
}

#[test]
fn a_failed_test_stops_it_and_is_made_again_when_a_person_lets_it_go_on() {
    let mut example = Example::covered();
    example.rollout_of(&file(""));
    install_next(&mut example, "exa1");
    ends(&mut example, Outcome::Failed { detail: "exit code 4".into() });
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave canary: 1 test sends failed, 0 allowed: gla through exa1: failed: exit code 4"
    );
    // An operator is shown it, as JSON too.
    let view = view::rollout(example.world(), &name("dst")).unwrap();
    let failed = r#""tests":[{"goodlink":"gla","server":"exa1","why":"failed: exit code 4"}]"#;
    let text = serde_json::to_string(&view).unwrap();
    assert!(text.contains(failed), "{text}");
    assert_eq!(serde_json::from_str::<RolloutView>(&text).unwrap(), view);
    resume(&mut example);
    ends(&mut example, succeeded());
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
}

/// A host that failed within what is allowed is not watched, and what was begun there is proved all the same, unless a
/// person left it out.
#[test]
fn what_was_begun_on_a_failed_host_is_tested_unless_it_was_left_out() {
    for left_out in [false, true] {
        let mut example = Example::covered();
        example.rollout_of(&file("[thresholds]\nfailed_installs = 1\n"));
        let (effects, _) = example.settle();
        let (_, intent) = installs(&effects).remove(0);
        example.append(Entry::Permitted { intent, holder: None });
        example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
        // It reports that it has no hotfix.
        example.pass(minutes(1));
        if left_out {
            let skip = request::skip(example.world(), "dst", "exa1", "its disk is gone");
            file_it(&mut example, "olive", skip);
        } else {
            let intent = test(&mut example);
            // Whoever asks what the wave waits for is told, though the host itself waits for nothing any more.
            let why = view::why(example.world(), &name("dst"), &name("exa1")).unwrap().why;
            let tests = format!("1603: gla tests sending through exa1 (intent {intent})");
            assert!(why.starts_with("exa1 is failed: ") && why.ends_with(&tests), "{why}");
        }
        example.settle();
        let done = &example.ledger.rollouts[&name("dst")].waves_done;
        assert_eq!(*done, u32::from(left_out), "left out: {left_out}");
        if !left_out {
            ends(&mut example, succeeded());
            assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
        }
    }
}

/// The message went through a store that had not got the hotfix yet: a person has its host tried again, and it gets it.
#[test]
fn a_test_counts_for_what_it_went_through() {
    let mut example = Example::covered();
    let wave = wave("all", &["exa1", "exa2"]);
    example.rollout_of(&file_of("dst", &format!("test_send = true\n{wave}[thresholds]\nfailed_installs = 1\n")));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    example.pass(minutes(1));
    install_next(&mut example, "exa2");
    let tested = |example: &mut Example| {
        let mut servers = Vec::new();
        while let [(id, Effect::TestSend { server, .. })] = offered(example).as_slice() {
            example.append(Entry::Permitted { intent: *id, holder: None });
            example.end(*id, succeeded());
            servers.push(server.to_string());
        }
        servers
    };
    for _ in 1..REFUSALS {
        let (id, _) = offered(&mut example)[0];
        example.end(id, Outcome::NotStarted { detail: "it is busy".into() });
    }
    assert_eq!(tested(&mut example), ["exa1", "exa2"]);
    let request = request::retry(example.world(), "dst", "exa1", "its prerequisites are there");
    file_it(&mut example, "olga", request);
    install_next(&mut example, "exa1");
    let (id, _) = offered(&mut example)[0];
    example.end(id, Outcome::NotStarted { detail: "it is busy".into() });
    assert_eq!(tested(&mut example), ["exa1"], "it was refused once since it went well");
}

/// A test that is on offer: exa1 is through, and a person has left exa2 out.
fn offered_without_exa2() -> (Example, Sequence) {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("test_send = true\n{}", wave("all", &["exa1", "exa2"]))));
    install_next(&mut example, "exa1");
    let skip = request::skip(example.world(), "dst", "exa2", "not this one");
    file_it(&mut example, "olive", skip);
    let intent = test(&mut example);
    (example, intent)
}

/// While a test is on offer, a person leaves its server's host out, or wants another host after all that was left out: the test
/// is not made as things are.
#[test]
fn a_test_on_offer_that_nobody_needs_now_is_taken_back() {
    for left_out in [true, false] {
        let (mut example, intent) = offered_without_exa2();
        let (request, why) = if left_out {
            let why = "gla need not test sending through exa1 any more";
            (request::skip(example.world(), "dst", "exa1", "nor this one"), why)
        } else {
            (request::retry(example.world(), "dst", "exa2", "after all"), "host exa2: it is waiting")
        };
        file_it(&mut example, "olive", request);
        let refused = plan::permit(example.world(), intent).unwrap_err();
        assert_eq!(refused.blocked.iter().map(ToString::to_string).collect::<Vec<_>>(), [why]);
        example.settle();
        let why = if left_out { "the rollout is finished" } else { why };
        let state = &example.ledger.intents[&intent].state;
        assert!(
            matches!(state, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. } if detail == why),
            "{state:?}"
        );
    }
}

/// While the test runs, a person wants a host after all that was left out: its failure counts all the same, at once.
#[test]
fn a_failed_test_counts_also_where_the_wave_is_not_through_any_more() {
    let (mut example, intent) = offered_without_exa2();
    example.append(Entry::Permitted { intent, holder: None });
    let retry = request::retry(example.world(), "dst", "exa2", "after all");
    file_it(&mut example, "olive", retry);
    assert_eq!(example.settle().0, [], "the test occupies a host, and one may be disrupted");
    example.end(intent, Outcome::Failed { detail: "exit code 4".into() });
    assert_eq!(example.settle().0, []);
    let state = example.rollout_state();
    assert!(state.starts_with("stopped by itself: wave all: 1 test sends failed, 0 allowed"), "{state}");
}

/// How it ended is not known: that is no success.
#[test]
fn an_unknown_end_counts_as_a_failure_and_one_that_is_allowed_is_passed_over() {
    let unknown = || Outcome::Unknown { detail: "the agent died".into() };
    let mut example = Example::covered();
    example.rollout_of(&file(""));
    install_next(&mut example, "exa1");
    ends(&mut example, unknown());
    assert!(example.rollout_state().contains("1 test sends failed, 0 allowed"), "{}", example.rollout_state());
    let mut example = Example::covered();
    example.rollout_of(&file("[thresholds]\ntest_send_failures = 1\n"));
    install_next(&mut example, "exa1");
    ends(&mut example, unknown());
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
}

#[test]
fn an_agent_that_refuses_three_times_has_failed() {
    let mut example = Example::covered();
    example.rollout_of(&file(""));
    install_next(&mut example, "exa1");
    for _ in 0..REFUSALS {
        let intent = test(&mut example);
        example.end(intent, Outcome::NotStarted { detail: "no test program for exa1".into() });
    }
    example.settle();
    let state = example.rollout_state();
    assert!(state.ends_with("gla through exa1: the agent refused 3 times: no test program for exa1"), "{state}");
}

/// A hold takes the offer back; a removal makes it void.
#[test]
fn a_test_is_taken_back_like_every_act() {
    let mut example = Example::covered();
    example.rollout_of(&file(""));
    install_next(&mut example, "exa1");
    let intent = test(&mut example);
    let request = request::hold(example.world(), &WantedHeld::Rollout("dst".into()), "not now");
    file_it(&mut example, "olga", request);
    assert!(plan::permit(example.world(), intent).is_err());
    example.settle();
    assert!(!example.ledger.intents[&intent].state.is_open());
    resume(&mut example);
    let intent = test(&mut example);
    let request = request::rollout_remove(example.world(), "dst", "enough");
    file_it(&mut example, "olga", request);
    example.settle();
    assert!(!example.ledger.intents[&intent].state.is_open());
    assert!(!example.ledger.open().any(|(_, intent)| matches!(intent.effect, Effect::TestSend { .. })));
}

/// Its program may take longer than anything else may: the test has a deadline of its own.
#[test]
fn patience_does_not_run_out_while_a_test_is_under_way() {
    let mut example = Example::covered();
    example.policy.act_deadline = minutes(120);
    example.rollout_of(&format!("patience = \"60m\"\n{}", file("")));
    install_next(&mut example, "exa1");
    let intent = test(&mut example);
    example.append(Entry::Permitted { intent, holder: None });
    example.pass(minutes(90));
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    example.end(intent, succeeded());
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
}
