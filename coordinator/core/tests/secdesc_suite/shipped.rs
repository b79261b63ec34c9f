//! One test for each error that evaluators of this right have shipped with; each name says what is right.

use sendgate_core::guid::Guid;
use sendgate_core::secdesc::access::{Effect, Outcome, Skip, Token, decide, walk};
use sendgate_core::secdesc::{AceType, ParseError, SecurityDescriptor};

use crate::made::*;

const GRANT: &str = "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1104)";

/// The outcome for the account, and the index of the entry that decided.
fn outcome(sd: &SecurityDescriptor) -> (Outcome, Option<usize>) {
    outcome_for(sd, &token(&[ACCOUNT, GROUP, "S-1-1-0", "S-1-5-11"]))
}

fn outcome_for(sd: &SecurityDescriptor, token: &Token) -> (Outcome, Option<usize>) {
    let decision = decide(sd, token, &Guid::SEND_AS, &sid(OWN));
    (decision.outcome, decision.deciding.map(|d| d.index))
}

fn of(entries: &str) -> (Outcome, Option<usize>) {
    outcome(&sddl(&format!("D:{entries}")))
}

fn allow_entry() -> Entry {
    Entry { kind: 0, flags: 0, mask: 0x100, object: None, sid: "S-1-1-0", trailing: vec![] }
}

/// A descriptor with one entry, which allows to Everyone: the list at byte 20, its size at 22, its count at 24, the
/// entry at 28, the entry's size at 30.
fn one_allow() -> Vec<u8> {
    pack(0x8004, [None, None, None, Some(pack_acl(4, &[allow_entry()], 0))], [0, 1, 2, 3], 0)
}

#[test]
fn a_deny_is_not_ignored() {
    assert_eq!(
        of(&format!("(OD;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{GROUP}){GRANT}")),
        (Outcome::Denied, Some(0))
    );
    assert_eq!(of(&format!("(D;;CR;;;WD){GRANT}")), (Outcome::Denied, Some(0)));
}

#[test]
fn stored_order_decides_and_nothing_is_sorted() {
    assert_eq!(of(&format!("{GRANT}(D;;CR;;;WD)")), (Outcome::Granted, Some(0)));
    let explicit_over_inherited = of(&format!("{GRANT}(D;ID;CR;;;WD)"));
    assert_eq!(explicit_over_inherited, (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("(A;ID;CR;;;{ACCOUNT})(D;;CR;;;WD)")), (Outcome::Granted, Some(0)));
}

#[test]
fn a_deny_of_another_level_does_not_reach_over_what_stands_before_it() {
    // What came from the parent stands before what came from further up, and both behind what is the object's own.
    let (deny, allow) = (format!("(D;CIID;CR;;;{GROUP})"), GRANT.replace(";;CR", ";CIID;CR"));
    assert_eq!(of(&format!("{GRANT}{deny}")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("{allow}{deny}")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("{deny}{allow}")), (Outcome::Denied, Some(0)));
    assert_eq!(of(&format!("(D;;CR;;;{GROUP}){allow}")), (Outcome::Denied, Some(0)));
}

#[test]
fn inherit_only_does_not_count_on_the_holder() {
    for flags in ["IO", "CIIO", "CIIOID", "OICIIO"] {
        let guids = "ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2";
        assert_eq!(of(&format!("(OA;{flags};CR;{guids};{ACCOUNT})")), (Outcome::NoEntry, None));
        assert_eq!(of(&format!("(D;{flags};CR;;;{ACCOUNT}){GRANT}")), (Outcome::Granted, Some(1)));
    }
}

#[test]
fn container_inherit_with_a_class_but_without_inherit_only_counts_on_the_holder() {
    for class in ["bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"] {
        let entry = format!("(OA;CI;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;{class};{ACCOUNT})");
        assert_eq!(of(&entry), (Outcome::Granted, Some(0)));
        assert_eq!(of(&entry.replace(";CI;", ";CIID;")), (Outcome::Granted, Some(0)));
    }
}

