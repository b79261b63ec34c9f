//! What is shown to be missing is written down, whatever is left unsaid elsewhere: nobody would wait for a right whose
//! landing was not seen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{Example, guid, name};
use sendgate_core::coverage::{Cause, ServerVerdict, VerdictKind};
use sendgate_core::ledger::{Pair, PairState};

fn state(example: &Example, user: &str) -> Option<PairState> {
    let user = guid(&name(&format!("{user}@a.example.test")));
    example.ledger.pairs.get(&Pair { user, account: name("goodadmin@a.example.test") }).copied()
}

/// GLA serves a second domain, of which nothing is known yet: anna may be there as well, but the object in domain a lacks
/// the right, and a grant is about to change that.
#[test]
fn a_user_lacks_the_right_before_another_domain_has_answered() {
    let mut example = Example::covered();
    let mut other = example.policy.domains[&name("a.example.test")].clone();
    (other.netbios, other.servers, other.grant_server) = ("bdom".into(), [name("b1")].into(), name("b1"));
    example.policy.domains.insert(name("b.example.test"), other);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().domains.insert(name("b.example.test"));
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.observe_all();
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
    assert_eq!(state(&example, "bert"), None, "who has the right has nothing to wait for");
}

/// The right is gone on one server while the other gives no evidence: it has vanished, though the verdict is unreadable.
#[test]
fn what_one_server_shows_to_be_missing_counts_while_another_is_silent() {
    let mut example = Example::covered();
    example.lands("anna");
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })));
    let shown = |kind, cause| ServerVerdict { kind, cause, deciding: None, warning: None };
    let failed = || Cause::ServerFailed { why: "a2: connection refused".into() };
    let apart =
        |kind, cause| [(name("a1"), shown(kind, cause)), (name("a2"), shown(VerdictKind::Unreadable, failed()))].into();
    let anna = || name("anna@a.example.test");
    example.set("anna", VerdictKind::Unreadable, failed());
    example.apart.insert(anna(), apart(VerdictKind::Covered, Cause::Granted));
    example.pass(example::minutes(1));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Landed { .. })), "missing evidence teaches nothing");
    example.apart.insert(anna(), apart(VerdictKind::Missing, Cause::NoEntry));
    example.pass(example::minutes(1));
    example.settle();
    assert!(matches!(state(&example, "anna"), Some(PairState::Lacking { .. })), "{:?}", state(&example, "anna"));
}
