//! What the roster users of one GoodLink server say against a cell.

use super::waits::Waits;
use super::{Reason, World, evidence, goodlink_report, just_started};
use crate::coverage::reading::Home;
use crate::coverage::verdict::Presence;
use crate::coverage::{Cause, DomainPicture, UserPicture, VerdictKind};
use crate::ledger::Anew;
use crate::mutation::{self, Mutation};
use crate::names::{DirectoryName, DomainName, ExchangeServerName, GoodLinkName, RosterName};
use crate::policy::{GateScope, GoodLinkPolicy};
use std::collections::BTreeSet;

/// Where a roster user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// One object in one domain.
    Here(&'a DomainName, &'a UserPicture),
    /// The directory answered: nobody. Without his name: many may share it.
    Not(String),
    /// Several objects, of which he is one, in the same way.
    Several(String),
    /// Some domain that he may be in has not answered, in the same way.
    Unknown(String),
}

/// Looks a roster user up in every domain that his GoodLink server serves.
#[must_use]
pub fn resolve<'a>(world: World<'a>, goodlink: &GoodLinkPolicy, user: &DirectoryName) -> Resolution<'a> {
    // Everybody is looked up each time that something is planned: where there is nothing to tell, nothing is written.
    let mut here: Option<(&'a DomainName, &'a UserPicture)> = None;
    let mut more = BTreeSet::new();
    let mut unknown = None;
    for domain in &goodlink.domains {
        let known = world.estate.domains.get_key_value(domain).filter(|(_, picture)| is_fresh(world, picture));
        match known.map(|(domain, picture)| (domain, picture.users.get(user))) {
            Some((domain, Some(Presence::Here(picture)))) => match here {
                None => here = Some((domain, picture.as_ref())),
                Some(_) => drop(more.insert(domain.clone())),
            },
            Some((domain, Some(Presence::Ambiguous(dns)))) => {
                let dns: Vec<_> = dns.iter().map(ToString::to_string).collect();
                return Resolution::Several(format!("found more than once in {domain}: {}", dns.join("; ")));
            }
            Some((_, Some(Presence::Absent))) => {}
            Some((domain, Some(Presence::Unknown(why)))) => unknown = Some(format!("{domain}: {why}")),
            Some((domain, None)) => unknown = Some(not_asked(domain)),
            None => unknown = Some(format!("{domain} has not been surveyed, or too long ago")),
        }
    }
    match (here, unknown) {
        (_, Some(why)) => Resolution::Unknown(why),
        (None, None) => Resolution::Not(format!("not found in {}", text(&goodlink.domains))),
        (Some((domain, picture)), None) if more.is_empty() => Resolution::Here(domain, picture),
        (Some((domain, _)), None) => {
            more.insert(domain.clone());
            Resolution::Several(format!("found in more than one domain: {}", text(&more)))
        }
    }
}

fn not_asked(domain: &DomainName) -> String {
    format!("not asked for in the last survey of {domain}")
}

fn text(domains: &BTreeSet<DomainName>) -> String {
    domains.iter().map(DomainName::as_str).collect::<Vec<_>>().join(", ")
}

