//! What holds for every window.

use super::naive::{self, Pieces};
use super::recurring;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use sendgate_core::window::{Opening, Rule, Window, WrittenWindow, windows_at};
use std::collections::BTreeSet;

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "America/Santiago"];

fn set<T: Ord + Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = BTreeSet<T>> {
    prop::collection::vec(value, 0..4)
        .prop_flat_map(|values| select(vec![values, Vec::new()]))
        .prop_map(BTreeSet::from_iter)
}

prop_compose! {
    fn pieces()(
        frequency in select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
        interval in prop_oneof![Just(1_i64), 1_i64..5],
        months in set(1_i8..=12),
        month_days in set(prop_oneof![1_i8..=31, -31_i8..=-1]),
        days in set((0_i8..7, prop_oneof![3 => Just(0_i64), 1 => 1_i64..=5, 1 => -5_i64..=-1])),
        positions in set(prop_oneof![1_i64..6, -5_i64..=-1]),
        week_start in 0_i8..7,
        count in prop::option::of(1_usize..40),
    ) -> Pieces {
        let mut pieces = Pieces { frequency, interval, months, month_days, days, positions, week_start, count };
        if matches!(frequency, "DAILY" | "WEEKLY") {
            pieces.days = pieces.days.into_iter().map(|(day, _)| (day, 0)).collect();
        }
        if frequency == "WEEKLY" {
            pieces.month_days.clear();
        }
        if pieces.months.is_empty() && pieces.month_days.is_empty() && pieces.days.is_empty() {
            pieces.positions.clear();
        }
        pieces
    }
}

/// A window and all that it does for some years, the plain way.
#[derive(Debug, Clone)]
struct Known {
    window: Window,
    openings: Vec<(Timestamp, Timestamp, SignedDuration)>,
    /// Beyond it nothing was reckoned.
    horizon: Timestamp,
}

/// None where the rule has no day in the years looked at.
fn known(pieces: &Pieces, from: Date, clock: (i8, i8), hours: i64, zone: &str) -> Option<Known> {
    let end = date(from.year() + 3, 12, 31);
    // A first day of the rule, counted from `from`; from there the periods may fall otherwise, so that it is sought twice.
    let first = *pieces.days(from, end).first()?;
    let days = pieces.days(first, end);
    if days.first() != Some(&first) {
        return None;
    }
    let start = format!("{first}T{:02}:{:02}", clock.0, clock.1);
    let window = match recurring(&pieces.text(), &start, &format!("{hours}h"), zone).read() {
        Ok(window) => window,
        // The first day is one that the zone skipped, and the only one.
        Err(_) if days.len() == 1 || pieces.count == Some(1) => return None,
        Err(error) => panic!("{} from {start}: {error}", pieces.text()),
    };
    let begins = naive::begins(&days, clock.0, clock.1, window.zone());
    let counted = begins.into_iter().take(pieces.count.unwrap_or(usize::MAX));
    let length = SignedDuration::from_hours(hours);
    let openings = counted.map(|begin| (begin, begin + length, SignedDuration::from_mins(30))).collect();
    let horizon = window.zone().moment(end.at(0, 0, 0, 0))?;
    Some(Known { window, openings, horizon })
}

prop_compose! {
    fn known_within(first_days: std::ops::Range<i64>)(
        pieces in pieces(),
        days in first_days,
        clock in prop_oneof![1 => (0_i8..24, 0_i8..60), 1 => (1_i8..4, select(vec![0_i8, 15, 30, 45]))],
        hours in prop_oneof![4 => 1_i64..20, 1 => 1_i64..80],
        zone in select(ZONES.to_vec()),
    ) -> Option<Known> {
        known(&pieces, date(2005, 1, 1) + SignedDuration::from_hours(days * 24), clock, hours, zone)
    }
}

fn any_known() -> impl Strategy<Value = Option<Known>> {
    known_within(0..9000)
}

