//! How many connections one reading of a directory server uses.

/// The most connections for one reading: a domain controller has its users to serve, and a few cores.
const MOST: i64 = 4;

/// Connections over which everybody on one server is read at the same time. A server works on the searches of one
/// connection one after the other, and on those of several connections at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readers(u8);

impl Readers {
    /// From 1 to 4.
    ///
    /// # Errors
    /// [`TooManyReaders`] for any other number.
    pub fn new(number: i64) -> Result<Self, TooManyReaders> {
        let few = u8::try_from(number).ok().filter(|_| (1..=MOST).contains(&number));
        few.map(Self).ok_or(TooManyReaders { number })
    }

    /// How many there are.
    pub(super) fn count(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Readers {
    /// Two: half the time, and at most two of a domain controller's cores.
    fn default() -> Self {
        Self(2)
    }
}

/// That is no number of connections for reading one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one directory server is read over 1 to 4 connections, not over {number}")]
pub struct TooManyReaders {
    number: i64,
}
