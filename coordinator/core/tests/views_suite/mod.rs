//! Single parts of what people are shown.

mod certificates;
mod gates;
mod rosters;
mod unjudged;
