//! What may be asked for.

mod acts;

pub(crate) use acts::{Coordinator, Goodlink, Held, Rollout};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};
use sendgate_core::enforcement::StoreVersion;
use sendgate_core::ledger::Sha256;
use sendgate_core::names::{DomainName, OperatorName, RolloutName};
use std::path::PathBuf;

/// Gates the Exchange store hotfix on confirmed Send As coverage.
///
/// Exit codes: 0 done (gate check: open), 1 error, 2 wrong usage, 3 gate closed, 4 cannot tell whether it is open.
#[derive(Debug, Parser)]
#[command(name = "sendgate", version)]
pub(crate) struct Args {
    /// Tables for people, or the coordinator's own answer for programs.
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Where the coordinator is and who asks [default: $SENDGATE_CONNECTION, else ~/.config/sendgate/connection.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) connection: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// What was asked for; ends the program with 2 where it makes no sense.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        if args.output == Output::Csv && !matches!(args.command, Command::Coverage { .. }) {
            let text = "--output csv is a form of `coverage` only: use --output json";
            Self::command().error(ErrorKind::ArgumentConflict, text).exit();
        }
        args
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a person on call looks at first.
    Status,
    /// Every declared host: agent, store version, service, pauses.
    Hosts,
    /// Every watched domain: gate, directory servers, users.
    Domains,
    /// Who of a domain is covered, grouped by cause; with --output csv a line for each user and service account.
    ///
    /// In CSV, a cell that a spreadsheet would take for a formula (it begins with =, +, - or @) begins with an apostrophe.
    Coverage {
        /// A configured domain.
        domain: DomainName,
        /// The users of the rosters, as they were last seen (the default).
        #[arg(long, conflicts_with = "mailboxes")]
        roster: bool,
        /// Everybody who has a mailbox, read now, for every service account that serves the domain.
        #[arg(long)]
        mailboxes: bool,
    },
    /// One user from the roster to the verdict: object, token, each entry and what it did, and what would cover him.
    Explain {
        /// As a roster has him: the name in its first column, or the directory's in the second.
        user: String,
        /// Every entry of a list by itself, also those for other rights.
        #[arg(long)]
        all: bool,
    },
    /// The reading of a domain.
    #[command(subcommand)]
    Survey(Survey),
    /// What is to be done next, and why everything else stands still; or a dry run of one rollout: every host, its wave and
    /// window, why it can or cannot go, how long all of it takes.
    Plan {
        /// The name of a rollout, or the path of a rollout's file.
        rollout: Option<String>,
    },
    /// Whether the hotfix may be installed.
    #[command(subcommand)]
    Gate(Gate),
    /// The hotfix for a set of Exchange servers.
    #[command(subcommand)]
    Rollout(Rollout),
    /// Stop something: no new effect begins there, and deadlines of failure and soak stand still, until it is released.
    Hold {
        #[command(subcommand)]
        held: Held,
    },
    /// End your hold; where no person holds it, that of Sendgate itself. What others hold as well stays held.
    Release {
        #[command(subcommand)]
        held: Held,
        /// End the hold of this person instead; `sendgate`: that of Sendgate itself.
        #[arg(long, value_name = "PERSON", global = true)]
        of: Option<OperatorName>,
    },
    /// GoodLink servers.
    #[command(subcommand)]
    Goodlink(Goodlink),
    /// Except one user from the gate, for a reason and a time.
    Waive {
        /// As a roster has him: the name in its first column, or the directory's in the second.
        user: String,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// A duration from now, such as 72h, or a time, such as 2027-03-01T06:00:00Z.
        #[arg(long, value_name = "DURATION|TIME", value_parser = expiry)]
        expires: String,
    },
    /// Except him no longer: the gate counts him again.
    Unwaive {
        /// As a roster has him: the name in its first column, or the directory's in the second.
        user: String,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Grants: proposed, waiting for an approval, approved, made, undone.
    Grants {
        #[command(subcommand)]
        command: Option<Grants>,
    },
    /// Say yes to something that is never done without it. It takes a certificate with the role approver, and for a rollout
    /// not that of anybody who wrote any form of it.
    Approve {
        #[command(subcommand)]
        subject: Approvable,
    },
    /// Take every yes to it back. It takes a certificate with the role approver or operator. What was written or installed
    /// under it stays.
    Revoke {
        #[command(subcommand)]
        subject: Revocable,
    },
    /// The coordinator itself.
    #[command(subcommand)]
    Coordinator(Coordinator),
    /// The journal.
    #[command(subcommand)]
    Journal(Journal),
    /// Certificates for the coordinator, agents and operators, without a coordinator.
    #[command(subcommand)]
    Pki(crate::pki::PkiCommand),
    /// Judge security descriptors, without a coordinator: one JSON question per line in, one JSON answer per line out.
    Rights {
        /// Questions: {"sd": BASE64 or null, "sddl": TEXT, "token": [SID, ...], "self": SID, "right": GUID or "send-as"};
        /// - reads standard input.
        #[arg(long, value_name = "FILE")]
        batch: PathBuf,
    },
    /// Whether a store.exe version checks Send As by Microsoft's own statements, without a coordinator.
    Enforcement {
        /// Such as 6.5.7638.1.
        version: StoreVersion,
    },
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs: the coordinator's own answer.
    Json,
    /// For spreadsheets (RFC 4180); of `coverage` only.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Survey {
    /// Read a domain in full now, on every directory server.
    Run {
        /// A configured domain.
        domain: DomainName,
        /// Show how far it is, and end with it: exit 1 if a directory server could not be read.
        #[arg(long)]
        watch: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gate {
    /// Exit 0: open; 3: closed; 4: cannot tell. The reasons are printed.
    Check {
        /// A configured domain or Exchange server.
        #[arg(value_name = "DOMAIN|SERVER")]
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Grants {
    /// What a directory team would run for each proposed grant: dsacls, PowerShell, and LDIF made from what the places
    /// show now.
    Advise { domain: DomainName },
    /// Take an entry of ours away, and do not write it again.
    Undo {
        /// The number of the grant, as `sendgate grants` shows it.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        grant: u64,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Let an undone entry be written again where somebody needs it.
    Redo {
        /// The number of the grant, as `sendgate grants` shows it.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        grant: u64,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// What a yes is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Approvable {
    #[command(flatten)]
    Entry(Entry),
    /// A rollout, in the form that you have read: where it has another one by now, this is refused.
    Rollout {
        name: RolloutName,
        /// The digest of that form, as `sendgate rollout show` prints it.
        #[arg(value_parser = digest)]
        digest: String,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// What a yes is taken back from.
#[derive(Debug, Subcommand)]
pub(crate) enum Revocable {
    #[command(flatten)]
    Entry(Entry),
    /// A rollout.
    Rollout {
        name: RolloutName,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// Entries in the directory that are never written without a yes.
#[derive(Debug, Subcommand)]
pub(crate) enum Entry {
    /// An entry on AdminSDHolder: ACCOUNT may send as every protected user of DOMAIN, administrators among them.
    Adminsdholder {
        domain: DomainName,
        /// The service account, name@domain or DOMAIN\name.
        account: String,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// An entry on USER that beats the inherited one which denies ACCOUNT.
    Override {
        /// As a roster has him: the name in its first column, or the directory's in the second.
        user: String,
        /// The service account, name@domain or DOMAIN\name.
        account: String,
        /// Why; it stands in the journal.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Its records, oldest first.
    Show {
        /// Number of the first record.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        from: u64,
    },
    /// Fetch all of it and compute the chain of digests again.
    Verify,
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a reason is needed: it is what the next person on call reads in the journal".to_owned());
    }
    Ok(text.to_owned())
}

/// As many digits as tell forms of a rollout apart.
fn digest(text: &str) -> Result<String, String> {
    let digits = text.trim();
    if digits.len() < Sha256::SHORT || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        let short = Sha256::SHORT;
        return Err(format!(
            "give the {short} hexadecimal digits that `sendgate rollout show` prints, or more of them"
        ));
    }
    Ok(digits.to_owned())
}

/// The coordinator counts from its own clock, so what was written is what is sent; here only its form is checked.
fn expiry(text: &str) -> Result<String, String> {
    let text = text.trim();
    let duration = text.parse::<SignedDuration>();
    if text.parse::<Timestamp>().is_ok() || duration.is_ok_and(|duration| duration.is_positive()) {
        return Ok(text.to_owned());
    }
    Err("neither a duration from now, such as 72h or 90m, nor a time with its zone, such as 2027-03-01T06:00:00Z"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_expiry_is_a_duration_or_a_time() {
        for good in ["72h", "90m", "1h 30m", "2027-03-01T06:00:00Z", "2027-03-01T06:00:00+01:00"] {
            assert_eq!(expiry(good).as_deref(), Ok(good));
        }
        for bad in ["", "72", "-3h", "0s", "tomorrow", "2027-03-01"] {
            assert!(expiry(bad).unwrap_err().starts_with("neither a duration from now"), "{bad}");
        }
    }
}
