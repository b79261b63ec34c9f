//! Answers that are late, cut, broken or refused.

use super::super::connect::open;
use super::super::fake::{
    Answer, BIND, DONE, ENTRY, Hang, ber, bound, cookie, hasty, named, object, page_end, result, server, text,
};
use super::super::{DirectoryError, check};
use super::WriteError;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

async fn refused_bind(code: u8, said: &str) -> String {
    let answer = Answer::Say(vec![result(BIND, code, said)]);
    open(&server(vec![answer])).await.err().unwrap().to_string()
}

#[tokio::test]
async fn a_refused_bind_says_what_to_do() {
    let server = "dc.example.test (127.0.0.1:";
    let wrong = refused_bind(49, "80090308: LdapErr: data 52e\0").await;
    assert!(wrong.starts_with(&format!("directory server {server}")), "{wrong}");
    assert!(wrong.contains("refused the bind as sendgate@example.test: the name or the password is wrong"), "{wrong}");
    assert!(wrong.ends_with("(rc=49 (invalidCredentials): 80090308: LdapErr: data 52e)"), "{wrong}");
    let weak = refused_bind(8, "").await;
    assert!(weak.contains("it requires TLS or signing; use its LDAPS port (rc=8 (strongerAuthRequired))"), "{weak}");
    let other = refused_bind(51, "").await;
    assert!(other.starts_with("binding as sendgate@example.test failed on directory server"), "{other}");
}

async fn users(answers: Vec<Answer>) -> (usize, Result<(), DirectoryError>) {
    let mut script = vec![bound()];
    script.extend(answers);
    let session = open(&hasty(script)).await.ok().unwrap();
    let mut seen = 0;
    let end = session
        .each("looking users up", "DC=example,DC=test", "(objectClass=user)", &["mail"], |_| {
            seen += 1;
            Ok(())
        })
        .await;
    (seen, end)
}

fn entry(dn: &str) -> Vec<u8> {
    ber(ENTRY, &[text(dn), ber(0x30, &[])])
}

/// A page, and where the next one starts.
fn page(number: u8, entries: &[&str], next: &str) -> Answer {
    let mut bytes = Vec::new();
    for dn in entries {
        bytes.extend(ber(0x30, &[ber(2, &[vec![number]]), entry(dn)]));
    }
    bytes.extend(page_end(vec![number], cookie(next)));
    Answer::Raw(bytes)
}

#[tokio::test]
async fn pages_are_read_to_the_last() {
    let (seen, end) = users(vec![page(2, &["CN=1", "CN=2"], "next"), page(3, &["CN=3"], "")]).await;
    assert_eq!((seen, end), (3, Ok(())));
}

#[tokio::test]
async fn an_answer_that_is_not_complete_is_an_error() {
    let (_, end) = users(vec![Answer::Say(vec![entry("CN=1"), result(DONE, 0, "")])]).await;
    let error = end.unwrap_err().to_string();
    assert!(
        error.ends_with("to looking users up was not understood: it was not paged, so it may be cut short"),
        "{error}"
    );
    let (_, end) = users(vec![Answer::Say(vec![entry("CN=1"), result(DONE, 4, "")])]).await;
    let error = end.unwrap_err();
    assert!(matches!(error, DirectoryError::CutShort { .. }), "{error}");
    assert!(error.to_string().contains("nothing of the answer is used; raise the server's query limits"), "{error}");
    let (_, end) = users(vec![page(2, &["CN=1"], "next"), Answer::Close]).await;
    assert!(matches!(end, Err(DirectoryError::Lost { .. })), "{end:?}");
    let (_, end) = users(vec![page(2, &["CN=1"], "next"), Answer::Nothing]).await;
    let error = end.unwrap_err().to_string();
    assert!(error.starts_with("looking users up on directory server dc.example.test"), "{error}");
    assert!(error.ends_with("was not answered within 0.5s: the server is overloaded or hangs"), "{error}");
}

/// By what it says each time there is one page more.
#[tokio::test]
async fn a_server_that_goes_round_in_circles_is_given_up() {
    let server = server(vec![bound(), Answer::Circle]);
    let session = open(&server).await.ok().unwrap();
    let take = |entry: super::Entry| panic!("{} is on no page", entry.dn);
    let end = session.each("looking users up", "DC=example,DC=test", "(objectClass=user)", &["mail"], take).await;
    assert_eq!(
        end.unwrap_err().to_string(),
        format!(
            "the answer of directory server {} to looking users up was not understood: it did not end within 10000 pages",
            server.shown()
        )
    );
}

#[tokio::test]
async fn one_object_is_one_object() {
    let server = server(vec![bound(), Answer::Say(vec![entry("CN=1"), entry("CN=1"), result(DONE, 0, "")])]);
    let error = open(&server).await.ok().unwrap().object("CN=1", &["mail"]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the answer of directory server {} to reading CN=1 was not understood: several objects came back for one",
            server.shown()
        )
    );
}

