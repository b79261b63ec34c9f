//! Names of the things in an estate. Each kind is a type of its own, so that a host is never taken for an Exchange
//! server; all compare without regard to letter case, as the systems that own them do.

mod dn;
mod dn_read;

pub use dn::{Dn, DnError};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in bytes: a distinguished name with room to spare, of which a journal record holds several.
pub const LONGEST_NAME: usize = 4096;

/// How much of what is not a name is shown.
const SHOWN: usize = 100;

/// The text given for a name was empty, too long, or held control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not a name: it is empty, longer than {LONGEST_NAME} bytes, or holds control characters")]
pub struct BadName {
    kind: &'static str,
    given: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        ///
        /// Cheap to clone: an estate names the same thing many times.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name in lower case, as it is compared.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                let name = text.trim().to_lowercase();
                if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                    return Err(BadName { kind: $kind, given: text.chars().take(SHOWN).collect() });
                }
                Ok(Self(name.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// DNS name of an Active Directory domain.
    DomainName, "domain"
);
name!(
    /// A domain controller or global catalog, by the name that its certificate carries.
    DirectoryServerName, "directory server"
);
name!(
    /// A machine with an agent, or watched by one.
    HostName, "host"
);
name!(
    /// What a mailbox's `homeMDB` names; on a cluster a virtual server with several hosts.
    ExchangeServerName, "Exchange server"
);
name!(
    /// A GoodLink server.
    GoodLinkName, "GoodLink server"
);
name!(
    /// A user as GoodLink's roster and log name him.
    RosterName, "roster user"
);
name!(
    /// How the roster says that the directory knows a user: a mail address, legacyExchangeDN, DOMAIN\account or name@domain.
    DirectoryName, "directory name"
);
name!(
    /// A rollout.
    RolloutName, "rollout"
);
name!(
    /// A wave of a rollout.
    WaveName, "wave"
);
name!(
    /// A tag of Exchange servers, by which a rollout's file picks them.
    Tag, "tag"
);
name!(
    /// A hotfix package, as agents' configurations name it.
    PackageName, "package"
);
name!(
    /// An operator, by the name in his certificate.
    OperatorName, "operator"
);
name!(
    /// An agent, by the name in its certificate.
    AgentName, "agent"
);
name!(
    /// The sAMAccountName of an account, without its domain.
    SamName, "account"
);

/// A service account: its domain and sAMAccountName.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName {
    /// The account's own domain.
    pub domain: DomainName,
    /// Its sAMAccountName.
    pub sam: SamName,
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.sam, self.domain)
    }
}

impl From<AccountName> for String {
    fn from(account: AccountName) -> String {
        account.to_string()
    }
}

impl TryFrom<String> for AccountName {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl FromStr for AccountName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName { kind: "account (name@domain)", given: text.chars().take(SHOWN).collect() };
        let (sam, domain) = text.split_once('@').ok_or_else(bad)?;
        Ok(Self { sam: sam.parse().map_err(|_| bad())?, domain: domain.parse().map_err(|_| bad())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_letter_case() {
        assert_eq!("EXA1".parse::<HostName>(), "exa1".parse());
        assert_eq!("GoodAdmin@A.Example.Test".parse::<AccountName>().unwrap().to_string(), "goodadmin@a.example.test");
    }

    #[test]
    fn an_empty_name_is_refused_with_its_kind() {
        let error = " ".parse::<HostName>().unwrap_err();
        let why = "is not a name: it is empty, longer than 4096 bytes, or holds control characters";
        assert_eq!(error.to_string(), format!("host \" \" {why}"));
        let long = "x".repeat(LONGEST_NAME);
        assert_eq!(long.parse::<HostName>().unwrap().as_str(), long);
        let error = format!("{long}x").parse::<HostName>().unwrap_err();
        assert_eq!(error.to_string(), format!("host {:?} {why}", "x".repeat(SHOWN)));
    }
}
