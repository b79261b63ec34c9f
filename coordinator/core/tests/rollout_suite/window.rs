//! Windows: nothing begins outside them, and nothing that would not be over before the cutoff.

use super::{against, install_next, installs};
use crate::example::{Example, file_of, minutes, name, wave};
use sendgate_core::coverage::VerdictKind;
use sendgate_core::plan;
use sendgate_core::policy::{Limits, Switch};
use std::num::NonZeroU32;

/// The example's clock stands at 02:00 on a Tuesday.
fn windowed(from: &str, to: &str) -> String {
    let window = format!(
        "[[window]]\nname = \"night\"\nfrom = \"2006-06-{from}\"\nto = \"2006-06-{to}\"\nzone = \"UTC\"\ncutoff = \"10m\"\n"
    );
    let waves = format!("{}soak = \"1h\"\n{}soak = \"1h\"\n", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    file_of("dst", &(waves + &window))
}

#[test]
fn nothing_begins_while_no_window_is_open() {
    let mut example = Example::covered();
    example.rollout_of(&windowed("13T04:00", "13T08:00"));
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(against(&example, "exa1"), ["no window is open; the next one opens at 2006-06-13T04:00:00Z"]);
    assert!(plan.wake.unwrap() <= example.now.steady + minutes(120) + std::time::Duration::from_secs(1));
    example.pass(minutes(120));
    let (effects, _) = example.settle();
    assert_eq!(installs(&effects).len(), 1);
}

/// 20m install, 5m restart, 1h soak, 20m removal: 1h 45m must be left before the cutoff.
#[test]
fn what_does_not_fit_before_the_cutoff_is_not_begun_and_the_arithmetic_is_shown() {
    let mut example = Example::covered();
    example.rollout_of(&windowed("13T01:00", "13T03:54"));
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert_eq!(
        against(&example, "exa1"),
        [
            "install 20m 0s + restart of GoodLink 5m 0s + soak 1h 0m + removal from 1 hosts, 1 at once, 20m 0s = 1h 45m, \
          which does not fit into the 1h 44m left until the cutoff at 2006-06-13T03:44:00Z"
        ]
    );
    let mut example = Example::covered();
    example.rollout_of(&windowed("13T01:00", "13T03:55"));
    assert_eq!(installs(&example.settle().0).len(), 1);
}

/// Where the limits of disruption have room for one, removals go one after the other, whatever the wave's file says; and so do
/// the nodes of one server.
#[test]
fn removals_that_cannot_go_together_are_reckoned_one_after_the_other() {
    let of = |wave: String| {
        let night = "[[window]]\nname = \"night\"\nfrom = \"2006-06-13T01:00\"\nto = \"2006-06-13T04:30\"\nzone = \"UTC\"\n\
                     cutoff = \"10m\"\n";
        file_of("dst", &format!("{wave}at_once = 4\nsoak = \"1h\"\n{night}"))
    };
    let text = |hosts: u32, at_once: u32, removals: &str| {
        format!("removal from {hosts} hosts, {at_once} at once, {removals} = ")
    };
    let (one, two) = (NonZeroU32::MIN, NonZeroU32::MIN.saturating_add(1));
    let limits = Limits::from(two);
    let mut cases = Vec::new();
    for (limits, expected) in [
        (Limits::from(one), text(2, 1, "40m 0s")),
        (Limits { exchange: Some(one), ..limits }, text(2, 1, "40m 0s")),
        (Limits { domain: Some(one), ..limits }, text(2, 1, "40m 0s")),
        (limits, text(2, 2, "20m 0s")),
    ] {
        let mut example = Example::covered();
        example.policy.disruption = limits;
        example.rollout_of(&of(wave("all", &["exa1", "exa2"])));
        cases.push((example, expected));
    }
    cases.push((super::removal::cluster_of(&of(wave("all", &["exa1"]))), text(2, 1, "40m 0s")));
    for (mut example, expected) in cases {
        let offers = installs(&example.settle().0);
        example.append(sendgate_core::ledger::Entry::Permitted { intent: offers[0].1, holder: None });
        example.pass(minutes(40));
        let why = match offers.get(1) {
            Some((_, other)) => {
                let refusal = plan::permit(example.world(), *other).unwrap_err();
                refusal.blocked.iter().map(ToString::to_string).collect()
            }
            None => against(&example, "exa2"),
        };
        assert!(why.iter().any(|why| why.contains(&expected)), "{expected}: {why:?}");
    }
}

/// A window that comes seldom, and a rollout that nothing has moved for longer than its patience: said at once.
#[test]
fn a_rollout_that_cannot_outwait_its_windows_is_refused() {
    let example = Example::covered();
    let file = |patience: &str| {
        let window = "[[window]]\nname = \"patch\"\nrule = \"FREQ=MONTHLY;BYDAY=2TU\"\nstart = \"2006-06-13T22:00\"\n\
                      length = \"6h\"\nzone = \"UTC\"\ncutoff = \"10m\"\n";
        file_of("dst", &format!("{patience}{}{window}", wave("all", &["exa1"])))
    };
    let refused = sendgate_core::request::rollout_apply(example.world(), &file("")).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the rollout's file cannot be used: patience: it is 192h 0m, and wave all, whose last host needs 1h 0m until a \
         cutoff, fits into no window for 835h 10m from 2007-05-09T02:50:00Z to 2007-06-12T22:00:00Z; make it longer, or \
         write a window in between: a rollout that nothing has moved for that long stops by itself"
    );
    // One that fits nowhere waits for a window that is still to be written, and its windows must come often enough all the same.
    let short = file("").replace("6h", "30m");
    let refused = sendgate_core::request::rollout_apply(example.world(), &short).unwrap_err().to_string();
    let nothing = "no window lets anything begin for 839h 40m from 2007-05-08T22:20:00Z to 2007-06-12T22:00:00Z";
    assert!(refused.contains(nothing), "{refused}");
    sendgate_core::request::rollout_apply(example.world(), &file("patience = \"960h\"\n")).unwrap();
}

