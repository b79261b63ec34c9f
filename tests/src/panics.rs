//! Panics of tasks and threads that nobody waits for: whoever judges a run has to hear of them.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// From here on every panic of this process is remembered; what is said of it stays as it was.
pub fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let said = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            COUNT.fetch_add(1, Ordering::Relaxed);
            // A thread that is ending has no place for it any more; it is counted all the same.
            let _ = HEARD.try_with(|heard| heard.borrow_mut().push(panic.to_string()));
            said(panic);
        }));
    });
}

/// Panics on this thread since that was last asked.
#[must_use]
pub fn heard() -> Vec<String> {
    HEARD.with(|heard| heard.take())
}

/// Panics on any thread.
#[must_use]
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}
