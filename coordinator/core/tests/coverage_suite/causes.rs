//! One test for each cause that a descriptor can show.

use crate::directory::*;
use sendgate_core::coverage::reading::{DescriptorReading, FoundUser, GroupPath, Home, MailboxOwner, UserClass};
use sendgate_core::coverage::{Cause, Holder, Setting, VerdictKind};
use std::sync::Arc;

const FORMER: &str = "S-1-5-21-1-2-3-1001";

fn allow(trustee: &str) -> String {
    format!("(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{trustee})")
}

#[test]
fn an_entry_under_a_condition_does_not_count_and_is_named() {
    let mut directory = Directory::plain();
    // SDDL writes a condition that it cannot read as bytes.
    let conditional = shown(&format!("D:AI(XA;;CR;;;{ACCOUNT};#61727478)"));
    directory.both(|user| user.descriptor = conditional.clone());
    let verdict = directory.verdict();
    assert!(matches!(&verdict.cause, Cause::Conditional { entry } if entry.starts_with("(XA;;CR")), "{verdict:?}");
    assert_eq!(verdict.kind, VerdictKind::Missing);
}

#[test]
fn an_account_that_was_made_again_is_worth_nothing_under_its_former_sid() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", allow(FORMER))));
    directory.is(VerdictKind::Missing, Cause::NoEntry);
    let setting = Setting { former: [(account(), [name(FORMER)].into())].into(), ..setting() };
    let verdict = directory.verdict_in(&setting);
    let cause = Cause::FormerAccount { sid: name(FORMER), entry: allow(FORMER) };
    assert_eq!((verdict.kind, verdict.cause), (VerdictKind::Missing, cause));
    // An entry for children is not in force on him.
    let below = allow(FORMER).replace("(OA;;", "(OA;CIIO;");
    directory.both(|user| user.descriptor = shown(&format!("D:AI{below}")));
    directory.both(|user| user.descriptor = shown(&format!("D:AI{below}")));
    assert_eq!(directory.verdict_in(&setting).cause, Cause::NoEntry);
    // He is granted again, under the SID that the account has now.
    let grants = directory.judged_in(&setting).grants;
    assert_eq!(grants.iter().map(|grant| grant.sid.to_string()).collect::<Vec<_>>(), [ACCOUNT]);
}

#[test]
fn an_entry_for_class_user_does_not_reach_an_inetorgperson() {
    let mut directory = Directory::plain();
    directory.both(|user| user.class = UserClass::InetOrgPerson);
    directory.is(VerdictKind::Missing, Cause::NoEntry);
    let entry =
        format!("(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;{ACCOUNT})");
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(HEAD.into(), shown(&format!("D:AI{entry}")));
    }
    directory.is(VerdictKind::Missing, Cause::NotForClass { class: "inetOrgPerson".into(), at: HEAD.into(), entry });
    // Behind a blocked inheritance no class would help.
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown("D:PAI"));
    }
    directory.is(VerdictKind::Missing, Cause::InheritanceBlocked { at: OU.into() });
}

#[test]
fn a_deny_names_its_entry_and_the_container_that_it_comes_from() {
    let deny =
        |flags: &str, class: &str| format!("(OD;{flags};CR;ab721a54-1e2f-11d0-9819-00aa0040529b;{class};{ACCOUNT})");
    let class = "bf967aba-0de6-11d0-a285-00aa003049e2";
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}{}", deny("CIIOID", class), deny("CIID", class))));
    directory.is(VerdictKind::Denied, Cause::DeniedByEntry);
    let deciding = |directory: &Directory| directory.verdict().servers[&name("a1")].deciding.clone().unwrap();
    assert_eq!(deciding(&directory).from, None, "nobody above shows it: it was removed there, or is not propagated");
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown(&format!("D:AI{}", deny("CI", class))));
    }
    let entry = deciding(&directory);
    assert_eq!((entry.index, entry.trustee, entry.from), (1, name(ACCOUNT), Some(OU.into())));
    // Where the unit has it from above itself, the blame goes up.
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(OU.into(), shown(&format!("D:AI{}", deny("CIIOID", class))));
        server.containers.insert(HEAD.into(), shown(&format!("D:AI{}", deny("CIIO", class))));
    }
    assert_eq!(deciding(&directory).from, Some(HEAD.into()));
    // His own entry comes from nowhere.
    directory.both(|user| user.descriptor = shown(&format!("D:AI{}", deny("", ""))));
    assert_eq!(deciding(&directory).from, None);
}

