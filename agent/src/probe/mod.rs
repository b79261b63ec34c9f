//! Looks at one host, again and again, and publishes what it saw.
//!
//! What cannot be read becomes the error of its part of the report: never a default, never the value of the last probe.

mod files;
pub mod goodlink_log;
pub mod programs;
pub mod roster;
pub mod store_version;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sendgate_proto::v1;
use tokio::sync::{Notify, watch};

use crate::clock::Steady;
use crate::config::{Command, Exchange, GoodLink, Host, HostName, Places, Program, ServiceName};
use crate::machine::{Later, Machine};
use files::{Reading, Shared};
use goodlink_log::{Cause, Follower, Pause};
use roster::{Roster, RosterFile};
use store_version::StoreImage;

/// What one probe saw.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it began: what happened later it may not have seen.
    pub begun: Steady,
    /// When it ended.
    pub ended: Steady,
    /// For the coordinator.
    pub report: v1::HostReport,
    /// The roster that the report refers to.
    pub roster: Option<Arc<Roster>>,
}

/// How others speak to the prober of a host.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The last probe; `None` before the first has ended.
    pub latest: watch::Receiver<Option<Snapshot>>,
    now: Arc<Notify>,
}

impl Probed {
    /// Asks for a probe at once, or right after the one that is under way.
    pub fn probe_now(&self) {
        self.now.notify_one();
    }
}

/// Looks at one host.
pub trait Probe: Send {
    /// Looks at everything once: the report, and the roster that it refers to.
    fn probe(&mut self) -> Later<'_, (v1::HostReport, Option<Arc<Roster>>)>;
}

/// Probes one host until `stop`. `interval` is the time from the end of one probe to the start of the next; it may be
/// made shorter at any time. `tick` changes after each probe.
pub fn start(
    mut prober: impl Probe + 'static,
    machine: Arc<dyn Machine>,
    mut interval: watch::Receiver<Duration>,
    tick: watch::Sender<u64>,
    mut stop: watch::Receiver<bool>,
) -> Probed {
    let (publish, latest) = watch::channel(None);
    let now = Arc::new(Notify::new());
    let wanted = Arc::clone(&now);
    tokio::spawn(async move {
        loop {
            let begun = machine.now();
            tokio::select! {
                biased;
                (report, roster) = prober.probe() => {
                    publish.send_replace(Some(Snapshot { begun, ended: machine.now(), report, roster }));
                    tick.send_modify(|count| *count = count.wrapping_add(1));
                }
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let pause = *interval.borrow_and_update();
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause) => {}
                () = wanted.notified() => {}
                changed = interval.changed() => if changed.is_err() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    });
    Probed { latest, now }
}

/// Looks at a host as its configuration says: with programs, and at files.
pub struct Prober {
    name: HostName,
    exchange: Option<(Exchange, Reading<Result<StoreImage, String>>)>,
    goodlink: Option<GoodLinkProber>,
}

struct GoodLinkProber {
    role: GoodLink,
    log: Shared<Follower>,
    log_reading: Reading<Result<Vec<v1::PausedUser>, String>>,
    roster: Shared<RosterFile>,
    roster_reading: Reading<Result<Roster, String>>,
}

impl Prober {
    /// For one host, which is probed that often; `state` is the agent's state directory.
    #[must_use]
    pub fn new(host: &Host, interval: Duration, state: &Path) -> Self {
        let shown = |path: &PathBuf| path.display().to_string();
        let exchange = host.exchange.clone().map(|role| {
            let reading = Reading::new(shown(&role.store_exe));
            (role, reading)
        });
        let goodlink = host.goodlink.clone().map(|role| GoodLinkProber {
            log: Arc::new(Mutex::new(Follower::new(role.log.clone(), state.join(format!("log-{}.json", host.name))))),
            log_reading: Reading::new(shown(&role.log.file)),
            roster: Arc::new(Mutex::new(RosterFile::new(role.roster.clone(), interval, role.roster_age))),
            roster_reading: Reading::new(shown(&role.roster)),
            role,
        });
        Self { name: host.name.clone(), exchange, goodlink }
    }

    async fn look(&mut self) -> (v1::HostReport, Option<Arc<Roster>>) {
        let host = &self.name;
        let exchange = async {
            match &mut self.exchange {
                None => None,
                Some((role, reading)) => Some(exchange(host, role, reading).await),
            }
        };
        let goodlink = async {
            match &mut self.goodlink {
                None => (None, None),
                Some(prober) => {
                    let (report, roster) = prober.probe(host).await;
                    (Some(report), roster)
                }
            }
        };
        let (exchange, (goodlink, roster)) = tokio::join!(exchange, goodlink);
        (v1::HostReport { host: host.to_string(), exchange, goodlink }, roster)
    }
}

impl Probe for Prober {
    fn probe(&mut self) -> Later<'_, (v1::HostReport, Option<Arc<Roster>>)> {
        Box::pin(self.look())
    }
}

