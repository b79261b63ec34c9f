//! A domain's directory servers: where each listens, what protects the connection, how long it may take.

use super::domain::unique;
use super::problem::Problems;
use super::value::{choice, duration_or, name};
use super::written;
use crate::directory::{Readers, Role, Security, Timeouts};
use sendgate_core::names::DirectoryServerName;
use sendgate_core::time::Readable;
use std::collections::BTreeMap;

/// A server as it is named here, before the domain's bind and authorities are added.
pub(super) struct Server {
    pub(super) name: DirectoryServerName,
    pub(super) address: String,
    pub(super) security: Security,
    pub(super) role: Role,
    pub(super) timeouts: Timeouts,
    pub(super) readers: Readers,
}

/// The servers that can be understood.
pub(super) fn servers(problems: &mut Problems, at: &str, written: &[written::Server]) -> Vec<Server> {
    if written.is_empty() {
        let remedy = "declare every directory server that counts under [[domains.servers]]";
        problems.add(format!("{at}.servers"), "the domain has no directory server, so nothing could be seen", remedy);
    }
    let mut seen = BTreeMap::new();
    let mut servers = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let at = format!("{at}.servers[{index}]");
        unique(problems, &mut seen, &at, "name", "directory server", &written.name);
        let name: Option<DirectoryServerName> = name(problems, &format!("{at}.name"), &written.name);
        let kinds = [("domain-controller", Role::DomainController), ("global-catalog", Role::GlobalCatalog)];
        let role = match &written.kind {
            None => Some(Role::DomainController),
            Some(kind) => choice(problems, &format!("{at}.kind"), kind, &kinds),
        };
        let securities =
            [("ldaps", Security::Ldaps), ("starttls", Security::StartTls), ("kerberos", Security::Kerberos)];
        let security = match &written.security {
            None => Some(Security::Ldaps),
            Some(security) => choice(problems, &format!("{at}.security"), security, &securities),
        };
        let address = match (role, security) {
            (Some(role), Some(security)) => address(problems, &format!("{at}.address"), written, role, security),
            _ => None,
        };
        let timeouts = timeouts(problems, &at, written);
        let readers = readers(problems, &format!("{at}.readers"), written.readers);
        if let (Some(name), Some(role), Some(security), Some(address), Some(timeouts), Some(readers)) =
            (name, role, security, address, timeouts, readers)
        {
            servers.push(Server { name, address, security, role, timeouts, readers });
        }
    }
    servers
}

/// Ports of domain controllers and of global catalogs: with TLS from the first byte, and without.
const TLS: [u16; 2] = [636, 3269];
const PLAIN: [u16; 2] = [389, 3268];

/// `host:port`; left out, the server's own name and the port of its kind and security.
fn address(
    problems: &mut Problems,
    key: &str,
    written: &written::Server,
    role: Role,
    security: Security,
) -> Option<String> {
    let ([domain, catalog], others) = match security {
        Security::Ldaps => (TLS, PLAIN),
        Security::StartTls | Security::Kerberos => (PLAIN, TLS),
    };
    let Some(text) = written.address.as_deref().map(str::trim) else {
        let port = match role {
            Role::DomainController => domain,
            Role::GlobalCatalog => catalog,
        };
        return Some(format!("{}:{port}", written.name.trim()));
    };
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port != 0);
    match port {
        Some(port) if others.contains(&port) && security == Security::Ldaps => {
            let wrong = format!("{text:?} names a port without TLS");
            let remedy = format!(
                "name the port with TLS: {domain}, or {catalog} on a global catalog; or write security = \"starttls\" \
                 or \"kerberos\""
            );
            problems.add(key, wrong, remedy);
            None
        }
        Some(port) if others.contains(&port) => {
            let wrong = format!("{text:?} names a port where TLS begins at once");
            let remedy = format!("name {domain}, or {catalog} on a global catalog; or write security = \"ldaps\"");
            problems.add(key, wrong, remedy);
            None
        }
        Some(_) => Some(text.to_owned()),
        None => {
            let wrong = format!("{text:?} is not host:port");
            let remedy = format!("write it as \"dc1.a.example.test:{domain}\" or \"192.0.2.11:{domain}\"");
            problems.add(key, wrong, remedy);
            None
        }
    }
}

fn readers(problems: &mut Problems, key: &str, written: Option<i64>) -> Option<Readers> {
    let Some(number) = written else { return Some(Readers::default()) };
    let remedy = "write a number from 1 to 4, or leave it out";
    problems.take(key, Readers::new(number), remedy)
}

fn timeouts(problems: &mut Problems, at: &str, written: &written::Server) -> Option<Timeouts> {
    let default = Timeouts::default();
    let key = |name: &str| format!("{at}.{name}_timeout");
    let connect = duration_or(problems, &key("connect"), written.connect_timeout.as_ref(), default.connect);
    let operation = duration_or(problems, &key("operation"), written.operation_timeout.as_ref(), default.operation);
    let survey = duration_or(problems, &key("survey"), written.survey_timeout.as_ref(), default.survey);
    let (connect, operation, survey) = (connect?, operation?, survey?);
    if survey < operation {
        let wrong = format!(
            "{} for a whole survey is shorter than operation_timeout with {} for a part of it",
            Readable(survey),
            Readable(operation)
        );
        problems.add(key("survey"), wrong, "make it longer, or shorten operation_timeout");
        return None;
    }
    Some(Timeouts { connect, operation, survey })
}
