//! What is not the user's own: the service account, the error itself, the roster, the store.

use super::examiner::{Examiner, Patient, Standing, succeeded};
use super::{Check, Suspect};
use crate::coverage::explain::Remedy;
use crate::coverage::reading::Home;
use crate::coverage::{Cause, Presence, Verdict, VerdictKind};
use crate::gate::{self, Resolution, resolve};
use crate::ledger::Effect;
use crate::names::{DirectoryName, Dn, ExchangeServerName};
use crate::plan::disruption;
use std::collections::BTreeSet;

pub(super) fn checks(patient: &Patient<'_>) -> Vec<Check> {
    vec![account(patient), error(patient), roster(patient), server(patient)]
}

impl Examiner<'_> {
    /// The account that the service logs on with, where it is another one than the declared; an error when that is not
    /// known.
    pub(super) fn sends_as(&self) -> Result<Option<&str>, String> {
        gate::other_account(self.world, self.report.goodlink, self.report.state)
            .map_err(|why| format!("which account GoodLink's service logs on with is not known: {why}"))
    }
}

fn account(patient: &Patient<'_>) -> Check {
    let this = Suspect::WrongAccount;
    let (examiner, goodlink) = (patient.examiner, patient.examiner.report.goodlink);
    let declared = &goodlink.service_account;
    match examiner.sends_as() {
        Err(why) => {
            return Check::cannot_tell(this, why, format!("look at the service and the agent on {}", goodlink.host));
        }
        Ok(Some(other)) => {
            let evidence =
                format!("GoodLink's service on {} logs on as {other}, and {declared} is declared", goodlink.host);
            let next = format!(
                "let the service log on as {declared}, or declare {other} as the service_account of {}",
                examiner.name
            );
            return Check::it_is(this, evidence, next);
        }
        Ok(None) => {}
    }
    let (verdict, here) = match (&patient.verdict, &patient.object) {
        (Ok(verdict), Ok((_, here))) => (*verdict, *here),
        (Err(why), _) | (_, Err(why)) => return Check::cannot_tell(this, why, patient.read_again()),
    };
    let former = verdict.servers.iter().find(|(_, seen)| matches!(seen.cause, Cause::FormerAccount { .. }));
    if let Some((server, seen)) = former {
        return Check::it_is(this, format!("{} ({server})", seen.cause), patient.remedy(verdict, seen));
    }
    match patient.standing() {
        Standing::Unknown(why) => Check::cannot_tell(this, why, patient.read_again()),
        Standing::Lacks if verdict.kind == VerdictKind::Missing => match somebody_elses(patient, verdict, &here.dn) {
            Some(evidence) => {
                let seen = verdict.servers.values().find(|seen| seen.kind == VerdictKind::Missing);
                Check::it_is(
                    this,
                    evidence,
                    seen.map_or_else(|| patient.read_again(), |seen| patient.remedy(verdict, seen)),
                )
            }
            None => Check::ruled_out(
                this,
                format!(
                    "the service logs on as {declared}, as declared, and neither its former SID nor another service account is known to have the right on him"
                ),
            ),
        },
        Standing::Lacks | Standing::Holds => Check::ruled_out(
            this,
            format!("the service logs on as {declared}, as declared, and what the directory shows is of that account"),
        ),
    }
}

