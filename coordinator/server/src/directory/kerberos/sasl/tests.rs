//! The bind against a server and a program that a test plays.

use super::*;
use crate::directory::fake;
use crate::directory::{Bind, Method, Password, Security};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

#[test]
fn a_layer_is_chosen_only_where_it_was_offered() {
    assert_eq!(choose(&[7, 0, 255, 255], true), Ok(([4, 255, 255, 255], 65535 - 256)));
    assert_eq!(choose(&[4, 255, 255, 255], true), Ok(([4, 255, 255, 255], LARGEST_SENT)));
    assert_eq!(choose(&[7, 0, 255, 255], false), Ok(([1, 0, 0, 0], 0)));
    assert_eq!(choose(&[3, 0, 255, 255], true), Err("the server does not offer to seal messages".to_owned()));
    assert_eq!(choose(&[6, 0, 255, 255], false), Err("the server insists on signing or sealing inside TLS".to_owned()));
    assert_eq!(
        choose(&[7, 0, 1, 0], true),
        Err("the server takes sealed messages of 256 bytes at most, in which nothing fits".to_owned())
    );
    assert_eq!(choose(&[7, 0, 1], true), Err("the server's offer of layers is not four bytes".to_owned()));
}

const IN_PROGRESS: u8 = 14;

/// A BindResponse with a token.
fn answer(code: u8, text: &str, token: &[u8]) -> Vec<u8> {
    let parts = [fake::ber(10, &[vec![code]]), fake::text(""), fake::text(text), fake::ber(0x87, &[token.to_vec()])];
    fake::ber(fake::BIND, &parts)
}

/// Binds, with the server answering each step in turn; what came of it, and the tokens that the server saw.
async fn bound(answers: Vec<Vec<u8>>, layer: Layer) -> (Result<Option<Sealing>, DirectoryError>, Vec<Vec<u8>>) {
    let mut server = fake::server(Vec::new());
    server.security = Security::Kerberos;
    let secret = Secret::Password(Password::new("s3cret".to_owned()).unwrap());
    server.bind =
        Bind::kerberos("sendgate@EXAMPLE.TEST", Kerberos { secret, configuration: None, program: "/none".into() });
    let Method::Kerberos(kerberos) = server.bind.method.clone() else { panic!("it was just made") };
    // Two round trips, then the layer; signing puts an S before, opening takes one letter away.
    let program = Program::played(|order| match order {
        Order::Begin(begin) => {
            assert_eq!(
                (begin.principal.as_str(), begin.service.as_str()),
                ("sendgate@EXAMPLE.TEST", "ldap/dc.example.test")
            );
            assert_eq!(begin.password.as_deref(), Some("s3cret"));
            Reply::More(b"first".to_vec())
        }
        Order::Token(token) if token == b"bad" => Reply::Failed("Clock skew too great".to_owned()),
        Order::Token(token) if token == b"more" => Reply::More(b"again".to_vec()),
        Order::Token(_) => Reply::Complete(Vec::new()),
        Order::Open(message) => Reply::Message(message[1..].to_vec()),
        Order::Sign(message) => Reply::Message([b"S", message.as_slice()].concat()),
        Order::Seal(_) => Reply::Failed("nothing is sealed in a bind".to_owned()),
    });
    let (mut ours, mut theirs) = duplex(4096);
    let played = tokio::spawn(async move {
        let mut seen = Vec::new();
        for (number, answer) in (1_u8..).zip(answers) {
            let mut buffer = vec![0; 4096];
            let Ok(read @ 1..) = theirs.read(&mut buffer).await else { break };
            buffer.truncate(read);
            seen.push(buffer);
            theirs.write_all(&fake::ber(0x30, &[fake::ber(2, &[vec![number]]), answer])).await.unwrap();
        }
        seen
    });
    let result = bind_with(program, &mut ours, &server, &kerberos, layer).await;
    drop(ours);
    (result, played.await.unwrap())
}

fn ends_with(bytes: &[u8], end: &[u8]) -> bool {
    bytes.ends_with(end)
}

#[tokio::test]
async fn a_bind_ends_with_the_layer_that_was_chosen() {
    let steps =
        || vec![answer(IN_PROGRESS, "", b"second"), answer(IN_PROGRESS, "", b"x\x07\x00\xff\xff"), answer(0, "", b"")];
    let (result, seen) = bound(steps(), Layer::Sealed).await;
    let sealing = result.unwrap().expect("sealing was asked for");
    assert_eq!(sealing.at_once, 65535 - 256);
    assert!(ends_with(&seen[0], b"\x04\x06GSSAPI\x04\x05first"), "{seen:?}");
    assert!(ends_with(&seen[2], b"S\x04\xff\xff\xff"), "{seen:?}");
    let (result, seen) = bound(steps(), Layer::Tls(Vec::new())).await;
    assert!(result.unwrap().is_none());
    assert!(ends_with(&seen[2], b"S\x01\x00\x00\x00"), "{seen:?}");
}

#[tokio::test]
async fn each_bad_end_says_so() {
    let error = async |answers| bound(answers, Layer::Sealed).await.0.unwrap_err().to_string();
    let start = "Kerberos as sendgate@EXAMPLE.TEST with directory server dc.example.test (127.0.0.1:";
    let text = error(vec![answer(IN_PROGRESS, "", b"bad")]).await;
    assert!(text.starts_with(start) && text.contains("failed: Clock skew too great; set the clock"), "{text}");
    let text = error(vec![answer(49, "80090308", b"")]).await;
    assert!(text.contains("the server refused the ticket (rc=49 (invalidCredentials): 80090308)"), "{text}");
    assert!(text.contains("no other account carries its service principal"), "{text}");
    let text = error(vec![answer(0, "", b"")]).await;
    assert!(text.contains("the server ended the bind before a layer was agreed on"), "{text}");
    let text = error(vec![answer(IN_PROGRESS, "", b"second"), answer(IN_PROGRESS, "", b"x\x01\x00\x00\x00")]).await;
    assert!(text.contains("does not offer to seal messages; use security = \"starttls\" or \"ldaps\""), "{text}");
    let more = answer(IN_PROGRESS, "", b"x\x07\x00\xff\xff");
    let text = error(vec![more.clone(), more.clone(), more]).await;
    assert!(text.contains("the server wants more where nothing more is due"), "{text}");
    // Each side always wants one step more.
    let text = error(vec![answer(IN_PROGRESS, "", b"more"); 10]).await;
    assert!(
        text.starts_with(start)
            && text.contains("failed: the bind did not end within 10 steps; check principal, keytab"),
        "{text}"
    );
    let text = error(vec![]).await;
    assert!(text.contains("was lost during binding as sendgate@EXAMPLE.TEST"), "{text}");
    let text = error(vec![vec![0x61, 0]]).await;
    assert!(text.contains("was not understood: it is not the LDAP answer that was due"), "{text}");
}
