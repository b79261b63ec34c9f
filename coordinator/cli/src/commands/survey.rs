//! `survey run DOMAIN`: a full reading now; with --watch until every directory server has ended.

mod bars;

use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use bars::Bars;
use sendgate_core::names::DomainName;
use sendgate_core::time::Readable;
use sendgate_proto::v1::{SurveyProgress, SurveyRunRequest};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

/// While the same thing is read on, a line is printed about this often where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How a server's reading ended; none while it goes on.
type Ends = BTreeMap<String, Option<Result<(), String>>>;

pub(crate) async fn run(client: &Client, form: Form, domain: DomainName, watch: bool) -> Result<Exit, Failure> {
    let mut progress = client.survey_run(SurveyRunRequest { domain: domain.to_string() }).await?;
    if !watch {
        // The reading goes on without anybody who watches.
        match form {
            Form::Json => output::json(&json!({ "survey": domain, "begun": true }))?,
            Form::Table => output::text(&format!(
                "{domain} is being read in full on every directory server; `sendgate domains` shows when it was"
            ))?,
        }
        return Ok(Exit::Good);
    }
    let mut ends = Ends::new();
    let mut shown = match form {
        Form::Json => Shown::Json,
        Form::Table if std::io::stderr().is_terminal() => Shown::Bars(Bars::new()),
        Form::Table => Shown::Lines(BTreeMap::new()),
    };
    while let Some(state) = client.next(&mut progress).await? {
        let end = state.end.as_ref().map(|end| if end.error.is_empty() { Ok(()) } else { Err(end.error.clone()) });
        // What has ended does not begin again within one reading.
        let known = ends.entry(state.server.clone()).or_default();
        if known.is_none() {
            *known = end;
            shown.show(&state)?;
        }
    }
    drop(shown);
    conclude(form, &domain, &ends)
}

/// What is shown of a reading while it goes on.
enum Shown {
    Json,
    Bars(Bars),
    /// What was last said of each server.
    Lines(BTreeMap<String, (String, Duration)>),
}

impl Shown {
    fn show(&mut self, state: &SurveyProgress) -> Result<(), Failure> {
        let elapsed = Duration::from_millis(state.elapsed_ms);
        match self {
            Self::Json => output::json_line(&json!({
                "server": state.server,
                "what": state.what,
                "entries": state.entries,
                "elapsed_ms": state.elapsed_ms,
                "expected": state.expected,
                "ended": state.end.is_some(),
                "error": state.end.as_ref().map(|end| &end.error).filter(|error| !error.is_empty()),
            }))?,
            Self::Bars(bars) => bars.show(state),
            Self::Lines(said) => {
                let last = said.get(&state.server);
                let new =
                    last.is_none_or(|(what, at)| *what != state.what || elapsed.saturating_sub(*at) >= LINE_EVERY);
                if new || state.end.is_some() {
                    said.insert(state.server.clone(), (state.what.clone(), elapsed));
                    output::text(&line(state))?;
                }
            }
        }
        Ok(())
    }
}

/// One server's state in one line.
fn line(state: &SurveyProgress) -> String {
    let SurveyProgress { server, what, entries, elapsed_ms, end, .. } = state;
    let elapsed = Duration::from_millis(*elapsed_ms);
    match end {
        Some(end) if !end.error.is_empty() => format!("{server}: FAILED: {}", end.error),
        Some(_) => format!("{server}: read, {entries} entries in {}{}", Readable(elapsed), rate(*entries, elapsed)),
        None => format!("{server}: {what}, {entries} entries after {}{}", Readable(elapsed), rate(*entries, elapsed)),
    }
}

/// Entries per second; nothing before there is a time to divide by.
fn rate(entries: u64, elapsed: Duration) -> String {
    let per_second = u128::from(entries) * 1000 / elapsed.as_millis().max(1);
    if entries == 0 || elapsed.is_zero() { String::new() } else { format!(" ({per_second}/s)") }
}

/// Read on every server, or not; a reading of no server is none.
fn conclude(form: Form, domain: &DomainName, ends: &Ends) -> Result<Exit, Failure> {
    let failed: Vec<_> = ends
        .iter()
        .filter_map(|(server, end)| match end {
            Some(Ok(())) => None,
            Some(Err(why)) => Some(format!("{server}: {why}")),
            None => Some(format!("{server}: the coordinator said nothing of its end")),
        })
        .collect();
    if ends.is_empty() {
        return Err(Failure::Survey {
            domain: domain.clone(),
            failed: "the coordinator named no directory server".to_owned(),
        });
    }
    if !failed.is_empty() {
        return Err(Failure::Survey { domain: domain.clone(), failed: failed.join("; ") });
    }
    if form == Form::Table {
        output::text(&format!("{domain} was read in full on {} directory servers", ends.len()))?;
    }
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendgate_proto::v1::SurveyEnd;

    fn state(entries: u64, elapsed_ms: u64, end: Option<&str>) -> SurveyProgress {
        SurveyProgress {
            server: "a1".to_owned(),
            what: "users".to_owned(),
            entries,
            elapsed_ms,
            end: end.map(|error| SurveyEnd { error: error.to_owned() }),
            expected: 0,
        }
    }

    #[test]
    fn a_line_says_what_is_read_how_much_and_how_fast() {
        assert_eq!(line(&state(0, 0, None)), "a1: users, 0 entries after 0.0s");
        assert_eq!(line(&state(9000, 4500, None)), "a1: users, 9000 entries after 4.5s (2000/s)");
        assert_eq!(line(&state(20003, 5000, Some(""))), "a1: read, 20003 entries in 5.0s (4000/s)");
        assert_eq!(line(&state(5, 100, Some("connection refused"))), "a1: FAILED: connection refused");
    }
}
