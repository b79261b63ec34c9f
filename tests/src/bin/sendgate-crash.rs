//! `sendgate-crash`: kills the real programs at every append and around every act of a rollout in a real Active Directory,
//! and ends with 1 where a rollout then does not end as if nothing had been. Needs root and the laboratory's packages.

use clap::Parser;
use sendgate_tests::crash::{self, Bounds};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Kills the coordinator and the agents at given points of a rollout, and sees that it ends well all the same.
#[derive(Debug, Parser)]
struct Args {
    /// Every point, and not only a sample.
    #[arg(long)]
    all: bool,
    /// Only points whose text holds this, such as `after append 17` or `agent gla`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print the table of all points also where `--all` is not given.
    #[arg(long)]
    table: bool,
    /// Laboratories at the same time.
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// A folder for everything, which is made and removed.
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let dir = args.dir.unwrap_or_else(|| PathBuf::from(format!("/var/tmp/sendgate-crash-{}", std::process::id())));
    let bounds = Bounds { all: args.all, only: args.only, lanes: args.lanes, dir };
    if let Err(error) = stop_when_told() {
        eprintln!("sendgate-crash: {error}");
        return ExitCode::FAILURE;
    }
    let sum = match crash::run(&bounds) {
        Ok(sum) => sum,
        Err(error) => {
            eprintln!("sendgate-crash: {error}");
            return ExitCode::FAILURE;
        }
    };
    if args.all || args.table {
        println!("{}", sum.table);
    }
    if let Some(story) = &sum.story {
        println!("the shortest story that leads to what must not be:\n{story}");
    }
    println!(
        "kill points {}, coordinator {}, agent {}, restarts {}, wrong {}, seconds {:.0}",
        sum.coordinator + sum.agent,
        sum.coordinator,
        sum.agent,
        sum.restarts,
        sum.wrong,
        sum.took.as_secs_f64()
    );
    if sum.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What runs in a laboratory outlives this program: where it is told to end, that is ended first.
fn stop_when_told() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        });
        crash::stop();
    });
    Ok(())
}
