//! Shared by the scenarios of users who are still paused.

mod around;
mod directory;
mod next;
mod shown;
mod waits;

use crate::example::{Example, minutes, name};
use sendgate_core::coverage::verdict::DecidingEntry;
use sendgate_core::coverage::{Cause, ServerVerdict, VerdictKind};
use sendgate_core::estate::{Estate, GoodLinkState};
use sendgate_core::plan::diagnosis::{Diagnosis, Examiner, Finding, Suspect};
use sendgate_core::policy::Switch;

const ANNA: &str = "anna@a.example.test";
/// How the DNs of the example's domain end.
const BELOW: &str = "OU=Hosted,DC=a,DC=example,DC=test";

fn entry(sddl: &str, from: Option<&str>) -> DecidingEntry {
    DecidingEntry {
        index: 2,
        sddl: sddl.into(),
        inherited: from.is_some(),
        trustee: name("S-1-5-21-1-2-3-1105"),
        from: from.map(Into::into),
    }
}

/// What one server shows.
fn shows(kind: VerdictKind, cause: Cause) -> ServerVerdict {
    ServerVerdict { kind, cause, lacks: None, deciding: None, warning: None }
}

/// Anna is paused, and both servers show that she has the right.
fn paused() -> Example {
    let mut example = Example::covered();
    example.policy.goodlink_restart = Switch::Off;
    example.deciding.insert(name(ANNA), entry("(OA;;CR;;;GOOD)", Some(BELOW)));
    example.paused.insert("anna");
    example.observe_all();
    example
}

/// The same after her right has landed and this time has passed.
fn landed(ago: u64) -> Example {
    let mut example = paused();
    example.lands("anna");
    example.pass(minutes(ago));
    example
}

/// She is shown like this by both servers from now on.
fn is(example: &mut Example, kind: VerdictKind, cause: Cause) {
    example.set("anna", kind, cause);
    example.observe_all();
}

fn diagnosis(example: &Example) -> Diagnosis {
    let gla = name("gla");
    let examiner = Examiner::new(example.world(), &gla).unwrap();
    examiner.of(&name("anna")).unwrap()
}

/// The first line: the cause, and what to do.
#[track_caller]
fn concludes(example: &Example, cause: &str, next: &str) {
    let conclusion = diagnosis(example).conclusion;
    assert_eq!((conclusion.to_string().as_str(), conclusion.next.as_str()), (cause, next));
}

fn finding(example: &Example, suspect: Suspect) -> Finding {
    diagnosis(example).checks.into_iter().find(|check| check.suspect == suspect).unwrap().finding
}

#[track_caller]
fn finds(example: &Example, suspect: Suspect, text: &str) {
    assert_eq!(finding(example, suspect).to_string(), text);
}

/// What GoodLink's host reports, to be changed.
fn report(estate: &mut Estate) -> &mut GoodLinkState {
    estate.hosts.get_mut(&name("gla")).unwrap().goodlink.as_mut().unwrap()
}
