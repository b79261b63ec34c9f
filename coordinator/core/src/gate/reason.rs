//! Why a gate is closed: typed, with its evidence, and the same text everywhere.

use crate::coverage::{Cause, VerdictKind};
use crate::ledger::Sequence;
use crate::names::{
    AccountName, DirectoryName, DirectoryServerName, DomainName, ExchangeServerName, GoodLinkName, OperatorName,
    RosterName,
};
use crate::sid::Sid;
use crate::time::Readable;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// One reason why a cell is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// The domain has not been surveyed since this coordinator started.
    NotSurveyed {
        /// The domain.
        domain: DomainName,
    },
    /// The last survey is too old to be evidence.
    EvidenceTooOld {
        /// The domain.
        domain: DomainName,
        /// Its age.
        age: Duration,
        /// The oldest that counts.
        limit: Duration,
    },
    /// A directory server that counts gave no evidence.
    DirectoryServer {
        /// Which.
        server: DirectoryServerName,
        /// Why.
        why: String,
    },
    /// Directory servers show different objects under the name of a service account: each of them looked at the rights of
    /// another one.
    SeveralAccounts {
        /// Whose directory servers.
        domain: DomainName,
        /// The account.
        account: AccountName,
        /// What each of them shows.
        shown: BTreeMap<DirectoryServerName, Sid>,
    },
    /// A service account of another domain is another object by now than the one that this domain was judged for.
    OtherAccount {
        /// The domain that was judged.
        domain: DomainName,
        /// The account.
        account: AccountName,
        /// Whose rights were looked at.
        judged: Sid,
        /// What its own domain shows; none: its directory servers do not show one and the same account.
        present: Option<Sid>,
    },
    /// A service account of another domain has left a group with which this domain was judged.
    FormerGroup {
        /// The domain that was judged.
        domain: DomainName,
        /// The account.
        account: AccountName,
        /// One of the groups that it has left.
        group: Sid,
    },
    /// A domain whose Exchange servers ask for a service account has not shown in which of its groups it is.
    AccountUnseen {
        /// The domain of the Exchange servers.
        domain: DomainName,
        /// The account.
        account: AccountName,
    },
    /// The GoodLink server has not reported to this coordinator.
    GoodlinkNeverReported {
        /// Which.
        goodlink: GoodLinkName,
    },
    /// The GoodLink server's last report is too old.
    GoodlinkSilent {
        /// Which.
        goodlink: GoodLinkName,
        /// How long it has been silent.
        silent: Duration,
    },
    /// Something of the GoodLink server's report is missing or wrong.
    Goodlink {
        /// Which.
        goodlink: GoodLinkName,
        /// What.
        why: String,
    },
    /// The service logs on with another account than the declared one.
    AccountDiffers {
        /// Which server.
        goodlink: GoodLinkName,
        /// As configured.
        declared: AccountName,
        /// As the host says.
        reported: String,
    },
    /// The roster is empty: a GoodLink server without users is more likely a roster that was not read.
    EmptyRoster {
        /// Whose.
        goodlink: GoodLinkName,
    },
    /// A roster user who is not known to be one object in one domain.
    Unresolved {
        /// The user.
        user: RosterName,
        /// Whose.
        goodlink: GoodLinkName,
        /// Why.
        why: String,
        /// True when the directory answered, and the answer is nobody or several.
        answered: bool,
    },
    /// A roster user who is not covered.
    User {
        /// The user.
        user: DirectoryName,
        /// The service account.
        account: AccountName,
        /// What is true of them.
        kind: VerdictKind,
        /// Why.
        cause: Cause,
        /// The entry that decided, in SDDL, with the server that shows it.
        entry: Option<(DirectoryServerName, String)>,
    },
    /// Where the user's mailbox is, is not known, so he may be on any server.
    HomeUnknown {
        /// The user.
        user: DirectoryName,
        /// Why.
        why: String,
    },
    /// The mailbox is on a server that his GoodLink server is not declared to use.
    HomeUndeclared {
        /// The user.
        user: DirectoryName,
        /// Where his mailbox is.
        server: ExchangeServerName,
        /// His GoodLink server.
        goodlink: GoodLinkName,
    },
    /// The right has landed; the second look is still to come.
    AwaitingSecondLook {
        /// The users for whom it is so.
        users: BTreeSet<DirectoryName>,
        /// Until it may be taken, for the last of them; zero: at the next survey.
        remaining: Duration,
    },
    /// A person wants an entry of ours away by which users have the right, and no look has shown yet how they are without it.
    TakenBack {
        /// The grant that wrote it.
        grant: Sequence,
        /// Who wants it away.
        by: OperatorName,
        /// The users for whom it is so.
        users: BTreeSet<DirectoryName>,
    },
    /// The right is proved, but caches may not know it yet.
    Settling {
        /// The users for whom it is so.
        users: BTreeSet<DirectoryName>,
        /// Until the last of them is settled.
        remaining: Duration,
    },
    /// A takeover was declared, and since then it is not known how all users of the GoodLink server stand. Waits begin
    /// once it is.
    NotSeenAnew {
        /// Which.
        goodlink: GoodLinkName,
        /// What is missing.
        why: String,
    },
    /// A takeover was declared: the journal may have lost when their rights landed, so all waits count from when they were
    /// seen first after it.
    TakenOver {
        /// The users for whom it is so.
        users: BTreeSet<DirectoryName>,
        /// Until they count as settled.
        remaining: Duration,
    },
    /// No GoodLink server is declared to use this Exchange server, so nothing is known of its users.
    NobodyDeclared {
        /// Which.
        server: ExchangeServerName,
    },
    /// No GoodLink server with users in this domain is declared to use this Exchange server, and one of them has his mailbox
    /// there, or may have it there as far as is known.
    NobodyOf {
        /// The domain.
        domain: DomainName,
        /// The Exchange server.
        server: ExchangeServerName,
    },
    /// No GoodLink server is declared to have users in this domain, so there is nobody whom its gate could speak of.
    NobodyIn {
        /// Which.
        domain: DomainName,
    },
}

