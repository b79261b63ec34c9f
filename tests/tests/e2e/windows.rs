//! Maintenance windows: what is not begun says why, with the arithmetic.

use crate::support::{
    Must, PATIENCE, Scene, accepted, every_effect_once, finished, held_up, installs, one_by_one, start, why,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sendgate_core::ledger::{Effect, Entry, Sequence};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::view::ForecastView;
use sendgate_tests::system::{System, wait};

/// How far ahead the window is that a test waits for: everything before it is seen by then, on a busy machine too.
const AHEAD: i64 = 30;
const HOUR: i64 = 3600;

/// So many seconds from now, to the second.
fn from_now(seconds: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + seconds).must()
}

/// As a file writes it, by a clock in this zone.
fn local(moment: Timestamp, zone: &str) -> String {
    TimeZone::get(zone).must().to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A one-off window.
fn window(name: &str, from: Timestamp, to: Timestamp, cutoff: &str) -> String {
    let [from, to] = [from, to].map(|moment| local(moment, "UTC"));
    format!("[[window]]\nname = {name:?}\nfrom = {from:?}\nto = {to:?}\nzone = \"UTC\"\ncutoff = {cutoff:?}\n")
}

/// When each host's installation was announced, in the journal's order.
fn begun(system: &System) -> Vec<(String, Timestamp)> {
    let journal = system.journal(Sequence::FIRST).must();
    let install = journal.iter().filter_map(|(_, stamped)| match &stamped.entry {
        Entry::Intent { effect: Effect::Install { host, .. } } => Some((host.to_string(), stamped.at.wall)),
        _ => None,
    });
    install.collect()
}

#[test]
fn a_rollout_waits_for_its_window_and_for_whoever_holds_a_host_and_says_so() {
    let scene = Scene::granted(|_| {});

    // A weekly one, in another zone than the coordinator's.
    let night = from_now(2 * HOUR);
    let mut file = one_by_one(&scene, "night", &["EXA1", "EXA2"]);
    file.keys.clear();
    file.tables = format!(
        "[[window]]\nname = \"weekly\"\nrule = \"FREQ=WEEKLY\"\nstart = {:?}\nlength = \"3h\"\nzone = \"Europe/Berlin\"\ncutoff = \"30m\"\n",
        local(night, "Europe/Berlin")
    );
    start(&scene, &file);
    let closed = format!("no window is open; the next one opens at {}", night);
    assert_eq!(why(&scene, "night", "exa1").why, format!("exa1 is waiting: {closed}"));
    let spoken = scene.cli(&["rollout", "why", "night", "exa1"]).must().good().must();
    assert!(spoken.stdout.contains(&closed), "{}", spoken.stdout);
    let forecast: ForecastView = scene.view(&["plan", "night"]).must();
    assert_eq!(forecast.waves[0].hosts[0].begins, Some(night));
    assert_eq!(forecast.openings.first().map(|(opens, _)| *opens), Some(night));
    let dry = scene.cli(&["plan", "night"]).must().good().must().stdout;
    let opens = night.strftime("%Y-%m-%d %H:%MZ").to_string();
    assert!(dry.contains(&format!("opens    {opens} to ")), "{dry}");
    assert!(dry.contains("exa1, now:") && dry.contains("no window is open"), "{dry}");
    accepted(&scene, &["rollout", "abort", "night", "--reason", "not tonight"], "rollout night begins nothing more");

    // A hold counts beside the window, before it opens and afterwards.
    accepted(&scene, &["hold", "host", "exa2", "--reason", "backup"], "host exa2 is held");
    let (opens, closes) = (from_now(AHEAD), from_now(AHEAD + HOUR));
    let mut file = one_by_one(&scene, "spring", &["EXA1", "EXA2"]);
    file.keys.clear();
    file.tables = format!(
        "[expected]\ninstall = \"1m\"\nrestart = \"1m\"\nremoval = \"1m\"\n{}",
        window("soon", opens, closes, "10m")
    );
    start(&scene, &file);
    let closed = format!("no window is open; the next one opens at {opens}");
    let held = "host exa2 is held by olive: backup";
    let reasons = why(&scene, "spring", "exa2").host.reasons;
    assert!([closed.as_str(), held].iter().all(|reason| reasons.iter().any(|known| known == reason)), "{reasons:?}");
    assert_eq!(why(&scene, "spring", "exa1").host.reasons, [closed.as_str()]);
    assert_eq!(begun(&scene), [], "nothing has begun before the window is open");

    // It opens, and with nobody asking for it the first wave begins; the other host is held still.
    wait::until("the end of the first wave", PATIENCE, || match why(&scene, "spring", "exa1").host.progress.phase {
        Phase::Done => Ok(()),
        phase => Err(phase.to_string()),
    })
    .must();
    assert_eq!(held_up(&scene, "spring", "exa2", held), [held], "the window alone does not let it begin");
    assert_eq!((installs(&scene, "exa1"), installs(&scene, "exa2")), ((1, 1), (0, 0)));
    accepted(&scene, &["release", "host", "exa2", "--reason", "backed up"], "host exa2 is released");
    finished(&scene, "spring");

    let begun = begun(&scene);
    assert_eq!(begun.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["exa1", "exa2"]);
    assert!(begun.iter().all(|(_, at)| (opens..closes).contains(at)), "{begun:?}, from {opens} on");
    assert_eq!(installs(&scene, "exa2"), (1, 1));
    every_effect_once(&scene);
}

#[test]
fn what_does_not_fit_before_the_cutoff_is_not_begun_and_the_arithmetic_says_why() {
    let scene = Scene::granted(|_| {});

    // Until its cutoff there are thirty minutes: enough to take one host back, and not two.
    let (last, tomorrow) = (from_now(HOUR / 2), from_now(24 * HOUR));
    let mut file = one_by_one(&scene, "spring", &[]);
    file.keys.clear();
    file.waves = vec![("both".to_owned(), vec!["EXA1".to_owned(), "EXA2".to_owned()])];
    file.tables = format!(
        "[expected]\ninstall = \"2m\"\nrestart = \"1m\"\nremoval = \"20m\"\n{}{}",
        window("now", from_now(-HOUR), last + SignedDuration::from_mins(10), "10m"),
        window("tomorrow", tomorrow, tomorrow + SignedDuration::from_hours(2), "10m"),
    );
    start(&scene, &file);
    let sum = "install 2m 0s + restart of GoodLink 1m 0s + soak 3.0s + removal from 2 hosts, 1 at once, 40m 0s = 43m 3s, \
               which does not fit into the ";
    let soaking = || match why(&scene, "spring", "exa1").host.progress.phase {
        Phase::Soaking { .. } => Ok(()),
        phase => Err(phase.to_string()),
    };
    wait::until("the soak of exa1", PATIENCE, soaking).must();
    let reasons = held_up(&scene, "spring", "exa2", sum);
    let [arithmetic] = reasons.as_slice() else { panic!("{reasons:?}") };
    assert!(arithmetic.ends_with(&format!(" left until the cutoff at {last}")), "{arithmetic}");
    let view = why(&scene, "spring", "exa2");
    assert!(view.why.starts_with(&format!("exa2 is waiting: {sum}")), "{}", view.why);

    // The dry run says when it will, and why not now.
    let forecast: ForecastView = scene.view(&["plan", "spring"]).must();
    assert_eq!(forecast.waves[0].hosts[1].begins, Some(tomorrow));
    let dry = scene.cli(&["plan", "spring"]).must().good().must().stdout;
    let words = dry.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("with a removal 43m 3s must be left until a cutoff"), "{dry}");
    assert!(words.contains(sum.trim_end()), "{dry}");

    // The wave is not over without it, and is as soon as somebody leaves it out.
    assert_eq!(installs(&scene, "exa2"), (0, 0));
    soaking().must();
    accepted(
        &scene,
        &["rollout", "skip", "spring", "exa2", "--reason", "not tonight"],
        "exa2 is left out of rollout spring",
    );
    finished(&scene, "spring");
    assert_eq!(begun(&scene).into_iter().map(|(host, _)| host).collect::<Vec<_>>(), ["exa1"]);
    assert_eq!((installs(&scene, "exa1"), installs(&scene, "exa2")), ((1, 1), (0, 0)));
    every_effect_once(&scene);
}
