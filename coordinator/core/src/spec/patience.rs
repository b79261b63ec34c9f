//! Whether a rollout can wait for its own windows.

use super::problem::{Problems, SpecError};
use super::{RolloutSpec, Windows};
use crate::names::WaveName;
use crate::policy::Policy;
use crate::time::Readable;
use crate::window::{Opening, Together};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many openings are looked at: a year of monthly ones, and what is over soon.
const LOOKED_AT: usize = 14;

/// Checks that the rollout's patience outlasts each time in which nothing of it may move: a soak, with the reports after it, and
/// from `now` on each one in which the last host of some wave could not begin. A wave that fits into no opening is not asked:
/// how long it waits for another window nobody knows.
///
/// # Errors
/// [`SpecError`] with the longest of them.
pub fn outlasts_waits(spec: &RolloutSpec, policy: &Policy, now: Timestamp) -> Result<(), SpecError> {
    let (soak, reports) =
        (spec.waves.iter().map(|wave| wave.soak).max().unwrap_or_default(), policy.freshness.silent_after);
    if spec.patience <= soak + reports {
        let mut problems = Problems::default();
        problems.add(
            "patience",
            format!(
                "it is {}, and a wave that soaks for {} is over once its hosts have reported since, which may take {}",
                Readable(spec.patience),
                Readable(soak),
                Readable(reports)
            ),
            "make it longer: until then nothing moves, and a rollout that nothing has moved for that long stops by itself",
        );
        return Err(SpecError { problems: problems.0 });
    }
    let Windows::In(windows) = &spec.windows else { return Ok(()) };
    let waves = spec.waves.iter().rev().map(|wave| (spec.needs(wave, policy), Some(&wave.name)));
    // Where no wave fits, its windows must come often enough all the same.
    let asked: BTreeMap<Duration, Option<&WaveName>> = waves.chain([(Duration::ZERO, None)]).collect();
    // Whatever needs more waits longer.
    let longest =
        asked.into_iter().rev().find_map(|(needs, wave)| Some((longest(windows, spec, needs, now)?, needs, wave)));
    let Some(((long, from, to), needs, wave)) = longest.filter(|((long, ..), ..)| *long >= spec.patience) else {
        return Ok(());
    };
    let what = match wave {
        Some(wave) => {
            format!("wave {wave}, whose last host needs {} until a cutoff, fits into no window", Readable(needs))
        }
        None => "no window lets anything begin".to_owned(),
    };
    let mut problems = Problems::default();
    problems.add(
        "patience",
        format!("it is {}, and {what} for {} from {from:.0} to {to:.0}", Readable(spec.patience), Readable(long)),
        "make it longer, or write a window in between: a rollout that nothing has moved for that long stops by itself",
    );
    Err(SpecError { problems: problems.0 })
}

/// The longest time in which nothing could begin that needs so much until a cutoff; none: it never can.
fn longest(
    windows: &Together,
    spec: &RolloutSpec,
    needs: Duration,
    now: Timestamp,
) -> Option<(Duration, Timestamp, Timestamp)> {
    let mut longest = None;
    // The last moment at which it could have begun, and the first one that is asked after it.
    let (mut last_chance, mut next) = (now, now);
    for _ in 0..LOOKED_AT {
        let Some(opens) = spec.windows.opening(next, needs) else { break };
        // Openings that join more of them than are followed at once go on where they seemed to end.
        let goes_on = opens == next;
        let long = Duration::try_from(opens.duration_since(last_chance)).unwrap_or_default();
        longest = longest.max(Some((if goes_on { Duration::ZERO } else { long }, last_chance, opens)));
        let Opening::Open { until, last, .. } = windows.at(opens) else { break };
        let needs = SignedDuration::try_from(needs).unwrap_or(SignedDuration::MAX);
        last_chance = last.checked_sub(needs).unwrap_or(opens);
        next = until;
    }
    longest
}
