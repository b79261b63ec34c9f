//! Which cells are open, and why the others are not.
//!
//! A cell is (domain, Exchange server). It is open when nothing speaks against it, and everything that is not known
//! speaks against it (invariant 4). [`cell`] is the only place where that is decided.

mod reason;
mod taken_back;
mod users;
mod waits;

pub use reason::Reason;
pub use users::{Resolution, resolve, shown, subjects};
pub(crate) use users::{fresh, is_fresh, may_be_on, no_evidence, not_seen, not_seen_anew, waived_unseen};

use crate::coverage::DomainPicture;
use crate::estate::{Estate, GoodLinkState};
use crate::ledger::{Effect, IntentState, Ledger, Sequence};
use crate::mutation::{self, Mutation};
use crate::names::{AccountName, DomainName, ExchangeServerName, GoodLinkName};
use crate::policy::{GateScope, GoodLinkPolicy, Policy};
use crate::time::{Now, Readable};
use std::collections::{BTreeMap, BTreeSet};

/// The four values that every decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What is wanted.
    pub policy: &'a Policy,
    /// What is known.
    pub estate: &'a Estate,
    /// What was done.
    pub ledger: &'a Ledger,
    /// This moment.
    pub now: Now,
}

/// Why the cell is closed; empty: it is open.
#[must_use]
pub fn cell(world: World<'_>, domain: &DomainName, server: &ExchangeServerName) -> BTreeSet<Reason> {
    let mut reasons = evidence(world, domain);
    let mut anybody = false;
    for (name, goodlink) in world.policy.goodlink_in(domain) {
        let uses = goodlink.exchange.contains(server);
        anybody |= uses;
        if !uses && world.policy.scope == GateScope::Mailboxes {
            // Nobody of it ought to be there; whose mailbox is there all the same counts. After a start its roster is
            // awaited for as long as a host may be silent: who closed the cell before may be on it.
            if !world.estate.rosters.contains_key(name) && just_started(world) {
                let why = "its roster has not arrived since the coordinator started".to_owned();
                reasons.insert(Reason::Goodlink { goodlink: name.clone(), why });
            }
            users::closing(world, domain, server, name, goodlink, &mut reasons);
            continue;
        }
        match goodlink_report(world, name, goodlink) {
            Err(found) => reasons.extend(found),
            Ok(()) => users::closing(world, domain, server, name, goodlink, &mut reasons),
        }
    }
    if !anybody {
        let users = world.policy.goodlink.values().any(|goodlink| goodlink.exchange.contains(server));
        reasons.insert(match users {
            true => Reason::NobodyOf { domain: domain.clone(), server: server.clone() },
            false => Reason::NobodyDeclared { server: server.clone() },
        });
    }
    reasons
}

/// Whether hosts that are not silent may have had no time yet to say what they know.
pub(crate) fn just_started(world: World<'_>) -> bool {
    let limit = world.policy.freshness.silent_after;
    world.ledger.started.is_some_and(|started| world.now.steady.since(started) <= limit)
}

/// The cells of an Exchange server: one for each domain whose users it may hold by declaration, or does hold by what the
/// directory says. A domain that gives no evidence any more keeps the cells of what it showed last; after a start, which forgets
/// that, one of whose users not all have been read is awaited.
#[must_use]
pub fn cells_of_server(world: World<'_>, server: &ExchangeServerName) -> BTreeSet<DomainName> {
    let declared = world.policy.goodlink.values().filter(|goodlink| goodlink.exchange.contains(server));
    let mut domains: BTreeSet<DomainName> = declared.flat_map(|goodlink| goodlink.domains.iter().cloned()).collect();
    let holds = |domain: &&DomainName| {
        users::last_on(world, domain, server).any(|user| world.ledger.waiver(user, world.now).is_none())
            || users::awaited(world, domain)
    };
    let others = world.policy.domains.keys().filter(|domain| !domains.contains(*domain));
    let others: Vec<DomainName> = others.filter(holds).cloned().collect();
    domains.extend(others);
    domains
}

