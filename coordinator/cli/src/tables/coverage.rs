//! `coverage DOMAIN`: as a table, grouped by cause, and as lines of CSV.

use super::{age, drawn, grid, list, wrapped};
use crate::output::printable;
use sendgate_core::coverage::report::Scope;
use sendgate_core::time::Readable;
use sendgate_core::view::{CoverageView, PairLine, UserLine};
use std::collections::BTreeMap;

/// Users of one verdict and cause that the table names; the others are counted.
const NAMED: usize = 20;

/// The numbers first; then everybody who is not simply covered, by verdict and cause.
pub(crate) fn table(view: &CoverageView) -> String {
    let evidence = match view.scope {
        Scope::Roster => format!("users of the rosters, evidence: {}", age(view.age)),
        Scope::Mailboxes => "everybody with a mailbox, read just now".to_owned(),
    };
    let mut text = format!("{}, {evidence}\n", view.domain);
    text.push_str(&wrapped("", &view.triage));
    text.push_str(&list("not known:", &view.not_known));
    if view.users.is_empty() {
        return text;
    }
    let mut groups = grid(&["USERS", "VERDICT"]);
    for (group, count) in &view.groups {
        groups.add_row([count.to_string(), group.clone()]);
    }
    text.push('\n');
    text.push_str(&drawn(&groups));
    text.push_str(&list("\nworth a look", view.warnings.iter().map(|(warning, count)| format!("{count} {warning}"))));

    let mut quiet = 0usize;
    let mut told: BTreeMap<String, Vec<&UserLine>> = BTreeMap::new();
    for line in &view.users {
        if is_quiet(line) {
            quiet += 1;
        } else {
            let cause = if line.verdict == COVERED { String::new() } else { format!(": {}", line.cause) };
            told.entry(format!("{}{cause}", line.verdict)).or_default().push(line);
        }
    }
    for (group, lines) in told {
        text.push_str(&format!("\n{} ({})\n", group, lines.len()));
        text.push_str(&users(&lines));
    }
    if quiet > 0 {
        text.push_str(&format!("\n{quiet} users are covered and wait for nothing\n"));
    }
    text
}

/// The word of a verdict that needs no cause.
const COVERED: &str = "covered";

fn users(lines: &[&UserLine]) -> String {
    let mut users = grid(&["USER", "IN THE DIRECTORY", "GOODLINK", "WAIT"]);
    let mut below = Vec::new();
    for line in lines.iter().take(NAMED) {
        let user = line.user.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let user = if line.waived { format!("{user} (waived)") } else { user };
        let goodlink = line.goodlink.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        users.add_row([user, line.directory_name.to_string(), goodlink, wait(&line.pair)]);
        if let Some(evidence) = line.evidence.as_ref().filter(|_| line.verdict != COVERED) {
            below.push(format!("{}: {evidence}", line.directory_name));
        }
        if let Some(warning) = &line.warning {
            below.push(format!("{}: {warning}", line.directory_name));
        }
    }
    let mut text = drawn(&users);
    if lines.len() > NAMED {
        text.push_str(&format!("and {} more: --output csv names everybody\n", lines.len() - NAMED));
    }
    below.iter().for_each(|line| text.push_str(&wrapped("  - ", line)));
    text
}

/// Covered, excepted by nobody, nothing to wait for and nothing to look at.
fn is_quiet(line: &UserLine) -> bool {
    let waits = match line.pair {
        PairLine::Nothing => false,
        PairLine::Proved { settled } => !settled.is_zero(),
        PairLine::Lacking | PairLine::Landed { .. } | PairLine::TakenOver { .. } => true,
    };
    line.verdict == COVERED && !line.waived && !waits && line.warning.is_none()
}

/// How far waiting is, in words.
pub(super) fn wait(pair: &PairLine) -> String {
    match pair {
        PairLine::Nothing => "nothing to wait for".to_owned(),
        PairLine::TakenOver { settled } => format!("{} until settled, as after a takeover", Readable(*settled)),
        PairLine::Lacking => "for the right".to_owned(),
        PairLine::Landed { second_look } if second_look.is_zero() => "for the second look, now due".to_owned(),
        PairLine::Landed { second_look } => format!("{} to the second look", Readable(*second_look)),
        PairLine::Proved { settled } if settled.is_zero() => "settled".to_owned(),
        PairLine::Proved { settled } => format!("{} until settled", Readable(*settled)),
    }
}

/// The header row of the CSV form.
pub(crate) const COLUMNS: [&str; 11] = [
    "user",
    "directory_name",
    "dn",
    "goodlink",
    "account",
    "verdict",
    "cause",
    "evidence",
    "warning",
    "wait",
    "waived",
];

