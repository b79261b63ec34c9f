//! The dry run of what is under way: from where each host is, and of files beside what is applied.

use super::{as_read, file_it, install_next, installs, offered};
use crate::example::{Example, file_of, minutes, name, wave};
use sendgate_core::ledger::Entry;
use sendgate_core::request;
use sendgate_core::view::{self, ForecastView};

/// Open once, from 02:00 on, with this cutoff.
fn once(to: &str, cutoff: &str) -> String {
    format!(
        "[[window]]\nname = \"once\"\nfrom = \"2006-06-13T02:00\"\nto = \"2006-06-13T{to}\"\nzone = \"UTC\"\ncutoff = \
         {cutoff:?}\n"
    )
}

fn foreseen(example: &Example) -> ForecastView {
    view::forecast(example.world(), &example.ledger.rollouts[&name("dst")].spec, &name("piet"))
}

fn begins(view: &ForecastView) -> Vec<Option<String>> {
    let hosts = view.waves.iter().flat_map(|wave| &wave.hosts);
    hosts.map(|host| host.begins.map(|at| at.strftime("%H:%M").to_string())).collect()
}

fn at(time: &str) -> Option<String> {
    Some(time.to_owned())
}

/// The canary shows it since 02:01, and is watched until 04:01: then the rest begins, which has room before 07:30.
#[test]
fn a_wave_that_is_watched_ends_with_its_soak_and_takes_no_opening() {
    let mut example = Example::covered();
    let waves = format!("{}soak = \"2h\"\n{}soak = \"2h\"\n", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    example.rollout_of(&file_of("dst", &(waves + &once("08:00", "30m"))));
    install_next(&mut example, "exa1");
    example.pass(minutes(105));
    example.settle();
    let view = foreseen(&example);
    assert_eq!((begins(&view), view.fits_nowhere()), (vec![None, at("04:01")], None));
    assert_eq!((view.waves[0].takes, view.waves[1].takes), (minutes(15), minutes(145)));
    assert_eq!(view.ends.unwrap().to_string(), "2006-06-13T06:26:00Z");
    // Rights that have landed are waited for meanwhile, not afterwards.
    example.lands("anna");
    let view = foreseen(&example);
    assert_eq!((view.waits, begins(&view)), (minutes(90), vec![None, None]));
    assert_eq!(view.fits_nowhere().unwrap().name, name("rest"));
    (example.policy.waits.second_look, example.policy.waits.settled) = (minutes(10), minutes(12));
    let view = foreseen(&example);
    assert_eq!((view.waits, begins(&view)[1].clone()), (minutes(12), at("04:03")));
    // A hold makes the soak stand still.
    let hold = request::hold(example.world(), &request::WantedHeld::Host("exa1".into()), "bad night");
    file_it(&mut example, "olga", hold);
    let view = foreseen(&example);
    assert!(view.is_held() && view.ends.is_none() && view.fits_nowhere().is_none(), "{view:?}");
}

/// What has begun asks for no window, and counts where there must be room to remove it. The next one goes when it is through.
#[test]
fn an_act_under_way_has_begun() {
    for (to, second) in [("04:25", at("02:20")), ("04:24", None)] {
        let mut example = Example::covered();
        let waves = format!("{}soak = \"1h\"\n", wave("all", &["exa1", "exa2"]));
        example.rollout_of(&file_of("dst", &(waves + &once(to, "0s"))));
        let intent = installs(&offered(&mut example))[0].1;
        example.append(Entry::Permitted { intent, holder: None });
        example.pass(minutes(10));
        let view = foreseen(&example);
        assert_eq!((begins(&view), view.waves[0].takes), (vec![None, second.clone()], minutes(105)));
        let fit: Vec<_> = view.waves[0].hosts.iter().map(|host| host.fits).collect();
        assert_eq!(fit, [true, second.is_some()]);
        let ends = view.ends.map(|ends| ends.to_string());
        assert_eq!(ends.as_deref(), second.is_some().then_some("2006-06-13T03:45:00Z"));
    }
    // Without a permit all of it is still to come; two may go at once.
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    offered(&mut example);
    example.pass(minutes(10));
    assert_eq!(begins(&foreseen(&example)), [None, at("02:30")]);
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &format!("{}at_once = 2\n", wave("all", &["exa1", "exa2"]))));
    let hold = request::hold(example.world(), &request::WantedHeld::Host("exa2".into()), "bad night");
    file_it(&mut example, "olga", hold);
    offered(&mut example);
    example.pass(minutes(10));
    let release = request::release(example.world(), &name("olga"), &request::WantedHeld::Host("exa2".into()), "over");
    file_it(&mut example, "olga", release);
    assert_eq!(begins(&foreseen(&example)), [None, at("02:10")]);
}

