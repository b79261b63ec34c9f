//! What is not the user's own: the account, the error, the roster, the store.

use super::{BELOW, concludes, diagnosis, finding, finds, is, landed, report};
use crate::example::{AFTER, BEFORE, Example, NO_ACCESS, grant, name, running, succeeded};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, VerdictKind};
use sendgate_core::estate::{LaterPause, Observation, RosterDigest};
use sendgate_core::ledger::{Effect, Entry};
use sendgate_core::names::DirectoryName;
use sendgate_core::plan::diagnosis::{Finding, Suspect};
use sendgate_core::secdesc::edit::GrantForm;

#[test]
fn a_service_that_logs_on_as_somebody_else_comes_before_what_the_directory_shows() {
    let mut example = landed(200);
    example.goodlink("adom\\other");
    concludes(
        &example,
        "wrong account: GoodLink's service on gla logs on as adom\\other, and goodadmin@a.example.test is declared",
        "let the service log on as goodadmin@a.example.test, or declare adom\\other as the service_account of gla",
    );
    for suspect in [Suspect::Replication, Suspect::Caches, Suspect::PauseTimer, Suspect::Deny] {
        finds(
            &example,
            suspect,
            "cannot tell: the service logs on as adom\\other, and what is known of the directory is about \
             goodadmin@a.example.test",
        );
    }
    report(&mut example.estate).service = Err("access denied".into());
    let why = "cannot tell: which account GoodLink's service logs on with is not known: access denied";
    finds(&example, Suspect::WrongAccount, why);
    finds(&example, Suspect::Replication, why);
}

#[test]
fn an_entry_for_the_account_as_it_was_is_named() {
    let mut example = landed(200);
    example.proposed = [grant(BELOW, GrantForm::ContainerUsers)].into();
    let (sid, entry) = (name("S-1-5-21-1-2-3-999"), "(OA;;CR;;;OLD)".to_owned());
    is(&mut example, VerdictKind::Missing, Cause::FormerAccount { sid, entry });
    let conclusion = diagnosis(&example).conclusion;
    assert_eq!(
        conclusion.to_string(),
        "wrong account: the service account was made again: (OA;;CR;;;OLD) names its former SID S-1-5-21-1-2-3-999, which \
         is worth nothing now (a1)"
    );
    assert!(conclusion.next.starts_with("add the entry (OA;CIIO;CR;"), "{}", conclusion.next);
}

#[test]
fn a_grant_for_another_account_is_named() {
    let mut example = landed(200);
    example.proposed = [grant(BELOW, GrantForm::ContainerUsers)].into();
    is(&mut example, VerdictKind::Missing, Cause::NoEntry);
    let ours = "ruled out: the service logs on as goodadmin@a.example.test, as declared, and neither its former SID nor \
                another service account is known to have the right on him";
    finds(&example, Suspect::WrongAccount, ours);
    let mut other = grant(BELOW, GrantForm::ContainerUsers);
    other.account = name("old@a.example.test");
    let elsewhere = "OU=Elsewhere,DC=a,DC=example,DC=test";
    let mut granted = |place: &str| {
        other.place = place.into();
        let intent = example.append(Entry::Intent { effect: Effect::Grant(other.clone()) });
        example.end(intent, succeeded());
        (intent, finding(&example, Suspect::WrongAccount).to_string())
    };
    assert_eq!(granted(elsewhere).1, ours, "it does not reach him");
    let (intent, found) = granted(BELOW);
    assert_eq!(
        found,
        format!(
            "it is this: grant {intent} on {BELOW} is for old@a.example.test (S-1-5-21-1-2-3-1105), and \
             goodadmin@a.example.test sends"
        )
    );
    // Blocked inheritance explains as well why a grant for whomever does not arrive.
    is(&mut example, VerdictKind::Missing, Cause::InheritanceBlocked { at: BELOW.into() });
    finds(&example, Suspect::WrongAccount, ours);
}

#[test]
fn another_service_account_that_has_the_right_is_named() {
    let mut example = landed(200);
    is(&mut example, VerdictKind::Missing, Cause::NoEntry);
    let mut look = example.look();
    let Judged::All(users) = &mut look.users else { panic!("a look at everything") };
    let Some(Presence::Here(anna)) = users.get_mut(&name::<DirectoryName>(super::ANNA)) else { panic!("she is there") };
    let mut verdicts = anna.verdicts.as_ref().clone();
    let mut covered = verdicts.values().next().unwrap().as_ref().clone();
    (covered.kind, covered.cause) = (VerdictKind::Covered, Cause::Granted);
    verdicts.insert(name("other@a.example.test"), covered.into());
    anna.verdicts = verdicts.into();
    example.estate.observe(Observation::Look(look));
    finds(
        &example,
        Suspect::WrongAccount,
        "it is this: other@a.example.test, another service account, has the right on him, and goodadmin@a.example.test has \
         not",
    );
}

