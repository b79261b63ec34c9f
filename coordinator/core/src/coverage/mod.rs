//! From what a survey read to what is true of each pair (user, account).
//!
//! 1. [`reading`]: raw facts per directory server, as the survey hands them over;
//! 2. [`judge`]: the verdict of each pair with its [`cause`] and evidence, over all servers that count;
//! 3. [`placement`]: the fewest grants that would cover the missing ones;
//! 4. [`picture`]: the domain as it was last seen, brought up to date look by look; [`past`]: who was shown without the right
//!    before;
//! 5. [`advice`]: the same grants for the tools of a directory team;
//! 6. [`explain`]: one user's verdicts with the whole chain behind them, and what would change them;
//! 7. [`report`]: who of a domain is covered, summed up by cause.

pub mod advice;
pub mod cause;
pub mod explain;
pub mod judge;
pub mod past;
pub mod picture;
pub mod placement;
pub mod reading;
pub mod report;
pub mod verdict;

pub use cause::{Cause, Holder, Warning};
pub use judge::{Elsewhere, Judge, Setting, Touched, look};
pub use picture::{AccountPicture, DomainPicture, Judged, Look};
pub use verdict::{Placement, Presence, ServerVerdict, UserPicture, Verdict, VerdictKind};
