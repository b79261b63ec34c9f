//! Which remedies fit a cause. Every cause has one: a new cause does not compile without.

use super::Remedy;
use crate::coverage::advice;
use crate::coverage::cause::{Cause, Holder, Warning};
use crate::coverage::judge::Setting;
use crate::coverage::placement::{NoPlacement, PlannedGrant};
use crate::coverage::reading::{DomainReading, GroupPath, Home, ServerFailure, ServerReading};
use crate::coverage::verdict::{DecidingEntry, Placement, ServerVerdict, UserPicture, Verdict, VerdictKind};
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName};
use crate::sid::Sid;
use std::collections::BTreeSet;

/// A pair that was judged.
pub(crate) struct Case<'a> {
    /// The user's domain.
    pub(crate) domain: &'a DomainName,
    /// Its servers that gave no evidence, with what they said.
    pub(crate) failed: BTreeSet<String>,
    /// Its AdminSDHolder, where that is known.
    pub(crate) holder: Option<Dn>,
    /// The service account's SID, where that is known.
    pub(crate) account_sid: Option<&'a Sid>,
    /// The server whose containers grants are placed on.
    pub(crate) grant_server: &'a DirectoryServerName,
    /// Whether the domain of the Exchange server that holds the mailbox is known.
    pub(crate) placed: bool,
    pub(crate) name: &'a DirectoryName,
    pub(crate) here: &'a UserPicture,
    pub(crate) account: &'a AccountName,
    pub(crate) verdict: &'a Verdict,
}

impl<'a> Case<'a> {
    /// From what was read.
    pub(in crate::coverage::explain) fn of(
        reading: &'a DomainReading,
        setting: &'a Setting,
        (name, here): (&'a DirectoryName, &'a UserPicture),
        (account, verdict): (&'a AccountName, &'a Verdict),
    ) -> Self {
        let mut servers = reading.servers.values().flatten();
        Self {
            domain: &reading.domain,
            failed: failed(reading),
            holder: servers.clone().map(ServerReading::holder).next(),
            account_sid: servers.find_map(|server| Some(&server.accounts.get(account)?.as_ref().ok()?.sid)),
            grant_server: &setting.grant_server,
            placed: matches!(&here.home, Home::Server(server) if setting.exchange_domain.contains_key(server)),
            name,
            here,
            account,
            verdict,
        }
    }
}

/// Nobody of that name is in the domain.
pub(in crate::coverage::explain) fn absent(name: &DirectoryName) -> Vec<Remedy> {
    vec![Remedy::CorrectRoster { name: name.clone(), dns: BTreeSet::new() }]
}

/// Several objects have the name.
pub(in crate::coverage::explain) fn ambiguous(name: &DirectoryName, dns: &BTreeSet<Dn>) -> Vec<Remedy> {
    vec![Remedy::CorrectRoster { name: name.clone(), dns: dns.clone() }]
}

/// Whether he is there could not be told.
pub(in crate::coverage::explain) fn unknown(reading: &DomainReading, why: &str) -> Vec<Remedy> {
    vec![silent(&reading.domain, failed(reading), why)]
}

fn silent(domain: &DomainName, failed: BTreeSet<String>, why: &str) -> Remedy {
    if failed.is_empty() {
        Remedy::ReadAgain { domain: domain.clone(), why: why.to_owned() }
    } else {
        Remedy::BringBack { servers: failed }
    }
}

