//! Single values of a window: its name, durations, local times; read strictly, and written one way.

use crate::window::WindowName;
use crate::window::pattern::FIRST_DAY;
use crate::window::problem::Wrong;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date};
use std::time::Duration;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;
/// The latest day that a window may be written for; its rule may go on after it.
const LATEST_DAY: Date = date(2199, 12, 31);

pub(super) fn window_name(text: &str) -> Result<WindowName, Wrong> {
    let name = text.trim().to_ascii_lowercase();
    let legal = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(legal) {
        let remedy = format!("write 1 to {LONGEST_NAME} letters, digits, '.', '_' or '-', such as \"sat-night\"");
        return Err(Wrong::new(format!("{text:?} is not a window's name"), remedy));
    }
    Ok(WindowName(name.into()))
}

/// Whether a duration may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    Allowed,
    Refused,
}

/// A duration as everywhere in a configuration: `65m`, `1h30m`; whole seconds.
pub(super) fn duration(text: &str, longest: Duration, zero: Zero, example: &str) -> Result<Duration, Wrong> {
    let parsed = text.trim().parse::<SignedDuration>().ok().and_then(|signed| Duration::try_from(signed).ok());
    let whole = parsed.filter(|duration| duration.subsec_nanos() == 0);
    let remedy = || format!("write it with units, such as \"{example}\"");
    match whole {
        Some(duration) if duration > longest => {
            let days = longest.as_secs() / (24 * 3600);
            Err(Wrong::new(format!("{text:?} is longer than {days} days"), "write a shorter duration"))
        }
        Some(duration) if !duration.is_zero() || zero == Zero::Allowed => Ok(duration),
        Some(_) => Err(Wrong::new(format!("{text:?} is not a duration above zero"), remedy())),
        None => Err(Wrong::new(format!("{text:?} is not a duration in whole seconds"), remedy())),
    }
}

/// `1h30m`; `0s` for none.
pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A local time: a date, `T` or a space, hours and minutes, perhaps seconds. An offset or a zone has no place in it.
pub(super) fn local(text: &str) -> Result<DateTime, Wrong> {
    let given = text.trim().replacen(' ', "T", 1);
    let shape = |like: &str| {
        given.len() == like.len()
            && given.bytes().zip(like.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    let known = shape("0000-00-00T00:00") || shape("0000-00-00T00:00:00");
    let parsed = given.split_once('T').filter(|_| known).and_then(|(day, time)| {
        let day: Date = day.parse().ok()?;
        // A leap second would be read as the one before it.
        let time: Time = Some(time).filter(|time| !time.ends_with(":60"))?.parse().ok()?;
        Some(day.to_datetime(time))
    });
    let Some(local) = parsed else {
        let remedy = "write date and time as clocks in \"zone\" show them, such as \"2026-01-03T22:00\"";
        return Err(Wrong::new(format!("{text:?} is not a local time"), remedy));
    };
    if !(FIRST_DAY..=LATEST_DAY).contains(&local.date()) {
        let remedy = format!("write a date from {FIRST_DAY} to {LATEST_DAY}");
        return Err(Wrong::new(format!("{text:?} is too far away"), remedy));
    }
    Ok(local)
}

/// `2026-01-03T22:00`, with seconds only where there are any.
pub(crate) fn local_text(local: DateTime) -> String {
    let format = if local.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    local.strftime(format).to_string()
}
