//! What may go wrong before a rollout stops, with its exact denominators.

use super::{against, carry_out, file_it, install_next, installs, offered, phases, progress_of, resume};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, wave};
use sendgate_core::enforcement::StoreVersion;
use sendgate_core::ledger::{Entry, Outcome};
use sendgate_core::plan;
use sendgate_core::plan::rollout::{Class, Phase, Tally};
use sendgate_core::request::WantedHeld;
use sendgate_core::{request, view};
use std::collections::BTreeMap;
use std::time::Duration;

fn waves() -> String {
    format!("{}{}", wave("canary", &["exa1"]), wave("rest", &["exa2"]))
}

/// Anna and Carl have their mailboxes on EXA1, Bert on EXA2: of the canary's two roster users one is 50 %.
#[test]
fn the_percentage_is_of_the_roster_users_on_the_changed_servers() {
    for (percent, trips) in [(49, true), (50, false)] {
        let mut example = Example::covered();
        let limits = format!("[thresholds]\nnew_pauses = 5\nnew_pauses_percent = {percent}\n");
        example.rollout_of(&file_of("dst", &(waves() + &limits)));
        install_next(&mut example, "exa1");
        example.paused.insert("anna");
        example.observe_all();
        example.settle();
        let state = example.rollout_state();
        let text = "stopped by itself: wave canary: 1 new Send As pauses of 2 roster users, 49 % allowed, on the changed \
                    servers exa1: anna (gla)";
        assert_eq!(state, if trips { text } else { "running" });
    }
}

/// A wave counts from its own baseline, the rollout from the first one.
#[test]
fn what_one_wave_may_have_adds_up_in_the_rollout() {
    let mut example = Example::covered();
    let limits = "[thresholds]\nnew_pauses = 1\n[wave_thresholds]\nnew_pauses = 1\n";
    example.rollout_of(&file_of("dst", &(waves() + limits)));
    install_next(&mut example, "exa1");
    example.paused.insert("anna");
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    example.policy.goodlink_restart = sendgate_core::policy::Switch::Off;
    install_next(&mut example, "exa2");
    example.paused.insert("bert");
    example.observe_all();
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: the rollout: 2 new Send As pauses of 3 roster users, 1 allowed, on the changed servers exa1, \
         exa2: anna (gla), bert (gla)"
    );
}

/// One failed install is allowed: the host is passed over, and the rollout ends.
#[test]
fn a_failed_install_that_is_allowed_is_passed_over() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(waves() + "[thresholds]\nfailed_installs = 1\n")));
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    example.pass(minutes(1));
    install_next(&mut example, "exa2");
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
    let why = "the install failed: exit code 1603".to_owned();
    assert_eq!(phases(&example)[0], Phase::Failed { class: Class::Install, why });
}

/// The installer says that it failed, and the store has the hotfix all the same: its users are watched for the whole soak.
#[test]
fn a_failed_install_that_left_the_hotfix_behind_is_watched() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(waves() + "[thresholds]\nfailed_installs = 1\n")));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 3010".into() });
    example.settle();
    let waves_done = |example: &Example| example.ledger.rollouts[&name("dst")].waves_done;
    let not_heard =
        "its install failed, and whether it left the hotfix behind the host has not shown since: 1h 0m to go";
    assert_eq!((waves_done(&example), against(&example, "exa1")), (0, vec![not_heard.to_owned()]));
    example.exchange("exa1", AFTER);
    example.pass(minutes(1));
    example.settle();
    let watched = |left: &str| vec![format!("its wave is watched, though it has failed: {left} to go")];
    assert_eq!((waves_done(&example), against(&example, "exa1")), (0, watched("15m 0s")));
    example.pass(minutes(14));
    example.settle();
    assert_eq!((waves_done(&example), against(&example, "exa1")), (0, watched("1m 0s")));
    example.pass(minutes(1));
    example.settle();
    assert_eq!(waves_done(&example), 1);
    let why = "the install failed: exit code 3010".to_owned();
    assert_eq!(phases(&example)[0], Phase::Failed { class: Class::Install, why });
}

/// Of a host that says nothing after its install failed nobody waits for ever to hear what it left behind.
#[test]
fn a_host_that_is_silent_after_its_failed_install_is_given_up_in_the_end() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(waves() + "[thresholds]\nfailed_installs = 1\n")));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    for (after, done) in [(59, 0), (1, 1)] {
        example.silence(minutes(after));
        example.goodlink("adom\\goodadmin");
        example.exchange("exa2", BEFORE);
        example.survey();
        example.settle();
        assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, done, "after {after} more minutes");
    }
}

