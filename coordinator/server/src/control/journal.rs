//! The journal, some records at a time: while nobody reads on, no thread is kept waiting.

use super::Parts;
use crate::journal::{Journal, Record, Sequence};
use sendgate_proto::v1::JournalRecord;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Records read at a time for one reader.
const BATCH: usize = 256;

type Sender = mpsc::Sender<Result<JournalRecord, Status>>;

/// All records from a number on.
pub(super) fn stream(journal: Arc<dyn Journal>, from: Sequence) -> Parts<JournalRecord> {
    let (sender, records) = mpsc::channel(BATCH);
    tokio::spawn(async move {
        if let Err(status) = tell(journal, from, &sender).await {
            // The reader may be gone.
            let _ = sender.send(Err(status)).await;
        }
    });
    Box::pin(ReceiverStream::new(records))
}

async fn tell(journal: Arc<dyn Journal>, mut from: Sequence, sender: &Sender) -> Result<(), Status> {
    loop {
        let store = Arc::clone(&journal);
        let read = tokio::task::spawn_blocking(move || store.read(from, BATCH)).await;
        let read = read.map_err(|error| Status::internal(format!("reading the journal broke off: {error}")))?;
        let batch = read.map_err(|error| Status::data_loss(error.to_string()))?;
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch {
            from = record.sequence.next();
            if sender.send(Ok(wire(record))).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn wire(record: Record) -> JournalRecord {
    JournalRecord {
        sequence: record.sequence.get(),
        previous: record.previous.0.to_vec(),
        digest: record.digest.0.to_vec(),
        payload: record.payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::memory::MemoryJournal;
    use std::time::Duration;
    use tokio::runtime::Builder;
    use tokio_stream::StreamExt as _;

    fn journal(records: usize) -> Arc<dyn Journal> {
        let journal = MemoryJournal::new();
        for _ in 0..records {
            journal.append(journal.next(), b"a record").unwrap();
        }
        Arc::new(journal)
    }

    /// The loop waits for the disk on threads of the same pool.
    #[test]
    fn readers_who_do_not_read_keep_no_thread() {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
        let (journal, all) = (journal(3 * BATCH), 3 * BATCH);
        let read = runtime.block_on(async {
            let unread: Vec<_> = (0..4).map(|_| stream(Arc::clone(&journal), Sequence::FIRST)).collect();
            let reading = stream(journal, Sequence::FIRST).collect::<Vec<_>>();
            // Whoever waits for a thread in vain is to fail here, not to hang.
            let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
            drop(unread);
            read
        });
        let read: Vec<u64> = read.expect("no thread was free").into_iter().map(|part| part.unwrap().sequence).collect();
        assert!(read.iter().copied().eq((1..).take(all)), "{read:?}");
    }

    #[tokio::test]
    async fn the_journal_is_told_from_a_number_on() {
        let from = Sequence::new(256).unwrap();
        let read = stream(journal(BATCH + 2), from).collect::<Vec<_>>().await;
        let read: Vec<u64> = read.into_iter().map(|part| part.unwrap().sequence).collect();
        assert_eq!(read, [256, 257, 258]);
    }
}
