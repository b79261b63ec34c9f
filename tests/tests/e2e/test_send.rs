//! Test Send: GoodLink sends through the changed servers before a wave is over. The answer is the simulated store's, which
//! asks the live directory.

use crate::support::{
    A, Must, PATIENCE, Scene, accepted, every_effect_once, finished, gate, held_up, host_log, installs, one_by_one,
    start, state, test_sends, user, why,
};
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::view::GateState;
use sendgate_tests::lab::{Lab, User};
use sendgate_tests::system::{Layout, Plan, System, wait};
use std::time::Duration;

/// A rollout that wants test sends, each server a wave.
fn tested(system: &System) {
    let mut file = one_by_one(system, "spring", &["EXA1", "EXA2"]);
    file.keys = "any_time = true\ntest_send = true\n".to_owned();
    start(system, &file);
}

/// Lets the tests through this server hang, or none.
fn hang(system: &System, server: Option<&str>) {
    let file = system.layout.host("gla").join("hang-test-send");
    match server {
        Some(server) => std::fs::write(&file, server).must(),
        None => std::fs::remove_file(&file).must(),
    }
}

/// How each test send has ended, by the journal: the last word on each.
fn outcomes(system: &System) -> Vec<Option<Outcome>> {
    let journal = system.journal(Sequence::FIRST).must();
    let tests = journal
        .iter()
        .filter(|(_, stamped)| matches!(&stamped.entry, Entry::Intent { effect: Effect::TestSend { .. } }));
    let last = |id: Sequence| {
        journal.iter().rev().find_map(|(_, stamped)| match &stamped.entry {
            Entry::Outcome { intent, outcome } if *intent == id => Some(outcome.clone()),
            _ => None,
        })
    };
    tests.map(|(id, _)| last(*id)).collect()
}

fn resume(system: &System) {
    accepted(system, &["rollout", "resume", "spring", "--reason", "mended"], "one stop of rollout spring is ended");
}

/// As whom GoodLink tests sending through a server: on no roster, so that no gate asks for him.
fn tester(system: &System, server: &str) -> User {
    let goodlink = &system.plan.domains[0].goodlink;
    let test = goodlink.tests.iter().find(|test| test.server == server).expect("every server has a test");
    let name = test.user.split_once('@').expect("a mail address").0;
    assert!(!goodlink.roster.iter().any(|user| user.name == name), "{name} is on the roster");
    user(system, name)
}

#[test]
fn a_wave_is_over_only_after_goodlink_has_sent_through_its_server() {
    let scene = Scene::granted(|_| {});
    hang(&scene, Some("EXA1"));
    tested(&scene);
    wait::until("a soak that is over", PATIENCE, || match why(&scene, "spring", "exa1").host.progress.phase {
        Phase::Soaking { remaining } if remaining.is_zero() => Ok(()),
        phase => Err(phase.to_string()),
    })
    .must();
    held_up(&scene, "spring", "exa1", "gla tests sending through exa1 (intent ");
    held_up(&scene, "spring", "exa2", "exa1 comes first");
    assert_eq!((test_sends(&scene, "gla", "EXA1"), installs(&scene, "exa2")), ((1, 0), (0, 0)));
    hang(&scene, None);
    finished(&scene, "spring");

    for server in ["EXA1", "EXA2"] {
        assert_eq!(test_sends(&scene, "gla", server), (1, 1), "{server}");
    }
    // By the hosts' own clocks: the first wave's message was sent before the second wave began.
    let sent = host_log(&scene, "gla", "tests.log").into_iter().find(|(_, line)| line == "end EXA1 exit 0");
    let begun = host_log(&scene, "exa2", "installs.log").into_iter().next();
    assert!(sent.zip(begun).is_some_and(|((sent, _), (begun, _))| sent <= begun), "the second wave did not wait");
    every_effect_once(&scene);
}

