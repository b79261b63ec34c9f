//! Trying every directory server of the configuration, for the operator, before anything depends on one of them.

use super::{DirectoryError, DirectoryServer, Method, Role, Security, connect, root};
use jiff::Timestamp;
use sendgate_core::names::{Dn, DomainName};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::task::JoinSet;

/// Clocks that differ by more are worth a word: Kerberos allows five minutes, and the answer itself takes a moment.
const CLOCK_REMARKABLE: Duration = Duration::from_secs(5);

/// How one server did.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// The domain that it is listed under.
    pub domain: DomainName,
    /// The server.
    pub server: DirectoryServer,
    /// What it is.
    pub outcome: Result<Healthy, DirectoryError>,
}

/// A server that can be asked about its domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthy {
    /// The domain's head, as the server writes it.
    pub head: Dn,
    /// How far its clock is ahead of this machine's; negative: behind.
    pub ahead: jiff::SignedDuration,
}

/// Connects and binds to every server, all at once, each within its own deadlines. Nobody's data is read.
pub async fn all(directory: &BTreeMap<DomainName, Vec<DirectoryServer>>) -> Vec<Checkup> {
    let mut running = JoinSet::new();
    let servers = directory.iter().flat_map(|(domain, servers)| servers.iter().map(move |server| (domain, server)));
    for (place, (domain, server)) in servers.enumerate() {
        let (domain, server) = (domain.clone(), server.clone());
        running.spawn(async move {
            let outcome = one(&domain, &server).await;
            (place, Checkup { domain, server, outcome })
        });
    }
    let mut done: Vec<(usize, Checkup)> = running.join_all().await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, checkup)| checkup).collect()
}

async fn one(domain: &DomainName, server: &DirectoryServer) -> Result<Healthy, DirectoryError> {
    let session = connect::open(server).await?;
    let root = root::read(&session).await?;
    let ahead = root.clock.duration_since(Timestamp::now());
    Ok(Healthy { head: root::serving(&session, &root, domain).await?, ahead })
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ldaps => "over LDAPS",
            Self::StartTls => "over StartTLS",
            Self::Kerberos => "sealed by Kerberos",
        })
    }
}

impl fmt::Display for Checkup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Healthy { head, ahead } = match &self.outcome {
            Ok(healthy) => healthy,
            Err(error) => return write!(f, "{}: FAILS {error}", self.domain),
        };
        let role = match self.server.role {
            Role::DomainController => "a domain controller",
            Role::GlobalCatalog => "a global catalog",
        };
        let with = match self.server.bind.method {
            Method::Simple(_) => "a password",
            Method::Kerberos(_) => "Kerberos",
        };
        let (server, name, security) = (self.server.shown(), &self.server.bind.name, self.server.security);
        write!(f, "{}: ok {server} is {role} of {head}; bound as {name} with {with}, {security}", self.domain)?;
        if ahead.unsigned_abs() > CLOCK_REMARKABLE {
            let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
            write!(f, "; its clock is {}s {direction} this machine's", ahead.unsigned_abs().as_secs())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::fake;
    use jiff::SignedDuration;

    #[tokio::test]
    async fn each_server_is_named_with_what_it_is_or_why_not() {
        let domain: DomainName = "example.test".parse().unwrap();
        let mut nobody = fake::server(Vec::new());
        // Nothing listens on this port.
        nobody.address = "127.0.0.1:1".to_owned();
        let checkups = all(&[(domain.clone(), vec![nobody])].into()).await;
        let [failed] = checkups.as_slice() else { panic!("{checkups:?}") };
        let text = failed.to_string();
        assert!(
            text.starts_with(
                "example.test: FAILS directory server dc.example.test (127.0.0.1:1) cannot be reached: Connection refused"
            ),
            "{text}"
        );
        let head = Dn::from("DC=example,DC=test");
        let mut healthy = failed.clone();
        healthy.outcome = Ok(Healthy { head: head.clone(), ahead: SignedDuration::from_secs(2) });
        let well = "example.test: ok dc.example.test (127.0.0.1:1) is a domain controller of DC=example,DC=test; bound \
                    as sendgate@example.test with a password, over LDAPS";
        assert_eq!(healthy.to_string(), well);
        healthy.outcome = Ok(Healthy { head, ahead: SignedDuration::from_secs(-90) });
        assert_eq!(healthy.to_string(), format!("{well}; its clock is 90s behind this machine's"));
    }
}
