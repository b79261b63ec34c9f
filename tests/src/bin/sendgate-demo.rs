//! `sendgate-demo`: tells the demo's story in a running laboratory. `deploy/demo` runs it.

use clap::Parser;
use sendgate_tests::story::{Demo, tell};
use std::path::PathBuf;
use std::process::ExitCode;

/// Tells the demo's story in a running laboratory.
#[derive(Debug, Parser)]
struct Args {
    /// The folder of a running laboratory (`tests/lab/lab up DIR`).
    #[arg(long)]
    lab: PathBuf,
    /// An empty folder for everything else.
    #[arg(long)]
    run: PathBuf,
    /// Leave everything running at the end.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let Args { lab, run, keep } = Args::parse();
    match tell(&Demo { lab, run, keep }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sendgate-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
