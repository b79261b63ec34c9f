//! Grants that did not stay, accounts that were made again, rights that vanished.

use super::example::{Example, minutes, name, succeeded};
use super::{ACCOUNT, HEAD, file, grant, proposing, protected, texts, written};
use sendgate_core::coverage::placement::EntryBytes;
use sendgate_core::coverage::{Cause, ServerVerdict, VerdictKind};
use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, PairEvent, Withdrawal};
use sendgate_core::plan::{Step, grants, survey};
use sendgate_core::request;
use sendgate_core::secdesc::edit::GrantForm;

fn entry(text: &str) -> EntryBytes {
    EntryBytes(text.as_bytes().to_vec())
}

fn milestones(example: &mut Example, kept: impl Fn(&Milestone) -> bool) -> Vec<Milestone> {
    let plan = sendgate_core::plan::plan(example.world());
    let found = plan.steps.into_iter().filter_map(|step| match step {
        Step::Record(milestone) if kept(&milestone) => Some(milestone),
        _ => None,
    });
    found.collect()
}

#[test]
fn a_grant_that_did_not_stay_is_found_written_down_and_planned_again() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let first = written(&mut example);
    // A look that began before the grant ended says nothing about it.
    example.survey();
    assert_eq!(
        texts(&mut example),
        [format!("the next survey will show what came of: grant Send As to {ACCOUNT} on {HEAD}")]
    );
    assert!(example.ledger.lost.is_empty());
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!(effects.len(), 1, "planned again");
    let cause = "the other entries are those of before the grant: a change made at the same time on another directory \
                 server, without our entry, won by replication (the later write wins whole), or somebody removed just \
                 this entry";
    assert_eq!(example.ledger.lost[&first].cause, cause);
    // What came with it is told apart: the list as a whole is another one.
    example.end(effects[0].0, succeeded());
    let mut other = grant(HEAD, GrantForm::ContainerUsers);
    other.expected = vec![entry("new")];
    example.proposed = [other].into();
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    let text = &example.ledger.lost.values().next_back().unwrap().cause;
    assert!(
        text.starts_with("the other entries were changed as well (1 new, 0 gone): a change made at the same"),
        "{text}"
    );
    assert!(text.ends_with("or a tool wrote back a list that it had read before the grant"), "{text}");
    // No quarrel between two programs: the third loss is a person's matter.
    example.end(effects[0].0, succeeded());
    example.pass(minutes(1));
    let texts = texts(&mut example);
    assert!(
        texts[0]
            .starts_with(&format!("a person must look at it: grant Send As to {ACCOUNT} on {HEAD} was lost 3 times: ")),
        "{texts:?}"
    );
    example.pass(grants::RETRY_AFTER);
    assert_eq!(example.settle().0.len(), 1);
}

#[test]
fn a_grant_that_nobody_needs_any_more_or_that_failed_is_not_called_lost() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let (effects, _) = example.settle();
    example.end(effects[0].0, Outcome::NotStarted { detail: "it was there already".into() });
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!((effects.len(), example.ledger.lost.len()), (1, 0));
    example.end(effects[0].0, succeeded());
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.proposed.clear();
    example.pass(minutes(1));
    example.settle();
    assert!(example.ledger.lost.is_empty());
}

/// Nobody lacks the right while another entry covers, so that no picture proposes the lost one again.
#[test]
fn a_lost_grant_that_nobody_needs_just_now_is_found_on_its_place_and_written_down_once() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let entry_of_ours = grant(HEAD, GrantForm::ContainerUsers).entry();
    let ours = |example: &Example| survey::setting(example.world(), &name("a.example.test")).unwrap().ours;
    assert_eq!(ours(&example), [].into());
    let (effects, _) = example.settle();
    let first = effects[0].0;
    assert_eq!(ours(&example), [].into(), "it is under way");
    example.end(first, succeeded());
    assert_eq!(ours(&example), [entry_of_ours.clone()].into());
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.proposed.clear();
    example.gone = [(entry_of_ours.clone(), vec![entry("new")])].into();
    // What the server for grants showed before the grant ended says nothing about it.
    example.survey();
    example.settle();
    assert!(example.ledger.lost.is_empty());
    // Nor does it while it gives no evidence.
    example.down.insert("a1", "cut off");
    example.pass(minutes(1));
    example.settle();
    assert!(example.ledger.lost.is_empty());
    example.down.clear();
    example.pass(minutes(1));
    let (effects, _) = example.settle();
    assert_eq!(effects, [], "nobody needs it");
    let cause = &example.ledger.lost[&first].cause;
    assert!(cause.starts_with("the other entries were changed as well (1 new, 0 gone): "), "{cause}");
    assert_eq!(ours(&example), [].into());
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.ledger.lost.len(), 1);
}

