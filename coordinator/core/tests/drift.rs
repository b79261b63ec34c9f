//! Scenarios of store versions that change with no command of ours: what is said of it, everywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::enforcement::Means;
use sendgate_core::ledger::Entry;
use sendgate_core::plan::{self, Step};
use sendgate_core::view::{self, DriftLine};

/// EXA1 goes from one version to another, and all of it is written down.
fn drifted(before: &str, after: &str) -> Example {
    let mut example = Example::covered();
    example.exchange("exa1", before);
    example.settle();
    example.exchange("exa1", after);
    example.settle();
    example
}

fn lines(example: &Example) -> Vec<DriftLine> {
    view::status(example.world()).drift
}

fn texts(example: &Example) -> Vec<String> {
    lines(example).iter().map(ToString::to_string).collect()
}

#[test]
fn a_store_that_starts_to_enforce_is_shown_with_those_whom_it_will_pause() {
    let mut example = drifted(BEFORE, AFTER);
    let step = format!(
        "exa1: store.exe went from {BEFORE} (Exchange 2003 SP2) to {AFTER} (Exchange 2003 SP2 with the hotfix (7650.23 or \
         later)) with no command of ours, noticed 2006-06-13T02:00:00Z: it starts to check Send As: whoever lacks the \
         right is paused as soon as he sends; "
    );
    assert_eq!(texts(&example), [format!("{step}0 of the 2 roster users of exa1 are not covered now")]);
    for user in ["anna", "bert", "carl"] {
        example.set(user, VerdictKind::Missing, Cause::NoEntry);
    }
    example.survey();
    assert_eq!(texts(&example), [format!("{step}2 of the 2 roster users of exa1 are not covered now")]);
    example.waive("carl", "leaves");
    let waived = "2 of the 2 roster users of exa1 are not covered now (1 of them waived)";
    assert_eq!(texts(&example), [format!("{step}{waived}")]);
    example.down.insert("a2", "connection refused");
    example.survey();
    let more = ", perhaps more: directory server a2 gave no evidence: connection refused";
    assert_eq!(texts(&example), [format!("{step}{waived}{more}")]);
    let line = lines(&example).remove(0);
    let json = serde_json::to_value(&line).unwrap();
    assert_eq!((&json["host"], &json["change"]["means"]), (&"exa1".into(), &"starts".into()));
    assert_eq!(json["users"]["uncovered"], 2);
    assert_eq!(serde_json::from_value::<DriftLine>(json).unwrap(), line);
}

/// We installed it once, and took it off: who brings it back later is not us.
#[test]
fn what_we_did_once_explains_no_later_change() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    let act = |example: &mut Example, version: &str| {
        example.settle();
        let intent = example.ledger.open().next().unwrap().0;
        example.append(Entry::Permitted { intent, holder: None });
        example.exchange("exa1", version);
        example.settle();
        example.end(intent, succeeded());
        for time in [1, 16] {
            example.pass(minutes(time));
            example.settle();
        }
    };
    act(&mut example, AFTER);
    assert_eq!(example.rollout_state(), "finished");
    let removal = sendgate_core::request::rollout_remove(example.world(), "dst", "back").unwrap();
    example.append(Entry::Request { by: name("olga"), request: removal });
    act(&mut example, BEFORE);
    assert_eq!((example.rollout_state().as_str(), lines(&example).len()), ("removed again", 0));
    for (version, known) in [(AFTER, 1), (BEFORE, 2), (AFTER, 3)] {
        example.pass(minutes(1));
        example.exchange("exa1", version);
        example.settle();
        assert_eq!(lines(&example).len(), known, "{:?}", texts(&example));
    }
}

/// The number goes up, and the check goes away.
#[test]
fn plain_sp2_over_hotfixed_sp1_is_no_repair() {
    let example = drifted("6.5.7233.54", "6.5.7638.1");
    assert_eq!(
        texts(&example),
        ["exa1: store.exe went from 6.5.7233.54 (Exchange 2003 SP1 with the hotfix (7233.51 or later)) to 6.5.7638.1 \
          (Exchange 2003 SP2) with no command of ours, noticed 2006-06-13T02:00:00Z: it stops checking Send As: users are \
          un-paused without having the right, and paused again from the next store fix on; 0 of the 2 roster users of exa1 \
          are not covered now"]
    );
}

