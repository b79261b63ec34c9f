//! SDDL in: what is taken, and the text of what is not.

use sendgate_core::secdesc::{AceType, AclState, Control, SecurityDescriptor};

use crate::made::*;

fn error(text: &str) -> String {
    SecurityDescriptor::from_sddl(text, None).unwrap_err().to_string()
}

/// Reads, and prints again.
fn again(text: &str) -> String {
    sddl(text).to_sddl()
}

#[test]
fn what_others_write_is_read() {
    assert_eq!(again("D:(A;;0x100;;;WD)"), "D:(A;;CR;;;WD)");
    assert_eq!(again("D:(A;;0xF01FF;;;WD)"), "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;WD)");
    assert_eq!(again("D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)"), "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;WD)");
    assert_eq!(again("D:(A;;0x200;;;WD)(A;;;;;WD)"), "D:(A;;0x00000200;;;WD)(A;;;;;WD)");
    assert_eq!(again("D:AIPAR(A;CIOI;CR;;;S-1-5-10)"), "D:PARAI(A;OICI;CR;;;PS)");
    assert_eq!(
        again("S:PAI(AU;SAFA;CR;;;WD)D:G:SYO:S-1-5-21-1-2-3-500"),
        "O:S-1-5-21-1-2-3-500G:SYD:S:PAI(AU;SAFA;CR;;;WD)"
    );
    assert_eq!(
        again("D:(OA;;CR;AB721A54-1E2F-11D0-9819-00AA0040529B;;WD)"),
        "D:(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;WD)"
    );
    assert_eq!(again("D:(A;0x20;CR;;;WD)"), "D:(A;0x20;CR;;;WD)");
    assert_eq!(again("O:S-1-0x1234567890abD:"), "O:S-1-0x1234567890abD:");
    assert_eq!(again("D:(XA;;CR;;;WD;#61727478)(XD;;CR;;;WD)"), "D:(XA;;CR;;;WD;#61727478)(XD;;CR;;;WD)");
}

#[test]
fn control_bits_follow_the_text() {
    assert_eq!(sddl("D:PAIAR").control().bits(), 0x9504);
    assert_eq!(sddl("S:PAIAR").control().bits(), 0xAA10);
    assert!(sddl("D:P").dacl_protected() && !sddl("D:AI").dacl_protected());
    assert!(sddl("O:SY").control().has(Control::SELF_RELATIVE));
    assert_eq!(sddl("D:PNO_ACCESS_CONTROL").dacl(), &AclState::Null);
    assert_eq!(again("D:PNO_ACCESS_CONTROL"), "D:PNO_ACCESS_CONTROL");
    assert_eq!(again(""), "");
}

#[test]
fn aliases_of_a_domain_need_the_domain() {
    let domain = sid("S-1-5-21-1-2-3");
    for (alias, rid) in [("DA", 512), ("DU", 513), ("EA", 519), ("SA", 518), ("CA", 517), ("LA", 500), ("RS", 553)] {
        let text = format!("D:(A;;CR;;;{alias})");
        let sd = SecurityDescriptor::from_sddl(&text, Some(&domain)).unwrap();
        assert_eq!(sd.to_sddl(), format!("D:(A;;CR;;;S-1-5-21-1-2-3-{rid})"));
        assert_eq!(
            error(&text),
            format!(
                "SDDL, position 11: {alias} stands for an account of a domain, and no domain is given here; write the \
                 SID in full"
            )
        );
    }
}

#[test]
fn errors_say_where_and_what() {
    let cases = [
        ("x", "SDDL, position 0: expected O:, G:, D:, S:, an entry in parentheses, or the end, found \"x\""),
        (
            "D:(A;;CR;;;WD) ",
            "SDDL, position 14: expected O:, G:, D:, S:, an entry in parentheses, or the end, found \" \"",
        ),
        ("D:D:", "SDDL, position 2: D: is given a second time; keep one"),
        ("D:(A;;CR;;;WD", "SDDL, position 3: expected an entry that is closed with ), found \"A;;CR;;;WD\""),
        (
            "D:(Q;;CR;;;WD)",
            "SDDL, position 3: expected an entry type (A, D, OA, OD, AU, OU, AL, OL, XA, XD, XU, ZA, ZD, ZU, RAW), found \"Q\"",
        ),
        (
            "D:(A;XX;CR;;;WD)",
            "SDDL, position 5: expected entry flags (OI, CI, NP, IO, ID, SA, FA, or a number up to 0xff), found \"XX\"",
        ),
        (
            "D:(A;;CRFA;;;WD)",
            "SDDL, position 8: expected rights on a directory object (RP, WP, CR, CC, DC, LC, LO, RC, WO, WD, SD, DT, \
             SW, GA, GR, GW, GX, or a number such as 0x100), found \"FA\"",
        ),
        (
            "D:(A;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;WD)",
            "SDDL, position 9: expected no GUID, because this type of entry has none (use OA, OD or OU), found \
             \"ab721a54-1e2f-11d0-9819-\"",
        ),
        ("D:(OA;;CR;xyz;;WD)", "SDDL, position 10: expected a GUID, found \"xyz\""),
        ("D:(A;;CR;;;)", "SDDL, position 11: expected a SID (S-1-…) or a two-letter alias, found \"\""),
        ("D:(A;;CR;;;S-1-x)", "SDDL, position 11: expected a SID (S-1-…) or a two-letter alias, found \"S-1-x\""),
        ("O:ÄÖ", "SDDL, position 2: expected a SID (S-1-…) or a two-letter alias, found \"Ä\""),
        (
            "D:(XA;;CR;;;WD;(@User.x == 1))",
            "SDDL, position 15: conditions are not read as text; give the descriptor in binary, or the condition as #<hex>",
        ),
        ("D:(A;;CR;;;WD;ab)", "SDDL, position 14: expected # and bytes in hexadecimal, or ), found \"ab\""),
        (
            "D:(RAW;0x7f0009000001)",
            "SDDL, position 7: expected 0x and the entry's bytes in hexadecimal, as many as its size field says, found \
             \"0x7f0009000001\"",
        ),
        (
            "D:(RAW;0x00000400)",
            "SDDL: the raw entries do not make a readable list: entry 0 of the DACL says that it is 4 bytes long, but \
             must be from 8 to 4 bytes",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "for {text}");
    }
}

#[test]
fn a_list_that_is_too_large_is_refused() {
    let text = format!("D:{}", "(A;;CR;;;WD)".repeat(3277));
    assert_eq!(error(&text), "SDDL: an access control list of 65548 bytes cannot be written: the limit is 65535 bytes");
    let entry = format!("D:(A;;CR;;;WD;#{})", "00".repeat(65_536));
    assert_eq!(
        error(&entry),
        "SDDL, position 2: an entry of 65556 bytes cannot be written: the format's limit is 65535 bytes"
    );
}

#[test]
fn a_raw_entry_of_a_known_type_is_read_as_that_type() {
    let raw = "D:(RAW;0x00001400000100000101000000000001000000000)";
    assert!(SecurityDescriptor::from_sddl(raw, None).is_err());
    let sd = sddl("D:(RAW;0x0000140000010000010100000000000100000000)");
    assert_eq!(sd.dacl().acl().unwrap().aces()[0].kind(), AceType::Allow);
    assert_eq!(sd.to_sddl(), "D:(A;;CR;;;WD)");
}
