//! On which Exchange server a mailbox is, by `homeMDB` and `msExchHomeServerName`.

use sendgate_core::coverage::reading::Home;
use sendgate_core::names::{Dn, ExchangeServerName};
use std::collections::HashMap;

/// Homes that were told already: a domain has a few hundred stores.
#[derive(Debug, Default)]
pub(super) struct Homes {
    known: HashMap<String, HashMap<String, Home>>,
}

/// Stores whose server is kept: more would be no stores.
const KEPT: usize = 10_000;

impl Homes {
    /// The mailbox's server, from `homeMDB` and `msExchHomeServerName`.
    pub(super) fn of(&mut self, store: Option<&str>, server: Option<&str>) -> Home {
        let (Some(by_store), Some(by_server)) = (store, server) else { return home(store, server) };
        if let Some(known) = self.known.get(by_store).and_then(|servers| servers.get(by_server)) {
            return known.clone();
        }
        let home = home(store, server);
        if self.known.len() < KEPT {
            let servers = self.known.entry(by_store.to_owned()).or_default();
            if servers.len() < KEPT {
                servers.insert(by_server.to_owned(), home.clone());
            }
        }
        home
    }
}

/// The mailbox's server. Two attributes that contradict one another leave it unclear: a move may be half done.
fn home(store: Option<&str>, server: Option<&str>) -> Home {
    let (Some(store), Some(server)) = (store, server) else {
        let by_store = store.map(|store| of_store(&Dn::from(store)).ok_or_else(|| nameless("homeMDB", store)));
        let by_server = server.map(|server| of_legacy(server).ok_or_else(|| nameless("msExchHomeServerName", server)));
        return match by_store.or(by_server) {
            None => Home::None,
            Some(Ok(name)) => Home::Server(name),
            Some(Err(why)) => Home::Unclear(why),
        };
    };
    let Some(name) = of_legacy(server) else { return Home::Unclear(nameless("msExchHomeServerName", server)) };
    let store_dn = Dn::from(store);
    let agrees = match of_store(&store_dn) {
        Some(by_store) => by_store == name,
        // A store outside Exchange's own tree agrees with a server that it lies below.
        None => components(&store_dn).iter().skip(1).any(|above| common_name(above).as_ref() == Some(&name)),
    };
    if agrees {
        return Home::Server(name);
    }
    Home::Unclear(format!("homeMDB {store:?} and msExchHomeServerName {server:?} contradict one another"))
}

fn nameless(attribute: &str, value: &str) -> String {
    format!("{attribute} {value:?} names no server")
}

/// The components of a DN, the first one first.
fn components(dn: &Dn) -> Vec<String> {
    let mut components = Vec::new();
    let mut here = Some(dn.clone());
    while let Some(dn) = here {
        here = dn.parent();
        components.push(first(&dn, here.as_ref()));
    }
    components
}

/// `CN=<store>,CN=<group>,CN=InformationStore,CN=<SERVER>,CN=Servers,…`
fn of_store(store: &Dn) -> Option<ExchangeServerName> {
    let components = components(store);
    let position = |name: &str| components.iter().position(|component| component.eq_ignore_ascii_case(name));
    let at = match (position("CN=Servers"), position("CN=InformationStore")) {
        (Some(servers), _) => servers.checked_sub(1)?,
        (None, Some(information_store)) => information_store + 1,
        (None, None) => return None,
    };
    // The store itself is no server.
    if at == 0 {
        return None;
    }
    common_name(components.get(at)?)
}

/// The first component of a DN, given the rest.
fn first(dn: &Dn, rest: Option<&Dn>) -> String {
    let whole = dn.as_str();
    let end = whole.len() - rest.map_or(0, |rest| rest.as_str().len());
    whole[..end].trim_end().trim_end_matches(',').trim_end().to_owned()
}

/// `/o=<org>/ou=<group>/cn=Configuration/cn=Servers/cn=<SERVER>`
fn of_legacy(legacy: &str) -> Option<ExchangeServerName> {
    common_name(legacy.rsplit('/').next()?)
}

fn common_name(component: &str) -> Option<ExchangeServerName> {
    let (kind, name) = component.split_once('=')?;
    if kind.trim().eq_ignore_ascii_case("cn") { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "CN=Mailbox Store (EXA1),CN=First Storage Group,CN=InformationStore,CN=EXA1,CN=Servers,\
                         CN=First Administrative Group,CN=Administrative Groups,CN=Org,CN=Microsoft Exchange,\
                         CN=Services,CN=Configuration,DC=a,DC=example,DC=test";
    const LEGACY: &str = "/o=Org/ou=First Administrative Group/cn=Configuration/cn=Servers/cn=EXA1";

    fn server(name: &str) -> Home {
        Home::Server(name.parse().unwrap())
    }

    #[test]
    fn either_attribute_or_both_name_the_server() {
        assert_eq!(home(Some(STORE), None), server("exa1"));
        assert_eq!(home(None, Some(LEGACY)), server("exa1"));
        assert_eq!(home(Some(STORE), Some(LEGACY)), server("exa1"));
        assert_eq!(home(None, None), Home::None);
    }

    #[test]
    fn a_store_without_the_servers_container_is_found_by_the_information_store() {
        assert_eq!(home(Some("CN=Store,CN=SG,CN=InformationStore,CN=EXA2,DC=a"), None), server("exa2"));
        assert_eq!(home(Some("cn=Mailbox Store (EXA1),cn=EXA1,cn=servers,DC=a"), None), server("exa1"));
    }

    #[test]
    fn a_store_outside_the_exchange_tree_agrees_with_a_server_above_it() {
        let store = Some("CN=Mailbox Store (EXA1),CN=EXA1,CN=Exchange,DC=a");
        assert_eq!(home(store, Some(LEGACY)), server("exa1"));
        assert!(matches!(home(store, None), Home::Unclear(_)));
        assert!(matches!(home(store, Some("/o=Org/cn=Servers/cn=EXA2")), Home::Unclear(_)));
    }

    #[test]
    fn an_escaped_comma_in_a_stores_name_separates_nothing() {
        assert_eq!(
            home(Some(r"CN=Store\,CN=Servers,CN=SG,CN=InformationStore,CN=EXA1,CN=Servers,DC=a"), None),
            server("exa1")
        );
    }

    #[test]
    fn contradiction_and_nonsense_are_unclear() {
        let Home::Unclear(text) = home(Some(STORE), Some("/o=Org/cn=Servers/cn=EXA2")) else { panic!("clear") };
        assert!(text.ends_with("contradict one another") && text.contains("EXA2"), "{text}");
        let Home::Unclear(text) = home(Some("CN=Store,DC=a"), None) else { panic!("clear") };
        assert_eq!(text, "homeMDB \"CN=Store,DC=a\" names no server");
        let Home::Unclear(text) = home(Some(STORE), Some("EXA1")) else { panic!("clear") };
        assert_eq!(text, "msExchHomeServerName \"EXA1\" names no server");
        assert!(matches!(home(None, Some("EXA1")), Home::Unclear(_)));
        assert!(matches!(home(Some("CN=Store,CN=Servers,DC=a"), None), Home::Unclear(_)));
    }
}
