//! The root DSE (RFC 4512 section 5.1, MS-ADTS 3.1.1.3.2): which domain a server holds, and whether it is ready.

use super::entry::Entry;
use super::session::Session;
use super::{DirectoryError, DirectoryServer, Role, connect, filter};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sendgate_core::guid::Guid;
use sendgate_core::names::{Dn, DomainName};

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The head of the domain that it is a controller of.
    pub head: Dn,
    /// The configuration partition.
    pub configuration: Dn,
    /// Its own DNS name, if it says one.
    pub host: Option<String>,
    /// Its clock.
    pub clock: Timestamp,
    /// Whether it is a global catalog that has finished building.
    pub catalog_ready: bool,
    /// `highestCommittedUSN`: every change that the server has taken in so far has this update sequence number or a
    /// lower one (MS-ADTS 3.1.1.3.2.11).
    pub highest_usn: Option<u64>,
    /// `dsServiceName`: its NTDS settings object, which holds the identity of its database.
    pub service: Option<Dn>,
}

/// Connects, binds and asks a server who it is. Nobody's data is read.
///
/// # Errors
/// [`DirectoryError`].
pub async fn check(server: &DirectoryServer) -> Result<Checked, DirectoryError> {
    read(&connect::open(server).await?).await
}

const ATTEMPT: &str = "reading the root DSE";

const HIGHEST_USN: &str = "highestCommittedUSN";

pub(super) async fn read(session: &Session) -> Result<Checked, DirectoryError> {
    let attributes = [
        "defaultNamingContext",
        "configurationNamingContext",
        "dnsHostName",
        "currentTime",
        "isGlobalCatalogReady",
        HIGHEST_USN,
        "dsServiceName",
    ];
    let root = session.object("", &attributes).await?;
    let root = root.ok_or_else(|| session.not_understood(ATTEMPT, "it has none"))?;
    checked(&root).map_err(|why| session.not_understood(ATTEMPT, why))
}

fn checked(root: &Entry) -> Result<Checked, String> {
    let needed = |attribute: &str| {
        let text = root.text(attribute)?;
        text.ok_or_else(|| format!("{attribute} is missing: this is not an Active Directory server"))
    };
    let clock = needed("currentTime")?;
    Ok(Checked {
        head: Dn::from(needed("defaultNamingContext")?),
        configuration: Dn::from(needed("configurationNamingContext")?),
        host: root.text("dnsHostName")?.map(str::to_owned),
        clock: generalized_time(clock).ok_or_else(|| format!("currentTime {clock:?} is not a time"))?,
        catalog_ready: root.text("isGlobalCatalogReady")?.is_some_and(|ready| ready.eq_ignore_ascii_case("TRUE")),
        highest_usn: highest_usn(root)?,
        service: root.text("dsServiceName")?.map(Dn::from),
    })
}

fn highest_usn(root: &Entry) -> Result<Option<u64>, String> {
    let Some(text) = root.text(HIGHEST_USN)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{HIGHEST_USN} {text:?} is not a number"))
}

/// Up to which update sequence number the server has taken in changes.
pub(super) async fn usn(session: &Session) -> Result<u64, DirectoryError> {
    let root = session.object("", &[HIGHEST_USN]).await?;
    let root = root.ok_or_else(|| session.not_understood(ATTEMPT, "it has none"))?;
    let usn = highest_usn(&root).map_err(|why| session.not_understood(ATTEMPT, why))?;
    usn.ok_or_else(|| session.not_understood(ATTEMPT, format!("{HIGHEST_USN} is missing: what changes cannot be told")))
}

/// `invocationId` of the server's NTDS settings object: the identity of its database, a new one after a restore from
/// backup (MS-ADTS 3.1.1.1.9). None where it is not shown.
pub(super) async fn invocation(session: &Session, root: &Checked) -> Result<Option<Guid>, DirectoryError> {
    let Some(service) = &root.service else { return Ok(None) };
    let Some(settings) = session.object(service.as_str(), &["invocationId"]).await? else { return Ok(None) };
    let bytes = settings.one("invocationId").map_err(|why| session.not_understood(ATTEMPT, why))?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Guid::from_bytes))
}

/// GeneralizedTime as Active Directory writes it: `20261124230100.0Z`.
fn generalized_time(text: &str) -> Option<Timestamp> {
    let (moment, _) = text.strip_suffix('Z')?.split_once('.')?;
    let moment = DateTime::strptime("%Y%m%d%H%M%S", moment).ok()?;
    TimeZone::UTC.to_timestamp(moment).ok()
}