/// Whether a GoodLink server's users may have their mailbox on an Exchange server as far as [`cell`] goes: whether its report is
/// asked for, or its roster awaited.
pub(crate) fn asked<'a>(
    world: World<'a>,
    server: &'a ExchangeServerName,
) -> impl Fn(&GoodLinkName, &GoodLinkPolicy) -> bool + 'a {
    let whole = world.policy.scope == GateScope::Domain;
    let domains = if whole { cells_of_server(world, server) } else { BTreeSet::new() };
    move |name, goodlink| {
        let awaited = !world.estate.rosters.contains_key(name) && just_started(world);
        goodlink.exchange.contains(server) || !goodlink.domains.is_disjoint(&domains) || awaited
    }
}

/// Why the gate of an Exchange server is closed, by domain; every set empty and at least one there: it is open.
#[must_use]
pub fn of_server(world: World<'_>, server: &ExchangeServerName) -> BTreeSet<Reason> {
    let domains = cells_of_server(world, server);
    if domains.is_empty() {
        return [Reason::NobodyDeclared { server: server.clone() }].into();
    }
    domains.iter().flat_map(|domain| cell(world, domain, server)).collect()
}

/// Why the gate of a domain is closed, over all Exchange servers that may hold its users.
#[must_use]
pub fn of_domain(world: World<'_>, domain: &DomainName) -> BTreeMap<ExchangeServerName, BTreeSet<Reason>> {
    world
        .policy
        .goodlink_in(domain)
        .flat_map(|(_, goodlink)| goodlink.exchange.iter())
        .map(|server| (server.clone(), cell(world, domain, server)))
        .collect()
}

/// What is not known of a domain's roster users: the directory's evidence, and the report of each GoodLink server whose
/// users may be there. While there is anything of it, nobody can say who all of them are, or what every one of them is.
#[must_use]
pub fn not_known(world: World<'_>, domain: &DomainName) -> BTreeSet<Reason> {
    let mut reasons = evidence(world, domain);
    for (name, goodlink) in world.policy.goodlink_in(domain) {
        let report = goodlink_report(world, name, goodlink).err().into_iter().flatten();
        reasons.extend(report.filter(Reason::is_unknown));
    }
    reasons
}

/// What speaks against the domain's evidence being there, complete and fresh.
pub(crate) fn evidence(world: World<'_>, domain: &DomainName) -> BTreeSet<Reason> {
    let Some(picture) = world.estate.domains.get(domain) else {
        if mutation::is(Mutation::UnknownIsGood) {
            return BTreeSet::new();
        }
        return [Reason::NotSurveyed { domain: domain.clone() }].into();
    };
    let mut reasons = BTreeSet::new();
    let age = world.now.steady.since(picture.started);
    let limit = world.policy.freshness.evidence_age;
    if age > limit {
        reasons.insert(Reason::EvidenceTooOld { domain: domain.clone(), age, limit });
    }
    reasons.extend(other_accounts(world, domain, picture));
    reasons.extend(unheard(world, domain, picture));
    reasons
}

/// A directory server of the domain that counts and gives no evidence now, if there is one.
pub(crate) fn without_evidence(world: World<'_>, domain: &DomainName) -> Option<Reason> {
    unheard(world, domain, world.estate.domains.get(domain)?).next()
}

/// Directory servers of the domain that count and give no evidence now: they failed, were not asked, or are not heard any more.
fn unheard<'a>(
    world: World<'a>,
    domain: &DomainName,
    picture: &'a DomainPicture,
) -> impl Iterator<Item = Reason> + use<'a> {
    let failed = picture.failed.iter().map(|(server, why)| (server, why.clone()));
    let counted = world.policy.domains.get(domain).map(|domain| &domain.servers);
    let silent = counted.into_iter().flatten().filter_map(move |server| match picture.seen.get(server) {
        None if picture.failed.contains_key(server) => None,
        None => Some((server, "the last survey did not ask it".to_owned())),
        // A watch that says nothing is missing evidence, not silence.
        Some(seen) if world.now.steady.since(*seen) > world.policy.freshness.watch_age => {
            let why = format!(
                "nothing was heard of what changes there for {}, more than {}",
                Readable(world.now.steady.since(*seen)),
                Readable(world.policy.freshness.watch_age)
            );
            Some((server, why))
        }
        Some(_) => None,
    });
    failed.chain(silent).map(|(server, why)| Reason::DirectoryServer { server: server.clone(), why })
}

