//! Single parts of what people are shown.

mod certificates;
mod gates;
