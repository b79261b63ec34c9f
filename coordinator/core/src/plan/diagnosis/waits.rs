//! What time or a restart mends: replication, caches, GoodLink's own timer.

use super::examiner::{Patient, Standing, succeeded};
use super::{Check, Suspect};
use crate::coverage::explain::Remedy;
use crate::coverage::{Cause, VerdictKind};
use crate::ledger::{Intent, IntentState, Sequence};
use crate::names::DirectoryServerName;
use crate::time::{Readable, Steady};
use std::collections::BTreeSet;

pub(super) fn checks(patient: &Patient<'_>) -> Vec<Check> {
    vec![replication(patient), caches(patient), timer(patient)]
}

fn replication(patient: &Patient<'_>) -> Check {
    let this = Suspect::Replication;
    let (verdict, domain) = match (&patient.verdict, &patient.object) {
        (Ok(verdict), Ok((domain, _))) => (verdict, domain),
        (Err(why), _) | (_, Err(why)) => return Check::cannot_tell(this, why, patient.read_again()),
    };
    let which = |is: &dyn Fn(VerdictKind, &Cause) -> bool| -> BTreeSet<DirectoryServerName> {
        let shown = verdict.servers.iter().filter(|(_, seen)| is(seen.kind, &seen.cause));
        shown.map(|(server, _)| server.clone()).collect()
    };
    let holds = which(&|kind, _| matches!(kind, VerdictKind::Covered | VerdictKind::Perishable));
    let denies = which(&|kind, _| kind == VerdictKind::Denied);
    // Another server has him: where he is not found he is not there yet.
    let lacks = which(&|kind, cause| {
        kind == VerdictKind::Missing || (kind == VerdictKind::Unresolved && *cause == Cause::NotFound)
    });
    if !holds.is_empty() && !lacks.is_empty() {
        let evidence = format!("{} does not show the right, {} does", list(&lacks), list(&holds));
        let wait = Remedy::AwaitReplication { behind: lacks, domain: domain.clone() };
        return Check::it_is(this, evidence, wait.to_string());
    }
    if let Some(why) = patient.incomplete(verdict) {
        return Check::cannot_tell(this, why, patient.read_again());
    }
    let others_differ = !holds.is_empty() || !lacks.is_empty();
    if others_differ && !denies.is_empty() {
        let others: BTreeSet<_> = holds.union(&lacks).cloned().collect();
        let why = format!("{} denies the right and {} does not: see the deny", list(&denies), list(&others));
        return Check::cannot_tell(this, why, format!("sendgate survey run {domain} --watch"));
    }
    let evidence = if holds.is_empty() {
        let servers: BTreeSet<_> = lacks.union(&denies).cloned().collect();
        format!("no server shows the right ({}), so there is none to replicate", list(&servers))
    } else {
        format!("every server that counts shows the right: {}", list(&holds))
    };
    Check::ruled_out(this, evidence)
}

fn caches(patient: &Patient<'_>) -> Check {
    let this = Suspect::Caches;
    let (now, waits) = (patient.examiner.world.now.steady, patient.examiner.world.policy.waits);
    match (patient.standing(), patient.landed) {
        (Standing::Unknown(why), _) => Check::cannot_tell(this, why, patient.read_again()),
        (Standing::Lacks, _) => {
            Check::ruled_out(this, "the directory itself does not give him the right: what is cached of it is not old")
        }
        (Standing::Holds, None) => Check::cannot_tell(
            this,
            "he was never seen without the right, so when it landed is not known",
            patient.examiner.restart(patient.user),
        ),
        (Standing::Holds, Some(landed)) => {
            let (ago, remaining) = (Readable(now.since(landed)), (landed + waits.failed).since(now));
            if remaining.is_zero() {
                let evidence = format!(
                    "his right landed {ago} ago, and after {} the store's mailbox cache (120m) and DSAccess (10m) know it",
                    Readable(waits.failed)
                );
                return Check::ruled_out(this, evidence);
            }
            let evidence = format!("his right landed {ago} ago, and the store may not know it yet");
            let next = format!(
                "wait for {}: the store keeps what it knows of a mailbox for up to 120m; restarting the Information \
                 Store ends that at once, with mail down meanwhile",
                Readable(remaining)
            );
            Check::it_is(this, evidence, next)
        }
    }
}

