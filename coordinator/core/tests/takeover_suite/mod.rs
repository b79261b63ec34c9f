//! Parts of the scenarios of takeovers.

mod unwatched;
mod waits;

use super::{OWN, start, take_over, take_over_as};
