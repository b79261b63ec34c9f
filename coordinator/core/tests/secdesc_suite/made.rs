//! Descriptors packed by hand from MS-DTYP 2.4, so that no test believes the code under test, and strategies for them.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::Token;
use sendgate_core::sid::Sid;

pub(crate) const ACCOUNT: &str = "S-1-5-21-1-2-3-1104";
pub(crate) const GROUP: &str = "S-1-5-21-1-2-3-1200";
pub(crate) const STRANGER: &str = "S-1-5-21-1-2-3-1300";
pub(crate) const OWN: &str = "S-1-5-21-1-2-3-1500";

pub(crate) fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

pub(crate) fn token(sids: &[&str]) -> Token {
    Token { certain: sids.iter().map(|s| sid(s)).collect(), ..Token::default() }
}

pub(crate) fn sddl(text: &str) -> SecurityDescriptor {
    SecurityDescriptor::from_sddl(text, None).unwrap()
}

pub(crate) fn pack_sid(text: &str) -> Vec<u8> {
    let numbers: Vec<u64> = text.split('-').skip(2).map(|n| n.parse().unwrap()).collect();
    let mut out = vec![1, (numbers.len() - 1) as u8];
    out.extend_from_slice(&numbers[0].to_be_bytes()[2..]);
    numbers[1..].iter().for_each(|n| out.extend_from_slice(&(*n as u32).to_le_bytes()));
    out
}

/// An entry as it goes into a list: what it should be read as, and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) mask: u32,
    /// Object flags with the GUIDs, in the types that have them.
    pub(crate) object: Option<(u32, Guid, Guid)>,
    pub(crate) sid: &'static str,
    pub(crate) trailing: Vec<u8>,
}

pub(crate) const OBJECT_KINDS: [u8; 7] = [5, 6, 7, 8, 11, 12, 15];
/// Types without a layout that is known here.
pub(crate) const OTHER_KINDS: [u8; 5] = [4, 0x0E, 0x11, 0x13, 0xFF];

impl Entry {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        if !OTHER_KINDS.contains(&self.kind) {
            body.extend_from_slice(&self.mask.to_le_bytes());
            if let Some((flags, object_type, inherited)) = self.object {
                body.extend_from_slice(&flags.to_le_bytes());
                if flags & 1 != 0 {
                    body.extend_from_slice(&object_type.to_bytes());
                }
                if flags & 2 != 0 {
                    body.extend_from_slice(&inherited.to_bytes());
                }
            }
            body.extend_from_slice(&pack_sid(self.sid));
        }
        body.extend_from_slice(&self.trailing);
        let mut out = vec![self.kind, self.flags];
        out.extend_from_slice(&((4 + body.len()) as u16).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }
}

pub(crate) fn pack_acl(revision: u8, entries: &[Entry], slack: usize) -> Vec<u8> {
    let body: Vec<u8> = entries.iter().flat_map(Entry::bytes).collect();
    let mut out = vec![revision, 0];
    for word in [8 + body.len() + slack, entries.len(), 0] {
        out.extend_from_slice(&(word as u16).to_le_bytes());
    }
    out.extend_from_slice(&body);
    out.extend(std::iter::repeat_n(0xEE, slack));
    out
}

/// Owner, group, SACL and DACL, placed in `order` with gaps between them.
pub(crate) fn pack(control: u16, parts: [Option<Vec<u8>>; 4], order: [usize; 4], gap: usize) -> Vec<u8> {
    let (mut offsets, mut body) = ([0_u32; 4], Vec::new());
    for which in order {
        if let Some(part) = &parts[which] {
            body.extend(std::iter::repeat_n(0xAA, gap));
            offsets[which] = (20 + body.len()) as u32;
            body.extend_from_slice(part);
        }
    }
    let mut out = vec![1, 0x5A];
    out.extend_from_slice(&control.to_le_bytes());
    offsets.iter().for_each(|o| out.extend_from_slice(&o.to_le_bytes()));
    out.extend_from_slice(&body);
    out
}

/// A descriptor as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) entries: Vec<Entry>,
    pub(crate) bytes: Vec<u8>,
}

