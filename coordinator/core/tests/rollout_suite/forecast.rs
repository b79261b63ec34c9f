//! The dry run: every host with its wave, what is in its way, and when it would go.

use super::{file_it, install_next};
use crate::example::{Example, file_of, minutes, name, wave};
use sendgate_core::ledger::RolloutState;
use sendgate_core::spec::RolloutSpec;
use sendgate_core::view::ForecastView;
use sendgate_core::{request, spec, view};

fn windowed() -> String {
    let weekly = "[[window]]\nname = \"nightly\"\nrule = \"FREQ=DAILY\"\nstart = \"2006-06-13T01:00\"\nlength = \"3h\"\n\
                  zone = \"UTC\"\ncutoff = \"0s\"\n";
    let waves = format!("{}soak = \"1h\"\n{}soak = \"1h\"\n", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    file_of("dst", &(waves + weekly))
}

/// At 02:00 the canary's 1h 45m still fit; the second wave's do not, and it goes when the window opens next.
#[test]
fn a_file_is_foreseen_without_being_applied() {
    let example = Example::covered();
    let spec = spec::read(&windowed(), &example.policy).unwrap();
    let view = view::forecast(example.world(), &spec, &name("olga"));
    assert!(!view.applied);
    let begins: Vec<_> = view.waves.iter().map(|wave| wave.hosts[0].begins.unwrap().to_string()).collect();
    assert_eq!(begins, ["2006-06-13T02:00:00Z", "2006-06-14T01:00:00Z"]);
    assert_eq!(view.ends.unwrap().to_string(), "2006-06-14T02:25:00Z");
    assert_eq!((view.waves[0].takes, view.waves[0].needs), (minutes(85), minutes(105)));
    assert_eq!(view.openings[0].0.to_string(), "2006-06-13T01:00:00Z");
    assert_eq!(view.waves[0].hosts[0].line.reasons, Vec::<String>::new());
    assert_eq!(view.waves[1].hosts[0].line.reasons[0], "exa1 comes first");
    assert!(example.ledger.rollouts.is_empty());
}

/// Installs and removals go as the limits of disruption let them, whatever the wave's file says, and nodes of one server one after
/// the other: 2 × 20m, 5m and 15m for it, and 2 × 20m to take it off again.
#[test]
fn no_more_hosts_at_once_are_foreseen_than_the_limits_have_room_for() {
    let of = |servers: &[&str]| file_of("dst", &format!("{}at_once = 4\nsoak = \"15m\"\n", wave("all", servers)));
    let example = Example::covered();
    let mut wide = Example::covered();
    wide.policy.disruption.estate = 2.try_into().unwrap();
    let cluster = super::removal::cluster_of(&of(&["exa1"]));
    let (both, one) = (of(&["exa1", "exa2"]), of(&["exa1"]));
    let after = |example: &Example, minutes| (example.now.wall + jiff::SignedDuration::from_mins(minutes)).to_string();
    for (example, file, second, takes, needs) in
        [(&example, &both, 20, 60, 80), (&wide, &both, 0, 40, 60), (&cluster, &one, 20, 60, 80)]
    {
        let spec = spec::read(file, &example.policy).unwrap();
        let view = view::forecast(example.world(), &spec, &name("olga"));
        let wave = &view.waves[0];
        let begins: Vec<_> = wave.hosts.iter().map(|host| host.begins.unwrap().to_string()).collect();
        assert_eq!(begins, [after(example, 0), after(example, second)]);
        assert_eq!((wave.takes, wave.needs), (minutes(takes), minutes(needs)));
        assert_eq!(view.ends.unwrap().to_string(), after(example, i64::try_from(takes).unwrap()));
    }
}

/// Rights that have landed are waited for first: the canary does not fit into the first opening any more.
#[test]
fn waits_that_are_known_come_first() {
    let mut example = Example::covered();
    example.lands("anna");
    let spec = spec::read(&windowed(), &example.policy).unwrap();
    let view = view::forecast(example.world(), &spec, &name("olga"));
    // He settles 90 minutes after his right landed, not at the second look after 65.
    assert_eq!(view.waits, minutes(90));
    example.pass(minutes(65));
    example.settle();
    assert_eq!(view::forecast(example.world(), &spec, &name("olga")).waits, minutes(25));
    assert_eq!(view.waves[0].hosts[0].begins.unwrap().to_string(), "2006-06-14T01:00:00Z");
    assert!(!view.waves[0].hosts[0].line.reasons.is_empty());
}

/// What is over takes no time any more.
#[test]
fn a_rollout_that_runs_is_foreseen_from_where_it_is() {
    let mut example = Example::covered();
    example.rollout_of(&windowed());
    install_next(&mut example, "exa1");
    example.pass(minutes(60));
    example.settle();
    let spec = example.ledger.rollouts[&name("dst")].spec.clone();
    let view = view::forecast(example.world(), &spec, &name("piet"));
    assert!(view.applied);
    assert_eq!((view.waves[0].takes.is_zero(), view.waves[0].hosts[0].begins), (true, None));
    assert_eq!(view.waves[1].hosts[0].begins.unwrap().to_string(), "2006-06-14T01:00:00Z");
}

#[test]
fn what_fits_into_no_window_is_said_so() {
    let example = Example::covered();
    let short = "[[window]]\nname = \"nightly\"\nrule = \"FREQ=DAILY\"\nstart = \"2006-06-13T01:00\"\nlength = \"1h\"\n\
                 zone = \"UTC\"\ncutoff = \"0s\"\n";
    let file = file_of("dst", &format!("{}soak = \"1h\"\n{short}", wave("canary", &["exa1"])));
    let view = view::forecast(example.world(), &spec::read(&file, &example.policy).unwrap(), &name("olga"));
    assert_eq!((view.ends, view.waves[0].hosts[0].begins), (None, None));
    assert_eq!(view.fits_nowhere().unwrap().name, name("canary"));
    assert!(!view.openings.is_empty());
    // Whatever is held meanwhile: the release would not help.
    let mut example = example;
    let hold = request::hold(example.world(), &request::WantedHeld::Estate, "bad night");
    file_it(&mut example, "olga", hold);
    let view = foreseen(&example, &spec::read(&file, &example.policy).unwrap());
    assert_eq!(view.fits_nowhere().map(|wave| &wave.name), Some(&name("canary")));
}

/// One after the other: the second must leave time to be removed from both. Held or not, no window is long enough for that.
#[test]
fn what_fits_nowhere_beside_the_hosts_before_it_is_said_of_held_ones_as_well() {
    let mut example = Example::covered();
    let file = |length: &str| {
        let window = "[[window]]\nname = \"nightly\"\nrule = \"FREQ=DAILY\"\nstart = \"2006-06-13T01:00\"\nzone = \"UTC\"\n\
                      cutoff = \"0s\"\n";
        file_of("dst", &format!("{}soak = \"1h\"\n{window}length = {length:?}\n", wave("canary", &["exa1", "exa2"])))
    };
    let fits = |example: &Example, length: &str| {
        let spec = spec::read(&file(length), &example.policy).unwrap();
        foreseen(example, &spec).fits_nowhere().is_none()
    };
    let needed = |example: &Example| (60..300).find(|length| fits(example, &format!("{length}m"))).unwrap();
    let released = needed(&example);
    let hold = request::hold(example.world(), &request::WantedHeld::Estate, "bad night");
    file_it(&mut example, "olga", hold);
    assert_eq!(needed(&example), released);
}

#[test]
fn windows_of_the_past_are_no_windows() {
    let example = Example::covered();
    let past = "[[window]]\nname = \"once\"\nrule = \"FREQ=DAILY;COUNT=2\"\nstart = \"2006-05-13T01:00\"\nlength = \"9h\"\nzone = \"UTC\"\ncutoff = \"0s\"\n";
    let file = file_of("dst", &format!("{}{past}", wave("canary", &["exa1"])));
    let view = foreseen(&example, &spec::read(&file, &example.policy).unwrap());
    assert_eq!((view.ends, view.openings.len()), (None, 0));
    assert_eq!(view.fits_nowhere().unwrap().name, name("canary"));
}

fn foreseen(example: &Example, spec: &RolloutSpec) -> ForecastView {
    view::forecast(example.world(), spec, &name("olga"))
}

fn begins(view: &ForecastView) -> Vec<Option<String>> {
    let hosts = view.waves.iter().flat_map(|wave| &wave.hosts);
    hosts.map(|host| host.begins.map(|begins| begins.to_string())).collect()
}

/// What will not move by itself has no dates: a person must do something first, and nobody knows when.
#[test]
fn a_rollout_that_stands_still_has_no_dates_and_says_how_it_is() {
    let mut example = Example::covered();
    example.rollout();
    let spec = example.ledger.rollouts[&name("dst")].spec.clone();
    let running = foreseen(&example, &spec);
    assert!(running.ends.is_some() && running.stands().is_none() && running.fits_nowhere().is_none());
    assert!(matches!(running.state, Some(RolloutState::Running { .. })));

    install_next(&mut example, "exa1");
    example.paused.insert("anna");
    example.observe_all();
    example.settle();
    let tripped = foreseen(&example, &spec);
    assert!(matches!(tripped.stands(), Some(RolloutState::Tripped { .. })), "{:?}", tripped.state);
    assert_eq!((tripped.ends, begins(&tripped)), (None, vec![None, None]));
    assert!(tripped.fits_nowhere().is_none(), "that is not for want of a window");

    let abort = request::rollout_abort(example.world(), "dst", "not this year");
    file_it(&mut example, "olga", abort);
    let aborted = foreseen(&example, &spec);
    assert_eq!(aborted.stands().map(ToString::to_string), Some("aborted: not this year".to_owned()));
    assert_eq!((aborted.ends, begins(&aborted)), (None, vec![None, None]));
    // A file of another form is looked at as if it were applied and started.
    let mut other = spec;
    other.name = name("next");
    let other = foreseen(&example, &other);
    assert!(other.state.is_none() && other.ends.is_some());
}

/// The last wave first, nothing is watched after it, and only the removal itself must fit.
#[test]
fn a_removal_is_foreseen_as_one() {
    let mut example = Example::covered();
    example.rollout_of(&windowed());
    install_next(&mut example, "exa1");
    example.pass(minutes(60));
    example.settle();
    example.now.wall = name("2006-06-14T01:00:00Z");
    install_next(&mut example, "exa2");
    let remove = request::rollout_remove(example.world(), "dst", "stores do not mount");
    file_it(&mut example, "olga", remove);
    example.now.wall = name("2006-06-14T03:35:00Z");
    example.settle();
    let spec = example.ledger.rollouts[&name("dst")].spec.clone();
    let view = foreseen(&example, &spec);
    assert!(view.removal && view.stands().is_none());
    // 25 minutes are left: the removal of the last wave takes 20 and is on offer, the other one waits for the next night.
    assert_eq!(begins(&view), [Some("2006-06-15T01:00:00Z".to_owned()), None]);
    let waves: Vec<_> = view.waves.iter().map(|wave| (wave.name.to_string(), wave.takes, wave.needs)).collect();
    assert_eq!(waves, [("canary".to_owned(), minutes(20), minutes(20)), ("rest".to_owned(), minutes(20), minutes(20))]);
    assert_eq!(view.ends.unwrap().to_string(), "2006-06-15T01:20:00Z");
}

/// Nobody knows when people let go what they hold: there is no date, and the first thing said is who holds it since when.
#[test]
fn what_is_held_has_no_dates_and_says_by_whom_since_when() {
    use request::WantedHeld;
    for wanted in [
        WantedHeld::Estate,
        WantedHeld::Rollout("dst".to_owned()),
        WantedHeld::Domain("a.example.test".to_owned()),
        // Whatever comes after it cannot go either.
        WantedHeld::Host("exa1".to_owned()),
    ] {
        let mut example = Example::covered();
        example.rollout();
        let spec = example.ledger.rollouts[&name("dst")].spec.clone();
        let since = example.now;
        let hold = request::hold(example.world(), &wanted, "bad night");
        file_it(&mut example, "olga", hold);
        example.pass(minutes(10));
        let view = foreseen(&example, &spec);
        assert!(view.is_held() && view.stands().is_none() && view.fits_nowhere().is_none(), "{wanted:?}");
        assert_eq!((view.ends, begins(&view)), (None, vec![None, None]), "{wanted:?}");
        let [line] = view.held.as_slice() else { panic!("{:?}", view.held) };
        assert_eq!((&line.hold.by, line.hold.at), (&Some(name("olga")), since));
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["held"][0]["hold"]["at"]["wall"], "2006-06-13T02:00:00Z");
        assert_eq!((&json["ends"], &json["waves"][0]["hosts"][0]["begins"]), (&().into(), &().into()));
        assert_eq!(json["waves"][1]["hosts"][0]["held"], true);
        let release = request::release(example.world(), &name("olga"), &wanted, "over");
        file_it(&mut example, "olga", release);
        let view = foreseen(&example, &spec);
        assert!(!view.is_held() && view.held.is_empty() && view.ends.is_some(), "{wanted:?}");
        assert!(begins(&view).iter().all(Option::is_some), "{wanted:?}");
    }
}

