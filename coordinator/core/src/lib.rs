//! The decisions of Sendgate: pure functions from values to values, without a clock, I/O or concurrency.
//!
//! 1. [`policy`] is what is wanted, validated once;
//! 2. [`estate`] is a fold over observations: agents' reports and surveys, soft state that a new coordinator learns afresh;
//! 3. [`coverage`] judges what a survey read: a verdict for each user and service account, with its cause;
//! 4. [`spec`] is a rollout as people write it, and what it comes to;
//! 5. [`ledger`] is a fold over the journal: milestones, requests, intents, outcomes;
//! 6. [`gate`] says which cells are open, and why the others are not;
//! 7. [`plan`] compares all of it with the deadlines and names the next steps;
//! 8. [`view`] is what people are shown: nothing but the above, arranged;
//! 9. [`window`] says when something may be under way at all: recurring and single maintenance windows.

pub mod coverage;
pub mod enforcement;
pub mod estate;
pub mod gate;
pub mod guid;
pub mod ledger;
pub mod mutation;
pub mod names;
pub mod plan;
pub mod policy;
pub mod request;
pub mod secdesc;
pub mod sid;
pub mod spec;
pub mod time;
pub mod view;
pub mod window;
