//! The SASL bind with the mechanism GSSAPI (RFC 4752 section 3.1).

use super::program::{Failure, Program};
use super::protocol::{Begin, Order, Reply};
use super::{Kerberos, Secret, remedy};

use crate::directory::error::code;
use crate::directory::{DirectoryError, DirectoryServer, wire};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

const MECHANISM: &str = "GSSAPI";

/// Steps of a bind: Kerberos takes two or three, and the layer two more.
const STEPS: u8 = 10;

/// Layers, as bits of the first byte of both sides' offer.
const NO_LAYER: u8 = 1;
const SEALED: u8 = 4;

/// The largest sealed message that is taken, in bytes: the most that can be said. Some servers send as much as they
/// like, and a large message is no danger: it fills up as it arrives.
pub(super) const MAX_RECEIVED: usize = 0xff_ffff;

/// What sealing may add to a message, in bytes, generously: 76 with AES (RFC 4121 section 4.2.4), less with RC4.
const OVERHEAD: usize = 256;

/// Messages are sealed in pieces of at most this many bytes, even where a server takes more.
const LARGEST_SENT: usize = 64 * 1024;

/// What protects the messages after the bind.
#[derive(Debug, Clone)]
pub(in crate::directory) enum Layer {
    /// TLS does; the value binds the exchange to it. Servers refuse a second layer inside it.
    Tls(Vec<u8>),
    /// Each message is sealed.
    Sealed,
}

/// A sealed connection.
#[derive(Debug)]
pub(in crate::directory) struct Sealing {
    pub(super) program: Program,
    /// The most bytes that may be sealed at once.
    pub(super) at_once: usize,
}

/// Binds; returns what seals the messages from here on, if that was asked for.
///
/// # Errors
/// [`DirectoryError`]. The caller keeps the time.
pub(in crate::directory) async fn bind(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &DirectoryServer,
    kerberos: &Kerberos,
    layer: Layer,
) -> Result<Option<Sealing>, DirectoryError> {
    let program = Program::start(kerberos, server.timeouts.operation);
    let program = program.map_err(|failure| kerberos_error(server, failure.to_string()))?;
    bind_with(program, stream, server, kerberos, layer).await
}

async fn bind_with(
    program: Program,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &DirectoryServer,
    kerberos: &Kerberos,
    layer: Layer,
) -> Result<Option<Sealing>, DirectoryError> {
    let failed = |failure: Failure| kerberos_error(server, failure.to_string());
    let (seal, channel_binding) = match layer {
        Layer::Tls(binding) => (false, Some(binding)),
        Layer::Sealed => (true, None),
    };
    let begin = Begin {
        principal: server.bind.name.clone(),
        service: format!("ldap/{}", server.name),
        password: match &kerberos.secret {
            Secret::Keytab(_) => None,
            Secret::Password(password) => Some(password.reveal().to_owned()),
        },
        seal,
        channel_binding,
    };
    let mut conversation = Conversation { stream, server, steps: 0 };
    let mut reply = program.ask(Order::Begin(begin)).await.map_err(failed)?;
    let offer = loop {
        reply = match reply {
            Reply::More(token) => {
                let token = conversation.step(&token).await?;
                program.ask(Order::Token(token)).await.map_err(failed)?
            }
            Reply::Complete(token) => break conversation.step(&token).await?,
            Reply::Message(_) | Reply::Failed(_) => return Err(failed(Failure::Ended)),
        };
    };
    let offer = program.message(Order::Open(offer)).await.map_err(failed)?;
    let (choice, at_once) = choose(&offer, seal).map_err(|why| kerberos_error(server, why))?;
    let choice = program.message(Order::Sign(choice.to_vec())).await.map_err(failed)?;
    conversation.last(&choice).await?;
    Ok(seal.then_some(Sealing { program, at_once }))
}

/// The answer to a server's offer, and how many bytes may be sealed at once.
fn choose(offer: &[u8], seal: bool) -> Result<([u8; 4], usize), String> {
    let &[layers, high, middle, low] = offer else {
        return Err("the server's offer of layers is not four bytes".to_owned());
    };
    if !seal {
        // Without a layer the size must be said to be zero.
        return if layers & NO_LAYER != 0 {
            Ok(([NO_LAYER, 0, 0, 0], 0))
        } else {
            Err("the server insists on signing or sealing inside TLS".to_owned())
        };
    }
    if layers & SEALED == 0 {
        return Err("the server does not offer to seal messages".to_owned());
    }
    let taken = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    match taken.checked_sub(OVERHEAD) {
        Some(at_once @ 1..) => {
            let [_, high, middle, low] = u32::try_from(MAX_RECEIVED).unwrap_or(0).to_be_bytes();
            Ok(([SEALED, high, middle, low], at_once.min(LARGEST_SENT)))
        }
        _ => Err(format!("the server takes sealed messages of {taken} bytes at most, in which nothing fits")),
    }
}

/// An error of Kerberos, with what can be done about it.
fn kerberos_error(server: &DirectoryServer, why: String) -> DirectoryError {
    let remedy = remedy::of(&why);
    DirectoryError::Kerberos { server: server.shown(), principal: server.bind.name.clone(), why, remedy }
}

struct Conversation<'c, S> {
    stream: &'c mut S,
    server: &'c DirectoryServer,
    steps: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    async fn send(&mut self, token: &[u8]) -> Result<wire::Answer, DirectoryError> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(kerberos_error(self.server, format!("the bind did not end within {STEPS} steps")));
        }
        let answer = wire::sasl_bind(self.stream, self.steps, MECHANISM, token).await;
        answer.map_err(|error| broken(self.server, &error))
    }

    /// A step after which the server wants more.
    async fn step(&mut self, token: &[u8]) -> Result<Vec<u8>, DirectoryError> {
        let answer = self.send(token).await?;
        match answer.result.rc {
            code::SASL_BIND_IN_PROGRESS => Ok(answer.token),
            0 => Err(kerberos_error(self.server, "the server ended the bind before a layer was agreed on".to_owned())),
            _ => Err(DirectoryError::bind(self.server, &answer.result)),
        }
    }

    /// The step that ends the bind.
    async fn last(&mut self, token: &[u8]) -> Result<(), DirectoryError> {
        let answer = self.send(token).await?;
        match answer.result.rc {
            0 => Ok(()),
            code::SASL_BIND_IN_PROGRESS => {
                Err(kerberos_error(self.server, "the server wants more where nothing more is due".to_owned()))
            }
            _ => Err(DirectoryError::bind(self.server, &answer.result)),
        }
    }
}

fn broken(server: &DirectoryServer, error: &io::Error) -> DirectoryError {
    let (server, attempt) = (server.shown(), format!("binding as {}", server.bind.name));
    match error.kind() {
        io::ErrorKind::InvalidData => DirectoryError::NotUnderstood { server, attempt, why: error.to_string() },
        _ => DirectoryError::Lost { server, attempt, why: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
