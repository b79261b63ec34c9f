//! The walk in words, as an operator reads it.

use sendgate_core::guid::Guid;
use sendgate_core::secdesc::access::{Token, explain};

use crate::made::*;

#[test]
fn every_entry_is_named_with_what_it_did() {
    let send_as = Guid::SEND_AS;
    let entries = [
        (format!("(AU;SA;CR;;;{ACCOUNT})"), "does not apply: entries of type 0x02 take no part in access decisions"),
        (
            "(RAW;0x7f0008000001000f)".to_owned(),
            "does not apply: entries of type 0x7f take no part in access decisions",
        ),
        (
            format!("(OA;CIIO;CR;{send_as};;{ACCOUNT})"),
            "does not apply: it is inherit-only, in force on objects below this one and not on it",
        ),
        (format!("(A;;RPWP;;;{ACCOUNT})"), "does not apply: its rights do not include control access (CR)"),
        (
            format!("(OA;;CR;{};;{ACCOUNT})", Guid::RECEIVE_AS),
            "does not apply: it is limited to another right, Receive As (ab721a56-1e2f-11d0-9819-00aa0040529b)",
        ),
        (
            format!("(OA;;CR;e48d0154-bcf8-11d1-8702-00c04fb96050;;{ACCOUNT})"),
            "does not apply: it is limited to another right, property or class, e48d0154-bcf8-11d1-8702-00c04fb96050",
        ),
        (
            format!("(OA;;CR;{send_as};;PS)"),
            "does not apply: it is for SELF, which is the object itself and not the account",
        ),
        (format!("(D;;CR;;;{STRANGER})"), "does not apply: its SID is not in the account's token"),
        (
            format!("(A;;GA;;;{ACCOUNT})"),
            "does not apply: it allows by GENERIC_ALL, which no server has mapped to rights",
        ),
        (format!("(XA;;CR;;;{ACCOUNT})"), "does not apply: it allows under a condition, which cannot be decided here"),
        (
            format!("(A;;CR;;;{GROUP})"),
            "does not apply: it allows to a SID that is in the account's token only perhaps",
        ),
        (format!("(OA;CIID;CR;{send_as};;{ACCOUNT})"), "allows, through S-1-5-21-1-2-3-1104"),
        (format!("(D;ID;CR;;;{GROUP})"), "denies, through S-1-5-21-1-2-3-1200"),
    ];
    let text: String = entries.iter().map(|(entry, _)| entry.as_str()).collect();
    let token = Token { certain: [sid(ACCOUNT)].into(), uncertain: [sid(GROUP)].into() };
    let lines = explain(&sddl(&format!("D:{text}")), &token, &send_as, &sid(OWN));
    assert_eq!(lines.len(), entries.len());
    for (index, (line, (entry, effect))) in lines.iter().zip(&entries).enumerate() {
        assert_eq!((line.index, &line.entry, line.effect.as_str()), (index, entry, *effect));
    }
    let decides: Vec<_> = lines.iter().filter(|line| line.decides).map(|line| line.index).collect();
    assert_eq!(decides, [11]);
    let inherited: Vec<_> = lines.iter().filter(|line| line.inherited).map(|line| line.index).collect();
    assert_eq!(inherited, [11, 12]);
    assert_eq!(lines[1].trustee, None);
    assert_eq!(lines[6].trustee, Some(sid("S-1-5-10")));
    assert_eq!(lines[12].trustee, Some(sid(GROUP)));
}

#[test]
fn an_entry_for_self_is_in_words_too_where_the_account_is_the_object() {
    let lines = explain(&sddl("D:(A;;CR;;;PS)"), &token(&[OWN]), &Guid::SEND_AS, &sid(OWN));
    assert_eq!((lines[0].effect.as_str(), lines[0].decides), ("allows, through S-1-5-21-1-2-3-1500", true));
    assert!(explain(&sddl("O:SY"), &token(&[OWN]), &Guid::SEND_AS, &sid(OWN)).is_empty());
}

#[test]
fn a_line_survives_json() {
    let lines = explain(&sddl("D:(A;;CR;;;WD)"), &token(&["S-1-1-0"]), &Guid::SEND_AS, &sid(OWN));
    let json = serde_json::to_string(&lines).unwrap();
    assert_eq!(
        json,
        r#"[{"index":0,"entry":"(A;;CR;;;WD)","trustee":"S-1-1-0","inherited":false,"effect":"allows, through S-1-1-0","decides":true}]"#
    );
    assert_eq!(serde_json::from_str::<Vec<_>>(&json).ok(), Some(lines));
}
