//! People's acts through the real coordinator and agents: hold and release, pause and resume, leave out and try again, a
//! restart of GoodLink.

use crate::support::{
    A, Must, PATIENCE, Scene, accepted, at_once, every_effect_once, grant_all, held_up, installs, open, refused,
    rollout, state, why,
};
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::view::{PlanView, StatusView};
use sendgate_tests::system::{System, wait};
use std::time::Duration;

/// How often GoodLink was started.
fn goodlink_starts(system: &System) -> usize {
    let log = system.layout.host("gla").join("logs/goodlink.log");
    std::fs::read_to_string(log).unwrap_or_default().lines().filter(|line| line.contains("Server started")).count()
}

#[test]
fn what_people_hold_stands_still_and_goes_on_when_they_let_it() {
    let mut scene = Scene::new(|_| {});
    // Long enough for a pause in between on a busy machine.
    let host = scene.layout.host("exa1").join("host.json");
    let text = std::fs::read_to_string(&host).must();
    let long = text.replace("\"install_seconds\":2.0", "\"install_seconds\":12.0");
    assert_ne!(long, text);
    std::fs::write(&host, long).must();
    grant_all(&scene.lab);
    scene.start().must();
    open(&scene, A);
    wait::until("the first start of GoodLink", PATIENCE, || match goodlink_starts(&scene) {
        1 => Ok(()),
        starts => Err(format!("{starts} starts")),
    })
    .must();

    // Everything is held, by three holds; a rollout and a restart wait behind them.
    accepted(&scene, &["hold", "estate", "--reason", "freeze"], "the estate is held: nothing new begins there");
    accepted(&scene, &["hold", "domain", A, "--reason", "audit"], "domain a.example.test is held");
    accepted(&scene, &["hold", "host", "gla", "--reason", "backup"], "host gla is held");
    rollout(&scene, "spring", &["EXA1", "EXA2"]);
    accepted(
        &scene,
        &["goodlink", "restart", "gla", "--reason", "its console hangs"],
        "GoodLink gla is restarted once",
    );
    held_up(&scene, "spring", "exa1", "the estate is held by olive: freeze");
    held_up(&scene, "spring", "exa1", "domain a.example.test is held by olive: audit");
    let status: StatusView = scene.view(&["status"]).must();
    let holds: Vec<_> = status.holds.iter().map(|line| format!("{} is {}", line.held, line.hold)).collect();
    assert_eq!(holds.len(), 3, "{holds:?}");
    assert!(holds.contains(&"host gla is held by olive: backup".to_owned()), "{holds:?}");

    refused(
        &scene,
        &["hold", "host", "exz9", "--reason", "x"],
        "\"exz9\" is not known: configured hosts are exa1, exa2, gla",
    );
    refused(&scene, &["hold", "domain", "c.example.test", "--reason", "x"], "configured domains are a.example.test");
    refused(&scene, &["release", "host", "exa1", "--reason", "x"], "host exa1 is not held; held: the estate");
    refused(&scene, &["rollout", "resume", "spring", "--reason", "x"], "rollout spring is running, and not held");
    refused(&scene, &["rollout", "skip", "spring", "gla", "--reason", "x"], "hosts of rollout spring are exa1, exa2");
    refused(&scene, &["goodlink", "restart", "glz", "--reason", "x"], "configured GoodLink servers are gla");

    // Each hold is ended by itself; what is under another one still stands.
    accepted(&scene, &["rollout", "pause", "spring", "--reason", "lunch"], "rollout spring is held");
    accepted(&scene, &["release", "domain", A, "--reason", "audited"], "domain a.example.test is released");
    accepted(&scene, &["release", "estate", "--reason", "thaw"], "the estate is released");
    held_up(&scene, "spring", "exa1", "rollout spring is held by olive: lunch");
    let plan: PlanView = scene.view(&["plan"]).must();
    let remedies: Vec<_> = plan.remedies.values().flatten().cloned().collect();
    assert_eq!(remedies, ["host gla is held by olive: backup"]);
    let effects = |system: &System| {
        let journal = system.journal(Sequence::FIRST).must();
        journal.iter().filter(|(_, stamped)| matches!(stamped.entry, Entry::Intent { .. })).count()
    };
    assert_eq!((effects(&scene), goodlink_starts(&scene)), (0, 1), "nothing has begun");

    accepted(&scene, &["release", "host", "gla", "--reason", "backed up"], "host gla is released");
    wait::until("the restart of GoodLink", PATIENCE, || match goodlink_starts(&scene) {
        2 => Ok(()),
        starts => Err(format!("{starts} starts")),
    })
    .must();
    assert_eq!((effects(&scene), installs(&scene, "exa1").0), (1, 0), "the rollout is paused still");

    // A host is left out and taken in again while the rollout is paused.
    accepted(
        &scene,
        &["rollout", "skip", "spring", "exa2", "--reason", "broken disk"],
        "exa2 is left out of rollout spring",
    );
    assert_eq!(why(&scene, "spring", "exa2").why, "exa2 is left out by olive: broken disk");
    accepted(
        &scene,
        &["rollout", "retry", "spring", "exa2", "--reason", "new disk"],
        "exa2 is tried again in rollout spring",
    );
    assert_eq!(why(&scene, "spring", "exa2").host.progress.phase, Phase::Waiting);

    // A pause in an installation: the permit that is out is named, what runs is finished, and the soak stands still.
    std::fs::write(scene.layout.host("exa2").join("fail-install"), "before").must();
    accepted(
        &scene,
        &["rollout", "resume", "spring", "--reason", "lunch is over"],
        "one stop of rollout spring is ended",
    );
    at_once("the start of the installer on exa1", || (installs(&scene, "exa1").0 == 1).then_some(()));
    let pause = ["rollout", "pause", "spring", "--reason", "an alarm"];
    let paused = accepted(&scene, &pause, "rollout spring is held");
    assert_eq!(installs(&scene, "exa1"), (1, 0), "it was paused too late to test anything");
    assert!(paused.stdout.contains("note: permits that are out, good for 30 s"), "{}", paused.stdout);
    assert!(paused.stdout.contains("install kb926666 on exa1"), "{}", paused.stdout);
    let soaking = || {
        let phase = why(&scene, "spring", "exa1").host.progress.phase;
        if let Phase::Soaking { remaining } = phase { Ok(remaining) } else { Err(phase.to_string()) }
    };
    let soak = wait::until("the soak of exa1", PATIENCE, soaking).must();
    assert_eq!(soak, Duration::from_secs(3), "it was paused before the soak began");
    held_up(&scene, "spring", "exa2", "rollout spring is held by olive: an alarm");
    assert_eq!(soaking().must(), soak, "the soak stands still");
    assert_eq!((installs(&scene, "exa1"), installs(&scene, "exa2")), ((1, 1), (0, 0)));

    // It goes on, stops by itself, and ends after the host is tried again.
    accepted(
        &scene,
        &["rollout", "resume", "spring", "--reason", "a false one"],
        "one stop of rollout spring is ended",
    );
    state(&scene, "spring", "stopped by itself: wave exa2: 1 failed installs, 0 allowed: exa2 the install failed");
    std::fs::remove_file(scene.layout.host("exa2").join("fail-install")).must();
    accepted(&scene, &["rollout", "retry", "spring", "exa2", "--reason", "mended"], "goes on with `resume`");
    accepted(&scene, &["rollout", "resume", "spring", "--reason", "mended"], "note: nothing else stops it");
    state(&scene, "spring", "finished");
    refused(&scene, &["rollout", "resume", "spring", "--reason", "x"], "rollout spring is finished, and not held");

    let journal = every_effect_once(&scene);
    assert_eq!(installs(&scene, "exa1"), (1, 1));
    let forced = journal.iter().find_map(|(sequence, stamped)| match &stamped.entry {
        Entry::Intent { effect: Effect::RestartGoodlink { forced: true, .. } } => Some(*sequence),
        _ => None,
    });
    let forced = forced.expect("GoodLink was restarted because a person wanted it");
    let good = journal.iter().any(|(_, stamped)| match &stamped.entry {
        Entry::Outcome { intent, outcome: Outcome::Succeeded { .. } } => *intent == forced,
        _ => false,
    });
    assert!(good, "its outcome is in the journal");
}
