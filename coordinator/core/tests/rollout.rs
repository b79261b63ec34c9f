//! Scenarios of rollouts and remedies: an example estate, one change, the steps and reasons that follow.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, Example, file, minutes, name, succeeded};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::ServiceState;
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::plan::{self, Blocked, Plan, rollout::Phase};
use sendgate_core::request;
use std::time::Duration;

fn phases(plan: &Plan) -> Vec<Phase> {
    plan.rollouts.values().flatten().map(|host| host.phase.clone()).collect()
}

fn install(effects: &[(Sequence, Effect)], host: &str) -> Sequence {
    match effects {
        [(intent, Effect::Install { host: on, .. })] if *on == name(host) => *intent,
        other => panic!("expected one install on {host}: {other:?}"),
    }
}

/// One host after the other, each verified and soaked; at the end nothing is left to do.
#[test]
fn servers_are_changed_in_order_one_at_a_time() {
    let mut example = Example::covered();
    example.rollout();
    for host in ["exa1", "exa2"] {
        let (effects, plan) = example.settle();
        let intent = install(&effects, host);
        assert!(phases(&plan).contains(&Phase::Offered { intent }));
        assert_eq!(plan::permit(example.world(), intent), Ok(()));
        example.append(Entry::Permitted { intent, holder: None });
        let (effects, _) = example.settle();
        assert_eq!(effects, [], "nothing new while an install is under way");
        example.pass(minutes(3));
        example.exchange(host, AFTER);
        example.settle();
        example.end(intent, succeeded());
        let (effects, plan) = example.settle();
        assert_eq!(effects, []);
        assert!(
            phases(&plan).iter().any(|phase| matches!(phase, Phase::Verifying { .. })),
            "no report since: {plan:?}"
        );
        example.pass(Duration::from_secs(1));
        let (_, plan) = example.settle();
        assert!(phases(&plan).iter().any(|phase| matches!(phase, Phase::Soaking { .. })), "{plan:?}");
        example.pass(minutes(15));
    }
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(example.rollout_state(), "finished");
    assert!(example.ledger.drift.is_empty(), "what we install is no drift");
}

/// Invariant 8.
#[test]
fn planning_again_on_an_unchanged_world_plans_nothing_new() {
    let mut example = Example::covered();
    example.rollout();
    let (first, _) = example.settle();
    assert_eq!(first.len(), 1);
    let again = plan::plan(example.world());
    assert_eq!(again.steps, []);
}

/// Invariant 1: between the offer and the permit the gate closes.
#[test]
fn no_permit_while_a_cell_is_closed() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.set("bert", VerdictKind::Denied, Cause::DeniedByEntry);
    example.pass(minutes(1));
    let refusal = plan::permit(example.world(), intent).unwrap_err();
    assert!(!refusal.void);
    assert!(refusal.blocked.iter().any(|why| why.to_string().contains("bert@a.example.test is denied")), "{refusal:?}");
}

/// At most once per permit: whoever asks twice did not use the first one.
#[test]
fn a_second_permit_for_one_intent_is_refused_for_good() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    let refusal = plan::permit(example.world(), intent).unwrap_err();
    assert!(refusal.void, "{refusal:?}");
}

/// Invariant 3: silent hosts count as disrupted.
#[test]
fn a_silent_host_elsewhere_holds_up_the_rollout() {
    let mut example = Example::covered();
    example.rollout();
    example.silence(minutes(3));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa1", example::BEFORE);
    example.survey();
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.rollouts[&name("dst")][0].blocked.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1 of at most 1 hosts are disrupted: exa2 (it has been silent for 3m 0s)"]);
}

#[test]
fn a_store_that_is_not_mounted_is_not_touched() {
    let mut example = Example::covered();
    example.rollout();
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().mounted = Ok(false);
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    assert!(
        plan.rollouts[&name("dst")][0]
            .blocked
            .contains(&Blocked::Host { host: name("exa1"), why: "the store is not mounted".into() })
    );
}

