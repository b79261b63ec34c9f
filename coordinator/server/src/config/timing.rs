//! Waits, freshness and deadlines: each above its minimum, and in an order that makes sense.

use super::problem::Problems;
use super::value::{duration, duration_or};
use super::written::{Agents, Rollout, Survey, Waits as WrittenWaits};
use sendgate_core::coverage::past::KEPT;
use sendgate_core::policy::{Freshness, Waits};
use sendgate_core::time::Readable;
use std::time::Duration;

/// From one survey to the next: often enough that a lost right is seen within the hour in which it gets lost.
const SURVEY_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// Two survey intervals: one survey may fail without closing anything.
const EVIDENCE_AGE: Duration = Duration::from_secs(30 * 60);
/// The watch asks each second; whoever has not been heard of for a minute is not being watched.
const WATCH_AGE: Duration = Duration::from_secs(60);
/// The longest time between two reports of a host.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Four heartbeats: what is lost on the way is no silence yet.
const SILENT_AFTER: Duration = Duration::from_secs(2 * 60);
/// A hotfix of that time installs in minutes; an hour leaves room for a slow host and a restart of services.
const ACT_DEADLINE: Duration = Duration::from_secs(3600);
/// GoodLink pauses users within minutes after a store begins to enforce.
const SOAK: Duration = Duration::from_secs(15 * 60);

/// A time: its key, what it is at least, and where that comes from. A wait is as long by default.
struct Minimum {
    key: &'static str,
    least: Duration,
    because: &'static str,
}

const MINIMUMS: [Minimum; 4] = [
    Minimum {
        key: "waits.second_look",
        least: Waits::FIELD.second_look,
        because: "AdminSDHolder's propagator takes a right away within 60 minutes (Microsoft KB 907434), \
                  and the second look must come after it",
    },
    Minimum {
        key: "waits.restart",
        least: Waits::FIELD.restart,
        because: "the right takes about 70 minutes to reach Exchange (Good article 17540)",
    },
    Minimum {
        key: "waits.settled",
        least: Waits::FIELD.settled,
        because: "without a restart of GoodLink it takes up to 90 minutes to un-pause users (Good article 17540)",
    },
    Minimum {
        key: "waits.failed",
        least: Waits::FIELD.failed,
        because: "the store keeps what it knows of a mailbox for up to 120 minutes, and DSAccess for 10 \
                  (Microsoft KB 327378)",
    },
];

/// What is above zero and cannot work all the same.
const LEAST_HEARTBEAT: Minimum = Minimum {
    key: "agents.heartbeat",
    least: Duration::from_secs(1),
    because: "every host reports as often, and each report is planned on",
};
const LEAST_WATCH_AGE: Minimum = Minimum {
    key: "survey.watch_age",
    least: Duration::from_secs(10),
    because: "the watch asks each second, and a server that takes a few for its answer is not gone",
};
const LEAST_ACT_DEADLINE: Minimum = Minimum {
    key: "agents.act_deadline",
    least: Duration::from_secs(60),
    because: "an offer that is not taken up and an act of which nothing is heard are given up by then, and no installer is \
              through so soon",
};

impl Minimum {
    /// What is written, or the default; in a laboratory also below the minimum.
    fn of(
        &self,
        problems: &mut Problems,
        text: Option<&String>,
        default: Duration,
        laboratory: bool,
    ) -> Option<Duration> {
        let time = duration_or(problems, self.key, text, default)?;
        if time < self.least && !laboratory {
            let (time, least) = (Readable(time), Readable(self.least));
            problems.add(
                self.key,
                format!("{time} is below the minimum of {least}: {}", self.because),
                "remove the key or lengthen it; only a coordinator started with --laboratory may shorten it",
            );
            return None;
        }
        Some(time)
    }
}

/// The waits: never below the field's, except in a laboratory, and each at least as long as the one before it.
pub(super) fn waits(problems: &mut Problems, written: &WrittenWaits, laboratory: bool) -> Option<Waits> {
    let texts = [&written.second_look, &written.restart, &written.settled, &written.failed];
    let mut found = [None; 4];
    for ((minimum, text), found) in MINIMUMS.iter().zip(texts).zip(&mut found) {
        *found = minimum.of(problems, text.as_ref(), minimum.least, laboratory);
    }
    for (pair, values) in MINIMUMS.windows(2).zip(found.windows(2)) {
        if let ([before, after], [Some(shorter), Some(longer)]) = (pair, values)
            && longer < shorter
        {
            let (longer, shorter) = (Readable(*longer), Readable(*shorter));
            problems.add(
                after.key,
                format!("{longer} is shorter than {} with {shorter}", before.key),
                "the waits must follow one another: second_look, restart, settled, failed",
            );
        }
    }
    let [Some(second_look), Some(restart), Some(settled), Some(failed)] = found else { return None };
    if settled > KEPT {
        problems.add(
            "waits.settled",
            format!("{} is longer than {}", Readable(settled), Readable(KEPT)),
            "write a shorter one: for that long it is remembered of users on no roster that their right has just come",
        );
        return None;
    }
    Some(Waits { second_look, restart, settled, failed })
}

/// How old evidence may be.
pub(super) fn freshness(
    problems: &mut Problems,
    survey: &Survey,
    agents: &Agents,
    laboratory: bool,
) -> Option<Freshness> {
    let survey_interval = duration_or(problems, "survey.interval", survey.interval.as_ref(), SURVEY_INTERVAL);
    let evidence_age = duration_or(problems, "survey.evidence_age", survey.evidence_age.as_ref(), EVIDENCE_AGE);
    let watch_age = LEAST_WATCH_AGE.of(problems, survey.watch_age.as_ref(), WATCH_AGE, laboratory);
    let heartbeat = LEAST_HEARTBEAT.of(problems, agents.heartbeat.as_ref(), HEARTBEAT, laboratory);
    let silent_after = duration_or(problems, "agents.silent_after", agents.silent_after.as_ref(), SILENT_AFTER);
    longer(problems, ("survey.evidence_age", evidence_age), ("survey.interval", survey_interval), |longer, shorter| {
        format!(
            "{longer} is not longer than survey.interval with {shorter}: evidence would be void before the next survey"
        )
    });
    longer(problems, ("agents.silent_after", silent_after), ("agents.heartbeat", heartbeat), |longer, shorter| {
        format!("{longer} is not longer than agents.heartbeat with {shorter}: every host would be called silent")
    });
    Some(Freshness {
        survey_interval: survey_interval?,
        evidence_age: evidence_age?,
        watch_age: watch_age?,
        heartbeat: heartbeat?,
        silent_after: silent_after?,
    })
}

type Named = (&'static str, Option<Duration>);

fn longer(problems: &mut Problems, long: Named, short: Named, wrong: impl Fn(Readable, Readable) -> String) {
    if let (Some(longer), Some(shorter)) = (long.1, short.1)
        && longer <= shorter
    {
        let remedy = format!("make it longer, better twice as long, or shorten {}", short.0);
        problems.add(long.0, wrong(Readable(longer), Readable(shorter)), remedy);
    }
}

/// How long an act may be under way.
pub(super) fn act_deadline(problems: &mut Problems, agents: &Agents, laboratory: bool) -> Option<Duration> {
    LEAST_ACT_DEADLINE.of(problems, agents.act_deadline.as_ref(), ACT_DEADLINE, laboratory)
}

/// How long a change is watched.
pub(super) fn soak(problems: &mut Problems, rollout: &Rollout) -> Option<Duration> {
    rollout.soak.as_ref().map_or(Some(SOAK), |text| duration(problems, "rollout.soak", text))
}
