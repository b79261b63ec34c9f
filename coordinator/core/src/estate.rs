//! What is known right now: a fold over observations. All of it is soft state: a new coordinator starts with an empty
//! estate, learns it afresh, and until then every gate is closed.

mod newcomers;

pub use newcomers::Newcomers;

use crate::coverage::{DomainPicture, Judged, Look};
use crate::enforcement::StoreVersion;
use crate::ledger::{Foreign, Stranger};
use crate::names::{AgentName, DirectoryName, DomainName, GoodLinkName, HostName, RosterName};
use crate::time::Steady;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A value that was asked for, or why there is no answer.
pub type Answer<T> = Result<T, String>;

/// Everything observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Estate {
    /// Agents with an open session.
    pub sessions: BTreeSet<AgentName>,
    /// Agents that are not led by this coordinator: they have obeyed another one, or a newer copy of its journal.
    pub strangers: BTreeMap<AgentName, Stranger>,
    /// When one of them came last and was one no more.
    pub stranger_left: Option<Steady>,
    /// What agents told of acts that the journal does not have.
    pub foreign: BTreeMap<HostName, Foreign>,
    /// When the end of such an act was told last: what the host reported before may be of before.
    pub foreign_over: BTreeMap<HostName, Steady>,
    /// Hosts that have reported to this coordinator.
    pub hosts: BTreeMap<HostName, HostState>,
    /// When each of them last reported a store that serves.
    pub served: BTreeMap<HostName, Steady>,
    /// Rosters as last uploaded.
    pub rosters: BTreeMap<GoodLinkName, Roster>,
    /// Who came onto them, and when.
    pub newcomers: Newcomers,
    /// Why a GoodLink server's last upload could not be used; it ends with one that can.
    pub roster_faults: BTreeMap<GoodLinkName, String>,
    /// Domains as last surveyed.
    pub domains: BTreeMap<DomainName, DomainPicture>,
    /// When each certificate ends that this coordinator has seen.
    pub certificates: BTreeMap<CertificateHolder, Answer<Timestamp>>,
}

/// Whose certificate it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "holder", content = "name")]
pub enum CertificateHolder {
    /// The coordinator's own.
    Coordinator,
    /// An authority that agents' and people's certificates are issued by.
    Authority(String),
    /// An agent's, as it showed it when it connected last.
    Agent(AgentName),
}

/// A host, as it last reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostState {
    /// When the report arrived.
    pub reported: Steady,
    /// Present on hosts with this role.
    pub exchange: Option<ExchangeState>,
    /// Present on hosts with this role.
    pub goodlink: Option<GoodLinkState>,
}

/// An Exchange host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeState {
    /// File version of store.exe.
    pub store: Answer<StoreVersion>,
    /// Names of installed patches.
    pub patches: Answer<BTreeSet<String>>,
    /// The store's service.
    pub service: Answer<Service>,
    /// Whether the store is mounted.
    pub mounted: Answer<bool>,
}

impl ExchangeState {
    /// Whether the store runs and is mounted.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.service.as_ref().is_ok_and(|service| service.state == ServiceState::Running) && self.mounted == Ok(true)
    }
}

/// A GoodLink host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoodLinkState {
    /// GoodLink's service.
    pub service: Answer<Service>,
    /// Which roster is there now.
    pub roster: Answer<RosterDigest>,
    /// Paused users. No pause is no proof of the right.
    pub paused: Answer<BTreeMap<RosterName, Pause>>,
}

/// A service of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// What it is doing.
    pub state: ServiceState,
    /// The account it logs on with, as the host names it.
    pub logon_account: String,
    /// When it was started, by the host's clock; none while it is not running.
    pub started: Option<Timestamp>,
}

/// What a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// On its way up.
    Starting,
    /// On its way down.
    Stopping,
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
        })
    }
}

/// SHA-256 of a roster, in the form that `agents.proto` defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RosterDigest(pub [u8; 32]);

