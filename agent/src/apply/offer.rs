//! From an offer to commands: the preconditions that the agent itself can see.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sendgate_proto::v1::act_offer::Act;
use sendgate_proto::v1::restart_service::Role;
use sha2::{Digest, Sha256};

use super::files::FileMark;
use crate::config::{AgentConfig, Command, Host, HostName, PackageName, Placeholder, Places, Program, ServiceName};

/// Why an offer is refused. The texts are shown to operators by the coordinator.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Not served here.
    #[error("host {0:?} is not one of this agent's hosts ({1}); add it to the agent's configuration")]
    Host(String, String),
    /// None of the acts.
    #[error("the offer names no act that this agent knows; use an agent of the coordinator's version")]
    Act,
    /// The host does not have the role, or no program for it.
    #[error("host {0} has no {1} in the agent's configuration")]
    Program(HostName, &'static str),
    /// Not configured.
    #[error("package {0:?} is not known here; add it to [[packages]] in the agent's configuration")]
    Package(String),
    /// Nothing sends a test message through this Exchange server.
    #[error(
        "no program of host {host} tests sending through {server:?}; name one under its Exchange server as `test_send` in the \
         programs of [hosts.goodlink] in the agent's configuration"
    )]
    NoTest {
        /// Through which Exchange server.
        server: String,
        /// On which host.
        host: HostName,
    },
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
    /// Without a removal configured nothing is removed.
    #[error(
        "package {package:?}: no program of host {host} removes a package; name one as `remove` in the programs of its \
         [hosts.exchange] in the agent's configuration"
    )]
    NoRemoval {
        /// As offered.
        package: String,
        /// Where.
        host: HostName,
    },
    /// The file is another one.
    #[error("package {name}: {} has SHA-256 {found}, but {offered} is to be {to_be}", file.display())]
    Digest {
        /// Which package.
        name: PackageName,
        /// Its file.
        file: PathBuf,
        /// Of the file.
        found: String,
        /// Of the offer.
        offered: String,
        /// What is to be done with it.
        to_be: &'static str,
    },
    /// An argument cannot be filled in.
    #[error("program {0}: an argument wants a package where there is none")]
    Argument(String),
}

impl OfferError {
    /// The package's file is not there: not another one, and not one that cannot be read.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
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
    HostName::new(name).ok().and_then(|name| config.hosts.get(&name)).ok_or_else(|| {
        let names: Vec<_> = config.hosts.keys().map(HostName::as_str).collect();
        OfferError::Host(name.to_owned(), names.join(", "))
    })
}

/// Checks an offer and makes its commands. Hashes the package, so it blocks for as long as that takes.
///
/// A package is removed also when its file is gone: what removes it came with the installation. Where the file is there it
/// must be the one that is meant, and a removal whose program is given the file needs it.
///
/// # Errors
/// Says why the act is refused.
pub fn prepare(config: &AgentConfig, host: &Host, act: Option<&Act>) -> Result<Prepared, OfferError> {
    let prepared = |what, service: &ServiceName, programs: &[Program], package: Option<Package<'_>>| {
        let (name, file) = package.as_ref().map(|package| (package.name, package.file)).unzip();
        let places = Places { host: &host.name, service, package: name, package_file: file };
        let mut commands = Vec::new();
        for program in programs {
            let command = program.command(&places);
            commands.push(command.ok_or_else(|| OfferError::Argument(program.name.to_string()))?);
        }
        Ok(Prepared { host: host.name.clone(), what, commands, package: package.and_then(|package| package.mark) })
    };
    let known = |package: &str| {
        let mut named = config.packages.iter();
        let found = named.find(|(name, _)| name.as_str().eq_ignore_ascii_case(package));
        found.ok_or_else(|| OfferError::Package(package.to_owned()))
    };
    match act {
        Some(Act::Install(wanted)) => {
            let role = host.exchange.as_ref().and_then(|role| role.install.as_ref().map(|install| (role, install)));
            let (role, install) = role.ok_or_else(|| OfferError::Program(host.name.clone(), "install program"))?;
            let (name, file) = known(&wanted.package)?;
            let mark = Some(check(name, file, &wanted.sha256, "installed")?);
            let package = Package { name, file, mark };
            prepared(format!("install {name}"), &role.service, std::slice::from_ref(install), Some(package))
        }
        Some(Act::Remove(wanted)) => {
            let role = host.exchange.as_ref().and_then(|role| role.remove.as_ref().map(|remove| (role, remove)));
            let none = || OfferError::NoRemoval { package: wanted.package.clone(), host: host.name.clone() };
            let (role, remove) = role.ok_or_else(none)?;
            let (name, file) = known(&wanted.package)?;
            let mark = match check(name, file, &wanted.sha256, "removed") {
                Ok(mark) => Some(mark),
                Err(error) if error.is_gone() && !remove.uses(Placeholder::PackageFile) => None,
                Err(error) => return Err(error),
            };
            let package = Package { name, file, mark };
            prepared(format!("remove {name}"), &role.service, std::slice::from_ref(remove), Some(package))
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
        Some(Act::TestSend(wanted)) => {
            let server = wanted.server.to_lowercase();
            let role = host.goodlink.as_ref().and_then(|role| Some((role, role.test_send.get(&server)?)));
            let none = || OfferError::NoTest { server: wanted.server.clone(), host: host.name.clone() };
            let (role, test) = role.ok_or_else(none)?;
            prepared(format!("test sending through {server}"), &role.service, std::slice::from_ref(test), None)
        }
        None => Err(OfferError::Act),
    }
}

/// A package of the configuration; with a mark where its file is there and is the one that is meant.
struct Package<'a> {
    name: &'a PackageName,
    file: &'a PathBuf,
    mark: Option<FileMark>,
}

fn check(name: &PackageName, file: &Path, wanted: &[u8], to_be: &'static str) -> Result<FileMark, OfferError> {
    let failed = |source| OfferError::Read { name: name.clone(), file: file.to_owned(), source };
    // Marked before it is hashed: a change in between shows at the start of the program.
    let mark = FileMark::of(file).map_err(failed)?;
    let found = hash(file).map_err(failed)?;
    if found.as_slice() == wanted {
        return Ok(mark);
    }
    let (found, offered) = (hex(&found), hex(wanted));
    Err(OfferError::Digest { name: name.clone(), file: file.to_owned(), found, offered, to_be })
}

/// So much of a file is read at a time, in bytes: as fast as larger parts are.
const CHUNK: usize = 256 * 1024;

fn hash(file: &Path) -> io::Result<[u8; 32]> {
    let metadata = std::fs::metadata(file)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    // No more than there is to read, and something in any case: it may have grown meanwhile.
    let mut chunk = vec![0; usize::try_from(metadata.len()).unwrap_or(CHUNK).clamp(1, CHUNK)];
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

#[cfg(test)]
mod tests;
