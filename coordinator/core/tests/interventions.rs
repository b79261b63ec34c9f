//! What people do to what is going on: it works in any state, and nothing new begins where something is held.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod interventions_suite;

use example::{AFTER, Example, minutes, name, succeeded};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::ledger::{Effect, Entry, Outcome, Request, Sequence};
use sendgate_core::plan::{self, Step, rollout::Phase};
use sendgate_core::request::{self, Refused, WantedHeld};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view;
use std::time::Duration;

fn file(example: &mut Example, request: Result<Request, Refused>) {
    let request = request.unwrap();
    example.append(Entry::Request { by: name("olga"), request });
}

fn hold(example: &mut Example, held: &WantedHeld) {
    let request = request::hold(example.world(), held, "bad night");
    file(example, request);
}

fn resume(example: &mut Example) {
    let request = request::resume(example.world(), &name("olga"), "dst", "looked at it");
    file(example, request);
}

/// A running rollout whose first host has its permit.
fn installing() -> (Example, Sequence) {
    let mut example = Example::covered();
    example.rollout();
    let (effects, _) = example.settle();
    let [(intent, Effect::Install { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    let intent = *intent;
    example.append(Entry::Permitted { intent, holder: None });
    (example, intent)
}

fn phase(example: &Example, host: usize) -> Phase {
    plan::plan(example.world()).rollouts[&name("dst")][host].phase.clone()
}

fn blocked(example: &Example, host: usize) -> Vec<String> {
    let progress = &plan::plan(example.world()).rollouts[&name("dst")];
    progress[host].blocked.iter().map(ToString::to_string).collect()
}

/// Invariant 7: whatever holds the host's work takes its offer back, refuses its permit, and begins nothing.
#[test]
fn nothing_begins_where_something_is_held() {
    let helds = [
        (WantedHeld::Estate, "the estate is held by olga: bad night"),
        (WantedHeld::Domain("A.example.test".into()), "domain a.example.test is held by olga: bad night"),
        (WantedHeld::Host("EXA1".into()), "host exa1 is held by olga: bad night"),
        (WantedHeld::Rollout("DST".into()), "rollout dst is held by olga: bad night"),
    ];
    for (held, text) in helds {
        let mut example = Example::covered();
        example.rollout();
        let (effects, _) = example.settle();
        let [(intent, _)] = effects.as_slice() else { panic!("{effects:?}") };
        hold(&mut example, &held);
        let refusal = plan::permit(example.world(), *intent).unwrap_err();
        assert_eq!(refusal.blocked.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
        let withdraw = Step::Withdraw(*intent, text.to_owned());
        assert!(plan::plan(example.world()).steps.contains(&withdraw), "{held:?}");
        let (effects, _) = example.settle();
        assert_eq!(effects, [], "{held:?}");
        assert_eq!(blocked(&example, 0), [text]);
        let request = request::release(example.world(), &name("olga"), &held, "over");
        file(&mut example, request);
        let (effects, _) = example.settle();
        assert_eq!(effects.len(), 1, "{held:?}");
    }
}

#[test]
fn a_host_that_is_held_holds_up_only_what_comes_behind_it() {
    let mut example = Example::covered();
    example.rollout();
    hold(&mut example, &WantedHeld::Host("exa2".into()));
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::Install { host, .. })] if *host == name("exa1")), "{effects:?}");
}

#[test]
fn nothing_is_granted_in_a_domain_that_is_held() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.proposed = [example::grant("DC=a", GrantForm::ContainerUsers)].into();
    example.observe_all();
    hold(&mut example, &WantedHeld::Domain("a.example.test".into()));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.grants[&name("a.example.test")].iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["domain a.example.test is held by olga: bad night"]);
    let request =
        request::release(example.world(), &name("olga"), &WantedHeld::Domain("a.example.test".into()), "over");
    file(&mut example, request);
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::Grant(_))]), "{effects:?}");
}

/// The deadline of an act stands still while it is held; without the hold its outcome would be unknown by then.
#[test]
fn a_pause_freezes_the_deadline_of_what_runs() {
    let (mut example, intent) = installing();
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    example.pass(minutes(300));
    let (effects, _) = example.settle();
    assert_eq!((effects, phase(&example, 0)), (Vec::new(), Phase::Installing { intent }));
    resume(&mut example);
    example.pass(minutes(60));
    example.settle();
    assert_eq!(phase(&example, 0), Phase::Installing { intent });
    example.pass(Duration::from_millis(1));
    example.settle();
    assert!(matches!(phase(&example, 0), Phase::Verifying { .. }), "{:?}", phase(&example, 0));
}

