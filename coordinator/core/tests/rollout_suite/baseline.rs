//! Who was paused before a wave changed anything: he is not counted against it, and nobody else is excused.

use super::{against, file_it, installs, offered, phases, waves};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded};
use sendgate_core::estate::RosterDigest;
use sendgate_core::ledger::{Effect, Entry, Sequence};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;

/// Carries the install on EXA1 out that is on offer.
fn install(example: &mut Example) {
    let intent = installs(&offered(example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.exchange("exa1", AFTER);
    example.settle();
    example.end(intent, succeeded());
    example.pass(minutes(1));
    example.exchange("exa1", AFTER);
    example.settle();
    assert!(matches!(phases(example)[0], Phase::Soaking { .. }), "{:?}", phases(example));
}

/// Anna was paused when it was offered first, and recovered before anything had begun: when the hotfix pauses her later, that
/// is its doing.
#[test]
fn an_attempt_that_came_to_nothing_excuses_nobody_later() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.observe_all();
    example.rollout_of(&file_of("dst", &waves()));
    let intent = installs(&offered(&mut example))[0].1;
    assert_eq!(example.ledger.baselines[&name("dst")][&0][&name("gla")], [name("anna")].into());
    let hold = request::hold(example.world(), &WantedHeld::Host("exa1".into()), "not tonight");
    file_it(&mut example, "olga", hold);
    example.settle();
    assert!(!example.ledger.intents[&intent].state.is_open());
    example.paused.clear();
    example.pass(minutes(60));
    let release = request::release(example.world(), &name("olga"), &WantedHeld::Host("exa1".into()), "tonight");
    file_it(&mut example, "olga", release);
    install(&mut example);
    example.pauses("anna");
    let state = example.rollout_state();
    assert!(state.contains("1 new Send As pauses") && state.contains("anna"), "{state}");
}

/// She recovers, or GoodLink is restarted for her, while the offer waits for its permit.
#[test]
fn whoever_recovers_before_the_permit_is_not_excused() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.observe_all();
    example.rollout_of(&file_of("dst", &waves()));
    assert_eq!(offered(&mut example).len(), 1);
    example.paused.clear();
    example.pass(minutes(1));
    install(&mut example);
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// More users than an entry has room for: what was written down before is void once, and each part of what is now counts.
#[test]
fn a_baseline_of_several_parts_is_taken_anew_as_a_whole() {
    let mut example = Example::covered();
    example.paused = (0..700).map(|at| &*Box::leak(format!("user{at}").into_boxed_str())).collect();
    example.observe_all();
    example.rollout_of(&file_of("dst", &waves()));
    assert_eq!(offered(&mut example).len(), 1);
    example.paused.remove("user0");
    example.pass(minutes(1));
    example.settle();
    let taken = &example.ledger.baselines[&name("dst")][&0][&name("gla")];
    assert_eq!((taken.len(), taken.contains(&name("user0"))), (699, false));
}

/// Nothing was begun in the first wave: who was paused before it is no concern of what the second one changes.
#[test]
fn a_wave_that_came_to_nothing_excuses_nobody_in_the_rollout() {
    let mut example = Example::covered();
    example.paused.insert("bert");
    example.observe_all();
    let limits = "[thresholds]\nnew_pauses = 0\n[wave_thresholds]\nnew_pauses = 5\n";
    example.rollout_of(&file_of("dst", &(waves() + limits)));
    assert_eq!(offered(&mut example).len(), 1);
    let skip = request::skip(example.world(), "dst", "exa1", "its disk is gone");
    file_it(&mut example, "olga", skip);
    example.settle();
    example.paused.clear();
    example.pass(minutes(60));
    super::install_next(&mut example, "exa2");
    example.pauses("bert");
    let state = example.rollout_state();
    assert!(state.starts_with("stopped by itself: the rollout: 1 new Send As pauses"), "{state}");
}

/// What was taken down before the first host began stands: whoever is paused since is counted.
#[test]
fn nothing_is_taken_anew_once_a_host_of_the_wave_has_begun() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    let limits = "[thresholds]\nnew_pauses = 1\n[wave_thresholds]\nnew_pauses = 1\n";
    let wave = crate::example::wave("all", &["exa1", "exa2"]);
    example.rollout_of(&file_of("dst", &(wave + limits)));
    install(&mut example);
    example.pauses("anna");
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
    assert_eq!(example.ledger.baselines[&name("dst")][&0][&name("gla")], [].into());
    example.pauses("carl");
    assert!(example.rollout_state().contains("2 new Send As pauses"), "{}", example.rollout_state());
}

