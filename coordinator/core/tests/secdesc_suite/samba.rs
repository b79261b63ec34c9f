//! Descriptors that Samba 4.17 packed, and their SDDL as Samba printed it.
//!
//! `user`: the schema's default descriptor of class user with inherited entries and a SACL behind it.
//! `domain`: what provisioning puts on a domain head.

use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::{Outcome, decide};
use sendgate_core::secdesc::edit::{GrantForm, add_grant, remove_grant};

use crate::made::*;

const FIXTURES: [(&str, &str, usize); 2] = [
    (include_str!("samba/user.hex"), include_str!("samba/user.sddl"), 27),
    (include_str!("samba/domain.hex"), include_str!("samba/domain.sddl"), 46),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn user() -> SecurityDescriptor {
    SecurityDescriptor::parse(&bytes(FIXTURES[0].0)).unwrap()
}

#[test]
fn bytes_and_text_agree_with_samba() {
    for (hex, text, entries) in FIXTURES {
        let bytes = bytes(hex);
        let sd = SecurityDescriptor::parse(&bytes).unwrap();
        assert_eq!(sd.to_bytes(), bytes);
        assert_eq!(sd.dacl().acl().unwrap().aces().len(), entries);
        assert_eq!(sd.to_sddl(), text.trim_end());
        let read = SecurityDescriptor::from_sddl(text.trim_end(), None).unwrap();
        // Samba sometimes writes revision 2 for a SACL that holds object entries; ours is 4.
        let mut expected = bytes;
        let sacl = u32::from_le_bytes(*expected[12..].first_chunk().unwrap()) as usize;
        expected[sacl] = 4;
        assert_eq!(read.as_bytes(), expected);
    }
}

#[test]
fn the_default_user_descriptor_gives_send_as_to_self_and_blanket_rights_to_administrators() {
    let sd = user();
    let ask = |sids: &[&str]| {
        let decision = decide(&sd, &token(sids), &Guid::SEND_AS, &sid(OWN));
        (decision.outcome, decision.deciding.map(|d| (d.index, d.inherited)))
    };
    assert_eq!(ask(&[STRANGER, "S-1-1-0", "S-1-5-11"]), (Outcome::NoEntry, None));
    assert_eq!(ask(&[OWN, "S-1-1-0", "S-1-5-11"]), (Outcome::Granted, Some((5, false))));
    assert_eq!(ask(&["S-1-5-21-1-2-3-512"]), (Outcome::Granted, Some((0, false))));
    assert_eq!(ask(&["S-1-5-32-548"]), (Outcome::Granted, Some((2, false))));
    // The entry that flowed from the domain head: container-inherit with a class, and in force.
    assert_eq!(ask(&[ACCOUNT]), (Outcome::Granted, Some((24, true))));
}

#[test]
fn a_grant_goes_in_and_out_of_real_descriptors() {
    for (hex, _, entries) in FIXTURES {
        let sd = SecurityDescriptor::parse(&bytes(hex)).unwrap();
        let added = add_grant(&sd, &sid(STRANGER), GrantForm::ContainerUsers).unwrap();
        assert_eq!(added.dacl().acl().unwrap().aces().len(), entries + 1);
        assert_eq!(remove_grant(&added, &sid(STRANGER), GrantForm::ContainerUsers).unwrap(), sd);
    }
}
