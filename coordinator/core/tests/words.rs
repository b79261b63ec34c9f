//! What people read in tables, reasons and the journal, word for word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod words_suite;
