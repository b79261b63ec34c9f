//! What nobody knows is told, and nothing is said of everybody meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{Example, grant, minutes, name, succeeded};
use sendgate_core::coverage::verdict::DecidingEntry;
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::{GoodLinkState, HostState, Observation, Roster, RosterDigest};
use sendgate_core::ledger::{Effect, Sequence};
use sendgate_core::names::DirectoryName;
use sendgate_core::policy::GoodLinkPolicy;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view::{self, CoverageView};
use std::collections::BTreeMap;

/// The example with a second GoodLink server of the domain, that has not reported.
fn two() -> Example {
    let mut example = Example::covered();
    let gla: &GoodLinkPolicy = &example.policy.goodlink[&name("gla")];
    let glb = GoodLinkPolicy { host: name("glb"), ..gla.clone() };
    example.policy.goodlink.insert(name("glb"), glb);
    example.policy.hosts.insert(name("glb"), name("glb"));
    example
}

fn coverage(example: &Example) -> CoverageView {
    view::coverage(example.world(), &name("a.example.test"))
}

fn glb(example: &mut Example, roster: Result<RosterDigest, String>) {
    let service = Ok(example::running("adom\\goodadmin"));
    let goodlink = GoodLinkState { service, roster, paused: Ok(BTreeMap::new()) };
    let state = HostState { reported: example.now.steady, exchange: None, goodlink: Some(goodlink) };
    example.report("glb", state);
}

const NEVER: &str =
    "declared GoodLink server glb has not reported: is its agent running, and with the right certificate?";
const NOT_EVERYBODY: &str = "3 roster users are covered; whether that is everybody is not known";

#[test]
fn nobody_says_every_roster_user_while_a_roster_is_not_there() {
    let mut example = two();
    let view = coverage(&example);
    assert_eq!((view.triage.as_str(), view.not_known), (NOT_EVERYBODY, vec![NEVER.to_owned()]));

    // A report whose roster is still on its way.
    glb(&mut example, Ok(RosterDigest([2; 32])));
    let view = coverage(&example);
    assert_eq!(view.triage, NOT_EVERYBODY);
    assert_eq!(view.not_known, ["GoodLink server glb: its present roster has not arrived yet"]);

    let users = [(name("anna"), name::<DirectoryName>("anna@a.example.test"))].into();
    example.estate.observe(Observation::Roster(
        name("glb"),
        Roster { digest: RosterDigest([2; 32]), users },
        example.now.steady,
    ));
    let view = coverage(&example);
    assert_eq!((view.triage.as_str(), view.not_known), ("every roster user is covered", Vec::new()));

    // The roster of before is still there, and says nothing of now.
    glb(&mut example, Err("the export is locked".to_owned()));
    let view = coverage(&example);
    assert_eq!(view.triage, "4 roster users are covered; whether that is everybody is not known");
    assert_eq!(view.not_known, ["GoodLink server glb: its roster could not be read: the export is locked"]);
}

