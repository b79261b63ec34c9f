//! Parts of a state that many states share, compared and hashed without going through them.

use sendgate_core::ledger::Ledger;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

/// A journal's fold with its hash, so that comparing two states does not walk through both. Equal ones are kept once.
#[derive(Debug, Clone)]
pub struct Folded {
    value: Arc<Ledger>,
    hash: u64,
    changed: bool,
}

/// Ledgers by their hash.
type Shard = Mutex<HashMap<u64, Weak<Ledger>>>;

/// Every ledger that a state holds.
static LEDGERS: LazyLock<[Shard; 64]> = LazyLock::new(|| std::array::from_fn(|_| Mutex::default()));

impl Folded {
    /// Takes a ledger.
    #[must_use]
    pub fn new(value: Ledger) -> Self {
        let mut folded = Self { value: Arc::new(value), hash: 0, changed: true };
        folded.seal();
        folded
    }

    /// The ledger, to be changed; [`Folded::seal`] must follow.
    pub fn change(&mut self) -> &mut Ledger {
        self.changed = true;
        Arc::make_mut(&mut self.value)
    }

    /// Hashes the ledger after it was changed, and shares it with equal ones.
    pub fn seal(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        self.hash = ahash::RandomState::with_seeds(5, 6, 7, 8).hash_one(&*self.value);
        let shard = usize::try_from(self.hash % 64).unwrap_or(0);
        let mut ledgers = LEDGERS[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = ledgers.get(&self.hash).and_then(Weak::upgrade) {
            self.value = same;
            return;
        }
        ledgers.insert(self.hash, Arc::downgrade(&self.value));
        if ledgers.len().is_power_of_two() {
            ledgers.retain(|_, ledger| ledger.strong_count() > 0);
        }
    }
}

/// A part of a state that most states have in common: it is copied when it is changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Common<T>(Arc<T>);

impl<T> Common<T> {
    /// Takes a value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> std::ops::Deref for Common<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> std::ops::DerefMut for Common<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl std::ops::Deref for Folded {
    type Target = Ledger;
    fn deref(&self) -> &Ledger {
        &self.value
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Folded {}

impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
