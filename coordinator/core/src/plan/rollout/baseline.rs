//! Users that are paused before a wave changes anything: they are not counted against it.

use super::{HostProgress, ours};
use crate::coverage::reading::Home;
use crate::gate::{self, Resolution, World, resolve};
use crate::ledger::entry;
use crate::ledger::{Baseline, Milestone, Rollout};
use crate::names::{DirectoryName, ExchangeServerName, GoodLinkName, RosterName};
use crate::plan::remedy::{self, PausedUser};
use crate::plan::{Blocked, Step};
use crate::policy::GoodLinkPolicy;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// Takes it for this wave, where it was not taken yet; and anew while nothing of the wave has begun: whoever was paused when a
/// host was offered, or before an attempt that came to nothing, may have recovered since. GoodLink servers without pauses get
/// an empty entry, so that it is known to have been taken. Where it is taken late, for a GoodLink server that was declared
/// since or after a takeover, it excuses nobody whose mailbox may be on a changed server. A person who lets it go on has seen
/// who is paused, as far as the GoodLink server was known then.
pub(super) fn take(world: World<'_>, rollout: &Rollout, hosts: &[HostProgress], wave: u32, begun: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let waves = world.ledger.baselines.get(&rollout.spec.name);
    let taken = waves.and_then(|waves| waves.get(&wave));
    let seen = |goodlink| {
        let mut waves = waves.into_iter().flat_map(BTreeMap::values);
        rollout.resumed_with.contains(goodlink) && !waves.any(|wave| wave.contains_key(goodlink))
    };
    let changed = LazyCell::new(|| changed(world, rollout, hosts));
    for goodlink in world.policy.goodlink.keys() {
        let before = taken.and_then(|taken| taken.get(goodlink));
        if before.is_some() && begun {
            continue;
        }
        let paused: BTreeSet<RosterName> = match remedy::paused(world, goodlink, None) {
            Ok(users) => {
                let late = begun && !seen(goodlink);
                let excused = users.iter().filter(|user| !late || !may_be_affected(world, goodlink, user, &changed));
                excused.map(|user| user.user.clone()).collect()
            }
            // Not known: it is taken once it is, for until then the gate of its servers is closed.
            Err(_) if concerns(world, rollout, goodlink) => continue,
            // Nobody is excused by it.
            Err(_) => BTreeSet::new(),
        };
        if before == Some(&paused) {
            continue;
        }
        let mut parts = entry::parts(paused, |user| user.as_str().len());
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        steps.extend(parts.into_iter().enumerate().map(|(at, part)| {
            let (paused, anew) = (BTreeSet::from_iter(part), at == 0 && before.is_some());
            let (rollout, goodlink) = (rollout.spec.name.clone(), goodlink.clone());
            Step::Record(Milestone::Baseline { rollout, wave, goodlink, paused, anew })
        }));
    }
    steps
}

/// Whether users of the GoodLink server may have their mailbox on a server of the rollout, by declaration.
pub(super) fn concerns(world: World<'_>, rollout: &Rollout, goodlink: &GoodLinkName) -> bool {
    let exchange = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.exchange);
    exchange.is_some_and(|exchange| rollout.spec.servers().any(|server| exchange.contains(server)))
}

/// The first wave of which anything has begun, and whoever was paused before it: before that, nothing of the rollout was there.
pub(super) fn first<'w>(world: World<'w>, rollout: &Rollout, hosts: &[HostProgress]) -> Option<(u32, &'w Baseline)> {
    let begun = hosts.iter().find(|host| ours(world, rollout, &host.host))?.wave;
    let waves = world.ledger.baselines.get(&rollout.spec.name)?;
    waves.range(begun..).next().map(|(wave, before)| (*wave, before))
}

/// Servers that the rollout has begun to change.
pub(super) fn changed<'h>(
    world: World<'_>,
    rollout: &Rollout,
    hosts: impl IntoIterator<Item = &'h HostProgress>,
) -> BTreeSet<&'h ExchangeServerName> {
    hosts.into_iter().filter(|host| ours(world, rollout, &host.host)).map(|host| &host.server).collect()
}

