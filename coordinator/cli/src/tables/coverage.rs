//! `coverage DOMAIN`.

use super::{age, drawn, grid, list};
use sendgate_core::time::Readable;
use sendgate_core::view::{CoverageView, PairLine, UserLine};

/// The numbers first; then everybody who is not simply covered.
pub(crate) fn table(view: &CoverageView) -> String {
    let mut text = format!("{}, evidence: {}\n", view.domain, age(view.age));
    text.push_str(&super::wrapped("", &view.triage));
    if view.users.is_empty() {
        return text;
    }
    let mut groups = grid(&["USERS", "VERDICT"]);
    for (group, count) in &view.groups {
        groups.add_row([count.to_string(), group.clone()]);
    }
    text.push('\n');
    text.push_str(&drawn(&groups));

    let mut users = grid(&["VERDICT", "USER", "IN THE DIRECTORY", "GOODLINK", "WAIT"]);
    let mut causes = Vec::new();
    let (mut shown, mut quiet) = (0usize, 0usize);
    for line in &view.users {
        if is_quiet(line) {
            quiet += 1;
            continue;
        }
        shown += 1;
        let verdict = if line.waived { format!("{} (waived)", line.verdict) } else { line.verdict.clone() };
        let (user, directory_name, goodlink) = (&line.user, &line.directory_name, &line.goodlink);
        users.add_row([verdict, user.to_string(), directory_name.to_string(), goodlink.to_string(), wait(&line.pair)]);
        if line.verdict != "covered" {
            causes.push(format!("{user}: {}", line.cause));
        }
    }
    if shown > 0 {
        text.push('\n');
        text.push_str(&drawn(&users));
    }
    text.push_str(&list("\nwhy", causes));
    if quiet > 0 {
        text.push_str(&format!("\n{quiet} users are covered and wait for nothing\n"));
    }
    text
}

/// Covered, excepted by nobody, and nothing to wait for.
fn is_quiet(line: &UserLine) -> bool {
    let waits = match line.pair {
        PairLine::Nothing => false,
        PairLine::Proved { settled } => !settled.is_zero(),
        PairLine::Lacking | PairLine::Landed { .. } => true,
    };
    line.verdict == "covered" && !line.waived && !waits
}

/// How far waiting is, in words.
pub(super) fn wait(pair: &PairLine) -> String {
    match pair {
        PairLine::Nothing => "nothing to wait for".to_owned(),
        PairLine::Lacking => "for the right".to_owned(),
        PairLine::Landed { second_look } if second_look.is_zero() => "for the second look, now due".to_owned(),
        PairLine::Landed { second_look } => format!("{} to the second look", Readable(*second_look)),
        PairLine::Proved { settled } if settled.is_zero() => "settled".to_owned(),
        PairLine::Proved { settled } => format!("{} until settled", Readable(*settled)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn who_is_covered_and_settled_is_counted_and_everybody_else_is_shown() {
        assert_eq!(
            table(&samples::coverage()),
            "a.example.test, evidence: 12m 30s\n\
             some are not covered\n\
             \n\
             USERS   VERDICT\n\
             ------------------------------------\n\
             2       covered\n\
             1       denied: an entry denies it\n\
             \n\
             VERDICT           USER   IN THE DIRECTORY      GOODLINK   WAIT\n\
             ------------------------------------------------------------------------------------\n\
             covered           new    new@a.example.test    gla        1h 5m to the second look\n\
             denied (waived)   boss   boss@a.example.test   gla        for the right\n\
             \n\
             why\n\
             \x20 - boss: an entry denies it\n\
             \n\
             1 users are covered and wait for nothing\n"
        );
    }
}
