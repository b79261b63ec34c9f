//! What changes in the estate shows at the gate: directory servers, entries, rosters; what people ask for, and what they
//! read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "e2e/grants.rs"]
mod grants;
#[path = "e2e/people.rs"]
mod people;
#[path = "e2e/reports.rs"]
mod reports;
#[path = "e2e/support.rs"]
mod support;

use support::{A, Must, Scene, closed_by, open, roster, user};

#[test]
fn a_stopped_directory_server_closes_its_domain_and_a_started_one_opens_it() {
    let scene = Scene::granted(|_| {});
    scene.lab.stop_server("a2").must();
    // The connection is lost first, and from then on none can be made.
    closed_by(&scene, A, &["directory server a2.a.example.test gave no evidence", "cannot be reached"]);
    // Nothing is known to be wrong, so the answer is that it cannot be told, and that closes as well.
    let check = scene.cli(&["gate", "check", "EXA1"]).must();
    assert_eq!(check.code, Some(4), "{}{}", check.stdout, check.stderr);
    scene.lab.start_server("a2").must();
    open(&scene, A);
}

#[test]
fn a_deny_on_one_user_closes_the_gate_naming_him_and_the_entry_until_it_is_removed() {
    let scene = Scene::granted(|_| {});
    let (_, entry) = scene.deny("user007");
    // On both servers the same: a reason that names only one of them would come and go with replication.
    let reason = closed_by(&scene, A, &["user007@a.example.test is denied", &entry]);
    assert!(reason.contains("an entry denies it"), "{reason}");
    let check = scene.cli(&["gate", "check", "EXA2"]).must();
    assert_eq!(check.code, Some(3), "{}{}", check.stdout, check.stderr);
    let explained = scene.cli(&["explain", "user007"]).must().good().must();
    assert!(explained.stdout.contains(&entry), "{}", explained.stdout);
    scene.undeny("user007");
    // He was seen without the right, so he has to settle: it is not open at once.
    closed_by(&scene, A, &["1 users await the second look"]);
    open(&scene, A);
}

#[test]
fn what_a_roster_says_wrong_closes_the_gate_with_its_text() {
    let scene = Scene::granted(|_| {});
    let whole = roster(&scene);

    scene.set_roster("gla", &[]).must();
    let reason = closed_by(&scene, A, &["the roster of GoodLink server gla is empty"]);
    assert!(reason.contains("check its export, or remove the server from the configuration"), "{reason}");

    let mut nobody = user(&scene, "user001");
    nobody.name = "nobody".to_owned();
    nobody.mail = "nobody@a.example.test".to_owned();
    scene.set_roster("gla", &[whole.as_slice(), &[nobody]].concat()).must();
    closed_by(&scene, A, &["roster user nobody of gla is unresolved", "found"]);

    let linked = user(&scene, "linked1");
    scene.set_roster("gla", &[whole.as_slice(), &[linked]].concat()).must();
    closed_by(&scene, A, &["user linked1@a.example.test cannot be judged", "linked mailbox"]);

    scene.set_roster("gla", &whole).must();
    open(&scene, A);

    // Two users with one address: which of them is meant cannot be known.
    let second = user(&scene, "user002");
    let mail = |value: &str| format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: {value}\n", second.dn);
    scene.lab.ldapmodify("a", &mail("user001@a.example.test")).must();
    let reason =
        closed_by(&scene, A, &["roster user user001 of gla is unresolved", "found more than once in a.example.test"]);
    scene.lab.ldapmodify("a", &mail(&second.mail)).must();
    assert!(reason.to_lowercase().contains("cn=user002"), "{reason}");
    open(&scene, A);
}
