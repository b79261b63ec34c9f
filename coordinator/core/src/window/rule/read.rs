//! Reading a rule, strictly: what is not understood is refused, never passed over.

use super::{FREQUENCIES, Frequency, Rule, RuleEnd, WEEK_DAYS, WeekDay};
use crate::window::problem::Wrong;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The largest `INTERVAL`.
const LARGEST_INTERVAL: u16 = 1000;
/// The largest `COUNT`: an end further off is written as `UNTIL`. Its openings are counted when the window is read.
const LARGEST_COUNT: u16 = 1000;
/// The parts that a rule may have.
const PARTS: [&str; 9] = ["FREQ", "INTERVAL", "UNTIL", "COUNT", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST"];
/// RFC 5545's other parts for the time of day.
const TIME_PARTS: [&str; 3] = ["BYHOUR", "BYMINUTE", "BYSECOND"];

impl FromStr for Rule {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let parts = split(text)?;
        let get = |part: &str| parts.get(part).map(String::as_str);
        let frequency = frequency(get("FREQ"))?;
        let whole = |part: &str, largest: u16| get(part).map(|value| within(part, value, largest)).transpose();
        let interval = whole("INTERVAL", LARGEST_INTERVAL)?.unwrap_or(1);
        let count = whole("COUNT", LARGEST_COUNT)?;
        let until = get("UNTIL").map(until).transpose()?;
        let end = match (until, count) {
            (None, None) => RuleEnd::Never,
            (Some(until), None) => RuleEnd::Until(until),
            (None, Some(count)) => RuleEnd::Count(count),
            (Some(_), Some(_)) => return Err(Wrong::new("the rule has both UNTIL and COUNT", "keep one of them")),
        };
        let rule = Self {
            frequency,
            interval,
            end,
            months: get("BYMONTH").map_or(Ok(Vec::new()), |value| numbers("BYMONTH", value, 1, 12, false))?,
            month_days: get("BYMONTHDAY").map_or(Ok(Vec::new()), |value| numbers("BYMONTHDAY", value, 1, 31, true))?,
            days: get("BYDAY").map_or(Ok(Vec::new()), |value| days(value, frequency))?,
            positions: get("BYSETPOS").map_or(Ok(Vec::new()), |value| numbers("BYSETPOS", value, 1, 366, true))?,
            week_start: get("WKST").map_or(Ok(WeekDay(0)), |word| week_day("WKST", word))?,
        };
        rule.fits_together()
    }
}

impl Rule {
    fn fits_together(self) -> Result<Self, Wrong> {
        if self.frequency == Frequency::Weekly && !self.month_days.is_empty() {
            return Err(Wrong::new(
                "BYMONTHDAY has no meaning with FREQ=WEEKLY",
                "write FREQ=MONTHLY, or leave it out",
            ));
        }
        if !self.positions.is_empty() && self.months.is_empty() && self.month_days.is_empty() && self.days.is_empty() {
            return Err(Wrong::new("BYSETPOS has nothing to choose from", "add BYDAY or BYMONTHDAY, or leave it out"));
        }
        Ok(self)
    }
}

/// The parts, by name in capitals.
fn split(text: &str) -> Result<BTreeMap<String, String>, Wrong> {
    let all = text.trim().to_ascii_uppercase();
    let mut parts = BTreeMap::new();
    for written in all.split(';') {
        let (part, value) = written.split_once('=').unwrap_or((written, ""));
        if TIME_PARTS.contains(&part) {
            let remedy = "the time of day is that of \"start\"; write a window for each time";
            return Err(Wrong::new(format!("{part} cannot be in a window's rule"), remedy));
        }
        if !PARTS.contains(&part) {
            return Err(Wrong::new(
                format!("{written:?} is not a part of a rule"),
                format!("a rule is made of {}, as in \"FREQ=WEEKLY;BYDAY=SA\"", PARTS.join(", ")),
            ));
        }
        if value.is_empty() {
            return Err(Wrong::new(format!("{part} has no value"), format!("write {part}=..., or leave it out")));
        }
        if parts.insert(part.to_owned(), value.to_owned()).is_some() {
            return Err(Wrong::new(format!("{part} is there twice"), "keep one; several values are joined by commas"));
        }
    }
    Ok(parts)
}

