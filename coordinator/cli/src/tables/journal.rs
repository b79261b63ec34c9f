//! `journal show`: a record in one line.

use sendgate_core::ledger::{Entry, Stamped};
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
        Entry::Milestone(milestone) => milestone.to_string(),
        Entry::Request { by, request } => format!("by {by}: {request}"),
        Entry::Intent { effect } => effect.to_string(),
        Entry::Permitted { intent, holder: Some(holder) } => {
            format!("intent {intent} has its permit, given to the agent with journal {}", holder.journal)
        }
        Entry::Permitted { intent, holder: None } => format!("intent {intent} has its permit"),
        Entry::Outcome { intent, outcome } => format!("intent {intent} {outcome}"),
    }
}

fn elapsed(duration: Duration) -> String {
    Readable(duration).to_string()
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
    fn a_permit_names_the_agent_that_has_it() {
        let payload = br#"{"at":{"wall":"2026-11-24T22:00:00Z","steady":0},
            "entry":{"entry":"permitted","intent":5,"holder":{"journal":171,"welcomed":3}}}"#;
        assert_eq!(
            line(6, payload),
            "     6  2026-11-24T22:00:00Z  permitted  intent 5 has its permit, given to the agent with journal 00000000000000ab"
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_shown_as_such() {
        assert!(line(8, b"{}").starts_with("     8  UNREADABLE: missing field"));
    }
}
