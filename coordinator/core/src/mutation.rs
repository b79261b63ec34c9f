//! Faults to be planted on purpose, one for each invariant, so that a checker can show that it would find them. Without
//! the feature `mutations`, which no program that is shipped has, [`is`] is `false` when it is compiled.

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutation {
    /// Invariant 1: users without the right do not close a cell.
    UncoveredUser = 1,
    /// Invariant 2: GoodLink is restarted as soon as a right has landed.
    EarlyRestart = 2,
    /// Invariant 3: nobody counts the disrupted hosts.
    NoLimit = 3,
    /// Invariant 4: a domain that nobody has looked at, and a user of whom nothing is known, speak against nothing.
    UnknownIsGood = 4,
    /// Invariant 5: a permit is given again to whoever asks again.
    SecondPermit = 5,
    /// Invariant 6: a new entry is put at the end of the list.
    EntryAtEnd = 6,
    /// Invariant 7: a rollout that was stopped gets permits all the same.
    DeafToAbort = 7,
    /// Invariant 8: a write that is under way is planned again.
    PlannedTwice = 8,
    /// Invariant 9: an agent takes a permit that has expired. Planted in the checker's agent.
    ExpiredPermit = 9,
    /// Invariant 10: an offer that nobody answers is never taken back.
    EternalOffer = 10,
}

/// Whether this fault is planted now.
#[cfg(not(feature = "mutations"))]
#[must_use]
pub const fn is(_: Mutation) -> bool {
    false
}

#[cfg(feature = "mutations")]
pub use planted::{is, plant};

#[cfg(feature = "mutations")]
mod planted {
    use super::Mutation;
    use std::sync::atomic::{AtomicU8, Ordering};

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Whether this fault is planted now.
    #[must_use]
    pub fn is(mutation: Mutation) -> bool {
        PLANTED.load(Ordering::Relaxed) == mutation as u8
    }

    /// Plants a fault in the whole process, in place of the one before, or takes it away.
    pub fn plant(mutation: Option<Mutation>) {
        PLANTED.store(mutation.map_or(0, |mutation| mutation as u8), Ordering::Relaxed);
    }
}
