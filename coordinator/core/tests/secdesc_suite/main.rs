//! Security descriptors, from outside the crate: the laws, the errors that others shipped, what Samba writes, the
//! texts of every error.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by it")]

mod batch;
mod edits;
mod laws;
mod made;
mod samba;
mod sddl;
mod shipped;
mod sids;
mod texts;
mod tokens;
mod words;
