//! Hosts, Exchange servers and GoodLink servers: every name that refers to another must be declared.

use super::domain::unique;
use super::problem::Problems;
use super::value::name;
use super::written::{Exchange, GoodLink, Host};
use sendgate_core::names::{AccountName, AgentName, BadName, DomainName, ExchangeServerName, GoodLinkName, HostName};
use sendgate_core::policy::{ExchangePolicy, GoodLinkPolicy};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

/// Names that something else may refer to.
pub(super) struct Declared<T> {
    kind: &'static str,
    table: &'static str,
    names: BTreeSet<T>,
}

impl<T: Ord + Clone + Display + FromStr<Err = BadName>> Declared<T> {
    /// What is declared, whether or not the rest of its table is right: one mistake is reported once.
    pub(super) fn new<'t>(
        kind: &'static str,
        table: &'static str,
        written: impl IntoIterator<Item = &'t String>,
    ) -> Self {
        Self { kind, table, names: written.into_iter().filter_map(|name| name.parse().ok()).collect() }
    }

    /// A reference to one of them.
    pub(super) fn find(&self, problems: &mut Problems, key: &str, text: &str) -> Option<T> {
        let found: T = name(problems, key, text)?;
        if self.contains(problems, key, &found) { Some(found) } else { None }
    }

    fn contains(&self, problems: &mut Problems, key: &str, name: &T) -> bool {
        let found = self.names.contains(name);
        if !found {
            let declared: Vec<String> = self.names.iter().map(ToString::to_string).collect();
            let declared = if declared.is_empty() { "none".to_owned() } else { shortened(&declared) };
            let remedy = format!("correct the name, or declare it under [[{}]] (declared: {declared})", self.table);
            problems.add(key, format!("the {} {:?} is not declared", self.kind, name.to_string()), remedy);
        }
        found
    }

    /// A list of references, at least one, each with its place in the list.
    fn find_all(&self, problems: &mut Problems, key: &str, written: &[String]) -> Vec<(usize, T)> {
        if written.is_empty() {
            problems.add(key, "the list is empty", format!("name at least one {}", self.kind));
        }
        let mut seen = BTreeMap::new();
        let found = written.iter().enumerate().filter_map(|(index, text)| {
            let key = format!("{key}[{index}]");
            unique(problems, &mut seen, &key, "", self.kind, text);
            Some((index, self.find(problems, &key, text)?))
        });
        found.collect()
    }
}

/// The most names that a message lists: more help nobody.
const LISTED: usize = 10;

fn shortened(names: &[String]) -> String {
    match names.get(..LISTED) {
        Some(first) if names.len() > LISTED => format!("{} and {} more", first.join(", "), names.len() - LISTED),
        _ => names.join(", "),
    }
}

/// Which agent speaks for which host.
pub(super) fn hosts(problems: &mut Problems, written: &[Host]) -> BTreeMap<HostName, AgentName> {
    let mut seen = BTreeMap::new();
    let hosts = written.iter().enumerate().filter_map(|(index, host)| {
        let at = format!("hosts[{index}]");
        unique(problems, &mut seen, &at, "name", "host", &host.name);
        let agent = name(problems, &format!("{at}.agent"), &host.agent);
        Some((name(problems, &format!("{at}.name"), &host.name)?, agent?))
    });
    hosts.collect()
}

