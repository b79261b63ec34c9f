//! Scenarios of the remedy: paused users, and the GoodLink restarts that help them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{Example, file, minutes, name, succeeded};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::{Observation, RosterDigest};
use sendgate_core::ledger::{Effect, Entry, IntentState, Outcome};
use sendgate_core::names::{HostName, RosterName};
use sendgate_core::{plan, request, view};
use std::time::Duration;

/// A breach that was remedied: GoodLink is restarted at the 70th minute after landing, once, and not before (invariant 2).
#[test]
fn goodlink_is_restarted_when_the_paused_have_waited_seventy_minutes() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.paused.insert("anna");
    example.observe_all();
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    assert!(plan.remedies.contains_key(&name("gla")));
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.pass(minutes(5));
    example.settle();
    example.pass(minutes(70) - Duration::from_millis(1));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    assert!(texts.contains(&"before a restart may help: 0.0s to go".to_owned()), "{texts:?}");
    example.pass(Duration::from_millis(1));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { users: 1, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(plan::permit(example.world(), *intent), Ok(()));
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.end(*intent, succeeded());
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!(effects, [], "one restart serves him");
    example.pass(minutes(60));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains("anna is still paused")), "{texts:?}");
}

#[test]
fn goodlink_is_not_restarted_for_users_who_are_waived_or_not_covered() {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.paused.insert("anna");
    example.observe_all();
    example.settle();
    example.pass(minutes(200));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    assert!(plan.remedies.contains_key(&name("gla")));
    example.waive("anna", "left the company");
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    assert!(plan.remedies.is_empty(), "{plan:?}");
}

/// What must be over before the window's end is not begun after its cutoff.
#[test]
fn an_unattended_restart_keeps_the_cutoff_of_its_window() {
    let mut example = Example::covered();
    let window = |day: &str| {
        let text = format!(
            r#"{{"name":"n{day}","from":"2006-06-{day}T02:00","to":"2006-06-{day}T05:00","zone":"UTC","cutoff":"30m"}}"#
        );
        serde_json::from_str(&text).unwrap()
    };
    example.policy.restart_windows = sendgate_core::spec::Windows::In(vec![window("13"), window("14")].into());
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(145));
    let (effects, plan) = example.settle();
    assert_eq!(effects, [], "it is 04:30");
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    assert!(texts.contains(&"no window is open; the next one opens at 2006-06-14T02:00:00Z".to_owned()), "{texts:?}");
    example.pass(minutes(24 * 60 - 151));
    assert_eq!(example.settle().0, []);
    example.pass(minutes(1));
    assert_eq!(example.settle().0.len(), 1);
}

#[test]
fn an_agent_that_refuses_to_restart_goodlink_is_not_asked_for_ever() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    for _ in 0..plan::rollout::REFUSALS {
        let (effects, _) = example.settle();
        let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
        example.end(*intent, Outcome::NotStarted { detail: "no restart program".into() });
    }
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    let text = "a person must look at it: the agent refused to restart GoodLink 3 times: no restart program";
    assert!(texts.contains(&text.to_owned()), "{texts:?}");
}

/// Carl comes of age while the restart for Anna is under way, and is sent for again by it as well: that only the next report
/// says. Until then nobody is restarted for him.
#[test]
fn goodlink_is_not_restarted_again_before_it_has_reported_whom_it_pauses_then() {
    let mut example = Example::covered();
    example.paused.extend(["anna", "carl"]);
    example.lands("anna");
    example.pass(minutes(2));
    example.lands("carl");
    example.pass(minutes(63));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { users: 1, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.pass(minutes(8));
    example.settle();
    example.end(*intent, succeeded());
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    let text = format!("host gla: it has not reported since it was restarted (intent {intent})");
    assert_eq!(texts, [text.as_str()]);
    let why = plan::remedy::may_restart(example.world(), &name("gla"), None);
    assert!(why.iter().any(|why| why.to_string() == text), "{why:?}");
    // Where it says that he is paused all the same, he is served.
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::RestartGoodlink { users: 1, .. })]), "{effects:?}");
}

