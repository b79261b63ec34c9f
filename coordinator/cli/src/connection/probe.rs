//! Why a connection was closed. A server checks the client's certificate after the client may already speak (RFC 8446
//! section 4.4.2), and what is sent meanwhile can make the alert with the reason get lost. So where a connection broke for
//! no known reason, the handshake is made once more, and nothing is sent after it: then the alert arrives.

use super::cause::{self, Cause};
use super::file::Connection;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::error::Error;
use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// For each step; it only follows a connection that came about a moment before.
const STEP: Duration = Duration::from_secs(3);
/// Otherwise the server speaks no HTTP/2 to us (RFC 9113 section 3.2).
const ALPN: &[u8] = b"h2";

/// The alert with which the own certificate is refused; none where it is not, or where that cannot be found out.
pub(super) fn refusal(connection: &Connection) -> Option<String> {
    match handshake(connection) {
        Ok(()) => None,
        Err(error) => match cause::find(error.as_ref()) {
            Cause::Refused(alert) => Some(alert),
            _ => None,
        },
    }
}

/// Ends well as soon as the server has said anything under the finished handshake.
fn handshake(connection: &Connection) -> Result<(), Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(connection.ca.text.as_bytes()) {
        roots.add(certificate?)?;
    }
    let chain = CertificateDer::pem_slice_iter(connection.certificate.text.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(connection.key.text.as_bytes())?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    let name = ServerName::try_from(connection.server_name.clone())?;
    let client = ClientConnection::new(Arc::new(config), name)?;

    let authority = connection.address.authority().map(ToString::to_string).unwrap_or_default();
    let address = authority.to_socket_addrs()?.next().ok_or("no address")?;
    let socket = TcpStream::connect_timeout(&address, STEP)?;
    socket.set_read_timeout(Some(STEP))?;
    socket.set_write_timeout(Some(STEP))?;
    StreamOwned::new(client, socket).read_exact(&mut [0])?;
    Ok(())
}
