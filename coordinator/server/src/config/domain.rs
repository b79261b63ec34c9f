//! Domains: their directory servers, who binds to them, and whether grants are written.

use super::problem::Problems;
use super::value::{choice, name, path};
use super::{secret_file, written};
use crate::directory::trust::TrustedAuthorities;
use crate::directory::{Bind, DirectoryServer, Role, Security, Timeouts};
use sendgate_core::coverage::placement::Reach;
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::policy::{DomainPolicy, GrantMode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The longest NetBIOS name, in characters (RFC 1001 section 14.1).
const NETBIOS_LONGEST: usize = 15;

/// One domain, in both forms.
pub(super) type Domain = (DomainName, DomainPolicy, Vec<DirectoryServer>);

/// A server as it is named here, before the domain's bind and authorities are added.
struct Server {
    name: DirectoryServerName,
    address: String,
    role: Role,
}

/// Every domain that can be understood; `None` in the list's place stands for one that cannot.
pub(super) fn domains(problems: &mut Problems, written: &[written::Domain], base: &Path) -> Vec<Option<Domain>> {
    if written.is_empty() {
        problems.add(
            "domains",
            "no domain is watched",
            "declare each one under [[domains]], as the example file shows",
        );
    }
    let mut names = BTreeMap::new();
    let mut netbios = BTreeMap::new();
    written
        .iter()
        .enumerate()
        .map(|(index, written)| {
            let at = format!("domains[{index}]");
            unique(problems, &mut names, &at, "name", "domain", &written.name);
            unique(problems, &mut netbios, &at, "netbios", "NetBIOS name", &written.netbios);
            domain(problems, &at, written, base)
        })
        .collect()
}

/// Names compare without letter case.
pub(super) fn unique(
    problems: &mut Problems,
    seen: &mut BTreeMap<String, String>,
    at: &str,
    key: &str,
    kind: &str,
    name: &str,
) {
    let key = if key.is_empty() { at.to_owned() } else { format!("{at}.{key}") };
    match seen.get(&name.trim().to_lowercase()) {
        Some(first) => {
            let remedy = format!("remove one of the two, or correct its name; the first is {first}");
            problems.add(key, format!("the {kind} {name:?} is declared twice"), remedy);
        }
        None => {
            seen.insert(name.trim().to_lowercase(), key);
        }
    }
}

fn domain(problems: &mut Problems, at: &str, written: &written::Domain, base: &Path) -> Option<Domain> {
    let domain: Option<DomainName> = name(problems, &format!("{at}.name"), &written.name);
    let netbios = netbios(problems, &format!("{at}.netbios"), &written.netbios);
    let authorities = authorities(problems, &format!("{at}.ca"), &written.ca, base);
    let bind = bind(problems, &format!("{at}.bind"), &written.bind, base);
    let servers = servers(problems, at, &written.servers);
    let grants = grants(problems, at, written.grants.as_ref(), &servers, written.servers.len());
    let (grants, reach, grant_server) = grants?;
    let (domain, authorities, bind) = (domain?, authorities?, bind?);
    let policy = DomainPolicy {
        netbios: netbios?,
        servers: servers.iter().map(|server| server.name.clone()).collect(),
        grant_server,
        grants,
        reach,
    };
    let servers = servers.into_iter().map(|server| DirectoryServer {
        name: server.name,
        address: server.address,
        security: Security::Ldaps,
        authorities: authorities.clone(),
        bind: bind.clone(),
        role: server.role,
        timeouts: Timeouts::default(),
    });
    Some((domain, policy, servers.collect()))
}

fn netbios(problems: &mut Problems, key: &str, text: &str) -> Option<String> {
    let netbios = text.trim().to_lowercase();
    let good = |c: char| !c.is_control() && !c.is_whitespace() && !"\\/:*?\"<>|@.".contains(c);
    if (1..=NETBIOS_LONGEST).contains(&netbios.chars().count()) && netbios.chars().all(good) {
        return Some(netbios);
    }
    let remedy = format!("write the part before the backslash in DOMAIN\\account, 1 to {NETBIOS_LONGEST} characters");
    problems.add(key, format!("{text:?} is not a NetBIOS domain name"), remedy);
    None
}

fn authorities(problems: &mut Problems, key: &str, files: &[String], base: &Path) -> Option<TrustedAuthorities> {
    if files.is_empty() {
        problems.add(
            key,
            "no certificate authority is named",
            "name the PEM file of the one that signed the servers' certificates",
        );
        return None;
    }
    let paths = files.iter().enumerate().map(|(index, file)| path(problems, &format!("{key}[{index}]"), base, file));
    let paths: Option<Vec<PathBuf>> = paths.collect();
    let remedy = "name the PEM file of the authority that signed the directory servers' certificates";
    problems.take(key, TrustedAuthorities::read(&paths?), remedy)
}

fn bind(problems: &mut Problems, key: &str, written: &written::Bind, base: &Path) -> Option<Bind> {
    let name = written.name.trim();
    if name.is_empty() {
        let remedy = "write the reading account as name@domain or as a distinguished name";
        problems.add(format!("{key}.name"), "the name is empty, which would be an anonymous bind", remedy);
    }
    let key = format!("{key}.password_file");
    let file = path(problems, &key, base, &written.password_file)?;
    match secret_file::read(&file) {
        Ok(password) if !name.is_empty() => Some(Bind { name: name.to_owned(), password }),
        Ok(_) => None,
        Err(error) => {
            problems.add(key, error.to_string(), error.remedy());
            None
        }
    }
}

fn servers(problems: &mut Problems, at: &str, written: &[written::Server]) -> Vec<Server> {
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
        let kinds = [("ldaps", Role::DomainController), ("global-catalog", Role::GlobalCatalog)];
        let role = match &written.kind {
            None => Some(Role::DomainController),
            Some(kind) => choice(problems, &format!("{at}.kind"), kind, &kinds),
        };
        let address = address(problems, &format!("{at}.address"), written, role);
        if let (Some(name), Some(role), Some(address)) = (name, role, address) {
            servers.push(Server { name, address, role });
        }
    }
    servers
}

