//! GoodLink restarts: they clear GoodLink's pauses, and help a user from the 70th minute after his right landed.

use super::diagnosis::{Diagnosis, Examiner};
use super::rollout::REFUSALS;
use super::{Blocked, Plan, Step, disruption, hold};
use crate::coverage::VerdictKind;
use crate::estate::{GoodLinkState, Pause, Roster};
use crate::gate::{self, Resolution, World, resolve};
use crate::ledger::{Anew, Effect, Intent, IntentState, Milestone, Outcome, Pair, Sequence};
use crate::mutation::{self, Mutation};
use crate::names::{DirectoryName, GoodLinkName, HostName, RosterName};
use crate::policy::{GoodLinkPolicy, Switch};
use crate::spec::Windows;
use crate::time::{Readable, Steady};
use crate::window::{Opening, windows_at};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// A user paused by the Send As error, and what can be said of him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PausedUser<'a> {
    /// As GoodLink names him.
    pub user: &'a RosterName,
    /// As the directory does; none when he is not on the roster.
    pub directory_name: Option<&'a DirectoryName>,
    /// How far his recovery is.
    pub recovery: Recovery,
}

/// How far a paused user's recovery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// A person excepted him.
    Waived,
    /// He is not covered, so nothing of GoodLink's helps.
    NotCovered(String),
    /// Covered, but when the right landed was not seen: a restart is left to people.
    LandingUnknown,
    /// Since the takeover it is not known how all users of his GoodLink server stand: his wait has not begun.
    NotSeenAnew,
    /// A restart would be too early.
    TooEarly(Duration),
    /// A restart may help.
    Ready(Steady),
    /// A restart served him; he is watched until he may be called failed.
    Served,
    /// Still paused when he ought not to be.
    Failed,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waived => f.write_str("waived"),
            Self::NotCovered(why) => write!(f, "not covered: {why}"),
            Self::LandingUnknown => {
                f.write_str("covered, but when the right landed was not seen: consider a restart by hand")
            }
            Self::NotSeenAnew => f.write_str(
                "since the takeover it is not known how all users of his GoodLink server stand: his wait has not begun",
            ),
            Self::TooEarly(remaining) => write!(f, "a restart may help in {}", Readable(*remaining)),
            Self::Ready(_) => f.write_str("a restart may help now"),
            Self::Served => f.write_str("a restart served him, his next pause line or silence will tell"),
            Self::Failed => f.write_str("still paused long after his right landed"),
        }
    }
}

/// What a GoodLink server's host says of who is paused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) goodlink: &'a GoodLinkPolicy,
    pub(super) state: &'a GoodLinkState,
    pub(super) roster: &'a Roster,
    pub(super) paused: &'a BTreeMap<RosterName, Pause>,
}

/// What a GoodLink server's host said last; an error when that is not known.
pub(super) fn report<'a>(world: World<'a>, name: &GoodLinkName) -> Result<Report<'a>, String> {
    let goodlink = world.policy.goodlink.get(name).ok_or_else(|| format!("{name} is not declared"))?;
    let host = world.estate.hosts.get(&goodlink.host).ok_or("its host has not reported")?;
    let silent = world.now.steady.since(host.reported);
    if silent > world.policy.freshness.silent_after {
        return Err(format!("its host has been silent for {}", Readable(silent)));
    }
    let state = host.goodlink.as_ref().ok_or("its host reports no GoodLink role")?;
    let roster = world.estate.rosters.get(name).ok_or("its roster has not arrived")?;
    let paused = state.paused.as_ref().map_err(Clone::clone)?;
    Ok(Report { goodlink, state, roster, paused })
}

/// Everybody whom a GoodLink server has paused for the Send As error; an error when that is not known. The intent
/// `except` does not count as a restart.
///
/// # Errors
/// Why it is not known.
pub fn paused<'a>(
    world: World<'a>,
    name: &GoodLinkName,
    except: Option<Sequence>,
) -> Result<Vec<PausedUser<'a>>, String> {
    let report = report(world, name)?;
    gate::restarted_since(world, name, except).map_or(Ok(()), Err)?;
    let restarted = last_restart(world, name, except);
    Ok(report
        .paused
        .iter()
        .filter(|(_, pause)| pause.send_as)
        .map(|(user, _)| {
            let directory_name = report.roster.users.get(user);
            let recovery = match directory_name {
                None => Recovery::NotCovered("he is not on the roster".to_owned()),
                Some(directory_name) => recovery(world, (name, &report), directory_name, restarted),
            };
            PausedUser { user, directory_name, recovery }
        })
        .collect())
}