#[test]
fn a_pause_freezes_the_soak() {
    let (mut example, intent) = installing();
    example.exchange("exa1", AFTER);
    example.settle();
    example.end(intent, succeeded());
    example.pass(minutes(1));
    example.settle();
    example.pass(minutes(5));
    example.settle();
    assert_eq!(phase(&example, 0), Phase::Soaking { remaining: minutes(10) });
    hold(&mut example, &WantedHeld::Estate);
    example.pass(minutes(60));
    assert_eq!(phase(&example, 0), Phase::Soaking { remaining: minutes(10) });
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Estate, "over");
    file(&mut example, request);
    example.pass(minutes(10));
    example.settle();
    assert_eq!(phase(&example, 0), Phase::Done);
}

/// Who is paused when a person lets it go on is its baseline from there on; who is paused later is not.
#[test]
fn a_tripped_rollout_goes_on_with_a_new_baseline() {
    let (mut example, _) = installing();
    example.pauses("anna");
    assert!(
        example.rollout_state().starts_with("stopped by itself: wave exa1: 1 new Send As pauses"),
        "{}",
        example.rollout_state()
    );
    resume(&mut example);
    example.counts_pauses_from_here_on();
}

/// Before the GoodLink server has said who is paused, nobody is counted against it and nothing begins.
#[test]
fn a_rollout_that_goes_on_waits_for_its_baseline() {
    let (mut example, _) = installing();
    example.pauses("anna");
    resume(&mut example);
    let unread = |example: &mut Example, paused: Result<_, String>| {
        example.estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap().paused = paused;
    };
    unread(&mut example, Err("no log".into()));
    let (effects, _) = example.settle();
    assert_eq!((effects, example.rollout_state()), (Vec::new(), "running".to_owned()));
    assert!(!example.ledger.baselines.contains_key(&name("dst")));
    example.observe_all();
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    assert!(example.ledger.baselines[&name("dst")][&0][&name("gla")].contains(&name("anna")));
}

#[test]
fn a_failed_host_is_tried_again_or_left_out() {
    for skip in [false, true] {
        let (mut example, intent) = installing();
        example.end(intent, Outcome::Failed { detail: "exit code 1".into() });
        example.settle();
        assert_eq!(
            example.rollout_state(),
            "stopped by itself: wave exa1: 1 failed installs, 0 allowed: exa1 the install failed: exit code 1"
        );
        let request = match skip {
            true => request::skip(example.world(), "dst", "EXA1", "broken disk"),
            false => request::retry(example.world(), "dst", "EXA1", "disk mended"),
        };
        file(&mut example, request);
        resume(&mut example);
        example.pass(minutes(1));
        let (effects, _) = example.settle();
        let host = if skip { "exa2" } else { "exa1" };
        assert!(
            matches!(effects.as_slice(), [(_, Effect::Install { host: on, .. })] if *on == name(host)),
            "{effects:?}"
        );
        if skip {
            let left_out = Phase::Skipped { by: name("olga"), reason: "broken disk".into() };
            assert_eq!(phase(&example, 0), left_out);
        }
    }
}

#[test]
fn a_host_whose_permit_is_out_is_not_left_out_yet() {
    let (example, intent) = installing();
    let refused = request::skip(example.world(), "dst", "exa1", "enough").unwrap_err();
    let text = format!(
        "install kb926666 on exa1 (rollout dst) (intent {intent}) is under way: wait for its end, then leave the host out"
    );
    assert_eq!(refused.to_string(), text);
    let listed = request::under_way(example.world()).unwrap();
    assert!(listed.starts_with("permits that are out, good for 30 s"), "{listed}");
    assert!(listed.contains(&format!("install kb926666 on exa1 (rollout dst) (intent {intent}, permitted 0.0s ago)")));
}

/// What is not configured any more can be released and taken back all the same.
#[test]
fn what_was_held_waived_or_approved_is_taken_back_by_its_name() {
    let mut example = Example::covered();
    hold(&mut example, &WantedHeld::Host("exa2".into()));
    example.waive("bert", "leaves");
    let subject =
        request::WantedSubject::AdminSdHolder { domain: "A.example.test".into(), account: "ADOM\\goodadmin".into() };
    let request = request::approve(example.world(), &name("anna"), &subject, "for the admins");
    file(&mut example, request);
    example.policy.hosts.remove(&name("exa2"));
    example.policy.goodlink.clear();
    example.estate.rosters.clear();
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Host("EXA2".into()), "it is gone");
    file(&mut example, request);
    assert!(example.ledger.holds.in_force().is_empty());
    let request = request::revoke(example.world(), &subject, "its account is gone");
    file(&mut example, request);
    assert!(example.ledger.approvals.is_empty());
    let request = request::unwaive(example.world(), "Bert@a.example.test", "he stays");
    assert_eq!(request.as_ref().unwrap().to_string(), "waive bert@a.example.test no longer: he stays");
    file(&mut example, request);
    assert!(example.ledger.waivers.is_empty());
    let unknown = request::unwaive(example.world(), "bert@a.example.test", "he stays").unwrap_err().to_string();
    assert_eq!(unknown, "user \"bert@a.example.test\" is not known: no roster that has arrived names this user");
    let unknown = request::release(example.world(), &name("olga"), &WantedHeld::Host("exa2".into()), "again")
        .unwrap_err()
        .to_string();
    assert_eq!(unknown, "host \"exa2\" is not known: configured hosts are exa1, gla");
}