/// The head of a domain by its DNS name (RFC 2247): `DC=a,DC=example,DC=test`.
pub(super) fn head_of(domain: &DomainName) -> Dn {
    let labels: Vec<String> = domain.as_str().split('.').map(|label| format!("DC={label}")).collect();
    Dn::from(labels.join(","))
}

/// Makes sure that a server holds the domain, and returns the domain's head as the server writes it.
pub(super) async fn serving(session: &Session, root: &Checked, domain: &DomainName) -> Result<Dn, DirectoryError> {
    let not_serving = |why: String| DirectoryError::NotServing { server: session.server().shown(), why };
    let head = head_of(domain);
    match session.server().role {
        Role::DomainController if root.head == head => Ok(root.head.clone()),
        Role::DomainController => Err(not_serving(format!(
            "it is a domain controller of {}, not of {head}; list it under its own domain, or as a global catalog",
            root.head
        ))),
        Role::GlobalCatalog if !root.catalog_ready => {
            Err(not_serving("it is not a global catalog, or has not finished building it".to_owned()))
        }
        Role::GlobalCatalog => match session.object(head.as_str(), &["objectClass"]).await? {
            Some(found) => Ok(Dn::from(found.dn)),
            None => {
                Err(not_serving(format!("its global catalog does not hold {head}: that domain is of another forest")))
            }
        },
    }
}

/// The domain's NetBIOS name, from its cross-reference (MS-ADTS 6.1.1.2.1.1.4); nothing if it was not shown.
pub(super) async fn short_name(session: &Session, root: &Checked, head: &Dn) -> Result<Option<String>, DirectoryError> {
    let attempt = "reading the domain's NetBIOS name";
    let filter = format!("(&(objectClass=crossRef){})", filter::equals("nCName", head.as_str()));
    let base = format!("CN=Partitions,{}", root.configuration);
    let mut names = Vec::new();
    session
        .each(attempt, &base, &filter, &["nETBIOSName"], |entry| {
            let name = entry.text("nETBIOSName").map_err(|why| session.not_understood(attempt, why))?;
            names.extend(name.map(str::to_owned));
            Ok(())
        })
        .await?;
    match names.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(name.clone())),
        several => Err(session.not_understood(attempt, format!("there are several: {several:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answer, bound, nobody, object_of, server};
    use super::*;

    #[test]
    fn a_servers_clock_is_read() {
        let time = generalized_time("20261124230102.0Z").unwrap();
        assert_eq!(time.to_string(), "2026-11-24T23:01:02Z");
        assert_eq!(generalized_time("yesterday"), None);
    }

    #[test]
    fn the_head_follows_from_the_domain() {
        let head = head_of(&"a.example.test".parse().unwrap());
        assert_eq!(head, Dn::from("DC=a,DC=example,DC=test"));
    }

    /// The root DSE of a server of example.test, and then one answer more.
    async fn refused(role: Role, domain: &str, ready: &str, then: Answer) -> String {
        let root = [
            ("currentTime", b"20261124230102.0Z".to_vec()),
            ("defaultNamingContext", b"DC=example,DC=test".to_vec()),
            ("configurationNamingContext", b"CN=Configuration,DC=example,DC=test".to_vec()),
            ("isGlobalCatalogReady", ready.as_bytes().to_vec()),
        ];
        let mut server = server(vec![bound(), object_of("", &root), then]);
        server.role = role;
        let session = connect::open(&server).await.ok().unwrap();
        let root = read(&session).await.unwrap();
        let error = serving(&session, &root, &domain.parse().unwrap()).await.unwrap_err().to_string();
        error.replace(&server.shown(), "SERVER")
    }

    #[tokio::test]
    async fn a_server_that_does_not_serve_a_domain_says_why() {
        let not = |why: &str| format!("directory server SERVER does not serve here: {why}");
        assert_eq!(
            refused(Role::DomainController, "other.test", "TRUE", Answer::Nothing).await,
            not(
                "it is a domain controller of DC=example,DC=test, not of DC=other,DC=test; list it under its own domain, or \
                 as a global catalog"
            )
        );
        assert_eq!(
            refused(Role::GlobalCatalog, "example.test", "FALSE", Answer::Nothing).await,
            not("it is not a global catalog, or has not finished building it")
        );
        assert_eq!(
            refused(Role::GlobalCatalog, "other.test", "TRUE", nobody()).await,
            not("its global catalog does not hold DC=other,DC=test: that domain is of another forest")
        );
    }

    #[test]
    fn a_root_without_a_domain_is_no_active_directory() {
        let error = checked(&Entry::of("", &[("currentTime", &[b"20261124230102.0Z"])])).unwrap_err();
        assert_eq!(error, "defaultNamingContext is missing: this is not an Active Directory server");
    }
}