fn recovery(
    world: World<'_>,
    (name, report): (&GoodLinkName, &Report<'_>),
    user: &DirectoryName,
    restarted: Option<Steady>,
) -> Recovery {
    if world.ledger.waiver(user, world.now).is_some() {
        return Recovery::Waived;
    }
    // It may say that he is somebody else.
    if gate::is_roster_awaited(world, name, report.state) {
        return Recovery::NotCovered("its present roster has not arrived yet".to_owned());
    }
    let goodlink = report.goodlink;
    // What the directory shows is of the declared one.
    match gate::other_account(world, goodlink, report.state) {
        Ok(None) => {}
        Ok(Some(other)) => {
            let declared = &goodlink.service_account;
            return Recovery::NotCovered(format!("GoodLink's service logs on as {other}, and {declared} is declared"));
        }
        Err(why) => {
            let unknown = "which account GoodLink's service logs on with is not known";
            return Recovery::NotCovered(format!("{unknown}: {why}"));
        }
    }
    let picture = match resolve(world, goodlink, user) {
        Resolution::Here(_, picture) => picture,
        Resolution::Not(why) | Resolution::Several(why) | Resolution::Unknown(why) => return Recovery::NotCovered(why),
    };
    match picture.verdicts.get(&goodlink.service_account) {
        Some(verdict) if verdict.kind == VerdictKind::Covered => {}
        Some(verdict) => return Recovery::NotCovered(format!("{}: {}", verdict.kind, verdict.cause)),
        None => return Recovery::NotCovered("he was not judged".to_owned()),
    }
    let pair = Pair { user: picture.guid, account: goodlink.service_account.clone() };
    let Some(landed) = landed(world, name, &pair) else { return Recovery::LandingUnknown };
    if world.ledger.lineage.anew(name) == Some(Anew::Unseen) {
        return Recovery::NotSeenAnew;
    }
    let (waits, now) = (&world.policy.waits, world.now.steady);
    let wait = if mutation::is(Mutation::EarlyRestart) { Duration::ZERO } else { waits.restart };
    let ready = landed + wait;
    let late = now >= landed + waits.failed;
    let served = restarted.is_some_and(|at| at >= ready);
    if now < ready {
        Recovery::TooEarly(ready.since(now))
    } else if late && (served || world.policy.goodlink_restart == Switch::Off) {
        Recovery::Failed
    } else if served {
        Recovery::Served
    } else {
        Recovery::Ready(ready)
    }
}

/// When a user's right landed, at the latest; none: that was not seen. It may have vanished and landed again in what the
/// journal lost before a takeover, or unseen after it.
pub(super) fn landed(world: World<'_>, goodlink: &GoodLinkName, pair: &Pair) -> Option<Steady> {
    let landed = world.ledger.pairs.get(pair)?.landed()?;
    Some(match world.ledger.lineage.anew(goodlink) {
        None => landed,
        Some(Anew::Unseen) => world.now.steady,
        Some(Anew::Since(at)) => landed.max(at),
    })
}

fn restarts<'a>(world: World<'a>, name: &GoodLinkName, except: Option<Sequence>) -> impl Iterator<Item = &'a Intent> {
    let others = world.ledger.intents.iter().filter(move |(id, _)| Some(**id) != except);
    others.map(|(_, intent)| intent).filter(move |intent| gate::restarts(world, name, &intent.effect))
}

/// The last moment at which a restart of ours cannot have begun earlier. One that failed or whose end is unknown may
/// have restarted it all the same: it is not done again for the same users.
fn last_restart(world: World<'_>, name: &GoodLinkName, except: Option<Sequence>) -> Option<Steady> {
    let began = |intent: &&Intent| intent.state.began() || intent.state.is_open();
    restarts(world, name, except).filter(began).map(|intent| intent.filed).max()
}

/// Refusals in a row, without a restart between them, before a person must look at it; tried again after the deadline
/// of an act.
fn refused(world: World<'_>, name: &GoodLinkName, except: Option<Sequence>) -> Option<Blocked> {
    let all: Vec<_> = restarts(world, name, except).collect();
    let last: Vec<_> = all
        .iter()
        .rev()
        .map_while(|intent| match &intent.state {
            IntentState::Ended { outcome: Outcome::NotStarted { detail }, at } => Some((detail, *at)),
            _ => None,
        })
        .collect();
    let (detail, at) = last.first()?;
    let fresh = world.now.steady < *at + world.policy.act_deadline;
    (last.len() >= REFUSALS && fresh).then(|| Blocked::Tried {
        what: format!("the agent refused to restart GoodLink {} times: {detail}", last.len()),
    })
}

