//! One access control entry (MS-DTYP 2.4.4): typed where the type is known, raw bytes where it is not.

use thiserror::Error;

use crate::guid::Guid;
use crate::sid::Sid;

/// AceType. Types that are not named are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of MS-DTYP 2.4.4.1")]
pub enum AceType {
    Allow,
    Deny,
    Audit,
    Alarm,
    AllowObject,
    DenyObject,
    AuditObject,
    AlarmObject,
    AllowCallback,
    DenyCallback,
    AllowCallbackObject,
    DenyCallbackObject,
    AuditCallback,
    AuditCallbackObject,
    /// A type that this program gives no meaning; the entry is kept raw.
    Other(u8),
}

/// Which way an entry of a type decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stance {
    /// It allows what its mask holds.
    Allows,
    /// It denies what its mask holds.
    Denies,
    /// It does not take part in an access decision.
    Neither,
}

impl AceType {
    /// The type with this code; codes without a name are [`AceType::Other`].
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            0x00 => Self::Allow,
            0x01 => Self::Deny,
            0x02 => Self::Audit,
            0x03 => Self::Alarm,
            0x05 => Self::AllowObject,
            0x06 => Self::DenyObject,
            0x07 => Self::AuditObject,
            0x08 => Self::AlarmObject,
            0x09 => Self::AllowCallback,
            0x0A => Self::DenyCallback,
            0x0B => Self::AllowCallbackObject,
            0x0C => Self::DenyCallbackObject,
            0x0D => Self::AuditCallback,
            0x0F => Self::AuditCallbackObject,
            other => Self::Other(other),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Allow => 0x00,
            Self::Deny => 0x01,
            Self::Audit => 0x02,
            Self::Alarm => 0x03,
            Self::AllowObject => 0x05,
            Self::DenyObject => 0x06,
            Self::AuditObject => 0x07,
            Self::AlarmObject => 0x08,
            Self::AllowCallback => 0x09,
            Self::DenyCallback => 0x0A,
            Self::AllowCallbackObject => 0x0B,
            Self::DenyCallbackObject => 0x0C,
            Self::AuditCallback => 0x0D,
            Self::AuditCallbackObject => 0x0F,
            Self::Other(code) => code,
        }
    }

    /// Whether entries of this type carry object flags and GUIDs.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(
            self,
            Self::AllowObject
                | Self::DenyObject
                | Self::AuditObject
                | Self::AlarmObject
                | Self::AllowCallbackObject
                | Self::DenyCallbackObject
                | Self::AuditCallbackObject
        )
    }

    /// Whether entries of this type carry a condition, which cannot be decided here.
    #[must_use]
    pub fn is_callback(self) -> bool {
        matches!(
            self,
            Self::AllowCallback
                | Self::DenyCallback
                | Self::AllowCallbackObject
                | Self::DenyCallbackObject
                | Self::AuditCallback
                | Self::AuditCallbackObject
        )
    }

    /// Whether entries of this type allow, deny or neither.
    #[must_use]
    pub fn stance(self) -> Stance {
        match self {
            Self::Allow | Self::AllowObject | Self::AllowCallback | Self::AllowCallbackObject => Stance::Allows,
            Self::Deny | Self::DenyObject | Self::DenyCallback | Self::DenyCallbackObject => Stance::Denies,
            Self::Audit | Self::Alarm | Self::AuditObject | Self::AlarmObject => Stance::Neither,
            Self::AuditCallback | Self::AuditCallbackObject | Self::Other(_) => Stance::Neither,
        }
    }
}

/// AceFlags: where an entry flows and where it came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AceFlags(pub u8);

impl AceFlags {
    /// OI: flows to children that are no containers.
    pub const OBJECT_INHERIT: u8 = 0x01;
    /// CI: flows to children that are containers; in a directory, to every child.
    pub const CONTAINER_INHERIT: u8 = 0x02;
    /// NP: flows one level only.
    pub const NO_PROPAGATE: u8 = 0x04;
    /// IO: is not in force on the object that carries it.
    pub const INHERIT_ONLY: u8 = 0x08;
    /// ID: came from a parent.
    pub const INHERITED: u8 = 0x10;

    /// Whether every bit of `bits` is set.
    #[must_use]
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// An access mask as it applies to directory objects (MS-ADTS 5.1.3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessMask(pub u32);

impl AccessMask {
    /// CR: extended rights.
    pub const CONTROL_ACCESS: u32 = 0x0000_0100;
    /// GA: everything, before a server maps it to the rights that it stands for.
    pub const GENERIC_ALL: u32 = 0x1000_0000;

    /// Whether every bit of `bits` is set.
    #[must_use]
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// An entry. Nothing of its bytes is lost in the parts: [`Ace::to_bytes`] gives them back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ace {
    pub(super) kind: AceType,
    pub(super) flags: AceFlags,
    /// Nothing for [`AceType::Other`], whose layout is not known.
    pub(super) body: Option<Body>,
    /// What stands behind the body; all but the header where there is no body.
    pub(super) rest: Box<[u8]>,
}

/// What stands behind the header of an entry of a known type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Body {
    pub(super) mask: AccessMask,
    pub(super) object: Option<ObjectPart>,
    pub(super) sid: Sid,
}