/// The nights come often, and none of them has room for the wave: the month's one counts.
#[test]
fn a_rollout_that_cannot_outwait_the_windows_in_which_it_fits_is_refused() {
    let example = Example::covered();
    let file = |patience: &str, servers: &[&str], nightly: &str| {
        let window = |name: &str, rule: &str, length: &str| {
            format!(
                "[[window]]\nname = {name:?}\nrule = {rule:?}\nstart = \"2006-06-13T22:00\"\nlength = {length:?}\nzone = \
                 \"UTC\"\ncutoff = \"0s\"\n"
            )
        };
        let windows = window("night", "FREQ=DAILY", nightly) + &window("month", "FREQ=MONTHLY;BYDAY=2TU", "8h");
        let waves = format!("{}soak = \"1m\"\n{}soak = \"2h\"\n", wave("first", &["exa1"]), wave("rest", servers));
        file_of("dst", &format!("{patience}{waves}{windows}"))
    };
    let apply =
        |file: String| sendgate_core::request::rollout_apply(example.world(), &file).map_err(|why| why.to_string());
    let refused = |wait: &str| {
        format!(
            "the rollout's file cannot be used: patience: it is 192h 0m, and wave rest, whose last host needs {wait}; make \
             it longer, or write a window in between: a rollout that nothing has moved for that long stops by itself"
        )
    };
    let one =
        "2h 45m until a cutoff, fits into no window for 834h 45m from 2007-05-09T03:15:00Z to 2007-06-12T22:00:00Z";
    assert_eq!(apply(file("", &["exa2"], "1h")).unwrap_err(), refused(one));
    // A patience of 834 hours does not outlast it, one of 835 does.
    assert!(apply(file("patience = \"834h\"\n", &["exa2"], "1h")).is_err());
    apply(file("patience = \"835h\"\n", &["exa2"], "1h")).unwrap();
    // The nights are long enough for one host, and too short for the removal from both nodes of a cluster.
    apply(file("", &["exa2"], "3h")).unwrap();
    let mut cluster = Example::covered();
    cluster.policy.exchange.get_mut(&name("exa2")).unwrap().hosts.push(name("exa3"));
    let both = sendgate_core::request::rollout_apply(cluster.world(), &file("", &["exa2"], "3h")).unwrap_err();
    let two = "3h 5m until a cutoff, fits into no window for 835h 5m from 2007-05-09T02:55:00Z to 2007-06-12T22:00:00Z";
    assert_eq!(both.to_string(), refused(two));
}