/// The automatic stop: a user pauses on a changed server who was not paused before.
#[test]
fn a_new_pause_on_a_changed_server_trips() {
    let mut example = Example::covered();
    example.paused.insert("bert");
    example.observe_all();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(
        &effects
            .into_iter()
            .filter(|(_, effect)| !matches!(effect, Effect::RestartGoodlink { .. }))
            .collect::<Vec<_>>(),
        "exa1",
    );
    example.append(Entry::Permitted { intent, holder: None });
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.rollout_state(), "running", "bert was paused before");
    example.paused.insert("anna");
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave exa1: 1 new Send As pauses of 2 roster users, 0 allowed, on the changed servers exa1: anna (gla)"
    );
}

#[test]
fn a_failed_install_trips_and_the_next_host_is_not_touched() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave exa1: 1 failed installs, 0 allowed: exa1 the install failed: exit code 1603"
    );
}

/// A restarted coordinator knows nothing of the installer that may still be running.
#[test]
fn an_act_without_an_end_is_given_up_and_its_host_stays_disrupted() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    example.pass(minutes(61));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let outcome = &example.ledger.intents[&intent].state;
    assert!(format!("{outcome:?}").contains("its end was not heard within 1h 0m of the permit"), "{outcome:?}");
    assert!(!phases(&plan).contains(&Phase::Done));
    assert!(plan::disruption::disrupted(example.world(), None).contains_key(&name("exa1")));
    // The host itself shows what came of it.
    example.exchange("exa1", AFTER);
    example.pass(minutes(1));
    assert!(plan::disruption::disrupted(example.world(), None).is_empty());
}

/// Invariant 7: abort works while an offer is out, and the offer is taken back.
#[test]
fn abort_takes_back_what_has_no_permit() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    let request = request::rollout_abort(example.world(), "dst", "change board said no").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    assert!(plan::permit(example.world(), intent).is_err());
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert!(!example.ledger.intents[&intent].state.is_open());
    assert_eq!(example.rollout_state(), "aborted: change board said no");
}

#[test]
fn a_version_that_nobody_commanded_is_drift() {
    let mut example = Example::covered();
    example.settle();
    example.exchange("exa2", AFTER);
    example.settle();
    assert_eq!(example.ledger.drift.len(), 1);
    assert_eq!(example.ledger.drift[0].host, name("exa2"));
}

#[test]
fn bad_rollouts_are_refused_with_the_part_that_is_wrong() {
    let mut example = Example::covered();
    example.rollout();
    let cases = [
        (
            file("dst", &["EXA1"]),
            "rollout dst exists, is running, and differs from the file in the waves: a rollout that was started is not \
             changed; choose another name",
        ),
        (
            file("two", &["EXA1"]),
            "Exchange server exa1 belongs to rollout dst, which is running: abort that one first, or leave the server out",
        ),
    ];
    for (file, text) in cases {
        assert_eq!(request::rollout_apply(example.world(), &file).unwrap_err().to_string(), text);
    }
    let error = request::waive(example.world(), "nobody", "why", example.now.wall).unwrap_err();
    assert_eq!(error.to_string(), "user \"nobody\" is not known: no roster that has arrived names this user");
}

#[test]
fn a_stopped_goodlink_service_counts_as_disrupted() {
    let mut example = Example::covered();
    let host = example.estate.hosts.get_mut(&name("gla")).unwrap();
    host.goodlink.as_mut().unwrap().service.as_mut().unwrap().state = ServiceState::Stopped;
    let disrupted = plan::disruption::disrupted(example.world(), None);
    assert_eq!(disrupted[&name("gla")], "the GoodLink service is stopped");
}

/// What a coordinator plans before anybody has reported to it must not judge what it cannot see.
#[test]
fn a_restarted_coordinator_does_not_trip_a_healthy_rollout() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    example.exchange("exa1", AFTER);
    example.end(intent, succeeded());
    example.pass(minutes(200));
    example.estate = sendgate_core::estate::Estate::default();
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(example.rollout_state(), "running");
    example.observe_all();
    example.exchange("exa1", AFTER);
    example.settle();
    example.pass(example.policy.soak);
    let (effects, _) = example.settle();
    install(&effects, "exa2");
    // What is done stays done: a store that is restarted by somebody hours later is not the rollout's failure.
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().mounted = Ok(false);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

