//! The text of every error that bytes can cause: it says what, where, and what would be right.

use sendgate_core::secdesc::{ParseError, SecurityDescriptor};

use crate::made::*;

fn error(bytes: &[u8]) -> String {
    SecurityDescriptor::parse(bytes).unwrap_err().to_string()
}

/// A descriptor with one allow entry, and where its DACL starts.
const DACL: usize = 20;

fn plain() -> Vec<u8> {
    let entry = Entry { kind: 0, flags: 0, mask: 0x100, object: None, sid: "S-1-1-0", trailing: Vec::new() };
    pack(0x8004, [None, None, None, Some(pack_acl(4, &[entry], 0))], [0, 1, 2, 3], 0)
}

fn changed(at: usize, value: u8) -> Vec<u8> {
    let mut bytes = plain();
    bytes[at] = value;
    bytes
}

#[test]
fn cut_off() {
    let text = "the security descriptor is cut off: the header at offset 0 needs 20 bytes, 0 are left";
    assert_eq!(error(&[]), text);
    assert_eq!(
        error(&plain()[..24]),
        "the security descriptor is cut off: DACL at offset 20 needs 8 bytes, 4 are left"
    );
}

#[test]
fn every_prefix_is_an_error() {
    let whole = plain();
    assert!(SecurityDescriptor::parse(&whole).is_ok());
    for len in 0..whole.len() {
        assert!(SecurityDescriptor::parse(&whole[..len]).is_err(), "{len} bytes were taken");
    }
}

#[test]
fn not_a_descriptor() {
    let text = "the security descriptor has revision 2, but only revision 1 exists: the bytes are something else";
    assert_eq!(error(&changed(0, 2)), text);
    let text = "the security descriptor is not self-relative (control 0x0004): its offsets mean nothing here";
    assert_eq!(error(&changed(3, 0)), text);
}

#[test]
fn offsets_that_lie() {
    assert_eq!(
        error(&changed(16, 19)),
        "the DACL of the security descriptor lies at offset 19, inside the 20-byte header"
    );
    assert_eq!(
        error(&changed(19, 0xFF)),
        "the security descriptor is cut off: DACL at offset 4278190100 needs 8 bytes, 0 are left"
    );
    assert_eq!(
        error(&changed(4, 200)),
        "the security descriptor is cut off: owner at offset 200 needs 1 bytes, 0 are left"
    );
    assert_eq!(
        error(&changed(8, 21)),
        "the group at offset 21 of the security descriptor is no SID: a SID of revision 0 was met, but only revision \
         1 exists: the bytes are not a SID"
    );
}

#[test]
fn acl_sizes_that_lie() {
    let text = "the DACL at offset 20 says that it is 7 bytes long, but must be from 8 to 28 bytes";
    assert_eq!(error(&changed(DACL + 2, 7)), text);
    let text = "the DACL at offset 20 says that it is 29 bytes long, but must be from 8 to 28 bytes";
    assert_eq!(error(&changed(DACL + 2, 29)), text);
    // Smaller than its entries, and yet large enough for its own header.
    let text = "entry 0 of the DACL says that it is 20 bytes long, but must be from 4 to 16 bytes";
    assert_eq!(error(&changed(DACL + 2, 24)), text);
}

#[test]
fn counts_and_revisions_that_lie() {
    let text = "the DACL says that it has 2 entries, but its size ends before entry 1";
    assert_eq!(error(&changed(DACL + 4, 2)), text);
    assert_eq!(error(&changed(DACL, 9)), "the DACL has revision 9, but 2 to 4 are the ones that exist");
}

#[test]
fn ace_sizes_that_lie() {
    for size in [0, 3] {
        let text = format!("entry 0 of the DACL says that it is {size} bytes long, but must be from 4 to 20 bytes");
        assert_eq!(error(&changed(DACL + 10, size)), text);
    }
    let text = "entry 0 of the DACL says that it is 21 bytes long, but must be from 4 to 20 bytes";
    assert_eq!(error(&changed(DACL + 10, 21)), text);
    // Inside the list, but too small for the SID that the entry says it has.
    let text = "entry 0 of the DACL says that it is 16 bytes long, but must be from 20 to 20 bytes";
    assert_eq!(error(&changed(DACL + 10, 16)), text);
    // An object entry that claims a GUID for which it has no room.
    let object = Entry { kind: 5, flags: 0, mask: 0x100, object: None, sid: "S-1-1-0", trailing: Vec::new() };
    let bytes = pack(0x8004, [None, None, None, Some(pack_acl(4, &[object], 0))], [0, 1, 2, 3], 0);
    let text = "entry 0 of the DACL says that it is 20 bytes long, but must be from 28 to 20 bytes";
    assert_eq!(error(&bytes), text);
}

#[test]
fn sids_in_entries_that_lie() {
    assert_eq!(
        error(&changed(DACL + 16, 2)),
        "entry 0 of the DACL holds no SID where one must be: a SID of revision 2 was met, but only revision 1 exists: \
         the bytes are not a SID"
    );
    assert_eq!(
        error(&changed(DACL + 17, 16)),
        "entry 0 of the DACL holds no SID where one must be: a SID with 16 subauthorities was met, but at most 15 are \
         allowed"
    );
}

#[test]
fn a_sacl_that_lies_is_named() {
    let mut bytes = plain();
    bytes[2] |= 0x10;
    bytes[12] = 23;
    assert_eq!(SecurityDescriptor::parse(&bytes), Err(ParseError::AclRevision { acl: "SACL", revision: 0 }));
}