#[test]
fn numbers_that_are_not_of_everybody_say_so_in_each_form() {
    let mut example = two();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.survey();
    let rest = "; whether that is everybody is not known";
    assert_eq!(coverage(&example).triage, format!("1 of 3 are not covered: no entry (1){rest}"));
    for user in ["bert", "carl"] {
        example.set(user, VerdictKind::Missing, Cause::NoEntry);
    }
    example.survey();
    assert_eq!(coverage(&example).triage, format!("nobody is covered: the grant is missing{rest}"));
    example.set("carl", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    let denied = "nobody is covered: the grant is missing; beside that: denies (1)";
    assert_eq!(coverage(&example).triage, format!("{denied}{rest}"));
}

#[test]
fn a_wrong_account_is_known_and_evidence_that_is_old_is_not() {
    let mut example = Example::covered();
    example.goodlink("adom\\other");
    assert_eq!(coverage(&example).not_known, Vec::<String>::new(), "who is on the roster is known");
    example.goodlink("adom\\goodadmin");
    example.silence(minutes(31));
    let view = coverage(&example);
    assert!(!view.triage.contains("every"), "{}", view.triage);
    assert!(
        view.not_known.iter().any(|why| why.starts_with("the evidence of domain a.example.test is 31m 0s old")),
        "{:?}",
        view.not_known
    );
}

/// A grant of ours at the head, written; nobody has his right through it.
fn granted() -> (Example, Sequence) {
    let mut example = two();
    example.proposed.insert(grant("DC=a,DC=example,DC=test", GrantForm::ContainerUsers));
    example.observe_all();
    let (effects, _) = example.settle();
    let [(intent, Effect::Grant(_))] = effects.as_slice() else { panic!("{effects:?}") };
    let intent = *intent;
    example.end(intent, succeeded());
    example.pass(minutes(1));
    (example, intent)
}

#[test]
fn an_undo_does_not_promise_what_is_not_known() {
    let (mut example, intent) = granted();
    let warning = |example: &Example| view::undo_warning(example.world(), intent.get()).unwrap();
    assert_eq!(warning(&example), format!("whom it uncovers is not known: {NEVER}"));
    let deciding = DecidingEntry {
        index: 0,
        sddl: "(OA;…)".into(),
        inherited: true,
        trustee: name("S-1-5-21-1-2-3-1105"),
        from: Some("DC=a,DC=example,DC=test".into()),
    };
    example.deciding.insert(name("anna@a.example.test"), deciding);
    example.survey();
    assert_eq!(
        warning(&example),
        format!(
            "1 roster users may lose the right with this entry (anna@a.example.test), and whom else it uncovers is not \
             known ({NEVER}): they close the gates of their mailboxes, and where the hotfix is installed GoodLink will \
             pause them"
        )
    );
    // Before there was any survey.
    example.estate.domains.clear();
    let text = warning(&example);
    let surveyed = "domain a.example.test has not been surveyed since the coordinator started";
    assert_eq!(text, format!("whom it uncovers is not known: {surveyed}; {NEVER}"));
}

/// Its service is known to send as somebody for whom nobody is judged: it may be the very account whose entry goes.
#[test]
fn an_undo_does_not_promise_of_a_service_that_sends_as_another_account() {
    let (mut example, intent) = granted();
    example.policy.goodlink.remove(&name("glb"));
    let warning = |example: &Example| view::undo_warning(example.world(), intent.get()).unwrap();
    assert_eq!(warning(&example), "by the last survey no roster user has the right through this entry");
    example.goodlink("adom\\other");
    let differs = "GoodLink server gla runs as \"adom\\\\other\", goodadmin@a.example.test is declared: correct the service or \
                   the configuration";
    assert_eq!(warning(&example), format!("whom it uncovers is not known: {differs}"));
    // Nor does a report of everybody say for whom it counts less than it is.
    let view = coverage(&example);
    let triage = format!("every roster user is covered; that is for the declared account: {differs}");
    assert_eq!((view.triage, view.not_known), (triage, Vec::new()));
    let user = view::explain(example.world(), "anna", &view::Explanations::new()).users.remove(0);
    assert_eq!(user.reported_account.as_deref(), Some("adom\\other"));
    example.goodlink("adom\\goodadmin");
    let user = view::explain(example.world(), "anna", &view::Explanations::new()).users.remove(0);
    assert_eq!(user.reported_account, None);
}

#[test]
fn nothing_proposed_says_of_which_domains_that_is_not_known() {
    let mut example = Example::covered();
    assert!(view::grants(example.world()).not_known.is_empty());
    example.estate.domains.clear();
    let view = view::grants(example.world());
    let surveyed = "domain a.example.test has not been surveyed since the coordinator started".to_owned();
    assert_eq!(view.not_known, [(name("a.example.test"), vec![surveyed])].into());
    assert!(view.proposed.is_empty());
}

#[test]
fn those_who_wait_for_a_yes_and_are_not_listed_are_counted() {
    let mut example = Example::covered();
    let users: Vec<_> = (0..103).map(|number| format!("user{number:03}")).collect();
    for user in &users {
        let user = name(&format!("{user}@a.example.test"));
        example.truth.insert(user, (VerdictKind::Denied, Cause::DeniedByEntry, "exa1"));
    }
    example.survey();
    // Of those who are on no roster nothing is asked.
    assert_eq!(view::grants(example.world()).waiting.len(), 0);
    example.roster(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let view = view::grants(example.world());
    assert_eq!((view.waiting.len(), view.waiting_more), (100, 3));
}
