//! Parts of the scenarios of rights that are missing.

mod former;
mod off_roster;
mod renamed;