/// What the plain way says, where it can: not where too many openings join, nor beyond its years.
fn check(windows: &[&Known], wall: Timestamp) -> Result<(), TestCaseError> {
    let horizon = windows.iter().map(|known| known.horizon).min().unwrap();
    let month = SignedDuration::from_hours(31 * 24);
    if wall + month > horizon {
        return Ok(());
    }
    let all = windows.iter().flat_map(|known| known.openings.clone()).collect();
    let expected = naive::at(&naive::joined(all), wall);
    let list: Vec<Window> = windows.iter().map(|known| known.window.clone()).collect();
    let found = windows_at(&list, wall);
    match (found, expected) {
        (Opening::Open { since, until, .. }, _) if until.duration_since(since) > month => {}
        (_, Opening::Open { until, .. }) if until + month > horizon => {}
        (Opening::Closed { next: Some(next) }, _) if next + month > horizon => {}
        (found, expected) => prop_assert_eq!(found, expected, "{} at {}", list[0], wall),
    }
    Ok(())
}

/// A moment near an opening, or any in the years.
fn walls(known: &Known, pick: usize, shift: i64) -> Vec<Timestamp> {
    let (begin, end, _) = known.openings[pick % known.openings.len()];
    let instant = SignedDuration::from_nanos(1);
    let shifted = begin + SignedDuration::from_secs(shift);
    vec![begin - instant, begin, begin + instant, end - instant, end, end + instant, shifted]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_what_the_plain_way_says(known in any_known(), pick in any::<usize>(), shift in -90_000_000_i64..90_000_000) {
        if let Some(known) = known.filter(|known| !known.openings.is_empty()) {
            for wall in walls(&known, pick, shift) {
                check(&[&known], wall)?;
            }
        }
    }

    #[test]
    fn two_windows_are_what_the_plain_way_says(one in known_within(2000..2300), other in known_within(2000..2300), pick in 0_usize..40) {
        if let (Some(one), Some(other)) = (one.filter(|known| !known.openings.is_empty()), other) {
            for wall in walls(&one, pick, 7200) {
                check(&[&one, &other], wall)?;
            }
        }
    }

    #[test]
    fn a_window_survives_its_written_form(known in any_known()) {
        if let Some(Known { window, .. }) = known {
            let text = serde_json::to_string(&window).unwrap();
            let again: Window = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&again, &window, "{}", text);
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
    }

    #[test]
    fn a_rule_survives_its_text(pieces in pieces()) {
        let rule: Rule = pieces.text().parse().unwrap();
        prop_assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
    }

    #[test]
    fn listed_openings_are_in_order_apart_and_open(known in any_known(), most in 0_usize..9) {
        if let Some(known) = known.filter(|known| !known.openings.is_empty()) {
            let listed = known.window.upcoming(known.openings[0].0, most);
            prop_assert!(listed.len() <= most);
            for (begin, end) in &listed {
                prop_assert!(begin < end);
                let open = matches!(known.window.at(*begin), Opening::Open { .. });
                prop_assert!(open, "{} at {}", known.window, begin);
            }
            prop_assert!(listed.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }

    #[test]
    fn no_text_and_no_moment_makes_it_panic(
        texts in prop::collection::vec(prop_oneof![
            "\\PC{0,30}",
            "(FREQ=(DAILY|YEARLY|MONTHLY)|BYDAY=-?[0-9]{0,3}(MO|SU)|COUNT=[0-9]{0,6}|INTERVAL=[0-9]{0,4}|;|=|,){0,8}",
            "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?",
            "[0-9]{1,20}[hmsd]",
        ], 7),
        seconds in any::<i64>(),
    ) {
        let part = |index: usize| texts.get(index).cloned();
        let good = recurring("FREQ=MONTHLY;BYDAY=-1SU", "2026-01-25T22:00", "6h", "Europe/Berlin");
        let mut written = good.clone();
        (written.rule, written.start, written.length) = (part(0), part(1), part(2));
        let once = WrittenWindow { rule: None, start: None, length: None, from: part(3), to: part(4), zone: part(5), ..good.clone() };
        let wall = Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX });
        for written in [written, once, good] {
            if let Ok(window) = written.read() {
                let _ = (window.at(wall), window.upcoming(wall, 3), window.to_string());
            }
        }
    }
}
