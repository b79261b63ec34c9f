//! `hosts` and `domains`.

use super::gate::{GateState, ReasonLine, lines, of_domain};
use crate::enforcement::Enforcement;
use crate::estate::{Answer, GoodLinkState, HostState, Service};
use crate::gate::{World, subjects};
use crate::names::{AgentName, DomainName, HostName};
use crate::plan::disruption;
use crate::policy::GrantMode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every declared host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsView {
    /// By name.
    pub hosts: Vec<HostLine>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLine {
    /// Its name.
    pub host: HostName,
    /// The agent that speaks for it.
    pub agent: AgentName,
    /// Whether that agent has a session.
    pub connected: bool,
    /// Since its last report; none if there was none.
    pub silent: Option<Duration>,
    /// The Exchange server it belongs to.
    pub exchange: Option<String>,
    /// The GoodLink server that runs on it.
    pub goodlink: Option<String>,
    /// Version of store.exe, or why it is not known.
    pub store: Option<Answer<String>>,
    /// Whether that version enforces Send As: `yes`, `no` or `unknown`, with the branch.
    pub enforces: Option<String>,
    /// The service and what it does.
    pub service: Option<Answer<String>>,
    /// Paused users by the Send As error, and others.
    pub paused: Option<Answer<(usize, usize)>>,
    /// Users on the roster that is there now, or why that is not known.
    pub roster: Option<Answer<usize>>,
    /// Why nothing must be done to it now.
    pub unready: Option<String>,
}

/// Every declared host.
#[must_use]
pub fn hosts(world: World<'_>) -> HostsView {
    let line = |(host, agent): (&HostName, &AgentName)| {
        let state = world.estate.hosts.get(host);
        let exchange = state.and_then(|state| state.exchange.as_ref());
        let goodlink = state.and_then(|state| state.goodlink.as_ref());
        let known = exchange.map(|exchange| &exchange.store);
        HostLine {
            host: host.clone(),
            agent: agent.clone(),
            connected: world.estate.sessions.contains(agent),
            silent: state.map(|state| world.now.steady.since(state.reported)),
            exchange: world.policy.exchange_of(host).map(ToString::to_string),
            goodlink: world.policy.goodlink_of(host).map(ToString::to_string),
            store: known.map(|store| store.as_ref().map(ToString::to_string).map_err(Clone::clone)),
            enforces: known.map(|store| match store {
                Ok(version) => {
                    let judged = world.policy.enforcement.judge(version);
                    format!("{} ({})", judged.enforces, judged.branch)
                }
                Err(_) => Enforcement::Unknown.to_string(),
            }),
            service: state.and_then(service).map(|service| service.map(|service| service.state.to_string())),
            paused: goodlink.map(|goodlink| match &goodlink.paused {
                Ok(users) => {
                    let send_as = users.values().filter(|pause| pause.send_as).count();
                    Ok((send_as, users.len() - send_as))
                }
                Err(why) => Err(why.clone()),
            }),
            roster: goodlink.and_then(|state| roster(world, host, state)),
            unready: disruption::unready(world, host),
        }
    };
    HostsView { hosts: world.policy.hosts.iter().map(line).collect() }
}

/// None: no GoodLink server is declared to run there.
fn roster(world: World<'_>, host: &HostName, state: &GoodLinkState) -> Option<Answer<usize>> {
    let name = world.policy.goodlink_of(host)?;
    let digest = match &state.roster {
        Ok(digest) => digest,
        Err(why) => return Some(Err(why.clone())),
    };
    // One of before says nothing of now.
    let present = world.estate.rosters.get(name).filter(|roster| roster.digest == *digest);
    Some(present.map(|roster| roster.users.len()).ok_or_else(|| match world.estate.roster_faults.get(name) {
        Some(fault) => format!("it cannot be used: {fault}"),
        None => "the present one has not arrived yet".to_owned(),
    }))
}

fn service(state: &HostState) -> Option<Answer<&Service>> {
    let exchange = state.exchange.as_ref().map(|exchange| exchange.service.as_ref().map_err(Clone::clone));
    exchange.or_else(|| state.goodlink.as_ref().map(|goodlink| goodlink.service.as_ref().map_err(Clone::clone)))
}

/// Every watched domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainsView {
    /// By name.
    pub domains: Vec<DomainLine>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainLine {
    /// Its name.
    pub domain: DomainName,
    /// Its gate.
    pub gate: GateState,
    /// Why, if it is not open.
    pub reasons: Vec<ReasonLine>,
    /// Directory servers that count, with what the last survey got of each.
    pub servers: BTreeMap<String, String>,
    /// How long ago the last look at what has changed began, for each directory server that gives evidence.
    pub seen: BTreeMap<String, Duration>,
    /// Since the last full survey began; none before the first one.
    pub full_survey: Option<Duration>,
    /// Age of the evidence; none before the first survey.
    pub age: Option<Duration>,
    /// Covered roster users of whom something deserves a look.
    pub warnings: usize,
    /// Roster users by verdict.
    pub users: BTreeMap<String, usize>,
    /// Whether grants are written.
    pub grants: GrantMode,
}

/// Every watched domain.
#[must_use]
pub fn domains(world: World<'_>) -> DomainsView {
    let line = |(domain, policy): (&DomainName, &crate::policy::DomainPolicy)| {
        let picture = world.estate.domains.get(domain);
        let (_, reasons) = of_domain(world, domain);
        let (mut users, mut warnings) = (BTreeMap::new(), 0);
        for (goodlink, _, user, here) in subjects(world, domain) {
            let account = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account);
            let verdict = account.and_then(|account| here.verdicts.get(account));
            let word = if world.ledger.waiver(user, world.now).is_some() {
                "waived".to_owned()
            } else {
                verdict.map_or_else(|| "not judged".to_owned(), |verdict| verdict.kind.to_string())
            };
            *users.entry(word).or_insert(0) += 1;
            warnings += usize::from(verdict.is_some_and(|verdict| verdict.warnings().next().is_some()));
        }
        let server = |server: &crate::names::DirectoryServerName| {
            let text = match picture {
                None => "not surveyed".to_owned(),
                Some(picture) => match picture.failed.get(server) {
                    Some(why) => why.clone(),
                    None if picture.seen.contains_key(server) => "read".to_owned(),
                    None => "not asked".to_owned(),
                },
            };
            (server.to_string(), text)
        };
        let seen = picture.into_iter().flat_map(|picture| &picture.seen);
        DomainLine {
            domain: domain.clone(),
            gate: GateState::of(&reasons),
            reasons: lines(reasons),
            servers: policy.servers.iter().map(server).collect(),
            seen: seen.map(|(server, seen)| (server.to_string(), world.now.steady.since(*seen))).collect(),
            full_survey: picture.map(|picture| world.now.steady.since(picture.started)),
            warnings,
            age: picture.map(|picture| world.now.steady.since(picture.as_of())),
            users,
            grants: policy.grants,
        }
    };
    DomainsView { domains: world.policy.domains.iter().map(line).collect() }
}
