//! From what a survey read to what is true: one verdict per pair and server, then one per pair over all servers that
//! count. A server that failed is evidence missing for every user.
//!
//! 1. [`look`] says which users to judge; [`Judge::presence`] what every server says of one name;
//! 2. `server` gives the verdict of a pair on one server, `missing` the cause where no entry applies, `chain` what the
//!    containers above a user have to do with it;
//! 3. here the servers' verdicts become one: the worst that any of them shows;
//! 4. `propose` asks for the grant that would help; `gone` which entries of ours are not there any more.
//!
//! Users whose evidence is the same share one verdict: it is judged once (`shared`).

mod account;
pub(super) mod chain;
mod gone;
mod missing;
mod propose;
pub(super) mod server;
mod setting;
mod shared;

pub use setting::{Elsewhere, Setting, powerful};

use super::cause::Cause;
use super::picture::{Judged, Look};
use super::reading::{DomainReading, FoundUser, Home, ServerFailure, UserReading};
use super::verdict::{Presence, ServerVerdict, UserPicture, Verdict, VerdictKind};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName};
use crate::time::Steady;
use shared::Shared;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which users a change can have touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// Any of them.
    All,
    /// Nobody but these.
    Names(BTreeSet<DirectoryName>),
}

impl Touched {
    /// None of them.
    #[must_use]
    pub fn nobody() -> Self {
        Self::Names(BTreeSet::new())
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, user: &DirectoryName) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.contains(user),
        }
    }

    /// These and others.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        match (self, more) {
            (Self::Names(mut known), Self::Names(more)) => {
                known.extend(more);
                Self::Names(known)
            }
            _ => Self::All,
        }
    }
}

/// Why a user whose evidence was read in part is not judged by what he has.
const IN_PART: &str = "what has changed was read in part, and counts once everything was read";

/// Judges what was read.
#[must_use]
pub fn look(reading: &DomainReading, setting: &Setting, touched: &Touched) -> Look {
    let mut judge = Judge::new(reading, setting);
    let mut judged = |names: &BTreeSet<DirectoryName>| -> BTreeMap<DirectoryName, Presence> {
        names.iter().map(|name| (name.clone(), judge.presence(name))).collect()
    };
    let users = match touched {
        Touched::All => Judged::All(judged(&reading.asked)),
        Touched::Names(names) => Judged::Some(judged(names)),
    };
    let (mut failed, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for (name, server) in &reading.servers {
        match server {
            // It shows nothing but what is missing.
            Ok(server) if server.in_part == Touched::All => drop(failed.insert(name.clone(), IN_PART.to_owned())),
            Ok(server) => drop(seen.insert(name.clone(), server.seen)),
            Err(ServerFailure(why)) => drop(failed.insert(name.clone(), why.clone())),
        }
    }
    let asked = reading.accounts();
    let accounts = asked.iter().filter_map(|name| Some(((*name).clone(), account::agreed(reading, name)?)));
    let disputed = asked.iter().filter_map(|name| Some(((*name).clone(), account::disputed(reading, name)?)));
    Look {
        domain: reading.domain.clone(),
        arrived: seen.values().copied().fold(reading.started, Steady::max),
        lacking: judge.lacking,
        started: reading.started,
        failed,
        seen,
        accounts: accounts.collect(),
        disputed: disputed.collect(),
        gone: gone::gone(reading, setting),
        users,
    }
}

/// Judges the users of one reading.
#[derive(Debug)]
pub struct Judge<'a> {
    reading: &'a DomainReading,
    setting: &'a Setting,
    shared: Shared,
    /// Objects of ambiguous names that are shown without the right.
    lacking: BTreeSet<(Guid, AccountName)>,
}

impl<'a> Judge<'a> {
    /// For one reading; nothing is judged yet.
    #[must_use]
    pub fn new(reading: &'a DomainReading, setting: &'a Setting) -> Self {
        Self { reading, setting, shared: Shared::default(), lacking: BTreeSet::new() }
    }

