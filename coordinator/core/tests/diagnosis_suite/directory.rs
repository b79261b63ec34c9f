//! What the directory shows against a user.

use super::{BELOW, concludes, entry, finding, finds, is, landed};
use crate::example::{grant, name};
use sendgate_core::coverage::reading::GroupPath;
use sendgate_core::coverage::{Cause, Holder, VerdictKind};
use sendgate_core::plan::diagnosis::{Finding, Suspect};
use sendgate_core::secdesc::edit::GrantForm;

fn crew(holder: Holder) -> Cause {
    let path = ["CN=Crew,DC=a", "CN=Domain Admins,CN=Users,DC=a"].map(Into::into);
    Cause::Protected { path: GroupPath(path.into()), holder }
}

#[test]
fn a_protected_group_is_named_with_the_way_to_it() {
    for kind in [VerdictKind::Missing, VerdictKind::Perishable] {
        let mut example = landed(200);
        is(&mut example, kind, crew(Holder::Lacks));
        concludes(
            &example,
            "protected group: protected by CN=Crew,DC=a in CN=Domain Admins,CN=Users,DC=a: AdminSDHolder overwrites his \
             descriptor at each pass (a1)",
            "take him out of CN=Crew,DC=a (or that group out of CN=Domain Admins,CN=Users,DC=a), then clear his \
             adminCount and let him inherit again",
        );
    }
    let mut example = landed(200);
    is(&mut example, VerdictKind::Missing, crew(Holder::NotShown));
    let next = super::diagnosis(&example).conclusion.next;
    assert_eq!(
        next,
        "give the coordinator's own account Read Permissions on CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test (not \
         shown by a1, a2); a deny of that right stands before every allow"
    );
}

#[test]
fn a_deny_is_named_with_its_place() {
    let mut example = landed(200);
    example.deciding.insert(name(super::ANNA), entry("(OD;;CR;;;GOOD)", Some(BELOW)));
    is(&mut example, VerdictKind::Denied, Cause::DeniedByEntry);
    concludes(
        &example,
        &format!("deny: entry 2, (OD;;CR;;;GOOD), inherited from {BELOW}, denies it (a1)"),
        &format!("remove the entry (OD;;CR;;;GOOD) from {BELOW}, if whoever put it there agrees"),
    );
    example.deciding.insert(name(super::ANNA), entry("(OD;;CR;;;GOOD)", None));
    example.survey();
    concludes(
        &example,
        "deny: his own entry 2, (OD;;CR;;;GOOD), denies it (a1)",
        &format!("remove the entry (OD;;CR;;;GOOD) from CN={},{BELOW}, if whoever put it there agrees", super::ANNA),
    );
    // A deny hides what else stands against him.
    for suspect in [Suspect::ProtectedGroup, Suspect::BlockedInheritance, Suspect::NoEntry] {
        finds(&example, suspect, "cannot tell: a1 shows another cause, which comes before: an entry denies it");
    }
}

#[test]
fn a_blocked_unit_is_named() {
    let mut example = landed(200);
    example.proposed = [grant(BELOW, GrantForm::ContainerUsers)].into();
    is(&mut example, VerdictKind::Missing, Cause::InheritanceBlocked { at: BELOW.into() });
    let conclusion = super::diagnosis(&example).conclusion;
    let cause = format!("blocked inheritance: no entry reaches the user: inheritance is blocked at {BELOW} (a1)");
    assert_eq!(conclusion.to_string(), cause);
    let entry = "add the entry (OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;\
                 S-1-5-21-1-2-3-1105) for goodadmin@a.example.test on OU=Hosted,DC=a,DC=example,DC=test: dsacls ";
    assert!(conclusion.next.starts_with(entry), "{}", conclusion.next);
    is(&mut example, VerdictKind::Missing, Cause::StaleAdminCount);
    let conclusion = super::diagnosis(&example).conclusion;
    assert_eq!(
        conclusion.to_string(),
        "blocked inheritance: inheritance is blocked by a stale adminCount: the user is in no protected group any more (a1)"
    );
}

#[test]
fn a_missing_entry_is_told_from_one_that_does_not_count() {
    let mut example = landed(200);
    example.proposed = [grant("DC=a,DC=example,DC=test", GrantForm::ContainerUsers)].into();
    let (entry, group) = (String::from("(OA;;CR;;;G)"), name("S-1-5-21-1-2-3-2001"));
    for (cause, text) in [
        (Cause::NoEntry, "no entry: no entry reaches the user (a1)"),
        (
            Cause::NotForClass { class: "inetOrgPerson".into(), at: BELOW.into(), entry: entry.clone() },
            "no entry: the entry (OA;;CR;;;G) on OU=Hosted,DC=a,DC=example,DC=test does not reach objects of class \
             inetOrgPerson (a1)",
        ),
        (
            Cause::UncertainGroup { group, entry: entry.clone() },
            "no entry: only through S-1-5-21-1-2-3-2001, of which it is not certain that the service account is in it \
             where the store asks: (OA;;CR;;;G) (a1)",
        ),
        (
            Cause::Conditional { entry },
            "no entry: only under a condition that cannot be decided here: (OA;;CR;;;G) (a1)",
        ),
    ] {
        is(&mut example, VerdictKind::Missing, cause);
        let conclusion = super::diagnosis(&example).conclusion;
        assert_eq!(conclusion.to_string(), text);
        assert!(conclusion.next.starts_with("add the entry (OA;CIIO;CR;"), "{}", conclusion.next);
    }
}

#[test]
fn what_is_covered_rules_out_with_the_entry_that_decides() {
    let example = landed(200);
    let entry = format!("entry 2, (OA;;CR;;;GOOD), inherited from {BELOW}, on a1");
    for (suspect, why) in [
        (Suspect::Deny, format!("an entry that allows decides (on each of 2 servers): {entry}")),
        (Suspect::NoEntry, format!("an entry allows it (on each of 2 servers): {entry}")),
        (Suspect::BlockedInheritance, "an entry that allows reaches him (on each of 2 servers)".into()),
        (
            Suspect::ProtectedGroup,
            "he is in no protected group, or AdminSDHolder carries the right (on each of 2 servers)".into(),
        ),
    ] {
        finds(&example, suspect, &format!("ruled out: {why}"));
    }
}

#[test]
fn what_cannot_be_judged_is_left_open_with_what_would_help() {
    let mut example = landed(200);
    is(&mut example, VerdictKind::Unreadable, Cause::NotShown);
    let check = |example, suspect| {
        let checks = super::diagnosis(example).checks;
        checks.into_iter().find(|check| check.suspect == suspect).unwrap()
    };
    for suspect in [Suspect::ProtectedGroup, Suspect::Deny, Suspect::BlockedInheritance, Suspect::NoEntry] {
        let check = check(&example, suspect);
        assert_eq!(
            check.finding.to_string(),
            "cannot tell: a1: unreadable: the descriptor was not shown: the reading account lacks Read Permissions"
        );
        let next = check.next.unwrap();
        assert!(next.starts_with("give the coordinator's own account Read Permissions on CN=anna@"), "{next}");
    }
    // A verdict without a server's own answer is no evidence.
    example.deciding.clear();
    is(&mut example, VerdictKind::Covered, Cause::Granted);
    finds(&example, Suspect::Deny, "cannot tell: no directory server's own answer is known");
    assert!(matches!(finding(&example, Suspect::PauseTimer), Finding::CannotTell { .. }));
}
