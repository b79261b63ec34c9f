//! What one entry does to a right, as a value and in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Ace, AceType};
use crate::guid::Guid;
use crate::sid::Sid;

/// What one entry does to the right.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step<'a> {
    /// The entry's index in the DACL, from 0.
    pub index: usize,
    /// The entry.
    pub ace: &'a Ace,
    /// What it does, whether or not an earlier entry has decided already.
    pub effect: Effect,
    /// Whether it is the one that decides: the first that is not skipped.
    pub decides: bool,
}

/// The effect of one entry by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It does not apply.
    Skipped(Skip),
    /// It allows, through this SID.
    Allowed(Sid),
    /// It denies, through this SID.
    Denied(Sid),
}

/// Why an entry does not apply: the first of these that is true, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// Its type takes no part in access decisions.
    Type(AceType),
    /// It is there for children only.
    InheritOnly,
    /// Its mask does not hold the control-access bit.
    OtherAccess,
    /// It is limited to another right.
    OtherRight(Guid),
    /// It is for SELF, and the object's own SID is not in the token.
    NotSelf,
    /// Its SID is not in the token.
    NotInToken,
    /// It would allow by GENERIC_ALL, which no server has mapped to rights.
    UnmappedAllow,
    /// It allows under a condition, which cannot be decided here.
    ConditionalAllow,
    /// It allows to a SID that the token holds only perhaps.
    UncertainAllow,
}

/// One entry and what it did, for people and for JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryLine {
    /// Its index in the DACL, from 0.
    pub index: usize,
    /// The entry as SDDL.
    pub entry: String,
    /// Whom it speaks of; nothing for a type whose layout is not known.
    pub trustee: Option<Sid>,
    /// Whether it came from a parent.
    pub inherited: bool,
    /// What it does, in words.
    pub effect: String,
    /// Whether it is the one that decided.
    pub decides: bool,
}

impl Step<'_> {
    /// The step as text.
    #[must_use]
    pub fn to_line(&self) -> EntryLine {
        EntryLine {
            index: self.index,
            entry: self.ace.to_sddl(),
            trustee: self.ace.sid().cloned(),
            inherited: self.ace.is_inherited(),
            effect: self.effect.to_string(),
            decides: self.decides,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(why) => write!(f, "does not apply: {why}"),
            Self::Allowed(via) => write!(f, "allows, through {via}"),
            Self::Denied(via) => write!(f, "denies, through {via}"),
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => write!(f, "entries of type 0x{:02x} take no part in access decisions", kind.code()),
            Self::InheritOnly => f.write_str("it is inherit-only, in force on objects below this one and not on it"),
            Self::OtherAccess => f.write_str("its rights do not include control access (CR)"),
            Self::OtherRight(other) => match known(other) {
                Some(name) => write!(f, "it is limited to another right, {name} ({other})"),
                None => write!(f, "it is limited to another right, property or class, {other}"),
            },
            Self::NotSelf => f.write_str("it is for SELF, which is the object itself and not the account"),
            Self::NotInToken => f.write_str("its SID is not in the account's token"),
            Self::UnmappedAllow => f.write_str("it allows by GENERIC_ALL, which no server has mapped to rights"),
            Self::ConditionalAllow => f.write_str("it allows under a condition, which cannot be decided here"),
            Self::UncertainAllow => f.write_str("it allows to a SID that is in the account's token only perhaps"),
        }
    }
}

/// The rights whose GUIDs are easily taken for one another.
fn known(right: &Guid) -> Option<&'static str> {
    match *right {
        Guid::SEND_AS => Some("Send As"),
        Guid::SEND_TO => Some("Send To"),
        Guid::RECEIVE_AS => Some("Receive As"),
        Guid::USER_CHANGE_PASSWORD => Some("Change Password"),
        Guid::USER_FORCE_CHANGE_PASSWORD => Some("Reset Password"),
        _ => None,
    }
}
