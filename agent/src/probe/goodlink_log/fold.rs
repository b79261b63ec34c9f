//! From lines to the set of paused users.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::mark::Mark;
use super::{Line, LineError};

/// `MAPI_E_NO_ACCESS` = 0x80070005: what the store answers when the service account lacks Send As.
const NO_ACCESS: i32 = -2_147_024_891;

/// A COM result (MS-ERREF section 2.1), as a signed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hresult(i32);

impl Hresult {
    /// Reads `-2147024891`, `2147942405` or `0x80070005`: the same value, in the forms that logs use.
    pub fn parse(text: &str) -> Option<Self> {
        let value = match text.strip_prefix("0x") {
            Some(hex) => i64::from(u32::from_str_radix(hex, 16).ok()?),
            None => text.parse::<i64>().ok()?,
        };
        let signed = i32::try_from(value).ok();
        signed.or_else(|| u32::try_from(value).ok().map(u32::cast_signed)).map(Self)
    }

    /// The signed value.
    pub fn value(self) -> i32 {
        self.0
    }

    /// Whether this says that Send As is missing.
    pub fn cause(self) -> Cause {
        if self.0 == NO_ACCESS { Cause::SendAs } else { Cause::Other }
    }
}

/// Why a user is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The right is missing.
    SendAs,
    /// Anything else; never counted as a missing right.
    Other,
}

/// One paused user and one HRESULT; a user with several has several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// As GoodLink names the user.
    pub user: String,
    /// As logged.
    pub hresult: Hresult,
    /// Of the first pause line since the user was last not paused.
    pub first: Timestamp,
    /// Of the last one.
    pub last: Timestamp,
    /// How many there are.
    pub count: u32,
}

/// Who is paused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paused {
    since: Option<Timestamp>,
    /// Whether lines count by now; `None` before the first one with a time.
    counting: Option<bool>,
    /// The latest time of a line.
    latest: Option<Timestamp>,
    users: BTreeMap<String, BTreeMap<Hresult, Pause>>,
    /// When a line ended a user's pauses last.
    ended: BTreeMap<String, Timestamp>,
}

