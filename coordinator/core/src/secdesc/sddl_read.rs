//! SDDL text (MS-DTYP 2.5.1) into descriptors: what is printed elsewhere, without guessing at what is not.

use thiserror::Error;

use super::ace::{AccessMask, Body, ObjectPart};
use super::encode::{AclTooLarge, Parts, assemble};
use super::sddl_names::{ACE_FLAGS, DOMAIN_RELATIVE, NULL_ACL, RAW, RIGHTS, TYPES, WELL_KNOWN};
use super::{Ace, AceFlags, AceTooLarge, AceType, Acl, AclState, Control, MAX_ACL_BYTES, SecurityDescriptor, parse};
use crate::guid::Guid;
use crate::sid::Sid;

/// The revision of lists that may hold object entries; directories write it for every list.
const ACL_REVISION: u8 = 4;

/// How much of the text found is shown in an error, in characters.
const SHOWN: usize = 24;

/// Why text is no SDDL. Positions are in bytes from the start of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SddlError {
    /// Something else stands where a word must be.
    #[error("SDDL, position {position}: expected {expected}, found {found:?}")]
    Expected {
        /// Where.
        position: usize,
        /// What should stand there.
        expected: &'static str,
        /// The start of what does.
        found: String,
    },
    /// A part is given twice.
    #[error("SDDL, position {position}: {part} is given a second time; keep one")]
    Twice {
        /// Where.
        position: usize,
        /// `O:`, `G:`, `D:` or `S:`.
        part: &'static str,
    },
    /// An alias needs a domain, and none was given.
    #[error(
        "SDDL, position {position}: {alias} stands for an account of a domain, and no domain is given here; write \
         the SID in full"
    )]
    NeedsDomain {
        /// Where.
        position: usize,
        /// The alias.
        alias: &'static str,
    },
    /// A condition as text.
    #[error(
        "SDDL, position {position}: conditions are not read as text; give the descriptor in binary, or the condition \
         as #<hex>"
    )]
    Condition {
        /// Where.
        position: usize,
    },
    /// An entry is too large.
    #[error("SDDL, position {position}: {source}")]
    Entry {
        /// Where the entry starts.
        position: usize,
        /// Its size.
        source: AceTooLarge,
    },
    /// A list is too large.
    #[error("SDDL: an access control list of {size} bytes cannot be written: the limit is {MAX_ACL_BYTES} bytes")]
    TooLarge {
        /// The size in bytes that it would have.
        size: usize,
    },
    /// A raw entry does not fit its own size.
    #[error("SDDL: the raw entries do not make a readable list: {0}")]
    Unreadable(#[from] parse::ParseError),
}

/// A place in the text.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a str,
    position: usize,
}

impl<'a> Cursor<'a> {
    fn expected(self, expected: &'static str) -> SddlError {
        SddlError::Expected { position: self.position, expected, found: self.rest.chars().take(SHOWN).collect() }
    }

    /// Takes `len` bytes, which the caller has seen to end on a character; all if there are fewer.
    fn take(&mut self, len: usize) -> Cursor<'a> {
        let (head, tail) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        let taken = Cursor { rest: head, position: self.position };
        *self = Cursor { rest: tail, position: self.position + head.len() };
        taken
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest.starts_with(word);
        if found {
            self.take(word.len());
        }
        found
    }

    /// The part up to the first `stop`, which is taken and left out; all where there is none.
    fn until(&mut self, stop: char) -> Cursor<'a> {
        match self.rest.find(stop) {
            Some(at) => {
                let part = self.take(at);
                self.take(stop.len_utf8());
                part
            }
            None => self.take(self.rest.len()),
        }
    }
}