async fn exchange(
    host: &HostName,
    role: &Exchange,
    reading: &mut Reading<Result<StoreImage, String>>,
) -> v1::ExchangeReport {
    let at = &role.service;
    let file = role.store_exe.clone();
    let version = reading.run(move || store_version::read(&file).map_err(|error| error.to_string()));
    let (version, service, mounted, patches) = tokio::join!(
        version,
        service(host, at, &role.status),
        ask(host, at, &role.mounted, programs::mounted),
        ask(host, at, &role.patches, programs::patches),
    );
    let version = match version.and_then(|read| read) {
        Ok(image) => v1::store_version::Result::Version(v1::Version {
            major: image.version.major.into(),
            minor: image.version.minor.into(),
            build: image.version.build.into(),
            revision: image.version.revision.into(),
        }),
        Err(error) => v1::store_version::Result::Error(error),
    };
    let mounted = match mounted {
        Ok(mounted) => v1::store_mounted::Result::Mounted(mounted),
        Err(error) => v1::store_mounted::Result::Error(error),
    };
    let patches = match patches {
        Ok(names) => v1::Patches { names, error: None },
        Err(error) => v1::Patches { names: Vec::new(), error: Some(error) },
    };
    v1::ExchangeReport {
        store_version: Some(v1::StoreVersion { result: Some(version) }),
        patches: Some(patches),
        store_service: Some(service),
        store_mounted: Some(v1::StoreMounted { result: Some(mounted) }),
    }
}

impl GoodLinkProber {
    async fn probe(&mut self, host: &HostName) -> (v1::GoodLinkReport, Option<Arc<Roster>>) {
        let role = &self.role;
        let file = Arc::clone(&self.roster);
        let roster = self.roster_reading.run(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.read(Steady::now(), Timestamp::now()).map_err(|error| error.to_string())
        });
        let (service, roster) = tokio::join!(service(host, &role.service, &role.status), roster);
        // The log comes after the service, because which of its lines count depends on the service's start.
        let started = service.started_at_ms.and_then(|at| Timestamp::from_millisecond(at).ok());
        let log = Arc::clone(&self.log);
        let paused = self.log_reading.run(move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.poll(started, Timestamp::now())
                .map(|paused| paused.iter().map(paused_user).collect())
                .map_err(|error| error.to_string())
        });
        let paused = match paused.await.and_then(|read| read) {
            Ok(users) => v1::Paused { users, error: None },
            Err(error) => v1::Paused { users: Vec::new(), error: Some(error) },
        };
        let (reference, roster) = match roster.and_then(|read| read) {
            Ok(roster) => {
                let users = u32::try_from(roster.users().len()).unwrap_or(u32::MAX);
                let reference = v1::RosterReference { sha256: roster.sha256().to_vec(), users, error: None };
                (reference, Some(Arc::new(roster)))
            }
            Err(error) => (v1::RosterReference { error: Some(error), ..Default::default() }, None),
        };
        (v1::GoodLinkReport { service: Some(service), roster: Some(reference), paused: Some(paused) }, roster)
    }
}

fn paused_user(pause: &Pause) -> v1::PausedUser {
    let cause = match pause.hresult.cause() {
        Cause::SendAs => v1::paused_user::Cause::SendAs,
        Cause::Other => v1::paused_user::Cause::Other,
    };
    v1::PausedUser {
        name: pause.user.clone(),
        hresult: pause.hresult.value().into(),
        cause: cause.into(),
        first_ms: pause.first.as_millisecond(),
        last_ms: pause.last.as_millisecond(),
        count: pause.count,
    }
}

async fn service(host: &HostName, name: &ServiceName, program: &Program) -> v1::Service {
    match ask(host, name, program, |output| programs::service(name.as_str(), output, Timestamp::now())).await {
        Ok(service) => service,
        Err(error) => v1::Service { name: name.to_string(), error: Some(error), ..Default::default() },
    }
}

async fn ask<T>(
    host: &HostName,
    service: &ServiceName,
    program: &Program,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, String> {
    let command = program
        .command(&Places { host, service, package: None, package_file: None })
        .ok_or_else(|| format!("program {}: wants a package file where there is none", program.name))?;
    let output = programs::output(&command).await.map_err(|error| error.to_string())?;
    read(&output).map_err(|problem| wrong(&command, problem))
}

fn wrong(command: &Command, problem: String) -> String {
    programs::ProgramError::Output { name: command.name.clone(), problem }.to_string()
}
