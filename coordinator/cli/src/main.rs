//! `sendgate`, the operator's command.
//!
//! 1. [`args`] says what may be asked for;
//! 2. [`connection`] reads where the coordinator is and speaks to it over mutual TLS;
//! 3. [`commands`] files requests and fetches views; what the coordinator answered is printed as it is in JSON;
//! 4. [`tables`] lays the same values out for people;
//! 5. [`errors`] says what an exit code means.
//!
//! Beside that stand [`pki`], certificates for those who have no authority of their own, and `rights` and `enforcement`, which
//! need no coordinator. All else is the coordinator's own word: no state and no reason is decided here.

mod args;
mod commands;
mod connection;
mod errors;
mod output;
pub mod pki;
mod tables;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::read();
    // Fails only where a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("sendgate: {}", output::printable(&failure.to_string()));
            errors::Exit::Failed.into()
        }
    }
}