/// A restart of GoodLink for Anna that has its permit; EXA1 may go beside it.
fn restarting() -> (Example, Sequence) {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(90));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.rollout_of(&file_of("dst", &waves()));
    (example, *intent)
}

/// The restart un-pauses everybody: a report of before it excuses nobody whom the hotfix pauses.
#[test]
fn nobody_is_excused_by_what_goodlink_said_before_it_was_restarted() {
    let (mut example, intent) = restarting();
    assert_eq!(offered(&mut example).len(), 1, "{:?}", against(&example, "exa1"));
    let running = format!("GoodLink server gla: it is being restarted (intent {intent})");
    assert!(against(&example, "exa1").contains(&running), "{:?}", against(&example, "exa1"));
    example.pass(minutes(1));
    assert!(against(&example, "exa1").contains(&running), "{:?}", against(&example, "exa1"));
    example.end(intent, succeeded());
    let ended = format!("GoodLink server gla: it has not reported since it was restarted (intent {intent})");
    assert!(against(&example, "exa1").contains(&ended), "{:?}", against(&example, "exa1"));
    let users = view::status(example.world()).paused.remove(0).users;
    assert_eq!(users, Err(format!("it has not reported since it was restarted (intent {intent})")));
    example.paused.clear();
    example.pass(minutes(1));
    install(&mut example);
    assert_eq!(example.ledger.baselines[&name("dst")][&0][&name("gla")], [].into());
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// Dora is new on the roster, which is on its way, and paused: where her mailbox is it will say.
#[test]
fn a_paused_user_who_is_on_no_roster_yet_is_not_known_until_it_has_arrived() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &waves()));
    install(&mut example);
    let awaited = |example: &mut Example| {
        let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
        gla.goodlink.as_mut().unwrap().roster = Ok(RosterDigest([9; 32]));
        example.settle();
    };
    example.paused.insert("dora");
    example.observe_all();
    awaited(&mut example);
    assert_eq!(example.rollout_state(), "running");
    let text = "GoodLink gla has paused dora, and whether his mailbox is on a changed server is not known: its present \
                roster, which may name him, has not arrived yet";
    let view = view::rollout(example.world(), &name("dst")).unwrap();
    assert_eq!(view.tallies[0].not_known[&name("gla")], text);
    example.pass(minutes(15));
    awaited(&mut example);
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0);
    assert!(against(&example, "exa1").contains(&text.to_owned()), "{:?}", against(&example, "exa1"));
    // Anna is on it already.
    let mut known = Example { ledger: example.ledger.clone(), estate: example.estate.clone(), ..Example::covered() };
    (known.now, known.policy.disruption) = (example.now, example.policy.disruption);
    known.paused.extend(["anna", "dora"]);
    known.goodlink("adom\\goodadmin");
    awaited(&mut known);
    assert!(known.rollout_state().ends_with("on the changed servers exa1: anna (gla)"), "{}", known.rollout_state());
    // It has arrived, and does not name her: she may be there.
    example.observe_all();
    example.exchange("exa2", BEFORE);
    example.settle();
    assert!(
        example.rollout_state().ends_with("on the changed servers exa1: dora (gla)"),
        "{}",
        example.rollout_state()
    );
}

