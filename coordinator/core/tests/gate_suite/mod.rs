//! Parts of the scenarios of gates.

mod gone_dark;
mod undeclared;
