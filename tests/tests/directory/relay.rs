//! Something between a survey and its server: it can be cut, and counts what the server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A relay to one address.
pub(crate) struct Relay {
    address: String,
    joined: watch::Sender<bool>,
    answered: Arc<AtomicU64>,
    /// How much of the second connection's answers is let through, counted from when this was said.
    second: Arc<Second>,
}

/// A limit for the second connection, and which connection comes next.
struct Second {
    next: AtomicU64,
    limit: AtomicU64,
}

impl Relay {
    /// Listens, joined.
    pub(crate) async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (joined, state) = watch::channel(true);
        let answered = Arc::new(AtomicU64::new(0));
        let second = Arc::new(Second { next: AtomicU64::new(1), limit: AtomicU64::new(u64::MAX) });
        let (target, count, both) = (target.to_owned(), Arc::clone(&answered), Arc::clone(&second));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let is_second = both.next.fetch_add(1, Ordering::Relaxed) == 2;
                let most = if is_second { both.limit.load(Ordering::Relaxed) } else { u64::MAX };
                tokio::spawn(carry(client, target.clone(), state.clone(), Arc::clone(&count), most));
            }
        });
        Self { address, joined, answered, second }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends every connection, and every new one at once.
    pub(crate) fn cut(&self) {
        self.joined.send_replace(false);
    }

    /// Lets so many bytes of the answers through on the second connection from now on, and ends it then.
    pub(crate) fn cut_second_after(&self, bytes: u64) {
        self.second.next.store(1, Ordering::Relaxed);
        self.second.limit.store(bytes, Ordering::Relaxed);
    }

    /// Carries again.
    pub(crate) fn join(&self) {
        self.joined.send_replace(true);
    }

    /// Bytes that came from the server so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

async fn carry(
    client: TcpStream,
    target: String,
    mut joined: watch::Receiver<bool>,
    answered: Arc<AtomicU64>,
    most: u64,
) {
    if !*joined.borrow_and_update() {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((mut asks, mut gets), (mut says, mut hears)) = (client.into_split(), server.into_split());
    let up = tokio::io::copy(&mut asks, &mut hears);
    let down = async {
        let (mut buffer, mut carried) = (vec![0; 65536], 0);
        while let Ok(count @ 1..) = says.read(&mut buffer).await {
            answered.fetch_add(count as u64, Ordering::Relaxed);
            carried += count as u64;
            if carried > most {
                return;
            }
            if gets.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = up => {}
        () = down => {}
        _ = joined.wait_for(|joined| !joined) => {}
    }
}
