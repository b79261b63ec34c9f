//! Who has which extended right on one object, and which entry decided (MS-ADTS 5.1.3.3, MS-DTYP 2.5.3.2).
//!
//! 1. [`walk`] asks every entry of the DACL, in stored order, what it does to the right: skipped and why, allowed, or
//!    denied.
//! 2. [`decide`] takes the first entry that was not skipped. There is no second reading of an entry anywhere.
//!
//! What is not certain may deny and never allow: memberships, conditions, generic bits that nobody mapped.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AccessMask, Ace, AceFlags, AceType, Acl, AclState, SecurityDescriptor, Stance};
use crate::guid::Guid;
use crate::sid::Sid;

/// The SIDs that an account acts under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Token {
    /// Held for certain where the check is made: these allow and deny.
    pub certain: BTreeSet<Sid>,
    /// Perhaps held: these may deny, never allow.
    #[serde(default)]
    pub uncertain: BTreeSet<Sid>,
}

/// How a decision came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// An entry allows.
    Granted,
    /// An entry denies.
    Denied,
    /// No entry applies, which denies.
    NoEntry,
    /// The DACL was not shown: nothing can be concluded, so nothing is granted.
    Unreadable,
    /// The DACL is present and null, which allows everything to everybody.
    NullDacl,
}

/// A decision with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decision {
    /// How it came out.
    pub outcome: Outcome,
    /// The entry that decided; nothing where no entry did.
    pub deciding: Option<Deciding>,
}

/// The entry that decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deciding {
    /// Its index in the DACL, from 0.
    pub index: usize,
    /// The entry as SDDL.
    pub ace: String,
    /// Whether it came from a parent.
    pub inherited: bool,
    /// The SID of the token that it applied to; for a SELF entry the object's own SID.
    pub via_sid: Sid,
}

impl Decision {
    /// Whether the right is there.
    #[must_use]
    pub fn granted(&self) -> bool {
        match self.outcome {
            Outcome::Granted | Outcome::NullDacl => true,
            Outcome::Denied | Outcome::NoEntry | Outcome::Unreadable => false,
        }
    }
}

/// What one entry does to the right.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    /// The entry's index in the DACL, from 0.
    pub index: usize,
    /// What it does, whether or not an earlier entry has decided already.
    pub effect: Effect,
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

/// Why an entry does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// Its type takes no part in access decisions.
    Type(AceType),
    /// It is there for children only.
    InheritOnly,
    /// Its SID is not in the token.
    NotInToken,
    /// Its mask does not hold the control-access bit.
    OtherAccess,
    /// It is limited to another right.
    OtherRight(Guid),
    /// It allows under a condition, which cannot be decided here.
    ConditionalAllow,
    /// It allows to a SID that the token holds only perhaps.
    UncertainAllow,
    /// It would allow by GENERIC_ALL, which no server has mapped to rights.
    UnmappedAllow,
}

/// Decides whether `token` has the extended right `right` on the object whose own SID is `object_self`.
#[must_use]
pub fn decide(sd: &SecurityDescriptor, token: &Token, right: &Guid, object_self: &Sid) -> Decision {
    let acl = match sd.dacl() {
        AclState::Absent => return Decision { outcome: Outcome::Unreadable, deciding: None },
        AclState::Null => return Decision { outcome: Outcome::NullDacl, deciding: None },
        AclState::Present(acl) => acl,
    };
    let first = acl.aces().iter().zip(steps(acl, token, right, object_self)).find_map(|(ace, step)| {
        let (outcome, via_sid) = match step.effect {
            Effect::Skipped(_) => return None,
            Effect::Allowed(via) => (Outcome::Granted, via),
            Effect::Denied(via) => (Outcome::Denied, via),
        };
        let deciding = Deciding { index: step.index, ace: ace.to_sddl(), inherited: ace.is_inherited(), via_sid };
        Some(Decision { outcome, deciding: Some(deciding) })
    });
    first.unwrap_or(Decision { outcome: Outcome::NoEntry, deciding: None })
}

/// What each entry of the DACL does, in stored order; the first that is not skipped decides. Empty where there is no
/// list.
#[must_use]
pub fn walk(sd: &SecurityDescriptor, token: &Token, right: &Guid, object_self: &Sid) -> Vec<Step> {
    sd.dacl().acl().map_or_else(Vec::new, |acl| steps(acl, token, right, object_self).collect())
}

fn steps<'a>(acl: &'a Acl, token: &'a Token, right: &'a Guid, object_self: &'a Sid) -> impl Iterator<Item = Step> + 'a {
    let effect = move |ace: &Ace| effect(ace, token, right, object_self).unwrap_or_else(Effect::Skipped);
    acl.aces().iter().enumerate().map(move |(index, ace)| Step { index, effect: effect(ace) })
}

fn effect(ace: &Ace, token: &Token, right: &Guid, object_self: &Sid) -> Result<Effect, Skip> {
    let (Some(mask), Some(sid)) = (ace.mask(), ace.sid()) else { return Err(Skip::Type(ace.kind())) };
    let stance = ace.kind().stance();
    if stance == Stance::Neither {
        return Err(Skip::Type(ace.kind()));
    }
    if ace.flags().has(AceFlags::INHERIT_ONLY) {
        return Err(Skip::InheritOnly);
    }
    let via = if *sid == Sid::principal_self() { object_self } else { sid };
    let certain = token.certain.contains(via);
    if !certain && !token.uncertain.contains(via) {
        return Err(Skip::NotInToken);
    }
    // Of the generic bits only GENERIC_ALL stands for control access on directory objects (MS-ADTS 5.1.3.2).
    let (holds, unmapped) = (mask.has(AccessMask::CONTROL_ACCESS), mask.has(AccessMask::GENERIC_ALL));
    if !holds && !unmapped {
        return Err(Skip::OtherAccess);
    }
    match ace.object_type() {
        Some(other) if other != *right => return Err(Skip::OtherRight(other)),
        _ => {}
    }
    match stance {
        Stance::Denies => Ok(Effect::Denied(via.clone())),
        _ if !holds => Err(Skip::UnmappedAllow),
        _ if ace.kind().is_callback() => Err(Skip::ConditionalAllow),
        _ if !certain => Err(Skip::UncertainAllow),
        _ => Ok(Effect::Allowed(via.clone())),
    }
}
