//! From what a survey read to what is true: one verdict per pair and server, then one per pair over all servers that
//! count. A server that failed is evidence missing for every user.

use super::placement::{self, Reach};
use super::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, Home, ServerFailure, ServerReading, UserReading,
};
use super::verdict::{Cause, DecidingEntry, DomainPicture, Presence, ServerVerdict, UserPicture, Verdict, VerdictKind};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn};
use crate::secdesc::access::{self, Outcome, Token};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Judges one survey of a domain. `accounts` are the service accounts that serve it; `grant_server` is the server whose
/// containers grants are placed on.
#[must_use]
pub fn judge(
    reading: &DomainReading,
    accounts: &BTreeSet<AccountName>,
    grant_server: &DirectoryServerName,
    reach: Reach,
) -> DomainPicture {
    let mut picture = DomainPicture {
        domain: reading.domain.clone(),
        started: reading.started,
        failed: BTreeMap::new(),
        read: BTreeSet::new(),
        users: BTreeMap::new(),
        grants: BTreeSet::new(),
        not_grantable: BTreeMap::new(),
    };
    for (name, server) in &reading.servers {
        match server {
            Ok(_) => drop(picture.read.insert(name.clone())),
            Err(ServerFailure(why)) => drop(picture.failed.insert(name.clone(), why.clone())),
        }
    }
    for user in &reading.asked {
        let presence = presence(reading, user, accounts);
        if let Presence::Here(here) = &presence {
            propose(&mut picture, reading, user, here, grant_server, reach);
        }
        picture.users.insert(user.clone(), presence);
    }
    picture
}

/// What every server says of one name.
fn presence(reading: &DomainReading, user: &DirectoryName, accounts: &BTreeSet<AccountName>) -> Presence {
    let mut found: BTreeMap<&DirectoryServerName, Arc<FoundUser>> = BTreeMap::new();
    let mut several = BTreeSet::new();
    let mut unknown = reading.servers.is_empty().then(|| "no directory server was asked".to_owned());
    for (name, server) in &reading.servers {
        match server {
            Err(ServerFailure(why)) => unknown = Some(format!("{name}: {why}")),
            Ok(server) => match server.users.get(user) {
                Some(UserReading::Found(here)) => drop(found.insert(name, Arc::clone(here))),
                Some(UserReading::NotFound) => {}
                Some(UserReading::Ambiguous(dns)) => several.extend(dns.iter().cloned()),
                Some(UserReading::Failed(why)) => unknown = Some(format!("{name}: {why}")),
                None => unknown = Some(format!("{name} did not account for him")),
            },
        }
    }
    let guids: BTreeSet<Guid> = found.values().map(|user| user.guid).collect();
    if guids.len() > 1 {
        several.extend(found.values().map(|user| user.dn.clone()));
    }
    if !several.is_empty() {
        return Presence::Ambiguous(several);
    }
    let Some(first) = found.values().next() else {
        return unknown.map_or(Presence::Absent, Presence::Unknown);
    };
    let homes: BTreeSet<&Home> = found.values().map(|user| &user.home).collect();
    let home = match homes.len() {
        1 => first.home.clone(),
        _ => Home::Unclear(format!("the directory servers differ: {homes:?}")),
    };
    let verdicts = accounts.iter().map(|account| (account.clone(), over_servers(reading, user, account))).collect();
    Presence::Here(Box::new(UserPicture { dn: first.dn.clone(), guid: first.guid, home, verdicts }))
}

/// One verdict over all servers that count: the worst that any of them shows.
fn over_servers(reading: &DomainReading, user: &DirectoryName, account: &AccountName) -> Verdict {
    let servers: BTreeMap<DirectoryServerName, ServerVerdict> = reading
        .servers
        .iter()
        .map(|(name, server)| {
            let verdict = match server {
                Err(ServerFailure(why)) => unread(Cause::ServerFailed { why: why.clone() }),
                Ok(server) => on_server(reading, server, user, account),
            };
            (name.clone(), verdict)
        })
        .collect();
    let by_kind = |kind: VerdictKind| servers.iter().filter(move |(_, verdict)| verdict.kind == kind);
    // Unknown first: what a silent server would have said may be anything. Then what is wrong, then what will go wrong.
    for kind in [VerdictKind::Unreadable, VerdictKind::Unresolved, VerdictKind::CannotTell, VerdictKind::Denied] {
        if let Some((name, worst)) = by_kind(kind).next() {
            let cause = match &worst.cause {
                Cause::ServerFailed { why } => Cause::ServerFailed { why: format!("{name}: {why}") },
                Cause::NotUnderstood { why } => Cause::NotUnderstood { why: format!("{name}: {why}") },
                other => other.clone(),
            };
            return Verdict { kind, cause, servers };
        }
    }
    let lacks: BTreeSet<_> = by_kind(VerdictKind::Missing).map(|(name, _)| name.clone()).collect();
    let (kind, cause) = if lacks.is_empty() {
        let perishable = by_kind(VerdictKind::Perishable).next();
        match perishable.or_else(|| by_kind(VerdictKind::Covered).next()) {
            Some((_, verdict)) => (verdict.kind, verdict.cause.clone()),
            None => (VerdictKind::Unreadable, Cause::ServerFailed { why: "no directory server was asked".to_owned() }),
        }
    } else if lacks.len() == servers.len() {
        // Protection explains more than a blocked inheritance, whichever server shows it.
        let causes: Vec<_> = by_kind(VerdictKind::Missing).map(|(_, verdict)| &verdict.cause).collect();
        let cause = causes.iter().find(|cause| matches!(cause, Cause::Protected { .. })).or_else(|| causes.first());
        (VerdictKind::Missing, cause.map_or(Cause::NoEntry, |cause| (*cause).clone()))
    } else {
        let holds = servers.keys().filter(|name| !lacks.contains(*name)).cloned().collect();
        (VerdictKind::Replicating, Cause::ServersDiffer { holds, lacks })
    };
    Verdict { kind, cause, servers }
}

