//! What the coordinator and the program `sendgate-kerberos` say to one another, over the program's standard input and
//! output: one order, one reply, until the input ends.
//!
//! A frame is its length (four bytes, big-endian), a letter for its kind, and the rest.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Write};

/// The longest frame, in bytes: the largest message of a SASL layer (16 MiB less one, RFC 4752 section 3.1) with room
/// for its kind and for what sealing adds.
pub const MAX_FRAME: usize = 16 * 1024 * 1024 + 4096;

/// How a context is to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Whose: `sendgate@A.EXAMPLE.TEST`.
    pub principal: String,
    /// With whom: `ldap/a1.a.example.test`.
    pub service: String,
    /// The principal's password; without one, a key of the keytab that the environment names is used.
    pub password: Option<String>,
    /// Whether messages are to be sealed: then a context that cannot is refused.
    pub seal: bool,
    /// What the exchange is bound to (RFC 5929), where it is inside TLS.
    pub channel_binding: Option<Vec<u8>>,
}

/// Nothing secret is shown.
impl fmt::Debug for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Begin({} with {}, seal: {})", self.principal, self.service, self.seal)
    }
}

/// What the coordinator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A new context; the reply is its first token.
    Begin(Begin),
    /// The server's token; the reply is the next one.
    Token(Vec<u8>),
    /// Sign a message.
    Sign(Vec<u8>),
    /// Seal a message.
    Seal(Vec<u8>),
    /// Check and open a message of the server.
    Open(Vec<u8>),
}

/// What the program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A token for the server; more must follow.
    More(Vec<u8>),
    /// The last token for the server, empty if there is none: the context is complete.
    Complete(Vec<u8>),
    /// A signed, sealed or opened message.
    Message(Vec<u8>),
    /// It failed.
    Failed(String),
}

/// The bytes are no frame of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message between coordinator and sendgate-kerberos was not understood: install both from the same version")]
pub struct NotUnderstood;

impl Order {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            // Texts, a flag and bytes always have a JSON form.
            Self::Begin(begin) => frame(b'B', &serde_json::to_vec(begin).unwrap_or_default()),
            Self::Token(token) => frame(b'T', token),
            Self::Sign(message) => frame(b'S', message),
            Self::Seal(message) => frame(b'E', message),
            Self::Open(message) => frame(b'O', message),
        }
    }

    /// An order from a frame without its length.
    ///
    /// # Errors
    /// [`NotUnderstood`].
    pub fn decode(frame: &[u8]) -> Result<Self, NotUnderstood> {
        let (kind, rest) = frame.split_first().ok_or(NotUnderstood)?;
        match kind {
            b'B' => serde_json::from_slice(rest).map(Self::Begin).map_err(|_| NotUnderstood),
            b'T' => Ok(Self::Token(rest.to_vec())),
            b'S' => Ok(Self::Sign(rest.to_vec())),
            b'E' => Ok(Self::Seal(rest.to_vec())),
            b'O' => Ok(Self::Open(rest.to_vec())),
            _ => Err(NotUnderstood),
        }
    }
}

impl Reply {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::More(token) => frame(b'M', token),
            Self::Complete(token) => frame(b'C', token),
            Self::Message(message) => frame(b'D', message),
            Self::Failed(why) => frame(b'F', why.as_bytes()),
        }
    }

    /// A reply from a frame without its length.
    ///
    /// # Errors
    /// [`NotUnderstood`].
    pub fn decode(frame: &[u8]) -> Result<Self, NotUnderstood> {
        let (kind, rest) = frame.split_first().ok_or(NotUnderstood)?;
        match kind {
            b'M' => Ok(Self::More(rest.to_vec())),
            b'C' => Ok(Self::Complete(rest.to_vec())),
            b'D' => Ok(Self::Message(rest.to_vec())),
            b'F' => Ok(Self::Failed(String::from_utf8_lossy(rest).into_owned())),
            _ => Err(NotUnderstood),
        }
    }
}

fn frame(kind: u8, rest: &[u8]) -> Vec<u8> {
    // Longer ones are refused by whoever reads them.
    let length = u32::try_from(rest.len() + 1).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), [kind].as_slice(), rest].concat()
}

/// The length of the frame that begins so, if it may be that long.
///
/// # Errors
/// [`NotUnderstood`]: longer than [`MAX_FRAME`].
pub fn frame_length(start: [u8; 4]) -> Result<usize, NotUnderstood> {
    let length = usize::try_from(u32::from_be_bytes(start)).map_err(|_| NotUnderstood)?;
    if length <= MAX_FRAME { Ok(length) } else { Err(NotUnderstood) }
}

/// Waits for the next order; nothing when the input has ended.
///
/// # Errors
/// The input broke off, or is not of this protocol.
pub fn next_order(input: &mut impl Read) -> io::Result<Option<Order>> {
    let mut start = [0; 4];
    match input.read_exact(&mut start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut frame = vec![0; frame_length(start).map_err(io::Error::other)?];
    input.read_exact(&mut frame)?;
    Order::decode(&frame).map(Some).map_err(io::Error::other)
}

/// Sends a reply.
///
/// # Errors
/// The output is closed.
pub fn send_reply(output: &mut impl Write, reply: &Reply) -> io::Result<()> {
    output.write_all(&reply.encode())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Begin {
        Begin {
            principal: "sendgate@A.EXAMPLE.TEST".to_owned(),
            service: "ldap/a1.a.example.test".to_owned(),
            password: Some("s3cret".to_owned()),
            seal: true,
            channel_binding: Some(vec![0, 255]),
        }
    }

    #[test]
    fn orders_and_replies_survive_the_way() {
        let orders = [
            Order::Begin(begin()),
            Order::Token(vec![1]),
            Order::Sign(vec![]),
            Order::Seal(vec![3; 70_000]),
            Order::Open(vec![4]),
        ];
        let input: Vec<u8> = orders.iter().flat_map(Order::encode).collect();
        let mut input = input.as_slice();
        for order in orders {
            assert_eq!(next_order(&mut input).unwrap(), Some(order));
        }
        assert_eq!(next_order(&mut input).unwrap(), None);
        for reply in [
            Reply::More(vec![1, 2]),
            Reply::Complete(vec![]),
            Reply::Message(vec![9; 3]),
            Reply::Failed("no".to_owned()),
        ] {
            let mut bytes = Vec::new();
            send_reply(&mut bytes, &reply).unwrap();
            let (start, frame) = bytes.split_first_chunk::<4>().unwrap();
            assert_eq!(frame_length(*start), Ok(frame.len()));
            assert_eq!(Reply::decode(frame), Ok(reply));
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        assert_eq!(frame_length([255; 4]), Err(NotUnderstood));
        assert_eq!(Order::decode(b""), Err(NotUnderstood));
        assert_eq!(Order::decode(b"Bnothing"), Err(NotUnderstood));
        assert_eq!(Reply::decode(b"Xnothing"), Err(NotUnderstood));
        let error = next_order(&mut [0, 0, 0, 5, b'T'].as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "broken off");
        let error = next_order(&mut [255, 0, 0, 0].as_slice()).unwrap_err().to_string();
        assert!(error.ends_with("install both from the same version"), "{error}");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", Order::Begin(begin())).contains("s3cret"));
    }
}
