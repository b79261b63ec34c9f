//! Grants as an operator meets them: written, taken back, allowed again, advised, approved.

use crate::support::{A, Must, Scene, closed_by, every_effect_once, open};
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};

const ACCOUNT: &str = "goodadmin@a.example.test";

#[test]
fn an_undone_grant_closes_the_gate_until_an_operator_allows_it_again() {
    let mut scene = Scene::new(|_| {});
    scene.start().must();
    open(&scene, A);
    let head = scene.lab.domain("a").must().dn.to_lowercase();
    let on_head = |effect: &Effect| match effect {
        Effect::Grant(grant) => grant.place.as_str().to_lowercase() == head,
        _ => false,
    };
    let journal = scene.journal(Sequence::FIRST).must();
    let grant = journal.iter().find_map(|(sequence, stamped)| match &stamped.entry {
        Entry::Intent { effect } if on_head(effect) => Some(*sequence),
        _ => None,
    });
    let grant = grant.expect("the head was granted on").to_string();

    let undone = scene.cli(&["grants", "undo", &grant, "--reason", "the tenant left"]).must().good().must();
    assert!(undone.stdout.contains("roster users"), "the answer says whom it uncovers: {}", undone.stdout);
    closed_by(&scene, A, &["is missing for goodadmin@a.example.test"]);
    let shown = scene.cli(&["grants"]).must().good().must();
    assert!(shown.stdout.contains("the tenant left"), "{}", shown.stdout);
    let advice = scene.cli(&["grants", "advise", A]).must().good().must();
    assert!(!advice.stdout.contains("\ndn: "), "what was undone is not advised either: {}", advice.stdout);
    let again = scene.cli(&["grants", "undo", &grant, "--reason", "once more"]).must();
    assert_ne!(again.code, Some(0), "{}", again.stdout);

    scene.cli(&["grants", "redo", &grant, "--reason", "he came back"]).must().good().must();
    open(&scene, A);
    let journal = every_effect_once(&scene);
    let withdrawn = journal.iter().filter(|(_, stamped)| match &stamped.entry {
        Entry::Intent { effect } => matches!(effect, Effect::Withdraw(_)),
        _ => false,
    });
    assert_eq!(withdrawn.count(), 1);
    let failed = journal.iter().filter(|(_, stamped)| match &stamped.entry {
        Entry::Outcome { outcome, .. } => !matches!(outcome, Outcome::Succeeded { .. }),
        _ => false,
    });
    assert_eq!(failed.count(), 0);
}

#[test]
fn an_approval_is_written_down_shown_and_taken_back() {
    let mut scene = Scene::new(|_| {});
    scene.start().must();
    let approve = ["approve", "adminsdholder", A, ACCOUNT, "--reason", "the board said so"];
    let alone = scene.cli(&approve).must();
    let words = "operator olive may not approve: it takes a certificate with sendgate:approver:NAME";
    assert!(alone.code == Some(1) && alone.stderr.contains(words), "{}{}", alone.stdout, alone.stderr);
    scene.approver_cli(&approve).must().good().must();
    let shown = scene.cli(&["grants"]).must().good().must();
    assert!(shown.stdout.contains("the board said so"), "{}", shown.stdout);
    let act = scene.approver_cli(&["hold", "estate", "--reason", "x"]).must();
    let words = "approver ada may not do this: it takes a certificate with sendgate:operator:NAME";
    assert!(act.code == Some(1) && act.stderr.contains(words), "{}{}", act.stdout, act.stderr);
    let revoke = ["revoke", "adminsdholder", A, ACCOUNT, "--reason", "it took that back"];
    scene.cli(&revoke).must().good().must();
    let shown = scene.cli(&["grants"]).must().good().must();
    assert!(!shown.stdout.contains("the board said so"), "{}", shown.stdout);
    let unknown = scene.approver_cli(&["approve", "adminsdholder", "c.example.test", ACCOUNT, "--reason", "x"]).must();
    assert_ne!(unknown.code, Some(0), "{}", unknown.stdout);
    assert!(unknown.stderr.contains("c.example.test"), "{}", unknown.stderr);
}