/// A picture may both propose an entry and show its place without it.
#[test]
fn a_lost_grant_that_is_proposed_again_as_well_is_written_down_once() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let first = written(&mut example);
    example.gone = [(grant(HEAD, GrantForm::ContainerUsers).entry(), vec![])].into();
    example.pass(minutes(1));
    let lost = |milestone: &Milestone| matches!(milestone, Milestone::GrantLost { .. });
    let found = milestones(&mut example, lost);
    assert!(matches!(found.as_slice(), [Milestone::GrantLost { intent, .. }] if *intent == first), "{found:?}");
}

#[test]
fn what_somebody_wants_undone_is_not_missed() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    let request = request::grant_undo(example.world(), intent.get(), "the tenants object");
    file(&mut example, request);
    assert_eq!(survey::setting(example.world(), &name("a.example.test")).unwrap().ours, [].into());
}

#[test]
fn every_sid_that_an_account_had_is_kept() {
    let mut example = Example::covered();
    let accounts = |milestone: &Milestone| matches!(milestone, Milestone::Account { .. });
    assert_eq!(milestones(&mut example, accounts), []);
    for sid in ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-1105"] {
        example.sid = Some(sid);
        example.pass(minutes(1));
        let seen = Milestone::Account { account: name(ACCOUNT), sid: name(sid), domain: None };
        assert_eq!(milestones(&mut example, accounts), [seen]);
        example.settle();
        assert_eq!(milestones(&mut example, accounts), []);
    }
    // The one that came back is the present one again.
    let known = &example.ledger.accounts[&name(ACCOUNT)];
    assert_eq!(*known, [name("S-1-5-21-1-2-3-2001"), name("S-1-5-21-1-2-3-1105")]);
    let former = survey::setting(example.world(), &name("a.example.test")).unwrap().former;
    assert!(former[&name(ACCOUNT)].contains(&name("S-1-5-21-1-2-3-2001")));
    // Servers that do not agree on it teach nothing.
    example.sid = None;
    example.pass(minutes(1));
    assert_eq!(milestones(&mut example, accounts), []);
}

/// The right landed, and is gone at the next look: the milestone says why, as far as that can be told.
fn vanishing(change: impl FnOnce(&mut Example)) -> String {
    let mut example = Example::covered();
    example.sid = Some("S-1-5-21-1-2-3-1105");
    example.lands("anna");
    change(&mut example);
    example.pass(minutes(20));
    let lost = |milestone: &Milestone| matches!(milestone, Milestone::Pairs { event: PairEvent::Vanished, .. });
    let found = milestones(&mut example, lost);
    let [Milestone::Pairs { cause: Some(cause), users, .. }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(users.len(), 1);
    cause.clone()
}

#[test]
fn a_right_that_vanished_is_written_down_with_its_likely_cause() {
    let cause = vanishing(|example| example.set("anna", VerdictKind::Missing, protected()));
    assert!(
        cause.starts_with("protected by CN=Helpdesk,DC=a in CN=Domain Admins,CN=Users,DC=a: AdminSDHolder"),
        "{cause}"
    );
    let blocked = Cause::InheritanceBlocked { at: "OU=Hosted,DC=a".into() };
    let cause = vanishing(|example| example.set("anna", VerdictKind::Missing, blocked.clone()));
    assert_eq!(cause, "no entry reaches the user: inheritance is blocked at OU=Hosted,DC=a");
    let cause = vanishing(|example| example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry));
    assert_eq!(cause, "an entry denies it");
    let cause = vanishing(|example| example.set("anna", VerdictKind::Missing, Cause::NoEntry));
    assert_eq!(cause, "no entry reaches the user any more: the entry that granted it was removed");
    let remade = "goodadmin@a.example.test was made again: its SID is S-1-5-21-1-2-3-2001, and what names the former \
                  one, S-1-5-21-1-2-3-1105, is worth nothing";
    for cause in [Cause::NoEntry, blocked] {
        let told = vanishing(|example| {
            example.set("anna", VerdictKind::Missing, cause);
            example.sid = Some("S-1-5-21-1-2-3-2001");
        });
        assert_eq!(told, remade);
    }
}

