//! Two people who hold the same thing: each of them ends his own hold, and nobody another's unawares.

use super::super::{blocked, file};
use crate::example::{Example, minutes, name};
use sendgate_core::ledger::{Entry, Held, Request};
use sendgate_core::request::{self, Refused, WantedHeld};
use sendgate_core::view;

fn file_by(example: &mut Example, by: &str, request: Result<Request, Refused>) {
    let request = request.unwrap_or_else(|refused| panic!("{refused}"));
    example.append(Entry::Request { by: name(by), request });
}

fn hold_by(example: &mut Example, by: &str, held: &WantedHeld, reason: &str) {
    let request = request::hold(example.world(), held, reason);
    file_by(example, by, request);
}

fn release_by(example: &Example, by: &str, held: &WantedHeld) -> Result<Request, Refused> {
    request::release(example.world(), &name(by), held, "done")
}

fn holds(example: &Example) -> Vec<String> {
    let lines = view::status(example.world()).holds;
    lines.iter().map(|line| format!("{} is {}", line.held, line.hold)).collect()
}

fn since(example: &Example) -> String {
    example.now.wall.strftime("since %Y-%m-%d %H:%MZ").to_string()
}

/// Whoever is done with his own work says nothing of what somebody else stopped it for.
#[test]
fn the_end_of_one_persons_hold_leaves_that_of_the_other() {
    let things = [
        (WantedHeld::Estate, "the estate", "estate"),
        (WantedHeld::Domain("a.example.test".into()), "domain a.example.test", "domain a.example.test"),
        (WantedHeld::Host("exa1".into()), "host exa1", "host exa1"),
        (WantedHeld::Rollout("dst".into()), "rollout dst", "rollout dst"),
    ];
    for (held, text, what) in things {
        let mut example = Example::covered();
        example.rollout();
        hold_by(&mut example, "olive", &held, "SAN is failing");
        let by_olive = format!(
            "{text} is held by olive {}: SAN is failing: end that with `sendgate release {what} --of olive --reason WHY`",
            since(&example)
        );
        assert_eq!(request::also_held(example.world(), &name("olive"), &held), None);
        example.pass(minutes(7));
        hold_by(&mut example, "bob", &held, "moving mailboxes");
        let also = request::also_held(example.world(), &name("bob"), &held);
        assert_eq!(also, Some(format!("it is not held by bob alone: {by_olive}")));
        let olive = format!("{text} is held by olive: SAN is failing");
        let bob = format!("{text} is held by bob: moving mailboxes");
        assert_eq!(holds(&example), [bob.clone(), olive.clone()]);
        assert!(blocked(&example, 0).contains(&olive) && blocked(&example, 0).contains(&bob));

        let done = release_by(&example, "bob", &held);
        assert_eq!(done.as_ref().unwrap().to_string(), format!("end the hold of bob on {text}: done"));
        file_by(&mut example, "bob", done);
        assert_eq!(request::still_held(example.world(), &held), Some(format!("it is still held: {by_olive}")));
        assert_eq!((example.settle().0, holds(&example)), (vec![], vec![olive]));

        // Nobody ends it unawares, and everybody may end it.
        let refused = release_by(&example, "bob", &held).unwrap_err().to_string();
        let unawares = format!("bob does not hold {text}, and nobody ends another's hold unawares: {by_olive}");
        assert_eq!(refused, unawares);
        let nobody = request::release_of(example.world(), "carl", &held, "done").unwrap_err().to_string();
        assert_eq!(nobody, format!("carl does not hold {text}: {by_olive}"));
        let end = request::release_of(example.world(), "Olive", &held, "the SAN is well, she is asleep");
        file_by(&mut example, "bob", end);
        assert_eq!((request::still_held(example.world(), &held), holds(&example)), (None, vec![]));
        assert_eq!(example.settle().0.len(), 1);
    }
}

#[test]
fn a_rollout_is_not_resumed_from_under_another_persons_pause() {
    let mut example = Example::covered();
    example.rollout();
    let held = WantedHeld::Rollout("dst".into());
    hold_by(&mut example, "olive", &held, "lunch");
    let how = format!(
        "rollout dst is held by olive {}: lunch: end that with `sendgate release rollout dst --of olive --reason WHY`",
        since(&example)
    );
    let resume = |example: &Example, by: &str| request::resume(example.world(), &name(by), "dst", "go on");
    let refused = resume(&example, "bob").unwrap_err().to_string();
    let unawares = "bob does not hold rollout dst, and nobody ends another's hold unawares";
    assert_eq!(refused, format!("{unawares}: {how}"));
    hold_by(&mut example, "bob", &held, "a call");
    let own = resume(&example, "bob");
    file_by(&mut example, "bob", own);
    let head = example.ledger.head.unwrap();
    assert_eq!(view::still_stopped(example.world(), &name("dst"), head), format!("it does not go on: {how}"));
    let own = resume(&example, "olive");
    file_by(&mut example, "olive", own);
    assert_eq!(holds(&example), Vec::<String>::new());
}

/// Beside a person's hold that of Sendgate is named as well, and ended by that name.
#[test]
fn sendgates_own_hold_is_ended_beside_that_of_a_person() {
    let mut example = Example::covered();
    example.rollout();
    example.settle();
    let held = WantedHeld::Rollout("dst".into());
    hold_by(&mut example, "olive", &held, "lunch");
    example.exchange("exa2", "6.5.7650.23");
    example.settle();
    assert_eq!(holds(&example).len(), 2);
    let refused = release_by(&example, "bob", &held).unwrap_err().to_string();
    assert!(refused.contains("`sendgate release rollout dst --of olive --reason WHY`; and rollout dst"), "{refused}");
    assert!(refused.ends_with("end that with `sendgate release rollout dst --of sendgate --reason WHY`"), "{refused}");
    let own = request::release_of(example.world(), "sendgate", &held, "looked at it");
    let text = own.as_ref().unwrap().to_string();
    assert_eq!(text, "end the hold of Sendgate itself on rollout dst: looked at it");
    file_by(&mut example, "bob", own);
    assert_eq!(holds(&example), ["rollout dst is held by olive: lunch"]);
    let again = request::release_of(example.world(), "sendgate", &held, "looked at it").unwrap_err().to_string();
    assert!(again.starts_with("sendgate does not hold rollout dst: "), "{again}");
}

/// In a journal of the last release whoever said `release` let everybody's hold go.
#[test]
fn an_older_release_lets_everybodys_hold_go() {
    let mut example = Example::covered();
    example.rollout();
    hold_by(&mut example, "olive", &WantedHeld::Estate, "SAN is failing");
    hold_by(&mut example, "bob", &WantedHeld::Estate, "moving mailboxes");
    let old = Entry::Request {
        by: name("carl"),
        request: Request::Release { held: Held::Estate, of: None, reason: "done".to_owned() },
    };
    let text = serde_json::to_string(&old).unwrap();
    assert!(!text.contains("\"of\""), "as it was written then: {text}");
    example.append(serde_json::from_str(&text).unwrap());
    assert_eq!(holds(&example), Vec::<String>::new());
    let one = request::hold(example.world(), &WantedHeld::Estate, "once more");
    file(&mut example, one);
    let new = Entry::Request { by: name("olga"), request: release_by(&example, "olga", &WantedHeld::Estate).unwrap() };
    assert!(serde_json::to_string(&new).unwrap().contains(r#""of":{"person":"olga"}"#));
}