#[test]
fn every_change_of_enforcement_has_its_words() {
    let rtm = "6.5.6944.4";
    for (before, after, means, text) in [
        (
            BEFORE,
            AFTER,
            Means::Starts,
            "it starts to check Send As: whoever lacks the right is paused as soon as he sends",
        ),
        (
            AFTER,
            BEFORE,
            Means::Stops,
            "it stops checking Send As: users are un-paused without having the right, and paused again from the next store \
             fix on",
        ),
        (AFTER, "6.5.7654.4", Means::StillEnforces, "it checks Send As, as before"),
        (BEFORE, "6.5.7640.0", Means::StillDoesNot, "it does not check Send As, as before"),
        (
            rtm,
            AFTER,
            Means::Enforces,
            "it checks Send As, and whether it did before is not known: whoever lacks the right is paused as soon as he \
             sends",
        ),
        (rtm, BEFORE, Means::DoesNot, "it does not check Send As, and whether it did before is not known"),
        (BEFORE, rtm, Means::Unknown, "whether it checks Send As is not known: it is taken for checking it"),
        (AFTER, rtm, Means::Unknown, "whether it checks Send As is not known: it is taken for checking it"),
    ] {
        let line = lines(&drifted(before, after)).remove(0);
        assert_eq!((line.change.means, line.change.means.to_string().as_str()), (means, text), "{before} to {after}");
    }
}

#[test]
fn who_is_concerned_is_said_of_the_version_that_is_there() {
    let mut example = drifted(BEFORE, AFTER);
    example.exchange("exa1", BEFORE);
    example.settle();
    let texts = texts(&example);
    assert!(texts[0].ends_with("; it has changed again since"), "{texts:?}");
    assert!(texts[1].ends_with("; 0 of the 2 roster users of exa1 are not covered now"), "{texts:?}");
    // There and back again: the first one is not what is there now.
    example.exchange("exa1", AFTER);
    example.settle();
    let three: Vec<_> = lines(&example).into_iter().map(|line| line.users.is_some()).collect();
    assert_eq!(three, [false, false, true]);
    // Of a host that belongs to nothing nobody is known, which is not nobody.
    example.policy.exchange.remove(&name("exa1"));
    let text = lines(&example)[2].to_string();
    assert!(
        text.ends_with("; the host belongs to no declared Exchange server, so whom that concerns is not known"),
        "{text}"
    );
}

/// What is written down says what it meant, whoever reads it later and with whatever table.
#[test]
fn the_journal_says_what_a_change_meant() {
    let mut example = Example::covered();
    example.settle();
    example.exchange("exa1", AFTER);
    let written = |example: &Example| {
        let plan = plan::plan(example.world());
        let [Step::Record(milestone)] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
        milestone.clone()
    };
    let milestone = written(&example);
    let drift = format!("store.exe on exa1 went from {BEFORE} to {AFTER}, with no command of ours (drift)");
    let means = "it starts to check Send As: whoever lacks the right is paused as soon as he sends";
    assert_eq!(milestone.to_string(), format!("{drift}: {means}"));
    // An entry of a journal that does not say it yet.
    let mut old = serde_json::to_value(Entry::Milestone(milestone)).unwrap();
    assert_eq!(old.as_object_mut().unwrap().remove("means").unwrap(), "starts");
    let Entry::Milestone(old) = serde_json::from_value(old).unwrap() else { panic!("a milestone") };
    assert_eq!(old.to_string(), drift);
    // At first sight there is nothing that it could mean.
    example.exchange("exa3", AFTER);
    example.ledger.versions.insert(name("exa1"), name(AFTER));
    let first = format!("store.exe on exa3 is {AFTER}, seen for the first time");
    assert_eq!(written(&example).to_string(), first);
}
