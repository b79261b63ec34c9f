//! What was stopped, left out or tried again: people's words have the effect that they were promised, and no other.

use super::{
    against, carry_out, file_it, finished, install_next, installs, offered, phases, removals, remove, remove_next,
    resume, waves,
};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, wave};
use sendgate_core::ledger::{Entry, Outcome, RolloutState};
use sendgate_core::plan::disruption::disrupted;
use sendgate_core::plan::rollout::{Class, Phase};
use sendgate_core::request;
use std::time::Duration;

/// Whoever stops a removal for the night goes on with it the next day, and what failed before is not held against it.
#[test]
fn a_removal_that_was_aborted_is_taken_up_again() {
    let mut example = finished(&waves());
    remove(&mut example);
    remove_next(&mut example, "exa2");
    let intent = removals(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 5".into() });
    example.settle();
    let request = request::rollout_abort(example.world(), "dst", "tomorrow");
    file_it(&mut example, "olga", request);
    example.pass(minutes(1));
    remove(&mut example);
    remove_next(&mut example, "exa1");
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(phases(&example), [Phase::Removed, Phase::Removed]);
}

/// A host was left out of the removal, and comes back with the hotfix.
#[test]
fn what_a_removal_left_behind_is_removed_by_another_one() {
    let mut example = finished(&waves());
    remove(&mut example);
    let request = request::skip(example.world(), "dst", "exa2", "its disk is gone");
    file_it(&mut example, "olga", request);
    remove_next(&mut example, "exa1");
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
    remove(&mut example);
    remove_next(&mut example, "exa2");
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
    let nothing = request::rollout_remove(example.world(), "dst", "to be sure").unwrap_err().to_string();
    let text =
        "rollout dst is removed again and cannot be removed: each of its hosts shows a version without the hotfix";
    assert_eq!(nothing, text);
    // What a silent host said last need not be so any more.
    example.silence(example.policy.freshness.silent_after + minutes(1));
    remove(&mut example);
}

/// It was removed, and somebody installs the hotfix again while the removal goes on elsewhere.
#[test]
fn a_host_whose_hotfix_came_back_is_removed_again_when_it_is_tried_again() {
    let mut example = finished(&waves());
    remove(&mut example);
    remove_next(&mut example, "exa2");
    example.exchange("exa2", AFTER);
    example.settle();
    let request = request::retry(example.world(), "dst", "exa2", "it is back");
    let hold = request::resume(example.world(), &name("olga"), "dst", "seen");
    file_it(&mut example, "olga", request);
    file_it(&mut example, "olga", hold);
    remove_next(&mut example, "exa2");
    remove_next(&mut example, "exa1");
    example.settle();
    assert_eq!(example.rollout_state(), "removed again");
    assert_eq!(phases(&example), [Phase::Removed, Phase::Removed]);
}

/// The disk of a server that shows the hotfix dies while it is watched: a person leaves it out, and the rollout goes on.
#[test]
fn a_host_is_left_out_in_its_soak() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().mounted = Ok(false);
    example.settle();
    assert!(example.rollout_state().contains("1 stores down"), "{}", example.rollout_state());
    let request = request::skip(example.world(), "dst", "exa1", "its disk is gone");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    let left_out = Phase::Skipped { by: name("olga"), reason: "its disk is gone".into() };
    assert_eq!(phases(&example)[0], left_out);
    example.policy.disruption.estate = 2.try_into().unwrap();
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
}

/// Somebody else had brought the hotfix there, and takes it away again before the wave is over.
#[test]
fn a_host_that_had_the_hotfix_before_and_lost_it_is_not_done() {
    let mut example = Example::covered();
    example.exchange("exa2", AFTER);
    example.settle();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    example.settle();
    assert_eq!(phases(&example)[1], Phase::Done);
    example.exchange("exa2", BEFORE);
    example.settle();
    let failed = format!("store.exe is {BEFORE} again, {AFTER} is expected");
    assert_eq!(phases(&example)[1], Phase::Failed { class: Class::Install, why: failed });
    assert!(example.rollout_state().contains("1 failed installs"), "{}", example.rollout_state());
    let request = request::retry(example.world(), "dst", "exa2", "it was a mistake");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    resume(&mut example);
    let on: Vec<_> = installs(&offered(&mut example)).into_iter().map(|(host, _)| host).collect();
    assert_eq!(on, ["exa1"], "in its turn");
}

