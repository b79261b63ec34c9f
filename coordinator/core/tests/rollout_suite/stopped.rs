//! What a person is told who lets a rollout go on, starts it, or takes a yes to it back.

use super::{as_read, file_it, install_next, installs, offered, phases, resume};
use crate::example::{BEFORE, Example, file_of, minutes, name, wave};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Entry, Generation, Held, Outcome, Request, Sequence, Stamped, Strangeness, Stranger};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;

/// Two waves; the install on the first one's host has failed, and that stopped it.
fn tripped() -> Example {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(wave("canary", &["exa1"]) + &wave("rest", &["exa2"]))));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, Outcome::Failed { detail: "exit code 3".into() });
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.rollout_state(), format!("stopped by itself: {WHY}"));
    example
}

const WHY: &str = "wave canary: 1 failed installs, 0 allowed: exa1 the install failed: exit code 3";

fn hold(example: &mut Example, held: &WantedHeld) {
    let request = request::hold(example.world(), held, "the auditors are here");
    file_it(example, "olga", request);
}

/// Resumes it as a person does, and what he is told.
fn told(example: &mut Example) -> String {
    let filed = example.ledger.next();
    resume(example);
    view::still_stopped(example.world(), &name("dst"), filed)
}

fn retry(example: &mut Example) {
    let request = request::retry(example.world(), "dst", "exa1", "the disk was full");
    file_it(example, "olga", request);
}

const FREE: &str = "nothing else stops it: it goes on as its approvals, gates, windows and limits allow";

#[test]
fn a_rollout_that_is_held_and_has_stopped_is_not_said_to_go_on_before_both_are_over() {
    let mut example = tripped();
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    assert_eq!(
        told(&mut example),
        format!(
            "it does not go on: it is still stopped by itself: {WHY}: once that is looked at, say `sendgate rollout resume \
             dst --reason WHY` once more"
        )
    );
    retry(&mut example);
    assert_eq!(told(&mut example), FREE);
}

#[test]
fn what_would_stop_it_again_at_once_is_told_before_and_after_it_did() {
    let again = format!(
        "it does not go on: it stops by itself again at once: {WHY}: mend that, or `retry` or `skip` the hosts, then resume it"
    );
    let mut example = tripped();
    assert_eq!(told(&mut example), again);
    let filed = example.ledger.rollouts[&name("dst")].resumed.unwrap();
    example.settle();
    assert!(example.rollout_state().starts_with("stopped by itself"));
    assert_eq!(view::still_stopped(example.world(), &name("dst"), filed), again);
}

#[test]
fn every_hold_over_it_is_named_with_how_it_ends_and_no_other() {
    let mut example = tripped();
    retry(&mut example);
    let others = [WantedHeld::Estate, WantedHeld::Domain("a.example.test".into()), WantedHeld::Host("exa2".into())];
    others.iter().for_each(|held| hold(&mut example, held));
    // No host of the rollout.
    hold(&mut example, &WantedHeld::Host("gla".into()));
    let since = example.now.wall.strftime("%Y-%m-%d %H:%MZ");
    let by = format!("held by olga since {since}: the auditors are here: end that with `sendgate release");
    assert_eq!(
        told(&mut example),
        format!(
            "it does not go on: the estate is {by} estate --of olga --reason WHY`; and domain a.example.test is {by} domain \
             a.example.test --of olga --reason WHY`; and host exa2 is {by} host exa2 --of olga --reason WHY`"
        )
    );
}

#[test]
fn an_agent_that_another_coordinator_has_led_stops_every_rollout() {
    let mut example = tripped();
    retry(&mut example);
    let remembered = Generation { epoch: 9, counter: 3, mark: 1 };
    let stranger = Stranger { remembered, cause: Strangeness::OtherJournal };
    example.estate.observe(Observation::Stranger(name("exa2"), stranger));
    assert_eq!(
        told(&mut example),
        "it does not go on: nothing begins anywhere while agents are not led by this coordinator (exa2): see `sendgate \
         status`"
    );
}

#[test]
fn one_that_has_not_begun_or_is_over_is_said_to_be_so() {
    let mut example = Example::covered();
    let request = request::rollout_apply(example.world(), &file_of("dst", &wave("all", &["exa1"])));
    file_it(&mut example, "olga", request);
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    assert_eq!(told(&mut example), "it does not go on: it has not begun: `sendgate rollout start dst`");
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    let request = request::rollout_abort(example.world(), "dst", "not this year");
    file_it(&mut example, "olga", request);
    assert_eq!(told(&mut example), "it does not go on: it is aborted: not this year");
    assert!(!example.ledger.holds.is_held(&Held::Rollout(name("dst"))));
}

