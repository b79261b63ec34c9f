//! From an offer to commands: the preconditions that the agent itself can see.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::restart_service::Role;
use sha2::{Digest, Sha256};

use super::files::FileMark;
use crate::config::{AgentConfig, Command, Host, HostName, PackageName, Places, Program, ServiceName};

/// Why an offer is refused. The texts are shown to operators by the coordinator.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Not served here.
    #[error("host {0:?} is not one of this agent's hosts ({1}); add it to the agent's configuration")]
    Host(String, String),
    /// Neither of the acts.
    #[error("the offer names no act that this agent knows; use an agent of the coordinator's version")]
    Act,
    /// The host does not have the role, or no program for it.
    #[error("host {0} has no {1} in the agent's configuration")]
    Program(HostName, &'static str),
    /// Not configured.
    #[error("package {0:?} is not known here; add it to [[packages]] in the agent's configuration")]
    Package(String),
    /// The file cannot be read.
    #[error("package {name}: cannot read {}: {source}", file.display())]
    Read {
        /// Which package.
        name: PackageName,
        /// Its file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is another one.
    #[error("package {name}: {} has SHA-256 {found}, but {offered} is to be installed", file.display())]
    Digest {
        /// Which package.
        name: PackageName,
        /// Its file.
        file: PathBuf,
        /// Of the file.
        found: String,
        /// Of the offer.
        offered: String,
    },
    /// An argument cannot be filled in.
    #[error("program {0}: an argument wants a package file where there is none")]
    Argument(String),
}

/// An offer that can be carried out.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The host.
    pub host: HostName,
    /// For a person.
    pub what: String,
    pub(crate) commands: Vec<Command>,
    pub(crate) package: Option<FileMark>,
}

/// The host of an offer.
///
/// # Errors
/// When it is not served here.
pub fn host<'a>(config: &'a AgentConfig, name: &str) -> Result<&'a Host, OfferError> {
    // The coordinator writes names in lower case.
    config.hosts.values().find(|host| host.name.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<_> = config.hosts.keys().map(HostName::as_str).collect();
        OfferError::Host(name.to_owned(), names.join(", "))
    })
}

/// Checks an offer and makes its commands. Hashes the package, so it blocks for as long as that takes.
///
/// # Errors
/// Says why the act is refused.
pub fn prepare(config: &AgentConfig, host: &Host, act: Option<&Act>) -> Result<Prepared, OfferError> {
    let prepared = |what, service: &ServiceName, programs: &[Program], package: Option<(PathBuf, FileMark)>| {
        let (file, mark) = package.unzip();
        let places = Places { host: &host.name, service, package_file: file.as_ref() };
        let mut commands = Vec::new();
        for program in programs {
            let command = program.command(&places);
            commands.push(command.ok_or_else(|| OfferError::Argument(program.name.to_string()))?);
        }
        Ok(Prepared { host: host.name.clone(), what, commands, package: mark })
    };
    match act {
        Some(Act::Install(wanted)) => {
            let role = host.exchange.as_ref().and_then(|role| role.install.as_ref().map(|install| (role, install)));
            let (role, install) = role.ok_or_else(|| OfferError::Program(host.name.clone(), "install program"))?;
            let unknown = || OfferError::Package(wanted.package.clone());
            let mut named = config.packages.iter();
            let (name, file) =
                named.find(|(name, _)| name.as_str().eq_ignore_ascii_case(&wanted.package)).ok_or_else(unknown)?;
            let mark = check(name, file, &wanted.sha256)?;
            let what = format!("install {name}");
            prepared(what, &role.service, std::slice::from_ref(install), Some((file.clone(), mark)))
        }
        Some(Act::Restart(wanted)) => match wanted.role() {
            Role::Goodlink => {
                let role = host.goodlink.as_ref().filter(|role| !role.restart.is_empty());
                let role =
                    role.ok_or_else(|| OfferError::Program(host.name.clone(), "restart program for GoodLink"))?;
                prepared(format!("restart {}", role.service), &role.service, &role.restart, None)
            }
            Role::Unspecified => Err(OfferError::Act),
        },
        None => Err(OfferError::Act),
    }
}

fn check(name: &PackageName, file: &Path, wanted: &[u8]) -> Result<FileMark, OfferError> {
    let failed = |source| OfferError::Read { name: name.clone(), file: file.to_owned(), source };
    // Marked before it is hashed: a change in between shows at the start of the program.
    let mark = FileMark::of(file).map_err(failed)?;
    let found = hash(file).map_err(failed)?;
    if found.as_slice() == wanted {
        return Ok(mark);
    }
    let (found, offered) = (hex(&found), hex(wanted));
    Err(OfferError::Digest { name: name.clone(), file: file.to_owned(), found, offered })
}

fn hash(file: &Path) -> io::Result<[u8; 32]> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
