//! Names of things in the configuration and on the wire. Each type is a different thing; none is a raw string.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name, in bytes: what a DNS name may have.
const NAME_BYTES: usize = 255;

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// More than 255 bytes.
    #[error("is longer than {NAME_BYTES} bytes")]
    Long,
    /// A character that such a name cannot have.
    #[error("has the character {0:?}, which such a name cannot have")]
    Character(char),
}

fn check(text: &str, allowed: fn(char) -> bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES {
        return Err(NameError::Long);
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn printable(c: char) -> bool {
    !c.is_control()
}

fn as_written(text: String) -> String {
    text
}

fn in_lower_case(text: String) -> String {
    text.to_lowercase()
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $allowed:expr, $kept:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character that such a name cannot have.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check(&text, $allowed)?;
                Ok(Self($kept(text)))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The agent's own name, as in its certificate: `sendgate:agent:NAME`.
    AgentName,
    word,
    as_written
);
name!(
    /// A host that the agent serves, as the coordinator's configuration calls it: in lower case, whatever was written, as
    /// the coordinator has it.
    HostName,
    word,
    in_lower_case
);
name!(
    /// A program of the agent's configuration.
    ProgramName,
    word,
    as_written
);
name!(
    /// A hotfix package, as it was written: that is what the programs are told.
    PackageName,
    word,
    as_written
);
name!(
    /// A service of a host, as the host's service manager calls it.
    ServiceName,
    printable,
    as_written
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_cannot_be() {
        assert_eq!(HostName::new("").unwrap_err().to_string(), "is empty");
        assert_eq!(
            HostName::new("ex 1").unwrap_err().to_string(),
            "has the character ' ', which such a name cannot have"
        );
        assert_eq!(HostName::new("x".repeat(256)).unwrap_err().to_string(), "is longer than 255 bytes");
        assert_eq!(HostName::new("GL1.A.Example").unwrap().as_str(), "gl1.a.example");
        assert_eq!(PackageName::new("KB926666").unwrap().as_str(), "KB926666");
        assert_eq!(ServiceName::new("GoodLink Server").unwrap().as_str(), "GoodLink Server");
    }
}
