//! Editing: what is refused and with which words, and layouts that parts share.

use sendgate_core::secdesc::edit::{EditError, GrantForm, add_grant, explicit_entries, find_entry, remove_grant};
use sendgate_core::secdesc::{MAX_ACL_BYTES, SecurityDescriptor};

use crate::made::*;

fn added(text: &str, form: GrantForm) -> Result<String, String> {
    add_grant(&sddl(text), &sid(ACCOUNT), form).map(|sd| sd.to_sddl()).map_err(|error| error.to_string())
}

fn removed(text: &str, form: GrantForm) -> Result<String, String> {
    remove_grant(&sddl(text), &sid(ACCOUNT), form).map(|sd| sd.to_sddl()).map_err(|error| error.to_string())
}

const OBJECT: &str = "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1104)";
const USERS: &str =
    "(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)";
const PERSONS: &str =
    "(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;4828cc14-1437-45bc-9b07-ad6f015e5f28;S-1-5-21-1-2-3-1104)";
const FORMS: [(GrantForm, &str); 3] =
    [(GrantForm::Object, OBJECT), (GrantForm::ContainerUsers, USERS), (GrantForm::ContainerInetOrgPersons, PERSONS)];

#[test]
fn each_form_is_the_entry_that_its_place_needs() {
    for (form, entry) in FORMS {
        let before = "D:PAI(D;;CR;;;WD)(A;;RP;;;SY)(A;CIID;RP;;;SY)";
        let after = format!("D:PAI(D;;CR;;;WD)(A;;RP;;;SY){entry}(A;CIID;RP;;;SY)");
        assert_eq!(added(before, form), Ok(after.clone()));
        assert_eq!(removed(&after, form), Ok(before.to_owned()));
        assert_eq!(find_entry(&sddl(&after), &sid(ACCOUNT), form), Some(2));
        assert_eq!(find_entry(&sddl(before), &sid(ACCOUNT), form), None);
        assert_eq!(find_entry(&sddl(&after), &sid(GROUP), form), None);
    }
}

#[test]
fn forms_are_not_taken_for_each_other() {
    let all = format!("D:{OBJECT}{USERS}{PERSONS}");
    for (index, (form, entry)) in FORMS.into_iter().enumerate() {
        assert_eq!(find_entry(&sddl(&all), &sid(ACCOUNT), form), Some(index));
        assert_eq!(removed(&all, form), Ok(all.replace(entry, "")));
    }
}

#[test]
fn the_first_entry_of_an_empty_list_and_the_first_before_inherited_ones() {
    assert_eq!(added("D:", GrantForm::Object), Ok(format!("D:{OBJECT}")));
    assert_eq!(added("D:(A;ID;RP;;;SY)", GrantForm::Object), Ok(format!("D:{OBJECT}(A;ID;RP;;;SY)")));
}

#[test]
fn an_inherited_copy_is_not_the_entry() {
    let inherited = OBJECT.replace("OA;;", "OA;ID;");
    assert_eq!(added(&format!("D:{inherited}"), GrantForm::Object), Ok(format!("D:{OBJECT}{inherited}")));
    assert_eq!(
        removed(&format!("D:{inherited}"), GrantForm::Object),
        Err(format!("the entry is not removed: there is no explicit entry {OBJECT} in the DACL, nothing to undo"))
    );
}

#[test]
fn refused_because_it_is_there() {
    let text = "the entry is not added: entry 1 is it already, there is nothing to do";
    assert_eq!(added(&format!("D:(A;;RP;;;SY){OBJECT}"), GrantForm::Object), Err(text.to_owned()));
    let with_more = OBJECT.replace(')', ";#00000000)");
    assert_eq!(added(&format!("D:(A;;RP;;;SY){with_more}"), GrantForm::Object), Err(text.to_owned()));
}

#[test]
fn refused_because_of_the_order() {
    assert_eq!(
        added("D:(A;;RP;;;SY)(D;;CR;;;WD)", GrantForm::Object),
        Err("the entry is not added: the DACL is not in canonical order, entry 1 (D;;CR;;;WD) stands behind an explicit \
             entry that allows; have the directory team put it in order, Sendgate does not sort"
            .to_owned())
    );
    assert_eq!(
        added("D:(A;ID;RP;;;SY)(A;;RP;;;SY)(A;;CR;;;WD)", GrantForm::ContainerUsers),
        Err("the entry is not added: the DACL is not in canonical order, entry 1 (A;;RP;;;SY) stands behind an \
             inherited entry; have the directory team put it in order, Sendgate does not sort"
            .to_owned())
    );
    // Inherited denies behind inherited allows are in order: they come from different parents.
    assert!(added("D:(A;ID;RP;;;SY)(D;ID;CR;;;WD)", GrantForm::Object).is_ok());
}

