//! The built command, as an operator meets it.

mod coordinator;
mod offline;
mod support;
