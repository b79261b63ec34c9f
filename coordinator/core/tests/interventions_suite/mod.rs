//! What people do to single things that are going on.

mod drift;
mod people;
mod restarts;
