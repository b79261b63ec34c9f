//! What holds for every descriptor.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sendgate_core::guid::Guid;
use sendgate_core::secdesc::access::{Decision, Effect, Outcome, Token, TokenIndex, decide, rule, walk};
use sendgate_core::secdesc::edit::{GrantForm, add_grant, remove_grant};
use sendgate_core::secdesc::{AclState, SecurityDescriptor};

use crate::made::*;

fn send_as(sd: &SecurityDescriptor, token: &Token) -> Decision {
    decide(sd, token, &Guid::SEND_AS, &sid(OWN))
}

fn with_entries(entries: &[Entry]) -> SecurityDescriptor {
    SecurityDescriptor::parse(&pack(0x8004, [None, None, None, Some(pack_acl(4, entries, 0))], [0, 1, 2, 3], 0))
        .unwrap()
}

fn raws(sd: &SecurityDescriptor) -> Vec<Vec<u8>> {
    sd.dacl().acl().map_or(Vec::new(), |acl| acl.aces().iter().map(|ace| ace.to_bytes().to_vec()).collect())
}

/// Everything that can be asked of a descriptor; none of it may panic.
fn ask_everything(sd: &SecurityDescriptor, token: &Token) {
    let _ = (sd.to_sddl(), send_as(sd, token));
    for form in [GrantForm::Object, GrantForm::ContainerUsers, GrantForm::ContainerInetOrgPersons] {
        let _ = (add_grant(sd, &sid(ACCOUNT), form), remove_grant(sd, &sid(ACCOUNT), form));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), token in any_token()) {
        if let Ok(sd) = SecurityDescriptor::parse(&bytes) {
            ask_everything(&sd, &token);
        }
    }

    #[test]
    fn no_damage_makes_the_reader_panic(bytes in damaged(), token in any_token()) {
        if let Ok(sd) = SecurityDescriptor::parse(&bytes) {
            ask_everything(&sd, &token);
        }
    }

    #[test]
    fn what_is_read_is_what_was_packed(made in any_made()) {
        let sd = made.parsed();
        prop_assert_eq!(sd.to_bytes(), made.bytes.clone());
        prop_assert_eq!(sd.resource_manager(), 0x5A);
        let aces = sd.dacl().acl().unwrap().aces();
        prop_assert_eq!(aces.len(), made.entries.len());
        for (ace, entry) in aces.iter().zip(&made.entries) {
            prop_assert_eq!(ace.to_bytes(), entry.bytes());
            prop_assert_eq!(ace.kind().code(), entry.kind);
            prop_assert_eq!(ace.flags().0, entry.flags);
            let known = !OTHER_KINDS.contains(&entry.kind);
            prop_assert_eq!(ace.mask().map(|m| m.0), known.then_some(entry.mask));
            prop_assert_eq!(ace.sid().cloned(), known.then(|| sid(entry.sid)));
            let object = entry.object.unwrap_or((0, Guid::SEND_AS, Guid::SEND_AS));
            prop_assert_eq!(ace.object_type(), (object.0 & 1 != 0).then_some(object.1));
            prop_assert_eq!(ace.inherited_object_type(), (object.0 & 2 != 0).then_some(object.2));
            prop_assert_eq!(ace.trailing(), if known { entry.trailing.as_slice() } else { &[] });
        }
    }

    #[test]
    fn sddl_out_and_in_gives_the_same_entries(made in any_made()) {
        let sd = made.parsed();
        let again = SecurityDescriptor::from_sddl(&sd.to_sddl(), None).unwrap();
        prop_assert_eq!(raws(&again), raws(&sd));
        prop_assert_eq!((again.owner(), again.group()), (sd.owner(), sd.group()));
        prop_assert_eq!(again.dacl_protected(), sd.dacl_protected());
        prop_assert_eq!(again.sacl().acl().map(|a| a.aces()), sd.sacl().acl().map(|a| a.aces()));
        prop_assert_eq!(again.to_sddl(), sd.to_sddl());
    }

    #[test]
    fn no_text_makes_the_sddl_reader_panic(text in "[ODGS:()A;#x0-9a-f…-]{0,40}", any_text in any::<String>()) {
        let _ = SecurityDescriptor::from_sddl(&text, None);
        let _ = SecurityDescriptor::from_sddl(&any_text, None);
    }

    #[test]
    fn no_damage_makes_the_sddl_reader_panic(made in any_made(), at in any::<Index>(), with in any::<char>()) {
        let mut text: Vec<char> = made.parsed().to_sddl().chars().collect();
        let at = at.index(text.len());
        text[at] = with;
        let _ = SecurityDescriptor::from_sddl(&text.into_iter().collect::<String>(), None);
    }

    #[test]
    fn adding_then_removing_gives_the_same_bytes(made in canonical_made()) {
        let sd = made.parsed();
        for form in [GrantForm::Object, GrantForm::ContainerUsers, GrantForm::ContainerInetOrgPersons] {
            let Ok(added) = add_grant(&sd, &sid("S-1-5-21-9-9-9-9"), form) else {
                return Err(TestCaseError::fail("a canonical list was refused"));
            };
            prop_assert_ne!(added.as_bytes(), sd.as_bytes());
            let removed = remove_grant(&added, &sid("S-1-5-21-9-9-9-9"), form).unwrap();
            prop_assert_eq!(removed.as_bytes(), sd.as_bytes());
        }
    }

    #[test]
    fn adding_leaves_every_other_entry_and_part_alone(made in canonical_made()) {
        let sd = made.parsed();
        let added = add_grant(&sd, &sid("S-1-5-21-9-9-9-9"), GrantForm::ContainerUsers).unwrap();
        let explicit = made.entries.iter().filter(|e| e.flags & 0x10 == 0).count();
        let mut entries = raws(&added);
        let new = entries.remove(explicit);
        let grant = GrantForm::ContainerUsers.entry(&sid("S-1-5-21-9-9-9-9")).unwrap();
        prop_assert_eq!(&new, &grant.to_bytes());
        prop_assert_eq!(entries, raws(&sd));
        prop_assert_eq!((added.owner(), added.group(), added.sacl()), (sd.owner(), sd.group(), sd.sacl()));
        prop_assert_eq!((added.control(), added.resource_manager()), (sd.control(), sd.resource_manager()));
        prop_assert_eq!(added.as_bytes().len(), sd.as_bytes().len() + new.len());
    }

    #[test]
    fn a_grant_on_the_object_grants_unless_an_entry_denies(made in canonical_made(), token in any_token()) {
        let mut token = token;
        token.certain.insert(sid("S-1-5-21-9-9-9-9"));
        let explicit: Vec<_> = made.entries.iter().filter(|e| e.flags & 0x10 == 0).cloned().collect();
        let before = send_as(&with_entries(&explicit), &token);
        let added = add_grant(&made.parsed(), &sid("S-1-5-21-9-9-9-9"), GrantForm::Object).unwrap();
        prop_assert_eq!(send_as(&added, &token).granted(), before.outcome != Outcome::Denied);
    }

    #[test]
    fn entries_of_others_change_nothing(
        made in any_made(), token in any_token(), other in any_entry(), at in any::<Index>(),
    ) {
        let own_token = token.certain.iter().chain(&token.uncertain).any(|s| *s == sid("S-1-5-21-8-8-8-8"));
        prop_assert!(!own_token);
        let mut entries = made.entries.clone();
        entries.insert(at.index(entries.len() + 1), Entry { sid: "S-1-5-21-8-8-8-8", ..other });
        let (before, after) = (send_as(&made.parsed(), &token), send_as(&with_entries(&entries), &token));
        prop_assert_eq!(before.outcome, after.outcome);
        prop_assert_eq!(before.deciding.map(|d| (d.ace, d.via_sid)), after.deciding.map(|d| (d.ace, d.via_sid)));
    }

    #[test]
    fn a_deny_in_front_always_denies(
        made in any_made(), token in any_token(), certain in any::<bool>(), kind in select(vec![1_u8, 6, 10, 12]),
    ) {
        let mut token = token;
        if certain { token.certain.insert(sid(ACCOUNT)); } else { token.uncertain.insert(sid(ACCOUNT)); }
        let object = (kind == 6 || kind == 12).then_some((1, Guid::SEND_AS, Guid::SEND_AS));
        let deny = Entry { kind, flags: 0, mask: 0x100, object, sid: ACCOUNT, trailing: Vec::new() };
        let entries: Vec<_> = std::iter::once(deny).chain(made.entries).collect();
        let decision = send_as(&with_entries(&entries), &token);
        prop_assert_eq!(decision.outcome, Outcome::Denied);
        prop_assert_eq!(decision.deciding.unwrap().index, 0);
    }

    #[test]
    fn less_certainty_never_grants(made in any_made(), token in any_token()) {
        let sd = made.parsed();
        let known = Token { uncertain: Default::default(), ..token.clone() };
        let all_uncertain = Token { certain: Default::default(), uncertain: token.certain.clone() };
        prop_assert!(!send_as(&sd, &all_uncertain).granted());
        prop_assert!(!send_as(&sd, &token).granted() || send_as(&sd, &known).granted());
    }

    #[test]
    fn the_walk_and_the_decision_are_one(made in any_made(), token in any_token()) {
        let sd = made.parsed();
        let steps = walk(&sd, &token, &Guid::SEND_AS, &sid(OWN));
        prop_assert_eq!(steps.len(), made.entries.len());
        let first = steps.iter().find(|step| !matches!(step.effect, Effect::Skipped(_)));
        let decision = send_as(&sd, &token);
        prop_assert_eq!(first.map(|s| s.index), decision.deciding.as_ref().map(|d| d.index));
        prop_assert_eq!(first.is_some_and(|s| matches!(s.effect, Effect::Allowed(_))), decision.granted());
        let decides: Vec<_> = steps.iter().filter(|step| step.decides).map(|step| step.index).collect();
        prop_assert_eq!(decides, decision.deciding.iter().map(|d| d.index).collect::<Vec<_>>());
    }

    #[test]
    fn an_indexed_token_decides_like_the_plain_one(made in any_made(), token in any_token()) {
        let (sd, own, index) = (made.parsed(), sid(OWN), TokenIndex::of(&token));
        let ruling = rule(&sd, &index, &Guid::SEND_AS, &own);
        prop_assert_eq!(ruling.to_decision(), send_as(&sd, &token));
        prop_assert_eq!(ruling.granted(), send_as(&sd, &token).granted());
        prop_assert_eq!(walk(&sd, &index, &Guid::SEND_AS, &own), walk(&sd, &token, &Guid::SEND_AS, &own));
    }

    #[test]
    fn a_list_that_was_not_shown_never_grants(made in any_made(), token in any_token()) {
        let mut bytes = made.bytes;
        bytes[2] &= !0x04;
        let sd = SecurityDescriptor::parse(&bytes).unwrap();
        prop_assert_eq!(sd.dacl(), &AclState::Absent);
        let decision = send_as(&sd, &token);
        prop_assert_eq!((decision.granted(), decision.outcome), (false, Outcome::Unreadable));
    }
}