pub(super) fn descriptor(text: &str, domain: Option<&Sid>) -> Result<SecurityDescriptor, SddlError> {
    let mut at = Cursor { rest: text, position: 0 };
    let mut control = Control::SELF_RELATIVE;
    let (mut owner, mut group) = (None, None);
    let (mut sacl, mut dacl) = (AclState::Absent, AclState::Absent);
    while !at.rest.is_empty() {
        let position = at.position;
        let twice = |part, seen: bool| if seen { Err(SddlError::Twice { position, part }) } else { Ok(()) };
        if at.eat("O:") {
            twice("O:", owner.is_some())?;
            owner = Some(leading_sid(&mut at, domain)?);
        } else if at.eat("G:") {
            twice("G:", group.is_some())?;
            group = Some(leading_sid(&mut at, domain)?);
        } else if at.eat("D:") {
            twice("D:", dacl != AclState::Absent)?;
            control |= Control::DACL_PRESENT;
            let bits = [Control::DACL_PROTECTED, Control::DACL_AUTO_INHERIT_REQUIRED, Control::DACL_AUTO_INHERITED];
            dacl = acl(&mut at, &mut control, bits, domain)?;
        } else if at.eat("S:") {
            twice("S:", sacl != AclState::Absent)?;
            control |= Control::SACL_PRESENT;
            let bits = [Control::SACL_PROTECTED, Control::SACL_AUTO_INHERIT_REQUIRED, Control::SACL_AUTO_INHERITED];
            sacl = acl(&mut at, &mut control, bits, domain)?;
        } else {
            return Err(at.expected("O:, G:, D:, S:, an entry in parentheses, or the end"));
        }
    }
    let parts = Parts {
        sbz1: 0,
        control: Control(control),
        owner: owner.as_ref(),
        group: group.as_ref(),
        sacl: &sacl,
        dacl: &dacl,
    };
    let bytes = assemble(&parts).map_err(|AclTooLarge(size)| SddlError::TooLarge { size })?;
    // Reading back what was written checks raw entries and keeps one way of making a descriptor.
    Ok(parse::descriptor(&bytes)?)
}

fn acl(at: &mut Cursor<'_>, control: &mut u16, bits: [u16; 3], domain: Option<&Sid>) -> Result<AclState, SddlError> {
    while let Some((word, bit)) = ["P", "AR", "AI"].into_iter().zip(bits).find(|(word, _)| at.rest.starts_with(word)) {
        at.eat(word);
        *control |= bit;
    }
    if at.eat(NULL_ACL) {
        return Ok(AclState::Null);
    }
    let mut aces = Vec::new();
    while at.rest.starts_with('(') {
        aces.push(ace(at, domain)?);
    }
    Ok(AclState::Present(Acl::of(ACL_REVISION, aces)))
}

fn ace(at: &mut Cursor<'_>, domain: Option<&Sid>) -> Result<Ace, SddlError> {
    let position = at.position;
    at.eat("(");
    if !at.rest.contains(')') {
        return Err(at.expected("an entry that is closed with )"));
    }
    let mut fields = at.until(')');
    let word = fields.until(';');
    if word.rest == RAW {
        return raw(fields);
    }
    let kind = TYPES.iter().find(|(name, _)| *name == word.rest).map(|(_, kind)| *kind);
    let kind =
        kind.ok_or_else(|| word.expected("an entry type (A, D, OA, OD, AU, OU, AL, OL, XA, XD, XU, ZA, ZD, ZU, RAW)"))?;
    let flags = flags(fields.until(';'))?;
    let mask = rights(fields.until(';'))?;
    let object_type = guid(fields.until(';'), kind)?;
    let inherited_object_type = guid(fields.until(';'), kind)?;
    let sid = whole_sid(fields.until(';'), domain)?;
    let trailing = trailing(fields)?;
    let object = kind.is_object().then(|| ObjectPart::of(object_type, inherited_object_type));
    let body = Body { mask, object, sid };
    Ace::build(kind, flags, body, trailing).map_err(|source| SddlError::Entry { position, source })
}

