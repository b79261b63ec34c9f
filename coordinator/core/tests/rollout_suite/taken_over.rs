//! Takeovers in the middle of a rollout: late ones, second ones, and what happens long after one.

use super::{against, carry_out, file_it, installs, phases};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, wave};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{
    Entry, Foreign, Generation, Milestone, Origin, RolloutEvent, RolloutState, Strangeness, Stranger,
};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::request;
use sendgate_core::time::{BootTime, ClockMark};

/// A coordinator that has just started, and a rollout of two waves that removes the hotfix when it trips.
fn started() -> Example {
    let mut example = Example::covered();
    start(&mut example, 1);
    example.settle();
    let waves = wave("canary", &["exa1"]) + "soak = \"5h\"\n" + &wave("rest", &["exa2"]);
    example.rollout_of(&file_of("dst", &format!("on_trip = \"remove\"\n{waves}")));
    example
}

fn start(example: &mut Example, counter: u64) {
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
}

fn take_over(example: &mut Example, epoch: u64) {
    let takeover = request::takeover(example.world(), epoch, "the disk was lost");
    file_it(example, "olive", takeover);
    example.estate.observe(Observation::TakenOver);
}

/// It has neither stopped nor begun to remove anything.
fn goes_on(example: &Example, why: &str) {
    let rollout = &example.ledger.rollouts[&name("dst")];
    assert_eq!((example.rollout_state().as_str(), &rollout.removal), ("running", &None), "{why}");
}

/// exa1 is installed, and in its soak.
fn soaking() -> Example {
    let mut example = started();
    let (effects, _) = example.settle();
    carry_out(&mut example, installs(&effects)[0].1, "exa1", AFTER);
    example
}

/// Nobody has reported to the new generation yet: that is no silence of two hours.
#[test]
fn a_takeover_long_after_the_start_makes_nobody_unreachable() {
    let mut example = soaking();
    example.pass(minutes(120));
    example.settle();
    take_over(&mut example, 99);
    example.settle();
    goes_on(&example, "nothing has happened");
    example.pass(minutes(1));
    example.exchange("exa1", AFTER);
    example.settle();
    goes_on(&example, "nothing has happened");
    // Who does not come for longer than an act may take is unreachable all the same.
    take_over(&mut example, 100);
    example.silence(example.policy.act_deadline + minutes(3));
    example.settle();
    assert!(example.ledger.rollouts[&name("dst")].removal.is_some(), "{}", example.rollout_state());
}

/// Its agent came and was refused. Until a person has said who goes on nobody can be reached, and nothing is concluded.
#[test]
fn an_agent_that_is_led_by_nobody_makes_its_host_not_unreachable() {
    let stranger = Stranger { remembered: Generation { epoch: 7, counter: 9, mark: 4 }, cause: Strangeness::LostStart };
    let mut watched = soaking();
    let mut verifying = started();
    let (effects, _) = verifying.settle();
    verifying.append(Entry::Permitted { intent: installs(&effects)[0].1, holder: None });
    verifying.end(installs(&effects)[0].1, crate::example::succeeded());
    for example in [&mut watched, &mut verifying] {
        example.estate.observe(Observation::Stranger(name("exa1"), stranger.clone()));
        example.silence(example.policy.act_deadline + minutes(3));
        example.settle();
        goes_on(example, "nothing has happened");
        take_over(example, 99);
        example.settle();
        goes_on(example, "it may come now");
        example.silence(minutes(3));
        example.settle();
        goes_on(example, "so late it is silent, and not lost");
    }
}

/// The host of an agent that is welcome again has had no chance to report: its last word is of before it was refused.
#[test]
fn an_agent_that_comes_back_from_being_refused_has_its_time_to_report() {
    let stranger = Stranger { remembered: Generation { epoch: 7, counter: 9, mark: 4 }, cause: Strangeness::LostStart };
    let mut verifying = started();
    let (effects, _) = verifying.settle();
    verifying.append(Entry::Permitted { intent: installs(&effects)[0].1, holder: None });
    verifying.end(installs(&effects)[0].1, crate::example::succeeded());
    let mut waiting = started();
    waiting.set("anna", VerdictKind::Missing, Cause::NoEntry);
    waiting.survey();
    waiting.settle();
    for mut example in [soaking(), verifying, waiting] {
        let deadline = example.policy.act_deadline;
        example.estate.observe(Observation::Stranger(name("exa1"), stranger.clone()));
        example.silence(deadline + minutes(3));
        example.settle();
        example.estate.observe(Observation::Connected(name("exa1"), example.now.steady));
        example.settle();
        goes_on(&example, "it is welcome again");
        example.silence(deadline);
        example.settle();
        goes_on(&example, "so late it is silent, and not lost");
        // Who does not report for longer than an act may take is lost all the same.
        example.silence(minutes(1));
        example.settle();
        let removal = example.ledger.rollouts[&name("dst")].removal.as_ref();
        let why = removal.map_or_else(|| example.rollout_state(), |removal| removal.reason.clone());
        assert!(why.contains("1 unreachable hosts"), "{why}");
    }
}

