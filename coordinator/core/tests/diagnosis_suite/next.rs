//! What is to be done about a suspect of whom nothing can be told, and what a missing right without an entry rules out.

use super::{diagnosis, finds, is, landed, report};
use crate::example::{Example, minutes, name};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Cause, Judged, VerdictKind};
use sendgate_core::plan::diagnosis::Suspect;
use std::collections::BTreeMap;
use std::sync::Arc;

#[track_caller]
fn asks(example: &Example, suspect: Suspect, next: &str) {
    let check = diagnosis(example).checks.into_iter().find(|check| check.suspect == suspect).unwrap();
    assert_eq!(check.next.as_deref(), Some(next));
}

#[test]
fn what_has_to_be_known_first_is_asked_for_first() {
    let mut example = landed(200);
    report(&mut example.estate).service = Err("access denied".into());
    asks(&example, Suspect::WrongAccount, "look at the service and the agent on gla");
    asks(&example, Suspect::Replication, "clear up which account sends first, see below: wrong account");
    let mut example = landed(200);
    example.roster(&["bert", "carl"]);
    asks(&example, Suspect::Replication, "clear up who he is first, see below: roster");
}

#[test]
fn a_host_that_is_silent_is_to_be_brought_back() {
    let mut example = landed(200);
    example.silence(minutes(3));
    example.goodlink("adom\\goodadmin");
    example.survey();
    finds(
        &example,
        Suspect::UnwatchedServer,
        "cannot tell: his mailbox is on exa1; host exa1: it has been silent for 3m 0s",
    );
    asks(&example, Suspect::UnwatchedServer, "bring back the agent of exa1: sendgate hosts");
}

#[test]
fn a_restart_comes_after_the_cause_of_another_error() {
    let mut example = landed(200);
    let paused = report(&mut example.estate).paused.as_mut().unwrap();
    paused.get_mut(&name("anna")).unwrap().send_as = false;
    asks(&example, Suspect::PauseTimer, "mend the cause first, then restart GoodLink");
}

#[test]
fn where_no_entry_decides_none_denies() {
    let mut example = landed(200);
    is(&mut example, VerdictKind::Missing, Cause::NoEntry);
    finds(&example, Suspect::Deny, "ruled out: no entry decides, so none denies (on each of 2 servers)");
}

#[test]
fn nothing_is_told_of_somebody_who_was_not_judged_for_the_account() {
    let mut example = landed(200);
    let mut look = example.look();
    let Judged::All(users) = &mut look.users else { panic!("a look at everything") };
    let Some(Presence::Here(anna)) = users.get_mut(&name(super::ANNA)) else { panic!("she is there") };
    anna.verdicts = Arc::new(BTreeMap::new());
    example.estate.observe(sendgate_core::estate::Observation::Look(look));
    finds(&example, Suspect::Replication, "cannot tell: he was not judged for goodadmin@a.example.test");
}