/// Why this GoodLink server must not be restarted now; empty: it may be.
#[must_use]
pub fn may_restart(world: World<'_>, name: &GoodLinkName, except: Option<Sequence>) -> BTreeSet<Blocked> {
    let mut blocked = BTreeSet::new();
    let Some(goodlink) = world.policy.goodlink.get(name) else {
        return [Blocked::NoHelp { why: format!("{name} is not declared") }].into();
    };
    let host = &goodlink.host;
    let not_ready = |why: String| Blocked::Host { host: host.clone(), why };
    blocked.extend(hold::blocking(world, || hold::over_restart(world, name, host)));
    let forced = forced(world, name, except);
    if world.policy.goodlink_restart == Switch::Off && !forced {
        let setting = "remedy.goodlink_restart is off: a restart is left to people".to_owned();
        blocked.insert(Blocked::Policy { setting });
    }
    blocked.extend(closed(world).filter(|_| !forced));
    blocked.extend(refused(world, name, except).filter(|_| !forced));
    match paused(world, name, except) {
        // A person has said that it is to be, whoever is paused (invariant 2).
        _ if forced => {}
        Err(why) => drop(blocked.insert(not_ready(why))),
        Ok(users) => {
            if !users.iter().any(|user| matches!(user.recovery, Recovery::Ready(_))) {
                blocked.extend(waiting(&users));
                blocked.extend(gate::not_seen_anew(world, name, goodlink).map(|reason| Blocked::Gate { reason }));
                blocked.insert(Blocked::NoHelp { why: "no paused user would be helped by a restart now".to_owned() });
            }
        }
    }
    if let Some(why) = disruption::unready(world, host) {
        blocked.insert(not_ready(why));
    }
    if !world.policy.hosts.get(host).is_some_and(|agent| world.estate.sessions.contains(agent)) {
        blocked.insert(not_ready("its agent is not connected".to_owned()));
    }
    blocked.extend(disruption::no_room(world, host, except));
    blocked
}

/// Why a restart that is on offer is none of this GoodLink server as it is configured now: the conditions for one are asked of
/// the host that it has, and the permit goes to the one that was offered it.
pub(super) fn elsewhere(world: World<'_>, name: &GoodLinkName, host: &HostName) -> Option<String> {
    match world.policy.goodlink.get(name).map(|goodlink| &goodlink.host) {
        Some(now) if now == host => None,
        Some(now) => Some(format!("GoodLink {name} is on {now} by now")),
        None => Some(format!("GoodLink {name} is not configured any more")),
    }
}

/// Whether GoodLink may be restarted unattended at this time of day.
fn closed(world: World<'_>) -> Option<Blocked> {
    let Windows::In(windows) = &world.policy.restart_windows else { return None };
    let next = match windows.at(world.now.wall) {
        Opening::Open { last, .. } if world.now.wall < last => return None,
        // What must be done by then must begin before.
        Opening::Open { until, .. } => match windows_at(windows, until) {
            Opening::Open { since, .. } => Some(since),
            Opening::Closed { next } => next,
        },
        Opening::Closed { next } => next,
    };
    Some(Blocked::Closed { next })
}

/// When restarts may become possible by the clock on the wall alone, and when wishes for one become void.
pub(super) fn wake(world: World<'_>) -> impl Iterator<Item = Steady> {
    let opens = match closed(world) {
        Some(Blocked::Closed { next: Some(next) }) => Duration::try_from(next.duration_since(world.now.wall)).ok(),
        _ => None,
    };
    let void = wishes(world).map(|(_, remaining)| remaining);
    opens.into_iter().chain(void).map(move |ahead| world.now.steady + ahead)
}

/// Why nobody is served by a restart that is on offer: whoever was to be sends again. What is not known is no reason.
pub(super) fn helps_nobody(world: World<'_>, name: &GoodLinkName, id: Sequence) -> Option<String> {
    let Report { goodlink, state, .. } = report(world, name).ok()?;
    gate::other_account(world, goodlink, state).ok()?;
    let users = paused(world, name, Some(id)).ok()?;
    let ready = users.iter().any(|user| matches!(user.recovery, Recovery::Ready(_)));
    (!ready).then(|| "no paused user would be helped by it any more".to_owned())
}