/// Adds what the users of `goodlink` say against the cell (`domain`, `server`).
pub(super) fn closing(
    world: World<'_>,
    domain: &DomainName,
    server: &ExchangeServerName,
    name: &GoodLinkName,
    goodlink: &GoodLinkPolicy,
    reasons: &mut BTreeSet<Reason>,
) {
    let Some(roster) = world.estate.rosters.get(name) else { return };
    let declared = goodlink.exchange.contains(server) || world.policy.scope == GateScope::Domain;
    let server_failed = reasons.iter().any(|reason| matches!(reason, Reason::DirectoryServer { .. }));
    // Who has his mailbox there all the same waits by himself.
    reasons.extend(not_seen_anew(world, name, goodlink).filter(|_| declared));
    let mut waits = Waits::of(world, domain, name);
    for (user, directory_name) in &roster.users {
        if world.ledger.waiver(directory_name, world.now).is_some() || mutation::is(Mutation::UncoveredUser) {
            continue;
        }
        let found = match resolve(world, goodlink, directory_name) {
            Resolution::Here(found, picture) => Ok(Some(picture).filter(|_| found == domain)),
            Resolution::Not(_) | Resolution::Several(_) | Resolution::Unknown(_) if !declared => {
                shown_here(world, domain, server, directory_name)
            }
            Resolution::Not(why) | Resolution::Several(why) => Err((why, true)),
            Resolution::Unknown(_) if mutation::is(Mutation::UnknownIsGood) => continue,
            Resolution::Unknown(why) => Err((why, false)),
        };
        let picture = match found {
            Ok(Some(picture)) => picture,
            Ok(None) => continue,
            Err((why, answered)) => {
                let (user, goodlink) = (user.clone(), name.clone());
                reasons.insert(Reason::Unresolved { user, goodlink, why, answered });
                continue;
            }
        };
        let elsewhere = match &picture.home {
            Home::Server(home) => home != server,
            Home::None => true,
            Home::Unclear(_) => false,
        };
        if !declared && elsewhere {
            continue;
        }
        if !concerns(world, server, name, goodlink, directory_name, picture, reasons) {
            continue;
        }
        let Some(verdict) = picture.verdicts.get(&goodlink.service_account) else {
            let why = format!("the last survey did not judge {directory_name} for {}", goodlink.service_account);
            reasons.insert(Reason::Goodlink { goodlink: name.clone(), why });
            continue;
        };
        // A server that failed closes the cell for everybody, and is named once.
        if server_failed && matches!(verdict.cause, Cause::ServerFailed { .. }) {
            continue;
        }
        if verdict.kind != VerdictKind::Covered {
            reasons.insert(Reason::User {
                user: directory_name.clone(),
                account: goodlink.service_account.clone(),
                kind: verdict.kind,
                cause: verdict.cause.clone(),
                entry: verdict.servers.iter().find(|(_, seen)| seen.kind == verdict.kind).and_then(|(server, seen)| {
                    seen.deciding.as_ref().map(|entry| (server.clone(), entry.sddl.clone()))
                }),
            });
            continue;
        }
        waits.add(&goodlink.service_account, directory_name, picture, verdict);
    }
    reasons.extend(waits.reasons());
}

/// A user of whom nobody can say who he is, on a server where nobody of his GoodLink server ought to be: what this domain shows
/// of him counts, whatever others leave unsaid. None: he is no concern of the server; an error says what is not known, and
/// whether the directory has answered that.
fn shown_here<'a>(
    world: World<'a>,
    domain: &DomainName,
    server: &ExchangeServerName,
    user: &DirectoryName,
) -> Result<Option<&'a UserPicture>, (String, bool)> {
    let was_here = || last_home(world, domain, user) == Some(server);
    match of_domain(world, domain, user) {
        Some(Some(Presence::Here(picture))) => Ok(Some(picture)),
        Some(Some(Presence::Unknown(said))) if was_here() => {
            Err((format!("{domain}, which showed his mailbox on {server} last: {said}"), false))
        }
        Some(Some(Presence::Ambiguous(_))) if was_here() => {
            Err((format!("{domain} shows him more than once, and showed his mailbox on {server} last"), true))
        }
        Some(Some(Presence::Unknown(said))) if is_awaited(world, domain, user) => {
            Err((format!("{domain}, where nobody has read him since the coordinator started: {said}"), false))
        }
        Some(None) => Err((not_asked(domain), false)),
        _ => Ok(None),
    }
}

/// Why the waits of a GoodLink server's users have not begun since the takeover; none: they have, or there was none.
pub(crate) fn not_seen_anew(world: World<'_>, name: &GoodLinkName, goodlink: &GoodLinkPolicy) -> Option<Reason> {
    let unseen = world.ledger.lineage.anew(name) == Some(Anew::Unseen);
    unseen.then(|| {
        // Seen, but not written down yet: the planner does that before anything else.
        let why = not_seen(world, name, goodlink).unwrap_or_else(|| "it is about to be written down".to_owned());
        Reason::NotSeenAnew { goodlink: name.clone(), why }
    })
}

/// The first of what speaks against all evidence of the GoodLink server's users being there: its own report, and that of each
/// of its domains.
pub(crate) fn no_evidence(world: World<'_>, name: &GoodLinkName, goodlink: &GoodLinkPolicy) -> Option<Reason> {
    let report = goodlink_report(world, name, goodlink).err().into_iter().flatten();
    report.chain(goodlink.domains.iter().flat_map(|domain| evidence(world, domain))).next()
}

