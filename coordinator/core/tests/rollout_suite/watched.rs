//! Hosts that failed within what is allowed, and that have the hotfix all the same: their wave is watched.

use super::{installs, offered, phases, progress_of, waves};
use crate::example::{AFTER, Example, file_of, minutes, name, succeeded};
use sendgate_core::estate::{Estate, Observation};
use sendgate_core::ledger::{Class, Effect, Entry, Generation, Outcome, Sequence, Strangeness, Stranger};
use sendgate_core::plan;
use sendgate_core::plan::rollout::Phase;
use sendgate_core::time::{BootTime, ClockMark};

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
    let served = example.estate.served.get(&name("exa1")).copied();
    example.pass(minutes(after));
    example.exchange("exa1", AFTER);
    if !mounted {
        let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
        host.exchange.as_mut().unwrap().mounted = Ok(false);
        example.estate.served.extend(served.map(|served| (name("exa1"), served)));
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

/// The installer says that it failed, and left the hotfix behind; the store serves.
fn left_behind(allowed: &str) -> Example {
    let mut example = begun(allowed);
    ends(&mut example, Outcome::Failed { detail: "exit code 3010".into() });
    later(&mut example, 1, true);
    assert_eq!(failed(&example), Some(Class::Install));
    assert_eq!(example.rollout_state(), "running");
    example
}

/// All but the first host report, minutes later.
fn silent(example: &mut Example, after: u64) {
    example.silence(minutes(after));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", crate::example::BEFORE);
    example.survey();
    example.settle();
}

#[test]
fn a_failed_install_does_not_hide_a_store_that_goes_down() {
    let mut example = left_behind("failed_installs = 1");
    later(&mut example, 1, false);
    let state = example.rollout_state();
    assert!(state.contains("1 stores down, 0 allowed: exa1 the store is not mounted"), "{state}");
}

/// A file is locked for a while, or a rollback has not ended.
#[test]
fn a_failed_install_is_waited_for_while_its_version_cannot_be_read() {
    for role in [true, false] {
        let mut example = begun("failed_installs = 1");
        ends(&mut example, Outcome::Failed { detail: "exit code 1603".into() });
        example.pass(minutes(1));
        let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
        match host.exchange.as_mut().filter(|_| role) {
            Some(exchange) => exchange.store = Err("it is locked".into()),
            None => host.exchange = None,
        }
        example.settle();
        assert_eq!(failed(&example), Some(Class::Install));
        let blocked = blocked(&example);
        assert!(blocked.iter().any(|why| why.contains("whether it left the hotfix behind")), "{blocked:?}");
        assert_eq!(next(&mut example), Vec::<String>::new());
        later(&mut example, 1, true);
        assert_eq!(next(&mut example), Vec::<String>::new(), "it is watched");
        // What it has shown is known, whatever cannot be read later.
        example.pass(minutes(61));
        let host = example.estate.hosts.get_mut(&name("exa1")).unwrap();
        host.exchange.as_mut().unwrap().store = Err("it is locked".into());
        example.settle();
        assert_eq!(next(&mut example), Vec::<String>::new(), "it is watched still");
    }
}

#[test]
fn a_failed_install_does_not_hide_silence() {
    let mut example = left_behind("failed_installs = 1");
    // Within what an act may take the wave waits for a word, however long the soak is over.
    silent(&mut example, 30);
    let blocked = blocked(&example);
    assert!(blocked.iter().any(|why| why.contains("it has been silent for 30m")), "{blocked:?}");
    assert_eq!(next(&mut example), Vec::<String>::new());
    silent(&mut example, 31);
    let state = example.rollout_state();
    assert!(state.contains("1 unreachable hosts, 0 allowed: exa1 nothing was heard of it for 1h 1m"), "{state}");
    // Where that is allowed as well, nobody waits for ever.
    let mut example = left_behind("failed_installs = 1\nunreachable = 1");
    silent(&mut example, 61);
    assert_eq!(next(&mut example), ["exa2"]);
}

/// What it had shown is in the journal: that a coordinator that starts anew has not heard it yet ends no watch.
#[test]
fn a_failed_host_that_had_shown_the_hotfix_is_watched_on_after_a_start() {
    let mut example = left_behind("failed_installs = 1");
    example.policy.act_deadline = minutes(5);
    later(&mut example, 7, true);
    example.estate = Estate::default();
    let generation = Generation { epoch: 7, counter: 2, mark: 2 };
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    example.roster(&["anna", "bert", "carl"]);
    silent(&mut example, 0);
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0, "it is watched for its soak");
    assert_eq!(next(&mut example), Vec::<String>::new());
    silent(&mut example, 6);
    let state = example.rollout_state();
    assert!(state.contains("1 unreachable hosts, 0 allowed: exa1"), "{state}");
}