/// How it ends would be forgiven before it has ended.
#[test]
fn a_host_at_which_something_goes_on_is_not_tried_again() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    let intent = installs(&offered(&mut example))[0].1;
    let text = format!(
        "install kb926666 on exa1 (rollout dst) (intent {intent}) is under way: wait for its end, then try the host again"
    );
    for permitted in [false, true] {
        if permitted {
            example.append(Entry::Permitted { intent, holder: None });
        }
        let refused = request::retry(example.world(), "dst", "exa1", "it takes long").unwrap_err();
        assert_eq!(refused.to_string(), text, "permitted: {permitted}");
    }
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    example.settle();
    assert!(example.rollout_state().contains("exit code 1603"), "{}", example.rollout_state());
    request::retry(example.world(), "dst", "exa1", "mended").unwrap();
}

/// A wave that is over is over: the failure stays counted, and nobody is told that the host is tried again.
#[test]
fn a_host_that_was_passed_over_stays_failed_and_is_not_tried_again() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(waves() + "[thresholds]\nunreachable = 1\n")));
    let pass = |example: &mut Example, time: u64| {
        example.silence(minutes(time));
        example.goodlink("adom\\goodadmin");
        example.exchange("exa2", BEFORE);
        example.survey();
    };
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Outcome { intent, outcome: Outcome::Withdrawn { detail: "late".into() } });
    for _ in 0..2 {
        pass(&mut example, 61);
        example.settle();
    }
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1, "{:?}", phases(&example));
    let failed = Phase::Failed { class: Class::Unreachable, why: "its wave was over without it".into() };
    assert_eq!(phases(&example)[0], failed);
    let refused = request::retry(example.world(), "dst", "exa1", "it is back").unwrap_err().to_string();
    assert_eq!(refused, "wave canary of exa1 is over, and rollout dst does not go back: file another rollout for it");
    // Back or not, it counts, and the next one is one too many.
    example.pass(minutes(1));
    assert_eq!(phases(&example)[0], failed);
    example.silence(minutes(61));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa1", BEFORE);
    example.survey();
    example.settle();
    assert!(example.rollout_state().contains("2 unreachable hosts, 1 allowed"), "{}", example.rollout_state());
    assert!(!against(&example, "exa2").iter().any(|why| why.contains("exa1 comes first")));
}

/// `on_trip = "remove"` where nothing of the wave was begun: the last one that was begun loses the hotfix.
#[test]
fn a_trip_between_two_waves_removes_the_hotfix_from_the_one_that_has_it() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{}", waves())));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    example.pauses("anna");
    let [(host, intent)] = removals(&offered(&mut example)).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(host, "exa1");
    carry_out(&mut example, intent, "exa1", BEFORE);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), &phases(&example)[0]), ("removed again", &Phase::Removed));
}

/// Nothing has begun, so there is nothing to remove: it has stopped, and a person decides.
#[test]
fn a_trip_before_anything_was_installed_only_stops() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{}", waves())));
    for _ in 0..sendgate_core::plan::rollout::REFUSALS {
        let intent = installs(&offered(&mut example))[0].1;
        example.end(intent, Outcome::NotStarted { detail: "no such package".into() });
        example.pass(minutes(1));
    }
    example.settle();
    assert!(example.rollout_state().starts_with("stopped by itself"), "{}", example.rollout_state());
    let request = request::retry(example.world(), "dst", "exa1", "the package is there");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    assert_eq!(installs(&offered(&mut example)).len(), 1);
}

/// The coordinator dies between the two records.
#[test]
fn the_removal_that_a_trip_asks_for_follows_whenever_it_can() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{}", waves())));
    install_next(&mut example, "exa1");
    let event = sendgate_core::ledger::RolloutEvent::Tripped { reason: "1 stores down".into() };
    let tripped = sendgate_core::ledger::Milestone::Rollout { rollout: name("dst"), event };
    example.append(Entry::Milestone(tripped));
    assert!(matches!(example.ledger.rollouts[&name("dst")].state, RolloutState::Tripped { .. }));
    assert_eq!(removals(&offered(&mut example)).len(), 1);
    let removal = example.ledger.rollouts[&name("dst")].removal.clone().unwrap();
    assert_eq!((removal.wave, removal.reason.as_str()), (Some(0), "1 stores down"));
}

/// Two stores do not mount after the hotfix, and only one host may be disrupted: neither waits for the other.
#[test]
fn stores_that_do_not_serve_do_not_keep_one_another_from_being_rolled_back() {
    let mut example = finished(&waves());
    let broken = |example: &mut Example, host: &str| {
        let host = example.estate.hosts.get_mut(&name(host)).unwrap();
        host.exchange.as_mut().unwrap().mounted = Ok(false);
    };
    remove(&mut example);
    for host in ["exa1", "exa2"] {
        broken(&mut example, host);
    }
    let [(host, intent)] = removals(&offered(&mut example)).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(host, "exa2");
    carry_out(&mut example, intent, "exa2", BEFORE);
    broken(&mut example, "exa1");
    let removals = removals(&offered(&mut example));
    assert_eq!(removals.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["exa1"]);
    // What goes on still counts: programs run on one host at a time.
    example.append(Entry::Permitted { intent: removals[0].1, holder: None });
    example.policy.goodlink_restart = sendgate_core::policy::Switch::On;
    example.lands("bert");
    example.paused.insert("bert");
    example.pass(minutes(70));
    broken(&mut example, "exa1");
    assert_eq!(example.settle().0, []);
}

