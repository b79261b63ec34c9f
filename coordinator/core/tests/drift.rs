//! Scenarios of store versions that change with no command of ours: what is said of it, everywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::enforcement::Means;
use sendgate_core::ledger::entry::VersionStep;
use sendgate_core::ledger::{Entry, Milestone};
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
        assert_eq!((example.ledger.drift.len(), lines(&example).len()), (known, 1), "{:?}", texts(&example));
    }
}

/// It went up by hand, we installed over it and took that off again: what is there is ours, though it was drift once.
#[test]
fn what_a_removal_brings_back_is_no_drift_of_before() {
    let between = "6.5.7640.0";
    let mut example = drifted(BEFORE, between);
    assert_eq!(lines(&example).len(), 1);
    for (version, ours) in [(AFTER, true), (between, true), (AFTER, false)] {
        example.pass(minutes(1));
        let before = example.ledger.versions.get(&name("exa1")).copied();
        let step = VersionStep {
            host: name("exa1"),
            before,
            after: name(version),
            ours,
            holds: [].into(),
            beside: true,
            means: None,
        };
        example.append(Entry::Milestone(Milestone::Version(step)));
        assert_eq!(lines(&example).len(), usize::from(!ours), "{version}: {:?}", texts(&example));
    }
}

/// An offer was refused, somebody patched the host by hand, and then the install went on: what its removal brings back is what it
/// had found.
#[test]
fn what_a_removal_brings_back_is_what_the_install_had_found() {
    let between = "6.5.7640.0";
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    example.settle();
    let offer = example.ledger.open().next().unwrap().0;
    example.append(Entry::Outcome {
        intent: offer,
        outcome: sendgate_core::ledger::Outcome::Withdrawn { detail: "late".into() },
    });
    let act = |example: &mut Example, version: &str| {
        example.settle();
        let intent = example.ledger.open().next().unwrap().0;
        example.append(Entry::Permitted { intent, holder: None });
        example.end(intent, succeeded());
        example.pass(minutes(1));
        example.exchange("exa1", version);
        example.settle();
    };
    example.exchange("exa1", between);
    example.settle();
    let resume = sendgate_core::request::resume(example.world(), &name("olga"), "dst", "its prerequisites").unwrap();
    example.append(Entry::Request { by: name("olga"), request: resume });
    act(&mut example, AFTER);
    let known = example.ledger.drift.len();
    let remove = sendgate_core::request::rollout_remove(example.world(), "dst", "stores do not mount").unwrap();
    example.append(Entry::Request { by: name("olga"), request: remove });
    act(&mut example, between);
    assert_eq!(example.ledger.drift.len(), known, "{:?}", texts(&example));
    assert_eq!(example.rollout_state(), "removed again");
}

