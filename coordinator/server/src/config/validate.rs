//! The second stage: from what is written to what is meant.

use super::estate::{self, Around, Declared};
use super::problem::{Problem, Problems};
use super::value::{choice, path};
use super::written::{Disruption, Written};
use super::{Configuration, JournalKind, LogFormat, Surroundings, TlsPaths, domain, forest, timing};
use sendgate_core::enforcement::EnforcementTable;
use sendgate_core::policy::{GateScope, Limits, Policy, Switch};
use sendgate_core::spec::Windows;
use sendgate_core::window::WrittenWindow;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;

/// The configuration, or every problem in it.
pub(super) fn validate(
    written: &Written,
    base: &Path,
    laboratory: bool,
    surroundings: &Surroundings,
) -> Result<Configuration, Vec<Problem>> {
    let mut problems = Problems::default();
    let configuration = build(&mut problems, written, base, laboratory, surroundings);
    match (problems.into_found(), configuration) {
        (None, Some(configuration)) => Ok(configuration),
        (found, _) => Err(found.unwrap_or_default()),
    }
}

/// Nothing here returns early: each part is looked at before the first missing one is missed.
fn build(
    problems: &mut Problems,
    written: &Written,
    base: &Path,
    laboratory: bool,
    surroundings: &Surroundings,
) -> Option<Configuration> {
    let coordinator = &written.coordinator;
    let state_directory = path(problems, "coordinator.state_directory", base, &coordinator.state_directory);
    let listen = listen(problems, &coordinator.listen);
    let log_format = match &coordinator.log_format {
        None => Some(LogFormat::Text),
        Some(format) => {
            let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            choice(problems, "coordinator.log_format", format, &formats)
        }
    };
    let ca = path(problems, "tls.ca", base, &written.tls.ca);
    let certificate = path(problems, "tls.certificate", base, &written.tls.certificate);
    let key = path(problems, "tls.key", base, &written.tls.key);
    let journal = journal(problems, &written.journal.kind, laboratory);
    let freshness = timing::freshness(problems, &written.survey, &written.agents, laboratory);
    let waits = timing::waits(problems, &written.waits, laboratory);
    let scope = match &written.gate.scope {
        None => Some(GateScope::Domain),
        Some(scope) => {
            let scopes = [("domain", GateScope::Domain), ("mailboxes", GateScope::Mailboxes)];
            choice(problems, "gate.scope", scope, &scopes)
        }
    };
    let disruption = disruption(problems, &written.disruption);
    let restart_windows = restart_windows(problems, written.remedy.windows.as_ref());
    let goodlink_restart = match &written.remedy.goodlink_restart {
        None => Some(Switch::Off),
        Some(switch) => {
            choice(problems, "remedy.goodlink_restart", switch, &[("off", Switch::Off), ("on", Switch::On)])
        }
    };
    let soak = timing::soak(problems, &written.rollout);
    let act_deadline = timing::act_deadline(problems, &written.agents, laboratory);

    let domain_names = Declared::new("domain", "domains", written.domains.iter().map(|domain| &domain.name));
    let host_names = Declared::new("host", "hosts", written.hosts.iter().map(|host| &host.name));
    let exchange_names =
        Declared::new("Exchange server", "exchange", written.exchange.iter().map(|server| &server.name));
    let forests = forest::forests(problems, &written.forests, &domain_names);
    let domains = domain::domains(problems, &written.domains, &forests, base, surroundings);
    let exchange = estate::exchange(problems, &written.exchange, &host_names, &domain_names);
    let around = Around { domains: &domain_names, exchange: &exchange_names, hosts: &host_names };
    let goodlink = estate::goodlink(problems, &written.goodlink, &around);
    let hosts = estate::hosts(problems, &written.hosts);
    let remedy = "see [[enforcement]] in the example file";
    let enforcement =
        problems.take("enforcement", EnforcementTable::with_extensions(written.enforcement.clone()), remedy);

    let domains: Vec<domain::Domain> = domains.into_iter().collect::<Option<_>>()?;
    let directory = domains.iter().map(|(name, _, servers)| (name.clone(), servers.clone())).collect();
    let policy = Policy {
        domains: domains.into_iter().map(|(name, policy, _)| (name, policy)).collect(),
        exchange,
        goodlink,
        hosts,
        enforcement: enforcement?,
        waits: waits?,
        freshness: freshness?,
        scope: scope?,
        disruption: disruption?,
        goodlink_restart: goodlink_restart?,
        restart_windows: restart_windows?,
        act_deadline: act_deadline?,
        soak: soak?,
        laboratory,
    };
    Some(Configuration {
        policy,
        directory,
        listen: listen?,
        state_directory: state_directory?,
        tls: TlsPaths { ca: ca?, certificate: certificate?, key: key? },
        journal: journal?,
        log_format: log_format?,
    })
}

fn listen(problems: &mut Problems, text: &str) -> Option<SocketAddr> {
    let wrong = |_| format!("{text:?} is not an address to listen on");
    let remedy = "write address and port, such as \"0.0.0.0:7443\" or \"[::]:7443\"";
    problems.take("coordinator.listen", text.trim().parse().map_err(wrong), remedy)
}

fn journal(problems: &mut Problems, text: &str, laboratory: bool) -> Option<JournalKind> {
    let kind = choice(problems, "journal.kind", text, &[("sled", JournalKind::Sled), ("memory", JournalKind::Memory)])?;
    if kind == JournalKind::Memory && !laboratory {
        let wrong = "a journal in memory forgets at every restart what was granted and installed";
        problems.add(
            "journal.kind",
            wrong,
            "write \"sled\"; only a coordinator started with --laboratory may use \"memory\"",
        );
        return None;
    }
    Some(kind)
}

/// One host at a time unless it is said otherwise; the other limits hold only where they are written.
fn disruption(problems: &mut Problems, written: &Disruption) -> Option<Limits> {
    let mut limit = |key: &str, hosts: i64| {
        let some = u32::try_from(hosts).ok().and_then(NonZeroU32::new);
        if some.is_none() {
            let wrong = format!("{hosts} is not a number of hosts that may be disrupted at once");
            problems.add(format!("disruption.{key}"), wrong, "write 1 or more; to stop everything, use a hold");
        }
        some
    };
    let estate = limit("hosts_at_once", written.hosts_at_once.unwrap_or(1));
    let mut optional = |key: &str, hosts: Option<i64>| match hosts {
        None => Some(None),
        Some(hosts) => limit(key, hosts).map(Some),
    };
    let exchange = optional("exchange_at_once", written.exchange_at_once);
    let goodlink = optional("goodlink_at_once", written.goodlink_at_once);
    let domain = optional("domain_at_once", written.domain_at_once);
    Some(Limits { estate: estate?, exchange: exchange?, goodlink: goodlink?, domain: domain? })
}

/// When GoodLink may be restarted unattended: at any time, unless windows are written.
fn restart_windows(problems: &mut Problems, written: Option<&Vec<WrittenWindow>>) -> Option<Windows> {
    let Some(written) = written else { return Some(Windows::AnyTime) };
    if written.is_empty() {
        problems.add("remedy.windows", "the list is empty", "write a window, or leave the key out for any time");
        return None;
    }
    let mut windows = Vec::new();
    for window in written {
        match window.read() {
            Ok(window) => windows.push(window),
            Err(error) => {
                for problem in &error.problems {
                    let key = format!("remedy.windows.{}.{}", error.name, problem.field);
                    problems.add(key, problem.what.wrong.clone(), problem.what.remedy.clone());
                }
            }
        }
    }
    (windows.len() == written.len()).then(|| Windows::In(windows.into()))
}