/// A right on him that another account has: by what the directory shows, else by a grant of ours that would reach him.
fn somebody_elses(patient: &Patient<'_>, verdict: &Verdict, dn: &Dn) -> Option<String> {
    let (domain, here) = patient.object.as_ref().ok()?;
    let examiner = patient.examiner;
    let declared = &examiner.report.goodlink.service_account;
    let other = here.verdicts.iter().find(|(other, seen)| *other != declared && seen.kind == VerdictKind::Covered);
    if let Some((other, _)) = other {
        return Some(format!("{other}, another service account, has the right on him, and {declared} has not"));
    }
    let ledger = examiner.world.ledger;
    let sid = ledger.accounts.get(declared).and_then(|sids| sids.last());
    // A blocked inheritance explains a grant that does not arrive; an entry for somebody else does not.
    let open = verdict.servers.values().all(|seen| matches!(seen.cause, Cause::NoEntry));
    let mut grants = ledger.intents.iter().filter(|(id, intent)| succeeded(intent) && !ledger.lost.contains_key(id));
    let (id, grant) = grants.find_map(|(id, intent)| match &intent.effect {
        Effect::Grant(grant) => {
            let undone = ledger.undone.get(&grant.entry()).is_some_and(|undo| undo.done.is_some());
            let others = grant.account != *declared || sid.is_some_and(|sid| *sid != grant.sid);
            (open && others && !undone && grant.domain == *domain && dn.is_within(&grant.place)).then_some((id, grant))
        }
        _ => None,
    })?;
    Some(format!("grant {id} on {} is for {} ({}), and {declared} sends", grant.place, grant.account, grant.sid))
}

/// The HRESULT that paused him last, in words, where it is not the one of a missing right.
pub(super) fn other_error(patient: &Patient<'_>) -> Option<String> {
    let pause = patient.pause;
    if !pause.send_as {
        return Some(format!(
            "his last pause line, of {:.0} by the host's clock, says {}",
            pause.last,
            hresult(pause.hresult)
        ));
    }
    let later = pause.later.filter(|later| later.last > pause.last)?;
    Some(format!(
        "his last pause line, of {:.0} by the host's clock, says {}; Send As was refused last at {:.0}",
        later.last,
        hresult(later.hresult),
        pause.last
    ))
}

fn error(patient: &Patient<'_>) -> Check {
    match other_error(patient) {
        Some(evidence) => Check::it_is(
            Suspect::OtherError,
            evidence,
            format!(
                "no right and no wait mends that: look for the lines around it in the Windows Application log and in \
                 GoodLink's log on {}",
                patient.examiner.report.goodlink.host
            ),
        ),
        None => Check::ruled_out(
            Suspect::OtherError,
            format!(
                "his last pause line, of {:.0} by the host's clock, says {}, which is a refused Send As",
                patient.pause.last,
                hresult(patient.pause.hresult)
            ),
        ),
    }
}

/// As logs write it, and as documentation lists it.
fn hresult(value: i64) -> String {
    match i32::try_from(value) {
        Ok(signed) => format!("HRESULT {value} (0x{:08X})", signed.cast_unsigned()),
        Err(_) => format!("HRESULT {value}"),
    }
}

fn roster(patient: &Patient<'_>) -> Check {
    let this = Suspect::Roster;
    let (examiner, user) = (patient.examiner, patient.user);
    let (world, name, host) = (examiner.world, examiner.name, &examiner.report.goodlink.host);
    match &examiner.report.state.roster {
        Ok(digest) if *digest == examiner.report.roster.digest => {}
        Ok(_) => {
            let fault = world.estate.roster_faults.get(name).map(|fault| format!(" and cannot be used: {fault}"));
            let fault = fault.unwrap_or_else(|| ", and the present one has not arrived yet".to_owned());
            let next = format!("look at the roster's export and the agent's log on {host}, if it stays so");
            return Check::cannot_tell(this, format!("the roster of {name} has changed{fault}"), next);
        }
        Err(why) => {
            let why = format!("the roster of {name} could not be read: {why}");
            return Check::cannot_tell(this, why, format!("look at the roster's export on {host}"));
        }
    }
    let Some(directory_name) = patient.directory_name else {
        let evidence = format!("{name} has paused {user}, and he is not on its roster");
        let next = format!(
            "look in GoodLink's console on {host} who {user} is, and correct the roster's export or remove him"
        );
        return Check::it_is(this, evidence, next);
    };
    match resolve(world, examiner.report.goodlink, directory_name) {
        Resolution::Here(_, here) => {
            Check::ruled_out(this, format!("the roster of {name} has him as {directory_name}, which is {}", here.dn))
        }
        Resolution::Not(why) | Resolution::Several(why) => {
            let dns = candidates(patient, directory_name);
            let correct = Remedy::CorrectRoster { name: directory_name.clone(), dns };
            let evidence = format!("the roster of {name} has him as {directory_name}: {why}");
            Check::it_is(this, evidence, correct.to_string())
        }
        Resolution::Unknown(why) => {
            let next = "see which domain or directory server gives no evidence: sendgate domains";
            Check::cannot_tell(this, why, next)
        }
    }
}

