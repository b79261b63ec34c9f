//! Single values: durations, names, one of a few words, paths.

use super::problem::Problems;
use jiff::SignedDuration;
use sendgate_core::names::BadName;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The longest duration that a configuration may name: a longer one is a slip, and adding it to a moment must stay
/// within what timestamps hold.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A duration as people write it: `65m`, `1h30m`.
pub(super) fn duration(problems: &mut Problems, key: &str, text: &str) -> Option<Duration> {
    let parsed = text.trim().parse::<SignedDuration>().ok().and_then(|signed| Duration::try_from(signed).ok());
    match parsed {
        Some(duration) if duration > LONGEST => {
            problems.add(key, format!("{text:?} is longer than a year"), "write a shorter duration");
            None
        }
        Some(duration) if !duration.is_zero() => Some(duration),
        _ => {
            let wrong = format!("{text:?} is not a duration above zero");
            problems.add(key, wrong, "write it with units, such as \"65m\", \"1h30m\" or \"90s\"");
            None
        }
    }
}

/// A duration that may be left out.
pub(super) fn duration_or(
    problems: &mut Problems,
    key: &str,
    text: Option<&String>,
    default: Duration,
) -> Option<Duration> {
    match text {
        None => Some(default),
        Some(text) => duration(problems, key, text),
    }
}

/// A name of any kind.
pub(super) fn name<T: FromStr<Err = BadName>>(problems: &mut Problems, key: &str, text: &str) -> Option<T> {
    problems.take(key, text.parse(), "write the name as the estate knows it")
}

/// One of a few words.
pub(super) fn choice<T: Copy>(problems: &mut Problems, key: &str, text: &str, words: &[(&str, T)]) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        problems.add(key, format!("{text:?} is not known here"), format!("write {}", words.join(" or ")));
    }
    found
}

/// A path; a relative one starts from the configuration file's directory.
pub(super) fn path(problems: &mut Problems, key: &str, base: &Path, text: &str) -> Option<PathBuf> {
    if text.trim().is_empty() {
        problems.add(key, "the path is empty", "write the whole path");
        return None;
    }
    Some(base.join(text))
}
