//! A whole running system in a laboratory: simulated hosts, one real agent for each, the real coordinator, the real
//! command, and certificates that the command made.
//!
//! 1. [`Layout`]: where everything of a run lies;
//! 2. [`Plan`]: what is to be there: hosts, store versions, rosters, waits;
//! 3. [`System::make`]: writes certificates, configurations and host folders;
//! 4. [`System::start_hosts`], [`System::start_agents`], [`System::start_coordinator`]: processes on the laboratory's
//!    node `client`; they end with the [`System`].
//!
//! Nothing here decides or checks anything of Sendgate's: it starts programs, asks them, and waits for answers.

mod agent_text;
mod binaries;
mod cli;
mod coordinator_text;
mod error;
mod host;
mod layout;
mod pki;
mod plan;
mod process;
mod running;
mod scripts;
pub mod wait;

pub use binaries::Binaries;
pub use cli::Output;
pub use error::SystemError;
pub use layout::{LISTEN, Layout, TLS_NAME};
pub use pki::connection;
pub use plan::{
    ACT_DEADLINE, GoodLinkHost, GrantMode, HOTFIX, HOTFIX_NAME, HOTFIX_TEXT, Plan, PlanDomain, StoreHost, TestSend,
    UNPATCHED, Version, Waits,
};
pub use process::Process;
pub use running::System;
