//! The running system.

use super::agent_text;
use super::cli::{self, Output};
use super::coordinator_text::{self, password_file};
use super::process::Process;
use super::{Binaries, GrantMode, Layout, Plan, SystemError, host, pki, scripts, wait};
use crate::lab::{Lab, User};
use crate::rollout_file::RolloutFile;
use sendgate_core::ledger::{Sequence, Stamped};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the coordinator may take to answer after its start: it opens its journal and reads the certificates.
const START: Duration = Duration::from_secs(30);
/// The name of the coordinator's process.
const COORDINATOR: &str = "coordinator";

/// Everything that runs.
#[derive(Debug)]
pub struct System {
    /// The laboratory around it.
    pub lab: Lab,
    /// Where it lies.
    pub layout: Layout,
    /// What is to be there.
    pub plan: Plan,
    /// The programs under test.
    pub binaries: Binaries,
    /// The coordinator.
    pub coordinator: Process,
    /// The agents, by name.
    pub agents: BTreeMap<String, Process>,
    hosts_run: bool,
}

fn folder(path: PathBuf) -> Result<(), SystemError> {
    std::fs::create_dir_all(&path).map_err(SystemError::io("make", &path))
}

fn write(path: &Path, text: &str) -> Result<(), SystemError> {
    std::fs::write(path, text).map_err(SystemError::io("write", path))
}