/// The script may have restarted it all the same: the users are not served twice.
#[test]
fn a_failed_restart_is_not_repeated_for_the_same_users() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.end(*intent, Outcome::Failed { detail: "exit code 1".into() });
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
}

/// Whoever was to be helped sends again before the permit: the offer is taken back at once, and not after its deadline.
#[test]
fn a_restart_that_helps_nobody_any_more_is_taken_back() {
    let mut example = Example::covered();
    example.lands("anna");
    example.paused.insert("anna");
    example.pass(minutes(70));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    // What is not known now is no reason to take it back.
    let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
    let known = gla.clone();
    gla.goodlink.as_mut().unwrap().paused = Err("no log".into());
    example.settle();
    assert!(example.ledger.intents[intent].state.is_open());
    let mut unasked = known;
    unasked.goodlink.as_mut().unwrap().service = Err("access is denied".into());
    example.report("gla", unasked);
    example.settle();
    assert!(example.ledger.intents[intent].state.is_open());
    example.paused.clear();
    example.observe_all();
    example.settle();
    let state = format!("{:?}", example.ledger.intents[intent].state);
    assert!(state.contains("no paused user would be helped by it any more"), "{state}");
}

/// The roster that is on its way may say that he is somebody else, whose right has not landed.
#[test]
fn nobody_is_restarted_for_before_the_present_roster_has_arrived() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
    gla.goodlink.as_mut().unwrap().roster = Ok(RosterDigest([9; 32]));
    assert_eq!(example.settle().0, []);
    let users = plan::remedy::paused(example.world(), &name("gla"), None).unwrap();
    assert_eq!(users[0].recovery.to_string(), "not covered: its present roster has not arrived yet");
    // One that cannot be used does not come.
    example.estate.observe(Observation::RosterFault(name("gla"), "line 7 says nothing".into()));
    assert_eq!(example.settle().0.len(), 1);
}

/// The declared account has the right, and the service sends as another one: a restart would only pause its users again.
#[test]
fn goodlink_is_not_restarted_while_its_service_logs_on_as_another_account() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(90));
    let anna = |example: &Example| {
        view::status(example.world()).paused.remove(0).users.unwrap().remove(&name::<RosterName>("anna")).unwrap()
    };
    let paused = |example: &mut Example, account: &str| {
        example.goodlink(account);
        anna(example)
    };
    let other = paused(&mut example, "adom\\oldadmin");
    let why = "not covered: GoodLink's service logs on as adom\\oldadmin, and goodadmin@a.example.test is declared";
    assert!(other.contains(why), "{other:?}");
    assert_eq!(example.settle().0, []);
    let gla = example.estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap();
    gla.service = Err("access is denied".into());
    let unknown = anna(&example);
    let why = "not covered: which account GoodLink's service logs on with is not known: access is denied";
    assert!(unknown.contains(why), "{unknown:?}");
    assert_eq!(example.settle().0, []);
    let same = paused(&mut example, "adom\\goodadmin");
    assert!(same.contains("a restart may help now"), "{same:?}");
    assert!(matches!(example.settle().0.as_slice(), [(_, Effect::RestartGoodlink { .. })]));
}

/// GLA is called GLY in the configuration by now, on the same host.
fn renamed(example: &mut Example) {
    let (gla, gly) = (name("gla"), name("gly"));
    if let Some(known) = example.policy.goodlink.remove(&gla) {
        example.policy.goodlink.insert(gly, known);
    }
    let roster = example.estate.rosters[&gla].clone();
    example.estate.observe(Observation::Roster(name("gly"), roster, example.now.steady));
}

