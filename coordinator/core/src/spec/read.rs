//! From what is written to what is meant. Nothing returns early: all that is wrong is said at once.

use super::file::{self, Written, WrittenThresholds};
use super::problem::{Problems, SpecError};
use super::{Expected, OnTrip, PackageSpec, RolloutSpec, Thresholds, Windows, waves};
use crate::enforcement::{Enforcement, StoreVersion};
use crate::policy::Policy;
use crate::time::Readable;
use jiff::SignedDuration;
use std::num::NonZeroU32;
use std::time::Duration;

/// A hotfix of that time installs in minutes; with the restart of the store's services.
const INSTALL: Duration = Duration::from_secs(20 * 60);
/// GoodLink's service is back within minutes.
const RESTART: Duration = Duration::from_secs(5 * 60);
/// An uninstall takes what an install takes.
const REMOVAL: Duration = Duration::from_secs(20 * 60);
/// From one weekend's window to the next one's, and a day.
const PATIENCE: Duration = Duration::from_secs(8 * 24 * 3600);
/// The longest duration of a file.
const LONGEST: Duration = Duration::from_secs(92 * 24 * 3600);

/// A rollout's file, against the policy.
///
/// # Errors
/// All that is wrong with it, each with its place and what to do.
pub fn read(text: &str, policy: &Policy) -> Result<RolloutSpec, SpecError> {
    let written = file::parse(text)?;
    let mut problems = Problems::default();
    let spec = build(&mut problems, &written, policy);
    match (spec, problems.0) {
        (Some(spec), problems) if problems.is_empty() => Ok(spec),
        (_, problems) => Err(SpecError { problems }),
    }
}

fn build(problems: &mut Problems, written: &Written, policy: &Policy) -> Option<RolloutSpec> {
    let name = problems.take("name", written.name.parse(), "give the rollout a name");
    let package = package(problems, written, policy);
    let waves = waves::waves(problems, written, policy);
    let thresholds = thresholds(problems, "thresholds", &written.thresholds);
    let wave_thresholds = match &written.wave_thresholds {
        None => thresholds,
        Some(of_wave) => self::thresholds(problems, "wave_thresholds", of_wave),
    };
    let windows = windows(problems, written);
    let approvals = number(problems, "approvals", written.approvals);
    let on_trip = match written.on_trip.as_deref() {
        None | Some("stop") => Some(OnTrip::Stop),
        Some("remove") => Some(OnTrip::Remove),
        Some(other) => {
            problems.add("on_trip", format!("{other:?} is none of them"), "write \"stop\" or \"remove\"");
            None
        }
    };
    let mut expected = |key: &str, text: &Option<String>, default| match text {
        None => Some(default),
        Some(text) => span(problems, &format!("expected.{key}"), text),
    };
    let install = expected("install", &written.expected.install, INSTALL);
    let restart = expected("restart", &written.expected.restart, RESTART);
    let removal = expected("removal", &written.expected.removal, REMOVAL);
    let patience = match &written.patience {
        None => Some(PATIENCE),
        Some(text) => span(problems, "patience", text),
    };
    for wave in waves.iter().flatten() {
        if patience.is_some_and(|patience| patience <= wave.soak) {
            let wrong = format!("it is not longer than the soak of wave {}, {}", wave.name, Readable(wave.soak));
            problems.add("patience", wrong, "make it longer: while a wave soaks, nothing else moves");
        }
    }
    Some(RolloutSpec {
        name: name?,
        package: package?,
        waves: waves?,
        thresholds: thresholds?,
        wave_thresholds: wave_thresholds?,
        windows: windows?,
        approvals: approvals?,
        test_send: written.test_send,
        on_trip: on_trip?,
        expected: Expected { install: install?, restart: restart?, removal: removal? },
        patience: patience?,
    })
}

fn package(problems: &mut Problems, written: &Written, policy: &Policy) -> Option<PackageSpec> {
    let package = &written.package;
    let name = problems.take("package.name", package.name.parse(), "name it as the agents' configurations do");
    let remedy = "take it from sha256sum of the package";
    let sha256 = problems.take("package.sha256", package.sha256.parse(), remedy);
    let kb = u32::try_from(package.kb).ok().filter(|kb| *kb > 0);
    if kb.is_none() {
        let wrong = format!("{} is not the number of an article", package.kb);
        problems.add("package.kb", wrong, "write it without letters, such as 926666");
    }
    let remedy = "write the file version of store.exe afterwards, such as \"6.5.7653.33\"";
    let target: Option<StoreVersion> = problems.take("package.target", package.target.parse(), remedy);
    if let Some(target) = target {
        let judged = policy.enforcement.judge(&target).enforces;
        let expected = if package.enforces { Enforcement::Yes } else { Enforcement::No };
        if judged != expected {
            let wrong =
                format!("{} is written, and for {target} the table of versions says {judged}", package.enforces);
            let remedy =
                "check the target version; extend [[enforcement]] of the coordinator only if the table is wrong";
            problems.add("package.enforces", wrong, remedy);
        }
    }
    Some(PackageSpec { name: name?, sha256: sha256?, kb: kb?, target: target? })
}