#[tokio::test]
async fn what_is_no_ldap_is_an_error_and_no_panic() {
    let malformed = ber(ENTRY, &[text("CN=1"), text("no attributes")]);
    let (_, end) = users(vec![Answer::Say(vec![malformed, result(DONE, 0, "")])]).await;
    let error = end.unwrap_err().to_string();
    assert!(error.ends_with("was not understood: an entry is not encoded as RFC 4511 says"), "{error}");
    let (_, end) = users(vec![Answer::Raw(ber(0x30, &[ber(2, &[vec![2]]), ber(DONE, &[vec![1, 2, 3]])]))]).await;
    assert!(end.is_err());
    let (_, end) = users(vec![Answer::Raw(b"HTTP/1.0 400 Bad Request\r\n\r\n".to_vec())]).await;
    assert!(end.is_err());
    let (_, end) = users(vec![Answer::Raw(page_end(vec![2], b"next".to_vec()))]).await;
    let error = end.unwrap_err().to_string();
    assert!(error.ends_with("to looking users up was not understood: its paging control is malformed"), "{error}");
    let bind = open(&hasty(vec![Answer::Say(vec![ber(BIND, &[text("what?")])])])).await.err().unwrap();
    assert!(
        bind.to_string().ends_with("to binding as sendgate@example.test was not understood: it is not LDAP"),
        "{bind}"
    );
}

/// What the server's machine had no room for stays here when the leave ends, and when the connection is closed in the
/// middle of it, as by the end of this program: the message never comes together there.
#[tokio::test]
async fn nothing_of_a_write_leaves_after_its_leave() {
    const LEAVE: Duration = Duration::from_millis(200);
    let descriptor = || vec![7; 200_000];
    for given_up in [false, true] {
        let ((wake, woken), (came, arrived)) = (mpsc::channel(), mpsc::channel());
        let hang = Hang { wake: Arc::new(Mutex::new(woken)), came };
        let session = open(&server(vec![bound(), Answer::Hang(hang)])).await.ok().unwrap();
        if given_up {
            let write = session.replace_dacl("DC=a", descriptor(), Duration::from_secs(30));
            assert!(tokio::time::timeout(LEAVE, write).await.is_err());
        } else {
            let end = session.replace_dacl("DC=a", descriptor(), LEAVE).await;
            let Err(WriteError::Unknown(error)) = end else { panic!("it has an end") };
            let text = error.to_string();
            assert!(text.ends_with("was not answered within 0.2s: the server is overloaded or hangs"), "{text}");
        }
        drop(session);
        wake.send(()).unwrap();
        let count = tokio::task::spawn_blocking(move || arrived.recv().unwrap()).await.unwrap();
        assert!(count < descriptor().len(), "{count} bytes came");
    }
}

#[tokio::test]
async fn a_server_of_another_kind_is_told_from_active_directory() {
    let answers = vec![bound(), object("", "vendorName", b"Other")];
    let error = check(&server(answers)).await.unwrap_err().to_string();
    assert!(error.ends_with("currentTime is missing: this is not an Active Directory server"), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let mut server = server(Vec::new());
    // A port that no test is ever given.
    server.address = "127.0.0.1:1".to_owned();
    let error = check(&server).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached: Connection refused"), "{error}");
    assert!(
        error.ends_with("check that it runs, that the address and port are right, and the firewall between"),
        "{error}"
    );
    server.name = "dc.example.test/../x".parse().unwrap();
    let error = check(&server).await.unwrap_err().to_string();
    assert!(error.contains("is not a DNS name, which its certificate could carry"), "{error}");
}

#[tokio::test]
async fn the_certificate_decides_who_answers() {
    let mut other = server(Vec::new());
    other.authorities = server(Vec::new()).authorities;
    let error = check(&other).await.unwrap_err();
    assert!(
        error.to_string().contains("is not signed by an authority in ca.pem: put the CA that issued it there"),
        "{error}"
    );
    let mut another = server(Vec::new());
    another.name = "dc2.example.test".parse().unwrap();
    let error = check(&another).await.unwrap_err().to_string();
    assert!(error.contains("does not carry the name dc2.example.test, but dc.example.test: write the name"), "{error}");
    let nameless = named(Vec::new(), Vec::new());
    assert_eq!(
        check(&nameless).await.unwrap_err().to_string(),
        format!(
            "the certificate of directory server {} does not carry the name dc.example.test, nor any other as \
             subjectAltName: write the name that it carries, or give the server a certificate with that name as \
             subjectAltName",
            nameless.shown()
        )
    );
}