fn timer(patient: &Patient<'_>) -> Check {
    let this = Suspect::PauseTimer;
    let examiner = patient.examiner;
    let restart = || examiner.restart(patient.user);
    if super::around::other_error(patient).is_some() {
        let why = "he is paused by another error: a restart of GoodLink ends this pause, but not its cause";
        return Check::cannot_tell(this, why, "mend the cause first, then restart GoodLink");
    }
    let landed = match (patient.standing(), patient.landed) {
        (Standing::Unknown(why), _) => return Check::cannot_tell(this, why, patient.read_again()),
        (Standing::Lacks, _) => {
            return Check::ruled_out(this, "the directory does not give him the right: GoodLink would pause him again");
        }
        (Standing::Holds, None) => {
            let why = "he was never seen without the right, so whether a restart was late enough is not known";
            return Check::cannot_tell(this, why, restart());
        }
        (Standing::Holds, Some(landed)) => landed,
    };
    let ready = landed + examiner.world.policy.waits.restart;
    let remaining = ready.since(examiner.world.now.steady);
    if !remaining.is_zero() {
        let why = "it is too early for a restart to help";
        return Check::cannot_tell(this, why, format!("wait for {}, then: {}", Readable(remaining), restart()));
    }
    // The last one counts: it ended every pause before it.
    let ours = examiner.restarts.iter().rfind(|(_, intent)| intent.filed >= ready);
    restarted(patient, ours.copied(), ready)
}

/// Whether GoodLink was restarted since a restart helps: by the journal, else by when its host says that its service
/// started.
fn restarted(patient: &Patient<'_>, ours: Option<(Sequence, &Intent)>, ready: Steady) -> Check {
    let this = Suspect::PauseTimer;
    let examiner = patient.examiner;
    let since = examiner.wall(ready);
    let last = patient.pause.last;
    if let Some((id, intent)) = ours.filter(|(_, intent)| succeeded(intent)) {
        let at = examiner.wall(intent.filed);
        return Check::ruled_out(
            this,
            format!(
                "Sendgate restarted GoodLink at {at:.0} (intent {id}); his last pause line is of {last:.0} by its host's clock"
            ),
        );
    }
    let service = examiner.report.state.service.as_ref();
    if let Some(started) = service.ok().and_then(|service| service.started).filter(|started| *started >= since) {
        return Check::ruled_out(
            this,
            format!(
                "GoodLink's service started at {started:.0} by its host's clock, which is late enough, and he was paused at {last:.0}"
            ),
        );
    }
    match ours {
        Some((id, Intent { state: IntentState::Ended { outcome, .. }, .. })) => Check::cannot_tell(
            this,
            format!("whether intent {id} restarted GoodLink is not known: {outcome}"),
            format!(
                "look when GoodLink's service on {} started; if before {since:.0}: {}",
                examiner.report.goodlink.host,
                examiner.restart(patient.user)
            ),
        ),
        Some((id, _)) => Check::cannot_tell(
            this,
            format!("a restart of GoodLink is under way (intent {id})"),
            format!("wait until it is over: sendgate journal show --from {id}"),
        ),
        None => Check::it_is(
            this,
            format!("no restart of GoodLink is known since {since:.0}, from when on one helps him"),
            examiner.restart(patient.user),
        ),
    }
}

fn list(servers: &BTreeSet<DirectoryServerName>) -> String {
    servers.iter().map(DirectoryServerName::as_str).collect::<Vec<_>>().join(", ")
}