fn thresholds(problems: &mut Problems, place: &str, written: &WrittenThresholds) -> Option<Thresholds> {
    let mut number = |key: &str, written| number(problems, &format!("{place}.{key}"), written);
    let new_pauses = number("new_pauses", written.new_pauses);
    let failed_installs = number("failed_installs", written.failed_installs);
    let stores_down = number("stores_down", written.stores_down);
    let unreachable = number("unreachable", written.unreachable);
    let test_send_failures = number("test_send_failures", written.test_send_failures);
    let percent =
        written.new_pauses_percent.map(|percent| u32::try_from(percent).ok().filter(|percent| *percent < 100));
    if percent == Some(None) {
        let wrong =
            format!("{} is not a percentage that could be passed", written.new_pauses_percent.unwrap_or_default());
        problems.add(format!("{place}.new_pauses_percent"), wrong, "write 0 to 99, in whole percent");
        return None;
    }
    if let (Some(percent), None) = (written.new_pauses_percent, written.new_pauses) {
        let wrong =
            format!("{percent} % is written without new_pauses, which is zero if it is left out: one pause stops it");
        let remedy = format!("write {place}.new_pauses as well; whichever is passed first stops it");
        problems.add(format!("{place}.new_pauses_percent"), wrong, &remedy);
        return None;
    }
    Some(Thresholds {
        new_pauses: new_pauses?,
        new_pauses_percent: percent.flatten(),
        failed_installs: failed_installs?,
        stores_down: stores_down?,
        unreachable: unreachable?,
        test_send_failures: test_send_failures?,
    })
}

fn windows(problems: &mut Problems, written: &Written) -> Option<Windows> {
    let mut windows = Vec::new();
    for window in &written.windows {
        match window.read() {
            Ok(window) if windows.iter().any(|known: &crate::window::Window| known.name() == window.name()) => {
                problems.add(format!("window.{}", window.name()), "there are two of this name", "give each its own");
            }
            Ok(window) => windows.push(window),
            Err(error) => {
                for problem in &error.problems {
                    let place = format!("window.{}.{}", error.name, problem.field);
                    problems.add(place, problem.what.wrong.clone(), problem.what.remedy.clone());
                }
            }
        }
    }
    match (written.any_time, written.windows.is_empty()) {
        (true, true) => Some(Windows::AnyTime),
        (false, false) => (windows.len() == written.windows.len()).then(|| Windows::In(windows.into())),
        (true, false) => {
            problems.add("any_time", "there are windows as well", "leave out any_time or the windows");
            None
        }
        (false, true) => {
            let remedy = "write a [[window]], or any_time = true if hosts may be changed whenever the gate is open";
            problems.add("window", "there is no window", remedy);
            None
        }
    }
}

/// A number from zero; zero where none is written.
fn number(problems: &mut Problems, place: &str, written: Option<i64>) -> Option<u32> {
    let number = written.unwrap_or(0);
    let found = u32::try_from(number).ok();
    if found.is_none() {
        problems.add(place, format!("{number} is not a number from 0 to {}", u32::MAX), "write one");
    }
    found
}

pub(super) fn positive(problems: &mut Problems, place: &str, number: i64) -> Option<NonZeroU32> {
    let found = u32::try_from(number).ok().and_then(NonZeroU32::new);
    if found.is_none() {
        problems.add(place, format!("{number} is not a number of hosts or servers"), "write 1 or more");
    }
    found
}

/// A duration above zero.
pub(super) fn span(problems: &mut Problems, place: &str, text: &str) -> Option<Duration> {
    let parsed = text.trim().parse::<SignedDuration>().ok().and_then(|signed| Duration::try_from(signed).ok());
    match parsed.filter(|duration| !duration.is_zero()) {
        Some(duration) if duration > LONGEST => {
            problems.add(place, format!("{text:?} is longer than 92 days"), "write a shorter duration");
            None
        }
        Some(duration) => Some(duration),
        None => {
            let remedy = "write it with units, such as \"90m\", \"1h30m\" or \"48h\"";
            problems.add(place, format!("{text:?} is not a duration above zero"), remedy);
            None
        }
    }
}