fn frequency(word: Option<&str>) -> Result<Frequency, Wrong> {
    let remedy = "write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY";
    let Some(word) = word else {
        return Err(Wrong::new("the rule has no FREQ", remedy));
    };
    let found = FREQUENCIES.iter().find(|(name, _)| *name == word).map(|(_, frequency)| *frequency);
    found.ok_or_else(|| Wrong::new(format!("FREQ={word} cannot be a window's"), remedy))
}

fn within(part: &str, value: &str, largest: u16) -> Result<u16, Wrong> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (1..=largest).contains(number));
    number.ok_or_else(|| {
        Wrong::new(format!("{part}={value} is out of range"), format!("write a whole number from 1 to {largest}"))
    })
}

/// Whole numbers, in order and each once; those below zero count from the end.
fn numbers<T>(part: &str, value: &str, smallest: T, largest: T, from_end: bool) -> Result<Vec<T>, Wrong>
where
    T: FromStr + Ord + Copy + std::fmt::Display + std::ops::Neg<Output = T>,
{
    let mut found = Vec::new();
    for word in value.split(',') {
        let number = word.parse::<T>().ok();
        let ahead = |number: &T| (smallest..=largest).contains(number);
        let behind = |number: &T| from_end && (-largest..=-smallest).contains(number);
        let Some(number) = number.filter(|number| ahead(number) || behind(number)) else {
            let back = if from_end { format!(", or -1 to -{largest} from the end") } else { String::new() };
            let remedy = format!("write numbers from {smallest} to {largest}{back}, joined by commas");
            return Err(Wrong::new(format!("{part} cannot be {word:?}"), remedy));
        };
        found.push(number);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn week_day(part: &str, word: &str) -> Result<WeekDay, Wrong> {
    let found = WEEK_DAYS.iter().zip(0..).find(|(name, _)| **name == word).map(|(_, day)| WeekDay(day));
    found.ok_or_else(|| {
        Wrong::new(format!("{part} cannot be {word:?}"), format!("the days are {}", WEEK_DAYS.join(", ")))
    })
}

fn days(value: &str, frequency: Frequency) -> Result<Vec<(WeekDay, i8)>, Wrong> {
    let largest = match frequency {
        Frequency::Daily | Frequency::Weekly => 0,
        Frequency::Monthly => 5,
        Frequency::Yearly => 53,
    };
    let mut found = Vec::new();
    for word in value.split(',') {
        let split = word.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(word.len());
        let (nth, day) = word.split_at(split);
        let day = week_day("BYDAY", day)?;
        if nth.is_empty() {
            found.push((day, 0));
            continue;
        }
        if largest == 0 {
            let remedy = "write the day alone, or FREQ=MONTHLY for a certain one of the month";
            return Err(Wrong::new(format!("BYDAY={word} has no meaning with FREQ={frequency}"), remedy));
        }
        let number = nth.parse::<i8>().ok().filter(|nth| *nth != 0 && (-largest..=largest).contains(nth));
        let Some(number) = number else {
            let remedy = format!("write 1 to {largest} before the day, or -1 to -{largest} from the end");
            return Err(Wrong::new(format!("BYDAY cannot be {word:?} with FREQ={frequency}"), remedy));
        };
        found.push((day, number));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// In UTC, as RFC 5545 asks where the start is a local time.
fn until(value: &str) -> Result<Timestamp, Wrong> {
    let shape = value.len() == 16
        && value.bytes().zip("00000000T000000Z".bytes()).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            letter => byte == letter,
        });
    let moment = shape.then(|| value.trim_end_matches('Z')).and_then(|local| local.parse::<DateTime>().ok());
    moment.and_then(|local| TimeZone::UTC.to_timestamp(local).ok()).ok_or_else(|| {
        let remedy = "write the moment in UTC, such as UNTIL=20261231T230000Z: no opening begins after it";
        Wrong::new(format!("UNTIL={value} is not a moment"), remedy)
    })
}
