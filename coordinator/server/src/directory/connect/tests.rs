//! Connections that do not come up, against servers that a test plays.

use super::*;
use crate::directory::fake::{self, Answer, DONE, ENTRY, ber, result, text};
use crate::directory::{Bind, Password};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

/// A server for StartTLS that answers the first request with these bytes, and then nothing; and what has read that request.
fn plain(answer: &'static [u8]) -> (DirectoryServer, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = fake::server(Vec::new());
    server.address = listener.local_addr().unwrap().to_string();
    server.security = Security::StartTls;
    server.timeouts.connect = Duration::from_millis(500);
    let reads = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        assert!(!buffer[..read].windows(6).any(|part| part == b"secret"), "the password was sent in the clear");
        stream.write_all(answer).unwrap();
        while matches!(stream.read(&mut buffer), Ok(1..)) {}
    });
    (server, reads)
}

/// The error, and that no password was read.
async fn told((server, reads): (DirectoryServer, std::thread::JoinHandle<()>)) -> String {
    let text = error(&server).await;
    reads.join().unwrap();
    text
}

async fn error(server: &DirectoryServer) -> String {
    match open(server).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

const AND_THEN: &str = "; check that the port is its LDAP port, that it has a certificate and that it offers TLS 1.2 or \
                        later; one that does not is reached with security = \"kerberos\" or through a TLS relay";

#[tokio::test]
async fn a_server_without_start_tls_says_so() {
    let (refuses, reads) = plain(b"\x30\x11\x02\x01\x01\x78\x0c\x0a\x01\x34\x04\x00\x04\x05sorry");
    assert_eq!(
        error(&refuses).await,
        format!(
            "TLS with directory server {} failed: the server refused StartTLS (rc=52 (unavailable): sorry){AND_THEN}",
            refuses.shown()
        )
    );
    reads.join().unwrap();
    let other = plain(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert!(told(other).await.contains("failed: StartTLS: it is not the LDAP answer that was due; check"));
    let silent = plain(b"");
    assert!(told(silent).await.contains("failed: no handshake within 0.5s; check"));
    // It agrees, and then does not begin TLS.
    let agrees = plain(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00");
    assert!(told(agrees).await.contains("failed: no handshake within 0.5s; check"));
}

#[tokio::test]
async fn a_server_that_closes_the_connection_in_the_handshake_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = fake::server(Vec::new());
    server.address = listener.local_addr().unwrap().to_string();
    let closes = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // With bytes that nobody has read the connection would be reset, not closed.
        assert!(matches!(stream.read(&mut [0; 4096]), Ok(1..)));
    });
    assert_eq!(
        error(&server).await,
        format!(
            "TLS with directory server {} failed: it closed the connection in the handshake; check that the port is its \
             LDAPS port and that it offers TLS 1.2 or later; one that does not is reached with security = \"kerberos\" or \
             through a TLS relay",
            server.shown()
        )
    );
    closes.join().unwrap();
}

#[tokio::test]
async fn a_password_is_not_sent_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut server = fake::server(Vec::new());
    server.address = listener.local_addr().unwrap().to_string();
    server.security = Security::Kerberos;
    server.bind = Bind::simple("sendgate@example.test", Password::new("secret".to_owned()).unwrap());
    assert!(error(&server).await.starts_with("no simple bind as sendgate@example.test to directory server dc.example"));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody connects");
}

/// RFC 4511 section 4.5.3: what another server holds is no evidence of this one.
#[tokio::test]
async fn referrals_are_not_followed() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let there = text(&format!("ldap://{}/DC=other,DC=test", other.local_addr().unwrap()));
    let referral = ber(DONE, &[ber(10, &[vec![10]]), text(""), text(""), ber(0xa3, std::slice::from_ref(&there))]);
    let last_page = ber(0x30, &[ber(2, &[vec![0]]), text("")]);
    let paged = ber(0xa0, &[ber(0x30, &[text("1.2.840.113556.1.4.319"), ber(4, &[last_page])])]);
    let number = || ber(2, &[vec![3]]);
    let found = ber(ENTRY, &[text("CN=ann,DC=example,DC=test"), ber(0x30, &[])]);
    let continued = ber(0x73, &[there]);
    let search = [
        ber(0x30, &[number(), found]),
        ber(0x30, &[number(), continued]),
        ber(0x30, &[number(), result(DONE, 0, ""), paged]),
    ];
    let server = fake::server(vec![fake::bound(), Answer::Say(vec![referral]), Answer::Raw(search.concat())]);
    let session = open(&server).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(session.object("DC=other,DC=test", &["objectClass"]).await.unwrap().is_none());
    let mut seen = Vec::new();
    let take = |entry: crate::directory::entry::Entry| {
        seen.push(entry.dn);
        Ok(())
    };
    session.each("looking users up", "DC=example,DC=test", "(objectClass=user)", &["mail"], take).await.unwrap();
    assert_eq!(seen, ["CN=ann,DC=example,DC=test"]);
    let asked = other.accept();
    assert!(asked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "the other server was asked");
}