/// A row of the CSV form, in the order of [`COLUMNS`].
pub(crate) fn row(line: &UserLine) -> [String; 11] {
    let text = |text: Option<String>| text.unwrap_or_default();
    let waived = if line.waived { "yes" } else { "no" };
    [
        text(line.user.as_ref().map(ToString::to_string)),
        line.directory_name.to_string(),
        text(line.dn.clone()),
        text(line.goodlink.as_ref().map(ToString::to_string)),
        text(line.account.as_ref().map(ToString::to_string)),
        line.verdict.clone(),
        line.cause.clone(),
        text(line.evidence.clone()),
        text(line.warning.clone()),
        wait(&line.pair),
        waived.to_owned(),
    ]
    .map(|cell| harmless(&cell))
}

/// A cell that no spreadsheet takes for a formula, and no terminal obeys: names come from directories, and whoever
/// chooses one must not choose what happens on the desk where the report is opened.
fn harmless(cell: &str) -> String {
    let cell = printable(cell);
    if cell.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn who_is_covered_and_settled_is_counted_and_everybody_else_is_shown_by_cause() {
        assert_eq!(
            table(&samples::coverage()),
            "a.example.test, users of the rosters, evidence: 12m 30s\n\
             1 of 4 are not covered: denies (1)\n\
             \n\
             USERS   VERDICT\n\
             ------------------------------------\n\
             3       covered\n\
             1       denied: an entry denies it\n\
             \n\
             worth a look\n\
             \x20 - 1 everybody has the right\n\
             \n\
             covered (2)\n\
             USER    IN THE DIRECTORY       GOODLINK   WAIT\n\
             --------------------------------------------------------------------\n\
             new     new@a.example.test     gla        1h 5m to the second look\n\
             loose   loose@a.example.test   gla        nothing to wait for\n\
             \x20 - loose@a.example.test: everybody has the right\n\
             \n\
             denied: an entry denies it (1)\n\
             USER            IN THE DIRECTORY      GOODLINK   WAIT\n\
             ----------------------------------------------------------------\n\
             boss (waived)   boss@a.example.test   gla        for the right\n\
             \x20 - boss@a.example.test: entry 4 on a1, his own: (OD;;CR;;;S-1-5-9)\n\
             \n\
             1 users are covered and wait for nothing\n"
        );
    }

    #[test]
    fn what_is_not_known_stands_below_the_numbers() {
        let mut view = samples::coverage();
        view.not_known = vec!["glb has not reported".to_owned()];
        let text = table(&view);
        assert!(text.contains("denies (1)\nnot known:\n  - glb has not reported\n\nUSERS"), "{text}");
    }

    #[test]
    fn whoever_waits_after_a_takeover_is_not_counted_as_quiet() {
        let mut view = samples::coverage();
        view.users[0].pair = PairLine::TakenOver { settled: std::time::Duration::from_secs(3600) };
        let text = table(&view);
        assert!(
            text.contains("\nold     old@a.example.test     gla        1h 0m until settled, as after a takeover\n")
        );
        assert!(!text.contains("wait for nothing"), "{text}");
    }

    #[test]
    fn how_far_waiting_is_is_said_in_words() {
        use std::time::Duration;
        let hour = Duration::from_secs(3600);
        for (pair, words) in [
            (PairLine::Landed { second_look: hour }, "1h 0m to the second look"),
            (PairLine::Landed { second_look: Duration::ZERO }, "for the second look, now due"),
            (PairLine::Proved { settled: hour }, "1h 0m until settled"),
            (PairLine::Proved { settled: Duration::ZERO }, "settled"),
        ] {
            let mut line = samples::coverage().users[2].clone();
            line.pair = pair;
            assert_eq!(row(&line)[9], words);
        }
    }

    #[test]
    fn many_of_one_cause_are_counted_and_where_they_are_named_is_said() {
        let mut view = samples::coverage();
        let boss = view.users[2].clone();
        view.users.extend(std::iter::repeat_n(boss, 25));
        let text = table(&view);
        assert!(text.contains("\ndenied: an entry denies it (26)\n"), "{text}");
        assert!(text.contains("\nand 6 more: --output csv names everybody\n"), "{text}");
        assert_eq!(text.matches("\nboss (waived)").count(), NAMED);
    }

    #[test]
    fn nobody_known_is_no_coverage() {
        let mut view = samples::coverage();
        (view.users, view.age) = (Vec::new(), None);
        view.triage = "missing evidence".to_owned();
        assert_eq!(table(&view), "a.example.test, users of the rosters, evidence: never\nmissing evidence\n");
        view.scope = Scope::Mailboxes;
        assert!(table(&view).starts_with("a.example.test, everybody with a mailbox, read just now\n"));
    }

    #[test]
    fn a_cell_is_never_a_formula_and_never_a_control_character() {
        let cells = ["=1+1", "+1", "-1", "@sum(a1)", " =1", "\t=1", "a=b", "", "S-1-5", "\u{1b}[2J"].map(harmless);
        let safe = ["'=1+1", "'+1", "'-1", "'@sum(a1)", "' =1", "\u{fffd}=1", "a=b", "", "S-1-5", "\u{fffd}[2J"];
        assert_eq!(cells, safe);
    }
}