#[test]
fn another_error_comes_before_everything_that_is_wrong_besides() {
    let mut example = landed(200);
    let next = "no right and no wait mends that: look for the lines around it in the Windows Application log and in \
                GoodLink's log on gla";
    let pause = |example: &mut Example, change: &dyn Fn(&mut sendgate_core::estate::Pause)| {
        let paused = report(&mut example.estate).paused.as_mut().unwrap();
        change(paused.get_mut(&name("anna")).unwrap());
    };
    finds(
        &example,
        Suspect::OtherError,
        "ruled out: his last pause line, of 2006-06-13T05:25:00Z by the host's clock, says HRESULT -2147024891 \
         (0x80070005), which is a refused Send As",
    );
    pause(&mut example, &|pause| (pause.send_as, pause.hresult) = (false, -2_147_221_233));
    let cause = "not a Send As error: his last pause line, of 2006-06-13T05:25:00Z by the host's clock, says HRESULT \
                 -2147221233 (0x8004010F)";
    concludes(&example, cause, next);
    finds(
        &example,
        Suspect::PauseTimer,
        "cannot tell: he is paused by another error: a restart of GoodLink ends this pause, but not its cause",
    );
    is(&mut example, VerdictKind::Denied, Cause::DeniedByEntry);
    let later = LaterPause { hresult: -1, last: example.now.wall + jiff::SignedDuration::from_secs(1) };
    pause(&mut example, &|pause| (pause.hresult, pause.later) = (NO_ACCESS, Some(later)));
    concludes(
        &example,
        "not a Send As error: his last pause line, of 2006-06-13T05:25:01Z by the host's clock, says HRESULT -1 \
         (0xFFFFFFFF); Send As was refused last at 2006-06-13T05:25:00Z (and deny)",
        next,
    );
}

#[test]
fn whoever_is_not_on_the_roster_is_nobody_in_the_directory() {
    let mut example = landed(200);
    example.roster(&["bert", "carl"]);
    concludes(
        &example,
        "roster: gla has paused anna, and he is not on its roster",
        "look in GoodLink's console on gla who anna is, and correct the roster's export or remove him",
    );
    let unknown = "cannot tell: who he is in the directory is not known: he is not on the roster of gla";
    for suspect in [Suspect::Replication, Suspect::NoEntry, Suspect::WrongAccount, Suspect::UnwatchedServer] {
        finds(&example, suspect, unknown);
    }
    // The roster that would say so is another one than the host has by now.
    report(&mut example.estate).roster = Ok(RosterDigest([2; 32]));
    finds(
        &example,
        Suspect::Roster,
        "cannot tell: the roster of gla has changed, and the present one has not arrived yet",
    );
    example.estate.observe(Observation::RosterFault(name("gla"), "two users of one name".into()));
    let why = "cannot tell: the roster of gla has changed and cannot be used: two users of one name";
    finds(&example, Suspect::Roster, why);
    report(&mut example.estate).roster = Err("no such file".into());
    finds(&example, Suspect::Roster, "cannot tell: the roster of gla could not be read: no such file");
}

#[test]
fn a_name_that_means_nobody_or_several_is_the_rosters_fault() {
    let mut example = landed(200);
    let meet = |example: &mut Example, presence: Presence| {
        let mut look = example.look();
        let Judged::All(users) = &mut look.users else { panic!("a look at everything") };
        users.insert(name(super::ANNA), presence);
        example.estate.observe(Observation::Look(look));
    };
    finds(
        &example,
        Suspect::Roster,
        &format!("ruled out: the roster of gla has him as {0}, which is CN={0},{BELOW}", super::ANNA),
    );
    meet(&mut example, Presence::Absent);
    concludes(
        &example,
        "roster: the roster of gla has him as anna@a.example.test: not found in a.example.test",
        "correct \"anna@a.example.test\" on the GoodLink server: nobody of that name is in the directory, or take him off \
         its roster",
    );
    meet(&mut example, Presence::Ambiguous(["CN=a,DC=a".into(), "CN=b,DC=a".into()].into()));
    concludes(
        &example,
        "roster: the roster of gla has him as anna@a.example.test: found more than once in a.example.test: CN=a,DC=a; \
         CN=b,DC=a",
        "take the name \"anna@a.example.test\" from all of these but one, or give the roster a name that only one has: \
         CN=a,DC=a, CN=b,DC=a",
    );
    meet(&mut example, Presence::Unknown("a1 timed out".into()));
    finds(&example, Suspect::Roster, "cannot tell: a.example.test: a1 timed out");
}

#[test]
fn a_mailbox_on_a_server_that_is_not_watched_is_named() {
    let mut example = landed(200);
    example.exchange("exa1", AFTER);
    let watched =
        format!("ruled out: his mailbox is on exa1, which is watched (store.exe {AFTER} on exa1, enforces: yes)");
    finds(&example, Suspect::UnwatchedServer, &watched);
    example.exchange("exa1", BEFORE);
    let text = finding(&example, Suspect::UnwatchedServer).to_string();
    assert!(text.ends_with(&format!("(store.exe {BEFORE} on exa1, enforces: no)")), "{text}");
    example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap().store = Err("no such file".into());
    let why = "cannot tell: his mailbox is on exa1, and the version of store.exe on exa1 is not known: no such file";
    finds(&example, Suspect::UnwatchedServer, why);
    example.estate.hosts.remove(&name("exa1"));
    let why = "cannot tell: his mailbox is on exa1; host exa1: it has not reported since the coordinator started";
    finds(&example, Suspect::UnwatchedServer, why);

    let mut example = landed(200);
    example.truth.get_mut(&name(super::ANNA)).unwrap().2 = "exz9";
    example.observe_all();
    // A restart that was late enough, by hand.
    let mut service = running("adom\\goodadmin");
    service.started = Some(example.now.wall);
    report(&mut example.estate).service = Ok(service);
    concludes(
        &example,
        "unwatched Exchange server: his mailbox is on exz9, of which nothing is known here",
        "declare exz9 with its hosts ([[exchange]]) and let gla use it, or move his mailbox",
    );
    let exz9 = example.policy.exchange[&name("exa2")].clone();
    example.policy.exchange.insert(name("exz9"), exz9);
    concludes(
        &example,
        "unwatched Exchange server: his mailbox is on exz9, which gla is not declared to use",
        "add exz9 to the exchange servers of gla in the configuration",
    );
    assert!(matches!(finding(&example, Suspect::Roster), Finding::RuledOut { .. }));
}