impl fmt::Display for RosterDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The users of a GoodLink server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Roster {
    /// Of the users below.
    pub digest: RosterDigest,
    /// By the name that a pause line will say.
    pub users: BTreeMap<RosterName, DirectoryName>,
}

/// A paused user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pause {
    /// The HRESULT as logged.
    pub hresult: i64,
    /// Whether it is the Send As error; others are counted apart.
    pub send_as: bool,
    /// The first pause line since he was last not paused, by the host's clock.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// How many there are.
    pub count: u32,
    /// Another error by which the same user was paused after the last of these lines.
    pub later: Option<LaterPause>,
}

/// An error that paused a user later than the one that he is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaterPause {
    /// The HRESULT as logged.
    pub hresult: i64,
    /// Its last line, by the host's clock.
    pub last: Timestamp,
}

/// Something observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// An agent's session opened, and when.
    Connected(AgentName, Steady),
    /// An agent's session ended.
    Disconnected(AgentName),
    /// An agent has obeyed another coordinator, and gets no session.
    Stranger(AgentName, Stranger),
    /// A takeover: whoever was a stranger may come again.
    TakenOver,
    /// An act that the journal does not have is under way on a host, or nobody knows how it ended.
    Foreign(HostName, Foreign),
    /// The act that the journal does not have is over, and when that was told.
    ForeignOver(HostName, String, Steady),
    /// A host reported.
    Report(HostName, HostState),
    /// A roster was uploaded, and when.
    Roster(GoodLinkName, Roster, Steady),
    /// A roster was uploaded that cannot be used.
    RosterFault(GoodLinkName, String),
    /// A look at a domain: at everything, or at what has changed.
    Look(Look),
    /// A certificate was seen, with when it ends.
    Certificate(CertificateHolder, Answer<Timestamp>),
}

impl Estate {
    /// Takes in one observation.
    pub fn observe(&mut self, observation: Observation) {
        match observation {
            Observation::Connected(agent, at) => {
                if self.strangers.remove(&agent).is_some() {
                    self.stranger_left = Some(at);
                }
                self.sessions.insert(agent);
            }
            Observation::Stranger(agent, stranger) => {
                self.sessions.remove(&agent);
                self.strangers.insert(agent, stranger);
            }
            Observation::TakenOver => {
                self.strangers.clear();
                self.sessions.clear();
                // What hosts said before is not the word of agents that follow.
                self.hosts.clear();
                self.served.clear();
            }
            Observation::Foreign(host, foreign) => drop(self.foreign.insert(host, foreign)),
            Observation::ForeignOver(host, act, at) => {
                if self.foreign.get(&host).is_some_and(|known| known.act == act) {
                    self.foreign.remove(&host);
                }
                self.foreign_over.insert(host, at);
            }
            Observation::Disconnected(agent) => drop(self.sessions.remove(&agent)),
            Observation::Report(host, state) => {
                if state.exchange.as_ref().is_some_and(ExchangeState::serves) {
                    self.served.insert(host.clone(), state.reported);
                }
                self.hosts.insert(host, state);
            }
            Observation::Roster(goodlink, roster, at) => {
                self.roster_faults.remove(&goodlink);
                self.newcomers.take(&self.rosters, &goodlink, &roster, at);
                self.rosters.insert(goodlink, roster);
            }
            Observation::RosterFault(goodlink, why) => drop(self.roster_faults.insert(goodlink, why)),
            Observation::Certificate(holder, ends) => drop(self.certificates.insert(holder, ends)),
            Observation::Look(look) => {
                // What has changed means nothing to whom the rest is not known.
                let known = self.domains.get_mut(&look.domain);
                match (known, &look.users) {
                    (Some(picture), _) if picture.started <= look.started => picture.take(look),
                    (None, Judged::All(_)) => {
                        let mut picture = DomainPicture::new(look.domain.clone());
                        picture.take(look);
                        self.domains.insert(picture.domain.clone(), picture);
                    }
                    // A look from before the last full reading never replaces it.
                    _ => {}
                }
            }
        }
    }
}
