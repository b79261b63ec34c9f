//! Scenarios of grants: what a survey proposes, what is written, and what waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../example/mod.rs"]
mod example;

mod approvals;
mod lost;
mod surveys;
mod undo;
mod write;

use example::{Example, grant, minutes, name, succeeded};
use sendgate_core::coverage::placement::PlannedGrant;
use sendgate_core::coverage::reading::GroupPath;
use sendgate_core::coverage::{Cause, Holder, VerdictKind};
use sendgate_core::ledger::{Effect, Entry, Outcome, Request, Sequence, Stamped};
use sendgate_core::plan::{grants, survey};
use sendgate_core::policy::GrantMode;
use sendgate_core::request::Refused;
use sendgate_core::secdesc::edit::GrantForm;

/// Anna lacks the right, and a survey proposes these grants.
fn proposing(proposed: &[PlannedGrant]) -> Example {
    let mut example = Example::covered();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.proposed = proposed.iter().cloned().collect();
    example.survey();
    example
}

fn texts(example: &mut Example) -> Vec<String> {
    let (effects, plan) = example.settle();
    assert_eq!(effects, []);
    plan.grants.values().flatten().map(ToString::to_string).collect()
}

#[test]
fn advise_writes_nothing_and_says_what_is_left_to_the_directory_team() {
    let mut example = proposing(&[grant("DC=a", GrantForm::ContainerUsers)]);
    example.policy.domains.values_mut().for_each(|domain| domain.grants = GrantMode::Advise);
    let text = "grants.mode is advise: grant Send As to goodadmin@a.example.test on DC=a is left to the directory team";
    assert_eq!(texts(&mut example), [text]);
}

/// Two entries for one place: the second would be planned on a list that the first has changed.
#[test]
fn one_entry_at_a_time_is_written_on_a_place() {
    let users = grant("DC=a", GrantForm::ContainerUsers);
    let persons = grant("DC=a", GrantForm::ContainerInetOrgPersons);
    let elsewhere = grant("OU=Blocked,DC=a", GrantForm::ContainerUsers);
    let mut example = proposing(&[users.clone(), persons.clone(), elsewhere.clone()]);
    let (effects, _) = example.settle();
    let written: Vec<_> = effects.iter().map(|(_, effect)| effect.clone()).collect();
    assert_eq!(written, [Effect::Grant(users), Effect::Grant(elsewhere)]);
    assert!(texts(&mut example)[0].ends_with("is under way"));
    for (intent, _) in effects {
        example.end(intent, succeeded());
    }
    // Until the next survey has looked, what it proposed is old.
    assert!(texts(&mut example)[0].starts_with("the next survey will show what came of"));
    assert_eq!(survey::due(example.world(), &name("a.example.test")).unwrap(), example.now.steady);
    example.proposed = [persons.clone()].into();
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!(effects.into_iter().map(|(_, effect)| effect).collect::<Vec<_>>(), [Effect::Grant(persons)]);
}

#[test]
fn a_grant_that_fails_again_and_again_rests_until_the_cause_may_be_mended() {
    let mut example = proposing(&[grant("DC=a", GrantForm::ContainerUsers)]);
    for _ in 0..grants::ATTEMPTS {
        let (effects, _) = example.settle();
        let [(intent, Effect::Grant(_))] = effects.as_slice() else { panic!("{effects:?}") };
        example.end(*intent, Outcome::Failed { detail: "insufficient rights".into() });
        example.pass(minutes(1));
    }
    let text = "a person must look at it: grant Send As to goodadmin@a.example.test on DC=a failed 3 times: insufficient rights";
    assert_eq!(texts(&mut example), [text]);
    example.pass(grants::RETRY_AFTER);
    let (effects, _) = example.settle();
    assert_eq!(effects.len(), 1);
}

#[test]
fn nothing_is_granted_on_evidence_that_is_too_old() {
    let mut example = proposing(&[grant("DC=a", GrantForm::ContainerUsers)]);
    example.silence(minutes(31));
    assert_eq!(texts(&mut example), Vec::<String>::new());
}

/// At most one permit and one end for an intent; only an unknown end may still be established.
#[test]
fn an_intent_moves_forward_only() {
    let mut example = proposing(&[grant("DC=a", GrantForm::ContainerUsers)]);
    let (effects, _) = example.settle();
    let intent = effects[0].0;
    let refused = |example: &mut Example, entry: Entry| {
        let stamped = Stamped { at: example.now, entry };
        let sequence = example.ledger.next();
        example.ledger.apply(sequence, &stamped).unwrap_err().to_string()
    };
    example.append(Entry::Permitted { intent, holder: None });
    let error = refused(&mut example, Entry::Permitted { intent, holder: None });
    assert!(error.contains("(permitted) cannot follow in state Permitted"), "{error}");
    example.end(intent, Outcome::Unknown { detail: String::new() });
    example.end(intent, succeeded());
    let error = refused(&mut example, Entry::Outcome { intent, outcome: succeeded() });
    assert!(error.contains("(outcome) cannot follow in state Ended"), "{error}");
}

const HEAD: &str = "DC=a,DC=example,DC=test";

const ACCOUNT: &str = "goodadmin@a.example.test";

fn file(example: &mut Example, request: Result<Request, Refused>) -> Sequence {
    let entry = Entry::Request { by: name("olga"), request: request.unwrap() };
    example.append(entry)
}

fn refused(request: Result<Request, Refused>) -> String {
    request.unwrap_err().to_string()
}

/// The one grant that is proposed is written, and ends well a minute later.
fn written(example: &mut Example) -> Sequence {
    let (effects, _) = example.settle();
    let [(intent, Effect::Grant(_))] = effects.as_slice() else { panic!("{effects:?}") };
    example.end(*intent, succeeded());
    *intent
}

fn protected() -> Cause {
    let path = ["CN=Helpdesk,DC=a", "CN=Domain Admins,CN=Users,DC=a"].map(Into::into).to_vec();
    Cause::Protected { path: GroupPath(path), holder: Holder::Lacks }
}