impl System {
    /// Writes everything that is needed, and starts nothing.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn make(lab: Lab, dir: PathBuf, plan: Plan) -> Result<Self, SystemError> {
        Self::made_of(Binaries::beside_this()?, lab, dir, plan)
    }

    /// The same of other programs than those that lie beside this one.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn made_of(binaries: Binaries, lab: Lab, dir: PathBuf, plan: Plan) -> Result<Self, SystemError> {
        let layout = Layout { dir };
        for part in ["logs", "run"] {
            folder(layout.dir.join(part))?;
        }
        folder(layout.coordinator())?;
        for agent in plan.agents() {
            folder(layout.agent(&agent))?;
        }
        pki::make(&lab, &binaries, &layout, &plan)?;
        host::make(&lab, &layout, &plan)?;
        for domain in &plan.domains {
            for store in &domain.stores {
                write(&layout.agent(&store.host).join("agent.toml"), &agent_text::store_agent(&layout, store))?;
            }
            let text = agent_text::goodlink_agent(&layout, &domain.goodlink);
            write(&layout.agent(&domain.goodlink.host).join("agent.toml"), &text)?;
            let password = password_file(&layout, &domain.letter);
            write(&password, &lab.domain(&domain.letter)?.coordinator.password)?;
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&password, private).map_err(SystemError::io("protect", &password))?;
        }
        let config = layout.coordinator().join("coordinator.toml");
        let argv: Vec<OsString> =
            vec![binaries.coordinator.clone().into(), "--config".into(), config.into(), "--laboratory".into()];
        let mut known = vec![(COORDINATOR.to_owned(), argv.clone())];
        let coordinator = Process::new(&lab, &layout, COORDINATOR, argv);
        let agents = plan.agents().into_iter().map(|name| {
            let config = layout.agent(&name).join("agent.toml");
            let argv: Vec<OsString> =
                vec![binaries.agent.clone().into(), "run".into(), "--config".into(), config.into()];
            known.push((name.clone(), argv.clone()));
            let process = Process::new(&lab, &layout, &name, argv);
            (name, process)
        });
        let agents = agents.collect();
        scripts::command(&lab, &layout, &binaries.cli)?;
        scripts::process(&lab, &layout, &known)?;
        let system = Self { lab, layout, plan, binaries, coordinator, agents, hosts_run: false };
        system.configure()?;
        Ok(system)
    }

    /// Writes the coordinator's configuration anew; it is read at the next start.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn configure(&self) -> Result<(), SystemError> {
        let text = coordinator_text::text(&self.lab, &self.layout, &self.plan)?;
        write(&self.layout.coordinator().join("coordinator.toml"), &text)
    }

    /// Switches all domains, and writes the configuration.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn set_grants(&mut self, mode: GrantMode) -> Result<(), SystemError> {
        self.plan.domains.iter_mut().for_each(|domain| domain.grants = mode);
        self.configure()
    }

    /// Replaces the roster of a domain's GoodLink server.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn set_roster(&self, host: &str, users: &[User]) -> Result<(), SystemError> {
        host::replace(&self.layout.host(host).join("roster.csv"), &host::roster(users))
    }

    /// Starts the services of all hosts.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn start_hosts(&mut self) -> Result<(), SystemError> {
        self.hosts_run = true;
        host::services(&self.lab, &self.layout, &self.plan, "start")
    }

    /// Starts all agents.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn start_agents(&mut self) -> Result<(), SystemError> {
        self.agents.values_mut().try_for_each(Process::start)
    }

    /// One agent.
    ///
    /// # Errors
    /// [`SystemError::Process`] when there is none of that name.
    pub fn agent(&mut self, name: &str) -> Result<&mut Process, SystemError> {
        let log = self.layout.log(name);
        let missing =
            || SystemError::Process { process: name.to_owned(), problem: "there is no such agent".to_owned(), log };
        self.agents.get_mut(name).ok_or_else(missing)
    }

    /// Starts the coordinator and waits until it answers the command.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn start_coordinator(&mut self) -> Result<(), SystemError> {
        self.start_coordinator_with(&[])
    }

    /// The same with these environment variables.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn start_coordinator_with(&mut self, variables: &[(&str, OsString)]) -> Result<(), SystemError> {
        self.coordinator.start_with(variables)?;
        wait::until("the first answer of the coordinator", START, || match self.cli(&["status", "--output", "json"]) {
            Ok(Output { code: Some(0), .. }) => Ok(Ok(())),
            Ok(output) if self.coordinator.is_running() => Err(output.stderr),
            Ok(_) => {
                let (process, log) = (COORDINATOR.to_owned(), self.coordinator.log().clone());
                Ok(Err(SystemError::Process { process, problem: last_line(&self.coordinator), log }))
            }
            Err(error) => Ok(Err(error)),
        })?
    }

    /// Starts everything.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn start(&mut self) -> Result<(), SystemError> {
        self.start_hosts()?;
        self.start_agents()?;
        self.start_coordinator()
    }

    /// Runs the operator's command to its end.
    ///
    /// # Errors
    /// [`SystemError`] when it cannot be run; what it says is in the output.
    pub fn cli(&self, arguments: &[&str]) -> Result<Output, SystemError> {
        self.cli_by(&self.layout.connection(), arguments)
    }

    /// The command, as the approver runs it.
    ///
    /// # Errors
    /// [`SystemError`] when it cannot be run; what it says is in the output.
    pub fn approver_cli(&self, arguments: &[&str]) -> Result<Output, SystemError> {
        self.cli_by(&self.layout.approver_connection(), arguments)
    }

    fn cli_by(&self, connection: &Path, arguments: &[&str]) -> Result<Output, SystemError> {
        let connection = Layout::text(connection);
        let whole: Vec<&str> = ["--connection", &connection].into_iter().chain(arguments.iter().copied()).collect();
        cli::run(&self.lab, &self.binaries.cli, &whole)
    }

    /// `sendgate rollout apply` with this file.
    ///
    /// # Errors
    /// [`SystemError`] when the file cannot be written, or the command not be run; what it says is in the output.
    pub fn apply(&self, file: &RolloutFile) -> Result<Output, SystemError> {
        self.write_rollout(file)?;
        self.cli(&["rollout", "apply", &Layout::text(&self.layout.rollout(&file.name))])
    }

    /// Writes a rollout's file to its place.
    ///
    /// # Errors
    /// [`SystemError`] when it cannot be written.
    pub fn write_rollout(&self, file: &RolloutFile) -> Result<(), SystemError> {
        host::replace(&self.layout.rollout(&file.name), &file.text())
    }

    /// A view.
    ///
    /// # Errors
    /// [`SystemError`]; exit codes 3 and 4 of `gate check` are answers too.
    pub fn view<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, SystemError> {
        let output = self.cli(&[arguments, &["--output", "json"]].concat())?;
        if matches!(output.code, Some(0 | 3 | 4)) { output.read() } else { output.good()?.read() }
    }

    /// The journal's entries from this number on.
    ///
    /// # Errors
    /// [`SystemError`].
    pub fn journal(&self, from: Sequence) -> Result<Vec<(Sequence, Stamped)>, SystemError> {
        #[derive(Deserialize)]
        struct Record {
            sequence: Sequence,
            payload: Stamped,
        }
        let output = self.cli(&["journal", "show", "--from", &from.to_string(), "--output", "json"])?.good()?;
        let record = |line: &str| {
            let record: Result<Record, _> = serde_json::from_str(line);
            record.map(|record| (record.sequence, record.payload)).map_err(|error| output.unexpected(error.to_string()))
        };
        output.stdout.lines().map(record).collect()
    }

    /// A program of the laboratory or the workspace on the laboratory's network.
    ///
    /// # Errors
    /// [`SystemError`] when it cannot be run.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Result<Output, SystemError> {
        cli::run(&self.lab, program, arguments)
    }

    /// Lets everything run on when this handle is gone.
    pub fn leave(mut self) {
        self.coordinator.leave();
        self.agents.values_mut().for_each(Process::leave);
        self.hosts_run = false;
    }
}

fn last_line(process: &Process) -> String {
    let words = process.words();
    format!(
        "it ended: {}",
        words.lines().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" / ")
    )
}

impl Drop for System {
    fn drop(&mut self) {
        self.agents.clear();
        if self.hosts_run
            && let Err(error) = host::services(&self.lab, &self.layout, &self.plan, "stop")
        {
            eprintln!("cannot stop the simulated hosts: {error}");
        }
    }
}
