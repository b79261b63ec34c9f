//! The same values laid out for people: the word that says the state comes first, long reasons are wrapped below, and
//! everything is plain ASCII without colours, so that a log or a mail shows it as the terminal did.

pub(crate) mod coverage;
pub(crate) mod domains;
pub(crate) mod explain;
pub(crate) mod forecast;
pub(crate) mod gate;
pub(crate) mod grants;
pub(crate) mod hosts;
pub(crate) mod journal;
pub(crate) mod plan;
pub(crate) mod rollout;
#[cfg(test)]
mod samples;
pub(crate) mod status;

use comfy_table::{LineStyle, Table, TableStyle};
use jiff::Timestamp;
use sendgate_core::time::Readable;
use sendgate_core::view::HoldLine;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

/// Columns of a line of prose: what a log viewer and half a wide terminal show without breaking.
const WIDTH: usize = 110;
/// The first line of whatever speaks of states, where waits may have been shortened.
const LABORATORY: &str = "LABORATORY: waits may be shortened\n";

/// A table with this header; cells are never wrapped, so that a line is one thing.
fn grid(header: &[&str]) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::none().fill('-').junction('-'));
    table.load_style(style).set_header(header.iter().copied());
    table
}

/// The table's text, each line without blanks at its ends.
fn drawn(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        // Each cell is padded by one blank; the first one would only indent everything.
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

/// Text broken between words, each line indented; the first one begins with `mark`.
fn wrapped(mark: &str, text: &str) -> String {
    let indent = " ".repeat(mark.chars().count());
    let mut lines = String::new();
    for (number, paragraph) in text.lines().enumerate() {
        let mut line = if number == 0 { mark.to_owned() } else { indent.clone() };
        let mut width = indent.len();
        let mut empty = true;
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if !empty && width + 1 + length > WIDTH {
                lines.push_str(&line);
                lines.push('\n');
                (line, width, empty) = (indent.clone(), indent.len(), true);
            }
            if !empty {
                line.push(' ');
                width += 1;
            }
            line.push_str(word);
            (width, empty) = (width + length, false);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// To the minute.
fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// Whose hold, since when and why, and what that means where nothing of that name is configured.
fn held(HoldLine { hold, not_configured, .. }: &HoldLine) -> String {
    let by = hold.by.as_ref().map_or_else(|| "Sendgate itself".to_owned(), ToString::to_string);
    let besides = not_configured.as_ref().map_or_else(String::new, |why| format!("; {why}"));
    format!("held by {by} since {}: {}{besides}", minute(hold.at.wall), hold.reason)
}

/// A heading, and each item below it; nothing where there is none.
fn list<T: Display>(heading: &str, items: impl IntoIterator<Item = T>) -> String {
    let items: String = items.into_iter().map(|item| wrapped("  - ", &item.to_string())).collect();
    if items.is_empty() { String::new() } else { format!("{heading}\n{items}") }
}

/// `3 covered, 1 missing`.
fn counts(counts: &BTreeMap<String, usize>) -> String {
    if counts.is_empty() {
        return "none known".to_owned();
    }
    counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// How old something is; what has no age was never seen.
fn age(age: Option<Duration>) -> String {
    age.map_or_else(|| "never".to_owned(), |age| Readable(age).to_string())
}

/// A name that may not be there.
fn or_dash(name: Option<&str>) -> String {
    name.unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words_below_its_mark() {
        let text = wrapped("  - ", &"word ".repeat(40));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        assert!(lines[0].starts_with("  - word") && lines[1].starts_with("    word"), "{text}");
    }

    #[test]
    fn a_long_word_is_kept_whole() {
        let dn = "x".repeat(WIDTH * 2);
        assert_eq!(wrapped("- ", &dn), format!("- {dn}\n"));
    }
}
