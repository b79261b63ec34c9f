//! Parts of the scenarios of gates.

mod undeclared;
