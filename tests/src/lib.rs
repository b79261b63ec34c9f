//! Sendgate tests: the laboratory, whole systems in it, and the story that the demo tells.
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