/// Resumed between two waves: who is paused then is the baseline, and who is paused later counts at once.
#[test]
fn pauses_are_counted_between_two_waves_also_after_a_resume() {
    let mut example = Example::covered();
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.settle();
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
    let hold = request::hold(example.world(), &request::WantedHeld::Host("exa2".into()), "its window is on Saturday");
    file_it(&mut example, "olga", hold);
    resume(&mut example);
    example.counts_pauses_from_here_on();
}

/// Its installer says that it failed, and the hotfix is there: the report that shows it comes later than the person's wish.
#[test]
fn a_host_is_tried_again_once_it_has_reported_since_the_last_try_ended() {
    let mut example = Example::covered();
    example.rollout();
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.silence(minutes(1));
    example.end(intent, Outcome::Failed { detail: "exit code 3".into() });
    example.settle();
    let request = request::retry(example.world(), "dst", "exa1", "mended");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    assert_eq!(installs(&example.settle().0), []);
    let why = against(&example, "exa1");
    assert_eq!(why, [format!("host exa1: it has not reported since intent {intent} ended")]);
    example.silence(minutes(1));
    example.exchange("exa1", AFTER);
    example.settle();
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example)[0]);
}

/// What its installer did to the store, the failed host's report of before does not say: the next host waits for the next one.
#[test]
fn a_host_whose_act_has_ended_is_disrupted_until_it_reports() {
    let mut example = Example::covered();
    example
        .rollout_of(&file_of("dst", &format!("{}[thresholds]\nfailed_installs = 1\n", wave("all", &["exa1", "exa2"]))));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.silence(Duration::from_secs(30));
    example.end(intent, Outcome::Failed { detail: "exit code 3".into() });
    assert_eq!(installs(&example.settle().0), [], "whether its store still serves is not known");
    let why = disrupted(example.world(), None).remove(&name("exa1"));
    assert_eq!(why, Some(format!("it has not reported since intent {intent} ended")));
    example.pass(Duration::from_secs(1));
    assert_eq!(installs(&example.settle().0).len(), 1);
}

/// It had the hotfix when it was heard last, and somebody may have taken it off since.
#[test]
fn a_silent_host_is_not_done_by_what_it_said_last() {
    let mut example = Example::covered();
    example.exchange("exa1", AFTER);
    example.settle();
    example.silence(example.policy.freshness.silent_after + minutes(1));
    example.rollout();
    example.settle();
    assert_eq!(phases(&example)[0], Phase::Waiting);
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(phases(&example)[0], Phase::Done);
}

/// A node joins the cluster when its wave is over: that nobody has tried it is no failure, and it is not of this rollout.
#[test]
fn a_host_that_is_new_when_its_wave_is_over_has_not_failed() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{}", waves())));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    let hosts = &mut example.policy.exchange.get_mut(&name("exa1")).unwrap().hosts;
    hosts.push(name("exa3"));
    example.policy.hosts.insert(name("exa3"), name("exa3"));
    example.exchange("exa3", BEFORE);
    example.settle();
    assert_eq!(phases(&example)[1], Phase::Kept);
    assert_eq!(example.rollout_state(), "running");
    install_next(&mut example, "exa2");
}

/// Another form of it is filed before it was started: a host that a person left out stays left out.
#[test]
fn another_form_leaves_out_whom_a_person_left_out() {
    let mut example = Example::covered();
    let file_form = |example: &mut Example, form: &str| {
        let request = request::rollout_apply(example.world(), &file_of("dst", form));
        file_it(example, "olga", request);
    };
    file_form(&mut example, &waves());
    let skip = request::skip(example.world(), "dst", "exa1", "its disk is failing");
    file_it(&mut example, "olive", skip);
    file_form(&mut example, &wave("all", &["exa1", "exa2"]));
    let start = request::rollout_start(example.world(), "dst", "");
    file_it(&mut example, "olga", start);
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
    let left_out = |form: &str| {
        let next = request::rollout_read(example.world(), &file_of("dst", form)).unwrap();
        request::left_out(example.world(), &next)
    };
    assert_eq!(left_out(&waves()).as_deref(), Some("left out as before: exa1 (olive: its disk is failing)"));
    assert_eq!(left_out(&wave("all", &["exa2"])), None, "it is not of this form");
}