/// The part that object entries have in addition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ObjectPart {
    pub(super) flags: u32,
    pub(super) object_type: Option<Guid>,
    pub(super) inherited_object_type: Option<Guid>,
}

/// Length in bytes of an entry's header: type, flags, size.
pub(super) const ACE_HEADER_LEN: usize = 4;
/// ACE_OBJECT_TYPE_PRESENT (MS-DTYP 2.4.4.3).
pub(super) const OBJECT_TYPE_PRESENT: u32 = 1;
/// ACE_INHERITED_OBJECT_TYPE_PRESENT.
pub(super) const INHERITED_OBJECT_TYPE_PRESENT: u32 = 2;

/// An entry would be larger than its 16-bit size field can say.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an entry of {0} bytes cannot be written: the format's limit is 65535 bytes")]
pub struct AceTooLarge(pub usize);

impl Ace {
    /// The type.
    #[must_use]
    pub fn kind(&self) -> AceType {
        self.kind
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> AceFlags {
        self.flags
    }

    /// Whether the entry came from a parent.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.flags.has(AceFlags::INHERITED)
    }

    /// The rights; nothing for a type that is not known.
    #[must_use]
    pub fn mask(&self) -> Option<AccessMask> {
        self.body.as_ref().map(|b| b.mask)
    }

    /// The right, property or class that an object entry is limited to.
    #[must_use]
    pub fn object_type(&self) -> Option<Guid> {
        self.body.as_ref()?.object.as_ref()?.object_type
    }

    /// The class that inherits the entry.
    #[must_use]
    pub fn inherited_object_type(&self) -> Option<Guid> {
        self.body.as_ref()?.object.as_ref()?.inherited_object_type
    }

    /// Whom the entry speaks of; nothing for a type that is not known.
    #[must_use]
    pub fn sid(&self) -> Option<&Sid> {
        self.body.as_ref().map(|b| &b.sid)
    }

    /// The bytes behind the SID: a callback entry's condition, or application data.
    #[must_use]
    pub fn trailing(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |_| &self.rest)
    }

    /// The whole entry as it stands in the list, header included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.write(&mut out);
        out
    }

    /// Length in bytes of the whole entry.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        ACE_HEADER_LEN + self.body.as_ref().map_or(0, Body::encoded_len) + self.rest.len()
    }

    /// Appends the whole entry.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // `build` and the reader keep the length within 16 bits.
        let [s0, s1] = (self.encoded_len() as u16).to_le_bytes();
        out.extend_from_slice(&[self.kind.code(), self.flags.0, s0, s1]);
        if let Some(body) = &self.body {
            out.extend_from_slice(&body.mask.0.to_le_bytes());
            if let Some(object) = &body.object {
                out.extend_from_slice(&object.flags.to_le_bytes());
                for guid in [object.object_type, object.inherited_object_type].into_iter().flatten() {
                    out.extend_from_slice(&guid.to_bytes());
                }
            }
            body.sid.write(out);
        }
        out.extend_from_slice(&self.rest);
    }

    /// The entry as SDDL, `(OA;CIIO;CR;…;…;S-1-…)`. What SDDL has no words for is written in hexadecimal.
    #[must_use]
    pub fn to_sddl(&self) -> String {
        super::sddl_write::ace(self)
    }

    /// An entry from its parts.
    ///
    /// # Errors
    /// The result would pass 65535 bytes.
    pub(super) fn build(kind: AceType, flags: AceFlags, body: Body, rest: Vec<u8>) -> Result<Self, AceTooLarge> {
        let ace = Self { kind, flags, body: Some(body), rest: rest.into() };
        match ace.encoded_len() {
            len if len > usize::from(u16::MAX) => Err(AceTooLarge(len)),
            _ => Ok(ace),
        }
    }
}

impl Body {
    fn encoded_len(&self) -> usize {
        /// Mask; object flags; each GUID.
        const MASK: usize = 4;
        const OBJECT_FLAGS: usize = 4;
        const GUID: usize = 16;
        let guids = |object: &ObjectPart| {
            usize::from(object.object_type.is_some()) + usize::from(object.inherited_object_type.is_some())
        };
        let object = self.object.as_ref().map_or(0, |object| OBJECT_FLAGS + GUID * guids(object));
        MASK + object + self.sid.encoded_len()
    }
}

impl ObjectPart {
    /// The part with flags that say which GUIDs are there.
    pub(super) fn of(object_type: Option<Guid>, inherited_object_type: Option<Guid>) -> Self {
        let flags = if object_type.is_some() { OBJECT_TYPE_PRESENT } else { 0 }
            | if inherited_object_type.is_some() { INHERITED_OBJECT_TYPE_PRESENT } else { 0 };
        Self { flags, object_type, inherited_object_type }
    }
}
