//! Windows that are asked again and again: an answer is kept for as long as it holds.

use super::open::{Answer, answer};
use super::{Opening, Window};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

/// Windows of which any may be open. What they answer depends on the moment alone; that the last answer is kept changes
/// nothing but how long the next one takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<Window>", into = "Vec<Window>")]
pub struct Together {
    windows: Vec<Window>,
    last: Last,
}

impl Together {
    /// What [`windows_at`](super::windows_at) says.
    #[must_use]
    pub fn at(&self, wall: Timestamp) -> Opening {
        let mut last = self.last.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = last.filter(|(asked, answer)| *asked <= wall && wall < answer.before);
        let (_, answer) = *last.insert(kept.unwrap_or_else(|| (wall, answer(&self.windows, wall))));
        answer.opening
    }
}

/// The last answer, and the moment it was asked for.
#[derive(Debug, Default)]
struct Last(Box<Mutex<Option<(Timestamp, Answer)>>>);

// It is no part of the value.
impl Clone for Last {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Last {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Last {}

impl PartialOrd for Last {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Last {
    fn cmp(&self, _other: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for Last {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}

impl From<Vec<Window>> for Together {
    fn from(windows: Vec<Window>) -> Self {
        Self { windows, last: Last::default() }
    }
}

impl From<Together> for Vec<Window> {
    fn from(together: Together) -> Self {
        together.windows
    }
}

impl Deref for Together {
    type Target = [Window];

    fn deref(&self) -> &[Window] {
        &self.windows
    }
}