fn unread(cause: Cause) -> ServerVerdict {
    ServerVerdict { kind: VerdictKind::Unreadable, cause, deciding: None }
}

/// What one server shows of a pair.
fn on_server(
    reading: &DomainReading,
    server: &ServerReading,
    user: &DirectoryName,
    account: &AccountName,
) -> ServerVerdict {
    let plain = |kind, cause| ServerVerdict { kind, cause, deciding: None };
    let found = match server.users.get(user) {
        Some(UserReading::Found(found)) => found,
        // Found on another server, or this would not be asked: created and not replicated, or being deleted.
        Some(UserReading::NotFound) => return plain(VerdictKind::Unresolved, Cause::NotFound),
        Some(UserReading::Ambiguous(dns)) => {
            return plain(VerdictKind::Unresolved, Cause::Ambiguous { dns: dns.iter().cloned().collect() });
        }
        Some(UserReading::Failed(why)) => return unread(Cause::NotUnderstood { why: why.clone() }),
        None => return unread(Cause::NotUnderstood { why: "the server did not account for him".to_owned() }),
    };
    if found.linked {
        return plain(VerdictKind::CannotTell, Cause::Linked);
    }
    if account.domain != reading.domain {
        return plain(VerdictKind::CannotTell, Cause::ForeignAccount);
    }
    let token = match server.accounts.get(account) {
        Some(Ok(account)) => token(account),
        Some(Err(why)) => return plain(VerdictKind::CannotTell, Cause::TokenUnknown { why: why.clone() }),
        None => {
            let why = format!("{account} was not asked for");
            return plain(VerdictKind::CannotTell, Cause::TokenUnknown { why });
        }
    };
    let descriptor = match &found.descriptor {
        DescriptorReading::Shown(descriptor) => descriptor,
        DescriptorReading::NotShown => return unread(Cause::NotShown),
        DescriptorReading::Malformed(why) => return unread(Cause::NotUnderstood { why: why.clone() }),
    };
    let decision = access::decide(descriptor, &token, &Guid::SEND_AS, &found.sid);
    let deciding = decision.deciding.map(|entry| DecidingEntry {
        index: entry.index,
        sddl: entry.ace,
        inherited: entry.inherited,
    });
    let (kind, cause) = match decision.outcome {
        Outcome::Granted => match &found.protected_by {
            Some(path) if !holder_grants(server, &token, found) => {
                (VerdictKind::Perishable, Cause::Protected { path: path.clone() })
            }
            _ => (VerdictKind::Covered, Cause::Granted),
        },
        Outcome::Denied => (VerdictKind::Denied, Cause::DeniedByEntry),
        Outcome::NoEntry => (VerdictKind::Missing, why_missing(server, found)),
        Outcome::NullDacl => (VerdictKind::CannotTell, Cause::NullDacl),
        Outcome::Unreadable => (VerdictKind::Unreadable, Cause::NotShown),
    };
    ServerVerdict { kind, cause, deciding }
}

fn token(account: &AccountReading) -> Token {
    Token { certain: account.certain.clone(), uncertain: account.uncertain.clone() }
}

/// Whether what the propagator will write grants the right as well.
fn holder_grants(server: &ServerReading, token: &Token, user: &FoundUser) -> bool {
    match &server.admin_sd_holder {
        DescriptorReading::Shown(holder) => {
            access::decide(holder, token, &Guid::SEND_AS, &user.sid).outcome == Outcome::Granted
        }
        DescriptorReading::NotShown | DescriptorReading::Malformed(_) => false,
    }
}

fn why_missing(server: &ServerReading, user: &FoundUser) -> Cause {
    if let Some(path) = &user.protected_by {
        return Cause::Protected { path: path.clone() };
    }
    let blocked = blocked_at(server, user);
    match blocked {
        Some(at) if at == user.dn && user.admin_count => Cause::StaleAdminCount,
        Some(at) => Cause::InheritanceBlocked { at },
        None => Cause::NoEntry,
    }
}

/// The lowest object, from the user up, whose DACL is protected; the domain head blocks nothing below it.
fn blocked_at(server: &ServerReading, user: &FoundUser) -> Option<Dn> {
    let mut descriptor = &user.descriptor;
    let mut here = user.dn.clone();
    while let DescriptorReading::Shown(shown) = descriptor {
        if here == server.head {
            return None;
        }
        if shown.dacl_protected() {
            return Some(here);
        }
        here = here.parent()?;
        descriptor = server.containers.get(&here)?;
    }
    None
}

/// Adds the grant that would cover each missing pair of this user, or why there is none.
fn propose(
    picture: &mut DomainPicture,
    reading: &DomainReading,
    user: &DirectoryName,
    here: &UserPicture,
    grant_server: &DirectoryServerName,
    reach: Reach,
) {
    let Some(Ok(server)) = reading.servers.get(grant_server) else { return };
    let Some(UserReading::Found(found)) = server.users.get(user) else { return };
    for (account, verdict) in &here.verdicts {
        // A protected user is never granted, whichever server shows the protection: within the hour it would be gone.
        if verdict.kind != VerdictKind::Missing || matches!(verdict.cause, Cause::Protected { .. }) {
            continue;
        }
        let Some(Ok(reading_of_account)) = server.accounts.get(account) else { continue };
        match placement::place(&reading.domain, account, &reading_of_account.sid, found, server, reach) {
            Ok(grant) => drop(picture.grants.insert(grant)),
            Err(why) => drop(picture.not_grantable.insert((user.clone(), account.clone()), why)),
        }
    }
}
