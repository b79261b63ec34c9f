//! A version that changed with no command of ours stops the rollout that it touches, until a person has looked at it.

use super::super::{blocked, file, hold, resume};
use crate::example::{BEFORE, Example, name};
use sendgate_core::ledger::{Entry, Held};
use sendgate_core::plan::{self, Step};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;

/// What the rollout was planned on is not so any more: it is held, by nobody but Sendgate, and a person releases it.
#[test]
fn drift_holds_the_rollout_that_it_touches() {
    let mut example = Example::covered();
    example.rollout();
    hold(&mut example, &WantedHeld::Host("exa1".into()));
    example.settle();
    example.exchange("exa2", "6.5.7650.23");
    example.settle();
    let hold = example.ledger.holds.all_on(&Held::Rollout(name("dst"))).next().unwrap();
    let text = format!(
        "held by Sendgate itself: store.exe on exa2 went from {BEFORE} to 6.5.7650.23 with no command of ours: it starts to \
         check Send As: whoever lacks the right is paused as soon as he sends"
    );
    assert_eq!(hold.to_string(), text);
    let request = request::release(example.world(), &name("olga"), &WantedHeld::Host("exa1".into()), "over");
    file(&mut example, request);
    assert_eq!(example.settle().0, []);
    resume(&mut example);
    assert_eq!(example.settle().0.len(), 1);
}

/// A person who lets go what he held says nothing of a version that changed meanwhile.
#[test]
fn drift_under_a_persons_hold_outlasts_it() {
    for person_first in [true, false] {
        let mut example = Example::covered();
        example.rollout();
        example.settle();
        if person_first {
            hold(&mut example, &WantedHeld::Rollout("dst".into()));
        }
        example.exchange("exa2", "6.5.7650.23");
        example.settle();
        if !person_first {
            hold(&mut example, &WantedHeld::Rollout("dst".into()));
        }
        let holds = |example: &Example| {
            let lines = view::status(example.world()).holds;
            lines.iter().map(|line| line.hold.to_string()).collect::<Vec<_>>()
        };
        let drift = format!(
            "held by Sendgate itself: store.exe on exa2 went from {BEFORE} to 6.5.7650.23 with no command of ours: it \
             starts to check Send As: whoever lacks the right is paused as soon as he sends"
        );
        assert_eq!(holds(&example), ["held by olga: bad night", &drift]);
        let both = ["rollout dst is held by olga: bad night".to_owned(), format!("rollout dst is {drift}")];
        assert!(both.iter().all(|text| blocked(&example, 0).contains(text)), "{:?}", blocked(&example, 0));
        let sequence = {
            let request = request::resume(example.world(), &name("olga"), "dst", "looked at it").unwrap();
            example.append(Entry::Request { by: name("olga"), request })
        };
        let still = view::still_stopped(example.world(), &name("dst"), sequence);
        let since = view::status(example.world()).holds[0].hold.at.wall.strftime("since %Y-%m-%d %H:%MZ").to_string();
        let dated = drift.replacen("itself", &format!("itself {since}"), 1);
        let what = "end that with `sendgate release rollout dst --reason WHY`";
        assert_eq!(still, format!("it does not go on: rollout dst is {dated}: {what}"));
        assert_eq!((example.settle().0, holds(&example)), (vec![], vec![drift]));
        resume(&mut example);
        assert_eq!((example.settle().0.len(), holds(&example).len()), (1, 0));
    }
}

/// In a journal of the last release the end of a person's hold let it go on, and it must come to the same again.
#[test]
fn drift_in_an_older_journal_holds_only_what_nobody_held() {
    let mut example = Example::covered();
    example.rollout();
    example.settle();
    hold(&mut example, &WantedHeld::Rollout("dst".into()));
    example.exchange("exa2", "6.5.7650.23");
    let steps = plan::plan(example.world()).steps;
    let written = steps.iter().filter_map(Step::entry).find(|entry| matches!(entry, Entry::Milestone(_))).unwrap();
    let mut old = serde_json::to_value(written).unwrap();
    assert_eq!(old.as_object_mut().unwrap().remove("beside").unwrap(), true);
    let old: Entry = serde_json::from_value(old).unwrap();
    example.append(old);
    assert_eq!(view::status(example.world()).holds.len(), 1);
    resume(&mut example);
    assert!(example.ledger.holds.in_force().is_empty());
}
