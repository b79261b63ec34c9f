//! Crash points: the real coordinator is killed before, in and after every append of one rollout, the real agents and
//! their supervisors around every act; each time in a system of its own, which must then end as if nothing had been.
//!
//! 1. [`programs`]: builds the programs with their kill points, which no other build has;
//! 2. [`laboratory`]: a real directory server for each lane; [`scene`]: the smallest estate in which all effects happen;
//! 3. [`point`]: where a process ends itself with SIGKILL; the points come from the journal of an undisturbed story;
//! 4. [`story`]: one system from nothing to the end of its rollout; [`operator`] is the only one who asks for it;
//! 5. [`check`]: what must be true then; [`table`]: what is told of all of it.

mod check;
mod laboratory;
mod lanes;
mod operator;
mod point;
mod programs;
mod scene;
mod story;
mod table;

pub use lanes::{Bounds, Failure, Sum, run, stop};
