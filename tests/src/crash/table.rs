//! What is told: a line for each point, a table of all, and the shortest story that leads to a violation.

use super::lanes::Sum;
use super::point::{Name, Point};
use super::story::Told;
use crate::story::journal::sentences;
use sendgate_core::ledger::Stamped;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was under way at the point; of an append: what was being written.
fn under_way(told: &Told) -> String {
    match (told.point, &told.seen) {
        (_, None) => "not reached".to_owned(),
        (Some(Point::Append(..)), Some(payload)) => match serde_json::from_slice::<Stamped>(payload) {
            Ok(stamped) => Name::of(&stamped.entry, &told.journal).0,
            Err(error) => format!("not an entry: {error}"),
        },
        (_, Some(_)) => String::new(),
    }
}

fn is_wrong(told: &Told) -> bool {
    !told.wrong.is_empty() || (told.point.is_some() && told.seen.is_none())
}

fn result(told: &Told) -> String {
    match told.wrong.first() {
        Some(first) => format!("WRONG: {first}"),
        None if is_wrong(told) => "NOT REACHED".to_owned(),
        None if told.asked => "finished, after a person had it tried again".to_owned(),
        None => "finished".to_owned(),
    }
}

fn name(told: &Told) -> String {
    told.point.map_or_else(|| "nothing is killed".to_owned(), |point| point.to_string())
}

/// One point.
pub(super) fn line(told: &Told) -> String {
    let (seconds, what) = (told.took.as_secs_f64(), under_way(told));
    let what = if what.is_empty() { what } else { format!(" ({what})") };
    format!("{:<58} {seconds:>5.1} s, {} started again: {}", name(told) + &what, told.restarts, result(told))
}

/// The story that leads to what must not be.
pub(super) fn story(told: &Told) -> String {
    let mut lines = vec![format!("{}: {}", name(told), under_way(told))];
    lines.extend(told.wrong.iter().map(|wrong| format!("  {wrong}")));
    lines.extend(sentences(&told.journal));
    lines.extend(told.logs.iter().cloned());
    lines.join("\n")
}

/// Everything.
pub(super) fn sum(done: &[Told], took: Duration) -> Sum {
    let coordinator = done.iter().filter(|told| matches!(told.point, Some(Point::Append(..)))).count();
    let wrong: Vec<&Told> = done.iter().filter(|told| is_wrong(told)).collect();
    Sum {
        coordinator,
        agent: done.len() - coordinator,
        restarts: done.iter().map(|told| told.restarts).sum(),
        wrong: wrong.len(),
        took,
        table: table(done),
        story: wrong.iter().min_by_key(|told| told.journal.len()).map(|told| story(told)),
    }
}

/// Points that differ only in which entry of its kind was written are one row.
fn table(done: &[Told]) -> String {
    let mut rows: BTreeMap<(u8, String), Vec<&Told>> = BTreeMap::new();
    for told in done {
        let row = match told.point {
            Some(Point::Append(_, moment)) => (0, format!("append of `{}` | {}", under_way(told), moment.told())),
            Some(Point::Act(agent, act)) => (1 + act as u8, format!("act of agent {agent} | {}", act.told())),
            None => continue,
        };
        rows.entry(row).or_default().push(told);
    }
    let mut lines =
        vec!["| killed at | when | points | slowest | result |".to_owned(), "|---|---|---|---|---|".to_owned()];
    for ((_, row), told) in rows {
        let slowest = told.iter().map(|told| told.took).max().unwrap_or_default().as_secs_f64();
        let wrong = told.iter().filter(|told| is_wrong(told)).count();
        let result = match told.iter().find(|told| told.asked) {
            _ if wrong > 0 => format!("**{wrong} WRONG**"),
            Some(asked) => result(asked),
            None => "finished".to_owned(),
        };
        lines.push(format!("| {row} | {} | {slowest:.0} s | {result} |", told.len()));
    }
    lines.join("\n")
}
