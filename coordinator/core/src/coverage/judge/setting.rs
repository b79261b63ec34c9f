//! What judging depends on besides what was read.

use crate::coverage::placement::{GrantEntry, Reach};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryServerName, DomainName, ExchangeServerName};
use crate::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// What judging one domain depends on besides what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The service accounts that serve the domain.
    pub accounts: BTreeSet<AccountName>,
    /// The server whose containers grants are placed on.
    pub grant_server: DirectoryServerName,
    /// How high up grants may be placed.
    pub reach: Reach,
    /// The domain that each Exchange server's machine is a member of. Of a server that is not here it is not known, and
    /// no group that is local to a domain allows anything there.
    pub exchange_domain: BTreeMap<ExchangeServerName, DomainName>,
    /// What other domains know of an account.
    pub elsewhere: BTreeMap<(DomainName, AccountName), Elsewhere>,
    /// SIDs that accounts of the same name had before they were made again.
    pub former: BTreeMap<AccountName, BTreeSet<Sid>>,
    /// Accounts that somebody has approved to be granted on AdminSDHolder.
    pub holder_approved: BTreeSet<AccountName>,
    /// Pairs whose inherited deny somebody has approved to be overridden by an entry on the user.
    pub override_approved: BTreeSet<(Guid, AccountName)>,
    /// Entries that we have written here and that are to be there.
    pub ours: BTreeSet<GrantEntry>,
}

/// What another domain knows of an account's token on machines of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Groups local to it that the account is in, as its servers all agree.
    pub local: BTreeSet<Sid>,
    /// What one of its servers shows in the token and not all of them.
    pub uncertain: BTreeSet<Sid>,
}

impl Setting {
    /// For `accounts`, with grants placed by `grant_server` within `reach`; nothing else is known or approved.
    #[must_use]
    pub fn new(accounts: BTreeSet<AccountName>, grant_server: DirectoryServerName, reach: Reach) -> Self {
        Self {
            accounts,
            grant_server,
            reach,
            exchange_domain: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            former: BTreeMap::new(),
            holder_approved: BTreeSet::new(),
            override_approved: BTreeSet::new(),
            ours: BTreeSet::new(),
        }
    }
}

/// The usual name of a group whose members have far more than Send As: such a membership covers, and is not meant to.
#[must_use]
pub fn powerful(group: &Sid) -> Option<&'static str> {
    match (group.authority(), group.sub_authorities()) {
        (5, [32, 544]) => Some("Administrators"),
        (5, [32, 548]) => Some("Account Operators"),
        (5, [21, _, _, _, 512]) => Some("Domain Admins"),
        (5, [21, _, _, _, 518]) => Some("Schema Admins"),
        (5, [21, _, _, _, 519]) => Some("Enterprise Admins"),
        _ => None,
    }
}
