//! The TCP connection below whatever secures it. What was handed to the machine but has not left it can be taken back.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::net::TcpStream;

/// A second hold on a connection's socket.
#[derive(Debug)]
pub(super) struct Line(OwnedFd);

impl Line {
    pub(super) fn of(stream: &TcpStream) -> io::Result<Self> {
        let borrowed = rustix::fd::AsFd::as_fd(stream);
        Ok(Self(borrowed.try_clone_to_owned()?))
    }

    /// For as long as something is on its way whose answer is awaited: however that ends, but by [`Awaited::answered`], what
    /// has not left by then never does. The end of this program takes it back as well, where a machine would go on sending
    /// for minutes.
    pub(super) fn awaits(&self) -> io::Result<Awaited<'_>> {
        rustix::net::sockopt::set_socket_linger(&self.0, Some(Duration::ZERO))?;
        Ok(Awaited { line: self, answered: false })
    }
}

/// Something on its way. Dropped without an answer it ends the connection at once, whoever else holds the socket: the
/// server is told that it is reset.
pub(super) struct Awaited<'a> {
    line: &'a Line,
    answered: bool,
}

impl Awaited<'_> {
    /// Nothing is on its way any more, and the socket closes in peace again.
    pub(super) fn answered(mut self) {
        self.answered = true;
        // The connection may be gone already.
        let _ = rustix::net::sockopt::set_socket_linger(&self.line.0, None);
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if !self.answered
            && let Err(error) = rustix::net::connect_unspec(&self.line.0)
        {
            tracing::debug!(%error, "a connection without an answer was gone already");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    const BYTES: usize = 200_000;

    /// A connection on which more waits to leave than the other machine has room for, and its other end.
    async fn crowded() -> (TcpStream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 4096).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (other, _) = listener.accept().unwrap();
        let mut left = BYTES;
        while left > 0 {
            stream.writable().await.unwrap();
            left -= stream.try_write(&vec![7; left]).unwrap();
        }
        (stream, other)
    }

    fn arrives(mut other: std::net::TcpStream) -> usize {
        // A test that has failed must not wait for ever.
        other.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (mut buffer, mut count) = ([0; 4096], 0);
        while let Ok(more @ 1..) = other.read(&mut buffer) {
            count += more;
        }
        count
    }

    #[tokio::test]
    async fn what_has_no_answer_leaves_no_more() {
        let (stream, other) = crowded().await;
        let line = Line::of(&stream).unwrap();
        drop(line.awaits().unwrap());
        // Whoever else holds the socket holds it still.
        let count = arrives(other);
        assert!(count < BYTES, "{count} bytes came");
        assert!(stream.try_write(b"more").is_err());
    }

    /// As when the program ends: nobody says anything, the sockets are closed.
    #[tokio::test]
    async fn what_is_closed_without_an_answer_leaves_no_more() {
        let (stream, other) = crowded().await;
        let line = Line::of(&stream).unwrap();
        std::mem::forget(line.awaits().unwrap());
        drop((line, stream));
        let count = arrives(other);
        assert!(count < BYTES, "{count} bytes came");
    }

    #[tokio::test]
    async fn what_was_answered_closes_in_peace() {
        let (stream, other) = crowded().await;
        let line = Line::of(&stream).unwrap();
        line.awaits().unwrap().answered();
        drop((line, stream));
        assert_eq!(arrives(other), BYTES);
    }
}
