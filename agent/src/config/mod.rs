//! The configuration, in two stages: as written, then validated. Errors name the file, the key and the remedy.

mod names;
mod template;
mod validate;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use names::{AgentName, HostName, NameError, PackageName, ProgramName, ServiceName};
pub use template::{Placeholder, Places, Template, TemplateError};

use jiff::SignedDuration;

use crate::probe::goodlink_log::LogSource;

/// How long a program that only looks may take where the configuration names no `timeout`: it asks a service manager
/// on this host or on one nearby.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a test message may take where no `timeout` is named: a logon to a busy store, and the sending.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long stopping, starting or restarting a service may take where no `timeout` is named: GoodLink with many users
/// needs minutes.
pub const SERVICE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// How long an installation or a removal may take where no `timeout` is named: store hotfixes took up to half an hour. The
/// coordinator gives an act up after an hour where its configuration says nothing: its end is known before that.
pub const INSTALL_TIMEOUT: Duration = Duration::from_secs(50 * 60);
/// How old a roster may be where no `roster_age` is named: it is exported every night, and that takes a while.
pub const ROSTER_AGE: SignedDuration = SignedDuration::from_hours(26);
/// How often hosts are probed where no `report_interval` is named.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The validated configuration of one agent process.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The agent's name, as in its certificate.
    pub agent: AgentName,
    /// Where the journal and the acts are kept; one agent process at a time.
    pub state: PathBuf,
    /// The time from the end of one probe of a host to the start of the next.
    pub report_interval: Duration,
    /// How the coordinator is reached.
    pub coordinator: Coordinator,
    /// The hosts that this agent serves.
    pub hosts: BTreeMap<HostName, Host>,
    /// Where the hotfix packages are.
    pub packages: BTreeMap<PackageName, PathBuf>,
}

/// How the coordinator is reached, and with which certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinator {
    /// `HOST:PORT`
    pub address: String,
    /// The name that the coordinator's certificate must carry.
    pub tls_name: String,
    /// PEM file of the certification authority.
    pub ca: PathBuf,
    /// PEM file of the agent's certificate.
    pub certificate: PathBuf,
    /// PEM file of the agent's key.
    pub key: PathBuf,
}

/// A host and its roles.
#[derive(Clone, Debug)]
pub struct Host {
    /// As the coordinator's configuration calls it.
    pub name: HostName,
    /// Set when an Exchange store runs there.
    pub exchange: Option<Exchange>,
    /// Set when GoodLink runs there.
    pub goodlink: Option<GoodLink>,
}

/// The role of an Exchange store.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The image whose version decides whether Send As is enforced.
    pub store_exe: PathBuf,
    /// The service of the store.
    pub service: ServiceName,
    /// Prints the state of the service.
    pub status: Program,
    /// Prints whether the store is mounted.
    pub mounted: Program,
    /// Prints the installed patches.
    pub patches: Program,
    /// Installs a package; absent where nothing may be installed, and then such an act is refused.
    pub install: Option<Program>,
    /// Removes a package; absent where nothing may be removed, and then such an act is refused.
    pub remove: Option<Program>,
}

/// The role of a GoodLink server.
#[derive(Clone, Debug)]
pub struct GoodLink {
    /// The service of GoodLink.
    pub service: ServiceName,
    /// Prints the state of the service.
    pub status: Program,
    /// What restarts the service, one after the other, until one fails; empty where nothing may be restarted, and then
    /// such an act is refused.
    pub restart: Vec<Program>,
    /// What sends a message through an Exchange server, by its name in lower case; exit code 0: it was sent.
    pub test_send: BTreeMap<String, Program>,
    /// The roster, as CSV.
    pub roster: PathBuf,
    /// How long ago it may have been written.
    pub roster_age: SignedDuration,
    /// GoodLink's log.
    pub log: LogSource,
}

/// A program with its arguments; run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name in the configuration.
    pub name: ProgramName,
    /// The file to run: an absolute path.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Template>,
    /// How long it may take; afterwards it is killed, and that is an error.
    pub timeout: Duration,
}

/// A program with everything filled in: what is run, literally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The program's name in the configuration.
    pub name: ProgramName,
    /// The file to run.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Program {
    /// Whether one of its arguments has this placeholder.
    pub fn uses(&self, place: Placeholder) -> bool {
        self.arguments.iter().any(|argument| argument.uses(place))
    }

    /// The command for one host; `None` when an argument wants a package and there is none.
    pub fn command(&self, places: &Places<'_>) -> Option<Command> {
        let arguments = self.arguments.iter().map(|argument| argument.fill(places)).collect::<Option<Vec<_>>>()?;
        Some(Command { name: self.name.clone(), file: self.file.clone(), arguments, timeout: self.timeout })
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not readable.
    #[error("cannot read the configuration {}: {source}; name a readable file with --config", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a key that is missing.
    #[error("{}: {text}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line, key and what is wrong, as the TOML reader says it.
        text: String,
    },
    /// A value that cannot be used.
    #[error("{}: {key}: {problem}; {remedy}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The key, such as `hosts.gl1.goodlink.roster`.
        key: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

impl AgentConfig {
    /// Reads and validates the configuration.
    ///
    /// # Errors
    /// Names the file, the key and the remedy.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    /// Validates a configuration that was already read; `file` is only named in errors.
    ///
    /// # Errors
    /// Names the file, the key and the remedy.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let written = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            file: file.to_owned(),
            text: error.to_string().trim_end().to_owned(),
        })?;
        validate::Validator { file }.config(written)
    }

    /// The files for TLS, with their keys in the configuration.
    pub fn tls_files(&self) -> [(&'static str, &Path); 3] {
        let at = &self.coordinator;
        [("coordinator.ca", &at.ca), ("coordinator.certificate", &at.certificate), ("coordinator.key", &at.key)]
    }

    /// The programs that are used, with their keys in the configuration.
    pub fn programs(&self) -> BTreeMap<String, &Path> {
        let mut files = BTreeMap::new();
        for host in self.hosts.values() {
            let exchange = host.exchange.iter().flat_map(|role| {
                [
                    Some(&role.status),
                    Some(&role.mounted),
                    Some(&role.patches),
                    role.install.as_ref(),
                    role.remove.as_ref(),
                ]
                .into_iter()
                .flatten()
            });
            let goodlink = host
                .goodlink
                .iter()
                .flat_map(|role| std::iter::once(&role.status).chain(&role.restart).chain(role.test_send.values()));
            for program in exchange.chain(goodlink) {
                files.insert(format!("programs.{}.program", program.name), program.file.as_path());
            }
        }
        files
    }
}
