//! The LDAP library panics on answers that are not LDAP. A panic while an answer is awaited is caught here and becomes
//! an error like any other; the connection is not used again after it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The future panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// Waits for `future`; a panic inside it is returned instead of passed on.
///
/// The future is dropped after a panic, so nothing sees what it left half done.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_value() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let broken = async {
            let answer: Result<u8, _> = "not LDAP".parse();
            answer.expect("a number")
        };
        assert_eq!(caught(broken).await, Err(Panicked));
    }
}
