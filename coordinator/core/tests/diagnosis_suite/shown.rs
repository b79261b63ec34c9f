//! One truth in every place where a paused user is shown.

use super::{diagnosis, landed, paused, report};
use crate::example::{Example, minutes, name};
use sendgate_core::plan;
use sendgate_core::view;

/// What `status` says of why users are still paused.
fn status(example: &Example) -> Vec<(String, String)> {
    let line = view::status(example.world()).paused.remove(0);
    line.diagnoses.iter().map(|(user, found)| (user.to_string(), found.to_string())).collect()
}

#[test]
fn the_plan_the_status_and_the_explanation_say_the_same() {
    let mut example = landed(130);
    let (_, plan) = example.settle();
    let expected = diagnosis(&example);
    let (cause, next) = (expected.conclusion.to_string(), expected.conclusion.next.clone());
    assert_eq!(status(&example), [("anna".to_owned(), cause.clone())]);
    let tried = format!("a person must look at it: anna is still paused: {cause}; next: {next}");
    let texts: Vec<_> = plan.remedies[&name("gla")].iter().map(ToString::to_string).collect();
    assert!(texts.contains(&tried), "{texts:?}");
    let explained = view::explain(example.world(), "anna", &view::Explanations::new()).users.remove(0);
    assert_eq!(explained.diagnosis, Some(expected.clone()));
    assert_eq!(expected.checks.len(), 11);
    let json = serde_json::to_value(&expected).unwrap();
    assert_eq!(json["checks"][2]["suspect"], "pause-timer");
    assert_eq!(json["checks"][2]["finding"], "it-is");
    assert_eq!(json["conclusion"]["next"], next);
    assert_eq!(serde_json::from_value::<plan::diagnosis::Diagnosis>(json).unwrap(), expected);
}

#[test]
fn status_names_only_those_whose_time_is_up_and_whom_nobody_has_excepted() {
    assert_eq!(status(&landed(129)), []);
    let mut example = landed(130);
    assert_eq!(status(&example).len(), 1);
    example.waive("anna", "left the company");
    assert_eq!(status(&example), []);
    // Somebody paused by another error is not among those of the Send As error, and is named all the same.
    let mut example = paused();
    let first = example.now.wall - jiff::SignedDuration::from_mins(131);
    let pause = report(&mut example.estate).paused.as_mut().unwrap().get_mut(&name("anna")).unwrap();
    (pause.first, pause.send_as, pause.hresult) = (first, false, -1);
    assert_eq!(view::status(example.world()).paused[0].users, Ok([].into()));
    assert!(status(&example)[0].1.starts_with("not a Send As error: "), "{:?}", status(&example));
}

#[test]
fn nobody_is_diagnosed_where_it_is_not_known_who_is_paused() {
    let mut example = landed(130);
    example.silence(minutes(3));
    assert_eq!(status(&example), []);
    let line = view::status(example.world()).paused.remove(0);
    assert_eq!(line.users, Err("its host has been silent for 3m 0s".to_owned()));
    let explained = view::explain(example.world(), "anna", &view::Explanations::new()).users.remove(0);
    assert_eq!(explained.diagnosis, None);
    example.paused.clear();
    example.observe_all();
    let explained = view::explain(example.world(), "anna", &view::Explanations::new()).users.remove(0);
    assert_eq!((explained.diagnosis, explained.paused.as_str()), (None, "not paused by the Send As error"));
}