/// What is not known of pauses on the changed servers now: while a wave is watched, that is inconclusive.
pub(super) fn unclear(
    world: World<'_>,
    rollout: &Rollout,
    before: Option<&Baseline>,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Vec<Blocked> {
    let unclear = world.policy.goodlink.keys().filter_map(|name| match remedy::paused(world, name, None) {
        Err(why) if concerns(world, rollout, name) => {
            Some(format!("whom GoodLink {name} has paused is not known: {why}"))
        }
        Err(_) => None,
        Ok(paused) => unplaced(world, name, &paused, before.and_then(|before| before.get(name)), changed),
    });
    unclear.map(|why| Blocked::Inconclusive { why }).collect()
}

/// A user who was paused since, and of whom nobody can say whether his mailbox is on a changed server. Who somebody is that is
/// on no roster yet, the one says that is on its way.
fn unplaced(
    world: World<'_>,
    name: &GoodLinkName,
    paused: &[PausedUser<'_>],
    before: Option<&BTreeSet<RosterName>>,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Option<String> {
    let goodlink = world.policy.goodlink.get(name)?;
    let declared = may_use(goodlink, changed);
    let new = paused.iter().filter(|user| {
        user.recovery != remedy::Recovery::Waived && !before.is_some_and(|before| before.contains(user.user))
    });
    let concerns = |user| declared || gate::may_be_on(world, goodlink, user, changed);
    let awaited = declared && is_roster_awaited(world, name);
    new.into_iter().find_map(|user| {
        let why = match user.directory_name {
            None if awaited => "its present roster, which may name him, has not arrived yet".to_owned(),
            None => return None,
            Some(known) => match place(world, goodlink, known, changed) {
                Resolution::Unknown(why) if concerns(known) => why,
                Resolution::Unknown(_) | Resolution::Here(..) | Resolution::Not(_) | Resolution::Several(_) => {
                    return None;
                }
            },
        };
        let paused = &user.user;
        Some(format!(
            "GoodLink {name} has paused {paused}, and whether his mailbox is on a changed server is not known: {why}"
        ))
    })
}

fn is_roster_awaited(world: World<'_>, name: &GoodLinkName) -> bool {
    remedy::report(world, name).is_ok_and(|report| gate::is_roster_awaited(world, name, report.state))
}

/// Where he is. A directory server that gives no evidence may have him on a changed server by now.
fn place<'a>(
    world: World<'a>,
    goodlink: &GoodLinkPolicy,
    user: &DirectoryName,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Resolution<'a> {
    let found = resolve(world, goodlink, user);
    let Resolution::Here(domain, picture) = found else { return found };
    let elsewhere = matches!(&picture.home, Home::Server(home) if !changed.contains(home));
    match gate::without_evidence(world, domain).filter(|_| elsewhere) {
        Some(server) => Resolution::Unknown(format!("{domain}: {server}")),
        None => found,
    }
}

fn may_use(goodlink: &GoodLinkPolicy, changed: &BTreeSet<&ExchangeServerName>) -> bool {
    goodlink.exchange.iter().any(|server| changed.contains(server))
}

/// Why the pauses that [`new_pauses`] counts may not be all; none: they are.
pub(super) fn not_counted(
    world: World<'_>,
    name: &GoodLinkName,
    before: Option<&Baseline>,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Option<String> {
    let declared = may_use(world.policy.goodlink.get(name)?, changed);
    let paused = match remedy::paused(world, name, None) {
        Ok(paused) => paused,
        Err(why) => return declared.then_some(why),
    };
    match before.and_then(|baseline| baseline.get(name)) {
        None if !declared => None,
        None => Some("whom it had paused before is not written down yet".to_owned()),
        before @ Some(_) => unplaced(world, name, &paused, before, changed),
    }
}

/// Users of a GoodLink server paused since the baseline whose mailbox is on a changed server, or may be.
pub(super) fn new_pauses(
    world: World<'_>,
    name: &GoodLinkName,
    before: Option<&Baseline>,
    changed: &BTreeSet<&ExchangeServerName>,
) -> Vec<RosterName> {
    let Some(goodlink) = world.policy.goodlink.get(name) else { return Vec::new() };
    // Not known right now: the gate closes for that, but it is no pause.
    let Ok(paused) = remedy::paused(world, name, None) else { return Vec::new() };
    // Who was paused before is not known yet: the gate of its servers is closed meanwhile.
    let Some(before) = before.and_then(|baseline| baseline.get(name)) else { return Vec::new() };
    let awaited = is_roster_awaited(world, name);
    paused
        .iter()
        .filter(|user| user.recovery != remedy::Recovery::Waived)
        .filter(|user| !before.contains(user.user))
        .filter(|user| match user.directory_name {
            Some(directory_name) => affected(world, goodlink, directory_name, changed),
            None => may_use(goodlink, changed) && !awaited,
        })
        .map(|user| user.user.clone())
        .collect()
}

/// How many users of a GoodLink server have their mailbox on a changed server, or may have it there.
pub(super) fn roster_users(world: World<'_>, name: &GoodLinkName, changed: &BTreeSet<&ExchangeServerName>) -> usize {
    let Some(goodlink) = world.policy.goodlink.get(name) else { return 0 };
    let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values());
    users.filter(|user| affected(world, goodlink, user, changed)).count()
}

/// Whether the hotfix may be why he is paused, as far as is known of where his mailbox is.
fn may_be_affected(
    world: World<'_>,
    name: &GoodLinkName,
    user: &PausedUser<'_>,
    changed: &BTreeSet<&ExchangeServerName>,
) -> bool {
    let Some(goodlink) = world.policy.goodlink.get(name) else { return false };
    let Some(known) = user.directory_name else { return may_use(goodlink, changed) };
    match place(world, goodlink, known, changed) {
        Resolution::Unknown(_) => may_use(goodlink, changed) || gate::may_be_on(world, goodlink, known, changed),
        Resolution::Here(..) | Resolution::Not(_) | Resolution::Several(_) => affected(world, goodlink, known, changed),
    }
}

fn affected(
    world: World<'_>,
    goodlink: &GoodLinkPolicy,
    user: &DirectoryName,
    changed: &BTreeSet<&ExchangeServerName>,
) -> bool {
    // Whoever cannot be placed may also still be where he was.
    let may = || may_use(goodlink, changed) || gate::may_be_on(world, goodlink, user, changed);
    match resolve(world, goodlink, user) {
        Resolution::Here(_, picture) => match &picture.home {
            Home::Server(home) => changed.contains(home),
            Home::None | Home::Unclear(_) => may(),
        },
        // Evidence is missing: the wave is not over meanwhile, and the next survey decides.
        Resolution::Unknown(_) => false,
        Resolution::Not(_) | Resolution::Several(_) => may(),
    }
}