/// Its last work may outlast the installer that said it failed, but not by more than an act may take.
#[test]
fn what_failed_long_ago_explains_no_change() {
    for (later, drift) in [(59, 0), (61, 1)] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
        example.settle();
        let intent = example.ledger.open().next().unwrap().0;
        example.append(Entry::Permitted { intent, holder: None });
        example.end(intent, sendgate_core::ledger::Outcome::Failed { detail: "exit code 5".into() });
        example.settle();
        example.pass(minutes(later));
        example.exchange("exa1", AFTER);
        example.settle();
        assert_eq!((example.ledger.drift.len(), lines(&example).len()), (drift, drift), "{later}");
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

/// What has changed again, whoever changed it, is not what is there now; of a host that is gone nobody wants to hear.
#[test]
fn only_what_is_there_now_is_shown() {
    let mut example = drifted(BEFORE, AFTER);
    for version in [BEFORE, AFTER] {
        example.exchange("exa1", version);
        example.settle();
        let [line] = lines(&example).try_into().unwrap_or_else(|lines| panic!("{lines:?}"));
        assert_eq!(line.drift.after, name(version));
        assert!(line.to_string().ends_with("; 0 of the 2 roster users of exa1 are not covered now"), "{line}");
    }
    assert_eq!(example.ledger.drift.len(), 3, "the journal keeps them");
    // Of a host that belongs to nothing nobody is known, which is not nobody.
    let exa1 = example.policy.exchange.remove(&name("exa1")).unwrap();
    let text = lines(&example)[0].to_string();
    assert!(
        text.ends_with("; the host belongs to no declared Exchange server, so whom that concerns is not known"),
        "{text}"
    );
    example.policy.exchange.insert(name("exa1"), exa1);
    let exa1 = example.policy.hosts.remove(&name("exa1")).unwrap();
    assert_eq!(lines(&example), []);
    example.policy.hosts.insert(name("exa1"), exa1);
    // We change it ourselves.
    let changed = Milestone::Version(VersionStep {
        host: name("exa1"),
        before: Some(name(AFTER)),
        after: name(BEFORE),
        ours: true,
        holds: [].into(),
        beside: true,
        means: None,
    });
    example.append(Entry::Milestone(changed));
    assert_eq!(lines(&example), []);
}

/// It held the rollout, and whoever let that go had it before his eyes; a hold of other times says nothing of it.
#[test]
fn what_a_person_let_go_is_not_shown_any_more() {
    use sendgate_core::request::{WantedHeld, hold, resume};
    let ask = |example: &mut Example, request: Result<_, sendgate_core::request::Refused>| {
        example.append(Entry::Request { by: name("olga"), request: request.unwrap() });
        example.pass(minutes(1));
    };
    for person_first in [false, true] {
        let mut example = Example::covered();
        example.rollout_of(&file_of("dst", &wave("all", &["exa2"])));
        example.settle();
        let held = WantedHeld::Rollout("dst".into());
        if person_first {
            let request = hold(example.world(), &held, "bad night");
            ask(&mut example, request);
        }
        example.exchange("exa2", AFTER);
        example.exchange("exa1", AFTER);
        example.settle();
        let hosts =
            |example: &Example| lines(example).iter().map(|line| line.drift.host.to_string()).collect::<Vec<_>>();
        assert_eq!(hosts(&example), ["exa1", "exa2"]);
        example.pass(minutes(5));
        for shown in if person_first { &[true, false][..] } else { &[false] } {
            let request = resume(example.world(), &name("olga"), "dst", "looked at it");
            ask(&mut example, request);
            // That of the other server held nothing.
            assert_eq!(hosts(&example), if *shown { vec!["exa1", "exa2"] } else { vec!["exa1"] });
        }
        let request = hold(example.world(), &held, "bad night");
        ask(&mut example, request);
        assert_eq!(hosts(&example), ["exa1"]);
    }
    // Whoever holds a rollout later, and lets it go, need not have seen it.
    let mut example = drifted(BEFORE, AFTER);
    example.pass(minutes(1));
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    let request = hold(example.world(), &WantedHeld::Rollout("dst".into()), "bad night");
    ask(&mut example, request);
    let request = resume(example.world(), &name("olga"), "dst", "over");
    ask(&mut example, request);
    assert_eq!(lines(&example).len(), 1);
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

/// A person's hold on a rollout that was over when the version changed was for something else.
#[test]
fn what_held_nothing_is_shown_whatever_a_person_lets_go() {
    use sendgate_core::request::{WantedHeld, hold, release, rollout_abort};
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    example.settle();
    let held = WantedHeld::Rollout("dst".into());
    for request in [hold(example.world(), &held, "bad night"), rollout_abort(example.world(), "dst", "not this year")] {
        example.append(Entry::Request { by: name("olga"), request: request.unwrap() });
    }
    example.settle();
    example.pass(minutes(1));
    example.exchange("exa1", AFTER);
    example.settle();
    assert_eq!(lines(&example).len(), 1);
    example.pass(minutes(1));
    let request = release(example.world(), &name("olga"), &held, "over").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    assert_eq!(lines(&example).len(), 1, "nobody was shown it");
}