/// One that failed within what is allowed is watched beside those that wait, and they do not wait for that.
#[test]
fn a_host_that_failed_and_is_watched_keeps_nobody_waiting() {
    let mut example = Example::covered();
    let limits = "[thresholds]\nstores_down = 1\n";
    let waves = format!("{}soak = \"1h\"\n{}", wave("all", &["exa1", "exa2"]), wave("rest", &["exa3"]));
    let mut exa3 = example.policy.exchange[&name("exa1")].clone();
    exa3.hosts = vec![name("exa3")];
    example.policy.exchange.insert(name("exa3"), exa3);
    example.policy.hosts.insert(name("exa3"), name("exa3"));
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.rollout_of(&file_of("dst", &(waves + limits)));
    // Nothing is on offer to the other one yet.
    let other = request::WantedHeld::Host("exa2".into());
    let hold = request::hold(example.world(), &other, "bad night");
    file_it(&mut example, "olga", hold);
    install_next(&mut example, "exa1");
    let release = request::release(example.world(), &name("olga"), &other, "over");
    file_it(&mut example, "olga", release);
    let fails = |example: &mut Example| {
        let mut state = example.estate.hosts[&name("exa1")].clone();
        state.exchange.as_mut().unwrap().mounted = Ok(false);
        example.report("exa1", state);
    };
    fails(&mut example);
    let view = foreseen(&example);
    assert!(view.waves[0].hosts[0].line.phase.starts_with("failed: "), "{}", view.waves[0].hosts[0].line.phase);
    // The other one goes at once; both are watched from then on.
    assert_eq!((view.waits, begins(&view)), (minutes(0), vec![None, at("02:01"), at("03:26")]));
    let skip = request::skip(example.world(), "dst", "exa2", "later");
    file_it(&mut example, "olga", skip);
    example.silence(minutes(1));
    fails(&mut example);
    // What is left of the wave is the watch: an hour since it was verified at 02:01.
    assert_eq!(begins(&foreseen(&example))[2], at("03:01"));
}

fn of_file(example: &Example, text: &str) -> ForecastView {
    let spec = request::rollout_read(example.world(), text).unwrap();
    view::forecast_of_file(example.world(), &spec, &name("olga"))
}

fn refused(example: &Example, text: &str) -> Option<String> {
    of_file(example, text).refused
}

/// What `rollout apply` would refuse is no good file.
#[test]
fn a_file_is_foreseen_with_what_it_would_be_refused_for() {
    let mut example = Example::covered();
    let spring = file_of("spring", &wave("all", &["exa1"]));
    assert_eq!(refused(&example, &spring), None);
    let request = request::rollout_apply(example.world(), &spring);
    file_it(&mut example, "olga", request);
    assert_eq!(refused(&example, &spring), None, "it is there in this form");
    let summer = file_of("summer", &wave("all", &["exa1"]));
    assert_eq!(
        refused(&example, &summer).unwrap(),
        "Exchange server exa1 belongs to rollout spring, which is created: abort that one first, or leave the server out"
    );
    let request = request::rollout_start(example.world(), "spring", "");
    file_it(&mut example, "olga", request);
    let other = refused(&example, &file_of("spring", &wave("all", &["exa2"]))).unwrap();
    assert!(
        other.starts_with("rollout spring exists, is running, and differs from the file in the waves: "),
        "{other}"
    );
}

/// Whoever has said yes to a form has not said it to another one.
#[test]
fn another_form_is_foreseen_without_the_yeses_that_the_old_one_has() {
    let mut example = Example::covered();
    let file = |soak: &str| file_of("dst", &format!("approvals = 1\n{}soak = {soak:?}\n", wave("all", &["exa1"])));
    let request = request::rollout_apply(example.world(), &file("1h"));
    file_it(&mut example, "olga", request);
    let yes = request::approve(example.world(), &name("piet"), &as_read(&example), "seen in the board");
    file_it(&mut example, "piet", yes);
    let reasons = |soak: &str| {
        let view = of_file(&example, &file(soak));
        (view.refused, view.waves[0].hosts[0].line.reasons.clone())
    };
    assert_eq!(reasons("1h"), (None, vec![]));
    let needed = "1 people other than its author olga must approve it; approved by nobody yet".to_owned();
    assert_eq!(reasons("2h"), (None, vec![needed]));
}