    /// What every server says of one name.
    pub fn presence(&mut self, user: &DirectoryName) -> Presence {
        let mut found: Vec<&Arc<FoundUser>> = Vec::with_capacity(self.reading.servers.len());
        let mut several = BTreeSet::new();
        let mut unknown = self.reading.servers.is_empty().then(|| "no directory server was asked".to_owned());
        for (name, server) in &self.reading.servers {
            match server {
                Err(ServerFailure(why)) => unknown = Some(format!("{name}: {why}")),
                Ok(server) => match server.users.get(user) {
                    Some(UserReading::Found(here)) => found.push(here),
                    Some(UserReading::NotFound) if server.in_part.has(user) => {
                        unknown = Some(format!("{name}: {IN_PART}"));
                    }
                    Some(UserReading::NotFound) => {}
                    Some(UserReading::Ambiguous(dns)) => several.extend(dns.iter().cloned()),
                    Some(UserReading::Failed(why)) => unknown = Some(format!("{name}: {why}")),
                    None => unknown = Some(format!("{name} did not account for him")),
                },
            }
        }
        let guids: BTreeSet<Guid> = found.iter().map(|user| user.guid).collect();
        if guids.len() > 1 {
            several.extend(found.iter().map(|user| user.dn.clone()));
        }
        if !several.is_empty() {
            self.keep_lacking(user);
            return Presence::Ambiguous(several);
        }
        let Some(first) = found.first() else {
            return unknown.map_or(Presence::Absent, Presence::Unknown);
        };
        let home = if found.iter().all(|user| user.home == first.home) {
            first.home.clone()
        } else {
            let homes: BTreeSet<&Home> = found.iter().map(|user| &user.home).collect();
            Home::Unclear(format!("the directory servers differ: {homes:?}"))
        };
        let verdicts: Vec<(AccountName, Arc<Verdict>)> = self
            .setting
            .accounts
            .iter()
            .map(|account| (account.clone(), self.over_servers(user, &home, account)))
            .collect();
        // Nor is anything granted by a part: he may be protected by now.
        let in_part = self.reading.servers.values().flatten().any(|server| server.in_part.has(user));
        let placements = if in_part { BTreeMap::new() } else { self.placements(user, first.guid, &verdicts) };
        Presence::Here(Box::new(UserPicture {
            dn: first.dn.clone(),
            guid: first.guid,
            home,
            verdicts: self.shared.verdicts(verdicts),
            placements: self.shared.placements(placements),
        }))
    }

    /// Which of the objects that go by the name is shown without the right: the others may be renamed or removed.
    fn keep_lacking(&mut self, user: &DirectoryName) {
        let setting = self.setting;
        for (name, server) in
            self.reading.servers.iter().filter_map(|(name, server)| Some((name, server.as_ref().ok()?)))
        {
            let Some(UserReading::Found(found)) = server.users.get(user) else { continue };
            for account in &setting.accounts {
                if self.on_server(name, server, user, &found.home, account).lacking().is_some() {
                    self.lacking.insert((found.guid, account.clone()));
                }
            }
        }
    }

    /// One verdict over all servers that count.
    fn over_servers(&mut self, user: &DirectoryName, home: &Home, account: &AccountName) -> Arc<Verdict> {
        let mut servers: Vec<(&DirectoryServerName, Arc<ServerVerdict>)> = Vec::new();
        for (name, server) in &self.reading.servers {
            let verdict = match server {
                Err(ServerFailure(why)) => {
                    self.shared.failure(name, || server::unread(Cause::ServerFailed { why: why.clone() }))
                }
                Ok(server) => match self.on_server(name, server, user, home, account) {
                    verdict if verdict.lacking().is_some() || !server.in_part.has(user) => verdict,
                    _ => self.shared.failure(name, || server::unread(Cause::ServerFailed { why: IN_PART.to_owned() })),
                },
            };
            servers.push((name, verdict));
        }
        self.shared.verdict(&servers, worst)
    }
}

/// The worst that any server shows.
fn worst(servers: &[(&DirectoryServerName, Arc<ServerVerdict>)]) -> Verdict {
    let all = || servers.iter().map(|(name, verdict)| ((*name).clone(), Arc::clone(verdict))).collect();
    let by_kind = |kind: VerdictKind| servers.iter().filter(move |(_, verdict)| verdict.kind == kind);
    // Unknown first: what a silent server would have said may be anything. Then what is wrong, then what will go wrong.
    for kind in [VerdictKind::Unreadable, VerdictKind::Unresolved, VerdictKind::CannotTell, VerdictKind::Denied] {
        if let Some((name, worst)) = by_kind(kind).next() {
            let cause = match &worst.cause {
                Cause::ServerFailed { why } => Cause::ServerFailed { why: format!("{name}: {why}") },
                Cause::NotUnderstood { why } => Cause::NotUnderstood { why: format!("{name}: {why}") },
                other => other.clone(),
            };
            return Verdict { kind, cause, servers: all() };
        }
    }
    let lacks: BTreeSet<_> = by_kind(VerdictKind::Missing).map(|(name, _)| (*name).clone()).collect();
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
        let holds = servers.iter().map(|(name, _)| (*name).clone()).filter(|name| !lacks.contains(name)).collect();
        (VerdictKind::Replicating, Cause::ServersDiffer { holds, lacks })
    };
    Verdict { kind, cause, servers: all() }
}
