//! What goes to standard output, and how.

use crate::errors::Failure;
use serde_json::Value;
use std::io::Write;

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For programs: the coordinator's own answer.
    Json,
}

/// Text without control characters: names and reasons come from directories and logs, and a terminal obeys them.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Prints text for people, ending in a newline.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", printable(text.trim_end()))?;
    Ok(out.flush()?)
}

/// Says something beside the output, which stays what programs read.
pub(crate) fn beside(text: &str) {
    // Nobody may be listening there.
    let _ = writeln!(std::io::stderr().lock(), "sendgate: {}", printable(text));
}

/// Prints JSON for programs, indented.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value:#}")?;
    Ok(out.flush()?)
}

/// Prints one line of JSON.
pub(crate) fn json_line(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

/// Prints rows of CSV (RFC 4180).
pub(crate) fn csv<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Result<(), Failure> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(std::io::stdout().lock());
    for row in rows {
        writer.write_record(row).map_err(std::io::Error::from)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_by_a_name() {
        assert_eq!(printable("user \u{1b}[2Jdoe\r\nnext"), "user \u{fffd}[2Jdoe\u{fffd}\nnext");
    }
}
