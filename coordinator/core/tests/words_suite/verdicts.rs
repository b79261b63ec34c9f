//! Causes, in a sentence and in the one or two words of a report.

use super::reads;
use crate::example::name;
use sendgate_core::coverage::placement::NoPlacement;
use sendgate_core::coverage::reading::GroupPath;
use sendgate_core::coverage::report::theme;
use sendgate_core::coverage::{Cause, Holder};

const HEAD: &str = "DC=a,DC=example,DC=test";

fn protected(holder: Holder) -> Cause {
    Cause::Protected { path: GroupPath(vec!["CN=Domain Admins,CN=Users,DC=a".into()]), holder }
}

fn ambiguous() -> Cause {
    Cause::Ambiguous { dns: ["CN=Anna,DC=a", "CN=Anna,OU=Old,DC=a"].map(Into::into).into() }
}

#[test]
fn a_cause_is_said_in_a_sentence() {
    reads([
        (
            protected(Holder::NotShown),
            "protected by CN=Domain Admins,CN=Users,DC=a: AdminSDHolder overwrites his descriptor at each pass, and whether \
             it carries the right was not shown",
        ),
        (
            protected(Holder::Grants),
            "protected by CN=Domain Admins,CN=Users,DC=a: AdminSDHolder overwrites his descriptor at each pass, and carries \
             the right",
        ),
        (Cause::NullDacl, "the DACL is null: everybody is allowed everything; repair the descriptor"),
        (ambiguous(), "several objects match: CN=Anna,DC=a, CN=Anna,OU=Old,DC=a"),
    ]);
}

#[test]
fn what_cannot_be_granted_says_why() {
    reads([
        (
            NoPlacement::Refused { place: HEAD.into(), reason: "its ACL is not in canonical order".into() },
            "the ACL of DC=a,DC=example,DC=test is not edited: its ACL is not in canonical order",
        ),
        (
            NoPlacement::OnItsWay { place: HEAD.into() },
            "the entry is on DC=a,DC=example,DC=test and has not reached the user yet",
        ),
    ]);
}

/// The line of a report that says which causes there are: no two share a word, but those of a missing mailbox's owner.
#[test]
fn a_report_has_a_word_for_each_cause() {
    let (why, entry) = (String::new, || "(OA;;CR;;;SY)".to_owned());
    let causes = [
        (Cause::Granted, "granted"),
        (Cause::NoEntry, "no entry"),
        (Cause::InheritanceBlocked { at: HEAD.into() }, "blocked inheritance"),
        (Cause::NotForClass { class: "user".into(), at: HEAD.into(), entry: entry() }, "entries for another class"),
        (Cause::UncertainGroup { group: name("S-1-5-32-545"), entry: entry() }, "uncertain groups"),
        (Cause::Conditional { entry: entry() }, "conditions"),
        (Cause::FormerAccount { sid: name("S-1-5-21-1-2-3-4"), entry: entry() }, "an account that was made again"),
        (protected(Holder::Lacks), "protected accounts"),
        (Cause::StaleAdminCount, "stale adminCount"),
        (Cause::DeniedByEntry, "denies"),
        (Cause::NullDacl, "null lists"),
        (Cause::NotShown, "descriptors that are not shown"),
        (Cause::NotUnderstood { why: why() }, "answers that are not understood"),
        (Cause::ServerFailed { why: why() }, "servers without evidence"),
        (Cause::NotFound, "names that are not found"),
        (ambiguous(), "ambiguous names"),
        (Cause::TokenUnknown { why: why() }, "a service account that is not known"),
        (Cause::Linked { owner: name("S-1-5-21-7-7-7-1") }, "linked mailboxes"),
        (Cause::Disabled, "disabled accounts"),
        (Cause::NoMailbox, "users without a mailbox"),
        (Cause::ServersDiffer { holds: [].into(), lacks: [].into() }, "replication"),
    ];
    for (cause, word) in causes {
        assert_eq!(theme(&cause), word);
    }
}
