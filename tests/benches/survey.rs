//! A survey of 20,000 users with their descriptors over LDAPS, judged, against `ldapsearch` of the same entries and
//! attributes: wall time of whole processes, alternating, the median of nine.
//!
//! `cargo bench -p sendgate-tests --bench survey`; needs root and the packages of `tests/lab/install`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_coordinator::directory::survey::{EVERYBODY, Kept, attributes};
use sendgate_core::coverage::{Judged, Presence, VerdictKind};
use sendgate_core::time::Steady;
use sendgate_tests::bench::{Bench, large, median, part, peak_megabytes, timed};
use std::process::{Command, Stdio};

const ROUNDS: usize = 9;

fn main() {
    match part().as_deref() {
        Some("survey") => survey(),
        Some(other) => panic!("no part {other}"),
        None => compare(),
    }
}

/// One survey, in a process of its own: connection, reading, judging.
fn survey() {
    let large = large::Large::from_env();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let look = runtime.block_on(async {
        let kept = Kept::read(large.server(), large.domain(), large.wanted(), Steady::START).await.unwrap();
        kept.judged()
    });
    let Judged::All(users) = look.users else { panic!("not everybody was judged") };
    let covered = |presence: &&Presence| match presence {
        Presence::Here(here) => here.verdicts.values().all(|verdict| verdict.kind == VerdictKind::Covered),
        _ => false,
    };
    let covered = users.values().filter(covered).count();
    assert_eq!(covered, large.users() as usize, "everybody is covered by the grant on the domain head");
    println!("RSS {:.0} MB, {covered} users covered", peak_megabytes().unwrap());
}

fn ldapsearch(bench: &Bench, large: &large::Large) -> Command {
    let (uri, bind, password) = large.uri();
    let mut command = bench.lab.command(
        sendgate_tests::lab::CLIENT,
        ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", &uri, "-D", &bind, "-w", &password],
    );
    command.args(["-b", &large.head(), "-E", "pr=500/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQQ="]);
    command.arg(EVERYBODY).args(attributes());
    command.env("LDAPTLS_CACERT", large.authority()).env("LDAPTLS_REQCERT", "demand").stdout(Stdio::null());
    command
}

fn compare() {
    let bench = Bench::up(&large::LABORATORY).unwrap_or_else(|error| panic!("{error}"));
    let large = large::Large::of(&bench.lab);
    let ours = || {
        let mut command = bench.part("survey").unwrap();
        command.stdout(Stdio::null());
        command
    };
    // Once each before anything counts: the server's caches are warm for both.
    let said = bench.part("survey").unwrap().output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    timed(&mut ldapsearch(&bench, &large)).unwrap();
    let (mut us, mut them) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        us.push(timed(&mut ours()).unwrap());
        them.push(timed(&mut ldapsearch(&bench, &large)).unwrap());
        println!("round {round}: survey {:.2?}, ldapsearch {:.2?}", us[round - 1], them[round - 1]);
    }
    print!("survey: {}", String::from_utf8_lossy(&said.stdout));
    println!("survey: {} users, {:.2?} against {:.2?}", large.users(), median(&us), median(&them));
    println!("survey: ratio {:.2}", median(&us).as_secs_f64() / median(&them).as_secs_f64());
}
