//! Descriptors and entries as SDDL text (MS-DTYP 2.5.1), for people.

use std::fmt::Write as _;

use super::ace::{Body, INHERITED_OBJECT_TYPE_PRESENT, OBJECT_TYPE_PRESENT};
use super::sddl_names::{ACE_FLAGS, NULL_ACL, RAW, RIGHTS, TYPES, WELL_KNOWN};
use super::{AccessMask, Ace, AceFlags, AclState, Control, SecurityDescriptor};
use crate::sid::Sid;

pub(super) fn descriptor(sd: &SecurityDescriptor) -> String {
    let mut out = String::new();
    for (mark, owner) in [("O:", &sd.owner), ("G:", &sd.group)] {
        if let Some(owner) = owner {
            out.push_str(mark);
            out.push_str(&sid(owner));
        }
    }
    let dacl_flags = [Control::DACL_PROTECTED, Control::DACL_AUTO_INHERIT_REQUIRED, Control::DACL_AUTO_INHERITED];
    acl(&mut out, "D:", &sd.dacl, sd.control, dacl_flags);
    let sacl_flags = [Control::SACL_PROTECTED, Control::SACL_AUTO_INHERIT_REQUIRED, Control::SACL_AUTO_INHERITED];
    acl(&mut out, "S:", &sd.sacl, sd.control, sacl_flags);
    out
}

fn acl(out: &mut String, mark: &str, state: &AclState, control: Control, bits: [u16; 3]) {
    if matches!(state, AclState::Absent) {
        return;
    }
    out.push_str(mark);
    for (word, bit) in ["P", "AR", "AI"].into_iter().zip(bits) {
        if control.has(bit) {
            out.push_str(word);
        }
    }
    match state.acl() {
        Some(acl) => acl.aces.iter().for_each(|entry| out.push_str(&ace(entry))),
        None => out.push_str(NULL_ACL),
    }
}

pub(super) fn ace(ace: &Ace) -> String {
    let word = TYPES.iter().find(|(_, kind)| *kind == ace.kind).map(|(word, _)| *word);
    match (word, &ace.body) {
        (Some(word), Some(body)) if expressible(body) => {
            let object = body.object.as_ref();
            let guid = |guid: Option<_>| guid.map_or(String::new(), |g: crate::guid::Guid| g.to_string());
            let mut out = format!(
                "({word};{};{};{};{};{}",
                flags(ace.flags),
                rights(body.mask),
                guid(object.and_then(|o| o.object_type)),
                guid(object.and_then(|o| o.inherited_object_type)),
                sid(&body.sid),
            );
            if !ace.rest.is_empty() {
                out.push_str(";#");
                hex(&mut out, &ace.rest);
            }
            out.push(')');
            out
        }
        _ => {
            let mut out = format!("({RAW};0x");
            hex(&mut out, &ace.to_bytes());
            out.push(')');
            out
        }
    }
}

/// SDDL has no place for object flags other than the two that say which GUIDs are there.
fn expressible(body: &Body) -> bool {
    let known = OBJECT_TYPE_PRESENT | INHERITED_OBJECT_TYPE_PRESENT;
    body.object.as_ref().is_none_or(|object| object.flags & !known == 0)
}

fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing into a String does not fail.
        let _ = write!(out, "{byte:02x}");
    }
}

/// The two-letter words for the flags, or one hexadecimal number where a bit has no word.
fn flags(flags: AceFlags) -> String {
    let known = ACE_FLAGS.iter().fold(0, |sum, (_, bit)| sum | bit);
    if flags.0 & !known != 0 {
        return format!("0x{:02x}", flags.0);
    }
    ACE_FLAGS.iter().filter(|(_, bit)| flags.has(*bit)).map(|(word, _)| *word).collect()
}

/// The two-letter words for the rights, or one hexadecimal number where a bit has no word.
fn rights(mask: AccessMask) -> String {
    let known = RIGHTS.iter().fold(0, |sum, (_, bit)| sum | bit);
    if mask.0 & !known != 0 {
        return format!("0x{:08x}", mask.0);
    }
    RIGHTS.iter().filter(|(_, bit)| mask.has(*bit)).map(|(word, _)| *word).collect()
}

fn sid(sid: &Sid) -> String {
    let is_it = |authority: u64, subs: &[u32]| sid.authority() == authority && sid.sub_authorities() == subs;
    let alias = WELL_KNOWN.iter().find(|(_, authority, subs)| is_it(*authority, subs));
    alias.map_or_else(|| sid.to_string(), |(alias, _, _)| (*alias).to_owned())
}
