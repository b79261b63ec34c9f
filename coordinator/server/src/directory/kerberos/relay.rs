//! Between the LDAP library, which is given one end of a socket pair, and the secured stream to the server.
//!
//! SASL's layer is a stream cut into sealed messages of its own lengths (RFC 4422 section 3.7): LDAP messages begin and
//! end anywhere in them. Here each sealed message is opened whole and its contents are passed on at once, so nothing
//! is ever left over. When one side ends, so does the other, and the library finds its stream closed.

use super::program::Program;
use super::protocol::Order;
use super::sasl::{MAX_RECEIVED, Sealing};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Bytes that are read at once from a side without sealing.
const BUFFER: usize = 64 * 1024;

/// Starts relaying: with each message sealed, or as it is where the stream protects itself. A side that takes nothing
/// for `stall`, or does not finish a message that it began, ends it.
pub(in crate::directory) fn start<S>(
    stream: S,
    library: UnixStream,
    sealing: Option<Sealing>,
    stall: Duration,
    shown: String,
) where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    tokio::spawn(async move {
        let (mut from_server, mut to_server) = split(stream);
        let (mut from_library, mut to_library) = split(library);
        let ended = match sealing {
            Some(Sealing { program, at_once }) => tokio::select! {
                ended = seal(&mut from_library, &mut to_server, &program, at_once, stall) => ended,
                ended = open(&mut from_server, &mut to_library, &program, stall) => ended,
            },
            None => tokio::select! {
                ended = pour(&mut from_library, &mut to_server, stall) => ended,
                ended = pour(&mut from_server, &mut to_library, stall) => ended,
            },
        };
        close(to_server, stall, &shown, ended).await;
    });
}

/// Says goodbye to the server; the library's end closes when its half is dropped.
async fn close<S: AsyncWrite>(mut to_server: WriteHalf<S>, stall: Duration, shown: &str, ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::warn!(server = shown, %error, "the secured connection broke");
    }
    // The server may be gone already.
    let _ = timeout(stall, to_server.shutdown()).await;
}

async fn pour<R: AsyncRead, W: AsyncWrite>(
    from: &mut ReadHalf<R>,
    to: &mut WriteHalf<W>,
    stall: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        write(to, bytes, stall).await?;
    }
}

async fn seal<W: AsyncWrite>(
    from: &mut ReadHalf<UnixStream>,
    to: &mut WriteHalf<W>,
    program: &Program,
    at_once: usize,
    stall: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; at_once];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        let message = program.message(Order::Seal(bytes.to_vec())).await.map_err(io::Error::other)?;
        let length = u32::try_from(message.len()).map_err(io::Error::other)?;
        write(to, &[&length.to_be_bytes(), message.as_slice()].concat(), stall).await?;
    }
}

async fn open<R: AsyncRead>(
    from: &mut ReadHalf<R>,
    to: &mut WriteHalf<UnixStream>,
    program: &Program,
    stall: Duration,
) -> io::Result<()> {
    loop {
        // A server may be silent for as long as nothing is asked of it; what it has begun it must finish.
        let mut length = [0; 4];
        if from.read(&mut length[..1]).await? == 0 {
            return Ok(());
        }
        let message = within(stall, async {
            from.read_exact(&mut length[1..]).await?;
            let length = u32::from_be_bytes(length) as usize;
            if length > MAX_RECEIVED {
                let why = format!("a sealed message of {length} bytes, where {MAX_RECEIVED} were agreed on");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            // Grows as it arrives: a length alone takes no memory.
            let mut message = Vec::new();
            (&mut *from).take(length as u64).read_to_end(&mut message).await?;
            if message.len() == length { Ok(message) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        });
        let message = message.await?;
        let opened = program.message(Order::Open(message)).await.map_err(io::Error::other)?;
        write(to, &opened, stall).await?;
    }
}

async fn write<W: AsyncWrite>(to: &mut WriteHalf<W>, bytes: &[u8], stall: Duration) -> io::Result<()> {
    within(stall, async {
        to.write_all(bytes).await?;
        to.flush().await
    })
    .await
}

async fn within<T>(stall: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(stall, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("it stalled for {}s", stall.as_secs_f32()))),
    }
}

#[cfg(test)]
mod tests;
