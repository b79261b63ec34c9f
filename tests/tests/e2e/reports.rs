//! What an operator reads of a domain: a full survey when he wants one, and everybody who has a mailbox.

use crate::support::{A, Must, PATIENCE, Scene, closed_by, grant_all, open, user};
use sendgate_core::coverage::report::Scope;
use sendgate_core::view::{CoverageView, DomainsView, UserLine};
use sendgate_tests::system::{System, wait};
use std::time::{Duration, Instant};

const SERVERS: [&str; 2] = ["a1.a.example.test", "a2.a.example.test"];

/// How long ago the last full survey of domain a began.
fn full_survey(system: &System) -> Result<Duration, String> {
    let view: DomainsView = system.view(&["domains"]).map_err(|error| error.to_string())?;
    view.domains.first().and_then(|domain| domain.full_survey).ok_or_else(|| "it was not surveyed yet".to_owned())
}

#[test]
fn a_full_survey_is_run_when_an_operator_wants_it_and_watched_to_its_end() {
    let mut scene = Scene::new(|_| {});
    // Nobody but the operator wants one here.
    let config = scene.layout.coordinator().join("coordinator.toml");
    let text = std::fs::read_to_string(&config).must();
    let seldom = text.replace("interval = \"5s\"\nevidence_age = \"20s\"", "interval = \"1h\"\nevidence_age = \"2h\"");
    assert_ne!(seldom, text);
    std::fs::write(&config, seldom).must();
    grant_all(&scene.lab);
    scene.start().must();
    open(&scene, A);

    let old = Duration::from_secs(2);
    let aged = || full_survey(&scene).and_then(|age| if age > old { Ok(()) } else { Err(format!("{age:?}")) });
    wait::until("a full survey that is some seconds old", PATIENCE, aged).must();
    let asked = Instant::now();
    let run = scene.cli(&["survey", "run", A]).must().good().must();
    assert!(run.stdout.starts_with("a.example.test is being read in full on every directory server"), "{}", run.stdout);
    let anew = || {
        let (age, since) = (full_survey(&scene)?, asked.elapsed());
        if age <= since { Ok(()) } else { Err(format!("the last one began {age:?} ago, asked was {since:?} ago")) }
    };
    wait::until("the full survey that was asked for", PATIENCE, anew).must();

    let watched = scene.cli(&["survey", "run", A, "--watch"]).must().good().must();
    for server in SERVERS {
        let read = |line: &str| line.starts_with(&format!("{server}: read, ")) && line.contains(" entries in ");
        assert!(watched.stdout.lines().any(read), "{server}: {}", watched.stdout);
    }
    let last = watched.stdout.lines().last().unwrap_or_default();
    assert_eq!(last, "a.example.test was read in full on 2 directory servers", "{}", watched.stdout);

    // A server that is down is no server that was read.
    scene.lab.stop_server("a2").must();
    closed_by(&scene, A, &["directory server a2.a.example.test gave no evidence", "cannot be reached"]);
    let watched = scene.cli(&["survey", "run", A, "--watch"]).must();
    scene.lab.start_server("a2").must();
    assert_eq!(watched.code, Some(1), "{}{}", watched.stdout, watched.stderr);
    assert!(watched.stdout.contains("a1.a.example.test: read, "), "{}", watched.stdout);
    assert!(watched.stdout.contains("a2.a.example.test: FAILED: "), "{}", watched.stdout);
    assert!(watched.stderr.contains("a2.a.example.test: "), "{}", watched.stderr);
    assert!(!watched.stderr.contains("a1.a.example.test: "), "{}", watched.stderr);
    open(&scene, A);
}

/// The lines of a report about the object of this name.
fn about<'a>(view: &'a CoverageView, dn: &str) -> Vec<&'a UserLine> {
    view.users.iter().filter(|line| line.dn.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(dn))).collect()
}

#[test]
fn everybody_with_a_mailbox_is_reported_whoever_is_on_a_roster() {
    let scene = Scene::granted(|_| {});
    let on_roster = scene.plan.domains[0].goodlink.roster.clone();
    let everybody = scene.lab.domain("a").must().users.clone();

    let view: CoverageView = scene.view(&["coverage", A, "--mailboxes"]).must();
    assert_eq!((view.domain.as_str(), view.scope), (A, Scope::Mailboxes));
    for user in &everybody {
        let lines = about(&view, &user.dn);
        assert!(!lines.is_empty(), "{} has a mailbox and no line", user.name);
        let listed = on_roster.iter().any(|known| known.dn == user.dn);
        for line in lines {
            assert_eq!(line.user.is_some(), listed, "{line:?}");
        }
    }
    let linked = about(&view, &user(&scene, "linked1").dn);
    assert!(linked.iter().all(|line| line.verdict == "cannot tell"), "{linked:?}");

    // Somebody whom no roster names: no gate waits for him, and the report says how he stands now.
    let covered = |user: &&sendgate_tests::lab::User| {
        let off = !on_roster.iter().any(|known| known.dn == user.dn);
        off && about(&view, &user.dn).iter().all(|line| line.verdict == "covered")
    };
    let stranger = everybody.iter().find(covered).expect("somebody is on no roster and covered");
    let (_, entry) = scene.deny(&stranger.name);
    let denied = || {
        let view: CoverageView = scene.view(&["coverage", A, "--mailboxes"]).map_err(|error| error.to_string())?;
        let lines = about(&view, &stranger.dn);
        // The other server has it when it is replicated; until then nobody may say that he is covered.
        let all = lines
            .iter()
            .all(|line| line.verdict == "denied" && line.evidence.as_ref().is_some_and(|text| text.ends_with(&entry)));
        if all && !lines.is_empty() { Ok(()) } else { Err(format!("{lines:?}")) }
    };
    wait::until("the deny in the report", PATIENCE, denied).must();
    let rosters: CoverageView = scene.view(&["coverage", A]).must();
    assert_eq!((rosters.scope, rosters.users.len()), (Scope::Roster, on_roster.len()));
    assert!(about(&rosters, &stranger.dn).is_empty());
    open(&scene, A);

    let table = scene.cli(&["coverage", A, "--mailboxes"]).must().good().must();
    assert!(table.stdout.starts_with("a.example.test, everybody with a mailbox, read just now"), "{}", table.stdout);
    assert!(table.stdout.contains(&stranger.mail) && table.stdout.contains(&entry), "{}", table.stdout);
    let csv = scene.cli(&["coverage", A, "--mailboxes", "--output", "csv"]).must().good().must();
    let rows: Vec<_> = csv.stdout.lines().filter(|line| line.contains(&stranger.mail)).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("denied")), "{}", csv.stdout);
    assert_eq!(csv.stdout.lines().count(), view.users.len() + 1, "a head, and a line for each");
    scene.undeny(&stranger.name);
}
