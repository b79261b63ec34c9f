//! Writing descriptors: what was read keeps its bytes and its layout, and only what is edited is written anew.

use std::ops::Range;

use super::parse::{ACL_HEADER_LEN, HEADER_LEN, offsets};
use super::{Ace, Acl, AclState, Control, SecurityDescriptor};
use crate::sid::Sid;

/// The largest access control list, in bytes: AclSize is a 16-bit field, so a list must stay below 64 KB.
/// Active Directory has the same limit; Samba was seen to accept more, so it is checked here.
pub const MAX_ACL_BYTES: usize = 65_535;

/// The list would be larger than [`MAX_ACL_BYTES`]; holds the size in bytes that it would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AclTooLarge(pub(super) usize);

/// What a descriptor is assembled from, in the layout of this module.
pub(super) struct Parts<'a> {
    pub(super) sbz1: u8,
    pub(super) control: Control,
    pub(super) owner: Option<&'a Sid>,
    pub(super) group: Option<&'a Sid>,
    pub(super) sacl: &'a AclState,
    pub(super) dacl: &'a AclState,
}

/// Length in bytes of a list, header included.
fn acl_len(acl: &Acl) -> usize {
    ACL_HEADER_LEN + acl.aces.iter().map(Ace::encoded_len).sum::<usize>() + acl.slack.len()
}

/// The bytes of a list, header included.
pub(super) fn acl_bytes(acl: &Acl) -> Result<Vec<u8>, AclTooLarge> {
    let total = acl_len(acl);
    // Every entry is at least four bytes long, so a count beyond 16 bits implies a size beyond 16 bits.
    let (Ok(size), Ok(count)) = (u16::try_from(total), u16::try_from(acl.aces.len())) else {
        return Err(AclTooLarge(total));
    };
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&[acl.revision, acl.sbz1]);
    for word in [size, count, acl.sbz2] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    acl.aces.iter().for_each(|ace| ace.write(&mut out));
    out.extend_from_slice(&acl.slack);
    Ok(out)
}

/// Assembles a descriptor in the order header, owner, group, SACL, DACL, without gaps.
pub(super) fn assemble(parts: &Parts<'_>) -> Result<Vec<u8>, AclTooLarge> {
    let list = |state: &AclState| state.acl().map(acl_bytes).transpose();
    let bodies = [parts.owner.map(Sid::to_bytes), parts.group.map(Sid::to_bytes), list(parts.sacl)?, list(parts.dacl)?];
    let mut out = vec![SecurityDescriptor::REVISION, parts.sbz1];
    out.extend_from_slice(&parts.control.0.to_le_bytes());
    let mut at = HEADER_LEN;
    for body in &bodies {
        let offset = if body.is_some() { at } else { 0 };
        // Two SIDs and two lists of at most 64 KB each: far within 32 bits.
        out.extend_from_slice(&(offset as u32).to_le_bytes());
        at += body.as_ref().map_or(0, Vec::len);
    }
    bodies.iter().flatten().for_each(|body| out.extend_from_slice(body));
    Ok(out)
}

/// The descriptor's bytes with another DACL in the place of the present one.
///
/// The list is replaced where it lies and the offsets behind it move; only where it shares bytes with another part is
/// the descriptor laid out anew.
pub(super) fn with_dacl(sd: &SecurityDescriptor, acl: Acl) -> Result<Vec<u8>, AclTooLarge> {
    let new = acl_bytes(&acl)?;
    let Some(old) = splice_range(sd) else {
        return assemble(&Parts {
            sbz1: sd.sbz1,
            control: sd.control,
            owner: sd.owner.as_ref(),
            group: sd.group.as_ref(),
            sacl: &sd.sacl,
            dacl: &AclState::Present(acl),
        });
    };
    let mut out = sd.to_bytes();
    let (end, grown, shrunk) = (old.end, new.len().saturating_sub(old.len()), old.len().saturating_sub(new.len()));
    out.splice(old, new);
    for field in 1..=4 {
        let Some(word) = out.get_mut(4 * field..).and_then(|rest| rest.first_chunk_mut::<4>()) else { continue };
        let offset = u32::from_le_bytes(*word);
        if offset as usize >= end {
            *word = offset.wrapping_add(grown as u32).wrapping_sub(shrunk as u32).to_le_bytes();
        }
    }
    Ok(out)
}

/// Where the DACL lies, if no other part shares any of its bytes.
fn splice_range(sd: &SecurityDescriptor) -> Option<Range<usize>> {
    let [owner, group, sacl, dacl] = offsets(sd.bytes.first_chunk()?);
    let range = |offset: usize, len: usize| offset..offset + len;
    let len = |state: &AclState| state.acl().map(acl_len);
    let dacl = range(dacl, len(&sd.dacl)?);
    let others = [
        sd.owner.as_ref().map(|sid| range(owner, sid.encoded_len())),
        sd.group.as_ref().map(|sid| range(group, sid.encoded_len())),
        len(&sd.sacl).map(|len| range(sacl, len)),
    ];
    let apart = others.iter().flatten().all(|other| other.end <= dacl.start || dacl.end <= other.start);
    apart.then_some(dacl)
}
