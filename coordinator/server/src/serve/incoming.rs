//! Connections as they come in: no more than there is room for, and one that cannot be taken ends nothing.
//!
//! The journal, the directory and the connections share the files that a process may have open. Whoever connects without
//! a certificate holds his place until the handshake's deadline, at most.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Connections at most: an estate of hundreds of agents, and everybody who looks.
const CONNECTIONS: u64 = 1024;

/// The rest of the open files is for the journal and the directory servers.
const SHARE: u64 = 2;

/// Between two attempts to take a connection after one failed: files may have been closed by then.
const AGAIN: Duration = Duration::from_secs(1);

/// Lets this process have as many files open as the system allows it, and says how many connections that makes room for.
pub(super) fn room() -> usize {
    let wanted = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: wanted.maximum, maximum: wanted.maximum };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    // None: as many as one likes.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((files / SHARE).clamp(1, CONNECTIONS)).unwrap_or(1)
}

/// A connection, which gives its room back when it ends.
pub(super) struct Admitted {
    tcp: TcpStream,
    _room: OwnedSemaphorePermit,
}

/// Takes connections as long as the stream is there, at most so many at once; the others wait to be taken.
pub(super) fn incoming(listener: TcpListener, room: usize) -> ReceiverStream<io::Result<Admitted>> {
    let (sender, admitted) = mpsc::channel(1);
    tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(room));
        tokio::select! {
            () = sender.closed() => {}
            () = admit(&listener, &room, &sender) => {}
        }
    });
    ReceiverStream::new(admitted)
}

async fn admit(listener: &TcpListener, room: &Arc<Semaphore>, sender: &mpsc::Sender<io::Result<Admitted>>) {
    while let Ok(place) = Arc::clone(room).acquire_owned().await {
        let tcp = loop {
            match listener.accept().await {
                Ok((tcp, _)) => break tcp,
                Err(error) => {
                    tracing::error!(%error, "a connection could not be taken; the next attempt is in a second");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        if sender.send(Ok(Admitted { tcp, _room: place })).await.is_err() {
            return;
        }
    }
}

impl Connected for Admitted {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.tcp.connect_info()
    }
}

impl AsyncRead for Admitted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Admitted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// Whatever happens in a test is there by then.
    async fn soon<T>(what: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(30), what).await.expect("it happens")
    }

    #[tokio::test]
    async fn whoever_comes_when_there_is_no_room_waits_until_somebody_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut incoming = incoming(listener, 1).into_inner();
        let first = TcpStream::connect(address).await.unwrap();
        let admitted = soon(incoming.recv()).await.unwrap().unwrap();
        assert_eq!(admitted.connect_info().remote_addr(), first.local_addr().ok());
        let second = TcpStream::connect(address).await.unwrap();
        // The runtime looks at its sockets between these.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(incoming.try_recv().is_err(), "there is room for one");
        drop(admitted);
        let admitted = soon(incoming.recv()).await.unwrap().unwrap();
        assert_eq!(admitted.connect_info().remote_addr(), second.local_addr().ok());
    }

    #[test]
    fn the_limit_of_open_files_is_raised_as_far_as_it_goes() {
        let known = getrlimit(Resource::Nofile);
        let most = known.maximum.expect("Linux has a limit");
        setrlimit(Resource::Nofile, Rlimit { current: Some(most - 1), maximum: Some(most) }).unwrap();
        let room = room();
        assert_eq!(getrlimit(Resource::Nofile).current, Some(most));
        assert_eq!(room as u64, (most / SHARE).min(CONNECTIONS));
    }
}