/// `host:port`; left out, the server's own name and the port of its kind.
fn address(problems: &mut Problems, key: &str, written: &written::Server, role: Option<Role>) -> Option<String> {
    let Some(text) = written.address.as_deref().map(str::trim) else {
        let port = match role? {
            Role::DomainController => 636,
            Role::GlobalCatalog => 3269,
        };
        return Some(format!("{}:{port}", written.name.trim()));
    };
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port != 0);
    match port {
        Some(389 | 3268) => {
            let wrong = format!("{text:?} names a port without TLS");
            problems.add(key, wrong, "name the port with TLS: 636, or 3269 on a global catalog");
            None
        }
        Some(_) => Some(text.to_owned()),
        None => {
            let wrong = format!("{text:?} is not host:port");
            problems.add(key, wrong, "write it as \"dc1.a.example.test:636\" or \"192.0.2.11:636\"");
            None
        }
    }
}

fn grants(
    problems: &mut Problems,
    at: &str,
    written: Option<&written::Grants>,
    servers: &[Server],
    declared: usize,
) -> Option<(GrantMode, Reach, DirectoryServerName)> {
    let none = written::Grants::default();
    let written = written.unwrap_or(&none);
    let modes = [("advise", GrantMode::Advise), ("apply", GrantMode::Apply)];
    let mode = match &written.mode {
        None => Some(GrantMode::Advise),
        Some(mode) => choice(problems, &format!("{at}.grants.mode"), mode, &modes),
    };
    let key = format!("{at}.grants.reach");
    let reach = match (&written.reach, mode) {
        (Some(reach), _) => choice(problems, &key, reach, &[("domain", Reach::Domain), ("ous", Reach::Ous)]),
        (None, Some(GrantMode::Apply)) => {
            let wrong = "it must be said how high up grants may be written";
            problems.add(
                key,
                wrong,
                "write \"domain\" (the account may then send as every user of the domain) or \"ous\"",
            );
            None
        }
        (None, _) => Some(Reach::Domain),
    };
    let key = format!("{at}.grants.server");
    let writable = |server: &&Server| server.role == Role::DomainController;
    let server = match &written.server {
        Some(text) => {
            let wanted: Option<DirectoryServerName> = name(problems, &key, text);
            let found = servers.iter().find(|server| Some(&server.name) == wanted.as_ref());
            match found {
                // A server of the list that has problems of its own is no problem of this key.
                None if servers.len() < declared => {}
                None if wanted.is_some() => {
                    let wrong = format!("{text:?} is not a directory server of this domain");
                    problems.add(&key, wrong, "name one of those under [[domains.servers]]");
                }
                Some(server) if !writable(&server) => {
                    let wrong = format!("{text:?} is a global catalog, which takes no writes");
                    problems.add(&key, wrong, "name a server of the kind \"ldaps\"");
                }
                _ => {}
            }
            found.filter(writable).map(|server| server.name.clone())
        }
        None => {
            let mut writable = servers.iter().filter(writable);
            match (writable.next(), writable.next()) {
                (Some(only), None) if servers.len() == declared => Some(only.name.clone()),
                (None, _) if declared == 0 || servers.len() < declared => None,
                (Some(_), None) => None,
                (None, _) => {
                    let wrong = "all servers are global catalogs, which take no writes";
                    problems.add(&key, wrong, "declare a server of the kind \"ldaps\" and name it here");
                    None
                }
                (Some(_), Some(_)) => {
                    let wrong = "the domain has several servers, and it is not said which one grants are written to";
                    problems.add(&key, wrong, "name one of them");
                    None
                }
            }
        }
    };
    Some((mode?, reach?, server?))
}
