//! From a deny entry that an administrator writes to the closed gate: the whole system, once watching the server that is
//! written to and once only the other one. Counted from the moment at which the watched server shows the entry.
//!
//! `cargo build --release --workspace --bins && cargo bench -p sendgate-tests --bench live`; needs root and the packages
//! of `tests/lab/install`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_core::view::{GateState, GateView};
use sendgate_tests::bench::{Bench, median};
use sendgate_tests::lab::Lab;
use sendgate_tests::system::{GrantMode, Plan, System, Waits, wait};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const A: &str = "a.example.test";
const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
const CLASS_USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
const ROUNDS: usize = 50;
const USERS: usize = 9;
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the gate: what is measured is no finer than this.
const EVERY: Duration = Duration::from_millis(20);

fn main() {
    let bench = Bench::up(&["--propagator", "0"]).unwrap_or_else(|error| panic!("{error}"));
    let account = bench.lab.domain("a").unwrap().goodadmin.sid.clone();
    let head = bench.lab.domain("a").unwrap().dn.clone();
    let grant = format!("(OA;CIIO;CR;{SEND_AS};{CLASS_USER};{account})");
    bench.lab.add_entry("a", &head, &grant).unwrap_or_else(|error| panic!("{error}"));
    let worst = ["a1", "a2"].map(|node| watching(&bench.lab, node, &format!("(OD;;CR;{SEND_AS};;{account})")));
    let worst = worst.into_iter().max().unwrap_or_default();
    println!("live: worst {:.2} s", worst.as_secs_f64());
}

/// The worst of [`ROUNDS`] denies with a coordinator that watches only `node`; they are written to a1.
fn watching(lab: &Lab, node: &str, deny: &str) -> Duration {
    let dir = std::env::temp_dir().join(format!("sendgate-live.{}.{node}", std::process::id()));
    let mut plan = Plan::domain_a(lab, USERS).unwrap_or_else(|error| panic!("{error}"));
    for domain in &mut plan.domains {
        (domain.server, domain.grants) = (Some(node.to_owned()), GrantMode::Advise);
    }
    // Whoever was denied need not settle: only what closes the gate is measured.
    let short = Duration::from_millis(1);
    plan.waits = Waits { second_look: short, restart: short, settled: short, failed: short };
    let roster = plan.domains[0].goodlink.roster.clone();
    let mut system = System::make(lab.clone(), dir.clone(), plan).unwrap_or_else(|error| panic!("{error}"));
    system.start().unwrap_or_else(|error| panic!("{error}"));
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        until_open(&system);
        let user = &roster[round % roster.len()];
        let mut landed = lab.command("client", [Lab::programs().join("landed")]);
        landed.arg(lab.description.dir.join("lab.json")).args(["a", node, &user.dn, deny]);
        let (held, closed) = both(&system, &mut landed);
        times.push(closed.saturating_sub(held));
        lab.remove_entry("a", &user.dn, deny).unwrap_or_else(|error| panic!("{error}"));
    }
    drop(system);
    let _ = std::fs::remove_dir_all(dir);
    let worst = times.iter().max().copied().unwrap_or_default();
    println!(
        "live: watching {node}, written to a1: {ROUNDS} denies, median {:.2} s, worst {:.2} s after {node} held it",
        median(&times).as_secs_f64(),
        worst.as_secs_f64()
    );
    worst
}

fn state(system: &System) -> GateState {
    system.view::<GateView>(&["gate", "check", A]).unwrap_or_else(|error| panic!("{error}")).state
}

fn until_open(system: &System) {
    wait::until("the gate to open", PATIENCE, || match state(system) {
        GateState::Open => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .unwrap_or_else(|error| panic!("{error}"));
}

/// When the server first held the entry that `landed` writes, and when the gate was first seen closed; since 1970.
fn both(system: &System, landed: &mut Command) -> (Duration, Duration) {
    std::thread::scope(|scope| {
        let held = scope.spawn(|| landed.output().unwrap_or_else(|error| panic!("{error}")));
        let begin = std::time::Instant::now();
        while state(system) == GateState::Open {
            assert!(begin.elapsed() < PATIENCE, "the gate stayed open");
            std::thread::sleep(EVERY);
        }
        let closed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let held = held.join().unwrap();
        assert!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
        let held: f64 = String::from_utf8_lossy(&held.stdout).trim().parse().unwrap();
        (Duration::from_secs_f64(held), closed)
    })
}
