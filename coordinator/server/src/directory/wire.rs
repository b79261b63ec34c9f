//! The few LDAP messages that are exchanged before the LDAP library gets the connection: StartTLS and SASL binds.
//! Written by hand, because the library offers neither on a stream that it does not own, and so that what a server
//! sends before it has proved who it is meets a parser without recursion.

use ldap3::LdapResult;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The largest message that is taken, in bytes: a bind's answer holds one token, a few hundred bytes.
const MAX_MESSAGE: usize = 256 * 1024;

/// StartTLS (RFC 4511 section 4.14.1).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// Tags (RFC 4511 section 4.2 and 4.12; universal ones X.690 section 8).
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const ENUMERATED: u8 = 0x0a;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const BIND_REQUEST: u8 = 0x60;
    pub(super) const BIND_RESPONSE: u8 = 0x61;
    pub(super) const EXTENDED_REQUEST: u8 = 0x77;
    pub(super) const EXTENDED_RESPONSE: u8 = 0x78;
    pub(super) const EXTENDED_NAME: u8 = 0x80;
    pub(super) const SASL: u8 = 0xa3;
    pub(super) const REFERRALS: u8 = 0xa3;
    pub(super) const SASL_CREDENTIALS: u8 = 0x87;
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Result code, text.
    pub(super) result: LdapResult,
    /// serverSaslCreds of a BindResponse; empty and absent are the same here.
    pub(super) token: Vec<u8>,
}

/// A request of this file, and the tag that answers it.
struct Request {
    operation: Vec<u8>,
    answered_by: u8,
}

/// Asks for TLS on this connection.
pub(super) async fn start_tls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Answer> {
    let name = element(tag::EXTENDED_NAME, &[START_TLS.as_bytes()]);
    let operation = element(tag::EXTENDED_REQUEST, &[&name]);
    exchange(stream, 1, &Request { operation, answered_by: tag::EXTENDED_RESPONSE }).await
}

/// One step of a SASL bind (RFC 4511 section 4.2): `number` counts the steps of a connection from 1.
pub(super) async fn sasl_bind(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    number: u8,
    mechanism: &str,
    token: &[u8],
) -> io::Result<Answer> {
    let version = element(tag::INTEGER, &[&[3]]);
    let name = element(tag::OCTETS, &[]);
    let mechanism = element(tag::OCTETS, &[mechanism.as_bytes()]);
    let credentials = element(tag::OCTETS, &[token]);
    let sasl = element(tag::SASL, &[&mechanism, &credentials]);
    let operation = element(tag::BIND_REQUEST, &[&version, &name, &sasl]);
    exchange(stream, number, &Request { operation, answered_by: tag::BIND_RESPONSE }).await
}

async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    number: u8,
    request: &Request,
) -> io::Result<Answer> {
    let message = element(tag::SEQUENCE, &[&element(tag::INTEGER, &[&[number]]), &request.operation]);
    stream.write_all(&message).await?;
    stream.flush().await?;
    answer(&message_of(stream).await?, number, request.answered_by).ok_or_else(not_ldap)
}

fn not_ldap() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not the LDAP answer that was due")
}

/// The contents of one message.
async fn message_of(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    if stream.read_u8().await? != tag::SEQUENCE {
        return Err(not_ldap());
    }
    let first = stream.read_u8().await?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        length = 0;
        for _ in 0..usize::from(first & 0x7f) {
            length = (length << 8) | usize::from(stream.read_u8().await?);
            if length > MAX_MESSAGE {
                return Err(not_ldap());
            }
        }
    }
    let mut contents = vec![0; length];
    stream.read_exact(&mut contents).await?;
    Ok(contents)
}

fn answer(message: &[u8], number: u8, answered_by: u8) -> Option<Answer> {
    let mut message = Reader(message);
    let id = message.next(tag::INTEGER)?;
    // Number 0 is a notice of disconnection (RFC 4511 section 4.4.1): its result says why.
    let notice = id.iter().all(|byte| *byte == 0);
    if !notice && id != [number] {
        return None;
    }
    let mut operation = Reader(message.next(if notice { tag::EXTENDED_RESPONSE } else { answered_by })?);
    let rc = operation.next(tag::ENUMERATED)?;
    let rc = rc.iter().try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? + u32::from(*byte)))?;
    let matched = String::from_utf8_lossy(operation.next(tag::OCTETS)?).into_owned();
    let text = String::from_utf8_lossy(operation.next(tag::OCTETS)?).into_owned();
    operation.optional(tag::REFERRALS);
    let token = operation.optional(tag::SASL_CREDENTIALS).unwrap_or_default().to_vec();
    if notice && rc == 0 {
        return None;
    }
    Some(Answer { result: LdapResult { rc, matched, text, refs: Vec::new(), ctrls: Vec::new() }, token })
}

/// A tag, its length and its contents (X.690 section 8.1).
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = contents.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).map_or(&length[length.len()..], |at| &length[at..]);
    let mut bytes = vec![tag];
    match *significant {
        [] => bytes.push(0),
        [short] if short < 0x80 => bytes.push(short),
        // A length has at most eight bytes.
        _ => {
            bytes.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            bytes.extend(significant);
        }
    }
    bytes.extend(contents);
    bytes
}

/// What is left to read of a value.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// The contents of the next element, if it has this tag and is whole.
    fn next(&mut self, tag: u8) -> Option<&'b [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        if found != tag {
            return None;
        }
        let mut length = usize::from(first);
        if first >= 0x80 {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            length =
                bytes.iter().try_fold(0_usize, |value, byte| value.checked_mul(256)?.checked_add((*byte).into()))?;
            rest = after;
        }
        let (contents, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some(contents)
    }

    fn optional(&mut self, tag: u8) -> Option<&'b [u8]> {
        if self.0.first() == Some(&tag) { self.next(tag) } else { None }
    }
}

#[cfg(test)]
mod tests;