/// What speaks against what this domain was judged with of service accounts: that its servers, or those of others, do not agree
/// on who one is; accounts of others of which their own domain shows something else by now, or nothing; and directory servers
/// there, or of the Exchange servers' domains, that give no evidence. Whoever had the right may lack it.
fn other_accounts<'a>(world: World<'a>, domain: &'a DomainName, picture: &DomainPicture) -> BTreeSet<Reason> {
    let mut reasons = BTreeSet::new();
    let accounts = || world.policy.goodlink_in(domain).map(|(_, goodlink)| &goodlink.service_account);
    // Where Exchange servers of another domain ask, groups that are local to that one are in the token.
    let asks = |(_, goodlink): (_, &'a GoodLinkPolicy)| {
        let machines = goodlink.exchange.iter().filter_map(|server| world.policy.exchange.get(server)?.domain.as_ref());
        machines.map(|other| (other, &goodlink.service_account))
    };
    for (other, account) in world.policy.goodlink_in(domain).flat_map(asks).filter(|(other, _)| *other != domain) {
        let shown = world.estate.domains.get(other);
        if shown.is_some_and(|shown| !shown.accounts.contains_key(account) && !shown.disputed.contains_key(account)) {
            reasons.insert(Reason::AccountUnseen { domain: other.clone(), account: account.clone() });
        }
    }
    // A group that an account has left may be known there alone.
    let machines = world.policy.goodlink_in(domain).flat_map(asks).map(|(other, _)| other);
    let others: BTreeSet<_> = accounts().map(|account| &account.domain).chain(machines).collect();
    for other in others {
        let Some(shown) = world.estate.domains.get(other) else {
            reasons.insert(Reason::NotSurveyed { domain: other.clone() });
            continue;
        };
        reasons.extend(unheard(world, other, shown).take_while(|_| other != domain));
        reasons.extend(accounts().filter_map(|account| several(other, shown, account)));
    }
    reasons.extend(accounts().filter_map(|account| several(domain, picture, account)));
    for account in accounts().filter(|account| account.domain != *domain) {
        let judged = picture.accounts.get(account);
        let Some((judged, home)) = judged.zip(world.estate.domains.get(&account.domain)) else { continue };
        let present = home.accounts.get(account);
        let (domain, account) = (domain.clone(), account.clone());
        match present {
            Some(present) if present.sid == judged.sid => {
                // One of this domain's servers may have been told, and another one not yet. Where those at home differ for
                // good, what only some of them show has no effect here.
                let by_all = judged.everywhere.difference(&present.everywhere);
                let by_some = judged.anywhere.difference(&present.everywhere);
                let mut left = by_all.chain(by_some.filter(|group| !present.uncertain.contains(group)));
                let why = left.next().map(|group| Reason::FormerGroup { domain, account, group: group.clone() });
                reasons.extend(why);
            }
            _ => {
                let (judged, present) = (judged.sid.clone(), present.map(|present| present.sid.clone()));
                reasons.insert(Reason::OtherAccount { domain, account, judged, present });
            }
        }
    }
    reasons
}

/// Whether this restarts the GoodLink server: by its name, or on the host that it has, where it may have had another name then.
pub(crate) fn restarts(world: World<'_>, name: &GoodLinkName, effect: &Effect) -> bool {
    let Effect::RestartGoodlink { goodlink, host, .. } = effect else { return false };
    goodlink == name || world.policy.goodlink.get(name).is_some_and(|known| known.host == *host)
}

