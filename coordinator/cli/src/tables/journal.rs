//! `journal show`: a record in one line.

use sendgate_core::ledger::entry::VersionStep;
use sendgate_core::ledger::{Entry, Milestone, PairEvent, Request, RolloutEvent, Stamped};
use sendgate_core::time::Readable;
use std::time::Duration;

/// Number, time, title, text. A payload that cannot be read is said so, and never left out.
pub(crate) fn line(sequence: u64, payload: &[u8]) -> String {
    match serde_json::from_slice::<Stamped>(payload) {
        Ok(stamped) => {
            // One record, one line: details of outcomes hold the output of programs.
            let text = text(&stamped.entry).split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{sequence:>6}  {:.0}  {:<9}  {text}", stamped.at.wall, stamped.entry.title())
        }
        Err(error) => format!("{sequence:>6}  UNREADABLE: {error} (--output json shows the payload)"),
    }
}

fn text(entry: &Entry) -> String {
    match entry {
        Entry::Started { generation, version, laboratory, .. } => {
            let laboratory = if *laboratory { ", LABORATORY: waits may be shortened" } else { "" };
            format!("coordinator {version}, generation {generation}{laboratory}")
        }
        Entry::Clock(mark) => {
            let steady = mark.steady.since(sendgate_core::time::Steady::START);
            format!("steady time {}", elapsed(steady))
        }
        Entry::Milestone(milestone) => milestone_text(milestone),
        Entry::Request { by, request } => format!("by {by}: {}", request_text(request)),
        Entry::Intent { effect } => effect.to_string(),
        Entry::Permitted { intent } => format!("intent {intent} has its permit"),
        Entry::Outcome { intent, outcome } => format!("intent {intent} {outcome}"),
    }
}

fn elapsed(duration: Duration) -> String {
    Readable(duration).to_string()
}

fn milestone_text(milestone: &Milestone) -> String {
    match milestone {
        Milestone::Pairs { domain, account, event, users, cause } => {
            let event = match event {
                PairEvent::Lacking => "seen without the right",
                PairEvent::Landed => "landed",
                PairEvent::Proved => "proved",
                PairEvent::Vanished => "lost the right again",
            };
            let cause = cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
            format!("{} users of {domain} {event} for {account}{cause}", users.len())
        }
        Milestone::Version(VersionStep { host, before, after, ours }) => match before {
            None => format!("store.exe on {host} is {after}, seen for the first time"),
            Some(before) => {
                let ours = if *ours { "by a command of ours" } else { "with no command of ours (drift)" };
                format!("store.exe on {host} went from {before} to {after}, {ours}")
            }
        },
        Milestone::Roster { goodlink, digest, users } => {
            format!("roster of {goodlink} has {users} users, SHA-256 {digest}")
        }
        Milestone::Baseline { rollout, goodlink, paused } => {
            format!("{} users of {goodlink} were paused before rollout {rollout}", paused.len())
        }
        Milestone::HostDone { rollout, host } => format!("{host} is done in rollout {rollout}"),
        Milestone::Rollout { rollout, event } => match event {
            RolloutEvent::Started => format!("rollout {rollout} started"),
            RolloutEvent::Tripped { reason } => format!("rollout {rollout} stopped by itself: {reason}"),
            RolloutEvent::Finished => format!("rollout {rollout} finished"),
            RolloutEvent::Aborted { reason } => format!("rollout {rollout} aborted: {reason}"),
        },
    }
}

fn request_text(request: &Request) -> String {
    match request {
        Request::RolloutCreate(spec) => {
            let servers: Vec<_> = spec.servers.iter().map(ToString::to_string).collect();
            format!(
                "create rollout {}: {} ({}) on {}, {} at once",
                spec.name,
                spec.package,
                spec.target,
                servers.join(", "),
                spec.at_once
            )
        }
        Request::RolloutStart { rollout } => format!("start rollout {rollout}"),
        Request::RolloutAbort { rollout, reason } => format!("abort rollout {rollout}: {reason}"),
        Request::Waive { user, reason, expires } => format!("waive {user} until {expires}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_record_is_one_line() {
        assert_eq!(
            line(7, &samples::record()),
            "     7  2026-11-24T22:00:00Z  outcome    intent 5 failed: exit code 3 last line"
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_shown_as_such() {
        assert!(line(8, b"{}").starts_with("     8  UNREADABLE: missing field"));
    }
}