#[test]
fn who_is_not_waived_cannot_be_unwaived() {
    let mut example = Example::covered();
    let refused = request::unwaive(example.world(), "bert", "he stays").unwrap_err().to_string();
    assert_eq!(refused, "nobody has waived bert@a.example.test");
    example.waive("bert", "leaves");
    let request = request::unwaive(example.world(), "bert", "he stays");
    example.set("bert", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    assert_eq!(example.texts("exa2"), Vec::<String>::new());
    file(&mut example, request);
    assert_eq!(example.texts("exa2").len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_what_there_is() {
    let mut example = Example::covered();
    example.rollout();
    let world = example.world();
    let texts = [
        request::hold(world, &WantedHeld::Host("exa9".into()), "why").unwrap_err(),
        request::hold(world, &WantedHeld::Domain("c.test".into()), "why").unwrap_err(),
        request::hold(world, &WantedHeld::Rollout("march".into()), "why").unwrap_err(),
        request::hold(world, &WantedHeld::Estate, " ").unwrap_err(),
        request::release(world, &name("olga"), &WantedHeld::Estate, "why").unwrap_err(),
        request::resume(world, &name("olga"), "dst", "why").unwrap_err(),
        request::retry(world, "dst", "gla", "why").unwrap_err(),
        request::restart_force(world, "glb", "why").unwrap_err(),
    ]
    .map(|refused| refused.to_string());
    assert_eq!(
        texts,
        [
            "host \"exa9\" is not known: configured hosts are exa1, exa2, gla",
            "domain \"c.test\" is not known: configured domains are a.example.test",
            "rollout \"march\" is not known: rollouts are dst",
            "reason \"\": say why: it is kept in the journal",
            "the estate is not held; nothing is",
            "rollout dst is running, and not held: nothing to resume",
            "host \"gla\" is not known: hosts of rollout dst are exa1, exa2",
            "GoodLink server \"glb\" is not known: configured GoodLink servers are gla",
        ]
    );
    let past = request::waive(world, "anna", "left", world.now.wall).unwrap_err().to_string();
    let now = world.now.wall;
    let text =
        format!("expiry \"{now}\": it is {now} now: write a moment that is still to come, or a time such as 72h");
    assert_eq!(past, text);
    let request = request::rollout_abort(world, "dst", "enough");
    file(&mut example, request);
    let refused = request::retry(example.world(), "dst", "exa1", "why").unwrap_err().to_string();
    assert_eq!(refused, "rollout dst is aborted: enough: nothing is to be done on its hosts");
}

/// Two rosters call different people anna.
#[test]
fn a_name_that_means_several_is_refused_with_who_they_are() {
    let mut example = Example::covered();
    example.beside_glb();
    let mut other = example.only("anna");
    other.users = [(name("anna"), name("anna@b.example.test"))].into();
    example.estate.rosters.insert(name("glb"), other);
    let expires = example.now.wall + jiff::SignedDuration::from_hours(1);
    let refused = request::waive(example.world(), "anna", "left", expires).unwrap_err().to_string();
    assert_eq!(refused, "\"anna\" means several users, name one of anna@a.example.test, anna@b.example.test");
}

/// `rollout why`: the rollout's own state comes first, then what the host itself waits for.
#[test]
fn why_a_host_is_where_it_is_is_one_sentence() {
    let mut example = Example::covered();
    example.rollout();
    example.settle();
    let why =
        |example: &Example, host: &str| view::why(example.world(), &name("dst"), &name(host)).map(|view| view.why);
    assert_eq!(why(&example, "exa1").unwrap(), "exa1 is offered");
    assert_eq!(
        why(&example, "exa2").unwrap(),
        "exa2 is waiting: 1 of at most 1 hosts are disrupted: exa1 (install kb926666 on exa1 (rollout dst) (intent 8) is \
         under way), and 1 more reasons"
    );
    let request = request::rollout_abort(example.world(), "dst", "enough");
    file(&mut example, request);
    example.settle();
    assert_eq!(why(&example, "exa1").unwrap(), "exa1 is waiting: the rollout is aborted: enough");
    let text = "host gla is not in rollout dst: its hosts are exa1, exa2";
    assert_eq!(why(&example, "gla").unwrap_err().to_string(), text);
    let none = view::why(example.world(), &name("march"), &name("exa1")).unwrap_err();
    assert_eq!(none.to_string(), "there is no rollout march");
}
