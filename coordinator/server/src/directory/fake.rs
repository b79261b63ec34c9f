//! A directory server that says what a test tells it to, over real TLS, for answers that real servers seldom give.

use super::trust::TrustedAuthorities;
use super::{Bind, DirectoryServer, Password, Readers, Refusals, Role, Security, Timeouts};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NAME: &str = "dc.example.test";

/// What the server does with one request, the n-th of a connection, from 1.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Sends these protocol operations, with the request's message number.
    Say(Vec<Vec<u8>>),
    /// Sends these entries, as the last page of a search.
    Page(Vec<Vec<u8>>),
    /// The same to a request that holds this text; to any other one a page without an entry.
    PageFor(&'static str, Vec<Vec<u8>>),
    /// Sends pages of a search without an entry, after each of which there is one more.
    Circle,
    /// Sends these bytes as they are.
    Raw(Vec<u8>),
    /// Keeps the connection open and says nothing more.
    Nothing,
    /// Closes the connection.
    Close,
    /// Takes nothing in until it is told to, and then says how many bytes came before the connection ended.
    Hang(Hang),
}

/// A server that hangs: its machine has next to no room for what it does not read.
#[derive(Debug, Clone)]
pub(super) struct Hang {
    pub(super) wake: Arc<Mutex<Receiver<()>>>,
    pub(super) came: Sender<usize>,
}

impl Hang {
    fn read(&self, tcp: &mut TcpStream) {
        // A test that ended tells nobody anything.
        let Ok(()) = self.wake.lock().unwrap().recv() else { return };
        let (mut buffer, mut count) = ([0; 4096], 0);
        while let Ok(more @ 1..) = tcp.read(&mut buffer) {
            count += more;
        }
        self.came.send(count).unwrap();
    }
}

/// A server that answers the requests of one connection in order, and its settings.
pub(super) fn server(answers: Vec<Answer>) -> DirectoryServer {
    named(vec![NAME.to_owned()], answers)
}

/// The same, with a certificate that carries these names.
pub(super) fn named(names: Vec<String>, answers: Vec<Answer>) -> DirectoryServer {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    if answers.iter().any(|answer| matches!(answer, Answer::Hang(_))) {
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 4096).unwrap();
    }
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || serve(&listener, Arc::new(config), answers));
    DirectoryServer {
        name: NAME.parse().unwrap(),
        address,
        security: Security::Ldaps,
        authorities: TrustedAuthorities::from_pem("ca.pem", cert.pem().as_bytes()).unwrap(),
        bind: Bind::simple("sendgate@example.test", Password::new("secret".to_owned()).unwrap()),
        role: Role::DomainController,
        timeouts: Timeouts::default(),
        readers: Readers::default(),
        refusals: Refusals::default(),
    }
}

/// The same, with a deadline that a test can wait for.
pub(super) fn hasty(answers: Vec<Answer>) -> DirectoryServer {
    let mut server = server(answers);
    server.timeouts.operation = Duration::from_millis(500);
    server
}

fn serve(listener: &TcpListener, config: Arc<ServerConfig>, answers: Vec<Answer>) {
    let (tcp, _) = listener.accept().unwrap();
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    let mut buffer = [0; 65536];
    for (number, answer) in (1_u8..).zip(answers) {
        if let Answer::Hang(hang) = &answer {
            return hang.read(&mut stream.sock);
        }
        // Requests are small: each arrives in one piece.
        let Ok(length @ 1..) = stream.read(&mut buffer) else { return };
        let asked = buffer.get(..length).unwrap_or_default();
        let answer = match answer {
            Answer::PageFor(what, _) if !asked.windows(what.len()).any(|some| some == what.as_bytes()) => {
                Answer::Page(vec![])
            }
            other => other,
        };
        match answer {
            Answer::Say(operations) => {
                for operation in operations {
                    stream.write_all(&ber(0x30, &[ber(2, &[vec![number]]), operation])).unwrap();
                }
            }
            Answer::Page(entries) | Answer::PageFor(_, entries) => {
                for entry in entries {
                    stream.write_all(&ber(0x30, &[ber(2, &[vec![number]]), entry])).unwrap();
                }
                stream.write_all(&page_end(vec![number], cookie(""))).unwrap();
            }
            Answer::Circle => {
                for number in u16::from(number).. {
                    let end = page_end(number.to_be_bytes().to_vec(), cookie("next"));
                    if stream.write_all(&end).is_err() || !matches!(stream.read(&mut buffer), Ok(1..)) {
                        return;
                    }
                }
            }
            Answer::Raw(bytes) => stream.write_all(&bytes).unwrap(),
            Answer::Nothing => drop(stream.read(&mut buffer)),
            Answer::Close | Answer::Hang(_) => return,
        }
    }
    // Whatever else comes is read and not answered.
    while matches!(stream.read(&mut buffer), Ok(1..)) {}
}

/// A value in BER: tag, length, contents.
pub(super) fn ber(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    let [_, long, high, low] = u32::try_from(contents.len()).unwrap().to_be_bytes();
    let length: &[u8] = if long == 0 { &[0x82, high, low] } else { &[0x83, long, high, low] };
    [&[tag], length, contents.as_slice()].concat()
}

pub(super) fn text(value: &str) -> Vec<u8> {
    ber(4, &[value.as_bytes().to_vec()])
}

/// An LDAPResult (RFC 4511 section 4.1.9) under a response's tag.
pub(super) fn result(tag: u8, code: u8, said: &str) -> Vec<u8> {
    ber(tag, &[ber(10, &[vec![code]]), text(""), text(said)])
}

/// What a paging control says: where the next page starts; nothing after the last one (RFC 2696).
pub(super) fn cookie(next: &str) -> Vec<u8> {
    ber(0x30, &[ber(2, &[vec![0]]), text(next)])
}

/// The end of a page, with the value of its paging control.
pub(super) fn page_end(number: Vec<u8>, paging: Vec<u8>) -> Vec<u8> {
    let control = ber(0x30, &[text("1.2.840.113556.1.4.319"), ber(4, &[paging])]);
    ber(0x30, &[ber(2, &[number]), result(DONE, 0, ""), ber(0xa0, &[control])])
}

pub(super) const BIND: u8 = 0x61;
pub(super) const ENTRY: u8 = 0x64;
pub(super) const DONE: u8 = 0x65;
pub(super) const MODIFIED: u8 = 0x67;

/// A bind that succeeds.
pub(super) fn bound() -> Answer {
    Answer::Say(vec![result(BIND, 0, "")])
}

/// One object with one attribute.
pub(super) fn object(dn: &str, attribute: &str, value: &[u8]) -> Answer {
    object_of(dn, &[(attribute, value.to_vec())])
}

/// One object with these attributes.
pub(super) fn object_of(dn: &str, attributes: &[(&str, Vec<u8>)]) -> Answer {
    Answer::Say(vec![entry_of(dn, attributes), result(DONE, 0, "")])
}

/// An entry with these attributes.
pub(super) fn entry_of(dn: &str, attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let attribute =
        |(name, value): &(&str, Vec<u8>)| ber(0x30, &[text(name), ber(0x31, &[ber(4, std::slice::from_ref(value))])]);
    let attributes = ber(0x30, &attributes.iter().map(attribute).collect::<Vec<_>>());
    ber(ENTRY, &[text(dn), attributes])
}

/// No such object.
pub(super) fn nobody() -> Answer {
    Answer::Say(vec![result(DONE, 32, "")])
}
