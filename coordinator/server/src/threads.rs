//! Where work that waits for a disk is done, so that the loop never stands still for anything else.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Work that blocks.
pub type Work = Box<dyn FnOnce() + Send>;

/// Does work that blocks, away from the tasks that must not wait.
pub trait Threads: Send + Sync {
    /// Does the work; completes when it is done.
    ///
    /// # Errors
    /// When the work ended without an end, such as a thread that was lost.
    fn run(&self, work: Work) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;
}

/// The runtime's own threads for blocking work.
#[derive(Debug, Clone, Copy)]
pub struct Pool;

impl Threads for Pool {
    fn run(&self, work: Work) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>> {
        let running = tokio::task::spawn_blocking(work);
        Box::pin(async move { running.await.map_err(io::Error::other) })
    }
}

/// Does work that has a result.
///
/// # Errors
/// As [`Threads::run`].
pub async fn blocking<T: Send + 'static>(
    threads: &dyn Threads,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let slot = Arc::new(Mutex::new(None));
    let result = Arc::clone(&slot);
    threads
        .run(Box::new(move || {
            let done = work();
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        }))
        .await?;
    let done = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    done.ok_or_else(|| io::Error::other("the work was not done"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_has_a_result_and_a_lost_thread_is_an_error() {
        assert_eq!(blocking(&Pool, || 41 + 1).await.unwrap(), 42);
        let lost = blocking(&Pool, || panic!("on purpose")).await.map(|()| 0);
        assert!(lost.unwrap_err().to_string().contains("panic"));
    }

    /// Says that it did the work, and did not.
    struct Liar;

    impl Threads for Liar {
        fn run(&self, _work: Work) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>> {
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn work_that_was_not_done_is_an_error() {
        assert_eq!(blocking(&Liar, || 1).await.unwrap_err().to_string(), "the work was not done");
    }
}