/// The store comes up after the installer has gone: it has as long as after one that says that all went well.
#[test]
fn a_store_has_its_time_to_come_up_after_an_install_that_failed() {
    let down = |after| {
        let mut example = begun("failed_installs = 1");
        ends(&mut example, Outcome::Failed { detail: "exit code 3010".into() });
        later(&mut example, 20, false);
        let why = "exa1: the store is not mounted, after an install that failed: 40m 0s to go";
        assert!(blocked(&example).iter().any(|blocked| blocked.contains(why)), "{:?}", blocked(&example));
        assert_eq!(next(&mut example), Vec::<String>::new());
        later(&mut example, after, false);
        example
    };
    assert_eq!(down(40).rollout_state(), "running");
    let state = down(41).rollout_state();
    assert!(state.contains("1 stores down, 0 allowed"), "{state}");
}

/// Nobody sends through a store that has its time to come up still: the message could only fail, and would stop the rollout.
#[test]
fn nobody_tests_sending_through_a_store_that_is_to_come_up_after_a_failed_install() {
    let tests = |example: &mut Example| -> Vec<Sequence> {
        let tests = offered(example).into_iter().filter(|(_, effect)| matches!(effect, Effect::TestSend { .. }));
        tests.map(|(id, _)| id).collect()
    };
    let mut example = begun("test_send_failures = 0\nfailed_installs = 1");
    example.ledger.rollouts.get_mut(&name("dst")).unwrap().spec.test_send = true;
    ends(&mut example, Outcome::Failed { detail: "exit code 3010".into() });
    // Whether it left the hotfix behind is not known before it has reported.
    assert_eq!(tests(&mut example), []);
    later(&mut example, 20, false);
    assert_eq!(tests(&mut example), []);
    later(&mut example, 10, true);
    let [test] = tests(&mut example).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(plan::permit(example.world(), test), Ok(()));
    // Somebody takes it down once more: that is a store down, and no store that is waited for.
    later(&mut example, 1, false);
    assert!(example.rollout_state().contains("1 stores down, 0 allowed"), "{}", example.rollout_state());
}

/// What its installer left behind it cannot show while its agent is refused: the wave is not over before it has had its time.
#[test]
fn a_failed_host_whose_agent_was_refused_has_its_time_to_show_what_was_left_behind() {
    let waves_done = |example: &Example| example.ledger.rollouts[&name("dst")].waves_done;
    let mut example = begun("failed_installs = 1");
    ends(&mut example, Outcome::Failed { detail: "exit code 3010".into() });
    let (remembered, cause) = (Generation { epoch: 7, counter: 9, mark: 4 }, Strangeness::LostStart);
    example.estate.observe(Observation::Stranger(name("exa1"), Stranger { remembered, cause }));
    silent(&mut example, 90);
    assert_eq!(waves_done(&example), 0);
    example.estate.observe(Observation::Connected(name("exa1"), example.now.steady));
    example.settle();
    assert_eq!(waves_done(&example), 0);
    silent(&mut example, 59);
    assert_eq!(waves_done(&example), 0);
    let mut never = Example { ledger: example.ledger.clone(), ..begun("failed_installs = 1") };
    (never.estate, never.now) = (example.estate.clone(), example.now);
    silent(&mut never, 1);
    assert_eq!(waves_done(&never), 1, "nobody waits for ever");
    later(&mut example, 0, true);
    assert_eq!(blocked(&example), ["its wave is watched, though it has failed: 15m 0s to go"]);
}
