//! From settings to a bound session: TCP to the address, TLS for the name, simple bind.

use super::caught::caught;
use super::session::Session;
use super::{DirectoryError, DirectoryServer, Security};
use ldap3::{LdapConnAsync, LdapConnSettings, StdStream};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects and binds.
///
/// # Errors
/// [`DirectoryError`]: unreachable, TLS, certificate, bind.
pub(super) async fn open(server: &DirectoryServer) -> Result<Session, DirectoryError> {
    let unreachable = |why: String| DirectoryError::Unreachable { server: server.shown(), why };
    let limit = server.timeouts.connect;
    // The name goes into a URL below, and the library verifies the URL's host: only a plain DNS name is let through.
    let plain = matches!(ServerName::try_from(server.name.as_str()), Ok(ServerName::DnsName(_)));
    if !plain {
        let why = format!("{} is not a DNS name, which its certificate could carry", server.name);
        return Err(DirectoryError::NotServing { server: server.shown(), why });
    }
    let stream = match timeout(limit, TcpStream::connect(server.address.as_str())).await {
        Err(_) => return Err(unreachable(format!("no connection within {}s", limit.as_secs_f32()))),
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Ok(Ok(stream)) => stream.into_std().map_err(|error| unreachable(error.to_string()))?,
    };
    let (scheme, settings) = match server.security {
        Security::Ldaps => ("ldaps", LdapConnSettings::new().set_config(server.authorities.config())),
    };
    // The stream is handed over connected, so that the address may differ from the name in the certificate.
    let settings = settings.set_std_stream(StdStream::Tcp(stream));
    let url = format!("{scheme}://{}", server.name);
    let opened = match timeout(limit, caught(LdapConnAsync::with_settings(settings, &url))).await {
        Err(_) => {
            let why = format!("no handshake within {}s", limit.as_secs_f32());
            return Err(DirectoryError::Tls { server: server.shown(), why });
        }
        Ok(opened) => opened.map_err(|_| DirectoryError::Tls {
            server: server.shown(),
            why: "the library gave up on what the server sent".to_owned(),
        })?,
    };
    let (connection, ldap) = opened.map_err(|error| DirectoryError::handshake(server, &error))?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "directory connection ended");
        }
    });
    let mut session = Session::new(server.clone(), ldap, driver);
    session.bind().await?;
    Ok(session)
}
