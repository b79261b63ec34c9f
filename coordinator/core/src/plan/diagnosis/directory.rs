//! What the directory shows against a user: a protected group, a deny, blocked inheritance, no entry.

use super::examiner::Patient;
use super::{Check, Suspect};
use crate::coverage::verdict::DecidingEntry;
use crate::coverage::{Cause, ServerVerdict, Verdict, VerdictKind};
use crate::names::DirectoryServerName;

pub(super) fn checks(patient: &Patient<'_>) -> Vec<Check> {
    [Suspect::ProtectedGroup, Suspect::Deny, Suspect::BlockedInheritance, Suspect::NoEntry]
        .map(|suspect| check(patient, suspect))
        .into()
}

/// What one server shows of a suspect.
enum Shown {
    /// It is this.
    Is,
    /// It is not, by this evidence.
    Not(&'static str),
    /// This server's answer does not say: another cause came before it.
    Hidden,
}

fn check(patient: &Patient<'_>, suspect: Suspect) -> Check {
    let verdict = match &patient.verdict {
        Ok(verdict) => *verdict,
        Err(why) => return Check::cannot_tell(suspect, why, patient.read_again()),
    };
    let is = verdict.servers.iter().find(|(_, seen)| matches!(shown(suspect, seen), Some(Shown::Is)));
    if let Some((server, seen)) = is {
        return Check::it_is(suspect, evidence(server, seen), patient.remedy(verdict, seen));
    }
    if let Some(why) = patient.incomplete(verdict) {
        let unknown = verdict.servers.values().find(|seen| seen.kind.is_unknown());
        let next = unknown.map_or_else(|| patient.read_again(), |seen| patient.remedy(verdict, seen));
        return Check::cannot_tell(suspect, why, next);
    }
    let all = || verdict.servers.iter().filter_map(|(server, seen)| Some((server, seen, shown(suspect, seen)?)));
    if let Some((server, seen, _)) = all().find(|(_, _, shown)| matches!(shown, Shown::Hidden)) {
        let why = format!("{server} shows another cause, which comes before: {}", seen.cause);
        return Check::cannot_tell(suspect, why, patient.remedy(verdict, seen));
    }
    let Some((server, seen, Shown::Not(why))) = all().next() else {
        return Check::cannot_tell(suspect, "no directory server says", patient.read_again());
    };
    Check::ruled_out(suspect, ruled_out(suspect, server, seen, why, verdict))
}

/// What this server's answer says of the suspect; none where it says nothing of the right at all.
fn shown(suspect: Suspect, seen: &ServerVerdict) -> Option<Shown> {
    use Shown::{Hidden, Is, Not};
    use VerdictKind::{Covered, Denied, Missing, Perishable};
    Some(match (suspect, seen.kind, &seen.cause) {
        (_, VerdictKind::Replicating | VerdictKind::Unreadable, _) => return None,
        (_, VerdictKind::Unresolved | VerdictKind::CannotTell, _) => return None,
        (Suspect::ProtectedGroup, _, Cause::Protected { .. }) => Is,
        (Suspect::ProtectedGroup, Covered, _) => Not("he is in no protected group, or AdminSDHolder carries the right"),
        // Protection is looked at before every other cause of a missing right.
        (Suspect::ProtectedGroup, Missing, _) => Not("he is in no protected group"),
        (Suspect::Deny, Denied, _) => Is,
        (Suspect::Deny, Covered | Perishable, _) => Not("an entry that allows decides"),
        (Suspect::Deny, Missing, _) => Not("no entry decides, so none denies"),
        (Suspect::BlockedInheritance, _, Cause::InheritanceBlocked { .. } | Cause::StaleAdminCount) => Is,
        (Suspect::BlockedInheritance, Covered | Perishable, _) => Not("an entry that allows reaches him"),
        (Suspect::BlockedInheritance, Missing, Cause::NoEntry | Cause::NotForClass { .. }) => {
            Not("inheritance is not blocked anywhere above him")
        }
        (
            Suspect::NoEntry,
            _,
            Cause::NoEntry | Cause::NotForClass { .. } | Cause::UncertainGroup { .. } | Cause::Conditional { .. },
        ) => Is,
        (Suspect::NoEntry, Covered | Perishable, _) => Not("an entry allows it"),
        _ => Hidden,
    })
}

fn evidence(server: &DirectoryServerName, seen: &ServerVerdict) -> String {
    match (&seen.cause, &seen.deciding) {
        (Cause::DeniedByEntry, Some(entry)) => format!("{} denies it ({server})", place(entry)),
        (cause, _) => format!("{cause} ({server})"),
    }
}

fn ruled_out(
    suspect: Suspect,
    server: &DirectoryServerName,
    seen: &ServerVerdict,
    why: &str,
    verdict: &Verdict,
) -> String {
    let everywhere = format!("{why} (on each of {} servers)", verdict.servers.len());
    match (suspect, seen.kind, &seen.deciding) {
        (Suspect::Deny | Suspect::NoEntry, VerdictKind::Covered, Some(entry)) => {
            format!("{everywhere}: {} on {server}", place(entry))
        }
        _ => everywhere,
    }
}

fn place(entry: &DecidingEntry) -> String {
    let DecidingEntry { index, sddl, inherited, from, .. } = entry;
    match (inherited, from) {
        (false, _) => format!("his own entry {index}, {sddl},"),
        (true, Some(from)) => format!("entry {index}, {sddl}, inherited from {from},"),
        (true, None) => format!("entry {index}, {sddl}, inherited,"),
    }
}