/// After the hotfix some stores did not mount: that is counted by itself.
#[test]
fn a_store_that_goes_down_in_the_soak_is_counted_as_a_store() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(waves() + "[thresholds]\nfailed_installs = 9\nunreachable = 9\n")));
    install_next(&mut example, "exa1");
    let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
    host.exchange.as_mut().unwrap().mounted = Ok(false);
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave canary: 1 stores down, 0 allowed: exa1 the store is not mounted"
    );
    // What is mounted again lets it go on, once a person says so.
    example.observe_all();
    resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// A waiting host that has been silent for longer than an act may take counts as unreachable.
#[test]
fn a_silent_host_of_the_wave_counts_as_failed_after_its_deadline() {
    let mut example = Example::covered();
    example.rollout();
    let pass = |example: &mut Example, time: u64| {
        example.silence(minutes(time));
        example.goodlink("adom\\goodadmin");
        example.exchange("exa2", crate::example::BEFORE);
        example.survey();
    };
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    pass(&mut example, 60);
    example.append(Entry::Outcome { intent, outcome: Outcome::Withdrawn { detail: "late".into() } });
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    assert!(against(&example, "exa1").contains(&"host exa1: it has been silent for 1h 0m".to_owned()));
    pass(&mut example, 1);
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave exa1: 1 unreachable hosts, 0 allowed: exa1 nothing was heard of it for 1h 1m"
    );
    let request = request::skip(example.world(), "dst", "exa1", "its disk is gone");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    example.policy.disruption.estate = 2.try_into().unwrap();
    let (effects, _) = example.settle();
    let offered = installs(&effects);
    assert_eq!(offered[0].0, "exa2");
    carry_out(&mut example, offered[0].1, "exa2", AFTER);
}

/// Somebody takes the hotfix off again while the wave is watched: that is drift, and once a person lets the rollout go on it
/// stops for it; tried again, the hotfix is installed anew.
#[test]
fn a_host_that_loses_the_hotfix_in_the_soak_has_failed_until_it_is_tried_again() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    example.exchange("exa1", crate::example::BEFORE);
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave canary: 1 failed installs, 0 allowed: exa1 store.exe is \
                                         6.5.7638.1 again, 6.5.7653.33 is expected"
    );
    let request = request::retry(example.world(), "dst", "exa1", "it was a mistake");
    file_it(&mut example, "olga", request);
    // The hold that drift has put on it, and then the trip.
    resume(&mut example);
    resume(&mut example);
    example.pass(minutes(1));
    install_next(&mut example, "exa1");
}

/// How its install ended is not known, and a person leaves the host out: he has looked, so that it is not disrupted for ever.
#[test]
fn a_host_that_is_left_out_counts_by_its_own_report_again() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Unknown { detail: "the agent died".into() });
    example.pass(minutes(61));
    example.settle();
    assert!(example.rollout_state().contains("1 failed installs"), "{}", example.rollout_state());
    let disrupted = sendgate_core::plan::disruption::disrupted(example.world(), None);
    let unknown = format!("how intent {intent} ended is unknown: look whether it still runs");
    assert!(disrupted[&name("exa1")].starts_with(&unknown), "{disrupted:?}");
    let request = request::skip(example.world(), "dst", "exa1", "nothing runs there");
    file_it(&mut example, "olga", request);
    resume(&mut example);
    install_next(&mut example, "exa2");
}

fn tallies(example: &Example) -> Vec<Tally> {
    view::rollout(example.world(), &name("dst")).unwrap().tallies
}

/// Nobody paused is one thing, and not to know who is paused another; of how many it is, is told in either case.
#[test]
fn what_is_not_known_of_pauses_is_told_and_counted_as_nothing() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    let [wave, all] = tallies(&example).try_into().unwrap();
    assert_eq!((wave.roster_users, wave.not_known.len(), all.not_known.len()), (0, 0, 0), "nothing has begun");
    install_next(&mut example, "exa1");
    let known = |example: &Example| {
        tallies(example).into_iter().map(|tally| (tally.of, tally.roster_users, tally.not_known)).collect::<Vec<_>>()
    };
    let both = |unknown: &[(&str, &str)]| {
        let unknown: BTreeMap<_, _> = unknown.iter().map(|(of, why)| (name(of), (*why).to_owned())).collect();
        ["wave canary", "the rollout"].map(|of| (of.to_owned(), 2, unknown.clone()))
    };
    assert_eq!(known(&example), both(&[]));

    let other = example.policy.goodlink[&name("gla")].clone();
    let other = sendgate_core::policy::GoodLinkPolicy { host: name("glb"), ..other };
    example.policy.goodlink.insert(name("glb"), other);
    assert_eq!(known(&example), both(&[("glb", "its host has not reported")]));
    // One whose users cannot be on a changed server is not asked.
    let glb = example.policy.goodlink.get_mut(&name("glb")).unwrap();
    glb.exchange = [name("exa2")].into();
    assert_eq!(known(&example), both(&[]));
    example.policy.goodlink.remove(&name("glb"));

    example.paused.insert("anna");
    example.goodlink("adom\\goodadmin");
    example.estate.domains.clear();
    let why = "GoodLink gla has paused anna, and whether his mailbox is on a changed server is not known: a.example.test \
               has not been surveyed, or too long ago";
    let told = tallies(&example);
    assert_eq!(told[0].new_pauses.len(), 0);
    assert_eq!(told[0].not_known, [(name("gla"), why.to_owned())].into());
}

