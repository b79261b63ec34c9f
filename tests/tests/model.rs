//! The model: its estate is what the fold makes of it, and its planted faults are in no program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use sendgate_core::estate::Estate;
use sendgate_tests::model::Model;
use sendgate_tests::model::coordinator::{Run, folded};
use sendgate_tests::model::peace::Dice;
use sendgate_tests::model::search::{self, Bounds};
use sendgate_tests::model::state::Budget;
use std::process::Command;

fn model() -> Model {
    Model::new(Budget { faults: 2, operators: 1 }, 100)
}

/// A state keeps the last observation of each kind instead of the estate: that must be the same after any history.
#[test]
fn the_estate_is_a_fold_over_the_last_observations() {
    let model = model();
    let mut dice = Dice(3);
    let mut compared = 0;
    for walk in 0..20 {
        let mut state = model.seeds[dice.below(model.seeds.len())].state.clone();
        for step in 0..60 {
            let mut actions = Vec::new();
            model.next(&state, true, &mut actions);
            let Some(action) = actions.get(dice.below(actions.len())).copied() else { break };
            let mut run = Run::new(&model, state.clone(), true);
            if run.act(action) {
                // When a store last served is history. Clusters alone are asked for it, and the model has none.
                let mut expected = Estate { served: run.estate.served.clone(), ..folded(&model, &run.state) };
                // Who was shown without a right before is, too: it counts for whom no roster names yet, and the model's do.
                for (domain, picture) in &mut expected.domains {
                    picture.past = run.estate.domains[domain].past.clone();
                }
                assert_eq!(run.estate, expected, "walk {walk}, step {step}: {action}");
                state = run.state;
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared} states were compared");
}

/// The undisturbed stories keep every invariant and end; so does what is one step away from them.
#[test]
fn a_small_search_finds_nothing() {
    let model = model();
    assert_eq!(model.unfinished, Vec::<String>::new());
    let bounds = Bounds { states: 3000, walks: 20, steps: 60, faults: 3, threads: 2, seed: 0 };
    let found = search::search(model, &bounds);
    assert_eq!(found.violation, None);
    assert!(found.states >= 2000, "{} states", found.states);
}

/// Faults are planted for checkers only: built alone, no program carries them.
#[test]
fn no_program_carries_planted_faults() {
    let features = |package: &str| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let tree =
            Command::new(cargo).args(["tree", "--offline", "-e", "normal,features", "-p", package]).output().unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        String::from_utf8(tree.stdout).unwrap()
    };
    for package in ["sendgate-coordinator", "sendgate", "sendgate-agent"] {
        assert!(!features(package).contains("mutations"), "{package}");
    }
    assert!(features("sendgate-tests").contains("mutations"), "this is how it would show");
}
