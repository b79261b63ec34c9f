//! From written to validated.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;

use super::written::{Written, WrittenExchange, WrittenGoodLink, WrittenHost, WrittenLog, WrittenProgram};
use super::{
    AgentConfig, AgentName, ConfigError, Coordinator, Exchange, GoodLink, Host, HostName, INSTALL_TIMEOUT,
    LOOK_TIMEOUT, NameError, PackageName, Placeholder, Program, ProgramName, REPORT_INTERVAL, ROSTER_AGE,
    SERVICE_TIMEOUT, ServiceName, TEST_TIMEOUT, Template,
};
use crate::probe::goodlink_log::{LogSource, LogSyntax, SyntaxText};

/// No timeout or interval below this: a program has to be started, and a host is not probed in a busy loop.
const SHORTEST: Duration = Duration::from_millis(100);
/// No timeout or interval above this: what takes longer has failed, and nobody would see it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// No roster's age below this, for it takes a while until it is read; none above this, a month: nobody would see that the
/// export has failed.
const ROSTER_AGES: RangeInclusive<SignedDuration> = SignedDuration::from_mins(1)..=SignedDuration::from_hours(31 * 24);

pub(super) struct Validator<'a> {
    pub(super) file: &'a Path,
}

type Programs = BTreeMap<String, WrittenProgram>;

