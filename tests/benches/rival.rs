//! A survey of 20,000 users, judged, against `rusthound-ce` collecting the same domain over LDAPS: wall time of whole
//! processes, alternating, the median of five.
//!
//! `cargo bench -p sendgate-tests --bench rival`; needs root, the packages of `tests/lab/install`, and `rusthound-ce` in
//! PATH (`cargo install rusthound-ce`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_coordinator::directory::survey::Kept;
use sendgate_core::coverage::Judged;
use sendgate_core::time::Steady;
use sendgate_tests::bench::{Bench, large, median, part, timed};
use sendgate_tests::lab::CLIENT;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RIVAL: &str = "rusthound-ce";
const ROUNDS: usize = 5;

fn main() {
    match part().as_deref() {
        Some("survey") => survey(),
        Some(other) => panic!("no part {other}"),
        None => match program() {
            Some(program) => compare(&program),
            None => println!("rival: could not be run: {RIVAL} is not in PATH; cargo install {RIVAL}"),
        },
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(RIVAL)).find(|file| file.is_file())
}

fn survey() {
    let large = large::Large::from_env();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = Kept::read(large.server(), large.domain(), large.wanted(), Steady::START);
    let kept = runtime.block_on(read).unwrap_or_else(|error| panic!("{error}"));
    let Judged::All(users) = kept.judged().users else { panic!("not everybody was judged") };
    assert_eq!(users.len(), large.users() as usize);
}

fn rival(bench: &Bench, program: &Path) -> Command {
    let domain = bench.lab.domain("a").unwrap();
    let server = domain.servers.first().unwrap();
    let out = std::env::temp_dir().join(format!("sendgate-rival.{}", std::process::id()));
    let mut command = bench.lab.command(CLIENT, [program.as_os_str()]);
    command.args(["-d", &domain.name, "-u", &domain.surveyor.upn, "-p", &domain.surveyor.password]);
    command.args(["-f", &server.name, "-i", &server.address, "--ldaps", "-c", "LdapOnly", "-o"]).arg(out);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn compare(program: &Path) {
    let bench = Bench::up(&large::LABORATORY).unwrap_or_else(|error| panic!("{error}"));
    let (mut us, mut them) = (Vec::new(), Vec::new());
    // Once each before anything counts: the server's caches are warm for both.
    timed(&mut bench.part("survey").unwrap()).unwrap();
    timed(&mut rival(&bench, program)).unwrap();
    for round in 1..=ROUNDS {
        us.push(timed(&mut bench.part("survey").unwrap()).unwrap());
        them.push(timed(&mut rival(&bench, program)).unwrap());
        println!("round {round}: survey {:.2?}, {RIVAL} {:.2?}", us[round - 1], them[round - 1]);
    }
    println!("rival: ratio {:.2}", median(&them).as_secs_f64() / median(&us).as_secs_f64());
}