/// Why it is not known how all users of the GoodLink server stand, but for those who are waived; none: it is.
pub(crate) fn not_seen(world: World<'_>, name: &GoodLinkName, goodlink: &GoodLinkPolicy) -> Option<String> {
    if let Some(reason) = no_evidence(world, name, goodlink) {
        return Some(reason.to_string());
    }
    let Some(roster) = world.estate.rosters.get(name) else { return Some("its roster has not arrived yet".to_owned()) };
    let mut users = roster.users.values().filter(|user| world.ledger.waiver(user, world.now).is_none());
    users.find_map(|user| user_unseen(world, goodlink, user))
}

/// Users of the GoodLink server who are waived, so that nobody waits to see them, and of whom it is not known how they stand.
pub(crate) fn waived_unseen<'a>(
    world: World<'a>,
    name: &GoodLinkName,
    goodlink: &'a GoodLinkPolicy,
) -> impl Iterator<Item = &'a DirectoryName> {
    let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values());
    let waived = users.filter(move |user| world.ledger.waiver(user, world.now).is_some());
    waived.filter(move |user| user_unseen(world, goodlink, user).is_some())
}

/// Why it is not known how a user stands; none: it is.
fn user_unseen(world: World<'_>, goodlink: &GoodLinkPolicy, user: &DirectoryName) -> Option<String> {
    match resolve(world, goodlink, user) {
        Resolution::Here(_, picture) => match picture.verdicts.get(&goodlink.service_account) {
            Some(verdict) if !verdict.kind.is_unknown() => None,
            Some(verdict) => Some(format!("user {user} {}: {}", verdict.kind.predicate(false), verdict.cause)),
            None => Some(format!("user {user} was not judged yet")),
        },
        Resolution::Not(why) | Resolution::Several(why) | Resolution::Unknown(why) => {
            Some(format!("user {user}: {why}"))
        }
    }
}

/// Whether the user counts for the cell; a mailbox that cannot be placed counts for every server.
fn concerns(
    world: World<'_>,
    server: &ExchangeServerName,
    name: &GoodLinkName,
    goodlink: &GoodLinkPolicy,
    user: &DirectoryName,
    picture: &UserPicture,
    reasons: &mut BTreeSet<Reason>,
) -> bool {
    let unknown = |why: &str| Reason::HomeUnknown { user: user.clone(), why: why.to_owned() };
    match &picture.home {
        Home::Server(home) => {
            if !goodlink.exchange.contains(home) {
                let (user, server, goodlink) = (user.clone(), home.clone(), name.clone());
                reasons.insert(Reason::HomeUndeclared { user, server, goodlink });
            }
            // A server that did not show him may know of another mailbox.
            let verdict = picture.verdicts.get(&goodlink.service_account);
            let half_read = verdict.is_none_or(|verdict| verdict.kind.is_unknown());
            world.policy.scope == GateScope::Domain || home == server || half_read
        }
        Home::None => {
            reasons.insert(unknown("neither homeMDB nor msExchHomeServerName is set"));
            true
        }
        Home::Unclear(why) => {
            reasons.insert(unknown(why));
            true
        }
    }
}

/// Roster users of a domain with their pictures: who is judged, whatever the verdict.
pub fn subjects<'a>(
    world: World<'a>,
    domain: &'a DomainName,
) -> impl Iterator<Item = (&'a GoodLinkName, &'a RosterName, &'a DirectoryName, &'a UserPicture)> {
    world.policy.goodlink_in(domain).flat_map(move |(name, goodlink)| {
        let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.iter());
        users.filter_map(move |(user, directory_name)| match resolve(world, goodlink, directory_name) {
            Resolution::Here(found, picture) if found == domain => Some((name, user, directory_name, picture)),
            _ => None,
        })
    })
}

/// What the domain's fresh picture has of a name; none: there is no such picture.
fn of_domain<'a>(world: World<'a>, domain: &DomainName, user: &DirectoryName) -> Option<Option<&'a Presence>> {
    fresh(world, domain).map(|picture| picture.users.get(user))
}

/// Where a domain showed a user's mailbox last, however long ago.
fn last_home<'a>(world: World<'a>, domain: &DomainName, user: &DirectoryName) -> Option<&'a ExchangeServerName> {
    world.estate.domains.get(domain)?.last_home(user)
}

