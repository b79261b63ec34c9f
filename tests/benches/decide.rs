//! Access decisions in memory, on one core, against Samba's `sec_access_check_ds` on the same descriptors.
//!
//! 1. `sample` makes distinct descriptors as users of a large domain have them, and tokens of some sixty SIDs;
//! 2. `rival` builds the C program `tests/lab/samba_decide.c`, which times Samba's check inside its own loop;
//! 3. the answers are compared, every one, before anything is timed;
//! 4. both are timed in turns, in processor time, so that a busy machine does neither wrong; the median of each counts.
//!
//! Needs a C compiler and Samba's libraries (`tests/lab/install`). The last line is `decide: ratio R`: our decisions per
//! second for each of Samba's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench says what is wrong by failing")]

#[path = "decide/rival.rs"]
mod rival;
#[path = "decide/sample.rs"]
mod sample;

use rival::Rival;
use rustix::time::{ClockId, clock_gettime};
use sample::Sample;
use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::{TokenIndex, rule};
use std::hint::black_box;
use std::time::Duration;

/// Distinct descriptors: some 10 MB when read, more than the caches near a core hold.
const DESCRIPTORS: usize = 4096;
/// Times that each side decides all of them for one measurement.
const ROUNDS: u32 = 100;
/// Measurements of each side, in turns.
const TURNS: usize = 9;
const SEED: u64 = 17_540;

fn main() {
    let sample = Sample::make(SEED, DESCRIPTORS);
    let parsed = sample.parsed();
    let tokens: Vec<_> = sample.tokens.iter().map(TokenIndex::of).collect();
    let rival = Rival::build(&sample);

    let ours = decide_all(&sample, &parsed, &tokens);
    let sambas = rival.measure(1);
    assert_eq!(ours.len(), sambas.answers.len(), "Samba answered another number of cases");
    for (number, (ours, samba)) in ours.iter().zip(&sambas.answers).enumerate() {
        assert_eq!(ours, samba, "seed {SEED}, case {number}: {}", parsed[number].to_sddl());
    }
    let granted = ours.iter().filter(|granted| **granted).count();
    let (least, most) = sample.entries(&parsed);
    println!(
        "decide: {} distinct descriptors of {least} to {most} entries, {} tokens of {} SIDs and more; both sides decide \
         alike, {granted} granted",
        parsed.len(),
        tokens.len(),
        sample.tokens.iter().map(|token| token.certain.len()).min().unwrap(),
    );

    let (mut our_times, mut sambas_times) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        our_times.push(processor_time(|| {
            for _ in 0..ROUNDS {
                black_box(decide_all(black_box(&sample), black_box(&parsed), black_box(&tokens)));
            }
        }));
        sambas_times.push(rival.measure(ROUNDS).took);
    }
    let decisions = f64::from(ROUNDS) * parsed.len() as f64;
    let (ours, sambas) = (decisions / median(our_times), decisions / median(sambas_times));
    println!("decide: reading {:.2} million descriptors/s", read_all(&sample) / 1e6);
    println!("decide: ours {:.2} million/s, Samba's {:.2} million/s", ours / 1e6, sambas / 1e6);
    println!("decide: ratio {:.2}", ours / sambas);
}

fn decide_all(sample: &Sample, parsed: &[SecurityDescriptor], tokens: &[TokenIndex]) -> Vec<bool> {
    let one = |(case, sd): (&sample::Case, _)| rule(sd, &tokens[case.token], &Guid::SEND_AS, &case.own).granted();
    sample.cases.iter().zip(parsed).map(one).collect()
}

/// Descriptors read per second.
fn read_all(sample: &Sample) -> f64 {
    let one = |_| {
        processor_time(|| {
            black_box(black_box(sample).parsed());
        })
    };
    sample.cases.len() as f64 / median((0..TURNS).map(one).collect())
}

/// What `work` takes of this thread's processor time.
fn processor_time(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
    };
    let begin = now();
    work();
    now() - begin
}

/// In seconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}
