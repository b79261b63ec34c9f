//! Sendgate tests: the laboratory, whole systems in it, the story that the demo tells, the model checker, the simulation, the
//! crash points, and what the benches share.
pub mod bench;
pub mod crash;
pub mod lab;
pub mod model;
pub mod panics;
pub mod pe;
pub mod rollout_file;
pub mod sim;
pub mod story;
pub mod system;