#[test]
fn self_is_the_object_and_not_the_account() {
    let sd = sddl("D:(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;PS)");
    assert_eq!(outcome(&sd), (Outcome::NoEntry, None));
    let steps = walk(&sd, &token(&[ACCOUNT]), &Guid::SEND_AS, &sid(OWN));
    assert_eq!(steps[0].effect, Effect::Skipped(Skip::NotSelf));
    assert_eq!(outcome_for(&sd, &token(&[OWN])), (Outcome::Granted, Some(0)));
    // A token that claims to be SELF is nobody's.
    assert_eq!(outcome_for(&sd, &token(&["S-1-5-10"])), (Outcome::NoEntry, None));
    let via = decide(&sd, &token(&[OWN]), &Guid::SEND_AS, &sid(OWN)).deciding.unwrap().via_sid;
    assert_eq!(via, sid(OWN));
}

#[test]
fn blanket_control_access_counts() {
    assert_eq!(of(&format!("(A;;CR;;;{ACCOUNT})")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("(D;;CR;;;{ACCOUNT}){GRANT}")), (Outcome::Denied, Some(0)));
    // An object entry without an object type covers every right as well.
    assert_eq!(of(&format!("(OA;;CR;;;{ACCOUNT})")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("(OD;;CR;;;{ACCOUNT}){GRANT}")), (Outcome::Denied, Some(0)));
}

#[test]
fn full_control_counts() {
    assert_eq!(of(&format!("(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{GROUP})")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("(A;;0xf01ff;;;{ACCOUNT})")), (Outcome::Granted, Some(0)));
    assert_eq!(of(&format!("(D;;0xf01ff;;;{ACCOUNT}){GRANT}")), (Outcome::Denied, Some(0)));
}

#[test]
fn object_entries_as_exchange_writes_them_are_not_full_control() {
    // Full masks on a property set or on a class, as setup writes them, say nothing about Send As.
    let everything = "RPWPCRCCDCLCLORCWOWDSDDTSW";
    for guid in ["e48d0154-bcf8-11d1-8702-00c04fb96050", "bf967aba-0de6-11d0-a285-00aa003049e2"] {
        assert_eq!(of(&format!("(OA;;{everything};{guid};;{ACCOUNT})")), (Outcome::NoEntry, None));
        assert_eq!(of(&format!("(OD;;{everything};{guid};;{ACCOUNT}){GRANT}")), (Outcome::Granted, Some(1)));
    }
    assert_eq!(of(&format!("(OA;;RPWP;ab721a54-1e2f-11d0-9819-00aa0040529b;;{ACCOUNT})")), (Outcome::NoEntry, None));
}

#[test]
fn neighbouring_guids_are_other_rights() {
    for other in [Guid::USER_CHANGE_PASSWORD, Guid::SEND_TO, Guid::RECEIVE_AS] {
        let sd = sddl(&format!("D:(OA;;CR;{other};;{ACCOUNT})"));
        assert_eq!(outcome(&sd), (Outcome::NoEntry, None));
        let steps = walk(&sd, &token(&[ACCOUNT]), &Guid::SEND_AS, &sid(OWN));
        assert_eq!(steps[0].effect, Effect::Skipped(Skip::OtherRight(other)));
        assert_eq!(decide(&sd, &token(&[ACCOUNT]), &other, &sid(OWN)).outcome, Outcome::Granted);
    }
}

