//! Lines of the journal, as `sendgate journal` shows them.

use super::reads;
use crate::example::{AFTER, Example, file, name};
use sendgate_core::ledger::{BreachEvent, Generation, Milestone, Request, Sequence, Subject};
use sendgate_core::request;

const ANNA: &str = "anna@a.example.test";

fn reason() -> String {
    "found in the review".to_owned()
}

#[test]
fn what_was_learned_is_a_line() {
    reads([
        (
            Milestone::Account {
                account: name("goodadmin@a.example.test"),
                sid: name("S-1-5-21-1-2-3-1105"),
                domain: None,
            },
            "goodadmin@a.example.test has the SID S-1-5-21-1-2-3-1105",
        ),
        (
            Milestone::HostVerified { rollout: name("dst"), host: name("exa1") },
            "exa1 is where rollout dst was to bring it",
        ),
        (Milestone::Breach { server: name("EXA1"), event: BreachEvent::Ended }, "the breach of exa1 is over"),
        (
            Milestone::Breach { server: name("EXA1"), event: BreachEvent::Left },
            "exa1, in breach, is not in the configuration any more: its users are not looked after",
        ),
    ]);
}

#[test]
fn what_a_person_wanted_is_a_line_with_the_reason() {
    let example = Example::covered();
    let rollout = request::rollout_apply(example.world(), &file("dst", &["EXA1", "EXA2"])).unwrap();
    let applied = format!("apply rollout dst: kb926666 ({AFTER}) on exa1 (exa1), then exa2 (exa2)");
    assert_eq!(rollout.to_string(), applied);
    let grant = Sequence(7);
    reads([
        (
            Request::Revoke { subject: Subject::Rollout { rollout: name("dst") }, reason: reason() },
            "approve no more rollout dst: found in the review",
        ),
        (Request::GrantUndo { grant, reason: reason() }, "undo grant 7: found in the review"),
        (Request::GrantRedo { grant, reason: reason() }, "redo grant 7: found in the review"),
        (
            Request::Unwaive { user: name(ANNA), reason: reason() },
            "waive anna@a.example.test no longer: found in the review",
        ),
        (
            Request::Takeover {
                generation: Generation { epoch: 0x2a, counter: 9, mark: 0 },
                supersedes: [1].into(),
                reason: reason(),
            },
            "take the place of others, as generation 000000000000002a.9: found in the review",
        ),
    ]);
}
