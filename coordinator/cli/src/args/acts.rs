//! What people do to what is going on: rollouts, holds, GoodLink, this coordinator.

use super::reason;
use clap::Subcommand;
use sendgate_core::names::{DomainName, GoodLinkName, HostName, RolloutName};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// File a rollout from its TOML file; nothing is changed before it is started. Applied twice, nothing more happens.
    Apply { file: PathBuf },
    /// Check a rollout's file against the coordinator's configuration, and say what it comes to. Nothing is filed.
    Lint { file: PathBuf },
    /// Let it begin.
    Start {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: Option<String>,
    },
    /// How far each host is, and why it is not moving.
    Show { name: RolloutName },
    /// Why a host is where it is, in one sentence.
    Why { name: RolloutName, host: HostName },
    /// No new effect, and no deadline of failure or soak goes on, until it is resumed: a hold on the rollout.
    Pause {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// End a hold on it; where there is none, let it go on after it stopped by itself: who is paused now is not counted any
    /// more. One that is held and has stopped by itself takes both; the answer says what still stops it.
    Resume {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Try a host again: what happened on it before is forgiven.
    Retry {
        name: RolloutName,
        host: HostName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Leave a host out.
    Skip {
        name: RolloutName,
        host: HostName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Take the hotfix off again, the last wave first; gates are not asked for it, limits and windows are.
    Remove {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// No new effect any more; what runs is finished and reported.
    Abort {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// What is held.
#[derive(Debug, Subcommand)]
pub(crate) enum Held {
    /// Everything.
    Estate {
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Grants in a domain, and the hosts of the servers that serve it.
    Domain {
        domain: DomainName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// One host.
    Host {
        host: HostName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// One rollout, as `sendgate rollout pause` does.
    Rollout {
        rollout: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Coordinator {
    /// Lead the agents that obeyed another coordinator, or a newer copy of its journal, from here on: after its journal was
    /// restored from a backup or lost. Whoever is replaced is refused by them; stop it first.
    Takeover {
        /// Why; it stands in the journal, and in that of every agent that follows.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Goodlink {
    /// Restart it once, however long its users have waited; limits and holds still count.
    Restart {
        goodlink: GoodLinkName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Take that back, as long as it has no permit.
    Cancel {
        goodlink: GoodLinkName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}
