//! Waiting for a condition: asked again and again until a deadline, and the error says what was seen at last.

use super::SystemError;
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(150);

/// Asks until the answer is there. `look` says what it saw instead while it is not.
///
/// # Errors
/// [`SystemError::Late`] after `limit`.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> Result<T, SystemError> {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(seen) => return Ok(seen),
            Err(last) if begin.elapsed() >= limit => {
                return Err(SystemError::Late { what: what.to_owned(), limit, last });
            }
            Err(_) => std::thread::sleep(EVERY),
        }
    }
}