/// An entry given by its bytes; the list's reader looks into them afterwards.
fn raw(field: Cursor<'_>) -> Result<Ace, SddlError> {
    let wrong = || field.expected("0x and the entry's bytes in hexadecimal, as many as its size field says");
    let bytes = field.rest.strip_prefix("0x").and_then(hex).ok_or_else(wrong)?;
    match *bytes.as_slice() {
        [code, flags, s0, s1, ref rest @ ..] if usize::from(u16::from_le_bytes([s0, s1])) == bytes.len() => {
            Ok(Ace { kind: AceType::from_code(code), flags: AceFlags(flags), body: None, rest: rest.into() })
        }
        _ => Err(wrong()),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let (pairs, odd) = digits.as_ref()?.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn trailing(field: Cursor<'_>) -> Result<Vec<u8>, SddlError> {
    if field.rest.is_empty() {
        return Ok(Vec::new());
    }
    if field.rest.starts_with('(') {
        return Err(SddlError::Condition { position: field.position });
    }
    field.rest.strip_prefix('#').and_then(hex).ok_or_else(|| field.expected("# and bytes in hexadecimal, or )"))
}

/// A hexadecimal number, where the field starts like one.
fn hex_number(field: Cursor<'_>, expected: &'static str) -> Result<Option<u32>, SddlError> {
    let Some(digits) = field.rest.strip_prefix("0x").or_else(|| field.rest.strip_prefix("0X")) else {
        return Ok(None);
    };
    let number = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    let number = number.and_then(|d| u32::from_str_radix(d, 16).ok());
    number.map(Some).ok_or_else(|| field.expected(expected))
}

fn flags(mut field: Cursor<'_>) -> Result<AceFlags, SddlError> {
    let expected = "entry flags (OI, CI, NP, IO, ID, SA, FA, or a number up to 0xff)";
    if let Some(number) = hex_number(field, expected)? {
        return u8::try_from(number).map(AceFlags).map_err(|_| field.expected(expected));
    }
    let mut bits = 0;
    while !field.rest.is_empty() {
        let known = ACE_FLAGS.iter().find(|(word, _)| field.rest.starts_with(word));
        let (word, bit) = known.ok_or_else(|| field.expected(expected))?;
        field.eat(word);
        bits |= bit;
    }
    Ok(AceFlags(bits))
}

fn rights(mut field: Cursor<'_>) -> Result<AccessMask, SddlError> {
    let expected = "rights on a directory object (RP, WP, CR, CC, DC, LC, LO, RC, WO, WD, SD, DT, SW, GA, GR, GW, GX, \
                    or a number such as 0x100)";
    if let Some(number) = hex_number(field, expected)? {
        return Ok(AccessMask(number));
    }
    let mut bits = 0;
    while !field.rest.is_empty() {
        let known = RIGHTS.iter().find(|(word, _)| field.rest.starts_with(word));
        let (word, bit) = known.ok_or_else(|| field.expected(expected))?;
        field.eat(word);
        bits |= bit;
    }
    Ok(AccessMask(bits))
}

fn guid(field: Cursor<'_>, kind: AceType) -> Result<Option<Guid>, SddlError> {
    if field.rest.is_empty() {
        return Ok(None);
    }
    // Dropping it would make a limited entry cover everything.
    if !kind.is_object() {
        return Err(field.expected("no GUID, because this type of entry has none (use OA, OD or OU)"));
    }
    field.rest.parse().map(Some).map_err(|_| field.expected("a GUID"))
}

/// The SID at the start of what is left, behind `O:` or `G:`.
fn leading_sid(at: &mut Cursor<'_>, domain: Option<&Sid>) -> Result<Sid, SddlError> {
    let len = if at.rest.starts_with("S-") {
        let end =
            at.rest.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, 'S' | '-' | 'x'))).unwrap_or(at.rest.len());
        // The letter before a colon opens the next part, although D is a hexadecimal digit and S starts a SID.
        if at.rest[end..].starts_with(':') { end.saturating_sub(1) } else { end }
    } else {
        2
    };
    let field = at.take(len);
    whole_sid(field, domain)
}

fn whole_sid(field: Cursor<'_>, domain: Option<&Sid>) -> Result<Sid, SddlError> {
    let expected = "a SID (S-1-…) or a two-letter alias";
    if field.rest.starts_with("S-") {
        return field.rest.parse().map_err(|_| field.expected(expected));
    }
    if let Some((_, authority, subs)) = WELL_KNOWN.iter().find(|(alias, _, _)| *alias == field.rest) {
        return Sid::new(*authority, subs).map_err(|_| field.expected(expected));
    }
    let relative = DOMAIN_RELATIVE.iter().find(|(alias, _)| *alias == field.rest);
    let (alias, rid) = relative.ok_or_else(|| field.expected(expected))?;
    let domain = domain.ok_or(SddlError::NeedsDomain { position: field.position, alias })?;
    domain.child(*rid).map_err(|_| field.expected(expected))
}
