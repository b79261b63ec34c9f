//! From a name in a roster to the attributes that may hold it. The same assertions make the filter that the server
//! evaluates and decide which names an answer answers, so that each answer is attributed to the names it answers.

use super::super::filter;
use sendgate_core::names::{DirectoryName, DomainName};

/// How strongly a match counts. Only the strongest matches of a name are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// An attribute holds the name as it is.
    Explicit,
    /// `name@domain` by sAMAccountName: everybody has that logon name, unless somebody else holds it explicitly.
    Implicit,
}

/// One attribute's value that would make an object the one that was asked for; the value is in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Assertion {
    pub(super) attribute: &'static str,
    pub(super) value: String,
}

/// Attributes in which names are looked for.
pub(super) const ATTRIBUTES: [&str; 5] =
    ["mail", "proxyAddresses", "legacyExchangeDN", "userPrincipalName", "sAMAccountName"];

/// What to do about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Search for these.
    Ask(Vec<(Strength, Assertion)>),
    /// It names another domain: it cannot be in this one.
    Elsewhere,
    /// It cannot be told what it names.
    Unclear(String),
}

/// How a name is to be looked for in the domain `domain`, whose NetBIOS name is `short`.
pub(super) fn way(name: &DirectoryName, domain: &DomainName, short: Option<&str>) -> Way {
    let text = name.as_str();
    let explicit = |attribute, value: &str| (Strength::Explicit, Assertion { attribute, value: value.to_owned() });
    if text.starts_with('/') {
        // The former legacyExchangeDN of somebody who was moved stays as an X500 address.
        return Way::Ask(vec![explicit("legacyExchangeDN", text), explicit("proxyAddresses", &format!("x500:{text}"))]);
    }
    if let Some((prefix, account)) = text.split_once('\\') {
        return match short {
            _ if account.is_empty() => Way::Unclear(format!("{text:?} names no account")),
            _ if prefix == domain.as_str() => Way::Ask(vec![explicit("sAMAccountName", account)]),
            Some(short) if short.to_lowercase() == prefix => Way::Ask(vec![explicit("sAMAccountName", account)]),
            Some(_) => Way::Elsewhere,
            None => {
                Way::Unclear(format!("the NetBIOS name of {domain} was not shown, so {text:?} may be of any domain"))
            }
        };
    }
    match text.split_once('@') {
        Some((local, suffix)) => {
            let mut ask = vec![
                explicit("mail", text),
                explicit("proxyAddresses", &format!("smtp:{text}")),
                explicit("userPrincipalName", text),
            ];
            if suffix == domain.as_str() && !local.is_empty() {
                let value = local.to_owned();
                ask.push((Strength::Implicit, Assertion { attribute: "sAMAccountName", value }));
            }
            Way::Ask(ask)
        }
        None => Way::Ask(vec![explicit("sAMAccountName", text)]),
    }
}

/// Users: not contacts, and not computers, which are of class user too.
pub const EVERYBODY: &str = "(&(objectClass=user)(!(objectClass=computer)))";

/// The users for whom at least one assertion holds.
pub(super) fn somebody<'a>(assertions: impl Iterator<Item = &'a Assertion>) -> String {
    let any = filter::any(assertions.map(|assertion| filter::equals(assertion.attribute, &assertion.value)));
    format!("(&(objectClass=user)(!(objectClass=computer)){any})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        let way = way(&text.parse().unwrap(), &"a.example.test".parse().unwrap(), Some("ADOM"));
        let Way::Ask(assertions) = way else { panic!("{way:?}") };
        assertions.iter().map(|(strength, it)| format!("{strength:?} {}={}", it.attribute, it.value)).collect()
    }

    #[test]
    fn each_kind_of_name_has_its_attributes() {
        assert_eq!(
            asked("Ann@Hosted.test"),
            [
                "Explicit mail=ann@hosted.test",
                "Explicit proxyAddresses=smtp:ann@hosted.test",
                "Explicit userPrincipalName=ann@hosted.test"
            ]
        );
        assert_eq!(asked("ann@a.example.test")[3..], ["Implicit sAMAccountName=ann"]);
        assert_eq!(asked("ADOM\\ann"), ["Explicit sAMAccountName=ann"]);
        assert_eq!(asked("a.example.test\\ann"), ["Explicit sAMAccountName=ann"]);
        assert_eq!(
            asked("/o=Org/cn=Ann"),
            ["Explicit legacyExchangeDN=/o=org/cn=ann", "Explicit proxyAddresses=x500:/o=org/cn=ann"]
        );
    }

    #[test]
    fn another_domains_account_is_not_here_and_an_unknown_prefix_is_unclear() {
        let (name, domain) = ("BDOM\\ann".parse().unwrap(), "a.example.test".parse().unwrap());
        assert_eq!(way(&name, &domain, Some("ADOM")), Way::Elsewhere);
        let Way::Unclear(text) = way(&name, &domain, None) else { panic!("clear") };
        assert!(text.starts_with("the NetBIOS name of a.example.test was not shown"), "{text}");
    }

    #[test]
    fn a_domain_alone_names_no_account() {
        let way = way(&"ADOM\\".parse().unwrap(), &"a.example.test".parse().unwrap(), Some("ADOM"));
        assert_eq!(way, Way::Unclear("\"adom\\\\\" names no account".to_owned()));
    }

    #[test]
    fn a_filter_of_hostile_names_stays_one_filter() {
        let hostile = Assertion { attribute: "mail", value: "*)(objectClass=*".to_owned() };
        let filter = somebody([&hostile].into_iter());
        assert_eq!(filter, r"(&(objectClass=user)(!(objectClass=computer))(|(mail=\2a\29\28objectClass=\2a)))");
        assert!(ldap3::parse_filter(filter).is_ok() && ldap3::parse_filter(EVERYBODY).is_ok());
    }
}
