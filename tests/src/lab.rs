//! A handle on a running laboratory: what `tests/lab/lab up` made and `lab.json` describes.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

mod description;

pub use description::{Account, Cause, Causes, Client, Crowd, Description, Domain, Judgement, Server, User};

/// The environment variable that names the folder of a running laboratory.
pub const VARIABLE: &str = "SENDGATE_LAB";
/// The node on which the coordinator, the agents and the simulated hosts run.
pub const CLIENT: &str = "client";
/// The form of `lab.json` that these types read.
const FORMAT: u32 = 1;

/// What can go wrong with the laboratory.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The environment names no laboratory.
    #[error("{VARIABLE} is not set; make a laboratory with `tests/lab/lab up DIR` and set it to DIR")]
    NotNamed,
    /// `lab.json` is not there or cannot be read.
    #[error("cannot read {}: {source}; is the laboratory up?", file.display())]
    Read {
        /// The description.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `lab.json` is not what these types know.
    #[error("{}: {problem}; make the laboratory anew", file.display())]
    Description {
        /// The description.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No domain of that letter or name.
    #[error("the laboratory has no domain {0:?}")]
    NoDomain(String),
    /// A program could not be started.
    #[error("cannot start {command}: {source}")]
    Start {
        /// The command line.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{command} failed ({status}): {complaint}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote to its standard error.
        complaint: String,
    },
    /// A program printed something else than expected.
    #[error("{command} printed {text:?}: {problem}")]
    Output {
        /// The command line.
        command: String,
        /// What it printed.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A running laboratory.
#[derive(Debug, Clone)]
pub struct Lab {
    /// What `lab.json` says.
    pub description: Description,
}

impl Lab {
    /// Opens the laboratory in `dir`.
    pub fn open(dir: &Path) -> Result<Self, LabError> {
        let file = dir.join("lab.json");
        let text = std::fs::read_to_string(&file).map_err(|source| LabError::Read { file: file.clone(), source })?;
        let unfit = |problem: String| LabError::Description { file: file.clone(), problem };
        let description: Description = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
        if description.format != FORMAT {
            return Err(unfit(format!("format {} instead of {FORMAT}", description.format)));
        }
        Ok(Self { description })
    }

    /// Opens the laboratory that the environment names ([`VARIABLE`]).
    pub fn from_env() -> Result<Self, LabError> {
        Self::open(Path::new(&std::env::var_os(VARIABLE).ok_or(LabError::NotNamed)?))
    }

    /// The folder of the laboratory's own programs.
    pub fn programs() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("lab")
    }

    /// A domain by its letter or its name.
    pub fn domain(&self, name: &str) -> Result<&Domain, LabError> {
        let found = self.description.domains.iter().find(|domain| domain.letter == name || domain.name == name);
        found.ok_or_else(|| LabError::NoDomain(name.to_owned()))
    }

    /// A command that runs on a node; killing it kills the program itself, for the process id is the program's.
    pub fn command<S: AsRef<OsStr>>(&self, node: &str, argv: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(Self::programs().join("enter"));
        command.arg(&self.description.dir).arg(node).args(argv);
        command
    }

    /// Ends Samba on a directory server.
    pub fn stop_server(&self, node: &str) -> Result<(), LabError> {
        self.lab("stop", &[node])
    }

    /// Starts a directory server again and waits until it answers.
    pub fn start_server(&self, node: &str) -> Result<(), LabError> {
        self.lab("start", &[node])
    }

    /// Pulls a directory server's network cable.
    pub fn cut(&self, node: &str) -> Result<(), LabError> {
        self.lab("cut", &[node])
    }

    /// Lets these directory servers not reach one another: replication between them stops, clients reach them all.
    /// [`Lab::heal`] takes it back.
    pub fn part(&self, nodes: &[&str]) -> Result<(), LabError> {
        self.lab("part", nodes)
    }

    /// A user for every cause of a verdict; the laboratory has to be made with `--population causes`.
    pub fn causes(&self) -> Result<Causes, LabError> {
        let file = self.description.dir.join("causes.json");
        let text = std::fs::read_to_string(&file).map_err(|source| LabError::Read { file: file.clone(), source })?;
        serde_json::from_str(&text).map_err(|error| LabError::Description { file, problem: error.to_string() })
    }

    /// Sets the forest's `dSHeuristics`, or takes it away. Its 16th character is a hexadecimal digit of groups that
    /// AdminSDHolder does not protect: 1 Account, 2 Server, 4 Print, 8 Backup Operators; its 10th has to be `1`
    /// (MS-ADTS 6.1.1.2.4.1.2).
    pub fn set_ds_heuristics(&self, domain: &str, value: Option<&str>) -> Result<(), LabError> {
        let head = &self.domain(domain)?.dn;
        let value = value.map(|text| format!("dSHeuristics: {text}\n")).unwrap_or_default();
        let place = format!("CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{head}");
        self.ldapmodify(domain, &format!("dn: {place}\nchangetype: modify\nreplace: dSHeuristics\n{value}"))
    }

    /// Takes back all of [`Lab::cut`] and [`Lab::part`].
    pub fn heal(&self) -> Result<(), LabError> {
        self.lab("heal", &[])
    }

    /// Applies LDIF on a domain's first server as its administrator.
    pub fn ldapmodify(&self, domain: &str, ldif: &str) -> Result<(), LabError> {
        let domain = self.domain(domain)?;
        let Some(server) = domain.servers.first() else { return Err(LabError::NoDomain(domain.name.clone())) };
        let uri = format!("ldaps://{}:{}", server.name, server.ldaps_port);
        let admin = &domain.administrator;
        let mut command =
            self.command(CLIENT, ["ldapmodify", "-x", "-H", &uri, "-D", &admin.upn, "-w", &admin.password]);
        command.env("LDAPTLS_CACERT", &server.ca).env("LDAPTLS_REQCERT", "demand");
        finished(&mut command, ldif).map(drop)
    }

    /// Adds one explicit entry, as SDDL, to an object's DACL at its canonical place, as the domain's administrator.
    pub fn add_entry(&self, domain: &str, dn: &str, entry: &str) -> Result<(), LabError> {
        self.entry("add", domain, dn, entry)
    }

    /// Removes every explicit entry that reads like this SDDL; it is an error when there is none.
    pub fn remove_entry(&self, domain: &str, dn: &str, entry: &str) -> Result<(), LabError> {
        self.entry("remove", domain, dn, entry)
    }

    /// Removes every explicit entry of GoodAdmin from a domain's head and its units with blocked inheritance.
    pub fn clear_entries(&self, domain: &str) -> Result<(), LabError> {
        let program = Self::programs().join("entry");
        let mut command = self.command(CLIENT, [program.as_os_str()]);
        command.arg(self.description.dir.join("lab.json")).args(["clear", domain]);
        finished(&mut command, "").map(drop)
    }

    /// Whether an account (`DOMAIN\name`) may send as a user, by Samba's access check on the copy of `server`, or of
    /// the first server that answers.
    pub fn judge(&self, domain: &str, user: &str, account: &str, server: Option<&str>) -> Result<Judgement, LabError> {
        let program = Self::programs().join("samba_access.py");
        let mut command = self.command(CLIENT, [program.as_os_str()]);
        command.arg(self.description.dir.join("lab.json")).args([domain, user, account]).args(server);
        let text = finished(&mut command, "")?;
        serde_json::from_str(&text).map_err(|error| LabError::Output {
            command: line(&command),
            text,
            problem: error.to_string(),
        })
    }

    fn entry(&self, verb: &str, domain: &str, dn: &str, entry: &str) -> Result<(), LabError> {
        let program = Self::programs().join("entry");
        let mut command = self.command(CLIENT, [program.as_os_str()]);
        command.arg(self.description.dir.join("lab.json")).args([verb, domain, dn, entry]);
        finished(&mut command, "").map(drop)
    }

    fn lab(&self, verb: &str, nodes: &[&str]) -> Result<(), LabError> {
        let mut command = Command::new(Self::programs().join("lab"));
        command.arg(verb).arg(&self.description.dir).args(nodes);
        finished(&mut command, "").map(drop)
    }
}

/// Runs a command to its end; its standard output.
fn finished(command: &mut Command, input: &str) -> Result<String, LabError> {
    let name = line(command);
    let failed = |source| LabError::Start { command: name.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early has said why on its standard error.
        stdin.write_all(input.as_bytes()).or_else(ended_early).map_err(failed)?;
    }
    let Output { status, stdout, stderr } = child.wait_with_output().map_err(failed)?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(LabError::Failed { command: name, status, complaint: String::from_utf8_lossy(&stderr).trim().to_owned() })
}

fn ended_early(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The program and its first arguments: the rest may hold passwords.
fn line(command: &Command) -> String {
    let shown = std::iter::once(command.get_program()).chain(command.get_args().take(4));
    shown.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Lab, LabError};

    #[test]
    fn a_folder_without_a_laboratory_says_so() {
        let error = Lab::open(std::path::Path::new("/nowhere")).expect_err("there is nothing");
        assert!(matches!(error, LabError::Read { .. }));
        assert!(error.to_string().starts_with("cannot read /nowhere/lab.json: No such file"), "{error}");
        assert!(error.to_string().ends_with("is the laboratory up?"), "{error}");
    }
}
