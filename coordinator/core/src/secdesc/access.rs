//! Who has which extended right on one object, and which entry decided (MS-ADTS 5.1.3.3, MS-DTYP 2.5.3.2).
//!
//! 1. [`walk`] asks every entry of the DACL, in stored order, what it does to the right: skipped and why, allowed, or
//!    denied.
//! 2. [`rule`] takes the first entry that was not skipped, and allocates nothing; [`decide`] is the same with the
//!    evidence written out.
//! 3. [`explain`] is the walk for people.
//!
//! There is no second reading of an entry anywhere. What is not certain may deny and never allow: memberships,
//! conditions, generic bits that nobody mapped.

use serde::{Deserialize, Serialize};

use super::{AccessMask, Ace, AceFlags, AclState, SecurityDescriptor, Stance};
use crate::guid::Guid;
use crate::sid::Sid;

pub use super::effect::{Effect, EntryLine, Skip, Step};
pub use super::token::{Held, Membership, Token, TokenIndex};

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

impl Outcome {
    /// Whether the right is there.
    #[must_use]
    pub fn granted(self) -> bool {
        match self {
            Self::Granted | Self::NullDacl => true,
            Self::Denied | Self::NoEntry | Self::Unreadable => false,
        }
    }
}

/// A decision with its evidence written out.
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
        self.outcome.granted()
    }
}

/// A decision that points at its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// How it came out.
    pub outcome: Outcome,
    /// The entry that decided; nothing where no entry did.
    pub deciding: Option<RulingEntry<'a>>,
}

/// The entry that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulingEntry<'a> {
    /// Its index in the DACL, from 0.
    pub index: usize,
    /// The entry.
    pub ace: &'a Ace,
    /// The SID of the token that it applied to; for a SELF entry the object's own SID.
    pub via_sid: &'a Sid,
}

impl Ruling<'_> {
    /// Whether the right is there.
    #[must_use]
    pub fn granted(&self) -> bool {
        self.outcome.granted()
    }

    /// The decision with its evidence written out.
    #[must_use]
    pub fn to_decision(&self) -> Decision {
        let deciding = self.deciding.map(|entry| Deciding {
            index: entry.index,
            ace: entry.ace.to_sddl(),
            inherited: entry.ace.is_inherited(),
            via_sid: entry.via_sid.clone(),
        });
        Decision { outcome: self.outcome, deciding }
    }
}

/// Decides whether `token` has the extended right `right` on the object whose own SID is `object_self`, and writes the
/// evidence out.
#[must_use]
pub fn decide(sd: &SecurityDescriptor, token: &impl Membership, right: &Guid, object_self: &Sid) -> Decision {
    rule(sd, token, right, object_self).to_decision()
}

/// Decides whether `token` has the extended right `right` on the object whose own SID is `object_self`. Allocates
/// nothing; a token that is asked often is best given as a [`TokenIndex`].
#[must_use]
pub fn rule<'a>(sd: &'a SecurityDescriptor, token: &impl Membership, right: &Guid, object_self: &'a Sid) -> Ruling<'a> {
    let acl = match sd.dacl() {
        AclState::Absent => return Ruling { outcome: Outcome::Unreadable, deciding: None },
        AclState::Null => return Ruling { outcome: Outcome::NullDacl, deciding: None },
        AclState::Present(acl) => acl,
    };
    for (index, ace) in acl.aces().iter().enumerate() {
        let (outcome, via_sid) = match reading(ace, token, right, object_self) {
            Err(_) => continue,
            Ok(Applies::Allows(via)) => (Outcome::Granted, via),
            Ok(Applies::Denies(via)) => (Outcome::Denied, via),
        };
        return Ruling { outcome, deciding: Some(RulingEntry { index, ace, via_sid }) };
    }
    Ruling { outcome: Outcome::NoEntry, deciding: None }
}

/// What each entry of the DACL does, in stored order; the first that is not skipped decides. Empty where there is no
/// list.
#[must_use]
pub fn walk<'a>(sd: &'a SecurityDescriptor, token: &impl Membership, right: &Guid, object_self: &Sid) -> Vec<Step<'a>> {
    let mut decided = false;
    let step = |(index, ace): (usize, &'a Ace)| {
        let effect = match reading(ace, token, right, object_self) {
            Err(skip) => Effect::Skipped(skip),
            Ok(Applies::Allows(via)) => Effect::Allowed(via.clone()),
            Ok(Applies::Denies(via)) => Effect::Denied(via.clone()),
        };
        let decides = !decided && !matches!(effect, Effect::Skipped(_));
        decided |= decides;
        Step { index, ace, effect, decides }
    };
    sd.dacl().acl().map_or_else(Vec::new, |acl| acl.aces().iter().enumerate().map(step).collect())
}

/// The walk for people: each entry as text with what it did, in stored order. Empty where there is no list.
#[must_use]
pub fn explain(sd: &SecurityDescriptor, token: &impl Membership, right: &Guid, object_self: &Sid) -> Vec<EntryLine> {
    walk(sd, token, right, object_self).iter().map(Step::to_line).collect()
}

/// What an entry that applies does, through which SID.
enum Applies<'a> {
    Allows(&'a Sid),
    Denies(&'a Sid),
}

/// The one reading of an entry. What costs least is asked first: most entries of a directory are for other rights.
#[inline]
fn reading<'a>(ace: &'a Ace, token: &impl Membership, right: &Guid, object_self: &'a Sid) -> Result<Applies<'a>, Skip> {
    let (Some(mask), Some(sid)) = (ace.mask(), ace.sid()) else { return Err(Skip::Type(ace.kind())) };
    let stance = ace.kind().stance();
    if stance == Stance::Neither {
        return Err(Skip::Type(ace.kind()));
    }
    if ace.flags().has(AceFlags::INHERIT_ONLY) {
        return Err(Skip::InheritOnly);
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
    let is_self = sid.is_principal_self();
    let via = if is_self { object_self } else { sid };
    let held = token.holds(via);
    match (held, stance) {
        (Held::Not, _) if is_self => Err(Skip::NotSelf),
        (Held::Not, _) => Err(Skip::NotInToken),
        (_, Stance::Denies) => Ok(Applies::Denies(via)),
        _ if !holds => Err(Skip::UnmappedAllow),
        _ if ace.kind().is_callback() => Err(Skip::ConditionalAllow),
        (Held::Perhaps, _) => Err(Skip::UncertainAllow),
        (Held::Certainly, _) => Ok(Applies::Allows(via)),
    }
}
