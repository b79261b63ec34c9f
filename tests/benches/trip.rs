//! From the line that GoodLink logs when it pauses a user to the rollout that has stopped by itself: the whole system,
//! agent's log reader to journal. A new user for each round; a person lets the rollout go on in between.
//!
//! `cargo build --release --workspace --bins && cargo bench -p sendgate-tests --bench trip`; needs root and the packages
//! of `tests/lab/install`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_core::ledger::RolloutState;
use sendgate_core::view::RolloutView;
use sendgate_tests::bench::{Bench, median};
use sendgate_tests::lab::User;
use sendgate_tests::rollout_file::RolloutFile;
use sendgate_tests::system::{GrantMode, HOTFIX_NAME, HOTFIX_TEXT, Layout, Plan, System, Waits, wait};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
const CLASSES: [&str; 2] = ["bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"];
const ROUNDS: usize = 20;
const USERS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the rollout: what is measured is no finer than this and the command's own time.
const EVERY: Duration = Duration::from_millis(10);

fn main() {
    let bench = Bench::up(&["--propagator", "0"]).unwrap_or_else(|error| panic!("{error}"));
    let domain = bench.lab.domain("a").unwrap();
    for (class, dn) in CLASSES
        .iter()
        .flat_map(|class| std::iter::once(&domain.dn).chain(&domain.blocked_units).map(move |dn| (class, dn)))
    {
        let grant = format!("(OA;CIIO;CR;{SEND_AS};{class};{})", domain.goodadmin.sid);
        bench.lab.add_entry("a", dn, &grant).unwrap_or_else(|error| panic!("{error}"));
    }
    let dir = std::env::temp_dir().join(format!("sendgate-trip.{}", std::process::id()));
    let mut plan = Plan::domain_a(&bench.lab, USERS).unwrap_or_else(|error| panic!("{error}"));
    plan.domains.iter_mut().for_each(|domain| domain.grants = GrantMode::Advise);
    let short = Duration::from_millis(1);
    plan.waits = Waits { second_look: short, restart: short, settled: short, failed: short };
    let mut system = System::make(bench.lab.clone(), dir.clone(), plan).unwrap_or_else(|error| panic!("{error}"));
    system.start().unwrap_or_else(|error| panic!("{error}"));
    let users: Vec<User> = system.plan.domains[0]
        .goodlink
        .roster
        .iter()
        .filter(|user| user.server == "EXA1")
        .take(ROUNDS)
        .cloned()
        .collect();
    assert_eq!(users.len(), ROUNDS, "the roster has too few users on EXA1");
    watched(&system);
    let times: Vec<Duration> = users.iter().map(|user| round(&system, user)).collect();
    drop(system);
    let _ = std::fs::remove_dir_all(dir);
    let worst = times.iter().max().copied().unwrap_or_default();
    println!("trip: {ROUNDS} pauses, median {:.2} s from the log line to the stop", median(&times).as_secs_f64());
    println!("trip: worst {:.2} s", worst.as_secs_f64());
}

/// A rollout whose first wave is watched for as long as the bench takes.
fn watched(system: &System) {
    let package = Layout::text(&system.layout.package(HOTFIX_NAME));
    let digest = system.run(Path::new("/usr/bin/sha256sum"), &[&package]).and_then(|output| output.good());
    let digest = digest.unwrap_or_else(|error| panic!("{error}")).stdout;
    let digest = digest.split_whitespace().next().unwrap().to_owned();
    let mut file = RolloutFile::one_by_one("bench", (HOTFIX_NAME, &digest, HOTFIX_TEXT), &["EXA1"]);
    file.soak = Some("24h".to_owned());
    system.apply(&file).and_then(|output| output.good()).unwrap_or_else(|error| panic!("{error}"));
    let start = system.cli(&["rollout", "start", "bench"]).and_then(|output| output.good());
    start.unwrap_or_else(|error| panic!("{error}"));
    wait::until("the wave to be watched", PATIENCE, || {
        let view = show(system);
        if view.hosts[0].phase.starts_with("soaking") { Ok(()) } else { Err(format!("{:?}", view.hosts)) }
    })
    .unwrap_or_else(|error| panic!("{error}"));
}

fn show(system: &System) -> RolloutView {
    system.view(&["rollout", "show", "bench"]).unwrap_or_else(|error| panic!("{error}"))
}

/// Logs a pause as GoodLink does, and waits for the stop.
fn round(system: &System, user: &User) -> Duration {
    let log = system.layout.host("gla").join("logs/goodlink.log");
    let line = format!(
        "{} Failed to submit mail message for user {}. (HRESULT:-2147024891) Pausing user {}. (Security error - Cannot access \
         the users mailbox.)\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.%3f"),
        user.name,
        user.name
    );
    let mut log = std::fs::OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(line.as_bytes()).unwrap();
    let begin = Instant::now();
    while !matches!(show(system).lifecycle, RolloutState::Tripped { .. }) {
        assert!(begin.elapsed() < PATIENCE, "{} is paused, and the rollout has not stopped", user.name);
        std::thread::sleep(EVERY);
    }
    let time = begin.elapsed();
    let resume = system.cli(&["rollout", "resume", "bench", "--reason", "the next round"]);
    resume.and_then(|output| output.good()).unwrap_or_else(|error| panic!("{error}"));
    time
}
