//! What one survey read: facts per directory server, nothing judged yet. What a server did not say is an error or a
//! variant of its own here, never an empty default.

use super::judge::Touched;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName, ExchangeServerName};
use crate::secdesc::SecurityDescriptor;
use crate::sid::Sid;
use crate::time::Steady;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A domain's roster users as every directory server that counts shows them: read in full once in a while, and kept up
/// to date from what the servers say has changed.
#[derive(Debug, Clone)]
pub struct DomainReading {
    /// The domain.
    pub domain: DomainName,
    /// When the last full reading began: nothing here was read from a descriptor before this.
    pub started: Steady,
    /// The names that were asked for, on every server.
    pub asked: BTreeSet<DirectoryName>,
    /// Each server that counts, with what it said or why it said nothing.
    pub servers: BTreeMap<DirectoryServerName, Result<ServerReading, ServerFailure>>,
}

/// Why a directory server gave no evidence; the text says what was attempted, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerFailure(pub String);

/// What one directory server said.
#[derive(Debug, Clone)]
pub struct ServerReading {
    /// As of when all of this is true on the server: when the last look at what has changed began.
    pub seen: Steady,
    /// Service accounts of GoodLink servers that serve this domain, as this server knows them, or why it does not.
    pub accounts: BTreeMap<AccountName, Result<AccountReading, String>>,
    /// Those of other domains that it shows once their own domain has: until then nobody knows in which of its groups they
    /// are.
    pub accounts_awaited: BTreeSet<AccountName>,
    /// Every name that was asked for. A name that is missing here was not accounted for and counts as unreadable.
    pub users: BTreeMap<DirectoryName, UserReading>,
    /// The domain head and every container above a found user, with its descriptor.
    pub containers: BTreeMap<Dn, DescriptorReading>,
    /// The head of the domain.
    pub head: Dn,
    /// `CN=AdminSDHolder,CN=System,<domain>`.
    pub admin_sd_holder: DescriptorReading,
    /// Of whom only a part of what decides was read since `seen`: what they are shown to lack counts, and nothing that they
    /// are shown to have.
    pub in_part: Touched,
}

impl DomainReading {
    /// Every service account that any server was asked for.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<&AccountName> {
        self.servers.values().flatten().flat_map(|server| server.accounts.keys()).collect()
    }
}

impl ServerReading {
    /// `CN=AdminSDHolder,CN=System,<domain>`, whose descriptor protected accounts get (MS-ADTS 3.1.1.6.1).
    #[must_use]
    pub fn holder(&self) -> Dn {
        Dn::from(format!("CN=AdminSDHolder,CN=System,{}", self.head))
    }
}

/// A service account, and what a server knows of its token.
///
/// The store asks on the Exchange server, so groups that are local to a domain count as that server's domain sees them:
/// what allows must hold there, what denies counts from the user's domain as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReading {
    /// Where it is.
    pub dn: Dn,
    /// The account's own SID: what a grant names.
    pub sid: Sid,
    /// In the token wherever the account logs on: itself, its SID history, its global and universal groups over any
    /// number of levels, and the well-known SIDs of a network logon.
    pub everywhere: BTreeSet<Sid>,
    /// Groups of this server's domain that are in the token on machines of this domain only: domain-local groups, and
    /// those of `S-1-5-32`.
    pub local: BTreeSet<Sid>,
    /// SIDs that may be in the token: these may deny, never allow.
    pub uncertain: BTreeSet<Sid>,
}

/// What a server said when asked for one user.
#[derive(Debug, Clone)]
pub enum UserReading {
    /// A complete search found nobody.
    NotFound,
    /// A complete search found several.
    Ambiguous(Vec<Dn>),
    /// Exactly one.
    Found(Arc<FoundUser>),
    /// The search failed or its answer could not be understood.
    Failed(String),
}

/// A user's object.
#[derive(Debug, Clone)]
pub struct FoundUser {
    /// Where it is.
    pub dn: Dn,
    /// `objectGUID`: the same object on every server.
    pub guid: Guid,
    /// `objectSid`: what SELF stands for.
    pub sid: Sid,
    /// The most specific structural class.
    pub class: UserClass,
    /// The DACL as shown.
    pub descriptor: DescriptorReading,
    /// Where the mailbox is.
    pub home: Home,
    /// The chain of groups from the user to a protected group, if he is a member of one.
    pub protected_by: Option<Arc<GroupPath>>,
    /// `adminCount` is 1. Sticky, and so no proof of membership.
    pub admin_count: bool,
    /// Whose mailbox it is.
    pub owner: MailboxOwner,
}

/// Whose mailbox an object stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailboxOwner {
    /// The object itself: an enabled account, or a disabled one that says SELF in `msExchMasterAccountSid`.
    Itself,
    /// A disabled account that names no owner (`userAccountControl` ACCOUNTDISABLE without `msExchMasterAccountSid`): the
    /// store refuses such mailboxes for reasons of its own.
    Nobody,
    /// An account of another forest (`msExchMasterAccountSid`).
    External(Sid),
}

/// Which class GUID an inherited entry must name to reach the object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UserClass {
    /// `user`.
    User,
    /// `inetOrgPerson`: entries for `user` do not reach it.
    InetOrgPerson,
    /// Another class, by name; no form of the grant is known to reach it.
    Other(String),
}

/// What a server showed of a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescriptorReading {
    /// Parsed.
    Shown(Arc<SecurityDescriptor>),
    /// The attribute was not returned: the reader lacks the right to read it.
    NotShown,
    /// Returned, but not a security descriptor; the text says why.
    Malformed(String),
}

/// Where a mailbox is, by `homeMDB` or `msExchHomeServerName`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Home {
    /// On this server.
    Server(ExchangeServerName),
    /// Neither attribute is there.
    None,
    /// The attributes are there, but contradict one another or name no server; the text quotes them.
    Unclear(String),
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write!(f, "{server}"),
            Self::None => f.write_str("no mailbox"),
            Self::Unclear(why) => write!(f, "unclear: {why}"),
        }
    }
}

/// From the user's own group up to the protected group, at least one element.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupPath(pub Vec<Dn>);
