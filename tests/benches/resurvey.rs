//! The second look at 20,000 users over a kept connection, one in a hundred of whom has changed, against the first
//! reading; both judged.
//!
//! `cargo bench -p sendgate-tests --bench resurvey`; needs root and the packages of `tests/lab/install`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_coordinator::directory::survey::Kept;
use sendgate_core::coverage::{Judged, Look};
use sendgate_core::time::Steady;
use sendgate_tests::bench::{Bench, large, median, part};
use std::fmt::Write as _;
use std::time::Instant;

const ROUNDS: usize = 9;

fn main() {
    match part().as_deref() {
        Some("resurvey") => resurvey(),
        Some(other) => panic!("no part {other}"),
        None => {
            let bench = Bench::up(&large::LABORATORY).unwrap_or_else(|error| panic!("{error}"));
            assert!(bench.part("resurvey").unwrap().status().unwrap().success());
        }
    }
}

fn resurvey() {
    let large = large::Large::from_env();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        change(&large, 0);
        let begin = Instant::now();
        let mut kept = runtime
            .block_on(Kept::read(large.server(), large.domain(), large.wanted(), Steady::START))
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(judged(&kept.judged()), large.users() as usize);
        first.push(begin.elapsed());
        let changed = change(&large, 1);
        let begin = Instant::now();
        let look = runtime.block_on(kept.look(Steady::START)).unwrap_or_else(|error| panic!("{error}"));
        second.push(begin.elapsed());
        println!(
            "round {}: first {:.2?}, second {:.0?} with {changed} changed, {} judged",
            round + 1,
            first[round],
            second[round],
            judged(&look)
        );
        assert_eq!(judged(&look), changed, "whoever changed is judged again, and nobody else");
    }
    let (first, second) = (median(&first), median(&second));
    println!("resurvey: {:.2?} and {:.0?}", first, second);
    println!("resurvey: ratio {:.3}", second.as_secs_f64() / first.as_secs_f64());
}

fn judged(look: &Look) -> usize {
    match &look.users {
        Judged::All(users) | Judged::Some(users) => users.len(),
    }
}

/// Every hundredth user gets this adminCount: something that a survey reads and judges by, with the same verdict.
fn change(large: &large::Large, count: u32) -> usize {
    let mut ldif = String::new();
    let mut changed = 0;
    for number in (1..=large.users()).step_by(100) {
        let dn = large.dn(number);
        let _ = write!(ldif, "dn: {dn}\nchangetype: modify\nreplace: adminCount\nadminCount: {count}\n\n");
        changed += 1;
    }
    large.ldapmodify(&ldif);
    changed
}