/// Whether a person wants this restart whatever the users have waited; the intent that carries the wish out is named by
/// `except`. One that was offered before he said so is not the one: it would be done beside his.
fn forced(world: World<'_>, name: &GoodLinkName, except: Option<Sequence>) -> bool {
    let Some(id) = except else { return wanted(world, name) };
    let effect = world.ledger.intents.get(&id).map(|intent| &intent.effect);
    matches!(effect, Some(Effect::RestartGoodlink { forced: true, .. })) && !is_cancelled(world, name, id)
}

/// Whether a person wants a restart that nobody has tried yet. It may come as late as any other act: whoever asked for it
/// counts on it now, not days later when its agent is back.
pub(super) fn wanted(world: World<'_>, name: &GoodLinkName) -> bool {
    wanted_for(world, name).is_some_and(|remaining| !remaining.is_zero())
}

/// Wishes that the journal does not know to be void, with how long they still hold.
fn wishes(world: World<'_>) -> impl Iterator<Item = (&GoodLinkName, Duration)> {
    let known = world.ledger.forced.iter().filter(|(_, wish)| !wish.void);
    known.filter_map(move |(name, _)| Some((name, wanted_for(world, name)?)))
}

/// Whether a wish still holds, or the journal does not know yet that it is void: it would hold anew for time that a reboot
/// takes away.
pub(super) fn waits(world: World<'_>) -> bool {
    wishes(world).next().is_some()
}

/// Wishes that have become void.
pub(super) fn milestones(world: World<'_>) -> impl Iterator<Item = Milestone> {
    let void = wishes(world).filter(|(_, remaining)| remaining.is_zero());
    void.map(|(name, _)| Milestone::RestartVoid { goodlink: name.clone() })
}

/// How long such a wish still holds; zero: it is void.
#[must_use]
pub fn wanted_for(world: World<'_>, name: &GoodLinkName) -> Option<Duration> {
    let (forced, goodlink) = world.ledger.forced.get(name).zip(world.policy.goodlink.get(name))?;
    if forced.void {
        return Some(Duration::ZERO);
    }
    let waited = hold::running(world, forced.at, || hold::over_restart(world, name, &goodlink.host));
    Some(world.policy.act_deadline.saturating_sub(waited))
}

/// Whether a person has taken back the wish that this intent carries out.
pub(super) fn is_cancelled(world: World<'_>, name: &GoodLinkName, id: Sequence) -> bool {
    world.ledger.cancelled.get(name).is_some_and(|cancelled| *cancelled > id)
}

fn waiting(users: &[PausedUser<'_>]) -> Option<Blocked> {
    let earliest = users.iter().filter_map(|user| match user.recovery {
        Recovery::TooEarly(remaining) => Some(remaining),
        _ => None,
    });
    let remaining = earliest.min()?;
    Some(Blocked::Wait { what: "before a restart may help".to_owned(), remaining })
}

pub(super) fn plan(world: World<'_>, plan: &mut Plan) {
    for (name, goodlink) in &world.policy.goodlink {
        let forced = wanted(world, name);
        let users = match paused(world, name, None) {
            Ok(users) => users,
            Err(_) if forced => Vec::new(),
            Err(_) => {
                let (host, restarted) = (goodlink.host.clone(), gate::restarted_since(world, name, None));
                let blocked = restarted.map(|why| [Blocked::Host { host, why }].into());
                plan.remedies.extend(blocked.map(|blocked| (name.clone(), blocked)));
                continue;
            }
        };
        if !forced && users.iter().all(|user| user.recovery == Recovery::Waived) {
            continue;
        }
        let ready = users.iter().filter(|user| matches!(user.recovery, Recovery::Ready(_))).count();
        let mut blocked = may_restart(world, name, None);
        if blocked.is_empty() {
            let (goodlink, host) = (name.clone(), goodlink.host.clone());
            plan.steps.push(Step::Act(Effect::RestartGoodlink { goodlink, host, users: ready, forced }));
        }
        let mut failed = users.iter().filter(|user| user.recovery == Recovery::Failed).peekable();
        if failed.peek().is_some()
            && let Ok(examiner) = Examiner::new(world, name)
        {
            for Diagnosis { user, conclusion, .. } in failed.filter_map(|user| examiner.of(user.user)) {
                let what = format!("{user} is still paused: {conclusion}; next: {}", conclusion.next);
                blocked.insert(Blocked::Tried { what });
            }
        }
        if !blocked.is_empty() {
            plan.remedies.insert(name.clone(), blocked);
        }
    }
}
