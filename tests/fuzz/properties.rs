//! What holds for every input, whoever made it. The fuzz targets and the ordinary test over the corpus both call these
//! functions, so that they cannot differ. A property that does not hold is a panic.

#![allow(dead_code, reason = "each fuzz target uses one of these functions")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot be unwrapped here is what was looked for")]

use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::access::{Effect, Token, TokenIndex, decide, explain, rule, walk};
use sendgate_core::secdesc::edit::{EditError, GrantForm, add_grant, remove_grant};
use sendgate_core::secdesc::{Ace, Acl, AclState, SecurityDescriptor};
use sendgate_core::sid::Sid;
use std::collections::BTreeMap;

/// Bytes that are read as a descriptor are written again as they were, survive SDDL and editing, and are judged alike by
/// every way of asking.
pub(crate) fn descriptor(bytes: &[u8]) {
    let Ok(sd) = SecurityDescriptor::parse(bytes) else { return };
    assert_eq!(sd.as_bytes(), bytes);
    written_entry_by_entry(&sd);
    through_sddl(&sd);
    judged(&sd);
    edited(&sd);
}

/// Text that is read as SDDL comes out as text that is read as the same descriptor, to the byte.
pub(crate) fn sddl(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let domain = Sid::new(5, &[21, 1, 2, 3]).unwrap();
    let Ok(sd) = SecurityDescriptor::from_sddl(text, Some(&domain)) else { return };
    let written = sd.to_sddl();
    assert_eq!(SecurityDescriptor::from_sddl(&written, None).unwrap(), sd, "{written}");
    descriptor(sd.as_bytes());
}

/// Text that is a name has one canonical form, and every name above it is one that it lies within.
pub(crate) fn dn(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = Dn::from(text);
    assert_eq!(name.as_str(), text);
    assert_eq!(name.is_well_formed(), Dn::parse(text).is_ok());
    if !name.is_well_formed() {
        assert_eq!(name.parent(), None);
        return;
    }
    let canonical = Dn::parse(&name.canonical()).unwrap();
    assert_eq!(canonical, name);
    assert_eq!(canonical.canonical(), name.canonical());
    let components = name.canonical().split(',').count();
    let (mut here, mut above) = (name.clone(), 0);
    while let Some(parent) = here.parent() {
        assert!(parent.is_well_formed(), "{parent:?}");
        assert!(here.is_within(&parent) && name.is_within(&parent) && !parent.is_within(&here), "{here:?} {parent:?}");
        assert_eq!(canonical.canonical().split(',').skip(above + 1).collect::<Vec<_>>().join(","), parent.canonical());
        (here, above) = (parent, above + 1);
    }
    assert_eq!(above + 1, components);
}

fn aces(state: &AclState) -> &[Ace] {
    state.acl().map_or(&[], Acl::aces)
}

/// The lists are in the bytes as their entries are written.
fn written_entry_by_entry(sd: &SecurityDescriptor) {
    let offset = |field: usize| {
        let word = sd.as_bytes().get(4 * field..).and_then(|rest| rest.first_chunk::<4>()).unwrap();
        u32::from_le_bytes(*word) as usize
    };
    for (state, field) in [(sd.sacl(), 3), (sd.dacl(), 4)] {
        let mut at = offset(field) + 8;
        for ace in aces(state) {
            let written = ace.to_bytes();
            assert_eq!(written.len(), ace.encoded_len());
            assert_eq!(sd.as_bytes().get(at..at + written.len()), Some(written.as_slice()));
            at += written.len();
        }
    }
}

fn through_sddl(sd: &SecurityDescriptor) {
    let written = sd.to_sddl();
    let again = SecurityDescriptor::from_sddl(&written, None).unwrap();
    assert_eq!(aces(again.dacl()), aces(sd.dacl()));
    assert_eq!(aces(again.sacl()), aces(sd.sacl()));
    assert_eq!((again.owner(), again.group()), (sd.owner(), sd.group()));
    assert_eq!(again.to_sddl(), written);
}

/// Some of the SIDs and rights that the descriptor speaks of, so that its entries are reached.
fn judged(sd: &SecurityDescriptor) {
    let trustees: Vec<&Sid> = aces(sd.dacl()).iter().filter_map(Ace::sid).collect();
    let every =
        |first: usize, step: usize| trustees.iter().skip(first).step_by(step).map(|sid| (*sid).clone()).collect();
    let tokens = [
        Token { certain: every(0, 2), uncertain: every(1, 3) },
        Token { certain: every(0, 1), ..Token::default() },
        Token { uncertain: every(0, 1), ..Token::default() },
    ];
    let rights = aces(sd.dacl()).iter().filter_map(Ace::object_type).take(2).chain([Guid::SEND_AS]);
    let own = trustees.last().map_or_else(Sid::everyone, |sid| (*sid).clone());
    for right in rights {
        for token in &tokens {
            let index = TokenIndex::of(token);
            let decision = decide(sd, token, &right, &own);
            assert_eq!(rule(sd, &index, &right, &own).to_decision(), decision);
            let steps = walk(sd, token, &right, &own);
            assert_eq!(steps.len(), aces(sd.dacl()).len());
            let first = steps.iter().find(|step| !matches!(step.effect, Effect::Skipped(_)));
            assert_eq!(first.map(|step| step.index), decision.deciding.as_ref().map(|entry| entry.index));
            assert_eq!(explain(sd, token, &right, &own).len(), steps.len());
            let granted_for_certain = decision.granted() && token.certain.is_empty();
            assert!(!granted_for_certain || *sd.dacl() == AclState::Null, "granted to nobody");
        }
    }
}

/// What is added can be removed, and nothing else has changed. Where parts share bytes, the layout may.
fn edited(sd: &SecurityDescriptor) {
    let account = Sid::new(5, &[21, 9, 9, 9, 9]).unwrap();
    for form in [GrantForm::Object, GrantForm::ContainerUsers, GrantForm::ContainerInetOrgPersons] {
        let _ = remove_grant(sd, &account, form);
        let added = match add_grant(sd, &account, form) {
            Ok(added) => added,
            Err(EditError::ReadBack(error)) => panic!("an edit that cannot be read back: {error}"),
            Err(_) => continue,
        };
        // As a multiset: the new entry, and all that were there.
        let mut count: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        aces(added.dacl()).iter().for_each(|ace| *count.entry(ace.to_bytes()).or_default() += 1);
        aces(sd.dacl()).iter().for_each(|ace| *count.entry(ace.to_bytes()).or_default() -= 1);
        count.retain(|_, left| *left != 0);
        assert_eq!(count, BTreeMap::from([(form.entry(&account).unwrap().to_bytes(), 1)]));
        let removed = remove_grant(&added, &account, form).unwrap();
        assert_eq!(aces(removed.dacl()), aces(sd.dacl()));
        assert_eq!((removed.owner(), removed.group(), removed.sacl()), (sd.owner(), sd.group(), sd.sacl()));
        assert_eq!((removed.control(), removed.resource_manager()), (sd.control(), sd.resource_manager()));
    }
}
