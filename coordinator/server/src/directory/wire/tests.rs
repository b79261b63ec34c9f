//! Messages as they stand in the specifications, and what is none.

use super::*;
use crate::directory::fake::{BIND, ber, result, text};
use tokio::io::duplex;

/// What a server's bytes are taken for, as the answer to the first step of a bind.
async fn answered(bytes: &[u8]) -> io::Result<Answer> {
    let (mut ours, mut theirs) = duplex(1 << 20);
    theirs.write_all(bytes).await.unwrap();
    let answer = sasl_bind(&mut ours, 1, "GSSAPI", b"token").await;
    drop(ours);
    let mut sent = Vec::new();
    theirs.read_to_end(&mut sent).await.unwrap();
    let bind = b"\x30\x1c\x02\x01\x01\x60\x17\x02\x01\x03\x04\x00\xa3\x10\x04\x06GSSAPI\x04\x05token";
    // 0x10: mechanism with 8 bytes, credentials with 7, together 15.
    let mut bind = bind.to_vec();
    bind[1] -= 1;
    bind[6] -= 1;
    bind[13] -= 1;
    assert_eq!(sent, bind);
    answer
}

fn message(number: u8, operation: Vec<u8>) -> Vec<u8> {
    ber(0x30, &[ber(2, &[vec![number]]), operation])
}

#[tokio::test]
async fn start_tls_is_asked_for_by_its_number() {
    let (mut ours, mut theirs) = duplex(4096);
    theirs.write_all(&message(1, result(0x78, 0, ""))).await.unwrap();
    let answer = start_tls(&mut ours).await.unwrap();
    assert_eq!(answer.result.rc, 0);
    drop(ours);
    let mut sent = Vec::new();
    theirs.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037");
}

#[tokio::test]
async fn an_answer_has_its_code_its_text_and_its_token() {
    let token = ber(0x87, &[vec![1, 2, 3]]);
    let operation = ber(BIND, &[ber(10, &[vec![14]]), text(""), text("go on"), token]);
    let answer = answered(&message(1, operation)).await.unwrap();
    assert_eq!((answer.result.rc, answer.result.text.as_str(), answer.token.as_slice()), (14, "go on", &[1, 2, 3][..]));
    let answer = answered(&message(1, result(BIND, 49, "no"))).await.unwrap();
    assert_eq!((answer.result.rc, answer.token.len()), (49, 0));
    // A notice of disconnection says why.
    let answer = answered(&message(0, result(0x78, 52, "shutting down"))).await.unwrap();
    assert_eq!((answer.result.rc, answer.result.text.as_str()), (52, "shutting down"));
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    for bytes in [
        b"HTTP/1.1 400 Bad Request".to_vec(),
        // Another number, another operation, a notice that claims success.
        message(2, result(BIND, 0, "")),
        message(1, result(0x65, 0, "")),
        message(0, result(0x78, 0, "")),
        // Lengths that lie: longer than the limit, longer than what holds it, longer than a number.
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        vec![0x30, 0x03, 0x02, 0x05, 0x01],
        [&[0x30, 0x0c, 0x02, 0x8a][..], &[0xff; 10]].concat(),
        vec![0x30, 0x00],
    ] {
        let error = answered(&bytes).await.unwrap_err();
        assert_eq!(error.to_string(), "it is not the LDAP answer that was due", "{bytes:?}");
    }
}

#[test]
fn lengths_are_written_as_short_as_they_can_be() {
    assert_eq!(element(4, &[]), [4, 0]);
    assert_eq!(element(4, &[&[7; 127]])[..2], [4, 127]);
    assert_eq!(element(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
    assert_eq!(element(4, &[&[7; 300]])[..4], [4, 0x82, 1, 44]);
}
