//! Reading self-relative descriptors (MS-DTYP 2.4.6): every offset and every size is doubted.

use thiserror::Error;

use super::ace::{ACE_HEADER_LEN, AccessMask, Body, INHERITED_OBJECT_TYPE_PRESENT, OBJECT_TYPE_PRESENT, ObjectPart};
use super::{Ace, AceFlags, AceType, Acl, AclState, Control, SecurityDescriptor};
use crate::guid::Guid;
use crate::sid::{Sid, SidError};

/// Length in bytes of a descriptor's header.
pub(super) const HEADER_LEN: usize = 20;
/// Length in bytes of an access control list's header.
pub(super) const ACL_HEADER_LEN: usize = 8;
/// The shortest entry that takes part in a decision, in bytes: header, mask, a SID with one subauthority.
const LEAST_ACE_LEN: usize = 20;

/// Why bytes are no security descriptor. Offsets are in bytes from the start of the descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The bytes end too early.
    #[error("the security descriptor is cut off: {what} at offset {offset} needs {needed} bytes, {available} are left")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where it starts.
        offset: usize,
        /// Bytes that it needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// Only revision 1 exists.
    #[error("the security descriptor has revision {0}, but only revision 1 exists: the bytes are something else")]
    Revision(u8),
    /// The self-relative bit is clear: what stands at the offsets' place are a foreign process's pointers.
    #[error("the security descriptor is not self-relative (control 0x{0:04x}): its offsets mean nothing here")]
    NotSelfRelative(u16),
    /// An offset points into the header.
    #[error("the {what} of the security descriptor lies at offset {offset}, inside the 20-byte header")]
    OffsetInHeader {
        /// Which part.
        what: &'static str,
        /// Its offset.
        offset: usize,
    },
    /// The owner or the group is no SID.
    #[error("the {what} at offset {offset} of the security descriptor is no SID: {source}")]
    Sid {
        /// Which part.
        what: &'static str,
        /// Its offset.
        offset: usize,
        /// What is wrong with it.
        source: SidError,
    },
    /// A revision that no access control list has.
    #[error("the {acl} has revision {revision}, but 2 to 4 are the ones that exist")]
    AclRevision {
        /// DACL or SACL.
        acl: &'static str,
        /// The revision met.
        revision: u8,
    },
    /// AclSize is smaller than the list's own header, or points beyond the end.
    #[error("the {acl} at offset {offset} says that it is {size} bytes long, but must be from 8 to {available} bytes")]
    AclSize {
        /// DACL or SACL.
        acl: &'static str,
        /// Where it starts.
        offset: usize,
        /// Its AclSize.
        size: usize,
        /// Bytes from there to the end.
        available: usize,
    },
    /// AceCount promises more entries than AclSize has room for.
    #[error("the {acl} says that it has {count} entries, but its size ends before entry {index}")]
    AceCount {
        /// DACL or SACL.
        acl: &'static str,
        /// Its AceCount.
        count: usize,
        /// The entry that has no room.
        index: usize,
    },
    /// AceSize is too small for what the entry must hold, or points beyond the list.
    #[error(
        "entry {index} of the {acl} says that it is {size} bytes long, but must be from {least} to {available} bytes"
    )]
    AceSize {
        /// DACL or SACL.
        acl: &'static str,
        /// The entry.
        index: usize,
        /// Its AceSize.
        size: usize,
        /// Bytes that its type and its own counts need at least.
        least: usize,
        /// Bytes left in the list.
        available: usize,
    },
    /// The SID of an entry is no SID.
    #[error("entry {index} of the {acl} holds no SID where one must be: {source}")]
    AceSid {
        /// DACL or SACL.
        acl: &'static str,
        /// The entry.
        index: usize,
        /// What is wrong with it.
        source: SidError,
    },
}

pub(super) fn descriptor(bytes: &[u8]) -> Result<SecurityDescriptor, ParseError> {
    let header = bytes.first_chunk::<HEADER_LEN>().ok_or(ParseError::Truncated {
        what: "the header",
        offset: 0,
        needed: HEADER_LEN,
        available: bytes.len(),
    })?;
    let [revision, sbz1, c0, c1, ..] = *header;
    if revision != SecurityDescriptor::REVISION {
        return Err(ParseError::Revision(revision));
    }
    let control = Control(u16::from_le_bytes([c0, c1]));
    if !control.has(Control::SELF_RELATIVE) {
        return Err(ParseError::NotSelfRelative(control.0));
    }
    let [owner, group, sacl, dacl] = offsets(header);
    Ok(SecurityDescriptor {
        bytes: bytes.into(),
        sbz1,
        control,
        owner: sid_at(bytes, owner, "owner")?,
        group: sid_at(bytes, group, "group")?,
        sacl: acl_at(bytes, control.has(Control::SACL_PRESENT), sacl, "SACL")?,
        dacl: acl_at(bytes, control.has(Control::DACL_PRESENT), dacl, "DACL")?,
    })
}

/// The four offsets of a header: owner, group, SACL, DACL.
pub(super) fn offsets(header: &[u8; HEADER_LEN]) -> [usize; 4] {
    let [_, _, _, _, rest @ ..] = header;
    let (words, _) = rest.as_chunks::<4>();
    let mut out = [0; 4];
    for (slot, word) in out.iter_mut().zip(words) {
        *slot = u32::from_le_bytes(*word) as usize;
    }
    out
}

