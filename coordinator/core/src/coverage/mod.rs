//! Who has Send As, and who will keep it.
//!
//! 1. [`reading`]: what a survey read on every directory server;
//! 2. [`judge`]: a verdict for each pair of user and service account, with the cause and the deciding entry per server;
//! 3. [`placement`]: the fewest grants that would cover the missing ones.

pub mod advice;
pub mod judge;
pub mod placement;
pub mod reading;
pub mod verdict;

pub use judge::judge;
pub use verdict::{Cause, DomainPicture, UserPicture, Verdict, VerdictKind};