/// The Exchange servers; a host belongs to one of them only.
pub(super) fn exchange(
    problems: &mut Problems,
    written: &[Exchange],
    hosts: &Declared<HostName>,
    domains: &Declared<DomainName>,
) -> BTreeMap<ExchangeServerName, ExchangePolicy> {
    if written.is_empty() {
        problems.add("exchange", "no Exchange server is declared", "declare each one under [[exchange]]");
    }
    let mut seen = BTreeMap::new();
    let mut taken: BTreeMap<HostName, String> = BTreeMap::new();
    let servers = written.iter().enumerate().filter_map(|(index, server)| {
        let at = format!("exchange[{index}]");
        unique(problems, &mut seen, &at, "name", "Exchange server", &server.name);
        let found = hosts.find_all(problems, &format!("{at}.hosts"), &server.hosts);
        for (place, host) in &found {
            let first = taken.entry(host.clone()).or_insert_with(|| server.name.clone());
            if *first != server.name {
                let wrong = format!("the host {:?} is already one of Exchange server {first:?}", host.to_string());
                problems.add(
                    format!("{at}.hosts[{place}]"),
                    wrong,
                    "a host belongs to one Exchange server: remove it from the other",
                );
            }
        }
        let domain = match &server.domain {
            // Nothing is known of it then, and no group that is local to a domain allows anything there.
            None => None,
            Some(text) => Some(domains.find(problems, &format!("{at}.domain"), text)?),
        };
        let hosts = found.into_iter().map(|(_, host)| host).collect();
        let tags = server.tags.iter().flatten().enumerate();
        let tags = tags.filter_map(|(place, tag)| name(problems, &format!("{at}.tags[{place}]"), tag)).collect();
        Some((name(problems, &format!("{at}.name"), &server.name)?, ExchangePolicy { hosts, domain, tags }))
    });
    servers.collect()
}

/// What a GoodLink server may refer to.
pub(super) struct Around<'a> {
    pub(super) domains: &'a Declared<DomainName>,
    pub(super) exchange: &'a Declared<ExchangeServerName>,
    pub(super) hosts: &'a Declared<HostName>,
}

/// The GoodLink servers.
pub(super) fn goodlink(
    problems: &mut Problems,
    written: &[GoodLink],
    around: &Around<'_>,
) -> BTreeMap<GoodLinkName, GoodLinkPolicy> {
    if written.is_empty() {
        let remedy = "declare each one under [[goodlink]]: a roster that is not expected could not be missed";
        problems.add("goodlink", "no GoodLink server is declared", remedy);
    }
    let mut seen = BTreeMap::new();
    let mut taken: BTreeMap<HostName, String> = BTreeMap::new();
    let names = Declared::new("GoodLink server", "goodlink", written.iter().map(|server| &server.name));
    let servers = written.iter().enumerate().filter_map(|(index, server)| {
        let at = format!("goodlink[{index}]");
        unique(problems, &mut seen, &at, "name", "GoodLink server", &server.name);
        let host = around.hosts.find(problems, &format!("{at}.host"), &server.host);
        if let Some(host) = &host {
            let first = taken.entry(host.clone()).or_insert_with(|| server.name.clone());
            if *first != server.name {
                let wrong = format!("the host {:?} is already that of GoodLink server {first:?}", host.to_string());
                problems.add(format!("{at}.host"), wrong, "a host runs one GoodLink server: name another host");
            }
        }
        let account = account(problems, &format!("{at}.service_account"), &server.service_account, around.domains);
        let domains = around.domains.find_all(problems, &format!("{at}.domains"), &server.domains);
        let exchange = around.exchange.find_all(problems, &format!("{at}.exchange"), &server.exchange);
        let stands_in =
            server.stands_in.as_ref().map(|others| names.find_all(problems, &format!("{at}.stands_in"), others));
        let policy = GoodLinkPolicy {
            host: host?,
            service_account: account?,
            domains: domains.into_iter().map(|(_, domain)| domain).collect(),
            exchange: exchange.into_iter().map(|(_, server)| server).collect(),
            stands_in: stands_in.into_iter().flatten().map(|(_, other): (usize, GoodLinkName)| other).collect(),
        };
        Some((name(problems, &format!("{at}.name"), &server.name)?, policy))
    });
    servers.collect()
}

fn account(problems: &mut Problems, key: &str, text: &str, domains: &Declared<DomainName>) -> Option<AccountName> {
    let remedy = "write the logon account of the GoodLink service as name@domain";
    let account: AccountName = problems.take(key, text.parse(), remedy)?;
    if domains.names.contains(&account.domain) {
        return Some(account);
    }
    let wrong = format!("the service account's domain {:?} is not watched", account.domain.to_string());
    problems.add(
        key,
        wrong,
        "declare it under [[domains]], else the account's groups cannot be read; or correct the account",
    );
    None
}