#[test]
fn refused_because_there_is_no_list() {
    let not_shown = "the entry is not changed: the DACL was not shown, so what is in it is unknown; read it with an \
                     account that may read it";
    let null = "the entry is not changed: the DACL is null, which allows everything to everybody; have the directory \
                team look at this object";
    for edit in [added, removed] {
        assert_eq!(edit("O:SY", GrantForm::Object), Err(not_shown.to_owned()));
        assert_eq!(edit("D:NO_ACCESS_CONTROL", GrantForm::Object), Err(null.to_owned()));
    }
}

#[test]
fn refused_because_of_the_size() {
    let entry = Entry { kind: 0, flags: 0, mask: 0x10, object: None, sid: "S-1-1-0", trailing: Vec::new() };
    let full = |count: usize| {
        let list = pack_acl(4, &vec![entry.clone(); count], 0);
        SecurityDescriptor::parse(&pack(0x8004, [None, None, None, Some(list)], [0, 1, 2, 3], 0)).unwrap()
    };
    // 8 bytes of header and 20 for each entry; the new one takes 56.
    let fits = (MAX_ACL_BYTES - 8 - 56) / 20;
    assert!(add_grant(&full(fits), &sid(ACCOUNT), GrantForm::Object).is_ok());
    let error = add_grant(&full(fits + 1), &sid(ACCOUNT), GrantForm::Object).unwrap_err();
    assert_eq!(error, EditError::TooLarge { size: 8 + 20 * (fits + 1) + 56 });
    let text = "the entry is not added: the DACL would have 65544 bytes, the limit is 65535; remove entries that are no \
                longer needed first";
    assert_eq!(error.to_string(), text);
}

#[test]
fn removing_takes_one_of_equal_entries_and_none_of_unequal_ones() {
    let twice = format!("D:{OBJECT}(A;;RP;;;SY){OBJECT}");
    assert_eq!(removed(&twice, GrantForm::Object), Ok(format!("D:{OBJECT}(A;;RP;;;SY)")));
    let other = OBJECT.replace(')', ";#00000000)");
    let text = format!(
        "the entry is not removed: entry 1 {other} means the same in other bytes, so it is not one that Sendgate wrote; \
         remove it by hand if it is not wanted"
    );
    assert_eq!(removed(&format!("D:{OBJECT}{other}"), GrantForm::Object), Err(text.clone()));
    assert_eq!(removed(&format!("D:(A;;RP;;;SY){other}"), GrantForm::Object), Err(text));
}

#[test]
fn explicit_entries_are_what_a_planned_grant_expects() {
    let sd = sddl(&format!("D:(D;;CR;;;WD){OBJECT}(A;CIID;RP;;;SY)"));
    let aces = sd.dacl().acl().unwrap().aces();
    assert_eq!(explicit_entries(&sd), vec![aces[0].to_bytes(), aces[1].to_bytes()]);
    assert_eq!(explicit_entries(&sddl("O:SY")), Vec::<Vec<u8>>::new());
}

#[test]
fn a_plain_list_becomes_one_that_may_hold_object_entries() {
    let entry = Entry { kind: 0, flags: 0, mask: 0x10, object: None, sid: "S-1-1-0", trailing: Vec::new() };
    let bytes = pack(0x8004, [None, None, None, Some(pack_acl(2, &[entry], 0))], [0, 1, 2, 3], 0);
    let sd = SecurityDescriptor::parse(&bytes).unwrap();
    let new = add_grant(&sd, &sid(ACCOUNT), GrantForm::Object).unwrap();
    assert_eq!(new.dacl().acl().unwrap().revision(), 4);
    let back = remove_grant(&new, &sid(ACCOUNT), GrantForm::Object).unwrap();
    assert_eq!(back.dacl().acl().unwrap().aces(), sd.dacl().acl().unwrap().aces());
}

#[test]
fn parts_that_share_bytes_are_laid_out_anew() {
    let entry = Entry { kind: 0, flags: 0, mask: 0x10, object: None, sid: GROUP, trailing: Vec::new() };
    // Eight bytes of slack behind the last entry stay with the list.
    let mut bytes = pack(0x8014, [None, None, None, Some(pack_acl(4, &[entry], 8))], [0, 1, 2, 3], 0);
    // Owner and group are the SID inside the entry, and the SACL is the DACL.
    for (field, offset) in [(4, 36), (8, 36), (12, 20)] {
        bytes[field] = offset;
    }
    let sd = SecurityDescriptor::parse(&bytes).unwrap();
    assert_eq!((sd.owner(), sd.group()), (Some(&sid(GROUP)), Some(&sid(GROUP))));
    assert_eq!(sd.as_bytes(), bytes);
    let new = add_grant(&sd, &sid(ACCOUNT), GrantForm::Object).unwrap();
    assert_eq!((new.owner(), new.group(), new.sacl()), (sd.owner(), sd.group(), sd.sacl()));
    assert!(new.as_bytes().ends_with(&[0xEE; 8]));
    assert_eq!(new.to_sddl(), sd.to_sddl().replace("S:", &format!("{OBJECT}S:")));
    let back = remove_grant(&new, &sid(ACCOUNT), GrantForm::Object).unwrap();
    assert_eq!(back.to_sddl(), sd.to_sddl());
}