/// The window closes between the offer and the permit: the permit is refused.
#[test]
fn no_permit_after_the_window_is_too_short() {
    let mut example = Example::covered();
    example.rollout_of(&windowed("13T01:00", "13T03:55"));
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    example.pass(minutes(1));
    let refusal = plan::permit(example.world(), intent).unwrap_err();
    assert!(!refusal.void);
    assert!(refusal.blocked.iter().any(|why| why.to_string().contains("does not fit")), "{refusal:?}");
}

/// The second wave does not fit any more, and waits for the next opening.
#[test]
fn a_wave_that_does_not_fit_waits_for_the_next_window() {
    let mut example = Example::covered();
    let weekly = "[[window]]\nname = \"nightly\"\nrule = \"FREQ=DAILY\"\nstart = \"2006-06-13T01:00\"\nlength = \"3h\"\n\
                  zone = \"UTC\"\ncutoff = \"0s\"\n";
    let waves = format!("{}soak = \"1h\"\n{}soak = \"1h\"\n", wave("canary", &["exa1"]), wave("rest", &["exa2"]));
    example.rollout_of(&file_of("dst", &(waves + weekly)));
    install_next(&mut example, "exa1");
    example.pass(minutes(60));
    assert_eq!(installs(&example.settle().0), []);
    assert!(against(&example, "exa2")[0].contains("does not fit into the"), "{:?}", against(&example, "exa2"));
    example.pass(minutes(60));
    example.settle();
    assert_eq!(against(&example, "exa2"), ["no window is open; the next one opens at 2006-06-14T01:00:00Z"]);
    example.pass(minutes(21 * 60));
    install_next(&mut example, "exa2");
}

/// Unattended restarts keep to windows of their own; a person's restart does not.
#[test]
fn goodlink_is_restarted_unattended_only_in_its_windows() {
    let mut example = Example::covered();
    example.lands("anna");
    example.paused.insert("anna");
    example.pass(minutes(70));
    let window =
        "name = \"n\"\nfrom = \"2006-06-13T06:00\"\nto = \"2006-06-13T08:00\"\nzone = \"UTC\"\ncutoff = \"0s\"\n";
    let window: sendgate_core::window::WrittenWindow = toml_window(window);
    example.policy.restart_windows = sendgate_core::spec::Windows::In(vec![window.read().unwrap()].into());
    example.policy.goodlink_restart = Switch::On;
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    let why: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    assert_eq!(why, ["no window is open; the next one opens at 2006-06-13T06:00:00Z"]);
    let force = sendgate_core::request::restart_force(example.world(), "gla", "the director's own handheld");
    super::file_it(&mut example, "olga", force);
    assert_eq!(example.settle().0.len(), 1, "a person may");
    assert_eq!(VerdictKind::Covered.to_string(), "covered");
}

fn toml_window(text: &str) -> sendgate_core::window::WrittenWindow {
    let mut fields = std::collections::BTreeMap::new();
    for line in text.lines() {
        let (key, value) = line.split_once(" = ").unwrap();
        fields.insert(key, value.trim_matches('"').to_owned());
    }
    serde_json::from_value(serde_json::to_value(fields).unwrap()).unwrap()
}

/// The last reports of a wave come after its soak: patience that is over before them would stop a rollout that is well.
#[test]
fn patience_outlasts_a_soak_with_the_reports_after_it() {
    let example = Example::covered();
    let file = |patience: &str| {
        file_of("dst", &format!("patience = {patience:?}\n{}soak = \"1h\"\n", wave("all", &["exa1", "exa2"])))
    };
    let refused = |patience: &str| sendgate_core::request::rollout_read(example.world(), &file(patience)).map(|_| ());
    assert_eq!(example.policy.freshness.silent_after, minutes(2));
    assert_eq!(
        refused("62m").unwrap_err().to_string(),
        "the rollout's file cannot be used: patience: it is 1h 2m, and a wave that soaks for 1h 0m is over once its hosts have reported since, which may take \
         2m 0s; make it longer: until then nothing moves, and a rollout that nothing has moved for that long stops by itself"
    );
    refused("63m").unwrap();
}
