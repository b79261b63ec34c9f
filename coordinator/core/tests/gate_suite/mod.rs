//! Parts of the scenarios of gates.

mod gone_dark;
mod other_domains;
mod undeclared;
