//! `sendgate-sim`: the whole of Sendgate over a simulated estate, seed by seed, looking for what must never be.

use clap::Parser;
use sendgate_tests::sim::{Ended, Premises, play};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A simulation is many small values of many tasks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds that are played twice: each hundredth.
const TWICE: u64 = 100;

/// The coordinator and the agents over a simulated estate; ends with 1 on a violation.
#[derive(Debug, Parser)]
struct Args {
    /// The seeds `FROM..TO`, without `TO`.
    #[arg(long, value_parser = range, conflicts_with = "replay", required_unless_present = "replay")]
    seeds: Option<std::ops::Range<u64>>,
    /// Tells the story of one seed.
    #[arg(long)]
    replay: Option<u64>,
    /// Threads; as many as there are processors if it is not given.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("write FROM..TO, as in 0..2000")?;
    let number = |text: &str| text.parse().map_err(|error| format!("{text:?}: {error}"));
    let range = number(from)?..number(to)?;
    if range.is_empty() { Err(format!("{text} holds no seed")) } else { Ok(range) }
}

#[derive(Default)]
struct Sum {
    seeds: u64,
    simulated: Duration,
    effects: u64,
    faults: u64,
    outcomes: BTreeMap<&'static str, u64>,
    /// All journals in one number: the same for the same seeds of the same program, in whatever order they were played.
    journals: u64,
    failed: Option<Ended>,
}

impl Sum {
    fn add(&mut self, ended: Ended) {
        self.seeds += 1;
        self.simulated += ended.simulated;
        self.effects += ended.effects;
        self.faults += ended.faults;
        let digest = ended.digest.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        self.journals ^= digest.unwrap_or(0);
        *self.outcomes.entry(ended.outcome).or_default() += 1;
        let earlier = self.failed.as_ref().is_none_or(|failed| ended.seed < failed.seed);
        if !ended.violations.is_empty() && earlier {
            self.failed = Some(ended);
        }
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sendgate-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> std::io::Result<bool> {
    let began = Instant::now();
    let premises = Premises::new(&std::env::temp_dir())?;
    let sum = Mutex::new(Sum::default());
    if let Some(seed) = args.replay {
        let ended = play(seed, &premises, true)?;
        ended.story.iter().for_each(|line| println!("{line}"));
        println!("the rollout is {}, journal {}", ended.outcome, ended.digest);
        locked(&sum).add(ended);
    } else if let Some(seeds) = &args.seeds {
        let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..args.threads.unwrap_or(processors).get())
                .map(|_| scope.spawn(|| play_all(seeds, &next, &stop, &premises, &sum)))
                .collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(played) => played,
                Err(_) => Err(std::io::Error::other("a thread broke off; its message is above")),
            })
        })?;
    }
    let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(failed) = &sum.failed {
        if args.replay.is_none() {
            failed.story.iter().for_each(|line| println!("{line}"));
        }
        println!("seed {} violates:", failed.seed);
        failed.violations.iter().for_each(|what| println!("  {what}"));
        println!("again: cargo run --release -p sendgate-tests --bin sendgate-sim -- --replay {}", failed.seed);
    }
    let outcomes: Vec<String> = sum.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
    println!("rollouts: {}; journals {:016x}", outcomes.join(", "), sum.journals);
    println!(
        "seeds {}, simulated hours {}, effects {}, faults {}, seconds {:.1}",
        sum.seeds,
        sum.simulated.as_secs() / 3600,
        sum.effects,
        sum.faults,
        began.elapsed().as_secs_f64()
    );
    let wanted = args.seeds.as_ref().map_or(1, |seeds| seeds.end - seeds.start);
    if sum.failed.is_none() && sum.seeds < wanted {
        println!("{} seeds were to be played, and {} were", wanted, sum.seeds);
    }
    Ok(sum.failed.is_none() && sum.seeds >= wanted)
}

fn locked(sum: &Mutex<Sum>) -> std::sync::MutexGuard<'_, Sum> {
    sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn play_all(
    seeds: &std::ops::Range<u64>,
    next: &AtomicU64,
    stop: &AtomicBool,
    premises: &std::sync::Arc<Premises>,
    sum: &Mutex<Sum>,
) -> std::io::Result<()> {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut ended = play(seed, premises, false)?;
        if seed.is_multiple_of(TWICE) || !ended.violations.is_empty() {
            let again = play(seed, premises, true)?;
            if again.digest != ended.digest {
                ended
                    .violations
                    .push(format!("played twice, its journal ends with {} and {}", ended.digest, again.digest));
            }
            ended.story = again.story;
        }
        if !ended.violations.is_empty() {
            stop.store(true, Ordering::Relaxed);
        }
        locked(sum).add(ended);
    }
}
