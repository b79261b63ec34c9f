//! Connections that do not come about, or break.

use crate::support::{Ca, NAME, Scratch, connection, sendgate};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Where each connection is answered so, one after the other.
fn listening(answer: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(|socket| answer(socket.unwrap())));
    address
}

#[test]
fn a_host_name_that_cannot_be_resolved() {
    let (scratch, ca) = (Scratch::new(), Ca::new("Estate CA"));
    let nobody = "127.0.0.1:1".parse().unwrap();
    let file = connection(&scratch, nobody, &ca.pem, NAME, &ca.issue("me", (-1, 1)));
    // No label of a name has more than 63 bytes (RFC 1035 section 2.3.4), so this one is not even asked for.
    let address = format!("{}.example.test:7443", "x".repeat(64));
    let text = std::fs::read_to_string(&file).unwrap().replace(&nobody.to_string(), &address);
    std::fs::write(&file, text).unwrap();
    let ran = sendgate(&file, &["status"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert_eq!(
        ran.err,
        format!(
            "sendgate: the coordinator at {address} cannot be reached: its host name cannot be resolved; is it running, and is \
             `address` right?\n"
        )
    );
}

#[test]
fn who_hangs_up_before_saying_anything() {
    let address = listening(|mut socket| {
        // Whoever hangs up with something unread resets the connection.
        let _ = socket.read(&mut [0; 4096]);
    });
    let (scratch, ca) = (Scratch::new(), Ca::new("Estate CA"));
    let ran = sendgate(&connection(&scratch, address, &ca.pem, NAME, &ca.issue("me", (-1, 1))), &["status"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let expected = format!("sendgate: the connection to the coordinator at {address} failed: ");
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
}

/// Takes a request, and nothing behind its HEADERS frame; a frame begins with its length and its type (RFC 9113 section 4.1).
fn until_asked(stream: &mut (impl Read + Write)) -> io::Result<()> {
    // SETTINGS, without any.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])?;
    stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        io::copy(&mut Read::take(&mut *stream, length.into()), &mut io::sink())?;
        if head[3] == 1 {
            return Ok(());
        }
    }
}

#[test]
fn a_connection_that_breaks_says_whether_a_request_may_have_been_filed() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (scratch, ca) = (Scratch::new(), Ca::new("Estate CA"));
    let server = ca.issue(NAME, (-1, 1));
    let chain = CertificateDer::pem_slice_iter(server.certificate.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let address = listening(move |socket| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        // Who asks nothing has hung up already.
        let _ = until_asked(&mut StreamOwned::new(tls, socket));
    });
    let file = connection(&scratch, address, &ca.pem, NAME, &ca.issue("me", (-1, 1)));
    let cases: [(&[&str], &str); 2] = [
        (&["status"], "nothing was filed, for it only asked: try again"),
        (&["rollout", "start", "march"], "whether a request was filed is not known; see `sendgate journal show`"),
    ];
    for (arguments, means) in cases {
        let ran = sendgate(&file, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        let expected = format!("sendgate: the connection to the coordinator at {address} broke: ");
        assert!(ran.err.starts_with(&expected) && ran.err.ends_with(&format!("; {means}\n")), "{}", ran.err);
    }
}