#[test]
fn a_sacl_that_is_present_does_not_hide_the_dacl() {
    let text = format!("O:SYG:SYD:{GRANT}S:(AU;SA;CR;;;WD)(D;;CR;;;WD)");
    assert_eq!(outcome(&sddl(&text)), (Outcome::Granted, Some(0)));
    let dacl = pack_acl(4, &[Entry { sid: ACCOUNT, ..allow_entry() }], 0);
    let sacl = pack_acl(2, &[Entry { kind: 1, sid: ACCOUNT, ..allow_entry() }], 0);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]] {
        let bytes = pack(0x8014, [Some(pack_sid(GROUP)), None, Some(sacl.clone()), Some(dacl.clone())], order, 0);
        assert_eq!(outcome(&SecurityDescriptor::parse(&bytes).unwrap()), (Outcome::Granted, Some(0)));
    }
}

#[test]
fn an_ace_size_that_lies_is_an_error_and_no_verdict() {
    let mut bytes = one_allow();
    for size in [0, 3, 4, 16, 19, 21, 0xFF] {
        bytes[30] = size;
        let error = SecurityDescriptor::parse(&bytes).unwrap_err();
        assert!(matches!(error, ParseError::AceSize { index: 0, .. }), "size {size}: {error}");
    }
    bytes[30] = 20;
    assert_eq!(outcome(&SecurityDescriptor::parse(&bytes).unwrap()), (Outcome::Granted, Some(0)));
}

#[test]
fn an_ace_that_claims_the_next_one_as_its_own_hides_nothing() {
    let [deny, allow] = [1, 0].map(|kind| Entry { kind, sid: "S-1-1-0", ..allow_entry() });
    let audit = Entry { kind: 2, ..deny.clone() };
    let mut bytes = pack(0x8004, [None, None, None, Some(pack_acl(4, &[audit, deny, allow], 0))], [0, 1, 2, 3], 0);
    assert_eq!(outcome(&SecurityDescriptor::parse(&bytes).unwrap()), (Outcome::Denied, Some(1)));
    // The audit entry swallows the deny, and the count of entries gives it away.
    bytes[30] = 40;
    let error = SecurityDescriptor::parse(&bytes).unwrap_err();
    assert_eq!(error, ParseError::AceCount { acl: "DACL", count: 3, index: 2 });
}

#[test]
fn an_acl_size_that_lies_is_an_error_and_no_verdict() {
    let mut bytes = one_allow();
    for size in [0, 7, 8, 11, 12, 27, 29, 0xFF] {
        bytes[22] = size;
        let error = SecurityDescriptor::parse(&bytes).unwrap_err();
        let expected = matches!(
            error,
            ParseError::AclSize { .. } | ParseError::AceCount { index: 0, .. } | ParseError::AceSize { index: 0, .. }
        );
        assert!(expected, "size {size}: {error}");
    }
    bytes[22] = 28;
    assert_eq!(outcome(&SecurityDescriptor::parse(&bytes).unwrap()), (Outcome::Granted, Some(0)));
}

#[test]
fn an_ace_count_that_lies_is_an_error_and_no_verdict() {
    let mut bytes = one_allow();
    bytes[24] = 2;
    let error = SecurityDescriptor::parse(&bytes).unwrap_err();
    assert_eq!(error, ParseError::AceCount { acl: "DACL", count: 2, index: 1 });
}

#[test]
fn an_unknown_type_is_stepped_over_and_kept() {
    let unknown = "(RAW;0x7f0008000001000f)";
    let sd = sddl(&format!("D:{unknown}{GRANT}"));
    assert_eq!(outcome(&sd), (Outcome::Granted, Some(1)));
    let ace = &sd.dacl().acl().unwrap().aces()[0];
    assert_eq!((ace.kind(), ace.to_sddl().as_str()), (AceType::Other(0x7f), unknown));
    let steps = walk(&sd, &token(&[ACCOUNT]), &Guid::SEND_AS, &sid(OWN));
    assert_eq!(steps[0].effect, Effect::Skipped(Skip::Type(AceType::Other(0x7f))));
}