/// What comes before a host that is held keeps its date, and so do others of its wave.
#[test]
fn a_host_that_is_held_takes_the_date_only_of_itself_and_of_what_comes_after_it() {
    let mut example = Example::covered();
    example.rollout();
    let hold = request::hold(example.world(), &request::WantedHeld::Host("exa2".to_owned()), "bad night");
    file_it(&mut example, "olga", hold);
    let spec = example.ledger.rollouts[&name("dst")].spec.clone();
    let view = foreseen(&example, &spec);
    assert_eq!(view.held.len(), 1);
    assert!(!view.is_held() && view.ends.is_none() && view.fits_nowhere().is_none());
    assert_eq!(begins(&view), [Some("2006-06-13T02:00:00Z".to_owned()), None]);
    // In one wave, and before the other one.
    let one = file_of("one", &wave("all", &["exa2", "exa1"]));
    let view = foreseen(&example, &spec::read(&one, &example.policy).unwrap());
    assert_eq!((begins(&view), view.ends), (vec![None, Some("2006-06-13T02:00:00Z".to_owned())], None));
    // A host that is over concerns nobody any more.
    install_next(&mut example, "exa1");
    let done = request::hold(example.world(), &request::WantedHeld::Host("exa1".to_owned()), "bad night");
    example.pass(minutes(60));
    example.settle();
    file_it(&mut example, "olga", done);
    let release =
        request::release(example.world(), &name("olga"), &request::WantedHeld::Host("exa2".to_owned()), "over");
    file_it(&mut example, "olga", release);
    let view = foreseen(&example, &spec);
    assert_eq!((view.held.len(), begins(&view)[1].is_some(), view.ends.is_some()), (0, true, true));
}