#[test]
fn a_test_user_who_is_denied_stops_the_rollout_with_the_numbers() {
    // The store forgets before anybody loses patience.
    let scene = Scene::granted(|plan| plan.memory = Duration::from_secs(1));
    let tester = tester(&scene, "EXA1");
    scene.deny(&tester.name);
    tested(&scene);
    let stopped = state(&scene, "spring", "stopped by itself: ");
    let numbers = "wave exa1: 1 test sends failed, 0 allowed: gla through exa1: failed: exit code 1; program test-send-exa1: \
                   ended with exit status: 1";
    assert!(stopped.starts_with(&format!("stopped by itself: {numbers}")), "{stopped}");
    let account = &scene.lab.domain("a").must().goodadmin.logon;
    let answer = format!("took no message of {} from {account}: MAPI_E_NO_ACCESS (-2147024891)", tester.mail);
    assert!(stopped.contains(&answer), "{stopped}");
    let shown = scene.cli(&["rollout", "show", "spring"]).must().good().must().stdout;
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("1 failed test sends (0)"), "{shown}");
    assert_eq!((test_sends(&scene, "gla", "EXA1"), installs(&scene, "exa2")), ((1, 0), (0, 0)));
    // Where a look is late just then, nothing can be told for a moment.
    wait::until("a gate that is open, for nobody on a roster lacks anything", PATIENCE, || {
        match gate(&scene, A).state {
            GateState::Open => Ok(()),
            state => Err(format!("{state:?}")),
        }
    })
    .must();

    // Mended, and tried by hand until the store has forgotten; then a person lets it go on, and it is tested again.
    scene.undeny(&tester.name);
    let program = Lab::programs().join("host/test_send");
    let by_hand = [Layout::text(&scene.layout.host("gla")), "EXA1".to_owned(), tester.mail];
    wait::until("a message by hand", PATIENCE, || {
        let output = scene.run(&program, &by_hand.each_ref().map(String::as_str)).map_err(|error| error.to_string())?;
        output.good().map(drop).map_err(|error| error.to_string())
    })
    .must();
    let before = test_sends(&scene, "gla", "EXA1");
    resume(&scene);
    finished(&scene, "spring");
    let after = test_sends(&scene, "gla", "EXA1");
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    assert_eq!(test_sends(&scene, "gla", "EXA2"), (1, 1));
    assert_eq!((installs(&scene, "exa1"), installs(&scene, "exa2")), ((1, 1), (1, 1)));
    every_effect_once(&scene);
}

#[test]
fn a_test_that_hangs_is_never_taken_for_passed_and_ends_by_its_deadline() {
    let deadline = Duration::from_secs(20);
    let scene = Scene::granted(|plan: &mut Plan| {
        plan.act_deadline = deadline;
        // Through EXA1 it hangs for longer than the coordinator waits; through EXA2 its agent ends it.
        let tests = plan.domains.iter_mut().flat_map(|domain| &mut domain.goodlink.tests);
        tests.filter(|test| test.server == "EXA2").for_each(|test| test.timeout = Duration::from_secs(10));
    });
    hang(&scene, Some("EXA1"));
    tested(&scene);
    let stopped = state(&scene, "spring", "stopped by itself: ");
    let numbers = "stopped by itself: wave exa1: 1 test sends failed, 0 allowed: gla through exa1: unknown: its end was \
                   not heard within 20.0s of the permit";
    assert_eq!(stopped, numbers);
    assert!(matches!(outcomes(&scene).as_slice(), [Some(Outcome::Unknown { .. })]), "{:?}", outcomes(&scene));
    assert_eq!((test_sends(&scene, "gla", "EXA1"), installs(&scene, "exa2")), ((1, 0), (0, 0)));

    // The message is sent after all: what it came to is known then, and the rollout stays stopped.
    hang(&scene, None);
    wait::until("the late outcome", PATIENCE, || match outcomes(&scene).as_slice() {
        [Some(Outcome::Succeeded { .. })] => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .must();
    assert_eq!(state(&scene, "spring", "stopped by itself: "), numbers);
    assert_eq!(installs(&scene, "exa2"), (0, 0));

    hang(&scene, Some("EXA2"));
    resume(&scene);
    let stopped = state(&scene, "spring", "stopped by itself: wave exa2: ");
    let numbers = "stopped by itself: wave exa2: 1 test sends failed, 0 allowed: gla through exa2: unknown: \
                   program test-send-exa2: did not end within 10s and was killed";
    assert!(stopped.starts_with(numbers), "{stopped}");
    assert_eq!(test_sends(&scene, "gla", "EXA1"), (2, 2), "tested again after a person let it go on");
    assert_eq!(test_sends(&scene, "gla", "EXA2"), (1, 0));
    hang(&scene, None);
    resume(&scene);
    finished(&scene, "spring");
    assert_eq!(test_sends(&scene, "gla", "EXA2"), (2, 1));
    assert_eq!((installs(&scene, "exa1"), installs(&scene, "exa2")), ((1, 1), (1, 1)));
}