/// Why what the GoodLink server's host said last is not what it would say now of who is paused: a restart of ours, which
/// un-pauses everybody, has begun and had not ended before. The intent `except` does not count.
pub(crate) fn restarted_since(world: World<'_>, name: &GoodLinkName, except: Option<Sequence>) -> Option<String> {
    let reported = world.estate.hosts.get(&world.policy.goodlink.get(name)?.host)?.reported;
    world.ledger.intents.iter().filter(|(id, _)| Some(**id) != except).find_map(|(id, intent)| match &intent.state {
        _ if !restarts(world, name, &intent.effect) => None,
        IntentState::Permitted { .. } => Some(format!("it is being restarted (intent {id})")),
        IntentState::Ended { at, .. } if intent.state.began() && reported <= *at => {
            Some(format!("it has not reported since it was restarted (intent {id})"))
        }
        IntentState::Filed | IntentState::Ended { .. } => None,
    })
}

/// That the domain's servers do not agree on who the account is, if so.
fn several(domain: &DomainName, picture: &DomainPicture, account: &AccountName) -> Option<Reason> {
    let (domain, account, shown) = (domain.clone(), account.clone(), picture.disputed.get(account)?.clone());
    Some(Reason::SeveralAccounts { domain, account, shown })
}

/// Whether the GoodLink server's report is there, complete, fresh and as declared.
fn goodlink_report(world: World<'_>, name: &GoodLinkName, goodlink: &GoodLinkPolicy) -> Result<(), BTreeSet<Reason>> {
    let one = |reason| BTreeSet::from([reason]);
    let why = |why: String| Reason::Goodlink { goodlink: name.clone(), why };
    let Some(host) = world.estate.hosts.get(&goodlink.host) else {
        return Err(one(Reason::GoodlinkNeverReported { goodlink: name.clone() }));
    };
    let silent = world.now.steady.since(host.reported);
    if silent > world.policy.freshness.silent_after {
        return Err(one(Reason::GoodlinkSilent { goodlink: name.clone(), silent }));
    }
    let Some(state) = &host.goodlink else {
        return Err(one(why(format!("its host {} reports no GoodLink role", goodlink.host))));
    };
    let mut reasons = BTreeSet::new();
    reasons.extend(restarted_since(world, name, None).map(why));
    match other_account(world, goodlink, state) {
        Err(error) => drop(reasons.insert(why(format!("its service could not be asked: {error}")))),
        Ok(Some(other)) => drop(reasons.insert(Reason::AccountDiffers {
            goodlink: name.clone(),
            declared: goodlink.service_account.clone(),
            reported: other.to_owned(),
        })),
        Ok(None) => {}
    }
    if let Err(error) = &state.paused {
        reasons.insert(why(format!("its paused users could not be read: {error}")));
    }
    match (&state.roster, world.estate.rosters.get(name)) {
        (Err(error), _) => drop(reasons.insert(why(format!("its roster could not be read: {error}")))),
        (Ok(digest), Some(roster)) if roster.digest == *digest => {
            if roster.users.is_empty() {
                reasons.insert(Reason::EmptyRoster { goodlink: name.clone() });
            }
        }
        (Ok(_), _) => {
            let fault = world.estate.roster_faults.get(name).map(|fault| format!("its roster cannot be used: {fault}"));
            reasons.insert(why(fault.unwrap_or_else(|| "its present roster has not arrived yet".to_owned())));
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// The account that the service logs on with, where that is not the declared one; an error where it could not be asked.
pub(crate) fn other_account<'a>(
    world: World<'_>,
    goodlink: &GoodLinkPolicy,
    state: &'a GoodLinkState,
) -> Result<Option<&'a str>, &'a str> {
    let logon = state.service.as_ref().map_err(String::as_str)?.logon_account.as_str();
    Ok((world.policy.account(logon).as_ref() != Some(&goodlink.service_account)).then_some(logon))
}

/// Whether the GoodLink server has another roster by now than the one that is known, which is on its way.
pub(crate) fn is_roster_awaited(world: World<'_>, name: &GoodLinkName, state: &GoodLinkState) -> bool {
    let Ok(digest) = &state.roster else { return false };
    let known = world.estate.rosters.get(name).is_some_and(|roster| roster.digest == *digest);
    !known && !world.estate.roster_faults.contains_key(name)
}
