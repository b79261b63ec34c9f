//! Bytes through a relay, with a server and a program that a test plays: sealing turns each byte over.

use super::super::protocol::Reply;
use super::*;
use tokio::io::{DuplexStream, duplex};

const STALL: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(50);
const AT_ONCE: usize = 1000;

fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

fn sealing() -> Sealing {
    let program = Program::played(|order| match order {
        Order::Open(message) if message == b"!" => Reply::Failed("no".to_owned()),
        Order::Seal(message) | Order::Open(message) => Reply::Message(turned(&message)),
        _ => Reply::Failed("out of order".to_owned()),
    });
    Sealing { program, at_once: AT_ONCE }
}

/// A relay between the library's end and the server's.
fn relayed(sealing: Option<Sealing>, stall: Duration) -> (UnixStream, DuplexStream) {
    let (library, ours) = UnixStream::pair().unwrap();
    let (server, theirs) = duplex(16 * 1024);
    start(theirs, ours, sealing, stall, "dc.example.test".to_owned());
    (library, server)
}

fn message(contents: &[u8]) -> Vec<u8> {
    [&u32::try_from(contents.len()).unwrap().to_be_bytes(), turned(contents).as_slice()].concat()
}

/// Whether the library's stream has ended, which a relay that hangs never lets happen.
async fn ended(mut library: UnixStream) -> bool {
    let mut rest = Vec::new();
    timeout(STALL, library.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn nothing_is_lost_wherever_sealed_messages_end() {
    let text: Vec<u8> = (0..200_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let (mut library, mut server) = relayed(Some(sealing()), STALL);
    let sent = text.clone();
    let sender = tokio::spawn(async move {
        // Many small messages in one write, a large one, an empty one, the rest byte by byte at the end.
        let (first, rest) = sent.split_at(3_000);
        let (second, third) = rest.split_at(150_000);
        let (fourth, last) = third.split_at(third.len() - 20);
        server.write_all(&first.chunks(7).flat_map(message).collect::<Vec<_>>()).await.unwrap();
        server.write_all(&message(second)).await.unwrap();
        server.write_all(&message(&[])).await.unwrap();
        server.write_all(&message(fourth)).await.unwrap();
        for byte in message(last) {
            server.write_all(&[byte]).await.unwrap();
        }
        server
    });
    let mut read = vec![0; text.len()];
    timeout(STALL, library.read_exact(&mut read)).await.unwrap().unwrap();
    assert!(read == text);
    drop(sender.await.unwrap());
    assert!(ended(library).await, "the server's end was not passed on");
}

#[tokio::test]
async fn what_is_sent_is_sealed_in_pieces_that_the_server_takes() {
    let (mut library, mut server) = relayed(Some(sealing()), STALL);
    let text = vec![7; 10_500];
    library.write_all(&text).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < text.len() {
        let length = timeout(STALL, server.read_u32()).await.unwrap().unwrap() as usize;
        assert!((1..=AT_ONCE).contains(&length), "{length}");
        let mut piece = vec![0; length];
        server.read_exact(&mut piece).await.unwrap();
        seen.extend(turned(&piece));
    }
    assert_eq!(seen, text);
    drop(library);
    let mut rest = Vec::new();
    timeout(STALL, server.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn without_sealing_bytes_pass_as_they_are() {
    let (mut library, mut server) = relayed(None, STALL);
    library.write_all(b"question").await.unwrap();
    let mut read = [0; 8];
    server.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"question");
    server.write_all(b"answered").await.unwrap();
    library.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"answered");
    drop(server);
    assert!(ended(library).await);
}

#[tokio::test]
async fn a_message_that_is_too_long_or_never_ends_or_does_not_open_ends_the_connection() {
    // Its own deadline is not what ends it.
    let (library, mut server) = relayed(Some(sealing()), 12 * STALL);
    server.write_all(&[1, 0, 0, 0]).await.unwrap();
    assert!(ended(library).await, "longer than was agreed on");
    let (library, mut server) = relayed(Some(sealing()), SHORT);
    server.write_all(&message(b"whole")[..6]).await.unwrap();
    assert!(ended(library).await, "never finished");
    let (library, mut server) = relayed(Some(sealing()), 12 * STALL);
    server.write_all(&[0, 0, 0, 1, b'!']).await.unwrap();
    assert!(ended(library).await, "not sealed by the server");
}

/// It is what the log says of a connection that broke.
#[tokio::test]
async fn why_a_sealed_message_was_not_taken_is_said() {
    let why = async |bytes: &[u8], stall| {
        let (mut server, theirs) = duplex(1024);
        let ((mut from_server, _), (library, ours)) = (split(theirs), UnixStream::pair().unwrap());
        let (_, mut to_library) = split(ours);
        server.write_all(bytes).await.unwrap();
        let error = open(&mut from_server, &mut to_library, &sealing().program, stall).await.unwrap_err();
        drop((server, library));
        error.to_string()
    };
    let long = why(&[1, 0, 0, 0], 12 * STALL).await;
    assert_eq!(long, "a sealed message of 16777216 bytes, where 16777215 were agreed on");
    assert_eq!(why(&message(b"whole")[..6], SHORT).await, "it stalled for 0.05s");
    assert_eq!(why(&[0, 0, 0, 1, b'!'], 12 * STALL).await, "no");
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let (mut library, server) = relayed(None, SHORT);
    let (flood, mut give_up) = (vec![0; 1 << 20], Vec::new());
    // More than all buffers between hold; the write fails or waits until the relay ends.
    let _ = timeout(STALL, library.write_all(&flood)).await.expect("the relay hangs");
    assert!(timeout(STALL, library.read_to_end(&mut give_up)).await.is_ok());
    drop(server);
}