/// Roster users whose mailbox the domain showed on this server last, whatever other domains say or leave unsaid.
pub(super) fn last_on<'a>(
    world: World<'a>,
    domain: &'a DomainName,
    server: &'a ExchangeServerName,
) -> impl Iterator<Item = &'a DirectoryName> {
    let rosters = world.policy.goodlink_in(domain).filter_map(move |(name, _)| world.estate.rosters.get(name));
    let users = rosters.flat_map(|roster| roster.users.values());
    users.filter(move |user| last_home(world, domain, user) == Some(server))
}

/// Whether a domain may still show, after a start of the coordinator, on which Exchange servers its users are: one of its
/// rosters has not arrived, or one of the users on them was not read. What was known of that before is forgotten, and
/// whoever closed a cell may be among them.
pub(super) fn awaited(world: World<'_>, domain: &DomainName) -> bool {
    world.policy.goodlink_in(domain).any(|(name, _)| match world.estate.rosters.get(name) {
        // As long as a host may be silent.
        None => just_started(world),
        Some(_) if !is_read_anew(world, domain) => false,
        Some(roster) => roster
            .users
            .values()
            .any(|user| is_unread(world, domain, user) && world.ledger.waiver(user, world.now).is_none()),
    })
}

/// Whether the domain is awaited because of this user.
fn is_awaited(world: World<'_>, domain: &DomainName, user: &DirectoryName) -> bool {
    is_read_anew(world, domain) && is_unread(world, domain, user)
}

/// Whether everybody on the rosters has still to be read for the first time since the start: for as long as a host may be
/// silent, which is when rosters come, and where servers answer, until a full reading that began later is through, however
/// long the one takes that is under way. Nobody knows when servers come back that do not answer.
fn is_read_anew(world: World<'_>, domain: &DomainName) -> bool {
    let rosters = world.ledger.started.map(|started| started + world.policy.freshness.silent_after);
    let picture = world.estate.domains.get(domain).filter(|picture| !picture.seen.is_empty());
    let before = picture.zip(rosters).is_some_and(|(picture, rosters)| picture.started <= rosters);
    before || just_started(world)
}

/// Whether the domain has neither said what the user is nor where he was.
fn is_unread(world: World<'_>, domain: &DomainName, user: &DirectoryName) -> bool {
    world.estate.domains.get(domain).is_none_or(|picture| {
        let unread = matches!(picture.users.get(user), None | Some(Presence::Unknown(_)));
        unread && picture.last_home(user).is_none()
    })
}

/// Whether a user of the GoodLink server has his mailbox on one of these servers by what one of his domains shows or showed
/// last, or may have it there because one is awaited after a start; whatever others leave unsaid.
pub(crate) fn may_be_on(
    world: World<'_>,
    goodlink: &GoodLinkPolicy,
    user: &DirectoryName,
    servers: &BTreeSet<&ExchangeServerName>,
) -> bool {
    goodlink.domains.iter().any(|domain| {
        last_home(world, domain, user).is_some_and(|home| servers.contains(home)) || is_awaited(world, domain, user)
    })
}

/// Whether everybody was read not too long ago for this to be evidence.
pub(crate) fn is_fresh(world: World<'_>, picture: &DomainPicture) -> bool {
    world.now.steady.since(picture.started) <= world.policy.freshness.evidence_age
}

/// The picture of a domain, where it is evidence.
pub(crate) fn fresh<'a>(world: World<'a>, domain: &DomainName) -> Option<&'a DomainPicture> {
    world.estate.domains.get(domain).filter(|picture| is_fresh(world, picture))
}

/// Roster users whose object is in this domain by its last picture, fresh or not, whatever other domains say or leave unsaid:
/// what is shown of an object is true of it even while it is not certain that the roster means this one.
pub fn shown<'a>(
    world: World<'a>,
    domain: &'a DomainName,
) -> impl Iterator<Item = (&'a GoodLinkName, &'a DirectoryName, &'a UserPicture)> {
    let picture = world.estate.domains.get(domain);
    world.policy.goodlink_in(domain).flat_map(move |(name, _)| {
        let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values());
        users.filter_map(move |user| match picture?.users.get(user) {
            Some(Presence::Here(here)) => Some((name, user, here.as_ref())),
            _ => None,
        })
    })
}
