//! SIDs and GUIDs, in bytes and in text.

use proptest::prelude::*;
use sendgate_core::guid::Guid;
use sendgate_core::sid::{MAX_SUB_AUTHORITIES, Sid, SidError};

use crate::made::{pack_sid, sid};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sid_survives_bytes_text_and_json(
        authority in 0..1_u64 << 48, subs in prop::collection::vec(any::<u32>(), 0..16),
    ) {
        let sid = Sid::new(authority, &subs).unwrap();
        prop_assert_eq!(&Sid::from_bytes(&sid.to_bytes()).unwrap(), &sid);
        prop_assert_eq!(sid.to_bytes().len(), sid.encoded_len());
        prop_assert_eq!(&sid.to_string().parse::<Sid>().unwrap(), &sid);
        let json = serde_json::to_string(&sid).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Sid>(&json).unwrap(), &sid);
    }

    #[test]
    fn no_bytes_or_text_make_a_sid_or_guid_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80), text in "\\PC{0,60}",
    ) {
        let _ = (Sid::from_bytes(&bytes), text.parse::<Sid>(), text.parse::<Guid>());
    }

    #[test]
    fn a_guid_survives_text(bytes in any::<[u8; 16]>()) {
        let guid = Guid::from_bytes(bytes);
        prop_assert_eq!(guid.to_string().parse::<Guid>().unwrap(), guid);
        prop_assert_eq!(guid.to_bytes(), bytes);
    }
}

#[test]
fn sids_are_packed_as_the_specification_says() {
    for text in ["S-1-1-0", "S-1-5-32-544", "S-1-5-21-4294967295-2-3-1104"] {
        assert_eq!(sid(text).to_bytes(), pack_sid(text));
        assert_eq!(sid(text).to_string(), text);
    }
    assert_eq!(sid("S-1-0x1234567890ab-1").to_string(), "S-1-0x1234567890ab-1");
    assert_eq!(sid("S-1-0x00000005-1").to_string(), "S-1-5-1");
    assert_eq!(sid("S-1-5-10"), Sid::principal_self());
}

#[test]
fn relatives_and_well_known_ones() {
    let account = sid("S-1-5-21-1-2-3-1104");
    assert_eq!(account.rid(), Some(1104));
    assert_eq!(account.domain(), Some(sid("S-1-5-21-1-2-3")));
    assert_eq!(sid("S-1-5-21-1-2-3").child(1104).unwrap(), account);
    for no_account in ["S-1-5-32-544", "S-1-1-0", "S-1-5-21-1-2-3", "S-1-5-21-1-2-3-4-5", "S-1-4-21-1-2-3-4"] {
        assert_eq!(sid(no_account).domain(), None, "{no_account}");
    }
    let known =
        [Sid::everyone(), Sid::authenticated_users(), Sid::network(), Sid::this_organization(), Sid::principal_self()];
    assert_eq!(known.map(|s| s.to_string()), ["S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-15", "S-1-5-10"]);
    let full = Sid::new(5, &[1; MAX_SUB_AUTHORITIES]).unwrap();
    assert_eq!(full.child(1), Err(SidError::TooManySubAuthorities(16)));
}

#[test]
fn errors_of_sids_say_what_is_wrong() {
    let of_text = |text: &str| text.parse::<Sid>().unwrap_err().to_string();
    let hint = "write it as S-1-<authority>-<number>-…, for example S-1-5-21-1-2-3-1104";
    for (text, problem) in [
        ("", "it does not start with S-"),
        ("S-2-5", "its revision is not 1"),
        ("S-1", "the authority is missing"),
        ("S-1-", "the authority is not a number of at most 48 bits"),
        ("S-1-0x1000000000000", "the authority is not a number of at most 48 bits"),
        ("S-1-5-+1", "a subauthority is not a number of at most 32 bits"),
        ("S-1-5-4294967296", "a subauthority is not a number of at most 32 bits"),
        ("S-1-5-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "it has more than 15 subauthorities"),
    ] {
        assert_eq!(of_text(text), format!("{text:?} is not a SID: {problem}; {hint}"));
    }
    let mut bytes = pack_sid("S-1-1-0");
    let cut = Sid::from_bytes(&bytes[..11]).unwrap_err().to_string();
    assert_eq!(cut, "a SID needs 12 bytes here and only 11 are left: the value is cut off or not a SID");
    bytes.push(0);
    let long = Sid::from_bytes(&bytes).unwrap_err().to_string();
    assert_eq!(long, "1 bytes follow the SID: the value is longer than its own subauthority count says");
    assert_eq!(
        Sid::new(1 << 48, &[]).unwrap_err().to_string(),
        format!("\"S-1-0x1000000000000\" is not a SID: the authority is larger than 48 bits; {hint}")
    );
}

#[test]
fn guids_are_mixed_endian_and_the_rights_are_the_published_ones() {
    let bytes = [0x54, 0x1a, 0x72, 0xab, 0x2f, 0x1e, 0xd0, 0x11, 0x98, 0x19, 0x00, 0xaa, 0x00, 0x40, 0x52, 0x9b];
    assert_eq!(Guid::SEND_AS.to_bytes(), bytes);
    for (guid, text) in [
        (Guid::SEND_AS, "ab721a54-1e2f-11d0-9819-00aa0040529b"),
        (Guid::SEND_TO, "ab721a55-1e2f-11d0-9819-00aa0040529b"),
        (Guid::RECEIVE_AS, "ab721a56-1e2f-11d0-9819-00aa0040529b"),
        (Guid::USER_CHANGE_PASSWORD, "ab721a53-1e2f-11d0-9819-00aa0040529b"),
        (Guid::USER_FORCE_CHANGE_PASSWORD, "00299570-246d-11d0-a768-00aa006e0529"),
        (Guid::CLASS_USER, "bf967aba-0de6-11d0-a285-00aa003049e2"),
        (Guid::CLASS_INETORGPERSON, "4828cc14-1437-45bc-9b07-ad6f015e5f28"),
        (Guid::CLASS_GROUP, "bf967a9c-0de6-11d0-a285-00aa003049e2"),
        (Guid::CLASS_COMPUTER, "bf967a86-0de6-11d0-a285-00aa003049e2"),
        (Guid::CLASS_OU, "bf967aa5-0de6-11d0-a285-00aa003049e2"),
    ] {
        assert_eq!(guid.to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Guid>().unwrap(), guid);
        assert_eq!(format!("{{{text}}}").parse::<Guid>().unwrap(), guid);
    }
    for text in [
        "",
        "{ab721a54-1e2f-11d0-9819-00aa0040529b",
        "ab721a541e2f11d0981900aa0040529b",
        "ab721a54-1e2f-11d0-9819-00aa0040529b-1",
        "+b721a54-1e2f-11d0-9819-00aa0040529b",
    ] {
        let error = text.parse::<Guid>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{text:?} is not a GUID: write 32 hexadecimal digits as ab721a54-1e2f-11d0-9819-00aa0040529b")
        );
    }
}