impl Validator<'_> {
    fn bad(&self, key: &str, problem: impl ToString, remedy: impl ToString) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            key: key.to_owned(),
            problem: problem.to_string(),
            remedy: remedy.to_string(),
        }
    }

    fn name<T>(&self, key: &str, made: Result<T, NameError>) -> Result<T, ConfigError> {
        made.map_err(|error| self.bad(key, format!("the name {error}"), "use letters, digits, '-', '_' and '.'"))
    }

    fn duration(&self, key: &str, text: Option<&str>, default: Duration) -> Result<Duration, ConfigError> {
        let Some(text) = text else { return Ok(default) };
        let remedy = "write a time between 100ms and 24h, such as \"30s\" or \"10m\"";
        let parsed: SignedDuration = text.parse().map_err(|_| self.bad(key, format!("{text:?} is no time"), remedy))?;
        match Duration::try_from(parsed) {
            Ok(time) if (SHORTEST..=LONGEST).contains(&time) => Ok(time),
            _ => Err(self.bad(key, format!("{text:?} is too short or too long"), remedy)),
        }
    }

    fn roster_age(&self, key: &str, text: Option<&str>) -> Result<SignedDuration, ConfigError> {
        let Some(text) = text else { return Ok(ROSTER_AGE) };
        let remedy = "write a time between 1m and 744h, such as \"26h\"";
        let age: SignedDuration = text.parse().map_err(|_| self.bad(key, format!("{text:?} is no time"), remedy))?;
        if !ROSTER_AGES.contains(&age) {
            return Err(self.bad(key, format!("{text:?} is too short or too long"), remedy));
        }
        Ok(age)
    }

    fn absolute(&self, key: &str, path: PathBuf) -> Result<PathBuf, ConfigError> {
        if path.is_absolute() && path.to_str().is_some() {
            return Ok(path);
        }
        Err(self.bad(key, format!("{:?} is not an absolute path", path), "write the whole path, starting at the root"))
    }

    pub(super) fn config(&self, written: Written) -> Result<AgentConfig, ConfigError> {
        let at = written.coordinator;
        let port = at.address.rsplit_once(':').map(|(host, port)| (host.is_empty(), port.parse::<u16>()));
        if !matches!(port, Some((false, Ok(1..)))) || at.address.contains('/') {
            let problem = format!("{:?} is not HOST:PORT", at.address);
            return Err(self.bad("coordinator.address", problem, "write it as \"sendgate.example.com:7443\""));
        }
        let coordinator = Coordinator {
            address: at.address,
            tls_name: self.name("coordinator.tls_name", HostName::new(at.tls_name))?.as_str().to_owned(),
            ca: self.absolute("coordinator.ca", at.ca)?,
            certificate: self.absolute("coordinator.certificate", at.certificate)?,
            key: self.absolute("coordinator.key", at.key)?,
        };
        for (name, program) in &written.programs {
            self.program(name, program, LOOK_TIMEOUT)?;
        }
        let mut packages = BTreeMap::new();
        for package in written.packages {
            let name = self.name("packages.name", PackageName::new(package.name))?;
            let file = self.absolute(&format!("packages.{name}.file"), package.file)?;
            // The coordinator's names have no case: of two it could mean either.
            let twice = packages.keys().any(|known: &PackageName| known.as_str().eq_ignore_ascii_case(name.as_str()));
            if twice || packages.insert(name.clone(), file).is_some() {
                return Err(self.bad(&format!("packages.{name}"), "is there twice", "keep one of them"));
            }
        }
        let mut hosts = BTreeMap::new();
        for host in written.hosts {
            let host = self.host(host, &written.programs)?;
            let key = format!("hosts.{}", host.name);
            if hosts.insert(host.name.clone(), host).is_some() {
                return Err(self.bad(&key, "is there twice", "give each host one [[hosts]] with all its roles"));
            }
        }
        if hosts.is_empty() {
            return Err(self.bad("hosts", "there is no host", "add a [[hosts]] for each host that this agent serves"));
        }
        Ok(AgentConfig {
            agent: self.name("agent", AgentName::new(written.agent))?,
            state: self.absolute("state", written.state)?,
            report_interval: self.duration("report_interval", written.report_interval.as_deref(), REPORT_INTERVAL)?,
            coordinator,
            hosts,
            packages,
        })
    }

    fn host(&self, written: WrittenHost, programs: &Programs) -> Result<Host, ConfigError> {
        let name = self.name("hosts.name", HostName::new(written.name))?;
        let key = format!("hosts.{name}");
        if written.exchange.is_none() && written.goodlink.is_none() {
            return Err(self.bad(&key, "has no role", "add [hosts.exchange] or [hosts.goodlink] below it"));
        }
        let exchange = written.exchange.map(|role| self.exchange(&format!("{key}.exchange"), role, programs));
        let goodlink = written.goodlink.map(|role| self.goodlink(&format!("{key}.goodlink"), role, programs));
        Ok(Host { name, exchange: exchange.transpose()?, goodlink: goodlink.transpose()? })
    }

    fn exchange(&self, key: &str, role: WrittenExchange, programs: &Programs) -> Result<Exchange, ConfigError> {
        let uses =
            |what: &str, name: &str, default| self.used(&format!("{key}.programs.{what}"), name, programs, default);
        let install =
            role.programs.install.as_deref().map(|name| uses("install", name, INSTALL_TIMEOUT)).transpose()?;
        if let Some(program) = &install
            && !program.uses(Placeholder::PackageFile)
        {
            let problem = format!("the program {:?} is not given the package", program.name.as_str());
            return Err(self.bad(&format!("{key}.programs.install"), problem, "add {package_file} to its arguments"));
        }
        let remove = role.programs.remove.as_deref().map(|name| uses("remove", name, INSTALL_TIMEOUT)).transpose()?;
        if let Some(program) = &remove
            && !program.uses(Placeholder::Package)
            && !program.uses(Placeholder::PackageFile)
        {
            let problem = format!("the program {:?} is not told what to remove", program.name.as_str());
            let remedy = "add {package}, the package's name, to its arguments, or {package_file} if it needs the file";
            return Err(self.bad(&format!("{key}.programs.remove"), problem, remedy));
        }
        Ok(Exchange {
            store_exe: self.absolute(&format!("{key}.store_exe"), role.store_exe)?,
            service: self.name(&format!("{key}.service"), ServiceName::new(role.service))?,
            status: self
                .looks(uses("status", &role.programs.status, LOOK_TIMEOUT)?, &format!("{key}.programs.status"))?,
            mounted: self
                .looks(uses("mounted", &role.programs.mounted, LOOK_TIMEOUT)?, &format!("{key}.programs.mounted"))?,
            patches: self
                .looks(uses("patches", &role.programs.patches, LOOK_TIMEOUT)?, &format!("{key}.programs.patches"))?,
            install,
            remove,
        })
    }

    fn goodlink(&self, key: &str, role: WrittenGoodLink, programs: &Programs) -> Result<GoodLink, ConfigError> {
        let uses = |what: &str, name: &str, default| {
            let key = format!("{key}.programs.{what}");
            self.looks(self.used(&key, name, programs, default)?, &key)
        };
        let named = &role.programs;
        let restart = match (&named.restart, &named.stop, &named.start) {
            (Some(restart), None, None) => vec![uses("restart", restart, SERVICE_TIMEOUT)?],
            (None, Some(stop), Some(start)) => {
                vec![uses("stop", stop, SERVICE_TIMEOUT)?, uses("start", start, SERVICE_TIMEOUT)?]
            }
            (None, None, None) => Vec::new(),
            _ => {
                let remedy = "name restart alone, or stop and start, or none of them (then no restart is done here)";
                return Err(self.bad(&format!("{key}.programs"), "it is not clear what restarts the service", remedy));
            }
        };
        let mut test_send = BTreeMap::new();
        for (server, name) in &named.test_send {
            let program = uses(&format!("test_send.{server}"), name, TEST_TIMEOUT)?;
            if test_send.insert(server.to_lowercase(), program).is_some() {
                let problem = format!("the Exchange server {server:?} is named twice, in other letters");
                return Err(self.bad(&format!("{key}.programs.test_send"), problem, "name it once"));
            }
        }
        Ok(GoodLink {
            service: self.name(&format!("{key}.service"), ServiceName::new(role.service))?,
            status: uses("status", &named.status, LOOK_TIMEOUT)?,
            restart,
            test_send,
            roster: self.absolute(&format!("{key}.roster"), role.roster)?,
            roster_age: self.roster_age(&format!("{key}.roster_age"), role.roster_age.as_deref())?,
            log: self.log(&format!("{key}.log"), role.log)?,
        })
    }

    fn log(&self, key: &str, log: WrittenLog) -> Result<LogSource, ConfigError> {
        let file = self.absolute(&format!("{key}.file"), log.file)?;
        let text = SyntaxText {
            encoding: log.encoding,
            time_zone: log.time_zone,
            time_pattern: log.time_pattern,
            time_format: log.time_format,
            pause_pattern: log.pause_pattern,
            unpause_pattern: log.unpause_pattern,
        };
        let syntax = LogSyntax::new(text)
            .map_err(|error| self.bad(&format!("{key}.{}", error.key()), &error, error.remedy()))?;
        LogSource::new(file, log.rotated_pattern.as_deref(), syntax)
            .map_err(|error| self.bad(&format!("{key}.{}", error.key()), &error, error.remedy()))
    }

    /// A program that is not given a package must not want one.
    fn looks(&self, program: Program, key: &str) -> Result<Program, ConfigError> {
        match [Placeholder::Package, Placeholder::PackageFile].into_iter().find(|place| program.uses(*place)) {
            Some(place) => {
                let problem = format!("the program {:?} wants {{{}}}", program.name.as_str(), place.name());
                let remedy = "only install and remove programs are given a package: use another program here";
                Err(self.bad(key, problem, remedy))
            }
            None => Ok(program),
        }
    }

    fn used(&self, key: &str, name: &str, programs: &Programs, default: Duration) -> Result<Program, ConfigError> {
        let Some(written) = programs.get(name) else {
            let known: Vec<_> = programs.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let remedy = format!("add [programs.{name}] or name one of those that are there ({known})");
            return Err(self.bad(key, format!("there is no program {name:?}"), remedy));
        };
        self.program(name, written, default)
    }

    fn program(&self, name: &str, written: &WrittenProgram, default: Duration) -> Result<Program, ConfigError> {
        let key = format!("programs.{name}");
        let mut arguments = Vec::new();
        for (index, argument) in written.arguments.iter().enumerate() {
            let parsed = Template::parse(argument).map_err(|error| {
                self.bad(&format!("{key}.arguments[{index}]"), error, format!("correct the argument {argument:?}"))
            })?;
            arguments.push(parsed);
        }
        Ok(Program {
            name: self.name(&key, ProgramName::new(name))?,
            file: self.absolute(&format!("{key}.program"), written.program.clone())?,
            arguments,
            timeout: self.duration(&format!("{key}.timeout"), written.timeout.as_deref(), default)?,
        })
    }
}
