//! The smallest estate in which every effect happens: one Exchange server that has the hotfix already, so that its users
//! are paused until entries are written and GoodLink is restarted; one that the rollout changes.

use super::laboratory::DOMAIN;
use crate::lab::{Lab, LabError, User};
use crate::system::{
    ACT_DEADLINE, GoodLinkHost, GrantMode, HOTFIX, Plan, PlanDomain, StoreHost, System, SystemError, UNPATCHED, Waits,
    wait,
};
use std::time::Duration;

/// The host that the rollout changes.
pub(super) const CHANGED: &str = "exa1";
/// Its Exchange server.
pub(super) const SERVER: &str = "EXA1";
/// The host that has the hotfix already.
pub(super) const HOTFIXED: &str = "exa2";
/// The host with GoodLink.
pub(super) const GOODLINK: &str = "gla";

/// The waits of the field, some 1,500 times as short; the last one is long, so that no user is given up while a process
/// that was killed is being brought back.
const WAITS: Waits = Waits {
    second_look: Duration::from_millis(2000),
    restart: Duration::from_millis(2500),
    settled: Duration::from_millis(3500),
    failed: Duration::from_secs(120),
};

/// Longer than everything up to the restart takes on a busy machine. Where a supervisor died and the outcome of the restart
/// is unknown, this is what the story waits for.
const PAUSE: Duration = Duration::from_secs(75);

/// How long it may take until everybody has sent a message.
const SENT: Duration = Duration::from_secs(30);

/// Waits until the users of the hotfixed server are paused, as GoodLink's own file shows it.
pub(super) fn paused(system: &System) -> Result<(), SystemError> {
    let homes = system.plan.domains.iter().flat_map(|domain| &domain.goodlink.roster);
    let wanted: Vec<_> = homes.filter(|user| user.server != SERVER).map(|user| user.name.as_str()).collect();
    let file = system.layout.host(GOODLINK).join("paused.json");
    wait::until("a pause of each user of the hotfixed server", SENT, || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        if wanted.iter().all(|user| text.contains(&format!("\"{user}\""))) { Ok(()) } else { Err(text) }
    })
}

/// What is to be there.
pub(super) fn plan(lab: &Lab) -> Result<Plan, LabError> {
    let known = lab.domain(DOMAIN)?;
    let store = |host: &str, version| StoreHost { host: host.to_owned(), server: host.to_uppercase(), version };
    let stores = vec![store(CHANGED, UNPATCHED), store(HOTFIXED, HOTFIX)];
    let on = |store: &StoreHost, wanted: fn(&&User) -> bool| {
        let users = known.users.iter().filter(|user| user.server == store.server);
        users.filter(wanted).take(1).cloned().collect::<Vec<_>>()
    };
    // Two users of each server, some behind blocked inheritance: more than one entry has to be written.
    let plain = stores.iter().flat_map(|store| on(store, |user| user.tags.is_empty()));
    let blocked = stores.iter().flat_map(|store| on(store, |user| user.tags == ["blocked"]));
    let roster = plain.chain(blocked).collect();
    let goodlink = GoodLinkHost { host: GOODLINK.to_owned(), name: GOODLINK.to_uppercase(), roster, tests: Vec::new() };
    Ok(Plan {
        domains: vec![PlanDomain {
            letter: DOMAIN.to_owned(),
            server: None,
            grants: GrantMode::Apply,
            stores,
            goodlink,
        }],
        waits: WAITS,
        install: Duration::from_millis(1500),
        soak: Duration::from_secs(1),
        memory: Duration::from_secs(1),
        pause: PAUSE,
        act_deadline: ACT_DEADLINE,
    })
}
