//! `sendgate-agent`: parses, starts tracing, runs.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sendgate_agent::apply::supervisor;
use sendgate_agent::config::{AgentConfig, HostName};
use sendgate_agent::journal::ActId;
use sendgate_agent::{certificate, inspect};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The running program itself, also after its file was replaced by a newer one.
const MYSELF: &str = "/proc/self/exe";

#[derive(Debug, Parser)]
#[command(
    version,
    about = "Reports from Exchange and GoodLink hosts to Sendgate's coordinator, and acts there with its permit"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent.
    Run {
        /// The configuration, in TOML.
        #[arg(long)]
        config: PathBuf,
    },
    /// Check a configuration, the certificate and the programs that it names, without connecting.
    Check {
        /// The configuration, in TOML.
        #[arg(long)]
        config: PathBuf,
    },
    /// Show, as JSON, what the agent reads from a file.
    Inspect(Inspect),
    /// Run the program of one act (started by the agent itself).
    #[command(hide = true)]
    RunAct {
        /// The agent's state directory.
        state: PathBuf,
        /// The act.
        act: String,
    },
}

#[derive(Debug, Args)]
struct Inspect {
    #[command(flatten)]
    what: Inspected,
    /// With --log: read it as this configuration says.
    #[arg(long, requires = "log")]
    config: Option<PathBuf>,
    /// With --config: as the log of this host.
    #[arg(long, requires = "config")]
    host: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Inspected {
    /// A store.exe: its file version and machine.
    #[arg(long)]
    store_exe: Option<PathBuf>,
    /// A GoodLink log: the users that it says are paused.
    #[arg(long)]
    log: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { config } => run(&config),
        Command::Check { config } => check(&config),
        Command::Inspect(inspect) => show(&inspect),
        Command::RunAct { state, act } => run_act(&state, &act),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sendgate-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Path) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(terminal).with_writer(std::io::stderr).init();
    let config = AgentConfig::load(config)?;
    install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
            tracing::info!("told to stop; what runs goes on and is found again by the next start");
            stop.send_replace(true);
        });
        sendgate_agent::run(config, PathBuf::from(MYSELF), stopped).await?;
        Ok::<_, Failure>(())
    });
    // A reading that hangs on a share must not keep the agent from ending.
    runtime.shutdown_background();
    ended
}

fn install_provider() {
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = AgentConfig::load(file)?;
    for (key, path) in config.tls_files() {
        if let Err(error) = std::fs::File::open(path) {
            return Err(format!("{}: {key}: cannot read {}: {error}", file.display(), path.display()).into());
        }
    }
    for (key, path) in config.programs() {
        if let Err(error) = runnable(path) {
            return Err(format!("{}: {key}: cannot run {}: {error}", file.display(), path.display()).into());
        }
    }
    certificate::load(&config.agent, &config.coordinator)?;
    let hosts: Vec<_> = config.hosts.keys().map(HostName::as_str).collect();
    println!("{}: agent {}, hosts {}: good", file.display(), config.agent, hosts.join(", "));
    Ok(())
}

/// Whether a program could be started, as whoever runs this. Nothing is opened: to run a program takes no right to read it.
fn runnable(program: &Path) -> std::io::Result<()> {
    if !std::fs::metadata(program)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    Ok(rustix::fs::access(program, rustix::fs::Access::EXEC_OK)?)
}

fn show(inspect: &Inspect) -> Result<(), Failure> {
    let json = match (&inspect.what.store_exe, &inspect.what.log) {
        (Some(file), _) => serde_json::to_string(&inspect::store_exe(file)?)?,
        (None, Some(file)) => {
            let host = inspect.host.as_deref().map(HostName::new).transpose()?;
            serde_json::to_string(&inspect::log(file, inspect.config.as_deref(), host.as_ref())?)?
        }
        (None, None) => return Err("name --store-exe or --log".into()),
    };
    println!("{json}");
    Ok(())
}

fn run_act(state: &Path, act: &str) -> Result<(), Failure> {
    supervisor::run_act(state, &ActId::parse(act)?)?;
    Ok(())
}