/// GoodLink gets another name in the middle of it, and the hotfix has paused Anna on EXA1 by then. Bert, on EXA2, was paused before
/// that was changed; but he may have been moved to EXA1, as far as a directory server that is down may know.
#[test]
fn what_a_goodlink_server_declared_in_the_middle_has_paused_counts_where_it_is_changed() {
    for (waves_done, down) in [(0, None), (1, None), (0, Some("connection refused"))] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &waves()));
        install(&mut example);
        if waves_done == 1 {
            example.pass(minutes(15));
            super::install_next(&mut example, "exa2");
        }
        let gla = example.policy.goodlink.remove(&name("gla")).unwrap();
        example.policy.goodlink.insert(name("glc"), gla);
        let roster = example.estate.rosters.remove(&name("gla")).unwrap();
        example.estate.rosters.insert(name("glc"), roster);
        example.paused.extend(["anna", "bert"]);
        example.goodlink("adom\\goodadmin");
        example.down.extend(down.map(|why| ("a2", why)));
        example.survey();
        example.settle();
        assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, waves_done);
        let paused = example.rollout_state();
        let of = if waves_done == 0 { "wave canary: 1 new" } else { "wave rest: 1 new" };
        assert!(paused.contains(of), "{paused}");
        let excused = &example.ledger.baselines[&name("dst")][&0][&name("glc")];
        let expected = if waves_done == 0 && down.is_none() { vec![name("bert")] } else { Vec::new() };
        assert_eq!(excused.iter().cloned().collect::<Vec<_>>(), expected);
        // A person has seen them, and lets it go on as it is.
        super::resume(&mut example);
        example.settle();
        assert_eq!(example.rollout_state(), "running");
    }
}

/// A stopped rollout with Anna paused, when the coordinator is started anew.
fn stopped() -> Example {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install(&mut example);
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
    example
}

/// The survey after a start takes its time, and where her mailbox is is not known meanwhile.
#[test]
fn a_resume_excuses_whoever_is_paused_also_before_anybody_has_been_read() {
    let mut example = stopped();
    example.estate.domains.clear();
    super::resume(&mut example);
    example.settle();
    assert_eq!(example.ledger.baselines[&name("dst")][&0][&name("gla")], [name("anna")].into());
    example.survey();
    example.settle();
    assert_eq!(example.rollout_state(), "running");
}

/// GLA's host says nothing at the moment of the person's word: whom it has paused since he cannot have seen.
#[test]
fn a_resume_does_not_excuse_whom_a_goodlink_server_has_paused_that_could_not_be_asked_then() {
    let mut example = stopped();
    let gla = example.estate.hosts.remove(&name("gla")).unwrap();
    super::resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    example.report("gla", gla);
    example.settle();
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
    super::resume(&mut example);
    example.settle();
    assert_eq!(example.ledger.baselines[&name("dst")][&0][&name("gla")], [name("anna")].into());
    assert_eq!(example.rollout_state(), "running");
}

/// GLA has another name when a person lets the rollout go on, and its own again later, with Carl paused meanwhile.
#[test]
fn a_resume_excuses_nobody_of_a_goodlink_server_that_was_not_declared_then() {
    let mut example = stopped();
    let rename = |example: &mut Example, from: &str, to: &str| {
        let policy = example.policy.goodlink.remove(&name(from)).unwrap();
        example.policy.goodlink.insert(name(to), policy);
        let roster = example.estate.rosters.remove(&name(from)).unwrap();
        example.estate.rosters.insert(name(to), roster);
    };
    rename(&mut example, "gla", "glc");
    super::resume(&mut example);
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    rename(&mut example, "glc", "gla");
    example.paused.insert("carl");
    example.goodlink("adom\\goodadmin");
    example.settle();
    let state = example.rollout_state();
    assert!(state.contains("2 new Send As pauses") && state.contains("carl (gla)"), "{state}");
}
