//! `sendgate-coordinator`: parses its arguments, starts tracing, runs.

use clap::Parser;
use sendgate_coordinator::clock::{ClockSource as _, Machine};
use sendgate_coordinator::config::{self, LogFormat};
use sendgate_coordinator::directory::checkup;
use sendgate_coordinator::serve;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Surveys the directory, gates and sequences the hotfix.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// A laboratory: waits may be shorter than the field's, and every status says so.
    #[arg(long)]
    laboratory: bool,
    /// Only read the configuration, the certificates and the state directory's owner, and say what is wrong with them.
    #[arg(long)]
    check: bool,
    /// Read the configuration, then connect and bind to each directory server in it, and say how each one did.
    #[arg(long, conflicts_with = "check")]
    check_servers: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let configuration = match config::load(&arguments.config, arguments.laboratory) {
        Ok(configuration) => configuration,
        Err(error) => return failed(&error),
    };
    if arguments.check {
        let problems = config::installed_problems(&configuration, Machine.wall());
        if !problems.is_empty() {
            problems.iter().for_each(|problem| eprintln!("sendgate-coordinator: {problem}"));
            return ExitCode::FAILURE;
        }
        println!("{} is valid", arguments.config.display());
        return ExitCode::SUCCESS;
    }
    if arguments.check_servers {
        let checkups = checkup::all(&configuration.directory).await;
        checkups.iter().for_each(|checkup| println!("{checkup}"));
        let well = checkups.iter().all(|checkup| checkup.outcome.is_ok());
        return if well { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    match configuration.log_format {
        LogFormat::Text => tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).init(),
        LogFormat::Json => tracing_subscriber::fmt().with_env_filter(filter).json().init(),
    }
    let stop = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        }
        (Err(error), _) | (_, Err(error)) => return failed(&error),
    };
    match serve::serve(configuration, rand::random(), stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("sendgate-coordinator: {error}");
    ExitCode::FAILURE
}