/// What would cover the pair; the first is the smallest change.
pub(crate) fn of(case: &Case<'_>) -> Vec<Remedy> {
    let user = || case.here.dn.clone();
    let waive = || Remedy::Waive { user: case.name.clone() };
    match &case.verdict.cause {
        Cause::Granted => {
            let mut remedies = vec![Remedy::Nothing];
            remedies.extend(case.verdict.warnings().map(|warning| case.narrow(warning)));
            remedies
        }
        Cause::NoEntry | Cause::Conditional { .. } | Cause::FormerAccount { .. } | Cause::NotForClass { .. } => {
            case.grant()
        }
        Cause::InheritanceBlocked { at } => with(case.grant(), [Remedy::RestoreInheritance { at: at.clone() }]),
        Cause::StaleAdminCount => with(case.grant(), [Remedy::ClearAdminCount { at: user() }]),
        Cause::UncertainGroup { .. } => {
            let declare = match &case.here.home {
                Home::Server(server) if !case.placed => Some(Remedy::DeclareExchange { server: server.clone() }),
                Home::Server(_) | Home::None | Home::Unclear(_) => None,
            };
            with(case.grant(), declare)
        }
        Cause::Protected { path, holder } => case.protected(path, *holder),
        Cause::DeniedByEntry => with(case.denied(), [waive()]),
        Cause::NullDacl => vec![Remedy::RepairDescriptor { at: user() }],
        Cause::NotShown => {
            let servers = case.servers(|seen| seen.cause == Cause::NotShown);
            vec![Remedy::ReadPermissions { at: user(), servers }]
        }
        Cause::NotUnderstood { why } => {
            vec![Remedy::ReadAgain { domain: case.domain.clone(), why: why.clone() }]
        }
        Cause::ServerFailed { why } => vec![silent(case.domain, case.failed.clone(), why)],
        // Found on another server, or nobody would have been judged.
        Cause::NotFound => {
            let behind = case.servers(|seen| seen.cause == Cause::NotFound);
            vec![Remedy::AwaitReplication { behind, domain: case.domain.clone() }]
        }
        Cause::Ambiguous { dns } => ambiguous(case.name, dns),
        Cause::TokenUnknown { why } => {
            vec![Remedy::CorrectAccount { account: case.account.clone(), why: why.clone() }]
        }
        Cause::Linked { owner } => vec![Remedy::AskOwner { owner: owner.clone() }, waive()],
        Cause::Disabled => vec![Remedy::Owner { at: user() }, waive()],
        Cause::NoMailbox => vec![Remedy::Mailbox { at: user() }, waive()],
        Cause::ServersDiffer { lacks, .. } => {
            vec![Remedy::AwaitReplication { behind: lacks.clone(), domain: case.domain.clone() }]
        }
    }
}