#[test]
fn whose_mailbox_it_is_decides_whether_anything_can_be_told() {
    let mut directory = Directory::plain();
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory.both(|user| user.owner = MailboxOwner::Nobody);
    directory.is(VerdictKind::CannotTell, Cause::Disabled);
    let owner = name("S-1-5-21-7-7-7-1001");
    directory.both(|user| user.owner = MailboxOwner::External(name("S-1-5-21-7-7-7-1001")));
    directory.is(VerdictKind::CannotTell, Cause::Linked { owner });
    directory.both(|user| (user.owner, user.home) = (MailboxOwner::Itself, Home::None));
    directory.is(VerdictKind::CannotTell, Cause::NoMailbox);
    directory.both(|user| user.home = Home::Server(name("exa1")));
    directory.is(VerdictKind::Covered, Cause::Granted);
}

#[test]
fn what_adminsdholder_carries_is_said_of_a_protected_user() {
    let path = GroupPath(vec!["CN=Ops,DC=a".into(), "CN=Domain Admins,DC=a".into()]);
    let mut directory = Directory::plain();
    directory.both(|user| user.protected_by = Some(Arc::new(path.clone())));
    let carries = |directory: &mut Directory, sddl: &str| {
        for server in directory.0.servers.values_mut().flatten() {
            server.admin_sd_holder = shown(sddl);
        }
    };
    for (holder, sddl) in [
        (Holder::Lacks, "D:P".to_owned()),
        (Holder::Grants, format!("D:P{}", allow(ACCOUNT))),
        // What the propagator copies is an inherit-only entry still.
        (Holder::Lacks, format!("D:P(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})")),
    ] {
        carries(&mut directory, &sddl);
        directory.is(VerdictKind::Missing, Cause::Protected { path: path.clone(), holder });
    }
    for server in directory.0.servers.values_mut().flatten() {
        server.admin_sd_holder = sendgate_core::coverage::reading::DescriptorReading::NotShown;
    }
    directory.is(VerdictKind::Missing, Cause::Protected { path: path.clone(), holder: Holder::NotShown });
    // Not shown is not granted: what he has now is perishable.
    directory.both(|user| user.descriptor = shown(GRANTED));
    directory.is(VerdictKind::Perishable, Cause::Protected { path, holder: Holder::NotShown });
}

#[test]
fn what_the_domain_head_blocks_blocks_nothing_below_it() {
    let mut directory = Directory::plain();
    for server in directory.0.servers.values_mut().flatten() {
        server.containers.insert(HEAD.into(), shown("D:PAI"));
    }
    directory.is(VerdictKind::Missing, Cause::NoEntry);
}

/// He cannot be judged as he is, and what his descriptor says is true all the same.
#[test]
fn that_the_right_is_missing_is_kept_of_users_who_cannot_be_judged() {
    let linked: fn(&mut FoundUser) = |user| user.owner = MailboxOwner::External(name("S-1-5-21-7-7-7-1001"));
    let states: [fn(&mut FoundUser); 3] =
        [|user| user.owner = MailboxOwner::Nobody, linked, |user| user.home = Home::None];
    for state in states {
        let mut directory = Directory::plain();
        directory.both(state);
        assert_eq!(
            (directory.verdict().kind, directory.verdict().lacking()),
            (VerdictKind::CannotTell, Some(&Cause::NoEntry))
        );
        directory.both(|user| user.descriptor = shown(GRANTED));
        assert_eq!((directory.verdict().kind, directory.verdict().lacking()), (VerdictKind::CannotTell, None));
        directory.user("a2", |user| user.descriptor = DescriptorReading::NotShown);
        assert_eq!(directory.verdict().lacking(), None, "what is not shown is not missing");
    }
}
