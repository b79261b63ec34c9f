//! The story of the demo: an estate goes from "the hotfix would pause everybody" to "installed everywhere it may be,
//! nobody paused", told as it happens.
//!
//! 1. `scene`: hosts and services run; the breach shows itself; the coordinator only advises;
//! 2. `rollout`: grants are written, an operator waives two users, a rollout in two waves begins in its window once
//!    somebody else has approved it;
//! 3. `trip`: one is caused on purpose, and the hotfix removed from the wave; mended, a second rollout runs to its end;
//! 4. `ending`: the final table, and the final state read by other means.

mod ending;
mod gates;
pub(crate) mod journal;
mod rollout;
mod scene;
mod teller;
mod trip;

pub use teller::Teller;

use crate::lab::Lab;
use crate::system::{Plan, System, SystemError};
use std::path::PathBuf;

/// What the demo is told.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The folder of a running laboratory.
    pub lab: PathBuf,
    /// Where everything else lies.
    pub run: PathBuf,
    /// Whether everything runs on afterwards.
    pub keep: bool,
}

/// Tells the whole story. True: the final state is right.
///
/// # Errors
/// [`SystemError`] when the story cannot go on.
pub fn tell(demo: &Demo) -> Result<bool, SystemError> {
    let teller = Teller::new();
    let lab = Lab::open(&demo.lab)?;
    let plan = Plan::estate(&lab)?;
    let mut system = System::make(lab, demo.run.clone(), plan)?;
    let told = whole(&teller, &mut system);
    if let Err(error) = &told {
        teller.raw(&format!("\nThe story cannot go on: {error}"));
        teller.raw(&format!("The coordinator's last words:\n{}", tail(&system.coordinator.words())));
    }
    if demo.keep {
        ending::how_to_go_on(&teller, &system);
        system.leave();
    }
    told
}

fn whole(teller: &Teller, system: &mut System) -> Result<bool, SystemError> {
    scene::introduce(teller, system);
    let before = ending::remember(system)?;
    scene::hosts(teller, system)?;
    scene::advice(teller, system)?;
    let mut follower = journal::Follower::new();
    rollout::run(teller, system, &mut follower)?;
    ending::table(teller, system)?;
    ending::check(teller, system, &before)
}

/// Lines of a log that are shown when something went wrong.
const TAIL: usize = 15;

fn tail(words: &str) -> String {
    let lines: Vec<_> = words.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