/// While an agent is led by nobody nothing can move anywhere: that is nobody's forgetfulness, however it ends.
#[test]
fn patience_does_not_run_while_an_agent_is_led_by_nobody() {
    // exa2 comes and is refused, and the others report.
    let refused = |example: &mut Example, after| {
        let (remembered, cause) = (Generation { epoch: 7, counter: 9, mark: 4 }, Strangeness::LostStart);
        example.estate.observe(Observation::Stranger(name("exa2"), Stranger { remembered, cause }));
        example.silence(minutes(after));
        example.exchange("exa1", BEFORE);
        example.goodlink("adom\\goodadmin");
        example.roster(&["anna", "bert", "carl"]);
        example.survey();
        example.settle();
    };
    type Goes = (&'static str, fn(&mut Example));
    let goes: [Goes; 3] = [
        ("a person says who goes on", |example| take_over(example, 99)),
        ("it comes with another memory", |_| {}),
        ("another start, which knows nothing of it yet", |example| {
            start(example, 2);
            example.estate = sendgate_core::estate::Estate::default();
        }),
    ];
    for (why, go) in goes {
        let mut example = started();
        example.settle();
        refused(&mut example, 9 * 24 * 60);
        goes_on(&example, "nothing can move");
        go(&mut example);
        example.settle();
        goes_on(&example, why);
        refused(&mut example, 60);
        goes_on(&example, why);
        // All report, exa2 among them.
        example.pass(minutes(1));
        example.settle();
        goes_on(&example, why);
        // From then on it runs as it always did.
        example.set("anna", VerdictKind::Missing, Cause::NoEntry);
        example.pass(minutes(7 * 24 * 60));
        example.settle();
        goes_on(&example, why);
        example.pass(minutes(2 * 24 * 60));
        example.settle();
        let rollout = &example.ledger.rollouts[&name("dst")];
        assert!(rollout.state.to_string().contains("nothing has moved for 192h"), "{why}: {}", rollout.state);
    }
}

/// All of the canary was done in the lost part.
fn found(example: &mut Example, at: &str) {
    example.exchange(at, AFTER);
    example.observe_all();
    example.settle();
    if matches!(example.ledger.rollouts[&name("dst")].state, RolloutState::Running { .. }) {
        let resume = request::resume(example.world(), &name("olga"), "dst", "seen");
        file_it(example, "olive", resume);
    }
    example.settle();
}

#[test]
fn a_second_takeover_leaves_watched_what_the_first_one_found() {
    let mut example = started();
    take_over(&mut example, 99);
    found(&mut example, "exa1");
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
    example.pass(minutes(1));
    take_over(&mut example, 100);
    example.exchange("exa1", AFTER);
    example.pass(minutes(1));
    example.settle();
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// What changes a host that was seen after the takeover as the journal knew it is not of the lost part.
#[test]
fn a_change_long_after_a_takeover_is_not_of_the_rollout() {
    let mut example = started();
    take_over(&mut example, 99);
    example.observe_all();
    example.settle();
    example.pass(minutes(90));
    example.exchange("exa2", AFTER);
    example.settle();
    let resume = request::resume(example.world(), &name("olga"), "dst", "the patch day's");
    file_it(&mut example, "olive", resume);
    example.settle();
    assert_eq!(phases(&example)[1], Phase::Done, "it has it, and nobody watches it");
    let baselines = &example.ledger.baselines[&name("dst")];
    assert_eq!(baselines.keys().collect::<Vec<_>>(), [&0], "its wave has changed nothing yet");
}

/// A later patch, which contains it, makes a host that the lost part changed no other one: its users have the hotfix of this
/// rollout all the same, as those of a host that the copy installed would.
#[test]
fn what_was_found_stays_of_the_rollout_when_somebody_patches_it() {
    let mut example = started();
    take_over(&mut example, 99);
    found(&mut example, "exa1");
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
    example.pass(minutes(5));
    example.exchange("exa1", "6.5.7654.12");
    example.settle();
    let resume = request::resume(example.world(), &name("olga"), "dst", "the patch day's");
    file_it(&mut example, "olga", resume);
    example.settle();
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0);
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// A person has it tried again, and then leaves it out: its users have the hotfix all the same.
#[test]
fn what_was_found_stays_of_the_rollout_when_somebody_has_it_tried_again() {
    let mut example = started();
    take_over(&mut example, 99);
    found(&mut example, "exa1");
    for request in [
        request::retry(example.world(), "dst", "exa1", "mended"),
        request::skip(example.world(), "dst", "exa1", "beyond repair"),
    ] {
        file_it(&mut example, "olga", request);
    }
    assert!(!example.ledger.rollouts[&name("dst")].verified.contains_key(&name("exa1")));
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// A person had left it out before it was seen, so that nothing is taken down of it: its users have the hotfix all the same,
/// and a later patch as well.
#[test]
fn what_was_found_is_of_the_rollout_though_somebody_had_left_it_out() {
    for patched in [false, true] {
        let mut example = started();
        let skip = request::skip(example.world(), "dst", "exa1", "not this one");
        file_it(&mut example, "olga", skip);
        take_over(&mut example, 99);
        found(&mut example, "exa1");
        assert!(matches!(phases(&example)[0], Phase::Skipped { .. }), "{:?}", phases(&example));
        if patched {
            example.pass(minutes(5));
            example.exchange("exa1", "6.5.7654.12");
            example.settle();
        }
        example.pauses("anna");
        assert!(example.rollout_state().contains("1 new Send As pauses"), "{patched}: {}", example.rollout_state());
    }
}

/// The rollout stood still when it was seen, and a person leaves it out before it goes on.
#[test]
fn what_was_found_while_the_rollout_stood_still_is_of_the_rollout() {
    let mut example = started();
    let tripped = RolloutEvent::Tripped { reason: "1 failed installs".into() };
    example.append(Entry::Milestone(Milestone::Rollout { rollout: name("dst"), event: tripped }));
    take_over(&mut example, 99);
    found(&mut example, "exa1");
    let skip = request::skip(example.world(), "dst", "exa1", "not this one");
    file_it(&mut example, "olga", skip);
    // It stands still for two reasons.
    for _ in 0..2 {
        let resume = request::resume(example.world(), &name("olga"), "dst", "looked at it");
        file_it(&mut example, "olga", resume);
    }
    example.settle();
    example.pauses("anna");
    assert!(example.rollout_state().contains("1 new Send As pauses"), "{}", example.rollout_state());
}

/// One that no rollout that goes on has seen with the hotfix is whoever's changed it since.
#[test]
fn what_was_found_is_of_no_rollout_that_is_over_once_somebody_has_changed_it() {
    let mut example = started();
    take_over(&mut example, 99);
    found(&mut example, "exa2");
    assert!(example.ledger.found.contains_key(&name("exa2")));
    let abort = request::rollout_abort(example.world(), "dst", "another way");
    file_it(&mut example, "olga", abort);
    example.exchange("exa2", "6.5.7654.12");
    example.settle();
    assert!(!example.ledger.found.contains_key(&name("exa2")));
}

/// An install of the lost part that still runs when the host is first seen with the old version.
#[test]
fn what_an_act_of_the_lost_part_leaves_behind_is_of_that_part() {
    let mut example = started();
    take_over(&mut example, 99);
    let act = "0000000000000007-900".to_owned();
    let foreign = Foreign { act: act.clone(), origin: Origin::Lost, unknown: None, teller: None };
    example.estate.observe(Observation::Foreign(name("exa1"), foreign));
    example.exchange("exa1", BEFORE);
    example.observe_all();
    example.settle();
    example.pass(minutes(5));
    // What it reported last is of before the end.
    example.estate.observe(Observation::ForeignOver(name("exa1"), act, example.now.steady));
    example.settle();
    found(&mut example, "exa1");
    assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
}

/// The lost part had begun both waves: pauses count against the one that is watched, too.
#[test]
fn each_wave_of_the_lost_part_has_a_baseline() {
    let mut example = started();
    take_over(&mut example, 99);
    example.exchange("exa1", AFTER);
    found(&mut example, "exa2");
    let baselines = &example.ledger.baselines[&name("dst")];
    assert_eq!(baselines.keys().collect::<Vec<_>>(), [&0, &1]);
    example.pauses("anna");
    assert!(example.rollout_state().contains("wave canary: 1 new Send As pauses"), "{}", example.rollout_state());
    assert_eq!(against(&example, "exa1"), Vec::<String>::new());
}

/// A removal of the wave takes what was found in it as well: the dry run counts it as the permit does.
#[test]
fn the_dry_run_leaves_room_to_remove_what_was_found() {
    let mut example = Example::covered();
    start(&mut example, 1);
    example.settle();
    // 20 + 5 + 15 + 20 minutes for one host that is removed again, and 20 more for two.
    let window = "[[window]]\nname = \"night\"\nrule = \"FREQ=DAILY\"\nstart = \"2006-06-13T01:00\"\nlength = \"3h46m\"\nzone = \"UTC\"\n\
                  cutoff = \"1m\"\n";
    let expected = "[expected]\ninstall = \"20m\"\nrestart = \"5m\"\nremoval = \"20m\"\n";
    example.rollout_of(&file_of("dst", &(wave("all", &["exa1", "exa2"]) + expected + window)));
    take_over(&mut example, 99);
    found(&mut example, "exa1");
    // All rights are settled anew, and 70 minutes are left.
    example.pass(minutes(95));
    example.settle();
    let spec = example.ledger.rollouts[&name("dst")].spec.clone();
    let view = sendgate_core::view::forecast(example.world(), &spec, &name("olga"));
    let begins: Vec<_> = view.waves[0].hosts.iter().map(|host| host.begins.map(|at| at.to_string())).collect();
    assert!(
        against(&example, "exa2").iter().any(|why| why.contains("removal from 2 hosts")),
        "{:?}",
        against(&example, "exa2")
    );
    assert_eq!(begins, [None, Some("2006-06-14T01:00:00Z".to_owned())]);
}
