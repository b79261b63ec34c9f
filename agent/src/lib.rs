//! The agent of Sendgate: watches Exchange and GoodLink hosts, and acts on them only with a permit.
//!
//! How data flows, and who does each step:
//! 1. [`config`] reads the TOML file as written and validates it; after that there are no raw strings.
//! 2. [`certificate`] checks the agent's own certificate before anything is started with it.
//! 3. [`probe`] looks at each host again and again: the version of store.exe, patches, services, roster, GoodLink's log.
//!    What cannot be read becomes an error in the report, never a default.
//! 4. [`session`] carries the reports to the coordinator over one gRPC stream with mutual TLS, and brings back offers
//!    of acts and permits. It connects again by itself, with jitter.
//! 5. [`apply`] checks an offer, and starts its program only inside the lifetime of a permit, counted on [`clock`].
//!    The program runs below a supervisor of its own, which outlives a killed agent.
//! 6. [`journal`] remembers, durably and before the effect, each act and the highest generation of a coordinator.
//! 7. After an act has ended, its host is probed and reported at once.
//!
//! [`machine`] is what all of them take from below: time, chance, and threads for work that blocks.
//!
//! [`inspect`] shows what the probes read from one file, without a configuration or a coordinator.

pub mod apply;
pub mod certificate;
pub mod clock;
pub mod config;
pub mod inspect;
pub mod journal;
pub mod kill;
pub mod machine;
pub mod probe;
pub mod session;

mod run;

pub use run::{RunError, run};
