//! What a change of version means: the one place where two judgements are compared.

use super::{Enforcement, EnforcementTable, Judgement, StoreVersion};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A change of version, judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// What was there.
    pub from: Judgement,
    /// What is there.
    pub to: Judgement,
    /// What follows.
    pub means: Means,
}

/// What follows from a change of version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// It did not enforce, and does.
    Starts,
    /// It enforced, and does not any more.
    Stops,
    /// It enforces as before.
    StillEnforces,
    /// It does not enforce, as before.
    StillDoesNot,
    /// It enforces; whether it did is not known.
    Enforces,
    /// It does not enforce; whether it did is not known.
    DoesNot,
    /// Whether it enforces is not known: to be treated as enforcing.
    Unknown,
}

impl EnforcementTable {
    /// What it means that a store went from one version to another.
    #[must_use]
    pub fn change(&self, before: &StoreVersion, after: &StoreVersion) -> Change {
        let (from, to) = (self.judge(before), self.judge(after));
        let means = match (from.enforces, to.enforces) {
            (_, Enforcement::Unknown) => Means::Unknown,
            (Enforcement::No, Enforcement::Yes) => Means::Starts,
            (Enforcement::Yes, Enforcement::No) => Means::Stops,
            (Enforcement::Yes, Enforcement::Yes) => Means::StillEnforces,
            (Enforcement::No, Enforcement::No) => Means::StillDoesNot,
            (Enforcement::Unknown, Enforcement::Yes) => Means::Enforces,
            (Enforcement::Unknown, Enforcement::No) => Means::DoesNot,
        };
        Change { from, to, means }
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starts => "it starts to check Send As: whoever lacks the right is paused as soon as he sends",
            Self::Stops => {
                "it stops checking Send As: users are un-paused without having the right, and paused again from the next \
                 store fix on"
            }
            Self::StillEnforces => "it checks Send As, as before",
            Self::StillDoesNot => "it does not check Send As, as before",
            Self::Enforces => {
                "it checks Send As, and whether it did before is not known: whoever lacks the right is paused as soon as \
                 he sends"
            }
            Self::DoesNot => "it does not check Send As, and whether it did before is not known",
            Self::Unknown => "whether it checks Send As is not known: it is taken for checking it",
        })
    }
}