/// What fails in its soak and is allowed to is watched to the end of it all the same: its users have the hotfix.
#[test]
fn a_wave_whose_hosts_have_failed_as_often_as_allowed_is_watched_all_the_same() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of(
        "dst",
        &(waves() + "[thresholds]\nstores_down = 1\n[wave_thresholds]\nstores_down = 1\n"),
    ));
    install_next(&mut example, "exa1");
    let unmount = |example: &mut Example| {
        let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
        host.exchange.as_mut().unwrap().mounted = Ok(false);
    };
    unmount(&mut example);
    assert_eq!(installs(&example.settle().0), []);
    assert!(matches!(phases(&example)[0], Phase::Failed { class: Class::Store, .. }), "{:?}", phases(&example));
    let progress = progress_of(&example);
    let why: Vec<_> = progress[0].blocked.iter().map(ToString::to_string).collect();
    assert_eq!(why, ["its wave is watched, though it has failed: 15m 0s to go"]);
    example.pass(minutes(14));
    unmount(&mut example);
    let (effects, plan) = example.settle();
    assert_eq!((installs(&effects), example.rollout_state().as_str()), (vec![], "running"));
    let left = plan.wake.unwrap().since(example.now.steady);
    assert!(left <= minutes(1) + Duration::from_millis(1), "{left:?}");
    example.pass(minutes(1));
    unmount(&mut example);
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
}

/// A store that does not serve may be allowed, and that its host has lost the hotfix may not: while its version cannot be
/// read, nobody knows which of them it is.
#[test]
fn a_wave_is_not_over_while_the_version_of_a_store_that_failed_is_not_known() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    let allowed = "[thresholds]\nstores_down = 1\n[wave_thresholds]\nstores_down = 1\n";
    example.rollout_of(&file_of("dst", &(waves() + allowed)));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    let fails = |example: &mut Example, store: Result<StoreVersion, String>| {
        let exchange = example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap();
        (exchange.mounted, exchange.store) = (Ok(false), store);
    };
    fails(&mut example, Err("the file is in use".to_owned()));
    assert_eq!(installs(&example.settle().0), []);
    assert!(matches!(phases(&example)[0], Phase::Failed { class: Class::Store, .. }), "{:?}", phases(&example));
    let why: Vec<_> = progress_of(&example)[0].blocked.iter().map(ToString::to_string).collect();
    assert_eq!(why, ["host exa1: its version of store.exe is not known"]);
    fails(&mut example, Ok(AFTER.parse().unwrap()));
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
}

/// The soak of a host stands still while it is held, also where the host has failed meanwhile and others soak on.
#[test]
fn a_host_that_was_held_is_watched_though_it_has_failed_beside_others() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    let allowed = "[thresholds]\nstores_down = 1\n[wave_thresholds]\nstores_down = 1\n";
    let file = format!("[limits]\nat_once = 2\n{}{allowed}", wave("all", &["exa1", "exa2"]));
    example.rollout_of(&file_of("dst", &file));
    for (host, intent) in installs(&offered(&mut example)) {
        carry_out(&mut example, intent, &host, AFTER);
    }
    let exa1 = WantedHeld::Host("exa1".to_owned());
    let request = request::hold(example.world(), &exa1, "somebody looks at it");
    file_it(&mut example, "olga", request);
    example.pass(minutes(15));
    example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap().mounted = Ok(false);
    example.settle();
    let progress = progress_of(&example);
    assert!(matches!(progress[0].phase, Phase::Failed { class: Class::Store, .. }), "{:?}", progress[0].phase);
    assert_eq!(progress[1].phase, Phase::Soaking { remaining: Duration::ZERO });
    assert_eq!(example.rollout_state(), "running", "nobody has watched exa1");
    let request = request::release(example.world(), &name("olga"), &exa1, "it is well");
    file_it(&mut example, "olga", request);
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
}

/// A user was paused since, and nobody knows whether his mailbox is on a server that was changed: nothing more begins.
#[test]
fn nothing_more_begins_while_a_pause_cannot_be_placed() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    install_next(&mut example, "exa1");
    let next = installs(&offered(&mut example))[0].1;
    assert_eq!(plan::permit(example.world(), next), Ok(()));
    example.paused.insert("anna");
    example.observe_all();
    example.estate.domains.clear();
    let unclear = "GoodLink gla has paused anna, and whether his mailbox is on a changed server is not known";
    let why: Vec<_> =
        plan::permit(example.world(), next).unwrap_err().blocked.iter().map(ToString::to_string).collect();
    assert!(why.iter().any(|why| why.contains(unclear)), "{why:#?}");
}
