//! Which `store.exe` versions check Send As on the directory object (MS KB 895949, KB 915358).
//!
//! The answer is three-valued and the table is data: rows, first match wins, an operator's rows before the built-in
//! ones. *Unknown* is never good; whoever decides treats it as enforcing and shows it as unknown.

mod change;

pub use change::{Change, Means};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The file version of a `store.exe`, compared part by part as integers: 7233.6 is lower than 7233.51.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreVersion {
    /// 6 for Exchange 2000 and 2003, 8 for Exchange 2007.
    pub major: u16,
    /// 0 for Exchange 2000, 5 for Exchange 2003.
    pub minor: u16,
    /// Build, for example 7638.
    pub build: u16,
    /// Revision within the build.
    pub revision: u16,
}

/// The text is no file version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a store.exe file version: {problem}; write four numbers from 0 to 65535, as in 6.5.7638.1")]
pub struct VersionError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Whether a store checks Send As.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// The right is checked on the mailbox owner's user object.
    Yes,
    /// Full mailbox access is enough.
    No,
    /// Nobody has said: to be treated as enforcing, and shown as unknown.
    Unknown,
}

/// What the table says of one version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Judgement {
    /// Whether that store enforces.
    pub enforces: Enforcement,
    /// The branch that the version belongs to, for people.
    pub branch: String,
}

/// A row that an operator adds in configuration: versions from `from` up to, but without, `below`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionRow {
    /// The first version of the row.
    pub from: StoreVersion,
    /// The first version above the row. Required: an open end would speak for versions that nobody has seen.
    pub below: StoreVersion,
    /// Whether these versions enforce.
    pub enforces: Enforcement,
    /// The name shown for the branch.
    pub branch: String,
}

/// Why an operator's rows are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// The row holds no version.
    #[error("enforcement row {branch:?} holds no version: its from {from} is not lower than its below {below}")]
    EmptyRow {
        /// The row's branch.
        branch: String,
        /// Its first version.
        from: StoreVersion,
        /// The first version above it.
        below: StoreVersion,
    },
    /// Two rows speak for the same version.
    #[error(
        "enforcement rows {first:?} and {second:?} both hold version {version}: let one end where the other begins"
    )]
    Overlap {
        /// The row that stands first.
        first: String,
        /// The row that stands later.
        second: String,
        /// A version that both hold.
        version: StoreVersion,
    },
}

/// The table: total over all versions. Written down as the operator's rows alone; reading them checks them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<ExtensionRow>", into = "Vec<ExtensionRow>")]
pub struct EnforcementTable {
    extensions: Vec<ExtensionRow>,
}

/// A built-in row; no `below` means every later version.
struct Row {
    from: StoreVersion,
    below: Option<StoreVersion>,
    enforces: Enforcement,
    branch: &'static str,
}

const fn v(major: u16, minor: u16, build: u16, revision: u16) -> StoreVersion {
    StoreVersion { major, minor, build, revision }
}

const fn row(from: StoreVersion, below: Option<StoreVersion>, enforces: Enforcement, branch: &'static str) -> Row {
    Row { from, below, enforces, branch }
}

/// What Microsoft published, in ascending order; what lies in no row is unknown.
const BUILT_IN: [Row; 9] = {
    use Enforcement::{No, Unknown, Yes};
    [
        row(v(6, 0, 0, 0), Some(v(6, 0, 6619, 4)), No, "Exchange 2000"),
        row(v(6, 0, 6619, 4), Some(v(6, 1, 0, 0)), Yes, "Exchange 2000 with the store fix (6619.4 or later)"),
        row(v(6, 5, 6944, 0), Some(v(6, 5, 6945, 0)), Unknown, "Exchange 2003 RTM"),
        row(v(6, 5, 7226, 0), Some(v(6, 5, 7233, 51)), No, "Exchange 2003 SP1"),
        row(v(6, 5, 7233, 51), Some(v(6, 5, 7234, 0)), Yes, "Exchange 2003 SP1 with the hotfix (7233.51 or later)"),
        row(v(6, 5, 7234, 0), Some(v(6, 5, 7638, 0)), Unknown, "Exchange 2003 between SP1 hotfixes and SP2"),
        // The number is higher than the hotfixed SP1's, and yet SP2 as shipped does not enforce.
        row(v(6, 5, 7638, 0), Some(v(6, 5, 7650, 23)), No, "Exchange 2003 SP2"),
        row(v(6, 5, 7650, 23), Some(v(6, 6, 0, 0)), Yes, "Exchange 2003 SP2 with the hotfix (7650.23 or later)"),
        row(v(8, 0, 0, 0), None, Yes, "Exchange 2007 or later"),
    ]
};