impl Paused {
    /// Nobody yet; lines before `since`, the start of GoodLink's service, do not count: a restart ends all pauses.
    ///
    /// A log may have whole seconds only, so lines of the very second of the start count: rather one too many. Once one
    /// line counts all that follow it do, whatever their time: the clock may have been set back.
    pub fn since(since: Option<Timestamp>) -> Self {
        let since = since.map(|at| Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at));
        Self { since, counting: since.is_none().then_some(true), ..Self::default() }
    }

    /// Takes one line; lines come in the order in which they were logged.
    ///
    /// # Errors
    /// When it counts and cannot be used. A line without a time is of the time of the last one that had one; with none
    /// before it, it counts.
    pub fn take(&mut self, line: Line) -> Result<(), LineError> {
        if let Some(at) = line.at() {
            let counts = self.since.is_none_or(|since| at >= since);
            self.counting = Some(counts || self.counting == Some(true));
            self.latest = self.latest.max(Some(at));
        }
        let counts = self.counting.unwrap_or(true);
        match line {
            Line::Pause { at, user, hresult } if counts => {
                let pauses = self.users.entry(user.clone()).or_default();
                let pause = pauses.entry(hresult).or_insert(Pause { user, hresult, first: at, last: at, count: 0 });
                pause.last = at;
                pause.count = pause.count.saturating_add(1);
            }
            Line::Unpause { at, user } if counts => {
                self.users.remove(&user);
                self.ended.insert(user, at);
            }
            Line::Bad { why, .. } if counts => return Err(why),
            Line::Pause { .. } | Line::Unpause { .. } | Line::Bad { .. } | Line::Timed { .. } | Line::Untimed => {}
        }
        Ok(())
    }

    /// Whether a line was taken that counts.
    pub(super) fn counted(&self) -> bool {
        self.counting == Some(true)
    }

    /// Keeps the pauses that were known before and whose lines are gone: nobody is un-paused because of that. A line that
    /// is there and ended them later still does.
    pub(super) fn keep(&mut self, before: impl IntoIterator<Item = Pause>) {
        for known in before {
            let ended = self.ended.get(&known.user).is_some_and(|ended| known.last < *ended);
            if !ended {
                let (hresult, pauses) = (known.hresult, self.users.entry(known.user.clone()).or_default());
                let pause = pauses.entry(hresult).or_insert_with(|| known.clone());
                pause.first = pause.first.min(known.first);
                pause.last = pause.last.max(known.last);
                pause.count = pause.count.max(known.count);
            }
        }
    }

    /// The latest time of a line that was taken.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Those of a mark that hold after the start `since`. Where the mark was made for that very start all do, whatever their
    /// time; else those that are not older than the start, which is the least that anybody has been paused since.
    pub(super) fn recalled(since: Option<Timestamp>, mark: &Mark) -> Self {
        let mut all = Self::since(since);
        let start = all.since.filter(|_| mark.since != since);
        all.latest = mark.latest;
        // Lines without a time are those of the start that they were read after, or of any where that was not known.
        let counts = |start| mark.latest.map_or(mark.since.is_none(), |latest| latest >= start);
        all.counting = Some(start.is_none_or(counts));
        let held = mark.paused.iter().filter(|pause| start.is_none_or(|start| pause.last >= start));
        all.keep(held.map(|pause| Pause { first: start.unwrap_or(pause.first).max(pause.first), ..pause.clone() }));
        all
    }

    /// The paused users by name, and by HRESULT within a name.
    pub fn iter(&self) -> impl Iterator<Item = &Pause> {
        self.users.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pause(second: i64, user: &str, hresult: &str) -> Line {
        Line::Pause { at: at(second), user: user.into(), hresult: Hresult::parse(hresult).unwrap() }
    }

    #[test]
    fn hresults_in_all_their_forms() {
        for text in ["-2147024891", "2147942405", "0x80070005"] {
            assert_eq!(Hresult::parse(text).unwrap().cause(), Cause::SendAs, "{text}");
        }
        assert_eq!(Hresult::parse("-2147467259").unwrap().cause(), Cause::Other);
        for text in ["4294967296", "-2147483649", "0x", "0x180070005", ""] {
            assert_eq!(Hresult::parse(text), None, "{text}");
        }
    }

    #[test]
    fn causes_are_counted_apart() {
        let mut paused = Paused::since(None);
        paused.take(pause(1, "ann", "-2147024891")).unwrap();
        paused.take(pause(2, "ann", "-2147467259")).unwrap();
        paused.take(pause(3, "ann", "-2147024891")).unwrap();
        let seen: Vec<_> = paused.iter().map(|p| (p.user.as_str(), p.hresult.cause(), p.count)).collect();
        assert_eq!(seen, [("ann", Cause::Other, 1), ("ann", Cause::SendAs, 2)]);
        let send_as = paused.iter().last().unwrap();
        assert_eq!((send_as.first, send_as.last), (at(1), at(3)));
    }

    #[test]
    fn an_unpause_starts_the_count_anew() {
        let mut paused = Paused::since(None);
        paused.take(pause(1, "ann", "-2147024891")).unwrap();
        paused.take(Line::Unpause { at: at(2), user: "ann".into() }).unwrap();
        assert_eq!(paused.iter().count(), 0);
        paused.take(pause(3, "ann", "-2147024891")).unwrap();
        let only = paused.iter().next().unwrap();
        assert_eq!((only.first, only.count), (at(3), 1));
    }

    #[test]
    fn after_a_line_that_counts_all_do_also_when_the_clock_was_set_back() {
        let mut paused = Paused::since(Some(at(100)));
        paused.take(pause(50, "old", "-2147024891")).unwrap();
        paused.take(Line::Timed { at: at(101) }).unwrap();
        paused.take(pause(40, "ann", "-2147024891")).unwrap();
        assert_eq!(paused.iter().map(|p| p.user.as_str()).collect::<Vec<_>>(), ["ann"]);
        paused.take(Line::Unpause { at: at(41), user: "ann".into() }).unwrap();
        assert_eq!(paused.iter().count(), 0);
    }

    #[test]
    fn a_bad_line_spoils_what_it_belongs_to_and_nothing_later() {
        let bad = |at: Option<i64>| {
            let why = LineError::Hresult { text: "9".into() };
            Line::Bad { at: at.map(|at| Timestamp::from_second(at).unwrap()), why }
        };
        let mut paused = Paused::since(Some(at(100)));
        assert!(paused.take(bad(None)).is_err(), "of no known time");
        paused.take(bad(Some(50))).unwrap();
        paused.take(bad(None)).unwrap();
        assert!(paused.take(bad(Some(100))).is_err());
        assert!(paused.take(bad(None)).is_err(), "of the time of the line before it");
        assert!(Paused::since(None).take(bad(Some(50))).is_err());
    }

    #[test]
    fn a_restart_ends_all_pauses_but_not_those_of_its_own_second() {
        let start = Timestamp::from_millisecond(5_900).unwrap();
        let mut paused = Paused::since(Some(start));
        paused.take(pause(4, "old", "-2147024891")).unwrap();
        paused.take(pause(5, "same", "-2147024891")).unwrap();
        assert_eq!(paused.iter().map(|p| p.user.as_str()).collect::<Vec<_>>(), ["same"]);
    }
}
