//! Domains: their directory servers, who binds to them, and whether grants are written.

use super::bind::bind;
use super::problem::Problems;
use super::server::{Server, servers};
use super::surroundings::Surroundings;
use super::value::{choice, name, path};
use super::written;
use crate::directory::trust::TrustedAuthorities;
use crate::directory::{DirectoryServer, Method, Refusals, Role, Security};
use sendgate_core::coverage::placement::Reach;
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_core::policy::{DomainPolicy, GrantMode, ProtectionPolicy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The longest NetBIOS name, in characters (RFC 1001 section 14.1).
const NETBIOS_LONGEST: usize = 15;

/// One domain, in both forms.
pub(super) type Domain = (DomainName, DomainPolicy, Vec<DirectoryServer>);

/// Every domain that can be understood; `None` in the list's place stands for one that cannot.
pub(super) fn domains(
    problems: &mut Problems,
    written: &[written::Domain],
    forests: &BTreeMap<DomainName, ProtectionPolicy>,
    base: &Path,
    surroundings: &Surroundings,
) -> Vec<Option<Domain>> {
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
            domain(problems, &at, written, forests, base, surroundings)
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

fn domain(
    problems: &mut Problems,
    at: &str,
    written: &written::Domain,
    forests: &BTreeMap<DomainName, ProtectionPolicy>,
    base: &Path,
    surroundings: &Surroundings,
) -> Option<Domain> {
    let domain: Option<DomainName> = name(problems, &format!("{at}.name"), &written.name);
    let netbios = netbios(problems, &format!("{at}.netbios"), &written.netbios);
    let servers = servers(problems, at, &written.servers);
    let tls = servers.iter().any(|server| server.security != Security::Kerberos);
    let authorities = match &written.ca {
        // Nobody shows a certificate where Kerberos seals.
        None if !tls && !servers.is_empty() => Some(TrustedAuthorities::none()),
        ca => authorities(problems, &format!("{at}.ca"), ca.as_deref().unwrap_or_default(), base),
    };
    let bind = bind(problems, &format!("{at}.bind"), &written.bind, base, surroundings);
    if matches!(&bind, Some(bind) if matches!(bind.method, Method::Simple(_))) {
        for (index, server) in written.servers.iter().enumerate() {
            if server.security.as_deref() == Some("kerberos") {
                let wrong = "Kerberos seals for whoever binds with Kerberos, and this domain's bind is a simple one";
                let remedy = "write auth = \"kerberos\" in [domains.bind], or use \"ldaps\" or \"starttls\" here";
                problems.add(format!("{at}.servers[{index}].security"), wrong, remedy);
            }
        }
    }
    let grants = grants(problems, at, written.grants.as_ref(), &servers, written.servers.len());
    let (grants, reach, grant_server) = grants?;
    let (domain, authorities, bind) = (domain?, authorities?, bind?);
    let policy = DomainPolicy {
        netbios: netbios?,
        servers: servers.iter().map(|server| server.name.clone()).collect(),
        grant_server,
        grants,
        reach,
        protection: forests.get(&domain).cloned().unwrap_or_default(),
    };
    let servers = servers.into_iter().map(|server| DirectoryServer {
        name: server.name,
        address: server.address,
        security: server.security,
        authorities: authorities.clone(),
        bind: bind.clone(),
        role: server.role,
        timeouts: server.timeouts,
        readers: server.readers,
        refusals: Refusals::default(),
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
                    problems.add(&key, wrong, "name a server of the kind \"domain-controller\"");
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
                    problems.add(&key, wrong, "declare a server of the kind \"domain-controller\" and name it here");
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