impl Made {
    pub(crate) fn parsed(&self) -> SecurityDescriptor {
        SecurityDescriptor::parse(&self.bytes).unwrap()
    }
}

pub(crate) fn any_sid() -> impl Strategy<Value = &'static str> {
    select(vec![ACCOUNT, GROUP, STRANGER, OWN, "S-1-1-0", "S-1-5-11", "S-1-5-10", "S-1-5-32-544", "S-1-5"])
}

pub(crate) fn any_guid() -> impl Strategy<Value = Guid> {
    let known = [Guid::SEND_AS, Guid::SEND_TO, Guid::RECEIVE_AS, Guid::CLASS_USER, Guid::CLASS_INETORGPERSON];
    prop_oneof![4 => select(known.to_vec()), 1 => any::<[u8; 16]>().prop_map(Guid::from_bytes)]
}

fn any_mask() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0x100_u32), 2 => Just(0xF01FF_u32), 1 => Just(0x1000_0000_u32), 1 => Just(0x30_u32), 2 => any::<u32>()]
}

fn any_kind() -> impl Strategy<Value = u8> {
    let known = select(vec![0_u8, 0, 1, 5, 5, 6, 2, 3, 7, 8, 9, 10, 11, 12, 13, 15]);
    prop_oneof![9 => known, 1 => select(OTHER_KINDS.to_vec())]
}

pub(crate) fn any_entry() -> impl Strategy<Value = Entry> {
    let flags = prop_oneof![4 => select(vec![0_u8, 0x10, 0x0A, 0x02, 0x12, 0x1A]), 1 => any::<u8>()];
    let object = (0..8_u32, any_guid(), any_guid());
    let trailing = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..12)];
    (any_kind(), flags, any_mask(), object, any_sid(), trailing).prop_map(
        |(kind, flags, mask, object, sid, trailing)| {
            let object = OBJECT_KINDS.contains(&kind).then_some(object);
            Entry { kind, flags, mask, object, sid, trailing }
        },
    )
}

/// Explicit entries that deny, then explicit ones that allow, then inherited ones.
pub(crate) fn canonical_entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(any_entry(), 0..8).prop_map(|mut entries| {
        entries.sort_by_key(|e| if e.flags & 0x10 != 0 { 2 } else { u8::from(![1, 6, 10, 12].contains(&e.kind)) });
        entries
    })
}

/// Any layout of a descriptor with these entries in its DACL; parts do not share bytes.
pub(crate) fn laid_out(entries: impl Strategy<Value = Vec<Entry>>) -> impl Strategy<Value = Made> {
    let head = (any::<bool>(), any::<bool>(), any::<bool>(), select(vec![0_usize, 4]), select(vec![0_usize, 0, 8]));
    let sacl = prop::collection::vec(any_entry(), 0..3);
    let order = Just([0, 1, 2, 3]).prop_shuffle();
    (entries, head, sacl, order, any::<u16>()).prop_map(|(entries, head, sacl, order, control)| {
        let (owner, group, has_sacl, gap, slack) = head;
        let control = control & !0x10 | 0x8004 | if has_sacl { 0x10 } else { 0 };
        let parts = [
            owner.then(|| pack_sid(GROUP)),
            group.then(|| pack_sid("S-1-5-32-544")),
            has_sacl.then(|| pack_acl(2, &sacl, 0)),
            Some(pack_acl(4, &entries, slack)),
        ];
        let bytes = pack(control, parts, order, gap);
        Made { entries, bytes }
    })
}

pub(crate) fn any_made() -> impl Strategy<Value = Made> {
    laid_out(prop::collection::vec(any_entry(), 0..8))
}

pub(crate) fn canonical_made() -> impl Strategy<Value = Made> {
    laid_out(canonical_entries())
}

pub(crate) fn any_token() -> impl Strategy<Value = Token> {
    let some = || prop::collection::btree_set(any_sid().prop_map(sid), 0..5);
    (some(), some()).prop_map(|(certain, uncertain)| Token { certain, uncertain })
}

/// Bytes of a descriptor with a few of them changed, and perhaps cut off.
pub(crate) fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..6);
    (any_made(), changes, any::<Index>(), any::<bool>()).prop_map(|(made, changes, end, cut)| {
        let mut bytes = made.bytes;
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    })
}
