//! Security descriptors (MS-DTYP 2.4.6): read, written, judged and edited, as values and on bytes.
//!
//! 1. [`SecurityDescriptor::parse`] reads the self-relative bytes that a directory server returned; total, it never
//!    panics and never reads outside.
//! 2. [`access::decide`] walks the DACL in stored order and says whether a token has a right, and by which entry.
//! 3. [`edit`] adds or removes exactly one entry; everything else keeps its bytes.
//! 4. [`SecurityDescriptor::to_bytes`] gives back the very bytes that were read where nothing was edited.
//! 5. SDDL, out and in, is for people and for tests; nothing is decided on text.

pub mod access;
mod ace;
pub mod batch;
pub mod edit;
mod effect;
mod encode;
mod parse;
mod sddl_names;
mod sddl_read;
mod sddl_write;
mod token;

pub use ace::{AccessMask, Ace, AceFlags, AceTooLarge, AceType, Stance};
pub use encode::MAX_ACL_BYTES;
pub use parse::ParseError;
pub use sddl_read::SddlError;

use crate::sid::Sid;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A security descriptor together with its self-relative bytes.
///
/// The bytes are the value: two descriptors that mean the same in another layout are not equal.
#[derive(Debug, Clone)]
pub struct SecurityDescriptor {
    bytes: Arc<[u8]>,
    sbz1: u8,
    control: Control,
    owner: Option<Sid>,
    group: Option<Sid>,
    sacl: AclState,
    dacl: AclState,
}

/// What a descriptor says of one of its two access control lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AclState {
    /// The present bit is clear: whoever returned the descriptor did not show the list. For a DACL this is
    /// *unreadable*: nothing can be concluded from it.
    Absent,
    /// Present and null: for a DACL, everything is allowed to everybody.
    Null,
    /// Present, with these entries (possibly none, which allows nothing).
    Present(Acl),
}

impl AclState {
    /// The list, where there is one.
    #[must_use]
    pub fn acl(&self) -> Option<&Acl> {
        match self {
            Self::Present(acl) => Some(acl),
            Self::Absent | Self::Null => None,
        }
    }
}

/// An access control list (MS-DTYP 2.4.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Acl {
    revision: u8,
    sbz1: u8,
    sbz2: u16,
    aces: Vec<Ace>,
    /// Bytes inside AclSize behind the last entry, which some writers leave; kept as they were.
    slack: Box<[u8]>,
}

impl Acl {
    /// 2 for plain entries only, 4 where object entries are allowed.
    #[must_use]
    pub fn revision(&self) -> u8 {
        self.revision
    }

    /// The entries in stored order, which is the order that decides.
    #[must_use]
    pub fn aces(&self) -> &[Ace] {
        &self.aces
    }

    fn of(revision: u8, aces: Vec<Ace>) -> Self {
        Self { revision, sbz1: 0, sbz2: 0, aces, slack: Box::default() }
    }
}

/// The control bits of a descriptor (MS-DTYP 2.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Control(u16);

impl Control {
    /// DP: the DACL is present.
    pub const DACL_PRESENT: u16 = 0x0004;
    /// SP: the SACL is present.
    pub const SACL_PRESENT: u16 = 0x0010;
    /// DC: the DACL shall be inherited again to children.
    pub const DACL_AUTO_INHERIT_REQUIRED: u16 = 0x0100;
    /// SC: the SACL shall be inherited again to children.
    pub const SACL_AUTO_INHERIT_REQUIRED: u16 = 0x0200;
    /// DI: the DACL was made by automatic inheritance.
    pub const DACL_AUTO_INHERITED: u16 = 0x0400;
    /// SI: the SACL was made by automatic inheritance.
    pub const SACL_AUTO_INHERITED: u16 = 0x0800;
    /// PD: the DACL is protected, inheritance is blocked.
    pub const DACL_PROTECTED: u16 = 0x1000;
    /// PS: the SACL is protected.
    pub const SACL_PROTECTED: u16 = 0x2000;
    /// RM: the byte `sbz1` holds resource manager bits.
    pub const RM_CONTROL_VALID: u16 = 0x4000;
    /// SR: self-relative.
    pub const SELF_RELATIVE: u16 = 0x8000;

    /// All sixteen bits.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether every bit of `bits` is set.
    #[must_use]
    pub fn has(self, bits: u16) -> bool {
        self.0 & bits == bits
    }
}

impl SecurityDescriptor {
    /// The revision; the only one that exists.
    pub const REVISION: u8 = 1;

    /// Reads a self-relative descriptor. Total: no bytes make it panic.
    ///
    /// # Errors
    /// Anything that is not a well-formed descriptor: offsets outside, sizes that lie, SIDs that are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        parse::descriptor(bytes)
    }

    /// Reads SDDL text. `domain` is what `DA`, `DU`, `EA` and the other domain-relative aliases stand in; without it
    /// they are errors.
    ///
    /// # Errors
    /// The position and what was expected there.
    pub fn from_sddl(text: &str, domain: Option<&Sid>) -> Result<Self, SddlError> {
        sddl_read::descriptor(text, domain)
    }

    /// The self-relative bytes: for a parsed descriptor exactly those that were parsed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A copy of [`SecurityDescriptor::as_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    /// The same bytes for a table of descriptors to share, such as one that keeps equal descriptors once.
    #[must_use]
    pub fn shared_bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// The whole descriptor as SDDL: SIDs in full, but for the well-known ones that need no domain (`WD`, `PS`, …).
    #[must_use]
    pub fn to_sddl(&self) -> String {
        sddl_write::descriptor(self)
    }

    /// The resource manager byte, meaningful where [`Control::RM_CONTROL_VALID`] is set.
    #[must_use]
    pub fn resource_manager(&self) -> u8 {
        self.sbz1
    }

    /// The control bits.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control
    }

    /// The owner, where returned.
    #[must_use]
    pub fn owner(&self) -> Option<&Sid> {
        self.owner.as_ref()
    }

    /// The group, where returned.
    #[must_use]
    pub fn group(&self) -> Option<&Sid> {
        self.group.as_ref()
    }

    /// The system access control list.
    #[must_use]
    pub fn sacl(&self) -> &AclState {
        &self.sacl
    }

    /// The discretionary access control list, which decides.
    #[must_use]
    pub fn dacl(&self) -> &AclState {
        &self.dacl
    }

    /// Whether inheritance from the parent is blocked.
    #[must_use]
    pub fn dacl_protected(&self) -> bool {
        self.control.has(Control::DACL_PROTECTED)
    }
}

// All else follows from the bytes.
impl PartialEq for SecurityDescriptor {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for SecurityDescriptor {}

impl Hash for SecurityDescriptor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl PartialOrd for SecurityDescriptor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SecurityDescriptor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}