impl Reason {
    /// Whether it says that something is not known, rather than that something is wrong or still to be waited for.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::NotSurveyed { .. }
            | Self::EvidenceTooOld { .. }
            | Self::DirectoryServer { .. }
            | Self::SeveralAccounts { .. }
            | Self::OtherAccount { .. }
            | Self::FormerGroup { .. }
            | Self::AccountUnseen { .. }
            | Self::GoodlinkNeverReported { .. }
            | Self::GoodlinkSilent { .. }
            | Self::Goodlink { .. }
            | Self::HomeUnknown { .. }
            | Self::NobodyDeclared { .. }
            | Self::NobodyOf { .. }
            | Self::NobodyIn { .. }
            | Self::NotSeenAnew { .. }
            | Self::EmptyRoster { .. } => true,
            Self::Unresolved { answered, .. } => !answered,
            Self::User { kind, .. } => kind.is_unknown(),
            Self::AccountDiffers { .. }
            | Self::HomeUndeclared { .. }
            | Self::AwaitingSecondLook { .. }
            | Self::TakenBack { .. }
            | Self::Settling { .. }
            | Self::TakenOver { .. } => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSurveyed { domain } => {
                write!(f, "domain {domain} has not been surveyed since the coordinator started")
            }
            Self::EvidenceTooOld { domain, age, limit } => write!(
                f,
                "the evidence of domain {domain} is {} old; {} is the limit: see why the survey does not end",
                Readable(*age),
                Readable(*limit)
            ),
            Self::DirectoryServer { server, why } => write!(f, "directory server {server} gave no evidence: {why}"),
            Self::SeveralAccounts { domain, account, shown } => {
                let shown: Vec<_> = shown.iter().map(|(server, sid)| format!("{sid} on {server}")).collect();
                write!(
                    f,
                    "the directory servers of {domain} show different accounts as {account}: {}; this ends by itself once \
                     replication is through, and if it does not, see what keeps it up or which of them is to be removed",
                    shown.join(", ")
                )
            }
            Self::OtherAccount { domain, account, judged, present: Some(present) } => write!(
                f,
                "{domain} was looked at for the rights of {judged}, and {account} is {present} by now: its next look \
                 decides, and `sendgate survey run {domain}` takes one at once"
            ),
            Self::OtherAccount { domain, account, judged, present: None } => write!(
                f,
                "{domain} was looked at for the rights of {judged}, and the directory servers of {} do not show one {account} \
                 any more: see that it is there and that their replication is through, then `sendgate survey run {}`",
                account.domain, account.domain
            ),
            Self::FormerGroup { domain, account, group } => write!(
                f,
                "{domain} was looked at for {account} as a member of {group}, and {} does not show it there any more: the next \
                 look decides, and `sendgate survey run {domain}` takes one at once",
                account.domain
            ),
            Self::AccountUnseen { domain, account } => write!(
                f,
                "{account} is checked on Exchange servers of {domain}, whose directory servers have not all shown in which of \
                 their groups it is: they are asked by themselves once those of {} have shown it",
                account.domain
            ),
            Self::GoodlinkNeverReported { goodlink } => {
                write!(
                    f,
                    "declared GoodLink server {goodlink} has not reported: is its agent running, and with the right certificate?"
                )
            }
            Self::GoodlinkSilent { goodlink, silent } => {
                write!(f, "GoodLink server {goodlink} has been silent for {}", Readable(*silent))
            }
            Self::Goodlink { goodlink, why } => write!(f, "GoodLink server {goodlink}: {why}"),
            Self::AccountDiffers { goodlink, declared, reported } => write!(
                f,
                "GoodLink server {goodlink} runs as {reported:?}, {declared} is declared: correct the service or the configuration"
            ),
            Self::EmptyRoster { goodlink } => {
                write!(
                    f,
                    "the roster of GoodLink server {goodlink} is empty: check its export, or remove the server from the configuration"
                )
            }
            Self::Unresolved { user, goodlink, why, .. } => {
                write!(f, "roster user {user} of {goodlink} is unresolved: {why}")
            }
            Self::User { user, account, kind, cause, entry } => {
                write!(f, "user {user} {} for {account}: {cause}", kind.predicate(false))?;
                match entry {
                    Some((server, sddl)) => write!(f, " [entry {sddl} on {server}]"),
                    None => Ok(()),
                }
            }
            Self::HomeUnknown { user, why } => write!(f, "the mailbox of {user} cannot be placed: {why}"),
            Self::HomeUndeclared { user, server, goodlink } => {
                write!(
                    f,
                    "the mailbox of {user} is on {server}, which {goodlink} is not declared to use: add it to the configuration"
                )
            }
            Self::AwaitingSecondLook { users, remaining } => {
                write!(f, "{} users await the second look, due {}", users.len(), due(*remaining))
            }
            Self::TakenBack { grant, by, users } => write!(
                f,
                "{} users have the right by the entry of grant {grant}, which {by} has taken back: the look after it is gone \
                 decides; `sendgate grants redo {grant}` keeps it",
                users.len()
            ),
            Self::Settling { users, remaining } => {
                write!(f, "{} users are settling, until {}", users.len(), due(*remaining))
            }
            Self::NotSeenAnew { goodlink, why } => write!(
                f,
                "since the takeover it is not known how all users of GoodLink server {goodlink} stand, and waits begin once \
                 it is: {why}"
            ),
            Self::TakenOver { users, remaining } => write!(
                f,
                "the rights of {} users may have landed in what the journal lost before the takeover: they settle until {}",
                users.len(),
                due(*remaining)
            ),
            Self::NobodyDeclared { server } => {
                write!(f, "no GoodLink server is declared to use {server}: declare the one that does, or remove it")
            }
            Self::NobodyOf { domain, server } => write!(
                f,
                "a user of {domain} has or may have his mailbox on {server}, and no GoodLink server with users in {domain} is \
                 declared to use it"
            ),
            Self::NobodyIn { domain } => write!(
                f,
                "no GoodLink server is declared to have users in {domain}: add it to the domains of one that has; for a \
                 domain of service accounts alone this is as it should be"
            ),
        }
    }
}

fn due(remaining: Duration) -> String {
    if remaining.is_zero() { "the next survey".to_owned() } else { format!("{} from now", Readable(remaining)) }
}