impl Case<'_> {
    /// The entry that was planned, or what stands in its way.
    fn grant(&self) -> Vec<Remedy> {
        let at = || self.here.dn.clone();
        vec![match self.here.placements.get(self.account) {
            Some(Placement::Grant(grant)) => grant_remedy(grant),
            Some(Placement::None(NoPlacement::OnItsWay { place })) => Remedy::AwaitInheritance { at: place.clone() },
            Some(Placement::None(NoPlacement::Class { class })) => {
                Remedy::OtherClass { at: at(), class: class.clone() }
            }
            Some(Placement::None(NoPlacement::Unreadable { place })) => {
                Remedy::ReadPermissions { at: place.clone(), servers: [self.grant_server.clone()].into() }
            }
            Some(Placement::None(NoPlacement::Refused { place, reason })) => {
                Remedy::RepairList { at: place.clone(), why: reason.clone() }
            }
            Some(Placement::None(NoPlacement::Protected { path })) => self.leave(path),
            // The server that grants are written to does not know him or the account yet.
            None => {
                Remedy::AwaitReplication { behind: [self.grant_server.clone()].into(), domain: self.domain.clone() }
            }
        }]
    }

    fn protected(&self, path: &GroupPath, holder: Holder) -> Vec<Remedy> {
        let leave = self.leave(path);
        let approve = Remedy::GrantOnHolder { account: self.account.clone(), domain: self.domain.clone() };
        let waive = Remedy::Waive { user: self.name.clone() };
        match holder {
            Holder::Grants => vec![Remedy::AwaitPropagator],
            Holder::Lacks if self.here.placements.contains_key(self.account) => with(self.grant(), [leave, waive]),
            Holder::Lacks => vec![leave, approve, waive],
            Holder::NotShown => {
                let servers =
                    self.servers(|seen| matches!(&seen.cause, Cause::Protected { holder: Holder::NotShown, .. }));
                let read = self.holder.clone().map(|at| Remedy::ReadPermissions { at, servers });
                read.into_iter().chain([leave, waive]).collect()
            }
        }
    }

    fn leave(&self, path: &GroupPath) -> Remedy {
        match path.0.as_slice() {
            [only] if *only == self.here.dn => Remedy::ProtectedUser { at: only.clone() },
            path => Remedy::UserLeaves { path: path.to_vec() },
        }
    }

    fn denied(&self) -> Vec<Remedy> {
        let denied = self.verdict.servers.values().filter(|seen| seen.kind == VerdictKind::Denied);
        let entries: BTreeSet<&DecidingEntry> = denied.filter_map(|seen| seen.deciding.as_ref()).collect();
        if entries.is_empty() {
            let why = "no server names the entry that denies".to_owned();
            return vec![Remedy::ReadAgain { domain: self.domain.clone(), why }];
        }
        let mut remedies: Vec<Remedy> = Vec::new();
        for DecidingEntry { sddl, inherited, from, .. } in &entries {
            let at = if *inherited { from.clone() } else { Some(self.here.dn.clone()) };
            let remove = Remedy::RemoveDeny { entry: sddl.clone(), at };
            if !remedies.contains(&remove) {
                remedies.push(remove);
            }
        }
        // A token's own SID cannot be left; a group can.
        let groups: BTreeSet<&Sid> = entries.iter().map(|entry| &entry.trustee).collect();
        let groups = groups.into_iter().filter(|sid| sid.domain().is_some() && self.account_sid != Some(*sid));
        let leave = |group: &Sid| Remedy::AccountLeaves { account: self.account.clone(), group: group.clone() };
        remedies.extend(groups.map(leave));
        let inherited = entries.iter().all(|entry| entry.inherited);
        match self.here.placements.get(self.account) {
            Some(Placement::Grant(grant)) => remedies.push(grant_remedy(grant)),
            Some(Placement::None(NoPlacement::Protected { path })) => remedies.push(self.leave(path)),
            // Nothing that keeps a list in order stands before his own deny.
            _ if inherited => remedies.push(Remedy::OverrideDeny {
                at: self.here.dn.clone(),
                user: self.name.clone(),
                account: self.account.clone(),
            }),
            _ => {}
        }
        remedies
    }

    /// What would rid a covered user of what deserves a look.
    fn narrow(&self, warning: &Warning) -> Remedy {
        let account = self.account.clone();
        match warning {
            Warning::PowerfulGroup { name, .. } => Remedy::GrantItself { account, through: name.clone() },
            Warning::Everybody { sid } => {
                let entries = self.verdict.servers.values().filter_map(|seen| seen.deciding.as_ref());
                let entry = entries.filter(|entry| entry.trustee == *sid).map(|entry| entry.sddl.clone()).next();
                Remedy::NarrowEntry { account, entry: entry.unwrap_or_else(|| sid.to_string()) }
            }
        }
    }

    fn servers(&self, which: impl Fn(&ServerVerdict) -> bool) -> BTreeSet<DirectoryServerName> {
        self.verdict.servers.iter().filter(|(_, seen)| which(seen)).map(|(server, _)| server.clone()).collect()
    }
}

fn grant_remedy(grant: &PlannedGrant) -> Remedy {
    let advice = advice::advice(grant, None);
    Remedy::Grant {
        at: grant.place.clone(),
        account: grant.account.clone(),
        entry: grant.form.entry(&grant.sid).map_or_else(|error| error.to_string(), |entry| entry.to_sddl()),
        dsacls: advice.dsacls,
        powershell: advice.powershell,
    }
}

fn with(first: Vec<Remedy>, others: impl IntoIterator<Item = Remedy>) -> Vec<Remedy> {
    first.into_iter().chain(others).collect()
}

fn failed(reading: &DomainReading) -> BTreeSet<String> {
    let failed = reading.servers.iter().filter_map(|(server, shown)| match shown {
        Err(ServerFailure(why)) => Some(format!("{server}: {why}")),
        Ok(_) => None,
    });
    failed.collect()
}
