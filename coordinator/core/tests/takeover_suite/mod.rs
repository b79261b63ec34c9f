//! Parts of the scenarios of takeovers.

mod joined;
mod waits;

use super::{OWN, start, take_over, take_over_as};