impl EnforcementTable {
    /// The built-in table alone.
    #[must_use]
    pub fn built_in() -> Self {
        Self { extensions: Vec::new() }
    }

    /// The built-in table with an operator's rows before it.
    ///
    /// # Errors
    /// A row that holds no version, or two rows that hold the same one.
    pub fn with_extensions(extensions: Vec<ExtensionRow>) -> Result<Self, TableError> {
        for (i, later) in extensions.iter().enumerate() {
            if later.from >= later.below {
                let branch = later.branch.clone();
                return Err(TableError::EmptyRow { branch, from: later.from, below: later.below });
            }
            for first in extensions.iter().take(i) {
                let version = first.from.max(later.from);
                if version < first.below.min(later.below) {
                    let (first, second) = (first.branch.clone(), later.branch.clone());
                    return Err(TableError::Overlap { first, second, version });
                }
            }
        }
        Ok(Self { extensions })
    }

    /// Judges one version; total.
    #[must_use]
    pub fn judge(&self, version: &StoreVersion) -> Judgement {
        let extended = self.extensions.iter().find(|r| r.from <= *version && *version < r.below);
        if let Some(row) = extended {
            return Judgement { enforces: row.enforces, branch: row.branch.clone() };
        }
        let built_in = BUILT_IN.iter().find(|r| r.from <= *version && r.below.is_none_or(|below| *version < below));
        match built_in {
            Some(row) => Judgement { enforces: row.enforces, branch: row.branch.to_owned() },
            None => Judgement { enforces: Enforcement::Unknown, branch: "no known branch".to_owned() },
        }
    }

    /// Judges a version as it was read somewhere; what is no version is unknown, and the branch says why.
    #[must_use]
    pub fn judge_text(&self, version: &str) -> Judgement {
        match version.parse() {
            Ok(version) => self.judge(&version),
            Err(error) => {
                let error: VersionError = error;
                Judgement { enforces: Enforcement::Unknown, branch: format!("not readable: {error}") }
            }
        }
    }
}

impl TryFrom<Vec<ExtensionRow>> for EnforcementTable {
    type Error = TableError;

    fn try_from(rows: Vec<ExtensionRow>) -> Result<Self, TableError> {
        Self::with_extensions(rows)
    }
}

impl From<EnforcementTable> for Vec<ExtensionRow> {
    fn from(table: EnforcementTable) -> Self {
        table.extensions
    }
}

impl Default for EnforcementTable {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Display for StoreVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

impl FromStr for StoreVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let wrong = |problem| VersionError { text: text.to_owned(), problem };
        let mut parts = text.split('.');
        let mut part = || {
            let part = parts.next().ok_or_else(|| wrong("it has fewer than four parts"))?;
            // Leading zeros are taken: later Exchange versions are shown as 08.01.0240.006.
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(wrong("a part is not a number"));
            }
            part.parse().map_err(|_| wrong("a part is larger than 65535"))
        };
        let version = Self { major: part()?, minor: part()?, build: part()?, revision: part()? };
        match parts.next() {
            None => Ok(version),
            Some(_) => Err(wrong("it has more than four parts")),
        }
    }
}

impl TryFrom<String> for StoreVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<StoreVersion> for String {
    fn from(version: StoreVersion) -> Self {
        version.to_string()
    }
}
