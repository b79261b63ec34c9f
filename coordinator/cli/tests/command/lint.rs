//! What a rollout's file that is checked leaves behind as exit code.

use crate::support::{Canned, Coordinator};
use sendgate_core::ledger::Sha256;
use sendgate_core::plan::rollout::{HostProgress, Phase};
use sendgate_core::spec::{Expected, OnTrip, PackageSpec, RolloutSpec, Thresholds, WaveSpec, Windows};
use sendgate_core::view::{ForecastView, HostForecast, RolloutHostLine, WaveForecast};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// A file of one host that fits into some window, or into none, and what it would be refused for.
fn foreseen(fits: bool, refused: Option<String>) -> Canned {
    let hour = Duration::from_secs(3600);
    let phase = Phase::Waiting;
    let progress = HostProgress {
        wave: 0,
        server: "exa1".parse().unwrap(),
        host: "exa1".parse().unwrap(),
        phase: phase.clone(),
        blocked: BTreeSet::new(),
    };
    let line = RolloutHostLine { phase: phase.to_string(), reasons: Vec::new(), progress };
    let wave = WaveSpec {
        name: "all".parse().unwrap(),
        servers: vec!["exa1".parse().unwrap()],
        soak: hour,
        at_once: NonZeroU32::MIN,
    };
    let view = ForecastView {
        waves: vec![WaveForecast {
            name: wave.name.clone(),
            takes: hour,
            needs: hour * 2,
            hosts: vec![HostForecast { begins: None, held: false, fits, line }],
        }],
        spec: RolloutSpec {
            name: "march".parse().unwrap(),
            package: PackageSpec {
                name: "KB926666".parse().unwrap(),
                sha256: Sha256([7; 32]),
                kb: 926_666,
                target: "6.5.7653.33".parse().unwrap(),
            },
            waves: vec![wave],
            thresholds: Thresholds::default(),
            wave_thresholds: Thresholds::default(),
            windows: Windows::AnyTime,
            test_send: false,
            approvals: 0,
            on_trip: OnTrip::Stop,
            expected: Expected { install: hour, restart: hour, removal: hour },
            patience: hour,
        },
        applied: false,
        state: None,
        removal: false,
        waits: Duration::ZERO,
        ends: None,
        held: Vec::new(),
        openings: Vec::new(),
        refused,
    };
    let mut view = serde_json::to_value(&view).unwrap();
    view["digest"] = "cd".repeat(32).into();
    Canned { view: Some(Ok(view.to_string())), ..Canned::default() }
}

/// What a script is told of a file that cannot come true is what it is told of one that is wrong.
#[test]
fn a_file_that_can_never_be_done_is_no_good_file() {
    let file = std::env::temp_dir().join(format!("sendgate-lint-{}.toml", std::process::id()));
    std::fs::write(&file, "name = \"march\"\n").unwrap();
    let path = file.to_str().unwrap().to_owned();
    let run = |canned, command: &[&str]| Coordinator::start(canned).run(command);
    for (form, says) in [("table", "never: wave all has no window left"), ("json", "\"fits\": false")] {
        let ran = run(foreseen(false, None), &["--output", form, "rollout", "lint", &path]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{form}");
        assert!(ran.out.contains(says), "{}", ran.out);
    }
    let ran = run(foreseen(true, None), &["rollout", "lint", &path]);
    assert_eq!(
        (ran.code, ran.out.starts_with("good: rollout march, 1 waves, 1 hosts\n")),
        (Some(0), true),
        "{}",
        ran.out
    );
    let other = || foreseen(true, Some("Exchange server exa1 belongs to rollout spring".to_owned()));
    for (form, says) in
        [("table", "refused: Exchange server exa1 belongs to rollout spring\n"), ("json", "\"refused\": \"Ex")]
    {
        let ran = run(other(), &["--output", form, "rollout", "lint", &path]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{form}");
        assert!(ran.out.contains(says), "{}", ran.out);
    }
    // A dry run is a look, and what it shows is no failure of it.
    assert_eq!(run(foreseen(false, None), &["plan", &path]).code, Some(0));
    assert_eq!(run(other(), &["plan", &path]).code, Some(0));
    std::fs::remove_file(&file).unwrap();
}