/// What stands at `offset`, which must lie behind the header and inside the bytes.
fn part<'a>(bytes: &'a [u8], offset: usize, what: &'static str, needed: usize) -> Result<&'a [u8], ParseError> {
    if offset < HEADER_LEN {
        return Err(ParseError::OffsetInHeader { what, offset });
    }
    let rest = bytes.get(offset..).unwrap_or_default();
    if rest.len() < needed {
        return Err(ParseError::Truncated { what, offset, needed, available: rest.len() });
    }
    Ok(rest)
}

fn sid_at(bytes: &[u8], offset: usize, what: &'static str) -> Result<Option<Sid>, ParseError> {
    if offset == 0 {
        return Ok(None);
    }
    let rest = part(bytes, offset, what, 1)?;
    let (sid, _) = Sid::parse_prefix(rest).map_err(|source| ParseError::Sid { what, offset, source })?;
    Ok(Some(sid))
}

fn acl_at(bytes: &[u8], present: bool, offset: usize, acl: &'static str) -> Result<AclState, ParseError> {
    if !present {
        // MS-DTYP wants the offset zero then; whatever it is, nothing was shown.
        return Ok(AclState::Absent);
    }
    if offset == 0 {
        return Ok(AclState::Null);
    }
    let rest = part(bytes, offset, acl, ACL_HEADER_LEN)?;
    let [revision, sbz1, s0, s1, n0, n1, z0, z1] = *rest.first_chunk().unwrap_or(&[0; ACL_HEADER_LEN]);
    if !(2..=4).contains(&revision) {
        return Err(ParseError::AclRevision { acl, revision });
    }
    let size = usize::from(u16::from_le_bytes([s0, s1]));
    let mut left =
        rest.get(ACL_HEADER_LEN..size).ok_or(ParseError::AclSize { acl, offset, size, available: rest.len() })?;
    let count = usize::from(u16::from_le_bytes([n0, n1]));
    // A count that lies costs no more memory than the bytes that are there are worth.
    let mut aces = Vec::with_capacity(count.min(left.len() / LEAST_ACE_LEN));
    for index in 0..count {
        let (ace, after) = next_ace(left, acl, index, count)?;
        aces.push(ace);
        left = after;
    }
    Ok(AclState::Present(Acl { revision, sbz1, sbz2: u16::from_le_bytes([z0, z1]), aces, slack: left.into() }))
}

/// Reads the entry at the start of `left`; returns it and what follows it.
fn next_ace<'a>(left: &'a [u8], acl: &'static str, index: usize, count: usize) -> Result<(Ace, &'a [u8]), ParseError> {
    let header = left.first_chunk::<ACE_HEADER_LEN>().ok_or(ParseError::AceCount { acl, count, index })?;
    let [code, flags, s0, s1] = *header;
    let size = usize::from(u16::from_le_bytes([s0, s1]));
    let size_lies = |least| ParseError::AceSize { acl, index, size, least, available: left.len() };
    if size < ACE_HEADER_LEN {
        return Err(size_lies(ACE_HEADER_LEN));
    }
    let (raw, after) = left.split_at_checked(size).ok_or_else(|| size_lies(ACE_HEADER_LEN))?;
    let kind = AceType::from_code(code);
    let (body, rest) = match kind {
        AceType::Other(_) => (None, raw.get(ACE_HEADER_LEN..).unwrap_or_default()),
        _ => body(raw, kind.is_object()).map(|(body, rest)| (Some(body), rest)).map_err(|error| match error {
            BodyError::Short(least) => size_lies(least),
            BodyError::Sid(source) => ParseError::AceSid { acl, index, source },
        })?,
    };
    Ok((Ace { kind, flags: AceFlags(flags), body, rest: rest.into() }, after))
}

enum BodyError {
    /// The entry is shorter than this many bytes, which it needs.
    Short(usize),
    Sid(SidError),
}

/// The typed part of an entry, and what stands behind it.
fn body(raw: &[u8], is_object: bool) -> Result<(Body, &[u8]), BodyError> {
    let mut at = ACE_HEADER_LEN;
    let mask = AccessMask(u32::from_le_bytes(take(raw, &mut at)?));
    let object = if is_object {
        let flags = u32::from_le_bytes(take(raw, &mut at)?);
        let object_type = guid_if(flags & OBJECT_TYPE_PRESENT != 0, raw, &mut at)?;
        let inherited_object_type = guid_if(flags & INHERITED_OBJECT_TYPE_PRESENT != 0, raw, &mut at)?;
        Some(ObjectPart { flags, object_type, inherited_object_type })
    } else {
        None
    };
    let rest = raw.get(at..).unwrap_or_default();
    let (sid, used) = Sid::parse_prefix(rest).map_err(|error| match error {
        SidError::Truncated { needed, .. } => BodyError::Short(at + needed),
        other => BodyError::Sid(other),
    })?;
    Ok((Body { mask, object, sid }, rest.get(used..).unwrap_or_default()))
}

fn guid_if(present: bool, raw: &[u8], at: &mut usize) -> Result<Option<Guid>, BodyError> {
    if present { Ok(Some(Guid::from_bytes(take(raw, at)?))) } else { Ok(None) }
}

fn take<const N: usize>(raw: &[u8], at: &mut usize) -> Result<[u8; N], BodyError> {
    let chunk = raw.get(*at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(BodyError::Short(*at + N))?;
    *at += N;
    Ok(*chunk)
}