#[test]
fn a_callback_entry_may_deny_and_never_allows() {
    for condition in ["", ";#6172747800000000"] {
        assert_eq!(of(&format!("(XA;;CR;;;{ACCOUNT}{condition})")), (Outcome::NoEntry, None));
        assert_eq!(of(&format!("(ZA;;CR;{};;{ACCOUNT}{condition})", Guid::SEND_AS)), (Outcome::NoEntry, None));
        assert_eq!(of(&format!("(XD;;CR;;;{ACCOUNT}{condition}){GRANT}")), (Outcome::Denied, Some(0)));
        assert_eq!(of(&format!("(ZD;;CR;{};;{ACCOUNT}{condition}){GRANT}", Guid::SEND_AS)), (Outcome::Denied, Some(0)));
        assert_eq!(
            of(&format!("(ZD;;CR;{};;{ACCOUNT}{condition}){GRANT}", Guid::SEND_TO)),
            (Outcome::Granted, Some(1))
        );
    }
}

#[test]
fn an_unmapped_generic_bit_may_deny_and_never_allows() {
    assert_eq!(of(&format!("(A;;GA;;;{ACCOUNT})")), (Outcome::NoEntry, None));
    assert_eq!(of(&format!("(D;;GA;;;{ACCOUNT}){GRANT}")), (Outcome::Denied, Some(0)));
    assert_eq!(of(&format!("(D;CIIO;GA;;;{ACCOUNT}){GRANT}")), (Outcome::Granted, Some(1)));
    assert_eq!(of(&format!("(A;;CRGA;;;{ACCOUNT})")), (Outcome::Granted, Some(0)));
    // The other generic bits do not stand for control access on directory objects.
    assert_eq!(of(&format!("(D;;GRGWGX;;;{ACCOUNT}){GRANT}")), (Outcome::Granted, Some(1)));
}

#[test]
fn a_membership_that_is_not_certain_may_deny_and_never_allows() {
    let token = Token { certain: [sid(ACCOUNT)].into(), uncertain: [sid(GROUP)].into() };
    let allow = sddl(&format!("D:(A;;CR;;;{GROUP})"));
    assert_eq!(outcome_for(&allow, &token), (Outcome::NoEntry, None));
    let steps = walk(&allow, &token, &Guid::SEND_AS, &sid(OWN));
    assert_eq!(steps[0].effect, Effect::Skipped(Skip::UncertainAllow));
    let deny = sddl(&format!("D:(D;;CR;;;{GROUP}){GRANT}"));
    assert_eq!(outcome_for(&deny, &token), (Outcome::Denied, Some(0)));
}

#[test]
fn absent_null_and_empty_lists_are_three_things() {
    assert_eq!(outcome(&sddl("O:SY")), (Outcome::Unreadable, None));
    assert_eq!(outcome(&sddl("D:NO_ACCESS_CONTROL")), (Outcome::NullDacl, None));
    assert_eq!(outcome(&sddl("D:")), (Outcome::NoEntry, None));
    let granted = |text| decide(&sddl(text), &token(&[ACCOUNT]), &Guid::SEND_AS, &sid(OWN)).granted();
    assert_eq!([granted("O:SY"), granted("D:NO_ACCESS_CONTROL"), granted("D:")], [false, true, false]);
}

#[test]
fn audit_entries_in_a_dacl_decide_nothing() {
    assert_eq!(of(&format!("(AU;SAFA;CR;;;{ACCOUNT})(OU;SA;CR;;;WD)(AL;;CR;;;WD)")), (Outcome::NoEntry, None));
}

#[test]
fn the_deciding_entry_is_named() {
    let sd = sddl(&format!("D:(A;;RP;;;WD)(A;CIID;CR;;;{GROUP})"));
    let deciding = decide(&sd, &token(&[GROUP]), &Guid::SEND_AS, &sid(OWN)).deciding.unwrap();
    assert_eq!((deciding.index, deciding.inherited, deciding.via_sid), (1, true, sid(GROUP)));
    assert_eq!(deciding.ace, format!("(A;CIID;CR;;;{GROUP})"));
}
