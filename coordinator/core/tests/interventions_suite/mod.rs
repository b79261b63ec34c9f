//! What people do to single things that are going on.

mod drift;
mod not_configured;
mod people;
mod restarts;
