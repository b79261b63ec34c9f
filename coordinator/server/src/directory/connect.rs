//! From settings to a bound session, in one of these ways:
//!
//! | security | bind | who brings up what |
//! |---|---|---|
//! | LDAPS, StartTLS | simple | StartTLS is asked for here; TLS and bind by the LDAP library |
//! | LDAPS, StartTLS | Kerberos | TLS and bind here, the bind bound to the TLS channel; the library gets a relay |
//! | Kerberos | Kerberos | bind here, then a relay that seals |
//!
//! Without TLS there is no simple bind.

mod tls;

use super::caught::caught;
use super::kerberos::sasl::{self, Layer, Sealing};
use super::kerberos::{Kerberos, relay};
use super::line::Line;
use super::session::Session;
use super::{DirectoryError, DirectoryServer, Method, Security, wire};
use ldap3::{LdapConnAsync, LdapConnSettings, StdStream};
use rustls::pki_types::ServerName;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Connects and binds, unless the server has refused the account a short while ago.
///
/// # Errors
/// [`DirectoryError`]: unreachable, TLS, certificate, bind.
pub(super) async fn open(server: &DirectoryServer) -> Result<Session, DirectoryError> {
    // On the heap: what connecting with TLS and Kerberos needs on the stack is most of what a thread has.
    server.refusals.attempt(server, Box::pin(attempt(server))).await
}

async fn attempt(server: &DirectoryServer) -> Result<Session, DirectoryError> {
    // The name goes into a URL below, and the library verifies the URL's host: only a plain DNS name is let through.
    let plain = matches!(ServerName::try_from(server.name.as_str()), Ok(ServerName::DnsName(_)));
    if !plain {
        let why = format!("{} is not a DNS name, which its certificate could carry", server.name);
        return Err(DirectoryError::NotServing { server: server.shown(), why });
    }
    match (&server.bind.method, server.security) {
        // Before anything is sent.
        (Method::Simple(_), Security::Kerberos) => {
            Err(DirectoryError::PlainText { server: server.shown(), name: server.bind.name.clone() })
        }
        (Method::Simple(password), Security::Ldaps | Security::StartTls) => {
            let (stream, line) = stream(server).await?;
            let stream = stream.into_std().map_err(|error| unreachable(server, &error))?;
            let settings = LdapConnSettings::new().set_config(server.authorities.config());
            // The stream is handed over connected, so that the address may differ from the name in the certificate.
            let settings = settings.set_std_stream(StdStream::Tcp(stream));
            let mut session = session(server, settings, &format!("ldaps://{}", server.name), line).await?;
            session.simple_bind(password).await?;
            Ok(session)
        }
        (Method::Kerberos(kerberos), _) => {
            let (library, line) = match server.security {
                Security::Ldaps | Security::StartTls => inside_tls(server, kerberos).await?,
                Security::Kerberos => sealed(server, kerberos).await?,
            };
            let library = library.into_std().map_err(|error| local(server, &error))?;
            let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(library));
            session(server, settings, "ldapi:///", line).await
        }
    }
}

/// The library on a stream.
async fn session(
    server: &DirectoryServer,
    settings: LdapConnSettings,
    url: &str,
    line: Line,
) -> Result<Session, DirectoryError> {
    let opened = within(server, caught(LdapConnAsync::with_settings(settings, url))).await?;
    let opened =
        opened.map_err(|_| DirectoryError::tls(server, "the library gave up on what the server sent".to_owned()))?;
    let (connection, ldap) = opened.map_err(|error| DirectoryError::handshake(server, &error))?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "directory connection ended");
        }
    });
    Ok(Session::new(server.clone(), ldap, driver, line))
}

/// A TCP connection, on which TLS may begin where TLS is wanted.
async fn stream(server: &DirectoryServer) -> Result<(TcpStream, Line), DirectoryError> {
    let limit = server.timeouts.connect;
    let mut stream = match timeout(limit, TcpStream::connect(server.address.as_str())).await {
        Err(_) => {
            let why = format!("no connection within {}s", limit.as_secs_f32());
            return Err(DirectoryError::Unreachable { server: server.shown(), why });
        }
        Ok(stream) => stream.map_err(|error| unreachable(server, &error))?,
    };
    if server.security == Security::StartTls {
        let answer = within(server, wire::start_tls(&mut stream)).await?;
        let answer = answer.map_err(|error| DirectoryError::tls(server, format!("StartTLS: {error}")))?;
        if answer.result.rc != 0 {
            let why = format!("the server refused StartTLS ({})", super::error::said(&answer.result));
            return Err(DirectoryError::tls(server, why));
        }
    }
    let line = Line::of(&stream).map_err(|error| local(server, &error))?;
    Ok((stream, line))
}

/// TLS, and Kerberos bound to it.
async fn inside_tls(server: &DirectoryServer, kerberos: &Kerberos) -> Result<(UnixStream, Line), DirectoryError> {
    let (stream, line) = stream(server).await?;
    let mut stream = within(server, tls::handshake(server, stream)).await??;
    let layer = Layer::Tls(tls::binding(server, &stream)?);
    let sealing = bind(server, sasl::bind(&mut stream, server, kerberos, layer)).await?;
    Ok((relayed(server, stream, sealing)?, line))
}

/// Kerberos that seals the bare connection.
async fn sealed(server: &DirectoryServer, kerberos: &Kerberos) -> Result<(UnixStream, Line), DirectoryError> {
    let (mut stream, line) = stream(server).await?;
    let sealing = bind(server, sasl::bind(&mut stream, server, kerberos, Layer::Sealed)).await?;
    Ok((relayed(server, stream, sealing)?, line))
}

/// The library's end of a relay to the bound stream.
fn relayed<S>(server: &DirectoryServer, stream: S, sealing: Option<Sealing>) -> Result<UnixStream, DirectoryError>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (library, ours) = UnixStream::pair().map_err(|error| local(server, &error))?;
    relay::start(stream, ours, sealing, server.timeouts.operation, server.shown());
    Ok(library)
}

/// A bind takes as long as an operation may: it asks the key distribution center first.
async fn bind<T>(
    server: &DirectoryServer,
    work: impl Future<Output = Result<T, DirectoryError>>,
) -> Result<T, DirectoryError> {
    let limit = server.timeouts.operation;
    timeout(limit, work).await.unwrap_or_else(|_| {
        let attempt = format!("binding as {}", server.bind.name);
        Err(DirectoryError::TimedOut { server: server.shown(), attempt, limit })
    })
}

/// Waits for one step of connecting.
async fn within<T>(server: &DirectoryServer, work: impl Future<Output = T>) -> Result<T, DirectoryError> {
    let limit = server.timeouts.connect;
    let late = |_| DirectoryError::tls(server, format!("no handshake within {}s", limit.as_secs_f32()));
    timeout(limit, work).await.map_err(late)
}

fn unreachable(server: &DirectoryServer, error: &io::Error) -> DirectoryError {
    DirectoryError::Unreachable { server: server.shown(), why: error.to_string() }
}

/// A stream of this machine's own that could not be made.
fn local(server: &DirectoryServer, error: &io::Error) -> DirectoryError {
    let attempt = "handing the connection over".to_owned();
    DirectoryError::Lost { server: server.shown(), attempt, why: error.to_string() }
}

#[cfg(test)]
mod tests;
