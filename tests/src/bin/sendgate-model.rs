//! `sendgate-model`: explores the system around the real planner, and shows that a planted fault would be found.

use clap::Parser;
use sendgate_core::mutation::Mutation;
use sendgate_tests::model::Model;
use sendgate_tests::model::search::{self, Bounds, Found, MUTATIONS};
use sendgate_tests::model::state::Budget;
use sendgate_tests::panics;
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// Explores every deviation from the undisturbed stories, up to bounds, and judges the invariants in each state.
#[derive(Debug, Parser)]
struct Args {
    /// Distinct states to explore.
    #[arg(long, default_value_t = 1_000_000)]
    states: usize,
    /// Plant the fault of this invariant (1 to 10, or its name, or `all`), and end well only if it is found.
    #[arg(long, value_name = "INVARIANT")]
    mutate: Option<String>,
    /// Faults on a path of the search.
    #[arg(long, default_value_t = 2)]
    faults: u8,
    /// Operators' acts on a path of the search.
    #[arg(long, default_value_t = 1)]
    operators: u8,
    /// One state in so many is left in peace, to see that the rollout ends; 0: none is.
    #[arg(long, default_value_t = 200)]
    sample: u64,
    /// Walks at random after the search, each to the end.
    #[arg(long, default_value_t = 2_000)]
    walks: u64,
    /// Steps of a walk before it is left in peace.
    #[arg(long, default_value_t = 120)]
    steps: usize,
    /// Faults on a walk.
    #[arg(long, default_value_t = 4)]
    walk_faults: u8,
    /// The number of the first walk: a walk is a function of it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value = "2")]
    threads: NonZeroUsize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    panics::listen();
    let bounds = Bounds {
        states: args.states,
        walks: args.walks,
        steps: args.steps,
        faults: args.walk_faults,
        threads: args.threads.get(),
        seed: args.seed,
    };
    let model = || Model::new(Budget { faults: args.faults, operators: args.operators }, args.sample);
    let Some(wanted) = &args.mutate else {
        let model = model();
        println!("{} states of the undisturbed stories to begin with", model.seeds.len());
        let unfinished = model.unfinished.clone();
        let found = search::search(model, &bounds);
        if let Some((told, story, _)) = &found.violation {
            println!("{told}");
            story.iter().for_each(|line| println!("{line}"));
        }
        let wanting = wanting(&unfinished, &found, &args);
        wanting.iter().for_each(|what| println!("this proves nothing: {what}"));
        close(&found);
        return if found.violation.is_none() && wanting.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    let Some(mutations) = named(wanted) else {
        let names: Vec<_> = MUTATIONS.iter().map(|mutation| format!("{mutation:?}")).collect();
        eprintln!("sendgate-model: {wanted:?} is no planted fault: give 1 to 10, all, or one of {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    let mut all = true;
    println!("{:<16} {:<9} {:>9} {:>7}  invariant", "planted", "found", "states", "actions");
    for mutation in &mutations {
        let found = search::with_mutation(*mutation, model, &bounds);
        let number = *mutation as usize;
        let violation = found.violation.as_ref().filter(|(told, ..)| {
            told.contains(&format!("invariant {number}:")) || told.starts_with(&format!("{number}:"))
        });
        all &= violation.is_some();
        let how = match (&found.violation, found.walks) {
            (Some(_), _) if violation.is_none() => "another",
            (None, _) => "NO",
            (Some(_), 0) => "search",
            (Some(_), _) => "walk",
        };
        let length = found.violation.as_ref().map_or(0, |(.., length)| *length);
        println!("{:<16} {how:<9} {:>9} {length:>7}  {}", format!("{mutation:?}"), found.states, search::words(number));
        if let (Some((told, story, _)), true) = (&found.violation, mutations.len() == 1 || violation.is_none()) {
            println!("{told}");
            story.iter().for_each(|line| println!("{line}"));
        }
        if mutations.len() == 1 {
            close(&found);
        }
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What keeps a search that found nothing from being a proof.
fn wanting(unfinished: &[String], found: &Found, args: &Args) -> Vec<String> {
    let mut wanting: Vec<_> =
        unfinished.iter().map(|story| format!("an undisturbed story does not finish: {story}")).collect();
    if found.violation.is_none() && found.states < args.states {
        wanting.push(format!("{} states were seen, {} were asked for", found.states, args.states));
    }
    if found.violation.is_none() && found.walks < args.walks {
        wanting.push(format!("{} walks were taken, {} were asked for", found.walks, args.walks));
    }
    if panics::count() > 0 {
        wanting.push(format!("{} panics, their messages are above", panics::count()));
    }
    wanting
}

fn close(found: &Found) {
    let (_, each) = search::planner();
    println!(
        "states {}, depth {}, walks {}, seconds {:.1}, planner {each:.1} us, state {} bytes",
        found.states,
        found.depth,
        found.walks,
        found.took.as_secs_f64(),
        found.bytes
    );
}

fn named(wanted: &str) -> Option<Vec<Mutation>> {
    if wanted == "all" {
        return Some(MUTATIONS.to_vec());
    }
    let number = wanted.parse::<usize>().ok();
    let matches = |mutation: &&Mutation| {
        number == Some(**mutation as usize) || format!("{mutation:?}").eq_ignore_ascii_case(wanted)
    };
    MUTATIONS.iter().find(matches).map(|mutation| vec![*mutation])
}