/// The restart has served them, whatever the server was called then.
#[test]
fn a_goodlink_server_with_another_name_is_not_restarted_again_for_the_same_users() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    renamed(&mut example);
    // As long as it is under way nobody knows who is paused afterwards.
    let running = format!("GoodLink server gly: it is being restarted (intent {intent})");
    assert!(example.texts("exa1").contains(&running), "{:?}", example.texts("exa1"));
    let unknown = plan::remedy::paused(example.world(), &name("gly"), None).unwrap_err();
    assert_eq!(unknown, format!("it is being restarted (intent {intent})"));
    example.end(*intent, succeeded());
    let awaited = format!("GoodLink server gly: it has not reported since it was restarted (intent {intent})");
    assert!(example.texts("exa1").contains(&awaited), "{:?}", example.texts("exa1"));
    example.pass(minutes(1));
    renamed(&mut example);
    assert_eq!(example.settle().0, [], "one restart serves him");
    let users = plan::remedy::paused(example.world(), &name("gly"), None).unwrap();
    assert_eq!(users[0].recovery, plan::remedy::Recovery::Served);
}

/// It is the same agent that refuses.
#[test]
fn an_agent_that_refuses_is_not_asked_for_ever_under_another_name_either() {
    let mut example = Example::covered();
    example.paused.insert("anna");
    example.lands("anna");
    example.pass(minutes(70));
    for _ in 0..plan::rollout::REFUSALS {
        let (effects, _) = example.settle();
        example.end(effects[0].0, Outcome::NotStarted { detail: "no restart program".into() });
    }
    renamed(&mut example);
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let texts: Vec<_> = plan.remedies[&name("gly")].iter().map(ToString::to_string).collect();
    let text = "a person must look at it: the agent refused to restart GoodLink 3 times: no restart program";
    assert!(texts.contains(&text.to_owned()), "{texts:?}");
}

/// What speaks against a restart is asked of the host that it is on, and the permit would go to the other one.
#[test]
fn a_restart_on_offer_is_void_where_goodlink_is_on_another_host_by_now() {
    for moved in [true, false] {
        let mut example = Example::covered();
        example.paused.insert("anna");
        example.lands("anna");
        example.pass(minutes(70));
        let (effects, _) = example.settle();
        let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
        let why = if moved {
            example.policy.hosts.insert(name("glb"), name("glb"));
            example.policy.goodlink.get_mut(&name("gla")).unwrap().host = name("glb");
            let gla = example.estate.hosts[&name("gla")].clone();
            example.report("glb", gla);
            "GoodLink gla is on glb by now"
        } else {
            renamed(&mut example);
            "GoodLink gla is not configured any more"
        };
        let refusal = plan::permit(example.world(), *intent).unwrap_err();
        assert!(refusal.void);
        let texts: Vec<_> = refusal.blocked.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [format!("a person must look at it: {why}")]);
        let (effects, _) = example.settle();
        let state = &example.ledger.intents[intent].state;
        let taken_back = Outcome::Withdrawn { detail: why.into() };
        assert!(matches!(state, IntentState::Ended { outcome, .. } if *outcome == taken_back), "{state:?}");
        // Nobody has been served: it is offered to the host that it is on.
        let on: HostName = name(if moved { "glb" } else { "gla" });
        assert!(
            matches!(effects.as_slice(), [(_, Effect::RestartGoodlink { host, .. })] if *host == on),
            "{effects:?}"
        );
    }
}

/// There is room for one: the restart that un-pauses goes before the install that a rollout is ready for.
#[test]
fn a_remedy_goes_ahead_of_a_rollout() {
    let mut example = Example::covered();
    example.lands("anna");
    example.paused.insert("anna");
    example.pass(minutes(90));
    let request = request::rollout_apply(example.world(), &file("dst", &["exa2"]));
    example.append(Entry::Request { by: name("olga"), request: request.unwrap() });
    let request = request::rollout_start(example.world(), "dst", "").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::RestartGoodlink { .. })]), "{effects:?}");
}
