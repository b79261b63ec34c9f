//! Entries that cannot follow in the journal, each with the reason: what somebody reads whose journal was edited.

use crate::example::{BEFORE, Example, grant, minutes, name, succeeded};
use sendgate_core::ledger::entry::VersionStep;
use sendgate_core::ledger::{
    BreachEvent, Effect, Entry, Generation, Milestone, Request, Sequence, Sha256, Stamped, Subject,
};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::time::{BootTime, ClockMark};

/// Why the entry cannot follow; what is known before it stays as it is.
#[track_caller]
fn refused(example: &mut Example, entry: Entry) -> String {
    let before = example.ledger.clone();
    let stamped = Stamped { at: example.now, entry };
    let error = example.ledger.apply(before.next(), &stamped).unwrap_err().to_string();
    assert_eq!(example.ledger, before);
    let (_, why) = error.split_once(" cannot follow in state ").unwrap();
    why.to_owned()
}

fn wanted(request: Request) -> Entry {
    Entry::Request { by: name("olga"), request }
}

fn reason() -> String {
    "found in the review".to_owned()
}

#[test]
fn what_was_learned_once_is_not_learned_again() {
    let mut example = Example::covered();
    let planned = grant("OU=Hosted,DC=a,DC=example,DC=test", GrantForm::ContainerUsers);
    let place = planned.place.clone();
    let intent = example.append(Entry::Intent { effect: Effect::Grant(planned) });
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, succeeded());
    example.rollout();
    let step = VersionStep {
        host: name("exa1"),
        before: None,
        after: name(BEFORE),
        ours: false,
        means: None,
        holds: [].into(),
        beside: false,
    };
    let once = [
        (
            Milestone::GrantLost { intent, place, cause: "removed".into() },
            format!("\"grant {intent} is lost already\""),
        ),
        (Milestone::Version(step), "\"exa1: Some(StoreVersion".to_owned()),
        (
            Milestone::Roster { goodlink: name("gla"), digest: Sha256([7; 32]), users: 3, anew: false },
            "\"gla: the roster is known already\"".to_owned(),
        ),
        (
            Milestone::HostVerified { rollout: name("dst"), host: name("exa1") },
            "\"exa1 is verified already\"".to_owned(),
        ),
        (
            Milestone::Breach { server: name("exa1"), event: BreachEvent::Began { users: 1, certain: true } },
            "\"exa1 is in breach already\"".to_owned(),
        ),
    ];
    for (milestone, why) in once {
        example.append(Entry::Milestone(milestone.clone()));
        example.silence(minutes(1));
        let again = refused(&mut example, Entry::Milestone(milestone));
        assert!(again.starts_with(&why), "{again}");
    }
}

fn declared(account: &str, gone: bool) -> Entry {
    Entry::Milestone(Milestone::Declared { accounts: [name(account)].into(), gone })
}

#[test]
fn what_nobody_waits_for_or_wanted_cannot_end() {
    let mut example = Example::covered();
    example.settle();
    let approved = Subject::Rollout { rollout: name("dst") };
    let other = example.append(Entry::Intent {
        effect: Effect::Install {
            rollout: name("dst"),
            server: name("exa1"),
            host: name("exa1"),
            package: name("KB926666"),
            sha256: Sha256([7; 32]),
            before: name(BEFORE),
        },
    });
    let cases = [
        (declared("goodadmin@a.example.test", false), "\"goodadmin@a.example.test is declared already\""),
        (declared("old@a.example.test", true), "\"old@a.example.test is not declared\""),
        (Entry::Milestone(Milestone::HostRead { host: name("exa1") }), "\"exa1: nobody waits for it to be read\""),
        (
            Entry::Milestone(Milestone::RestartVoid { goodlink: name("gla") }),
            "\"nobody wants a restart of GoodLink gla\"",
        ),
        (wanted(Request::Revoke { subject: approved, reason: reason() }), "\"nobody approved rollout dst\""),
        (
            wanted(Request::Unwaive { user: name("anna@a.example.test"), reason: reason() }),
            "\"nobody waived anna@a.example.test\"",
        ),
        (wanted(Request::GrantUndo { grant: Sequence(99), reason: reason() }), "\"no intent 99\""),
    ];
    for (entry, why) in cases {
        assert_eq!(refused(&mut example, entry), why);
    }
    let why = refused(&mut example, wanted(Request::GrantUndo { grant: other, reason: reason() }));
    assert_eq!(why, format!("\"intent {other} is no grant: install kb926666 on exa1 (rollout dst)\""));
}

#[test]
fn a_grant_is_undone_once() {
    let mut example = Example::covered();
    let planned = grant("OU=Hosted,DC=a,DC=example,DC=test", GrantForm::ContainerUsers);
    let grant = example.append(Entry::Intent { effect: Effect::Grant(planned) });
    let why = refused(&mut example, wanted(Request::GrantRedo { grant, reason: reason() }));
    assert_eq!(why, format!("\"grant {grant} is not undone\""));
    let undo = || wanted(Request::GrantUndo { grant, reason: reason() });
    let first = example.append(undo());
    assert_eq!(refused(&mut example, undo()), format!("\"grant {grant} is undone by record {first}\""));
}

#[test]
fn a_takeover_begins_another_epoch_and_ends_all_before_it() {
    let mut example = Example::covered();
    let takeover = |epoch, counter, supersedes: &[u64]| {
        wanted(Request::Takeover {
            generation: Generation { epoch, counter, mark: 0 },
            supersedes: supersedes.iter().copied().collect(),
            reason: reason(),
        })
    };
    assert_eq!(refused(&mut example, takeover(2, 5, &[1])), "\"no coordinator has started\"");
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 1, counter: 4, mark: 0 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    let behind = "\"the generation is 0000000000000001.4, and 0000000000000002.4 cannot follow\"";
    assert_eq!(refused(&mut example, takeover(2, 4, &[1])), behind);
    let same = "\"the generation is 0000000000000001.4, and 0000000000000001.5 cannot follow\"";
    assert_eq!(refused(&mut example, takeover(1, 5, &[1])), same);
    let left = "\"it does not supersede 0000000000000001 and all that came before\"";
    assert_eq!(refused(&mut example, takeover(2, 5, &[7])), left);
    example.append(takeover(2, 5, &[1]));
    // Nor is what an earlier takeover ended led again.
    let left = "\"it does not supersede 0000000000000002 and all that came before\"";
    assert_eq!(refused(&mut example, takeover(3, 6, &[2])), left);
}