#[test]
fn whoever_takes_back_his_yes_to_a_rollout_is_told_what_that_leaves() {
    let mut example = Example::covered();
    let waves = wave("canary", &["exa1"]) + &wave("rest", &["exa2"]);
    example.rollout_of(&file_of("dst", &(format!("approvals = 1\n{waves}"))));
    let wanted = as_read(&example);
    let yes = request::approve(example.world(), &name("piet"), &wanted, "seen");
    file_it(&mut example, "piet", yes);
    let new = "no install of it begins until it is approved again by as many as it needs: `sendgate rollout show dst`";
    assert_eq!(view::revoked(example.world(), &name("dst")), new);
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    let told = view::revoked(example.world(), &name("dst"));
    assert!(
        told.starts_with(&format!(
            "{new}; permits that are out, good for 30 s from when they were asked for: install "
        )),
        "{told}"
    );
    example.end(intent, Outcome::NotStarted { detail: "busy".into() });
    example.pass(minutes(2));
    install_next(&mut example, "exa1");
    assert_eq!(
        view::revoked(example.world(), &name("dst")),
        format!("{new}; what it has installed stays: `sendgate rollout remove dst --reason WHY` takes the hotfix off")
    );
}

/// Records of before there was a reason are starts as well.
#[test]
fn the_reason_of_a_start_stands_in_the_journal() {
    let mut example = Example::covered();
    let request = request::rollout_apply(example.world(), &file_of("dst", &wave("all", &["exa1"])));
    file_it(&mut example, "olga", request);
    let start = |reason| request::rollout_start(example.world(), "dst", reason).unwrap();
    assert_eq!(start(" DST is near ").to_string(), "start rollout dst: DST is near");
    assert_eq!(start(" ").to_string(), "start rollout dst");
    let long = request::rollout_start(example.world(), "dst", &"x".repeat(2001)).unwrap_err().to_string();
    assert!(long.contains("at most 2000 bytes are kept"), "{long}");
    let old = r#"{"request":"rollout-start","rollout":"dst"}"#;
    assert_eq!(serde_json::from_str::<Request>(old).unwrap(), start(""));
    assert_eq!(serde_json::to_string(&start("")).unwrap(), old, "and the other way");
    let request: Request = serde_json::from_str(&serde_json::to_string(&start("DST is near")).unwrap()).unwrap();
    assert_eq!(request, start("DST is near"));
    let entry = Entry::Request { by: name("olga"), request };
    let at: Sequence = example.ledger.next();
    example.ledger.apply(at, &Stamped { at: example.now, entry }).unwrap();
    assert_eq!(example.rollout_state(), "running");
}

/// While it stood stopped nothing was held against the thresholds: what was mended is watched for the whole soak.
#[test]
fn a_wave_is_watched_anew_once_a_person_lets_it_go_on() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(wave("canary", &["exa1"]) + &wave("rest", &["exa2"]))));
    install_next(&mut example, "exa1");
    example.pass(minutes(10));
    example.paused.insert("anna");
    example.observe_all();
    example.settle();
    assert!(example.rollout_state().starts_with("stopped by itself"), "{}", example.rollout_state());
    example.paused.clear();
    example.pass(minutes(600));
    resume(&mut example);
    assert_eq!(installs(&offered(&mut example)), []);
    assert_eq!(phases(&example)[0], Phase::Soaking { remaining: minutes(15) });
    example.pass(minutes(15));
    assert_eq!(installs(&offered(&mut example))[0].0, "exa2");
}

/// Whoever holds a host may take it down: its silence fails nothing before he lets it go and the deadline has passed since.
#[test]
fn silence_fails_no_host_while_it_is_held() {
    for waiting in [false, true] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &(wave("canary", &["exa1"]) + &wave("rest", &["exa2"]))));
        if !waiting {
            install_next(&mut example, "exa1");
        }
        let exa1 = WantedHeld::Host("exa1".to_owned());
        hold(&mut example, &exa1);
        let without_exa1 = |example: &mut Example, time: u64| {
            example.silence(minutes(time));
            example.exchange("exa2", BEFORE);
            example.goodlink("adom\\goodadmin");
            example.survey();
            example.settle();
        };
        without_exa1(&mut example, 180);
        assert_eq!(example.rollout_state(), "running", "{waiting}");
        assert!(!matches!(phases(&example)[0], Phase::Failed { .. }), "{:?}", phases(&example));
        let release = request::release(example.world(), &name("olga"), &exa1, "its disk is changed");
        file_it(&mut example, "olga", release);
        without_exa1(&mut example, 60);
        assert_eq!(example.rollout_state(), "running", "{waiting}");
        without_exa1(&mut example, 1);
        assert!(example.rollout_state().contains("1 unreachable hosts, 0 allowed"), "{}", example.rollout_state());
    }
}

/// Whoever lets a removal go on is not told that it goes on as before.
#[test]
fn whoever_lets_a_removal_go_on_is_told_that_the_hotfix_is_taken_off() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &(wave("canary", &["exa1"]) + &wave("rest", &["exa2"]))));
    install_next(&mut example, "exa1");
    let remove = request::rollout_remove(example.world(), "dst", "users are paused");
    file_it(&mut example, "olga", remove);
    let removing = "nothing else stops it: it goes on with taking the hotfix off again (users are paused), as its windows and \
                    limits allow";
    assert_eq!(view::still_stopped(example.world(), &name("dst"), example.ledger.next()), removing);
}
