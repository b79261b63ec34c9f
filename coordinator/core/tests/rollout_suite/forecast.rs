//! The dry run: every host with its wave, what is in its way, and when it would go.

use super::install_next;
use crate::example::{Example, file_of, minutes, name, wave};
use sendgate_core::{spec, view};

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

/// Rights that have landed are waited for first: the canary does not fit into the first opening any more.
#[test]
fn waits_that_are_known_come_first() {
    let mut example = Example::covered();
    example.lands("anna");
    let spec = spec::read(&windowed(), &example.policy).unwrap();
    let view = view::forecast(example.world(), &spec, &name("olga"));
    assert!(view.waits >= minutes(65), "{:?}", view.waits);
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
}