/// It is gone on one server first: what that one shows is the cause.
#[test]
fn a_right_that_vanished_on_one_server_is_told_by_that_one() {
    let differ = Cause::ServersDiffer { holds: [name("a2")].into(), lacks: [name("a1")].into() };
    let shown = |cause| ServerVerdict { kind: VerdictKind::Missing, cause, lacks: None, deciding: None, warning: None };
    let vanished = |cause: Option<Cause>| {
        vanishing(|example| {
            example.set("anna", VerdictKind::Replicating, differ.clone());
            let servers = cause.map(|cause| [(name("a1"), shown(cause))].into());
            example.apart.extend(servers.map(|servers| (name("anna@a.example.test"), servers)));
        })
    };
    let cause = vanished(Some(protected()));
    assert!(cause.starts_with("protected by CN=Helpdesk,DC=a in"), "{cause}");
    assert!(cause.ends_with(" (seen on a2, not on a1)"), "{cause}");
    assert_eq!(
        vanished(Some(Cause::NoEntry)),
        "no entry reaches the user any more: the entry that granted it was removed (seen on a2, not on a1)"
    );
    assert_eq!(vanished(None), "seen on a2, not on a1");
}

#[test]
fn a_right_that_vanished_with_our_own_entry_is_traced_to_it() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    example.set("anna", VerdictKind::Covered, Cause::Granted);
    example.proposed.clear();
    example.pass(minutes(1));
    example.settle();
    // Lost.
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.proposed = [grant(HEAD, GrantForm::ContainerUsers)].into();
    example.pass(minutes(1));
    let cause = |example: &mut Example| {
        let lost = |milestone: &Milestone| matches!(milestone, Milestone::Pairs { event: PairEvent::Vanished, .. });
        match milestones(example, lost).as_slice() {
            [Milestone::Pairs { cause: Some(cause), .. }] => cause.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cause(&mut example), format!("the entry of grant {intent} on {HEAD} is not there any more"));
    // Or undone by a person, before that look.
    let request = request::grant_undo(example.world(), intent.get(), "the tenants object");
    let undo = file(&mut example, request);
    let grant = grant(HEAD, GrantForm::ContainerUsers).entry();
    let effect = Effect::Withdraw(Withdrawal { grant: intent, account: name(ACCOUNT), entry: grant });
    let away = example.append(Entry::Intent { effect });
    example.end(away, succeeded());
    assert!(undo < away);
    example.pass(minutes(1));
    // An entry above the place where inheritance is blocked never reached him.
    let blocked = |at: &str| Cause::InheritanceBlocked { at: at.into() };
    example.set("anna", VerdictKind::Missing, blocked("OU=Hosted,DC=a,DC=example,DC=test"));
    example.pass(minutes(1));
    assert_eq!(
        cause(&mut example),
        "no entry reaches the user: inheritance is blocked at OU=Hosted,DC=a,DC=example,DC=test"
    );
    example.set("anna", VerdictKind::Missing, blocked(HEAD));
    example.pass(minutes(1));
    assert_eq!(cause(&mut example), format!("olga had grant {intent} on {HEAD} undone: the tenants object"));
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.pass(minutes(1));
    assert_eq!(cause(&mut example), format!("olga had grant {intent} on {HEAD} undone: the tenants object"));
}
