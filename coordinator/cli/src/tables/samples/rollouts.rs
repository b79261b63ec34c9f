//! The rollout `march`: its file, how far it is, and what its dry run says.

use super::{minutes, name};
use sendgate_core::ledger::{RolloutState, Sha256};
use sendgate_core::plan::rollout::{Class, HostProgress, Phase, Tally};
use sendgate_core::spec::{Expected, OnTrip, PackageSpec, RolloutSpec, Thresholds, WaveSpec, Windows};
use sendgate_core::time::Steady;
use sendgate_core::view::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

pub(super) fn host_lines() -> Vec<RolloutHostLine> {
    let line = |host: &str, phase: Phase, reasons: &[&str]| RolloutHostLine {
        phase: phase.to_string(),
        reasons: reasons.iter().map(ToString::to_string).collect(),
        progress: HostProgress {
            wave: if host == "exa1" { 0 } else { 1 },
            server: name(host),
            host: name(host),
            phase,
            blocked: BTreeSet::new(),
        },
    };
    vec![
        line("exa1", Phase::Failed { class: Class::Install, why: "exit code 3".to_owned() }, &[]),
        line("exa2", Phase::Waiting, &["exa1 comes first"]),
    ]
}

pub(in crate::tables) fn spec() -> RolloutSpec {
    let wave = |wave: &str, server: &str| WaveSpec {
        name: name(wave),
        servers: vec![name(server)],
        soak: Duration::from_secs(3600),
        at_once: NonZeroU32::MIN,
    };
    let thresholds = Thresholds { new_pauses: 2, new_pauses_percent: Some(1), ..Thresholds::default() };
    let twenty = Duration::from_secs(1200);
    RolloutSpec {
        name: name("march"),
        package: PackageSpec {
            name: name("KB926666"),
            sha256: Sha256([0xab; 32]),
            kb: 926_666,
            target: name("6.5.7653.33"),
        },
        waves: vec![wave("canary", "exa1"), wave("rest", "exa2")],
        thresholds,
        wave_thresholds: thresholds,
        windows: Windows::AnyTime,
        test_send: false,
        approvals: 1,
        on_trip: OnTrip::Stop,
        expected: Expected { install: twenty, restart: twenty, removal: twenty },
        patience: Duration::from_secs(24 * 3600),
    }
}

/// Of the form that the rollout is in.
pub(in crate::tables) fn digest() -> Sha256 {
    Sha256([0xcd; 32])
}

pub(in crate::tables) fn rollout() -> RolloutView {
    RolloutView {
        spec: spec(),
        author: name("olga"),
        approved: BTreeMap::new(),
        waves_done: 0,
        removal: None,
        tallies: vec![Tally {
            of: "the rollout".to_owned(),
            changed: [name("exa1")].into(),
            new_pauses: BTreeSet::new(),
            not_known: BTreeMap::new(),
            roster_users: 0,
            tests: BTreeSet::new(),
            failed: [(name("exa1"), (Class::Install, "exit code 3".to_owned()))].into(),
            allowed: spec().thresholds,
        }],
        state: "running".to_owned(),
        lifecycle: RolloutState::Running { since: Steady::START },
        hosts: host_lines(),
    }
}

pub(in crate::tables) fn forecast() -> ForecastView {
    let begins = Some(name("2026-12-01T01:00:00Z"));
    let waves = ["canary", "rest"].map(name).into_iter().zip(host_lines());
    // Of a file, nothing has begun yet.
    let waiting = |mut line: RolloutHostLine| {
        (line.phase, line.progress.phase) = (Phase::Waiting.to_string(), Phase::Waiting);
        line
    };
    let waves = waves.map(|(name, line)| WaveForecast {
        name,
        takes: minutes(60),
        needs: minutes(120),
        hosts: vec![HostForecast { begins, held: false, fits: true, line: waiting(line) }],
    });
    ForecastView {
        spec: spec(),
        applied: false,
        state: None,
        removal: false,
        waits: Duration::ZERO,
        waves: waves.collect(),
        ends: begins,
        held: Vec::new(),
        openings: Vec::new(),
        refused: None,
    }
}
