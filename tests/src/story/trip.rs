//! A trip that is caused on purpose: while the canary is watched, somebody denies one of its users.

use super::Teller;
use crate::lab::User;
use crate::system::{System, SystemError, wait};
use sendgate_core::view::{GateState, GateView};
use std::time::Duration;

/// How long the gate may take to open again: the waits of the laboratory and two surveys.
const MENDED: Duration = Duration::from_secs(90);

/// The first user without a peculiarity whose mailbox is on EXA1, and the entry that denies him.
fn victim(system: &System) -> Result<(User, String), SystemError> {
    let domain = system.lab.domain("a")?;
    let plain = |user: &&User| user.server == "EXA1" && user.tags.is_empty();
    let roster =
        &system.plan.domains.iter().find(|planned| planned.letter == "a").map(|planned| &planned.goodlink.roster);
    let user = roster.and_then(|roster| roster.iter().find(plain)).ok_or_else(|| SystemError::Unexpected {
        command: "the roster of GLA".to_owned(),
        problem: "it has no user on EXA1".to_owned(),
        text: String::new(),
    })?;
    Ok((user.clone(), format!("(OD;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{})", domain.goodadmin.sid)))
}

pub(super) fn cause(teller: &Teller, system: &System) -> Result<(), SystemError> {
    let (user, entry) = victim(system)?;
    teller.chapter("Somebody denies a user of the canary, who is paused the next time that he sends");
    system.lab.add_entry("a", &user.dn, &entry)?;
    teller.say(&format!("written to {}: {entry}", user.dn));
    Ok(())
}

/// Takes the deny away, and waits until the gate is open again.
pub(super) fn mend(teller: &Teller, system: &System) -> Result<(), SystemError> {
    let (user, entry) = victim(system)?;
    system.lab.remove_entry("a", &user.dn, &entry)?;
    teller.say(&format!("the deny on {} is taken away; he lacked the right, so he is waited for", user.name));
    wait::until("the gate of a.example.test to open again", MENDED, || {
        let gate: GateView = system.view(&["gate", "check", "EXA1"]).map_err(|error| error.to_string())?;
        if gate.state == GateState::Open { Ok(()) } else { Err(super::gates::lines(&gate)) }
    })
}