#[test]
fn a_later_fix_of_the_same_branch_needs_no_install() {
    let mut example = Example::covered();
    example.exchange("exa1", "6.5.7654.4");
    example.rollout();
    let (effects, _) = example.settle();
    install(&effects, "exa2");
}

#[test]
fn a_server_that_left_the_configuration_trips_instead_of_counting_as_done() {
    let mut example = Example::covered();
    example.rollout();
    example.policy.exchange.clear();
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(example.rollout_state(), "stopped by itself: Exchange server exa1 is not in the configuration any more");
}

#[test]
fn a_host_that_does_not_report_its_role_counts_as_disrupted() {
    let mut example = Example::covered();
    example.estate.hosts.get_mut(&name("exa2")).unwrap().exchange = None;
    let disrupted = plan::disruption::disrupted(example.world(), None);
    assert_eq!(disrupted[&name("exa2")], "it reports no Exchange role");
}

/// With room for two, an unknown outcome still keeps every other act off its host.
#[test]
fn nothing_is_begun_on_a_host_whose_last_outcome_is_unknown() {
    let mut example = Example::covered();
    example.policy.disruption = std::num::NonZeroU32::new(2).unwrap().into();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Unknown { detail: "the agent died".into() });
    let request = request::retry(example.world(), "dst", "exa1", "it was looked at").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().store = Err("no answer".into());
    let rollout = &example.ledger.rollouts[&name("dst")];
    let hosts = plan::rollout::progress(example.world(), rollout, plan::rollout::Depth::Turn, None);
    let why = format!("how intent {intent} ended is unknown: it has not shown its version since");
    assert!(hosts[0].blocked.contains(&Blocked::Host { host: name("exa1"), why }), "{hosts:?}");
}

/// What held the agent up may pass; what does not pass trips.
#[test]
fn an_agent_that_refuses_is_asked_again_after_a_heartbeat_and_three_times_at_most() {
    let mut example = Example::covered();
    example.rollout();
    for _ in 0..plan::rollout::REFUSALS {
        let (effects, _) = example.settle();
        let intent = install(&effects, "exa1");
        example.end(intent, Outcome::NotStarted { detail: "another installer is running".into() });
        let (effects, _) = example.settle();
        assert_eq!(effects, [], "not at once");
        example.pass(example.policy.freshness.heartbeat);
    }
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    let text = "stopped by itself: wave exa1: 1 failed installs, 0 allowed: exa1 the agent refused 3 times: another installer is running";
    assert_eq!(example.rollout_state(), text);
}

/// Automatic update came between the offer and the permit.
#[test]
fn no_permit_for_a_host_that_has_the_hotfix_by_now() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.exchange("exa1", AFTER);
    let refusal = plan::permit(example.world(), intent).unwrap_err();
    let why = "it is done by now".to_owned();
    assert!(refusal.blocked.contains(&Blocked::Host { host: name("exa1"), why }), "{refusal:?}");
}

/// A new coordinator hears of pauses before it has surveyed: whose mailbox is where, it cannot know yet.
#[test]
fn a_pause_that_cannot_be_placed_yet_does_not_trip() {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let intent = install(&effects, "exa1");
    example.append(Entry::Permitted { intent, holder: None });
    example.paused.insert("bert");
    example.estate = sendgate_core::estate::Estate::default();
    example.goodlink("adom\\goodadmin");
    example.roster(&["anna", "bert", "carl"]);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    // Bert's mailbox is on exa2, which nobody has changed; anna's is on exa1.
    example.observe_all();
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    example.paused.insert("anna");
    example.observe_all();
    example.settle();
    assert!(
        example.rollout_state().starts_with("stopped by itself: wave exa1: 1 new Send As pauses"),
        "{}",
        example.rollout_state()
    );
}
