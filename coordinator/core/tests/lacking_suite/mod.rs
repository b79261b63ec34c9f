//! Parts of the scenarios of rights that are missing.

mod off_roster;
