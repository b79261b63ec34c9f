//! Time zones by name, from the database that is compiled in: an answer does not depend on the machine that gives it.

mod windows_names;

use super::problem::Wrong;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use windows_names::WINDOWS_NAMES;

/// A gap this long (seconds) swallows a whole date: Apia had no 30 December 2011.
const A_DAY: i32 = 24 * 3600;
/// The longest text that near names are sought for, in bytes: the longest zone name has 33.
const LONGEST_NAME: usize = 64;
/// How many near names an error shows.
const NEAR_NAMES: usize = 3;
/// What tzdb and its users have for "zone not known": a window needs a known one.
const NOT_A_PLACE: [&str; 2] = ["Factory", "Etc/Unknown"];

/// A time zone by its IANA name. Two are equal where their names are.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

impl Zone {
    /// The IANA name, in the database's letter case. A zone that was written by its Windows name has the IANA name that
    /// CLDR gives for the world at large.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clocks in the zone show.
    #[must_use]
    pub fn local(&self, moment: Timestamp) -> DateTime {
        self.rules.to_datetime(moment)
    }

    /// The moment that clocks in the zone show as `local` (RFC 5545, 3.3.5): of a time that comes twice the first; a
    /// time that the clocks skip is read by the offset before the gap, and so comes later by the gap's length. None
    /// where the zone skipped the whole date, which is then no valid date (RFC 5545, 3.3.10).
    #[must_use]
    pub fn moment(&self, local: DateTime) -> Option<Timestamp> {
        let found = self.rules.to_ambiguous_timestamp(local);
        match found.offset() {
            AmbiguousOffset::Gap { before, after } if after.seconds() - before.seconds() >= A_DAY => None,
            _ => found.compatible().ok(),
        }
    }
}

impl FromStr for Zone {
    type Err = Wrong;
    fn from_str(text: &str) -> Result<Self, Wrong> {
        let given = text.trim();
        let windows = WINDOWS_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
        let wanted = windows.map_or(given, |(_, iana)| iana);
        let rules = TimeZoneDatabase::bundled().get(wanted).ok();
        let known =
            rules.and_then(|rules| rules.iana_name().map(Arc::from).map(|name| Self { name, rules: rules.clone() }));
        known.filter(|zone| !NOT_A_PLACE.contains(&zone.name())).ok_or_else(|| unknown(given))
    }
}

fn unknown(given: &str) -> Wrong {
    let near = near(given);
    let remedy = if near.is_empty() {
        "write an IANA name such as \"Europe/Berlin\" or a Windows name such as \"W. Europe Standard Time\"".to_owned()
    } else {
        let near: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
        format!("write {}, or another name that IANA or Windows has", near.join(" or "))
    };
    Wrong::new(format!("{given:?} is not a time zone"), remedy)
}

/// The names that are likely meant, best first.
fn near(given: &str) -> Vec<String> {
    let given = given.to_lowercase().replace(' ', "_");
    if given.is_empty() || given.len() > LONGEST_NAME {
        return Vec::new();
    }
    let far = (given.len() / 4).max(2);
    let database = TimeZoneDatabase::bundled();
    let iana = database.available().map(|name| name.as_str().to_owned());
    let windows = WINDOWS_NAMES.iter().map(|(name, _)| (*name).to_owned());
    let mut found: Vec<(usize, String)> = iana
        .chain(windows)
        .filter(|name| !NOT_A_PLACE.contains(&name.as_str()))
        .filter_map(|name| {
            let whole = name.to_lowercase().replace(' ', "_");
            let city = whole.rsplit('/').next().unwrap_or(&whole);
            let distance = |part: &str| strsim::damerau_levenshtein(&given, part);
            // "Berlin" alone means the city; a slip in it costs one more than the slip.
            let off = distance(&whole).min(distance(city).saturating_add(1));
            (off <= far).then_some((off, name))
        })
        .collect();
    found.sort();
    found.into_iter().take(NEAR_NAMES).map(|(_, name)| name).collect()
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

// By name: the rules are the database's.
impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_windows_name_leads_to_a_zone_of_the_database() {
        for (windows, iana) in WINDOWS_NAMES {
            let zone = windows.parse::<Zone>().unwrap();
            assert_eq!(zone.name(), *iana, "{windows}");
        }
        let mut sorted: Vec<String> = WINDOWS_NAMES.iter().map(|(name, _)| name.to_lowercase()).collect();
        sorted.dedup();
        assert_eq!(sorted.len(), 139);
        assert!(sorted.is_sorted());
    }
}
