//! The questions of `sendgate rights --batch`, as the JSON that it reads and prints.

use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::batch::{Question, judge};

use crate::made::*;

/// In the place of base64: hexadecimal, so that core needs no decoder.
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let pair =
        |at| u8::from_str_radix(text.get(at..at + 2).unwrap_or("?"), 16).map_err(|_| format!("byte {at} is wrong"));
    (0..text.len()).step_by(2).map(pair).collect()
}

fn answer(line: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let answer = judge(&question, decode).map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&answer).unwrap())
}

fn with(sddl: &str, token: &str, right: &str) -> String {
    format!(r#"{{"sd": null, "sddl": "{sddl}", "token": [{token}], "self": "{OWN}", "right": "{right}"}}"#)
}

#[test]
fn a_question_is_answered_with_the_entry_that_decided() {
    let grant = "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1104)";
    let line = with(&format!("D:(A;;RP;;;WD){grant}"), r#""S-1-5-21-1-2-3-1104""#, "send-as");
    assert_eq!(answer(&line), Ok(format!(r#"{{"granted":true,"deciding":{{"index":1,"ace":"{grant}"}}}}"#)));
    let line = with(&format!("D:(D;;CR;;;WD){grant}"), r#""S-1-5-21-1-2-3-1104","S-1-1-0""#, "send-as");
    assert_eq!(answer(&line), Ok(r#"{"granted":false,"deciding":{"index":0,"ace":"(D;;CR;;;WD)"}}"#.to_owned()));
    let line = with(&format!("D:{grant}"), r#""S-1-5-21-1-2-3-1104""#, "ab721a56-1e2f-11d0-9819-00aa0040529b");
    assert_eq!(answer(&line), Ok(r#"{"granted":false,"deciding":null}"#.to_owned()));
}

#[test]
fn what_is_perhaps_held_may_deny_and_never_allows() {
    let perhaps = |entry: &str| {
        with(&format!("D:{entry}(A;;CR;;;WD)"), r#""S-1-1-0""#, "send-as")
            .replace("\"self\"", &format!("\"uncertain\": [\"{GROUP}\"], \"self\""))
    };
    let deny = format!("(D;;CR;;;{GROUP})");
    let denied = format!(r#"{{"granted":false,"deciding":{{"index":0,"ace":"{deny}"}}}}"#);
    assert_eq!(answer(&perhaps(&deny)), Ok(denied));
    let everyone = r#"{"granted":true,"deciding":{"index":1,"ace":"(A;;CR;;;WD)"}}"#;
    assert_eq!(answer(&perhaps(&deny.replace('D', "A"))), Ok(everyone.to_owned()));
}

#[test]
fn a_binary_descriptor_goes_before_text() {
    let sd = sddl("D:(A;;CR;;;WD)");
    let hex: String = sd.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let line = with("nonsense", r#""S-1-1-0""#, "send-as").replace("null", &format!("\"{hex}\""));
    assert_eq!(answer(&line), Ok(r#"{"granted":true,"deciding":{"index":0,"ace":"(A;;CR;;;WD)"}}"#.to_owned()));
}

#[test]
fn aliases_are_those_of_the_objects_own_domain() {
    let line = with("D:(A;;CR;;;DA)", r#""S-1-5-21-1-2-3-512""#, "send-as");
    let entry = "(A;;CR;;;S-1-5-21-1-2-3-512)";
    assert_eq!(answer(&line), Ok(format!(r#"{{"granted":true,"deciding":{{"index":0,"ace":"{entry}"}}}}"#)));
    let foreign = line.replace(OWN, "S-1-1-0");
    assert!(answer(&foreign).unwrap_err().contains("DA stands for an account of a domain"));
}

#[test]
fn errors_name_the_part_that_is_wrong() {
    let good = with("D:", r#""S-1-1-0""#, "send-as");
    let cases = [
        (
            good.replace("\"D:\"", "null"),
            "the question has neither \"sd\" nor \"sddl\": give the security descriptor in one of them",
        ),
        (
            good.replace("\"D:\"", "\"D\""),
            "\"sddl\" cannot be read: SDDL, position 0: expected O:, G:, D:, S:, an entry in parentheses, or the end, found \"D\"",
        ),
        (
            good.replace("\"sd\": null", "\"sd\": \"0g\""),
            "\"sd\" cannot be decoded: byte 0 is wrong; it must be base64",
        ),
        (
            good.replace("\"sd\": null", "\"sd\": \"01\""),
            "\"sd\" is not a security descriptor: the security descriptor is cut off: the header at offset 0 needs 20 bytes, 1 are left",
        ),
        (
            good.replace("\"S-1-1-0\"", "\"S-1-1-0\", \"x\""),
            "\"token\" item 1 cannot be read: \"x\" is not a SID: it does not start with S-; write it as S-1-<authority>-<number>-…, for example S-1-5-21-1-2-3-1104",
        ),
        (
            good.replace("\"self\"", "\"uncertain\": [\"y\"], \"self\""),
            "\"uncertain\" item 0 cannot be read: \"y\" is not a SID: it does not start with S-; write it as S-1-<authority>-<number>-…, for example S-1-5-21-1-2-3-1104",
        ),
        (
            good.replace(OWN, "S-2-1"),
            "\"self\" cannot be read: \"S-2-1\" is not a SID: its revision is not 1; write it as S-1-<authority>-<number>-…, for example S-1-5-21-1-2-3-1104",
        ),
        (
            good.replace("send-as", "sendas"),
            "\"right\" cannot be read: \"sendas\" is not a GUID: write 32 hexadecimal digits as ab721a54-1e2f-11d0-9819-00aa0040529b, or send-as",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(answer(&line), Err(expected.to_owned()));
    }
    let without_token = answer(r#"{"sddl": "D:", "self": "S-1-1-0", "right": "send-as"}"#).unwrap_err();
    assert!(without_token.starts_with("missing field `token`"), "{without_token}");
}

#[test]
fn a_descriptor_that_was_not_shown_is_not_granted() {
    assert_eq!(answer(&with("O:SY", r#""S-1-1-0""#, "send-as")), Ok(r#"{"granted":false,"deciding":null}"#.to_owned()));
    assert!(SecurityDescriptor::from_sddl("O:SY", None).is_ok());
}