/// The objects of that name, in every domain where he may be.
fn candidates(patient: &Patient<'_>, name: &DirectoryName) -> BTreeSet<Dn> {
    let domains = patient.examiner.report.goodlink.domains.iter();
    let pictures = domains.filter_map(|domain| patient.examiner.world.estate.domains.get(domain));
    let mut dns = BTreeSet::new();
    for presence in pictures.filter_map(|picture| picture.users.get(name)) {
        match presence {
            Presence::Here(here) => drop(dns.replace(here.dn.clone())),
            Presence::Ambiguous(several) => dns.extend(several.iter().cloned()),
            Presence::Absent | Presence::Unknown(_) => {}
        }
    }
    dns
}

fn server(patient: &Patient<'_>) -> Check {
    let this = Suspect::UnwatchedServer;
    let here = match &patient.object {
        Ok((_, here)) => *here,
        Err(why) => return Check::cannot_tell(this, why, patient.read_again()),
    };
    match &here.home {
        Home::Server(server) => watched(patient, server),
        Home::None => {
            let why = "neither homeMDB nor msExchHomeServerName is set, so no store is known";
            Check::cannot_tell(this, why, Remedy::Mailbox { at: here.dn.clone() }.to_string())
        }
        Home::Unclear(why) => {
            let next = format!("correct homeMDB and msExchHomeServerName of {}", here.dn);
            Check::cannot_tell(this, format!("where his mailbox is, is not known: {why}"), next)
        }
    }
}

fn watched(patient: &Patient<'_>, server: &ExchangeServerName) -> Check {
    let this = Suspect::UnwatchedServer;
    let (world, name) = (patient.examiner.world, patient.examiner.name);
    let Some(policy) = world.policy.exchange.get(server) else {
        return Check::it_is(
            this,
            format!("his mailbox is on {server}, of which nothing is known here"),
            format!("declare {server} with its hosts ([[exchange]]) and let {name} use it, or move his mailbox"),
        );
    };
    if !patient.examiner.report.goodlink.exchange.contains(server) {
        return Check::it_is(
            this,
            format!("his mailbox is on {server}, which {name} is not declared to use"),
            format!("add {server} to the exchange servers of {name} in the configuration"),
        );
    }
    let mut stores = Vec::new();
    for host in &policy.hosts {
        let next = || format!("bring back the agent of {host}: sendgate hosts");
        if let Some(why) = disruption::unheard(world, host) {
            return Check::cannot_tell(this, format!("his mailbox is on {server}; host {host}: {why}"), next());
        }
        let exchange = world.estate.hosts.get(host).and_then(|state| state.exchange.as_ref());
        match exchange.map(|exchange| &exchange.store) {
            Some(Ok(version)) => {
                let enforces = world.policy.enforcement.judge(version).enforces;
                stores.push(format!("store.exe {version} on {host}, enforces: {enforces}"));
            }
            Some(Err(why)) => {
                let why =
                    format!("his mailbox is on {server}, and the version of store.exe on {host} is not known: {why}");
                return Check::cannot_tell(this, why, next());
            }
            None => {
                let why = format!("his mailbox is on {server}, and {host} reports no Exchange role");
                return Check::cannot_tell(this, why, next());
            }
        }
    }
    Check::ruled_out(this, format!("his mailbox is on {server}, which is watched ({})", stores.join("; ")))
}
