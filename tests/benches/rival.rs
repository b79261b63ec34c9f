//! A survey of 20,000 users, judged, against public collectors of the same directory, each of which reads the descriptors
//! of its users over LDAPS: wall time of whole processes, alternating, the median of five. It closes with the ratio of the
//! fastest of them.
//!
//! `cargo bench -p sendgate-tests --bench rival`; needs root, the packages of `tests/lab/install`, and in PATH
//! `rusthound-ce` (`cargo install rusthound-ce`), `bloodyAD` (`pip install bloodyAD`), or both.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_coordinator::directory::survey::Kept;
use sendgate_core::coverage::Judged;
use sendgate_core::time::Steady;
use sendgate_tests::bench::{Bench, large, median, part, timed};
use sendgate_tests::lab::CLIENT;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const ROUNDS: usize = 5;

/// The command of a collector: with the program's own options for this domain's users over LDAPS, into that folder.
type Asked = fn(&Bench, &Path, &Path) -> Command;

/// By the name of its program. `bloodyAD` is asked for every user's descriptor, which it writes as SDDL, and nothing else.
const RIVALS: [(&str, Asked); 2] = [("rusthound-ce", rusthound), ("bloodyAD", bloody)];

/// `bloodyAD` logs on by NTLM, which these servers take inside TLS only where they are told to.
const LABORATORY: [&str; 6] = {
    let [population, large, grant, model, standard] = large::LABORATORY;
    [population, large, grant, model, standard, "--sasl-over-tls"]
};

fn main() {
    match part().as_deref() {
        Some("survey") => survey(),
        Some(other) => panic!("no part {other}"),
        None => {
            let found: Vec<_> =
                RIVALS.iter().filter_map(|(name, asked)| Some((*name, program(name)?, *asked))).collect();
            if found.is_empty() {
                let names: Vec<_> = RIVALS.iter().map(|(name, _)| *name).collect();
                println!("rival: could not be run: in PATH is none of {}", names.join(", "));
            } else {
                compare(&found);
            }
        }
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn survey() {
    let large = large::Large::from_env();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = Kept::read(large.server(), large.domain(), large.wanted(), Steady::START);
    let kept = runtime.block_on(read).unwrap_or_else(|error| panic!("{error}"));
    let Judged::All(users) = kept.judged().users else { panic!("not everybody was judged") };
    assert_eq!(users.len(), large.users() as usize);
}

fn rusthound(bench: &Bench, program: &Path, out: &Path) -> Command {
    let domain = bench.lab.domain("a").unwrap();
    let server = domain.servers.first().unwrap();
    let mut command = bench.lab.command(CLIENT, [program.as_os_str()]);
    command.args(["-d", &domain.name, "-u", &domain.surveyor.upn, "-p", &domain.surveyor.password]);
    command.args(["-f", &server.name, "-i", &server.address, "--ldaps", "-c", "LdapOnly", "-o"]).arg(out);
    command.stdout(Stdio::null());
    command
}

fn bloody(bench: &Bench, program: &Path, out: &Path) -> Command {
    let domain = bench.lab.domain("a").unwrap();
    let server = domain.servers.first().unwrap();
    std::fs::create_dir_all(out).unwrap();
    let mut command = bench.lab.command(CLIENT, [program.as_os_str()]);
    command.args(["-d", &domain.name, "-u", &domain.surveyor.name, "-p", &domain.surveyor.password]);
    command.args(["-H", &server.name, "-i", &server.address, "-s", "--json", "get", "search"]);
    command.args(["--filter", "(sAMAccountType=805306368)", "--attr", "sAMAccountName,nTSecurityDescriptor"]);
    command.stdout(File::create(out.join("users.json")).unwrap());
    command
}

/// A collector that fails early may well end with 0, and would be fast.
fn has_everybody(out: &Path, users: u32) {
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path()).unwrap();
    let texts: Vec<String> = std::fs::read_dir(out).unwrap().map(read).map(|text| text.to_lowercase()).collect();
    for number in [1, users / 2, users] {
        let name = large::name(number).to_lowercase();
        assert!(texts.iter().any(|text| text.contains(&name)), "{} does not have {name}", out.display());
    }
}

fn compare(rivals: &[(&str, PathBuf, Asked)]) {
    let bench = Bench::up(&LABORATORY).unwrap_or_else(|error| panic!("{error}"));
    let out = std::env::temp_dir().join(format!("sendgate-rival.{}", std::process::id()));
    let theirs = |(name, program, asked): &(&str, PathBuf, Asked)| {
        let mut command = asked(&bench, program, &out.join(name));
        command.stderr(Stdio::null());
        timed(&mut command).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let ours = || timed(&mut bench.part("survey").unwrap()).unwrap();
    // Once each before anything counts: the server's caches are warm for all.
    ours();
    for rival in rivals {
        theirs(rival);
        has_everybody(&out.join(rival.0), large::Large::of(&bench.lab).users());
    }
    let (mut us, mut them) = (Vec::new(), vec![Vec::new(); rivals.len()]);
    for round in 1..=ROUNDS {
        us.push(ours());
        print!("round {round}: survey {:.2?}", us[round - 1]);
        for (rival, took) in rivals.iter().zip(&mut them) {
            took.push(theirs(rival));
            print!(", {} {:.2?}", rival.0, took[round - 1]);
        }
        println!();
    }
    std::fs::remove_dir_all(&out).unwrap();
    let ratio = |took: &Vec<Duration>| median(took).as_secs_f64() / median(&us).as_secs_f64();
    for ((name, ..), took) in rivals.iter().zip(&them) {
        println!("{name}: ratio {:.2}", ratio(took));
    }
    println!("rival: ratio {:.2}", them.iter().map(ratio).fold(f64::INFINITY, f64::min));
}
